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
[ ! -e "$dir/no.db" ] && [ ! -e "$db" ] || fail 'a catalog that was not asked for'
run 2 run flowfile_scheduler --once --database ''
err 'the value is missing'
ok run flowfile_scheduler --database "$other" --print-config
out '--database'

[ $failed = 0 ] || exit 1
