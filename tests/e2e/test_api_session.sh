#!/bin/sh
# A whole session over the API: test_api_session.py.
. "$(dirname "$0")/api_client.sh"
