"""Writes to the data of tables over the API (contract 5.8): files that become tables, edits, key columns, with the real engine."""

import os
import pathlib

import api_client as api
from api_engine import AT, SECRET, bearer, daemon, need_engine


def rows(d, number, **more):
    return d.get(f"{AT}/{number}/preview", **more).json["rows"]


def folders(d):
    """What is in the folder of the tables' data."""
    at = d.base / "catalog_tables"
    return sorted(os.listdir(at)) if at.exists() else []


# --- files

def check_import(t, d):
    place = d.folder / "files"
    place.mkdir()

    def file(name, content):
        (place / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(place / name)

    def ask(path, name, **more):
        return d.post(AT, {"name": name, "file_path": path, **more})

    t.expect("a table with a description", ask(file("first.csv", "a\n1\n"), "first", description="its own"), 201)
    csv = file("people [1]*?.csv", "id,näme,born\n1,Zoë,2001-02-03\n2,,\n3,\"a,\"\"b\",1999-12-31\n")
    file("people 1xy.csv", "id,näme,born\n9,other,2001-02-03\n")
    made = ask(csv, "people", description="why")
    t.expect("a file becomes a table", made, 201)
    table = made.json
    t.equal("which is recorded", [table[m] for m in ("name", "description", "row_count", "column_count", "table_type", "file_exists",
                                                     "namespace_id", "owner_id", "partition_columns", "schema_columns")],
            ["people", "why", 3, 3, "physical", True, None, 1, None,
             [{"name": "id", "dtype": "Int64"}, {"name": "näme", "dtype": "String"}, {"name": "born", "dtype": "Date"}]])
    t.equal("as it is read then", d.get(f"{AT}/{table['id']}").json, table)
    t.equal("its rows", rows(d, table["id"]), [[1, "Zoë", "2001-02-03"], [2, None, None], [3, 'a,"b', "1999-12-31"]])
    folder = pathlib.Path(table["file_path"])
    t.equal("in the managed folder", folder.parent, d.base / "catalog_tables")
    t.check("its size is its files'", table["size_bytes"] == sum(f.stat().st_size for f in folder.glob("*.parquet")), table["size_bytes"])
    t.equal("one version", [h["operation"] for h in d.get(f"{AT}/{table['id']}/history").json["history"]], ["WRITE"])
    t.check("the file stays", pathlib.Path(csv).exists())
    for name, content in [("tabs.tsv", "a\tb\n1\tx\n"), ("lines.TXT", "a,b\n1,x\n"), ("list.json", '[{"a": 1, "b": "x"}]'),
                          ("lines.ndjson", '{"a": 1, "b": "x"}\n'), ("more.jsonl", '{"a": 1, "b": "x"}\n')]:
        got = ask(file(name, content), name.replace(".", "_"))
        t.expect(f"copied: {name}", got, 201)
        t.equal(f"its rows: {name}", rows(d, got.json["id"]), [[1, "x"]])
    parquet = next(folder.glob("*.parquet"))
    t.equal("a file of parquet", rows(d, ask(str(parquet), "again").json["id"]), rows(d, table["id"]))
    t.expect("it goes with its data", d.delete(f"{AT}/{table['id']}?delete_file=true"), 204)
    t.check("all of it", not folder.exists())
    before = [folders(d), d.get(AT).json]
    taken = "A table with this name already exists in this namespace"
    for path, name, more, status, detail in [
            (csv, "again", {}, 409, taken), (csv, "a.b", {}, 422, "Table name must not contain '.'"),
            (csv, "x", {"namespace_id": 999}, 404, "Namespace not found"), (str(place / ".." / "x.csv"), "x", {}, 403,
                                                                           "Access denied: path traversal not allowed"),
            (file("x.xlsx", "PK"), "x", {}, 422, "Unsupported file type: .xlsx"), (file("none", "a"), "x", {}, 422,
                                                                                   "Unsupported file type: none"),
            (str(place / "gone.csv"), "x", {}, 422, f"File not found: {place}/gone.csv"), (str(place), "x", {}, 422, f"{place} is no file")]:
        t.fails(f"not copied: {path} {name} {more}", ask(path, name, **more), status, detail)
    for name, content in [("bad.parquet", "no parquet"), ("bad.json", "{"), ("a*\\b.csv", "a\n1\n")]:
        got = ask(file(name, content), "x")
        t.expect(f"not copied: {name}", got, 422)
        t.check(f"it says why: {name}", got.detail.startswith("The file cannot be copied: "), got.detail)
    os.mkfifo(place / "pipe.csv")
    t.fails("what is no file is not waited for", ask(str(place / "pipe.csv"), "x"), 422, f"{place}/pipe.csv is no file")
    t.equal("nothing is left of what failed", [folders(d), d.get(AT).json], before)
    t.expect("who asks", d.post(AT, {"name": "x", "file_path": csv}, token=False), 401)


def check_import_not_recorded(t, d):
    """The catalog takes no record of data that is there already."""
    (d.folder / "files" / "slow.csv").write_text("a\n1\n")
    before = [folders(d), d.get(AT).json]
    d.sql("CREATE UNIQUE INDEX just_for_now ON catalog_tables (description)")
    t.expect("a record that cannot be made", d.post(AT, {"name": "x", "file_path": str(d.folder / "files" / "slow.csv"),
                                                         "description": "its own"}), 409)
    t.equal("takes the data with it", [folders(d), d.get(AT).json], before)
    d.sql("DROP INDEX just_for_now")


def check_users(t):
    d = daemon(http_auth="flowfile")
    data = d.folder / "data"
    (data / "bob").mkdir(parents=True)
    d.env.update(FLOWFILE_MODE="docker", JWT_SECRET_KEY=SECRET, FLOWFILE_USER_DATA_DIR=str(data))
    d.start()
    try:
        d.sql("INSERT INTO users (id, username, email, disabled, is_admin) VALUES (102, 'bob.test', 'b@test', FALSE, FALSE)")
        bob = bearer("bob.test")

        def ask(path, **more):
            return d.post(AT, {"name": "x", "file_path": str(path), **more}, token=bob)

        (data / "bob" / "a.csv").write_text("a\n1\n")
        (d.folder / "secret.csv").write_text("a\n2\n")
        (data / "bob" / "link.csv").symlink_to(d.folder / "secret.csv")
        for path in (d.folder / "secret.csv", data / "bob" / "link.csv", "/nowhere/a.csv", "/etc/passwd", f"{data}-not/a.csv"):
            t.fails(f"outside of the folders: {path}", ask(path), 403, "Access denied")
        d.sql("INSERT INTO catalog_namespaces (id, name, level, owner_id, is_public, created_at, updated_at) VALUES"
              " (801, 'hers', 0, 1, FALSE, '2024-01-01 00:00:00', '2024-01-01 00:00:00')")
        t.expect("into another's namespace", ask(data / "bob" / "a.csv", namespace_id=801), 403)
        t.equal("nothing was copied", folders(d), [])
        made = ask(data / "bob" / "a.csv")
        t.expect("a user's own file", made, 201)
        t.equal("becomes the user's table", [made.json["owner_id"], rows(d, made.json["id"], token=bob)], [102, [[1]]])
    finally:
        d.stop()


def check_without_engine(t):
    d = api.Daemon(env={"FLOWFILE_LIBDUCKDB": "/nowhere/libduckdb.so"}).start()
    try:
        (d.folder / "a.csv").write_text("a\n1\n")
        for answer in (d.post(AT, {"name": "x", "file_path": str(d.folder / "a.csv")}),):
            t.expect("without the engine", answer, 503)
            t.check("it says what is missing", "/nowhere/libduckdb.so" in answer.detail, answer.detail)
        t.equal("nothing is left", [folders(d), d.get(AT).json], [[], []])
    finally:
        d.stop()


def main():
    need_engine()
    t = api.Test()
    d = daemon().start()
    try:
        check_import(t, d)
        check_import_not_recorded(t, d)
        t.equal("the daemon ends well", d.end(), 0)
        t.check("and nobody complained", "Sanitizer" not in d.said(), d.said()[-3000:])
    finally:
        d.stop()
    check_users(t)
    check_without_engine(t)
    t.finish()


main()
