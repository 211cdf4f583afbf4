#!/bin/sh
# Changing and removing what is in the catalog, and finding runs by how they ended.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$top/build}
# shellcheck source=tests/e2e/cli_lib.sh
. "$top/tests/e2e/cli_lib.sh"

ok init
job first </dev/null
job second </dev/null
ok tables register orders --flow first
ok tables register customers
ok tables register lines

# --- schedules -----------------------------------------------------------------------------------

ok schedules create first --every 1h --name hourly
ok schedules create first --cron '0 5 * * *' --tz Europe/Amsterdam
ok schedules create second --on-tables 'orders, customers ' --name both
run 2 schedules create second --on-tables 'orders, '
err 'has an empty name'
run 3 schedules create second --on-tables 'orders, nosuch'
err "no table is called 'nosuch'"
err 'If a flow will write it: '
err 'flowfile tables register nosuch'
run 3 schedules create second --on-table nosuch
err 'If a flow will write it: '
err 'flowfile tables register nosuch'
run 3 schedules delete 99
err "See what there is with \`flowfile schedules list\`."
run 2 flows register
err 'PATH is missing'
run 2 runs show
err 'ID is missing'
run 2 runs logs --json
err '--json: a log is text'
run 2 tables preview orders --csv --json
err '--csv and --json'
ok schedules set hourly --every 2h --description 'now and then'
out 'Fires          every 2h'
out 'Description    now and then'
ok schedules set 2 --cron '0 6 * * *' --name morning
out 'Fires          cron 0 6 * * * Europe/Amsterdam'
ok schedules set morning --tz UTC --json
out '"name":"morning"'
out '"cron_timezone":"UTC"'
run 2 schedules set both --every 1h
err 'fires otherwise (when all of'
ok schedules disable hourly
ok schedules explain hourly
out 'State          It is disabled. Enable it with '
ok schedules enable hourly
run 2 schedules set hourly --cron '0 5 * * *'
err 'fires otherwise (every 2h)'
err 'flowfile schedules create 1 --cron ...'
run 2 schedules set morning --cron '61 * * * *'
run 2 schedules set hourly
err 'what shall be changed?'
err '[--every DURATION] [--cron EXPR]'
run 0 schedules set 2 --cron '0 0 31 2 *'
err 'never fires'
# Twins are told of, and made.
run 0 schedules create first --every 2h --name hourly
err 'Warning: schedule 1 of this flow fires the same way.'
err 'Warning: schedule 1 of this flow has the same name'
run 0 schedules create second --on-tables customers,orders
err 'schedule 3 of this flow fires the same way'
ok schedules create second --on-tables customers,lines
ok schedules create second --every 2h
ok schedules delete 5

# --- tables --------------------------------------------------------------------------------------

before=$(query 'SELECT updated_at FROM catalog_tables WHERE id = 1')
run 0 tables set orders --name orders2 --path "$dir/orders.parquet" --flow second --description 'all of them'
err 'there is nothing at'
out 'General.default.orders2'
out "Path           $dir/orders.parquet"
out 'Produced by    second (2)'
out 'Description    all of them'
is parquet 'SELECT storage_format FROM catalog_tables WHERE id = 1'
is "$before" 'SELECT updated_at FROM catalog_tables WHERE id = 1'
ok schedules show both
out 'default.orders2'
ok tables show orders2
out "$dir/orders.parquet (nothing there)"
echo 'a,b' >"$dir/orders.csv"
run 0 tables set orders2 --path "$dir/orders.csv"
err "is neither a Delta folder nor a .parquet file"
out "$dir/orders.csv (a file of 4 B, no Delta table)"
run 0 tables set orders2 --path "$dir"
out "$dir (a folder, no Delta table)"
run 4 tables set orders2 --name customers
err 'already exists in this namespace'
err 'It is table 2.'
run 2 tables set orders2 --name ''
run 2 tables set orders2
err 'what shall be changed?'
run 3 tables set orders2 --flow nobody
ok tables touch orders2
grep -q '^Table 1, General.default.orders2, was written at 2[0-9-]* [0-9:]* UTC\.$' "$dir/out" || fail 'touch'
ok tables remove orders2
out 'Removed table 1, General.default.orders2. Its data stays.'
out '1 schedule that watched it is disabled.'
run 3 tables show orders2
# What waits for it says so, by its old name.
ok schedules list
out 'when all of default.orders2 (#1, removed), default.customers are written'
run 0 schedules enable both
err 'Warning: it cannot fire: default.orders2 (#1) is not in the catalog any more.'
out 'Schedule 3 is enabled.'
run 1 doctor
out "warn  schedule: 3, both never fires: default.orders2 (#1) is not in the catalog any more; \`flowfile schedules delete 3\`"
ok schedules disable both
# Another table with that id is another one, until it is told to watch that.
ok schedules create second --on-table customers --name one
newest=$(query 'SELECT max(id) FROM flow_schedules')
query "UPDATE scheduler_consumed SET generation = 7 WHERE schedule_id = $newest"
run 1 doctor
out "warn  schedule: $newest never fires: a table that it watches was removed"
ok schedules delete "$newest"
ok tables remove lines --json
out '"name":"lines"'
run 3 tables remove lines

# --- flows ---------------------------------------------------------------------------------------

run 4 flows register "$dir/first" --name first
err 'It is flow 1; choose another name with --name.'
ok flows set first --name primus --description 'the first one'
out 'Name           primus'
out 'Description    the first one'
run 4 flows set primus --name second
err 'It is flow 2'
run 2 flows set primus
run 2 flows set primus --name ''
query "INSERT INTO flow_runs (id, registration_id, flow_uuid, flow_name, flow_path, user_id, started_at,
	nodes_completed, number_of_nodes, run_type) SELECT 1, id, flow_uuid, name, flow_path, 1,
	'2026-05-20 08:00:00', 0, 0, 'manual' FROM flow_registrations WHERE id = 1"
run 4 flows remove primus
err 'run 1 of this flow is active'
err 'flowfile runs cancel 1'
ok flows remove primus --force
is 1 'SELECT count(*) FROM flow_registrations'

# --- runs ----------------------------------------------------------------------------------------

ended="INSERT INTO flow_runs (id, flow_name, flow_path, user_id, started_at, ended_at, success, nodes_completed,
	number_of_nodes, run_type) VALUES"
query "$ended (2, 'won', '/x', 1, '2026-05-20 08:00:00', '2026-05-20 08:00:01', 1, 0, 0, 'manual')" \
	"$ended (3, 'lost', '/x', 1, '2026-05-20 08:00:00', '2026-05-20 08:00:01', 0, 0, 0, 'manual')" \
	"$ended (4, 'stopped', '/x', 1, '2026-05-20 08:00:00', '2026-05-20 08:00:01', 0, 0, 0, 'manual')" \
	"$ended (5, 'aged', '/x', 1, '2026-05-20 08:00:00', '2026-05-20 08:00:01', 0, 0, 0, 'manual')" \
	"$ended (6, 'vague', '/x', 1, '2026-05-20 08:00:00', '2026-05-20 08:00:01', NULL, 0, 0, 'manual')" \
	"INSERT INTO scheduler_runs (run_id, state, cancel_at, cancel_by) VALUES
	(4, 'ended', CURRENT_TIMESTAMP, NULL), (5, 'ended', CURRENT_TIMESTAMP, 'run_max_age')"
names()
{
	ok runs list --status "$1" --json
	grep -o '"flow_name":"[a-z]*"' "$dir/out" | cut -d '"' -f 4 | sort | tr '\n' ' '
}
[ "$(names success)" = 'won ' ] || fail 'success'
[ "$(names failed)" = 'aged lost ' ] || fail 'failed'
[ "$(names cancelled)" = 'stopped ' ] || fail 'cancelled'
[ "$(names unknown)" = 'vague ' ] || fail 'unknown'
[ "$(names running)" = 'primus ' ] || fail 'running'
run 2 runs list --status bad
err "'bad' is none of running"
ok runs list --offset 100
out 'No more runs; there are 6.'
run 2 runs list --odd
err '[--status S]'
[ "$(wc -L <"$dir/err")" -le 80 ] || fail 'a usage line that is too wide'

[ $failed = 0 ] || exit 1
