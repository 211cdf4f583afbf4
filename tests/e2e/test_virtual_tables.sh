#!/bin/sh
# Virtual tables of queries and flows, whose watchers are started by writes to what they are computed from.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$top/build}
# shellcheck source=tests/e2e/cli_lib.sh
. "$top/tests/e2e/cli_lib.sh"

# runs N: the watching flow has run so often, and no run is open.
# shellcheck disable=SC2317 # called by until_true
runs()
{
	[ "$(query "SELECT count(*) || ' ' || count(ended_at) FROM flow_runs")" = "$1 $1" ]
}

computed_from()
{
	"$flowfile" tables show "$1" | grep -qF -e "$2"
}

run 0 init
job watcher <<'END'
echo "woken"
END
run 0 tables register orders
run 0 tables register customers
run 0 tables register other

# --- made known ---
run 2 tables register bad --query 'DROP TABLE orders'
err 'Only SELECT queries are allowed'
run 2 tables register bad --query 'SELECT 1' --made-by watcher
err '--query or --made-by'
run 2 tables register bad --query 'SELECT 1' --path "$dir/x"
err 'neither --path nor --flow'
run 3 tables register bad --made-by nobody
run 0 tables register named --query 'SELECT * FROM orders JOIN "default".customers USING (customer)'
run 0 tables register twice --query 'SELECT * FROM named, orders'
run 0 tables show named
out 'virtual'
out 'SELECT * FROM orders'

cat >"$dir/made.yaml" <<'END'
flowfile_version: 0.16.0
flowfile_id: 1
flowfile_name: made
flowfile_settings: {}
nodes:
- {id: 1, type: catalog_reader, outputs: [2], setting_input: {catalog_table_name: twice}}
- id: 2
  type: catalog_writer
  input_ids: [1]
  setting_input:
    catalog_write_settings: {table_name: made, write_mode: virtual}
END
run 0 flows register "$dir/made.yaml" --name maker
run 0 tables register made --made-by maker

# --- watched ---
start_scheduler
run 0 schedules create watcher --on-table made --name on_made
until_true computed_from made 'default.customers'
computed_from made 'default.orders' || fail "made is computed from orders, too"
computed_from made 'default.other' && fail "other has nothing to do with it"

run 0 tables touch other
run 0 tables touch orders
until_true runs 1
run 0 tables touch customers
until_true runs 2
is 2 "SELECT count(*) FROM scheduler_firings"
run 0 schedules explain on_made

# Another definition is a write of those that are made of it. Written while no scheduler runs: made up for.
end_scheduler TERM
run 0 tables touch orders
start_scheduler
until_true runs 3

# A flow that reads something else from now on.
sed 's/twice/other/' "$dir/made.yaml" >"$dir/made.new"
mv "$dir/made.new" "$dir/made.yaml"
run 0 tables set other --description 'looked at again'
end_scheduler TERM
start_scheduler
until_true computed_from made 'default.other'
run 0 tables touch orders
run 0 tables touch other
until_true runs 4
end_scheduler TERM
is 4 "SELECT count(*) FROM flow_runs"

exit "$failed"
