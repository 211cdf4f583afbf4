#include "catalog/requests.h"

#include <string.h>
#include <time.h>

/* Asked quickly at first, because a leading daemon answers within milliseconds; then more calmly. */
#define POLL_FIRST_US (2 * US_PER_MS)
#define POLL_LAST_US (50 * US_PER_MS)

int
requests_submit(struct catalog *cat, const struct request_new *new, int64_t *id, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_REQUEST_INSERT);
	int rc;

	if (db_begin(cat->db, err) < 0)
		return -1;
	stmt_text(st, 1, new->kind);
	stmt_int_or_null(st, 2, new->registration_id, ID_NONE);
	stmt_int_or_null(st, 3, new->schedule_id, ID_NONE);
	stmt_int_or_null(st, 4, new->run_id, ID_NONE);
	stmt_int(st, 5, cat->user_id);
	stmt_text(st, 6, new->requested_by);
	stmt_time(st, 7, clock_wall(cat->clock));
	rc = stmt_get_int(st, id, err) < 0 ? -1 : 0;
	return catalog_finish(cat, rc, err);
}

static int
look(struct catalog *cat, int64_t id, struct arena *a, struct request_answer *out, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_REQUEST_GET);
	int r;

	*out = (struct request_answer){0};
	stmt_int(st, 1, id);
	r = stmt_step(st, err);
	if (r > 0 && !col_null(st, 0)) {
		out->answered = true;
		out->done = strcmp(col_text(st, 0), "done") == 0;
		out->detail = catalog_text(a, st, 1);
		out->run_id = col_int_or(st, 2, ID_NONE);
	}
	stmt_reset(st);
	if (r == 0)
		return err_set(err, ERR_FAILED, "request %lld is gone", (long long)id);
	return r < 0 ? -1 : 0;
}

static void
pause_us(int64_t us)
{
	struct timespec ts = {us / US_PER_SEC, us % US_PER_SEC * 1000};

	nanosleep(&ts, NULL);
}

int
requests_wait(struct catalog *cat, int64_t id, int64_t timeout_ms, struct arena *a,
	struct request_answer *out, struct err *err)
{
	struct boottime end = boottime_add(clock_boot(cat->clock), timeout_ms * US_PER_MS);
	int64_t wait_us = POLL_FIRST_US, left_us;

	for (;;) {
		/* Somebody else's transaction can be in the way; the answer will still come. */
		if (look(cat, id, a, out, err) < 0) {
			if (err->code != ERR_BUSY)
				return -1;
			err_clear(err);
		}
		left_us = boottime_diff(end, clock_boot(cat->clock));
		if (out->answered || left_us <= 0)
			return 0;
		pause_us(wait_us < left_us ? wait_us : left_us);
		wait_us = wait_us * 2 < POLL_LAST_US ? wait_us * 2 : POLL_LAST_US;
	}
}

int
requests_withdraw(struct catalog *cat, int64_t id, bool *withdrawn, struct err *err)
{
	struct stmt *st = db_stmt(cat->db, SQL_CAT_REQUEST_WITHDRAW);
	int64_t n;

	stmt_int(st, 1, id);
	if (stmt_exec(st, &n, err) < 0)
		return -1;
	*withdrawn = n > 0;
	return 0;
}
