#!/usr/bin/env python3
"""What 1,000 open event streams cost the daemon, and how long a run's start takes to reach all of them.

    tests/bench/event_streams.py [STREAMS] [RUNS]

Prints the memory that the streams take, and for each run the time from the commit of the change until the first and the
last stream had its run.started. Fails when it is more than 20 MB or 50 ms (of the median run).
"""

import pathlib
import re
import selectors
import socket
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import api_client as api  # noqa: E402

MEMORY_MAX = 20e6
REACH_MAX_S = 0.050


def memory(pid):
    """Bytes of its own: what is resident and not shared with other programs."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(n) for n in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.M)) * 1024


def connect(daemon):
    s = socket.create_connection(("127.0.0.1", daemon.port))
    s.sendall(f"GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {daemon.token}\r\n\r\n".encode())
    return s


def read_heads(streams):
    for s in streams:
        got = b""
        while b"\nid: " not in got:
            got += s.recv(4096)


def measure_run(daemon, selector, n, start_run):
    """Seconds from the commit to the first and the last stream."""
    start_run()
    waiting, times, text = n, [], {}
    end = time.monotonic() + 20
    while waiting and time.monotonic() < end:
        for key, _ in selector.select(1):
            data = text[key.fd] = text.get(key.fd, b"") + key.fileobj.recv(65536)
            if b"run.started" in data and b"<seen>" not in data:
                text[key.fd] += b"<seen>"
                times.append(time.time())
                waiting -= 1
    if waiting:
        raise SystemExit(f"{waiting} of {n} streams did not hear of the run")
    any_text = next(iter(text.values())).decode()
    seq = int(re.search(r"id: (\d+)\.2\n", any_text).group(1))
    committed = daemon.sql(
        "SELECT (julianday(at) - 2440587.5) * 86400.0 FROM scheduler_changes WHERE seq = ?", (seq,))[0][0]
    # Until its end, so that the next one is alone.
    while sum(b"run.finished" in t for t in text.values()) < n:
        for key, _ in selector.select(1):
            text[key.fd] += key.fileobj.recv(65536)
    return times[0] - committed, times[-1] - committed


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    daemon = api.Daemon().start()
    try:
        daemon.wait_leading()
        daemon.sql("INSERT INTO flow_registrations (name, flow_path, owner_id, flow_uuid)"
                   " VALUES ('bench', ?, 1, 'b0000000-0000-4000-8000-000000000000')", (daemon.flow("bench", "exit 0"),))
        connect(daemon).close()
        before = memory(daemon.process.pid)
        streams = [connect(daemon) for _ in range(n)]
        read_heads(streams)
        opened = memory(daemon.process.pid)
        selector = selectors.EpollSelector()
        for s in streams:
            s.setblocking(False)
            selector.register(s, selectors.EVENT_READ)

        def start_run():
            daemon.sql("INSERT INTO scheduler_requests (kind, registration_id, user_id, requested_by, created_at)"
                       " VALUES ('run', 1, 1, 'bench', strftime('%Y-%m-%d %H:%M:%f000', 'now'))")

        took = [measure_run(daemon, selector, n, start_run) for _ in range(runs)]
        after = memory(daemon.process.pid)
        last = statistics.median(t[1] for t in took)
        print(f"{n} streams: {(opened - before) / 1e6:.1f} MB when open, {(after - before) / 1e6:.1f} MB after {runs} runs,"
              f" {(after - before) / n:.0f} bytes each")
        print(f"run.started, from its commit: first stream {statistics.median(t[0] for t in took) * 1e3:.1f} ms,"
              f" last {last * 1e3:.1f} ms (median), {max(t[1] for t in took) * 1e3:.1f} ms (worst)")
        sys.exit(after - before > MEMORY_MAX or last > REACH_MAX_S)
    finally:
        daemon.stop()


main()
