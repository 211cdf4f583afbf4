/* Nodes that compute over many rows: groups, windows, splits, pivots, graphs and matches of texts that are alike. */
#include "node_test.h"

#define COLUMN(name, type) "{name: " name ", data_type: " type "}"
#define KEYED COLUMN("k", "String") ", " COLUMN("v", "Int64")

/* The case's node is 2, of these rows, and 3 writes what it gives. */
static int
run_node(const char *type, const char *columns, const char *data, const char *settings,
	struct err *err)
{
	struct flow_progress progress;

	return run_nodes(
		arena_printf(&a,
			ROWS("1", "manual_input", "2", "%s",
				"%s") "- {id: 2, type: %s, input_ids: [1], outputs: [3, 4], "
				      "setting_input: {%s}}\n" WRITTEN("3", "2", "",
					      "o.csv") "- {id: 4, type: output, "
						       "input_ids: [2], setting_input: "
						       "{output_settings: {name: "
						       "o.parquet, directory: ., "
						       "file_type: parquet}}}\n",
			columns, data, type, settings),
		&progress, err);
}

/* As Flowfile names them. */
static const char *
types_of(const char *path)
{
	struct err err = ERR_INIT;
	struct columns columns;
	const char *result = "";

	ck_assert_msg(duck_describe(d, arena_printf(&a, "SELECT * FROM '%s'", path), &a, &columns,
			      &err) == 0,
		"%s", err.text);
	for (size_t i = 0; i < columns.n; i++)
		result = arena_printf(&a, "%s%s%s", result, i > 0 ? " " : "",
			type_to_polars(columns.items[i].type, &a));
	return result;
}

static const struct {
	const char *type, *columns, *data, *settings, *rows, *types;
} cases[] = {
	/* A column of the input's own is none of ours. */
	{"group_by", COLUMN("_row", "Int64") ", " COLUMN("_ROW_", "Int64"), "[3, 1, 2], [7, 8, 9]",
		"groupby_input: {agg_cols: [{old_name: _row, agg: first}, {old_name: _row, agg: "
		"last, new_name: l}, {old_name: _ROW_, agg: concat, new_name: c}]}",
		"_row_first,l,c\n3,2,\"7,8,9\"\n", "Int64 Int64 String"},
	{"group_by", COLUMN("b", "Boolean"), "[true, null, true, false]",
		"groupby_input: {agg_cols: [{old_name: b, agg: sum}, {old_name: b, agg: mean}, "
		"{old_name: b, agg: median}, {old_name: b, agg: max}, {old_name: b, agg: count}]}",
		"b_sum,b_mean,b_median,b_max,b_count\n2,0.6666666666666666,1.0,true,3\n",
		"Int64 Float64 Float64 Boolean Int64"},
	{"group_by", KEYED, "[], []",
		"groupby_input: {agg_cols: [{old_name: v, agg: sum}, {old_name: v, agg: mean}, "
		"{old_name: v, agg: n_unique}, {old_name: k, agg: first}, {old_name: k, agg: "
		"concat}]}",
		"v_sum,v_mean,v_n_unique,k_first,k_concat\n0,,0,,\"\"\n",
		"Int64 Float64 Int64 String String"},
	{"group_by", COLUMN("f", "Float64") ", " COLUMN("g", "Float32"),
		"['nan', 1, 2], [null, 'nan', 'nan']",
		"groupby_input: {agg_cols: [{old_name: f, agg: max}, {old_name: f, agg: min}, "
		"{old_name: g, agg: max}, {old_name: g, agg: sum, output_type: Float32}]}",
		"f_max,f_min,g_max,g_sum\n2.0,1.0,nan,nan\n", "Float64 Float64 Float32 Float32"},
	{"group_by",
		COLUMN("d", "Date") ", " COLUMN("m", "'Decimal(10, 2)'") ", " COLUMN("u", "UInt64"),
		"['2024-01-01', '2024-01-02'], ['1.00', '1.01'], [18446744073709551615, 0]",
		"groupby_input: {agg_cols: [{old_name: d, agg: mean}, {old_name: m, agg: median}, "
		"{old_name: m, agg: sum}, {old_name: u, agg: sum}]}",
		"d_mean,m_median,m_sum,u_sum\n2024-01-01 "
		"12:00:00,1.005,2.01,18446744073709551615\n",
		"Datetime(time_unit='us', time_zone=None) Float64 Decimal(precision=38, scale=2) "
		"UInt64"},
	{"group_by", COLUMN("f", "Float64"), "[1, 'nan', 'inf']",
		"groupby_input: {agg_cols: [{old_name: f, agg: std}, {old_name: f, agg: var}]}",
		"f_std,f_var\nnan,nan\n", "Float64 Float64"},

#define WINDOW(partition, order, functions)                                                        \
	"window_input: {partition_by: [" partition "], order_by: [" order                          \
	"], window_functions: [" functions "]}"
#define F(function, rest) "{column: v, function: " function ", new_column_name: " rest "}"
#define PIVOT(index, pivot, value, aggregations)                                                   \
	"pivot_input: {index_columns: [" index "], pivot_column: " pivot ", value_col: " value     \
	", aggregations: [" aggregations "]}"
#define GRAPH(from, to, rest) "graph_solver_input: {col_from: " from ", col_to: " to rest "}"
#define T COLUMN("t", "Int64") ", " COLUMN("k", "String") ", " COLUMN("v", "Int64")
	/* The rows come in the order that is asked for, and a window ends where its group does. */
	{"window_functions", T, "[4, 1, 3, 2, 5], [b, a, a, b, null], [40, 10, null, 20, 50]",
		WINDOW("k", "{column: t, how: Descending}",
			F("rolling_sum", "s, window_size: 2, edge_behavior: partial") ", " F(
				"rolling_mean", "m, window_size: 2") ", " F("rolling_min",
				"z, window_size: 2, edge_behavior: fill_zero") ", " F("cum_sum",
				"c") ", " F("cum_count", "n")),
		"t,k,v,s,m,z,c,n\n5,,50,50,,50,50,1\n4,b,40,40,,40,40,1\n3,a,,,,0,,0\n"
		"2,b,20,60,30.0,20,60,2\n1,a,10,10,,10,10,1\n",
		"Int64 String Int64 Int64 Float64 Int64 Int64 UInt32"},
	{"window_functions", T, "[1, 2, 3, 4], [a, a, a, a], [10, null, 30, 40]",
		WINDOW("", "{column: t}",
			F("rolling_sum", "full, window_size: 2, edge_behavior: null") ", " F(
				"rolling_max",
				"some, window_size: 3, min_periods: 2") ", " F("rolling_std",
				"d, window_size: 3, min_periods: 1") ", " F("rolling_sum",
				"none, window_size: 1, min_periods: 0")),
		"t,k,v,full,some,d,none\n1,a,10,,,,10\n2,a,,,,,0\n3,a,30,,30,14.142135623730951,"
		"30\n"
		"4,a,40,70,40,7.0710678118654755,40\n",
		"Int64 String Int64 Int64 Int64 Float64 Int64"},
	/* Without an order it is that of the rows. A new column may take an old one's place, and all see the old one. */
	{"window_functions", T, "[2, 1, 3], [b, a, c], [3, 1, 2]",
		WINDOW("", "", F("cum_max", "v") ", " F("cum_min", "w")),
		"t,k,v,w\n2,b,3,3\n1,a,3,1\n3,c,3,1\n", "Int64 String Int64 Int64"},
	{"window_functions", T, "[2, 1, 3], [b, a, c], [3, 1, 2]",
		WINDOW("", "{column: v, how: asc}", F("rank", "v")), "t,k,v\n1,a,1\n3,c,2\n2,b,3\n",
		"Int64 String UInt32"},
	{"window_functions", T, "[5, 4, 3, 2, 1], [a, a, a, a, b], [7, null, 7, 1, 9]",
		WINDOW("k", "{column: t}",
			F("rank", "o") ", " F("rank", "d, rank_method: dense") ", " F(
				"rank", "n, rank_method: min") ", " F("rank",
				"x, rank_method: max") ", " F("rank", "g, rank_method: average")),
		"t,k,v,o,d,n,x,g\n1,b,9,1,1,1,1,1.0\n2,a,1,1,1,1,1,1.0\n3,a,7,2,2,2,3,2.5\n4,a,,,,,"
		",\n"
		"5,a,7,3,2,2,3,2.5\n",
		"Int64 String Int64 UInt32 UInt32 UInt32 UInt32 Float64"},
	{"window_functions", T, "[1, 2, 3, 4, 5, 6], [a, a, a, a, a, b], [0, 0, 0, 0, 0, 0]",
		WINDOW("k", "{column: t}",
			"{function: tile, number_of_groups: 3, new_column_name: i}"),
		"t,k,v,i\n1,a,0,1\n2,a,0,1\n3,a,0,2\n4,a,0,2\n5,a,0,3\n6,b,0,1\n",
		"Int64 String Int64 Int64"},
	/* NaN spoils each window that it is in, and is the greatest of none behind it. */
	{"window_functions", COLUMN("t", "Int64") ", " COLUMN("v", "Float64"),
		"[1, 2, 3, 4], [1, 'nan', 3, 4]",
		WINDOW("", "{column: t}",
			F("rolling_min", "i, window_size: 2") ", " F(
				"rolling_max", "x, window_size: 2") ", " F("rolling_std",
				"d, window_size: 2") ", " F("cum_max", "m") ", " F("rank", "r")),
		"t,v,i,x,d,m,r\n1,1.0,,,,1.0,1\n2,nan,nan,nan,nan,1.0,4\n3,3.0,nan,nan,nan,3.0,2\n"
		"4,4.0,3.0,4.0,0.7071067811865476,4.0,3\n",
		"Int64 Float64 Float64 Float64 Float64 Float64 UInt32"},
	{"window_functions", COLUMN("v", "Float64"), "[null, 'nan', 1]",
		WINDOW("", "{column: v}",
			F("rolling_std", "d, window_size: 2, edge_behavior: partial")),
		"v,d\n,\n1.0,\nnan,nan\n", "Float64 Float64"},
	{"window_functions", COLUMN("t", "Int64") ", " COLUMN("v", "Float64"),
		"[1, 2], [null, 'nan']",
		WINDOW("", "{column: t}",
			F("rolling_std", "d, window_size: 2, edge_behavior: fill_zero")),
		"t,v,d\n1,,0.0\n2,nan,0.0\n", "Int64 Float64 Float64"},
	{"window_functions", COLUMN("_row", "Int64") ", " COLUMN("v", "Boolean"),
		"[9, 8, 7], [true, null, true]",
		WINDOW("", "", F("cum_sum", "s") ", " F("cum_min", "n")),
		"_row,v,s,n\n9,true,1,true\n8,,,\n7,true,2,true\n", "Int64 Boolean Int64 Boolean"},
	{"window_functions", COLUMN("v", "Float32"), "[1, 3]",
		WINDOW("", "{column: v}",
			F("rolling_mean", "m, window_size: 2") ", " F("cum_sum", "s")),
		"v,m,s\n1.0,,1.0\n3.0,2.0,4.0\n", "Float32 Float32 Float32"},
	{"pivot", T, "[1, 2, 3, 4, 5], [y, x, null, x, \"it's\"], [10, 20, 30, null, 50]",
		PIVOT("", "k", "v", "sum"), "null,it's,x,y\n30,50,20,10\n",
		"Int64 Int64 Int64 Int64"},
	/* Several aggregations are told apart, and the columns stand in the order of the values. */
	{"pivot", COLUMN("p", "Int64") ", " COLUMN("_row", "String"),
		"[10, 9, 10, null], [b, null, a, z]",
		PIVOT("", "p", "_row", "first, count, concat, n_unique"),
		"null_first,null_count,null_concat,null_n_unique,9_first,9_count,9_concat,9_n_"
		"unique,"
		"10_first,10_count,10_concat,10_n_unique\n"
		"z,1,z,1,,0,\"\",1,b,2,\"b,a\",2\n",
		"String Int64 String Int64 String Int64 String Int64 String Int64 String Int64"},
	{"pivot", COLUMN("p", "Float64") ", " COLUMN("v", "'Decimal(10, 2)'"),
		"[0.5, 'nan', 1e-7], ['1.50', '2', '3']", PIVOT("", "p", "v", "sum"),
		"1e-7,0.5,NaN\n3.00,1.50,2.00\n",
		"Decimal(precision=38, scale=2) Decimal(precision=38, scale=2) "
		"Decimal(precision=38, scale=2)"},
	{"pivot", COLUMN("p", "Datetime") ", " COLUMN("v", "Float32"),
		"['2024-02-29 01:02:03'], [1.5]", PIVOT("", "p", "v", "sum, mean"),
		"2024-02-29 01:02:03.000000_sum,2024-02-29 01:02:03.000000_mean\n1.5,1.5\n",
		"Float32 Float32"},
	{"pivot", KEYED, "[], []", PIVOT("k", "v", "v", "sum"), "k\n", "String"},
	/* The order of the rows stays. Groups are numbered as their first points come. */
	{"graph_solver", COLUMN("s", "String") ", " COLUMN("t", "String"),
		"[A, B, C, E, F, G, I, I, AA], [B, C, D, F, G, J, K, J, Z]", GRAPH("s", "t", ""),
		"s,t,graph_group\nA,B,1\nB,C,1\nC,D,1\nE,F,2\nF,G,2\nG,J,2\nI,K,2\nI,J,2\nAA,Z,3\n",
		"String String UInt64"},
	/* What has only one end is no edge, but its first end may be in one; a loop is one. */
	{"graph_solver", COLUMN("a", "Int64") ", " COLUMN("g", "Int64") ", " COLUMN("b", "String"),
		"[1, 3, null, 5, 7, 9], [0, 0, 0, 0, 0, 0], ['2', null, '2', '5', '3', null]",
		GRAPH("a", "b", ", output_column_name: g"),
		"a,g,b\n1,1,2\n3,3,\n,0,2\n5,2,5\n7,3,3\n9,0,\n", "Int64 UInt64 String"},
	{"graph_solver", COLUMN("_row", "Float64") ", " COLUMN("_end", "Float64"),
		"[1, 0.5], [0.5, 2]", GRAPH("_row", "_end", ", output_column_name: _end_"),
		"_row,_end,_end_\n1.0,0.5,1\n0.5,2.0,1\n", "Float64 Float64 UInt64"},
	{"graph_solver", KEYED, "[], []", GRAPH("k", "v", ""), "k,v,graph_group\n",
		"String Int64 UInt64"},
#define FIELD(name, rest) "{name: " name rest "}"
#define FIT(how, rest, fields)                                                                     \
	"output_field_config: {enabled: true, validation_mode_behavior: " how ", fields: [" fields \
	"]" rest "}"
	/* Columns that a node is asked to give. */
	{"sort", T, "[1], [a], [2]",
		FIT("select_only", "", FIELD("v", "") ", " FIELD("z", "") ", " FIELD("t", "")),
		"v,t\n2,1\n", "Int64 Int64"},
	{"sort", T, "[1], [a], [2]",
		FIT("add_missing", "",
			FIELD("z", ", data_type: Int64, default_value: '7'") ", " FIELD(
				"v", "") ", " FIELD("y",
				", data_type: Date, default_value: never") ", " FIELD("x", "")),
		"z,v,y,x\n7,2,,\n", "Int64 Int64 Date String"},
	{"record_id", T, "[1], [a], [2]",
		FIT("add_missing_keep_extra", ", validate_data_types: true",
			FIELD("v", ", data_type: Int64") ", " FIELD("z", "")),
		"v,z,record_id,t,k\n2,,1,1,a\n", "Int64 String UInt64 Int64 String"},
	{"sort", T, "[1], [a], [2]", FIT("raise_on_missing", "", FIELD("k", "")), "k\na\n",
		"String"},
	{"sort", KEYED, "[a], [2]", FIT("raise_on_missing", "", ""), "k,v\na,2\n", "String Int64"},
	{"sort", KEYED, "[a], [2]", "output_field_config: {enabled: false, fields: [{name: z}]}",
		"k,v\na,2\n", "String Int64"},
	/* With nothing to compute nothing is sorted. */
	{"window_functions", KEYED, "[b, a], [1, 2]", WINDOW("", "{column: k}", ""),
		"k,v\nb,1\na,2\n", "String Int64"},
};

START_TEST(a_node_makes_of_its_input_what_it_says)
{
	struct err err = ERR_INIT;
	char *text;

	ck_assert_msg(run_node(cases[_i].type, cases[_i].columns, cases[_i].data,
			      cases[_i].settings, &err) == 0,
		"%s {%s}: %s", cases[_i].type, cases[_i].settings, err.text);
	text = text_of("o.csv");
	ck_assert_msg(strcmp(text, cases[_i].rows) == 0, "%s {%s} gives\n%s", cases[_i].type,
		cases[_i].settings, text);
	free(text);
	ck_assert_str_eq(types_of("o.parquet"), cases[_i].types);
}
END_TEST

static const struct {
	const char *type, *columns, *settings, *error;
} wrong[] = {
	{"group_by", COLUMN("d", "Date"), "groupby_input: {agg_cols: [{old_name: d, agg: sum}]}",
		"node 2 (group_by): groupby_input: agg_cols[0]: agg: sum takes numbers, and column "
		"d "
		"is Date"},
	{"group_by", COLUMN("k", "String"),
		"groupby_input: {agg_cols: [{old_name: k, agg: median}]}",
		"median takes numbers and times, and column k is String"},
	{"sort", KEYED, FIT("raise_on_missing", "", FIELD("v", "") ", " FIELD("z", "")),
		"node 2 (sort): output_field_config: it gives no column z; there are k and v"},
	{"sort", KEYED, FIT("select_only", "", FIELD("z", "")),
		"output_field_config: it gives none of the columns that are asked for"},
	{"sort", KEYED, FIT("select_only", ", validate_data_types: true", FIELD("v", "")),
		"output_field_config: column v is Int64, not String"},
	{"sort", KEYED,
		FIT("select_only", ", validate_data_types: true", FIELD("v", ", data_type: Int32")),
		"column v is Int64, not Int32"},
	{"sort", KEYED, FIT("drop_all", "", FIELD("v", "")),
		"validation_mode_behavior: 'drop_all' is none of select_only"},
	{"sort", KEYED, FIT("add_missing", "", "{data_type: Int64}"),
		"output_field_config: fields[0]: name: it is missing"},
	{"sort", KEYED, FIT("add_missing", "", FIELD("z", ", data_type: Intt")),
		"fields[0]: data_type: there is no type Intt"},
	{"graph_solver", KEYED, "", "node 2 (graph_solver): graph_solver_input: it is missing"},
	{"graph_solver", KEYED, "graph_solver_input: {col_to: k}", "col_from: it is missing"},
	{"graph_solver", KEYED, GRAPH("k", "z", ""),
		"graph_solver_input: col_to: its input has no column z"},
	{"graph_solver", KEYED, GRAPH("k", "v", ", output_column_name: V"),
		"the columns v and V differ only in upper and lower case"},
	{"pivot", KEYED, "", "node 2 (pivot): pivot_input: it is missing"},
	{"pivot", KEYED, PIVOT("z", "k", "v", "sum"),
		"pivot_input: index_columns: its input has no column z"},
	{"pivot", KEYED, PIVOT("", "z", "v", "sum"),
		"pivot_input: pivot_column: its input has no column z"},
	{"pivot", KEYED, PIVOT("", "k", "z", "sum"),
		"pivot_input: value_col: its input has no column z"},
	{"pivot", KEYED, PIVOT("", "k", "v", ""), "pivot_input: aggregations: there is none"},
	{"pivot", KEYED, PIVOT("", "k", "v", "max, avrage"),
		"pivot_input: aggregations[1]: 'avrage' is none of sum, mean"},
	{"pivot", KEYED, PIVOT("", "v", "k", "sum"),
		"aggregations[0]: sum takes numbers, and column k is String"},
	{"pivot", KEYED, PIVOT("", "k", "v", "sum"), "its input has no rows"},
	{"random_split", KEYED, "splits: []",
		"node 2 (random_split): splits: the percentages add up to 0, not to 100"},
	{"random_split", KEYED, "splits: [{name: a, percentage: 60}, {name: b, percentage: 30}]",
		"splits: the percentages add up to 90, not to 100"},
	{"random_split", KEYED, "splits: [{name: a, percentage: 100}, {name: b, percentage: 0}]",
		"splits[1]: percentage: it is not more than 0"},
	{"random_split", KEYED, "splits: [{name: a, percentage: 50}, {name: a, percentage: 50}]",
		"splits[1]: name: another one is called a"},
	{"random_split", KEYED, "splits: [{percentage: 100}]", "splits[0]: name: it is missing"},
	{"random_split", KEYED, "seed: -1", "seed: -1 is not between 0"},
	{"window_functions", KEYED, WINDOW("z", "", ""),
		"node 2 (window_functions): window_input: partition_by: its input has no column z"},
	{"window_functions", KEYED, WINDOW("", "{column: k}, {column: z}", ""),
		"window_input: order_by[1]: column: its input has no column z"},
	{"window_functions", KEYED, WINDOW("", "{column: k, how: up}", ""),
		"order_by[0]: how: 'up' is none of asc, desc"},
	{"window_functions", KEYED, WINDOW("", "", F("cum_mean", "x")),
		"window_functions[0]: function: 'cum_mean' is none of rolling_sum"},
	{"window_functions", KEYED, WINDOW("", "", "{column: v, new_column_name: x}"),
		"window_functions[0]: function: it is missing"},
	{"window_functions", KEYED, WINDOW("", "", "{column: v, function: cum_sum}"),
		"window_functions[0]: new_column_name: it is missing"},
	{"window_functions", KEYED, WINDOW("", "", F("cum_sum", "x") ", " F("cum_min", "x")),
		"window_functions[1]: new_column_name: x is taken by window_functions[0]"},
	{"window_functions", KEYED,
		WINDOW("", "", "{column: k, function: cum_sum, new_column_name: x}"),
		"function: sum takes numbers, and column k is String"},
	{"window_functions", KEYED, WINDOW("", "", "{function: rank, new_column_name: x}"),
		"column: it is missing"},
	{"window_functions", KEYED, WINDOW("", "", F("rank", "x, rank_method: random")),
		"rank_method: 'random' is none of ordinal, dense"},
	{"window_functions", KEYED, WINDOW("", "", F("rolling_sum", "x, window_size: 2")),
		"function: rolling_sum needs an order, and order_by is empty"},
	{"window_functions", KEYED, WINDOW("", "", F("tile", "x, number_of_groups: 2")),
		"function: tile needs an order"},
	{"window_functions", KEYED, WINDOW("", "{column: k}", F("tile", "x")),
		"number_of_groups: it is missing"},
	{"window_functions", KEYED, WINDOW("", "{column: k}", F("rolling_sum", "x")),
		"window_size: it is missing"},
	{"window_functions", KEYED,
		WINDOW("", "{column: k}", F("rolling_sum", "x, window_size: 0")),
		"window_size: 0 is not between 1"},
	{"window_functions", KEYED,
		WINDOW("", "{column: k}", F("rolling_sum", "x, window_size: 2, min_periods: 3")),
		"min_periods: 3 is not between 0 and 2"},
	{"window_functions", KEYED,
		WINDOW("", "{column: k}",
			F("rolling_sum", "x, window_size: 2, edge_behavior: wrap")),
		"edge_behavior: 'wrap' is none of require_full, partial, fill_zero"},
};

START_TEST(wrong_settings_are_said_with_node_and_field)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(
		run_node(wrong[_i].type, wrong[_i].columns, "", wrong[_i].settings, &err), -1);
	ck_assert_msg(strstr(err.text, wrong[_i].error) != NULL, "%s\nnot: %s", err.text,
		wrong[_i].error);
	ck_assert_int_ne(access("o.csv", F_OK), 0);
}
END_TEST

static int64_t
number(const char *sql)
{
	struct err err = ERR_INIT;
	int64_t n;

	ck_assert_msg(duck_number(d, sql, &n, &err) == 0, "%s", err.text);
	return n;
}

/* --- pivot ---------------------------------------------------------------------------------------------------- */

/* What node 2 gives is sorted by k before it is written. */
static char *
sorted(const char *columns, const char *data, const char *type, const char *settings)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;

	ck_assert_msg(
		run_nodes(arena_printf(&a,
				  ROWS("1", "manual_input", "2", "%s",
					  "%s") "- {id: 2, type: %s, input_ids: [1], outputs: "
						"[3], setting_input: {%s}}\n"
						"- {id: 3, type: sort, input_ids: [2], "
						"outputs: [4], setting_input: {sort_input: "
						"[{column: k}]}}\n" WRITTEN("4", "3", "", "o.csv"),
				  columns, data, type, settings),
			&progress, &err) == 0,
		"%s", err.text);
	return text_of("o.csv");
}

/* A sum is 0 and a mean NULL where an index has no such value. */
START_TEST(a_pivot_has_a_row_for_each_index)
{
	char *text = sorted(T ", " COLUMN("p", "String"),
		"[1, 1, 1, 2, 2], [b, a, null, a, a], [1, 2, 3, 4, 5], [x, y, x, y, y]", "pivot",
		PIVOT("t, k", "p", "v", "sum, mean"));

	ck_assert_str_eq(text,
		"t,k,x_sum,x_mean,y_sum,y_mean\n1,,3,3.0,0,\n1,a,0,,2,2.0\n2,a,0,,9,4.5\n"
		"1,b,1,1.0,0,\n");
	free(text);
}
END_TEST

START_TEST(an_empty_text_is_no_name_of_a_pivots_column)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(
		run_node("pivot", KEYED, "['', b], [1, 2]", PIVOT("", "k", "v", "sum"), &err), -1);
	ck_assert_msg(strstr(err.text,
			      "node 2 (pivot): pivot_input: pivot_column: a value of k is an "
			      "empty text") != NULL,
		"%s", err.text);
}
END_TEST

static char said[256];

static void
note_line(void *arg, const char *line)
{
	(void)arg;
	snprintf(said, sizeof(said), "%s", line);
}

/* Compiles node 2 of a flow of the numbers 0 to 299; *columns is what it gives. */
static void
compile(const char *type, const char *settings, bool explains, struct columns *columns)
{
	const struct plan_options options = {.duck = d, .explains = explains, .say = note_line};
	const char *numbers = "0", *nodes;
	struct err err = ERR_INIT;
	struct relation *relation;
	struct flow *flow;
	struct plan *plan;

	for (int i = 1; i < 300; i++)
		numbers = arena_printf(&a, "%s, %d", numbers, i);
	nodes = arena_printf(&a,
		"nodes:\n" ROWS("1", "manual_input", "2", COLUMN("v", "Int64"),
			"[%s]") "- {id: 2, type: %s, input_ids: [1], setting_input: {%s}}\n",
		numbers, type, settings);
	ck_assert_int_eq(file_write_atomic("flow.yaml", nodes, strlen(nodes), 0644, &err), 0);
	ck_assert_msg(flow_read("flow.yaml", NULL, 0, &flow, &err) == 0, "%s", err.text);
	ck_assert_int_eq(plan_create(&options, &plan, &err), 0);
	plan_scope(plan, flow, NULL, 0);
	ck_assert_msg(plan_compile(plan, plan->top, flow_node(flow, 2), 0, &relation, &err) == 0,
		"%s", err.text);
	*columns = (struct columns){0};
	for (size_t i = 0; i < relation->columns.n; i++)
		columns_add(columns, &a, relation->columns.items[i].name,
			relation->columns.items[i].type);
	plan_free(plan);
	flow_free(flow);
}

START_TEST(a_pivot_has_at_most_200_values_and_says_so)
{
	struct columns columns;

	compile("pivot", PIVOT("", "v", "v", "count"), false, &columns);
	ck_assert_uint_eq(columns.n, 200);
	ck_assert_str_eq(columns.items[199].name, "199");
	ck_assert_str_eq(said,
		"node 2 (pivot): column v has more than 200 values; the first 200 become columns, "
		"the others are left out");
}
END_TEST

static const struct {
	const char *type, *settings;
	size_t columns;
} planned[] = {
	{"pivot", PIVOT("", "v", "v", "count"), 200},
	{"graph_solver", GRAPH("v", "v", ""), 2},
};

START_TEST(what_only_plans_stores_nothing)
{
	struct columns columns;

	compile(planned[_i].type, planned[_i].settings, true, &columns);
	ck_assert_uint_eq(columns.n, planned[_i].columns);
	ck_assert_int_eq(number("SELECT count(*) FROM duckdb_tables() WHERE temporary"), 0);
}
END_TEST

/* --- graph_solver --------------------------------------------------------------------------------------------- */

/* A graph in a file: s and t of each row. */
static void
solve(const char *edges)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;

	ck_assert_msg(duck_exec(d, arena_printf(&a, "COPY (%s) TO 'edges.parquet'", edges), NULL,
			      &err) == 0,
		"%s", err.text);
	ck_assert_msg(
		run_nodes(
			"- {id: 1, type: read, outputs: [2], setting_input: {received_file: {path: "
			"edges.parquet, file_type: parquet}}}\n"
			"- {id: 2, type: graph_solver, input_ids: [1], outputs: [3], "
			"setting_input: "
			"{" GRAPH("s", "t", "") "}}\n" WRITTEN("3", "2", "", "o.csv"),
			&progress, &err) == 0,
		"%s", err.text);
}

/* Chains in both directions, and one whose edges come in no order. */
START_TEST(a_long_chain_is_one_group)
{
	static const char *const chains[] = {"SELECT i AS s, i + 1 AS t FROM range(100000) r(i)",
		"SELECT i + 1 AS s, i AS t FROM range(100000, 0, -1) r(i)",
		"SELECT i AS s, i + 1 AS t FROM range(100000) r(i) ORDER BY hash(i)"};

	solve(chains[_i]);
	ck_assert_int_eq(number("SELECT count(*) FROM 'o.csv'"), 100000);
	ck_assert_int_eq(
		number("SELECT min(graph_group) * 10 + max(graph_group) FROM 'o.csv'"), 11);
}
END_TEST

/* Of the numbers below 100,000, two are joined when one is the other divided by 10: nine trees with all that begin with one digit. */
START_TEST(groups_are_those_that_hang_together)
{
	solve("SELECT i AS s, i // 10 AS t FROM range(99999, 9, -1) r(i)");
	ck_assert_int_eq(number("SELECT count(DISTINCT graph_group) FROM 'o.csv'"), 9);
	ck_assert_int_eq(number("SELECT count(*) FROM 'o.csv' WHERE graph_group <> 10 - "
				"CAST(left(CAST(s AS VARCHAR), 1) AS INTEGER)"),
		0);
	ck_assert_int_eq(number("SELECT s FROM 'o.csv' LIMIT 1"), 99999);
}
END_TEST

/* --- fuzzy_match ---------------------------------------------------------------------------------------------- */

/* Nodes 1 and 2 are the sides; what node 3 makes of them is sorted. */
#define SIDES                                                                                      \
	ROWS("1", "manual_input", "3", COLUMN("id", "Int64") ", " COLUMN("name", "String"),        \
		"[1, 2, 3, 4], ['Apple Inc', 'MÜLLER', null, 'apple inc']")                        \
	ROWS("2", "manual_input", "3",                                                             \
		COLUMN("name", "String") ", " COLUMN("code", "String") ", " COLUMN("id", "Int64"), \
		"['appl inc', 'Muller', null, 'Pear'], [a, b, c, d], [7, 8, 9, 10]")

static int
match(const char *settings, struct err *err)
{
	struct flow_progress progress;

	return run_nodes(
		arena_printf(&a,
			SIDES "- {id: 3, type: fuzzy_match, input_ids: [1], right_input_id: 2, "
			      "outputs: [4], setting_input: {%s}}\n"
			      "- {id: 4, type: sort, input_ids: [3], outputs: [5], setting_input: "
			      "{sort_input: [{column: id}, {column: code}]}}\n" WRITTEN(
				      "5", "4", "", "o.csv"),
			settings),
		&progress, err);
}

#define MAPPING(rest) "{left_col: name, right_col: name" rest "}"
#define FUZZY(mappings, rest) "join_input: {join_mapping: [" mappings "]" rest "}"

static const struct {
	const char *settings, *rows;
} matches[] = {
	/* Upper and lower case are one, umlauts one character, and NULL like nothing. */
	{FUZZY(MAPPING(""), ""),
		"id,name,name_right,code,id_right,name_vs_name_right_levenshtein\n"
		"1,Apple Inc,appl inc,a,7,0.8888888888888888\n"
		"2,MÜLLER,Muller,b,8,0.8333333333333334\n"
		"4,apple inc,appl inc,a,7,0.8888888888888888\n"},
	/* 85.9 counts as 85. */
	{FUZZY(MAPPING(", threshold_score: 85.9"), ""),
		"id,name,name_right,code,id_right,name_vs_name_right_levenshtein\n"
		"1,Apple Inc,appl inc,a,7,0.8888888888888888\n"
		"4,apple inc,appl inc,a,7,0.8888888888888888\n"},
	/* The columns that are compared stay; the score has their new names. */
	{FUZZY(MAPPING(", fuzzy_type: jaro_winkler, threshold_score: 91"),
		 ", how: left, left_select: {select: [{old_name: id}, {old_name: name, new_name: "
		 "ours, keep: false}]}, right_select: {select: [{old_name: name, new_name: "
		 "theirs}, "
		 "{old_name: id, keep: false}]}"),
		"id,ours,theirs,code,ours_vs_theirs_jaro_winkler\n"
		"1,Apple Inc,appl inc,a,0.9777777777777777\n"
		"4,apple inc,appl inc,a,0.9777777777777777\n"},
	/* All pairs of columns must be alike; what would be called the same is numbered. */
	{FUZZY(MAPPING(", fuzzy_type: indel") ", " MAPPING(
		       ", fuzzy_type: indel, threshold_score: 90"),
		 ""),
		"id,name,name_right,code,id_right,name_vs_name_right_indel,name_vs_name_right_"
		"indel_1\n"
		"1,Apple Inc,appl inc,a,7,0.9411764705882353,0.9411764705882353\n"
		"4,apple inc,appl inc,a,7,0.9411764705882353,0.9411764705882353\n"},
	{FUZZY(MAPPING("") ", {left_col: name, right_col: code, fuzzy_type: hamming, "
			   "threshold_score: "
			   "5}",
		 ""),
		"id,name,name_right,code,id_right,name_vs_name_right_levenshtein,name_vs_code_"
		"hamming\n"
		"1,Apple Inc,appl inc,a,7,0.8888888888888888,0.11111111111111116\n"
		"4,apple inc,appl inc,a,7,0.8888888888888888,0.11111111111111116\n"},
	{FUZZY(MAPPING(", fuzzy_type: damerau_levenshtein, threshold_score: 100"), ""),
		"id,name,name_right,code,id_right,name_vs_name_right_damerau_levenshtein\n"},
};

START_TEST(a_fuzzy_match_joins_what_is_alike)
{
	struct err err = ERR_INIT;
	char *text;

	ck_assert_msg(
		match(matches[_i].settings, &err) == 0, "%s: %s", matches[_i].settings, err.text);
	text = text_of("o.csv");
	ck_assert_msg(
		strcmp(text, matches[_i].rows) == 0, "%s gives\n%s", matches[_i].settings, text);
	free(text);
}
END_TEST

static const struct {
	const char *settings, *error;
} mismatches[] = {
	{"", "node 3 (fuzzy_match): join_input: it is missing"},
	{FUZZY("", ""), "join_input: join_mapping: there is none"},
	{FUZZY(MAPPING("") ", {left_col: z}", ""),
		"join_mapping[1]: left_col: its input has no column z"},
	{FUZZY("{left_col: id}", ""),
		"join_mapping[0]: left_col: column id is no text but Int64; a select can make it "
		"one"},
	{FUZZY("{left_col: name, right_col: id}", ""), "right_col: column id is no text but Int64"},
	{FUZZY(MAPPING(", fuzzy_type: soundex"), ""),
		"join_mapping[0]: fuzzy_type: 'soundex' is none of levenshtein, jaro"},
	{FUZZY(MAPPING(", threshold_score: 101"), ""),
		"threshold_score: 101 is not between 0 and 100"},
};

START_TEST(wrong_settings_of_a_fuzzy_match_are_said)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(match(mismatches[_i].settings, &err), -1);
	ck_assert_msg(strstr(err.text, mismatches[_i].error) != NULL, "%s\nnot: %s", err.text,
		mismatches[_i].error);
}
END_TEST

/* 2,000 texts with 2,000: each is like itself and, but for the ends, like its neighbours in one digit. */
START_TEST(many_texts_are_matched)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;

	ck_assert_int_eq(
		duck_exec(d,
			"COPY (SELECT 'number ' || (100000 + i) AS t FROM range(2000) r(i)) TO "
			"'t.parquet'",
			NULL, &err),
		0);
	ck_assert_msg(
		run_nodes(
			"- {id: 1, type: read, outputs: [2, 2], setting_input: {received_file: "
			"{path: t.parquet, file_type: parquet}}}\n"
			"- {id: 2, type: fuzzy_match, input_ids: [1], right_input_id: 1, outputs: "
			"[3], setting_input: {" FUZZY("{left_col: t, threshold_score: 92}",
				"") "}}\n" WRITTEN("3", "2", "", "o.csv"),
			&progress, &err) == 0,
		"%s", err.text);
	ck_assert_int_eq(number("SELECT count(*) FROM 'o.csv'"),
		number("SELECT count(*) FROM 't.parquet' a, 't.parquet' b WHERE levenshtein(a.t, "
		       "b.t) <= 1"));
	ck_assert_int_eq(
		number("SELECT count(*) FROM 'o.csv' WHERE t_vs_t_right_levenshtein <> 1 - "
		       "levenshtein(t, t_right) / 13"),
		0);
}
END_TEST

/* --- random_split -------------------------------------------------------------------------------------------- */

/* 1,001 rows that are split in three, each written by itself, and the first two together. */
static void
split(const char *settings)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;
	const char *numbers = "0";

	for (int i = 1; i <= 1000; i++)
		numbers = arena_printf(&a, "%s, %d", numbers, i);
	ck_assert_msg(run_nodes(arena_printf(&a,
					ROWS("1", "manual_input", "2", COLUMN("_row", "Int64"),
						"[%s]") "- {id: 2, type: random_split, input_ids: "
							"[1], outputs: [3, 4, 5, 6, 6], "
							"output_handles: [output-0, output-1, "
							"output-2, output-0, output-1], "
							"setting_input: {%s}}\n" WRITTEN("3", "2",
								"", "0.csv") WRITTEN("4", "2", "",
								"1.csv") WRITTEN("5", "2", "",
								"2.csv") "- {id: 6, type: union, "
									 "input_ids: [2, 2], "
									 "outputs: [7], "
									 "setting_input: "
									 "{}}\n" WRITTEN("7", "6",
										 "", "u.csv"),
					numbers, settings),
			      &progress, &err) == 0,
		"%s", err.text);
}

#define THREE                                                                                      \
	"splits: [{name: a, percentage: 33.3}, {name: b, percentage: 33.35}, "                     \
	"{name: c, percentage: 33.35}]"

START_TEST(each_row_goes_to_one_part_of_a_split)
{
	static const char *const settings[] = {THREE, THREE ", seed: 7"};

	split(settings[_i]);
	ck_assert_int_eq(number("SELECT count(*) FROM '0.csv'"), 333);
	ck_assert_int_eq(number("SELECT count(*) FROM '1.csv'"), 334);
	ck_assert_int_eq(number("SELECT count(*) FROM '2.csv'"), 334);
	ck_assert_int_eq(
		number("SELECT count(DISTINCT _row) FROM read_csv(['0.csv', '1.csv', '2.csv'])"),
		1001);
	ck_assert_int_eq(number("SELECT count(*) FROM (FROM 'u.csv' EXCEPT ALL (FROM '0.csv' UNION "
				"ALL FROM '1.csv'))"),
		0);
	/* By chance: not the first ones. */
	ck_assert_int_gt(number("SELECT max(_row) FROM '0.csv'"), 500);
	ck_assert_int_lt(number("SELECT min(_row) FROM '2.csv'"), 500);
}
END_TEST

START_TEST(what_reads_several_parts_sees_each_row_once)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;

	ck_assert_msg(
		run_nodes(
			ROWS("1", "manual_input", "2", COLUMN("v", "Int64"),
				"[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]") "- {id: "
											   "2, "
											   "type: "
											   "random_"
											   "split, "
											   "input_"
											   "ids: "
											   "[1], "
											   "outputs"
											   ": [3, "
											   "3], "
											   "output_"
											   "handles"
											   ": "
											   "[output"
											   "-0, "
											   "output-"
											   "1], "
											   "setting"
											   "_input:"
											   " {}}\n"
											   "- {id: "
											   "3, "
											   "type: "
											   "union, "
											   "input_"
											   "ids: "
											   "[2, "
											   "2], "
											   "outputs"
											   ": [4], "
											   "setting"
											   "_input:"
											   " {}}"
											   "\n" WRITTEN(
												   "4",
												   "3",
												   "",
												   "o.csv"),
			&progress, &err) == 0,
		"%s", err.text);
	ck_assert_int_eq(number("SELECT count(DISTINCT v) * 100 + count(*) FROM 'o.csv'"), 1616);
}
END_TEST

START_TEST(a_seed_makes_a_split_the_same_again)
{
	static const struct {
		const char *first, *second;
		bool same;
	} runs[] = {
		{THREE ", seed: 7", THREE ", seed: 7", true},
		{THREE ", seed: 7", THREE ", seed: 8", false},
		{THREE ", seed: null", THREE, false},
	};
	char *before, *after;

	split(runs[_i].first);
	before = text_of("0.csv");
	duck_close(d);
	d = engine_test_open();
	split(runs[_i].second);
	after = text_of("0.csv");
	ck_assert_int_eq(strcmp(before, after) == 0, runs[_i].same);
	free(before);
	free(after);
}
END_TEST

/* 2,001 rows, of which some are taken. */
static void
sample(const char *settings)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;

	ck_assert_int_eq(
		duck_exec(d, "COPY (SELECT i FROM range(2001) r(i)) TO 'i.parquet'", NULL, &err),
		0);
	ck_assert_msg(run_nodes(arena_printf(&a,
					"- {id: 1, type: read, outputs: [2], setting_input: "
					"{received_file: {path: i.parquet, file_type: parquet}}}\n"
					"- {id: 2, type: sample, input_ids: [1], outputs: [3, 4], "
					"setting_input: {%s}}\n" WRITTEN("3", "2", "", "0.csv")
						WRITTEN("4", "2", "", "1.csv"),
					settings),
			      &progress, &err) == 0,
		"%s", err.text);
}

static const struct {
	const char *settings;
	int64_t rows;
} samples[] = {
	{"sample_method: random, sample_size: 50", 50},
	{"sample_method: random, sample_size: 50, seed: 3", 50},
	{"sample_method: random_fraction, sample_size: 50, fraction: 12.5", 250},
	{"sample_method: random_fraction, fraction: 12.5, seed: 3", 250},
	{"sample_method: random_fraction", 200},
};

START_TEST(a_sample_takes_rows_by_chance_in_their_order)
{
	sample(samples[_i].settings);
	ck_assert_int_eq(number("SELECT count(DISTINCT i) FROM '0.csv'"), samples[_i].rows);
	ck_assert_int_eq(number("SELECT count(*) FROM (SELECT i, lag(i) OVER () AS before FROM "
				"'0.csv') WHERE i < before"),
		0);
	ck_assert_int_gt(number("SELECT max(i) - min(i) FROM '0.csv'"), 1000);
	/* All who read it see the same. */
	ck_assert_int_eq(number("SELECT count(*) FROM (FROM '0.csv' EXCEPT FROM '1.csv')"), 0);
}
END_TEST

static const struct {
	const char *first, *second;
	bool same;
} sampled[] = {
	{"sample_method: random, seed: 3", "sample_method: random, seed: 3", true},
	{"sample_method: random, seed: 3", "sample_method: random, seed: 4", false},
	{"sample_method: random", "sample_method: random", false},
	{"sample_method: random_fraction, seed: 3", "sample_method: random_fraction, seed: 3",
		true},
	{"sample_method: random_fraction", "sample_method: random_fraction", false},
};

START_TEST(a_seed_makes_a_sample_the_same_again)
{
	char *before, *after;

	sample(sampled[_i].first);
	before = text_of("0.csv");
	duck_close(d);
	d = engine_test_open();
	sample(sampled[_i].second);
	after = text_of("0.csv");
	ck_assert_int_eq(strcmp(before, after) == 0, sampled[_i].same);
	free(before);
	free(after);
}
END_TEST

START_TEST(a_part_that_is_not_there_is_said)
{
	struct flow_progress progress;
	struct err err = ERR_INIT;

	ck_assert_int_eq(
		run_nodes(ROWS("1", "manual_input", "2", COLUMN("v", "Int64"),
				  "[1]") "- {id: 2, type: random_split, input_ids: [1], outputs: "
					 "[3], output_handles: [output-2], setting_input: "
					 "{}}\n" WRITTEN("3", "2", "", "o.csv"),
			&progress, &err),
		-1);
	ck_assert_msg(
		strstr(err.text, "node 2 (random_split) has no output 2") != NULL, "%s", err.text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("nodes_compute");
	TCase *tc = tcase_create("nodes_compute");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(
		tc, a_node_makes_of_its_input_what_it_says, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tc, wrong_settings_are_said_with_node_and_field, 0,
		sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tc, a_pivot_has_a_row_for_each_index);
	tcase_add_test(tc, an_empty_text_is_no_name_of_a_pivots_column);
	tcase_add_test(tc, a_pivot_has_at_most_200_values_and_says_so);
	tcase_add_loop_test(tc, what_only_plans_stores_nothing, 0, 2);
	tcase_add_loop_test(tc, a_long_chain_is_one_group, 0, 3);
	tcase_add_test(tc, groups_are_those_that_hang_together);
	tcase_add_loop_test(
		tc, a_fuzzy_match_joins_what_is_alike, 0, sizeof(matches) / sizeof(matches[0]));
	tcase_add_loop_test(tc, wrong_settings_of_a_fuzzy_match_are_said, 0,
		sizeof(mismatches) / sizeof(mismatches[0]));
	tcase_add_test(tc, many_texts_are_matched);
	tcase_add_loop_test(tc, each_row_goes_to_one_part_of_a_split, 0, 2);
	tcase_add_test(tc, what_reads_several_parts_sees_each_row_once);
	tcase_add_loop_test(tc, a_seed_makes_a_split_the_same_again, 0, 3);
	tcase_add_loop_test(tc, a_sample_takes_rows_by_chance_in_their_order, 0,
		sizeof(samples) / sizeof(samples[0]));
	tcase_add_loop_test(
		tc, a_seed_makes_a_sample_the_same_again, 0, sizeof(sampled) / sizeof(sampled[0]));
	tcase_add_test(tc, a_part_that_is_not_there_is_said);
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
