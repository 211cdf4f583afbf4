#!/bin/sh
# Tables of the API on PostgreSQL: test_api_tables.py.
# shellcheck source=tests/e2e/api_client.sh
. "$(dirname "$0")/api_client.sh"
