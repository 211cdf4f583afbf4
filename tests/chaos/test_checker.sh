#!/bin/sh
# The judge of the chaos test, on writes and runs that are made up.
PYTHONDONTWRITEBYTECODE=1 exec "${FLOWFILE_TEST_PYTHON:-python3}" "$(dirname "$0")/test_checker.py"
