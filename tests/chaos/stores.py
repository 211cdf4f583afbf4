"""The two kinds of catalog, as the chaos test needs them: plain statements, faults, and a way to make one anew.

Statements are written for both: parameters are put in as literals, because there are only numbers and words of our
own. The tests of the API (tests/e2e/api_store.py) have their server from here, too.
"""

import contextlib
import ctypes
import ctypes.util
import glob
import os
import pwd
import random
import sqlite3
import subprocess
import tempfile
import threading
import time


class StoreError(Exception):
    """Nothing was changed."""


class StoreLost(StoreError):
    """Nobody can tell whether it was."""


class Store:
    longest_pause_s = 10

    def draw_pause(self, rng, pauses):
        return rng.choice([pause for pause in pauses if pause <= self.longest_pause_s])


class Sqlite(Store):
    name = "sqlite"
    now = "CURRENT_TIMESTAMP"

    def __init__(self, folder):
        self.path = os.path.join(folder, "catalog.db")
        self.url = self.path

    def connect(self):
        # A frozen leader may hold the lock; we are the one who wakes it up.
        return SqliteSession(self.path, 2)

    def faults(self):
        return [(4, "the catalog is locked for a while", self.lock_for_a_while)]

    def lock_for_a_while(self, rng):
        hold_s = self.draw_pause(rng, [0.2, 0.5, 1, 1, 2, 6])
        with contextlib.closing(sqlite3.connect(self.path, timeout=10, isolation_level=None)) as db:
            try:
                db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return "in vain"
            time.sleep(hold_s)
            db.execute("ROLLBACK")
        return "%.1f s" % hold_s

    def stop_command(self):
        return []


class SqliteSession:
    def __init__(self, path, timeout_s):
        self.db = sqlite3.connect(path, timeout=timeout_s, isolation_level=None)

    def query(self, sql):
        try:
            return self.db.execute(sql).fetchall()
        except sqlite3.OperationalError as e:
            raise StoreError(str(e)) from e

    def close(self):
        self.db.close()


# --- PostgreSQL ------------------------------------------------------------------------------------------

PGRES_COMMAND_OK, PGRES_TUPLES_OK = 1, 2
BOOL, INTEGERS = 16, (20, 21, 23)  # types; the integers of eight, two and four bytes
NOTICE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)
NO_NOTICES = NOTICE(lambda *_: None)


def libpq():
    lib = ctypes.CDLL(ctypes.util.find_library("pq") or "libpq.so.5")
    lib.PQconnectdb.restype = ctypes.c_void_p
    lib.PQexec.restype = ctypes.c_void_p
    for name in ("PQgetvalue", "PQerrorMessage"):
        getattr(lib, name).restype = ctypes.c_char_p
    for name in ("PQstatus", "PQfinish", "PQerrorMessage", "PQresultStatus", "PQntuples", "PQnfields", "PQclear"):
        getattr(lib, name).argtypes = [ctypes.c_void_p]
    lib.PQconnectdb.argtypes = [ctypes.c_char_p]
    lib.PQexec.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    lib.PQgetvalue.argtypes = lib.PQgetisnull.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
    lib.PQftype.argtypes = [ctypes.c_void_p, ctypes.c_int]
    lib.PQsetNoticeProcessor.argtypes = [ctypes.c_void_p, NOTICE, ctypes.c_void_p]
    return lib


def literal(value):
    if value is None or isinstance(value, bool):
        return {None: "NULL", True: "TRUE", False: "FALSE"}[value]
    return str(value) if isinstance(value, (int, float)) else "'%s'" % str(value).replace("'", "''")


def find_server():
    """The folder of the newest server's programs, None where none is installed."""
    for pattern in ("/usr/lib/postgresql/*/bin/initdb", "/usr/pgsql-*/bin/initdb", "/usr/local/pgsql/bin/initdb",
                    "/usr/bin/initdb"):
        found = sorted(glob.glob(pattern), key=lambda path: (len(path), path))
        if found:
            return os.path.dirname(found[-1])
    return None


class Postgres(Store):
    name = "postgres"
    now = "CURRENT_TIMESTAMP AT TIME ZONE 'UTC'"

    def __init__(self, _folder):
        self.bin = find_server()
        self.lib = libpq()
        # The server refuses to run as root.
        self.user = pwd.getpwnam("postgres").pw_uid if os.geteuid() == 0 else None
        # A short path: sockets have little room.
        self.dir = tempfile.mkdtemp(prefix="ff-test-pg-", dir="/tmp")
        if self.user is not None:
            os.chown(self.dir, self.user, -1)
        os.chmod(self.dir, 0o755)
        self.data = os.path.join(self.dir, "data")
        self.log = os.path.join(self.dir, "log")
        self.url = "postgresql:///catalog?host=%s&user=flowfile" % self.dir
        self.run("initdb", "-D", self.data, "-U", "flowfile", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()
        self.run("createdb", "-h", self.dir, "-U", "flowfile", "catalog")

    def run(self, program, *args, check=True):
        with open(self.log, "ab") as log:
            return subprocess.run([os.path.join(self.bin, program), *args], user=self.user, cwd=self.dir, check=check,
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log).returncode

    def start(self):
        self.run("pg_ctl", "start", "-w", "-s", "-D", self.data, "-l", os.path.join(self.dir, "server.log"), "-o",
                 "-c listen_addresses='' -c unix_socket_directories='%s' -c max_connections=60" % self.dir)

    def stop(self, mode):
        self.run("pg_ctl", "stop", "-w", "-s", "-m", mode, "-D", self.data, check=False)

    def connect(self):
        # A frozen leader may hold locks; we are the one who wakes it up.
        return PostgresSession(self.lib, self.url + "&options=-c%20lock_timeout%3D1000")

    def faults(self):
        return [(6, "a database session is terminated", self.terminate_one),
                (2, "all database sessions are terminated", self.terminate_all),
                (2, "the server restarts", self.restart)]

    def terminate_one(self, _rng):
        with contextlib.closing(self.connect()) as db:
            return db.query("SELECT pg_terminate_backend(pid), left(query, 40) FROM pg_stat_activity"
                            " WHERE application_name LIKE 'flowfile%' ORDER BY random() LIMIT 1")

    def terminate_all(self, _rng):
        with contextlib.closing(self.connect()) as db:
            return db.query("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                            " WHERE pid <> pg_backend_pid() AND datname = 'catalog'")

    def restart(self, rng):
        mode, away_s = rng.choice(["fast", "immediate"]), self.draw_pause(rng, [0, 0, 0.5, 2])
        self.stop(mode)
        time.sleep(away_s)
        self.start()
        return "%s, away for %.1f s" % (mode, away_s)

    def stop_command(self):
        """For sh -c: ends the server and removes its folder, whoever is left to do it."""
        user = "setpriv --reuid=%d --clear-groups" % self.user if self.user is not None else ""
        return ['cd "$1"; %s "$2/pg_ctl" stop -w -s -m immediate -D "$1/data"; cd /; rm -rf "$1"' % user, "sh",
                self.dir, self.bin]


class PostgresSession:
    def __init__(self, lib, url):
        self.lib = lib
        self.conn = lib.PQconnectdb(url.encode())
        if lib.PQstatus(self.conn) != 0:
            text = lib.PQerrorMessage(self.conn).decode(errors="replace")
            self.close()
            raise StoreError(text)
        lib.PQsetNoticeProcessor(self.conn, NO_NOTICES, None)

    def query(self, sql):
        lib = self.lib
        result = lib.PQexec(self.conn, sql.encode())
        try:
            status = lib.PQresultStatus(result)
            if status == PGRES_TUPLES_OK:
                return [tuple(self.value(result, row, column) for column in range(lib.PQnfields(result)))
                        for row in range(lib.PQntuples(result))]
            if status == PGRES_COMMAND_OK:
                return []
            text = lib.PQerrorMessage(self.conn).decode(errors="replace").strip()
            # With the session gone, a commit may have come before.
            raise (StoreLost if lib.PQstatus(self.conn) != 0 else StoreError)(text)
        finally:
            lib.PQclear(result)

    def value(self, result, row, column):
        if self.lib.PQgetisnull(result, row, column):
            return None
        text = self.lib.PQgetvalue(result, row, column).decode()
        kind = self.lib.PQftype(result, column)
        if kind == BOOL:
            return int(text == "t")
        return int(text) if kind in INTEGERS else text

    def close(self):
        if self.conn:
            self.lib.PQfinish(self.conn)
        self.conn = None


class Steady:
    """A session that is made anew whenever it breaks; for questions that may be asked again."""

    def __init__(self, store):
        self.store, self.session = store, None
        self.lock = threading.Lock()

    def query(self, sql, limit_s=60):
        end = time.monotonic() + limit_s
        with self.lock:
            while True:
                try:
                    self.session = self.session or self.store.connect()
                    return self.session.query(sql)
                except StoreError:
                    self.close()
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.05 + random.random() / 20)

    def close(self):
        if self.session:
            self.session.close()
        self.session = None
