"""Malformed requests, mutations of valid ones for every route of /openapi.json, from a seed: never a crash, a hang, a 500, or
the path or the query of the request in the body of an answer.

    test_api_malformed.py [SEED [ROUNDS]]
"""

import json
import random
import socket
import sys

import api_client as api

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 4000
MARK = "zq7mark"  # in each path and query that is made up: it must not come back
# Streams go on, and what the engine is to do waits for it.
LEFT_OUT = ("/events", "/log/stream", "/run-now", "/flows/{id}/run", "/scheduler/stop")
MORE = ("0", "-1", "99999999999999999999", "1.0", "1e3", "NaN", "%00", "%zz", "%", "%2e%2e%2f", "..", "", " ", "'", "%27%20OR%201=1--",
        "%F0%9F%92%A9", "%ff", "null", "true", "{id}", "a" * 3000, "<script>")
VALUES = (None, True, False, 0, -1, 1.5, 10 ** 30, "", "x", "1", "\0", "\ud800", "a" * 5000, [], {}, [None], [1, "2", [3]], {"a": {"b": []}})
LINES = (b"Content-Length: 5", b"Content-Length: x", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Host: evil.example",
         b"X: " + b"a" * 40000, b"Origin: null", b"Content-Type: text/plain", b"Content-Type: application/json; charset=x",
         b"Expect: 100-continue", b"Range: bytes=5-1,-", b"Last-Event-ID: zz", b"Connection: upgrade\r\nUpgrade: h2c", b"Cookie: " + b";=" * 500,
         b"Authorization: Bearer a.b.c", b"X-Internal-Token: \xff", b" folded", b"No-Colon", b"Nul: \0", b": empty")
BODIES = (b"{", b"[" * 200, b"{}" * 3, b"\xff\xfe", b"\0", b"null", b"[]", b'"text"', b"1", b"a=b&c=d", b'{"a":' * 40 + b"1" + b"}" * 40,
          b'{"name": 1e999}', b'{"name": "\\u0000"}', b'{"a":1,"a":2}', b" " * 3000)


def routes(daemon):
    described = daemon.get("/openapi.json")
    for path, methods in described.json["paths"].items():
        for method, what in methods.items():
            if not path.endswith(LEFT_OUT):
                yield method.upper(), path, what


def body_of(what, schemas, rng):
    schema = what.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    schema = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    names = list(schema.get("properties", {}))
    return {name: rng.choice(VALUES) for name in names if rng.random() < 0.7}


class Requests:
    def __init__(self, daemon, rng):
        self.rng, self.token, self.port = rng, daemon.token, daemon.port
        self.routes = sorted(routes(daemon), key=lambda r: r[:2])
        self.schemas = daemon.get("/openapi.json").json.get("components", {}).get("schemas", {})

    def target(self, path, what):
        rng = self.rng
        while "{" in path:
            before, _, rest = path.partition("{")
            path = before + rng.choice(MORE + ("1", "2", MARK)).replace("{", "%7B") + rest.partition("}")[2]
        names = [p["name"] for p in what.get("parameters", []) if p["in"] == "query"] + ["x" + MARK]
        query = "&".join(f"{rng.choice(names)}={rng.choice(MORE)}{rng.choice(('', MARK))}" for _ in range(rng.randrange(3)))
        if rng.random() < 0.1:
            path += rng.choice(("/", "/" + MARK, "//", "/../" + MARK))
        if rng.random() < 0.2:
            path = "/api" + path
        return (path + ("?" + query if query else "")).replace(" ", "%20")

    def make(self):
        rng = self.rng
        method, path, what = rng.choice(self.routes)
        if rng.random() < 0.05:
            method = rng.choice(("HEAD", "OPTIONS", "PATCH", "TRACE", "BREW", "get", ""))
        body = json.dumps(body_of(what, self.schemas, rng)).encode() if rng.random() < 0.7 else rng.choice(BODIES)
        if method in ("GET", "HEAD"):
            body = b""
        lines = [f"{method} {self.target(path, what)} HTTP/1.1".encode(), f"Host: 127.0.0.1:{self.port}".encode(), b"Connection: close"]
        if rng.random() < 0.95:
            lines.append(f"Authorization: Bearer {self.token}".encode())
        if body or rng.random() < 0.1:
            lines += [f"Content-Length: {len(body)}".encode(), b"Content-Type: application/json"]
        while rng.random() < 0.15:
            lines.insert(rng.randrange(1, len(lines) + 1), rng.choice(LINES))
        whole = b"\r\n".join(lines) + b"\r\n\r\n" + body
        if rng.random() < 0.1:  # a few bytes of it are others
            whole = bytearray(whole)
            for _ in range(rng.randrange(1, 4)):
                whole[rng.randrange(len(whole))] = rng.randrange(256)
            whole = bytes(whole)
        if rng.random() < 0.03:
            whole = whole[:rng.randrange(len(whole))]
        return whole


def ask(port, data):
    """What comes back until the end."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=api.WAIT_S) as s:
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has heard enough
        try:
            while True:
                more = s.recv(65536)
                if not more:
                    break
                got += more
        except ConnectionResetError:
            pass
    return got


def wrong(request, got):
    """What is wrong with the answer; None."""
    if not got:
        return None  # cut off in the middle, or turned away while it was still talking
    head, _, body = got.partition(b"\r\n\r\n")
    if head == b"HTTP/1.1 100 Continue":
        head, _, body = body.partition(b"\r\n\r\n")
        if not head:
            return None
    if not head.startswith(b"HTTP/1.1 "):
        return "no answer"
    status = int(head[9:12])
    if status >= 500 and status != 503:
        return f"status {status}"
    # Flowfile's 422 shows the value that it complains of: that is its form.
    if MARK.encode() in body and status != 422 and MARK.encode() in request.partition(b"\r\n")[0] and b'"' + MARK.encode() not in request:
        return "the path or the query comes back"
    if b"<script" in body:
        return "markup comes back" if b"application/json" not in head else None
    return None


def main():
    t = api.Test()
    rng = random.Random(SEED)
    d = api.Daemon(fixture=True).start()
    try:
        requests = Requests(d, rng)
        t.check("there are routes", len(requests.routes) > 10, len(requests.routes))
        bad = 0
        for i in range(ROUNDS):
            data = requests.make()
            why = wrong(data, ask(d.port, data))
            if not d.alive():
                why = "the daemon has ended"
            if why:
                bad += 1
                print(f"FAIL: request {i} of seed {SEED}: {why}\n  {data[:1500]!r}\n  {ask(d.port, data)[:800]!r}" if d.alive() else
                      f"FAIL: request {i} of seed {SEED}: {why}\n  {data[:1500]!r}\n{d.said()[-4000:]}")
                if bad > 9 or not d.alive():
                    break
        t.check(f"{ROUNDS} requests", bad == 0)
        t.check("it still serves", d.alive() and d.get("/healthz").status == 200)
        t.equal("and ends as it should", d.end(), 0)
        said = d.said()
        t.check("no sanitizer has complained", "Sanitizer" not in said and "runtime error" not in said, said[-4000:])
        t.check("no request has failed of itself", "A request failed" not in said,
                "\n".join(line for line in said.splitlines() if "A request failed" in line)[:2000])
    finally:
        d.stop()
    t.finish()


main()
