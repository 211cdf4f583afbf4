/* Before rows are read: the engine is confined to the catalog's tables, and to the files that flows behind virtual tables read. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "query.h"

struct places {
	struct arena *a;
	struct duck_places folders, files;
};

static void
add(struct places *p, struct duck_places *to, const char *path)
{
	to->items = catalog_grow(p->a, to->items, to->n, sizeof(*to->items));
	to->items[to->n++] = arena_strdup(p->a, path);
}

/* A folder with all below it, or a file alone: others beside it are other tables. What is not there is nobody's. */
static void
add_place(struct places *p, const char *path)
{
	struct duck_places *to;
	char real[PATH_MAX];
	struct stat sb;

	if (path == NULL || strstr(path, "://") != NULL || realpath(path, real) == NULL ||
		stat(real, &sb) < 0)
		return;
	to = S_ISDIR(sb.st_mode) ? &p->folders : &p->files;
	add(p, to, path);
	add(p, to, real);
}

/* catalog_tables as the one who asks sees it. */
static int
add_tables(struct inquiry *q, struct places *p, struct err *err)
{
	struct stmt *st = db_stmt(q->catalog.db, SQL_CAT_TABLE_PLACES);
	int r;

	while ((r = stmt_step(st, err)) > 0)
		add_place(p, col_text(st, 0));
	stmt_reset(st);
	return r;
}

static void
add_files(struct places *p, const cJSON *settings)
{
	const cJSON *value;

	cJSON_ArrayForEach(value, settings)
	{
		if (cJSON_IsString(value) && value->string != NULL &&
			(strcmp(value->string, "path") == 0 ||
				strcmp(value->string, "abs_file_path") == 0))
			add_place(p, value->valuestring);
		add_files(p, value);
	}
}

int
query_seal(struct inquiry *q, const char *more, struct err *err)
{
	struct places p = {.a = &q->arena};

	if (add_tables(q, &p, err) < 0)
		return -1;
	for (size_t i = 0; i < q->plan->n_flows; i++)
		for (size_t k = 0; k < q->plan->flows[i]->n_nodes; k++)
			add_files(&p, q->plan->flows[i]->nodes[k].settings);
	if (q->plan->folder != NULL)
		add(&p, &p.folders, q->plan->folder);
	if (more != NULL)
		add(&p, &p.folders, more);
	return duck_seal(q->duck, &p.folders, &p.files, err);
}
