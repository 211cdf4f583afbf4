#!/usr/bin/env python3
"""A Flowfile catalog driven by the daemon and by a Python scheduler in turn, and by both at once.

    handover.py [STORY...]

Each story has a fresh copy of the fixture catalog, the daemon that was built and a peer: python_peer.py, or
Flowfile's own scheduler when FLOWFILE_TEST_SRC names a checkout of it (FLOWFILE_TEST_SRC_PYTHON: the interpreter,
which needs sqlalchemy and croniter). Who launched a run is told by scheduler_runs, which only the daemon writes.
"""

import concurrent.futures
import contextlib
import datetime
import gzip
import itertools
import os
import queue
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import zoneinfo

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("abs_top_builddir", os.path.abspath("."))
FIXTURE = os.path.join(HERE, "../fixtures/flowfile-0.16-catalog.db.gz")
PEER = os.path.join(HERE, "python_peer.py")
POLL_S = 0.1
LIMIT_S = 30
AT_ONCE_S = 10  # a hand-over that did not wait for anything
SIDE_BY_SIDE = 4

# A flow, a table and a schedule of our own: written last, its run proves that all before it was looked at.
CANARY_FLOW, CANARY_TABLE, CANARY_SCHEDULE = 90, 90, 90


def utc_text(seconds_ago=0.0):
    when = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds_ago)
    return when.strftime("%Y-%m-%d %H:%M:%S.%f")


def wait_for(what, condition, limit_s=LIMIT_S):
    """Returns what condition() gave once it is true."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %d s in vain: %s" % (limit_s, what))
        time.sleep(0.01)


class Program:
    """A process whose lines of output are read as they come."""

    def __init__(self, name, argv, env, stream):
        self.name, self.lines, self.said = name, queue.Queue(), []
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
        pipes[stream] = subprocess.PIPE
        if stream == "stdout":
            pipes["stderr"] = subprocess.STDOUT
        self.process = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, **pipes)
        self.reader = threading.Thread(target=self.read, args=(getattr(self.process, stream),), daemon=True)
        self.reader.start()

    def read(self, stream):
        for line in stream:
            self.lines.put(line.decode(errors="replace").rstrip())
        self.lines.put(None)

    def expect(self, text, limit_s=LIMIT_S):
        """The next line with the text in it; earlier ones are passed by."""
        end = time.monotonic() + limit_s
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError("%s did not say %r within %d s" % (self.name, text, limit_s)) from None
            if line is None:
                raise AssertionError("%s ended without saying %r" % (self.name, text))
            self.said.append(line)
            if text in line:
                return line

    def drain(self):
        with contextlib.suppress(queue.Empty):
            while (line := self.lines.get_nowait()) is not None:
                self.said.append(line)

    def signal(self, number):
        self.process.send_signal(number)

    def freeze(self):
        """Until it is thawed by SIGCONT."""
        self.signal(signal.SIGSTOP)
        wait_for("%s to stand still" % self.name, self.is_frozen)

    def is_frozen(self):
        with open("/proc/%d/stat" % self.process.pid, encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "T"

    def wait(self):
        return self.process.wait(timeout=LIMIT_S)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.drain()
        getattr(self.process, "stdout" if self.process.stdout else "stderr").close()


class Stage:
    """A folder with a catalog, and whoever plays on it."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="flowfile-test-")
        self.path = os.path.join(self.dir, "catalog.db")
        self.journal_path = os.path.join(self.dir, "journal")
        self.flows = os.path.join(self.dir, "flows")
        self.programs = []
        os.mkdir(self.flows)
        with gzip.open(FIXTURE) as packed, open(self.path, "wb") as f:
            f.write(packed.read())
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            # Quiet at first: what the stories need, they make due.
            db.execute("UPDATE flow_schedules SET last_triggered_at = ? WHERE id IN (1, 2)", (utc_text(),))
            db.execute("UPDATE flow_schedules SET last_cron_slot = NULL WHERE id = 2")
            db.execute("INSERT INTO flow_registrations (id, name, flow_path, owner_id, flow_uuid, is_api_compatible)"
                       " VALUES (?, 'canary', '/flows/canary.yaml', 1, '00000000-0000-4000-8000-00000000cafe', 0)",
                       (CANARY_FLOW,))
            db.execute("INSERT INTO catalog_tables (id, name, owner_id) VALUES (?, 'canary', 1)", (CANARY_TABLE,))
            db.execute("INSERT INTO flow_schedules (id, registration_id, owner_id, enabled, schedule_type,"
                       " trigger_table_id, last_trigger_table_updated_at) SELECT ?, ?, 1, 1, 'table_trigger', id,"
                       " updated_at FROM catalog_tables WHERE id = ?", (CANARY_SCHEDULE, CANARY_FLOW, CANARY_TABLE))
            db.commit()
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("FLOWFILE_")}
        self.env.update(
            FLOWFILE_STORAGE_DIR=self.dir, FLOWFILE_DB_PATH=self.path, FLOWFILE_TEST_JOURNAL=self.journal_path,
            FLOWFILE_TEST_FLOWS=self.flows, FLOWFILE_SHIM=os.path.join(BUILD, "flowfile-shim"),
            FLOWFILE_RUN_COMMAND="'%s' '%s' child {flow_path} --run-id {run_id}" % (sys.executable, PEER))

    # --- who plays ---

    def daemon(self):
        env = dict(self.env, FLOWFILE_SCHEDULER_LOG_LEVEL="debug")
        p = Program("daemon", [os.path.join(BUILD, "flowfile_scheduler")], env, "stderr")
        self.programs.append(p)
        return p

    def peer(self):
        p = make_peer(self)
        self.programs.append(p)
        return p

    def end(self, failed):
        for p in self.programs:
            p.end()
        said = []
        for pid in {int(line[2]) for line in self.journal() if failed}:
            with contextlib.suppress(OSError), open("/proc/%d/environ" % pid, "rb") as f:
                if self.dir.encode() in f.read():
                    os.kill(pid, signal.SIGKILL)
        if failed:
            for p in self.programs:
                said.append("--- %s\n%s" % (p.name, "\n".join(line for line, _ in itertools.groupby(p.said))))
            said.append("--- runs")
            said += map(str, self.query("SELECT r.id, r.schedule_id, r.started_at, r.ended_at, r.success, r.pid FROM"
                                        " flow_runs r WHERE r.started_at > '2026-06'"))
        shutil.rmtree(self.dir, ignore_errors=True)
        return said

    # --- the catalog ---

    def query(self, sql, *values):
        with contextlib.closing(sqlite3.connect(self.path, timeout=LIMIT_S)) as db:
            return db.execute(sql, values).fetchall()

    def value(self, sql, *values):
        rows = self.query(sql, *values)
        return rows[0][0] if rows else None

    def write(self, sql, *values):
        with contextlib.closing(sqlite3.connect(self.path, timeout=LIMIT_S)) as db:
            db.execute(sql, values)
            db.commit()

    @contextlib.contextmanager
    def alone(self):
        """Nobody else has the catalog's file locked."""
        with contextlib.closing(sqlite3.connect(self.path, timeout=LIMIT_S, isolation_level=None)) as db:
            db.execute("BEGIN EXCLUSIVE")
            yield
            db.execute("ROLLBACK")

    def touch(self, *tables):
        """As Flowfile's catalog_writer: updated_at becomes the time, to the second. Later than any, as after a second."""
        for table in tables:
            self.write("UPDATE catalog_tables SET row_count = coalesce(row_count, 0) + 1, updated_at ="
                       " max(CURRENT_TIMESTAMP, datetime((SELECT max(updated_at) FROM catalog_tables), '+1 second'))"
                       " WHERE id = ?", table)

    def runs(self, schedule):
        """New runs of a schedule, as (id, who launched it). The fixture's own are below 100."""
        where = ("SELECT r.id, CASE WHEN x.run_id IS NULL THEN 'peer' ELSE 'daemon' END FROM flow_runs r"
                 " LEFT JOIN scheduler_runs x ON x.run_id = r.id AND x.state <> 'foreign'"
                 " AND x.holder_id IS NOT NULL WHERE r.schedule_id = ? AND r.started_at > '2026-06' ORDER BY r.id")
        try:
            return self.query(where, schedule)
        except sqlite3.OperationalError:
            return [(row[0], "peer") for row in self.query(
                "SELECT id FROM flow_runs WHERE schedule_id = ? AND started_at > '2026-06' ORDER BY id", schedule)]

    def who_ran(self, schedule):
        return [who for _, who in self.runs(schedule)]

    def journal(self):
        try:
            with open(self.journal_path, encoding="utf-8") as f:
                return [line.split() for line in f]
        except FileNotFoundError:
            return []

    def started(self, schedule, before):
        """What the journal says of a run of this schedule's that came after as many; others may start meanwhile."""
        ids = {str(run) for run, _ in self.runs(schedule)[before:]}
        return [line for line in self.journal() if line[0] == "start" and line[1] in ids]

    # --- what is asked of them ---

    def canary(self, who):
        """Whoever leads has looked at everything that was committed before this returns."""
        before = len(self.runs(CANARY_SCHEDULE))
        wait_for("the canary's flow is free", lambda: not self.open_runs(CANARY_SCHEDULE))
        self.touch(CANARY_TABLE)
        wait_for("the canary's run by the %s" % who, lambda: len(self.runs(CANARY_SCHEDULE)) > before)
        got = self.who_ran(CANARY_SCHEDULE)[before:]
        assert got == [who], "the canary was launched by %s, not by the %s" % (got, who)
        if who == "peer":  # which looks at sets after it looked at tables
            self.peer_tick()

    def peer_tick(self):
        peer = [p for p in self.programs if p.name == "peer"][-1]
        peer.drain()
        peer.expect("held")

    def open_runs(self, schedule):
        return self.query("SELECT id FROM flow_runs WHERE schedule_id = ? AND ended_at IS NULL", schedule)

    def quiet(self):
        """Everything has ended, and is recorded so."""
        wait_for("all runs to be closed", lambda: not self.query("SELECT id FROM flow_runs WHERE ended_at IS NULL"))
        if s_daemon := [p for p in self.programs if p.name == "daemon" and p.process.poll() is None]:
            wait_for("%s to see runs out" % s_daemon[0].name, lambda: not self.query(
                "SELECT run_id FROM scheduler_runs WHERE state IN ('claimed', 'recorded')"))
        starts = sorted(line[1] for line in self.journal() if line[0] == "start")
        assert len(starts) == len(set(starts)), "a run started twice: %s" % starts

    def hold_flow(self, flow):
        open(self.flow_file(flow, ".hold"), "w", encoding="utf-8").close()

    def free_flow(self, flow):
        os.unlink(self.flow_file(flow, ".hold"))

    def flow_file(self, flow, suffix):
        path = self.value("SELECT flow_path FROM flow_registrations WHERE id = ?", flow)
        return os.path.join(self.flows, os.path.basename(path) + suffix)

    def make_due(self, schedule, seconds):
        self.write("UPDATE flow_schedules SET last_triggered_at = ? WHERE id = ?", utc_text(seconds), schedule)

    def age_lock(self, seconds):
        self.write("UPDATE scheduler_lock SET heartbeat_at = ? WHERE id = 1", utc_text(seconds))

    def holder(self):
        return self.value("SELECT holder_id FROM scheduler_lock WHERE id = 1")


# --- the peers ---------------------------------------------------------------------------------------


def make_peer(stage):
    if os.environ.get("FLOWFILE_TEST_SRC"):
        return make_flowfile_peer(stage)
    argv = [sys.executable, PEER, "serve", "--database", stage.path, "--poll", str(POLL_S), "--log-dir",
            os.path.join(stage.dir, "logs"), "--", sys.executable, PEER, "child"]
    return Program("peer", argv, stage.env, "stdout")


# Flowfile's own, with a shorter pause between ticks and the lines that the stories wait for. The flow it runs is
# `python -m flowfile run flow PATH --run-id N`; ours stands in for that.
FLOWFILE_MAIN = """
import sys
import flowfile_scheduler.engine as engine
import flowfile_scheduler.__main__ as program

engine.FlowScheduler.__init__.__defaults__ = (%(poll)s,)
hold, tick = engine.FlowScheduler._acquire_lock, engine.FlowScheduler._tick
held = []

def told(self, db):
    held[:] = [hold(self, db)]
    return held[0]

def whole(self):
    tick(self)
    print("held" if held[0] else "skipped", flush=True)

engine.FlowScheduler._acquire_lock, engine.FlowScheduler._tick = told, whole
sys.argv = ["flowfile_scheduler"]
program.main()
"""
FLOWFILE_CHILD = """
import os, sys
os.execv(sys.executable, [sys.executable, %(peer)r, "child"] + sys.argv[3:])
"""


def make_flowfile_peer(stage):
    src = os.environ["FLOWFILE_TEST_SRC"]
    package = os.path.join(stage.dir, "python", "flowfile")
    os.makedirs(package, exist_ok=True)
    for name, text in (("__init__.py", ""), ("__main__.py", FLOWFILE_CHILD % {"peer": PEER})):
        with open(os.path.join(package, name), "w", encoding="utf-8") as f:
            f.write(text)
    env = dict(stage.env, PYTHONPATH=os.pathsep.join(
        [os.path.dirname(package), os.path.join(src, "flowfile_scheduler"), src]))
    python = os.environ.get("FLOWFILE_TEST_SRC_PYTHON", sys.executable)
    return Program("peer", [python, "-c", FLOWFILE_MAIN % {"poll": POLL_S}], env, "stdout")


# --- the stories -------------------------------------------------------------------------------------


def a_stopped_peer_hands_over_at_once(s):
    peer = s.peer()
    peer.expect("held")
    daemon = s.daemon()
    daemon.expect("Standing by")
    s.touch(1)
    s.canary("peer")
    assert s.who_ran(3) == ["peer"], s.runs(3)
    peer.signal(signal.SIGTERM)
    peer.wait()
    stopped = time.monotonic()
    daemon.expect("Leading")
    took_s = time.monotonic() - stopped
    assert took_s < AT_ONCE_S, "the daemon took over only after %.1f s" % took_s
    s.canary("daemon")
    assert s.who_ran(3) == ["peer"], "the peer's trigger fired again: %s" % s.runs(3)


def a_stopped_daemon_hands_over_at_once(s):
    daemon = s.daemon()
    daemon.expect("Leading")
    peer = s.peer()
    peer.expect("skipped")
    s.touch(1)
    s.canary("daemon")
    assert s.who_ran(3) == ["daemon"], s.runs(3)
    peer.drain()
    peer.expect("skipped")
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    peer.expect("held", AT_ONCE_S)
    s.canary("peer")
    assert s.who_ran(3) == ["daemon"], "the daemon's trigger fired again: %s" % s.runs(3)


def a_dead_peer_is_waited_out_and_then_replaced(s):
    peer = s.peer()
    peer.expect("held")
    peer.signal(signal.SIGKILL)
    peer.wait()
    daemon = s.daemon()
    daemon.expect("Standing by")
    before = s.holder()
    s.age_lock(80)
    # A second daemon has looked at the row since, and neither took it.
    other = s.daemon()
    other.expect("Standing by")
    assert s.holder() == before, "a lock of 80 s was taken"
    s.touch(1)
    s.age_lock(91)
    aged = time.monotonic()
    wait_for("somebody to take the stale lock", lambda: s.holder() != before)
    assert time.monotonic() - aged < AT_ONCE_S, "a stale lock was left for %.1f s" % (time.monotonic() - aged)
    s.canary("daemon")
    assert s.who_ran(3) == ["daemon"], s.runs(3)


def a_dead_daemon_is_waited_out_by_a_peer_but_not_by_a_daemon(s):
    daemon = s.daemon()
    daemon.expect("Leading")
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    peer = s.peer()
    peer.expect("skipped")
    s.age_lock(91)
    peer.expect("held")
    s.canary("peer")
    peer.signal(signal.SIGTERM)
    peer.wait()
    first = s.daemon()
    first.expect("Leading")
    second = s.daemon()
    second.expect("Standing by")
    first.signal(signal.SIGKILL)
    first.wait()
    died = time.monotonic()
    second.expect("Leading")
    assert time.monotonic() - died < AT_ONCE_S, "a dead daemon was waited for %.1f s" % (time.monotonic() - died)
    s.canary("daemon")


def a_stalled_peer_finds_its_lock_taken(s):
    peer = s.peer()
    peer.expect("held")
    daemon = s.daemon()
    daemon.expect("Standing by")
    with s.alone():
        peer.freeze()
    s.age_lock(91)
    daemon.expect("Leading")
    s.touch(1)
    s.canary("daemon")
    peer.signal(signal.SIGCONT)
    peer.drain()
    peer.expect("skipped")
    s.canary("daemon")
    assert s.who_ran(3) == ["daemon"], s.runs(3)


def stop(s):
    program = s.programs[-1]
    program.signal(signal.SIGTERM)
    assert program.wait() == 0, "the %s did not stop well" % program.name


def start(s, who):
    program = s.daemon() if who == "daemon" else s.peer()
    program.expect("Leading" if who == "daemon" else "held")


# Who leads first, and who follows.
ORDERS = 2 * [("daemon", "peer"), ("peer", "daemon")]


def an_interval_keeps_its_period_across_handovers(s):
    wanted = []

    def fires_once(who):
        wanted.append(who)
        wait_for("schedule 1 to fire", lambda: len(s.runs(1)) >= len(wanted))
        wait_for("its run to end", lambda: not s.open_runs(1))
        s.canary(who)
        assert s.who_ran(1) == wanted, s.runs(1)

    for first, second in ORDERS:
        s.make_due(1, 400)
        start(s, first)
        fires_once(first)
        stop(s)
        start(s, second)
        s.canary(second)
        assert s.who_ran(1) == wanted, "a slot fired again after the handover: %s" % s.runs(1)
        s.make_due(1, 400)
        fires_once(second)
        stop(s)


def a_cron_keeps_its_cursor_from_peer_to_daemon(s):
    hand_over_a_cron(s, "peer", "daemon")


def a_cron_keeps_its_cursor_from_daemon_to_peer(s):
    hand_over_a_cron(s, "daemon", "peer")


def hand_over_a_cron(s, first, second):
    zone = zoneinfo.ZoneInfo("Europe/Amsterdam")
    # One slot a day, half an hour ago: missed while nobody led, and not due again today.
    slot = datetime.datetime.now(zone) - datetime.timedelta(minutes=30)
    s.write("UPDATE flow_schedules SET cron_expression = ?, cron_timezone = 'Europe/Amsterdam',"
            " last_triggered_at = NULL, created_at = ? WHERE id = 2", "%d %d * * *" % (slot.minute, slot.hour),
            utc_text(3 * 3600))
    start(s, first)
    wait_for("schedule 2 to fire", lambda: s.runs(2))
    wait_for("its run to end", lambda: not s.open_runs(2))
    s.canary(first)
    assert s.who_ran(2) == [first], s.runs(2)
    wall = datetime.datetime.now(zone).replace(tzinfo=None)
    cursor = datetime.datetime.fromisoformat(s.value("SELECT last_cron_slot FROM flow_schedules WHERE id = 2"))
    assert datetime.timedelta() <= wall - cursor < datetime.timedelta(minutes=5), \
        "the cursor %s is not the local time %s" % (cursor, wall)
    for who in (second, first, second):
        stop(s)
        start(s, who)
        s.canary(who)
        assert s.who_ran(2) == [first], "a slot fired again after the handover: %s" % s.runs(2)


def table_triggers_fire_once_whoever_leads(s):
    wanted = []

    def fires_once(who):
        wanted.append(who)
        wait_for("schedule 3 to fire", lambda: len(s.runs(3)) >= len(wanted))
        wait_for("its run to end", lambda: not s.open_runs(3))
        s.canary(who)
        assert s.who_ran(3) == wanted, s.runs(3)

    for first, second in ORDERS:
        # Written while nobody leads: whoever comes first fires it.
        s.touch(1)
        start(s, first)
        fires_once(first)
        # Written while it leads: whoever follows does not fire it again.
        s.touch(1)
        fires_once(first)
        stop(s)
        start(s, second)
        s.canary(second)
        assert s.who_ran(3) == wanted, "a write fired again after the handover: %s" % s.runs(3)
        stop(s)


def table_sets_fire_once_when_all_advanced_whoever_leads(s):
    wanted = []
    for first, second in ORDERS:
        # One member while nobody leads, and the other under whoever comes first.
        s.touch(5)
        start(s, first)
        s.canary(first)
        assert s.who_ran(4) == wanted, "a set fired on one member: %s" % s.runs(4)
        s.touch(5, 3)
        wanted.append(first)
        wait_for("schedule 4 to fire", lambda: len(s.runs(4)) >= len(wanted))
        wait_for("its run to end", lambda: not s.open_runs(4))
        stop(s)
        start(s, second)
        s.canary(second)
        assert s.who_ran(4) == wanted, "a set fired again after the handover: %s" % s.runs(4)
        # One member under this one, the other while nobody leads.
        s.touch(5)
        s.canary(second)
        assert s.who_ran(4) == wanted, "a set fired on one member: %s" % s.runs(4)
        stop(s)
        s.touch(3)
        start(s, second)
        wanted.append(second)
        wait_for("schedule 4 to fire", lambda: len(s.runs(4)) >= len(wanted))
        wait_for("its run to end", lambda: not s.open_runs(4))
        stop(s)


def a_busy_flow_is_respected_across_a_handover(s):
    s.hold_flow(2)
    peer = s.peer()
    peer.expect("held")
    s.touch(1)
    wait_for("the peer's run", lambda: s.started(3, 0))
    s.touch(1)
    s.canary("peer")
    peer.signal(signal.SIGTERM)
    peer.wait()
    daemon = s.daemon()
    daemon.expect("Leading")
    s.canary("daemon")
    assert s.who_ran(3) == ["peer"], "the flow was busy: %s" % s.runs(3)
    s.free_flow(2)
    wait_for("the waiting write to fire", lambda: len(s.runs(3)) >= 2)
    assert s.who_ran(3) == ["peer", "daemon"], s.runs(3)
    wait_for("runs to end", lambda: not s.open_runs(3))
    # The other way round.
    s.hold_flow(2)
    s.touch(1)
    wait_for("the daemon's run", lambda: s.started(3, 2))
    s.touch(1)
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    peer = s.peer()
    peer.expect("held")
    s.canary("peer")
    assert s.who_ran(3) == ["peer", "daemon", "daemon"], "the flow was busy: %s" % s.runs(3)
    s.free_flow(2)
    wait_for("the waiting write to fire", lambda: len(s.runs(3)) >= 4)
    assert s.who_ran(3)[3:] == ["peer"], s.runs(3)
    wait_for("runs to end", lambda: not s.open_runs(3))
    assert not s.query("SELECT id FROM flow_runs WHERE schedule_id = 3 AND started_at > '2026-06' AND success IS NOT 1")


def a_flow_that_dies_under_the_other_is_closed(s):
    s.hold_flow(2)
    daemon = s.daemon()
    daemon.expect("Leading")
    s.touch(1)
    line = wait_for("the daemon's run", lambda: s.started(3, 0))[0]
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    peer = s.peer()
    peer.expect("held")
    os.kill(int(line[2]), signal.SIGKILL)
    wait_for("the peer to close it", lambda: not s.open_runs(3))
    s.canary("peer")
    peer.signal(signal.SIGTERM)
    peer.wait()
    # And back: a flow of the peer's dies under the daemon.
    peer = s.peer()
    peer.expect("held")
    before = len(s.runs(3))
    s.touch(1)
    line = wait_for("the peer's run", lambda: s.started(3, before))[0]
    peer.signal(signal.SIGTERM)
    peer.wait()
    daemon = s.daemon()
    daemon.expect("Leading")
    s.canary("daemon")
    assert s.open_runs(3), "a run that lives was closed"
    os.kill(int(line[2]), signal.SIGKILL)
    wait_for("the daemon to close it", lambda: not s.open_runs(3), 5)
    assert s.query("SELECT success FROM flow_runs WHERE schedule_id = 3 AND started_at > '2026-06'") == [(0,), (0,)]
    s.free_flow(2)


STORIES = [
    a_stopped_peer_hands_over_at_once,
    a_stopped_daemon_hands_over_at_once,
    a_dead_peer_is_waited_out_and_then_replaced,
    a_dead_daemon_is_waited_out_by_a_peer_but_not_by_a_daemon,
    a_stalled_peer_finds_its_lock_taken,
    an_interval_keeps_its_period_across_handovers,
    a_cron_keeps_its_cursor_from_daemon_to_peer,
    a_cron_keeps_its_cursor_from_peer_to_daemon,
    table_triggers_fire_once_whoever_leads,
    table_sets_fire_once_when_all_advanced_whoever_leads,
    a_busy_flow_is_respected_across_a_handover,
    a_flow_that_dies_under_the_other_is_closed,
]


def play(story):
    """Returns what to print, and whether the story came to its end."""
    stage = Stage()
    begun = time.monotonic()
    said = []
    try:
        story(stage)
        stage.quiet()
    except Exception:  # whatever it is, the next story is played
        said = ["FAIL %s" % story.__name__, traceback.format_exc()]
    said += stage.end(bool(said))
    return said or ["ok   %s (%.1f s)" % (story.__name__, time.monotonic() - begun)], not said


def main():
    names = sys.argv[1:]
    stories = [story for story in STORIES if not names or story.__name__ in names]
    good = bool(stories)
    # They wait most of the time.
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for said, came_to_its_end in pool.map(play, stories):
            print("\n".join(said), flush=True)
            good = good and came_to_its_end
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
