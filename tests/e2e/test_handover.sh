#!/bin/sh
# A Flowfile catalog is driven by the daemon and by a Python scheduler in turn: handover.py tells the stories.

set -eu

python=${FLOWFILE_TEST_PYTHON:-python3}
if ! "$python" -c 'import sys, sqlite3, zoneinfo; sys.exit(sqlite3.sqlite_version_info < (3, 35))' 2>/dev/null; then
	echo "skipped: it needs Python 3.9 or newer with sqlite3"
	exit 77
fi
PYTHONDONTWRITEBYTECODE=1 exec "$python" "$(dirname "$0")/handover.py" "$@"
