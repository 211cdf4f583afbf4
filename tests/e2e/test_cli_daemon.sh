#!/bin/sh
# The command line with a scheduler running: run now, cancel, logs, triggers, pause.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$top/build}
# shellcheck source=tests/e2e/cli_lib.sh
. "$top/tests/e2e/cli_lib.sh"

# hang: one pass of a scheduler whose run cannot start: its log is a pipe that nobody reads.
hang()
{
	FLOWFILE_STORAGE_DIR=$dir/hang
	printf '#!/bin/sh\n' >"$dir/hanging"
	chmod +x "$dir/hanging"
	"$flowfile" init && "$flowfile" flows register "$dir/hanging" && "$flowfile" flows run hanging --queue
	mkdir -p "$dir/hang/logs"
	mkfifo "$dir/hang/logs/scheduled_run_1.log"
	status=0
	"$build/flowfile_scheduler" --once || status=$?
	echo "status $status"
	# A supervisor that is still there sees that nobody waits for it; the daemon may have ended it by now.
	timeout 2 cat "$dir/hang/logs/scheduled_run_1.log" || :
}

hang >"$dir/hang.log" 2>&1 &
hanging=$!
background=$hanging

# becomes TEXT SQL: at most ten seconds later.
becomes()
{
	i=0
	while got=$(query "$2") && [ "$got" != "$1" ]; do
		i=$((i + 1))
		if [ $i -gt 500 ]; then
			fail "'$got' does not become '$1': $2"
			return
		fi
		sleep 0.02
	done
}

leads()
{
	"$flowfile" scheduler status --json | grep -q '"active":true.*"ours":true'
}

run 0 init
job quick <<'END'
echo "run $FLOWFILE_RUN_ID of flow $FLOWFILE_FLOW_ID"
END
job broken <<'END'
echo "no input today" >&2
echo
exit 3
END
job slow <<'END'
echo sleeping
exec sleep 60
END
job writer <<'END'
flowfile tables touch orders --rows 7
END
job surroundings <<'END'
env
pwd
END
run 0 tables register orders --flow writer
run 0 tables register customers

"$flowfile" run flowfile_scheduler 2>"$dir/daemon.log" &
daemon=$!
background="$daemon $hanging"
until_true leads

# --- run now -------------------------------------------------------------------------------------

run 0 flows run quick --wait
out 'Run 1 of quick has ended: success'
run 0 runs logs 1
out 'run 1 of flow 1'
run 1 flows run broken --wait
out 'Run 2 of broken has ended: failed, exit code 3 ('
out 'flowfile runs logs 2'
out 'It said last: no input today'
run 0 runs show 2
out 'Exit status    3'
out 'Last line      no input today'
run 0 runs show 2 --json
out '"status":"failed","exit_code":3,"signal":null,"reason":null,"cause":"run now by '
out '"attempt":1'
run 0 runs show 1 --json
out '"exit_code":0,'
run 0 flows run quick --wait --json
out '"success":true'
is manual 'SELECT run_type FROM flow_runs WHERE id = 3'
run 0 schedules create quick --every 1d --disabled
run 0 schedules run 1 --wait
is 'on_demand 1' "SELECT run_type || ' ' || schedule_id FROM flow_runs WHERE id = 4"
is 0 'SELECT count(*) FROM scheduler_requests WHERE outcome IS NULL'

# What a flow finds around it.
run 0 flows run surroundings --wait
run 0 runs logs
out "FLOWFILE_DATABASE_URL=$db"
out "FLOWFILE_CLI=$build/flowfile"
out "PATH=$PATH:$build"
grep -qxF "$PWD" "$dir/out" || fail "not in the scheduler's working directory"
! grep '^FLOWFILE_SCHEDULER_\|^FLOWFILE_[A-Z_]*=$' "$dir/out" |
	grep -v '^FLOWFILE_SCHEDULER_HTTP_LISTEN=none' || fail 'variables that nobody set'
# --- busy, logs, cancel --------------------------------------------------------------------------

run 0 flows run slow
out 'Run 6 of slow has started.'
run 4 flows run slow
err 'run 6'
"$flowfile" runs logs 6 --follow >"$dir/followed" 2>&1 &
follower=$!
background="$background $follower"
until_true grep -q sleeping "$dir/followed"
run 0 runs list --active
out 'running'
run 0 runs cancel 6 --wait
out 'Run 6 of slow has ended: cancelled, by '
wait $follower || fail 'runs logs --follow'
background="$daemon $hanging"
run 0 runs cancel 6
out 'Run 6 has ended already: cancelled'
run 0 runs show 6
out 'Status         cancelled'
out 'Cancelled      2'
run 0 runs list
out '  cancelled'
run 0 flows list
out 'cancelled, '
run 0 runs logs
err 'Run 6 of slow, the latest: cancelled, started 2'
out sleeping
is 0 'SELECT success FROM flow_runs WHERE id = 6'

# --- triggers ------------------------------------------------------------------------------------

run 0 schedules create quick --on-table orders --name on_orders
run 0 schedules create broken --on-tables orders,customers --name on_both
run 0 flows run writer --wait
becomes 1 "SELECT count(*) FROM flow_runs WHERE schedule_id = 2 AND success = 1"
is 1 "SELECT t.source_run_id = r.id FROM catalog_tables t, flow_runs r
	WHERE t.name = 'orders' AND r.flow_name = 'writer'"
is 0 'SELECT count(*) FROM flow_runs WHERE schedule_id = 3'
run 0 schedules explain on_orders
out 'orders'
out 'success'
run 0 schedules explain on_both
out 'It waits for default.customers to be written; default.orders has been.'
run 0 tables touch customers
becomes 1 'SELECT count(*) FROM flow_runs WHERE schedule_id = 3 AND success = 0'

# --- pause ---------------------------------------------------------------------------------------

run 0 scheduler pause
run 0 tables touch orders
run 0 schedules explain on_orders
out 'the scheduler is paused'
run 0 flows run quick --wait # what people ask for runs all the same
run 0 scheduler resume
becomes 2 "SELECT count(*) FROM flow_runs WHERE schedule_id = 2 AND success = 1"

# --- the scheduler itself ------------------------------------------------------------------------

kill -HUP $daemon
until_true grep -q 'Configuration read again: there is no file' "$dir/daemon.log"
printf 'instance_name = other\ndatabase_timeout = 7s\n' >"$FLOWFILE_STORAGE_DIR/scheduler.ini"
kill -HUP $daemon
until_true grep -q 'Configuration read again file=' "$dir/daemon.log"
for option in instance_name database_timeout; do
	grep -q "A new $option takes effect at the next start" "$dir/daemon.log" ||
		fail "a new $option is not spoken of"
done
rm "$FLOWFILE_STORAGE_DIR/scheduler.ini"

# A flow that is told to end gets its grace: told twice by mistake, it would be killed at once.
job polite <<'END'
trap 'sleep 0.5; echo goodbye; exit 0' TERM
echo ready
while :; do sleep 0.05; done
END
for _ in 1 2 3; do
	run 0 flows run polite
	polite=$(query 'SELECT max(id) FROM flow_runs')
	until_true grep -q ready "$FLOWFILE_STORAGE_DIR/logs/scheduled_run_$polite.log"
	run 0 runs cancel "$polite" --wait
	run 0 runs logs "$polite"
	out goodbye
	is 0 "SELECT success FROM flow_runs WHERE id = $polite"
done

# Flowfile cancels by a signal to the recorded pid, and closes the row before the process is gone.
run 0 flows run polite
polite=$(query 'SELECT max(id) FROM flow_runs')
until_true grep -q ready "$FLOWFILE_STORAGE_DIR/logs/scheduled_run_$polite.log"
kill -TERM "$(query "SELECT pid FROM flow_runs WHERE id = $polite")"
query "UPDATE flow_runs SET ended_at = datetime('now'), success = 0 WHERE id = $polite"
becomes ended "SELECT state FROM scheduler_runs WHERE run_id = $polite"
run 0 runs show "$polite"
out 'by SIGTERM'
run 0 runs list --limit 1
out cancelled

# Whoever waits for a run may stop to: the run goes on.
"$flowfile" flows run slow --wait >"$dir/out" 2>"$dir/err" &
waiter=$!
background="$background $waiter"
until_true grep -q '^SigCgt:.*[2367abef]$' "/proc/$waiter/status"
kill -INT $waiter
status=0
wait $waiter || status=$?
[ $status = 130 ] || fail "interrupted: $status"
going=$(query "SELECT max(id) FROM flow_runs WHERE ended_at IS NULL")
err "Run $going goes on; end it with \`flowfile runs cancel $going\`."
run 0 runs cancel "$going" --wait
run 2 flows run quick --queue --wait
err '--queue and --wait'

run 0 scheduler status
out "pid $daemon"
run 0 doctor
out 'ok    scheduler'
run 4 init --remove
err 'stop it first'
kill -TERM $daemon
status=0
wait $daemon || status=$?
background=$hanging
[ $status = 0 ] || fail "the scheduler ended with $status"
run 1 flows run quick
err 'no scheduler is running'

# One that is killed leaves its lock behind: what it is asked for then, the next one does.
"$flowfile" run flowfile_scheduler 2>>"$dir/daemon.log" &
daemon=$!
background="$daemon $hanging"
until_true leads
kill -KILL $daemon
wait $daemon || :
background=$hanging
run 1 flows run quick
err "no scheduler leads: the process of the last one (pid $daemon on $(uname -n)) is gone; its"
runs=$(query 'SELECT count(*) FROM flow_runs')
"$flowfile" run flowfile_scheduler 2>>"$dir/daemon.log" &
daemon=$!
background="$daemon $hanging"
becomes "$((runs + 1)) 1" "SELECT count(*) || ' ' || max(CASE WHEN id = $((runs + 1)) THEN success END)
	FROM flow_runs"
kill -TERM $daemon
wait $daemon || fail 'the scheduler ended with an error'
background=$hanging

# What was kept for later is launched by one pass, and left to run; the next scheduler learns how it
# ended.
run 0 flows run quick --queue
runs=$(query 'SELECT count(*) FROM flow_runs')
run 0 run flowfile_scheduler --once
is $((runs + 1)) 'SELECT count(*) FROM flow_runs'
# The next pass learns how the run ended, from its exit file: nobody watched. It has to be over by then.
for _ in $(seq 500); do
	[ -n "$(find "$FLOWFILE_STORAGE_DIR/scheduler" -name "$((runs + 1)).1.exit")" ] && break
	sleep 0.02
done
run 0 run flowfile_scheduler --once
is 1 "SELECT success FROM flow_runs WHERE id = $((runs + 1))"

# What is set, a flow gets as it is meant, and not relative to where the scheduler was.
run 0 flows run surroundings --queue
(cd "$dir/base/database" && FLOWFILE_SCHEDULER_DATABASE=flowfile_catalog.db \
	"$build/flowfile_scheduler" --once 2>>"$dir/daemon.log")
until_true grep -qx "FLOWFILE_SCHEDULER_DATABASE=$db" \
	"$FLOWFILE_STORAGE_DIR/logs/scheduled_run_$((runs + 2)).log"

# A scheduler that holds the lock and does not answer: the request is taken back.
query "INSERT INTO scheduler_lock (id, holder_id, started_at, heartbeat_at)
	VALUES (1, 'aaaaaaaaaaaa', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)"
query "INSERT INTO scheduler_instances (holder_id, host, boot_id, pid, pid_start, version, started_at,
	seen_at) VALUES ('aaaaaaaaaaaa', 'elsewhere', '', 1, 1, '0', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)"
requests=$(query 'SELECT count(*) FROM scheduler_requests')
run 1 flows run quick
err 'was taken back'
is "$requests" 'SELECT count(*) FROM scheduler_requests'

wait $hanging
background=
for line in 'the pass did not end within 30 s: 1 runs wait for their start' 'status 1'; do
	grep -q "$line" "$dir/hang.log" || {
		echo "FAIL: no '$line' of a pass that hangs"
		sed 's/^/  hang: /' "$dir/hang.log"
		failed=1
	}
done

if [ $failed != 0 ]; then
	sed 's/^/  log: /' "$dir/daemon.log"
	exit 1
fi
