#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "catalog/zones.h"
#include "cli/cli.h"
#include "query.h"
#include "store/views.h"

#define INPUT_MAX (32 * 1024 * 1024)
#define ANSWER_PRESET (64 * 1024 * 1024)
#define CLEANUP_S 1 /* for temporary files, once nobody wants the answer */

const struct inquiry_kind query_kinds[] = {
	{"preview", QUERY_TABLE | QUERY_ENGINE, query_preview},
	{"stats", QUERY_TABLE | QUERY_ENGINE, query_stats},
	{"materialize", QUERY_TABLE | QUERY_ENGINE, query_materialize},
	{"history", QUERY_TABLE, query_history},
	{"optimize", QUERY_TABLE | QUERY_ENGINE, query_optimize},
	{"vacuum", QUERY_TABLE | QUERY_ENGINE, query_vacuum},
	{"import", QUERY_ENGINE | QUERY_WRITES, query_import},
	{"edit", QUERY_TABLE | QUERY_ENGINE | QUERY_WRITES, query_edit},
	{"key-column", QUERY_TABLE | QUERY_ENGINE | QUERY_WRITES, query_key_column},
	{"compute", QUERY_ENGINE, query_compute},
	{"fields", QUERY_ENGINE, query_fields},
	{"sql", QUERY_ENGINE, query_sql},
	{"schema", QUERY_ENGINE, query_schema},
	{"flow", QUERY_ENGINE, query_flow},
	{NULL, 0, NULL},
};

/* --- the question ------------------------------------------------------------------------------------------ */

static const cJSON *
member(const cJSON *object, const char *name)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsNull(value) ? NULL : value;
}

static int64_t
number_of(const cJSON *object, const char *name, int64_t preset)
{
	const cJSON *value = member(object, name);
	const int64_t most = INT64_C(1) << 53; /* beyond which doubles skip whole numbers */

	if (!cJSON_IsNumber(value))
		return preset;
	if (value->valuedouble >= (double)most)
		return most;
	return value->valuedouble <= (double)-most ? -most : (int64_t)value->valuedouble;
}

int64_t
query_int(const struct inquiry *q, const char *name, int64_t preset)
{
	return number_of(q->question, name, preset);
}

bool
query_bool(const struct inquiry *q, const char *name)
{
	return cJSON_IsTrue(member(q->question, name));
}

const char *
query_text(const struct inquiry *q, const char *name)
{
	return cJSON_GetStringValue(member(q->question, name));
}

int
query_fail(struct inquiry *q, int status)
{
	q->status = status;
	return -1;
}

/* Two lines; the end of what there is to read ends the second one, too. */
static char *
read_input(void)
{
	size_t len = 0, cap = 64 * 1024, lines = 0;
	char *text = xmalloc(cap);
	ssize_t n;

	while (lines < 2 && len < INPUT_MAX) {
		if (cap - len < 2)
			text = xrealloc(text, cap *= 2, 1);
		n = read(STDIN_FILENO, text + len, cap - len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			lines += text[len + (size_t)i] == '\n';
		len += (size_t)n;
	}
	text[len] = '\0';
	return text;
}

static int
read_question(struct inquiry *q, struct err *err)
{
	char *text = read_input(), *second = strchr(text, '\n');

	if (second != NULL)
		*second++ = '\0';
	q->settings = cJSON_Parse(text);
	q->question = cJSON_Parse(second != NULL ? second : "");
	free(text);
	if (!cJSON_IsObject(q->settings) || !cJSON_IsObject(q->question))
		return err_set(err, ERR_USAGE,
			"query-child is for the scheduler: it reads two lines of JSON, its "
			"settings "
			"and a question");
	return 0;
}

/* --- when nobody wants the answer ---------------------------------------------------------------------------- */

static struct {
	pthread_mutex_t lock;
	struct duck *duck; /* that is to be interrupted */
	pthread_mutex_t busy; /* held by who must come to its end, well or not */
	sigset_t signals;
	bool by_socket;
} watched = {.lock = PTHREAD_MUTEX_INITIALIZER, .busy = PTHREAD_MUTEX_INITIALIZER};

/* For as long as the process lives: it ends it. */
static void *
watch(void *arg)
{
	struct pollfd fds[] = {
		{.fd = signalfd(-1, &watched.signals, SFD_CLOEXEC), .events = POLLIN},
		{.fd = watched.by_socket ? STDIN_FILENO : -1, .events = POLLRDHUP},
	};

	(void)arg;
	while (poll(fds, 2, -1) <= 0)
		;
	pthread_mutex_lock(&watched.lock);
	if (watched.duck != NULL)
		duck_interrupt(watched.duck);
	pthread_mutex_unlock(&watched.lock);
	sleep(CLEANUP_S);
	pthread_mutex_lock(&watched.busy);
	_exit(1);
}

/* Before the engine has threads, so that none of them gets the signals. */
static int
start_watch(struct err *err)
{
	static const int endings[] = {SIGTERM, SIGINT, SIGHUP};
	struct stat sb;
	pthread_t thread;
	int rc;

	sigemptyset(&watched.signals);
	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		sigaddset(&watched.signals, endings[i]);
	pthread_sigmask(SIG_BLOCK, &watched.signals, NULL);
	watched.by_socket = fstat(STDIN_FILENO, &sb) == 0 && S_ISSOCK(sb.st_mode);
	rc = pthread_create(&thread, NULL, watch, NULL);
	if (rc != 0)
		return err_errno(err, rc, "start a thread");
	pthread_detach(thread);
	return 0;
}

static void
set_watched(struct duck *duck)
{
	pthread_mutex_lock(&watched.lock);
	watched.duck = duck;
	pthread_mutex_unlock(&watched.lock);
}

/* --- what it works with -------------------------------------------------------------------------------------- */

/* What may be written was checked by who asks; behind views nothing could be. */
static int
open_catalog(struct inquiry *q, bool writes, struct err *err)
{
	const char *url = cJSON_GetStringValue(member(q->settings, "database"));
	const char *base = cJSON_GetStringValue(member(q->settings, "storage_dir"));
	bool restricted = query_bool(q, "restricted") && !writes;
	const struct db_options options = {
		.read_only = !restricted && !writes, /* views are made on the connection */
		.busy_timeout_ms = (int)number_of(q->settings, "database_timeout_ms", 5000),
		.application_name = "flowfile_scheduler query",
	};

	q->catalog = (struct catalog){
		.paths = &q->paths,
		.clock = &clock_real,
		.zones = zones_new(),
		.user_id = query_int(q, "user_id", 1),
	};
	if (paths_resolve(base, &q->paths, err) < 0)
		return -1;
	if (db_open(url != NULL ? url : q->paths.catalog, &options, &q->catalog.db, err) < 0)
		return query_fail(q, 503);
	if (!restricted)
		return 0;
	q->catalog.partial = true;
	if (views_make(q->catalog.db, err) < 0)
		return -1;
	return views_show(q->catalog.db, q->catalog.user_id, err);
}

/* The engine's limit is one for its buffers; a single value can be larger. Where the machine's memory ends, this process is to, and not the
 * scheduler. */
static void
offer_to_oom(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1000", 4) < 0)
		log_debug("oom_score_adj cannot be set: %s", strerror(errno));
	close(fd);
}

static int
open_engine(struct inquiry *q, struct err *err)
{
	const char *temp = cJSON_GetStringValue(member(q->settings, "temp_dir"));
	struct duck_options options = {
		.memory_max_bytes = number_of(q->settings, "memory", 0),
		.threads = (int)number_of(q->settings, "threads", 0),
	};
	struct plan_options plan = {
		.catalog = &q->catalog,
		.temp_dir = temp,
		.python = cJSON_GetStringValue(member(q->settings, "python")),
		.grace_ms = CLEANUP_S * 1000 / 2,
	};

	offer_to_oom();
	if (temp == NULL)
		temp = text_env("TMPDIR");
	options.temp_dir = arena_printf(
		&q->arena, "%s/flowfile-engine-%ld", temp != NULL ? temp : "/tmp", (long)getpid());
	if (duck_open(&options, &q->duck, err) < 0)
		return query_fail(q, 503);
	set_watched(q->duck);
	plan.duck = q->duck;
	if (plan_create(&plan, &q->plan, err) < 0)
		return -1;
	q->scope = plan_scope(q->plan, NULL, NULL, 0);
	return 0;
}

static void
close_all(struct inquiry *q)
{
	set_watched(NULL);
	plan_free(q->plan);
	duck_close(q->duck);
	db_close(q->catalog.db);
	zones_free(q->catalog.zones);
	paths_free(&q->paths);
	cJSON_Delete(q->settings);
	cJSON_Delete(q->question);
	buf_free(&q->out);
	arena_free(&q->arena);
}

/* --- the answer ----------------------------------------------------------------------------------------------- */

/* What is written is written as a whole, or cleared away: an interrupt ends what the engine does, but not this. */
static int
run_kind(struct inquiry *q, const struct inquiry_kind *kind, const struct table_info *table,
	struct err *err)
{
	int rc;

	if ((kind->needs & QUERY_WRITES) == 0)
		return kind->run(q, table, err);
	pthread_mutex_lock(&watched.busy);
	rc = kind->run(q, table, err);
	pthread_mutex_unlock(&watched.busy);
	return rc;
}

static int
run(struct inquiry *q, struct err *err)
{
	const struct inquiry_kind *kind = query_kinds;
	const char *what = query_text(q, "what");
	struct table_info table;

	while (kind->what != NULL && (what == NULL || strcmp(kind->what, what) != 0))
		kind++;
	if (kind->what == NULL)
		return err_set(err, ERR_USAGE, "there is no such question");
	if (open_catalog(q, (kind->needs & QUERY_WRITES) != 0, err) < 0)
		return -1;
	if ((kind->needs & QUERY_TABLE) != 0 &&
		tables_get(&q->catalog, query_int(q, "table_id", ID_NONE), &q->arena, &table, err) <
			0)
		return -1;
	if ((kind->needs & QUERY_ENGINE) != 0 && open_engine(q, err) < 0)
		return -1;
	if (run_kind(q, kind, (kind->needs & QUERY_TABLE) != 0 ? &table : NULL, err) < 0)
		return -1;
	if (!buf_failed(&q->out))
		return 0;
	err_set(err, ERR_FAILED, "The answer is larger than %zu MB; ask for fewer rows",
		q->out.max / 1024 / 1024);
	return query_fail(q, 422);
}

static int
status_of(const struct inquiry *q, const struct err *err)
{
	if (q->status != 0)
		return q->status;
	switch (err->code) {
	case ERR_NOT_FOUND:
		return 404;
	case ERR_CONFLICT:
		return 409;
	case ERR_BUSY:
	case ERR_LOST:
	case ERR_UNKNOWN:
		return 503;
	default:
		return 422;
	}
}

static int
answer(int status, const char *text, size_t len, struct err *err)
{
	char head[40];
	int n = snprintf(head, sizeof(head), "%d %zu\n", status, len);

	if (fd_write_all(STDOUT_FILENO, head, (size_t)n) < 0 ||
		fd_write_all(STDOUT_FILENO, text, len) < 0)
		return err_errno(err, errno, "write the answer");
	shutdown(STDOUT_FILENO, SHUT_WR); /* no socket: no harm */
	return 0;
}

static int
query_child_run(struct cli *cli, struct err *err)
{
	struct inquiry q = {.status = 0};
	struct err why = ERR_INIT;
	int rc;

	(void)cli;
	if (read_question(&q, err) < 0 || start_watch(err) < 0)
		return -1;
	buf_init(&q.out, (size_t)number_of(q.settings, "answer_max", ANSWER_PRESET));
	json_init(&q.j, &q.out);
	if (run(&q, &why) == 0)
		rc = answer(200, buf_str(&q.out), q.out.len, err);
	else
		rc = answer(status_of(&q, &why), why.text, strlen(why.text), err);
	close_all(&q);
	return rc;
}

const struct cli_command cmd_query_child[] = {
	{.args = "", .summary = "Answers a question of the scheduler", .run = query_child_run},
	{0},
};
