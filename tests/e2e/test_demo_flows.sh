#!/bin/sh
# The demo's flows, without a scheduler: what they make of the data.

set -eu
LC_ALL=C
export LC_ALL

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$top/build}
# shellcheck source=tests/e2e/engine_lib.sh
. "$top/tests/e2e/engine_lib.sh"
data=$top/contrib/demo/data
flowfile=$build/flowfile
dir=$(mktemp -d "${TMPDIR:-/tmp}/flowfile-test-XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
HOME=$dir
export HOME
unset FLOWFILE_DATABASE_URL FLOWFILE_DB_PATH FLOWFILE_RUN_ID 2>/dev/null || :

. "$top/tests/e2e/demo_expected.sh"

# storage NAME: a catalog and the flows in a folder of their own.
storage()
{
	FLOWFILE_STORAGE_DIR=$dir/$1
	export FLOWFILE_STORAGE_DIR
	report=$FLOWFILE_STORAGE_DIR/climate_monthly.csv
	mkdir -p "$FLOWFILE_STORAGE_DIR/flows"
	cp -R "$data" "$FLOWFILE_STORAGE_DIR/data"
	chmod -R u+w "$FLOWFILE_STORAGE_DIR"
	for file in "$top"/contrib/demo/flows/*.yaml; do
		sed "s|@DIR@|$FLOWFILE_STORAGE_DIR|" "$file" >"$FLOWFILE_STORAGE_DIR/flows/${file##*/}"
	done
	"$flowfile" init >"$dir/log"
	run first_year
}

run()
{
	"$flowfile" run flow "$FLOWFILE_STORAGE_DIR/flows/$1.yaml" >"$dir/log" 2>&1 ||
		fail "$1 exits $?: $(cat "$dir/log")"
}

rows_of() # TABLE
{
	"$flowfile" tables show "$1" --json | tr -d ' \n' | sed 's/.*"row_count":\([0-9]*\).*/\1/'
}

last_of() # TABLE
{
	"$flowfile" tables preview "$1" --csv --limit 10000 | tail -n 1 | cut -c 1-10
}

test_producers_take_the_next_slice_each_time()
{
	storage slices
	is "days at first" 366 "$(rows_of weather_raw)"
	run import_weather
	is "days then" 397 "$(rows_of weather_raw)"
	is "last day" 2013-01-31 "$(last_of weather_raw)"
	run import_weather
	is "days of February" 425 "$(rows_of weather_raw)"
	is "months at first" 24 "$(rows_of co2_raw)"
	run import_co2
	is "months then" 27 "$(rows_of co2_raw)"
	is "last month" 2013-03-01 "$(last_of co2_raw)"
}

test_report_is_right_from_the_first_month_to_the_last()
{
	storage all
	run clean_weather
	run monthly_report
	check_report 12
	# Known from the sources by hand, so that two wrongs do not agree.
	is "a month" 2012-01,31,4.3,-3.3,12.8,173.3,21,rain,393.07,393.02,1.77 "$(sed -n 2p "$report")"
	sed 's/ = 2012/ > 2000/; s/year(\[Date\]) = 2011/year([Date]) > 2010/; s/: error/: overwrite/' \
		"$FLOWFILE_STORAGE_DIR/flows/first_year.yaml" >"$FLOWFILE_STORAGE_DIR/flows/all_years.yaml"
	run all_years
	run clean_weather
	run monthly_report
	is "sound days" 1461 "$(rows_of weather_daily)"
	check_report 48
	run import_weather
	is "days when nothing is left" 1461 "$(rows_of weather_raw)"
}

test_cleaning_drops_bad_rows()
{
	storage dirty
	cat >>"$FLOWFILE_STORAGE_DIR/data/seattle-weather.csv" <<'END'
2012-03-01,9.9,10.0,-2.0,3.0,sun
2012-02-29,0.0,1.5,2.5,0.0,fog
2012-04-01,0.0,61.0,2.5,0.0,fog
2012-04-02,-1.0,6.0,2.5,0.0,fog
2012-04-03,0.0,6.0,2.5,121.0,fog
END
	sed 's/: error/: overwrite/' "$top/contrib/demo/flows/first_year.yaml" |
		sed "s|@DIR@|$FLOWFILE_STORAGE_DIR|" >"$FLOWFILE_STORAGE_DIR/flows/again.yaml"
	run again
	is "days delivered" 371 "$(rows_of weather_raw)"
	run clean_weather
	is "sound days" 366 "$(rows_of weather_daily)"
	is "the later delivery" 2012-03-01,9.9,10.0,-2.0,3.0,sun,2012-03,4.0,1 \
		"$("$flowfile" tables preview weather_daily --csv --limit 400 | grep ^2012-03-01)"
}

test_virtual_tables_follow()
{
	storage virtual
	run clean_weather
	"$flowfile" flows register "$FLOWFILE_STORAGE_DIR/flows/rainy_days.yaml" --name rainy_days >"$dir/log"
	"$flowfile" tables register rainy_days --made-by rainy_days >"$dir/log"
	run rain_diary
	is "a year" 2012,148,1211.5 "$("$flowfile" tables preview rain_by_year --csv | sed -n 2p)"
	run import_weather
	run clean_weather
	run rain_diary
	is "years" 2 "$(rows_of rain_by_year)"
}

passed=0
for name in producers_take_the_next_slice_each_time report_is_right_from_the_first_month_to_the_last \
	cleaning_drops_bad_rows virtual_tables_follow; do
	"test_$name"
	echo "ok: $name"
	passed=$((passed + 1))
done
echo "$passed passed, 0 failed"
