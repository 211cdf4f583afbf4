"""Runs and statistics: contract 5.4 and 5.7, on a catalog of Flowfile's own and with flows that run."""

import datetime
import signal
import threading

import api_client as api

RUN = ["id", "registration_id", "flow_uuid", "flow_name", "flow_path", "user_id", "started_at", "ended_at", "success",
       "nodes_completed", "number_of_nodes", "duration_seconds", "run_type", "schedule_id", "has_snapshot", "has_log"]
ACTIVE = ["id", "registration_id", "flow_name", "flow_path", "user_id", "started_at", "nodes_completed", "number_of_nodes",
          "run_type", "schedule_id"]
STATS = ["total_namespaces", "total_flows", "total_runs", "total_favorites", "total_table_favorites", "total_artifacts",
         "total_tables", "total_virtual_tables", "total_schedules", "recent_runs", "favorite_flows", "favorite_tables",
         "active_runs"]


def totals(d, where="1 = 1"):
    return d.sql(f"""SELECT count(*), count(CASE WHEN success THEN 1 END), count(CASE WHEN NOT success THEN 1 END),
                     count(*) - count(success) FROM flow_runs WHERE {where}""")[0]


def check_filters(t, d):
    flow = d.sql("SELECT id, flow_uuid, name FROM flow_registrations ORDER BY id")[0]
    for query, where in (
            ("", "1 = 1"), ("registration_id=%d" % flow[0], f"flow_uuid = '{flow[1]}'"), ("registration_id=999", "FALSE"),
            ("registration_id=0", "FALSE"), ("run_type=scheduled", "run_type = 'scheduled'"), ("run_type=on_demand", "run_type = 'on_demand'"),
            ("search=ORDERS", "lower(flow_name) LIKE '%orders%'"), ("search=nothing", "FALSE"), ("search=", "1 = 1"), ("search=a%25s", "lower(flow_name) LIKE '%a%s%'"),
            ("schedule_id=1", "schedule_id = 1"), ("run_type=scheduled&search=import", "run_type = 'scheduled' AND lower(flow_name) LIKE '%import%'")):
        page = d.get(f"/catalog/runs?{query}").json
        t.equal(f"totals of '{query}'", tuple(page[k] for k in ("total", "total_success", "total_failed", "total_running")), totals(d, where))
        want = [r[0] for r in d.sql(f"SELECT id FROM flow_runs WHERE {where} ORDER BY started_at DESC, id DESC LIMIT 50")]
        t.equal(f"runs of '{query}'", [r["id"] for r in page["items"]], want)
        two = d.get(f"/catalog/runs?{query}&limit=2&offset=1").json
        t.equal(f"a page of '{query}'", [r["id"] for r in two["items"]], want[1:3])
        t.check(f"members of '{query}'", all(list(r) == RUN for r in page["items"]))


def check_log(t, d, run):
    path = f"/catalog/runs/{run}/log"
    text = d.get(path).json
    t.check("the log is what the flow said", list(text) == ["log"] and "out 1\n" in text["log"], repr(text))
    size = d.run_log(run).stat().st_size
    part = d.get(path, headers={"Range": "bytes=0-3"})
    t.equal("a range is the bytes as they are", (part.status, part.body, part.headers["content-range"]),
            (206, d.run_log(run).read_bytes()[:4], f"bytes 0-3/{size}"))
    t.equal("the last bytes", d.get(path, headers={"Range": "bytes=-3"}).body, d.run_log(run).read_bytes()[-3:])
    t.equal("from a byte on", d.get(path, headers={"Range": f"bytes={size - 2}-"}).body, d.run_log(run).read_bytes()[-2:])
    t.equal("behind the end", d.get(path, headers={"Range": f"bytes={size}-"}).status, 416)
    for bad in ("bytes=3-1", "bytes=a-b", "lines=1-2", "bytes=-", "bytes=0-1,4-5"):
        t.expect(f"'{bad}' is no range", d.get(path, headers={"Range": bad}), 200, text)
    with open(d.run_log(run), "ab") as log:
        log.write(b"\xff\x00bad\n")
        log.write(b"x" * 99 + b"\n")
    t.check("bytes that are no text are replaced", "\ufffd\0bad\n" in d.get(path).json["log"])
    with open(d.run_log(run), "ab") as log:
        for i in range(50):
            log.write((b"%099d\n" % i) * 1000)
    cut = d.get(path).json["log"]
    t.check("of a long log the end is shown, from a line's start", len(cut) < 4200000 and cut.startswith("[the first ") and cut.endswith("49\n"), cut[:120])


def check_life(t, d):
    flow = d.post("/catalog/flows", {"name": "long", "flow_path": d.flow("long", "echo out 1; exec sleep 300")}).json["id"]
    run = d.post(f"/catalog/flows/{flow}/run")
    t.check("run answers with the run", run.status == 200 and list(run.json) == RUN and run.json["run_type"] == "manual", repr(run))
    t.fails("busy", d.post(f"/catalog/flows/{flow}/run"), 409, "Flow already has an active run")
    active = d.get("/catalog/active-runs").json
    t.check("it is active", [list(r) for r in active] == [ACTIVE] and active[0]["id"] == run.json["id"], repr(active))
    one = f"/catalog/runs/{run.json['id']}"
    d.wait_for("its log", lambda: b"out 1" in d.get(one + "/log").body)
    t.expect("cancel", d.post(one + "/cancel"), 204, None)
    d.wait_for("its end", lambda: d.get(one).json["ended_at"])
    ended = d.get(one)
    t.check("a cancelled run is no success", ended.json["success"] is False and list(ended.json) == RUN + ["flow_snapshot", "node_results_json"], repr(ended))
    t.expect("cancelling an ended run", d.post(one + "/cancel"), 204, None)
    t.expect("changes nothing", d.get(one), 200, ended.json)
    t.fails("it has no snapshot", d.post(one + "/open"), 422, "No flow snapshot available for this run")
    check_log(t, d, run.json["id"])
    gone = d.post("/catalog/flows", {"name": "gone", "flow_path": str(d.folder / "flows" / "gone")}).json["id"]
    run = d.post(f"/catalog/flows/{gone}/run")
    t.equal("a flow that cannot be started is a failed run", run.status, 200)
    d.wait_for("its end", lambda: d.get(f"/catalog/runs/{run.json['id']}").json["success"] is False)


def check_errors(t, d):
    for method, path in (("GET", ""), ("GET", "/log"), ("POST", "/open"), ("POST", "/cancel")):
        t.fails(f"{method} {path} of no run", d.request(method, f"/catalog/runs/999{path}"), 404, "Run not found")
    t.fails("no log", d.get("/catalog/runs/1/log"), 404, "Log file not found")
    for query, where in (("limit=0", "limit"), ("limit=501", "limit"), ("offset=-1", "offset"), ("run_type=x", "run_type"), ("limit=", "limit")):
        answer = d.get(f"/catalog/runs?{query}")
        t.check(f"{query} is refused", answer.status == 422 and answer.detail[0]["loc"] == ["query", where], repr(answer))
    t.equal("a token is needed", d.get("/catalog/runs", token=False).status, 401)


def utc_now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def check_stop(t):
    """What is being answered when a daemon is told to stop is answered. Another one leads, and takes its time."""
    d = api.Daemon(fixture=True)
    answers = []
    try:
        d.sql("DELETE FROM scheduler_lock")
        d.sql("INSERT INTO scheduler_lock (id, holder_id, started_at, heartbeat_at) VALUES (1, 'another', ?, ?)",
              (utc_now(), utc_now()))
        d.start()
        flows = [x["id"] for x in d.get("/catalog/flows").json][:2]
        asking = [threading.Thread(target=lambda i=i: answers.append(d.post(f"/catalog/flows/{i}/run"))) for i in flows]
        for thread in asking:
            thread.start()
        d.wait_for("both have asked", lambda: d.sql("SELECT count(*) FROM scheduler_requests")[0][0] == 2)
        d.kill(signal.SIGTERM)
        d.wait_for("it stops", lambda: "Stopping" in d.said())
        d.sql("UPDATE scheduler_requests SET outcome = 'refused', detail = 'later', done_at = ?", (utc_now(),))
        for thread in asking:
            thread.join()
        t.equal("both are answered", [(x.status, x.detail) for x in answers], [(409, "later")] * 2)
    finally:
        d.stop()


def main():
    t = api.Test()
    check_stop(t)
    d = api.Daemon(fixture=True)
    try:
        d.start().wait_leading()
        d.wait_for("what was due ran", lambda: d.get("/catalog/active-runs").json == [])
        check_filters(t, d)
        check_errors(t, d)
        check_life(t, d)
        check_filters(t, d)
        stats = d.get("/catalog/stats").json
        t.equal("statistics", list(stats), STATS)
        t.equal("all runs are counted", stats["total_runs"], totals(d)[0])
        t.check("ten latest runs", [list(r) for r in stats["recent_runs"]] == [RUN] * min(10, stats["total_runs"]))
    finally:
        d.stop()
    t.finish()


main()
