#!/bin/sh
# What Flowfile's users may see and do on PostgreSQL: test_api_auth.py.
# shellcheck source=tests/e2e/api_client.sh
. "$(dirname "$0")/api_client.sh"
