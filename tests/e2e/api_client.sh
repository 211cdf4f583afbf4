# shellcheck shell=sh
# Sourced by test_api_<name>.sh: carries out test_api_<name>.py.

python=${FLOWFILE_TEST_PYTHON:-python3}
if ! "$python" -c 'import sys, sqlite3; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
	echo "skipped: it needs Python 3.9 or newer with sqlite3"
	exit 77
fi
PYTHONDONTWRITEBYTECODE=1 exec "$python" "${0%.sh}.py" "$@"
