# What the demo's report must say, calculated from the sources in another way than the flows do it: whole
# numbers in shell arithmetic, grep, cut and sort. Sourced; wants $data and, for the report, its file $report.
# shellcheck shell=sh disable=SC2154

fail()
{
	echo "FAIL: $*" >&2
	exit 1
}

is()
{
	[ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

months()
{
	echo $(($(wc -l <"$report") - 1))
}

# Decimals as whole numbers: 12.8 is 128, -0.5 is -5, 393.07 is 39307.
whole()
{
	sed 's/\.//; s/^\(-\{0,1\}\)0*\([0-9]\)/\1\2/'
}

sum()
{
	total=0
	while read -r number; do
		total=$((total + number))
	done
	echo "$total"
}

days_of() # MONTH COLUMN
{
	grep "^$1-" "$data/seattle-weather.csv" | cut -d, -f"$2"
}

co2_of() # MONTH COLUMN
{
	grep "^$1-" "$data/co2-concentration.csv" | cut -d, -f"$2"
}

wet_days()
{
	count=0
	while read -r tenths; do
		[ "$tenths" -lt 10 ] || count=$((count + 1))
	done
	echo "$count"
}

# check_month ROW: one row of climate_monthly.
check_month()
{
	IFS=, read -r month days mean low high rain wet kind co2 trend change <<END
$1
END
	before=$((${month%-*} - 1))-${month#*-}
	is "$month days" "$(days_of "$month" 1 | wc -l)" "$days"
	is "$month temp_min" "$(days_of "$month" 4 | sort -n | head -n 1)" "$low"
	is "$month temp_max" "$(days_of "$month" 3 | sort -n | tail -n 1)" "$high"
	is "$month precipitation" "$(days_of "$month" 2 | whole | sum)" "$(echo "$rain" | whole)"
	is "$month wet_days" "$(days_of "$month" 2 | whole | wet_days)" "$wet"
	is "$month main_weather" "$kind" \
		"$(days_of "$month" 6 | sort | uniq -c | sort -k1,1nr -k2,2 | sed 's/.* //; q')"
	# Of these the flow writes as many digits as it takes.
	co2=$(printf %.2f "$co2")
	trend=$(printf %.2f "$trend")
	change=$(printf %.2f "$change")
	is "$month co2" "$(co2_of "$month" 2)" "$co2"
	is "$month co2_trend" "$(co2_of "$month" 3)" "$trend"
	is "$month co2_change" "$(($(echo "$co2" | whole) - $(co2_of "$before" 2 | whole)))" \
		"$(echo "$change" | whole)"
	# The mean is half of the sum over the days, and right to half of its last digit.
	twice=$({ days_of "$month" 3; days_of "$month" 4; } | whole | sum)
	off=$((2 * days * $(echo "$mean" | whole) - twice))
	[ "${off#-}" -le "$days" ] || fail "$month temp_mean $mean is not $twice / 20 / $days"
}

check_report()
{
	is "months of the report" "$1" "$(months)"
	sed 1d "$report" | while read -r row; do
		check_month "$row"
	done
}
