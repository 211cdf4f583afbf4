"""The catalog of a test's daemon: a file, or with FLOWFILE_TEST_STORE=postgres a database of a private cluster.

Statements are written for both: ? stands for a parameter, and booleans are TRUE and FALSE. A boolean is got as 1 or 0.
"""

import atexit
import gzip
import itertools
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("abs_top_builddir") or TOP / "build")
FIXTURE = TOP / "tests" / "fixtures" / "flowfile-0.16-catalog.db.gz"

sys.path.insert(0, str(TOP / "tests" / "chaos"))
import stores  # noqa: E402

IS_POSTGRES = os.environ.get("FLOWFILE_TEST_STORE") == "postgres"


def unpack_fixture(path):
    with gzip.open(FIXTURE) as packed, open(path, "wb") as out:
        shutil.copyfileobj(packed, out)


class File:
    """Where the daemon looks for it by default."""

    def __init__(self, path):
        self.path, self.env = str(path), {}

    def fill(self, _init):
        unpack_fixture(self.path)

    def sql(self, text, parameters=()):
        db = sqlite3.connect(self.path, timeout=10)
        try:
            rows = db.execute(text, parameters).fetchall()
            db.commit()
            return rows
        finally:
            db.close()

    def close(self):
        pass


class Cluster:
    """One for all databases of a test, made with the first of them; it goes with this process, however that ends."""

    made = None

    @classmethod
    def get(cls):
        if cls.made is None:
            cls.made = cls()
        return cls.made

    def __init__(self):
        self.server, self.numbers = stores.Postgres(None), itertools.count(1)
        script, *arguments = self.server.stop_command()
        # It reads until we are gone.
        self.keeper = subprocess.Popen(["sh", "-c", "read -r _; " + script, *arguments], stdin=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        atexit.register(self.stop)

    def stop(self):
        self.keeper.stdin.close()
        self.keeper.wait()

    def make_database(self):
        name = f"catalog_{next(self.numbers)}"
        self.server.run("createdb", "-h", self.server.dir, "-U", "flowfile", name)
        return self.server.url.replace("/catalog?", f"/{name}?")


class Database:
    def __init__(self):
        self.server = Cluster.get().server
        self.url = Cluster.get().make_database()
        self.env = {"FLOWFILE_DATABASE_URL": self.url}
        self.session = None

    def fill(self, init):
        """The rows of Flowfile's file, in tables that init() makes."""
        init()
        tables = [r[0] for r in self.sql("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
                                         " AND tablename NOT LIKE 'scheduler%'")]
        self.sql("BEGIN")
        self.sql("TRUNCATE " + ", ".join(tables))
        with tempfile.NamedTemporaryFile() as file:
            unpack_fixture(file.name)
            flowfile = sqlite3.connect(file.name)
            for table in tables:
                self.copy(flowfile, table)
            flowfile.close()
        self.sql("COMMIT")

    def copy(self, flowfile, table):
        columns = self.sql("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = ?"
                           " AND table_schema = current_schema()", (table,))
        names = ", ".join(name for name, _ in columns)
        for row in flowfile.execute(f"SELECT {names} FROM {table}"):
            values = [bool(v) if v is not None and kind == "boolean" else v for v, (_, kind) in zip(row, columns)]
            self.sql(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(values))})", values)
        if "id" not in [name for name, _ in columns]:
            return
        sequence = self.sql("SELECT pg_get_serial_sequence(?, 'id')", (table,))[0][0]
        if sequence:  # the ids above were not taken from it
            self.sql(f"SELECT setval(?, coalesce(max(id), 0) + 1, FALSE) FROM {table}", (sequence,))

    def sql(self, text, parameters=()):
        if self.session is None:
            self.session = stores.PostgresSession(self.server.lib, self.url)
        parts = text.split("?")
        assert len(parts) == len(parameters) + 1, text
        return self.session.query("".join(part + literal for part, literal in
                                          zip(parts, [*map(stores.literal, parameters), ""])))

    def close(self):
        if self.session is not None:
            self.session.close()
        self.session = None


def make(path):
    return Database() if IS_POSTGRES else File(path)


def missing():
    """Why this kind of catalog is not to be had here; None: it is."""
    if IS_POSTGRES and "define HAVE_POSTGRES 1" not in (BUILD / "config.h").read_text():
        return "built without PostgreSQL"
    if IS_POSTGRES and stores.find_server() is None:
        return "PostgreSQL's server is not installed"
    return None
