#!/bin/sh
# Flows and namespaces of the API: test_api_flows.py.
. "$(dirname "$0")/api_client.sh"
