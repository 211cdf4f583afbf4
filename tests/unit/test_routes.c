/* The table of routes against the contract: nothing is missing, nothing is there unsaid, answers have their members. */
#include <check.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http/api.h"
#include "http/route.h"

/* --- contract section 5 --------------------------------------------------------------------------------------- */

/* J: a bearer token; A: also the internal one. Behind it, what it answers. */
static const struct {
	const char *method, *path;
	char auth;
	int success;
} contract[] = {
	/* 5.2 */
	{"GET", "/namespaces", 'A', 200},
	{"POST", "/namespaces", 'J', 201},
	{"PUT", "/namespaces/{id}", 'A', 200},
	{"DELETE", "/namespaces/{id}", 'A', 204},
	{"POST", "/namespaces/{id}/cleanup_flows", 'A', 200},
	{"GET", "/namespaces/tree", 'J', 200},
	{"GET", "/default-namespace-id", 'A', 200},
	/* 5.3 */
	{"GET", "/flows", 'J', 200},
	{"POST", "/flows", 'J', 201},
	{"GET", "/flows/{id}", 'J', 200},
	{"GET", "/flows/{id}/interface", 'J', 200},
	{"PUT", "/flows/{id}", 'J', 200},
	{"DELETE", "/flows/{id}", 'A', 204},
	{"GET", "/flows/{id}/artifacts", 'A', 200},
	{"POST", "/flows/{id}/run", 'J', 200},
	{"POST", "/flows/{id}/favorite", 'J', 201},
	{"DELETE", "/flows/{id}/favorite", 'J', 204},
	{"POST", "/flows/{id}/follow", 'J', 201},
	{"DELETE", "/flows/{id}/follow", 'J', 204},
	{"GET", "/favorites", 'J', 200},
	{"GET", "/following", 'J', 200},
	/* 5.4 */
	{"GET", "/runs", 'A', 200},
	{"GET", "/runs/{id}", 'A', 200},
	{"GET", "/runs/{id}/log", 'A', 200},
	{"POST", "/runs/{id}/open", 'J', 200},
	{"POST", "/runs/{id}/cancel", 'J', 204},
	{"GET", "/active-runs", 'J', 200},
	/* 5.5 */
	{"GET", "/schedules", 'A', 200},
	{"POST", "/schedules", 'J', 201},
	{"POST", "/schedules/validate-cron", 'J', 200},
	{"GET", "/schedules/{id}", 'A', 200},
	{"PUT", "/schedules/{id}", 'A', 200},
	{"DELETE", "/schedules/{id}", 'A', 204},
	{"POST", "/schedules/{id}/run-now", 'J', 200},
	/* 5.6, 5.7 */
	{"GET", "/scheduler/status", 'J', 200},
	{"POST", "/scheduler/start", 'J', 200},
	{"POST", "/scheduler/stop", 'J', 200},
	{"GET", "/stats", 'J', 200},
	/* 5.8 */
	{"GET", "/tables", 'A', 200},
	{"POST", "/tables", 'A', 201},
	{"POST", "/tables/from-data", 'A', 201},
	{"POST", "/tables/{id}/refresh", 'A', 200},
	{"GET", "/tables/resolve", 'A', 200},
	{"GET", "/tables/{id}", 'A', 200},
	{"PUT", "/tables/{id}", 'A', 200},
	{"DELETE", "/tables/{id}", 'J', 204},
	{"GET", "/tables/{id}/preview", 'J', 200},
	{"POST", "/tables/{id}/materialize", 'A', 200},
	{"GET", "/tables/{id}/columns/{column_name}/stats", 'J', 200},
	{"GET", "/tables/{id}/history", 'J', 200},
	{"POST", "/tables/{id}/optimize", 'J', 200},
	{"POST", "/tables/{id}/vacuum", 'J', 200},
	{"POST", "/tables/{id}/edits", 'J', 200},
	{"POST", "/tables/{id}/key-column", 'J', 200},
	{"GET", "/table-favorites", 'J', 200},
	{"POST", "/tables/{id}/favorite", 'J', 201},
	{"DELETE", "/tables/{id}/favorite", 'J', 204},
	{"GET", "/tables/{id}/visualizations", 'J', 200},
	/* 5.10 */
	{"POST", "/virtual-tables", 'J', 201},
	{"PUT", "/virtual-tables/{id}", 'J', 200},
	{"POST", "/virtual-tables/{id}/resolve", 'J', 200},
	{"POST", "/query-virtual-tables", 'J', 201},
	{"PUT", "/query-virtual-tables/{id}", 'J', 200},
	/* 5.11 */
	{"POST", "/sql/execute", 'J', 200},
	{"POST", "/sql/save-as-flow", 'J', 200},
	/* 5.12 */
	{"GET", "/visualizations", 'J', 200},
	{"POST", "/visualizations", 'J', 201},
	{"GET", "/visualizations/{id}", 'J', 200},
	{"PUT", "/visualizations/{id}", 'J', 200},
	{"DELETE", "/visualizations/{id}", 'J', 204},
	{"POST", "/visualizations/{id}/compute", 'J', 200},
	{"POST", "/visualizations/{id}/fields", 'J', 200},
	{"POST", "/visualizations/compute", 'J', 200},
	{"POST", "/visualizations/fields", 'J', 200},
};

/* The answer of one route of each shape, its members as the contract lists them; '?' behind those that may be null. */
static const struct {
	const char *method, *path, *members;
} answers[] = {
	{"GET", "/namespaces",
		"id name parent_id? level description? owner_id created_at updated_at storage_uri? "
		"storage_connection_name? access?"},
	{"GET", "/namespaces/tree",
		"id name parent_id? level description? owner_id created_at updated_at storage_uri? "
		"storage_connection_name? access? children flows artifacts tables visualizations "
		"notebooks"},
	{"GET", "/flows/{id}",
		"id name description? flow_path namespace_id? owner_id created_at updated_at "
		"is_favorite is_following run_count last_run_at? last_run_success? file_exists "
		"is_api_compatible artifact_count tables_produced tables_read access?"},
	{"GET", "/flows/{id}/interface", "registration_id inputs outputs parameters file_exists"},
	{"GET", "/flows/{id}/artifacts",
		"id name version status description? python_type? python_module? "
		"serialization_format? size_bytes? sha256? tags namespace_id? "
		"source_registration_id? source_flow_id? source_node_id? owner_id? created_at? "
		"updated_at? blob_exists version_count access?"},
	{"POST", "/flows/{id}/run",
		"id registration_id? flow_uuid? flow_name flow_path? user_id started_at ended_at? "
		"success? nodes_completed number_of_nodes duration_seconds? run_type schedule_id? "
		"has_snapshot has_log"},
	{"POST", "/flows/{id}/favorite", "id user_id registration_id created_at"},
	{"GET", "/runs", "items total total_success total_failed total_running"},
	{"GET", "/runs/{id}",
		"id registration_id? flow_uuid? flow_name flow_path? user_id started_at ended_at? "
		"success? nodes_completed number_of_nodes duration_seconds? run_type schedule_id? "
		"has_snapshot has_log flow_snapshot? node_results_json?"},
	{"GET", "/runs/{id}/log", "log"},
	{"GET", "/active-runs",
		"id registration_id? flow_name flow_path? user_id started_at nodes_completed "
		"number_of_nodes run_type schedule_id?"},
	{"GET", "/schedules",
		"id registration_id owner_id enabled name? description? schedule_type "
		"interval_seconds? cron_expression? cron_timezone? trigger_table_id? "
		"trigger_table_name? trigger_namespace_id? trigger_namespace_name? "
		"trigger_full_table_name? trigger_table_ids trigger_table_names "
		"trigger_full_table_names last_triggered_at? last_trigger_table_updated_at? "
		"created_at updated_at"},
	{"POST", "/schedules/validate-cron", "valid error?"},
	{"GET", "/scheduler/status", "active holder_id? started_at? heartbeat_at? is_embedded?"},
	{"POST", "/scheduler/stop", "message"},
	{"GET", "/stats",
		"total_namespaces total_flows total_runs total_favorites total_table_favorites "
		"total_artifacts total_tables total_virtual_tables total_schedules recent_runs "
		"favorite_flows favorite_tables active_runs"},
	{"GET", "/tables",
		"id name namespace_id? namespace_name? full_table_name? qualified_name? "
		"description? owner_id file_exists is_remote_storage is_favorite schema_columns "
		"row_count? column_count? size_bytes? file_path? source_registration_id? "
		"source_registration_name? source_run_id? read_by_flows table_type "
		"producer_registration_id? producer_registration_name? is_optimized? "
		"laziness_blockers? sql_query? polars_plan? source_table_versions? "
		"partition_columns? scd2? prediction_table_id? prediction_table_name? created_at "
		"updated_at access?"},
	{"GET", "/tables/resolve", "table warnings"},
	{"GET", "/tables/{id}/preview", "columns dtypes rows total_rows"},
	{"POST", "/tables/{id}/materialize", "path format row_count mtime"},
	{"GET", "/tables/{id}/columns/{column_name}/stats",
		"dtype values truncated distinct_count? min? max? cache_hit error?"},
	{"GET", "/tables/{id}/history", "current_version history"},
	{"POST", "/tables/{id}/optimize", "metrics size_bytes?"},
	{"POST", "/tables/{id}/vacuum", "dry_run files_removed file_count size_bytes?"},
	{"POST", "/tables/{id}/edits", "table rows_upserted rows_deleted new_version?"},
	{"POST", "/tables/{id}/key-column", "table column_name new_version?"},
	{"POST", "/tables/{id}/favorite", "id user_id table_id created_at"},
	{"POST", "/sql/execute",
		"columns dtypes rows total_rows truncated execution_time_ms used_tables error?"},
	{"POST", "/sql/save-as-flow", "flow_id"},
	{"GET", "/visualizations",
		"id name description? chart_type? spec spec_gw_version? source_type "
		"catalog_table_id? sql_query? namespace_id? thumbnail_data_url? created_by? "
		"created_at updated_at table_name? table_namespace_name? table_full_name? "
		"table_type? namespace_name? access?"},
	{"POST", "/visualizations/compute",
		"rows total_rows truncated elapsed_ms cache_hit error?"},
	{"POST", "/visualizations/fields", "fields cache_hit error?"},
};

/* --- looking it up ------------------------------------------------------------------------------------------------- */

static const struct route *
find_route(const char *method, const char *path)
{
	for (size_t i = 0; route_sets[i]; i++)
		for (const struct route *r = route_sets[i]->routes; r->method; r++)
			if (!strcmp(r->method, method) && !strncmp(r->path, "/catalog", 8) &&
				!strcmp(r->path + 8, path))
				return r;
	return NULL;
}

static const struct shape *
find_shape(const char *name, size_t len, int *n)
{
	const struct shape *found = NULL;

	*n = 0;
	for (size_t i = 0; route_sets[i]; i++)
		for (const struct shape *s = route_sets[i]->shapes; s && s->name; s++)
			if (strlen(s->name) == len && !strncmp(s->name, name, len)) {
				found = s;
				++*n;
			}
	return found;
}

static bool
is_plain(const char *type, size_t len)
{
	static const char *const plain[] = {
		"integer", "string", "boolean", "number", "datetime", "any"};

	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (strlen(plain[i]) == len && !strncmp(plain[i], type, len))
			return true;
	return false;
}

/* "[[Flow]]" is a Flow in the end. */
static const char *
innermost(const char *type, size_t *len)
{
	*len = strlen(type);
	for (; *type == '['; type++)
		*len -= 2;
	return type;
}

static void
check_type(const char *type, const char *where)
{
	size_t len;
	int n;

	/* A media type: the answer is a text. */
	if (strchr(type, '/'))
		return;
	type = innermost(type, &len);
	if (is_plain(type, len))
		return;
	find_shape(type, len, &n);
	ck_assert_msg(n == 1, "%.*s is there %d times: %s", (int)len, type, n, where);
}

/* --- tests ----------------------------------------------------------------------------------------------------------- */

START_TEST(every_route_of_the_contract_is_served)
{
	for (size_t i = 0; i < ARRAY_LEN(contract); i++) {
		const struct route *r = find_route(contract[i].method, contract[i].path);

		ck_assert_msg(r, "%s %s", contract[i].method, contract[i].path);
		ck_assert_msg(!r->ours, "%s %s", r->method, r->path);
		ck_assert_msg(r->auth == (contract[i].auth == 'J' ? AUTH_USER : AUTH_ANY),
			"who may: %s %s", r->method, r->path);
		ck_assert_msg(
			r->success == contract[i].success, "status: %s %s", r->method, r->path);
		ck_assert_msg(
			(r->success == 204) == !r->response, "answer: %s %s", r->method, r->path);
	}
}
END_TEST

static bool
in_contract(const struct route *r)
{
	for (size_t i = 0; i < ARRAY_LEN(contract); i++)
		if (!strcmp(r->method, contract[i].method) && !strncmp(r->path, "/catalog", 8) &&
			!strcmp(r->path + 8, contract[i].path))
			return true;
	return false;
}

START_TEST(every_route_is_in_the_contract_or_said_to_be_ours)
{
	for (size_t i = 0; route_sets[i]; i++)
		for (const struct route *r = route_sets[i]->routes; r->method; r++)
			ck_assert_msg(in_contract(r) != r->ours, "%s %s", r->method, r->path);
}
END_TEST

START_TEST(every_route_is_there_once_and_described)
{
	for (size_t i = 0; route_sets[i]; i++)
		for (const struct route *r = route_sets[i]->routes; r->method; r++) {
			int n = 0;

			for (size_t k = 0; route_sets[k]; k++)
				for (const struct route *x = route_sets[k]->routes; x->method; x++)
					n += !strcmp(x->method, r->method) &&
						!strcmp(x->path, r->path);
			ck_assert_msg(n == 1, "%s %s", r->method, r->path);
			ck_assert_msg(r->summary && *r->summary, "%s %s", r->method, r->path);
			ck_assert_ptr_nonnull(r->handler);
		}
}
END_TEST

/* The handler of a path with a parameter must not get what another route names literally. */
START_TEST(no_route_hides_another)
{
	for (size_t i = 0; i < ARRAY_LEN(contract); i++) {
		char path[128], *p;
		struct arena a = ARENA_INIT;
		struct http_request request = {.method = contract[i].method, .path = path};
		const struct route *found;
		const char **captures, *allow;

		snprintf(path, sizeof(path), "/api/catalog%s", contract[i].path);
		while ((p = strchr(path, '{'))) {
			size_t len = strcspn(p, "}");

			*p = '7';
			memmove(p + 1, p + len + 1, strlen(p + len + 1) + 1);
		}
		ck_assert_msg(route_find(&request, &a, &found, &captures, &allow) == 0, "%s", path);
		ck_assert_msg(
			!strcmp(found->path + 8, contract[i].path), "%s is %s", path, found->path);
		arena_free(&a);
	}
}
END_TEST

START_TEST(the_parameters_of_a_path_are_fields_in_their_order)
{
	for (size_t i = 0; route_sets[i]; i++)
		for (const struct route *r = route_sets[i]->routes; r->method; r++) {
			const struct field *f = r->fields;

			for (const char *p = r->path; (p = strchr(p, '{')); p++) {
				while (f && f->name && f->place != IN_PATH)
					f++;
				ck_assert_msg(f && f->name &&
						!strncmp(f->name, p + 1, strcspn(p + 1, "}")) &&
						strlen(f->name) == strcspn(p + 1, "}"),
					"%s", r->path);
				f++;
			}
			while (f && f->name && f->place != IN_PATH)
				f++;
			ck_assert_msg(!f || !f->name, "%s", r->path);
		}
}
END_TEST

START_TEST(every_shape_that_is_named_is_there_once)
{
	for (size_t i = 0; route_sets[i]; i++) {
		for (const struct route *r = route_sets[i]->routes; r->method; r++)
			if (r->response)
				check_type(r->response, r->path);
		for (const struct shape *s = route_sets[i]->shapes; s && s->name; s++)
			for (const struct member *m = s->members; m->name; m++)
				check_type(m->type, s->name);
	}
}
END_TEST

START_TEST(answers_have_the_contracts_members_in_its_order)
{
	const struct route *r = find_route(answers[_i].method, answers[_i].path);
	char have[2048] = "";
	const struct shape *shape;
	const char *type;
	size_t len, n = 0;
	int times;

	ck_assert_msg(r && r->response, "%s", answers[_i].path);
	type = innermost(r->response, &len);
	shape = find_shape(type, len, &times);
	ck_assert_msg(shape, "%s", r->response);
	for (const struct member *m = shape->members; m->name; m++)
		n += (size_t)snprintf(have + n, sizeof(have) - n, "%s%s%s", n ? " " : "", m->name,
			m->nullable ? "?" : "");
	ck_assert_msg(!strcmp(have, answers[_i].members), "%s\n have: %s\n want: %s",
		answers[_i].path, have, answers[_i].members);
}
END_TEST

/* --- openapi.json ------------------------------------------------------------------------------------------------------ */

static void
check_refs(const cJSON *item, const cJSON *schemas)
{
	const cJSON *x;

	cJSON_ArrayForEach(x, item)
	{
		if (x->string && !strcmp(x->string, "$ref"))
			ck_assert_msg(cJSON_GetObjectItemCaseSensitive(
					      schemas, strrchr(x->valuestring, '/') + 1),
				"%s", x->valuestring);
		else
			check_refs(x, schemas);
	}
}

START_TEST(the_description_names_every_route_and_every_schema)
{
	const struct route *r = NULL;
	const struct api_context api = {.version = "1.2.3"};
	struct call c = {.api = &api};
	const cJSON *paths, *schemas;
	cJSON *doc;

	for (size_t i = 0; route_sets[i]; i++)
		for (const struct route *x = route_sets[i]->routes; x->method; x++)
			if (!strcmp(x->path, "/openapi.json"))
				r = x;
	ck_assert_ptr_nonnull(r);
	buf_init(&c.out, 1 << 24);
	json_init(&c.j, &c.out);
	ck_assert_int_eq(r->handler(&c), 0);
	doc = cJSON_ParseWithOpts(buf_str(&c.out), NULL, 1);
	ck_assert_ptr_nonnull(doc);
	paths = cJSON_GetObjectItem(doc, "paths");
	schemas = cJSON_GetObjectItem(cJSON_GetObjectItem(doc, "components"), "schemas");
	check_refs(doc, schemas);
	for (size_t i = 0; route_sets[i]; i++)
		for (r = route_sets[i]->routes; r->method; r++)
			ck_assert_msg(cJSON_GetObjectItem(
					      cJSON_GetObjectItemCaseSensitive(paths, r->path),
					      r->method),
				"%s %s", r->method, r->path);
	cJSON_Delete(doc);
	buf_free(&c.out);
}
END_TEST

START_TEST(only_a_path_that_is_there_is_redirected)
{
	static const struct {
		const char *path, *query;
		int status;
		const char *extra;
	} cases[] = {
		{"/catalog/schedules/", NULL, 307, "/catalog/schedules"},
		{"/api/catalog/schedules/", "a=1", 307, "/api/catalog/schedules?a=1"},
		{"/catalog/nothing/", NULL, 404, NULL},
		{"//catalog/schedules/", NULL, 404, NULL},
		{"/catalog", NULL, 404, NULL},
		{"/catalog/tables/1/favorite", NULL, 405, "POST, DELETE"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = ARENA_INIT;
		struct http_request request = {.method = "GET",
			.path = (char *)cases[i].path,
			.query = (char *)cases[i].query};
		const struct route *found;
		const char **captures, *extra;

		ck_assert_msg(
			route_find(&request, &a, &found, &captures, &extra) == cases[i].status,
			"%s", cases[i].path);
		if (cases[i].extra)
			ck_assert_str_eq(extra, cases[i].extra);
		arena_free(&a);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("routes");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_test(t, every_route_of_the_contract_is_served);
	tcase_add_test(t, every_route_is_in_the_contract_or_said_to_be_ours);
	tcase_add_test(t, every_route_is_there_once_and_described);
	tcase_add_test(t, no_route_hides_another);
	tcase_add_test(t, the_parameters_of_a_path_are_fields_in_their_order);
	tcase_add_test(t, every_shape_that_is_named_is_there_once);
	tcase_add_loop_test(
		t, answers_have_the_contracts_members_in_its_order, 0, ARRAY_LEN(answers));
	tcase_add_test(t, the_description_names_every_route_and_every_schema);
	tcase_add_test(t, only_a_path_that_is_there_is_redirected);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
