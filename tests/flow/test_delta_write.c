/* Writing Delta tables: create, overwrite, append, merge. */
#include <dlfcn.h>
#include <errno.h>

#include "delta_test.h"

#define NO_NAMES                                                                                   \
	(struct delta_names)                                                                       \
	{                                                                                          \
		NULL, 0                                                                            \
	}
#define NAMES(...)                                                                                 \
	(struct delta_names)                                                                       \
	{                                                                                          \
		(const char *const[]){__VA_ARGS__},                                                \
			sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)          \
	}

static struct delta_written written;

/* The next look into a folder of files that are written ends at once, with this error. */
static struct {
	bool ends;
	int error;
} listing;

struct dirent *
readdir(DIR *dir)
{
	struct dirent *(*real)(DIR *) = (struct dirent * (*)(DIR *)) dlsym(RTLD_NEXT, "readdir");
	char link[64], path[PATH_MAX] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd(dir));
	if (!listing.ends || readlink(link, path, sizeof(path) - 1) < 0 ||
		strstr(path, "/.write-") == NULL)
		return real(dir);
	listing.ends = false;
	errno = listing.error;
	return NULL;
}

static void
overwrite(const char *sql, struct delta_names partition_columns)
{
	struct delta_write_options options = {.partition_columns = partition_columns};
	struct err err = ERR_INIT;

	ck_assert_msg(
		delta_overwrite(d, table, sql, &options, &written, &err) == 0, "%s", err.text);
	ck_assert(written.committed);
}

static void
append(const char *sql)
{
	struct err err = ERR_INIT;

	ck_assert_msg(delta_append(d, table, sql, NULL, &written, &err) == 0, "%s", err.text);
}

static void
merge(const char *sql, enum delta_merge_mode mode, struct delta_names keys)
{
	struct err err = ERR_INIT;

	ck_assert_msg(
		delta_merge(d, table, sql, mode, &keys, NULL, &written, &err) == 0, "%s", err.text);
}

static const char *
append_error(const char *sql, const struct delta_write_options *options, enum err_code code)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(delta_append(d, table, sql, options, &written, &err), -1);
	ck_assert_msg(err.code == code, "%d: %s", err.code, err.text);
	ck_assert(!written.committed);
	return arena_strdup(&a, err.text);
}

static const char *
merge_error(
	const char *sql, enum delta_merge_mode mode, struct delta_names keys, enum err_code code)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(delta_merge(d, table, sql, mode, &keys, NULL, &written, &err), -1);
	ck_assert_msg(err.code == code, "%d: %s", err.code, err.text);
	return arena_strdup(&a, err.text);
}

/* Nothing that no version knows is in the folder. */
static void
check_no_leftovers(void)
{
	struct delta_snapshot s = open_at(DELTA_LATEST);

	ck_assert_int_eq(count_files("", ".write-"), 0);
	ck_assert_int_eq(count_files("_delta_log", "_commit_"), 0);
	ck_assert_int_eq(count_files("_delta_log", ".checkpoint-"), 0);
	ck_assert_int_ge(count_files("", "part-"), (int)s.n_files);
}

/* --- types -------------------------------------------------------------------------------------------------- */

/* A value and NULL of each type that a table has, as the engine makes them and as they come back. */
static const struct {
	const char *value, *type, *stored;
} types[] = {
	{"true", "BOOLEAN", "BOOLEAN"},
	{"-128", "TINYINT", "TINYINT"},
	{"32767", "SMALLINT", "SMALLINT"},
	{"-2147483648", "INTEGER", "INTEGER"},
	{"9223372036854775807", "BIGINT", "BIGINT"},
	{"255", "UTINYINT", "SMALLINT"},
	{"65535", "USMALLINT", "INTEGER"},
	{"4294967295", "UINTEGER", "BIGINT"},
	{"18446744073709551615", "UBIGINT", "DECIMAL(20,0)"},
	{"-99999999999999999999999999999999999999", "HUGEINT", "DECIMAL(38,0)"},
	{"1.5", "FLOAT", "FLOAT"},
	{"'NaN'", "DOUBLE", "DOUBLE"},
	{"1e300", "DOUBLE", "DOUBLE"},
	{"12345.678", "DECIMAL(18,3)", "DECIMAL(18,3)"},
	{"'a ''quote'', \"another\" and ü\n'", "VARCHAR", "VARCHAR"},
	{"'\\x00\\xFF\\x01'", "BLOB", "BLOB"},
	{"'0001-01-01'", "DATE", "DATE"},
	{"'2026-03-29 02:30:00.123456'", "TIMESTAMP", "TIMESTAMP"},
	{"'2026-03-29 02:30:00.123456+00'", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH TIME ZONE"},
	{"'2026-03-29 02:30:00'", "TIMESTAMP_S", "TIMESTAMP"},
	{"'2026-03-29 02:30:00.123'", "TIMESTAMP_MS", "TIMESTAMP"},
	{"'2026-03-29 02:30:00.123456'", "TIMESTAMP_NS", "TIMESTAMP"},
	{"'5a1b2c3d-0000-4000-8000-000000000001'", "UUID", "VARCHAR"},
	{"'b'", "ENUM('a', 'b''s', 'b')", "VARCHAR"},
	{"'{\"k\": 1}'", "JSON", "VARCHAR"},
	{"[1, NULL]", "INTEGER[]", "INTEGER[]"},
	{"[1, 2]", "INTEGER[2]", "INTEGER[]"},
	{"[[['x']], NULL]", "VARCHAR[][][]", "VARCHAR[][][]"},
	{"[[[[[[[{'x': 1}]]]]]]]", "STRUCT(x INTEGER)[][][][][][][]",
		"STRUCT(x INTEGER)[][][][][][][]"},
	{"{'a': {'a': {'a': {'a': {'a': {'a': {'a': {'a': 1}}}}}}}}",
		"STRUCT(a STRUCT(a STRUCT(a STRUCT(a STRUCT(a STRUCT(a STRUCT(a STRUCT(a "
		"INTEGER))))))))",
		"STRUCT"},
	{"{'a b': 1, 'select': 'x'}", "STRUCT(\"a b\" BIGINT, \"select\" VARCHAR)",
		"STRUCT(\"a b\" BIGINT, \"select\" VARCHAR)"},
	{"MAP {'k': 1.5, 'n': NULL}", "MAP(VARCHAR, DECIMAL(4,1))", "MAP(VARCHAR, DECIMAL(4,1))"},
	{"[{'q\"q': MAP {1: [DATE '2026-01-01']}}]", "STRUCT(\"q\"\"q\" MAP(INTEGER, DATE[]))[]",
		"STRUCT(\"q\"\"q\" MAP(INTEGER, DATE[]))[]"},
};

START_TEST(values_of_every_type_come_back)
{
	const char *in = "SELECT 1 AS id", *nulls = "SELECT 2 AS id", *compared = "id";
	struct delta_snapshot s;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		in = text("%s, CAST(%s AS %s) AS c%zu", in, types[i].value, types[i].type, i);
		nulls = text("%s, CAST(NULL AS %s) AS c%zu", nulls, types[i].type, i);
		compared = text("%s, CAST(c%zu AS VARCHAR)", compared, i);
	}
	in = text("%s UNION ALL %s", in, nulls);
	overwrite(in, NO_NAMES);
	ck_assert_str_eq(rows_at(DELTA_LATEST, compared, "ORDER BY id"),
		rows_of(text("SELECT %s FROM (%s) ORDER BY id", compared, in)));
	s = open_at(DELTA_LATEST);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const char *stored = rows_of(
			text("SELECT typeof(c%zu) FROM (%s) LIMIT 1", i, delta_scan_sql(&s, &a)));

		ck_assert_msg(
			strcmp(stored, types[i].stored) == 0 || strncmp(stored, "STRUCT", 6) == 0,
			"%s is %s", types[i].type, stored);
	}
	ck_assert_int_eq(s.rows, 2);
}
END_TEST

static const struct {
	const char *expression, *says;
} no_types[] = {
	{"TIME '10:00:00'", "column \"c\": Delta tables have no type for TIME"},
	{"INTERVAL 1 DAY", "column \"c\": Delta tables have no type for INTERVAL"},
	{"[TIME '10:00:00']", "column \"c\""},
	{"{'x': INTERVAL 1 DAY}", "column \"c\""},
	{"MAP {'x': '10'::BIT}", "column \"c\""},
	{"row(1, 2)", "fields have no names"},
	{"union_value(x := 1)", "no type for UNION"},
	{"[[[[[[[[[1]]]]]]]]]", "column \"c\""},
	{"[{'x': [[[{'x': [[[{'x': 1}]]]}]]]}]",
		"column \"c\": Delta tables have no type for what"},
};

START_TEST(a_column_of_a_type_that_tables_have_not_is_named)
{
	for (size_t i = 0; i < ARRAY_LEN(no_types); i++)
		ck_assert_has(append_error(text("SELECT %s AS c", no_types[i].expression), NULL,
				      ERR_USAGE),
			no_types[i].says);
	ck_assert_int_eq(access(table, F_OK), -1);
}
END_TEST

START_TEST(the_commit_is_what_other_readers_expect)
{
	const char *commit;

	overwrite("SELECT 1::BIGINT AS id, 'x' AS \"my name\", [1.5::DOUBLE] AS l, "
		  "MAP {'k': {'d': DATE '2026-01-01'}} AS m",
		NO_NAMES);
	commit = commit_text(0);
	ck_assert_has(commit, "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n");
	ck_assert_has(commit,
		"\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":["
		"{\\\"name\\\":\\\"id\\\",\\\"type\\\":\\\"long\\\",\\\"nullable\\\":true,"
		"\\\"metadata\\\":{}},{\\\"name\\\":\\\"my name\\\",\\\"type\\\":\\\"string\\\","
		"\\\"nullable\\\":true,\\\"metadata\\\":{}},{\\\"name\\\":\\\"l\\\",\\\"type\\\":"
		"{\\\"type\\\":\\\"array\\\",\\\"elementType\\\":\\\"double\\\","
		"\\\"containsNull\\\":true},\\\"nullable\\\":true,\\\"metadata\\\":{}},");
	ck_assert_has(commit,
		"{\\\"type\\\":\\\"map\\\",\\\"keyType\\\":\\\"string\\\",\\\"valueType\\\":"
		"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":\\\"d\\\","
		"\\\"type\\\":\\\"date\\\",");
	ck_assert_has(commit,
		"\"operation\":\"WRITE\",\"operationParameters\":"
		"{\"mode\":\"Overwrite\",\"partitionBy\":\"[]\"}");
	ck_assert_has(commit, "\"partitionValues\":{},\"size\":");
}
END_TEST

START_TEST(statistics_are_of_the_values_in_the_file)
{
	const char *stats;

	overwrite("SELECT * FROM (VALUES (1, -1.50::DECIMAL(9,2), DATE '2026-01-02', 'b', "
		  "0.5::DOUBLE, "
		  "TIMESTAMPTZ '2026-01-02 03:04:05.000006+00', true), (NULL, 2.25, DATE "
		  "'2025-12-31', "
		  "'a', -2, NULL, NULL), (-7, NULL, NULL, NULL, NULL, NULL, NULL)) "
		  "AS t(i, c, d, s, f, ts, b)",
		NO_NAMES);
	stats = open_at(DELTA_LATEST).files[0].stats;
	ck_assert_str_eq(stats,
		"{\"numRecords\":3,\"minValues\":{\"i\":-7,\"c\":-1.50,\"d\":\"2025-12-31\","
		"\"s\":\"a\",\"f\":-2.0,\"ts\":\"2026-01-02T03:04:05.000006Z\"},"
		"\"maxValues\":{\"i\":1,\"c\":2.25,\"d\":\"2026-01-02\",\"s\":\"b\",\"f\":0.5,"
		"\"ts\":\"2026-01-02T03:04:05.000006Z\"},"
		"\"nullCount\":{\"i\":1,\"c\":1,\"d\":1,\"s\":1,\"f\":1,\"ts\":2,\"b\":2}}");
	/* Of what cannot be bounded only NULLs are counted: NaN is no JSON, and long texts would be cut. */
	overwrite("SELECT CASE WHEN range = 1 THEN 'NaN'::DOUBLE ELSE range END AS f, "
		  "repeat('x', 1000) AS s, NULL::DATE AS n FROM range(3)",
		NO_NAMES);
	stats = open_at(DELTA_LATEST).files[0].stats;
	ck_assert_str_eq(stats,
		"{\"numRecords\":3,\"minValues\":{},\"maxValues\":{},"
		"\"nullCount\":{\"f\":0,\"s\":0,\"n\":3}}");
	/* Of several row groups, of which one has nothing to tell of f, and another has nothing but NULLs in n. */
	overwrite("SELECT range AS i, CASE WHEN range = 200000 THEN 'NaN'::DOUBLE ELSE range END "
		  "AS f, "
		  "CASE WHEN range < 150000 THEN range END AS n FROM range(300000)",
		NO_NAMES);
	ck_assert_str_eq(open_at(DELTA_LATEST).files[0].stats,
		"{\"numRecords\":300000,\"minValues\":{\"i\":0,\"n\":0},"
		"\"maxValues\":{\"i\":299999,\"n\":149999},"
		"\"nullCount\":{\"i\":0,\"f\":0,\"n\":150000}}");
}
END_TEST

START_TEST(timestamps_without_a_zone_raise_the_protocol_and_keep_its_features)
{
	struct delta_snapshot s;

	overwrite("SELECT TIMESTAMP '2026-01-01' AS at", NO_NAMES);
	ck_assert_has(commit_text(0),
		"{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,"
		"\"readerFeatures\":[\"timestampNtz\"],"
		"\"writerFeatures\":[\"timestampNtz\"]}}");
	overwrite("SELECT TIMESTAMP '2026-01-02' AS at", NO_NAMES);
	ck_assert_ptr_null(strstr(commit_text(1), "protocol"));
	ck_assert_int_eq(system(text("rm -r '%s'", table)), 0);
	put_commit(0,
		text("{\"protocol\":{\"minReaderVersion\":2,\"minWriterVersion\":5}}\n%s",
			metadata_of(field_of("id", "\"long\""), "", "")));
	overwrite("SELECT 1 AS id", NO_NAMES);
	ck_assert_ptr_null(strstr(commit_text(1), "protocol"));
	overwrite("SELECT [TIMESTAMP '2026-01-01'] AS at", NO_NAMES);
	s = open_at(DELTA_LATEST);
	ck_assert_int_eq(s.reader_version, 3);
	ck_assert_int_eq(s.writer_version, 7);
	ck_assert_has(commit_text(2), "\"readerFeatures\":[\"columnMapping\",\"timestampNtz\"]");
	ck_assert_has(commit_text(2),
		"\"writerFeatures\":[\"appendOnly\",\"invariants\",\"checkConstraints\","
		"\"changeDataFeed\",\"generatedColumns\",\"columnMapping\",\"timestampNtz\"]");
}
END_TEST

/* --- partitions --------------------------------------------------------------------------------------------- */

#define STRANGE                                                                                    \
	"SELECT * FROM (VALUES (1, NULL, 1), (2, 'a/b', 1), (3, 'x=y&%20 ?#[*]', NULL), "          \
	"(4, 'ü''\"\\\n', 2), (5, '..', 2), (6, 'a/b', 1), (7, repeat('long', 200), 1)) "         \
	"AS t(id, p, \"q q\")"

START_TEST(partitions_hold_any_value)
{
	struct delta_snapshot s;

	overwrite(STRANGE, NAMES("p", "q q"));
	ck_assert_int_eq(written.files_added, 6);
	ck_assert_int_eq(written.rows_inserted, 7);
	ck_assert_str_eq(table_rows(), rows_of(STRANGE " ORDER BY ALL"));
	s = open_at(DELTA_LATEST);
	ck_assert_str_eq(s.partition_columns.items[1], "q q");
	/* The file has the other columns only. */
	ck_assert_str_eq(rows_of(text("SELECT * FROM parquet_schema('%s/%s')", table,
				 s.files[0].path)) != NULL
			? rows_of(text("SELECT string_agg(name, ',') FROM parquet_schema('%s/%s') "
				       "WHERE column_id > 0",
				  table, s.files[0].path))
			: "",
		"id");
	append(STRANGE);
	ck_assert_int_eq(open_at(DELTA_LATEST).rows, 14);
	/* More partitions than the engine has open at once: one file each, with its rows as they came. */
	overwrite("SELECT (range * 7) % 3000 AS id, range % 300 AS p FROM range(3000)", NAMES("p"));
	ck_assert_int_eq(written.files_added, 300);
	ck_assert_str_eq(rows_at(DELTA_LATEST, "id", "WHERE p = 299"),
		rows_of("SELECT (range * 7) % 3000 FROM range(3000) WHERE range % 300 = 299 ORDER "
			"BY range"));
	overwrite("SELECT 1 AS id, '' AS p, 1 AS \"q q\"", NAMES("p", "q q"));
	ck_assert_str_eq(table_rows(), "1|NULL|1"); /* the protocol's empty text is NULL */
	check_no_leftovers();
}
END_TEST

START_TEST(every_plain_type_can_part_a_table)
{
	static const char *const values[] = {"true", "7::TINYINT", "-7::BIGINT", "0.1::DOUBLE",
		"1.5::FLOAT", "12.340::DECIMAL(9,3)", "DATE '2026-01-02'",
		"TIMESTAMP '2026-01-02 03:04:05.000006'",
		"TIMESTAMPTZ '2026-01-02 03:04:05.000006+02'", "'NaN'::DOUBLE", "'text'"};
	const char *sql = "SELECT 1 AS id", *nulls = "SELECT 2";
	struct delta_names names;
	const char *items[ARRAY_LEN(values)];

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		items[i] = text("p%zu", i);
		sql = text("%s, %s AS p%zu", sql, values[i], i);
		nulls = text("%s, NULL", nulls);
	}
	names = (struct delta_names){items, ARRAY_LEN(items)};
	sql = text("%s UNION ALL %s", sql, nulls);
	overwrite(sql, names);
	ck_assert_str_eq(table_rows(), rows_of(text("%s ORDER BY ALL", sql)));
}
END_TEST

START_TEST(partition_columns_that_cannot_be_are_refused)
{
	struct delta_write_options options = {.partition_columns = NAMES("p")};

	ck_assert_has(append_error("SELECT 1 AS id", &options, ERR_USAGE), "no column \"p\"");
	ck_assert_has(append_error("SELECT 1 AS id, [1] AS p", &options, ERR_USAGE), "INTEGER[]");
	ck_assert_has(append_error("SELECT 1 AS p", &options, ERR_USAGE), "no column is left");
	overwrite("SELECT 1 AS id, 2 AS p, 3 AS q", NAMES("q"));
	ck_assert_has(append_error("SELECT 1 AS id, 2 AS p, 3 AS q", &options, ERR_USAGE),
		"is not partitioned by");
	/* An overwrite may: all files are new. */
	overwrite("SELECT 1 AS id, 2 AS p, 3 AS q", NAMES("p"));
	ck_assert_str_eq(open_at(DELTA_LATEST).partition_columns.items[0], "p");
	ck_assert_str_eq(table_rows(), "1|2|3");
}
END_TEST

/* --- create, overwrite, append ------------------------------------------------------------------------------ */

START_TEST(a_created_table_is_empty_and_there_once)
{
	struct column items[] = {{"id", "BIGINT"}, {"p", "VARCHAR"}};
	struct columns columns = {items, 2};
	struct delta_write_options options = {.partition_columns = NAMES("p")};
	struct err err = ERR_INIT;

	ck_assert_int_eq(delta_create(d, table, &columns, &options, &written, &err), 0);
	ck_assert_int_eq(written.version, 0);
	ck_assert_str_eq(table_rows(), "");
	ck_assert_int_eq(open_at(DELTA_LATEST).rows, 0);
	ck_assert_int_eq(delta_create(d, table, &columns, &options, &written, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFLICT);
	append("SELECT 'x' AS p, 1 AS id");
	ck_assert_str_eq(table_rows(), "1|x");
	err_clear(&err);
	items[1].name = "ID";
	free(table);
	table = xasprintf("%s/other", folder);
	ck_assert_int_eq(delta_create(d, table, &columns, NULL, &written, &err), -1);
	ck_assert_has(err.text, "\"id\" and \"ID\"");
	ck_assert_int_eq(access(table, F_OK), -1);
}
END_TEST

START_TEST(an_overwrite_brings_its_own_columns_and_leaves_the_past)
{
	struct delta_snapshot first;

	overwrite("SELECT 1 AS id, 'x' AS name", NO_NAMES);
	first = open_at(DELTA_LATEST);
	overwrite("SELECT 'text' AS id, 2.5::DOUBLE AS more", NO_NAMES);
	ck_assert_int_eq(written.version, 1);
	ck_assert_int_eq(written.files_removed, 1);
	ck_assert_str_eq(table_rows(), "text|2.5");
	ck_assert_str_eq(rows_at(0, "*", ""), "1|x");
	ck_assert_str_eq(open_at(DELTA_LATEST).id, first.id);
	overwrite("SELECT 'text' AS id, 2.5::DOUBLE AS more WHERE false", NO_NAMES);
	ck_assert_str_eq(table_rows(), "");
	ck_assert_ptr_null(strstr(commit_text(2), "metaData"));
	/* From the table itself. */
	first = open_at(0);
	overwrite(text("SELECT *, 3 AS third FROM (%s)", delta_scan_sql(&first, &a)), NO_NAMES);
	ck_assert_str_eq(table_rows(), "1|x|3");
}
END_TEST

START_TEST(a_statement_that_fails_changes_nothing)
{
	struct err err = ERR_INIT;

	ck_assert_has(append_error("SELECT error('no luck') AS id FROM range(3)", NULL, ERR_FAILED),
		"no luck");
	ck_assert_int_eq(access(table, F_OK), -1);
	overwrite("SELECT 1 AS id", NO_NAMES);
	ck_assert_int_eq(delta_overwrite(d, table,
				 "SELECT CASE WHEN range > 200000 THEN error('late') "
				 "ELSE range END AS id FROM range(300000)",
				 NULL, &written, &err),
		-1);
	ck_assert_has(err.text, "late");
	ck_assert_str_eq(table_rows(), "1");
	ck_assert_int_eq(count_files("", "part-"), 1);
	ck_assert_int_eq(count_files("", ""), 2);
}
END_TEST

START_TEST(an_append_matches_columns_by_name)
{
	append("SELECT 1 AS id, 'one' AS name, 1.5::DOUBLE AS f");
	append("SELECT 'two' AS name, 2::TINYINT AS id");
	append("SELECT NULL AS name, 3::UTINYINT AS id, 7 AS f");
	ck_assert_int_eq(written.version, 2);
	ck_assert_str_eq(table_rows(), "1|one|1.5\n2|two|NULL\n3|NULL|7");
	/* A column of NULLs fits all types; the engine calls it INTEGER. */
	ck_assert_has(
		append_error("SELECT 7 AS name", NULL, ERR_FAILED), "column \"name\" is INTEGER");
	/* No rows, no version. */
	append("SELECT 4 AS id WHERE false");
	ck_assert(!written.committed);
	ck_assert_int_eq(written.version, 2);
	check_no_leftovers();
}
END_TEST

START_TEST(an_append_casts_only_what_loses_nothing)
{
	append("SELECT 1::SMALLINT AS i, 1.50::DECIMAL(5,2) AS c, 1.5::DOUBLE AS f, "
	       "TIMESTAMP '2026-01-01' AS at, {'x': 1::BIGINT, 'y': 'y'} AS s, [1::BIGINT] AS l");
	append("SELECT 2::BIGINT AS i, 2::BIGINT AS c, 2::BIGINT AS f, DATE '2026-01-02' AS at, "
	       "{'x': 2::INTEGER} AS s, [2::TINYINT] AS l");
	ck_assert_str_eq(table_rows(),
		"1|1.50|1.5|2026-01-01 00:00:00|{'x': 1, 'y': y}|[1]\n"
		"2|2.00|2|2026-01-02 00:00:00|{'x': 2, 'y': NULL}|[2]");
	ck_assert_has(append_error("SELECT 40000 AS i", NULL, ERR_FAILED), "out of range");
	ck_assert_has(append_error("SELECT 1.5::DOUBLE AS i", NULL, ERR_USAGE),
		"column \"i\" is DOUBLE in the rows and SMALLINT");
	ck_assert_has(append_error("SELECT 1.555::DECIMAL(5,3) AS c", NULL, ERR_USAGE), "\"c\"");
	ck_assert_has(
		append_error("SELECT 12345.5::DECIMAL(6,1) AS c", NULL, ERR_FAILED), "12345.5");
	ck_assert_has(append_error("SELECT 9007199254740993 AS f", NULL, ERR_FAILED),
		"9007199254740993 is no exact DOUBLE");
	ck_assert_has(append_error("SELECT 'x' AS f", NULL, ERR_USAGE), "\"f\"");
	ck_assert_has(append_error("SELECT now() AS at", NULL, ERR_USAGE), "\"at\"");
	ck_assert_has(append_error("SELECT {'z': 1} AS s", NULL, ERR_USAGE), "\"s\"");
	ck_assert_has(append_error("SELECT ['x'] AS l", NULL, ERR_USAGE), "\"l\"");
	ck_assert_int_eq(open_at(DELTA_LATEST).version, 1);
	check_no_leftovers();
}
END_TEST

START_TEST(an_unknown_column_is_named_or_added)
{
	struct delta_write_options options = {.add_columns = true};
	struct err err = ERR_INIT;

	append("SELECT 1 AS id, 'one' AS name");
	ck_assert_has(append_error("SELECT 2 AS id, 3 AS more", NULL, ERR_USAGE),
		"has no column \"more\"; it has id and name");
	ck_assert_has(append_error("SELECT 2 AS id, 'x' AS Name", &options, ERR_USAGE),
		"\"Name\", which is \"name\"");
	ck_assert_int_eq(
		delta_append(d, table, "SELECT 3 AS more, 2 AS id", &options, &written, &err), 0);
	ck_assert_str_eq(table_rows(), "1|one|NULL\n2|NULL|3");
	ck_assert_str_eq(rows_at(0, "*", ""), "1|one");
}
END_TEST

START_TEST(a_column_that_must_not_be_null_is_not)
{
	put_commit(0,
		text("%s%s", PROTOCOL_OLD,
			metadata_of("{\"name\":\"id\",\"type\":\"long\",\"nullable\":false,"
				    "\"metadata\":{\"comment\":\"the key\"}},"
				    "{\"name\":\"p\",\"type\":\"long\",\"nullable\":false,"
				    "\"metadata\":{}}",
				"\"p\"", "")));
	ck_assert_has(append_error("SELECT NULL::BIGINT AS id, 1 AS p", NULL, ERR_USAGE),
		"column \"id\" must not be NULL");
	ck_assert_has(
		append_error("SELECT 1 AS id", NULL, ERR_USAGE), "column \"p\" must not be NULL");
	append("SELECT 1 AS id, 2 AS p");
	ck_assert_str_eq(table_rows(), "1|2");
	check_no_leftovers();
	/* Other columns' properties are kept when one is added. */
	struct delta_write_options options = {.add_columns = true};
	struct err err = ERR_INIT;
	ck_assert_int_eq(delta_append(d, table, "SELECT 2 AS id, 2 AS p, 'x' AS n", &options,
				 &written, &err),
		0);
	ck_assert_has(commit_text(2),
		"\\\"nullable\\\":false,\\\"metadata\\\":{\\\"comment\\\":"
		"\\\"the key\\\"}");
}
END_TEST

START_TEST(a_table_for_appends_only_takes_nothing_else)
{
	struct err err = ERR_INIT;

	put_commit(0,
		text("%s%s", PROTOCOL_OLD,
			metadata_of(
				field_of("id", "\"long\""), "", "\"delta.appendOnly\":\"true\"")));
	append("SELECT 1 AS id");
	append("SELECT 2 AS id");
	ck_assert_int_eq(delta_overwrite(d, table, "SELECT 3 AS id", NULL, &written, &err), -1);
	ck_assert_has(err.text, "delta.appendOnly");
	err_clear(&err);
	ck_assert_int_eq(delta_optimize(d, table, NULL, &written, &err), 0);
	ck_assert_str_eq(table_rows(), "1\n2");
	check_no_leftovers();
}
END_TEST

START_TEST(a_version_that_was_expected_is_insisted_on)
{
	int64_t expected = 0;
	struct delta_write_options options = {.expected_version = &expected};
	struct err err = ERR_INIT;

	ck_assert_has(append_error("SELECT 1 AS id", &options, ERR_CONFLICT), "at version -1");
	append("SELECT 1 AS id");
	ck_assert_int_eq(delta_append(d, table, "SELECT 2 AS id", &options, &written, &err), 0);
	ck_assert_has(append_error("SELECT 3 AS id", &options, ERR_CONFLICT),
		"is at version 1, not at 0 any more");
	ck_assert_str_eq(table_rows(), "1\n2");
}
END_TEST

/* Tables of others that ask for more than we do. */
static const struct {
	const char *protocol, *configuration, *metadata;
	const char *says;
} writers[] = {
	{"\"minReaderVersion\":1,\"minWriterVersion\":8", "", "",
		"version 8 of the writer's protocol"},
	{"\"minReaderVersion\":1,\"minWriterVersion\":7,\"writerFeatures\":[\"rowTracking\"]", "",
		"", "the writer's feature \"rowTracking\""},
	{"\"minReaderVersion\":1,\"minWriterVersion\":3", "\"delta.constraints.c\":\"id > 0\"", "",
		"check constraints"},
	{"\"minReaderVersion\":1,\"minWriterVersion\":4", "\"delta.enableChangeDataFeed\":\"true\"",
		"", "change data feed"},
	{"\"minReaderVersion\":1,\"minWriterVersion\":2", "", "\"delta.invariants\":\"x\"",
		"column \"id\" uses invariants"},
	{"\"minReaderVersion\":1,\"minWriterVersion\":4", "",
		"\"delta.generationExpression\":\"1\"", "generated columns"},
};

START_TEST(what_we_cannot_keep_is_read_but_not_written)
{
	struct delta_names files;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
		put_commit(0,
			text("{\"protocol\":{%s}}\n%s", writers[i].protocol,
				metadata_of(text("{\"name\":\"id\",\"type\":\"long\",\"nullable\":"
						 "true,\"metadata\":{%s}}",
						    writers[i].metadata),
					"", writers[i].configuration)));
		ck_assert_str_eq(table_rows(), "");
		ck_assert_has(append_error("SELECT 1 AS id", NULL, ERR_FAILED), writers[i].says);
		ck_assert_int_eq(delta_vacuum(d, table, 0, true, &a, &files, &err), -1);
		ck_assert_has(err.text, writers[i].says);
		ck_assert_has(err.text, table);
		err_clear(&err);
		ck_assert_int_eq(open_at(DELTA_LATEST).version, 0);
	}
}
END_TEST

/* --- merges --------------------------------------------------------------------------------------------------- */

START_TEST(an_upsert_updates_and_inserts)
{
	append("SELECT 1 AS id, 'a' AS v, 10 AS n");
	append("SELECT 2 AS id, 'b' AS v, 20 AS n");
	append("SELECT range AS id, 'c' AS v, 30 AS n FROM range(3, 6)");
	merge("SELECT 4::BIGINT AS id, 'new' AS v UNION ALL SELECT 9, 'nine'", DELTA_UPSERT,
		NAMES("id"));
	ck_assert_int_eq(written.rows_updated, 1);
	ck_assert_int_eq(written.rows_inserted, 1);
	/* Only the file with the row was written again. */
	ck_assert_int_eq(written.files_removed, 1);
	ck_assert_str_eq(table_rows(), "1|a|10\n2|b|20\n3|c|30\n4|new|30\n5|c|30\n9|nine|NULL");
	ck_assert_str_eq(rows_at(2, "count(*)", "WHERE v = 'new'"), "0");
	/* The same again changes values, but no rows. */
	merge("SELECT 4 AS id, 'newer' AS v", DELTA_UPSERT, NAMES("id"));
	ck_assert_int_eq(written.rows_inserted, 0);
	ck_assert_int_eq(open_at(DELTA_LATEST).rows, 6);
	ck_assert_has(commit_text(4),
		"\"operation\":\"MERGE\",\"operationParameters\":{\"predicate\":"
		"\"target.\\\"id\\\" = source.\\\"id\\\"\"");
	check_no_leftovers();
}
END_TEST

START_TEST(an_update_inserts_nothing_and_a_delete_deletes)
{
	append("SELECT range AS id, range % 3 AS k, 'v' || range AS v FROM range(6)");
	merge("SELECT 2 AS id, 2 AS k, 'two' AS v UNION ALL SELECT 2, 1, 'no such' UNION ALL "
	      "SELECT 77, 2, 'neither'",
		DELTA_UPDATE, NAMES("id", "k"));
	ck_assert_int_eq(written.rows_updated, 1);
	ck_assert_str_eq(
		rows_at(DELTA_LATEST, "string_agg(v, ' ' ORDER BY id)", ""), "v0 v1 two v3 v4 v5");
	merge("SELECT range AS id, 'what else' AS other FROM range(3, 50)", DELTA_DELETE,
		NAMES("id"));
	ck_assert_int_eq(written.rows_deleted, 3);
	ck_assert_str_eq(rows_at(DELTA_LATEST, "id", "ORDER BY 1"), "0\n1\n2");
	merge("SELECT 100 AS id", DELTA_DELETE, NAMES("id"));
	ck_assert(!written.committed);
	ck_assert_int_eq(written.version, 2);
	/* The last rows of a file. */
	merge("SELECT range AS id FROM range(3)", DELTA_DELETE, NAMES("id"));
	ck_assert_int_eq(written.files_added, 0);
	ck_assert_str_eq(table_rows(), "");
	check_no_leftovers();
}
END_TEST

START_TEST(null_is_no_key)
{
	append("SELECT 1 AS id, 'a' AS v UNION ALL SELECT NULL, 'nobody'");
	merge("SELECT NULL::INTEGER AS id, 'x' AS v UNION ALL SELECT NULL, 'y' UNION ALL SELECT 1, "
	      "'b'",
		DELTA_UPSERT, NAMES("id"));
	ck_assert_str_eq(table_rows(), "1|b\nNULL|nobody\nNULL|x\nNULL|y");
	merge("SELECT NULL::INTEGER AS id", DELTA_DELETE, NAMES("id"));
	ck_assert(!written.committed);
}
END_TEST

START_TEST(a_merge_goes_through_partitions_and_adds_columns)
{
	struct delta_write_options options = {.add_columns = true};
	struct delta_names keys = NAMES("id");
	struct err err = ERR_INIT;

	overwrite("SELECT range AS id, 'p' || range % 3 AS p, 'v' AS v FROM range(9)", NAMES("p"));
	/* A row that moves to another partition, one that stays, one that comes. */
	ck_assert_int_eq(delta_merge(d, table,
				 "SELECT 0 AS id, 'p1' AS p, 7 AS n UNION ALL SELECT 3, 'p0', 8 "
				 "UNION ALL SELECT 10, NULL, 9",
				 DELTA_UPSERT, &keys, &options, &written, &err),
		0);
	ck_assert_int_eq(written.files_removed, 1);
	ck_assert_str_eq(rows_at(DELTA_LATEST, "id, p, v, n", "WHERE n IS NOT NULL ORDER BY id"),
		"0|p1|v|7\n3|p0|v|8\n10|NULL|NULL|9");
	ck_assert_str_eq(rows_at(DELTA_LATEST, "count(*), count(DISTINCT id)", ""), "10|10");
	/* By a partition column. */
	merge("SELECT 'p2' AS p", DELTA_DELETE, NAMES("p"));
	ck_assert_int_eq(written.rows_deleted, 3);
	ck_assert_int_eq(written.files_added, 0);
	check_no_leftovers();
}
END_TEST

START_TEST(a_merge_that_is_not_clear_is_refused)
{
	append("SELECT 1 AS id, 'a' AS v");
	ck_assert_has(merge_error("SELECT 1 AS id, 'x' AS v UNION ALL SELECT 1, 'y'", DELTA_UPSERT,
			      NAMES("id"), ERR_USAGE),
		"merge_keys id: 2 rows of the input have id = 1; put a unique node before");
	ck_assert_has(merge_error("SELECT 1 AS id", DELTA_UPSERT, NAMES("key"), ERR_USAGE),
		"no key column");
	ck_assert_has(
		merge_error("SELECT 1 AS id, 2 AS key", DELTA_UPDATE, NAMES("key"), ERR_USAGE),
		"has no column \"key\"");
	ck_assert_has(merge_error("SELECT 1 AS id", DELTA_DELETE, NO_NAMES, ERR_USAGE),
		"needs key columns");
	ck_assert_has(
		merge_error("SELECT 1 AS id, 2 AS more", DELTA_UPDATE, NAMES("id"), ERR_USAGE),
		"has no column \"more\"");
	ck_assert_has(
		merge_error("SELECT 'x' AS id", DELTA_UPDATE, NAMES("id"), ERR_USAGE), "\"id\"");
	ck_assert_str_eq(table_rows(), "1|a");
	/* Nor what the next one could not change; rows without a key are no key's equal. */
	ck_assert_has(merge_error("SELECT 2 AS id, 'x' AS v UNION ALL SELECT 2, 'y'", DELTA_UPSERT,
			      NAMES("id"), ERR_USAGE),
		"merge_keys id: 2 rows of the input have id = 2");
	merge("SELECT CAST(NULL AS INTEGER) AS id, 'n' AS v UNION ALL SELECT NULL, 'm'",
		DELTA_UPSERT, NAMES("id"));
	ck_assert_int_eq(written.rows_inserted, 2);
	/* An update of no row, and a delete, may have a key twice. */
	merge("SELECT 9 AS id, 'x' AS v UNION ALL SELECT 9, 'y'", DELTA_UPDATE, NAMES("id"));
	append("SELECT 2 AS id, 'x' AS v UNION ALL SELECT 2, 'y'");
	merge("SELECT 2 AS id UNION ALL SELECT 2", DELTA_DELETE, NAMES("id"));
	ck_assert_int_eq(written.rows_deleted, 2);
}
END_TEST

START_TEST(a_merge_makes_the_table_that_is_not_there)
{
	merge("SELECT 1 AS id, 'a' AS v", DELTA_UPDATE, NAMES("id"));
	ck_assert_str_eq(table_rows(), "");
	ck_assert_uint_eq(open_at(DELTA_LATEST).columns.n, 2);
	free(table);
	table = xasprintf("%s/other", folder);
	ck_assert_has(merge_error("SELECT 1 AS id, 'a' AS v UNION ALL SELECT 1, 'b'", DELTA_UPSERT,
			      NAMES("id"), ERR_USAGE),
		"merge_keys id: 2 rows of the input have id = 1");
	merge("SELECT 1 AS id, 'a' AS v", DELTA_UPSERT, NAMES("id"));
	ck_assert_str_eq(table_rows(), "1|a");
}
END_TEST

static void
copy_table(const char *name)
{
	ck_assert_int_eq(system(text("rm -rf '%s/%s' && cp -r '%s' '%s/%s'", folder, name, table,
				 folder, name)),
		0);
}

/* Folders beside it that its name matches, were it a pattern, hold the same files. */
START_TEST(a_folder_is_no_pattern)
{
	struct err err = ERR_INIT;

	xstrset(&table, text("%s/d*[6]?", folder));
	overwrite("SELECT 1 AS k, 'x' AS p", NAMES("p"));
	copy_table("dd66");
	copy_table("d*6.");
	append("SELECT 2 AS k, 'y' AS p");
	copy_table("dd66");
	copy_table("d*6.");
	ck_assert_str_eq(table_rows(), "1|x\n2|y");
	ck_assert_int_eq(written.rows_inserted, 1);
	ck_assert_msg(delta_checkpoint(d, table, 1, &err) == 0, "%s", err.text);
	copy_table("dd66");
	append("SELECT 3 AS k, NULL AS p");
	ck_assert_str_eq(table_rows(), "1|x\n2|y\n3|NULL");
}
END_TEST

START_TEST(files_that_are_not_found_again_are_an_error)
{
	static const int errors[] = {EIO, 0};
	const char *sql = "SELECT k, k % 2 AS p FROM range(4) AS r(k)";
	const struct delta_write_options options = {.partition_columns = NAMES("p")};
	struct err err = ERR_INIT;

	overwrite("SELECT 7 AS k, 0 AS p", NAMES("p"));
	for (size_t i = 0; i < 2; i++) {
		err_clear(&err);
		listing.ends = true;
		listing.error = errors[i];
		ck_assert_int_eq(delta_overwrite(d, table, sql, &options, &written, &err), -1);
		ck_assert_has(err.text, i == 0 ? strerror(EIO) : "4 rows were written");
		ck_assert(!listing.ends);
		ck_assert_str_eq(table_rows(), "7|0");
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("delta_write");
	TCase *tc = tcase_create("writing");

	tcase_add_checked_fixture(tc, delta_test_set_up, delta_test_tear_down);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, values_of_every_type_come_back);
	tcase_add_test(tc, a_column_of_a_type_that_tables_have_not_is_named);
	tcase_add_test(tc, the_commit_is_what_other_readers_expect);
	tcase_add_test(tc, statistics_are_of_the_values_in_the_file);
	tcase_add_test(tc, timestamps_without_a_zone_raise_the_protocol_and_keep_its_features);
	tcase_add_test(tc, partitions_hold_any_value);
	tcase_add_test(tc, every_plain_type_can_part_a_table);
	tcase_add_test(tc, partition_columns_that_cannot_be_are_refused);
	tcase_add_test(tc, a_created_table_is_empty_and_there_once);
	tcase_add_test(tc, an_overwrite_brings_its_own_columns_and_leaves_the_past);
	tcase_add_test(tc, a_statement_that_fails_changes_nothing);
	tcase_add_test(tc, an_append_matches_columns_by_name);
	tcase_add_test(tc, an_append_casts_only_what_loses_nothing);
	tcase_add_test(tc, an_unknown_column_is_named_or_added);
	tcase_add_test(tc, a_column_that_must_not_be_null_is_not);
	tcase_add_test(tc, a_table_for_appends_only_takes_nothing_else);
	tcase_add_test(tc, a_version_that_was_expected_is_insisted_on);
	tcase_add_test(tc, what_we_cannot_keep_is_read_but_not_written);
	tcase_add_test(tc, an_upsert_updates_and_inserts);
	tcase_add_test(tc, an_update_inserts_nothing_and_a_delete_deletes);
	tcase_add_test(tc, null_is_no_key);
	tcase_add_test(tc, a_merge_goes_through_partitions_and_adds_columns);
	tcase_add_test(tc, a_merge_that_is_not_clear_is_refused);
	tcase_add_test(tc, a_merge_makes_the_table_that_is_not_there);
	tcase_add_test(tc, a_folder_is_no_pattern);
	tcase_add_test(tc, files_that_are_not_found_again_are_an_error);
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
