#!/bin/sh
. "$(dirname "$0")/api_client.sh"
