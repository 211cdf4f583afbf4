# shellcheck shell=sh
# Sourced by test_api_<name>.sh: carries out test_api_<name>.py; by test_api_<name>_postgres.sh: that on PostgreSQL.

python=${FLOWFILE_TEST_PYTHON:-python3}
if ! "$python" -c 'import sys, sqlite3; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
	echo "skipped: it needs Python 3.9 or newer with sqlite3"
	exit 77
fi
test=${0%.sh}
case $test in
*_postgres)
	FLOWFILE_TEST_STORE=postgres
	;;
*)
	FLOWFILE_TEST_STORE=sqlite
	;;
esac
export FLOWFILE_TEST_STORE
PYTHONDONTWRITEBYTECODE=1 exec "$python" "${test%_postgres}.py" "$@"
