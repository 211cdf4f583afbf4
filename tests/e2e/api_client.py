"""A daemon in a folder of its own and a client of its API, for the tests of the API.

    import api_client as api

    t = api.Test()                            # counts what holds
    d = api.Daemon()                          # made, not started; api.Daemon(fixture=True): a catalog of Flowfile 0.16
    d.start()
    try:
        flow = d.post("/catalog/flows", {"name": "a", "flow_path": d.flow("a", "exit 0")}).json
        t.expect("a flow is got", d.get("/catalog/flows/1"), 200, flow)
        d.wait_for("its run ends", lambda: d.get("/catalog/active-runs").json == [])
    finally:
        d.stop()
    t.finish()                                # "N passed, M failed", and the exit status

The objects of an answer are Members: they are equal only if their members are in the same order. Only Python's standard
library, 3.9 or newer; without it the tests are skipped (api_client.sh).
"""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import api_store

TOP, BUILD, IS_POSTGRES = api_store.TOP, api_store.BUILD, api_store.IS_POSTGRES
WAIT_S = 30  # an event that has not come by then does not come


class Members(dict):
    """An object whose members have an order, as they have on the wire."""

    def __eq__(self, other):
        return isinstance(other, dict) and list(self.items()) == list(other.items())

    def __ne__(self, other):
        return not self == other

    __hash__ = None


def loads(text):
    return json.loads(text, object_pairs_hook=Members)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def json(self):
        return loads(self.text)

    @property
    def detail(self):
        return self.json["detail"]

    def __repr__(self):
        return f"{self.status} {self.body[:2000]!r}"


class Daemon:
    """Everything of it is in self.folder: HOME, the storage folder, flows, the log of the daemon."""

    def __init__(self, fixture=False, env=None, args=(), folder=None):
        self.own_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="flowfile-api-"))
        self.base = self.folder / "base"
        db = self.base / "database" / "flowfile_catalog.db"
        self.log = self.folder / f"daemon-{time.monotonic_ns()}.log"
        self.args, self.process, self.port, self.token = list(args), None, None, None
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith("FLOWFILE_") and k not in ("JWT_SECRET_KEY", "TESTING", "PYTHONUNBUFFERED")}
        self.env.update(
            HOME=str(self.folder / "home"), FLOWFILE_STORAGE_DIR=str(self.base), FLOWFILE_SHIM=str(BUILD / "flowfile-shim"),
            FLOWFILE_SCHEDULER_HTTP_LISTEN="127.0.0.1:0")
        self.store = api_store.make(db)
        self.env.update({**self.store.env, **(env or {})})
        for path in (self.folder / "home", self.folder / "flows", db.parent):
            path.mkdir(parents=True, exist_ok=True)
        if fixture:
            self.store.fill(lambda: self.flowfile("init"))

    # --- the process

    def start(self):
        """Returns when the API is served (or when the daemon ended: that is an error)."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(BUILD / "flowfile_scheduler"), *self.args], env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        if self.env["FLOWFILE_SCHEDULER_HTTP_LISTEN"] != "none":
            found = self.wait_for("the API is served", lambda: re.search(r"The API is served address=\S+ port=(\d+)", self.said()))
            self.port = int(found.group(1))
        token = self.base / "scheduler_token"
        self.token = token.read_text().strip() if token.exists() else None
        return self

    def said(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self, number):
        self.process.send_signal(number)

    def end(self, number=signal.SIGTERM):
        """Ends the daemon and leaves the folder. Returns its exit status."""
        if self.alive():
            self.process.send_signal(number)
            try:
                self.process.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode if self.process else None

    def stop(self):
        """Ends the daemon and what its flows left, and removes the folder."""
        status = self.end()
        for pid in self.flow_pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.store.close()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        return status

    def flow_pids(self):
        """Processes whose program or arguments are in the folder."""
        found, mark = [], str(self.folder).encode()
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and int(entry) != os.getpid() and mark in pathlib.Path("/proc", entry, "cmdline").read_bytes():
                    found.append(int(entry))
            except OSError:
                pass
        return found

    def wait_for(self, what, look, seconds=WAIT_S):
        """Waits until look() gives something true and returns that."""
        end = time.monotonic() + seconds
        while True:
            found = look()
            if found:
                return found
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"the daemon ended while {what} was waited for:\n{self.said()}")
            if time.monotonic() > end:
                raise AssertionError(f"{what}: not within {seconds} s; the daemon said:\n{self.said()}")
            time.sleep(0.01)

    def wait_leading(self):
        """Until it leads, so that runs can be started."""
        self.wait_for("it leads", lambda: self.get("/readyz").json.get("leading"))
        return self

    # --- the command line

    def flowfile(self, *args):
        return subprocess.run([str(BUILD / "flowfile"), *args], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              text=True, check=True).stdout

    # --- files and rows

    def flow(self, name, script):
        """An executable flow: its path."""
        path = self.folder / "flows" / name
        path.write_text("#!/bin/sh\n" + script + "\n")
        path.chmod(0o755)
        return str(path)

    def run_log(self, run_id):
        return self.base / "logs" / f"scheduled_run_{run_id}.log"

    def sql(self, text, parameters=()):
        """Rows of the catalog, written or read beside the daemon, on both stores (api_store.py)."""
        return self.store.sql(text, parameters)

    # --- requests

    def request(self, method, path, body=None, headers=None, token=True, timeout=WAIT_S):
        """body: anything but bytes is sent as JSON. token: True for the daemon's, False for none, or another."""
        send = {}
        if token:
            send["Authorization"] = "Bearer " + (self.token if token is True else token)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            send["Content-Type"] = "application/json"
        send.update(headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, send)
            got = connection.getresponse()
            return Answer(got.status, got.headers, got.read())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body, **more)

    def put(self, path, body=None, **more):
        return self.request("PUT", path, body, **more)

    def delete(self, path, **more):
        return self.request("DELETE", path, **more)

    def open(self, path, method="GET", headers=None, timeout=WAIT_S):
        """A stream: the response, to be read line by line and closed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        connection.request(method, path, headers={"Authorization": f"Bearer {self.token}", **(headers or {})})
        return connection.getresponse()

    def raw(self, data, timeout=WAIT_S):
        """Bytes as they are, and what comes back until the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            got = b""
            while True:
                more = s.recv(65536)
                if not more:
                    return got
                got += more


class Any:
    """Equal to everything that the function, if one is given, holds for."""

    def __init__(self, holds=None, name="anything"):
        self.holds, self.name = holds, name

    def __eq__(self, other):
        return self.holds is None or bool(self.holds(other))

    def __ne__(self, other):
        return not self == other

    def __repr__(self):
        return f"<{self.name}>"

    __hash__ = None


def like(pattern):
    return Any(lambda x: isinstance(x, str) and re.fullmatch(pattern, x) is not None, pattern)


ANY = Any()
TIME = like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?")


def ordered(**members):
    return Members(members)


class Test:
    def __init__(self):
        why = api_store.missing()
        if why:
            print(f"skipped: {why}")
            sys.exit(1 if os.environ.get("FLOWFILE_TEST_REQUIRE_POSTGRES") else 77)
        self.passed, self.failed = 0, 0

    def check(self, name, holds, why=""):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAIL: {name}{': ' if why else ''}{why}", flush=True)
        return bool(holds)

    def equal(self, name, got, want):
        return self.check(name, got == want, f"\n   got: {got!r}\n  want: {want!r}")

    def expect(self, name, answer, status, body=ANY):
        """Status and body: bytes, or JSON with its order (Members, as answers and ordered() have; in a plain dict, too)."""
        if not self.check(name, answer.status == status, f"status {answer.status}, not {status}: {answer!r}"):
            return False
        if body is ANY:
            return True
        if body is None or isinstance(body, bytes):
            return self.equal(name, answer.body, body or b"")
        return self.equal(name, answer.json, body)

    def fails(self, name, answer, status, detail):
        """An error of the business: {"detail": text}."""
        return self.expect(name, answer, status, ordered(detail=detail))

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed else 0)
