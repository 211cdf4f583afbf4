"""Runs the Python code of one node of a flow, on files of what it reads.

driver.py REQUEST: a file of JSON. The code sees what Flowfile shows it: `input_df` (or `input_df_1`, ...) and `output_df` of a
polars_code node, `flowfile_ctx` of a python_script node. What goes wrong in it is said in the file `failure`, with the line.
"""

import ast
import base64
import datetime
import io
import json
import linecache
import sys
import textwrap
import time
import traceback

import polars as pl


class Failure(Exception):
    """Wrong with the code, but nowhere in it."""


# --- results ---


def write_frame(frame, path):
    if isinstance(frame, pl.LazyFrame):
        frame.sink_parquet(path)
    elif isinstance(frame, pl.DataFrame):
        frame.write_parquet(path)
    else:
        raise Failure(f"a frame of Polars is wanted, not {type(frame).__name__}")


# --- python_script ---


class Context:
    """What a kernel of Flowfile has as flowfile_ctx, as far as it can be had outside one."""

    def __init__(self, request):
        self._outputs = request["outputs"]
        self._published = False
        self._unknown = []
        self._inputs = {}
        for item in request["inputs"]:
            self._inputs.setdefault(item["name"], []).append(item["path"])
        if self._inputs and "main" not in self._inputs:
            self._inputs["main"] = [item["path"] for item in request["inputs"]]

    def __getattr__(self, name):
        raise AttributeError(f"flowfile_ctx.{name} is there in a kernel of Flowfile only")

    def _paths(self, name):
        if name not in self._inputs:
            raise KeyError(f"there is no input '{name}'; there are {sorted(self._inputs)}")
        return self._inputs[name]

    def read_input(self, name="main"):
        paths = self._paths(name)
        return pl.scan_parquet(paths if len(paths) > 1 else paths[0])

    def read_first(self, name="main"):
        return pl.scan_parquet(self._paths(name)[0])

    def read_inputs(self):
        return {name: [pl.scan_parquet(path) for path in paths] for name, paths in self._inputs.items()}

    def publish_output(self, df, name="main"):
        if name in self._outputs:
            write_frame(df, self._outputs[name])
            self._published = True
        else:
            self._unknown.append(name)
            self.log(f"publish_output: '{name}' is none of the node's outputs ({', '.join(self._outputs)})", "WARNING")

    def log(self, message, level="INFO"):
        print(f"{level}: {message}")

    def log_info(self, message):
        self.log(message, "INFO")

    def log_warning(self, message):
        self.log(message, "WARNING")

    def log_error(self, message):
        self.log(message, "ERROR")

    def display(self, obj, title="", max_rows=0):
        print(f"{title}:\n{obj}" if title else obj)

    explore = display

    def is_dry_run(self):
        return False


def run_script(request, code, name):
    context = Context(request)
    module = {"__name__": "__main__", "flowfile_ctx": context, "flowfile": context}
    exec(compile(code, name, "exec"), module)
    if context._unknown and not context._published:
        raise Failure(
            f"it published {context._unknown}, and the node's outputs are {list(request['outputs'])}: "
            "name them in publish_output(df, name=...)"
        )


# --- polars_code ---

TYPES = (
    "Int8 Int16 Int32 Int64 Int128 UInt8 UInt16 UInt32 UInt64 UInt128 Float16 Float32 Float64 Boolean String Utf8 Binary "
    "Null List Array Struct Object Date Time Datetime Duration Categorical Decimal Enum Unknown"
).split()


def names_for_code():
    names = {
        "pl": pl,
        "cs": getattr(pl, "selectors", None),
        "time": time,
        "BytesIO": io.BytesIO,
        "base64": base64,
        "datetime": datetime,
    }
    names.update((name, getattr(pl, name)) for name in (*TYPES, "col", "lit", "expr") if hasattr(pl, name))
    return names


def sets_output(tree):
    return any(
        isinstance(node, ast.Name) and node.id == "output_df" and isinstance(node.ctx, ast.Store) for node in ast.walk(tree)
    )


def as_function(tree, parameters):
    """The code is the body of a function, so that `return` may stand in it. An expression at its end is the result of code that
    sets no output_df."""
    body = tree.body
    if not sets_output(tree):
        if body and isinstance(body[-1], ast.Expr):
            body[-1] = ast.copy_location(ast.Return(body[-1].value), body[-1])
        elif not any(isinstance(node, ast.Return) for node in ast.walk(tree)):
            raise Failure("it sets no output_df, and its last line is no expression")
    else:
        body.append(ast.parse("return output_df").body[0])
    module = ast.parse(f"def transform({', '.join(parameters)}): pass")
    module.body[0].body = body
    return ast.fix_missing_locations(module)


def run_transform(request, code, name):
    frames = [pl.scan_parquet(item["path"]) for item in request["inputs"]]
    if len(frames) == 1:
        parameters = ["input_df"]
    else:
        parameters = [f"input_df_{i + 1}" for i in range(len(frames))]
    names = names_for_code()
    exec(compile(as_function(ast.parse(code, name), parameters), name, "exec"), names)
    write_frame(names["transform"](*frames), request["outputs"]["main"])


# --- all of it ---


def line_of(error, name):
    """The line of the code where it happened, as far inside as the code goes."""
    if isinstance(error, SyntaxError) and error.filename == name:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == name]
    return lines[-1] if lines else None


def say(error, request):
    name, tb = request["name"], error.__traceback__
    if isinstance(error, SyntaxError):
        tb = None  # it is in the reader of the code, and not in the code
    while tb is not None and tb.tb_frame.f_code.co_filename == __file__:
        tb = tb.tb_next
    if not isinstance(error, Failure):
        traceback.print_exception(type(error), error, tb)
    line = line_of(error, name)
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    kind = "" if isinstance(error, Failure) else f"{type(error).__name__}: "
    with open(request["failure"], "w", encoding="utf-8", errors="replace") as file:
        file.write((f"line {line}: " if line else "") + kind + " ".join(text.split()))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    with open(request["code"], encoding="utf-8") as file:
        code = file.read()
    sys.path[0] = ""  # the folder that we run in, and not the driver's
    name = request["name"]
    if request["transform"]:
        code = textwrap.dedent(code)
    linecache.cache[name] = (len(code), None, code.splitlines(True), name)
    try:
        (run_transform if request["transform"] else run_script)(request, code, name)
    except SystemExit as error:
        if error.code not in (None, 0):
            say(error, request)
            return 1
    except BaseException as error:
        say(error, request)
        return 1
    return 0


sys.exit(main())
