#!/bin/sh
# Flows that run others, from the command line and by the scheduler.

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

exit "$failed"
