/* Upkeep of Delta tables: optimize, vacuum, checkpoints, old logs; and conflicts of writers. */
#include "../../src/flow/delta_impl.h"
#include "delta_test.h"

static struct delta_written written;

static void
overwrite_by(const char *sql, const char *partition_column)
{
	const char *const names[] = {partition_column};
	struct delta_write_options options = {
		.partition_columns = {names, partition_column != NULL ? 1 : 0}};
	struct err err = ERR_INIT;

	ck_assert_msg(
		delta_overwrite(d, table, sql, &options, &written, &err) == 0, "%s", err.text);
}

static void
append(const char *sql)
{
	struct err err = ERR_INIT;

	ck_assert_msg(delta_append(d, table, sql, NULL, &written, &err) == 0, "%s", err.text);
}

static void
optimize(const char *z_order)
{
	const char *const names[] = {z_order};
	struct delta_names order = {names, z_order != NULL ? 1 : 0};
	struct err err = ERR_INIT;

	ck_assert_msg(delta_optimize(d, table, &order, &written, &err) == 0, "%s", err.text);
}

/* The names, a blank between them. */
static const char *
vacuum(int64_t hours, bool dry_run)
{
	struct delta_names files;
	struct err err = ERR_INIT;
	const char *list = "";

	ck_assert_msg(
		delta_vacuum(d, table, hours, dry_run, &a, &files, &err) == 0, "%s", err.text);
	for (size_t i = 0; i < files.n; i++)
		list = text("%s%s%s", list, i > 0 ? " " : "", files.items[i]);
	return list;
}

/* --- optimize --------------------------------------------------------------------------------------------- */

START_TEST(small_files_become_one_of_the_same_rows)
{
	for (int i = 0; i < 4; i++)
		append(text("SELECT %d AS id, 'v%d' AS v", i, i));
	optimize(NULL);
	ck_assert_int_eq(written.version, 4);
	ck_assert_int_eq(written.files_removed, 4);
	ck_assert_int_eq(written.files_added, 1);
	/* As they came: an order that somebody gave them stays. */
	ck_assert_str_eq(rows_at(DELTA_LATEST, "*", ""), "0|v0\n1|v1\n2|v2\n3|v3");
	ck_assert_str_eq(rows_at(2, "id", "ORDER BY 1"), "0\n1\n2");
	ck_assert_has(commit_text(4), "\"operation\":\"OPTIMIZE\"");
	ck_assert_ptr_null(strstr(commit_text(4), "\"dataChange\":true"));
	ck_assert_has(commit_text(4), "\"dataChange\":false");
	optimize(NULL);
	ck_assert(!written.committed);
	ck_assert_int_eq(written.version, 4);
}
END_TEST

START_TEST(partitions_stay_apart_when_files_are_joined)
{
	overwrite_by("SELECT range AS id, 'p' || range % 2 AS p FROM range(4)", "p");
	append("SELECT 4 AS id, 'p0' AS p");
	append("SELECT 5 AS id, NULL AS p");
	append("SELECT 6 AS id, NULL AS p");
	optimize(NULL);
	ck_assert_int_eq(written.files_removed, 4);
	ck_assert_int_eq(written.files_added, 2);
	ck_assert_uint_eq(open_at(DELTA_LATEST).n_files, 3);
	ck_assert_str_eq(table_rows(), "0|p0\n1|p1\n2|p0\n3|p1\n4|p0\n5|NULL\n6|NULL");
}
END_TEST

START_TEST(an_order_is_that_of_the_rows_afterwards)
{
	struct err err = ERR_INIT;
	const char *const unknown[] = {"nope"}, *const partition[] = {"p"};
	struct delta_names order = {unknown, 1};

	overwrite_by("SELECT (range * 7) % 10 AS id, range % 2 AS p FROM range(10)", "p");
	append("SELECT 11 AS id, 0 AS p");
	optimize("id");
	ck_assert_int_eq(written.files_added, 2);
	ck_assert_str_eq(rows_at(DELTA_LATEST, "id", "WHERE p = 1"), "1\n3\n5\n7\n9");
	ck_assert_str_eq(rows_at(DELTA_LATEST, "id", "WHERE p = 0"), "0\n2\n4\n6\n8\n11");
	ck_assert_int_eq(delta_optimize(d, table, &order, &written, &err), -1);
	ck_assert_has(err.text, "has no column \"nope\"; it has id and p");
	err_clear(&err);
	order.items = partition;
	ck_assert_int_eq(delta_optimize(d, table, &order, &written, &err), -1);
	ck_assert_has(err.text, "partitioned by \"p\"");
	err_clear(&err);
	free(table);
	table = xasprintf("%s/none", folder);
	ck_assert_int_eq(delta_optimize(d, table, NULL, &written, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOT_FOUND);
	ck_assert_int_eq(access(table, F_OK), -1);
}
END_TEST

/* What strangers' SQL may not do, tables can still do in their folder. */
START_TEST(a_sealed_engine_writes_and_keeps_up_tables_in_its_folder)
{
	const char *items[] = {folder};
	const struct duck_places folders = {items, 1}, files = {NULL, 0};
	struct err err = ERR_INIT;

	ck_assert_int_eq(duck_seal(d, &folders, &files, &err), 0);
	overwrite_by("SELECT range AS id, range % 2 AS p FROM range(4)", "p");
	for (int i = 4; i < 14; i++)
		append(text("SELECT %d AS id, 0 AS p", i));
	ck_assert(is_there("_delta_log/00000000000000000010.checkpoint.parquet"));
	optimize(NULL);
	ck_assert_int_eq(written.files_removed, 11);
	ck_assert_ptr_nonnull(strstr(vacuum(0, false), "part-"));
	ck_assert_str_eq(rows_at(DELTA_LATEST, "count(*), sum(id)", ""), "14|91");
	free(table);
	table = xstrdup("/tmp/test_delta.elsewhere");
	ck_assert_int_eq(delta_append(d, table, "SELECT 1 AS id", NULL, &written, &err), -1);
	ck_assert_int_eq(access(table, F_OK), -1);
}
END_TEST

/* --- conflicts: what another one commits between a transaction's begin and its end --------------------------- */

static struct delta_txn t;

static void
begin(void)
{
	struct err err = ERR_INIT;

	ck_assert_msg(txn_begin(&t, d, table, NULL, &a, &err) == 0, "%s", err.text);
	t.operation = "WRITE";
	ck_assert_int_eq(files_write(d, table, "SELECT 100::INTEGER AS id", t.type,
				 &t.partition_columns, &a, &t.added, &err),
		0);
}

static const char *
commit_error(void)
{
	struct err err = ERR_INIT;
	int files = count_files("", "part-");

	written = (struct delta_written){.version = -1};
	ck_assert_int_eq(txn_commit(&t, &written, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFLICT);
	ck_assert(!written.committed);
	ck_assert_int_eq(count_files("", "part-"), files - 1);
	ck_assert_int_eq(count_files("_delta_log", "_commit_"), 0);
	return arena_strdup(&a, err.text);
}

static void
commit(int64_t version)
{
	struct err err = ERR_INIT;

	written = (struct delta_written){.version = -1};
	ck_assert_msg(txn_commit(&t, &written, &err) == 0, "%s", err.text);
	ck_assert_int_eq(written.version, version);
}

START_TEST(an_append_goes_behind_what_others_did)
{
	append("SELECT 1 AS id");
	begin();
	append("SELECT 2 AS id");
	optimize(NULL);
	overwrite_by("SELECT 3 AS id", NULL);
	commit(4);
	ck_assert_str_eq(table_rows(), "3\n100");
	begin();
	overwrite_by("SELECT 'text' AS id", NULL);
	ck_assert_has(
		commit_error(), "version 5 changed its columns or properties; nothing was written");
}
END_TEST

static void
delete_id(int id)
{
	const char *const names[] = {"id"};
	struct delta_names keys = {names, 1};
	struct err err = ERR_INIT;

	ck_assert_msg(delta_merge(d, table, text("SELECT %d AS id", id), DELTA_DELETE, &keys, NULL,
			      &written, &err) == 0,
		"%s", err.text);
}

START_TEST(what_read_the_table_gives_up_when_its_rows_changed)
{
	append("SELECT 1 AS id");
	begin();
	t.reads = true;
	append("SELECT 2 AS id");
	ck_assert_has(commit_error(), "version 1 added rows");
	begin();
	t.reads = true;
	optimize(NULL); /* the same rows in other files */
	commit(3);
	begin();
	t.reads = true;
	delete_id(100);
	ck_assert_has(commit_error(), "version 4 removed rows");
	begin();
	txn_remove(&t, &t.base.files[0]);
	t.moves_only = true;
	append("SELECT 3 AS id"); /* nothing to an optimize */
	commit(6);
	begin();
	txn_remove(&t, &t.base.files[0]);
	t.moves_only = true;
	overwrite_by("SELECT 4 AS id", NULL);
	ck_assert_has(commit_error(), "removed files that this one replaces");
	ck_assert_str_eq(table_rows(), "4");
}
END_TEST

START_TEST(of_two_that_make_a_table_one_loses)
{
	struct column items[] = {{"id", "INTEGER"}};
	struct columns columns = {items, 1};
	struct err err = ERR_INIT;

	ck_assert_int_eq(txn_begin(&t, d, table, NULL, &a, &err), 0);
	t.operation = "WRITE";
	ck_assert_int_eq(delta_type_of_columns(&columns, &a, &t.type, &err), 0);
	ck_assert_int_eq(files_write(d, table, "SELECT 100::INTEGER AS id", t.type,
				 &t.partition_columns, &a, &t.added, &err),
		0);
	append("SELECT 1 AS id");
	ck_assert_has(commit_error(), "made this table at the same time");
	ck_assert_str_eq(table_rows(), "1");
}
END_TEST

/* --- vacuum ----------------------------------------------------------------------------------------------------- */

START_TEST(a_vacuum_deletes_what_was_removed_and_not_what_is_there)
{
	const char *first, *list;
	struct err err = ERR_INIT;
	struct delta_snapshot s;
	struct delta_names files;

	append("SELECT 1 AS id");
	first = open_at(DELTA_LATEST).files[0].path;
	overwrite_by("SELECT 2 AS id", NULL);
	ck_assert_str_eq(vacuum(168, true), "");
	ck_assert_str_eq(vacuum(168, false), "");
	list = vacuum(0, true);
	ck_assert_str_eq(list, first);
	ck_assert(is_there(first));
	ck_assert_str_eq(vacuum(0, false), first);
	ck_assert(!is_there(first));
	ck_assert_str_eq(table_rows(), "2");
	ck_assert_int_eq(delta_open(table, 0, d, &a, &s, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOT_FOUND);
	ck_assert_has(err.text, "version 0");
	ck_assert_has(err.text, "cannot be read any more");
	ck_assert_str_eq(vacuum(0, false), "");
	err_clear(&err);
	ck_assert_int_eq(delta_vacuum(d, table, -1, true, &a, &files, &err), -1);
	ck_assert_int_eq(err.code, ERR_USAGE);
}
END_TEST

START_TEST(a_vacuum_clears_what_killed_writers_left_when_it_is_old)
{
	append("SELECT 1 AS id");
	put_file("part-lost.parquet", "x");
	put_file(".write-lost/data.parquet", "x");
	put_file(".write-other/__flowfile_partition=3/data.parquet", "x");
	put_file("_delta_log/_commit_lost.json.tmp", "x");
	put_file("_delta_log/.checkpoint-lost.parquet.tmp", "x");
	put_file("p=1/lost.parquet", "x");
	put_file("README.txt", "mine");
	put_file("_other/x.parquet", "mine");
	put_file(".hidden.parquet", "mine");
	ck_assert_str_eq(
		vacuum(0, false), ""); /* they may be of a writer that has not committed yet */
	ck_assert(is_there("part-lost.parquet"));
	make_old("part-lost.parquet", 25);
	make_old(".write-lost/data.parquet", 25);
	make_old(".write-lost", 25);
	make_old(".write-other/__flowfile_partition=3/data.parquet", 25);
	make_old(".write-other/__flowfile_partition=3", 25);
	make_old(".write-other", 25);
	make_old("_delta_log/_commit_lost.json.tmp", 25);
	make_old("_delta_log/.checkpoint-lost.parquet.tmp", 25);
	make_old("p=1/lost.parquet", 25);
	make_old("README.txt", 25);
	make_old("_other/x.parquet", 25);
	make_old(".hidden.parquet", 25);
	make_old(open_at(DELTA_LATEST).files[0].path, 1000);
	ck_assert_str_eq(vacuum(26, true), "");
	ck_assert_str_eq(vacuum(24, false),
		".write-lost/data.parquet .write-other/__flowfile_partition=3/data.parquet "
		"_delta_log/.checkpoint-lost.parquet.tmp _delta_log/_commit_lost.json.tmp "
		"p=1/lost.parquet part-lost.parquet");
	ck_assert(!is_there(".write-lost"));
	ck_assert(!is_there(".write-other"));
	ck_assert(!is_there("p=1"));
	ck_assert(is_there("README.txt"));
	ck_assert(is_there("_other/x.parquet"));
	ck_assert(is_there(".hidden.parquet"));
	ck_assert_str_eq(table_rows(), "1");
}
END_TEST

START_TEST(a_vacuum_keeps_what_a_checkpoint_may_have_forgotten)
{
	int64_t removed_ms = clock_wall(&clock_real) / US_PER_MS - INT64_C(8) * 86400 * 1000;
	struct err err = ERR_INIT;

	put_parquet("a.parquet", "SELECT 1::BIGINT AS id");
	put_parquet("b.parquet", "SELECT 2::BIGINT AS id");
	make_old("a.parquet", 40 * 24);
	put_commit(0,
		text("%s%s%s", PROTOCOL_OLD, metadata_of(field_of("id", "\"long\""), "", ""),
			ADD("a.parquet", "")));
	put_commit(1,
		text("{\"remove\":{\"path\":\"a.parquet\",\"deletionTimestamp\":%" PRId64
		     ",\"dataChange\":true}}\n%s",
			removed_ms, ADD("b.parquet", "")));
	ck_assert_str_eq(vacuum(30 * 24, true), "");
	ck_assert_msg(delta_checkpoint(d, table, 1, &err) == 0, "%s", err.text);
	ck_assert_str_eq(vacuum(30 * 24, true), "");
	ck_assert_str_eq(vacuum(7 * 24, true), "a.parquet");
}
END_TEST

START_TEST(a_vacuum_knows_a_file_by_its_encoded_path_and_spares_full_ones)
{
	struct delta_names files;
	struct err err = ERR_INIT;
	char *elsewhere;

	put_parquet("p=a b/x.parquet", "SELECT 1::BIGINT AS id");
	make_old("p=a b/x.parquet", 1000);
	put_commit(0,
		text("%s%s%s", PROTOCOL_OLD, metadata_of(field_of("id", "\"long\""), "", ""),
			ADD("p=a%20b/x.parquet", "")));
	ck_assert_str_eq(vacuum(0, false), "");
	ck_assert_str_eq(table_rows(), "1");
	elsewhere = xasprintf("%s/alias", folder);
	ck_assert_int_eq(symlink(table, elsewhere), 0);
	put_commit(1, text("{\"add\":{\"path\":\"%s/p=a%%20b/x.parquet\",\"size\":1}}", elsewhere));
	ck_assert_int_eq(delta_vacuum(d, table, 0, false, &a, &files, &err), -1);
	ck_assert_has(err.text, "by their full path");
	free(elsewhere);
}
END_TEST

/* --- checkpoints ------------------------------------------------------------------------------------------------ */

static void
remove_commits(int64_t first, int64_t last)
{
	for (int64_t v = first; v <= last; v++) {
		char *path = log_commit_path(table, v);

		ck_assert_int_eq(unlink(path), 0);
		free(path);
	}
}

START_TEST(every_tenth_commit_makes_a_checkpoint_that_stands_for_all_before)
{
	struct delta_snapshot before, after;
	struct err err = ERR_INIT;

	overwrite_by("SELECT 0 AS id, 'p' AS p, TIMESTAMP '2026-01-01' AS ts", "p");
	append("SELECT 1 AS id, NULL AS p, NULL::TIMESTAMP AS ts");
	put_commit(2, "{\"txn\":{\"appId\":\"stream\",\"version\":7,\"lastUpdated\":1}}\n");
	for (int i = 3; i <= 12; i++)
		overwrite_by(
			text("SELECT %d AS id, 'p''%d' AS p, TIMESTAMP '2026-01-02' AS ts", i, i),
			NULL);
	ck_assert(is_there("_delta_log/00000000000000000010.checkpoint.parquet"));
	ck_assert_int_eq(count_files("_delta_log", ".checkpoint-"), 0);
	before = open_at(11);
	remove_commits(0, 10);
	after = open_at(11);
	ck_assert_str_eq(after.schema_string, before.schema_string);
	ck_assert_str_eq(after.files[0].stats, before.files[0].stats);
	ck_assert_str_eq(rows_at(11, "*", ""), "11|p'11|2026-01-02 00:00:00");
	ck_assert_str_eq(rows_at(10, "id, p", ""), "10|p'10");
	ck_assert_str_eq(open_error(9, ERR_NOT_FOUND),
		text("version 9 of %s is gone; the oldest that can be read is 10", table));
	/* Without the engine there is no reading it. */
	ck_assert_int_eq(delta_open(table, DELTA_LATEST, NULL, &a, &after, &err), -1);
	ck_assert_has(err.text, "needs the engine");
	/* What was removed before it is still known to a vacuum, and transactions to the next checkpoint. */
	ck_assert_ptr_nonnull(strstr(vacuum(0, true), "part-"));
	ck_assert_str_eq(
		rows_of(text("SELECT txn.appId, txn.version FROM '%s/_delta_log/"
			     "00000000000000000010.checkpoint.parquet' WHERE txn IS NOT NULL",
			table)),
		"stream|7");
	overwrite_by("SELECT 13 AS id, 'x' AS p, NULL::TIMESTAMP AS ts", NULL);
	ck_assert_int_eq(written.version, 13);
}
END_TEST

/* A checkpoint in two parts, with columns and fields that others write and we do not know. */
static void
put_checkpoint_part(int64_t version, int part, const char *rows)
{
	put_parquet(
		text("_delta_log/%020" PRId64 ".checkpoint.%010d.%010d.parquet", version, part, 2),
		rows);
}

#define PART_ADD                                                                                   \
	"SELECT {'path': 'x%20y.parquet', 'partitionValues': MAP {'p': '7'}, 'size': 5::BIGINT, "  \
	"'modificationTime': 1::BIGINT, 'dataChange': false, 'stats': '{\"numRecords\":1}', "      \
	"'stats_parsed': {'numRecords': 1, 'nan': 'NaN'::DOUBLE, 't': TIME '10:00'}} AS add, "     \
	"NULL::STRUCT(id VARCHAR, schemaString VARCHAR, partitionColumns VARCHAR[]) AS metaData, " \
	"{'domain': 'd'} AS domainMetadata"

START_TEST(a_checkpoint_of_others_in_parts_is_read_when_all_are_there)
{
	struct delta_snapshot s;

	put_parquet("x y.parquet", "SELECT 1::BIGINT AS id");
	put_file("_delta_log/_last_checkpoint", "{\"version\":3,\"size\":4,\"parts\":2}");
	put_checkpoint_part(3, 1, PART_ADD);
	ck_assert_int_eq(delta_is_table(table, NULL), 0);
	put_checkpoint_part(3, 2,
		"SELECT NULL::STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER) AS "
		"protocol, "
		"{'id': 'the id', 'format': {'provider': 'parquet', 'options': MAP "
		"{}::MAP(VARCHAR, "
		"VARCHAR)}, 'schemaString': '{\"type\":\"struct\",\"fields\":["
		"{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"p\",\"type\":\"integer\"}]}', "
		"'partitionColumns': ['p'], 'configuration': MAP {'k': 'v'}, 'createdTime': "
		"5::BIGINT} AS metaData UNION ALL SELECT {'minReaderVersion': 1, "
		"'minWriterVersion': 2}, "
		"NULL");
	ck_assert_int_eq(delta_is_table(table, NULL), 1);
	ck_assert_str_eq(table_rows(), "1|7");
	ck_assert_str_eq(open_at(3).id, "the id");
	s = open_at(3);
	ck_assert_str_eq(delta_setting(&s, "k"), "v");
	append("SELECT 2 AS id, 8 AS p");
	ck_assert_int_eq(written.version, 4);
	ck_assert_str_eq(table_rows(), "1|7\n2|8");
	/* One that is being written does not count yet. */
	put_file(
		"_delta_log/00000000000000000004.checkpoint.0000000002.0000000002.parquet", "half");
	ck_assert_str_eq(table_rows(), "1|7\n2|8");
	ck_assert_has(open_error(2, ERR_NOT_FOUND), "the oldest that can be read is 3");
}
END_TEST

START_TEST(an_old_log_is_cleared_behind_an_old_checkpoint)
{
	put_commit(0,
		text("%s%s", PROTOCOL_OLD,
			metadata_of(field_of("id", "\"integer\""), "",
				"\"delta.checkpointInterval\":\"2\","
				"\"delta.logRetentionDuration\":\"interval 2 days\"")));
	for (int i = 1; i <= 4; i++)
		append(text("SELECT %d AS id", i));
	ck_assert_int_eq(count_files("_delta_log", "0"), 7);
	make_old("_delta_log/00000000000000000002.checkpoint.parquet", 47);
	append("SELECT 5 AS id");
	append("SELECT 6 AS id");
	ck_assert(is_there("_delta_log/00000000000000000000.json"));
	make_old("_delta_log/00000000000000000002.checkpoint.parquet", 49);
	make_old("_delta_log/00000000000000000004.checkpoint.parquet", 49);
	append("SELECT 7 AS id");
	append("SELECT 8 AS id");
	ck_assert(!is_there("_delta_log/00000000000000000002.checkpoint.parquet"));
	ck_assert(!is_there("_delta_log/00000000000000000003.json"));
	ck_assert(is_there("_delta_log/00000000000000000004.checkpoint.parquet"));
	ck_assert_str_eq(rows_at(4, "count(*)", ""), "4");
	ck_assert_str_eq(rows_at(DELTA_LATEST, "count(*)", ""), "8");
	ck_assert_has(open_error(3, ERR_NOT_FOUND), "the oldest that can be read is 4");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("delta_upkeep");
	TCase *tc = tcase_create("upkeep");

	tcase_add_checked_fixture(tc, delta_test_set_up, delta_test_tear_down);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, small_files_become_one_of_the_same_rows);
	tcase_add_test(tc, partitions_stay_apart_when_files_are_joined);
	tcase_add_test(tc, an_order_is_that_of_the_rows_afterwards);
	tcase_add_test(tc, a_sealed_engine_writes_and_keeps_up_tables_in_its_folder);
	tcase_add_test(tc, an_append_goes_behind_what_others_did);
	tcase_add_test(tc, what_read_the_table_gives_up_when_its_rows_changed);
	tcase_add_test(tc, of_two_that_make_a_table_one_loses);
	tcase_add_test(tc, a_vacuum_deletes_what_was_removed_and_not_what_is_there);
	tcase_add_test(tc, a_vacuum_clears_what_killed_writers_left_when_it_is_old);
	tcase_add_test(tc, a_vacuum_keeps_what_a_checkpoint_may_have_forgotten);
	tcase_add_test(tc, a_vacuum_knows_a_file_by_its_encoded_path_and_spares_full_ones);
	tcase_add_test(tc, every_tenth_commit_makes_a_checkpoint_that_stands_for_all_before);
	tcase_add_test(tc, a_checkpoint_of_others_in_parts_is_read_when_all_are_there);
	tcase_add_test(tc, an_old_log_is_cleared_behind_an_old_checkpoint);
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
