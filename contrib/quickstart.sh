#!/usr/bin/env bash
# Installs what is missing, the query engine among it, builds in build/ and shows the demo.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=contrib/setup/lib.sh
. contrib/setup/lib.sh

need_packages "${build_packages[@]}"
build_in build
contrib/engine.sh build/libduckdb.so
exec contrib/demo/demo.sh "$PWD/build"
