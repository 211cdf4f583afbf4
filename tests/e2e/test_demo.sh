#!/bin/sh
# The demo as a new user runs it: by intervals, triggers and run-now it makes a report, and the report
# is right.

set -eu
LC_ALL=C
export LC_ALL

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$top/build}
# shellcheck source=tests/e2e/engine_lib.sh
. "$top/tests/e2e/engine_lib.sh"
demo=$top/contrib/demo/demo.sh
data=$top/contrib/demo/data
work=$(mktemp -d "${TMPDIR:-/tmp}/flowfile-test-XXXXXX")
dir=$work/it\'s\ here # a path that wants quoting
HOME=$work/home
export HOME
mkdir "$HOME"

. "$top/tests/e2e/demo_expected.sh"

clean_up()
{
	code=$?
	trap - EXIT
	[ ! -s "$dir/scheduler.pid" ] || kill "$(cat "$dir/scheduler.pid")" 2>/dev/null || :
	[ "$code" -eq 0 ] || [ ! -f "$work/out" ] || cat "$work/out" >&2
	rm -rf "$work"
	exit "$code"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

run_demo()
{
	"$demo" --dir "$dir" "$@" "$build" >"$work/out" 2>&1 || fail "demo.sh $* exits $?"
	! grep -q 'active run\|^flowfile: ' "$work/out" || fail "demo.sh $* shows an error that is none"
}

# In the demo's catalog, as its env file sets it up.
in_demo()
{
	(
		# shellcheck source=/dev/null
		. "$dir/env"
		flowfile "$@"
	)
}

total() # NAME OPTIONS...: a count over the runs that the options choose
{
	wanted=$1
	shift
	in_demo runs list --json "$@" | tr -d '\n' | sed 's/.*"'"$wanted"'": *\([0-9]*\).*/\1/'
}

at_least()
{
	[ "$3" -ge "$2" ] || fail "$1: expected at least $2, got $3"
}

# A process that has ended but is not yet waited for has no command line any more.
alive()
{
	grep -q flowfile_scheduler "/proc/$1/cmdline" 2>/dev/null
}

test_triggers_make_a_report_and_it_is_right()
{
	run_demo --stop --keep
	report=$dir/climate_monthly.csv
	at_least "months of the report" 13 "$(months)"
	check_report "$(months)"
	is "failed runs" 0 "$(total total_failed)"
	is "active reports" 0 "$(total total_running --flow monthly_report)"
	at_least "reports" 2 "$(total total_success --flow monthly_report --type scheduled)"
	at_least "cleanings" 2 "$(total total_success --flow clean_weather --type scheduled)"
	at_least "imports by the clock" 1 "$(total total_success --flow import_weather --type scheduled)"
	at_least "imports by hand" 1 "$(total total_success --flow import_weather --type on_demand)"
	at_least "diaries" 1 "$(total total_success --flow rain_diary --type scheduled)"
	in_demo tables show climate_monthly --json | tr -d ' \n' |
		grep -q '"row_count":'"$(months)"'[,}]' || fail "the catalog has another row count"
	grep -q '^2012-11  *210.5 ' "$work/out" || fail "the query's table is not shown"
	is "schedules" 5 "$(in_demo schedules list --json | grep -o '"schedule_type"' | wc -l)"
}

test_stop_leaves_no_scheduler()
{
	pid=$(sed -n 's/^Scheduler started, process \([0-9]*\),.*/\1/p' "$work/out")
	[ -n "$pid" ] || fail "the demo does not say which process the scheduler is"
	! alive "$pid" || fail "scheduler $pid still runs"
	[ ! -e "$dir/scheduler.pid" ] || fail "scheduler.pid is left"
}

test_demo_goes_on_where_it_was()
{
	before=$(months)
	run_demo
	pid=$(cat "$dir/scheduler.pid")
	alive "$pid" || fail "the scheduler does not go on"
	at_least "months after a restart" $((before + 1)) "$(months)"
	run_demo --stop
	grep -q "process $pid: going on with it" "$work/out" || fail "a second scheduler was started"
	! alive "$pid" || fail "scheduler $pid still runs"
	at_least "months after a second round" $((before + 2)) "$(months)"
	check_report "$(months)"
	is "schedules" 5 "$(in_demo schedules list --json | grep -o '"schedule_type"' | wc -l)"
}

test_directories_of_others_are_left_alone()
{
	mkdir "$work/other"
	: >"$work/other/precious"
	if "$demo" --stop --dir "$work/other" "$build" >"$work/out" 2>&1; then
		fail "the demo takes a directory with files in it"
	fi
	is "files there" precious "$(ls -A "$work/other")"
	is "files at home" "" "$(ls -A "$HOME")"
}

test_stop_removes_what_the_demo_made()
{
	"$demo" --stop "$build" >"$work/out" 2>&1 || fail "demo.sh --stop exits $?"
	is "files at home" "" "$(ls -A "$HOME")"
}

passed=0
for name in triggers_make_a_report_and_it_is_right stop_leaves_no_scheduler demo_goes_on_where_it_was \
	directories_of_others_are_left_alone stop_removes_what_the_demo_made; do
	"test_$name"
	echo "ok: $name"
	passed=$((passed + 1))
done
echo "$passed passed, 0 failed"
