#!/bin/sh
# Starts the scheduler where FLOWFILE_SCHEDULER_ENABLED says so, as Flowfile reads it: true, 1 or yes in
# any case, with nothing around it. Otherwise runs the command that is given.
set -eu

# The dot keeps a newline at the end, which "$(...)" would take away.
case $(printf '%s.' "${FLOWFILE_SCHEDULER_ENABLED-}" | LC_ALL=C tr '[:upper:]' '[:lower:]') in
true. | 1. | yes.)
	exec flowfile_scheduler
	;;
esac
if [ $# -eq 0 ]; then
	echo "FLOWFILE_SCHEDULER_ENABLED is not true, and no command is given" >&2
	exit 2
fi
exec "$@"
