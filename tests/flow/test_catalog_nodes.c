/* Tables of a real catalog (SQLite) as sources and results of flows. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <unistd.h>

#include "catalog_test.h"
#include "catalog/namespaces.h"
#include "catalog/table_write.h"
#include "flow/delta.h"

/* What goes wrong while a table is written, in place of the system's own calls. */
static struct {
	int open_log; /* which opening of a log fails from here on: 1 is the next one; 0: none */
	void (*before_commit)(void); /* once */
	void (*after_commit)(void); /* once */
	bool reply_is_lost; /* of the next commit: it is there, and is said to have been there already */
} fault;

DIR *
opendir(const char *path)
{
	int fd;

	if (strstr(path, "_delta_log") != NULL && fault.open_log > 0 && --fault.open_log == 0) {
		errno = EMFILE;
		return NULL;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fdopendir(fd) : NULL;
}

static void
once(void (**hook)(void))
{
	void (*call)(void) = *hook;

	*hook = NULL;
	if (call != NULL)
		call();
}

int
link(const char *from, const char *to)
{
	int rc;

	once(&fault.before_commit);
	rc = linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
	if (rc < 0)
		return -1;
	once(&fault.after_commit);
	if (fault.reply_is_lost) {
		fault.reply_is_lost = false;
		errno = EEXIST;
		return -1;
	}
	return 0;
}

START_TEST(overwriting_makes_a_version_and_moves_the_stamp)
{
	struct table_info first, second;

	ok(write_rows("[1, null]", "[a, null]", "table_name: t"));
	first = table_of("t");
	ck_assert_int_eq(first.row_count, 2);
	ck_assert_int_eq(first.column_count, 2);
	ck_assert_str_eq(first.namespace_name, "default");
	ck_assert_ptr_nonnull(strstr(first.schema_json, "{\"name\":\"k\",\"dtype\":\"Int64\"}"));
	ok(write_rows("[1, null]", "[a, null]", "table_name: t"));
	second = table_of("t");
	ck_assert_int_eq(second.id, first.id);
	ck_assert_str_eq(second.file_path, first.file_path);
	ck_assert_int_gt(second.updated_us, first.updated_us);
	ok(write_rows("[5]", "[e]", "table_name: t"));
	reads("catalog_table_name: t", "5|e");
	reads("catalog_table_name: t, delta_version: 0", "1|a;NULL|NULL");
	not_read("catalog_table_name: t, delta_version: 7", "table t");
}
END_TEST

START_TEST(what_changes_nothing_is_no_write)
{
	struct table_info before, after;

	ok(write_rows("[1, 2]", "[a, b]", "table_name: t"));
	before = table_of("t");
	ok(write_rows("[]", "[]", "table_name: t, write_mode: append"));
	ok(write_rows("[]", "[]", "table_name: t, write_mode: update, merge_keys: [k]"));
	ok(write_rows("[7]", "[a]", "table_name: t, write_mode: delete, merge_keys: [k]"));
	after = table_of("t");
	ck_assert_int_eq(after.updated_us, before.updated_us);
	reads("catalog_table_name: t", "1|a;2|b");
	/* An overwrite says what the table is, and a table that is not there is made. */
	ok(write_rows("[]", "[]", "table_name: t"));
	ck_assert_int_gt(table_of("t").updated_us, before.updated_us);
	ok(write_rows("[]", "[]", "table_name: u, write_mode: append"));
	ck_assert_int_eq(table_of("u").row_count, 0);
}
END_TEST

START_TEST(tables_are_found_by_id_full_name_and_name)
{
	ok(write_rows("[1]", "[a]", "table_name: t, namespace_full_name: General.default"));
	reads(arena_printf(&arena, "catalog_table_id: %lld, catalog_table_name: no",
		      (long long)table_of("t").id),
		"1|a");
	reads("catalog_full_table_name: General.default.t", "1|a");
	reads("catalog_table_id: 99, catalog_table_name: t", "1|a");
	not_read("catalog_table_id: 99", "no table has the id 99");
	not_read("catalog_full_table_name: General.default.tt", "tt");
	not_read("catalog_table_name: tt", "did you mean 't'");
	not_read("scd2_view: all", "names no table");
	fails(write_rows("[1]", "[a]", "table_name: x, namespace_full_name: General.defualt"),
		ERR_NOT_FOUND, "namespace_full_name");
}
END_TEST

START_TEST(merges_go_by_keys_and_NULL_is_none)
{
	ok(write_rows("[1, 2, null]", "[a, b, c]", "table_name: t, write_mode: append"));
	ok(write_rows(
		"[2, 3, null]", "[B, C, d]", "table_name: t, write_mode: upsert, merge_keys: [k]"));
	reads("catalog_table_name: t", "1|a;2|B;3|C;NULL|c;NULL|d");
	ck_assert_int_eq(table_of("t").row_count, 5);
	ok(write_rows("[1, 9]", "[A, X]", "table_name: t, write_mode: update, merge_keys: [k]"));
	ok(write_rows("[3, null]", "[x, x]", "table_name: t, write_mode: delete, merge_keys: [k]"));
	reads("catalog_table_name: t", "1|A;2|B;NULL|c;NULL|d");
	ck_assert_int_eq(table_of("t").row_count, 4);
}
END_TEST

START_TEST(wrong_settings_are_named)
{
	ok(write_rows("[1]", "[a]", "table_name: t, write_mode: error"));
	fails(write_rows("[1]", "[a]", "table_name: t, write_mode: error"), ERR_CONFLICT,
		"there already");
	fails(write_rows("[1]", "[a]", "table_name: t, write_mode: upsert"), ERR_USAGE,
		"merge_keys");
	fails(write_rows("[1]", "[a]", "table_name: t, write_mode: upsert, merge_keys: [zz]"),
		ERR_USAGE, "no column zz; there are k and v");
	fails(write_rows("[1]", "[a]", "table_name: t, partition_by: [K]"), ERR_USAGE,
		"partition_by");
	fails(write_rows("[1]", "[a]", "table_name: a.b"), ERR_USAGE, "must not contain '.'");
	fails(write_rows("[1]", "[a]", "table_name: u, write_mode: scd2"), ERR_USAGE,
		"merge_keys: write_mode scd2 needs some");
	fails(write_rows("[1]", "[a]", "table_name: u, write_mode: virtual"), ERR_USAGE,
		"register");
}
END_TEST

static int64_t
known(const char *path, const char *name)
{
	const struct flow_new new = {.name = name, .flow_path = path};
	int64_t id;

	ck_assert_msg(flows_register(&cat, &new, &id, &err) == 0, "%s", err.text);
	return id;
}

static const char *
uuid_of(int64_t flow_id)
{
	struct flow_info info;

	ck_assert_int_eq(flows_get(&cat, flow_id, &arena, &info, &err), 0);
	return info.flow_uuid;
}

static const char *
virtual_of(const char *source, const char *name)
{
	return file(arena_printf(&arena,
		"- {id: 1, type: catalog_reader, outputs: [2], setting_input: "
		"{catalog_table_name: %s}}\n"
		"- {id: 2, type: catalog_writer, input_ids: [1], setting_input: "
		"{catalog_write_settings: {table_name: %s, write_mode: virtual}}}\n",
		source, name));
}

START_TEST(virtual_tables_are_the_flow_that_makes_them)
{
	const char *v = virtual_of("t", "v"), *w = virtual_of("v", "w");
	int64_t id;

	ok(write_rows("[1]", "[a]", "table_name: t"));
	id = known(v, "makes v");
	ok(run_file(v, id));
	ck_assert_str_eq(table_of("v").table_type, "virtual");
	ck_assert_int_eq(table_of("v").producer_registration_id, id);
	ck_assert_uint_eq(table_of("t").n_read_by, 1);
	ck_assert_int_eq(table_of("t").read_by[0].id, id);
	ok(run_file(w, known(w, "makes w")));
	ok(write_rows("[2]", "[b]", "table_name: t"));
	reads("catalog_table_name: w", "2|b");
	not_read("catalog_table_name: w, delta_version: 0", "virtual");
	fails(write_rows("[1]", "[a]", "table_name: v"), ERR_CONFLICT, "virtual");

	/* v is made of w from now on, and w of v. */
	ck_assert_int_eq(rename(virtual_of("w", "v"), v), 0);
	not_read("catalog_table_name: w", "loop");
	ck_assert_ptr_nonnull(strstr(err.text, "v"));
}
END_TEST

static int64_t
query_table(const char *name, const char *sql)
{
	const struct table_new new = {.name = name,
		.namespace_id = table_of("t").namespace_id,
		.is_virtual = true,
		.sql_query = sql,
		.row_count = COUNT_NONE,
		.size_bytes = COUNT_NONE,
		.column_count = COUNT_NONE};
	int64_t id;

	ck_assert_msg(tables_register(&cat, &new, &id, &err) == 0, "%s", err.text);
	return id;
}

START_TEST(virtual_tables_are_the_query_that_makes_them)
{
	const char *v = virtual_of("q", "v");

	ok(write_rows("[1, 2]", "[a, b]", "table_name: t"));
	query_table("q", "SELECT k, v FROM General.\"default\".t WHERE k > 1");
	ok(run_file(v, known(v, "makes v")));
	query_table("r", "WITH q AS (SELECT 0 AS zero) SELECT v.k, v.v FROM q, \"default\".v;");
	reads("catalog_table_name: r", "2|b");
	ok(write_rows("[3, 0]", "[c, z]", "table_name: t"));
	reads("catalog_table_name: r", "3|c");
	not_read("catalog_table_name: r, delta_version: 0", "virtual");
	query_table("broken", "SELECT zz FROM t");
	not_read("catalog_table_name: broken", "virtual table broken: ");
	query_table("gone", "SELECT k FROM tt");
	not_read("catalog_table_name: gone", "did you mean 't'");
}
END_TEST

/* EXPLAIN of node 3, which filters what a reader of the table gives by k and keeps k alone. */
static const char *
explained(const char *table)
{
	const char *path = file(arena_printf(&arena,
		"- {id: 1, type: catalog_reader, outputs: [2], setting_input: {catalog_table_name: "
		"%s}}\n"
		"- {id: 2, type: filter, input_ids: [1], outputs: [3], setting_input: "
		"{filter_input: {mode: advanced, advanced_filter: '[k] > 7'}}}\n"
		"- {id: 3, type: select, input_ids: [2], setting_input: {keep_missing: false, "
		"select_input: [{old_name: k, new_name: k, keep: true}]}}\n",
		table));
	struct plan_options options = {.catalog = &cat};
	struct relation *relation;
	struct duck_rows *rows;
	struct plan *plan;
	struct flow *flow;
	const char *text;

	open_anew();
	options.duck = duck;
	ck_assert_int_eq(flow_read(path, NULL, 0, &flow, &err), 0);
	ck_assert_int_eq(plan_create(&options, &plan, &err), 0);
	plan_scope(plan, flow, NULL, 0);
	ck_assert_msg(plan_compile(plan, plan->top, flow_node(flow, 3), 0, &relation, &err) == 0,
		"%s", err.text);
	ck_assert_int_eq(duck_explain(duck,
				 arena_printf(&arena, "EXPLAIN %s", plan_sql_text(plan, relation)),
				 &rows, &err),
		0);
	ck_assert(duck_rows_next(rows));
	text = duck_text_copy(rows, 1, &arena);
	duck_rows_free(rows);
	plan_free(plan);
	flow_free(flow);
	return text;
}

START_TEST(filters_and_columns_reach_the_scan_behind_virtual_tables)
{
	const char *v = virtual_of("t", "v"), *text;

	ok(write_rows("[1, 9]", "[a, b]", "table_name: t"));
	ok(run_file(v, known(v, "makes v")));
	query_table("q", "SELECT * FROM v WHERE v IS NOT NULL OR k > 0");
	text = explained("v");
	ck_assert_msg(strstr(text, "Filters:") != NULL && strstr(text, "k>7") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "FILTER   ") == NULL, "%s", text);
	/* Only k is read of the file: v is in no projection. */
	ck_assert_msg(strstr(text, " v ") == NULL, "%s", text);
	text = explained("q");
	ck_assert_msg(strstr(text, "k>7") != NULL, "%s", text);
}
END_TEST

START_TEST(queries_in_a_loop_are_named)
{
	ok(write_rows("[1]", "[a]", "table_name: t"));
	query_table("a", "SELECT * FROM b");
	query_table("b", "SELECT * FROM c JOIN t USING (k)");
	query_table("c", "SELECT * FROM a");
	not_read("catalog_table_name: a", "in a loop: a reads b, which reads c, which reads a");
}
END_TEST

START_TEST(a_reader_may_have_a_query_of_its_own)
{
	const struct namespace_new extra = {.name = "extra", .parent_id = 1};
	int64_t id;

	ok(write_rows("[1, 2]", "[a, b]", "table_name: t"));
	ok(namespaces_create(&cat, &extra, &id, &err));
	reads("sql_query: 'SELECT k, v FROM t WHERE k = 2'", "2|b");
	not_read("sql_query: 'SELECT * FROM read_csv(1)'", "sql_query: read_csv()");
	not_read(arena_printf(&arena, "sql_query: 'SELECT * FROM \"%d\"'", (int)table_of("t").id),
		"no table is called");
	ok(write_rows("[1]", "[a]", "table_name: t, namespace_full_name: General.extra"));
	not_read("sql_query: 'SELECT * FROM t'", "several tables are called t");
	reads("sql_query: 'SELECT * FROM extra.t'", "1|a");
}
END_TEST

/* A flow of the catalog that reads a table and is run by others. */
static int64_t
known_part(void)
{
	return known(file("- {id: 1, type: catalog_reader, outputs: [2], setting_input: "
			  "{catalog_table_name: '${from}'}}\n"
			  "- {id: 2, type: flow_output, input_ids: [1], setting_input: "
			  "{output_name: rows}}\n"),
		"the part");
}

START_TEST(a_virtual_table_may_be_made_by_a_flow_that_runs_another)
{
	const char *runs = "- {id: 1, type: run_flow, outputs: [2], setting_input: "
			   "{flow_reference: {registration_id: %lld%s}, parameter_bindings: "
			   "{from: %s}}}\n"
			   "- {id: 2, type: catalog_writer, input_ids: [1], setting_input: "
			   "{catalog_write_settings: {table_name: %s}}}\n";
	long long part = (long long)known_part();
	const char *v, *text;
	int64_t id;

	ok(write_rows("[1, 9]", "[a, b]", "table_name: t"));
	v = file(arena_printf(&arena, runs, part, "", "t", "v, write_mode: virtual"));
	id = known(v, "makes v");
	ok(run_file(v, id));
	reads("catalog_table_name: v", "1|a;9|b");
	/* What it reads is what the flow that was run reads, through the one that is run. */
	ck_assert_uint_eq(table_of("t").n_read_by, 1);
	ck_assert_int_eq(table_of("t").read_by[0].id, id);
	text = explained("v");
	ck_assert_msg(strstr(text, "k>7") != NULL && strstr(text, "FILTER   ") == NULL, "%s", text);
	ck_assert_msg(strstr(text, " v ") == NULL, "%s", text);

	/* The uuid says which flow it is, whatever has the id now. */
	v = file(arena_printf(&arena, runs, 99LL,
		arena_printf(&arena, ", flow_uuid: %s", uuid_of(part)), "t", "w"));
	ok(run_file(v, ID_NONE));
	reads("catalog_table_name: w", "1|a;9|b");
	v = file(arena_printf(&arena, runs, 99LL, "", "t", "w"));
	fails(run_file(v, ID_NONE), ERR_NOT_FOUND,
		"node 1 (run_flow): flow_reference: no flow has the id 99");
	v = file(arena_printf(&arena, runs, part, "", "none", "w"));
	fails(run_file(v, ID_NONE), ERR_NOT_FOUND,
		"node 1 (run_flow) > the part, node 1 (catalog_reader): ");
}
END_TEST

START_TEST(a_flow_that_runs_the_flow_of_a_table_that_it_makes_is_a_loop)
{
	const char *v = file("- {id: 1, type: manual_input, outputs: [2], setting_input: "
			     "{raw_data_format: {columns: [{name: k, data_type: Int64}], data: "
			     "[[1]]}}}\n"
			     "- {id: 2, type: catalog_writer, input_ids: [1], setting_input: "
			     "{catalog_write_settings: {table_name: v, write_mode: virtual}}}\n");
	int64_t part = known_part(), id = known(v, "makes v");

	ok(run_file(v, id));
	ck_assert_int_eq(rename(file(arena_printf(&arena,
					"- {id: 1, type: run_flow, outputs: [2], setting_input: "
					"{flow_reference: {registration_id: %lld}, "
					"parameter_bindings: {from: v}}}\n"
					"- {id: 2, type: catalog_writer, input_ids: [1], "
					"setting_input: {catalog_write_settings: {table_name: v, "
					"write_mode: virtual}}}\n",
					(long long)part)),
				 v),
		0);
	not_read("catalog_table_name: v", "loop: v reads v");
}
END_TEST

START_TEST(a_flow_writes_tables_within_another)
{
	const char *part = file("- {id: 1, type: flow_input, outputs: [2], setting_input: "
				"{input_name: in}}\n"
				"- {id: 2, type: catalog_writer, input_ids: [1], setting_input: "
				"{catalog_write_settings: {table_name: t, write_mode: append}}}\n");
	int64_t id;

	known(part, "writes");
	part = file(arena_printf(&arena,
		"- {id: 1, type: manual_input, outputs: [2, 3], setting_input: {raw_data_format: "
		"{columns: [{name: k, data_type: Int64}, {name: v, data_type: String}], data: "
		"[[1], [a]]}}}\n"
		"- {id: 2, type: run_flow, input_ids: [1], setting_input: {flow_reference: "
		"{flow_path: %s}}}\n"
		"- {id: 3, type: run_flow, input_ids: [1], setting_input: {flow_reference: "
		"{flow_path: %s}}}\n",
		part, strrchr(part, '/') + 1));
	id = known(part, "whole");
	ok(run_file(part, id));
	reads("catalog_table_name: t", "1|a;1|a");
	ck_assert_int_eq(table_of("t").source_registration_id, id);
}
END_TEST

/* Its columns are those of its program's output, and its rows are made when it is read. */
START_TEST(a_virtual_table_may_be_made_by_a_program)
{
	const char *runs = arena_printf(&arena, "%s/runs", folder);
	const char *v = file(arena_printf(&arena,
		"- {id: 1, type: manual_input, outputs: [2], setting_input: {raw_data_format: "
		"{columns: [{name: k, data_type: Int64}, {name: v, data_type: String}], data: "
		"[[1, 2], [a, b]]}}}\n"
		"- {id: 2, type: command, input_ids: [1], outputs: [3], setting_input: {command: "
		"'echo >>%s; cp $FLOWFILE_INPUT $FLOWFILE_OUTPUT'}}\n"
		"- {id: 3, type: catalog_writer, input_ids: [2], setting_input: "
		"{catalog_write_settings: {table_name: v, write_mode: virtual}}}\n",
		runs));
	struct stat sb;

	ok(run_file(v, known(v, "makes v")));
	ck_assert_ptr_nonnull(strstr(table_of("v").schema_json, "\"dtype\":\"Int64\""));
	reads("catalog_table_name: v", "1|a;2|b");
	ck_assert_int_eq(stat(runs, &sb), 0);
	ck_assert_int_eq(sb.st_size, 2);
}
END_TEST

static int
write_file_and_table(const char *settings)
{
	return run_file(file(arena_printf(&arena,
				"- {id: 1, type: manual_input, outputs: [2, 3], setting_input: "
				"{raw_data_format: {columns: [{name: k, data_type: Int64}], data: "
				"[[1]]}}}\n"
				"- {id: 2, type: output, input_ids: [1], setting_input: "
				"{output_settings: {name: o.csv, directory: '%s'}}}\n"
				"- {id: 3, type: catalog_writer, input_ids: [1], setting_input: "
				"{catalog_write_settings: {%s}}}\n",
				folder, settings)),
		ID_NONE);
}

START_TEST(a_table_that_may_not_be_written_is_said_before_other_outputs_are)
{
	const char *path = arena_printf(&arena, "%s/o.csv", folder);

	ok(write_rows("[1]", "[a]", "table_name: t"));
	query_table("q", "SELECT 1 AS k");
	fails(write_file_and_table("table_name: t, namespace_full_name: no.where"), ERR_NOT_FOUND,
		"namespace_full_name");
	ck_assert_int_ne(access(path, F_OK), 0);
	fails(write_file_and_table("table_name: q"), ERR_CONFLICT, "virtual");
	ck_assert_int_ne(access(path, F_OK), 0);
	ok(write_file_and_table("table_name: t"));
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

/* --- what goes wrong ------------------------------------------------------------------------------------------- */

START_TEST(a_log_that_cannot_be_opened_is_no_missing_table)
{
	struct table_info before;

	ok(write_rows("[1]", "[a]", "table_name: t"));
	before = table_of("t");
	for (int i = 1; i <= 3; i++) {
		fault.open_log = i;
		fails(write_rows("[2]", "[b]", "table_name: t"), ERR_FAILED, strerror(EMFILE));
		ck_assert_int_eq(fault.open_log, 0);
	}
	ck_assert_str_eq(table_of("t").file_path, before.file_path);
	reads("catalog_table_name: t", "1|a");
	fault.open_log = 1;
	not_read("catalog_table_name: t", strerror(EMFILE));
}
END_TEST

START_TEST(a_commit_that_is_said_to_be_another_ones_is_known_again)
{
	fault.reply_is_lost = true;
	ok(write_rows("[1]", "[a]", "table_name: t"));
	fault.reply_is_lost = true;
	ok(write_rows("[2]", "[b]", "table_name: t, write_mode: append"));
	ck_assert(!fault.reply_is_lost);
	reads("catalog_table_name: t", "1|a;2|b");
	ck_assert_int_eq(table_of("t").row_count, 2);
}
END_TEST

static void
cancel(void)
{
	duck_interrupt(duck);
}

/* Its newest version can be read with the engine only. */
static void
make_checkpoint(void)
{
	ck_assert_msg(
		delta_checkpoint(duck, table_of("t").file_path, 0, &err) == 0, "%s", err.text);
}

START_TEST(what_was_committed_before_a_cancel_is_told)
{
	struct table_info before, after;
	struct delta_snapshot s;

	ok(write_rows("[1, 2]", "[a, b]", "table_name: t"));
	make_checkpoint();
	before = table_of("t");
	fault.after_commit = cancel;
	ok(write_rows("[3]", "[c]", "table_name: t, write_mode: append"));
	after = table_of("t");
	ck_assert_int_gt(after.updated_us, before.updated_us);
	ck_assert_int_eq(after.row_count, 3);
	ck_assert_int_eq(after.column_count, 2);
	ck_assert_str_eq(after.schema_json, before.schema_json);
	open_anew();
	ok(delta_open(after.file_path, DELTA_LATEST, duck, &arena, &s, &err));
	ck_assert_int_eq(after.size_bytes, s.size);
}
END_TEST

static void
append_two(void)
{
	struct delta_written written;

	ok(delta_append(duck, table_of("t").file_path,
		"SELECT CAST(k AS BIGINT) AS k, 'other' AS v FROM range(2) AS r(k)", NULL, &written,
		&err));
}

START_TEST(rows_of_writers_that_came_in_between_are_counted)
{
	ok(write_rows("[1]", "[a]", "table_name: t"));
	make_checkpoint();
	fault.before_commit = append_two;
	ok(write_rows("[2]", "[b]", "table_name: t, write_mode: append"));
	ck_assert_int_eq(table_of("t").row_count, 4);
	fault.before_commit = append_two;
	ok(write_rows("[3]", "[c]", "table_name: t, write_mode: append"));
	ck_assert_int_eq(table_of("t").row_count, 7);
}
END_TEST

static void
append_two_and_cancel(void)
{
	append_two();
	fault.after_commit = cancel;
}

START_TEST(a_cancel_loses_a_number_rather_than_the_news)
{
	struct table_info before;

	ok(write_rows("[1]", "[a]", "table_name: t"));
	make_checkpoint();
	before = table_of("t");
	fault.before_commit = append_two_and_cancel;
	ok(write_rows("[2]", "[b]", "table_name: t, write_mode: append"));
	ck_assert_int_gt(table_of("t").updated_us, before.updated_us);
	ck_assert_int_eq(table_of("t").row_count, before.row_count);
	ck_assert_str_eq(table_of("t").schema_json, before.schema_json);
}
END_TEST

static void
make_same_table(void)
{
	struct table_written other = {
		.name = "dup", .file_path = "/nonexistent", .flow_id = ID_NONE, .run_id = ID_NONE};
	int64_t id;

	ok(namespaces_default(&cat, &other.namespace_id, &err));
	ok(tables_record_write(&cat, ID_NONE, &other, &id, &err));
}

START_TEST(the_data_of_a_table_that_another_run_made_first_goes)
{
	glob_t found;

	fault.before_commit = make_same_table;
	fails(write_rows("[1]", "[a]", "table_name: dup"), ERR_CONFLICT, "already exists");
	ck_assert_int_eq(glob(arena_printf(&arena, "%s/dup_*", paths.tables), 0, NULL, &found),
		GLOB_NOMATCH);
	ck_assert_str_eq(table_of("dup").file_path, "/nonexistent");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("catalog nodes");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, overwriting_makes_a_version_and_moves_the_stamp);
	tcase_add_test(tc, what_changes_nothing_is_no_write);
	tcase_add_test(tc, tables_are_found_by_id_full_name_and_name);
	tcase_add_test(tc, merges_go_by_keys_and_NULL_is_none);
	tcase_add_test(tc, wrong_settings_are_named);
	tcase_add_test(tc, virtual_tables_are_the_flow_that_makes_them);
	tcase_add_test(tc, virtual_tables_are_the_query_that_makes_them);
	tcase_add_test(tc, filters_and_columns_reach_the_scan_behind_virtual_tables);
	tcase_add_test(tc, queries_in_a_loop_are_named);
	tcase_add_test(tc, a_reader_may_have_a_query_of_its_own);
	tcase_add_test(tc, a_virtual_table_may_be_made_by_a_program);
	tcase_add_test(tc, a_virtual_table_may_be_made_by_a_flow_that_runs_another);
	tcase_add_test(tc, a_flow_that_runs_the_flow_of_a_table_that_it_makes_is_a_loop);
	tcase_add_test(tc, a_flow_writes_tables_within_another);
	tcase_add_test(tc, a_table_that_may_not_be_written_is_said_before_other_outputs_are);
	tcase_add_test(tc, a_log_that_cannot_be_opened_is_no_missing_table);
	tcase_add_test(tc, a_commit_that_is_said_to_be_another_ones_is_known_again);
	tcase_add_test(tc, what_was_committed_before_a_cancel_is_told);
	tcase_add_test(tc, rows_of_writers_that_came_in_between_are_counted);
	tcase_add_test(tc, a_cancel_loses_a_number_rather_than_the_news);
	tcase_add_test(tc, the_data_of_a_table_that_another_run_made_first_goes);
	suite_add_tcase(suite, tc);
	return engine_test_run(suite);
}
