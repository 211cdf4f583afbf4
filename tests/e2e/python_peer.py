#!/usr/bin/env python3
"""A small scheduler that shares a SQLite catalog the way Flowfile's Python scheduler does.

    python_peer.py serve --database FILE [--poll SECONDS] [--log-dir DIR] -- COMMAND...
    python_peer.py child FLOW_PATH --run-id N

`serve` keeps the rules that Flowfile's own scheduler is known to keep: the lock row with a heartbeat once per
tick and 90 s of patience, separate statements for guard and insert, watermarks that carry the observed
updated_at, a cron cursor in local time, the reaper. It is our peer in the tests of the handover: the
daemon must live with it on one catalog. COMMAND is run as "COMMAND... FLOW_PATH --run-id N". Each tick
prints one line on stdout: "skipped", or "held" and the runs it launched as "schedule:run".

`child` stands in for `flowfile run flow`: it notes its start and end in the file FLOWFILE_TEST_JOURNAL, waits as
long as the file FLOW_PATH.hold exists, and closes its own run, without looking whether somebody else did.
It fails when the file FLOW_PATH.fail exists. FLOW_PATH is looked for in FLOWFILE_TEST_FLOWS by its last name.
"""

import argparse
import datetime
import errno
import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
import zoneinfo

STALE_S = 90
PIDLESS_S = 300
MAX_AGE_S = 86400
UTC = datetime.timezone.utc


def utc_now():
    return datetime.datetime.now(UTC).replace(tzinfo=None)


def to_text(when):
    return when.strftime("%Y-%m-%d %H:%M:%S.%f")


def from_text(text):
    return datetime.datetime.fromisoformat(text) if text is not None else None


# --- cron: numbers, lists, ranges and steps are enough here ----------------------------------------


def cron_field(text, low, high):
    values = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            first, last = low, high
        elif "-" in span:
            first, last = map(int, span.split("-"))
        else:
            first = int(span)
            last = high if step else first
        values.update(range(first, last + 1, int(step or 1)))
    return values


def cron_next(expression, base):
    """The first matching minute strictly after base, both without a zone."""
    fields = expression.split()
    minutes = cron_field(fields[0], 0, 59)
    hours = cron_field(fields[1], 0, 23)
    days = cron_field(fields[2], 1, 31)
    months = cron_field(fields[3], 1, 12)
    weekdays = {d % 7 for d in cron_field(fields[4], 0, 7)}
    either = fields[2] != "*" and fields[4] != "*"
    at = base.replace(second=0, microsecond=0)
    for _ in range(2 * 366 * 24 * 60):
        at += datetime.timedelta(minutes=1)
        if at.month not in months or at.hour not in hours or at.minute not in minutes:
            continue
        by_day = at.day in days
        by_weekday = at.isoweekday() % 7 in weekdays
        if (by_day or by_weekday) if either else (by_day and by_weekday):
            return at
    return None


# --- the scheduler -----------------------------------------------------------------------------------


class Peer:
    def __init__(self, options):
        self.options = options
        self.me = uuid.uuid4().hex[:12]
        self.db = sqlite3.connect(options.database, timeout=5)
        self.db.row_factory = sqlite3.Row
        self.launched = []

    def one(self, sql, *values):
        return self.db.execute(sql, values).fetchone()

    def all(self, sql, *values):
        return self.db.execute(sql, values).fetchall()

    def write(self, sql, *values):
        self.db.execute(sql, values)
        self.db.commit()

    # The lock: read, then decide, then write.

    def hold(self):
        now = utc_now()
        row = self.one("SELECT holder_id, heartbeat_at FROM scheduler_lock WHERE id = 1")
        if row is None:
            self.write("INSERT INTO scheduler_lock (id, holder_id, started_at, heartbeat_at)"
                       " VALUES (1, ?, ?, ?)", self.me, to_text(now), to_text(now))
            return True
        if row["holder_id"] == self.me:
            self.write("UPDATE scheduler_lock SET heartbeat_at = ? WHERE id = 1", to_text(now))
            return True
        if (now - from_text(row["heartbeat_at"])).total_seconds() <= STALE_S:
            return False
        self.write("UPDATE scheduler_lock SET holder_id = ?, started_at = ?, heartbeat_at = ?"
                   " WHERE id = 1", self.me, to_text(now), to_text(now))
        return True

    def release(self):
        row = self.one("SELECT holder_id FROM scheduler_lock WHERE id = 1")
        if row is not None and row["holder_id"] == self.me:
            self.write("DELETE FROM scheduler_lock WHERE id = 1")

    # Runs that nobody will close any more.

    @staticmethod
    def lives(pid):
        if pid <= 0:
            return False
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return False
        except ChildProcessError:
            pass
        try:
            os.kill(pid, 0)
        except OSError as e:
            return e.errno != errno.ESRCH
        return True

    def reap(self):
        now = utc_now()
        for run in self.all("SELECT id, pid, started_at FROM flow_runs WHERE ended_at IS NULL"
                            " AND run_type IN ('scheduled', 'manual', 'on_demand')"):
            age = (now - from_text(run["started_at"])).total_seconds()
            if run["pid"] is None:
                dead = age > PIDLESS_S
            else:
                dead = not self.lives(run["pid"])
                if not dead and age > MAX_AGE_S:
                    os.kill(run["pid"], signal.SIGTERM)
                    dead = True
            if dead:
                self.db.execute("UPDATE flow_runs SET ended_at = ?, success = 0, duration_seconds = ?"
                                " WHERE id = ? AND ended_at IS NULL", (to_text(now), age, run["id"]))
        self.db.commit()

    # Launching: guard and insert are two steps, the watermark is a third.

    def spawn(self, path, run_id):
        log = os.path.join(self.options.log_dir, "scheduled_run_%d.log" % run_id)
        os.makedirs(self.options.log_dir, exist_ok=True)
        try:
            with open(log, "wb") as out:
                return subprocess.Popen(self.options.command + [path, "--run-id", str(run_id)], stdout=out,
                                        stderr=out, start_new_session=True).pid
        except OSError:
            return None

    def launch(self, schedule):
        """True: launched. None: skipped, the flow is busy. False: failed."""
        flow = self.one("SELECT * FROM flow_registrations WHERE id = ?", schedule["registration_id"])
        if flow is None:
            return False
        if self.one("SELECT id FROM flow_runs WHERE ended_at IS NULL AND (registration_id = ? OR flow_uuid = ?)",
                    flow["id"], flow["flow_uuid"]):
            return None
        now = to_text(utc_now())
        run_id = self.db.execute(
            "INSERT INTO flow_runs (registration_id, flow_uuid, flow_name, flow_path, user_id, started_at,"
            " nodes_completed, number_of_nodes, run_type, schedule_id)"
            " VALUES (?, ?, ?, ?, ?, ?, 0, 0, 'scheduled', ?)",
            (flow["id"], flow["flow_uuid"], flow["name"], flow["flow_path"], schedule["owner_id"], now,
             schedule["id"])).lastrowid
        self.write("UPDATE flow_schedules SET last_triggered_at = ? WHERE id = ?", now, schedule["id"])
        pid = self.spawn(flow["flow_path"], run_id)
        if pid is None:
            self.write("UPDATE flow_runs SET ended_at = ?, success = 0 WHERE id = ?", to_text(utc_now()), run_id)
            return False
        self.write("UPDATE flow_runs SET pid = ? WHERE id = ?", pid, run_id)
        self.launched.append("%d:%d" % (schedule["id"], run_id))
        return True

    def schedules(self, kind):
        return self.all("SELECT * FROM flow_schedules WHERE enabled IS 1 AND schedule_type = ?", kind)

    def intervals(self):
        now = utc_now()
        for s in self.schedules("interval"):
            last = from_text(s["last_triggered_at"])
            if s["interval_seconds"] is not None and (
                    last is None or (now - last).total_seconds() >= s["interval_seconds"]):
                self.launch(s)

    def crons(self):
        now = utc_now()
        for s in self.schedules("cron"):
            zone = zoneinfo.ZoneInfo(s["cron_timezone"] or "UTC")
            local = now.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
            base = from_text(s["last_cron_slot"])
            if base is None:
                last = from_text(s["last_triggered_at"] or s["created_at"])
                base = last.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
            due = cron_next(s["cron_expression"], base)
            if due is not None and due <= local and self.launch(s):
                self.write("UPDATE flow_schedules SET last_cron_slot = ? WHERE id = ?", to_text(local), s["id"])

    def watch(self, schedule, stamps):
        """stamps: of every table watched. Fires when all of them passed the watermark."""
        mark = from_text(schedule["last_trigger_table_updated_at"])
        newest = max(stamps)
        if mark is not None and not all(stamp > mark for stamp in stamps):
            return
        if mark is not None and self.launch(schedule) is None:
            return
        self.write("UPDATE flow_schedules SET last_trigger_table_updated_at = ? WHERE id = ?", to_text(newest),
                   schedule["id"])

    def stamps(self, table_ids):
        rows = [self.one("SELECT updated_at FROM catalog_tables WHERE id = ?", t) for t in table_ids]
        return [from_text(row["updated_at"]) for row in rows if row is not None and row["updated_at"] is not None]

    def tables(self):
        for s in self.schedules("table_trigger"):
            stamps = self.stamps([s["trigger_table_id"]])
            if stamps:
                self.watch(s, stamps)

    def table_sets(self):
        for s in self.schedules("table_set_trigger"):
            ids = [row[0] for row in
                   self.all("SELECT table_id FROM schedule_trigger_tables WHERE schedule_id = ?", s["id"])]
            stamps = self.stamps(ids)
            if len(ids) >= 2 and len(stamps) == len(ids):
                self.watch(s, stamps)

    def tick(self):
        self.launched = []
        if not self.hold():
            return "skipped"
        self.reap()
        self.intervals()
        self.crons()
        self.tables()
        self.table_sets()
        return " ".join(["held"] + self.launched)


def serve(options):
    stop = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.append(1))
    peer = Peer(options)
    while not stop:
        try:
            print(peer.tick(), flush=True)
        except sqlite3.OperationalError as e:
            # A tick that meets a busy catalog is given up (contract D-13).
            peer.db.rollback()
            print("failed: %s" % e, flush=True)
        if not stop:
            time.sleep(options.poll)
    peer.release()
    return 0


# --- the flow ------------------------------------------------------------------------------------------


def journal(*words):
    fd = os.open(os.environ["FLOWFILE_TEST_JOURNAL"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(fd, (" ".join(map(str, words)) + "\n").encode())
    os.close(fd)


def child(options):
    path = os.path.join(os.environ["FLOWFILE_TEST_FLOWS"], os.path.basename(options.flow_path))
    journal("start", options.run_id, os.getpid(), time.time())
    while os.path.exists(path + ".hold"):
        time.sleep(0.01)
    failed = os.path.exists(path + ".fail")
    journal("end", options.run_id, os.getpid(), time.time())
    db = sqlite3.connect(os.environ["FLOWFILE_DB_PATH"], timeout=5)
    row = db.execute("SELECT started_at FROM flow_runs WHERE id = ?", (options.run_id,)).fetchone()
    now = utc_now()
    db.execute("UPDATE flow_runs SET ended_at = ?, success = ?, duration_seconds = ?, nodes_completed = 0 WHERE id = ?",
               (to_text(now), 0 if failed else 1, (now - from_text(row[0])).total_seconds(), options.run_id))
    db.commit()
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("serve")
    verb.add_argument("--database", required=True)
    verb.add_argument("--poll", type=float, default=30)
    verb.add_argument("--log-dir", default=".")
    verb.add_argument("command", nargs="+")
    verb = verbs.add_parser("child")
    verb.add_argument("flow_path")
    verb.add_argument("--run-id", type=int, required=True)
    options = parser.parse_args()
    return serve(options) if options.verb == "serve" else child(options)


if __name__ == "__main__":
    sys.exit(main())
