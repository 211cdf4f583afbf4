#!/bin/sh
# The command line, as a user meets it: what it does, what it says when it cannot, and its exit status.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$top/build}
# shellcheck source=tests/e2e/cli_lib.sh
. "$top/tests/e2e/cli_lib.sh"
n=0

# run STATUS COMMAND...: the command ends with this status.
run()
{
	wanted=$1
	shift
	n=$((n + 1))
	status=0
	"$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
	if [ "$status" != "$wanted" ]; then
		fail "exit $status, not $wanted: $*"
	fi
}

# ok ARGUMENT...: flowfile with these succeeds and says nothing on stderr.
ok()
{
	run 0 "$flowfile" "$@"
	[ ! -s "$dir/err" ] || fail "stderr: flowfile $*"
}

# no STATUS TEXT ARGUMENT...: fails with this status and this text on stderr, and prints nothing.
no()
{
	wanted=$1 text=$2
	shift 2
	run "$wanted" "$flowfile" "$@"
	grep -qF -e "$text" "$dir/err" || fail "no '$text' on stderr: flowfile $*"
	[ ! -s "$dir/out" ] || fail "stdout: flowfile $*"
}

# --- usage ---------------------------------------------------------------------------------------

ok
out 'Usage: flowfile COMMAND'
out 'schedules  What makes flows run'
ok --help
for version in version --version 'flows list --version'; do
	# shellcheck disable=SC2086 # several words
	ok $version
	out 'flowfile 0.'
done
ok help
out 'Usage: flowfile COMMAND'
ok help cron
out 'Usage: flowfile cron'
ok help --help
ok version --json
out '{"version":"0.'
no 2 "did you mean 'flows'?" flow list
no 2 "did you mean 'flows list'?" flows lst
no 2 "unknown command 'zzzzzz'" zzzzzz
no 2 'flows: which command?' flows
no 2 "did you mean --namespace?" flows list --namspace x
no 2 'unknown option -x' flows list -x
no 2 '--name needs a value' flows register x --name
no 2 '--json takes no value' flows list --json=1
no 2 '--tz is given twice' cron next '* * * * *' --tz UTC --tz UTC
no 2 "unexpected argument 'b'" flows show a b
no 2 'Usage: flowfile flows show FLOW' flows show
for noun in run flows tables sql schedules runs scheduler cron init doctor version; do
	ok $noun --help
	out 'Usage: flowfile '
done
ok schedules create --help
out '--on-tables A,B'
# Every help fits a terminal of 80 columns.
run 0 "$build/flowfile_scheduler" --help
[ "$(grep -v '/flowfile/scheduler.ini' "$dir/out" | wc -L)" -le 80 ] ||
	fail 'too wide: flowfile_scheduler --help'
fits()
{
	ok "$@" --help
	[ "$(wc -L <"$dir/out")" -le 80 ] || fail "too wide: flowfile $* --help"
}
fits
for noun in $("$flowfile" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
	fits "$noun"
	for verb in $("$flowfile" "$noun" --help | sed -n 's/^  \([a-z_]*\) .*/\1/p'); do
		[ "$verb" = flowfile_scheduler ] || fits "$noun" "$verb"
	done
done
ok --json flows list --help

# --- cron: no database ---------------------------------------------------------------------------

ok cron next '0 2 * * *' --tz Europe/Amsterdam --after 2026-05-25T10:00:00Z --count 2
[ "$(cat "$dir/out")" = '2026-05-26T00:00:00Z
2026-05-27T00:00:00Z' ] || fail 'cron next'
ok cron next '*/15 * * * *' --tz '' --after '2026-05-25T10:00:00Z' --count 1
out '2026-05-25T10:15:00Z'
ok cron next '0 0 * * *' --after 2026-05-25T10:00:00Z --count 1 --json
out '["2026-05-26T00:00:00Z"]'
no 2 "minute: " cron next '61 * * * *'
no 2 "did you mean 'Europe/Amsterdam'?" cron next '* * * * *' --tz europe/amsterdam
no 2 "unknown time zone 'Mars/Olympus'" cron next '* * * * *' --tz Mars/Olympus
no 2 "'tomorrow' is not a time" cron next '* * * * *' --after tomorrow
no 2 '--count' cron next '* * * * *' --count 0
no 2 "cron expression '@daily'" cron next @daily
run 0 "$flowfile" cron next '0 0 31 2 *'
err never
[ ! -s "$dir/out" ] || fail 'never is no output'
[ ! -e "$dir/base" ] || fail 'something was made without need'

# --- databases that are none ---------------------------------------------------------------------

no 3 'flowfile init' flows list
no 3 'no such file' flows list --database "$dir/nothing.db"
echo 'this is not a database, but a text of some length' >"$dir/text.db"
no 1 'not a database' flows list --database "$dir/text.db"
no 1 'is a folder, not a database' flows list --database "$dir"
no 2 'mysql' flows list --database mysql://host/name
: >"$dir/empty.db"
no 1 'is empty' flows list --database "$dir/empty.db"
"$sql" "$dir/empty.db" 'CREATE TABLE mine (id INTEGER)'
no 1 'no Flowfile catalog' flows list --database "$dir/empty.db"
no 1 '' init --database "$dir/empty.db"
[ "$("$sql" "$dir/empty.db" 'SELECT count(*) FROM sqlite_schema')" = 1 ] ||
	fail 'init changed a database of somebody else'
cp "$dir/empty.db" "$dir/secret.db"
chmod 0 "$dir/secret.db"
if [ "$(id -u)" != 0 ]; then
	no 1 'Permission denied' flows list --database "$dir/secret.db"
elif setpriv --reuid 65534 --clear-groups "$flowfile" version >/dev/null 2>&1; then
	chmod 755 "$dir"
	run 1 setpriv --reuid 65534 --clear-groups "$flowfile" flows list --database "$dir/secret.db"
	err 'Permission denied'
fi
no 3 'no.ini' flows list --config "$dir/no.ini"
printf '[scheduler]\nnonsense = 1\n' >"$dir/bad.ini"
no 2 'bad.ini:2' flows list --config "$dir/bad.ini"

# --- init ----------------------------------------------------------------------------------------

ok init
out 'is a new catalog'
ok init
out 'was prepared already'
ok flows list
out 'No flows.'
ok schedules list
ok runs list
ok scheduler status
out 'none; start one with'

# --- flows ---------------------------------------------------------------------------------------

cat >"$dir/job" <<'END'
#!/bin/sh
echo "run=${FLOWFILE_RUN_ID-} flow=${FLOWFILE_FLOW_ID-} x=${FLOWFILE_PARAM_x-}"
exec_flowfile=$(command -v flowfile || echo none)
echo "flowfile=$exec_flowfile"
echo "cli=$FLOWFILE_CLI path=$PATH"
[ ! -f "$0.sleep" ] || { echo sleeping; exec sleep 60; }
exit "$(cat "$0.status" 2>/dev/null || echo 0)"
END
chmod +x "$dir/job"
echo 'nodes: []' >"$dir/flow.yaml"
echo text >"$dir/notes.txt"

ok flows register "$dir/job" --name job --description 'A job'
out 'Registered flow 1, job.'
cd "$dir"
FLOWFILE_RUN_COMMAND='true {flow_path}' ok flows register ./flow.yaml --name report --json
cd "$top"
out '"name":"report"'
out "\"flow_path\":\"$dir/flow.yaml\",\"namespace_id\":2"
no 4 'already exists in this namespace' flows register "$dir/job" --name job
no 3 'there is no file' flows register "$dir/gone.yaml" --name gone
no 2 'is not a file' flows register "$dir" --name folder
no 2 'chmod +x' flows register "$dir/notes.txt" --name notes
no 3 "there is no file $dir/gone.yaml" flows register "$dir/gone.yaml"
no 2 'a name is needed' flows register "$dir/job" --name ''
no 3 "no namespace is called 'Nope'" flows register "$dir/job" --name x --namespace Nope
is 2 'SELECT count(*) FROM flow_registrations'
ok flows list
out 'job     General.default'
ok flows list --json
out '[{"id":1,"name":"job"'
ok flows list --namespace 'Local Flows' --json
out '[]'
ok flows show job
out 'A job'
ok flows show 2 --json
out '"file_exists":true'
no 3 "did you mean 'report'?" flows show repotr
no 3 'no flow has the id 99' flows show 99
ok flows register "$dir/job" --name job --namespace 'Local Flows'
no 4 "  3  General.Local Flows.job" flows show job
err '  1  General.default.job'
ok flows remove 3
out 'Removed flow 3'
cp "$dir/job" "$dir/.daily.import.sh"
ok flows register "$dir/.daily.import.sh"
out 'Registered flow 3, .daily.import.'
ok flows remove 3
no 3 "no flow has the id 3" flows remove 3

# --- tables --------------------------------------------------------------------------------------

ok tables register orders --flow job --description 'All of them'
run 0 "$flowfile" tables register customers --path "$dir/customers"
err 'nothing at'
ok tables register stock
no 4 'already exists in this namespace' tables register orders
no 2 "must not contain '.'" tables register a.b
no 3 'no flow' tables register x --flow nope
ok tables list
out 'General.default.orders'
is 1 'SELECT count(*) FROM catalog_tables WHERE source_registration_id = 1'
before=$("$sql" "$db" 'SELECT updated_at FROM catalog_tables WHERE id = 1')
ok tables touch orders --rows 10 --size 2048
ok tables touch default.orders
ok tables touch General.default.orders
is 1 "SELECT updated_at > '$before' FROM catalog_tables WHERE id = 1"
is '10 2048 NULL' \
	"SELECT row_count || ' ' || size_bytes || ' ' || coalesce(source_run_id, 'NULL') FROM catalog_tables
	WHERE id = 1"
FLOWFILE_RUN_ID=12 ok tables touch orders
is 12 'SELECT source_run_id FROM catalog_tables WHERE id = 1'
FLOWFILE_RUN_ID=nonsense run 0 "$flowfile" tables touch orders
err 'FLOWFILE_RUN_ID is not a number'
no 3 "did you mean 'orders'?" tables touch order
no 2 "--rows: 'many'" tables touch orders --rows many
no 2 "--limit: 'many'" tables preview orders --limit many
ok tables show orders
out 'General.default.orders'
ok tables show 1 --json
out '"qualified_name":"General.default.orders"'

# --- schedules -----------------------------------------------------------------------------------

no 3 'no flow is called' schedules create nope --every 5m
no 2 'what shall make it run?' schedules create job
no 2 'a schedule has one trigger' schedules create job --every 5m --cron '* * * * *'
no 2 'the least is 60s' schedules create job --every 30
no 2 'is not a duration' schedules create job --every often
no 2 "Invalid cron expression: '61 * * * *'" schedules create job --cron '61 * * * *'
err 'minute: '
no 2 "Invalid timezone: 'Nowhere'" schedules create job --cron '0 2 * * *' --tz Nowhere
no 2 '--tz belongs to --cron' schedules create job --every 5m --tz UTC
no 3 "no table is called 'nope'" schedules create job --on-table nope
no 2 'a set has at least two' schedules create job --on-tables orders
no 2 "'default.orders' is there twice" schedules create job --on-tables orders,default.orders
no 2 'empty name' schedules create job --on-tables orders,,customers
no 3 "no table is called 'nope'" schedules create job --on-tables orders,nope
is 0 'SELECT count(*) FROM flow_schedules'
is 0 'SELECT count(*) FROM schedule_trigger_tables'
ok schedules create job --every 5m --name often
out 'Created schedule 1: job, every 5m, the first time at once.'
ok schedules create job --cron '0 2 * * *' --tz Europe/Amsterdam --disabled
ok schedules create report --on-table orders --json
out '"schedule_type":"table_trigger"'
ok schedules create report --on-tables orders,customers --name both
run 0 "$flowfile" schedules create report --cron '0 0 31 2 *' --disabled
err 'never fires'
is 1 'SELECT count(*) FROM flow_schedules s JOIN catalog_tables t ON t.id = s.trigger_table_id
	WHERE s.last_trigger_table_updated_at = t.updated_at'
ok schedules list
out 'cron 0 2 * * * Europe/Amsterdam'
out 'when all of default.orders, default.customers are written'
ok schedules list --flow report --json
not_out '"registration_id":1'
run 0 "$flowfile" tables register looped --flow report
run 0 "$flowfile" schedules create report --on-table looped --disabled --name loop
err 'each run starts the next one'
ok schedules delete loop
ok schedules show both
out 'Enabled        yes'
ok schedules show 4 --json
out '"trigger_table_names":["orders","customers"]'
no 3 "did you mean 'often'?" schedules show oftn
no 3 'no schedule has the id 77' schedules delete 77
no 3 'is called' schedules enable 12a
ok schedules enable 2
is 1 'SELECT enabled FROM flow_schedules WHERE id = 2'
ok schedules disable 2
ok schedules preview 2 --count 3
[ "$(wc -l <"$dir/out")" = 3 ] || fail 'three times'
[ "$(grep -c ' 0[01]:00:00 UTC = 02:00:00 +0[12]:00 (in ' "$dir/out")" = 3 ] ||
	fail 'in UTC and by the clock of its zone'
ok schedules preview often --json
grep -q '"next_at":\["2[0-9-]*T[0-9:.]*Z",' "$dir/out" || fail 'times in UTC'
ok schedules explain both
out 'It waits for each of'
out 'none is running'
ok tables touch orders
ok schedules explain both
out 'default.orders has been'
ok schedules explain 2
out ':00:00 UTC = 02:00:00 +0'
ok schedules explain 2 --json
out '"state":"disabled"'
# A name that two have is no name for either.
run 0 "$flowfile" schedules create job --every 1h --name often --disabled
err 'has the same name'
twin=$("$sql" "$db" 'SELECT max(id) FROM flow_schedules')
for verb in show enable disable delete preview explain run; do
	no 4 "more than one schedule is called 'often'; say which: one of these ids" schedules $verb often
	err '  1  job.often'
	err "  $twin  job.often"
done
no 4 "  $twin  job.often" runs list --schedule often
is 2 "SELECT count(*) FROM flow_schedules WHERE name = 'often'"
ok schedules delete "$twin"
ok schedules show often
ok schedules delete both
is 0 'SELECT count(*) FROM schedule_trigger_tables'

# --- runs, without a scheduler -------------------------------------------------------------------

no 1 'no scheduler is running' flows run job
no 1 'no scheduler is running' schedules run 1
is 0 'SELECT count(*) FROM scheduler_requests'
ok flows run job --queue
is 'run 1 NULL' "SELECT kind || ' ' || registration_id || ' ' || coalesce(outcome, 'NULL')
	FROM scheduler_requests"
"$sql" "$db" 'DELETE FROM scheduler_requests'
new_run="INSERT INTO flow_runs (id, registration_id, flow_uuid, flow_name, flow_path, user_id, started_at,
	nodes_completed, number_of_nodes, run_type)
	SELECT %d, id, flow_uuid, name, flow_path, 1, '2026-05-20 08:00:00.000000', 0, 0, 'manual'
	FROM flow_registrations WHERE id = 1"
# shellcheck disable=SC2059 # the format is ours
insert_run()
{
	"$sql" "$db" "$(printf "$new_run" "$1")"
}
insert_run 1
ok runs list --active
out 'job   manual'
no 1 'no scheduler is running' runs cancel 1
is NULL 'SELECT ended_at FROM flow_runs WHERE id = 1'
no 2 "'one' is not a run's id" runs cancel one
no 3 'no run has the id 9' runs show 9
no 2 "--type: 'odd'" runs list --type odd
no 2 '--limit' runs list --limit 501
ok runs show 1 --json
out '"ended_at":null,"success":null'

# One that died, as far as its heartbeat and its process tell: the next one carries the request out.
"$sql" "$db" "INSERT INTO scheduler_lock (id, holder_id, started_at, heartbeat_at)
	VALUES (1, 'bbbbbbbbbbbb', '2026-05-20 08:00:00', '2026-05-20 08:00:00')" \
	"INSERT INTO scheduler_instances (holder_id, host, boot_id, pid, pid_start, version, started_at,
	seen_at) VALUES ('bbbbbbbbbbbb', 'elsewhere', '', 1, 1, '0', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)"
no 1 'no scheduler leads: the last one (pid 1 on elsewhere) stopped answering; its last heartbeat was ' flows run job
err 'is kept: the next scheduler carries it out'
is run 'SELECT kind FROM scheduler_requests'
"$sql" "$db" "UPDATE scheduler_lock SET heartbeat_at = CURRENT_TIMESTAMP" \
	"UPDATE scheduler_instances SET host = '$(uname -n)', boot_id = '$(cat /proc/sys/kernel/random/boot_id)'"
no 1 "no scheduler leads: the process of the last one (pid 1 on $(uname -n)) is gone; its" runs cancel 1
is cancel 'SELECT kind FROM scheduler_requests ORDER BY id DESC LIMIT 1'
ok scheduler status
out 'none: the process of the last one'
run 1 "$flowfile" doctor
out 'fail  scheduler: none is running: the process of the last one'
out 'is gone; its last heartbeat was '
"$sql" "$db" 'DELETE FROM scheduler_lock' 'DELETE FROM scheduler_instances' 'DELETE FROM scheduler_requests'

# A lock that a Python scheduler holds: it takes no requests.
"$sql" "$db" "INSERT INTO scheduler_lock (id, holder_id, started_at, heartbeat_at)
	VALUES (1, '0123456789ab', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)"
no 1 'takes no requests' flows run job
ok scheduler status
out "a scheduler of Flowfile's own"
"$sql" "$db" 'DELETE FROM scheduler_lock'

# --- run flow ------------------------------------------------------------------------------------

no 1 'which flow?' run flow
no 1 'there is no flow' run flow "$dir/gone.yaml"
no 1 'is not KEY=VALUE' run flow "$dir/job" --param nonsense
no 2 "--run-id: 'x'" run flow "$dir/job" --run-id x
ok run flow "$dir/job" --param ' x = 1 '
out 'run= flow= x=1'
out "cli=$flowfile path=$PATH:$build"
PATH=/nowhere-else:/usr/bin:/bin ok run flow "$dir/job"
out "flowfile=$flowfile"
ok run flow "$dir/job" --run-id 1
out 'run=1 flow=1'
is 1 'SELECT success FROM flow_runs WHERE id = 1'
is 1 'SELECT duration_seconds > 1000 FROM flow_runs WHERE id = 1'

insert_run 2
echo 3 >"$dir/job.status"
run 1 "$flowfile" run flow "$dir/job" --run-id 2
err 'exited with 3'
is 0 'SELECT success FROM flow_runs WHERE id = 2'

insert_run 3
echo 'nodes: [{id: 1, type: kafka_source}]' >"$dir/kafka.yaml"
no 1 'node 1 (kafka_source): it cannot be run' run flow "$dir/kafka.yaml" --run-id 3
run 1 "$flowfile" flows check "$dir/kafka.yaml"
out 'kafka_source  -     unsupported'
echo 'nodes: [{id: 1, type: read, inputs: [' >"$dir/broken.yaml"
no 2 'not valid YAML: line' flows check "$dir/broken.yaml"
is '0 0' "SELECT success || ' ' || nodes_completed FROM flow_runs WHERE id = 3"
insert_run 4
no 1 'there is no flow' run flow "$dir/gone.yaml" --run-id 4
is 0 'SELECT success FROM flow_runs WHERE id = 4'
insert_run 5
no 1 'is not KEY=VALUE' run flow "$dir/job" --run-id 5 --param x
is NULL 'SELECT ended_at FROM flow_runs WHERE id = 5'

# A run that somebody has closed stays closed.
"$sql" "$db" "UPDATE flow_runs SET ended_at = '2026-05-20 09:00:00', success = 0 WHERE id = 5"
rm "$dir/job.status"
run 0 "$flowfile" run flow "$dir/job" --run-id 5
err 'run 5 is not open'
is '2026-05-20 09:00:00 0' "SELECT ended_at || ' ' || success FROM flow_runs WHERE id = 5"
ok runs cancel 5
out 'Run 5 has ended already: failed, 2026-05-20 09:00:00 UTC ('

# Told to end, it ends as the flow did, by the signal, and leaves the row to whoever started it.
insert_run 6
: >"$dir/job.sleep"
"$flowfile" run flow "$dir/job" --run-id 6 >"$dir/out6" 2>&1 &
pid=$!
background="$background $pid"
until_true grep -q sleeping "$dir/out6"
kill -TERM $pid
status=0
{ wait $pid; } 2>/dev/null || status=$?
background=
[ $status = 143 ] || fail "exit $status, not 143 by SIGTERM"
is NULL 'SELECT ended_at FROM flow_runs WHERE id = 6'

# --- logs ----------------------------------------------------------------------------------------

log=$dir/base/logs/scheduled_run_6.log
mkdir -p "$dir/base/logs"
no 3 'has no log' runs logs 1
printf 'first\n' >"$log"
ok runs logs 6
[ "$(cat "$dir/out")" = first ] || fail 'the log'
"$flowfile" runs logs 6 -f >"$dir/followed" 2>&1 &
pid=$!
background="$background $pid"
until_true grep -q first "$dir/followed"
printf 'second\n' >>"$log"
until_true grep -q second "$dir/followed"
printf 'last\n' >>"$log"
"$sql" "$db" "UPDATE flow_runs SET ended_at = '2026-05-20 09:00:00', success = 1 WHERE id = 6"
wait $pid || fail 'runs logs -f'
background=
[ "$(cat "$dir/followed")" = 'first
second
last' ] || fail 'all of the log'

# A log that lost its middle is printed as it is, with the line that says so.
insert_run 7
"$sql" "$db" "UPDATE flow_runs SET ended_at = started_at WHERE id = 7"
printf 'head\n... 1234 bytes left out here (run_log_max_bytes) ...\ntail\n' \
	>"$dir/base/logs/scheduled_run_7.log"
ok runs logs 7
out head
out '1234 bytes left out'
out tail

# --- output --------------------------------------------------------------------------------------

# A name cannot play with the terminal, and a wide table is not cut in a pipe.
"$sql" "$db" "UPDATE flow_registrations SET name = 'a' || char(27) || '[31m' || char(10) || 'b'
	WHERE id = 2"
ok flows list
! grep -q "$(printf '\033')" "$dir/out" || fail 'an escape sequence on stdout'
[ "$(wc -l <"$dir/out")" = 3 ] || fail 'a flow a line'
"$sql" "$db" "UPDATE flow_registrations SET name = 'report' WHERE id = 2"
if [ -w /dev/full ]; then
	status=0
	"$flowfile" flows list >/dev/full 2>"$dir/err" || status=$?
	[ $status = 1 ] || fail 'a full disk is no success'
	err 'cannot write to standard output'
fi

# --- pause, doctor -------------------------------------------------------------------------------

ok scheduler pause
out 'is paused'
ok scheduler pause
out 'paused already'
ok scheduler status --json
out '"paused":true'
run 1 "$flowfile" doctor
out 'warn  launching: paused: no schedule fires; go on with '
ok scheduler resume
is 0 "SELECT value FROM scheduler_settings WHERE name = 'paused'"

run 1 "$flowfile" doctor
out 'ok    database'
out 'ok    launching: on'
out 'fail  scheduler: none is running'
"$sql" "$db" "UPDATE flow_schedules SET cron_expression = 'nonsense', enabled = 1 WHERE id = 2" \
	'DROP TRIGGER scheduler_run_added'
run 1 "$flowfile" doctor
out 'fail  schedule: 2 cannot fire'
out '1 triggers are missing'
run 1 "$flowfile" doctor --json
out '{"level":"fail","what":"schedule"'
ok schedules explain 2
out 'bad_row'
run 0 "$flowfile" init
err 'Triggers were missing'
"$sql" "$db" 'DELETE FROM flow_schedules WHERE id = 2' 'UPDATE flow_schedules SET enabled = 0'
FLOWFILE_RUN_COMMAND='true {flow_path}' ok doctor
TZDIR=/nowhere run 1 "$flowfile" doctor
out 'install the package tzdata'
FLOWFILE_RUN_COMMAND='no-such-program {flow_path}' run 1 "$flowfile" doctor
out 'fail  run command'
FLOWFILE_SHIM=/nowhere run 1 "$flowfile" doctor
out 'fail  supervisor of runs'
run 1 "$flowfile" doctor --database "$dir/text.db"
out 'fail  database'
run 1 "$flowfile" doctor --config "$dir/bad.ini"
out 'fail  configuration'

ok init --remove
is 0 "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'scheduler%' AND name <> 'scheduler_lock'"
ok init --remove
no 1 'flowfile init' schedules explain 1
no 1 'flowfile init' flows run job
ok flows list

# --- a catalog that Flowfile made ----------------------------------------------------------------

db=$dir/flowfile.db
gzip -dc "$top/tests/fixtures/flowfile-0.16-catalog.db.gz" >"$db"
FLOWFILE_DATABASE_URL=$db
export FLOWFILE_DATABASE_URL
for noun in flows tables schedules runs; do
	ok $noun list
	ok $noun list --json
done
ok flows show 'naïve flow & spaces'
out '(missing)'
ok tables show marts.orders
ok schedules show nightly --json
out '"cron_expression":"0 2 * * *","cron_timezone":"Europe/Amsterdam"'
ok runs list --schedule 1
ok runs list --status cancelled
out 'No runs.'
ok runs list --status failed
ok runs list --schedule 1
out 'orders_import'
no 1 'flowfile init' schedules explain nightly
is 0 "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'scheduler%' AND name <> 'scheduler_lock'"
ok init
out 'is prepared'
ok schedules explain 3
out 'It waits for raw.orders_raw to be written.'
ok schedules explain 1
out 'no scheduler is running'
is 030 'SELECT version_num FROM alembic_version'
run 1 "$flowfile" doctor
out 'have no file here'

[ $failed = 0 ] || exit 1
echo "$n commands, all as expected"
