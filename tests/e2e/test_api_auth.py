"""Credentials of the API: the token, the cookie, Flowfile's own tokens, and what users may see who are no administrators."""

import base64
import hashlib
import hmac
import json
import os
import socket
import stat
import subprocess
import time

import api_client as api

SECRET, INTERNAL = "a secret of 32 characters or more", "internal-token-of-the-services"
NOT_FOR_YOU = "Not authenticated"
WRONG = "Could not validate credentials"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def jwt(claims, secret=SECRET, algorithm="HS256"):
    hashes = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}
    text = b64(json.dumps({"alg": algorithm, "typ": "JWT"}).encode()) + b"." + b64(json.dumps(claims).encode())
    if algorithm == "none":
        return (text + b".").decode()
    return (text + b"." + b64(hmac.new(secret.encode(), text, hashes[algorithm]).digest())).decode()


def user(name, **more):
    return jwt({"sub": name, "exp": int(time.time()) + 600, "type": "access", **more})


def test_token(t):
    d = api.Daemon(fixture=True).start()
    try:
        path = "/catalog/schedules"
        t.expect("the token lets in", d.get(path), 200)
        t.fails("nothing does not", d.get(path, token=False), 401, NOT_FOR_YOU)
        t.equal("and says what is needed", d.get(path, token=False).headers["WWW-Authenticate"], "Bearer")
        for name, token in (("a wrong token", "0" * 64), ("a short one", d.token[:63]), ("a longer one", d.token + "0"),
                            ("an empty one", " "), ("a JWT in token mode", user("local_user"))):
            t.fails(name, d.get(path, token=token), 401, WRONG)
        t.expect("the scheme's case does not matter", d.get(path, token=False, headers={"Authorization": f"bEARER {d.token}"}), 200)
        t.fails("another scheme", d.get(path, token=False, headers={"Authorization": f"Basic {d.token}"}), 401, NOT_FOR_YOU)
        t.fails("the internal token in token mode", d.get(path, token=False, headers={"X-Internal-Token": INTERNAL}), 401, NOT_FOR_YOU)
        t.equal("the token file is this user's alone", stat.S_IMODE(os.stat(d.base / "scheduler_token").st_mode), 0o600)
        test_cookie(t, d, path)
        test_origin(t, d, path)
        t.check("no secret is in the log", d.token not in d.said())
    finally:
        d.stop()


def test_cookie(t, d, path):
    page = d.get("/", token=False)
    t.expect("the page needs no token", page, 200)
    t.check("and links the description", "/openapi.json" in page.text and d.token not in page.text)
    for method, target, body in (("GET", f"/?token={d.token}", None), ("POST", "/", f"token={d.token}".encode()),
                                 ("GET", f"/?x=1&token={d.token}&y=2", None)):
        got = d.request(method, target, body, token=False)
        t.expect(f"{method} {target[:8]} goes on without the token", got, 303, b"")
        t.equal("to the page", got.headers["Location"], "/")
        cookie = got.headers["Set-Cookie"]
        t.equal("with a cookie that no script and no other site has", cookie,
                f"flowfile_scheduler={d.token}; Path=/; HttpOnly; SameSite=Strict")
    pair = cookie.split(";")[0]
    t.expect("the cookie lets in", d.get(path, token=False, headers={"Cookie": f"a=b; {pair}; c=d"}), 200)
    t.fails("another does not", d.get(path, token=False, headers={"Cookie": pair[:-1] + "x"}), 401, NOT_FOR_YOU)
    for wrong in ("/?token=" + "0" * 64, "/?token=", "/?token=<script>"):
        got = d.get(wrong, token=False)
        t.check(f"a wrong token gets no cookie: {wrong[:20]}", got.status == 401 and "Set-Cookie" not in got.headers and
                "<script>" not in got.text, got)
    shown = subprocess.run([str(api.BUILD / "flowfile"), "scheduler", "open"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                           env={**{k: v for k, v in d.env.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")},
                                "FLOWFILE_SCHEDULER_HTTP_LISTEN": f"0.0.0.0:{d.port}"})
    t.equal("flowfile scheduler open prints that address", shown.stdout, f"http://127.0.0.1:{d.port}/?token={d.token}\n")


def test_origin(t, d, path):
    def status(**headers):
        return d.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()}).status

    t.equal("another name for this server", status(Host="evil.example"), 421)
    t.equal("localhost", status(Host=f"localhost:{d.port}"), 200)
    t.equal("a page of another site", status(Origin="http://evil.example"), 403)
    t.equal("a page of nobody", status(Origin="null"), 403)
    t.equal("a page of this server", status(Origin=f"http://127.0.0.1:{d.port}"), 200)
    t.equal("a page of another port", status(Origin=f"http://127.0.0.1:{d.port + 1}"), 403)
    t.check("no CORS unless configured", not [k for k in d.get(path).headers if k.lower().startswith("access-control")])


def test_cors(t):
    d = api.Daemon(fixture=True, env={"FLOWFILE_SCHEDULER_CORS_ORIGINS": "http://localhost:*, https://flows.example"}).start()
    try:
        for origin, status in (("http://localhost:5173", 200), ("https://flows.example", 200), ("http://localhost.evil.example", 403),
                               ("https://flows.example.evil", 403), ("http://flows.example", 403)):
            got = d.get("/catalog/schedules", headers={"Origin": origin})
            t.equal(f"origin {origin}", got.status, status)
            t.equal(f"origin {origin} is told so", got.headers["Access-Control-Allow-Origin"], origin if status == 200 else None)
        ask = {"Origin": "http://localhost:1", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-a"}
        got = d.request("OPTIONS", "/catalog/schedules/1", headers=ask, token=False)
        t.expect("a preflight needs no token", got, 200, b"OK")
        t.equal("it names the headers", got.headers["Access-Control-Allow-Headers"], "x-a")
    finally:
        d.stop()


def over_unix(path, request):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(api.WAIT_S)
        s.connect(path)
        s.sendall(request)
        got = b""
        while True:
            more = s.recv(65536)
            if not more:
                return got
            got += more


def test_unix_socket(t):
    d = api.Daemon(fixture=True)
    path = str(d.folder / "api.sock")
    d.env["FLOWFILE_SCHEDULER_HTTP_SOCKET"] = path
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(path)
    stale.close()
    try:
        d.start()
        t.equal("the socket is this user's alone", stat.S_IMODE(os.stat(path).st_mode), 0o600)
        got = over_unix(path, b"GET /catalog/schedules HTTP/1.1\r\nConnection: close\r\n\r\n")
        t.check("needs no token, and a stale one is replaced", got.startswith(b"HTTP/1.1 200 "), got)
        d.end()
        t.check("it goes with the daemon", not os.path.exists(path))
    finally:
        d.stop()


def test_none(t):
    d = api.Daemon(fixture=True, env={"FLOWFILE_SCHEDULER_HTTP_AUTH": "none"}).start()
    try:
        t.expect("none: everybody on this machine", d.get("/catalog/schedules", token=False), 200)
        t.check("and there is no token", d.token is None)
    finally:
        d.stop()
    for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0", "127.0.0.1:0,0.0.0.0:0"):
        d = api.Daemon(fixture=True, env={"FLOWFILE_SCHEDULER_HTTP_AUTH": "none", "FLOWFILE_SCHEDULER_HTTP_LISTEN": address})
        try:
            status = subprocess.run([str(api.BUILD / "flowfile_scheduler")], env=d.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE, text=True, timeout=api.WAIT_S)
            t.check(f"none is refused at {address}", status.returncode != 0 and "loopback" in status.stderr, status.stderr)
        finally:
            d.stop()


# --- Flowfile's credentials

PEOPLE = """
INSERT INTO users (id, username, email, disabled, is_admin) VALUES
	(101, 'ada.test', 'a@test', FALSE, TRUE), (102, 'bob.test', 'b@test', FALSE, FALSE), (103, 'eve.test', 'e@test', TRUE, FALSE), (104, 'cyd.test', 'c@test', FALSE, FALSE);
INSERT INTO catalog_namespaces (id, name, parent_id, level, owner_id, is_public) VALUES
	(201, 'Bobs', NULL, 0, 102, FALSE), (202, 'marts', 201, 1, 102, FALSE), (203, 'Open', NULL, 0, 101, TRUE), (204, 'Closed', NULL, 0, 101, FALSE);
INSERT INTO flow_registrations (id, name, flow_path, namespace_id, owner_id, flow_uuid) VALUES
	(301, 'bobs', '/f/b', 202, 102, 'u301'), (302, 'adas', '/f/a', 204, 101, 'u302'), (303, 'shared', '/f/s', 204, 101, 'u303');
INSERT INTO catalog_tables (id, name, namespace_id, owner_id) VALUES (401, 'tb', 202, 102), (402, 'ta', 204, 101);
INSERT INTO flow_schedules (id, registration_id, owner_id, enabled, schedule_type, interval_seconds) VALUES
	(501, 301, 102, FALSE, 'interval', 3600), (502, 302, 101, FALSE, 'interval', 3600), (503, 303, 101, FALSE, 'interval', 3600);
INSERT INTO flow_runs (id, registration_id, flow_name, user_id, started_at, ended_at, success, nodes_completed, number_of_nodes, run_type, flow_uuid)
VALUES (601, 301, 'bobs', 102, '2026-01-01 00:00:00', '2026-01-01 00:00:01', TRUE, 0, 0, 'manual', 'u301'),
	(602, 302, 'adas', 101, '2026-01-02 00:00:00', '2026-01-02 00:00:01', TRUE, 0, 0, 'manual', 'u302'),
	(603, 303, 'shared', 101, '2026-01-03 00:00:00', '2026-01-03 00:00:01', TRUE, 0, 0, 'manual', 'u303'),
	(604, 302, 'adas', 102, '2026-01-04 00:00:00', '2026-01-04 00:00:01', TRUE, 0, 0, 'manual', 'u302');
INSERT INTO kernels (id, name, user_id, image_flavour) VALUES ('kb', 'k', 102, ''), ('ke', 'k', 103, '');
INSERT INTO user_groups (id, name, created_by) VALUES (701, 'team', 101);
INSERT INTO user_group_memberships (group_id, user_id, role) VALUES (701, 104, 'member');
"""


def ids(answer):
    got = answer.json
    return sorted(x["id"] for x in (got["items"] if isinstance(got, dict) else got)) if answer.status == 200 else answer


def has(d, path):
    return d.get(path, token=user("ada.test")).status != 404


def test_flowfile(t):
    d = api.Daemon(fixture=True, env={"FLOWFILE_SCHEDULER_HTTP_AUTH": "flowfile", "FLOWFILE_MODE": "docker", "JWT_SECRET_KEY": SECRET,
                                      "FLOWFILE_INTERNAL_TOKEN": INTERNAL})
    for statement in PEOPLE.strip().split(";\n"):
        d.sql(statement)
    d.start()
    try:
        test_jwt(t, d)
        test_internal(t, d)
        test_access(t, d)
        t.check("no secret is in the log", not any(s in d.said() for s in (SECRET, INTERNAL, d.token)))
        shown = subprocess.run([str(api.BUILD / "flowfile_scheduler"), "--print-config"], env=d.env, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
        t.check("nor is one in --print-config", "http_auth" in shown.stdout and
                not any(s in shown.stdout for s in (SECRET, INTERNAL, d.token)), shown.stdout)
    finally:
        d.stop()


# Flowfile's store on a desktop, {"jwt_secret": SECRET, "internal_token": INTERNAL, ...}, and one with OTHER_SECRET alone.
STORE_KEY = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="
STORE = ("gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODz3BqeWORjR1MBLMG2MQV5NcILcOIj630IqQiisdcmy4BjR8-Z5-UKi4YS1EjP6goURCV8MpCVsT3c-mza6y"
         "PITh5a2HZ8yZaVq3Uz3YmvylZKPKMcp7cp0IAZ61lwfrmyejeXGF6h48z_VnOoqrOnzHGhEksKH4MJ6mopseteq4hJfHPQH5hOltiatr1vtrDWW4CtDC"
         "ol7JywyjoKHwGzA=")
OTHER_STORE = ("gAAAAAAdwJ6wEBESExQVFhcYGRobHB0eHxVo-IlJJJETA4hQndX4cm6XQ0kq_bG-MXHouApdz2M0fevA4xZDrwC0GtMVX3kfEi8EwVMAVZfxGyzW"
               "Qd3bYEQ_B0PFTChqkx6wibYGB51yUPsECvnFRbeOzCMKFNUPYA==")
OTHER_SECRET = "another secret, which is as long as it"


def test_desktop(t):
    """The secrets come from Flowfile's store, which it may make and change after the start."""
    path, mine = "/catalog/schedules", {"X-Internal-Token": INTERNAL}
    claims = {"sub": "local_user", "exp": int(time.time()) + 600, "type": "access"}
    d = api.Daemon(fixture=True, env={"FLOWFILE_SCHEDULER_HTTP_AUTH": "flowfile"})
    folder = d.folder / "home" / ".config" / "flowfile"
    folder.mkdir(parents=True)
    store, key = folder / "flowfile.json.enc", folder / ".secret_key"

    def bearer(secret=SECRET, **more):
        return d.get(path, token=jwt({**claims, **more}, secret))

    d.start()
    try:
        t.check("a missing store is said", f"{store}: No such file" in d.said(), d.said())
        t.fails("no store", bearer(), 401, WRONG)
        t.expect("the daemon's own token", d.get(path), 200)
        store.write_text(STORE)
        t.fails("no key", bearer(), 401, WRONG)
        key.write_text(STORE_KEY)
        t.expect("a store that came later", bearer(), 200)
        t.expect("the internal token of it", d.get(path, token=False, headers=mine), 200)
        t.fails("another secret", bearer(OTHER_SECRET), 401, WRONG)
        t.fails("another user than the desktop's", bearer(sub="ada.test"), 401, WRONG)
        store.write_text(OTHER_STORE)
        t.fails("a secret that was replaced", bearer(), 401, WRONG)
        t.expect("the one that replaced it", bearer(OTHER_SECRET), 200)
        t.fails("an internal token that is there no more", d.get(path, token=False, headers=mine), 401, NOT_FOR_YOU)
        store.write_text(STORE[:-44] + "A" * 43 + "=")
        t.fails("a forged store", bearer(), 401, WRONG)
        t.fails("again", bearer(), 401, WRONG)
        t.equal("is said once", d.said().count("its signature is not by this key"), 1)
        t.check("no secret is in the log", not any(s in d.said() for s in (SECRET, OTHER_SECRET, INTERNAL, STORE_KEY)))
        t.check("nothing is written there", sorted(os.listdir(folder)) == [key.name, store.name] and key.read_text() == STORE_KEY)
    finally:
        d.stop()
    d = api.Daemon(fixture=True, env={"FLOWFILE_SCHEDULER_HTTP_AUTH": "flowfile", "JWT_SECRET_KEY": OTHER_SECRET})
    d.env["FLOWFILE_SECURE_STORAGE_PATH"] = str(d.folder)
    (d.folder / "flowfile.json.enc").write_text(STORE)
    (d.folder / ".secret_key").write_text(STORE_KEY)
    d.start()
    try:
        t.expect("the variable goes before the store", bearer(OTHER_SECRET), 200)
        t.fails("so that its secret is none", bearer(), 401, WRONG)
        t.expect("what no variable has is the store's", d.get(path, token=False, headers=mine), 200)
    finally:
        d.stop()


def test_jwt(t, d):
    path, soon, gone = "/catalog/schedules", int(time.time()) + 600, int(time.time()) - 10
    t.expect("an administrator's token", d.get(path, token=user("ada.test")), 200)
    t.expect("another type passes", d.get(path, token=user("ada.test", type="other")), 200)
    t.expect("no type passes", d.get(path, token=jwt({"sub": "ada.test", "exp": soon})), 200)
    t.expect("the daemon's own token, too", d.get(path), 200)
    for name, token in (
            ("one that has run out", jwt({"sub": "ada.test", "exp": gone})), ("a refresh token", user("ada.test", type="refresh")),
            ("one without a name", jwt({"exp": soon})), ("a name that is no text", jwt({"sub": 5, "exp": soon})),
            ("an unknown name", user("nobody")), ("an empty name", user("")), ("another secret", jwt({"sub": "ada.test", "exp": soon}, "x" * 32)),
            ("no signature", jwt({"sub": "ada.test", "exp": soon}, algorithm="none")),
            ("another algorithm", jwt({"sub": "ada.test", "exp": soon}, algorithm="HS512")),
            ("an end that is no number", jwt({"sub": "ada.test", "exp": "soon"})), ("one that is not valid yet", user("ada.test", nbf=soon)),
            ("rubbish", "a.b.c"), ("dots", "..")):
        got = d.get(path, token=token)
        t.fails(name, got, 401, WRONG)
        t.equal("with the header", got.headers["WWW-Authenticate"], "Bearer")
    t.fails("a disabled user", d.get(path, token=user("eve.test")), 400, "Inactive user")


def test_internal(t, d):
    path, mine = "/catalog/schedules", {"X-Internal-Token": INTERNAL}
    everything = ids(d.get(path))
    t.equal("the service sees everything", ids(d.get(path, token=False, headers=mine)), everything)
    t.equal("a kernel is its owner", ids(d.get(path, token=False, headers={**mine, "X-Kernel-Id": "kb"})), [501])
    for kernel in ("ke", "unknown", ""):
        t.equal(f"a kernel of nobody is the service: {kernel!r}",
                ids(d.get(path, token=False, headers={**mine, "X-Kernel-Id": kernel})), everything)
    check = {"cron_expression": "0 * * * *"}
    t.fails("a route for users refuses it", d.post(path + "/validate-cron", check, token=False, headers=mine), 401, NOT_FOR_YOU)
    t.fails("a wrong one", d.get(path, token=False, headers={"X-Internal-Token": INTERNAL[:-1]}), 401, NOT_FOR_YOU)
    t.fails("an empty one", d.get(path, token=False, headers={"X-Internal-Token": ""}), 401, NOT_FOR_YOU)
    t.expect("a wrong one beside a bearer token", d.get(path, headers={"X-Internal-Token": "x"}, token=user("ada.test")), 200)


def grant(d, kind, number, permission):
    d.sql("DELETE FROM resource_grants")
    d.sql("INSERT INTO resource_grants (resource_type, resource_id, group_id, permission, granted_by) VALUES (?, ?, 701, ?, 101)",
          (kind, number, permission))


def test_access(t, d):
    bob, cyd = user("bob.test"), user("cyd.test")
    path = "/catalog/schedules"
    new = {"registration_id": 303, "schedule_type": "interval", "interval_seconds": 600, "enabled": False}

    t.equal("a list holds what is theirs", ids(d.get(path, token=bob)), [501])
    t.equal("and nothing of nobody's", ids(d.get(path, token=cyd)), [])
    t.expect("one of theirs", d.get(path + "/501", token=bob), 200)
    t.fails("one of another's", d.get(path + "/502", token=bob), 403, "Not authorized to access this schedule")
    t.fails("one that is not there", d.get(path + "/999", token=bob), 404, "Schedule not found")
    t.fails("a list by another's flow", d.get(path + "?registration_id=302", token=bob), 403, "Not authorized to access this flow")
    t.fails("to change another's", d.put(path + "/502", {"name": "x"}, token=bob), 403, "Not authorized to modify this schedule")
    t.fails("to delete another's", d.delete(path + "/502", token=bob), 403, "Not authorized to modify this schedule")
    t.fails("to start another's", d.post(path + "/502/run-now", token=bob), 403, "Not authorized to access this schedule")
    t.fails("to schedule another's flow", d.post(path, new, token=bob), 403, "Not authorized to access this flow")
    watch = {"registration_id": 301, "schedule_type": "table_trigger", "trigger_table_id": 402}
    t.fails("to watch another's table", d.post(path, watch, token=bob), 403, "Not authorized to access this catalog_table")
    many = {"registration_id": 301, "schedule_type": "table_set_trigger", "trigger_table_ids": [401, 402]}
    t.fails("to watch it among others", d.post(path, many, token=bob), 403, "Not authorized to access this catalog_table")
    t.expect("to check an expression", d.post(path + "/validate-cron", {"cron_expression": "0 * * * *"}, token=bob), 200)

    grant(d, "flow", 303, "use")
    t.equal("a shared flow's schedules are seen", ids(d.get(path, token=cyd)), [503])
    t.fails("to use is not to change", d.put(path + "/503", {"name": "x"}, token=cyd), 403, "Not authorized to modify this schedule")
    got = d.post(path, new, token=cyd)
    t.expect("to use is to schedule", got, 201)
    t.equal("the schedule is the user's", got.json["owner_id"], 104)
    t.expect("who may change it", d.put(path + f"/{got.json['id']}", {"name": "x"}, token=cyd), 200)
    t.expect("and delete it", d.delete(path + f"/{got.json['id']}", token=cyd), 204)
    grant(d, "flow", 303, "manage")
    t.expect("to manage is to change", d.put(path + "/503", {"name": "x"}, token=cyd), 200)
    grant(d, "catalog_namespace", 201, "use")
    t.equal("a shared catalog holds its schemas' flows", ids(d.get(path, token=cyd)), [501])
    d.sql("DELETE FROM resource_grants")
    t.equal("a grant that is taken back is gone at once", ids(d.get(path, token=cyd)), [])
    t.expect("an administrator sees another's", d.get(path + "/501", token=user("ada.test")), 200)
    if api.IS_POSTGRES:
        test_lost_sessions(t, d, bob)
    if has(d, "/catalog/runs"):
        test_runs(t, d, bob, cyd)
    if has(d, "/catalog/flows"):
        test_flows(t, d, bob, cyd)
    if has(d, "/catalog/namespaces"):
        test_namespaces(t, d, bob, cyd)
    if has(d, "/catalog/tables"):
        test_tables(t, d, bob, cyd)


def test_lost_sessions(t, d, bob):
    """What a user may see is the session's: a new one must know it before it answers."""
    def answers(lost):
        d.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name LIKE ?", (lost,))
        got = []
        d.wait_for("answers", lambda: got.append(d.get("/catalog/schedules", token=bob)) or got[-1].status == 200)
        return [x for x in got if x.status != 503]

    for lost in ("flowfile%api%", "flowfile%"):
        t.equal(f"what is theirs after sessions are lost: {lost}", [ids(x) for x in answers(lost)], [[501]])


def test_runs(t, d, bob, cyd):
    got = d.get("/catalog/runs", token=bob)
    t.equal("runs of theirs, and of their flows", ids(got), [601, 604])
    t.equal("the total is of these", got.json["total"], 2)
    t.expect("one of theirs", d.get("/catalog/runs/604", token=bob), 200)
    t.fails("one of another's", d.get("/catalog/runs/603", token=bob), 403, "Not authorized to access this run")
    t.fails("another's flow's", d.get("/catalog/runs?registration_id=302", token=bob), 403, "Not authorized to access this flow")
    t.fails("another's log", d.get("/catalog/runs/603/log", token=bob), 403, "Not authorized to access this run")
    t.fails("another's log as it grows", d.get("/catalog/runs/603/log/stream", token=bob), 403, "Not authorized to access this run")
    t.equal("nothing", d.get("/catalog/runs", token=cyd).json["total"], 0)


def test_flows(t, d, bob, cyd):
    t.equal("flows of theirs", ids(d.get("/catalog/flows", token=bob)), [301])
    t.fails("another's", d.get("/catalog/flows/302", token=bob), 403, "Not authorized to access this flow")
    t.fails("to change another's", d.put("/catalog/flows/302", {"name": "x"}, token=bob), 403, "Not authorized to modify this flow")
    t.fails("to delete another's", d.delete("/catalog/flows/302", token=bob), 403, "Not authorized to modify this flow")
    t.fails("to start another's", d.post("/catalog/flows/302/run", token=bob), 403, "Not authorized to access this flow")
    t.fails("to put one into another's namespace", d.post("/catalog/flows", {"name": "n", "flow_path": d.flow("n", ":"), "namespace_id": 204},
            token=bob), 403, "Not authorized to create items in this namespace")
    t.expect("to put one where all may", d.post("/catalog/flows", {"name": "n", "flow_path": d.flow("n", ":"), "namespace_id": 203},
             token=bob), 201)
    grant(d, "flow", 303, "use")
    t.equal("shared ones", ids(d.get("/catalog/flows", token=cyd)), [303])
    t.expect("a shared one", d.get("/catalog/flows/303", token=cyd), 200)
    t.fails("is not theirs to change", d.put("/catalog/flows/303", {"name": "x"}, token=cyd), 403, "Not authorized to modify this flow")
    d.sql("DELETE FROM resource_grants")


def test_namespaces(t, d, bob, cyd):
    def names(token):
        return sorted(x["name"] for x in d.get("/catalog/namespaces", token=token).json)

    t.check("theirs and public ones", {"Bobs", "Open"} <= set(names(bob)) and "Closed" not in names(bob), names(bob))
    t.check("public ones", "Open" in names(cyd) and not {"Bobs", "Closed"} & set(names(cyd)), names(cyd))
    t.fails("to change another's", d.put("/catalog/namespaces/204", {"name": "x"}, token=bob), 403,
            "Not authorized to modify this catalog_namespace")
    t.fails("to put one into another's", d.post("/catalog/namespaces", {"name": "s", "parent_id": 204}, token=bob), 403,
            "Not authorized to create items in this namespace")


def test_tables(t, d, bob, cyd):
    t.equal("tables of theirs", ids(d.get("/catalog/tables", token=bob)), [401])
    t.equal("none", ids(d.get("/catalog/tables", token=cyd)), [])
    t.fails("another's", d.get("/catalog/tables/402", token=bob), 403, "Not authorized to access this catalog_table")
    t.fails("to delete another's", d.delete("/catalog/tables/402", token=bob), 403, "Not authorized to modify this catalog_table")


def main():
    t = api.Test()
    # Only what users may see is a matter of the store.
    alike = () if api.IS_POSTGRES else (test_token, test_cors, test_unix_socket, test_none, test_desktop)
    for test in (*alike, test_flowfile):
        test(t)
    t.finish()


main()
