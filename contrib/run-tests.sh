#!/usr/bin/env bash
# Installs what is missing, builds in build/ and runs all tests. Arguments go to make check.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=contrib/setup/lib.sh
. contrib/setup/lib.sh

need_packages "${build_packages[@]}" "${test_packages[@]}"
build_in build
contrib/engine.sh build/libduckdb.so
export FLOWFILE_TEST_REQUIRE_POSTGRES=1 FLOWFILE_TEST_REQUIRE_ENGINE=1
# Some tests mount and limit things, which not every user may; whoever may runs them all.
if [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null && unshare --user true 2>/dev/null; then
	export FLOWFILE_TEST_REQUIRE_ALL=1
fi
exec make -C build --no-print-directory -j"$(nproc)" check VERBOSE=1 "$@"
