#include "catalog/schedules.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/timefmt.h"
#include "catalog/status.h"
#include "catalog/tables.h"
#include "catalog/zones.h"

/* --- reading ----------------------------------------------------------------------------------- */

static void
read_row(const struct stmt *st, struct arena *a, struct schedule_info *s)
{
	s->id = col_int(st, 0);
	s->registration_id = col_int(st, 1);
	s->owner_id = col_int(st, 2);
	s->enabled = col_bool(st, 3);
	s->name = catalog_text(a, st, 4);
	s->description = catalog_text(a, st, 5);
	s->schedule_type = catalog_text(a, st, 6);
	s->type = schedule_type_parse(s->schedule_type);
	s->interval_s = col_int_or(st, 7, COUNT_NONE);
	s->cron_expression = catalog_text(a, st, 8);
	s->cron_timezone = catalog_text(a, st, 9);
	s->trigger_table_id = col_int_or(st, 10, ID_NONE);
	s->trigger_table_name = catalog_text(a, st, 11);
	s->trigger_namespace_id = col_int_or(st, 12, ID_NONE);
	s->trigger_namespace_name = catalog_text(a, st, 13);
	s->last_triggered_us = catalog_time(st, 14);
	s->last_table_updated_us = catalog_time(st, 15);
	s->created_us = catalog_time(st, 16);
	s->updated_us = catalog_time(st, 17);
	s->flow_name = catalog_text(a, st, 18);
}

static int
attach_links(struct catalog *cat, int64_t id, struct arena *a, const struct schedule_list *list,
	struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_SCHEDULES_LINKS);
	int r;

	stmt_int(st, 1, id);
	stmt_int(st, 2, catalog_last_id(id));
	while ((r = stmt_step(st, err)) > 0) {
		struct schedule_info *s =
			catalog_find(list->items, list->n, sizeof(*list->items), col_int(st, 0));
		struct trigger_ref *ref;

		if (s == NULL)
			continue;
		s->tables = catalog_grow(a, s->tables, s->n_tables, sizeof(*s->tables));
		ref = &s->tables[s->n_tables++];
		ref->table_id = col_int(st, 1);
		ref->name = catalog_text(a, st, 2);
		ref->gone = ref->name == NULL;
		if (ref->gone)
			ref->name = arena_printf(a, "#%lld", (long long)ref->table_id);
		ref->full_name = tables_full_name(a, col_text(st, 3), ref->name);
	}
	return r;
}

static bool
is_gone_trigger(const struct schedule_info *s)
{
	return s->type == SCHEDULE_TABLE && s->trigger_table_id != ID_NONE &&
		s->trigger_table_name == NULL;
}

static int
last_name(struct catalog *cat, int64_t table_id, struct arena *a, const char **out, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_TABLE_LAST_NAME);
	int r;

	stmt_int(st, 1, table_id);
	r = stmt_step(st, err);
	if (r > 0)
		*out = tables_full_name(a, col_text(st, 1), catalog_text(a, st, 0));
	stmt_reset(st);
	return r < 0 ? -1 : 0;
}

/* The last names of tables that are gone, as our triggers noted them. What is only hidden from who asks stays so. */
static int
attach_lost(struct catalog *cat, struct arena *a, const struct schedule_list *list, struct err *err)
{
	bool asked = false, prepared = false;

	for (size_t i = 0; !cat->partial && i < list->n; i++) {
		struct schedule_info *s = &list->items[i];
		bool gone = is_gone_trigger(s);

		for (size_t k = 0; k < s->n_tables; k++)
			gone = gone || s->tables[k].gone;
		if (!gone)
			continue;
		if (!asked && status_prepared(cat, &prepared, err) < 0)
			return -1;
		asked = true;
		if (!prepared)
			return 0;
		if (is_gone_trigger(s) &&
			last_name(cat, s->trigger_table_id, a, &s->trigger_was, err) < 0)
			return -1;
		for (size_t k = 0; k < s->n_tables; k++)
			if (s->tables[k].gone &&
				last_name(cat, s->tables[k].table_id, a, &s->tables[k].was, err) <
					0)
				return -1;
	}
	return 0;
}

static int
newest_first(const void *a, const void *b)
{
	const struct schedule_info *x = a, *y = b;

	if (x->created_us != y->created_us)
		return x->created_us < y->created_us ? 1 : -1;
	return (x->id < y->id) - (x->id > y->id);
}

static int
select_schedules(struct catalog *cat, int64_t id, int64_t registration_id, struct arena *a,
	struct schedule_list *out, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_SCHEDULES_LIST);
	int r;

	out->items = NULL;
	out->n = 0;
	stmt_int(st, 1, id);
	stmt_int(st, 2, registration_id);
	stmt_int(st, 3, catalog_last_id(id));
	while ((r = stmt_step(st, err)) > 0) {
		out->items = catalog_grow(a, out->items, out->n, sizeof(*out->items));
		out->items[out->n] = (struct schedule_info){0};
		read_row(st, a, &out->items[out->n++]);
	}
	if (r < 0 || attach_links(cat, id, a, out, err) < 0 || attach_lost(cat, a, out, err) < 0)
		return -1;
	if (out->n > 1)
		qsort(out->items, out->n, sizeof(*out->items), newest_first);
	return 0;
}

int
schedules_list(struct catalog *cat, int64_t registration_id, struct arena *a,
	struct schedule_list *out, struct err *err)
{
	return select_schedules(cat, ID_NONE, registration_id, a, out, err);
}

int
schedules_get(struct catalog *cat, int64_t id, struct arena *a, struct schedule_info *out,
	struct err *err)
{
	struct schedule_list list = {NULL, 0};

	if (id > 0 && select_schedules(cat, id, ID_NONE, a, &list, err) < 0)
		return -1;
	if (list.n == 0)
		return err_set(err, ERR_NOT_FOUND, "Schedule not found");
	*out = list.items[0];
	return 0;
}

/* --- checks ------------------------------------------------------------------------------------ */

static bool
is_blank(const char *s)
{
	return s == NULL || s[strspn(s, " \t\n\v\f\r")] == '\0';
}

/* A text as Flowfile quotes it: one line, whatever is in it. */
static const char *
quoted(const char *s, char *out, size_t size)
{
	char quote = strchr(s, '\'') != NULL && strchr(s, '"') == NULL ? '"' : '\'';
	struct buf b;

	buf_init(&b, size - 2);
	buf_putc(&b, quote);
	for (; *s && !buf_failed(&b); s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '\n' || c == '\r' || c == '\t')
			buf_printf(&b, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
		else if (c == '\\' || c == (unsigned char)quote)
			buf_printf(&b, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buf_printf(&b, "\\x%02x", c);
		else
			buf_putc(&b, *s);
	}
	text_copy(out, size - 1, buf_str(&b));
	buf_free(&b);
	out[strlen(out) + 1] = '\0';
	out[strlen(out)] = quote;
	return out;
}

int
schedules_check_cron(struct catalog *cat, const char *expr, const char *zone, struct err *err)
{
	struct err why = ERR_INIT;
	char text[300];
	struct cron cron;

	if (is_blank(expr))
		return err_set(err, ERR_USAGE, "cron_expression is required for cron schedules");
	if (cron_parse(expr, 0, &cron, &why) < 0)
		return err_set(err, ERR_USAGE, "Invalid cron expression: %s\n%s",
			quoted(expr, text, sizeof(text)), why.text);
	if (zones_get(cat->zones, zone, &why) == NULL)
		return err_set(err, ERR_USAGE, "Invalid timezone: %s\n%s",
			quoted(zone, text, sizeof(text)), why.text);
	return 0;
}

static int
check_interval(int64_t interval_s, struct err *err)
{
	if (interval_s < SCHEDULE_INTERVAL_MIN_S)
		return err_set(err, ERR_USAGE, "interval_seconds must be >= 60");
	if (interval_s > SCHEDULE_INTERVAL_MAX_S)
		return err_set(err, ERR_USAGE, "interval_seconds must be <= %lld",
			(long long)SCHEDULE_INTERVAL_MAX_S);
	return 0;
}

/* Whether the table is there; its stamp joins the watermark, which is the latest of them. */
static int
check_table(struct catalog *cat, int64_t id, int64_t *watermark_us, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_TABLE_UPDATED_AT);
	int64_t us = TIME_NONE;
	int r;

	stmt_int(st, 1, id);
	r = stmt_step(st, err);
	if (r > 0)
		us = catalog_time(st, 0);
	stmt_reset(st);
	if (r == 0)
		return err_set(err, ERR_NOT_FOUND, "Trigger table not found");
	if (us > *watermark_us)
		*watermark_us = us;
	return r < 0 ? -1 : 0;
}

static int
check_set(
	struct catalog *cat, const struct schedule_new *new, int64_t *watermark_us, struct err *err)
{
	if (new->n_trigger_tables < 2)
		return err_set(
			err, ERR_USAGE, "table_set_trigger requires at least 2 trigger_table_ids");
	for (size_t i = 0; i < new->n_trigger_tables; i++)
		if (check_table(cat, new->trigger_table_ids[i], watermark_us, err) < 0)
			return -1;
	for (size_t i = 1; i < new->n_trigger_tables; i++)
		for (size_t k = 0; k < i; k++)
			if (new->trigger_table_ids[i] == new->trigger_table_ids[k])
				return err_set(err, ERR_USAGE,
					"trigger_table_ids names table %lld twice",
					(long long)new->trigger_table_ids[i]);
	return 0;
}

/* In the order of contract 5.5. */
static int
check_new(
	struct catalog *cat, const struct schedule_new *new, int64_t *watermark_us, struct err *err)
{
	int64_t found;

	*watermark_us = TIME_NONE;
	if (catalog_count(cat, SQL_CAT_FLOW_EXISTS, new->registration_id, &found, err) < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_NOT_FOUND, "Flow not found");
	switch (new->type) {
	case SCHEDULE_INTERVAL:
		return check_interval(new->interval_s, err);
	case SCHEDULE_CRON:
		return schedules_check_cron(cat, new->cron_expression, new->cron_timezone, err);
	case SCHEDULE_TABLE:
		if (new->trigger_table_id == ID_NONE)
			return err_set(err, ERR_USAGE,
				"trigger_table_id is required for table_trigger schedules");
		return check_table(cat, new->trigger_table_id, watermark_us, err);
	case SCHEDULE_TABLE_SET:
		return check_set(cat, new, watermark_us, err);
	default:
		return err_set(err, ERR_USAGE, "schedule_type is not known");
	}
}

/* --- writing ----------------------------------------------------------------------------------- */

static int
insert_row(struct catalog *cat, const struct schedule_new *new, int64_t watermark_us,
	int64_t now_us, int64_t *id, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_SCHEDULE_INSERT);

	stmt_int(st, 1, new->registration_id);
	stmt_int(st, 2, cat->user_id);
	stmt_bool(st, 3, !new->disabled);
	stmt_text(st, 4, new->name);
	stmt_text(st, 5, new->description);
	stmt_text(st, 6, schedule_type_name((enum schedule_type) new->type));
	stmt_int_or_null(st, 7, new->interval_s, COUNT_NONE);
	stmt_int_or_null(st, 8, new->trigger_table_id, ID_NONE);
	stmt_time(st, 9, watermark_us);
	stmt_time(st, 10, now_us);
	stmt_text(st, 11, new->cron_expression);
	stmt_text(st, 12, new->cron_timezone);
	return stmt_get_int(st, id, err) < 0 ? -1 : 0;
}

static int
create_in_transaction(
	struct catalog *cat, const struct schedule_new *new, int64_t *id, struct err *err)
{
	int64_t now_us = clock_wall(cat->clock), watermark_us;

	if (check_new(cat, new, &watermark_us, err) < 0 ||
		insert_row(cat, new, watermark_us, now_us, id, err) < 0)
		return -1;
	if (new->type != SCHEDULE_TABLE_SET)
		return 0;
	for (size_t i = 0; i < new->n_trigger_tables; i++) {
		struct stmt *st = db_stmt(cat->db, SQL_CAT_SCHEDULE_LINK_INSERT);

		stmt_int(st, 1, *id);
		stmt_int(st, 2, new->trigger_table_ids[i]);
		stmt_time(st, 3, now_us);
		if (stmt_exec(st, NULL, err) < 0)
			return -1;
	}
	return 0;
}

int
schedules_create(struct catalog *cat, const struct schedule_new *new, int64_t *id, struct err *err)
{
	if (db_begin(cat->db, err) < 0)
		return -1;
	return catalog_finish(cat, create_in_transaction(cat, new, id, err), err);
}

/* The watermark of a data trigger becomes what its tables are now (contract 4.9). */
static int
arm(struct catalog *cat, const struct schedule_info *s, struct err *err)
{
	bool set = s->type == SCHEDULE_TABLE_SET;
	struct stmt *st =
		db_stmt(cat->db, set ? SQL_CAT_SCHEDULE_LINKS_STAMPS : SQL_CAT_TABLE_UPDATED_AT);
	int64_t watermark_us = TIME_NONE;
	int r;

	if (s->type != SCHEDULE_TABLE && !set)
		return 0;
	stmt_int(st, 1, set ? s->id : s->trigger_table_id);
	while ((r = stmt_step(st, err)) > 0) {
		int64_t us = catalog_time(st, 0);

		if (us > watermark_us)
			watermark_us = us;
	}
	if (r < 0 || watermark_us == TIME_NONE)
		return r;
	st = db_stmt(cat->db, SQL_CAT_SCHEDULE_ARM);
	stmt_time(st, 1, watermark_us);
	stmt_int(st, 2, s->id);
	return stmt_exec(st, NULL, err);
}

static int
check_change(struct catalog *cat, const struct schedule_info *old,
	const struct schedule_change *change, struct err *err)
{
	bool cron = change->cron_expression != NULL || change->cron_timezone != NULL;

	if (cron && old->type != SCHEDULE_CRON)
		return err_set(err, ERR_USAGE,
			"cron_expression/cron_timezone can only be set on cron schedules");
	if (change->interval_s != COUNT_NONE && check_interval(change->interval_s, err) < 0)
		return -1;
	if (!cron)
		return 0;
	return schedules_check_cron(cat,
		change->cron_expression != NULL ? change->cron_expression : old->cron_expression,
		change->cron_timezone != NULL ? change->cron_timezone : old->cron_timezone, err);
}

/* What the row becomes; returns whether that is anything new. */
static bool
merge(struct schedule_info *s, const struct schedule_change *change)
{
	struct schedule_info old = *s;

	if (change->enabled != TRI_NULL)
		s->enabled = change->enabled == TRI_TRUE;
	if (change->interval_s != COUNT_NONE)
		s->interval_s = change->interval_s;
	if (change->cron_expression != NULL)
		s->cron_expression = change->cron_expression;
	if (change->cron_timezone != NULL)
		s->cron_timezone = change->cron_timezone;
	if (change->name != NULL)
		s->name = change->name;
	if (change->description != NULL)
		s->description = change->description;
	return s->enabled != old.enabled || s->interval_s != old.interval_s ||
		!catalog_same(s->cron_expression, old.cron_expression) ||
		!catalog_same(s->cron_timezone, old.cron_timezone) ||
		!catalog_same(s->name, old.name) || !catalog_same(s->description, old.description);
}

static int
update_in_transaction(struct catalog *cat, int64_t id, const struct schedule_change *change,
	struct arena *a, struct err *err)
{
	struct schedule_info s;
	struct stmt *st;
	bool was_enabled;

	if (schedules_get(cat, id, a, &s, err) < 0 || check_change(cat, &s, change, err) < 0)
		return -1;
	was_enabled = s.enabled;
	if (!merge(&s, change))
		return 0;
	st = db_stmt(cat->db, SQL_CAT_SCHEDULE_UPDATE);
	stmt_bool(st, 1, s.enabled);
	stmt_int_or_null(st, 2, s.interval_s, COUNT_NONE);
	stmt_text(st, 3, s.cron_expression);
	stmt_text(st, 4, s.cron_timezone);
	stmt_text(st, 5, s.name);
	stmt_text(st, 6, s.description);
	stmt_time(st, 7, clock_wall(cat->clock));
	stmt_int(st, 8, id);
	if (stmt_exec(st, NULL, err) < 0)
		return -1;
	return s.enabled && !was_enabled ? arm(cat, &s, err) : 0;
}

int
schedules_update(
	struct catalog *cat, int64_t id, const struct schedule_change *change, struct err *err)
{
	struct arena a = ARENA_INIT;
	int rc;

	if (db_begin(cat->db, err) < 0)
		return -1;
	rc = catalog_finish(cat, update_in_transaction(cat, id, change, &a, err), err);
	arena_free(&a);
	return rc;
}

static int
delete_in_transaction(struct catalog *cat, int64_t id, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_SCHEDULE_DELETE);
	int64_t n;

	if (catalog_exec_id(cat, SQL_CAT_SCHEDULE_DROP_LINKS, id, err) < 0)
		return -1;
	stmt_int(st, 1, id);
	if (stmt_exec(st, &n, err) < 0)
		return -1;
	return n > 0 ? 0 : err_set(err, ERR_NOT_FOUND, "Schedule not found");
}

int
schedules_delete(struct catalog *cat, int64_t id, struct err *err)
{
	if (db_begin(cat->db, err) < 0)
		return -1;
	return catalog_finish(cat, delete_in_transaction(cat, id, err), err);
}

/* --- showing ----------------------------------------------------------------------------------- */

/* "raw.orders (#31)", "#31"; with a word behind the number: "raw.orders (#31, removed)", "#31 (removed)". */
static const char *
gone_name(struct arena *a, int64_t id, const char *was, const char *word)
{
	if (was == NULL)
		return arena_printf(a, "#%lld%s%s%s", (long long)id, word != NULL ? " (" : "",
			word != NULL ? word : "", word != NULL ? ")" : "");
	return arena_printf(a, "%s (#%lld%s%s)", was, (long long)id, word != NULL ? ", " : "",
		word != NULL ? word : "");
}

static const char *
shown_name(struct arena *a, const struct schedule_info *s, int64_t table_id, const char *word)
{
	if (is_gone_trigger(s))
		return gone_name(a, table_id, s->trigger_was, word);
	if (s->type == SCHEDULE_TABLE && s->trigger_table_name != NULL)
		return tables_full_name(a, s->trigger_namespace_name, s->trigger_table_name);
	for (size_t i = 0; i < s->n_tables; i++)
		if (s->tables[i].table_id == table_id)
			return s->tables[i].gone ? gone_name(a, table_id, s->tables[i].was, word)
						 : s->tables[i].full_name;
	return gone_name(a, table_id, NULL, word);
}

const char *
schedules_table_name(struct arena *a, const struct schedule_info *s, int64_t table_id)
{
	return shown_name(a, s, table_id, NULL);
}

const char *
schedules_lost(struct arena *a, const struct schedule_info *s)
{
	const char *text = NULL;
	size_t n = is_gone_trigger(s);

	if (s->flow_name == NULL)
		return arena_printf(a, "its flow, #%lld, is not registered any more",
			(long long)s->registration_id);
	if (n > 0)
		text = schedules_table_name(a, s, s->trigger_table_id);
	for (size_t i = 0; s->type == SCHEDULE_TABLE_SET && i < s->n_tables; i++) {
		if (!s->tables[i].gone)
			continue;
		text = arena_printf(a, "%s%s%s", n > 0 ? text : "", n > 0 ? ", " : "",
			schedules_table_name(a, s, s->tables[i].table_id));
		n++;
	}
	return text == NULL
		? NULL
		: arena_printf(a, "%s %s not in the catalog any more", text, n > 1 ? "are" : "is");
}

static const char *
describe_set(struct arena *a, const struct schedule_info *s)
{
	const char *text = "when all of";

	for (size_t i = 0; i < s->n_tables; i++)
		text = arena_printf(a, "%s%s %s", text, i > 0 ? "," : "",
			shown_name(a, s, s->tables[i].table_id, "removed"));
	return arena_printf(a, "%s are written", text);
}

/* 90 -> "90s", 300 -> "5m", 7200 -> "2h": the form the command line takes. */
static const char *
describe_interval(struct arena *a, int64_t s)
{
	static const struct {
		int64_t s;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (s % units[i].s == 0)
			return arena_printf(
				a, "every %lld%c", (long long)(s / units[i].s), units[i].unit);
	return "";
}

const char *
schedules_describe(struct arena *a, const struct schedule_info *s)
{
	const char *zone = s->cron_timezone;

	switch (s->type) {
	case SCHEDULE_INTERVAL:
		return s->interval_s == COUNT_NONE ? "every ?"
						   : describe_interval(a, s->interval_s);
	case SCHEDULE_CRON:
		return arena_printf(a, "cron %s %s",
			is_blank(s->cron_expression)
				? "?"
				: text_trim(arena_strdup(a, s->cron_expression)),
			is_blank(zone) ? "UTC" : zone);
	case SCHEDULE_TABLE:
		return arena_printf(
			a, "when %s is written", shown_name(a, s, s->trigger_table_id, "removed"));
	case SCHEDULE_TABLE_SET:
		return describe_set(a, s);
	default:
		return s->schedule_type;
	}
}

static void
json_trigger_table(struct json *j, const struct schedule_info *s)
{
	struct arena a = ARENA_INIT;

	json_kv_int_or_null(j, "trigger_table_id", s->trigger_table_id, ID_NONE);
	json_kv_string(j, "trigger_table_name", s->trigger_table_name);
	json_kv_int_or_null(j, "trigger_namespace_id", s->trigger_namespace_id, ID_NONE);
	json_kv_string(j, "trigger_namespace_name", s->trigger_namespace_name);
	json_kv_string(j, "trigger_full_table_name",
		tables_full_name(&a, s->trigger_namespace_name, s->trigger_table_name));
	arena_free(&a);
}

/* The lists are filled for sets only. */
static void
json_trigger_tables(struct json *j, const struct schedule_info *s)
{
	size_t n = s->type == SCHEDULE_TABLE_SET ? s->n_tables : 0;

	json_key(j, "trigger_table_ids");
	json_array(j);
	for (size_t i = 0; i < n; i++)
		json_int(j, s->tables[i].table_id);
	json_array_end(j);
	json_key(j, "trigger_table_names");
	json_array(j);
	for (size_t i = 0; i < n; i++)
		json_string(j, s->tables[i].name);
	json_array_end(j);
	json_key(j, "trigger_full_table_names");
	json_array(j);
	for (size_t i = 0; i < n; i++)
		json_string(j, s->tables[i].full_name);
	json_array_end(j);
}

void
schedules_json(struct json *j, const struct schedule_info *s)
{
	json_object(j);
	json_kv_int(j, "id", s->id);
	json_kv_int(j, "registration_id", s->registration_id);
	json_kv_int(j, "owner_id", s->owner_id);
	json_kv_bool(j, "enabled", s->enabled);
	json_kv_string(j, "name", s->name);
	json_kv_string(j, "description", s->description);
	json_kv_string(j, "schedule_type", s->schedule_type);
	json_kv_int_or_null(j, "interval_seconds", s->interval_s, COUNT_NONE);
	json_kv_string(j, "cron_expression", s->cron_expression);
	json_kv_string(j, "cron_timezone", s->cron_timezone);
	json_trigger_table(j, s);
	json_trigger_tables(j, s);
	json_kv_time(j, "last_triggered_at", s->last_triggered_us);
	json_kv_time(j, "last_trigger_table_updated_at", s->last_table_updated_us);
	json_kv_time(j, "created_at", s->created_us);
	json_kv_time(j, "updated_at", s->updated_us);
	json_object_end(j);
}
