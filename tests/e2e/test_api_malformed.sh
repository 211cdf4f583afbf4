#!/bin/sh
# Thousands of malformed requests: never a crash, a hang, a 500, or a path or query in the answer.
# shellcheck source=tests/e2e/api_client.sh
. "$(dirname "$0")/api_client.sh"
