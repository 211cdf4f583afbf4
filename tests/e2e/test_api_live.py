"""Streams: what happens in the catalog, and logs as they grow."""

import re
import shutil
import socket
import subprocess

import api_client as api

RULES = api.TOP / "contrib" / "prometheus" / "alerts.yaml"
DASHBOARD = api.TOP / "contrib" / "grafana" / "flowfile-scheduler.json"

RUN_MEMBERS = ["id", "registration_id", "flow_uuid", "flow_name", "flow_path", "user_id", "started_at", "ended_at", "success",
               "nodes_completed", "number_of_nodes", "duration_seconds", "run_type", "schedule_id", "has_snapshot", "has_log"]


class Stream:
    """Server-sent events of an open answer, parsed as a browser does."""

    def __init__(self, daemon, path, last=None, timeout=api.WAIT_S):
        self.response = daemon.open(path, headers={"Last-Event-ID": last} if last is not None else {}, timeout=timeout)
        self.status = self.response.status
        self.last_id = last
        self.comments = 0

    def next(self):
        """(type, id, data) of the next event; None at the end."""
        kind, data = "message", []
        while True:
            line = self.response.readline().decode()
            if not line:
                return None
            line = line.rstrip("\n")
            if not line:
                if data:
                    return kind, self.last_id, api.loads("\n".join(data))
                kind, data = "message", []
            elif line.startswith(":"):
                self.comments += 1
            else:
                name, _, value = line.partition(": ")
                if name == "id":
                    self.last_id = value
                elif name == "event":
                    kind = value
                elif name == "data":
                    data.append(value)

    def until(self, *wanted):
        """Events up to and including one of a wanted type."""
        got = []
        while not got or got[-1][0] not in wanted:
            event = self.next()
            if event is None:
                raise AssertionError(f"the stream ended behind {got}")
            got.append(event)
        return got

    def rest(self):
        got = []
        while True:
            event = self.next()
            if event is None:
                return got
            got.append(event)

    def close(self):
        self.response.close()


def add_flow(daemon, number, script):
    path = daemon.flow(f"flow{number}", script)
    daemon.sql("INSERT INTO flow_registrations (id, name, flow_path, owner_id, flow_uuid) VALUES (?, ?, ?, 1, ?)",
               (number, f"flow{number}", path, f"00000000-0000-4000-8000-{number:012d}"))


def ask(daemon, kind, flow=None, run=None):
    daemon.sql("INSERT INTO scheduler_requests (kind, registration_id, run_id, user_id, requested_by, created_at)"
               " VALUES (?, ?, ?, 1, 'test', strftime('%Y-%m-%d %H:%M:%f000', 'now'))", (kind, flow, run))


def names(events):
    return [e[0] for e in events]


def test_runs(t, d):
    everything, runs = Stream(d, "/events"), Stream(d, "/events?types=run.finished,run.cancelled")
    t.equal("a stream is text/event-stream", everything.response.headers["content-type"], "text/event-stream; charset=utf-8")
    ask(d, "run", flow=1)
    got = everything.until("run.finished")
    t.equal("each transition of a run comes once", [n for n in names(got) if n.startswith("run.")],
            ["run.queued", "run.started", "run.finished"])
    run = got[-1][2]
    t.equal("an event has a run's members", [k for k in run if k != "status"], RUN_MEMBERS)
    t.check("and its verdict", run["success"] is True and run["ended_at"])
    t.equal("a filter leaves the rest out", runs.until("run.finished"), got[-1:])
    ids = [e[1] for e in got if e[0].startswith("run.")]
    again = Stream(d, "/events", last=ids[0])
    t.equal("a stream goes on behind the last id", [e[1] for e in again.until("run.finished")][-2:], ids[1:])

    ask(d, "run", flow=2)
    started = everything.until("run.started")[-1][2]
    d.sql("UPDATE flow_runs SET nodes_completed = 2, number_of_nodes = 5 WHERE id = ?", (started["id"],))
    moved = everything.until("run.progress")[-1][2]
    t.equal("how far a run is, is told", (moved["id"], moved["nodes_completed"], moved["number_of_nodes"], moved["status"]),
            (started["id"], 2, 5, "running"))
    ask(d, "cancel", run=started["id"])
    cancelled = everything.until("run.cancelled", "run.finished")[-1]
    t.equal("a cancelled run is told as such", (cancelled[0], cancelled[2]["id"]), ("run.cancelled", started["id"]))
    for s in (everything, runs, again):
        s.close()


def test_burst(t, d):
    """Many changes are read at once, then: each still once."""
    s = Stream(d, "/events?types=run.queued,run.started,run.finished")
    rows = [(n, f"2026-01-01 00:00:{n % 60:02d}.000000") for n in range(1001, 1101)]
    d.sql("INSERT INTO flow_runs (id, flow_name, flow_path, user_id, started_at, number_of_nodes, nodes_completed, run_type,"
          " flow_uuid) SELECT value, 'designed', '/nowhere', 1, strftime('%Y-%m-%d %H:%M:%f000', 'now'), 0, 0,"
          " 'in_designer_run', 'x' || value FROM (WITH RECURSIVE n(value) AS (SELECT 1001 UNION ALL SELECT value + 1 FROM n"
          " WHERE value < 1100) SELECT value FROM n)")
    d.sql("UPDATE flow_runs SET ended_at = strftime('%Y-%m-%d %H:%M:%f000', 'now'), success = 1 WHERE id BETWEEN 1001 AND 1100")
    d.sql("UPDATE flow_runs SET success = 1 WHERE id BETWEEN 1001 AND 1100")
    seen = {}
    while sum("run.finished" in v for v in seen.values()) < len(rows):
        kind, _, run = s.next()
        seen.setdefault(run["id"], []).append(kind)
    t.check("a hundred runs have each transition once, in order",
            all(v == ["run.queued", "run.started", "run.finished"] for v in seen.values()), repr(seen))
    ask(d, "run", flow=1)
    t.equal("and nothing twice behind them", names(s.until("run.finished")), ["run.queued", "run.started", "run.finished"])
    s.close()


def test_other_kinds(t, d):
    s = Stream(d, "/events")
    d.sql("INSERT INTO flow_schedules (id, registration_id, owner_id, enabled, schedule_type, interval_seconds, created_at,"
          " updated_at) VALUES (5, 1, 1, 0, 'interval', 3600, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)")
    kind, _, data = s.next()
    t.equal("a schedule is told", (kind, data["id"], data["schedule_type"]), ("schedule.changed", 5, "interval"))
    d.sql("DELETE FROM flow_schedules WHERE id = 5")
    kind, _, data = s.next()
    t.equal("and that it was deleted", (kind, data), ("schedule.deleted", api.ordered(id=5)))
    d.sql("INSERT INTO catalog_tables (id, name, owner_id, table_type, created_at, updated_at)"
          " VALUES (7, 'orders', 1, 'physical', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)")
    kind, _, data = s.next()
    t.equal("a table's write is told", (kind, data),
            ("table.written", api.ordered(id=7, name="orders", namespace_id=None, run_id=None, at=api.TIME)))
    d.sql("DELETE FROM catalog_tables WHERE id = 7")
    t.equal("and that it was deleted", s.next()[0], "table.deleted")
    s.close()


def test_resync(t, d):
    def first(last):
        s = Stream(d, "/events", last=last)
        event = s.next()
        s.close()
        return event

    t.equal("an id of the future, too", first("999999")[0], "resync")
    t.expect("an id that is none is refused", d.get("/events", headers={"Last-Event-ID": "x"}), 422)
    t.expect("so is an unknown type", d.get("/events?types=run.queued,nothing"), 422)
    t.expect("a stream needs the token", d.get("/events", token=False), 401)


def test_standby(t, d):
    """A client goes over to another daemon with the last id it has seen, and hears of the leader's end there."""
    other = api.Daemon(folder=d.folder)
    other.env["FLOWFILE_SCHEDULER_INSTANCE_NAME"] = "other"
    other.start()
    try:
        early = Stream(other, "/events", last="1")
        t.equal("what it does not know of any more is told", early.next()[0], "resync")
        early.close()
        here, there = Stream(d, "/events"), Stream(other, "/events")
        ask(d, "run", flow=1)
        a, b = here.until("run.finished"), there.until("run.finished")
        t.equal("a standby tells the same", [e[0] for e in a], [e[0] for e in b])
        moved = Stream(other, "/events", last=a[0][1])
        t.equal("and goes on where the leader's stream was", names(moved.until("run.finished")), names(a[1:]))
        t.equal("a daemon with open streams ends well", d.end(), 0)
        got = there.until("leadership")
        while got[-1][2]["holder_id"] is None:
            got = there.until("leadership")
        t.check("a new leader is told", got[-1][2]["holder_id"])
        here.rest()
        there.close()
        moved.close()
    finally:
        t.equal("so does the other", other.end(), 0)


def test_log(t, d):
    d.folder.joinpath("go").unlink(missing_ok=True)
    s = Stream(d, "/events?types=run.started,run.finished")
    ask(d, "run", flow=3)
    run = s.until("run.started")[-1][2]["id"]
    log = Stream(d, f"/catalog/runs/{run}/log/stream")
    kind, at, data = log.next()
    t.equal("what is there comes at once", (kind, at, data), ("log", "6", api.ordered(offset=0, text="first\n")))
    d.folder.joinpath("go").touch()
    rest = log.rest()
    whole = data["text"] + "".join(e[2]["text"] for e in rest[:-1])
    t.check("then what is written later", "h\u00e9\u0000"[:2] in whole and "\ufffd" in whole, repr(whole))
    t.equal("at the end the exit, and nothing behind it", (rest[-1][0], rest[-1][2]),
            ("end", api.ordered(status="failed", exit_code=3, signal=None, reason=None)))
    size = d.run_log(run).stat().st_size
    t.equal("ids are places in the log", (rest[-1][1], rest[-2][1]), (str(size), str(size)))
    again = Stream(d, f"/catalog/runs/{run}/log/stream?offset=6").rest()
    t.equal("an offset leaves out what is before", "first\n" + "".join(e[2]["text"] for e in again[:-1]), whole)
    again = Stream(d, f"/catalog/runs/{run}/log/stream?offset=0", last=str(size)).rest()
    t.equal("the last id is more than the offset", names(again), ["end"])
    t.expect("a run that is not there", d.get("/catalog/runs/4711/log/stream"), 404, api.ordered(detail="Run not found"))
    t.expect("a run of the designer has no log", d.get("/catalog/runs/1001/log/stream"), 404,
             api.ordered(detail="Log file not found"))
    t.expect("an offset is no less than 0", d.get(f"/catalog/runs/{run}/log/stream?offset=-1"), 422)
    s.close()


def test_large_log(t, d):
    """Larger than what a stream may be behind, cut in its middle, and with a reader that begins late."""
    s = Stream(d, "/events?types=run.finished")
    ask(d, "run", flow=4)
    run = s.until("run.finished")[-1][2]["id"]
    events = Stream(d, f"/catalog/runs/{run}/log/stream").rest()
    text = "".join(e[2]["text"] for e in events[:-1])
    t.equal("a log that was cut is as it is in the file", text, d.run_log(run).read_text())
    t.check("the middle is left out", "line 1\n" in text and "line 100000\n" in text and len(text) < 1 << 21)
    middle = events[len(events) // 2]
    again = Stream(d, f"/catalog/runs/{run}/log/stream", last=middle[1]).rest()
    t.equal("it goes on from within", "".join(e[2]["text"] for e in again[:-1]),
            "".join(e[2]["text"] for e in events[len(events) // 2 + 1:-1]))
    s.close()


def test_slow_reader(t, d):
    """A reader that takes nothing is dropped, with a reason, and nobody else waits."""
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(("127.0.0.1", d.port))
    slow.sendall(f"GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {d.token}\r\n\r\n".encode())
    s = Stream(d, "/events?types=schedule.changed")
    d.sql("INSERT INTO flow_schedules (id, registration_id, owner_id, enabled, schedule_type, interval_seconds, description,"
          " created_at, updated_at) VALUES (6, 1, 1, 0, 'interval', 3600, ?, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
          ("x" * 200000,))
    n = 0
    while "A stream is dropped" not in d.said() and n < 100:
        d.sql("UPDATE flow_schedules SET interval_seconds = interval_seconds + 60 WHERE id = 6")
        s.next()
        n += 1
    t.check("a slow reader is dropped", n < 100)
    slow.settimeout(api.WAIT_S)
    got = b""
    while True:
        more = slow.recv(1 << 20)
        if not more:
            break
        got += more
    t.check("and told why", got.endswith(b'event: dropped\ndata: {"reason":"the reader is too slow"}\n\n'), repr(got[-100:]))
    d.sql("DELETE FROM flow_schedules WHERE id = 6")
    slow.close()
    s.close()


def metric(page, name):
    """The value of the line that begins so; None without."""
    for line in page.splitlines():
        if line.startswith("flowfile_scheduler_" + name + " "):
            return float(line.rpartition(" ")[2])
    return None


def test_metrics(t, d):
    t.expect("the figures need the token", d.get("/metrics", token=False), 401)
    s = Stream(d, "/events")
    d.get("/catalog/nothing")
    d.get("/healthz")
    answer = d.get("/metrics")
    page = answer.text
    t.equal("they are Prometheus' text", answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
    for name, want in (
            ("leader", 1), ("database_up", 1), ('http_streams{kind="events"}', 1), ("http_streams_dropped_total", 1),
            ('runs_ended_total{outcome="failed",type="manual"}', 1), ('runs_ended_total{outcome="cancelled",type="manual"}', 1),
            ('feed_hints_total{kind="resync"}', 0)):
        t.equal(name, metric(page, name), want)
    for name in ('runs_started_total{type="manual"}', 'http_requests_total{method="GET",route="/healthz",status="200"}',
                 'http_requests_total{method="",route="",status="404"}', 'feed_events_total{kind="run"}',
                 "store_transaction_duration_seconds_count", "http_request_duration_seconds_count", "heartbeat_age_seconds"):
        t.check(name + " is counted", (metric(page, name) or 0) > 0)
    counts = [float(line.rpartition(" ")[2]) for line in page.splitlines()
              if line.startswith("flowfile_scheduler_http_request_duration_seconds_bucket")]
    t.equal("a histogram's buckets grow to its count", (sorted(counts), counts[-1]),
            (counts, metric(page, "http_request_duration_seconds_count")))
    promtool = shutil.which("promtool")
    if promtool:
        for command, data in ((["check", "metrics"], page), (["check", "rules", str(RULES)], "")):
            got = subprocess.run([promtool, *command], input=data, capture_output=True, text=True)
            t.equal(f"promtool {command[1]} has no complaint", (got.returncode, got.stderr), (0, ""))
    known = {line.split()[2] for line in page.splitlines() if line.startswith("# TYPE ")} | {"up"}
    used = set(re.findall(r"\b(?:flowfile_scheduler|process)_[a-z_]+\b", RULES.read_text() + DASHBOARD.read_text()))
    stems = {re.sub(r"_(bucket|sum|count)$", "", name) if name not in known else name for name in used}
    # A launch to come is there only when there is one.
    t.equal("rules and dashboard use figures that there are", stems - known - {"flowfile_scheduler_next_launch_timestamp_seconds"},
            set())
    s.close()


def test_trigger_figures(t, d):
    """A slot's lateness and a write's latency are measured where they happen."""
    s = Stream(d, "/events?types=run.finished")
    d.sql("INSERT INTO catalog_tables (id, name, owner_id, table_type, created_at, updated_at)"
          " VALUES (8, 'watched', 1, 'physical', '2026-01-01 00:00:00', '2026-01-01 00:00:00')")
    d.sql("INSERT INTO flow_schedules (id, registration_id, owner_id, enabled, schedule_type, trigger_table_id, created_at,"
          " updated_at) VALUES (8, 1, 1, 1, 'table_trigger', 8, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)")
    d.sql("UPDATE catalog_tables SET updated_at = strftime('%Y-%m-%d %H:%M:%f000', 'now') WHERE id = 8")
    t.equal("a write triggers", s.next()[2]["schedule_id"], 8)
    d.sql("INSERT INTO flow_schedules (id, registration_id, owner_id, enabled, schedule_type, interval_seconds, created_at,"
          " updated_at, last_triggered_at) VALUES (9, 1, 1, 1, 'interval', 60, '2026-01-01 00:00:00', '2026-01-01 00:00:00',"
          " '2026-01-01 00:00:00')")
    t.equal("a slot launches", s.next()[2]["schedule_id"], 9)
    d.sql("DELETE FROM flow_schedules")
    page = d.get("/metrics").text
    t.equal("both are observed, once", (metric(page, "trigger_latency_seconds_count"),
                                        metric(page, "launch_lateness_seconds_count"),
                                        metric(page, 'runs_ended_total{outcome="success",type="scheduled"}')), (1, 1, 2))
    s.close()


def main():
    t = api.Test()
    d = api.Daemon(env={"FLOWFILE_SCHEDULER_RUN_LOG_MAX_SIZE": "1M"}).start()
    try:
        d.wait_leading()
        add_flow(d, 1, "exit 0")
        add_flow(d, 2, "exec sleep 100")
        add_flow(d, 3, f"echo first; while [ ! -e {d.folder}/go ]; do sleep 0.05; done; printf 'h\\303\\251\\000\\377\\n'; exit 3")
        add_flow(d, 4, "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); echo line $i; done")
        d.sql("UPDATE flow_registrations SET name = name")
        for test in (test_runs, test_burst, test_other_kinds, test_resync, test_log, test_large_log, test_slow_reader,
                     test_trigger_figures, test_metrics, test_standby):
            test(t, d)
    finally:
        d.stop()
    t.finish()


if __name__ == "__main__":
    main()
