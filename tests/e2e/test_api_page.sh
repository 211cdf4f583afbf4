#!/bin/sh
# The API's page is what the table of routes says.
set -eu
page=$(mktemp)
trap 'rm -f "$page"' EXIT
"${abs_top_builddir:?}/tests/unit/api_page" >"$page"
if diff -u "$(dirname "$0")/../../doc/api.md" "$page"; then
	echo '1 passed, 0 failed'
else
	echo 'doc/api.md is not up to date: make api-page'
	echo '0 passed, 1 failed'
	exit 1
fi
