#!/bin/sh
# What is wrong with a flow file is said before anything of it runs: by `flows check`, `flows plan` and `run flow`.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$top/build}
# shellcheck source=tests/e2e/engine_lib.sh
. "$top/tests/e2e/engine_lib.sh"
# shellcheck source=tests/e2e/cli_lib.sh
. "$top/tests/e2e/cli_lib.sh"

run 0 init
cd "$dir"
printf 'id,amount\n1,5\n2,7\n' >orders.csv

# --- all that is broken, each node by itself ---

cat >broken.yaml <<'END2'
nodes:
- {id: 1, type: read, setting_input: {received_file: {path: orders.csv, file_type: csv}}}
- {id: 2, type: filter, input_ids: [1]}
- {id: 3, type: group_by, input_ids: [1], setting_input: {groupby_input: {agg_cols: [{old_name: amount, agg: summ}]}}}
- {id: 4, type: sort, input_ids: [1], setting_input: {sort_input: [{column: amuont}]}}
- {id: 5, type: output, input_ids: [2], setting_input: {output_settings: {name: a.csv}}}
- {id: 6, type: output, input_ids: [3], setting_input: {output_settings: {name: b.csv}}}
- {id: 7, type: output, input_ids: [4], setting_input: {output_settings: {name: c.csv}}}
- {id: 8, type: catalog_writer, input_ids: [1], setting_input: {catalog_write_settings: {table_name: t, write_mode: upserts}}}
- {id: 9, type: catalog_reader, setting_input: {catalog_table_name: nowhere}}
- {id: 10, type: output, input_ids: [9], setting_input: {output_settings: {name: d.csv}}}
- {id: 11, type: read, setting_input: {received_file: {path: gone.csv}}}
- {id: 12, type: output, input_ids: [11], setting_input: {output_settings: {name: e.csv}}}
- {id: 13, type: command, setting_input: {}}
- {id: 14, type: command, setting_input: {command: cat, argv: [cat]}}
- {id: 15, type: command, setting_input: {command: cat, input_format: json}}
- {id: 16, type: command, setting_input: {command: cat, memory_limit: lots}}
END2
run 1 flows check broken.yaml
for node in 2 3 4 8 9 11 13 14 15 16; do
	grep -Eq "^ *$node .* broken " "$dir/out" || fail "node $node is not broken"
done
grep -Eq '^ *1 .* lazy ' "$dir/out" || fail 'node 1 is not lazy'
out "'summ' is none of sum, mean"
out 'did you mean amount?'
out "'upserts' is none of"
out "'lots' is no size"
run 1 flows check broken.yaml --json
out '"id":4,"type":"sort","name":null,"mode":"broken","reason":"sort_input[0]: column:'
run 2 flows plan broken.yaml
FLOWFILE_LIBDUCKDB=/nowhere.so run 0 flows check broken.yaml
err 'only the structure of the file was checked'

cat >command.yaml <<'END2'
nodes:
- {id: 1, type: command, setting_input: {command: cat, memory_limit: lots}}
END2
run 2 flows plan command.yaml
err "node 1 (command): memory_limit: 'lots' is no size"

# --- nothing is written when something else cannot be ---

# writers LAST_NODE...: a table that is appended to, and something that cannot be written.
writers()
{
	cat >writers.yaml <<END2
nodes:
- {id: 1, type: read, setting_input: {received_file: {path: orders.csv}}}
- {id: 2, type: catalog_writer, input_ids: [1], setting_input: {catalog_write_settings: {table_name: rows, write_mode: append}}}
- {id: 3, input_ids: [1], $1}
END2
}

writers 'type: flow_output'
run 0 run flow writers.yaml
is 2 "SELECT row_count FROM catalog_tables WHERE name = 'rows'"
for last in 'catalog_write_settings: {table_name: rows, write_mode: error}' \
	'catalog_write_settings: {table_name: other, namespace_full_name: No.where}'; do
	writers "type: catalog_writer, setting_input: {$last}"
	run 1 flows check writers.yaml
	run 1 run flow writers.yaml
	err 'node 3 (catalog_writer)'
done
writers 'type: output, setting_input: {output_settings: {name: x.csv, directory: no/such}}'
run 1 flows check writers.yaml
run 1 run flow writers.yaml
err 'node 3 (output): output_settings: folder no/such'
is 2 "SELECT row_count FROM catalog_tables WHERE name = 'rows'"

# Nor does a first upsert take what the second could not change.
printf 'id,amount\n1,5\n1,7\n' >twice.csv
cat >upsert.yaml <<'END2'
nodes:
- {id: 1, type: read, setting_input: {received_file: {path: twice.csv}}}
- {id: 2, type: catalog_writer, input_ids: [1], setting_input: {catalog_write_settings: {table_name: up, write_mode: upsert, merge_keys: [id]}}}
END2
run 1 run flow upsert.yaml
err 'merge_keys id: 2 rows of the input have id = 1; put a unique node before the writer'
is 0 "SELECT count(*) FROM catalog_tables WHERE name = 'up'"

# --- what looks like a mistake, and what there is not ---

cat >typo.yaml <<'END2'
nodes:
- {id: 1, type: read, setting_input: {received_file: {path: orders.csv}}}
- {id: 2, type: sort, input_ids: [1], setting_input: {sort_inputs: [{column: id}]}}
- {id: 3, type: output, input_ids: [2], setting_input: {output_settings: {name: sorted.csv}}}
END2
run 0 flows check typo.yaml
err 'node 2 (sort): setting_input has no sort_inputs; did you mean sort_input?'
sed 's/type: sort/type: srot/' typo.yaml >type.yaml
run 1 flows check type.yaml
out 'srot'
out 'did you mean sort?'
echo 'nodes: []' >empty.yaml
run 1 flows check empty.yaml
out 'nothing to run'
ok run flow empty.yaml
out 'nothing to write: no node is an output'

# --- parameters ---

cat >params.yaml <<'END2'
flowfile_settings: {parameters: [{name: file, default_value: gone.csv}, {name: low, type: integer, default_value: '1'}]}
nodes:
- {id: 1, type: read, setting_input: {received_file: {path: '${file}'}}}
- {id: 2, type: output, input_ids: [1], setting_input: {output_settings: {name: out.csv}}}
END2
run 1 flows check params.yaml
ok flows check params.yaml --param file=orders.csv
ok flows plan params.yaml --param file=orders.csv
run 2 flows check params.yaml --param flie=orders.csv
err 'the flow has no parameter flie; did you mean file?'
for verb in 'flows check' 'flows plan' 'run flow'; do
	# shellcheck disable=SC2086 # two words
	run 2 $verb params.yaml --param file=orders.csv --param low=x
	err "parameter low: 'x' is no integer"
done
run 2 run flow params.yaml --param flie=orders.csv
[ ! -e out.csv ] || fail 'it ran'
ok run flow params.yaml --param file=orders.csv
[ -e out.csv ] || fail 'it wrote nothing'

for verb in 'flows plan params.yaml' 'flows eval 1' 'run flow params.yaml'; do
	# shellcheck disable=SC2086 # several words
	run 2 $verb --json
	err 'prints no JSON'
done

exit $failed
