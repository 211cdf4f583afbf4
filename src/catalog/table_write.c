#include "catalog/table_write.h"

static int
insert(struct catalog *cat, const struct table_written *w, int64_t *id, struct err *err)
{
	bool is_virtual = w->file_path == NULL;
	struct stmt *st = db_stmt(cat->db, SQL_CAT_TABLE_INSERT);

	if (tables_check_place(cat, w->name, w->namespace_id, ID_NONE, err) < 0)
		return -1;
	stmt_text(st, 1, w->name);
	stmt_int_or_null(st, 2, w->namespace_id, ID_NONE);
	stmt_text(st, 3, w->description);
	stmt_int(st, 4, cat->user_id);
	stmt_text(st, 5, w->file_path);
	stmt_text(st, 6, "delta");
	stmt_int_or_null(st, 7, w->row_count, COUNT_NONE);
	stmt_int_or_null(st, 8, w->size_bytes, COUNT_NONE);
	stmt_int_or_null(st, 9, w->flow_id, ID_NONE);
	stmt_time(st, 10, clock_wall(cat->clock));
	stmt_bool(st, 11, false);
	stmt_text(st, 12, is_virtual ? "virtual" : "physical");
	stmt_text(st, 13, w->schema_json);
	stmt_int_or_null(st, 14, w->column_count, COUNT_NONE);
	stmt_int_or_null(st, 15, is_virtual ? w->flow_id : ID_NONE, ID_NONE);
	stmt_text(st, 16, NULL);
	return stmt_get_int(st, id, err) < 0 ? -1 : 0;
}

/* One statement for a table that was there and for one that is new: its journal names the run in either case. */
static int
stamp(struct catalog *cat, int64_t id, const struct table_written *w, struct err *err)
{
	struct stmt *st;
	int64_t now;

	if (tables_next_stamp(cat, id, &now, err) < 0)
		return -1;
	st = db_stmt(cat->db, SQL_CAT_TABLE_WRITTEN);
	stmt_text(st, 1, w->file_path);
	stmt_text(st, 2, w->schema_json);
	stmt_int_or_null(st, 3, w->row_count, COUNT_NONE);
	stmt_int_or_null(st, 4, w->column_count, COUNT_NONE);
	stmt_int_or_null(st, 5, w->size_bytes, COUNT_NONE);
	stmt_text(st, 6, w->description);
	stmt_time(st, 7, now);
	stmt_int_or_null(st, 8, w->flow_id, ID_NONE);
	stmt_int_or_null(st, 9, w->run_id, ID_NONE);
	stmt_text(st, 10, w->partition_columns);
	stmt_int(st, 11, id);
	stmt_text(st, 12, w->scd2_config);
	return stmt_exec(st, NULL, err);
}

static int
link_reads(struct catalog *cat, const struct table_written *w, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_TABLE_ADD_READ_LINK);

	for (size_t i = 0; w->flow_id != ID_NONE && i < w->n_reads; i++) {
		stmt_int(st, 1, w->reads[i]);
		stmt_int(st, 2, w->flow_id);
		stmt_time(st, 3, clock_wall(cat->clock));
		if (stmt_exec(st, NULL, err) < 0)
			return -1;
	}
	return 0;
}

static int
record(struct catalog *cat, int64_t id, const struct table_written *w, int64_t *out,
	struct err *err)
{
	*out = id;
	if ((id == ID_NONE && insert(cat, w, out, err) < 0) || stamp(cat, *out, w, err) < 0)
		return -1;
	return link_reads(cat, w, err);
}

int
tables_record_write(struct catalog *cat, int64_t id, const struct table_written *written,
	int64_t *out, struct err *err)
{
	if (db_begin(cat->db, err) < 0)
		return -1;
	return catalog_finish(cat, record(cat, id, written, out, err), err);
}

int
tables_flow_of_path(struct catalog *cat, const char *path, int64_t *id, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_FLOW_OF_PATH);

	*id = ID_NONE;
	stmt_text(st, 1, path);
	return stmt_get_int(st, id, err) < 0 ? -1 : 0;
}
