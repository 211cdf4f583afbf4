#!/bin/sh
# Credentials of the API: tokens, cookie, origins, unix socket, Flowfile's users.
. "$(dirname "$0")/api_client.sh"
