#!/usr/bin/env bash
# Installs what is missing, builds and installs below PREFIX (/usr/local by default); where systemd runs,
# makes the account flowfile and starts the service. Run as root: contrib/install.sh [PREFIX]
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=contrib/setup/lib.sh
. contrib/setup/lib.sh

need_packages "${build_packages[@]}" libsystemd-dev
build_in build-install --prefix="${1:-/usr/local}" --sysconfdir=/etc --with-systemd
make -s -C build-install install
if [[ -d /run/systemd/system ]]; then
	systemd-sysusers flowfile-scheduler.conf
	systemctl daemon-reload
	systemctl enable flowfile-scheduler
	systemctl restart flowfile-scheduler
fi
