/*
 * Tables of the catalog as results. The data is committed first, then the catalog's row in one transaction: what
 * dies between the two leaves a table whose newest version is read, and no trigger that came too early.
 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "catalog/namespaces.h"
#include "catalog/resolve.h"
#include "flow/delta.h"
#include "flow/subflow.h"
#include "flow/table_data.h"
#include "nodes.h"
#include "scd2.h"

enum mode {
	MODE_OVERWRITE,
	MODE_ERROR,
	MODE_APPEND,
	MODE_UPSERT,
	MODE_UPDATE,
	MODE_DELETE,
	MODE_SCD2,
	MODE_VIRTUAL
};
static const char *const modes[] = {
	"overwrite", "error", "append", "upsert", "update", "delete", "scd2", "virtual", NULL};

struct target {
	const char *name, *namespace, *description;
	int64_t namespace_id;
	int mode;
	struct delta_names keys, partition;
	struct scd2 scd2; /* of MODE_SCD2 */
	bool is_delta; /* the table that is there: a Delta table, and not a single file */
};

/* --- settings ---------------------------------------------------------------------------------------------- */

bool
catalog_writer_makes(const struct flow_node *node, const char *table)
{
	const cJSON *settings = setting_object(node->settings, "catalog_write_settings");
	const char *mode =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(settings, "write_mode"));
	const char *name =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(settings, "table_name"));

	return strcmp(node->kind->type, "catalog_writer") == 0 && mode != NULL &&
		text_equal_nocase(mode, modes[MODE_VIRTUAL]) && name != NULL &&
		strcmp(name, table) == 0;
}

static int
take_names(const cJSON *settings, const char *field, struct arena *a, struct delta_names *out,
	struct err *err)
{
	const char **names;

	if (setting_texts(settings, field, a, &names, &out->n, err) < 0)
		return -1;
	out->items = names;
	return 0;
}

static int
take_target(const struct flow_node *node, struct arena *a, struct target *t, struct err *err)
{
	const cJSON *settings = setting_object(node->settings, "catalog_write_settings");

	if (settings == NULL)
		return err_set(err, ERR_USAGE, "catalog_write_settings: it is missing");
	if (setting_required(settings, "table_name", a, &t->name, err) < 0 ||
		setting_text(settings, "namespace_full_name", NULL, a, &t->namespace, err) < 0 ||
		setting_int(settings, "namespace_id", 0, INT64_MAX, ID_NONE, &t->namespace_id,
			err) < 0 ||
		setting_text(settings, "description", NULL, a, &t->description, err) < 0 ||
		setting_word(settings, "write_mode", modes, MODE_OVERWRITE, a, &t->mode, err) < 0 ||
		take_names(settings, "merge_keys", a, &t->keys, err) < 0 ||
		take_names(settings, "partition_by", a, &t->partition, err) < 0 ||
		(t->mode == MODE_SCD2 &&
			scd2_take(setting_object(settings, "scd2"), &t->keys, a, &t->scd2, err) <
				0))
		return err_prefix(err, "catalog_write_settings");
	return 0;
}

static int
check_columns(const struct compiler *c, const struct delta_names *names, const char *field,
	struct err *err)
{
	const struct column *column;

	for (size_t i = 0; i < names->n; i++)
		if (node_column(c, 0, names->items[i], field, &column, err) < 0)
			return err_prefix(err, "catalog_write_settings");
	return 0;
}

/* --- the table as it is ------------------------------------------------------------------------------------------- */

/* By name first, then by id; else General.default. */
static int
find_namespace(struct catalog *cat, struct target *t, struct err *err)
{
	if (t->namespace != NULL && *t->namespace != '\0') {
		if (resolve_namespace(cat, t->namespace, &t->namespace_id, err) < 0)
			return err_prefix(err, "namespace_full_name");
		return 0;
	}
	if (t->namespace_id != ID_NONE)
		return namespaces_check(cat, t->namespace_id, err);
	return namespaces_default(cat, &t->namespace_id, err);
}

/* id ID_NONE: there is none yet. */
static int
find_table(struct catalog *cat, struct target *t, struct arena *a, struct table_info *out,
	struct err *err)
{
	struct table_list list;
	int is_delta;

	*out = (struct table_info){.id = ID_NONE};
	if (tables_list(cat, t->namespace_id, a, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++)
		if (strcmp(list.items[i].name, t->name) == 0)
			*out = list.items[i];
	if (out->file_path == NULL || !out->file_exists)
		return 0;
	is_delta = delta_is_table(out->file_path, err);
	if (is_delta < 0)
		return err_prefix(err, "table %s", t->name);
	t->is_delta = is_delta > 0;
	return 0;
}

static int
check_table(const struct target *t, const struct table_info *table, struct err *err)
{
	bool is_virtual;

	if (table->id == ID_NONE)
		return 0;
	is_virtual = table_is_virtual(table);
	if (t->mode == MODE_ERROR)
		return err_set(err, ERR_CONFLICT,
			"table %s is there already, and write_mode is error", t->name);
	if (is_virtual != (t->mode == MODE_VIRTUAL))
		return err_set(err, ERR_CONFLICT, "table %s is there already and is %s", t->name,
			is_virtual ? "virtual: it holds no data" : "not virtual");
	if (table->is_remote_storage)
		return err_set(err, ERR_USAGE,
			"table %s is in an object storage, which only Flowfile writes", t->name);
	if (table->scd2_config != NULL && t->mode != MODE_OVERWRITE && t->mode != MODE_SCD2)
		return err_set(err, ERR_USAGE,
			"table %s keeps its history: only the write modes scd2 and overwrite "
			"change "
			"it",
			t->name);
	if (t->mode == MODE_SCD2 && table->scd2_config == NULL && table->file_exists)
		return err_set(err, ERR_CONFLICT,
			"table %s is there already and keeps no history (scd2)", t->name);
	if (t->mode != MODE_OVERWRITE && table->file_path != NULL && table->file_exists &&
		!t->is_delta)
		return err_set(err, ERR_USAGE,
			"table %s is one file of parquet; only overwrite makes a table of it that "
			"write_mode %s can change",
			t->name, modes[t->mode]);
	return 0;
}

/* The namespace and the table, which may be written so. */
static int
find_place(struct plan *plan, struct target *t, struct table_info *table, struct err *err)
{
	if (find_namespace(plan->catalog, t, err) < 0 ||
		find_table(plan->catalog, t, &plan->arena, table, err) < 0)
		return -1;
	if (check_table(t, table, err) < 0)
		return -1;
	if (t->mode == MODE_VIRTUAL || table->id != ID_NONE)
		return 0;
	return tables_check_place(plan->catalog, t->name, t->namespace_id, ID_NONE, err);
}

int
node_catalog_writer(struct compiler *c, struct err *err)
{
	struct target t = {0};
	struct table_info table;

	if (take_target(c->node, c->arena, &t, err) < 0)
		return -1;
	if (t.mode >= MODE_UPSERT && t.mode <= MODE_DELETE && t.keys.n == 0)
		return err_set(err, ERR_USAGE,
			"catalog_write_settings: merge_keys: write_mode %s needs some",
			modes[t.mode]);
	if (check_columns(c, &t.keys, "merge_keys", err) < 0 ||
		check_columns(c, &t.partition, "partition_by", err) < 0)
		return -1;
	if (t.mode == MODE_SCD2 && scd2_check(c, &t.scd2, err) < 0)
		return err_prefix(err, "catalog_write_settings");
	if (c->plan->catalog == NULL)
		return err_set(err, ERR_FAILED, "it needs the catalog, and there is none");
	/* What cannot be written is known before anything is. Of a table that is read the flow behind it writes nothing. */
	if (c->scope == c->plan->top && find_place(c->plan, &t, &table, err) < 0)
		return -1;
	return node_emit_input(c, 0, 0);
}

/* --- what the catalog is told ------------------------------------------------------------------------------------- */

/* The tables that the flow reads, and those that it runs, for the links that show who reads what. */
struct reads {
	int64_t *ids;
	size_t n;
};

static int
find_reads(struct plan *plan, const struct scope *scope, struct reads *reads, struct err *err)
{
	const struct flow *flow = scope->flow;
	struct table_info table;

	for (size_t i = 0; i < flow->n_nodes; i++) {
		if (scope->subflows[i] != NULL &&
			find_reads(plan, scope->subflows[i]->scope, reads, err) < 0)
			return -1;
		if (strcmp(flow->nodes[i].kind->type, "catalog_reader") != 0)
			continue;
		if (catalog_reader_table(plan->catalog, flow->nodes[i].settings, &plan->arena,
			    &table, err) == 0) {
			reads->ids = catalog_grow(
				&plan->arena, reads->ids, reads->n, sizeof(*reads->ids));
			reads->ids[reads->n++] = table.id;
		} else if (err->code != ERR_NOT_FOUND && err->code != ERR_USAGE) {
			return -1;
		} else {
			err_clear(err); /* a reader that no output needs */
		}
	}
	return 0;
}

static int
record(struct plan *plan, const struct target *t, const struct table_info *table,
	struct table_written *w, struct err *err)
{
	struct reads reads = {NULL, 0};
	int64_t id;

	w->name = t->name;
	w->namespace_id = t->namespace_id;
	w->description = t->description;
	w->flow_id = plan->flow_id;
	w->run_id = plan->run_id;
	if (find_reads(plan, plan->top, &reads, err) < 0)
		return -1;
	w->reads = reads.ids;
	w->n_reads = reads.n;
	return tables_record_write(plan->catalog, table->id, w, &id, err);
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

/* Where the data is, or will be. */
static const char *
folder_of(struct plan *plan, const struct target *t, const struct table_info *table)
{
	if (table->file_path != NULL && (!table->file_exists || t->is_delta))
		return table->file_path;
	return table_data_new_folder(plan->catalog->paths, t->name, &plan->arena);
}

static int
write_delta(struct plan *plan, const struct target *t, const char *dir, struct relation *relation,
	struct delta_written *out, struct err *err)
{
	const char *sql = plan_sql_text(plan, relation);
	const struct delta_write_options options = {
		.partition_columns = t->partition,
		.add_columns = true,
		.arena = &plan->arena,
	};
	const struct delta_write_options merge = {
		.partition_columns = t->partition,
		.add_columns = t->mode == MODE_UPSERT,
		.arena = &plan->arena,
	};

	switch (t->mode) {
	case MODE_APPEND:
		return delta_append(plan->duck, dir, sql, &options, out, err);
	case MODE_UPSERT:
		return delta_merge(plan->duck, dir, sql, DELTA_UPSERT, &t->keys, &merge, out, err);
	case MODE_UPDATE:
		return delta_merge(plan->duck, dir, sql, DELTA_UPDATE, &t->keys, &merge, out, err);
	case MODE_DELETE:
		return delta_merge(plan->duck, dir, sql, DELTA_DELETE, &t->keys, &merge, out, err);
	case MODE_SCD2:
		return scd2_write(
			plan, &t->scd2, dir, sql, &relation->columns, &t->partition, out, err);
	default:
		return delta_overwrite(plan->duck, dir, sql, &options, out, err);
	}
}

static int
write_data(struct plan *plan, const struct target *t, const struct table_info *table,
	struct relation *relation, int64_t *rows, struct err *err)
{
	const char *dir = folder_of(plan, t, table);
	bool is_new = table->file_path == NULL || strcmp(table->file_path, dir) != 0;
	struct table_written w;
	struct delta_written written;

	if (write_delta(plan, t, dir, relation, &written, err) < 0)
		return -1;
	*rows = written.rows_inserted + written.rows_updated + written.rows_deleted;
	/* As with Flowfile: rows that change nothing are no write, and start nobody (contract 4.10). */
	if (!written.committed && table->id != ID_NONE) {
		plan_say(plan, "table %s is as it was: nothing is to be written", t->name);
		return 0;
	}
	/* The data is committed: who waits for it has to hear of it, also when the engine does nothing more because the run is to end. */
	if (table_data_after(plan->duck, dir, &plan->arena, &written, &w, err) < 0) {
		plan_say(plan, "table %s: how many rows it has now is not known: %s", t->name,
			err->text);
		err_clear(err);
	}
	if (t->mode == MODE_SCD2)
		w.scd2_config = scd2_config(&t->scd2, &plan->arena);
	else if (tables_scd2_is_stale(table->scd2_config, w.schema_json))
		w.scd2_config = "";
	if (record(plan, t, table, &w, err) < 0) {
		if (!is_new || err->code != ERR_CONFLICT)
			return err_prefix(
				err, "the data is at %s, but the catalog was not told", dir);
		tables_drop_data(plan->catalog, dir); /* no row will ever name it */
		return -1;
	}
	if (is_new && table->file_path != NULL)
		tables_drop_data(plan->catalog, table->file_path);
	return 0;
}

static int
write_virtual(struct plan *plan, const struct target *t, const struct table_info *table,
	const struct relation *relation, struct err *err)
{
	struct table_written w = {
		.row_count = COUNT_NONE,
		.size_bytes = COUNT_NONE,
		.column_count = (int64_t)relation->columns.n,
		.schema_json = table_data_schema(&relation->columns, &plan->arena),
	};

	if (plan->flow_id == ID_NONE)
		return err_set(err, ERR_USAGE,
			"a virtual table is made by a flow that the catalog knows; register this "
			"one with `flowfile flows register`");
	if (table->id != ID_NONE && table->producer_registration_id != plan->flow_id)
		return err_set(err, ERR_CONFLICT,
			"the virtual table %s is made by another flow (%" PRId64 ")", t->name,
			table->producer_registration_id);
	return record(plan, t, table, &w, err);
}

int
node_catalog_writer_write(struct plan *plan, const struct flow_node *node,
	struct relation *relation, int64_t *rows, struct err *err)
{
	struct target t = {0};
	struct table_info table;

	if (take_target(node, &plan->arena, &t, err) < 0 || find_place(plan, &t, &table, err) < 0)
		return -1;
	if (t.mode == MODE_VIRTUAL)
		return write_virtual(plan, &t, &table, relation, err);
	if (t.mode == MODE_SCD2 && scd2_settle(&t.scd2, table.scd2_config, &plan->arena, err) < 0)
		return -1;
	return write_data(plan, &t, &table, relation, rows, err);
}
