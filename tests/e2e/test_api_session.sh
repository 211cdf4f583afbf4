#!/bin/sh
# A whole session over the API: test_api_session.py.
# shellcheck source=tests/e2e/api_client.sh
. "$(dirname "$0")/api_client.sh"
