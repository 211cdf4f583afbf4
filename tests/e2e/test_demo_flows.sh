#!/bin/sh
# The demo's flows, without a scheduler: what they make of the data.

set -eu
LC_ALL=C
export LC_ALL

top=$(cd "$(dirname "$0")/../.." && pwd)
flows=$top/contrib/demo/flows
data=$top/contrib/demo/data
dir=$(mktemp -d "${TMPDIR:-/tmp}/flowfile-test-XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

. "$top/tests/e2e/demo_expected.sh"

# A catalog that writes down what it is told; exits 1 when $dir/refuse exists.
mkdir "$dir/bin"
cat >"$dir/bin/flowfile" <<END
#!/bin/sh
echo "\$*" >>"$dir/calls"
[ ! -e "$dir/refuse" ]
END
chmod +x "$dir/bin/flowfile"
PATH=$dir/bin:$PATH
export PATH

storage()
{
	FLOWFILE_STORAGE_DIR=$dir/$1
	export FLOWFILE_STORAGE_DIR
	tables=$FLOWFILE_STORAGE_DIR/tables
	: >"$dir/calls"
}

run()
{
	"$flows/$1" >"$dir/log" 2>&1 || fail "$1 exits $?: $(cat "$dir/log")"
}

test_producers_take_the_next_slice_each_time()
{
	storage slices
	run import_weather
	is "days at first" 366 "$(rows weather_raw)"
	run import_weather
	is "days then" 397 "$(rows weather_raw)"
	run import_co2
	is "months at first" 24 "$(rows co2_raw)"
	run import_co2
	is "months then" 27 "$(rows co2_raw)"
	is "what the catalog is told" "tables touch co2_raw --rows 27 --size $(wc -c <"$tables/co2_raw.csv")" \
		"$(tail -n 1 "$dir/calls")"
}

test_report_is_right_from_the_first_month_to_the_last()
{
	storage all
	run import_weather
	run import_co2
	run clean_weather
	run monthly_report
	check_report 12
	# Known from the sources by hand, so that two wrongs do not agree.
	is "a month" 2012-01,31,4.3,-3.3,12.8,173.3,21,rain,393.07,393.02,1.77 \
		"$(sed -n 2p "$tables/climate_monthly.csv")"
	for _ in $(seq 36); do
		run import_weather
	done
	for _ in $(seq 12); do
		run import_co2
	done
	cmp -s "$tables/weather_raw.csv" "$data/seattle-weather.csv" || fail "the weather is not complete"
	run clean_weather
	run monthly_report
	is "sound days" 1461 "$(rows weather_daily)"
	check_report 48
	is "months in the text" 48 "$(grep -c ' ppm  ' "$tables/climate_monthly.txt")"
	is "files left" "climate_monthly.csv climate_monthly.txt co2_raw.csv weather_daily.csv weather_raw.csv" \
		"$(cd "$tables" && echo *)"

	calls=$(wc -l <"$dir/calls")
	run import_weather
	is "calls when nothing is left" "$calls" "$(wc -l <"$dir/calls")"
}

test_cleaning_drops_bad_rows_and_repairs_types()
{
	storage dirty
	mkdir -p "$tables"
	cat >"$tables/weather_raw.csv" <<'END'
date,precipitation,temp_max,temp_min,wind,weather
2012-03-02,0.9,10,-2,3,Sun
2012-03-01, 1.0,12.8,5.0,4.7,RAIN
2012-02-29,0.0,1.5,1.5,0.0,fog
2013-02-29,0.0,1.5,1.5,0.0,fog
2012-04-31,0.0,1.5,1.5,0.0,fog
2012-13-01,0.0,1.5,1.5,0.0,fog
2012-3-4,0.0,1.5,1.5,0.0,fog
2012-03-05,,1.5,1.5,0.0,fog
2012-03-05,NA,1.5,1.5,0.0,fog
2012-03-05,-1,1.5,1.5,0.0,fog
2012-03-05,0.0,99,1.5,0.0,fog
2012-03-05,0.0,1.5,2.5,0.0,fog
2012-03-05,0.0,9.5,10.5,0.0,fog
2012-03-05,0.0,1.5,1.5,0.0,hot
2012-03-05,0.0,1.5,1.5,0.0
2012-03-05,0.0,1.5,1.5,0.0,fog,
2012-03-06,4.0,3.0,1.0,2.0,snow
2012-03-06,5.0,3.0,1.0,2.0,rain
END
	sed 's/RAIN$/&\r/' "$tables/weather_raw.csv" >"$dir/crlf"
	mv "$dir/crlf" "$tables/weather_raw.csv"
	run clean_weather
	cat >"$dir/expected" <<'END'
date,month,temp_max,temp_min,temp_mean,precipitation,wind,weather,wet
2012-02-29,2012-02,1.5,1.5,1.50,0.0,0.0,fog,0
2012-03-01,2012-03,12.8,5.0,8.90,1.0,4.7,rain,1
2012-03-02,2012-03,10.0,-2.0,4.00,0.9,3.0,sun,0
2012-03-06,2012-03,3.0,1.0,2.00,5.0,2.0,rain,1
END
	diff "$dir/expected" "$tables/weather_daily.csv" || fail "the rows kept are not the sound ones"
	grep -q "rows read 18, bad 13, delivered twice 1" "$dir/log" || fail "no count: $(cat "$dir/log")"
}

test_report_leaves_out_months_that_one_table_lacks()
{
	storage partial
	run import_weather
	run import_co2
	sed '/^2012-0[2-9]/d; /^2012-1/d' "$tables/co2_raw.csv" >"$dir/some"
	mv "$dir/some" "$tables/co2_raw.csv"
	run clean_weather
	run monthly_report
	check_report 1
	sed 1q "$tables/co2_raw.csv" >"$dir/none"
	mv "$dir/none" "$tables/co2_raw.csv"
	run monthly_report
	check_report 0
	grep -q "no month in common" "$tables/climate_monthly.txt" || fail "the text does not say so"
}

test_flow_fails_when_the_catalog_refuses()
{
	storage refused
	: >"$dir/refuse"
	if "$flows/import_weather" >"$dir/log" 2>&1; then
		fail "import_weather succeeds although the catalog refused"
	fi
	rm "$dir/refuse"
	if "$flows/monthly_report" >"$dir/log" 2>&1; then
		fail "monthly_report succeeds without its tables"
	fi
	is "files left" weather_raw.csv "$(cd "$tables" && echo *)"
}

passed=0
for name in producers_take_the_next_slice_each_time report_is_right_from_the_first_month_to_the_last \
	cleaning_drops_bad_rows_and_repairs_types report_leaves_out_months_that_one_table_lacks \
	flow_fails_when_the_catalog_refuses; do
	"test_$name"
	echo "ok: $name"
	passed=$((passed + 1))
done
echo "$passed passed, 0 failed"
