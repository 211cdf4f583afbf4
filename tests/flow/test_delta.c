/* Reading Delta tables, made by hand in the shape that Spark and delta-rs give them. */
#include "delta_test.h"

/* Two files of (id, name), as Spark writes them. */
static void
put_spark_table(void)
{
	put_parquet("part-00000-a.snappy.parquet", "SELECT 1::BIGINT AS id, 'one' AS name");
	put_parquet("part-00000-b.snappy.parquet", "SELECT 2::BIGINT AS id, NULL::VARCHAR AS name");
	put_commit(0,
		text("{\"commitInfo\":{\"timestamp\":1564524295023,\"operation\":\"CREATE TABLE\","
		     "\"operationParameters\":{\"isManaged\":\"false\",\"description\":null,"
		     "\"partitionBy\":\"[]\",\"properties\":\"{}\"},\"isBlindAppend\":true}}\n"
		     "%s%s",
			PROTOCOL_OLD,
			metadata_of(text("%s,%s", field_of("id", "\"long\""),
					    field_of("name", "\"string\"")),
				"", "")));
	put_commit(1,
		"{\"commitInfo\":{\"timestamp\":1564524296023,\"operation\":\"WRITE\","
		"\"operationParameters\":{\"mode\":\"Append\",\"partitionBy\":\"[]\"}}}\n"
		"{\"somethingNew\":{\"that\":[\"nobody\",\"knows\"]}}\n" ADD(
			"part-00000-a.snappy.parquet", ""));
	put_commit(2, ADD("part-00000-b.snappy.parquet", ""));
}

START_TEST(a_table_of_spark_is_read_at_each_of_its_versions)
{
	struct delta_snapshot s;

	ck_assert_int_eq(delta_is_table(table, NULL), 0);
	put_spark_table();
	ck_assert_int_eq(delta_is_table(table, NULL), 1);
	s = open_at(DELTA_LATEST);
	ck_assert_int_eq(s.version, 2);
	ck_assert_uint_eq(s.n_files, 2);
	ck_assert_int_eq(s.size, 806);
	ck_assert_int_eq(s.rows, -1);
	ck_assert_str_eq(s.id, "0d5e7b2c-2c1a-4b6c-9f0a-7a3a7f3f1f10");
	ck_assert_uint_eq(s.columns.n, 2);
	ck_assert_str_eq(s.columns.items[0].type, "BIGINT");
	ck_assert_str_eq(table_rows(), "1|one\n2|NULL");
	ck_assert_str_eq(rows_at(1, "*", ""), "1|one");
	ck_assert_str_eq(rows_at(0, "count(*), min(name)", ""), "0|NULL");
	ck_assert_has(open_error(3, ERR_NOT_FOUND), "has no version 3: the newest is 2");
}
END_TEST

START_TEST(a_removed_file_is_gone_and_comes_back_when_it_is_added_again)
{
	put_spark_table();
	put_commit(3, REMOVE("part-00000-a.snappy.parquet"));
	ck_assert_str_eq(table_rows(), "2|NULL");
	put_commit(4, ADD("part-00000-a.snappy.parquet", "") REMOVE("part-00000-b.snappy.parquet"));
	ck_assert_str_eq(table_rows(), "1|one");
	ck_assert_str_eq(rows_at(2, "id", "ORDER BY 1"), "1\n2");
	/* A file that gets another deletion vector, in either order of the lines. */
	put_commit(5, ADD("part-00000-a.snappy.parquet", "") REMOVE("part-00000-a.snappy.parquet"));
	ck_assert_str_eq(table_rows(), "1|one");
	put_commit(6, REMOVE("part-00000-a.snappy.parquet") ADD("part-00000-a.snappy.parquet", ""));
	ck_assert_str_eq(table_rows(), "1|one");
}
END_TEST

/* Overwrites the data of a file, which comes before what describes it. */
static void
break_data(const char *name)
{
	char *path = path_join(table, name);
	int fd = open(path, O_WRONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, 4), 8);
	close(fd);
	free(path);
}

START_TEST(partition_values_come_from_the_log)
{
	struct delta_snapshot s;

	put_parquet("day=2026-01-02/p a.parquet", "SELECT 1::BIGINT AS id");
	put_parquet("b.parquet", "SELECT 2::BIGINT AS id");
	put_parquet("c.parquet", "SELECT 3::BIGINT AS id");
	put_commit(0,
		text("%s%s%s%s%s", PROTOCOL_OLD,
			metadata_of(
				text("%s,%s,%s,%s", field_of("day", "\"date\""),
					field_of("id", "\"long\""), field_of("it's", "\"string\""),
					field_of("at", "\"timestamp\"")),
				"\"day\",\"it's\",\"at\"", ""),
			ADD("day=2026-01-02/p%20a.parquet",
				"\"day\":\"2026-01-02\",\"it's\":\"a 'b' %2F \\\"c\\\"\","
				"\"at\":\"2026-01-02 03:04:05\""),
			ADD("b.parquet",
				"\"day\":null,\"it's\":\"\",\"at\":\"2026-01-02T03:04:05.678Z\""),
			ADD("c.parquet", "\"day\":\"2026-01-03\",\"it's\":\"x\"")));
	ck_assert_str_eq(table_rows(),
		"2026-01-02|1|a 'b' %2F \"c\"|2026-01-02 03:04:05+00\n"
		"2026-01-03|3|x|NULL\n"
		"NULL|2|NULL|2026-01-02 03:04:05.678+00");
	s = open_at(DELTA_LATEST);
	ck_assert_str_eq(s.columns.items[3].type, "TIMESTAMP WITH TIME ZONE");
	ck_assert_uint_eq(s.partition_columns.n, 3);
}
END_TEST

START_TEST(a_filter_on_a_partition_column_leaves_out_files)
{
	put_parquet("a.parquet", "SELECT range AS id FROM range(10)");
	put_parquet("b.parquet", "SELECT range AS id FROM range(20)");
	put_commit(0,
		text("%s%s%s%s", PROTOCOL_OLD,
			metadata_of(text("%s,%s", field_of("id", "\"long\""),
					    field_of("p", "\"string\"")),
				"\"p\"", ""),
			ADD("a.parquet", "\"p\":\"x\""), ADD("b.parquet", "\"p\":\"y\"")));
	break_data("b.parquet");
	ck_assert_str_eq(rows_at(DELTA_LATEST, "sum(id), min(p)", "WHERE p = 'x'"), "45|x");
	ck_assert_str_eq(rows_at(DELTA_LATEST, "sum(id)", "WHERE p <> 'y'"), "45");
	struct delta_snapshot s = open_at(DELTA_LATEST);
	ck_assert_int_eq(
		duck_exec(d, text("SELECT sum(id) FROM (%s)", delta_scan_sql(&s, &a)), NULL, NULL),
		-1);
}
END_TEST

START_TEST(paths_are_decoded_and_may_be_absolute)
{
	char *elsewhere = xasprintf("%s/else where.parquet", folder);

	put_parquet(elsewhere, "SELECT 1::BIGINT AS id");
	put_parquet("100% é.parquet", "SELECT 2::BIGINT AS id");
	put_parquet("in.parquet", "SELECT 3::BIGINT AS id");
	put_commit(0,
		text("%s%s"
		     "{\"add\":{\"path\":\"file://%s/else%%20where.parquet\",\"size\":1}}\n"
		     "{\"add\":{\"path\":\"100%%25%%20%%C3%%A9.parquet\",\"size\":1}}\n"
		     "{\"add\":{\"path\":\"file:%s/in.parquet\",\"size\":1}}\n",
			PROTOCOL_OLD, metadata_of(field_of("id", "\"long\""), "", ""), folder,
			table));
	ck_assert_str_eq(table_rows(), "1\n2\n3");
	ck_assert_str_eq(open_at(DELTA_LATEST).files[2].path, "in.parquet");
	put_commit(1, text("{\"remove\":{\"path\":\"%s/in.parquet\"}}\n", table));
	ck_assert_str_eq(table_rows(), "1\n2");
	put_commit(2, ADD("s3://bucket/x.parquet", ""));
	ck_assert_has(open_error(DELTA_LATEST, ERR_FAILED), "s3://bucket/x.parquet");
	free(elsewhere);
}
END_TEST

START_TEST(files_without_a_column_and_with_narrower_types_fit_the_schema)
{
	put_parquet("a.parquet", "SELECT 1::INTEGER AS id, {'x': 1::SMALLINT} AS s");
	put_parquet("b.parquet",
		"SELECT {'y': 'why', 'x': 2::BIGINT} AS s, 'more' AS unknown, 2::BIGINT AS id");
	put_commit(0,
		text("%s%s%s%s", PROTOCOL_OLD,
			metadata_of(text("%s,%s,%s", field_of("id", "\"long\""),
					    field_of("new", "\"double\""),
					    field_of("s",
						    text("{\"type\":\"struct\",\"fields\":[%s,%s]}",
							    field_of("x", "\"long\""),
							    field_of("y", "\"string\"")))),
				"", ""),
			ADD("a.parquet", ""), ADD("b.parquet", "")));
	ck_assert_str_eq(table_rows(), "1|NULL|{'x': 1, 'y': NULL}\n2|NULL|{'x': 2, 'y': why}");
	ck_assert_str_eq(rows_at(DELTA_LATEST, "id", "WHERE s.y = 'why' AND new IS NULL"), "2");
}
END_TEST

START_TEST(a_damaged_log_says_where)
{
	put_spark_table();
	put_commit(3, "\n{\"commitInfo\":{}}\n{\"add\":{\"path\":\n");
	ck_assert_has(
		open_error(DELTA_LATEST, ERR_FAILED), "00000000000000000003.json:3: no action");
	put_commit(3, "[1]\n");
	ck_assert_has(
		open_error(DELTA_LATEST, ERR_FAILED), "00000000000000000003.json:1: no action");
	put_commit(3, "{\"add\":{\"size\":1}}\n");
	ck_assert_has(open_error(DELTA_LATEST, ERR_FAILED), "json:1: an action without a path");
	put_commit(3, "{\"commitInfo\":{}}");
	ck_assert_str_eq(table_rows(), "1|one\n2|NULL");
	put_commit(6, "{\"commitInfo\":{}}");
	ck_assert_has(open_error(DELTA_LATEST, ERR_FAILED), "lacks commits before version 6");
	ck_assert_str_eq(rows_at(3, "id", "ORDER BY 1"), "1\n2");
}
END_TEST

START_TEST(a_folder_without_a_version_is_no_table)
{
	ck_assert_has(open_error(DELTA_LATEST, ERR_NOT_FOUND), "is no Delta table");
	put_file("_delta_log/_commit_x.json.tmp", "{}");
	ck_assert_int_eq(delta_is_table(table, NULL), 0);
	ck_assert_has(open_error(DELTA_LATEST, ERR_NOT_FOUND), "is no Delta table");
	put_commit(0, PROTOCOL_OLD);
	ck_assert_has(open_error(DELTA_LATEST, ERR_FAILED), "has no metaData");
}
END_TEST

/* --- what is refused --------------------------------------------------------------------------------------- */

static const struct {
	const char *protocol, *configuration, *more;
	const char *says; /* NULL: it is read */
} readers[] = {
	{"\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"timestampNtz\"],"
	 "\"writerFeatures\":[\"timestampNtz\"]",
		"", "", NULL},
	{"\"minReaderVersion\":2,\"minWriterVersion\":5", "", "", NULL},
	{"\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"deletionVectors\"],"
	 "\"writerFeatures\":[\"deletionVectors\"]",
		"", "", NULL},
	{"\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"deletionVectors\"],"
	 "\"writerFeatures\":[\"deletionVectors\"]",
		"",
		"{\"add\":{\"path\":\"x.parquet\",\"deletionVector\":{\"storageType\":\"u\"}}}\n",
		"it uses deletion vectors (of x.parquet)"},
	{"\"minReaderVersion\":2,\"minWriterVersion\":5", "\"delta.columnMapping.mode\":\"name\"",
		"", "column mapping (\"name\")"},
	{"\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"v2Checkpoint\"],"
	 "\"writerFeatures\":[\"v2Checkpoint\"]",
		"", "", "the reader's feature \"v2Checkpoint\""},
	{"\"minReaderVersion\":4,\"minWriterVersion\":8", "", "",
		"version 4 of the reader's protocol"},
};

START_TEST(what_we_cannot_read_is_named)
{
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		put_commit(0,
			text("{\"protocol\":{%s}}\n%s%s", readers[i].protocol,
				metadata_of(
					field_of("id", "\"long\""), "", readers[i].configuration),
				readers[i].more));
		if (readers[i].says == NULL)
			ck_assert_int_eq(open_at(DELTA_LATEST).version, 0);
		else
			ck_assert_has(open_error(DELTA_LATEST, ERR_FAILED), readers[i].says);
	}
}
END_TEST

START_TEST(a_type_or_a_name_that_does_not_work_is_named)
{
	put_commit(0,
		text("%s%s", PROTOCOL_OLD,
			metadata_of(text("%s,%s", field_of("id", "\"long\""),
					    field_of("v", "\"variant\"")),
				"", "")));
	ck_assert_has(open_error(DELTA_LATEST, ERR_FAILED), "column \"v\": the type \"variant\"");
	put_commit(0,
		text("%s%s", PROTOCOL_OLD,
			metadata_of(text("%s,%s", field_of("id", "\"long\""),
					    field_of("ID", "\"string\"")),
				"", "")));
	ck_assert_has(open_error(DELTA_LATEST, ERR_USAGE), "\"id\" and \"ID\"");
	put_commit(0, PROTOCOL_OLD "{\"metaData\":{\"id\":\"x\",\"schemaString\":\"{oops\"}}\n");
	ck_assert_has(open_error(DELTA_LATEST, ERR_FAILED), "its schema is no JSON");
}
END_TEST

/* --- history, and long logs ---------------------------------------------------------------------------------- */

START_TEST(history_tells_the_newest_first)
{
	struct delta_commit *commits;
	struct err err = ERR_INIT;
	int64_t current;
	size_t n;

	put_spark_table();
	ck_assert_int_eq(delta_history(table, 0, &a, &commits, &n, &current, &err), 0);
	ck_assert_int_eq(current, 2);
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(commits[0].version, 2);
	ck_assert_ptr_null(commits[0].operation);
	ck_assert_int_gt(commits[0].timestamp_us, INT64_C(1700000000000000));
	ck_assert_str_eq(commits[1].operation, "WRITE");
	ck_assert_str_eq(commits[1].parameters, "{\"mode\":\"Append\",\"partitionBy\":\"[]\"}");
	ck_assert_int_eq(commits[1].timestamp_us, INT64_C(1564524296023000));
	ck_assert_int_eq(delta_history(table, 1, &a, &commits, &n, &current, &err), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(current, 2);
}
END_TEST

#define MANY 10000

START_TEST(a_log_of_many_commits_is_read_with_the_memory_of_its_files)
{
	struct arena own = ARENA_INIT;
	struct delta_commit *commits;
	struct delta_snapshot s;
	struct err err = ERR_INIT;
	int64_t current;
	char lines[512], name[64];
	size_t n;

	put_spark_table();
	/* Each one takes the place of the one before. */
	for (int i = 3; i < MANY; i++) {
		snprintf(lines, sizeof(lines),
			"{\"commitInfo\":{\"timestamp\":%d,\"operation\":\"WRITE\"}}\n"
			"{\"add\":{\"path\":\"f%d.parquet\",\"size\":1,\"stats\":"
			"\"{\\\"numRecords\\\":5}\"}}\n"
			"{\"remove\":{\"path\":\"f%d.parquet\"}}\n",
			i, i, i - 1);
		snprintf(name, sizeof(name), "%s/_delta_log/%020d.json", table, i);
		int fd = open(name, O_WRONLY | O_CREAT, 0644);
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(fd_write_all(fd, lines, strlen(lines)), 0);
		close(fd);
	}
	ck_assert_int_eq(delta_open(table, DELTA_LATEST, NULL, &own, &s, &err), 0);
	ck_assert_int_eq(s.version, MANY - 1);
	ck_assert_uint_eq(s.n_files, 3);
	ck_assert_int_lt((int64_t)own.used, 16 * 1024);
	ck_assert_int_eq(delta_history(table, 5, &own, &commits, &n, &current, &err), 0);
	ck_assert_int_eq(commits[4].version, MANY - 5);
	arena_free(&own);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("delta");
	TCase *tc = tcase_create("reading");

	tcase_add_checked_fixture(tc, delta_test_set_up, delta_test_tear_down);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_table_of_spark_is_read_at_each_of_its_versions);
	tcase_add_test(tc, a_removed_file_is_gone_and_comes_back_when_it_is_added_again);
	tcase_add_test(tc, partition_values_come_from_the_log);
	tcase_add_test(tc, a_filter_on_a_partition_column_leaves_out_files);
	tcase_add_test(tc, paths_are_decoded_and_may_be_absolute);
	tcase_add_test(tc, files_without_a_column_and_with_narrower_types_fit_the_schema);
	tcase_add_test(tc, a_damaged_log_says_where);
	tcase_add_test(tc, a_folder_without_a_version_is_no_table);
	tcase_add_test(tc, what_we_cannot_read_is_named);
	tcase_add_test(tc, a_type_or_a_name_that_does_not_work_is_named);
	tcase_add_test(tc, history_tells_the_newest_first);
	tcase_add_test(tc, a_log_of_many_commits_is_read_with_the_memory_of_its_files);
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
