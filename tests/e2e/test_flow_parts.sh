#!/bin/sh
# Flows that run others, from the command line and by the scheduler, and tables that keep their history.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$top/build}
# shellcheck source=tests/e2e/engine_lib.sh
. "$top/tests/e2e/engine_lib.sh"
# shellcheck source=tests/e2e/cli_lib.sh
. "$top/tests/e2e/cli_lib.sh"

# rows FILE TEXT: it has exactly these lines.
rows()
{
	[ "$(cat "$1")" = "$2" ] || fail "$1: $(cat "$1")"
}

# shellcheck disable=SC2317 # called by until_true
computed_from()
{
	"$flowfile" tables show "$1" | grep -qF -e "$2"
}

# shellcheck disable=SC2317 # called by until_true
runs()
{
	[ "$(query "SELECT count(*) FROM flow_runs WHERE flow_name = 'watcher' AND success = 1")" = "$1" ]
}

cat >"$dir/source.yaml" <<'END'
nodes:
- id: 1
  type: manual_input
  outputs: [2]
  setting_input:
    raw_data_format: {columns: [{name: n, data_type: Int64}], data: [[1, 5, 9]]}
- id: 2
  type: catalog_writer
  input_ids: [1]
  setting_input: {catalog_write_settings: {table_name: numbers}}
END
cat >"$dir/part.yaml" <<'END'
flowfile_settings: {parameters: [{name: least, default_value: '0', type: integer}]}
nodes:
- {id: 1, type: catalog_reader, outputs: [2], setting_input: {catalog_table_name: numbers}}
- id: 2
  type: filter
  input_ids: [1]
  outputs: [3]
  setting_input: {filter_input: {mode: basic, basic_filter: {field: n, operator: '>', value: '${least}'}}}
- {id: 3, type: flow_output, input_ids: [2], setting_input: {output_name: numbers}}
END
# whole NAME SETTINGS TYPE SETTINGS: a flow that runs the part with these settings, and a last node.
whole()
{
	cat >"$dir/$1.yaml" <<END
nodes:
- id: 1
  type: run_flow
  outputs: [2]
  setting_input: {flow_reference: {$2}, parameter_bindings: {least: 4}}
- {id: 2, type: $3, input_ids: [1], setting_input: {$4}}
END
}

# Without a catalog a flow may run others by their paths.
cat >"$dir/alone.yaml" <<'END'
flowfile_settings: {parameters: [{name: least, type: integer, default_value: '0'}]}
nodes:
- id: 1
  type: manual_input
  outputs: [2]
  setting_input: {raw_data_format: {columns: [{name: n, data_type: Int64}], data: [[7]]}}
- {id: 2, type: flow_output, input_ids: [1], setting_input: {output_name: numbers}}
END
file="output_settings: {name: o.csv, directory: '$dir', file_type: csv}"
whole outer 'flow_path: alone.yaml' output "$file"
ok run flow "$dir/outer.yaml"
rows "$dir/o.csv" 'n
7'

# The plan of one node has nothing to do with what it waits for.
cat >"$dir/waits.yaml" <<'END'
nodes:
- {id: 1, type: sql_query, outputs: [3], setting_input: {sql_query_input: {sql_code: SELECT 7 AS n}}}
- {id: 2, type: command, outputs: [3], setting_input: {command: 'echo ran'}}
- {id: 3, type: wait_for, input_ids: [1], right_input_id: 2, setting_input: {}}
END
ok flows plan "$dir/waits.yaml" --output 3
out 'SELECT 7 AS n'
not_out 'has run a program'

run 0 init
run 0 flows register "$dir/source.yaml" --name source
run 0 flows register "$dir/part.yaml" --name 'The part'
run 0 run flow "$dir/source.yaml"

part=$(query "SELECT id FROM flow_registrations WHERE name = 'The part'")
whole whole "registration_id: $part" output "$file"
run 0 flows check "$dir/whole.yaml"
out 'the flow The part is a part of the plan'
ok flows plan "$dir/whole.yaml"
out 'n>4'
ok run flow "$dir/whole.yaml"
rows "$dir/o.csv" 'n
5
9'
whole broken "registration_id: 99" output "$file"
run 1 flows check "$dir/broken.yaml"
out 'no flow has the id 99'
run 1 run flow "$dir/broken.yaml"
err 'node 1 (run_flow): flow_reference: no flow has the id 99'

# A virtual table over a flow that runs another changes when the other's tables do.
whole virtual "registration_id: $part" catalog_writer \
	'catalog_write_settings: {table_name: large, write_mode: virtual}'
run 0 flows register "$dir/virtual.yaml" --name virtual
run 0 run flow "$dir/virtual.yaml"
ok tables preview large --csv
rows "$dir/out" 'n
5
9'
job watcher <<'END'
echo woken
END
run 0 schedules create watcher --on-table large
start_scheduler
until_true computed_from large 'default.numbers'
run 0 run flow "$dir/source.yaml"
until_true runs 1
end_scheduler TERM

# --- a table that keeps its history ---

# history NAME ROWS: a flow that writes rows of k and v to it.
history()
{
	cat >"$dir/$1.yaml" <<END
nodes:
- id: 1
  type: manual_input
  outputs: [2]
  setting_input:
    raw_data_format: {columns: [{name: k, data_type: Int64}, {name: v, data_type: String}], data: [$2]}
- id: 2
  type: catalog_writer
  input_ids: [1]
  setting_input: {catalog_write_settings: {table_name: kept, write_mode: scd2, merge_keys: [k]}}
END
}
history kept '[1, 2], [a, b]'
run 0 run flow "$dir/kept.yaml"
stamp=$(query "SELECT updated_at FROM catalog_tables WHERE name = 'kept'")
run 0 run flow "$dir/kept.yaml"
out 'nothing is to be written'
is "$stamp" "SELECT updated_at FROM catalog_tables WHERE name = 'kept'"

# Several at once: each begins anew when another was before it.
writers=
for k in 3 4 5 6; do
	history "kept$k" "[1, $k], [a$k, new]"
	"$flowfile" run flow "$dir/kept$k.yaml" >"$dir/kept$k.log" 2>&1 </dev/null &
	writers="$writers $!"
done
background=$writers
for pid in $writers; do
	wait "$pid" || fail "a writer of several: $(cat "$dir"/kept?.log)"
done
background=
ok sql 'SELECT count(*) AS n, count(DISTINCT surrogate_key) AS keys, count(*) FILTER (is_current) AS current,
	count(*) FILTER (k = 1 AND valid_to IS NOT NULL) AS closed FROM kept' --csv
rows "$dir/out" 'n,keys,current,closed
10,10,6,4'

exit "$failed"
