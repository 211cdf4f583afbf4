"""What a flow costs on the engine, beside the same in hand-written SQL and in Polars (nodejs-polars from npm)."""

import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

BUILD = pathlib.Path(os.environ.get("abs_top_builddir", "."))
DATA = BUILD / "bench-data"
RUNS = 5
AIRPORTS = "flights-airport.csv"

# The same three times: as a flow, as SQL, in Polars.
FLOW = """flowfile_version: 0.16.0
flowfile_id: 1
flowfile_name: flights
flowfile_settings: {{}}
nodes:
- {{id: 1, type: read, outputs: [2], setting_input: {{received_file: {{path: '{source}', file_type: {type}}}}}}}
- {{id: 2, type: filter, input_ids: [1], outputs: [3], setting_input: {{filter_input: {{mode: advanced, advanced_filter: '[delay] > 15'}}}}}}
- id: 3
  type: formula
  input_ids: [2]
  outputs: [5]
  setting_input: {{function: {{field: {{name: hours, data_type: Float64}}, function: '[distance] / 450 + [delay] / 60'}}}}
- {{id: 4, type: read, outputs: [5], setting_input: {{received_file: {{path: '{airports}', file_type: csv}}}}}}
- id: 5
  type: join
  input_ids: [3]
  right_input_id: 4
  outputs: [6]
  setting_input:
    join_input:
      how: inner
      join_mapping: [{{left_col: origin, right_col: origin}}, {{left_col: destination, right_col: destination}}]
- id: 6
  type: group_by
  input_ids: [5]
  outputs: [7]
  setting_input:
    groupby_input:
      agg_cols:
      - {{old_name: origin, agg: groupby, new_name: origin}}
      - {{old_name: delay, agg: count, new_name: flights}}
      - {{old_name: delay, agg: mean, new_name: delay}}
      - {{old_name: hours, agg: sum, new_name: hours}}
      - {{old_name: count, agg: max, new_name: busiest}}
- id: 7
  type: output
  input_ids: [6]
  setting_input: {{output_settings: {{name: '{out}', directory: '{dir}', file_type: parquet, write_mode: overwrite}}}}
"""

SQL = """COPY (SELECT origin, count(delay) AS flights, avg(delay) AS delay, sum(hours) AS hours, max(count) AS busiest
FROM (SELECT *, distance / 450 + delay / 60 AS hours FROM '{source}' WHERE delay > 15)
JOIN '{airports}' USING (origin, destination) GROUP BY origin) TO '{dir}/{out}' (FORMAT parquet)"""

POLARS = """const pl = require('nodejs-polars');
const [source, airports, out] = process.argv.slice(2);
const flights = source.endsWith('.csv') ? pl.scanCSV(source) : pl.scanParquet(source);
const c = pl.col;
flights.filter(c('delay').gt(15))
  .withColumn(c('distance').div(450).add(c('delay').div(60)).alias('hours'))
  .join(pl.scanCSV(airports), {on: ['origin', 'destination'], how: 'inner'})
  .groupBy('origin').agg(c('delay').count().alias('flights'), c('delay').mean().alias('mean_delay'),
    c('hours').sum().alias('hours'), c('count').max().alias('busiest'))
  .collectSync().writeParquet(out);
"""


def environment(**more):
    env = {k: v for k, v in os.environ.items() if not k.startswith("FLOWFILE_") or k == "FLOWFILE_LIBDUCKDB"}
    if (BUILD / "libduckdb.so").exists():
        env.setdefault("FLOWFILE_LIBDUCKDB", str(BUILD / "libduckdb.so"))
    env.update(more)
    return env


def run(*command, **more):
    begin = time.monotonic()
    subprocess.run(list(map(str, command)), check=True, env=environment(**more), stdout=subprocess.DEVNULL, cwd=DATA)
    return (time.monotonic() - begin) * 1000


def spread(values):
    return f"{statistics.median(values):,.0f} ms ({min(values):,.0f} to {max(values):,.0f})"


def side_by_side(*commands):
    """Each in turn, so that what the machine does besides falls on all."""
    took = [[] for _ in commands]
    for _ in range(RUNS + 1):
        for values, command in zip(took, commands):
            values.append(command() if command else 0)
    return [values[1:] for values in took] # the first run reads the files into memory


def engine_sql(*statements):
    return run(BUILD / "tests/bench/bench_sql", *statements)


def npm(*args):
    subprocess.run(["npm", *args], check=True, cwd=DATA, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def fetch():
    """The files that are measured, once."""
    DATA.mkdir(exist_ok=True)
    if not (DATA / "flights-3m.parquet").exists():
        npm("pack", "--silent", "vega-datasets@3.2.1")
        subprocess.run("tar -xzf vega-datasets-*.tgz --strip-components=2 package/data/flights-3m.parquet package/data/" + AIRPORTS,
                       shell=True, check=True, cwd=DATA)
    if not (DATA / "flights-3m.csv").exists():
        engine_sql("COPY (FROM 'flights-3m.parquet') TO 'flights-3m.csv'")
    if not (DATA / "rows-10m.parquet").exists():
        engine_sql("COPY (SELECT (i * 2654435761 % 40 - 10)::BIGINT AS delay, i % 3000 AS distance, 'A' || i % 500 AS origin, 'B' || i % 7 AS"
                   " destination, hash(i) AS noise FROM range(10000000) t(i)) TO 'rows-10m.parquet'",
                   "COPY (SELECT 'A' || i // 7 AS origin, 'B' || i % 7 AS destination, i AS count FROM range(3500) t(i)) TO 'places.csv'")


def polars():
    """Whether it can be had."""
    (DATA / "polars.js").write_text(POLARS)
    try:
        if not (DATA / "node_modules/nodejs-polars").exists():
            npm("install", "--silent", "nodejs-polars@0.26.1", "nodejs-polars-linux-x64-gnu@0.26.1")
        subprocess.run(["node", "-e", "require('nodejs-polars')"], check=True, cwd=DATA, stderr=subprocess.DEVNULL)
        return True
    except (OSError, subprocess.CalledProcessError):
        print("  nodejs-polars cannot be had here: no peer beside")
        return False


def measure_flow(say, source, airports, peer):
    names = {"source": DATA / source, "airports": DATA / airports, "dir": DATA}
    path = DATA / "flights.yaml"
    path.write_text(FLOW.format(type=source.rsplit(".", 1)[1], out="flow.parquet", **names))
    sql = SQL.format(out="sql.parquet", **names)
    ours, hand, theirs = side_by_side(
        lambda: run(BUILD / "flowfile", "run", "flow", path), lambda: engine_sql(sql),
        (lambda: run("node", "polars.js", DATA / source, DATA / airports, DATA / "polars.parquet")) if peer else None)
    floor = statistics.median(hand)
    beside = f"; Polars {spread(theirs)}, {statistics.median(theirs) / floor:.2f} times" if peer else ""
    say(f"read, filter, formula, join, group by, write: {source}", f"{spread(ours)}, {statistics.median(ours) / floor:.2f} times the"
        " hand-written SQL" + beside, "1.15 times, ahead of Polars", f"SQL {spread(hand)}")


def measure_empty(say):
    path = DATA / "empty.yaml"
    path.write_text("flowfile_version: 0.16.0\nflowfile_id: 1\nflowfile_name: empty\nflowfile_settings: {}\nnodes:\n- {id: 1, type: manual_input, "
                    "setting_input: {raw_data_format: {columns: [{name: a, data_type: Int64}], data: [[1]]}}}\n")
    ours, floor = side_by_side(lambda: run(BUILD / "flowfile", "run", "flow", path), lambda: engine_sql("SELECT 1"))
    say("a flow that does nothing, start to exit", spread(ours), "80 ms", f"engine loaded, SELECT 1: {spread(floor)}")


def ten_outputs(n):
    text = "flowfile_version: 0.16.0\nflowfile_id: 1\nflowfile_name: outputs\nflowfile_settings: {}\nnodes:\n" + "".join(
        f"- {{id: {3 * i + 1}, type: read, outputs: [{3 * i + 2}], setting_input: {{received_file: {{path: '{DATA}/flights-3m.parquet', file_type: parquet}}}}}}\n"
        f"- {{id: {3 * i + 2}, type: filter, input_ids: [{3 * i + 1}], outputs: [{3 * i + 3}], setting_input: {{filter_input: {{mode: advanced, advanced_filter: '[delay] > {i}'}}}}}}\n"
        f"- {{id: {3 * i + 3}, type: catalog_writer, input_ids: [{3 * i + 2}], setting_input: {{catalog_write_settings: {{table_name: v{i}, write_mode: virtual}}}}}}\n"
        for i in range(n))
    path = DATA / f"outputs{n}.yaml"
    path.write_text(text)
    return path


def measure_outputs(say):
    dirs = []
    for n in (10, 1):
        dirs.append(tempfile.mkdtemp(prefix="ffbench-"))
        env = {"FLOWFILE_STORAGE_DIR": dirs[-1]}
        for args in (["init"], ["flows", "register", ten_outputs(n), "--name", "maker"], ["tables", "register", "v0", "--made-by", "maker"]):
            run(BUILD / "flowfile", *args, **env)
    query = "SELECT origin, count(*) FROM v0 GROUP BY origin"
    ten, one = side_by_side(*[lambda d=d: run(BUILD / "flowfile", "sql", query, FLOWFILE_STORAGE_DIR=d) for d in dirs])
    say("reading one of ten outputs of a flow, a virtual table", f"{spread(ten)}, {statistics.median(ten) / statistics.median(one):.2f} times a flow"
        " that has only that one", "1.2 times", f"the one: {spread(one)}")
    for d in dirs:
        shutil.rmtree(d, ignore_errors=True)


def measure_memory(say):
    limit = 256
    path = DATA / "sort.yaml"
    path.write_text(f"""flowfile_version: 0.16.0
flowfile_id: 1
flowfile_name: sort
flowfile_settings: {{}}
nodes:
- {{id: 1, type: read, outputs: [2], setting_input: {{received_file: {{path: '{DATA}/wide-10m.parquet', file_type: parquet}}}}}}
- {{id: 2, type: sort, input_ids: [1], outputs: [3], setting_input: {{sort_input: [{{column: a, how: asc}}]}}}}
- {{id: 3, type: output, input_ids: [2], setting_input: {{output_settings: {{name: sorted.parquet, directory: '{DATA}', file_type: parquet, write_mode: overwrite}}}}}}
""")
    if not (DATA / "wide-10m.parquet").exists():
        engine_sql("COPY (SELECT hash(i) AS a, hash(i + 1) AS b, md5(i::VARCHAR) AS c, md5((i + 1)::VARCHAR) AS d, md5((i * 7)::VARCHAR) AS e,"
                   " md5((i * 11)::VARCHAR) AS f FROM range(10000000) t(i)) TO 'wide-10m.parquet'")
    pid = os.posix_spawn(BUILD / "flowfile", ["flowfile", "run", "flow", str(path)],
                         environment(FLOWFILE_SCHEDULER_ENGINE_MEMORY=f"{limit}M", FLOWFILE_SCHEDULER_ENGINE_THREADS="2",
                                     FLOWFILE_SCHEDULER_ENGINE_TEMP_DIR=str(DATA / "spill")))
    _, status, usage = os.wait4(pid, 0)
    size = (DATA / "wide-10m.parquet").stat().st_size / 2**20
    outcome = f"peak {usage.ru_maxrss / 1024:,.0f} MiB resident" if status == 0 else "FAILED"
    say(f"sorting 10 M rows of 144 bytes ({size:,.0f} MiB as parquet) with engine_memory {limit}M", outcome, "bounded",
        "")
    shutil.rmtree(DATA / "spill", ignore_errors=True)
    (DATA / "sorted.parquet").unlink(missing_ok=True)


def bench_flows(say):
    fetch()
    peer = polars()
    measure_empty(say)
    measure_flow(say, "flights-3m.parquet", AIRPORTS, peer)
    measure_flow(say, "flights-3m.csv", AIRPORTS, peer)
    measure_flow(say, "rows-10m.parquet", "places.csv", peer)
    measure_outputs(say)
    measure_memory(say)
