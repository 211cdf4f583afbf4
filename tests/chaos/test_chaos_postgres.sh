#!/bin/sh
# A short round of chaos on PostgreSQL.
exec "$(dirname "$0")/run.sh" postgres 6
