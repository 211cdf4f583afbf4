#!/bin/sh
# Runs and statistics of the API: test_api_runs.py.
. "$(dirname "$0")/api_client.sh"
