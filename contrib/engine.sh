#!/usr/bin/env bash
# engine.sh FILE: fetches the library of DuckDB, which runs flow files and queries, unless FILE is there already. It is taken from its npm package,
# whose checksum npm verifies.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=contrib/setup/lib.sh
. "$top/contrib/setup/lib.sh"

version=1.5.6-r.1

[[ $# == 1 ]] || die "usage: $0 FILE"
target=$1
[[ ! -e $target ]] || exit 0
case $(uname -m) in
x86_64) machine=x64 ;;
aarch64) machine=arm64 ;;
*) die "there is no DuckDB for $(uname -m) to be fetched; FLOWFILE_LIBDUCKDB may name one" ;;
esac
command -v npm >/dev/null || need_packages npm
mkdir -p "$(dirname "$target")"
dir=$(mktemp -d "$(dirname "$target")/.engine.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm pack --loglevel=error "@duckdb/node-bindings-linux-$machine@$version" >/dev/null ||
	die "npm could not fetch DuckDB; a libduckdb.so of version ${version%-*} from elsewhere can be put at $target"
tar -xzf ./*.tgz package/libduckdb.so
cd "$OLDPWD"
chmod 755 "$dir/package/libduckdb.so"
mv "$dir/package/libduckdb.so" "$target"
