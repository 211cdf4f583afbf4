#!/bin/sh
# Queries of the API on PostgreSQL: test_api_queries.py.
# shellcheck source=tests/e2e/api_client.sh
. "$(dirname "$0")/api_client.sh"
