#include "access.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/views.h"

struct access {
	const struct api_options *options;
	struct catalog cat;
	bool made; /* the views are there */
};

/* --- kinds of things ------------------------------------------------------------------------------------ */

enum kind { KIND_FLOW, KIND_TABLE, KIND_NAMESPACE, KIND_SCHEDULE, KIND_RUN, KIND_VISUALIZATION };
enum need { NEED_NOTHING, NEED_USE, NEED_MANAGE };

static const struct {
	const char *word; /* in "Not authorized to access this flow" */
	enum sql_id exists, use, manage;
} kinds[] = {
	[KIND_FLOW] = {"flow", SQL_CAT_FLOW_EXISTS, SQL_ACCESS_USE_FLOW, SQL_ACCESS_MANAGE_FLOW},
	[KIND_TABLE] = {"catalog_table", SQL_CAT_TABLE_EXISTS, SQL_ACCESS_USE_TABLE,
		SQL_ACCESS_MANAGE_TABLE},
	[KIND_NAMESPACE] = {"catalog_namespace", SQL_CAT_NAMESPACE_EXISTS, SQL_ACCESS_USE_NAMESPACE,
		SQL_ACCESS_MANAGE_NAMESPACE},
	[KIND_SCHEDULE] = {"schedule", SQL_CAT_SCHEDULE_EXISTS, SQL_ACCESS_USE_SCHEDULE,
		SQL_ACCESS_MANAGE_SCHEDULE},
	/* Whoever may use a flow may cancel its runs. */
	[KIND_RUN] = {"run", SQL_CAT_RUN_EXISTS, SQL_ACCESS_USE_RUN, SQL_ACCESS_USE_RUN},
	[KIND_VISUALIZATION] = {"visualization", SQL_ACCESS_USE_VISUALIZATION,
		SQL_ACCESS_USE_VISUALIZATION, SQL_ACCESS_MANAGE_VISUALIZATION},
};

/* "/catalog/flows/{id}": what the id is one of, by the word before it. */
static const struct {
	const char *segment;
	enum kind kind;
} resources[] = {
	{"flows", KIND_FLOW},
	{"tables", KIND_TABLE},
	{"virtual-tables", KIND_TABLE},
	{"query-virtual-tables", KIND_TABLE},
	{"namespaces", KIND_NAMESPACE},
	{"schedules", KIND_SCHEDULE},
	{"runs", KIND_RUN},
	{"visualizations", KIND_VISUALIZATION},
};

/* Ids in the query and the body. To name a flow or a table takes the right to use it; to put something
 * into a namespace takes the right to write there. */
static const struct {
	const char *name;
	enum kind kind;
} references[] = {
	{"registration_id", KIND_FLOW},
	{"source_registration_id", KIND_FLOW},
	{"producer_registration_id", KIND_FLOW},
	{"flow_id", KIND_FLOW},
	{"schedule_id", KIND_SCHEDULE},
	{"run_id", KIND_RUN},
	{"source_run_id", KIND_RUN},
	{"table_id", KIND_TABLE},
	{"catalog_table_id", KIND_TABLE},
	{"prediction_table_id", KIND_TABLE},
	{"trigger_table_id", KIND_TABLE},
	{"trigger_table_ids", KIND_TABLE},
	{"namespace_id", KIND_NAMESPACE},
	{"parent_id", KIND_NAMESPACE},
};

/* In a path, but a part of what stands before it. */
static const char *const parts[] = {"column_name"};

/* What is done with a thing by those who use it; all else that is no GET changes it. */
static const char *const uses[] = {"run", "run-now", "cancel", "favorite", "follow", "resolve",
	"materialize", "compute", "fields"};

/* --- routes ---------------------------------------------------------------------------------------------- */

static bool
is_reading(const struct route *r)
{
	return !strcmp(r->method, "GET");
}

static bool
is_among(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

/* Of the parameter that stands behind a segment, "flows" in "/catalog/flows/{id}/run"; -1: not known. */
static int
kind_in_path(const char *path, const char *parameter)
{
	size_t len = strlen(parameter);
	const char *p = strchr(path, '{');

	while (p && (strncmp(p + 1, parameter, len) != 0 || p[len + 1] != '}'))
		p = strchr(p + 1, '{');
	for (size_t i = 0; p && i < ARRAY_LEN(resources); i++) {
		size_t n = strlen(resources[i].segment);

		if ((size_t)(p - path) > n + 1 && p[-1] == '/' && p[-2 - (ptrdiff_t)n] == '/' &&
			!strncmp(p - 1 - n, resources[i].segment, n))
			return (int)resources[i].kind;
	}
	return -1;
}

static bool
is_id(const char *name)
{
	size_t len = strlen(name);

	return !strcmp(name, "id") || (len > 3 && !strcmp(name + len - 3, "_id")) ||
		(len > 4 && !strcmp(name + len - 4, "_ids"));
}

/* What a field's value names; -1: nothing, *known false: an id of an unknown kind. */
static int
kind_of_field(const struct route *r, const struct field *f, bool *known)
{
	int kind = f->place == IN_PATH ? kind_in_path(r->path, f->name) : -1;

	for (size_t i = 0; f->place != IN_PATH && i < ARRAY_LEN(references); i++)
		if (!strcmp(f->name, references[i].name))
			kind = (int)references[i].kind;
	*known = kind >= 0 || is_among(parts, ARRAY_LEN(parts), f->name) ||
		(f->place != IN_PATH && !is_id(f->name));
	return kind;
}

static enum need
need_of(const struct route *r, const struct field *f, enum kind kind)
{
	if (f->place == IN_PATH)
		return is_reading(r) || is_among(uses, ARRAY_LEN(uses), strrchr(r->path, '/') + 1)
			? NEED_USE
			: NEED_MANAGE;
	/* A list of what is in a namespace shows what is visible there. */
	if (kind == KIND_NAMESPACE)
		return is_reading(r) ? NEED_NOTHING : NEED_MANAGE;
	return NEED_USE;
}

bool
access_knows(const struct route *route, const char **unknown)
{
	const struct field *f = route->fields;
	bool known = true;

	for (; f && f->name && known; f++) {
		kind_of_field(route, f, &known);
		*unknown = f->name;
	}
	return known;
}

/* --- the connection ------------------------------------------------------------------------------------------ */

struct access *
access_new(const struct api_options *options, const struct catalog *model)
{
	struct access *x = xcalloc(1, sizeof(*x));

	x->options = options;
	x->cat = *model;
	x->cat.db = NULL;
	return x;
}

void
access_free(struct access *x)
{
	if (!x)
		return;
	db_close(x->cat.db);
	free(x);
}

static int
open_views(struct access *x, struct err *err)
{
	const struct db_options options = {
		.busy_timeout_ms = x->options->database_timeout_ms,
		.application_name = "flowfile_scheduler api",
	};
	int rc;

	rc = x->cat.db ? db_reconnect(x->cat.db, err)
		       : db_open(x->options->database, &options, &x->cat.db, err);
	if (rc < 0) {
		err->code = ERR_LOST;
		return -1;
	}
	/* Half of the views would be worse than none: the next call begins with a new connection. */
	x->made = views_make(x->cat.db, err) == 0;
	x->cat.partial = true;
	return x->made ? 0 : -1;
}

static int
look_as(struct access *x, int64_t user_id, struct err *err)
{
	if (x->made && views_show(x->cat.db, user_id, err) == 0)
		return 0;
	x->made = false;
	err_clear(err);
	return open_views(x, err) < 0 ? -1 : views_show(x->cat.db, user_id, err);
}

/* --- admission -------------------------------------------------------------------------------------------------- */

static int
find(struct db *db, enum sql_id sql, int64_t id, struct err *err)
{
	struct stmt *st = db_stmt(db, sql);
	int64_t found;

	stmt_int(st, 1, id);
	return stmt_get_int(st, &found, err);
}

/* What is not there is the handler's to say. */
static int
check_id(struct access *x, struct call *c, const struct field *f, enum kind kind, int64_t id)
{
	enum need need = need_of(c->route, f, kind);
	enum sql_id sql = need == NEED_MANAGE ? kinds[kind].manage : kinds[kind].use;
	int rc;

	if (need == NEED_NOTHING)
		return 0;
	if (kind == KIND_NAMESPACE && f->place != IN_PATH)
		sql = SQL_ACCESS_WRITE_NAMESPACE;
	rc = find(x->cat.db, sql, id, &c->err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	rc = find(c->cat->db, kinds[kind].exists, id, &c->err);
	if (rc <= 0)
		return rc;
	if (sql == SQL_ACCESS_WRITE_NAMESPACE)
		return call_fail(c, 403, "Not authorized to create items in this namespace");
	return call_fail(c, 403, "Not authorized to %s this %s",
		need == NEED_MANAGE ? "modify" : "access", kinds[kind].word);
}

static int
check_field(struct access *x, struct call *c, const struct field *f, const struct value *v)
{
	const cJSON *item;
	bool known;
	int kind = kind_of_field(c->route, f, &known);

	if (!v->given || v->null)
		return 0;
	if (!known)
		return call_fail(c, 403, "Not authorized to perform this action");
	if (kind < 0)
		return 0;
	if (f->kind == FIELD_INT)
		return check_id(x, c, f, (enum kind)kind, v->i);
	if (f->kind != FIELD_INTS)
		return call_fail(c, 403, "Not authorized to perform this action");
	cJSON_ArrayForEach(item, (const cJSON *)v->json)
	{
		if (!cJSON_IsNumber(item))
			return call_fail(c, 403, "Not authorized to perform this action");
		if (check_id(x, c, f, (enum kind)kind, (int64_t)item->valuedouble) < 0)
			return -1;
	}
	return 0;
}

int
access_admit(struct access *x, struct call *c)
{
	const struct field *f = c->route->fields;

	/* Events have owners, and go to these alone; all else beside the catalog shows the whole of it. */
	if (!strcmp(c->route->path, "/events"))
		return 0;
	if (strncmp(c->route->path, "/catalog/", 9) != 0)
		return call_fail(c, 403, "Not authorized to perform this action");
	if (look_as(x, c->who.user_id, &c->err) < 0)
		return -1;
	for (size_t i = 0; f && f[i].name; i++)
		if (check_field(x, c, &f[i], &c->values[i]) < 0)
			return -1;
	if (is_reading(c->route)) {
		c->cat = &x->cat;
		x->cat.user_id = c->who.user_id;
	}
	return 0;
}
