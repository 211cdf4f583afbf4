"""The data of tables over the API (contract 5.8 to 5.11): each query in a process of its own, with the real engine."""

import json
import os
import pathlib
import signal
import sys
import threading
import time

import api_client as api

AT = "/catalog/tables"
ENGINE = pathlib.Path(os.environ.get("FLOWFILE_LIBDUCKDB") or os.environ.get("FLOWFILE_TEST_LIBDUCKDB") or api.BUILD / "libduckdb.so")
EMPTY = api.ordered(columns=[], dtypes=[], rows=[], total_rows=0)


def need_engine():
    if not ENGINE.exists():
        print(f"skipped: no engine at {ENGINE}")
        sys.exit(1 if os.environ.get("FLOWFILE_TEST_REQUIRE_ENGINE") else 77)


def daemon(**env):
    return api.Daemon(env={"FLOWFILE_LIBDUCKDB": str(ENGINE), **{f"FLOWFILE_SCHEDULER_{k.upper()}": v for k, v in env.items()}})


# --- tables

def write_flow(d, name, nodes):
    path = d.folder / "flows" / f"{name}.json"
    path.write_text(json.dumps({"flowfile_version": "0.16.0", "flowfile_id": 1, "flowfile_name": name, "flowfile_settings": {},
                                "nodes": nodes}))
    return str(path)


def manual(columns, data):
    return {"id": 1, "type": "manual_input", "outputs": [2], "setting_input": {"raw_data_format": {
        "columns": [{"name": n, "data_type": t} for n, t in columns], "data": data}}}


def writer(number, name, mode="overwrite"):
    return {"id": number, "type": "catalog_writer", "input_ids": [number - 1],
            "setting_input": {"catalog_write_settings": {"table_name": name, "write_mode": mode}}}


def make_table(d, name, columns, data, mode="overwrite"):
    d.flowfile("run", "flow", write_flow(d, f"write_{name}", [manual(columns, data), writer(2, name, mode)]))
    return d.get(f"{AT}/resolve?q={name}").json["table"]


def make_tables(d):
    people = [("id", "Int64"), ("näme", "String"), ("born", "Date"), ("seen", "Datetime"), ("share", "Float64"), ("ok", "Boolean")]
    made = make_table(d, "people", people, [[1, 2, 3], ["Zoë", None, "C,\"d"], ["2001-02-03", None, "1999-12-31"],
                                            ["2024-05-06 07:08:09", "2024-05-06 07:08:09.5", None], [0.5, None, 1e300],
                                            [True, False, None]])
    make_table(d, "people", people, [[4], ["D"], ["2020-01-01"], ["2020-01-01 00:00:00"], [1.0], [True]], "append")
    return made["id"]


def virtual_flow(d, name):
    """A virtual table that a flow makes of the table people."""
    reader = {"id": 1, "type": "catalog_reader", "outputs": [2], "setting_input": {"catalog_table_name": "people"}}
    keep = {"id": 2, "type": "filter", "input_ids": [1], "outputs": [3], "setting_input": {"filter_input": {
        "mode": "advanced", "advanced_filter": "[id]>1"}}}
    path = write_flow(d, name, [reader, keep, writer(3, name, "virtual")])
    return d.post("/catalog/flows", {"name": name, "flow_path": path}).json["id"]


# --- processes

def children(d):
    """The daemon's query children that live: pid and command line."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and b"query-child" in pathlib.Path("/proc", entry, "cmdline").read_bytes():
                stat = pathlib.Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
                if int(stat[1]) == d.process.pid and stat[0] not in "ZX":
                    found.append(int(entry))
        except OSError:
            pass
    return found


def lives(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


# --- routes

def check_preview(t, d, number):
    at = f"{AT}/{number}/preview"
    rows = [[1, "Zoë", "2001-02-03", "2024-05-06 07:08:09", 0.5, True], [2, None, None, "2024-05-06 07:08:09.500000", None, False],
            [3, 'C,"d', "1999-12-31", None, 1e300, None], [4, "D", "2020-01-01", "2020-01-01 00:00:00", 1.0, True]]
    columns = ["id", "näme", "born", "seen", "share", "ok"]
    types = ["int64", "string", "date32[day]", "timestamp[us]", "double", "bool"]
    t.expect("a table's rows", d.get(at), 200, api.ordered(columns=columns, dtypes=types, rows=rows, total_rows=4))
    t.expect("some of them", d.get(f"{at}?limit=2"), 200, api.ordered(columns=columns, dtypes=types, rows=rows[:2], total_rows=4))
    t.expect("an older version", d.get(f"{at}?version=0"), 200,
             api.ordered(columns=columns, dtypes=types, rows=rows[:3], total_rows=3))
    t.expect("a version that never was", d.get(f"{at}?version=99"), 410)
    t.expect("too many", d.get(f"{at}?limit=10001"), 422)
    t.fails("no table", d.get(f"{AT}/999/preview"), 404, "Catalog table not found")
    t.expect("who asks", d.get(at, token=False), 401)
    gone = d.post(f"{AT}/from-data", {"name": "gone", "table_path": "/nowhere/gone"}).json["id"]
    t.expect("a table without its data", d.get(f"{AT}/{gone}/preview"), 200, EMPTY)
    t.expect("its past", d.get(f"{AT}/{gone}/history"), 200, api.ordered(current_version=0, history=[]))


def check_history(t, d, number):
    answer = d.get(f"{AT}/{number}/history")
    t.expect("a table's versions", answer, 200)
    t.equal("newest first", [(h["version"], h["operation"]) for h in answer.json["history"]], [(1, "WRITE"), (0, "WRITE")])
    t.equal("as many as asked for", len(d.get(f"{AT}/{number}/history?limit=1").json["history"]), 1)
    newest = answer.json["history"][0]
    t.equal("its members", list(newest), ["version", "timestamp", "operation", "parameters"])
    t.check("its time", api.like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00") == newest["timestamp"], newest["timestamp"])
    t.equal("its parameters are an object", type(newest["parameters"]), api.Members)


def check_upkeep(t, d, number):
    one = f"{AT}/{number}"
    before = d.get(one).json
    t.fails("an order by what is not there", d.post(f"{one}/optimize", {"z_order_columns": ["id", "no", "né"]}), 422,
            "z_order_columns not in table schema: ['no', 'né']")
    optimized = d.post(f"{one}/optimize", {})
    t.expect("a table is compacted", optimized, 200)
    t.equal("two files became one", optimized.json["metrics"], api.ordered(numFilesAdded=1, numFilesRemoved=2))
    after = d.get(one).json
    t.equal("the catalog knows its size", after["size_bytes"], optimized.json["size_bytes"])
    t.check("which is another", after["size_bytes"] != before["size_bytes"])
    t.equal("that was no write", after["updated_at"], before["updated_at"])
    t.equal("it is a version", d.get(f"{one}/history").json["history"][0]["operation"], "OPTIMIZE")
    t.equal("the rows are the same", sorted(r[0] for r in d.get(f"{one}/preview").json["rows"]), [1, 2, 3, 4])
    t.expect("ordered", d.post(f"{one}/optimize", {"z_order_columns": ["id"]}), 200)
    t.equal("nothing is old enough", d.post(f"{one}/vacuum", {}).json,
            api.ordered(dry_run=True, files_removed=[], file_count=0, size_bytes=d.get(one).json["size_bytes"]))
    dry = d.post(f"{one}/vacuum", {"retention_hours": 0})
    t.equal("what would go", [dry.json["dry_run"], dry.json["file_count"], len(dry.json["files_removed"])], [True, 3, 3])
    files = [pathlib.Path(before["file_path"]) / f for f in dry.json["files_removed"]]
    t.check("is there still", all(f.exists() for f in files))
    t.equal("and goes", d.post(f"{one}/vacuum", {"retention_hours": 0, "dry_run": False}).json["files_removed"], dry.json["files_removed"])
    t.check("it went", not any(f.exists() for f in files))
    t.expect("hours are counted from 0", d.post(f"{one}/vacuum", {"retention_hours": -1}), 422)
    gone = d.get(f"{AT}/resolve?q=gone").json["table"]["id"]
    for verb in ("optimize", "vacuum"):
        t.fails(f"{verb} of no Delta table", d.post(f"{AT}/{gone}/{verb}", {}), 422,
                "Table 'gone' is not a Delta table and cannot be optimized or vacuumed")
        t.fails(f"{verb} of no table", d.post(f"{AT}/999/{verb}", {}), 404, "Catalog table not found")


def check_stats(t, d, number):
    def ask(column, more=""):
        return d.get(f"{AT}/{number}/columns/{column}/stats{more}")

    t.expect("numbers", ask("id"), 200, api.ordered(dtype="Int64", values=[1, 2, 3, 4], truncated=False, distinct_count=4, min=1, max=4,
                                                    cache_hit=False, error=None))
    t.expect("more than asked for", ask("id", "?limit=2"), 200, api.ordered(
        dtype="Int64", values=[1, 2], truncated=True, distinct_count=None, min=1, max=4, cache_hit=False, error=None))
    t.expect("texts have no range", ask("n%C3%A4me"), 200, api.ordered(
        dtype="String", values=['C,"d', "D", "Zoë"], truncated=False, distinct_count=3, min=None, max=None, cache_hit=False, error=None))
    t.equal("dates have one", [ask("born").json[m] for m in ("dtype", "min", "max")], ["Date", "1999-12-31", "2020-01-01"])
    t.fails("no such column", ask("none"), 502, "Worker compute failed: column 'none' not found in source schema")


def check_virtual(t, d):
    flow = virtual_flow(d, "few")
    made = d.post("/catalog/virtual-tables", {"name": "few", "producer_registration_id": flow}).json["id"]
    resolved = d.post(f"/catalog/virtual-tables/{made}/resolve?limit=2")
    t.expect("a virtual table is made", resolved, 200)
    t.equal("as many rows as asked for, and all are counted", [len(resolved.json["rows"]), resolved.json["total_rows"]], [2, 3])
    t.equal("its preview is the same", d.get(f"{AT}/{made}/preview?limit=2").json, resolved.json)
    t.equal("its values", d.get(f"{AT}/{made}/columns/id/stats").json["values"], [2, 3, 4])
    file = d.post(f"{AT}/{made}/materialize")
    t.expect("it becomes a file", file, 200)
    t.equal("its members", list(file.json), ["path", "format", "row_count", "mtime"])
    t.equal("of parquet", [file.json["format"], file.json["row_count"]], ["parquet", 3])
    t.equal("which is there", pathlib.Path(file.json["path"]).read_bytes()[:4], b"PAR1")
    t.equal("alone", len(list(pathlib.Path(file.json["path"]).parent.iterdir())), 1)
    d.sql("UPDATE flow_registrations SET flow_path = ? WHERE id = ?", ("/nowhere/flow.json", flow))
    t.expect("its flow is gone", d.post(f"/catalog/virtual-tables/{made}/resolve"), 422)
    t.expect("and no file is made", d.post(f"{AT}/{made}/materialize"), 422)
    t.expect("its preview is empty", d.get(f"{AT}/{made}/preview"), 200, EMPTY)
    t.expect("nor is it maintained", d.post(f"{AT}/{made}/optimize", {}), 422)
    t.fails("no virtual one", d.post("/catalog/virtual-tables/999/resolve"), 404, "Virtual table not found")


def main():
    need_engine()
    t = api.Test()
    d = daemon().start()
    try:
        number = make_tables(d)
        check_preview(t, d, number)
        check_history(t, d, number)
        check_upkeep(t, d, number)
        check_stats(t, d, number)
        check_virtual(t, d)
    finally:
        d.stop()
    t.finish()


main()
