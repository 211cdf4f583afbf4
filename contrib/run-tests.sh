#!/usr/bin/env bash
# Installs what is missing, builds in build/ and runs all tests. Arguments go to make check.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=contrib/setup/lib.sh
. contrib/setup/lib.sh

need_packages "${build_packages[@]}" "${test_packages[@]}"
build_in build
export FLOWFILE_TEST_REQUIRE_POSTGRES=1
exec make -C build --no-print-directory check VERBOSE=1 "$@"
