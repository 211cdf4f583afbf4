#include "metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api_impl.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "queries.h"
#include "streams.h"

/* Routes times statuses that occur: far more than there are. */
#define ANSWERS_MAX 1024

struct answers {
	const struct route *route;
	int status;
	int64_t n;
};

struct http_metrics {
	struct answers *answers;
	size_t n;
};

struct http_metrics *
http_metrics_new(void)
{
	return xcalloc(1, sizeof(struct http_metrics));
}

void
http_metrics_free(struct http_metrics *m)
{
	if (m)
		free(m->answers);
	free(m);
}

/* The ones that occur most often are first, because they occurred first. */
static struct answers *
find(struct http_metrics *m, const struct route *route, int status)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->answers[i].route == route && m->answers[i].status == status)
			return &m->answers[i];
	if (m->n == ANSWERS_MAX)
		return NULL;
	m->answers = xrealloc(m->answers, m->n + 1, sizeof(*m->answers));
	m->answers[m->n] = (struct answers){route, status, 0};
	return &m->answers[m->n++];
}

void
http_metrics_answered(
	struct http_metrics *m, const struct route *route, int status, int64_t received_us)
{
	struct answers *a = find(m, route, status);

	if (a)
		a->n++;
	metrics_observe(METRIC_HTTP_DURATION, clock_boot(&clock_real).us - received_us);
}

/* --- the page ---------------------------------------------------------------------------------------- */

static void
write_answers(struct buf *out, const struct http_metrics *m)
{
	const char *name = "http_requests_total";
	char labels[256];

	metrics_head(out, name, "counter", "Requests answered, by route and status.");
	for (size_t i = 0; i < m->n; i++) {
		const struct route *r = m->answers[i].route;

		snprintf(labels, sizeof(labels), "method=\"%s\",route=\"%s\",status=\"%d\"",
			r ? r->method : "", r ? r->path : "", m->answers[i].status);
		metrics_value(out, name, labels, (double)m->answers[i].n);
	}
}

static void
write_counter(struct buf *out, const char *name, const char *help, int64_t n)
{
	metrics_head(out, name, "counter", help);
	metrics_value(out, name, NULL, (double)n);
}

static void
write_http(struct buf *out, struct api *api)
{
	struct http_counts n;

	http_server_count(api->server, &n);
	write_answers(out, api->metrics);
	metrics_gauge(out, "http_connections", "Open connections.", (double)n.connections);
	write_counter(
		out, "http_connections_accepted_total", "Connections that were made.", n.accepted);
	write_counter(out, "http_connections_refused_total",
		"Connections turned away because there were too many.", n.refused);
	write_counter(out, "http_rejected_requests_total",
		"Requests that met a limit or were no HTTP; they have no route.", n.rejected);
	metrics_head(out, "http_streams", "gauge", "Open streams.");
	metrics_value(out, "http_streams", "kind=\"events\"", (double)live_count(api->live));
	metrics_value(out, "http_streams", "kind=\"log\"", (double)logtails_count(api->tails));
	write_counter(out, "http_streams_dropped_total", "Streams ended because of a slow reader.",
		n.dropped_streams);
	metrics_gauge(out, "queries_running", "Queries that have a process.",
		queries_running(api->queries));
	metrics_gauge(out, "queries_waiting", "Queries that wait for a place.",
		queries_waiting(api->queries));
	metrics_gauge(out, "http_requests_waiting", "Requests that wait for an answer.",
		(double)worker_waiting(api->worker));
}

static double
age_s(int64_t since_us)
{
	return (double)(clock_boot(&clock_real).us - since_us) / US_PER_SEC;
}

static void
write_engine(struct buf *out, const struct api_facts *f)
{
	const struct engine_status *e = &f->engine;

	metrics_gauge(out, "leader", "Whether this daemon leads.", e->leading);
	metrics_gauge(out, "database_up", "Whether the catalog answered when it was last asked.",
		e->database_up);
	metrics_gauge(out, "lease_known", "Whether it is known who leads.", e->lock_known);
	if (f->heartbeat_boot_us != TIME_NONE)
		metrics_gauge(out, "heartbeat_age_seconds",
			"Since the lease was last renewed; absent on a daemon that does not lead.",
			age_s(f->heartbeat_boot_us));
	metrics_gauge(out, "turn_age_seconds", "Since the engine last took a turn.",
		age_s(f->turn_boot_us));
	metrics_gauge(out, "schedules", "Schedules that the leader knows.", (double)e->schedules);
	metrics_gauge(out, "launches_due",
		"Launches that are due and held back, by a flow that still runs or by a limit.",
		(double)e->due);
	metrics_gauge(out, "runs_active", "Runs that have not ended, whoever started them.",
		(double)e->active_runs);
	metrics_gauge(out, "runs_queued", "Runs that are claimed and do not run yet.",
		(double)e->starting);
	if (e->leading && e->next_slot_us > 0 && e->next_slot_us != TIME_NEVER)
		metrics_gauge(out, "next_launch_timestamp_seconds",
			"When something is due next, since the epoch.",
			(double)e->next_slot_us / US_PER_SEC);
	write_counter(out, "engine_turns_total", "Turns that the engine took.", e->turns);
}

static double
seconds(const struct timeval *tv)
{
	return (double)tv->tv_sec + (double)tv->tv_usec / US_PER_SEC;
}

static int
count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n > 3 ? n - 3 : 0; /* ".", "..", and the folder */
}

static int64_t
resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	int64_t pages = 0;

	if (f && fscanf(f, "%*d %" SCNd64, &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

/* The names that every exporter has, so they go without our prefix. */
static void
write_process(struct buf *out)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	buf_printf(out,
		"# HELP process_cpu_seconds_total Processor time of the process.\n"
		"# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.6f\n",
		seconds(&use.ru_utime) + seconds(&use.ru_stime));
	buf_printf(out,
		"# HELP process_resident_memory_bytes Resident memory of the process.\n"
		"# TYPE process_resident_memory_bytes gauge\n"
		"process_resident_memory_bytes %" PRId64 "\n",
		resident_bytes());
	buf_printf(out,
		"# HELP process_open_fds Open file descriptors of the process.\n"
		"# TYPE process_open_fds gauge\nprocess_open_fds %d\n",
		count_files());
}

static void
write_version(struct buf *out, const struct api_context *x)
{
	struct buf labels;

	buf_init(&labels, 1024);
	buf_puts(&labels, "version=\"");
	metrics_label(&labels, x->version);
	buf_puts(&labels, "\",holder_id=\"");
	metrics_label(&labels, x->holder_id);
	buf_puts(&labels, "\"");
	metrics_head(out, "build_info", "gauge", "1, with what this daemon is.");
	metrics_value(out, "build_info", buf_str(&labels), 1);
	buf_free(&labels);
}

void
metrics_page(struct call *c)
{
	struct api_facts f;

	c->api->facts(c->api, &f);
	c->content_type = "text/plain; version=0.0.4; charset=utf-8";
	write_version(&c->out, c->api);
	write_engine(&c->out, &f);
	metrics_write(&c->out);
	write_http(&c->out, c->api->api);
	write_process(&c->out);
}
