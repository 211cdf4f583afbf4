"""The chaos test's judge: which runs have a new write of their own, and which are phantoms."""

import unittest

from checker import Checker, Write


def phantoms(writes, *runs):
    """How many of the runs, each (claimed, started), are said to have had no new write."""
    judge = Checker.__new__(Checker)
    judge.found, judge.writes = [], {"t": writes}
    judge.match(1, [dict.fromkeys(("id", "flow", "schedule", "state", "attempt", "shim", "pid", "code", "signal",
                                   "success", "reason", "ended"), 0) | {"claimed": claimed, "start": start}
                    for claimed, start in runs], "t")
    return len(judge.found)


class Match(unittest.TestCase):
    def test_a_write_allows_one_run(self):
        self.assertEqual(phantoms([Write(1.0, 1.1, True)], (1.2, 1.3)), 0)
        self.assertEqual(phantoms([Write(1.0, 1.1, True)], (1.2, 1.3), (2.2, 2.3)), 1)

    def test_a_run_before_the_write_is_a_phantom(self):
        self.assertEqual(phantoms([Write(1.5, 1.6, True)], (1.2, 1.3)), 1)

    def test_a_run_consumes_all_writes_before_its_claim(self):
        self.assertEqual(phantoms([Write(1.0, 1.1, True), Write(1.0, 1.2, True)], (2.0, 2.1), (3.0, 3.1)), 1)

    def test_a_write_acknowledged_late_counts_from_its_beginning(self):
        writes = [Write(1.0, 2.0, True), Write(1.5, 1.6, True)]
        self.assertEqual(phantoms(writes, (1.2, 1.3), (1.7, 1.8)), 0)

    def test_a_write_of_unknown_outcome_is_left_to_a_later_run(self):
        writes = [Write(1.0, 61.0, False), Write(1.5, 1.6, True)]
        self.assertEqual(phantoms(writes, (1.7, 1.8), (2.5, 2.6)), 0)
        self.assertEqual(phantoms(writes, (1.7, 1.8), (2.5, 2.6), (3.5, 3.6)), 1)


if __name__ == "__main__":
    unittest.main()
