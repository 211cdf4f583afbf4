/* Runs: contract 5.4. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "catalog/runs.h"
#include "routes.h"

#define LOG_MAX (4 * 1024 * 1024) /* bytes of a log in one answer */

static const char *const types[] = {"in_designer_run", "scheduled", "manual", "on_demand", NULL};

/* --- lists -------------------------------------------------------------------------------------------- */

static int
list_runs(struct call *c)
{
	struct run_filter filter = {
		.registration_id = call_int(c, "registration_id"),
		.schedule_id = call_int(c, "schedule_id"),
		.run_type = call_string(c, "run_type"),
		.search = call_string(c, "search"),
		.limit = call_int(c, "limit"),
		.offset = call_int(c, "offset"),
	};
	struct run_page page;

	if (filter.search && !*filter.search)
		filter.search = NULL;
	if (runs_list(c->cat, &filter, c->a, &page, &c->err) < 0)
		return -1;
	runs_json_api_page(&c->j, &page);
	return 0;
}

static int
list_active(struct call *c)
{
	struct run_list list;

	if (runs_active(c->cat, c->a, &list, &c->err) < 0)
		return -1;
	json_array(&c->j);
	for (size_t i = 0; i < list.n; i++)
		runs_json_active(&c->j, &list.items[i]);
	json_array_end(&c->j);
	return 0;
}

static int
get_run(struct call *c)
{
	struct run_info run;

	if (runs_get(c->cat, call_int(c, "id"), c->a, &run, &c->err) < 0)
		return -1;
	runs_json_api_detail(&c->j, &run);
	return 0;
}

/* --- the log ---------------------------------------------------------------------------------------------- */

struct part {
	int64_t from, end; /* bytes, end is not in it */
};

/* "bytes=5-9", "bytes=5-", "bytes=-5". 1: there is one; 0: none that is understood; -1: outside of the file. */
static int
parse_range(const char *header, int64_t size, struct part *out)
{
	char first[24], last[24];
	const char *dash = header ? strchr(header, '-') : NULL;
	int64_t a = 0, b = 0;
	size_t n;

	if (!dash || !text_starts(header, "bytes="))
		return 0;
	header += strlen("bytes=");
	n = (size_t)(dash - header);
	if (n >= sizeof(first) || strlen(dash + 1) >= sizeof(last))
		return 0;
	memcpy(first, header, n);
	first[n] = '\0';
	memcpy(last, dash + 1, strlen(dash));
	if ((*first && !text_to_int(first, 0, INT64_MAX, &a)) ||
		(*last && !text_to_int(last, 0, INT64_MAX, &b)) || (!*first && !*last) ||
		(*first && *last && b < a))
		return 0;
	out->from = *first ? a : b < size ? size - b : 0;
	out->end = *first && *last && b < size ? b + 1 : size;
	return out->from < size && out->end > out->from ? 1 : -1;
}

/* The bytes of the part in the arena; fewer when the file has become shorter. */
static int
read_part(struct call *c, int fd, const struct part *part, char **data, size_t *len)
{
	size_t want = (size_t)(part->end - part->from);
	ssize_t n;

	*data = arena_alloc(c->a, want + 1);
	*len = 0;
	while (*len < want) {
		n = pread(fd, *data + *len, want - *len, (off_t)part->from + (off_t)*len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(&c->err, errno, "read the log");
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	return 0;
}

/* What a Range header asks for: the bytes as they are. */
static int
write_range(struct call *c, int fd, struct part part, int64_t size)
{
	size_t len;
	char *data;

	if (part.end - part.from > LOG_MAX)
		part.end = part.from + LOG_MAX;
	if (read_part(c, fd, &part, &data, &len) < 0)
		return -1;
	c->status = 206;
	c->content_type = "text/plain; charset=utf-8";
	call_header(c, "content-range",
		arena_printf(c->a, "bytes %lld-%lld/%lld", (long long)part.from,
			(long long)(part.from + (int64_t)len - 1), (long long)size));
	buf_add(&c->out, data, len);
	return 0;
}

/* Flowfile's answer. Of a log that is too long the end, from the start of a line. */
static int
write_whole(struct call *c, int fd, int64_t size)
{
	struct part part = {.from = size > LOG_MAX ? size - LOG_MAX : 0, .end = size};
	const char *line;
	char *data, *text;
	size_t len;

	if (read_part(c, fd, &part, &data, &len) < 0)
		return -1;
	text = data;
	if (part.from > 0 && (line = memchr(data, '\n', len))) {
		text = data + (line + 1 - data);
		len -= (size_t)(text - data);
		part.from += text - data;
	}
	if (part.from > 0) {
		const char *note = arena_printf(c->a,
			"[the first %lld bytes are left out; a Range header gets them]\n",
			(long long)part.from);
		char *both = arena_alloc(c->a, strlen(note) + len);

		memcpy(both, note, strlen(note));
		memcpy(both + strlen(note), text, len);
		text = both;
		len += strlen(note);
	}
	json_object(&c->j);
	json_key(&c->j, "log");
	json_string_n(&c->j, text, len);
	json_object_end(&c->j);
	return 0;
}

static int
write_log(struct call *c, int fd)
{
	struct part part;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(&c->err, errno, "read the log");
	if (!S_ISREG(st.st_mode))
		return call_fail(c, 404, "Log file not found");
	call_header(c, "accept-ranges", "bytes");
	switch (parse_range(http_request_header(c->request, "range"), st.st_size, &part)) {
	case 0:
		return write_whole(c, fd, st.st_size);
	case 1:
		return write_range(c, fd, part, st.st_size);
	default:
		call_header(c, "content-range",
			arena_printf(c->a, "bytes */%lld", (long long)st.st_size));
		return call_fail(c, 416, "The log has %lld bytes", (long long)st.st_size);
	}
}

static int
get_log(struct call *c)
{
	struct run_info run;
	char *path;
	int fd, rc;

	if (runs_get(c->cat, call_int(c, "id"), c->a, &run, &c->err) < 0)
		return -1;
	if (!runs_type_spawned(run.run_type))
		return call_fail(c, 404, "Log file not found");
	path = paths_run_log(c->cat->paths, run.id);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	free(path);
	if (fd < 0)
		return errno == ENOENT ? call_fail(c, 404, "Log file not found")
				       : err_errno(&c->err, errno, "open the log");
	rc = write_log(c, fd);
	close(fd);
	return rc;
}

/* --- what is done to a run ------------------------------------------------------------------------------------ */

/* The designer is Flowfile's: there is none here that could open a flow. */
static int
open_run(struct call *c)
{
	struct run_info run;

	if (runs_get(c->cat, call_int(c, "id"), c->a, &run, &c->err) < 0)
		return -1;
	if (!run.flow_snapshot || !*run.flow_snapshot)
		return call_fail(c, 422, "No flow snapshot available for this run");
	return call_fail(c, 422,
		"Only Flowfile's designer can open a run; the snapshot is in the "
		"run's flow_snapshot");
}

/* An ended run stays as it is (D-09). */
static int
cancel_run(struct call *c)
{
	struct run_info run;
	int64_t ignored;

	if (c->wait_id)
		return api_take_answer(c, &ignored);
	if (runs_get(c->cat, call_int(c, "id"), c->a, &run, &c->err) < 0)
		return -1;
	if (run.ended_us != TIME_NONE)
		return 0;
	return api_ask_cancel(c, run.id);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static const struct field by_id[] = {FIELD_ID, {0}};
static const struct field list_fields[] = {FIELD_IN_QUERY("registration_id", FIELD_INT),
	FIELD_IN_QUERY("schedule_id", FIELD_INT),
	{.name = "run_type", .place = IN_QUERY, .kind = FIELD_ENUM, .values = types},
	FIELD_IN_QUERY("search", FIELD_STRING),
	{.name = "limit",
		.place = IN_QUERY,
		.kind = FIELD_INT,
		.preset = RUNS_LIMIT_DEFAULT,
		.has_min = true,
		.has_max = true,
		.min = 1,
		.max = RUNS_LIMIT_MAX},
	{.name = "offset", .place = IN_QUERY, .kind = FIELD_INT, .has_min = true, .min = 0}, {0}};

#define RUN_MEMBERS                                                                                \
	{"id", "integer", false}, {"registration_id", "integer", true},                            \
		{"flow_uuid", "string", true}, {"flow_name", "string", false},                     \
		{"flow_path", "string", true}, {"user_id", "integer", false},                      \
		{"started_at", "datetime", false}, {"ended_at", "datetime", true},                 \
		{"success", "boolean", true}, {"nodes_completed", "integer", false},               \
		{"number_of_nodes", "integer", false}, {"duration_seconds", "number", true},       \
		{"run_type", "string", false}, {"schedule_id", "integer", true},                   \
		{"has_snapshot", "boolean", false},                                                \
	{                                                                                          \
		"has_log", "boolean", false                                                        \
	}
static const struct member run_members[] = {RUN_MEMBERS, {0}};
static const struct member detail_members[] = {
	RUN_MEMBERS, {"flow_snapshot", "string", true}, {"node_results_json", "string", true}, {0}};
static const struct member page_members[] = {{"items", "[Run]", false}, {"total", "integer", false},
	{"total_success", "integer", false}, {"total_failed", "integer", false},
	{"total_running", "integer", false}, {0}};
static const struct member active_members[] = {{"id", "integer", false},
	{"registration_id", "integer", true}, {"flow_name", "string", false},
	{"flow_path", "string", true}, {"user_id", "integer", false},
	{"started_at", "datetime", false}, {"nodes_completed", "integer", false},
	{"number_of_nodes", "integer", false}, {"run_type", "string", false},
	{"schedule_id", "integer", true}, {0}};
static const struct member log_members[] = {{"log", "string", false}, {0}};
static const struct member opened_members[] = {{"flow_id", "integer", false}, {0}};
static const struct shape shapes[] = {{"Run", run_members}, {"RunDetail", detail_members},
	{"RunPage", page_members}, {"ActiveRun", active_members}, {"RunLog", log_members},
	{"OpenedFlow", opened_members}, {0}};

static const struct route routes[] = {
	{"GET", "/catalog/runs", AUTH_ANY, 200, list_fields, "RunPage", list_runs,
		"Runs, latest first, and how many there are by outcome", false, false},
	{"GET", "/catalog/runs/{id}", AUTH_ANY, 200, by_id, "RunDetail", get_run, "One run", false,
		false},
	{"GET", "/catalog/runs/{id}/log", AUTH_ANY, 200, by_id, "RunLog", get_log,
		"Its log, at most the last 4 MiB; with a Range header those bytes as text, 206",
		false, false},
	{"POST", "/catalog/runs/{id}/open", AUTH_USER, 200, by_id, "OpenedFlow", open_run,
		"Flowfile's designer only: always 404 or 422 here", false, false},
	{"POST", "/catalog/runs/{id}/cancel", AUTH_USER, 204, by_id, NULL, cancel_run,
		"Tell it to end; one that has ended stays as it is", false, false},
	{"GET", "/catalog/active-runs", AUTH_USER, 200, NULL, "[ActiveRun]", list_active,
		"Runs that have not ended, latest first", false, false},
	{0},
};

const struct route_set routes_runs = {"Runs", routes, shapes};
