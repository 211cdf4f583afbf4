/* For tests of tables of a real catalog (SQLite): flows of given nodes are run on it, and tables are read. */
#ifndef FF_TESTS_CATALOG_TEST_H
#define FF_TESTS_CATALOG_TEST_H

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "catalog/flows.h"
#include "catalog/tables.h"
#include "catalog/users.h"
#include "catalog/zones.h"
#include "engine_test.h"
#include "flow/run.h"
#include "store/schema.h"

static char folder[64];
static struct paths paths;
static struct catalog cat;
static struct arena arena;
static struct err err;
static struct duck *duck;
static unsigned n_files;

static inline void
set_up(void)
{
	const struct db_options options = {.create = true};

	log_set_level(LOG_ERROR_LEVEL);
	err_clear(&err);
	snprintf(folder, sizeof(folder), "/tmp/test_catalog.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(paths_resolve(folder, &paths, &err), 0);
	cat = (struct catalog){.paths = &paths, .clock = &clock_real, .zones = zones_new()};
	ck_assert_msg(
		db_open(arena_printf(&arena, "%s/c.db", folder), &options, &cat.db, &err) == 0,
		"%s", err.text);
	ck_assert_msg(schema_prepare(cat.db, &err) == 0, "%s", err.text);
	ck_assert_int_eq(users_local(cat.db, &cat.user_id, &err), 0);
}

static inline void
tear_down(void)
{
	duck_close(duck);
	duck = NULL;
	db_close(cat.db);
	zones_free(cat.zones);
	paths_free(&paths);
	ck_assert_int_eq(system(arena_printf(&arena, "rm -rf '%s'", folder)), 0);
	arena_free(&arena);
	arena = (struct arena)ARENA_INIT;
}

/* A flow file of these nodes. */
static inline const char *
file(const char *nodes)
{
	const char *path = arena_printf(&arena, "%s/f%u.yaml", folder, n_files++);
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fprintf(f,
		"flowfile_version: 0.16.0\nflowfile_id: 1\nflowfile_name: t\n"
		"flowfile_settings: {}\nnodes:\n%s",
		nodes);
	ck_assert_int_eq(fclose(f), 0);
	return path;
}

/* A plan has a database to itself. */
static inline void
open_anew(void)
{
	duck_close(duck);
	duck = engine_test_open();
	err_clear(&err);
}

static inline int
run_file(const char *path, int64_t flow_id)
{
	struct plan_options options = {.catalog = &cat, .flow_id = flow_id};
	const struct flow_run_options how = {0};
	struct flow_progress progress;
	struct plan *plan = NULL;
	struct flow *flow;
	int rc;

	open_anew();
	options.duck = duck;
	ck_assert_msg(flow_read(path, NULL, 0, &flow, &err) == 0, "%s", err.text);
	ck_assert_msg(plan_create(&options, &plan, &err) == 0, "%s", err.text);
	plan_scope(plan, flow, NULL, 0);
	rc = plan_check(flow, &err);
	if (rc == 0)
		rc = flow_run(plan, &how, &progress, &err);
	plan_free(plan);
	flow_free(flow);
	return rc;
}

/* Writes rows of k and v, YAML lists. */
static inline int
write_rows(const char *k, const char *v, const char *settings)
{
	return run_file(file(arena_printf(&arena,
				"- {id: 1, type: manual_input, outputs: [2], setting_input: "
				"{raw_data_format: {columns: [{name: k, data_type: Int64}, "
				"{name: v, data_type: String}], data: [%s, %s]}}}\n"
				"- {id: 2, type: catalog_writer, input_ids: [1], setting_input: "
				"{catalog_write_settings: {%s}}}\n",
				k, v, settings)),
		ID_NONE);
}

/* What a reader with these settings gives: for each row the value of the expression, a ';' between them, in the order of these texts. what
 * NULL: k and v, "1|a;2|NULL". NULL with err. */
static inline const char *
select_rows(const char *settings, const char *what)
{
	struct plan_options options = {.catalog = &cat};
	struct relation *relation;
	struct duck_rows *rows;
	const char *text = "";
	struct plan *plan;
	struct flow *flow;
	int rc;

	open_anew();
	options.duck = duck;
	ck_assert_msg(flow_read(file(arena_printf(&arena,
					"- {id: 1, type: catalog_reader, setting_input: {%s}}\n",
					settings)),
			      NULL, 0, &flow, &err) == 0,
		"%s", err.text);
	ck_assert_int_eq(plan_create(&options, &plan, &err), 0);
	plan_scope(plan, flow, NULL, 0);
	rc = plan_compile(plan, plan->top, &flow->nodes[0], 0, &relation, &err);
	if (rc == 0 && what == NULL)
		what = relation->columns.n > 1
			? "concat_ws('|', coalesce(k::VARCHAR, 'NULL'), coalesce(v, 'NULL'))"
			: "coalesce(k::VARCHAR, 'NULL')";
	if (rc == 0)
		rc = duck_query(duck,
			arena_printf(&arena,
				"SELECT coalesce(string_agg(t, ';' ORDER BY t), '') FROM (SELECT "
				"%s AS t FROM (%s) AS s)",
				what, plan_sql_text(plan, relation)),
			&rows, &err);
	if (rc == 0) {
		ck_assert(duck_rows_next(rows));
		text = duck_text_copy(rows, 0, &arena);
		duck_rows_free(rows);
	}
	plan_free(plan);
	flow_free(flow);
	return rc == 0 ? text : NULL;
}

static inline const char *
read_rows(const char *settings)
{
	return select_rows(settings, NULL);
}

static inline struct table_info
table_of(const char *name)
{
	struct table_list list;

	ck_assert_int_eq(tables_list(&cat, ID_NONE, &arena, &list, &err), 0);
	for (size_t i = 0; i < list.n; i++)
		if (strcmp(list.items[i].name, name) == 0)
			return list.items[i];
	ck_abort_msg("there is no table %s", name);
}

#define ok(call) ck_assert_msg((call) == 0, "%s", err.text)
#define fails(call, code_wanted, part)                                                             \
	do {                                                                                       \
		ck_assert_int_lt(call, 0);                                                         \
		ck_assert_int_eq(err.code, code_wanted);                                           \
		ck_assert_msg(strstr(err.text, part) != NULL, "%s", err.text);                     \
	} while (0)
#define reads(settings, wanted)                                                                    \
	do {                                                                                       \
		const char *got_ = read_rows(settings);                                            \
		ck_assert_msg(got_ != NULL, "%s", err.text);                                       \
		ck_assert_str_eq(got_, wanted);                                                    \
	} while (0)
#define not_read(settings, part)                                                                   \
	do {                                                                                       \
		ck_assert_ptr_null(read_rows(settings));                                           \
		ck_assert_msg(strstr(err.text, part) != NULL, "%s", err.text);                     \
	} while (0)

#endif
