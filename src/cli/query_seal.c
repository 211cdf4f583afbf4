/* Before rows are read: the engine is confined to the folders of the catalog's tables, and of the files that flows behind virtual tables read. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "query.h"

struct folders {
	struct arena *a;
	const char **items;
	size_t n;
};

static void
add(struct folders *f, const char *folder)
{
	f->items = catalog_grow(f->a, f->items, f->n, sizeof(*f->items));
	f->items[f->n++] = arena_strdup(f->a, folder);
}

/* A folder, or the one that a file is in; what is not there is nobody's. */
static void
add_place(struct folders *f, const char *path)
{
	char real[PATH_MAX], *folder;
	struct stat sb;

	if (path == NULL || strstr(path, "://") != NULL || realpath(path, real) == NULL ||
		stat(real, &sb) < 0)
		return;
	if (S_ISDIR(sb.st_mode)) {
		add(f, path);
		add(f, real);
		return;
	}
	folder = path_dirname(path);
	add(f, folder);
	free(folder);
	folder = path_dirname(real);
	add(f, folder);
	free(folder);
}

/* catalog_tables as the one who asks sees it. */
static int
add_tables(struct inquiry *q, struct folders *f, struct err *err)
{
	struct stmt *st = db_stmt(q->catalog.db, SQL_CAT_TABLE_PLACES);
	int r;

	while ((r = stmt_step(st, err)) > 0)
		add_place(f, col_text(st, 0));
	stmt_reset(st);
	return r;
}

static void
add_files(struct folders *f, const cJSON *settings)
{
	const cJSON *value;

	cJSON_ArrayForEach(value, settings)
	{
		if (cJSON_IsString(value) && value->string != NULL &&
			(strcmp(value->string, "path") == 0 ||
				strcmp(value->string, "abs_file_path") == 0))
			add_place(f, value->valuestring);
		add_files(f, value);
	}
}

int
query_seal(struct inquiry *q, const char *more, struct err *err)
{
	struct folders f = {.a = &q->arena};

	if (add_tables(q, &f, err) < 0)
		return -1;
	for (size_t i = 0; i < q->plan->n_flows; i++)
		for (size_t k = 0; k < q->plan->flows[i]->n_nodes; k++)
			add_files(&f, q->plan->flows[i]->nodes[k].settings);
	if (q->plan->folder != NULL)
		add(&f, q->plan->folder);
	if (more != NULL)
		add(&f, more);
	if (f.n == 0)
		add(&f, "/nonexistent");
	return duck_seal(q->duck, f.items, f.n, err);
}
