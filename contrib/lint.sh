#!/usr/bin/env bash
# Checks the sources without building them: lint.sh [format|c|shell|manual]..., all by default.
set -eu
cd "$(dirname "$0")/.."

# sources PATTERN...: our files whose names match, not what a build has put beside them.
sources()
{
	local -a names=(-name "$1")
	shift
	while (($#)); do
		names+=(-o -name "$1")
		shift
	done
	find . \( -path './build*' -o -path './flowfile-scheduler-*' -o -path ./.git \
		-o -path ./autom4te.cache -o -path './conf*' \) -prune \
		-o -type f \( "${names[@]}" \) -print | sort
}

lint_format()
{
	local file status=0

	while read -r file; do
		clang-format --dry-run --Werror "$file" 2>/dev/null && continue
		echo "$file: not as clang-format -i writes it"
		status=1
	done < <(sources '*.c' '*.h')
	return $status
}

# cppcheck does not read the system's headers; of their macros it needs those of lists and loops. The two suppressed ones want reentrant calls, which are needless here or obsolete.
lint_c()
{
	local queue

	queue=$(echo '#include <sys/queue.h>' | "${CC:-cc}" -E - | sed -n 's/^# 1 "\(.*queue.h\)".*/\1/p')
	cppcheck --quiet --error-exitcode=1 --std=c11 --library=gnu,posix --inline-suppr -j "$(nproc)" \
		--enable=warning,performance,portability --suppress=getpwuidCalled \
		--suppress=readdirCalled --include="$queue" --include=contrib/setup/cppcheck.h \
		-D_GNU_SOURCE -DSYSCONFDIR='""' -DPKGLIBEXECDIR='""' -Iinclude src
}

# Scripts are known by their suffix or by their first line.
lint_shell()
{
	{
		sources '*.sh'
		sources '*' | xargs grep -lIE -m1 '^#!.*/(env )?(ba)?sh\>' -- |
			while read -r file; do
				IFS= read -r line <"$file"
				[[ $line == '#!'* && $line == *sh ]] && printf '%s\n' "$file"
			done
	} | sort -u | xargs shellcheck -x
}

lint_manual()
{
	sources '*.[158]' | xargs mandoc -T lint -W warning
}

(($#)) || set -- format c shell manual
for what in "$@"; do
	"lint_$what"
done
