# What the scripts that build, test and check share; sourced by bash, from the top of the tree.
# shellcheck shell=bash

# Package names are Debian's. The lists are used by the scripts that source this.
# shellcheck disable=SC2034
{
	build_packages=(gcc libc6-dev make autoconf automake pkg-config libevent-dev libsqlite3-dev
		libcjson-dev libyaml-dev libhttp-parser-dev libjwt-dev libssl-dev libpq-dev uthash-dev
		tzdata)
	test_packages=(check curl libsystemd-dev postgresql procps python3 valgrind)
	lint_packages=(clang clang-format cppcheck mandoc shellcheck xz-utils)
}

die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

is_installed()
{
	[[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# need_packages NAME...: installs what is missing, and asks no server when nothing is.
need_packages()
{
	local name
	local -a missing=()

	command -v dpkg-query >/dev/null ||
		die "this is no Debian system; install by hand what Debian calls: $*"
	for name in "$@"; do
		is_installed "$name" || missing+=("$name")
	done
	((${#missing[@]})) || return 0
	((EUID == 0)) || die "packages are missing; run this, then try again:
  sudo apt-get update
  sudo apt-get install --no-install-recommends ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q update </dev/null
	apt-get -q install -y --no-install-recommends "${missing[@]}" </dev/null
}

# build_in DIR [CONFIGURE-OPTION...]: makes everything in DIR. Configures first when the options or
# the libraries on this machine are not those of the last time.
build_in()
{
	local dir=$1 top=$PWD stamp
	shift

	[[ -x configure ]] || autoreconf -i
	mkdir -p "$dir"
	stamp="$* $(pkg-config --list-all | sort | cksum)"
	if [[ ! -f $dir/Makefile || $(cat "$dir/configured-for" 2>/dev/null) != "$stamp" ]]; then
		(cd "$dir" && "$top/configure" -q "$@")
		printf '%s\n' "$stamp" >"$dir/configured-for"
	fi
	make -s -C "$dir" -j"$(nproc)"
}
