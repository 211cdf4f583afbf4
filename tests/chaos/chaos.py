#!/usr/bin/env python3
"""Real processes under fire: three daemons on one catalog, flows, writers, and a killer.

    chaos.py sqlite|postgres [--seconds N] [--seed N] [--keep]

For N seconds tables are written, runs are asked for and cancelled, and daemons, supervisors (shims), flows and database
sessions are killed or stopped at random. Then everything is healed; when all is quiet, checker.py judges
what the flows noted in their own journals, and this file looks for what was left behind: processes, zombies,
descriptors. The programs are those of abs_top_builddir.

Exit status: 0 all promises held, 1 not (the folder is kept and named), 77 it cannot be run here.
"""

import argparse
import collections
import contextlib
import ctypes
import datetime
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid

import checker
import stores

BUILD = os.environ.get("abs_top_builddir", os.path.abspath("."))
PR_SET_CHILD_SUBREAPER = 36
DAEMONS = 3
TABLES = 6
QUIET_LIMIT_S = 60
START_LIMIT_S = 30
LEASE_S = 90
BRISK_S = 30  # a round so short has no time for long pauses
LONG_S = 240  # from here on there is time for a sleep longer than the lease
FD_SLACK = 3  # a connection being made, a file being read

# name, what starts it: (schedule type, its tables or seconds), ...; "writes": the table it writes at its end.
FLOWS = [
    ("on1", [("table_trigger", ["t1"])], None),
    ("on2", [("table_trigger", ["t2"])], None),
    ("on12", [("table_trigger", ["t1"]), ("table_trigger", ["t2"])], None),
    ("on3", [("table_trigger", ["t3"])], "chained"),
    ("chain", [("table_trigger", ["chained"])], None),
    ("set34", [("table_set_trigger", ["t3", "t4"])], None),
    ("set456", [("table_set_trigger", ["t4", "t5", "t6"])], None),
    ("every1", [("interval", 1)], None),
    ("every2", [("interval", 2)], None),
    ("every3", [("interval", 3)], None),
    ("mixed", [("interval", 5), ("table_trigger", ["t6"])], None),
    ("minutely", [("cron", "* * * * *")], None),
    ("asked", [], None),
]
CANCELLABLE = ("every1", "every2", "every3", "asked")  # a cancelled run consumes its trigger without a start


def utc_text():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")


def wait_for(what, condition, limit_s):
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %d s in vain: %s" % (limit_s, what))
        time.sleep(0.02)


# --- processes ----------------------------------------------------------------------------------------


def proc_text(pid, name):
    try:
        with open("/proc/%d/%s" % (pid, name), "rb") as f:
            return f.read()
    except OSError:
        return b""


def proc_state(pid):
    """(state, parent), ("", 0) when it is gone."""
    text = proc_text(pid, "stat").rpartition(b") ")[2].split()
    return (text[0].decode(), int(text[1])) if text else ("", 0)


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def belongs(pid, folder):
    """Whether the process is of the stage with this folder, which is in its environment; pids come again."""
    return ("FLOWFILE_TEST_CHAOS=%s" % folder).encode() in proc_text(pid, "environ").split(b"\0")


def kill_all_of(folder):
    """Until none is left, because the last may have made another."""
    while pids := [pid for pid in all_pids() if belongs(pid, folder) and proc_state(pid)[0] not in ("Z", "")]:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def descriptors(pid):
    """What a process has open, by kind."""
    kinds = collections.Counter()
    with contextlib.suppress(OSError):
        for fd in os.listdir("/proc/%d/fd" % pid):
            with contextlib.suppress(OSError):
                kinds[os.readlink("/proc/%d/fd/%s" % (pid, fd)).partition(":[")[0]] += 1
    return kinds


class Daemon:
    """One place for a daemon: it is started again whenever it was killed."""

    def __init__(self, number, stage):
        self.number, self.stage = number, stage
        self.process, self.expected_end = None, False
        self.spared = False  # from being killed, so that what it leaks has time to pile up
        self.again_at = 0.0
        self.log_path = os.path.join(stage.dir, "daemon%d.log" % number)
        self.lock = threading.RLock()
        host = number if stage.store.name == "postgres" and number == 2 else 0
        self.env = dict(
            stage.env,
            FLOWFILE_DATABASE_URL=stage.store.url,
            FLOWFILE_STORAGE_DIR=os.path.join(stage.dir, "host%d" % host),
            FLOWFILE_SCHEDULER_INSTANCE_NAME="host%d" % host,
            FLOWFILE_SCHEDULER_HEARTBEAT_INTERVAL="1s" if number == 1 else "10s",
            FLOWFILE_SCHEDULER_POLL_INTERVAL="5s",
            FLOWFILE_SCHEDULER_CANCEL_GRACE="1s",
            FLOWFILE_SCHEDULER_HTTP_LISTEN="127.0.0.1:0",
            FLOWFILE_SCHEDULER_LOG_LEVEL="debug")
        if number == 1:  # the others go by `flowfile run flow`
            self.env["FLOWFILE_RUN_COMMAND"] = "{flow_path}"

    def start(self):
        with self.lock:
            with open(self.log_path, "ab") as log:
                log.write(b"--- started\n")
                log.flush()
                self.process = subprocess.Popen([os.path.join(BUILD, "flowfile_scheduler")], env=self.env,
                                                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            self.expected_end = False

    @property
    def pid(self):
        return self.process.pid

    def lives(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        with self.lock:
            if not self.lives():
                return False
            if number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
                if self.spared:
                    return False
                self.expected_end = True
                self.again_at = time.monotonic() + self.stage.rng.choice([0, 0, 0.1, 0.5, 2])
            self.process.send_signal(number)
            return True

    def look(self):
        """Starts it again if it is due; says when it died without being killed."""
        with self.lock:
            if self.lives():
                return
            if not self.expected_end:
                self.stage.found.append("daemon %d ended by itself with status %s; see %s"
                                        % (self.number, self.process.returncode, self.log_path))
            self.expected_end = True
            if time.monotonic() >= self.again_at:
                self.start()


# --- the keeper -----------------------------------------------------------------------------------------


def start_keeper(stage):
    """A process that clears up when this one is gone, however that ends."""
    argv = [sys.executable, os.path.abspath(__file__), "keeper", stage.dir] + stage.store.stop_command()
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            start_new_session=True)


def keep(folder, stop_command):
    keeps_folder = bool(sys.stdin.read())
    kill_all_of(folder)
    if stop_command:
        subprocess.run(["sh", "-c"] + stop_command, check=False)
    if not keeps_folder:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


# --- the stage ----------------------------------------------------------------------------------------


class Stage:
    def __init__(self, kind, seed):
        self.rng = random.Random(seed)
        self.dir = tempfile.mkdtemp(prefix="flowfile-chaos-")
        self.flows_dir = os.path.join(self.dir, "flows")
        os.mkdir(self.flows_dir)
        self.found, self.faults = [], collections.Counter()
        self.shot = {"shim": set(), "flow": set()}  # runs whose shim or flow was killed
        self.writes = collections.defaultdict(list)
        self.ending = threading.Event()
        self.log = open(os.path.join(self.dir, "chaos.log"), "w", encoding="utf-8", buffering=1)
        self.store = {"sqlite": stores.Sqlite, "postgres": stores.Postgres}[kind](self.dir)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("FLOWFILE_") and k != "TESTING"}
        self.env.update(FLOWFILE_SHIM=os.path.join(BUILD, "flowfile-shim"), FLOWFILE_TEST_CHAOS=self.dir,
                        FLOWFILE_TEST_FLOW_MS="300")
        self.db = stores.Steady(self.store)
        self.daemons = []
        self.keeper = start_keeper(self)

    def note(self, text, *values):
        self.log.write("%s %s\n" % (utc_text(), text % values if values else text))

    def query(self, sql):
        return self.db.query(sql)

    def value(self, sql):
        rows = self.query(sql)
        return rows[0][0] if rows else None

    # --- the catalog ---

    def make_catalog(self):
        env = dict(self.env, FLOWFILE_DATABASE_URL=self.store.url, FLOWFILE_STORAGE_DIR=os.path.join(self.dir, "host0"))
        subprocess.run([os.path.join(BUILD, "flowfile"), "init"], env=env, check=True, stdout=subprocess.DEVNULL)
        for i, name in enumerate(["t%d" % n for n in range(1, TABLES + 1)] + ["chained"]):
            self.query("INSERT INTO catalog_tables (id, name, owner_id, storage_format, table_type, row_count)"
                       " VALUES (%d, '%s', 1, 'delta', 'physical', 0)" % (i + 1, name))
        for i, (name, _, writes) in enumerate(FLOWS):
            path = os.path.join(self.flows_dir, name)
            shutil.copy(os.path.join(BUILD, "tests/chaos/chaos_flow"), path)
            if writes:
                with open(path + ".table", "w", encoding="utf-8") as f:
                    f.write(writes)
            self.query("INSERT INTO flow_registrations (id, name, flow_path, owner_id, flow_uuid, is_api_compatible)"
                       " VALUES (%d, '%s', '%s', 1, '%s', %s)" % (i + 1, name, path, uuid.uuid4(), self.no()))
        self.make_schedules()
        if self.store.name == "postgres":  # the ids above were not taken from the sequences
            for table in ("catalog_tables", "flow_registrations", "flow_schedules"):
                self.query("SELECT setval(pg_get_serial_sequence('%s', 'id'), 1000)" % table)

    def no(self):
        return "false" if self.store.name == "postgres" else "0"

    def yes(self):
        return "true" if self.store.name == "postgres" else "1"

    def make_schedules(self):
        sid = 0
        for i, (_, schedules, _) in enumerate(FLOWS):
            for kind, what in schedules:
                sid += 1
                tables = [self.value("SELECT id FROM catalog_tables WHERE name = '%s'" % t) for t in what] \
                    if kind.startswith("table") else []
                self.query(
                    "INSERT INTO flow_schedules (id, registration_id, owner_id, enabled, schedule_type, interval_seconds,"
                    " trigger_table_id, cron_expression, created_at) VALUES (%d, %d, 1, %s, '%s', %s, %s, %s, '%s')"
                    % (sid, i + 1, self.yes(), kind, what if kind == "interval" else "NULL",
                       tables[0] if kind == "table_trigger" else "NULL",
                       "'%s'" % what if kind == "cron" else "NULL", utc_text()))
                if kind == "table_set_trigger":
                    for table in tables:
                        self.query("INSERT INTO schedule_trigger_tables (schedule_id, table_id) VALUES (%d, %d)"
                                   % (sid, table))

    # --- who lives on it ---

    def leader(self):
        """The daemon that holds the lock, if it is one that lives."""
        pid = self.value("SELECT i.pid FROM scheduler_lock l JOIN scheduler_instances i ON i.holder_id = l.holder_id")
        return next((d for d in self.daemons if d.lives() and d.pid == pid), None)

    def age_lock(self):
        """Makes the lock look stale. False: the database is not to be had just now."""
        old = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=91)
        with contextlib.suppress(stores.StoreError), contextlib.closing(self.store.connect()) as db:
            db.query("UPDATE scheduler_lock SET heartbeat_at = '%s'" % old.strftime("%Y-%m-%d %H:%M:%S.%f"))
            return True
        return False

    def pass_time(self):
        """Who dies as a leader without the guard is waited out for 90 s, as it must be; we have not got them."""
        with contextlib.suppress(stores.StoreError), contextlib.closing(self.store.connect()) as db:
            rows = db.query("SELECT i.pid, i.guarded FROM scheduler_lock l"
                            " JOIN scheduler_instances i ON i.holder_id = l.holder_id")
            if rows and not rows[0][1] and rows[0][0] not in [d.pid for d in self.daemons if d.lives()]:
                if self.age_lock():
                    self.faults["(90 s are said to have passed)"] += 1

    def live_runs(self, where="1 = 1"):
        return self.query("SELECT x.run_id, x.shim_pid, x.flow_pid FROM scheduler_runs x JOIN flow_runs r ON r.id = x.run_id"
                          " WHERE x.state = 'recorded' AND %s" % where)

    def ours(self, pid):
        return belongs(pid, self.dir)

    def shoot(self, run, what, pid):
        if not pid or not self.ours(pid):
            return False
        self.shot[what].add(run)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    # --- threads ---

    def collect(self):
        own = {d.pid for d in self.daemons if d.process}
        for pid in all_pids():
            state, parent = proc_state(pid)
            if state == "Z" and parent == os.getpid() and pid not in own and self.is_orphan(pid):
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)

    @staticmethod
    def is_orphan(pid):
        # What subprocess started has our session or PostgreSQL's; shims and flows have their own.
        with contextlib.suppress(ProcessLookupError):
            return os.getsid(pid) != os.getsid(0)
        return False

    def write_tables(self, number, pause_s):
        rng = random.Random("%s writer %d" % (self.rng.random(), number))
        session = None
        while not self.ending.is_set():
            table = rng.randint(1, TABLES)
            w0 = time.time()
            try:
                session = session or self.store.connect()
                session.query("UPDATE catalog_tables SET updated_at = %s, row_count = row_count + 1 WHERE id = %d"
                              % (self.store.now, table))
                self.writes["t%d" % table].append(checker.Write(w0, time.time(), True))
            except stores.StoreLost:
                self.writes["t%d" % table].append(checker.Write(w0, time.time(), False))
            except stores.StoreError:
                time.sleep(0.1)
            if session and self.store.name == "postgres" and session.lib.PQstatus(session.conn) != 0:
                session.close()
                session = None
            self.ending.wait(rng.expovariate(1 / pause_s))
        if session:
            session.close()

    # --- faults ---

    def kill_leader(self, _rng):
        d = self.leader()
        return d and d.signal(signal.SIGKILL) and "daemon %d" % d.number

    def kill_daemon(self, rng):
        d = rng.choice(self.daemons)
        return d.signal(signal.SIGKILL) and "daemon %d" % d.number

    def stop_leader(self, rng):
        d = self.leader()
        return d and d.signal(rng.choice([signal.SIGTERM, signal.SIGINT])) and "daemon %d" % d.number

    def kill_shim(self, rng):
        return self.kill_of_run(rng, True, False)

    def kill_flow(self, rng):
        return self.kill_of_run(rng, False, True)

    def kill_shim_and_flow(self, rng):
        return self.kill_of_run(rng, True, True)

    def kill_of_run(self, rng, shim, flow):
        runs = self.live_runs()
        if not runs:
            return None
        run, shim_pid, flow_pid = rng.choice(runs)
        hits = [what for what, pid, wanted in (("shim", shim_pid, shim), ("flow", flow_pid, flow))
                if wanted and self.shoot(run, what, pid)]
        return hits and "run %d: %s" % (run, hits)

    def amid_start(self):
        """Returns when some run is claimed and not let go yet; that takes milliseconds."""
        end = time.monotonic() + 1
        with contextlib.closing(self.store.connect()) as db:
            while time.monotonic() < end:
                if db.query("SELECT 1 FROM scheduler_runs WHERE state = 'claimed' LIMIT 1"):
                    return True
        return False

    def kill_leader_amid_start(self, rng):
        d = self.leader()
        if not d or not self.amid_start():
            return None
        time.sleep(rng.choice([0, 0, 0.001, 0.003, 0.006]))
        return d.signal(signal.SIGKILL) and "daemon %d" % d.number

    def steal_lead_amid_start(self, rng):
        return self.amid_start() and self.steal_lead(rng)

    def kill_amid_start(self, rng):
        """A shim that may not be recorded yet, found among the leader's children, or what waits in it to be the flow."""
        d = self.leader()
        if not d or not self.amid_start():
            return None
        time.sleep(rng.choice([0, 0.001, 0.003, 0.006]))
        shims = [(run, pid) for pid in all_pids() if proc_state(pid)[1] == d.pid and (run := self.shim_of(pid))]
        if not shims:
            return None
        run, shim = max(shims)
        flows = [pid for pid in all_pids() if proc_state(pid)[1] == shim]
        hits = [what for what, pids in (("shim", [shim]), ("flow", flows))
                if what == rng.choice(["shim", "flow", what]) and any([self.shoot(run, what, pid) for pid in pids])]
        return hits and "run %d: %s" % (run, hits)

    @staticmethod
    def shim_of(pid):
        """The run whose shim this process is, 0: it is none."""
        words = proc_text(pid, "cmdline").split(b"\0")
        return int(words[1][4:]) if len(words) > 1 and words[1].startswith(b"run=") else 0

    def kill_leader_and_shims(self, rng):
        d, runs = self.leader(), self.live_runs()
        if not d or not d.signal(signal.SIGKILL):
            return None
        shot = [run for run, shim, _ in runs if rng.random() < 0.5 and self.shoot(run, "shim", shim)]
        return "daemon %d, shims of runs %s" % (d.number, shot)

    def freeze(self, d, for_s):
        d.signal(signal.SIGSTOP)
        time.sleep(for_s)
        d.signal(signal.SIGCONT)

    def freeze_leader(self, rng):
        d, for_s = self.leader(), self.store.draw_pause(rng, [0.1, 0.3, 1, 3])
        if not d:
            return None
        self.freeze(d, for_s)
        return "daemon %d for %.1f s" % (d.number, for_s)

    def outsleep_lease(self, _rng):
        d = self.leader()
        if not d:
            return None
        self.freeze(d, LEASE_S + 10)
        return "daemon %d" % d.number

    def steal_lead(self, rng):
        """The leader is stopped, and its lock looks 91 s old and unguarded: another leads when it wakes up."""
        d = self.leader()
        if not d or not d.signal(signal.SIGSTOP):
            return None
        try:
            holder = self.value("SELECT holder_id FROM scheduler_lock")
            with contextlib.closing(self.store.connect()) as db:
                db.query("UPDATE scheduler_instances SET guarded = 0")
            self.age_lock()
            end = time.monotonic() + 4
            while time.monotonic() < end and self.value("SELECT holder_id FROM scheduler_lock") == holder:
                time.sleep(0.05)
            taken = self.value("SELECT holder_id FROM scheduler_lock") != holder
            time.sleep(self.store.draw_pause(rng, [0, 0.2, 1]))
        except stores.StoreError:  # it sleeps in a transaction
            taken = False
        finally:
            d.signal(signal.SIGCONT)
        return "daemon %d%s" % (d.number, "" if taken else ", but nobody took it")

    def reload(self, rng):
        d = rng.choice(self.daemons)
        return d.signal(signal.SIGHUP) and "daemon %d" % d.number

    def ask_to_run(self, rng):
        flow = rng.randint(1, len(FLOWS))
        self.query("INSERT INTO scheduler_requests (kind, registration_id, user_id, requested_by, created_at)"
                   " VALUES ('run', %d, 1, 'chaos', '%s')" % (flow, utc_text()))
        return "flow %d" % flow

    def ask_to_cancel(self, rng):
        names = ", ".join("'%s'" % name for name in CANCELLABLE)
        runs = self.query("SELECT r.id FROM flow_runs r JOIN flow_registrations f ON f.id = r.registration_id"
                          " WHERE r.ended_at IS NULL AND f.name IN (%s)" % names)
        if not runs:
            return None
        run = rng.choice(runs)[0]
        self.query("INSERT INTO scheduler_requests (kind, run_id, requested_by, created_at)"
                   " VALUES ('cancel', %d, 'chaos', '%s')" % (run, utc_text()))
        return "run %d" % run

    def fire(self, seconds):
        rng = self.rng
        menu = [
            (3, "the leader is killed", self.kill_leader),
            (3, "a daemon is killed", self.kill_daemon),
            (3, "the leader is told to stop", self.stop_leader),
            (8, "a shim is killed", self.kill_shim),
            (8, "a flow is killed", self.kill_flow),
            (4, "a shim and its flow are killed", self.kill_shim_and_flow),
            (8, "a shim or flow is killed amid its start", self.kill_amid_start),
            (5, "the leader is killed amid a start", self.kill_leader_amid_start),
            (3, "the lead is stolen amid a start", self.steal_lead_amid_start),
            (3, "the leader and shims are killed", self.kill_leader_and_shims),
            (5, "the leader is frozen", self.freeze_leader),
            (2, "the lead is stolen", self.steal_lead),
            (1, "a daemon reloads", self.reload),
            (14, "a run is asked for", self.ask_to_run),
            (8, "a cancel is asked for", self.ask_to_cancel),
        ] + self.store.faults()
        begin = time.monotonic()
        slept = seconds < LONG_S
        if seconds < BRISK_S:
            self.store.longest_pause_s = 0.5
        while time.monotonic() < begin + seconds and not self.found:
            self.daemons[0].spared = time.monotonic() > begin + seconds / 2
            _, what, do = rng.choices(menu, weights=[item[0] for item in menu])[0]
            if not slept and time.monotonic() > begin + seconds / 2:
                slept, what, do = True, "the leader sleeps for longer than its lease", self.outsleep_lease
            try:
                result = do(rng)
            except stores.StoreError as e:
                result, what = None, "%s (in vain: %s)" % (what, str(e).strip())
            if result:
                self.faults[what] += 1
            self.note("%s: %s", what, result)
            time.sleep(rng.expovariate(5 if seconds >= BRISK_S else 10))

    # --- afterwards ---

    def heal(self):
        for d in self.daemons:
            d.spared = False
            d.signal(signal.SIGCONT)
            d.again_at = 0
        wait_for("all daemons to live", lambda: all(d.lives() for d in self.daemons), START_LIMIT_S)
        self.query("UPDATE flow_schedules SET enabled = %s WHERE schedule_type IN ('interval', 'cron')" % self.no())

    PENDING = (
        "SELECT (SELECT count(*) FROM flow_runs WHERE ended_at IS NULL)"
        " + (SELECT count(*) FROM scheduler_runs WHERE state IN ('claimed', 'recorded'))"
        " + (SELECT count(*) FROM scheduler_requests WHERE outcome IS NULL)"
        " + (SELECT count(*) FROM flow_schedules s WHERE s.schedule_type = 'table_trigger' AND EXISTS (SELECT 1"
        "    FROM scheduler_consumed c JOIN scheduler_tables t ON t.table_id = c.table_id"
        "    WHERE c.schedule_id = s.id AND t.last_seq > c.seq))"
        " + (SELECT count(*) FROM flow_schedules s WHERE s.schedule_type = 'table_set_trigger' AND NOT EXISTS (SELECT 1"
        "    FROM scheduler_consumed c JOIN scheduler_tables t ON t.table_id = c.table_id"
        "    WHERE c.schedule_id = s.id AND t.last_seq <= c.seq))")

    def calm(self):
        wait_for("everything to be quiet", lambda: self.value(self.PENDING) == 0 and not self.processes(),
                 QUIET_LIMIT_S)

    def processes(self):
        """Shims and flows that live: everything of this stage but the daemons."""
        own = {d.pid for d in self.daemons if d.process} | {os.getpid()}
        return [pid for pid in all_pids() if pid not in own and self.ours(pid) and proc_state(pid)[0] not in ("Z", "")]

    def look_for_leftovers(self):
        for d in self.daemons:
            for pid in all_pids():
                state, parent = proc_state(pid)
                if parent == d.pid:
                    self.found.append("P10: daemon %d has a child left: pid %d (%s) %s"
                                      % (d.number, pid, state, proc_text(pid, "cmdline").replace(b"\0", b" ")))
            now, then = descriptors(d.pid), self.first_descriptors
            if sum(now.values()) > max(sum(kinds.values()) for kinds in then) + FD_SLACK:
                self.found.append("P10: daemon %d has %d descriptors, at first they had %s: %s"
                                  % (d.number, sum(now.values()), [sum(kinds.values()) for kinds in then], dict(now)))

    def all_known(self):
        known = [row[0] for row in self.query("SELECT pid FROM scheduler_instances")]
        return all(d.pid in known for d in self.daemons if d.lives())

    def look_for_logs(self, judge):
        """What a flow printed is in its run's log, on the host where it ran."""
        logs = collections.defaultdict(list)
        for root, _, files in os.walk(self.dir):
            for name in files:
                if name.startswith("scheduled_run_"):
                    with open(os.path.join(root, name), encoding="utf-8", errors="replace") as f:
                        logs[name].append(f.read())
        for run in judge.journal.ends:
            texts = logs["scheduled_run_%d.log" % run]
            if not any("run %d takes" % run in text for text in texts):
                self.found.append("the output of run %d is not in its log: %r"
                                  % (run, [text[:200] for text in texts]))

    def exit_files(self):
        return [os.path.join(root, name) for root, _, files in os.walk(self.dir) for name in files
                if name.endswith((".exit", ".started"))]

    def start_once_more(self):
        """What the dead left in the state folders is cleared at the next start."""
        for d in (self.daemons[0], self.daemons[-1]):
            d.start()
        wait_for("daemons to be there", self.all_known, START_LIMIT_S)
        try:
            wait_for("files of ended runs to be cleared", lambda: not self.exit_files(), START_LIMIT_S)
        except AssertionError as e:
            self.found.append("P10: %s: %s" % (e, sorted(self.exit_files())[:10]))

    def bow_out(self):
        """Daemons stop when they are told to, with status 0 and without a word of a sanitizer."""
        for d in self.daemons:
            if d.lives():
                d.signal(signal.SIGTERM)
                try:
                    if d.process.wait(timeout=10) != 0:
                        self.found.append("daemon %d stopped with status %d" % (d.number, d.process.returncode))
                except subprocess.TimeoutExpired:
                    self.found.append("daemon %d did not stop" % d.number)
            with open(d.log_path, encoding="utf-8", errors="replace") as f:
                self.found += ["daemon %d: %s" % (d.number, line.strip()) for line in f
                               if "Sanitizer" in line or "runtime error" in line or "Assertion" in line]

    def end(self, keeps_folder):
        self.ending.set()
        self.db.close()
        self.log.close()
        self.keeper.communicate(b"keep" if keeps_folder else b"")
        for d in self.daemons:
            if d.process:
                d.process.wait()
        self.collect()

    def play(self, seconds):
        self.make_catalog()
        threads = [threading.Thread(target=self.write_tables, args=(n, 0.25), daemon=True) for n in range(2)]
        self.daemons = [Daemon(n, self) for n in range(DAEMONS)]
        for d in self.daemons:
            d.start()
        wait_for("a leader", self.leader, START_LIMIT_S)
        wait_for("everybody to be there", self.all_known, START_LIMIT_S)
        self.first_descriptors = [descriptors(d.pid) for d in self.daemons]
        keeper_stop = threading.Event()
        keeper = threading.Thread(target=self.keep, args=(keeper_stop,), daemon=True)
        for t in threads + [keeper]:
            t.start()
        try:
            self.fire(seconds)
            self.ending.set()
            for t in threads:
                t.join()
            self.note("healing")
            healed = time.monotonic()
            self.heal()
            try:
                self.calm()
            except AssertionError as e:
                self.found.append(str(e))
            quiet_s = time.monotonic() - healed
        finally:
            keeper_stop.set()
            keeper.join()
        judge = checker.Checker(self.query, checker.Journal(self.flows_dir), self.writes, self.shot)
        self.found += judge.check()
        self.look_for_logs(judge)
        self.look_for_leftovers()
        self.bow_out()
        judge.figures["exit files left by the dead"] = len(self.exit_files())
        self.start_once_more()
        self.bow_out()
        return judge.figures, quiet_s

    def keep(self, stop):
        """Starts daemons again and collects orphans, which fall to us: we are their subreaper."""
        rounds = 0
        while not stop.wait(0.05):
            for d in self.daemons:
                d.look()
            self.collect()
            rounds += 1
            if rounds % 20 == 0:
                self.pass_time()


def cannot_run(kind):
    if kind == "postgres" and stores.find_server() is None:
        return "PostgreSQL's server is not installed"
    for program in ("flowfile_scheduler", "flowfile", "flowfile-shim", "tests/chaos/chaos_flow"):
        if not os.access(os.path.join(BUILD, program), os.X_OK):
            return "%s is not built in %s" % (program, BUILD)
    return None


def report(stage, figures, quiet_s):
    for name, count in sorted(stage.faults.items(), key=lambda item: -item[1]):
        print("%8d  %s" % (count, name))
    for name, value in figures.items():
        print("%8s  %s" % (value, name))
    print("%8.1f  seconds until everything was quiet" % quiet_s)


def main():
    if sys.argv[1:2] == ["keeper"]:
        return keep(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser()
    parser.add_argument("store", choices=("sqlite", "postgres"))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", action="store_true", help="keep the folder in any case")
    options = parser.parse_args()
    why = cannot_run(options.store)
    if why:
        print("skipped: %s" % why)
        return 1 if os.environ.get("FLOWFILE_TEST_REQUIRE_POSTGRES") else 77
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print("chaos on %s for %.0f s, seed %d" % (options.store, options.seconds, options.seed), flush=True)
    stage = Stage(options.store, options.seed)
    try:
        report(stage, *stage.play(options.seconds))
    except AssertionError as e:
        stage.found.append(str(e))
    except BaseException:
        stage.end(False)
        raise
    stage.end(stage.found or options.keep)
    for text in stage.found[:40]:
        print("FAIL %s" % text)
    if stage.found or options.keep:
        print("see %s" % stage.dir)
    return 1 if stage.found else 0


if __name__ == "__main__":
    sys.exit(main())
