"""Writes to the data of tables over the API (contract 5.8): files that become tables, edits, key columns, with the real engine."""

import json
import os
import pathlib
import socket

import api_client as api
from api_engine import AT, SECRET, bearer, daemon, make_table, need_engine


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


def check_import_left(t, d):
    """Whoever asked goes while the file is read: there is a table, or nothing of it."""
    big = d.folder / "files" / "big.csv"
    with open(big, "w") as f:
        f.write("a,b\n")
        f.writelines(f"{i},some text that takes its time {i}\n" for i in range(1000000))
    body = json.dumps({"name": "big", "file_path": str(big)}).encode()
    with socket.create_connection(("127.0.0.1", d.port), timeout=30) as s:
        s.sendall(b"POST /catalog/tables HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nauthorization: Bearer "
                  + d.token.encode() + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        d.wait_for("the file is read", lambda: any(f.startswith("big_") for f in folders(d)))
    d.wait_for("it ends", lambda: "flowfile_scheduler_queries_running 0\n" in d.get("/metrics").text)
    t.equal("what is on the disk is in the catalog", [f for f in folders(d) if f.startswith("big_")],
            [os.path.basename(x["file_path"]) for x in d.get(AT).json if x["name"] == "big"])


# --- edits

PEOPLE = [("id", "Int64"), ("name", "String"), ("born", "Date"), ("seen", "Datetime"), ("share", "Float64"), ("ok", "Boolean")]


def stale(number, expected, current):
    return api.ordered(detail=api.ordered(
        error="stale_write", resource_type="catalog_table", resource_id=number, expected=expected, current=current,
        message=f"This table was written since: it is at version {current}, not at {expected}. Reload it."))


def check_edits(t, d):
    table = make_table(d, "edited", PEOPLE, [[1, 2, 3], ["a", "b", None], ["2001-02-03", None, None], [None] * 3, [0.5, None, 1.5],
                                             [True, None, False]])
    number = table["id"]
    d.post(f"{AT}/{number}/favorite")

    def ask(token=True, **body):
        return d.post(f"{AT}/{number}/edits", {"key_columns": ["id"], **body}, token=token)

    answer = ask(expected_version=0, upsert_columns=["name", "id", "born", "seen", "share", "ok", "größe"],
                 upsert_rows=[["it's \"b\"; --", 2, "2024-02-29", "2024-05-06T07:08:09.5", 1e300, True, 7],
                              ["new", "4", None, None, 2, False, None]],
                 new_columns=[{"name": "größe", "dtype": "Int64"}, {"name": "note", "dtype": "String"}], delete_keys=[[3], [77]])
    t.expect("rows are changed, added and deleted", answer, 200)
    t.equal("as it says", [list(answer.json), answer.json["rows_upserted"], answer.json["rows_deleted"], answer.json["new_version"]],
            [["table", "rows_upserted", "rows_deleted", "new_version"], 2, 1, 1])
    t.equal("the rows", sorted(rows(d, number)), [
        [1, "a", "2001-02-03", None, 0.5, True, None, None],
        [2, "it's \"b\"; --", "2024-02-29", "2024-05-06 07:08:09.500000", 1e300, True, 7, None],
        [4, "new", None, None, 2.0, False, None, None]])
    after = answer.json["table"]
    t.equal("the record", d.get(f"{AT}/{number}").json, after)
    t.equal("its counts", [after["row_count"], after["column_count"], after["schema_columns"][-2:], after["is_favorite"]], [
        3, 8, [{"name": "größe", "dtype": "Int64"}, {"name": "note", "dtype": "String"}], True])
    t.check("its size", after["size_bytes"] not in (None, table["size_bytes"]), after["size_bytes"])
    t.check("it is a write", after["updated_at"] > table["updated_at"])
    t.equal("in one version", [h["version"] for h in d.get(f"{AT}/{number}/history").json["history"]], [1, 0])
    same = ask(upsert_columns=["id", "name"], upsert_rows=[[1, "a"]], delete_keys=[[99]])
    t.expect("what changes nothing", same, 200, api.ordered(table=after, rows_upserted=0, rows_deleted=0, new_version=None))
    t.expect("nor does nothing", ask(), 200, api.ordered(table=after, rows_upserted=0, rows_deleted=0, new_version=None))
    t.expect("a version that is not the newest any more", ask(expected_version=0, delete_keys=[[1]]), 409, stale(number, 0, 1))
    t.expect("whatever is asked", ask(expected_version=0, upsert_columns=["gone"], upsert_rows=[]), 409, stale(number, 0, 1))
    wrong = [
        ({"key_columns": ["none"]}, "key_columns: there is no column 'none'"), ({"key_columns": ["id", "id"]}, "key_columns: 'id' is there twice"),
        ({"upsert_columns": ["id", "none"], "upsert_rows": [[1, 2]]}, "upsert_columns: there is no column 'none'"),
        ({"upsert_columns": ["id", "id"], "upsert_rows": [[1, 2]]}, "upsert_columns: 'id' is there twice"),
        ({"upsert_columns": ["name"], "upsert_rows": [["x"]]}, "upsert_columns: key column 'id' is missing"),
        ({"upsert_rows": [[1]]}, "upsert_columns: key column 'id' is missing"),
        ({"upsert_columns": ["id", "name"], "upsert_rows": [[1, "x"], [2]]}, "upsert_rows[1]: 1 values for 2 columns"),
        ({"upsert_columns": ["id"], "upsert_rows": [[None]]}, "upsert_rows[0]: key column 'id' is null"),
        ({"delete_keys": [[None]]}, "delete_keys[0]: key column 'id' is null"), ({"delete_keys": [[1, 2]]}, "delete_keys[0]: 2 values for 1 columns"),
        ({"new_columns": [{"name": "NAME", "dtype": "String"}]}, "new_columns: there is a column 'NAME' already"),
        ({"new_columns": [{"name": "", "dtype": "String"}]}, "new_columns: a column needs a name"),
        ({"upsert_columns": ["id", "name"], "upsert_rows": [[5, "x"], ["5", "y"]]}, "the edit says two things of one key (id = 5)"),
        ({"upsert_columns": ["id", "name"], "upsert_rows": [[1, "x"]], "delete_keys": [[1]]}, "the edit says two things of one key (id = 1)")]
    cells = [("id", 1.5, "1.5 is no Int64"), ("id", 2 ** 53, "9007199254740992 is no Int64"), ("id", "1e3", '"1e3" is no Int64'),
             ("id", True, "true is no Int64"), ("name", 5, "5 is no String"), ("name", {"a": 1}, '{"a":1} is no String'),
             ("born", "2024-02-29T12:00", '"2024-02-29T12:00" is no Date'), ("born", 5, "5 is no Date"), ("ok", 1, "1 is no Boolean"),
             ("share", "much", '"much" is no Float64')]
    for column, value, why in cells:
        row = [value] if column == "id" else [9, value]
        wrong.append(({"upsert_columns": ["id"] if column == "id" else ["id", column], "upsert_rows": [row]},
                      f"upsert_rows[0]: column '{column}': {why}"))
    for body, detail in wrong:
        t.fails(f"refused: {body}", ask(**body), 422, detail)
    for body in ({"upsert_columns": ["id", "born"], "upsert_rows": [[9, "2024-02-30"]]},
                 {"upsert_columns": ["id", "seen"], "upsert_rows": [[9, "nonsense"]]}, {"delete_keys": [["9" * 30]]}):
        t.expect(f"what the engine makes no value of: {body}", ask(**body), 422)
    big = ask(upsert_columns=["id", "name"], upsert_rows=[[str(2 ** 62 + i), "many"] for i in range(10000)])
    t.equal("as many as may be at once", [big.status, big.json.get("rows_upserted")], [200, 10000])
    t.equal("exactly", d.post("/catalog/sql/execute", {"query": "select min(id), max(id) from edited where name = 'many'"}).json["rows"],
            [[2 ** 62, 2 ** 62 + 9999]])
    t.expect("and not more", ask(delete_keys=[[i] for i in range(10001)]), 422)
    t.equal("they go, too", ask(delete_keys=[[str(2 ** 62 + i)] for i in range(10000)]).json["rows_deleted"], 10000)
    t.expect("who asks", ask(token=False), 401)
    return number


def check_key_column(t, d):
    table = make_table(d, "numbered", [("v", "String")], [["a", "b", "c"]])
    at = f"{AT}/{table['id']}/key-column"
    answer = d.post(at, {})
    t.expect("rows are numbered", answer, 200)
    t.equal("as it says", [list(answer.json), answer.json["column_name"], answer.json["new_version"]],
            [["table", "column_name", "new_version"], "record_id", 1])
    t.equal("in their order", rows(d, table["id"]), [[1, "a"], [2, "b"], [3, "c"]])
    t.equal("the record", d.get(f"{AT}/{table['id']}").json, answer.json["table"])
    t.equal("its columns", [c["name"] for c in answer.json["table"]["schema_columns"]], ["record_id", "v"])
    t.check("it is a write", answer.json["table"]["updated_at"] > table["updated_at"])
    t.fails("once", d.post(at, {}), 422, 'there is a column "record_id" already')
    t.expect("of the newest version", d.post(at, {"column_name": "n", "expected_version": 0}), 409, stale(table["id"], 0, 1))
    t.equal("by another name", d.post(at, {"column_name": "it's \"n\"", "expected_version": 1}).json["new_version"], 2)
    t.equal("too", rows(d, table["id"])[2], [3, 3, "c"])


def check_what_is_not_edited(t, d, number):
    query = d.post("/catalog/query-virtual-tables", {"name": "virtual", "sql_query": "select * from edited"}).json["id"]
    gone = d.post(f"{AT}/from-data", {"name": "gone", "table_path": "/nowhere/gone"}).json["id"]
    away = d.post(f"{AT}/from-data", {"name": "away", "table_path": "s3://bucket/away"}).json["id"]
    history = make_table(d, "history", [("a", "Int64")], [[1]])["id"]
    d.sql("UPDATE catalog_tables SET scd2_config = '{}' WHERE id = ?", (history,))
    for verb, body in (("edits", {"key_columns": ["id"], "delete_keys": [[1]]}), ("key-column", {})):
        for one, status, detail in [
                (999, 404, "Catalog table not found"), (query, 422, "Table 'virtual' is virtual and has no rows of its own to edit"),
                (gone, 422, "Table 'gone' is not a Delta table and cannot be edited"),
                (away, 422, "Table 'away' is in an object storage, which only Flowfile reads and writes"),
                (history, 422, "Table 'history' keeps its history (scd2), which only Flowfile writes")]:
            t.fails(f"{verb} of {one}", d.post(f"{AT}/{one}/{verb}", body), status, detail)


def check_triggers(t, d, number):
    """Who watches a table is started by an edit of it, and not by one that changes nothing."""
    d.wait_leading()
    flow = d.post("/catalog/flows", {"name": "watcher", "flow_path": d.flow("watcher", "exit 0")}).json["id"]
    made = d.post("/catalog/schedules", {"registration_id": flow, "schedule_type": "table_trigger", "trigger_table_id": number})
    t.expect("a table is watched", made, 201)

    def runs():
        return d.get(f"/catalog/runs?registration_id={flow}").json["total"]

    def edit(name):
        return d.post(f"{AT}/{number}/edits", {"key_columns": ["id"], "upsert_columns": ["id", "name"], "upsert_rows": [[1, name]]})

    writes = "SELECT count(*) FROM scheduler_table_writes WHERE table_id = ?"
    before = d.sql(writes, (number,))
    for times, name in enumerate(("first", "second"), 1):
        t.expect(f"an edit: {name}", edit(name), 200)
        d.wait_for(f"the {name} edit starts its watcher", lambda n=times: runs() == n and not d.get("/catalog/active-runs").json)
    t.equal("the same again", edit("second").json["new_version"], None)
    t.equal("is no write", d.sql(writes, (number,))[0][0] - before[0][0], 2)


# --- users

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
        number = made.json["id"]
        t.equal("becomes the user's table", [made.json["owner_id"], rows(d, made.json["id"], token=bob)], [102, [[1]]])
        t.equal("which the user edits", d.post(f"{AT}/{number}/edits", {"key_columns": ["a"], "delete_keys": [[1]]}, token=bob)
                .json["table"]["row_count"], 0)
        hers = make_table(d, "hers", [("a", "Int64")], [[1]])["id"]
        d.sql("UPDATE catalog_tables SET owner_id = 1, namespace_id = NULL WHERE id = ?", (hers,))
        d.sql("INSERT INTO user_groups (id, name, created_by) VALUES (701, 'team', 1)")
        d.sql("INSERT INTO user_group_memberships (group_id, user_id, role) VALUES (701, 102, 'member')")
        d.sql("INSERT INTO resource_grants (resource_type, resource_id, group_id, permission, granted_by)"
              " VALUES ('catalog_table', ?, 701, 'use', 1)", (hers,))
        for verb, body in (("edits", {"key_columns": ["a"], "delete_keys": [[1]]}), ("key-column", {})):
            t.fails(f"to use is not to edit: {verb}", d.post(f"{AT}/{hers}/{verb}", body, token=bob), 403,
                    "Not authorized to modify this catalog_table")
        t.equal("which changed nothing", rows(d, hers, token=bob), [[1]])
    finally:
        d.stop()


def check_without_engine(t):
    d = api.Daemon(env={"FLOWFILE_LIBDUCKDB": "/nowhere/libduckdb.so"}).start()
    try:
        (d.folder / "a.csv").write_text("a\n1\n")
        (d.folder / "delta" / "_delta_log").mkdir(parents=True)
        number = d.post(f"{AT}/from-data", {"name": "t", "table_path": str(d.folder / "delta")}).json["id"]
        before = d.get(AT).json
        for answer in (d.post(AT, {"name": "x", "file_path": str(d.folder / "a.csv")}),
                       d.post(f"{AT}/{number}/edits", {"key_columns": ["a"]}), d.post(f"{AT}/{number}/key-column", {})):
            t.expect("without the engine", answer, 503)
            t.check("it says what is missing", "/nowhere/libduckdb.so" in answer.detail, answer.detail)
        t.equal("nothing is left", [folders(d), d.get(AT).json], [[], before])
    finally:
        d.stop()


def main():
    need_engine()
    t = api.Test()
    d = daemon().start()
    try:
        check_import(t, d)
        check_import_not_recorded(t, d)
        check_import_left(t, d)
        number = check_edits(t, d)
        check_key_column(t, d)
        check_what_is_not_edited(t, d, number)
        check_triggers(t, d, number)
        t.equal("the daemon ends well", d.end(), 0)
        t.check("and nobody complained", "Sanitizer" not in d.said(), d.said()[-3000:])
    finally:
        d.stop()
    check_users(t)
    check_without_engine(t)
    t.finish()


main()
