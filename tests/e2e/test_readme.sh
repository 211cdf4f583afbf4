#!/bin/sh
# The first five minutes of the README go as it says.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$top/build}
dir=$(mktemp -d "${TMPDIR:-/tmp}/flowfile-test-XXXXXX")
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || :; wait; rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

PATH=$build:$PATH
FLOWFILE_SHIM=$build/flowfile-shim
FLOWFILE_SCHEDULER_CONFIG=$dir/scheduler.ini
HOME=$dir
export PATH FLOWFILE_SHIM FLOWFILE_SCHEDULER_CONFIG HOME
: >"$FLOWFILE_SCHEDULER_CONFIG"
cd "$dir"

# wait_for WHAT COMMAND...: until its output has WHAT in it, for a minute at most.
wait_for()
{
	what=$1
	shift
	tries=0
	until "$@" 2>/dev/null | grep -q "$what"; do
		tries=$((tries + 1))
		if [ $tries -gt 600 ]; then
			echo "FAIL: in a minute, $* did not say $what"
			cat "$dir/daemon.log"
			exit 1
		fi
		sleep 0.1
	done
}

# What is typed there, but for the two lines that are done here.
awk '/^## / { on = /first five minutes/ } /^### / { on = 0 }
	/^```/ { code = /^```sh/; next }
	on && code && !/^export / && !/^flowfile_scheduler$/' "$top/README.md" >commands
grep -q 'flowfile flows run' commands

flowfile_scheduler 2>daemon.log &
daemon=$!
wait_for '"active":true' flowfile scheduler status --json
sh -eux commands
wait_for '"id":2,.*"success":true' flowfile runs list --json
flowfile runs logs 1 | grep -x 'one sale'
flowfile runs logs 2 | grep -x 'date,amount'
