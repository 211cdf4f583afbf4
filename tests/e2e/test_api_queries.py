"""The data of tables over the API (contract 5.8 to 5.11): each query in a process of its own, with the real engine."""

import json
import os
import pathlib
import re
import signal
import threading
import time

import api_client as api
from api_engine import AT, SECRET, bearer, daemon, make_table, need_engine, write_flow, writer

EMPTY = api.ordered(columns=[], dtypes=[], rows=[], total_rows=0)


# --- tables

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
    number = d.post("/catalog/query-virtual-tables", {
        "name": "with_v", "sql_query": "SELECT id AS a, nullif(id, 1) AS v FROM people"}).json["id"]
    t.equal("a NULL in another column leaves a value alone", ask("a").json["values"], [1, 2, 3, 4])
    t.equal("and is none of its own", ask("v").json["values"], [2, 3, 4])
    d.request("DELETE", f"{AT}/{number}")


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
    csv = d.folder / "elsewhere"
    csv.mkdir()
    (csv / "a.csv").write_text("a,b\n1,x\n2,y\n")
    read = {"id": 1, "type": "read", "outputs": [2], "setting_input": {"received_file": {"path": str(csv / "a.csv"), "file_type": "csv"}}}
    reads = d.post("/catalog/flows", {"name": "reads", "flow_path": write_flow(d, "reads", [read, writer(2, "lines", "virtual")])}).json["id"]
    d.post("/catalog/virtual-tables", {"name": "lines", "producer_registration_id": reads})
    t.equal("a flow's own files are read", d.post(SQL, {"query": "select * from lines"}).json["rows"], [[1, "x"], [2, "y"]])
    d.sql("UPDATE flow_registrations SET flow_path = ? WHERE id = ?", ("/nowhere/flow.json", flow))
    t.expect("its flow is gone", d.post(f"/catalog/virtual-tables/{made}/resolve"), 422)
    t.expect("and no file is made", d.post(f"{AT}/{made}/materialize"), 422)
    t.expect("its preview is empty", d.get(f"{AT}/{made}/preview"), 200, EMPTY)
    t.expect("nor is it maintained", d.post(f"{AT}/{made}/optimize", {}), 422)
    t.fails("no virtual one", d.post("/catalog/virtual-tables/999/resolve"), 404, "Virtual table not found")


SQL = "/catalog/sql/execute"
SLOW = "with recursive r(n) as (select 1::bigint union all select n + 1 from r where n < 1000000000000) select max(n) from r"


def check_sql(t, d):
    def ask(query, **more):
        return d.post(SQL, {"query": query, **more})

    answer = ask('select "näme" as n, sum(id) as s, max(seen) as w from people group by n order by n nulls first')
    t.expect("a query is run", answer, 200, api.ordered(
        columns=["n", "s", "w"], dtypes=["String", "Int128", "Datetime(time_unit='us', time_zone=None)"],
        rows=[[None, 2, "2024-05-06 07:08:09.500000"], ['C,"d', 3, None], ["D", 4, "2020-01-01 00:00:00"], ["Zoë", 1, "2024-05-06 07:08:09"]],
        total_rows=4, truncated=False, execution_time_ms=api.Any(lambda x: isinstance(x, float) and x > 0), used_tables=["people"], error=None))
    t.equal("by all its names", [ask(f"select count(*) from {n}").json["rows"] for n in ('"default".people', 'General."default".people')],
            [[[4]], [[4]]])
    some = ask("select id from people order by id desc -- all", max_rows=2).json
    t.equal("the first rows", [some["rows"], some["total_rows"], some["truncated"]], [[[4], [3]], 4, True])
    none = ask("select id from people", max_rows=0).json
    t.equal("as many as there may be", len(ask("select id from people", max_rows=2 ** 53 + 2).json["rows"]), 4)
    t.equal("only how many", [none["rows"], none["total_rows"], none["truncated"]], [[], 4, True])
    t.equal("numbers that none are", ask("select 'nan'::double, 'inf'::double, 1.50::decimal(9,2), 18446744073709551615::ubigint").json["rows"],
            [[None, None, "1.50", 18446744073709551615]])
    for query, error in [
            ("drop table people", "Only SELECT queries are allowed."), ("select 1; drop table people", "DROP statements are not allowed"),
            ("select * from nothing", "nothing"), ("select nothing from people", "nothing"), ("select 1 +", "syntax error"),
            ("select 1/0 + 'x'::int", "Could not convert"), ("", "SQL query cannot be empty")]:
        got = ask(query)
        t.expect(f"wrong: {query}", got, 200)
        t.equal(f"no rows: {query}", {k: v for k, v in got.json.items() if k != "error"}, api.ordered(
            columns=[], dtypes=[], rows=[], total_rows=0, truncated=False, execution_time_ms=0.0, used_tables=[]))
        t.check(f"why: {query}", error in (got.json["error"] or ""), repr(got.json["error"]))
    t.expect("a query is needed", d.post(SQL, {}), 422)
    t.expect("who asks", d.post(SQL, {"query": "select 1"}, token=False), 401)


def check_sandbox(t, d):
    secret = d.folder / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    for query in ["select * from read_csv('/etc/passwd')", f"select * from '{secret}'", f'select * from "{secret}"',
                  f"select * from read_text('{secret}')", f"select * from glob('{d.folder}/*')", f"select (select content from read_blob('{secret}'))",
                  f"copy people to '{d.folder}/out.csv'", f"attach '{d.folder}/x.db'", "install httpfs", "load httpfs",
                  "set memory_limit='100GB'", "pragma version", f"with x as (select * from read_csv('{secret}')) select * from x",
                  f'with recursive "{secret}" as (select * from "{secret}" union all select * from "{secret}" where false) select * from "{secret}"',
                  "with recursive duckdb_settings as (select name from duckdb_settings union select name from duckdb_settings) from duckdb_settings",
                  "select * from duckdb_settings()", "select * from query('select 1')", "select getenv('HOME')",
                  f"select 1; copy people to '{d.folder}/out.csv'", "call pragma_version()", f"export database '{d.folder}/e'"]:
        answer = d.post(SQL, {"query": query})
        t.check(f"refused: {query}", answer.status == 200 and answer.json["error"] and answer.json["rows"] == [], repr(answer))
    t.equal("a recursive query begins with the table of its name", d.post(SQL, {
        "query": "with recursive people as (select id from people union select id + 10 from people where id < 3) from people order by id"}).json["rows"],
        [[1], [2], [3], [4], [11], [12]])
    t.equal("the engine is confined", d.post(SQL, {"query": "select current_setting('enable_external_access') as a, "
                                                   "current_setting('lock_configuration') as b from people limit 1"}).json["rows"], [[False, True]])
    t.check("nothing was written", not (d.folder / "out.csv").exists() and not (d.folder / "e").exists())


def check_query_tables(t, d, number):
    at = "/catalog/query-virtual-tables"
    made = d.post(at, {"name": "adults", "sql_query": "select id, born, 'x' as x from people where id > 1"})
    t.expect("a query's table is made", made, 201)
    table = made.json
    t.equal("its columns are known", [table["schema_columns"], table["column_count"], table["table_type"]], [
        [{"name": "id", "dtype": "Int64"}, {"name": "born", "dtype": "Date"}, {"name": "x", "dtype": "String"}], 3, "virtual"])
    t.equal("its rows", d.get(f"{AT}/{table['id']}/preview").json["total_rows"], 3)
    t.equal("it is read in a query", d.post(SQL, {"query": "select count(*) from adults a join people using (id)"}).json["rows"], [[3]])
    t.fails("its name is taken", d.post(at, {"name": "adults", "sql_query": "select 1 from people"}), 409,
            "A table with this name already exists in this namespace")
    wrong = d.post(at, {"name": "wrong", "sql_query": "select none from people"})
    t.expect("a query that cannot be run", wrong, 422)
    t.check("says why", wrong.detail.startswith("SQL query failed: ") and "none" in wrong.detail, wrong.detail)
    t.expect("makes no table", d.get(f"{AT}/resolve?q=wrong"), 404)
    one = f"{at}/{table['id']}"
    t.expect("nor changes one", d.put(one, {"sql_query": "select none from people"}), 422)
    t.equal("which stays", d.get(f"{AT}/{table['id']}").json, table)
    changed = d.put(one, {"sql_query": "select count(*) as n from people"})
    t.expect("another query", changed, 200)
    t.equal("other columns", [changed.json["schema_columns"], changed.json["column_count"]], [[{"name": "n", "dtype": "Int64"}], 1])
    t.check("which is a write", changed.json["updated_at"] > table["updated_at"])
    renamed = d.put(one, {"name": "counted", "sql_query": "select count(*) as n from people"})
    t.equal("a name is none", [renamed.json["name"], renamed.json["updated_at"]], ["counted", changed.json["updated_at"]])
    t.equal("and keeps its columns", renamed.json["schema_columns"], changed.json["schema_columns"])
    loop = d.put(one, {"sql_query": "select * from counted"})
    t.check("a table is not made of itself", loop.status == 422 and "loop" in loop.detail, repr(loop))
    t.fails("of a table that is none", d.put(f"{at}/{number}", {"sql_query": "select 1"}), 404, "Query virtual table not found")
    t.equal("as a file", d.post(f"{AT}/{table['id']}/materialize").json["row_count"], 1)
    nested = d.post(at, {"name": "nested", "sql_query": "select [1, 2] as l, {'a': 1, 'b c': ['x'], 'd\"e': {'f': true}} as s, "
                         "map {'k': 1.5::double} as m, timestamptz '2024-01-02 03:04:05+02' as z, [1.5::decimal(5,2)] as d, "
                         "timestamp_ns '2024-01-02 03:04:05.123456789' as n, interval 90 minute as i, sum(id) as h from people"}).json["id"]
    shown = d.get(f"{AT}/{nested}/preview").json
    t.equal("types in types", shown["dtypes"], [
        "list<item: int32>", 'struct<a: int32, b c: list<item: string>, d"e: struct<f: bool>>', "map<string, double>", "timestamp[us, tz=UTC]",
        "list<item: decimal128(5, 2)>", "timestamp[ns]", "duration[us]", "decimal128(38, 0)"])
    t.equal("times and numbers", [shown["rows"][0][i] for i in (3, 5, 6, 7)],
            ["2024-01-02 01:04:05+00:00", "2024-01-02 03:04:05.123456", "01:30:00", 10])


def check_saving(t, d):
    query = "select p.id, q.n from people p, counted q where p.id in (select id from General.default.people)"
    saved = d.post("/catalog/sql/save-as-flow", {"query": query, "name": "My ../query", "description": "why", "used_tables": ["people"]})
    t.expect("a query is saved", saved, 200)
    flow = d.get(f"/catalog/flows/{saved.json['flow_id']}").json
    t.equal("as a flow", [flow["name"], flow["description"], flow["file_exists"]], ["My ../query", "why", True])
    path = pathlib.Path(flow["flow_path"])
    t.check("among the flows", path.parent.name == "flows" and path.name.startswith("My_.._query_"), path)
    nodes = json.loads(path.read_text())["nodes"]
    t.equal("with a reader for each table", [(n["type"], n["input_ids"], n["outputs"]) for n in nodes],
            [("catalog_reader", [], [3]), ("catalog_reader", [], [3]), ("sql_query", [1, 2], [])])
    code = nodes[2]["setting_input"]["sql_query_input"]["sql_code"]
    t.equal("that the query names", code, "select p.id, q.n from input_1 p, input_2 q where p.id in (select id from input_1 AS \"people\")")
    t.check("it can be run", "-- node 3 (sql_query)" in d.flowfile("flows", "plan", "--output", "3", str(path)))
    for body in [{"query": "drop table x", "name": "x"}, {"query": "select * from none", "name": "x"},
                 {"query": "select 1 from people", "name": "x", "namespace_id": 999}]:
        before = len(list(path.parent.iterdir()))
        failed = d.post("/catalog/sql/save-as-flow", body)
        t.check(f"not saved: {body}", failed.status == 500 and isinstance(failed.detail, str), repr(failed))
        t.equal(f"no file stays: {body}", len(list(path.parent.iterdir())), before)


VIEWS = "/catalog/visualizations"


def shown(rows, total=None, truncated=False):
    return api.ordered(rows=rows, total_rows=len(rows) if total is None else total, truncated=truncated,
                       elapsed_ms=api.Any(lambda x: isinstance(x, float) and x > 0), cache_hit=False, error=None)


def check_charts(t, d, number):
    def field(name, semantic, analytic="dimension", **more):
        return api.ordered(fid=name, name=name, basename=name, semanticType=semantic, analyticType=analytic, **more)

    table = {"source_type": "table", "table_id": number}
    query = {"source_type": "sql", "sql_query": "select id, 1.25 as price, 'x' as \"it's\" from people where id < 3"}
    saved = d.post(VIEWS, {"name": "v", "spec": [], "catalog_table_id": number}).json["id"]
    fields = [field("id", "quantitative", "measure"), field("näme", "nominal"), field("born", "temporal", offset=0),
              field("seen", "temporal", offset=0), field("share", "quantitative", "measure"), field("ok", "nominal")]
    want = api.ordered(fields=fields, cache_hit=False, error=None)
    t.expect("a table's fields", d.post(f"{VIEWS}/fields", {"source": table}), 200, want)
    t.expect("a visualization's fields", d.post(f"{VIEWS}/{saved}/fields"), 200, want)
    t.equal("a query's", d.post(f"{VIEWS}/fields", {"source": query}).json["fields"],
            [field("id", "quantitative", "measure"), field("price", "quantitative", "measure"), field("it's", "nominal")])
    rows = [api.ordered(**dict(zip([f["fid"] for f in fields], row))) for row in sorted(d.get(f"{AT}/{number}/preview").json["rows"])]
    raw = d.post(f"{VIEWS}/{saved}/compute")
    t.equal("a visualization's rows", sorted(raw.json["rows"], key=lambda r: r["id"]), rows)
    t.expect("without a payload", raw, 200, shown(raw.json["rows"]))
    t.expect("some of them", d.post(f"{VIEWS}/{saved}/compute", {"payload": None, "max_rows": 2}), 200, shown(raw.json["rows"][:2], 4, True))
    t.equal("0 is as many as there may be", len(d.post(f"{VIEWS}/{saved}/compute", {"max_rows": 0}).json["rows"]), 4)
    ordered = {"workflow": [{"type": "filter", "filters": [{"fid": "id", "rule": {"type": "range", "value": [2, None]}}]},
                            {"type": "view", "query": [{"op": "aggregate", "groupBy": ["ok"], "measures": [
                                {"field": "id", "agg": "sum", "asFieldKey": "s"}]}]},
                            {"type": "sort", "sort": "descending", "by": ["s"]}], "limit": 2}
    want = [api.ordered(ok=True, s=4), api.ordered(ok=None, s=3)]
    t.expect("what a chart asks for", d.post(f"{VIEWS}/{saved}/compute", {"payload": ordered}), 200, shown(want))
    t.expect("of a table", d.post(f"{VIEWS}/compute", {"source": table, "payload": ordered}), 200, shown(want))
    everything = {"workflow": [{"type": "sort", "sort": "ascending", "by": ["id"]}]}
    t.expect("of a query", d.post(f"{VIEWS}/compute", {"source": query, "payload": everything}), 200,
             shown([api.ordered(id=1, price=1.25, **{"it's": "x"}), api.ordered(id=2, price=1.25, **{"it's": "x"})]))
    for payload, why in [({"workflow": [{"type": "magic"}]}, "step 'magic' is not supported"), ({}, "workflow"),
                         ({"workflow": [{"type": "transform", "transform": [{"key": "x", "expression": {
                             "op": "expr", "as": "x", "params": [{"type": "sql", "value": "1"}]}}]}]}, "expression 'expr' is not supported"),
                         ({"workflow": [{"type": "filter", "filters": [{"fid": "näme", "rule": {"type": "regexp", "value": "("}}]}]}, "")]:
        got = d.post(f"{VIEWS}/compute", {"source": table, "payload": payload})
        t.check(f"an error is a result: {payload}", got.status == 200 and why in (got.json["error"] or "") and got.json["error"]
                and got.json["rows"] == [] and list(got.json) == list(shown([])), repr(got))
    wrong = d.post(f"{VIEWS}/fields", {"source": {"source_type": "sql", "sql_query": "select none from people"}})
    t.check("so is a query's", wrong.status == 200 and "none" in wrong.json["error"] and wrong.json["fields"] == [], repr(wrong))
    for verb, more in (("fields", {}), ("compute", {"payload": {}})):
        for source, status, detail in [
                ({"source_type": "table", "table_id": 999}, 404, "Catalog table not found"),
                ({"source_type": "table", "table_id": 0}, 404, "Catalog table not found"),
                ({"source_type": "table"}, 422, "table_id is required when source_type='table'"),
                ({"source_type": "sql"}, 422, "sql_query is required when source_type='sql'"),
                ({"source_type": "sql", "sql_query": "drop table people"}, 422,
                 "Only SELECT queries are allowed. The query must start with SELECT or WITH (for common table expressions).")]:
            t.fails(f"{verb} of {source}", d.post(f"{VIEWS}/{verb}", {"source": source, **more}), status, detail)
        t.fails(f"{verb} of none", d.post(f"{VIEWS}/999/{verb}"), 404, "Visualization id=999 not found")
        t.expect(f"{verb}: who asks", d.post(f"{VIEWS}/{verb}", {"source": table, **more}, token=False), 401)
    few = d.get(f"{AT}/resolve?q=counted").json["table"]["id"]
    t.equal("of a virtual table", d.post(f"{VIEWS}/compute", {"source": {"source_type": "table", "table_id": few}, "payload": {
        "workflow": []}}).json["rows"], [{"n": 4}])


# --- processes

class Asking(threading.Thread):
    """A slow query from another thread; answer is None until it is there."""

    def __init__(self, d, query=SLOW):
        super().__init__(daemon=True)
        self.d, self.query, self.answer = d, query, None
        self.start()

    def run(self):
        try:
            self.answer = self.d.post(SQL, {"query": self.query}, timeout=60)
        except OSError as why:
            self.answer = why


def counted(d):
    """How many queries run, as the daemon knows: that a process is gone it hears a moment later."""
    return int(re.search(r"^flowfile_scheduler_queries_running (\d+)$", d.get("/metrics").text, re.M).group(1))


def wait_quiet(d):
    d.wait_for("no query is left", lambda: not children(d) and counted(d) == 0)


def check_gone(t, d):
    wait_quiet(d)
    body = json.dumps({"query": SLOW}).encode()
    with api.socket.create_connection(("127.0.0.1", d.port), timeout=30) as s:
        s.sendall(b"POST " + SQL.encode() + b" HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nauthorization: Bearer "
                  + d.token.encode() + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        pid = d.wait_for("the query runs", lambda: children(d))[0]
        t.expect("others are answered meanwhile", d.get("/catalog/tables"), 200)
        t.equal("it is counted", counted(d), 1)
    d.wait_for("a query ends when its client goes", lambda: not lives(pid))
    t.equal("the next one is answered", d.post(SQL, {"query": "select 1 as a from people"}).json["total_rows"], 4)


def check_killed(t, d):
    wait_quiet(d)
    asking = Asking(d)
    pid = d.wait_for("the query runs", lambda: children(d))[0]
    d.wait_for("it is the first to go when memory ends",
               lambda: pathlib.Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "1000")
    os.kill(pid, signal.SIGKILL)
    asking.join()
    t.fails("a query that is killed", asking.answer, 502, "The query ended without an answer; it may have run out of memory")


def check_limits(t):
    d = daemon(query_timeout="1s", queries_max="1").start()
    try:
        make_table(d, "one", [("a", "Int64")], [[1]])
        began = time.monotonic()
        answer = d.post(SQL, {"query": SLOW})
        t.fails("a query that takes too long", answer, 504, "The query took longer than 1s, the limit that query_timeout sets")
        t.check("is told so in time", time.monotonic() - began < 10)
        wait_quiet(d)
        first = Asking(d)
        d.wait_for("one runs", lambda: children(d))
        second = Asking(d, "select 2 as b from one")
        first.join()
        second.join()
        t.equal("one after another", [first.answer.status, second.answer.status in (200, 503)], [504, True])
        many = [Asking(d) for _ in range(70)]
        refused = d.wait_for("there is no more room", lambda: [a.answer for a in many if a.answer is not None and a.answer.status == 503])
        t.fails("which is said", refused[0], 503, "Too many queries are waiting")
        t.equal("and when to come again", refused[0].headers["retry-after"], "1")
        t.check("one at a time", len(children(d)) <= 1)
        for asking in many:
            asking.join()
        t.check("all are answered", all(a.answer.status in (503, 504) for a in many))
        wait_quiet(d)
        t.equal("and the next", d.post(SQL, {"query": "select 3 as c from one"}).json["rows"], [[3]])
    finally:
        d.stop()


def check_stop(t):
    for number, name in [(signal.SIGTERM, "stops"), (signal.SIGKILL, "is killed")]:
        d = daemon().start()
        try:
            make_table(d, "one", [("a", "Int64")], [[1]])
            asking = Asking(d)
            pid = d.wait_for("the query runs", lambda: children(d))[0]
            began = time.monotonic()
            d.end(number)
            t.check(f"it {name} at once", time.monotonic() - began < 5)
            end = time.monotonic() + 10
            while lives(pid) and time.monotonic() < end:
                time.sleep(0.01)
            t.check(f"no query is left when it {name}", not lives(pid))
            asking.join()
            if number == signal.SIGTERM:
                t.fails("who waits is told", asking.answer, 503, "The scheduler is stopping")
        finally:
            d.stop()


def check_users(t):
    d = daemon(http_auth="flowfile")
    d.env.update(FLOWFILE_MODE="docker", JWT_SECRET_KEY=SECRET)
    d.start()
    try:
        d.sql("INSERT INTO users (id, username, email, disabled, is_admin) VALUES (102, 'bob.test', 'b@test', FALSE, FALSE)")
        number = make_table(d, "mine", [("a", "Int64")], [[1]])["id"]
        theirs = make_table(d, "theirs", [("a", "Int64")], [[5], ])["id"]
        d.sql("UPDATE catalog_tables SET owner_id = 1, namespace_id = NULL WHERE id = ?", (number,))
        d.sql("UPDATE catalog_tables SET owner_id = 102, namespace_id = NULL WHERE id = ?", (theirs,))
        bob = bearer("bob.test")
        t.equal("a user's own tables are in a query", d.post(SQL, {"query": "select * from theirs"}, token=bob).json["rows"], [[5]])
        hidden = d.post(SQL, {"query": "select * from mine"}, token=bob).json
        t.check("others' are not", hidden["rows"] == [] and "mine" in hidden["error"], hidden)
        data = next(pathlib.Path(d.get(f"{AT}/{number}").json["file_path"]).glob("*.parquet"))
        for name in (data, data.parent / "*.parquet"):
            read = d.post(SQL, {"query": f'with recursive "{name}" as (select * from "{name}" union all select * from "{name}" where false) from "{name}"'},
                          token=bob).json
            t.check(f"nor their files: {name.name}", read["rows"] == [] and read["error"], read)
        t.equal("nor in previews", [d.get(f"{AT}/{n}/preview", token=bob).status for n in (number, theirs)], [403, 200])
        shared = d.post("/catalog/query-virtual-tables", {"name": "shared", "sql_query": "select * from theirs"}).json["id"]
        secret = d.post("/catalog/query-virtual-tables", {"name": "secret", "sql_query": "select * from mine"}).json["id"]
        d.sql("INSERT INTO user_groups (id, name, created_by) VALUES (701, 'team', 1)")
        d.sql("INSERT INTO user_group_memberships (group_id, user_id, role) VALUES (701, 102, 'member')")
        for table in (shared, secret):
            d.sql("INSERT INTO resource_grants (resource_type, resource_id, group_id, permission, granted_by)"
                  " VALUES ('catalog_table', ?, 701, 'use', 1)", (table,))
        for verb in ("tables/{}/materialize", "virtual-tables/{}/resolve"):
            t.equal(f"what may be used is read: {verb}", d.post("/catalog/" + verb.format(shared), token=bob).status, 200)
            t.equal(f"if what it is made of may be, too: {verb}", d.post("/catalog/" + verb.format(secret), token=bob).status, 422)
        for verb, more in (("fields", {}), ("compute", {"payload": {"workflow": []}})):
            def ask(**source):
                return d.post(f"{VIEWS}/{verb}", {"source": source, **more}, token=bob)

            t.check(f"charts of one's own tables: {verb}", ask(source_type="table", table_id=theirs).json["error"] is None)
            t.fails(f"and of no others: {verb}", ask(source_type="table", table_id=number), 404, "Catalog table not found")
            t.check(f"nor by a query: {verb}", "mine" in ask(source_type="sql", sql_query="select * from mine").json["error"])
        t.equal("it is not looked after", d.post(f"{AT}/{shared}/vacuum", {}, token=bob).status, 403)
        t.equal("an administrator sees all", d.post(SQL, {"query": "select * from mine, theirs"}).json["error"],
                api.Any(lambda x: "two columns are called a" in x))
        t.equal("by either name", d.post(SQL, {"query": "select m.a + t.a as s from mine m, theirs t"}).json["rows"], [[6]])
    finally:
        d.stop()


def check_without_engine(t):
    d = api.Daemon(env={"FLOWFILE_LIBDUCKDB": "/nowhere/libduckdb.so"}).start()
    try:
        folder = d.folder / "delta" / "_delta_log"
        folder.mkdir(parents=True)
        number = d.post(f"{AT}/from-data", {"name": "x", "table_path": str(folder.parent)}).json["id"]
        for answer in (d.get(f"{AT}/{number}/preview"), d.post(SQL, {"query": "select 1"}),
                       d.post("/catalog/query-virtual-tables", {"name": "q", "sql_query": "select 1"}),
                       d.post(f"{VIEWS}/fields", {"source": {"source_type": "table", "table_id": number}})):
            t.expect("without the engine", answer, 503)
            t.check("it says what is missing", "DuckDB" in answer.detail and "/nowhere/libduckdb.so" in answer.detail, answer.detail)
    finally:
        d.stop()


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
        check_sql(t, d)
        check_sandbox(t, d)
        check_query_tables(t, d, number)
        check_saving(t, d)
        check_charts(t, d, number)
        check_gone(t, d)
        check_killed(t, d)
        t.equal("the daemon ends well", d.end(), 0)
        t.check("and nobody complained", "Sanitizer" not in d.said(), d.said()[-3000:])
    finally:
        d.stop()
    check_limits(t)
    check_stop(t)
    check_users(t)
    check_without_engine(t)
    t.finish()


main()
