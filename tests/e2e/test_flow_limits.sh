#!/bin/sh
# Flows that run out of something, or are told to end: an error that says what, and the catalog and its data as before.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$top/build}
# shellcheck source=tests/e2e/engine_lib.sh
. "$top/tests/e2e/engine_lib.sh"
# shellcheck source=tests/e2e/cli_lib.sh
. "$top/tests/e2e/cli_lib.sh"

# flow NAME SQL: its rows overwrite the table big.
flow()
{
	cat >"$dir/$1.yaml" <<END
flowfile_version: 0.16.0
flowfile_id: 1
flowfile_name: $1
flowfile_settings: {}
nodes:
- {id: 1, type: sql_query, outputs: [2], setting_input: {sql_query_input: {sql_code: "$2"}}}
- {id: 2, type: catalog_writer, input_ids: [1], setting_input: {catalog_write_settings: {table_name: big, write_mode: overwrite}}}
END
}

# as_before: the table is what `small` made of it, and nothing of a later write lies about.
as_before()
{
	ok tables preview big --csv
	[ "$(cat "$dir/out")" = "a
1" ] || fail 'the table is not what it was'
	is "1 $stamp" "SELECT row_count || ' ' || updated_at FROM catalog_tables WHERE name = 'big'"
	left=$(find "$dir/base/catalog_tables" -name '.write*')
	[ -z "$left" ] || fail "left behind: $left"
	spilled=$(find "$dir/temp" -mindepth 1)
	[ -z "$spilled" ] || fail "left behind: $spilled"
}

# Rows have come to the disk.
# shellcheck disable=SC2317 # called by until_true
writes()
{
	[ -n "$(find "$place" -path '*.write*' -name '*.parquet' -size +0)" ]
}

mkdir "$dir/temp"
TMPDIR=$dir/temp
export TMPDIR
run 0 init
flow small 'SELECT 1 AS a'
run 0 run flow "$dir/small.yaml"
stamp=$(query "SELECT updated_at FROM catalog_tables WHERE name = 'big'")
as_before

# --- memory ---
flow memory 'SELECT md5(range::VARCHAR) AS a, string_agg(range::VARCHAR) AS b FROM range(3000000) GROUP BY a'
FLOWFILE_SCHEDULER_ENGINE_MEMORY=32M FLOWFILE_SCHEDULER_ENGINE_TEMP_DIR=/proc/nowhere run 1 run flow "$dir/memory.yaml"
err 'engine_temp_dir'
as_before
FLOWFILE_SCHEDULER_ENGINE_MEMORY=32M FLOWFILE_SCHEDULER_ENGINE_THREADS=1 run 1 run flow "$dir/memory.yaml"
err 'node 2 (catalog_writer): Out of Memory Error'
err 'engine_memory bounds it'
as_before

# --- the disk ---
# In a mount of its own, which not everybody may make.
flow disk 'SELECT range AS a, md5(range::VARCHAR) AS b FROM range(300000)'
place=$(query "SELECT file_path FROM catalog_tables WHERE name = 'big'")
if unshare --mount true 2>/dev/null; then
	cp -R "$place" "$dir/copy"
	status=0
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount sh -c 'mount -t tmpfs -o size=2m tmpfs "$1" && cp -R "$2/." "$1" || exit 99
		"$3" run flow "$4" 2>"$5"; status=$?
		find "$1" -name ".write*" >"$6"
		exit $status' sh "$place" "$dir/copy" "$flowfile" "$dir/disk.yaml" "$dir/err" "$dir/left" >"$dir/out" || status=$?
	[ "$status" = 1 ] || fail "a full disk ends with $status"
	err 'node 2 (catalog_writer)'
	err 'No space left on device'
	[ ! -s "$dir/left" ] || fail "left behind: $(cat "$dir/left")"
	as_before
elif [ -n "${FLOWFILE_TEST_REQUIRE_ALL:-}" ]; then
	fail 'no mount of its own'
fi

# --- being told to end, while rows are written ---
flow endless 'SELECT a.range AS a, md5(b.range::VARCHAR) AS b FROM range(100000) a, range(1000000) b'
for signal in TERM INT HUP; do
	: >"$dir/out"
	"$flowfile" run flow "$dir/endless.yaml" >"$dir/out" 2>"$dir/err" &
	pid=$!
	background=$pid
	until_true writes
	until_true grep -q 'computed from' "$dir/out"
	kill -"$signal" "$pid"
	status=0
	wait "$pid" || status=$?
	background=
	[ "$status" -ne 0 ] || fail "ended by $signal it says that all is well"
	as_before
done

exit "$failed"
