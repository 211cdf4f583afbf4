#!/bin/sh
# A short round of chaos on SQLite.
exec "$(dirname "$0")/run.sh" sqlite 6
