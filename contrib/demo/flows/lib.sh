# What the demo's flows share; sourced, not run. POSIX sh and awk only.
#
# A flow's table is a CSV file under $FLOWFILE_STORAGE_DIR/tables. Files are only ever replaced whole
# by a rename, so that a reader sees the old table or the new one, never a half of it. One flow
# runs at most once at a time, so the file that the next version is made in has a fixed name.
# shellcheck shell=sh disable=SC2034 # what is not used here is used by the flows

set -eu
LC_ALL=C # a decimal point is a point, and text sorts by its bytes
export LC_ALL
umask 022

here=$(cd "$(dirname "$0")" && pwd)
source_dir=$here/../data
tables=${FLOWFILE_STORAGE_DIR:-$HOME/.flowfile}/tables
mkdir -p "$tables"

scratch=
trap 'rm -f $scratch' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

say()
{
	printf '%s  %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"
}

# publish NEW TABLE: NEW becomes the table's file, then the catalog is told, which is what triggers
# the flows that wait for the table.
publish()
{
	rows=$(($(wc -l <"$1") - 1))
	size=$(($(wc -c <"$1")))
	mv "$1" "$tables/$2.csv"
	flowfile tables touch "$2" --rows "$rows" --size "$size" >/dev/null
	say "table $2: $rows rows, $size bytes"
}

# next_slice SOURCE TABLE FIRST UNTIL MONTHS: adds to the table the months of SOURCE that come next:
# FIRST to UNTIL into a new table, then MONTHS months each time. What has been imported is read from
# the table itself, so there is no second record of it to disagree. When nothing is left the table is
# not touched, and so nothing downstream runs.
next_slice()
{
	table=$tables/$2.csv
	new=$table.new
	scratch=$new
	last=
	if [ -s "$table" ]; then
		last=$(awk 'END { print substr($0, 1, 7) }' "$table")
		cat "$table" >"$new"
	else
		sed 1q "$1" >"$new"
	fi
	awk -F, -v last="$last" -v first="$3" -v until="$4" -v months="$5" '
		NR == 1 { next }
		{ month = substr($1, 1, 7) }
		last == "" && (month < first || month > until) { next }
		last != "" && month <= last { next }
		last != "" && month != current { current = month; if (++seen > months) exit }
		{ print }' "$1" >>"$new"
	if cmp -s "$new" "$table"; then
		say "nothing left to import: $2 ends with $last"
		return
	fi
	say "imported up to $(awk 'END { print substr($0, 1, 7) }' "$new")"
	publish "$new" "$2"
}
