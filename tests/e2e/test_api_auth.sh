#!/bin/sh
# Credentials of the API: tokens, cookie, origins, unix socket, Flowfile's users.
# shellcheck source=tests/e2e/api_client.sh
. "$(dirname "$0")/api_client.sh"
