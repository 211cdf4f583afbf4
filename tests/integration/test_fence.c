/* The lock's row and the rows of daemons, on both databases. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pg_cluster.h"
#include "store/fence.h"
#include "store_util.h"

#define T0 INT64_C(1789000000000000)

static struct pg_cluster *cluster;
static struct db *db;

static void
open_catalog(int backend)
{
	db = catalog_make(backend ? pg_cluster_url(cluster) : NULL, NULL);
}

static void
put(const char *holder_id, const char *host, int64_t now_us)
{
	const struct instance me = {holder_id, host, "boot", "1", 100, 5000, T0};

	ck_ok(instance_put(db, &me, false, now_us, e));
}

static int64_t
sign(const char *host)
{
	int64_t n;

	ck_ok(instance_host_sign(db, host, &n, e));
	return n;
}

START_TEST(a_host_is_heard_of_whatever_its_clock_says)
{
	int64_t before;

	open_catalog(_i);
	before = sign("a");
	put("one", "a", T0);
	ck_assert_int_ne(sign("a"), before);
	put("two", "a", T0 + 3600 * US_PER_SEC);
	before = sign("a");
	/* Behind the latest time of the host: its clock was set back. */
	put("one", "a", T0 + US_PER_SEC);
	ck_assert_int_ne(sign("a"), before);
	before = sign("a");
	put("three", "b", T0);
	ck_assert_int_eq(sign("a"), before);
	db_close(db);
}
END_TEST

START_TEST(a_daemon_is_alive_that_was_seen_lately)
{
	const int64_t within = 75 * US_PER_SEC;
	struct err err = ERR_INIT;

	open_catalog(_i);
	ck_assert_int_eq(instance_alive(db, "one", T0, within, &err), 0);
	put("one", "a", T0);
	ck_assert_int_eq(instance_alive(db, "one", T0 + US_PER_SEC, within, &err), 1);
	ck_assert_int_eq(instance_alive(db, "one", T0 + within, within, &err), 0);
	/* It was seen before the clock was set back. */
	ck_assert_int_eq(instance_alive(db, "one", T0 - 86400 * US_PER_SEC, within, &err), 0);
	ck_ok(instance_drop(db, "one", e));
	ck_assert_int_eq(instance_alive(db, "one", T0, within, &err), 0);
	db_close(db);
}
END_TEST

START_TEST(the_lock_is_taken_from_whom_it_was_read_and_nobody_else)
{
	struct lock_row row, again;
	struct err err = ERR_INIT;

	open_catalog(_i);
	ck_ok(lock_read(db, T0, &row, e));
	ck_assert_str_eq(row.holder_id, "");
	ck_assert_int_eq(lock_take(db, &row, "one", T0, &err), 1);
	ck_assert_int_eq(lock_take(db, &row, "two", T0, &err), 0);
	ck_ok(lock_read(db, T0, &row, e));
	ck_assert_str_eq(row.holder_id, "one");
	ck_assert_int_eq(lock_take(db, &row, "two", T0, &err), 1);
	ck_assert_int_eq(lock_take(db, &row, "three", T0, &err), 0);
	ck_assert_int_eq(lock_renew(db, "one", T0, &err), 0);
	ck_assert_int_eq(lock_renew(db, "two", T0, &err), 1);
	ck_ok(lock_drop(db, "one", e));
	ck_ok(lock_read(db, T0, &again, e));
	ck_assert_str_eq(again.holder_id, "two");
	ck_assert_int_eq(fence_begin(db, "one", &err), -1);
	ck_assert_int_eq(err.code, ERR_FENCED);
	db_rollback(db);
	err_clear(&err);
	ck_ok(fence_begin(db, "two", e));
	ck_ok(db_commit(db, e));
	db_close(db);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fence");
	TCase *tc = tcase_create("fence");
	SRunner *sr;
	int failed, backends;

	tmp_init();
	cluster = store_test_cluster();
	backends = cluster != NULL ? 2 : 1;
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, a_host_is_heard_of_whatever_its_clock_says, 0, backends);
	tcase_add_loop_test(tc, a_daemon_is_alive_that_was_seen_lately, 0, backends);
	tcase_add_loop_test(
		tc, the_lock_is_taken_from_whom_it_was_read_and_nobody_else, 0, backends);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	pg_cluster_free(cluster);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
