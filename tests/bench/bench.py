#!/usr/bin/env python3
"""Figures, not tests: what the scheduler costs on this machine, beside the floors it stands on.

    make bench                         everything, prints a table in Markdown
    make bench BENCH=latency,burst     some of it

Nothing here passes or fails. Each figure names what was measured; the floor beside it is what the
machine needs for the bare minimum (fork and exec, one durable commit), measured in the same run.
"""

import contextlib
import http.client
import os
import pathlib
import platform
import re
import resource
import selectors
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

import bench_flows

BUILD = pathlib.Path(os.environ.get("abs_top_builddir", "."))
PG_BIN = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin")) if os.path.isdir("/usr/lib/postgresql") else []
ROWS = []


def say(what, figure, aim="", floor=""):
    ROWS.append((what, figure, aim, floor))
    print(f"  {what}: {figure}" + (f" (aim {aim})" if aim else "") + (f" [floor {floor}]" if floor else ""), flush=True)


def percentiles(values):
    values = sorted(values)
    return values[len(values) // 2], values[min(len(values) - 1, int(len(values) * 0.99))], values[-1]


class Postgres:
    """A private cluster on a unix socket, removed at the end."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ffbench-pg-"))
        self.data = self.dir / "data"
        self.as_user = []
        if os.geteuid() == 0:
            shutil.chown(self.dir, "postgres")
            self.as_user = ["runuser", "-u", "postgres", "--"]
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync")
        self.run("pg_ctl", "-D", self.data, "-w", "-l", self.dir / "log", "-o",
                 f"-k {self.dir} -c listen_addresses=''", "start")
        self.run("createdb", "-h", self.dir, "-U", "postgres", "catalog")
        self.url = f"postgresql://postgres@/catalog?host={self.dir}"

    def run(self, program, *args):
        subprocess.run([*self.as_user, PG_BIN[-1] / program, *map(str, args)], check=True, cwd="/",
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")
        shutil.rmtree(self.dir, ignore_errors=True)


class Home:
    """A catalog with a storage folder, and the daemons that serve it."""

    def __init__(self, store, postgres=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ffbench-"))
        self.out = self.dir / "out"
        self.daemons = []
        self.store = store
        self.url = postgres.url if postgres else str(self.dir / "catalog.db")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("FLOWFILE_")}
        self.env.update(FLOWFILE_STORAGE_DIR=str(self.dir), FLOWFILE_DATABASE_URL=self.url,
                        FLOWFILE_SHIM=str(BUILD / "flowfile-shim"), FLOWFILE_BENCH_OUT=str(self.out),
                        FLOWFILE_SCHEDULER_MAX_CONCURRENT_RUNS="0")
        if postgres:
            self.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self.flowfile("init")
        if store == "SQLite, rollback":
            self.sql("PRAGMA journal_mode = DELETE")

    def flowfile(self, *args):
        return subprocess.run([BUILD / "flowfile", *args], env=self.env, check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def sql(self, script):
        if self.url.startswith("postgresql:"):
            return subprocess.run([PG_BIN[-1] / "psql", "-qAt", "-v", "ON_ERROR_STOP=1", self.url, "-c", script],
                                  check=True, text=True, stdout=subprocess.PIPE).stdout
        with contextlib.closing(sqlite3.connect(self.url, timeout=30)) as db:
            rows = []
            for statement in script.split(";"):
                if statement.strip():
                    rows = db.execute(statement).fetchall()
            db.commit()
        return "\n".join("|".join(map(str, row)) for row in rows)

    def start(self):
        log = open(self.dir / f"daemon{len(self.daemons)}.log", "w")
        daemon = subprocess.Popen([BUILD / "flowfile_scheduler"], env=self.env, stderr=log)
        self.daemons.append(daemon)
        return daemon

    def leader(self):
        row = self.sql("SELECT i.pid FROM scheduler_lock l JOIN scheduler_instances i ON i.holder_id = l.holder_id")
        return int(row) if row.strip() else 0

    def wait_leader(self, other_than=0):
        for _ in range(20000):
            pid = self.leader()
            if pid and pid != other_than:
                return pid
            time.sleep(0.002)
        raise SystemExit("no daemon became the leader")

    def marks(self):
        if not self.out.exists():
            return []
        return [(int(t), cause) for t, _, cause in (line.partition(" ") for line in self.out.read_text().splitlines())]

    def wait_marks(self, n, seconds=60):
        end = time.monotonic() + seconds
        while len(self.marks()) < n and time.monotonic() < end:
            time.sleep(0.01)
        return self.marks()

    def close(self):
        for daemon in self.daemons:
            if daemon.poll() is None:
                daemon.send_signal(signal.SIGTERM)
            daemon.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


@contextlib.contextmanager
def home(store, postgres=None):
    h = Home(store, postgres)
    try:
        yield h
    finally:
        h.close()


def stores(postgres):
    yield "SQLite, WAL", None
    yield "SQLite, rollback", None
    if postgres:
        yield "PostgreSQL", postgres


def flows_sql(first, n, path, **schedule):
    """n flows with one schedule each, in one statement per table (SQL that both databases take)."""
    series = f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {first + n - 1})"
    columns = ", ".join(schedule)
    values = ", ".join(schedule.values())
    return (f"{series} INSERT INTO flow_registrations (id, name, flow_path, owner_id, flow_uuid, is_api_compatible) "
            f"SELECT i, 'flow ' || i, '{path}', 1, 'uuid-' || i, {schedule['enabled']} FROM n;"
            f"{series} INSERT INTO flow_schedules (id, registration_id, owner_id, schedule_type, {columns}) "
            f"SELECT i, i, 1, 'interval', {values} FROM n;")


def true_of(h):
    return "TRUE" if h.store == "PostgreSQL" else "1"


def stamp(seconds):
    return time.strftime("'%Y-%m-%d %H:%M:%S", time.gmtime(int(seconds))) + f".{int(seconds % 1 * 1e6):06d}'"


def bench_floor(postgres):
    start = time.perf_counter()
    n = 300
    for _ in range(n):
        os.waitpid(os.posix_spawn(str(BUILD / "tests/bench/bench_mark"), ["mark"], {}), 0)
    say("floor: spawn, exec and wait of a static program", f"{(time.perf_counter() - start) / n * 1e3:.2f} ms")


def schedule_marks(h):
    """A table, and a flow that marks each of its starts, triggered by it."""
    h.flowfile("flows", "register", str(BUILD / "tests/bench/bench_mark"), "--name", "mark")
    h.flowfile("tables", "register", "t")
    h.flowfile("schedules", "create", "mark", "--on-table", "t")


def measure_latency(h, n):
    """n writes, 40 ms apart: (median, p99, worst) ms from commit to start, starts, median ms of a commit."""
    before = len(h.marks())
    out = subprocess.run([BUILD / "tests/bench/bench_writer", h.url, "1", str(n), "40"], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    writes = [tuple(map(int, line.split())) for line in out.splitlines()]
    marks = [t for t, _ in h.wait_marks(before + n, 5)][before:]
    late, i = [], 0
    for at, _ in writes:  # the first start after each commit; a start can stand for two writes
        while i < len(marks) and marks[i] < at - 1_000_000:
            i += 1
        if i < len(marks):
            late.append((marks[i] - at) / 1e6)
    return percentiles(late), len(marks), percentiles([took / 1e6 for _, took in writes])[0]


def bench_latency(postgres):
    for store, pg in stores(postgres):
        with home(store, pg) as h:
            schedule_marks(h)
            h.start()
            h.wait_leader()
            (median, p99, worst), starts, commit = measure_latency(h, 500)
            say(f"write committed to flow started, {store}",
                f"median {median:.2f}, p99 {p99:.2f}, max {worst:.2f} ms; {starts} starts for 500 writes",
                "median 5, p99 25 ms", f"one commit {commit:.2f} ms")


def bench_lateness(postgres):
    with home("SQLite, WAL") as h:
        due = time.time() + 4
        mark = BUILD / "tests/bench/bench_mark"
        for i in range(40):  # every 100 ms one slot
            h.sql(flows_sql(i + 1, 1, mark, enabled="1", interval_seconds="3600",
                            last_triggered_at=stamp(due + i * 0.1 - 3600)))
        h.start()
        marks = h.wait_marks(40, 15)
        late = [(t - round((due + i * 0.1) * 1e6) * 1000) / 1e6 for i, (t, _) in enumerate(marks)]
        median, p99, worst = percentiles(late)
        say("slot to flow started, SQLite", f"median {median:.2f}, max {worst:.2f} ms over {len(late)} slots", "10 ms")


def cpu_of(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_of(pid):
    return int(next(line for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS")).split()[1]) / 1024


def bench_idle(postgres):
    with home("SQLite, WAL") as h:
        h.sql(flows_sql(1, 10000, "/bin/true", enabled="1", interval_seconds="86400", last_triggered_at="CURRENT_TIMESTAMP"))
        daemon = h.start()
        h.wait_leader()
        time.sleep(2)
        before, start = cpu_of(daemon.pid), time.monotonic()
        switches = open(f"/proc/{daemon.pid}/status").read()
        time.sleep(30)
        used = (cpu_of(daemon.pid) - before) / (time.monotonic() - start) * 100
        after = open(f"/proc/{daemon.pid}/status").read()
        wakes = [int(text.split("voluntary_ctxt_switches:")[1].split()[0]) for text in (switches, after)]
        say("idle daemon, 10,000 enabled schedules", f"{rss_of(daemon.pid):.1f} MB resident, {used:.2f} % CPU, "
            f"{(wakes[1] - wakes[0]) * 2} wake-ups a minute", "12 MB, 0.1 %")


def bench_load(postgres):
    with home("SQLite, WAL") as h:
        h.sql(flows_sql(1, 100000, "/bin/true", enabled="1", interval_seconds="86400", last_triggered_at="CURRENT_TIMESTAMP"))
        start = time.perf_counter()
        subprocess.run([BUILD / "flowfile_scheduler", "--once"], env=h.env, check=True, stderr=subprocess.DEVNULL)
        say("start, load 100,000 schedules, one pass, stop", f"{time.perf_counter() - start:.2f} s", "2 s")
        daemon = h.start()
        h.wait_leader()
        time.sleep(2)
        say("daemon with 100,000 schedules", f"{rss_of(daemon.pid):.1f} MB resident")


def bench_burst(postgres):
    for history in (0, 100000):
        for store, pg in stores(postgres):
            if store == "SQLite, rollback":
                continue
            with home(store, pg) as h:
                if history:
                    h.sql(f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {history}) "
                          "INSERT INTO flow_runs (registration_id, flow_name, user_id, started_at, ended_at, success, "
                          "nodes_completed, number_of_nodes, run_type, flow_uuid) SELECT i % 200 + 1, 'flow', 1, "
                          f"CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, {true_of(h)}, 0, 0, 'scheduled', 'uuid-' || (i % 200 + 1) FROM n")
                due = time.time() + 3
                h.sql(flows_sql(1, 200, BUILD / "tests/bench/bench_mark", enabled=true_of(h), interval_seconds="3600",
                                last_triggered_at=stamp(due - 3600) if store != "PostgreSQL" else "CAST(" + stamp(due - 3600) + " AS TIMESTAMP)"))
                h.start()
                marks = h.wait_marks(200, 15)
                last = (marks[-1][0] - due * 1e9) / 1e9 if marks else float("nan")
                say(f"200 flows due at once, {store}, {history:,} runs of history",
                    f"last of {len(marks)} started after {last:.3f} s", "0.3 s")


class Client:
    """One connection that is kept open."""

    def __init__(self, h):
        self.http = http.client.HTTPConnection("127.0.0.1", h.port)
        self.headers = {"Authorization": "Bearer " + h.token}

    def ms(self, path, n=100):
        took = []
        for _ in range(n):
            start = time.perf_counter()
            self.http.request("GET", path, headers=self.headers)
            answer = self.http.getresponse()
            answer.read()
            assert answer.status == 200, (path, answer.status)
            took.append((time.perf_counter() - start) * 1e3)
        return percentiles(took)


def shell_ms(h, sql, n=20):
    """The floor of a request: the same rows by the sqlite3 module, ready and open."""
    with contextlib.closing(sqlite3.connect(h.url)) as db:
        took = []
        for _ in range(n):
            start = time.perf_counter()
            db.execute(sql).fetchall()
            took.append((time.perf_counter() - start) * 1e3)
    return f"query {percentiles(took)[0]:.2f} ms"


def wrk(h, path, seconds):
    return subprocess.Popen(["wrk", "-t1", "-c64", f"-d{seconds}", "--latency", "-H", "Authorization: Bearer " + h.token,
                             f"http://127.0.0.1:{h.port}{path}"], text=True, stdout=subprocess.PIPE)


def fill_history(h):
    """1,000 flows, 5,000 schedules that never fire, 200,000 runs."""
    h.sql(flows_sql(1001, 1000, "/bin/true", enabled="0", interval_seconds="86400"))
    h.sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) INSERT INTO flow_schedules "
          "(registration_id, owner_id, schedule_type, enabled, interval_seconds) SELECT 1001 + i % 1000, 1, 'interval', 0, "
          "86400 FROM n")
    h.sql("UPDATE flow_schedules SET created_at = '2025-12-01 00:00:00'")  # older than their runs
    h.sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) INSERT INTO flow_runs "
          "(registration_id, flow_uuid, flow_name, user_id, started_at, ended_at, success, nodes_completed, number_of_nodes, "
          "run_type, schedule_id) SELECT 1001 + i % 1000, 'uuid-' || (1001 + i % 1000), 'flow ' || (1001 + i % 1000), 1, "
          "datetime('2026-01-01', '+' || i || ' minutes'), datetime('2026-01-01', '+' || i || ' minutes'), i % 7 > 0, 0, 0, "
          "CASE i % 3 WHEN 0 THEN 'manual' ELSE 'scheduled' END, 1001 + i % 1000 FROM n")


PAGES = [("", "1"), ("&registration_id=1500", "flow_uuid = 'uuid-1500'"), ("&schedule_id=1500", "schedule_id = 1500"),
         ("&run_type=manual", "run_type = 'manual'"), ("&search=w%2015", "flow_name LIKE '%w 15%'"),
         ("&run_type=manual&search=w%2015", "run_type = 'manual' AND flow_name LIKE '%w 15%'"), ("&offset=100000", "1")]


def serve(h):
    """A daemon that leads and serves the API at h.port."""
    h.env["FLOWFILE_SCHEDULER_HTTP_LISTEN"] = "127.0.0.1:0"
    daemon = h.start()
    h.wait_leader()
    while not (found := re.search(r"port=(\d+)", (h.dir / "daemon0.log").read_text())):
        time.sleep(0.01)
    h.port = int(found[1])
    h.token = (h.dir / "scheduler_token").read_text().strip()
    return daemon


def bench_api(postgres):
    with home("SQLite, WAL") as h:
        schedule_marks(h)
        fill_history(h)
        serve(h)
        client = Client(h)
        for query, where in PAGES:
            median, p99, _ = client.ms("/catalog/runs?limit=50" + query)
            say(f"a page of 50 of 200,000 runs, {query.replace('&', ' ').strip() or 'no filter'}",
                f"median {median:.2f}, p99 {p99:.2f} ms", "5 ms",
                shell_ms(h, f"SELECT * FROM flow_runs WHERE {where} ORDER BY started_at DESC LIMIT 50"))
        median, p99, _ = client.ms("/catalog/stats")
        say("GET /catalog/stats", f"median {median:.2f}, p99 {p99:.2f} ms", "10 ms")
        if not shutil.which("wrk"):
            print("  (no wrk: no load)")
            return
        out = wrk(h, "/catalog/schedules/1500", 5).communicate()[0]
        p99 = re.search(r"^ +99% +(\S+)$", out, re.M)[1]
        rate = re.search(r"Requests/sec:\s+(\S+)", out)[1]
        say("GET /catalog/schedules/{id}, 64 connections", f"{float(rate):,.0f} requests/s, p99 {p99}", "10,000/s, 5 ms",
            shell_ms(h, "SELECT * FROM flow_schedules WHERE id = 1500", 1000))
        idle = measure_latency(h, 200)[0][0]
        load = wrk(h, "/catalog/schedules/1500", 12)
        loaded = measure_latency(h, 200)[0][0]
        load.communicate()
        say("write committed to flow started, under that load", f"median {loaded:.2f} ms, {loaded / idle:.2f} times idle",
            "1.5 times idle")


def own_memory(pid):
    """MB that are resident and not shared with other programs."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(n) for n in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.M)) * 1024 / 1e6


class Streams:
    """So many open streams of events, and what each has got since the last run began."""

    def __init__(self, h, n):
        self.selector, self.got = selectors.EpollSelector(), {}
        for _ in range(n):
            s = socket.create_connection(("127.0.0.1", h.port))
            s.sendall(f"GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {h.token}\r\n\r\n".encode())
            self.selector.register(s, selectors.EVENT_READ)
            self.got[s] = b""
        self.wait(b"\nid: ")

    def wait(self, part):
        """Until each has got this: when those had that were waited for, as the clock on the wall goes."""
        waiting, times, end = {s for s, got in self.got.items() if part not in got}, [], time.monotonic() + 20
        while waiting:
            if time.monotonic() > end:
                raise SystemExit(f"{len(waiting)} of {len(self.got)} streams did not get {part.decode().strip()}")
            for key, _ in self.selector.select(1):
                self.got[key.fileobj] += key.fileobj.recv(65536)
                if key.fileobj in waiting and part in self.got[key.fileobj]:
                    waiting.remove(key.fileobj)
                    times.append(time.time())
        return times

    def forget(self):
        self.got = {s: b"" for s in self.got}

    def close(self):
        for s in self.got:
            s.close()
        self.selector.close()


def measure_run(h, streams):
    """ms from the commit of a run's start until the first and until the last stream has its run.started."""
    streams.forget()
    h.sql("INSERT INTO scheduler_requests (kind, registration_id, user_id, requested_by, created_at) "
          "VALUES ('run', 1, 1, 'bench', strftime('%Y-%m-%d %H:%M:%f000', 'now'))")
    times = streams.wait(b"run.started")
    seq = re.search(rb"id: (\d+)\.2\n", next(iter(streams.got.values())))[1].decode()
    committed = float(h.sql(f"SELECT (julianday(at) - 2440587.5) * 86400.0 FROM scheduler_changes WHERE seq = {seq}"))
    streams.wait(b"run.finished")  # so that the next one is alone
    return (times[0] - committed) * 1e3, (times[-1] - committed) * 1e3


def bench_streams(postgres):
    n, runs = 1000, 10
    with home("SQLite, WAL") as h:
        h.flowfile("flows", "register", str(BUILD / "tests/bench/bench_mark"), "--name", "mark")
        daemon = serve(h)
        Streams(h, 1).close()
        before = own_memory(daemon.pid)
        streams = Streams(h, n)
        opened = own_memory(daemon.pid)
        took = [measure_run(h, streams) for _ in range(runs)]
        after = own_memory(daemon.pid)
        streams.close()
        say(f"{n:,} open streams of events", f"{opened - before:.1f} MB when open, {after - before:.1f} MB after {runs} runs", "20 MB")
        first, last = percentiles([t[0] for t in took]), percentiles([t[1] for t in took])
        say(f"a run's start committed to heard by {n:,} streams",
            f"first {first[0]:.1f} ms, last {last[0]:.1f} ms (median of {runs}), {last[2]:.1f} ms (worst)", "50 ms")


def bench_takeover(postgres):
    for store, pg in stores(postgres):
        if store == "SQLite, rollback":
            continue
        took = []
        with home(store, pg) as h:
            h.start()
            h.start()
            for _ in range(5):
                leader = h.wait_leader()
                time.sleep(1.2)
                os.kill(leader, signal.SIGKILL)
                start = time.monotonic()
                h.wait_leader(other_than=leader)
                took.append(time.monotonic() - start)
                h.start()
        say(f"take-over after kill -9 of the leader, {store}", f"median {percentiles(took)[0]:.2f}, max {max(took):.2f} s", "2 s")


BENCHES = {"floor": bench_floor, "latency": bench_latency, "lateness": bench_lateness, "idle": bench_idle,
           "load": bench_load, "burst": bench_burst, "takeover": bench_takeover, "api": bench_api,
           "streams": bench_streams, "flows": lambda postgres: bench_flows.bench_flows(say)}


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{os.cpu_count()} x {model}, {pages:.0f} GiB, Linux {platform.release()}, SQLite {sqlite3.sqlite_version}"


def main():
    names = sys.argv[1].split(",") if len(sys.argv) > 1 and sys.argv[1] else list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    postgres = Postgres() if PG_BIN and (BUILD / "config.h").read_text().find("define HAVE_POSTGRES 1") >= 0 else None
    try:
        for name in names:
            print(f"{name}:", flush=True)
            BENCHES[name](postgres)
    finally:
        if postgres:
            postgres.close()
    print(f"\nMachine: {machine()}; load at the end {os.getloadavg()[0]:.1f}\n")
    print("| What | Figure | Aim | Floor |\n|---|---|---|---|")
    for row in ROWS:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
