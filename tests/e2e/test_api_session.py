"""A client made out of /openapi.json drives a whole session: a flow, each kind of schedule, their runs as they are told in
/events, a log, a cancel, the history and the figures. Every answer is held against the shape that the description gives.
The session that the README shows, with curl, goes as it stands there."""

import json
import os
import re
import shutil
import signal
import subprocess
import urllib.parse

import api_client as api
from test_api_live import Stream


class Client:
    """client.post_catalog_flows(name=..., flow_path=...): the operation of that id, its answer checked."""

    def __init__(self, daemon, test):
        self.daemon, self.test = daemon, test
        self.document = daemon.get("/openapi.json").json
        self.operations = {}
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                self.operations[operation["operationId"]] = (method.upper(), path, operation)

    def __getattr__(self, name):
        method, path, operation = self.operations[name]

        def call(**values):
            return self.call(method, path, operation, values)
        return call

    def call(self, method, path, operation, values):
        query, body = {}, {}
        places = {p["name"]: p["in"] for p in operation["parameters"]}
        for name, value in values.items():
            if places.get(name) == "path":
                path = path.replace("{%s}" % name, str(value))
            elif places.get(name) == "query":
                query[name] = value
            else:
                body[name] = value
        if query:
            path += "?" + urllib.parse.urlencode(query)
        answer = self.daemon.request(method, path, body if "requestBody" in operation else None)
        described = operation["responses"].get(str(answer.status))
        name = operation["operationId"]
        self.test.check(f"{name}: {answer.status} is described", described is not None)
        content = (described or {}).get("content", {}).get("application/json")
        if content is None:
            return answer.status
        wrong = self.differs(answer.json, content["schema"], name)
        self.test.check(f"{name}: the answer has its shape ({wrong})", wrong is None)
        return answer.json

    def differs(self, value, schema, at):
        """What is not as the schema says; None."""
        if "$ref" in schema:
            return self.differs(value, self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], at)
        if "anyOf" in schema:
            found = [self.differs(value, one, at) for one in schema["anyOf"]]
            return None if None in found else found[0]
        kind = schema.get("type")
        types = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
                 "null": type(None)}
        if kind and not (isinstance(value, types[kind]) and not (kind == "integer" and isinstance(value, bool))):
            return f"{at}: {json.dumps(value)[:80]} is no {kind}"
        if kind == "array":
            for item in value:
                wrong = self.differs(item, schema.get("items", {}), at + "[]")
                if wrong:
                    return wrong
        if kind == "object" and "properties" in schema:
            if list(value) != list(schema["properties"]):
                return f"{at}: members {list(value)}, not {list(schema['properties'])}"
            for name, item in value.items():
                wrong = self.differs(item, schema["properties"][name], f"{at}.{name}")
                if wrong:
                    return wrong
        return None


def starts_of(events, schedule):
    """Reads on until a run of the schedule has started."""
    while True:
        kind, _, data = events.until("run.started")[-1]
        if data["schedule_id"] == schedule:
            return data["id"]


def check_readme(t):
    """What the README types, with this daemon's address, token and flow; its events go to a file."""
    shown = re.search(r"A whole session.*?```sh\n(.*?)```", (api.TOP / "README.md").read_text(), re.S).group(1)
    if not shutil.which("curl"):
        print("no curl: the session of the README is not tried")
        return
    d = api.Daemon()
    d.start()
    try:
        d.wait_leading()
        hello = d.flow("hello", "echo hello")
        for there, here in (("http://127.0.0.1:63580", f"http://127.0.0.1:{d.port}"), ("~/.flowfile/", f"{d.base}/"),
                            ("/home/me/hello", hello), ("api -N $at/events &", f"api -N $at/events >{d.folder}/events &")):
            t.check(f"the README has {there}", there in shown)
            shown = shown.replace(there, here)
        with open(d.folder / "said", "wb") as out:
            session = subprocess.Popen(["sh", "-eu", "-c", shown], stdout=out, start_new_session=True)
        try:
            status = session.wait(api.WAIT_S)
            d.wait_for("the events are open", lambda: "retry: " in (d.folder / "events").read_text())
        finally:
            os.killpg(session.pid, signal.SIGKILL)
        said = (d.folder / "said").read_text()
        t.check("all of it goes", status == 0 and "detail" not in said, said)
        for part in ('"run_type":"manual"', '"text":"hello\\n', 'data: {"status":"success"', '"total_runs":1'):
            t.check(f"it prints {part}", part in said, said)
    finally:
        d.stop()


def main():
    t = api.Test()
    check_readme(t)
    d = api.Daemon()
    d.start()
    try:
        d.wait_leading()
        client = Client(d, t)
        events = Stream(d, "/events")
        flow = client.post_catalog_flows(name="hello", flow_path=d.flow("hello", "echo hello"))
        slow = client.post_catalog_flows(name="slow", flow_path=d.flow("slow", "echo begun; exec sleep 1000"))
        tables = [client.post_catalog_tables_from_data(name=name, table_path=str(d.folder / name),
                                                       schema_columns=[], row_count=0, column_count=0, size_bytes=0)
                  for name in ("raw", "prices")]

        # Each kind of schedule, and what makes it fire.
        interval = client.post_catalog_schedules(registration_id=flow["id"], schedule_type="interval", interval_seconds=3600)
        t.check("an interval fires at once", starts_of(events, interval["id"]) > 0)
        cron = client.post_catalog_schedules(registration_id=flow["id"], schedule_type="cron", cron_expression="* * * * *")
        on_table = client.post_catalog_schedules(registration_id=flow["id"], schedule_type="table_trigger",
                                                 trigger_table_id=tables[0]["id"])
        on_set = client.post_catalog_schedules(registration_id=flow["id"], schedule_type="table_set_trigger",
                                               trigger_table_ids=[x["id"] for x in tables])
        valid = client.post_catalog_schedules_validate_cron(cron_expression="99 * * * *")
        t.check("a wrong expression is told", valid["valid"] is False and "99" in valid["error"])
        d.sql("UPDATE catalog_tables SET updated_at = '2030-01-01 00:00:00.000001' WHERE id = ?", (tables[0]["id"],))
        t.check("a write fires the schedule of its table", starts_of(events, on_table["id"]) > 0)
        d.sql("UPDATE catalog_tables SET updated_at = '2030-01-01 00:00:00.000002' WHERE id = ?", (tables[1]["id"],))
        t.check("a set fires when all its tables are written", starts_of(events, on_set["id"]) > 0)
        t.check("all are listed", sorted(x["id"] for x in client.get_catalog_schedules(registration_id=flow["id"])) ==
                sorted(x["id"] for x in (interval, cron, on_table, on_set)))

        # A run by hand, its log and its cancel.
        run = client.post_catalog_flows_id_run(id=slow["id"])
        log = Stream(d, f"/catalog/runs/{run['id']}/log/stream")
        kind, _, data = log.next()
        t.check("the log is told as it grows", kind == "log" and "begun" in json.dumps(data))
        t.check("a flow runs once", client.post_catalog_flows_id_run(id=slow["id"])["detail"] == "Flow already has an active run")
        t.check("it is active", run["id"] in [x["id"] for x in client.get_catalog_active_runs()])
        t.check("it is cancelled", client.post_catalog_runs_id_cancel(id=run["id"]) == 204)
        ended = log.until("end")[-1][2]
        t.check("the log's stream ends with the exit", ended["status"] == "cancelled" and ended["signal"] == 15)
        while events.until("run.cancelled")[-1][2]["id"] != run["id"]:
            pass

        # What is left of it all.
        page = client.get_catalog_runs(registration_id=slow["id"], limit=10)
        t.check("the history has it", [x["id"] for x in page["items"]] == [run["id"]] and page["total_failed"] == 1)
        detail = client.get_catalog_runs_id(id=run["id"])
        t.check("it has ended", detail["ended_at"] is not None and detail["success"] is False)
        t.check("its log is kept", "begun" in client.get_catalog_runs_id_log(id=run["id"])["log"])
        stats = client.get_catalog_stats()
        t.check("the figures count", stats["total_flows"] == 2 and stats["total_schedules"] == 4 and stats["total_runs"] >= 4)
        for schedule in (interval, cron, on_table, on_set):
            t.check("a schedule is deleted", client.delete_catalog_schedules_id(id=schedule["id"]) == 204)
        t.check("none is left", client.get_catalog_schedules() == [])
    finally:
        d.stop()
    t.finish()


if __name__ == "__main__":
    main()
