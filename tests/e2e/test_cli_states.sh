#!/bin/sh
# What the command line says when things are not as they should be: another catalog, no scheduler, a dead one, runs
# that nobody watches, flows that cannot run.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$top/build}
# shellcheck source=tests/e2e/cli_lib.sh
. "$top/tests/e2e/cli_lib.sh"

# --- another catalog than the usual one: each hint names it ---------------------------------------

other="$dir/it's other.db"
ok init --database "$other"
run 3 flows list --database "$dir/none.db"
err "with \`flowfile init --database $dir/none.db\`"
ok scheduler status --database "$other"
out "flowfile_scheduler --database '$dir/it'\\''s other.db'\`"
: >"$dir/empty.ini"
ok flows list --config "$dir/empty.ini" --database "$other"
out "\`flowfile flows register PATH --config $dir/empty.ini --database '"
ok schedules list --config "$dir/empty.ini" --database "$other"
out "--every 1h --config $dir/empty.ini --database '"
FLOWFILE_DATABASE_URL=$dir/no.db run 0 run flowfile_scheduler --once --database "$other"
FLOWFILE_DATABASE_URL=$dir/no.db run 0 --database "$other" run flowfile_scheduler --once
if [ -e "$dir/no.db" ] || [ -e "$db" ]; then
	fail 'a catalog that was not asked for'
fi
run 2 run flowfile_scheduler --once --database ''
err 'the value is missing'
ok run flowfile_scheduler --database "$other" --print-config
out '--database'

# --- the doctor ----------------------------------------------------------------------------------

ok init
ok doctor
out "ok    configuration: no file, storage_dir from FLOWFILE_STORAGE_DIR"
out 'warn  scheduler: none is running; start it'
ok doctor --database "$db"
out 'database from --database'
out "flowfile_scheduler --database $db"
ok doctor --config "$dir/empty.ini"
out "configuration: $dir/empty.ini, storage_dir from FLOWFILE_STORAGE_DIR"
job held <<'END'
echo begun
until [ -e "$0.go" ]; do sleep 0.02; done
exit 3
END
job waits <<'END'
echo begun
exec sleep 60
END
run 0 schedules create held --every 1d --disabled
run 0 schedules create held --cron '0 0 31 2 *'
run 1 doctor
out 'fail  scheduler: none is running, so that no schedule fires'
out 'warn  schedule: 2 never fires'
ok schedules delete 2
echo 'nodes: []' >"$dir/flow.yaml"
FLOWFILE_LIBDUCKDB=$dir/nowhere.so run 0 flows register "$dir/flow.yaml"
err 'need the engine DuckDB'
FLOWFILE_LIBDUCKDB=$dir/nowhere.so run 1 doctor
out 'fail  flow files: 1 flow is a flow file; flow files and queries need the engine DuckDB'
echo 'nodes: [{id: 7, type: kafka_source, setting_input: {}}]' >"$dir/flow.yaml"
run 1 doctor
out 'fail  flow file: flow: node 7 (kafka_source): it cannot be run: Kafka is read by Flowfile only'
run 0 flows register "$dir/flow.yaml" --name flow3
err 'cannot be run as it is: node 7 (kafka_source)'
ok flows remove flow3
FLOWFILE_RUN_COMMAND='true {flow_path}' ok doctor
FLOWFILE_RUN_COMMAND='true {flow_path}' ok flows register "$dir/flow.yaml" --name flow2
ok flows remove flow
ok flows remove flow2
for id in 101 102 103; do
	query "INSERT INTO flow_runs (id, registration_id, flow_uuid, flow_name, flow_path, user_id, started_at,
		ended_at, success, nodes_completed, number_of_nodes, run_type)
		SELECT $id, id, flow_uuid, name, flow_path, 1, '2026-05-20 08:00:00', '2026-05-20 08:00:01', 0, 0, 0,
		'manual' FROM flow_registrations WHERE id = 1"
done
ok doctor
out 'warn  flow: held has failed the last 3 times and more'
query 'UPDATE flow_runs SET success = 1 WHERE id = 101'
ok doctor
not_out 'has failed the last'

# --- runs that end, or do not, while no scheduler is there -----------------------------------------

start_scheduler
run 0 flows run held
run 0 flows run waits
held=$(query "SELECT max(id) FROM flow_runs WHERE flow_name = 'held'")
waits=$(query "SELECT max(id) FROM flow_runs WHERE flow_name = 'waits'")
log=$FLOWFILE_STORAGE_DIR/logs/scheduled_run
until_true grep -q begun "${log}_$held.log"
until_true grep -q begun "${log}_$waits.log"
ok runs show "$held"
not_out 'last scheduler'
end_scheduler TERM
ok runs show "$held"
out 'Status         running (as the last scheduler knew it; none is running)'
"$flowfile" runs logs "$held" -f >"$dir/followed" 2>"$dir/told" &
follower=$!
background=$follower
until_true grep -q 'No scheduler is running' "$dir/told"
: >"$dir/held.go"
wait $follower || fail 'runs logs -f'
background=
grep -q "run $held ended: exit code 3" "$dir/followed" || fail 'the end of the log'
[ "$(wc -l <"$dir/told")" = 1 ] || fail 'told more than once'
ok runs show "$held"
out 'Status         failed (not recorded yet: no scheduler is running)'
out 'Exit status    3'
ok runs show "$held" --json
out '"status":"failed","exit_code":3'
run 0 runs list
out '  failed*'
err '* Not recorded yet'
err 'what has not ended is shown as the last one knew it'
# Its supervisor is killed, too: nobody will ever say how it ended.
kill -KILL "$(query "SELECT flow_pid FROM scheduler_runs WHERE run_id = $waits")" \
	"$(query "SELECT shim_pid FROM scheduler_runs WHERE run_id = $waits")"
run 1 runs logs "$waits" -f
err "the process of run $waits is gone, and no scheduler is running"
run 0 runs show "$waits"
out '(as the last scheduler knew it; its process is gone)'
start_scheduler
until_true "$flowfile" runs list
ok scheduler status
out '  leads'
end_scheduler TERM
is 0 "SELECT count(*) FROM flow_runs WHERE ended_at IS NULL"
ok runs list
out '  failed'
not_out 'failed*'

# --- a scheduler that was killed, and is not yet waited for ------------------------------------------

rm -f "$dir/pid"
{
	"$build/flowfile_scheduler" 2>"$dir/daemon.log" &
	echo $! >"$dir/pid"
	exec sleep 60
} &
parent=$!
background=$parent
until_true grep -q Leading "$dir/daemon.log"
kill -KILL "$(cat "$dir/pid")"
until_true grep -q '^State:.Z' "/proc/$(cat "$dir/pid")/status"
nobody_leads()
{
	"$flowfile" scheduler status | grep -q '^Scheduler *none'
}
until_true nobody_leads # its threads may end a moment later
ok scheduler status
out 'none: the process of the last one'
out '  gone'
not_out '  leads'
run 0 schedules create held --cron '0 5 * * *'
ok scheduler status
out 'schedule 2, but only if a scheduler runs then'
run 1 doctor
out 'fail  scheduler: none is running: the process of the last one'
kill $parent
wait $parent 2>/dev/null || :
background=

# --- a run on another host -------------------------------------------------------------------------

start_scheduler
query "INSERT INTO scheduler_instances (holder_id, host, boot_id, pid, pid_start, version, started_at, seen_at)
	VALUES ('eeeeeeeeeeee', 'elsewhere', '', 1, 1, '0', datetime('now', '-9 minutes'), datetime('now', '-5 minutes'))" \
	"INSERT INTO scheduler_runs (run_id, state, host, boot_id, attempt, started_at)
	VALUES (500, 'recorded', 'elsewhere', '', 2, datetime('now', '-9 minutes'))" \
	"INSERT INTO flow_runs (id, registration_id, flow_uuid, flow_name, flow_path, user_id, started_at,
	nodes_completed, number_of_nodes, run_type) SELECT 500, id, flow_uuid, name, flow_path, 1,
	datetime('now', '-9 minutes'), 0, 0, 'manual' FROM flow_registrations WHERE id = 1"
ok runs show 500
out 'Attempt        2; before, '
run 3 runs logs 500
err 'run 500 ran on elsewhere, and its log is there'
run 0 runs cancel 500
out 'Run 500 is being cancelled'
err 'Run 500 is on elsewhere, where no scheduler has been heard of since 2'
ok scheduler status
out 'not heard of'
end_scheduler TERM
query "UPDATE flow_runs SET ended_at = started_at, success = 0 WHERE id = 500"

# --- two catalogs in one storage folder ------------------------------------------------------------

[ "$(cat "$FLOWFILE_STORAGE_DIR/logs/.catalog")" = "$db" ] || fail 'whose logs'
run 1 doctor
not_out "another catalog's"
run 0 doctor --database "$other"
out "warn  logs: those in $FLOWFILE_STORAGE_DIR/logs are another catalog's, $db, and are"
run 0 run flowfile_scheduler --once
not_err 'another catalog'
run 0 run flowfile_scheduler --once --database "$other"
err "Logs of another catalog are written over: give each catalog a storage_dir of its own"
run 0 run flowfile_scheduler --once --database "$other"
not_err 'another catalog'
run 0 run flowfile_scheduler --once
err "$other"

# --- flows that cannot run, and say why ----------------------------------------------------------

start_scheduler
job crlf </dev/null
printf '#!/bin/sh\r\nexit 0\r\n' >"$dir/crlf"
run 1 flows run crlf --wait
out "the first line of $dir/crlf ends with CR LF, as on Windows: save it with LF alone"
printf '#!/usr/bin/env sh\r\nexit 0\r\n' >"$dir/crlf"
run 1 flows run crlf --wait
out "exit code 127, the first line of $dir/crlf ends with CR LF"
job unmade </dev/null
chmod -x "$dir/unmade"
run 1 flows run unmade --wait
out "failed, exit code 1, the flow file $dir/unmade is not executable"
rm "$dir/unmade"
run 1 flows run unmade --wait
out "failed, exit code 1, there is no flow file $dir/unmade"
run 0 runs list --limit 1 --json
last=$(query 'SELECT max(id) FROM flow_runs')
ok runs show "$last"
out 'Reason         there is no flow file'
# What a Python flow prints is in the log at once, unless the scheduler was told otherwise.
job surroundings <<'END'
echo "unbuffered=$PYTHONUNBUFFERED"
END
run 0 flows run surroundings --wait
run 0 runs logs
out 'unbuffered=1'
end_scheduler TERM
PYTHONUNBUFFERED='' start_scheduler
run 0 flows run surroundings --wait
run 0 runs logs
grep -qx 'unbuffered=' "$dir/out" || fail 'as the scheduler has it'
end_scheduler TERM
ok run flow "$dir/surroundings"
out 'unbuffered=1'

[ $failed = 0 ] || exit 1
