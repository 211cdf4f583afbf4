#!/bin/sh
# The manual pages name every command and every option that the programs know.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$top/build}
failed=0

# Long options in the "Options:" part of a help text.
options()
{
	awk '/^Options:/ { on = 1; next } /^[^ ]/ { on = 0 } on' |
		sed -n 's/^ .*--\([a-z-]*\).*/\1/p'
}

# The part of the page on one command, from its item to the next one.
part() # COMMAND
{
	awk -v command="$1" '
		/^\.It Cm |^\.Cm / {
			sub(/^\.(It )?Cm /, "")
			on = index($0 " ", command " ") == 1
		}
		/^\.S[hs]/ { on = 0 }
		on' "$top/man/flowfile.1"
}

# Whether a page names the option, and not only one that begins like it.
names() # OPTION
{
	grep -Eq -- "Fl -$1([^a-z-]|\$)"
}

check_command() # COMMAND...
{
	text=$(part "$*")
	if [ -z "$text" ]; then
		echo "FAIL: flowfile.1 does not name the command: $*"
		failed=1
	fi
	for option in $("$build/flowfile" "$@" --help | options); do
		echo "$text" | names "$option" || {
			echo "FAIL: flowfile.1 does not name the option of $*: --$option"
			failed=1
		}
	done
}

nouns=$("$build/flowfile" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
[ "$(echo "$nouns" | wc -l)" -gt 5 ]
for noun in $nouns; do
	verbs=$("$build/flowfile" "$noun" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
	[ "$noun" != run ] || verbs=flow
	for verb in $verbs; do
		check_command "$noun" "$verb"
	done
	[ -n "$verbs" ] || check_command "$noun"
done
for option in $("$build/flowfile" version --help | sed -n 's/^ .*--\([a-z-]*\).*/\1/p'); do
	grep "^\.It" "$top/man/flowfile.1" | names "$option" || {
		echo "FAIL: flowfile.1 does not name --$option"
		failed=1
	}
done
for option in $("$build/flowfile_scheduler" --help | sed -n 's/^ .*--\([a-z-]*\).*/\1/p'); do
	grep "^\.It" "$top/man/flowfile_scheduler.8" | names "$option" || {
		echo "FAIL: flowfile_scheduler.8 does not name --$option"
		failed=1
	}
done
exit $failed
