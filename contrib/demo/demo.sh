#!/bin/sh
# Sets up some flows on real data in a storage directory of their own, starts a scheduler there and shows
# what it does. README.md beside this file says what the flows are.

set -eu
LC_ALL=C
export LC_ALL

usage()
{
	cat <<'END'
Usage: demo.sh [--dir DIR] [--stop] [--keep] [BUILD_DIR]

  BUILD_DIR  where the programs were built; default: the tree's build folder, else PATH
  --dir DIR  storage directory of the demo; default: ~/.flowfile-demo
  --stop     stop the scheduler at the end; without it, it goes on
  --keep     with --stop: keep DIR. Else it is removed if this run made it
END
}

here=$(cd "$(dirname "$0")" && pwd)
patience=${FLOWFILE_DEMO_PATIENCE:-60} # seconds to wait for anything at most
build=
dir=
stop=false
keep=false
made_dir=false
started=false

say()
{
	printf '%s\n' "$*"
}

title()
{
	printf '\n== %s\n\n' "$*"
}

die()
{
	say "demo: $*" >&2
	exit 1
}

quoted()
{
	case $1 in
	*[!A-Za-z0-9_./,:=@%+-]* | '') printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")" ;;
	*) printf %s "$1" ;;
	esac
}

# The command as the reader would type it, then what it says.
do_it()
{
	printf '$ flowfile'
	for word in "$@"; do
		printf ' %s' "$(quoted "$word")"
	done
	say
	flowfile "$@"
}

show()
{
	do_it "$@"
	say
}

parse_arguments()
{
	while [ $# -gt 0 ]; do
		case $1 in
		--dir)
			[ $# -gt 1 ] || die "--dir needs a directory"
			dir=$2
			shift
			;;
		--dir=*) dir=${1#--dir=} ;;
		--stop) stop=true ;;
		--keep) keep=true ;;
		-h | --help)
			usage
			exit 0
			;;
		-*)
			usage >&2
			exit 2
			;;
		*)
			if [ -n "$build" ]; then
				usage >&2
				exit 2
			fi
			build=$1
			;;
		esac
		shift
	done
}

find_programs()
{
	if [ -z "$build" ] && [ -x "$here/../../build/flowfile" ]; then
		build=$here/../../build
	fi
	if [ -n "$build" ]; then
		[ -d "$build" ] || die "$build: no such directory"
		build=$(cd "$build" && pwd)
		PATH=$build:$PATH
		# A tree that is not installed has the supervisor of runs beside the rest.
		if [ -x "$build/flowfile-shim" ]; then
			FLOWFILE_SHIM=$build/flowfile-shim
			export FLOWFILE_SHIM
		fi
	fi
	for program in flowfile flowfile_scheduler; do
		command -v "$program" >/dev/null ||
			die "$program is neither in PATH nor given: demo.sh BUILD_DIR, after make"
	done
}

# Nothing of the caller's own Flowfile may be meant by a command of the demo.
forget_environment()
{
	for name in $(env | sed -n 's/^\(FLOWFILE_[A-Z0-9_]*\)=.*/\1/p') TESTING; do
		case $name in
		FLOWFILE_SHIM | FLOWFILE_LIBDUCKDB) ;;
		*) unset "$name" ;;
		esac
	done
}

# What the reader sources to use the demo's catalog.
write_env()
{
	{
		say "unset FLOWFILE_DB_PATH FLOWFILE_DATABASE_URL FLOWFILE_SCHEDULER_CONFIG"
		say "export FLOWFILE_STORAGE_DIR=$(quoted "$dir")"
		[ -z "$build" ] || say "export PATH=$(quoted "$build"):\$PATH"
		[ -z "${FLOWFILE_SHIM:-}" ] || say "export FLOWFILE_SHIM=$(quoted "$FLOWFILE_SHIM")"
		[ -z "${FLOWFILE_LIBDUCKDB:-}" ] || say "export FLOWFILE_LIBDUCKDB=$(quoted "$FLOWFILE_LIBDUCKDB")"
	} >"$dir/env"
}

# What the flow files have for @DIR@, within single quotes.
demo_folder()
{
	printf %s "$dir" | sed "s/'/''/g; s/[&|\\\\]/\\\\&/g"
}

# A flow that runs meanwhile keeps the file it has opened.
copy()
{
	mkdir -p "$2"
	for file in "$1"/*; do
		new=$2/.${file##*/}.new
		case $file in
		*.yaml) sed "s|@DIR@|$(demo_folder)|" "$file" >"$new" ;;
		*) cp "$file" "$new" ;;
		esac
		chmod u+w "$new"
		if cmp -s "$new" "$2/${file##*/}"; then
			rm "$new"
		else
			mv "$new" "$2/${file##*/}"
		fi
	done
}

# Flow files are run by the engine, which is not a part of this package.
need_engine()
{
	if [ -z "${FLOWFILE_LIBDUCKDB:-}" ] && [ -n "$build" ] && [ -e "$build/libduckdb.so" ]; then
		FLOWFILE_LIBDUCKDB=$build/libduckdb.so
		export FLOWFILE_LIBDUCKDB
	fi
	flowfile flows eval '1' >/dev/null 2>"$dir/.said" || {
		cat "$dir/.said" >&2
		die "the engine that runs flow files is missing"
	}
	rm -f "$dir/.said"
}

only_one_demo()
{
	command -v flock >/dev/null || return 0
	exec 9>>"$dir/.demo"
	flock -n 9 || die "another demo.sh is at work in $dir"
}

prepare_directory()
{
	[ -n "$dir" ] || dir=$HOME/.flowfile-demo
	if [ ! -d "$dir" ]; then
		mkdir -p "$dir"
		made_dir=true
	fi
	dir=$(cd "$dir" && pwd)
	if [ ! -f "$dir/.demo" ]; then
		[ -z "$(ls -A "$dir")" ] || die "$dir has files in it that are not the demo's: choose another with --dir"
		say "Made by the demo of flowfile_scheduler. This directory can be removed." >"$dir/.demo"
	fi
	only_one_demo
	# An own configuration file, although empty, so that the system's is not read.
	[ -f "$dir/scheduler.ini" ] || say "# The demo's scheduler; all options have their defaults." >"$dir/scheduler.ini"
	FLOWFILE_STORAGE_DIR=$dir
	export FLOWFILE_STORAGE_DIR
	copy "$here/flows" "$dir/flows"
	copy "$here/data" "$dir/data"
	need_engine
	write_env
}

scheduler_pid()
{
	pid=$(cat "$dir/scheduler.pid" 2>/dev/null) || return 1
	# A process id is used again some day: only a scheduler counts.
	grep -q flowfile_scheduler "/proc/$pid/cmdline" 2>/dev/null || return 1
	echo "$pid"
}

start_scheduler()
{
	if pid=$(scheduler_pid); then
		say "A scheduler of the demo runs already, process $pid: going on with it."
		return
	fi
	# In a session of its own, so that it stays when the terminal goes.
	setsid flowfile_scheduler </dev/null >>"$dir/scheduler.log" 2>&1 9>&- &
	pid=$!
	echo "$pid" >"$dir/scheduler.pid"
	started=true
	say "Scheduler started, process $pid, log in $dir/scheduler.log"
}

stop_scheduler()
{
	pid=$(scheduler_pid) || return 0
	kill "$pid"
	wait_until "the scheduler to stop" stopped
	rm -f "$dir/scheduler.pid"
}

stopped()
{
	! scheduler_pid >/dev/null
}

# wait_until WHAT COMMAND...: asks ten times a second, and gives up after a while.
wait_until()
{
	what=$1
	shift
	deadline=$(($(date +%s) + patience))
	until "$@"; do
		[ "$(date +%s)" -lt "$deadline" ] || die "waited $patience s for $what"
		sleep 0.1
	done
}

# One figure of a JSON object: its first "name":NUMBER.
figure()
{
	sed 's/.*"'"$1"'": *\([0-9][0-9]*\).*/\1/; q'
}

# runs_that WHAT [OPTIONS...]: total_success or total_failed of the runs that the options choose.
runs_that()
{
	what=$1
	shift
	flowfile runs list --limit 1 --json "$@" | tr -d '\n' | figure "$what"
}

reports_made()
{
	runs_that total_success --flow monthly_report
}

# Whether a report was made beyond those N; a run that fails meanwhile ends the demo.
more_reports_than()
{
	[ "$(runs_that total_failed)" -eq "$failed" ] || die "a run failed: flowfile runs list"
	[ "$(reports_made)" -gt "$1" ]
}

have()
{
	flowfile "$1" show "$2" >/dev/null 2>&1
}

flow() # NAME DESCRIPTION
{
	have flows "$1" || do_it flows register "$dir/flows/$1.yaml" --name "$1" --description "$2"
}

virtual() # NAME DESCRIPTION OPTIONS...
{
	name=$1
	text=$2
	shift 2
	have tables "$name" || do_it tables register "$name" "$@" --description "$text"
}

schedule() # NAME FLOW OPTIONS...
{
	name=$1
	shift
	have schedules "$name" || do_it schedules create "$@" --name "$name"
}

# Triggers before producers, so that every write of theirs is one the triggers see.
fill_catalog()
{
	[ -f "$dir/database/flowfile_catalog.db" ] || do_it init
	have tables co2_raw || do_it run flow "$dir/flows/first_year.yaml"
	flow import_weather "Adds the next month of Seattle's daily weather"
	flow import_co2 "Adds the next quarter of carbon dioxide at Mauna Loa"
	flow clean_weather "Checks and enriches the daily weather"
	flow monthly_report "Joins weather and carbon dioxide by month"
	flow rainy_days "The wet days, as a virtual table"
	flow rain_diary "Counts the wet days of each year"
	virtual rainy_days "What the flow rainy_days makes of weather_daily, when it is read" --made-by rainy_days
	schedule clean-new-weather clean_weather --on-table weather_raw
	schedule diary-of-rain rain_diary --on-table rainy_days
	do_report
	schedule weather-every-minute import_weather --every 1m
	schedule co2-every-3-minutes import_co2 --every 3m
}

# The tables of the set are there when the flows before the report have run once.
do_report()
{
	have tables weather_daily || do_it run flow "$dir/flows/clean_weather.yaml"
	schedule report-on-both monthly_report --on-tables weather_daily,co2_raw
}

# A flow that its own schedule is just running is busy: then again, and that is no error worth a line.
run_now()
{
	code=0
	flowfile schedules run "$1" --wait 2>"$dir/.said" || code=$?
	[ "$code" -eq 4 ] || cat "$dir/.said" >&2
	rm -f "$dir/.said"
	[ "$code" -ne 4 ] || return 1
	[ "$code" -eq 0 ] || die "flowfile schedules run $1 failed"
}

imported_all() # TABLE FILE
{
	[ "$(flowfile tables preview "$1" --csv --limit 10000 | tail -n 1 | cut -c 1-10)" = \
		"$(tail -n 1 "$dir/data/$2" | cut -c 1-10)" ]
}

first_round()
{
	if more_reports_than 0; then
		title "As an earlier start of the demo left it"
	else
		title "New schedules fire at once; the report follows when both of its tables are there"
		wait_until "the first report" more_reports_than 0
	fi
	virtual wettest_months "The five wettest months of climate_monthly, when it is read" --query \
		'SELECT month, precipitation, wet_days, main_weather FROM climate_monthly ORDER BY precipitation DESC LIMIT 5'
	show tables list
	show schedules list
	show runs list --limit 10
	show tables preview climate_monthly
	title "A virtual table is computed when it is read: this one by a query"
	show tables preview wettest_months
}

second_round()
{
	if imported_all weather_raw seattle-weather.csv || imported_all co2_raw co2-concentration.csv; then
		title "All of the data has been imported; to begin again, stop the scheduler and remove $dir"
		return
	fi
	before=$(reports_made)
	title "Another quarter of carbon dioxide, without waiting for the clock"
	say "\$ flowfile schedules run co2-every-3-minutes --wait"
	wait_until "import_co2 to be free" run_now co2-every-3-minutes
	say
	show schedules explain report-on-both
	title "Another month of weather: cleaned, and now the report has both"
	say "\$ flowfile schedules run weather-every-minute --wait"
	wait_until "import_weather to be free" run_now weather-every-minute
	say
	wait_until "the next report" more_reports_than "$before"
	show runs list --limit 5
	show schedules explain report-on-both
	title "The rain diary watches rainy_days, which is virtual: it is run when what that is made of is written"
	show tables show rainy_days
	show runs list --flow rain_diary --limit 3
	show tables preview rain_by_year
}

hint()
{
	printf '  %s\n      %s\n' "$1" "$2"
}

say_how_to_go_on()
{
	title "The scheduler goes on: a month of weather each minute"
	hint ". $(quoted "$dir/env")" "use the demo's catalog and programs in this shell"
	hint "flowfile runs list" "what ran; again in a minute"
	hint "flowfile runs logs -f ID" "the log of a run, to its end"
	hint "flowfile runs cancel ID" "end a run"
	hint "flowfile schedules explain report-on-both" "why it fires or does not"
	hint "kill \$(cat $(quoted "$dir/scheduler.pid"))" "stop the scheduler"
	hint "rm -r $(quoted "$dir")" "then remove the demo"
}

clean_up()
{
	code=$?
	trap - EXIT
	if [ "$code" -ne 0 ] && [ -s "$dir/scheduler.log" ]; then
		say "The scheduler's last lines, from $dir/scheduler.log:" >&2
		tail -n 20 "$dir/scheduler.log" >&2
	fi
	if $stop || { $started && [ "$code" -ne 0 ]; }; then
		(stop_scheduler) || code=1
	fi
	if $stop && ! $keep && $made_dir && [ "$code" -eq 0 ]; then
		rm -rf "$dir"
	fi
	exit "$code"
}

parse_arguments "$@"
forget_environment
find_programs
prepare_directory
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' HUP PIPE TERM
title "Flows, tables and schedules in $dir"
fill_catalog
failed=$(runs_that total_failed)
start_scheduler
first_round
second_round
$stop || say_how_to_go_on
