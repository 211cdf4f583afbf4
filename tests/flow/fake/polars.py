"""Stands in for Polars in tests of Python code in flows: the few calls that the driver and the tests make, on real parquet files, by
the query engine. A frame is a SELECT.

Nothing is known from it of what the real package does.
"""

import ctypes
import os

_lib = ctypes.CDLL(os.environ["FLOWFILE_LIBDUCKDB"])
_lib.duckdb_result_error.restype = ctypes.c_char_p
_database, _connection = ctypes.c_void_p(), ctypes.c_void_p()
assert _lib.duckdb_open(None, ctypes.byref(_database)) == 0
assert _lib.duckdb_connect(_database, ctypes.byref(_connection)) == 0

Int64, String = "BIGINT", "VARCHAR"


class ColumnNotFoundError(Exception):
    pass


def _run(sql):
    result = (ctypes.c_uint64 * 8)()
    if _lib.duckdb_query(_connection, sql.encode(), result) != 0:
        raise ColumnNotFoundError(_lib.duckdb_result_error(result).decode())


def _text(value):
    if isinstance(value, Expr):
        return value.sql
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return "NULL" if value is None else str(value)


class Expr:
    def __init__(self, sql, name=None):
        self.sql, self.name = sql, name

    def _binary(self, operator, other):
        return Expr(f"({self.sql} {operator} {_text(other)})", self.name)

    def __add__(self, other):
        return self._binary("+", other)

    def __mul__(self, other):
        return self._binary("*", other)

    def __gt__(self, other):
        return self._binary(">", other)

    def alias(self, name):
        return Expr(self.sql, name)


class _Frame:
    def __init__(self, data=None, sql=None):
        if sql is None:
            columns = (
                f"unnest([{', '.join(_text(value) for value in values)}]) AS \"{name}\"" for name, values in data.items()
            )
            sql = f"SELECT {', '.join(columns)}"
        self._sql = sql

    def filter(self, condition):
        return type(self)(sql=f"SELECT * FROM ({self._sql}) WHERE {condition.sql}")

    def with_columns(self, *expressions):
        more = ", ".join(f'{expression.sql} AS "{expression.name}"' for expression in expressions)
        return type(self)(sql=f"SELECT *, {more} FROM ({self._sql})")

    def _write(self, path):
        _run(f"COPY ({self._sql}) TO {_text(str(path))} (FORMAT parquet)")


class DataFrame(_Frame):
    write_parquet = _Frame._write

    def lazy(self):
        return LazyFrame(sql=self._sql)


class LazyFrame(_Frame):
    sink_parquet = _Frame._write

    def collect(self):
        return DataFrame(sql=self._sql)


def scan_parquet(paths):
    listed = ", ".join(_text(str(path)) for path in (paths if isinstance(paths, list) else [paths]))
    return LazyFrame(sql=f"SELECT * FROM read_parquet([{listed}])")


def concat(frames):
    return LazyFrame(sql=" UNION ALL ".join(f"({frame._sql})" for frame in frames))


def col(name):
    return Expr(f'"{name}"', name)


def lit(value):
    return Expr(_text(value), "literal")
