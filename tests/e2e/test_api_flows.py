"""Flows, favorites and namespaces: contract 5.2 and 5.3."""

import api_client as api
from api_client import TIME, ordered

YAML = """flowfile_version: 0.16.0
flowfile_id: 1
flowfile_name: a
flowfile_settings:
  parameters:
  - {name: day, default_value: '1', description: '', type: enum, enum_values: ['1', '2']}
nodes:
- {id: 7, type: flow_input, setting_input: {input_name: second}}
- {id: 3, type: flow_input, setting_input: {input_name: first}}
- {id: 9, type: flow_output, setting_input: {output_name: result}}
- {id: 10, type: filter, setting_input: null}
"""


def flow(**more):
    f = dict(id=1, name="a", description=None, flow_path="/x/a.yaml", namespace_id=None, owner_id=1, created_at=TIME, updated_at=TIME,
             is_favorite=False, is_following=False, run_count=0, last_run_at=None, last_run_success=None, file_exists=False,
             is_api_compatible=False, artifact_count=0, tables_produced=[], tables_read=[], access=None)
    f.update(more)
    return ordered(**f)


def space(**more):
    s = dict(id=5, name="Sales", parent_id=None, level=0, description=None, owner_id=1, created_at=TIME, updated_at=TIME,
             storage_uri=None, storage_connection_name=None, access=None)
    s.update(more)
    return ordered(**s)


def check_flows(t, d):
    t.expect("no flows", d.get("/catalog/flows"), 200, [])
    t.expect("register", d.post("/catalog/flows", {"name": "a", "flow_path": "/x/a.yaml"}), 201, flow())
    t.expect("get", d.get("/api/catalog/flows/1"), 200, flow())
    t.expect("update", d.put("/catalog/flows/1", {"name": "b", "namespace_id": 2}), 200, flow(name="b", namespace_id=2))
    t.fails("a namespace that is not there", d.post("/catalog/flows", {"name": "a", "flow_path": "p", "namespace_id": 99}), 404, "Namespace not found")
    t.expect("another", d.post("/catalog/flows", {"name": "a", "flow_path": "p", "namespace_id": 2}), 201)
    t.fails("a name that is taken", d.put("/catalog/flows/2", {"name": "b"}), 409, "A flow with this name already exists in this namespace")
    t.expect("namespace 0 has none", d.get("/catalog/flows?namespace_id=0"), 200, [])
    t.equal("by name", [f["name"] for f in d.get("/catalog/flows?namespace_id=2").json], ["a", "b"])
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/interface"), ("GET", "/artifacts"), ("POST", "/run"),
                         ("POST", "/favorite"), ("POST", "/follow")):
        t.fails(f"{method} {path} of no flow", d.request(method, f"/catalog/flows/99{path}", {} if method == "PUT" else None), 404, "Flow not found")
    for mark, listed, missing in (("favorite", "favorites", "Favorite not found"), ("follow", "following", "Follow not found")):
        want = ordered(id=1, user_id=1, registration_id=1, created_at=TIME)
        t.expect(mark, d.post(f"/catalog/flows/1/{mark}"), 201, want)
        t.expect(f"{mark} again", d.post(f"/catalog/flows/1/{mark}"), 201, want)
        t.expect(f"{mark} another", d.post(f"/catalog/flows/2/{mark}"), 201)
        t.equal(f"{listed}, newest first", [f["id"] for f in d.get(f"/catalog/{listed}").json], [2, 1])
        t.expect(f"no {mark} more", d.delete(f"/catalog/flows/1/{mark}"), 204, None)
        t.fails(f"no {mark} any more", d.delete(f"/catalog/flows/1/{mark}"), 404, missing)
    for name, content, readable in (("i.yaml", YAML, True), ("bad.yaml", "a: [", False), ("i.txt", YAML, False)):
        path = d.folder / "flows" / name
        path.write_text(content)
        made = d.post("/catalog/flows", {"name": name, "flow_path": str(path)}).json
        t.expect(f"the interface of {name}", d.get(f"/catalog/flows/{made['id']}/interface"), 200, ordered(
            registration_id=made["id"],
            inputs=[ordered(name="first", node_id=3), ordered(name="second", node_id=7)] if readable else [],
            outputs=[ordered(name="result", node_id=9)] if readable else [],
            parameters=[ordered(name="day", default_value="1", description="", type="enum", enum_values=["1", "2"])] if readable else [],
            file_exists=readable))
        t.expect(f"delete {name} and its file", d.delete(f"/catalog/flows/{made['id']}?delete_file=true"), 204, None)
        t.check("the file is gone", not path.exists())
    t.expect("artifacts", d.get("/catalog/flows/1/artifacts"), 200, [])


def check_namespaces(t, d):
    t.expect("the default", d.get("/catalog/default-namespace-id"), 200, 2)
    t.expect("create", d.post("/catalog/namespaces", {"name": "Sales"}), 201, space())
    t.expect("a schema", d.post("/catalog/namespaces", {"name": "raw", "parent_id": 5}), 201, space(id=6, name="raw", parent_id=5, level=1))
    t.expect("no namespace is nobody's", d.get("/catalog/namespaces?parent_id=0"), 200, [])
    t.expect("nor are all", d.get("/catalog/namespaces?parent_id=-1"), 200, [])
    t.expect("schemas", d.get("/catalog/namespaces?parent_id=5"), 200, [space(id=6, name="raw", parent_id=5, level=1)])
    t.equal("catalogs", [n["name"] for n in d.get("/catalog/namespaces").json], ["General", "Sales"])
    t.fails("too deep", d.post("/catalog/namespaces", {"name": "x", "parent_id": 6}), 422, "Cannot nest deeper than catalog -> schema")
    t.fails("taken", d.post("/catalog/namespaces", {"name": "Sales"}), 409, "Namespace with this name already exists at this level")
    t.fails("no parent", d.post("/catalog/namespaces", {"name": "x", "parent_id": 99}), 404, "Parent namespace not found")
    t.fails("renamed to a name that is taken", d.put("/catalog/namespaces/5", {"name": "General"}), 409, "Namespace with this name already exists at this level")
    t.expect("describe", d.put("/catalog/namespaces/5", {"description": "d"}), 200, space(description="d"))
    t.equal("storage without a connection", d.put("/catalog/namespaces/5", {"storage_uri": "s3://b"}).status, 422)
    t.equal("storage of a schema", d.put("/catalog/namespaces/6", {"storage_uri": None}).status, 422)
    t.fails("not empty", d.delete("/catalog/namespaces/5"), 422, "Cannot delete namespace with children or flows")
    tree = d.get("/catalog/namespaces/tree").json
    t.equal("the tree", [(n["name"], [c["name"] for c in n["children"]]) for n in tree],
            [("General", ["Local Flows", "Unnamed Flows", "default"]), ("Sales", ["raw"])])
    t.equal("a node", list(tree[0]), list(space()) + ["children", "flows", "artifacts", "tables", "visualizations", "notebooks"])
    t.equal("flows in it", [f["name"] for f in tree[0]["children"][2]["flows"]], ["a", "b"])
    t.expect("delete", d.delete("/catalog/namespaces/6"), 204, None)
    t.fails("gone", d.delete("/catalog/namespaces/6"), 404, "Namespace not found")
    scratch = d.base / "flows" / "unnamed_flows" / "f.yaml"
    scratch.parent.mkdir(parents=True)
    scratch.write_text("x")
    kept = d.folder / "flows" / "kept.yaml"
    kept.write_text("x")
    for path in (scratch, kept):
        d.post("/catalog/flows", {"name": path.name, "flow_path": str(path), "namespace_id": 3})
    t.expect("clean up", d.post("/catalog/namespaces/3/cleanup_flows"), 200, ordered(deleted=2, kept=0))
    t.check("only what was in the scratch folder is deleted", kept.exists() and not scratch.exists())
    t.equal("no other namespace is cleaned up", d.post("/catalog/namespaces/2/cleanup_flows").status, 403)


def main():
    t = api.Test()
    d = api.Daemon()
    try:
        d.start()
        check_flows(t, d)
        check_namespaces(t, d)
    finally:
        d.stop()
    t.finish()


main()
