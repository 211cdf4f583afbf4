"""Schedules and the scheduler over the API (contract 5.5, 5.6)."""

import api_client as api

MEMBERS = ["id", "registration_id", "owner_id", "enabled", "name", "description", "schedule_type", "interval_seconds",
           "cron_expression", "cron_timezone", "trigger_table_id", "trigger_table_name", "trigger_namespace_id",
           "trigger_namespace_name", "trigger_full_table_name", "trigger_table_ids", "trigger_table_names",
           "trigger_full_table_names", "last_triggered_at", "last_trigger_table_updated_at", "created_at", "updated_at"]
AT = "/catalog/schedules"


def make_all(t, d, flow, tables):
    """One of each kind; returns their ids."""
    ids = []
    bodies = [
        {"schedule_type": "interval", "interval_seconds": "3600"},
        {"schedule_type": "cron", "cron_expression": "0 2 * * *", "cron_timezone": "Europe/Amsterdam", "name": "nightly"},
        {"schedule_type": "table_trigger", "trigger_table_id": tables[0], "enabled": "no"},
        {"schedule_type": "table_set_trigger", "trigger_table_ids": [tables[1], str(tables[0])], "description": "both"},
    ]
    for body in bodies:
        kind = body["schedule_type"]
        made = d.post(AT, {"registration_id": flow, **body})
        if not t.expect(f"a schedule of kind {kind} is made", made, 201):
            continue
        t.equal(f"{kind}: its members are in order", list(made.json), MEMBERS)
        wanted = made.json
        wanted["last_triggered_at"] = api.ANY  # an interval fires at once
        t.expect(f"{kind}: it is got as it was made", d.get(f"{AT}/{made.json['id']}"), 200, wanted)
        ids.append(made.json["id"])
    return ids


def check_shapes(t, d, flow, tables, ids):
    interval, cron, trigger, both = (d.get(f"{AT}/{i}").json for i in ids)
    t.equal("a number that came as a text is one", interval["interval_seconds"], 3600)
    t.equal("what an interval does not have is null", [interval[m] for m in MEMBERS[8:15]], [None] * 7)
    t.equal("a schedule without tables has empty lists", [interval[m] for m in MEMBERS[15:18]], [[], [], []])
    t.equal("a switch that came as a word is one", trigger["enabled"], False)
    t.equal("a trigger names its table", [trigger[m] for m in MEMBERS[10:15]], [tables[0], "first", None, None, "first"])
    t.check("a trigger is armed with its table's last write", trigger["last_trigger_table_updated_at"] is not None)
    t.equal("a set keeps the order of its tables", both["trigger_table_ids"], [tables[1], tables[0]])
    t.equal("a set names its tables", both["trigger_table_names"], ["second", "first"])
    interval["last_triggered_at"] = api.ANY  # it may fire just now
    t.expect("the list is newest first", d.get(AT), 200, [both, trigger, cron, interval])
    t.expect("the list of a flow is its own", d.get(f"{AT}?registration_id={flow}"), 200, [both, trigger, cron, interval])
    for nobody in (0, 999, 3000000000):
        t.expect(f"flow {nobody} has none", d.get(f"{AT}?registration_id={nobody}"), 200, [])


def check_refusals(t, d, flow, tables, ids):
    new = {"registration_id": flow, "schedule_type": "interval", "interval_seconds": 60}
    cases = [
        ({"registration_id": 999, "interval_seconds": 5}, 404, "Flow not found"),
        ({"interval_seconds": None}, 422, "interval_seconds must be >= 60"),
        ({"interval_seconds": 59}, 422, "interval_seconds must be >= 60"),
        ({"interval_seconds": -1}, 422, "interval_seconds must be >= 60"),
        ({"schedule_type": "cron"}, 422, "cron_expression is required for cron schedules"),
        ({"schedule_type": "cron", "cron_expression": " \t"}, 422, "cron_expression is required for cron schedules"),
        ({"schedule_type": "cron", "cron_expression": "61 * * * *", "cron_timezone": "Mars"}, 422,
         "Invalid cron expression: '61 * * * *'"),
        ({"schedule_type": "cron", "cron_expression": "it's\n"}, 422, "Invalid cron expression: \"it's\\n\""),
        ({"schedule_type": "cron", "cron_expression": "0 * * * *", "cron_timezone": "Mars"}, 422, "Invalid timezone: 'Mars'"),
        ({"schedule_type": "table_trigger"}, 422, "trigger_table_id is required for table_trigger schedules"),
        ({"schedule_type": "table_trigger", "trigger_table_id": 999}, 404, "Trigger table not found"),
        ({"schedule_type": "table_trigger", "trigger_table_id": 0}, 404, "Trigger table not found"),
        ({"schedule_type": "table_set_trigger"}, 422, "table_set_trigger requires at least 2 trigger_table_ids"),
        ({"schedule_type": "table_set_trigger", "trigger_table_ids": [tables[0]]}, 422,
         "table_set_trigger requires at least 2 trigger_table_ids"),
        ({"schedule_type": "table_set_trigger", "trigger_table_ids": [tables[0], 999]}, 404, "Trigger table not found"),
    ]
    for change, status, detail in cases:
        t.fails(f"no schedule with {change}", d.post(AT, {**new, **change}), status, detail)
    twice = d.post(AT, {**new, "schedule_type": "table_set_trigger", "trigger_table_ids": [tables[0], tables[0]]})
    t.expect("a set with a table twice is refused", twice, 422)
    for path in (f"{AT}/999", f"{AT}/0", f"{AT}/99999999999"):
        t.fails(f"GET {path}", d.get(path), 404, "Schedule not found")
        t.fails(f"PUT {path}", d.request("PUT", path, {}), 404, "Schedule not found")
        t.fails(f"DELETE {path}", d.request("DELETE", path), 404, "Schedule not found")
        t.fails(f"run-now {path}", d.request("POST", path + "/run-now"), 404, "Schedule not found")
    item = api.ordered(type="int_parsing", loc=["path", "schedule_id"],
                       msg="Input should be a valid integer, unable to parse string as an integer", input="x")
    t.expect("an id that is no number", d.get(f"{AT}/x"), 422, api.ordered(detail=[item]))
    kinds = "'interval', 'cron', 'table_trigger' or 'table_set_trigger'"
    items = [api.ordered(type="missing", loc=["body", "registration_id"], msg="Field required", input={"schedule_type": "x"}),
             api.ordered(type="literal_error", loc=["body", "schedule_type"], msg=f"Input should be {kinds}", input="x",
                         ctx=api.ordered(expected=kinds))]
    t.expect("all that is wrong is told", d.post(AT, {"schedule_type": "x"}), 422, api.ordered(detail=items))
    t.equal("nothing of it was made", len(d.get(AT).json), len(ids))


def check_changes(t, d, ids):
    interval, cron, trigger, _ = ids
    before = d.get(f"{AT}/{interval}").json
    t.expect("an empty change changes nothing", d.request("PUT", f"{AT}/{interval}", {}), 200, before)
    t.expect("nulls change nothing", d.request("PUT", f"{AT}/{interval}", {"name": None, "enabled": None}), 200, before)
    after = d.request("PUT", f"{AT}/{interval}", {"interval_seconds": 120, "name": "n", "enabled": False, "schedule_type": "cron"})
    t.expect("a change is answered with what it made", after, 200, d.get(f"{AT}/{interval}").json)
    t.equal("its type stays", [after.json[m] for m in ("interval_seconds", "name", "enabled", "schedule_type")],
            [120, "n", False, "interval"])
    other = "cron_expression/cron_timezone can only be set on cron schedules"
    cases = [(interval, {"cron_expression": "0 * * * *", "interval_seconds": 1}, other), (trigger, {"cron_timezone": ""}, other),
             (cron, {"interval_seconds": 1}, "interval_seconds must be >= 60"),
             (cron, {"interval_seconds": -1}, "interval_seconds must be >= 60"),
             (cron, {"cron_expression": ""}, "cron_expression is required for cron schedules"),
             (cron, {"cron_timezone": "Mars"}, "Invalid timezone: 'Mars'")]
    for number, change, detail in cases:
        t.fails(f"no change to {change}", d.request("PUT", f"{AT}/{number}", change), 422, detail)
    t.expect("a schedule is deleted", d.request("DELETE", f"{AT}/{interval}"), 204, None)
    t.fails("and is gone", d.get(f"{AT}/{interval}"), 404, "Schedule not found")


def check_cron(t, d):
    at = AT + "/validate-cron"
    for body, error in [({"cron_expression": "*/5 * * * *"}, None),
                        ({"cron_expression": "*/5 * * * *", "cron_timezone": "Asia/Tokyo"}, None),
                        ({"cron_expression": "@daily"}, "Invalid cron expression: '@daily'"),
                        ({}, "cron_expression is required for cron schedules"),
                        ({"cron_expression": "0 0 * * *", "cron_timezone": "Mars"}, "Invalid timezone: 'Mars'")]:
        t.expect(f"cron {body}", d.post(at, body), 200, api.ordered(valid=error is None, error=error))


def check_scheduler(t, d, cron):
    status = d.get("/catalog/scheduler/status").json
    t.equal("the status has its members", list(status), ["active", "holder_id", "started_at", "heartbeat_at", "is_embedded"])
    t.equal("this daemon leads", [status["active"], status["is_embedded"]], [True, True])

    def say(verb, text):
        t.expect(f"{verb}: {text}", d.request("POST", f"/catalog/scheduler/{verb}"), 200, api.ordered(message=text))

    say("start", "Scheduler already running")
    say("stop", "Scheduler stopped")
    say("stop", "Scheduler not running")
    status = d.get("/catalog/scheduler/status").json
    t.equal("the status tells that nothing is launched", [status["active"], status["is_embedded"]], [False, True])
    t.equal("the pause is the catalog's", d.sql("SELECT value FROM scheduler_settings WHERE name = 'paused'"), [("1",)])
    say("start", "Scheduler started")
    t.check("it is active again", d.get("/catalog/scheduler/status").json["active"])
    d.wait_for("no run is active", lambda: d.get("/catalog/active-runs").json == [])
    run = d.request("POST", f"{AT}/{cron}/run-now")
    t.expect("a schedule is run by hand", run, 200)
    t.equal("as a run of its own kind", [run.json["run_type"], run.json["schedule_id"], "status" in run.json],
            ["on_demand", cron, False])
    d.wait_for("it ends", lambda: d.get("/catalog/active-runs").json == [])


def main():
    t = api.Test()
    d = api.Daemon().start()
    try:
        d.wait_leading()
        flow = d.post("/catalog/flows", {"name": "a", "flow_path": d.flow("a", "exit 0")}).json["id"]
        tables = [d.post("/catalog/tables/from-data", {"name": n, "table_path": f"/data/{n}"}).json["id"] for n in ("first", "second")]
        ids = make_all(t, d, flow, tables)
        check_shapes(t, d, flow, tables, ids)
        check_refusals(t, d, flow, tables, ids)
        check_changes(t, d, ids)
        check_cron(t, d)
        check_scheduler(t, d, ids[1])
    finally:
        d.stop()
    t.finish()


main()
