#!/bin/sh
# run.sh STORE SECONDS: one round of chaos; 77 where it cannot be run.

set -eu

python=${FLOWFILE_TEST_PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
	echo "skipped: it needs Python 3.9 or newer"
	exit 77
fi
PYTHONDONTWRITEBYTECODE=1 exec "$python" "$(dirname "$0")/chaos.py" "$1" --seconds "$2"
