/*
 * Tables that keep their history ("slowly changing dimension", type 2): a row is closed and a new one added when what it says changes.
 * catalog_write.c writes them by this.
 */
#ifndef FF_FLOW_NODES_SCD2_H
#define FF_FLOW_NODES_SCD2_H

#include "flow/delta.h"
#include "flow/node.h"

/* Contract 5.9. In the arena. */
struct scd2 {
	struct delta_names keys, compare; /* compare n 0: all that are no keys */
	const char *surrogate, *from, *to, *current; /* NULL: not said */
	bool full_snapshot;
};

/* Of a writer's settings. */
int scd2_take(const cJSON *settings, const struct delta_names *merge_keys, struct arena *a,
	struct scd2 *out, struct err *err);
/* The input has the columns, and none that the table keeps itself. */
int scd2_check(const struct compiler *c, const struct scd2 *scd2, struct err *err);
/*
 * Names that are not said become those of the table, whose scd2_config this is (NULL: it is new), or else our own. ERR_CONFLICT: the table
 * was made with others, or other keys.
 */
int scd2_settle(struct scd2 *scd2, const char *config, struct arena *a, struct err *err);
/* As scd2_config has it; what is not said is left as it is. */
const char *scd2_config(const struct scd2 *scd2, struct arena *a);

/* The rows of a SELECT, as of now, in one commit or none. out->rows_updated: rows that were closed. */
int scd2_write(struct plan *plan, const struct scd2 *scd2, const char *dir, const char *sql,
	const struct columns *columns, const struct delta_names *partition,
	struct delta_written *out, struct err *err);

#endif
