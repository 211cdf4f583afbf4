"""What tests of the API with the real engine share: a daemon that finds it, tables with data, users with tokens of their own."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import sys
import time

import api_client as api

AT = "/catalog/tables"
ENGINE = pathlib.Path(os.environ.get("FLOWFILE_LIBDUCKDB") or os.environ.get("FLOWFILE_TEST_LIBDUCKDB") or api.BUILD / "libduckdb.so")


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


# --- users

SECRET = "a secret of 32 characters or more"


def bearer(name):
    def b64(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    claims = {"sub": name, "exp": int(time.time()) + 600, "type": "access"}
    text = b64(b'{"alg":"HS256","typ":"JWT"}') + b"." + b64(json.dumps(claims).encode())
    return (text + b"." + b64(hmac.new(SECRET.encode(), text, hashlib.sha256).digest())).decode()
