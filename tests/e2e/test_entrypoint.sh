#!/bin/sh
# The container's entry point starts the scheduler exactly where Flowfile would start its own.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/flowfile-test-XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# Both say who they are and with which arguments; what is exec'd keeps the process id.
for name in flowfile_scheduler command; do
	cat >"$dir/$name" <<'END'
#!/bin/sh
echo "$$ ${0##*/} $# $*"
exit 7
END
	chmod +x "$dir/$name"
done
PATH=$dir:$PATH
failed=0

# check WANTED [ARGUMENT...]: runs the entry point; $value is the variable's value, "unset" none.
check()
{
	wanted=$1
	shift
	unset FLOWFILE_SCHEDULER_ENABLED
	if [ "$value" != unset ]; then
		FLOWFILE_SCHEDULER_ENABLED=$value
		export FLOWFILE_SCHEDULER_ENABLED
	fi
	status=0
	# shellcheck disable=SC2016 # the inner shell's own id
	got=$(sh -c 'echo $$; exec "$@"' sh "$top/contrib/docker/entrypoint.sh" "$@" 2>&1) || status=$?
	pid=${got%%
*}
	got="$status ${got#*
}"
	if [ "$got" != "7 $pid $wanted" ]; then
		echo "FAIL: '$value' with $# arguments: '$got', not '7 $pid $wanted'"
		failed=1
	fi
}

newline='
'
for value in true TRUE True tRuE 1 yes YES Yes; do
	check 'flowfile_scheduler 0 '
	check 'flowfile_scheduler 0 ' command one
done
for value in unset '' false 0 no on y t 2 11 ' true' 'true ' "true$newline" "${newline}1" 'true true' \
	"yes${newline}yes" '*' "'"; do
	check 'command 2 one two  three' command one 'two  three'
done

unset FLOWFILE_SCHEDULER_ENABLED
if "$top/contrib/docker/entrypoint.sh" 2>/dev/null; then
	echo "FAIL: without a command and without the variable it succeeds"
	failed=1
fi
exit $failed
