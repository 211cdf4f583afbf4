#!/bin/sh
# What the command line says of tables with the engine at hand: virtual tables that cannot be read, data that is not there, versions.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$top/build}
# shellcheck source=tests/e2e/engine_lib.sh
. "$top/tests/e2e/engine_lib.sh"
# shellcheck source=tests/e2e/cli_lib.sh
. "$top/tests/e2e/cli_lib.sh"

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
      columns: [{name: id, data_type: Int64}, {name: name, data_type: String}]
      data: [[1, 2, null], ["x", null, "z"]]
- id: 2
  type: catalog_writer
  input_ids: [1]
  setting_input:
    catalog_write_settings: {table_name: orders, write_mode: overwrite}
END
ok init
ok flows register "$dir/orders.yaml" --name orders
run 0 run flow "$dir/orders.yaml"
run 0 run flow "$dir/orders.yaml"

# --- virtual tables that cannot be read ----------------------------------------------------------

ok tables register good --query 'SELECT id FROM orders'
broken()
{
	run 0 tables register "$1" --query "$2"
	err "Note: this query cannot be answered as it is: "
	err "$3"
	out 'Registered table'
}
broken loop 'SELECT * FROM loop' 'virtual tables read each other in a loop: loop reads loop'
broken nocol 'SELECT nocol FROM orders' 'nocol'
broken unknown 'SELECT * FROM nosuch' "no table is called 'nosuch'"
broken two 'SELECT 1; SELECT 2' 'only one statement is allowed here'
run 0 tables register made --made-by orders
err 'Note: this table cannot be answered as it is: '
err 'no catalog_writer of it makes the virtual table made'
run 0 doctor
for name in loop nocol unknown two made; do
	out ", $name, cannot be read: "
done
out 'nocol, cannot be read: Binder Error'
not_out ', good, cannot be read'
# Without the engine what can be known without it is said.
FLOWFILE_LIBDUCKDB=$dir/nowhere.so run 0 tables register loop2 --query 'SELECT * FROM loop2'
err 'in a loop: loop2 reads loop2'
for name in loop loop2 unknown two made; do
	ok tables remove "$name"
	not_out 'Its data stays'
done
# A query is mended.
ok tables set nocol --query 'SELECT name FROM orders'
out 'SELECT name FROM orders'
run 0 tables set nocol --query 'SELECT no FROM orders'
err 'Note: this query cannot be answered as it is: '
run 2 tables set nocol --query 'DROP TABLE orders'
run 2 tables set orders --query 'SELECT 1'
err 'is not one that a query makes'
run 2 tables set nocol --query 'SELECT 1' --path "$dir"
run 0 tables remove nocol

# --- the last write of a virtual table -----------------------------------------------------------

query "UPDATE scheduler_tables SET last_write_at = '2031-02-03 04:05:06.000000' WHERE table_id =
	(SELECT id FROM catalog_tables WHERE name = 'good')"
ok tables show good
out 'Last write     2031-02-03 04:05:06 UTC'
ok tables list
out '2031-02-03 04:05:06'

# --- versions ------------------------------------------------------------------------------------

ok tables history orders
[ "$(wc -l <"$dir/out")" = 3 ] || fail 'two versions below their titles'
[ "$(awk 'NR > 1 { print $1 }' "$dir/out" | tr '\n' ' ')" = '1 0 ' ] || fail 'newest first'
ok tables history orders --limit 1 --json
out '{"current_version":1,"history":[{"version":1,"timestamp":"2'
not_out '"version":0'
run 2 tables history good
err 'no Delta table'

# --- data ----------------------------------------------------------------------------------------

echo 'a,b' >"$dir/plain.csv"
run 0 tables register plain --path "$dir/plain.csv"
err "is neither a Delta folder nor a .parquet file"
ok sql 'SELECT 1 AS a'
run 0 tables register away --path "$dir/away.parquet"
err 'there is nothing at'
run 0 doctor
out ", away, has no data: nothing is at $dir/away.parquet"
ns=$(query "SELECT id FROM catalog_namespaces WHERE name = 'General'")
run 0 tables register orders --namespace "$ns"
err "Note: more than one table is called 'orders'; say which: General.orders or General.default.orders"
run 4 tables show orders
err "say which: General.orders or General.default.orders"
ok tables remove General.orders
# What reads it is named when a table goes.
run 0 tables remove orders
err 'Warning: virtual tables that read it cannot be answered now: good ('
out 'Its data stays.'

[ $failed = 0 ] || exit 1
