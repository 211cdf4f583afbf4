#!/bin/sh
# Proves that the simulator notices broken promises: each patch in tests/sim/mutants breaks the program on
# purpose, in a copy of the source, and the simulator must fail by the promise that the patch is named after, or by one
# of those that its line "Noticed by:" names.
#
#	tests/sim/mutants.sh [SEEDS] [NAME...]      (top_srcdir says where the source is)
#
# Prints a table. Exit status 1 if a mutant lives. Set MUTANTS_DIR to keep the copy for the next time.
set -eu

src=$(cd "${top_srcdir:-.}" && pwd)
seeds=${1:-400}
[ $# -gt 0 ] && shift
work=${MUTANTS_DIR:-$(mktemp -d "${TMPDIR:-/tmp}/sim-mutants-XXXXXX")}
[ -n "${MUTANTS_DIR:-}" ] || trap 'rm -rf "$work"' EXIT
status=0

mkdir -p "$work/src" "$work/build"
for part in Makefile.am configure.ac configure aclocal.m4 Makefile.in config.h.in build-aux m4 include src tests \
	contrib doc man etc; do
	[ ! -e "$src/$part" ] || cp -a "$src/$part" "$work/src/"
done
# What an earlier call built may be of a mutant.
find "$work/src/src" "$work/src/include" "$work/src/tests/sim" -type f -exec touch {} +
cd "$work/build"
[ -f Makefile ] || "$work/src/configure" >configure.log 2>&1 || { cat configure.log; exit 1; }

build()
{
	{ make store/sql.h && make -j2 tests/sim/sim; } >make.log 2>&1 || { tail -20 make.log; exit 1; }
}

# The first failing seed, the promise, and what was said.
try()
{
	tests/sim/sim --seeds "$seeds" --first-failure 2>/dev/null | grep -a '^seed .* is broken' | head -1
}

printf '%-12s %-8s %-8s %s\n' mutant seed promise 'what the simulator says'
for patch in "$src"/tests/sim/mutants/*.patch; do
	name=$(basename "$patch" .patch)
	if [ $# -gt 0 ]; then
		case " $* " in *" $name "*) ;; *) continue ;; esac
	fi
	if ! (cd "$work/src" && patch -s -p1 --dry-run <"$patch" >/dev/null); then
		printf '%-12s %-8s %-8s %s\n' "$name" - - "does not apply any more: make the patch anew"
		status=1
		continue
	fi
	(cd "$work/src" && patch -s -p1 <"$patch")
	build
	said=$(try)
	(cd "$work/src" && patch -s -R -p1 <"$patch")
	if [ -z "$said" ]; then
		printf '%-12s %-8s %-8s %s\n' "$name" - - "NOT NOTICED in $seeds seeds"
		status=1
		continue
	fi
	expected=$(sed -n 's/^Noticed by: *//p' "$patch")
	seed=${said#seed }
	seed=${seed%%:*}
	promise=${said#*: }
	promise=${promise%% *}
	note=
	case " ${expected:-${name%%-*}} " in
	*" $promise "*) ;;
	*)
		note="NOT BY ${expected:-${name%%-*}}: "
		status=1
		;;
	esac
	printf '%-12s %-8s %-8s %s\n' "$name" "$seed" "$promise" "$note${said#*is broken: }"
done
exit $status
