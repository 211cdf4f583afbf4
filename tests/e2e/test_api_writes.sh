#!/bin/sh
# shellcheck source=tests/e2e/api_client.sh
. "$(dirname "$0")/api_client.sh"
