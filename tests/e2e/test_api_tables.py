"""Tables, virtual tables and visualizations over the API (contract 5.8, 5.10, 5.12), and what needs a query engine."""

import api_client as api

AT = "/catalog/tables"
DATA = AT + "/from-data"
MEMBERS = ["id", "name", "namespace_id", "namespace_name", "full_table_name", "qualified_name", "description", "owner_id",
           "file_exists", "is_remote_storage", "is_favorite", "schema_columns", "row_count", "column_count", "size_bytes",
           "file_path", "source_registration_id", "source_registration_name", "source_run_id", "read_by_flows", "table_type",
           "producer_registration_id", "producer_registration_name", "is_optimized", "laziness_blockers", "sql_query",
           "polars_plan", "source_table_versions", "partition_columns", "scd2", "prediction_table_id",
           "prediction_table_name", "created_at", "updated_at", "access"]
COLUMNS = [{"name": "id", "dtype": "Int64"}, {"name": "naïve", "dtype": "String"}]


def stamp(d, number):
    return d.get(f"{AT}/{number}").json["updated_at"]


def check_records(t, d, schema):
    made = d.post(DATA, {"name": "orders", "table_path": "/data/orders", "namespace_id": schema, "schema_columns": COLUMNS,
                         "row_count": 5, "size_bytes": 100})
    t.expect("data is registered", made, 201)
    table = made.json
    t.equal("its members are in order", list(table), MEMBERS)
    t.equal("its columns are counted", [table["schema_columns"], table["column_count"]], [COLUMNS, 2])
    t.equal("it has three names", [table[m] for m in MEMBERS[1:6]], ["orders", schema, "s", "s.orders", "c.s.orders"])
    t.expect("it is got as it was made", d.get(f"{AT}/{table['id']}"), 200, table)
    t.expect("it is listed in its namespace", d.get(f"{AT}?namespace_id={schema}"), 200, [table])
    t.expect("namespace 0 has none", d.get(f"{AT}?namespace_id=0"), 200, [])
    new = {"name": "x", "table_path": "/x"}
    taken = "A table with this name already exists in this namespace"
    for change, status, detail in [({"name": "a.b", "namespace_id": 999}, 422, "Table name must not contain '.'"),
                                   ({"namespace_id": 999, "name": "orders"}, 404, "Namespace not found"),
                                   ({"name": "orders", "namespace_id": schema}, 409, taken)]:
        t.fails(f"not registered: {change}", d.post(DATA, {**new, **change}), status, detail)
    t.fails("a path may not climb", d.post(AT, {"name": "x", "file_path": "/a/../b"}), 403,
            "Access denied: path traversal not allowed")
    delta = d.folder / "delta"
    (delta / "_delta_log").mkdir(parents=True)
    there = d.post(AT, {"name": "there", "file_path": str(delta)})
    t.expect("a Delta table is registered where it is", there, 201)
    t.equal("its data is there", [there.json["file_exists"], there.json["file_path"]], [True, str(delta.resolve())])
    t.expect("it is deleted with its file", d.request("DELETE", f"{AT}/{there.json['id']}?delete_file=true"), 204, None)
    t.check("data outside of the managed folder stays", (delta / "_delta_log").exists())
    return table["id"]


def check_refresh(t, d, number):
    managed = d.base / "catalog_tables" / "orders_1"
    (managed / "_delta_log").mkdir(parents=True)
    at = f"{AT}/{number}/refresh"
    before = stamp(d, number)
    t.expect("a refresh tells where the data is now", d.post(at, {"table_path": str(managed), "row_count": 7}), 200)
    table = d.get(f"{AT}/{number}").json
    t.equal("what was not told stays", [table[m] for m in ("row_count", "size_bytes", "column_count", "file_exists")], [7, 100, 2, True])
    t.check("the stamp moved", table["updated_at"] > before)
    t.expect("the same again", d.post(at, {"table_path": str(managed), "row_count": 7}), 200)
    t.check("moves it again", stamp(d, number) > table["updated_at"])
    t.expect("data moves elsewhere", d.post(at, {"table_path": "/data/orders"}), 200)
    t.check("what was managed is removed", not managed.exists())
    t.fails("a refresh needs a path", d.post(at, {}), 422, "overwrite_table_data requires either table_path or parquet_path")
    t.fails("and a table", d.post(f"{AT}/999/refresh", {}), 404, "Catalog table not found")


def check_changes(t, d, number, other):
    at, before = f"{AT}/{number}", stamp(d, number)
    t.expect("a table is renamed", d.request("PUT", at, {"name": "renamed", "prediction_table_id": other}), 200)
    table = d.get(at).json
    t.equal("a name is no write", table["updated_at"], before)
    t.equal("its prediction is named", [table["prediction_table_id"], table["prediction_table_name"]], [other, "orders"])
    t.expect("what is absent stays", d.request("PUT", at, {"description": "d"}), 200)
    t.equal("the prediction stays", d.get(at).json["prediction_table_id"], other)
    t.expect("null clears it", d.request("PUT", at, {"prediction_table_id": None}), 200)
    t.equal("it is cleared", d.get(at).json["prediction_table_id"], None)
    t.fails("not itself", d.request("PUT", at, {"prediction_table_id": number}), 422, "A table cannot be its own prediction table")
    t.fails("not nothing", d.request("PUT", at, {"prediction_table_id": 999}), 404, "Catalog table not found")
    t.expect("its old name", d.request("PUT", at, {"name": "orders"}), 200)


def check_resolve(t, d, number, other, schema):
    def ask(q):
        return d.get(f"{AT}/resolve?q={q}")

    both = [api.ordered(id=other, name="orders", namespace_id=None, namespace_name=None),
            api.ordered(id=number, name="orders", namespace_id=schema, namespace_name="s")]
    t.equal("a bare name is the first, and all are told", [ask("orders").json["table"]["id"], ask("orders").json["warnings"]], [other, both])
    t.expect("strictly it is none", ask("orders&strict=on"), 409, api.ordered(detail=api.ordered(
        message=f"Table name 'orders' is ambiguous; candidates: <root>.orders (id={other}), s.orders (id={number})", name="orders",
        candidates=both)))
    for q in ("s.orders", "c.s.orders", f"orders&namespace_id={schema}"):
        t.equal(f"{q} is one", [ask(q).json["table"]["id"], ask(q).json["warnings"]], [number, []])
    for q, detail in [("", "Catalog table"), (".orders", "Catalog table"), ("a.b.c.d", "Catalog table"), ("none", "Catalog table"),
                      ("x.orders", "Namespace"), ("s.none", "Catalog table"), ("orders&namespace_id=0", "Catalog table")]:
        t.fails(f"'{q}' is none", ask(q), 404, f"{detail.lower().capitalize()} not found")
    t.expect("a name is needed", d.get(f"{AT}/resolve"), 422, api.ordered(detail=[api.ordered(
        type="missing", loc=["query", "q"], msg="Field required", input=None)]))


def check_favorites(t, d, number, other):
    made = d.request("POST", f"{AT}/{number}/favorite")
    t.expect("a favorite is made", made, 201)
    t.equal("its members", list(made.json), ["id", "user_id", "table_id", "created_at"])
    t.expect("once", d.request("POST", f"{AT}/{number}/favorite"), 201, made.json)
    d.request("POST", f"{AT}/{other}/favorite")
    t.equal("newest first", [x["id"] for x in d.get("/catalog/table-favorites").json], [other, number])
    t.equal("a table shows it", d.get(f"{AT}/{number}").json["is_favorite"], True)
    t.equal("a change does not", d.request("PUT", f"{AT}/{number}", {}).json["is_favorite"], False)
    t.expect("it is dropped", d.request("DELETE", f"{AT}/{number}/favorite"), 204, None)
    t.fails("once", d.request("DELETE", f"{AT}/{number}/favorite"), 404, "Table favorite not found")
    t.fails("of a table", d.request("POST", f"{AT}/999/favorite"), 404, "Catalog table not found")


def check_virtual(t, d, number):
    flow = d.post("/catalog/flows", {"name": "f", "flow_path": d.flow("f", "exit 0")}).json["id"]
    made = d.post("/catalog/virtual-tables", {"name": "v", "producer_registration_id": flow})
    t.expect("a flow's table is made", made, 201)
    v = made.json
    t.equal("it is virtual", [v[m] for m in ("table_type", "file_exists", "producer_registration_name", "is_optimized")],
            ["virtual", True, "f", False])
    t.fails("of a flow that is there", d.post("/catalog/virtual-tables", {"name": "a.b", "producer_registration_id": 999}), 404,
            "Producer flow not found")
    t.fails("a table is no virtual one", d.request("PUT", f"/catalog/virtual-tables/{number}", {}), 404, "Virtual table not found")
    at = f"/catalog/virtual-tables/{v['id']}"
    t.fails("another flow", d.request("PUT", at, {"producer_registration_id": 999}), 404, "Producer flow not found")
    t.expect("another name", d.request("PUT", at, {"name": "w"}), 200)
    t.equal("is no write (D-10)", stamp(d, v["id"]), v["updated_at"])
    t.fails("it is no query", d.request("PUT", f"/catalog/query-virtual-tables/{v['id']}", {}), 404, "Query virtual table not found")
    at = "/catalog/query-virtual-tables"
    for sql, detail in [(" ", "SQL query cannot be empty"), ("SELECT 1; DROP TABLE x", "DROP statements are not allowed"),
                        ("with a as (select 1) select * from a; update t set x = 1", "UPDATE statements are not allowed")]:
        t.fails(f"no table by {sql}", d.post(at, {"name": "q", "sql_query": sql}), 422, detail)
    t.expect("no table of a file", d.post(at, {"name": "q", "sql_query": "select * from read_csv ('x')"}), 422)


def check_visualizations(t, d, number, schema):
    at = "/catalog/visualizations"
    made = d.post(at, {"name": "v", "spec": [{"a": 1.5, "ü": [None]}], "catalog_table_id": number})
    t.expect("a visualization is saved", made, 201)
    v = made.json
    t.equal("in its table's namespace", [v["namespace_id"], v["table_full_name"], v["spec"]], [schema, "s.orders", [{"a": 1.5, "ü": [None]}]])
    t.expect("it is got", d.get(f"{at}/{v['id']}"), 200, v)
    t.expect("its table has it", d.get(f"{AT}/{number}/visualizations"), 200, [v])
    t.equal("the list shows no spec", d.get(at).json[0]["spec"], [])
    for change, status, detail in [
            ({"catalog_table_id": None}, 422, "catalog_table_id is required when source_type='table'"),
            ({"catalog_table_id": 999}, 404, "Catalog table not found"),
            ({"source_type": "sql"}, 422, "sql_query is required when source_type='sql'"),
            ({"thumbnail_data_url": "x"}, 422, "thumbnail_data_url must be a data:image/* URL"),
            ({"thumbnail_data_url": "data:image/" + "x" * 500000}, 422, "thumbnail_data_url exceeds 500000 bytes")]:
        body = {"name": "v", "spec": [], "catalog_table_id": number, **change}
        t.fails(f"not saved: {str(change)[:60]}", d.post(at, body), status, detail)
    one = f"{at}/{v['id']}"
    changed = d.request("PUT", one, {"name": "w", "namespace_id": None, "expected_updated_at": v["updated_at"] + "Z"})
    t.expect("it is changed by who knows it", changed, 200)
    t.equal("null clears", [changed.json["namespace_id"], changed.json["name"]], [None, "w"])
    t.expect("but not by who does not", d.request("PUT", one, {"name": "x", "expected_updated_at": v["updated_at"]}), 409,
             api.ordered(detail=api.ordered(
                 error="stale_write", resource_type="visualization", resource_id=v["id"], expected=v["updated_at"],
                 current=changed.json["updated_at"],
                 message="This visualization was modified in another session. Reload it or overwrite.")))
    t.fails("a name is kept", d.request("PUT", one, {"name": None}), 422, "name cannot be cleared")
    t.fails("none of that number", d.get(f"{at}/99"), 404, "Visualization id=99 not found")
    t.expect("it is deleted", d.request("DELETE", one), 204, None)


def check_engine(t, d, number):
    one = f"{AT}/{number}"
    t.fails("only virtual tables", d.request("POST", f"{one}/materialize"), 400, f"Catalog table with id={number} is not a virtual table")
    t.expect("its limits hold", d.get(f"{one}/preview?limit=10001"), 422)
    t.expect("and its body", d.post(f"{one}/edits", {"key_columns": []}), 422)


def check_fixture(t):
    d = api.Daemon(fixture=True).start()
    try:
        tables = d.get(AT).json
        t.equal("Flowfile's tables are in order", [x["name"] for x in tables], sorted(x["name"] for x in tables))
        for table in tables:
            t.equal(f"{table['name']}: its members", list(table), MEMBERS)
            t.expect(f"{table['name']}: alone as in the list", d.get(f"{AT}/{table['id']}"), 200, table)
    finally:
        d.stop()


def main():
    t = api.Test()
    d = api.Daemon().start()
    try:
        catalog = d.post("/catalog/namespaces", {"name": "c"}).json["id"]
        schema = d.post("/catalog/namespaces", {"name": "s", "parent_id": catalog}).json["id"]
        number = check_records(t, d, schema)
        other = d.post(DATA, {"name": "orders", "table_path": "/data/other"}).json["id"]
        check_refresh(t, d, number)
        check_changes(t, d, number, other)
        check_resolve(t, d, number, other, schema)
        check_favorites(t, d, number, other)
        check_virtual(t, d, number)
        check_visualizations(t, d, number, schema)
        check_engine(t, d, number)
        t.expect("a table is deleted", d.request("DELETE", f"{AT}/{number}"), 204, None)
        t.fails("once", d.request("DELETE", f"{AT}/{number}"), 404, "Catalog table not found")
    finally:
        d.stop()
    check_fixture(t)
    t.finish()


main()
