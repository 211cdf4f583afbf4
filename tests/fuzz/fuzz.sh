#!/bin/sh
# Looks for inputs that break the reading of what people and other programs write: fuzz.sh, in a build folder (make fuzz).
# FUZZ_SECONDS: for each target. What is found stays in fuzz-build/<target>/.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
seconds=${FUZZ_SECONDS:-60}
flags='-g -O1 -fno-omit-frame-pointer'
sanitizers='address,undefined'

cc=
for candidate in ${FUZZ_CC:-clang clang-14 clang-15 clang-16}; do
	if echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' |
		"$candidate" -x c -fsanitize=fuzzer - -o /dev/null 2>/dev/null; then
		cc=$candidate
		break
	fi
done
if [ -z "$cc" ]; then
	echo "skipped: no clang with libFuzzer"
	exit 0
fi

mkdir -p fuzz-build
cd fuzz-build
[ -f Makefile ] || "$top/configure" -q CC="$cc" CFLAGS="$flags -fsanitize=fuzzer-no-link,$sanitizers -fno-sanitize-recover=undefined"
ours='libhttp.a libflow.a libcatalog.a libffconfig.a librunner.a libstore.a libcore.a libbase.a'
make -s store/sql.h
# shellcheck disable=SC2086
make -s -j2 $ours

libraries=$(pkg-config --libs libevent_core sqlite3 libcjson libjwt libcrypto yaml-0.1)
for target in $FUZZ_TARGETS; do
	# shellcheck disable=SC2086
	"$cc" $flags -std=gnu11 -D_GNU_SOURCE -DFUZZ_ALONE -fsanitize="fuzzer,$sanitizers" -fno-sanitize-recover=undefined -I"$top/include" -I. \
		"$top/tests/fuzz/fuzz_$target.c" -o "fuzz_$target" \
		$ours $libraries -lhttp_parser -lpthread -lm -ldl
	mkdir -p "$target"
	echo "$target: $seconds s"
	"./fuzz_$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -artifact_prefix="$target/broken-" \
		-print_final_stats=1 "$target" "$top/tests/fuzz/corpus/$target" >"$target.log" 2>&1 || {
		tail -n 40 "$target.log"
		exit 1
	}
	grep -E 'stat::number_of_executed_units|DONE' "$target.log"
done
