#!/bin/sh
# The flow of doc/flow-files.md goes as it says there.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$top/build}
# shellcheck source=tests/e2e/engine_lib.sh
. "$top/tests/e2e/engine_lib.sh"
# shellcheck source=tests/e2e/cli_lib.sh
. "$top/tests/e2e/cli_lib.sh"

PATH=$build:$PATH
export PATH
cd "$dir"

# code LANGUAGE N: the Nth block of it.
code()
{
	awk -v start="^\`\`\`$1\$" -v n="$2" '
		$0 ~ start { on = ++seen == n; next }
		/^```/ { on = 0 }
		on' "$top/doc/flow-files.md"
}

run 0 init
code yaml 1 >by_country.yaml
code sh 1 >make.sh
code sh 2 >use.sh
grep -q 'customers.yaml' make.sh || fail 'the first part is another one'
grep -q 'tables preview' use.sh || fail 'the second part is another one'
sh -eux make.sh >out 2>err || fail 'the first part'
sh -eux use.sh >out 2>err || fail 'the second part'
run 0 sql --csv 'SELECT * FROM by_country'
out 'NL,310.0' # the last line used 200
not_out 'DE'
run 0 run flow by_country.yaml
run 0 sql --csv 'SELECT * FROM by_country'
out 'NL,430.5' # the default

exit $failed
