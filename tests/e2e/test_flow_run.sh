#!/bin/sh
# Flow files run by the scheduler on the engine: one writes a table by an interval, another reads it when it was written and writes the next.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$top/build}
# shellcheck source=tests/e2e/engine_lib.sh
. "$top/tests/e2e/engine_lib.sh"
# shellcheck source=tests/e2e/cli_lib.sh
. "$top/tests/e2e/cli_lib.sh"

# becomes TEXT SQL: at most thirty seconds later.
becomes()
{
	i=0
	while got=$(query "$2") && [ "$got" != "$1" ]; do
		i=$((i + 1))
		if [ $i -gt 1500 ]; then
			fail "'$got' does not become '$1': $2"
			return
		fi
		sleep 0.02
	done
}

# shellcheck disable=SC2317 # called by until_true
leads()
{
	"$flowfile" scheduler status --json | grep -q '"active":true.*"ours":true'
}

cat >"$dir/orders.yaml" <<'END'
flowfile_version: 0.16.0
flowfile_id: 1
flowfile_name: orders
flowfile_settings: {}
nodes:
- id: 1
  type: manual_input
  outputs: [2]
  setting_input:
    raw_data_format:
      columns: [{name: id, data_type: Int64}, {name: größe, data_type: String}]
      data: [[1, 2, null], ["x", null, "z"]]
- id: 2
  type: catalog_writer
  input_ids: [1]
  setting_input:
    catalog_write_settings: {table_name: orders, write_mode: overwrite}
END
cat >"$dir/copy.yaml" <<'END'
flowfile_version: 0.16.0
flowfile_id: 2
flowfile_name: copy
flowfile_settings: {}
nodes:
- id: 1
  type: catalog_reader
  outputs: [2]
  setting_input: {catalog_full_table_name: General.default.orders}
- id: 2
  type: catalog_writer
  input_ids: [1]
  setting_input:
    catalog_write_settings: {table_name: copied, write_mode: upsert, merge_keys: [id]}
END

run 0 init
run 0 flows register "$dir/orders.yaml" --name orders
run 0 flows register "$dir/copy.yaml" --name copy
run 0 tables register orders
run 0 schedules create copy --on-table orders
run 0 schedules create orders --every 1d

"$flowfile" run flowfile_scheduler 2>"$dir/daemon.log" &
daemon=$!
background=$daemon
until_true leads
becomes 1 "SELECT count(*) FROM flow_runs WHERE flow_name = 'copy' AND success = 1"
is 3 "SELECT row_count FROM catalog_tables WHERE name = 'orders'"
is 3 "SELECT row_count FROM catalog_tables WHERE name = 'copied'"
is orders "SELECT f.name FROM catalog_tables t JOIN flow_registrations f ON f.id = t.source_registration_id
	WHERE t.name = 'orders'"
is copy "SELECT r.flow_name FROM catalog_tables t JOIN flow_runs r ON r.id = t.source_run_id WHERE t.name = 'copied'"
is copy "SELECT f.name FROM catalog_table_read_links l JOIN flow_registrations f ON f.id = l.registration_id
	JOIN catalog_tables t ON t.id = l.table_id WHERE t.name = 'orders'"

# NULL is no key's equal: a second time the row without a key comes in again.
run 0 flows run orders --wait
becomes 2 "SELECT count(*) FROM flow_runs WHERE flow_name = 'copy' AND success = 1"
is 4 "SELECT row_count FROM catalog_tables WHERE name = 'copied'"
ok tables preview copied --version 0 --csv
out 'id,größe'
[ "$(wc -l <"$dir/out")" = 4 ] || fail 'not three rows and their names'
ok tables preview copied --json --limit 1
out '[{"id":'
run 3 tables preview copied --version 9
err 'copied'
ok tables preview copied
out 'größe'

# Queries over the tables.
ok sql 'SELECT id, "größe" FROM copied WHERE "größe" IS NOT NULL ORDER BY 2 DESC; -- all' --csv
[ "$(cat "$dir/out")" = "$(printf 'id,größe\n,z\n,z\n1,x')" ] || fail "sql: $(cat "$dir/out")"
printf 'SELECT count(*) AS n,\n 0.5 AS half FROM General."default".copied' >"$dir/query.sql"
ok sql -f "$dir/query.sql" --json
[ "$(cat "$dir/out")" = '[{"n":4,"half":"0.5"}]' ] || fail "sql -f: $(cat "$dir/out")"
ok sql 'SELECT id FROM copied' --limit 0
out 'No rows.'
echo 'SELECT 7 AS seven' | "$flowfile" sql --file - >"$dir/out" || fail 'sql --file -'
out 7
run 2 sql
err 'a query is needed'
run 2 sql 'SELECT 1' --file "$dir/query.sql"
err 'a query is needed'
run 3 sql --file "$dir/none.sql"
run 2 sql 'DROP TABLE copied'
err 'SELECT'
run 2 sql "SELECT * FROM read_csv('/etc/passwd')"
err 'read_csv'
run 3 sql 'SELECT * FROM copie'
err 'copied'

# --- what is told meanwhile ---

query "SELECT 'id' || max(id) FROM flow_runs WHERE flow_name = 'copy'" >"$dir/last"
run 0 runs logs "$(sed 's/id//' "$dir/last")"
out 'computed from 1 (catalog_reader)'
cat >"$dir/slow.yaml" <<END
flowfile_version: 0.16.0
flowfile_id: 3
flowfile_name: slow
flowfile_settings: {}
nodes:
- id: 1
  type: sql_query
  outputs: [2]
  setting_input:
    sql_query_input: {sql_code: "SELECT sum(a.range * b.range) AS x FROM range(8000) a, range(80000) b"}
- id: 2
  type: output
  input_ids: [1]
  setting_input:
    output_settings: {name: slow.csv, directory: "$dir", file_type: csv, write_mode: overwrite}
END
TERM=xterm script -qec "'$flowfile' run flow '$dir/slow.yaml'" "$dir/terminal" >"$dir/out" 2>&1 </dev/null
out '0 of 2 nodes'
run 0 run flow "$dir/slow.yaml"
not_out 'of 2 nodes'
not_err 'of 2 nodes'

exit $failed
