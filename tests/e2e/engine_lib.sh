# shellcheck shell=sh disable=SC2154 # $build is set by those who source it
# For tests that need the query engine: they are skipped where its library is not there, unless it is required.

FLOWFILE_LIBDUCKDB=${FLOWFILE_LIBDUCKDB:-$build/libduckdb.so}
export FLOWFILE_LIBDUCKDB
if [ ! -f "$FLOWFILE_LIBDUCKDB" ]; then
	echo "skipped: no engine at $FLOWFILE_LIBDUCKDB"
	[ -n "${FLOWFILE_TEST_REQUIRE_ENGINE:-}" ] && exit 1
	exit 77
fi
