#!/bin/sh
# Writes of the API to the data of tables on PostgreSQL: test_api_writes.py.
# shellcheck source=tests/e2e/api_client.sh
. "$(dirname "$0")/api_client.sh"
