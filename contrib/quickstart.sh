#!/usr/bin/env bash
# Installs what is missing, builds in build/ and shows the demo.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=contrib/setup/lib.sh
. contrib/setup/lib.sh

need_packages "${build_packages[@]}"
build_in build
exec contrib/demo/demo.sh "$PWD/build"
