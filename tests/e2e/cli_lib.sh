# shellcheck shell=sh disable=SC2034,SC2154 # for those who source it; given by them
# For tests of the command line in a folder of their own, $dir: sourced with $build set.

flowfile=$build/flowfile
sql=$build/tests/e2e/catalog_sql
dir=$(mktemp -d "${TMPDIR:-/tmp}/flowfile-cli-XXXXXX")
background=
failed=0

# shellcheck disable=SC2317 # called by the trap
cleanup()
{
	for pid in $background; do
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	chmod -R u+rwx "$dir" # a test may have taken rights away
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

HOME=$dir/home
FLOWFILE_STORAGE_DIR=$dir/base
FLOWFILE_SHIM=$build/flowfile-shim
export HOME FLOWFILE_STORAGE_DIR FLOWFILE_SHIM
unset FLOWFILE_DATABASE_URL FLOWFILE_DB_PATH FLOWFILE_RUN_ID PYTHONUNBUFFERED 2>/dev/null || :
mkdir "$HOME"
db=$dir/base/database/flowfile_catalog.db
: >"$dir/out"
: >"$dir/err"

fail()
{
	echo "FAIL: $*"
	sed 's/^/  out: /' "$dir/out"
	sed 's/^/  err: /' "$dir/err"
	failed=1
}

# run STATUS ARGUMENT...: flowfile with these ends with this status.
run()
{
	wanted=$1
	shift
	status=0
	"$flowfile" "$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
	[ "$status" = "$wanted" ] || fail "exit $status, not $wanted: flowfile $*"
}

# ok ARGUMENT...: succeeds and says nothing on stderr.
ok()
{
	run 0 "$@"
	[ ! -s "$dir/err" ] || fail "stderr: flowfile $*"
}

out()
{
	grep -qF -e "$1" "$dir/out" || fail "no '$1' on stdout"
}

not_out()
{
	! grep -qF -e "$1" "$dir/out" || fail "'$1' on stdout"
}

err()
{
	grep -qF -e "$1" "$dir/err" || fail "no '$1' on stderr"
}

not_err()
{
	! grep -qF -e "$1" "$dir/err" || fail "'$1' on stderr"
}

query()
{
	"$sql" "$db" "$@"
}

# is TEXT SQL: what the catalog says.
is()
{
	got=$(query "$2")
	[ "$got" = "$1" ] || fail "'$got', not '$1': $2"
}

# until_true COMMAND...: waits, at most ten seconds.
until_true()
{
	i=0
	until "$@" >/dev/null 2>&1; do
		i=$((i + 1))
		if [ $i -gt 500 ]; then
			fail "not within 10 s: $*"
			return
		fi
		sleep 0.02
	done
}

# job NAME: a program with the body on standard input, registered.
job()
{
	{
		echo '#!/bin/sh'
		cat
	} >"$dir/$1"
	chmod +x "$dir/$1"
	run 0 flows register "$dir/$1" --name "$1"
}

# start_scheduler: one that leads; $daemon is its pid.
start_scheduler()
{
	"$build/flowfile_scheduler" 2>>"$dir/daemon.log" &
	daemon=$!
	background="$background $daemon"
	until_true grep -q 'Leading' "$dir/daemon.log"
}

# end_scheduler SIGNAL
end_scheduler()
{
	kill "-$1" "$daemon"
	wait "$daemon" 2>/dev/null || :
	background=
	: >"$dir/daemon.log"
}
