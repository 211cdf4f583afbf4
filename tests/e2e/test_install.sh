#!/bin/sh
# contrib/install.sh ends with what was installed where and what to type next, and with nothing else. What it
# calls is stood in for, so that nothing is installed.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/flowfile-test-XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
if [ -d /run/systemd/system ] || ! command -v bash >/dev/null; then
	exit 77
fi

mkdir -p "$dir/tree/contrib" "$dir/bin"
cp -R "$top/contrib/install.sh" "$top/contrib/setup" "$dir/tree/contrib"
chmod -R u+w "$dir/tree"
stand_in()
{
	printf '#!/bin/sh\n%s\n' "$2" >"$1"
	chmod +x "$1"
}
stand_in "$dir/tree/configure" 'touch Makefile'
stand_in "$dir/bin/dpkg-query" 'echo installed'
stand_in "$dir/bin/pkg-config" 'echo some'
# shellcheck disable=SC2016 # the stand-in's own name
stand_in "$dir/bin/make" 'echo " /usr/bin/mkdir -p somewhere"; [ ! -e "$0.broken" ]'
stand_in "$dir/tree/contrib/engine.sh" ':'

PATH=$dir/bin:$PATH bash "$dir/tree/contrib/install.sh" "$dir/prefix" >"$dir/out" 2>&1
sed -n '/^Installed:/,$p' "$dir/out" >"$dir/summary"
for text in "$dir/prefix/bin/flowfile " "No systemd runs here" "  $dir/prefix/bin/flowfile_scheduler"; do
	grep -qF -e "$text" "$dir/summary" || {
		echo "FAIL: no '$text' at the end of"
		cat "$dir/out"
		exit 1
	}
done
[ "$(tail -n 1 "$dir/out")" = "  $dir/prefix/bin/flowfile doctor" ]
if grep mkdir "$dir/summary"; then
	exit 1
fi
grep -qF "are run by the engine DuckDB, $dir/prefix/lib/flowfile-scheduler/libduckdb.so" "$dir/summary"

# The rest works without the engine.
stand_in "$dir/tree/contrib/engine.sh" 'exit 1'
PATH=$dir/bin:$PATH bash "$dir/tree/contrib/install.sh" "$dir/prefix" >"$dir/out" 2>&1
grep -qF "the engine DuckDB was not to be had" "$dir/out"

: >"$dir/bin/make.broken"
if PATH=$dir/bin:$PATH bash "$dir/tree/contrib/install.sh" "$dir/prefix" >"$dir/out" 2>&1; then
	echo "FAIL: a failed installation is said to be one"
	exit 1
fi
if grep '^Installed:' "$dir/out"; then
	exit 1
fi
