#!/usr/bin/env bash
# Installs what is missing, builds and installs below PREFIX (/usr/local by default); where systemd runs,
# makes the account flowfile and starts the service. Run as root: contrib/install.sh [PREFIX]
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=contrib/setup/lib.sh
. contrib/setup/lib.sh

prefix=${1:-/usr/local}

# Scripts and services have PREFIX/bin in their PATH or not: what to type must work at once.
command_of()
{
	if [[ $(command -v "$1") == "$prefix/bin/$1" ]]; then
		printf '%s' "$1"
	else
		printf '%s' "$prefix/bin/$1"
	fi
}

summary()
{
	cat <<END

Installed:
  $prefix/bin/flowfile             the command line
  $prefix/bin/flowfile_scheduler   the scheduler
  $prefix/share/man                manual pages: flowfile(1), flowfile_scheduler(8), scheduler.ini(5)
  $prefix/share/doc/flowfile-scheduler   README.md, sample configuration
Configuration, if any is wanted: /etc/flowfile/scheduler.ini
$engine

END
	if [[ -d /run/systemd/system ]]; then
		cat <<END
The service flowfile-scheduler runs as the account flowfile, with its catalog in /var/lib/flowfile. Next:
  systemctl status flowfile-scheduler
  sudo -u flowfile -H $(command_of flowfile) doctor
END
	else
		cat <<END
No systemd runs here, so no service was started. Next, as the user whose flows it shall run:
  $(command_of flowfile_scheduler)
in a terminal of its own; its catalog is made in ~/.flowfile. Then, in another one:
  $(command_of flowfile) doctor
END
	fi
}

need_packages "${build_packages[@]}" libsystemd-dev
build_in build-install --prefix="$prefix" --sysconfdir=/etc --with-systemd
make -s -C build-install install >build-install/install.log ||
	die "make install failed; what it said is in $PWD/build-install/install.log"
# Only flow files need it: without it all else works.
library=$prefix/lib/flowfile-scheduler/libduckdb.so
if contrib/engine.sh "$library"; then
	engine="Flow files (.yaml, .json) are run by the engine DuckDB, $library"
else
	engine="Flow files (.yaml, .json) cannot be run: the engine DuckDB was not to be had. Try again:
  $PWD/contrib/engine.sh $library"
fi
if [[ -d /run/systemd/system ]]; then
	systemd-sysusers flowfile-scheduler.conf
	systemctl daemon-reload
	systemctl enable --quiet flowfile-scheduler
	systemctl restart flowfile-scheduler
fi
summary
