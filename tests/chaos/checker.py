"""Judges a chaos run by what its flows, its writers and its killer noted themselves, beside the catalog.

Times are wall times in seconds. A write is known from before it was sent (w0) to after it was acknowledged (w1); what it
says of itself is no evidence of when it was committed in between. A run consumed what it consumed between
its claim (flow_runs.started_at, read before the claim's transaction) and its first line in the journal.
"""

import collections
import datetime
import glob
import heapq
import os

EPSILON_S = 0.002  # the catalog's times are cut to microseconds, and fractions are added up

Write = collections.namedtuple("Write", "w0 w1 sure")


def seconds(text):
    if text is None:
        return None
    return datetime.datetime.fromisoformat(str(text)).replace(tzinfo=datetime.timezone.utc).timestamp()


class Journal:
    """What the flows wrote, by run."""

    def __init__(self, folder):
        self.starts = collections.defaultdict(list)  # run: [(time, pid, flow)]
        self.ends = {}  # run: (time, code)
        self.overlaps = []
        self.writes = collections.defaultdict(list)  # table: [Write]
        for path in sorted(glob.glob(os.path.join(folder, "*.journal"))):
            self.read(path, os.path.basename(path)[:-len(".journal")])

    def read(self, path, flow):
        begun = {}
        table = None
        if os.path.exists(path[:-len("journal")] + "table"):
            with open(path[:-len("journal")] + "table", encoding="utf-8") as f:
                table = f.read()
        with open(path, encoding="utf-8") as f:
            for line in f:
                what, time_us, pid, run, *more = line.split()
                at, run = int(time_us) / 1e6, int(run)
                if what == "S":
                    self.starts[run].append((at, int(pid), flow))
                elif what == "E":
                    self.ends[run] = (at, int(more[0]))
                elif what == "O":
                    self.overlaps.append("flow %s: run %d (pid %s) started at %.3f while another lived (pid, run: %s)"
                                         % (flow, run, pid, at, " ".join(more)))
                elif what == "B":
                    begun[run] = at
                elif what == "W":
                    self.writes[table].append(Write(begun.pop(run), at, True))
        for at in begun.values():  # killed in between, or refused: it may have been committed until much later
            self.writes[table].append(Write(at, at + 60, False))


class Checker:
    def __init__(self, query, journal, writes, shot):
        """writes: {table name: [Write]} of the test's own writers; shot: runs whose "shim" or "flow" was killed."""
        self.query, self.journal, self.shot = query, journal, shot
        self.found = []
        self.figures = collections.OrderedDict()
        self.writes = collections.defaultdict(list)
        for source in (writes, journal.writes):
            for table, some in source.items():
                self.writes[table] += some
        self.load()

    def bad(self, promise, text, *values):
        self.found.append("%s: %s" % (promise, text % values if values else text))

    def load(self):
        self.runs = collections.OrderedDict()
        for row in self.query(
                "SELECT r.id, r.registration_id, r.schedule_id, r.run_type, r.started_at, r.ended_at,"
                " CAST(r.success AS INTEGER), x.state, x.shim_pid, x.flow_pid, x.exit_code, x.exit_signal, x.reason,"
                " x.cancel_at, x.attempt, x.cause FROM flow_runs r LEFT JOIN scheduler_runs x ON x.run_id = r.id"
                " ORDER BY r.id"):
            run = dict(zip(("id", "flow", "schedule", "type", "claimed", "ended", "success", "state", "shim", "pid",
                            "code", "signal", "reason", "cancel", "attempt", "cause"), row))
            run["claimed"], run["ended"] = seconds(run["claimed"]), seconds(run["ended"])
            starts = self.journal.starts.get(run["id"], [])
            run["start"] = starts[0][0] if starts else None
            self.runs[run["id"]] = run
        self.schedules = {}
        for sid, flow, kind, table, every, created in self.query(
                "SELECT s.id, s.registration_id, s.schedule_type, s.trigger_table_id, s.interval_seconds, s.created_at"
                " FROM flow_schedules s ORDER BY s.id"):
            self.schedules[sid] = {"flow": flow, "type": kind, "tables": [table] if table else [], "every": every,
                                   "created": seconds(created), "runs": []}
        for sid, table in self.query("SELECT schedule_id, table_id FROM schedule_trigger_tables"):
            self.schedules[sid]["tables"].append(table)
        names = dict(self.query("SELECT id, name FROM catalog_tables"))
        for s in self.schedules.values():
            s["tables"] = [names[t] for t in s["tables"]]
        for run in self.runs.values():
            if run["schedule"] in self.schedules and run["type"] == "scheduled":
                self.schedules[run["schedule"]]["runs"].append(run)

    def describe(self, run):
        return "run %(id)d (flow %(flow)d, schedule %(schedule)s, %(state)s, attempt %(attempt)s, shim %(shim)s," \
               " pid %(pid)s, code %(code)s, signal %(signal)s, success %(success)s, reason %(reason)s)" % run

    # --- the promises ---

    def one_run_per_flow(self):
        for text in self.journal.overlaps:
            self.bad("P1", text)
        self.figures["overlapping runs"] = len(self.journal.overlaps)

    def at_most_one_start(self):
        for run, starts in self.journal.starts.items():
            if len(starts) > 1:
                self.bad("P9", "run %d started %d times: %s", run, len(starts), starts)
            if run not in self.runs:
                self.bad("P9", "run %d started and is not in the catalog", run)

    def every_run_ended(self):
        unstarted = 0
        for run in self.runs.values():
            if run["ended"] is None:
                self.bad("P10", "left open: %s", self.describe(run))
            if run["state"] != "ended":
                self.bad("P10", "not seen to its end: %s", self.describe(run))
            if run["start"] is None:
                unstarted += 1
                if run["cancel"] is None and run["id"] not in self.shot["flow"]:
                    self.bad("P9", "never started: %s", self.describe(run))
        self.figures["runs that never started (killed or cancelled first)"] = unstarted

    def verdicts(self):
        unseen = 0
        for run in self.runs.values():
            end = self.journal.ends.get(run["id"])
            well = end is not None and end[1] == 0
            if run["success"] == 1 and not well:
                self.bad("P7", "success without a good end: %s", self.describe(run))
            if run["success"] == 1 and run["cancel"] is not None:
                self.bad("P7", "cancelled and yet a success: %s", self.describe(run))
            if well and run["success"] != 1 and run["cancel"] is None:
                if run["id"] not in self.shot["shim"] | self.shot["flow"]:
                    self.bad("P10", "ended well and yet no success: %s", self.describe(run))
                unseen += 1
        self.figures["ends nobody saw (supervisor killed)"] = unseen

    def slots_fire_once(self):
        fired = 0
        for sid, s in self.schedules.items():
            if s["type"] not in ("interval", "cron"):
                continue
            every, origin = (s["every"], s["created"]) if s["type"] == "interval" else (60, 0)
            seen = {}
            for run in s["runs"]:
                slot = int((run["claimed"] - origin) // every)
                fired += 1
                if slot in seen:
                    self.bad("P4", "schedule %d fired twice in slot %d: runs %d and %d at %.3f and %.3f", sid, slot,
                             seen[slot]["id"], run["id"], seen[slot]["claimed"], run["claimed"])
                seen[slot] = run
        self.figures["slots fired"] = fired

    def consumption(self, run):
        """The earliest and the latest time at which this run can have consumed what it consumed."""
        latest = run["start"] if run["start"] is not None else run["ended"]
        return run["claimed"] - EPSILON_S, (latest if latest is not None else run["claimed"] + 60) + EPSILON_S

    def no_phantoms(self):
        n = 0
        for sid, s in self.schedules.items():
            for table in s["tables"]:
                n += self.match(sid, s["runs"], table)
        self.figures["data-triggered runs"] = sum(len(s["runs"]) for s in self.schedules.values() if s["tables"])

    def match(self, sid, runs, table):
        """Each run takes, of the writes that may have been new to it, the one that is new the shortest."""
        coming = collections.deque(sorted(self.writes[table]))
        new = []  # by w1: writes that may have been committed by now
        before = float("-inf")
        for run in runs:
            earliest, latest = self.consumption(run)
            while coming and coming[0].w0 <= latest:
                heapq.heappush(new, (coming[0].w1, coming.popleft()))
            while new and new[0][0] < before:  # the run before has consumed it
                heapq.heappop(new)
            if new:
                heapq.heappop(new)
            else:
                self.bad("P3", "schedule %d: no new write of %s for %s at %.3f", sid, table, self.describe(run),
                         run["claimed"])
            before = earliest
        return len(runs)

    def no_lost_trigger(self):
        for sid, s in self.schedules.items():
            if not s["tables"]:
                continue
            last = max((self.consumption(run)[1] for run in s["runs"]), default=float("-inf"))
            later = [any(w.sure and w.w0 > last for w in self.writes[table]) for table in s["tables"]]
            if all(later):
                self.bad("P2", "schedule %d: %s written after %.3f, when its last run started", sid,
                         " and ".join(s["tables"]), last)
        self.figures["writes"] = sum(len(some) for some in self.writes.values())
        self.figures["writes whose commit is not known"] = sum(
            not w.sure for some in self.writes.values() for w in some)

    def requests_answered(self):
        for row in self.query("SELECT id, kind, run_id FROM scheduler_requests WHERE outcome IS NULL"):
            self.bad("P2", "request never answered: %s", row)
        for row in self.query("SELECT id, run_id FROM scheduler_requests WHERE kind = 'run' AND outcome = 'done'"):
            if row[1] not in self.runs:
                self.bad("P9", "request %s was done by run %s, which is not there", *row)
        self.figures["requests"] = self.query("SELECT count(*) FROM scheduler_requests"
                                              " WHERE kind IN ('run', 'cancel')")[0][0]

    def lateness(self):
        """No promise while everything is under fire; told for orientation."""
        late = sorted(seconds(f) - seconds(d) for f, d in self.query("SELECT fired_at, due_at FROM scheduler_firings"))
        if late:
            self.figures["lateness, median and worst"] = "%.3f s, %.1f s" % (late[len(late) // 2], late[-1])

    def check(self):
        self.figures["runs"] = len(self.runs)
        self.figures["runs taken up again"] = sum((run["attempt"] or 1) > 1 for run in self.runs.values())
        self.one_run_per_flow()
        self.at_most_one_start()
        self.every_run_ended()
        self.verdicts()
        self.slots_fire_once()
        self.no_phantoms()
        self.no_lost_trigger()
        self.requests_answered()
        self.lateness()
        return self.found
