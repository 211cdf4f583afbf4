#include "base/metrics.h"

#include <math.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define PREFIX "flowfile_scheduler_"
#define VALUES_MAX 12 /* of one label */
#define BUCKETS_MAX 16

struct label {
	const char *name; /* NULL: none */
	const char *values[VALUES_MAX]; /* what is counted by */
	const char *shown[VALUES_MAX]; /* as it is written; NULL: as it is */
};

static const struct counter {
	const char *name, *help;
	struct label labels[2];
} counters[METRIC_COUNTERS] = {
	[METRIC_RUNS_STARTED] = {"runs_started_total", "Runs that this daemon claimed.",
		{{"type", {"scheduled", "manual", "on_demand", "other"}, {0}}}},
	[METRIC_RUNS_ENDED] = {"runs_ended_total", "Runs whose end this daemon stored.",
		{{"outcome", {"success", "failed", "cancelled", "not_started", "unknown"}, {0}},
			{"type", {"scheduled", "manual", "on_demand", "other"}, {0}}}},
	[METRIC_FEED_HINTS] = {"feed_hints_total",
		"How often the catalog was found to have changed, or to have to be read anew.",
		{{"kind", {"changed", "resync"}, {0}}}},
	[METRIC_CHANGES] = {"feed_events_total", "Changes that the engine read from the journal.",
		{{"kind", {"t", "d", "s", "f", "r", "q", "u", "l", "p", "?"},
			{"table_written", "table_deleted", "schedule", "flow", "run", "request",
				"user", "lock", "setting", "other"}}}},
	[METRIC_STORE_ERRORS] = {"store_errors_total", "Failures of the catalog's database.",
		{{"code", {"busy", "lost", "unknown", "conflict", "fenced", "failed"}, {0}}}},
};

#define MS US_PER_MS
#define S US_PER_SEC

static const struct histogram {
	const char *name, *help;
	int64_t bounds_us[BUCKETS_MAX]; /* ascending; 0: no more */
} histograms[METRIC_HISTOGRAMS] = {
	[METRIC_LAUNCH_LATENESS] = {"launch_lateness_seconds",
		"From a schedule's slot until the run for it was claimed.",
		{MS, 2 * MS, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, S, 5 * S,
			30 * S, 120 * S, 600 * S, 3600 * S}},
	[METRIC_TRIGGER_LATENCY] = {"trigger_latency_seconds",
		"From a table's write until the run it triggered was claimed.",
		{MS, 2 * MS, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, S, 5 * S,
			30 * S, 120 * S, 600 * S, 3600 * S}},
	[METRIC_STORE_TRANSACTION] = {"store_transaction_duration_seconds",
		"From the beginning of a writing transaction until its commit.",
		{MS / 2, MS, 2 * MS, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, S,
			5 * S}},
	[METRIC_HTTP_DURATION] = {"http_request_duration_seconds",
		"From the first byte of a request until its answer; streams until they are open.",
		{MS / 2, MS, 2 * MS, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, S,
			5 * S, 10 * S}},
};

#undef S
#undef MS

static _Atomic uint64_t counts[METRIC_COUNTERS][VALUES_MAX][VALUES_MAX];
static struct {
	_Atomic uint64_t buckets[BUCKETS_MAX + 1];
	_Atomic uint64_t sum_us;
} observed[METRIC_HISTOGRAMS];

/* --- counting --------------------------------------------------------------------------------------- */

static size_t
find_value(const struct label *label, const char *value)
{
	size_t i = 0;

	if (!label->name || !value)
		return 0;
	while (label->values[i] && strcmp(label->values[i], value) != 0)
		i++;
	return label->values[i] ? i : i - 1;
}

void
metrics_count(enum metric_counter c, const char *first, const char *second)
{
	const struct label *labels = counters[c].labels;
	size_t i = find_value(&labels[0], first), k = find_value(&labels[1], second);

	atomic_fetch_add_explicit(&counts[c][i][k], 1, memory_order_relaxed);
}

void
metrics_observe(enum metric_histogram h, int64_t us)
{
	const int64_t *bounds = histograms[h].bounds_us;
	size_t i = 0;

	if (us < 0)
		us = 0;
	while (bounds[i] && us > bounds[i])
		i++;
	atomic_fetch_add_explicit(&observed[h].buckets[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&observed[h].sum_us, (uint64_t)us, memory_order_relaxed);
}

/* --- writing ------------------------------------------------------------------------------------------ */

void
metrics_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

void
metrics_value(struct buf *out, const char *name, const char *labels, double value)
{
	buf_printf(out, PREFIX "%s", name);
	if (labels)
		buf_printf(out, "{%s}", labels);
	if (value == floor(value) && fabs(value) < 1e15)
		buf_printf(out, " %.0f\n", value);
	else
		buf_printf(out, " %.6f\n", value);
}

void
metrics_gauge(struct buf *out, const char *name, const char *help, double value)
{
	metrics_head(out, name, "gauge", help);
	metrics_value(out, name, NULL, value);
}

void
metrics_label(struct buf *out, const char *value)
{
	for (const char *p = value; *p; p++) {
		if (*p == '\n') {
			buf_puts(out, "\\n");
			continue;
		}
		if (*p == '"' || *p == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *p);
	}
}

static const char *
shown(const struct label *label, size_t i)
{
	return label->shown[i] ? label->shown[i] : label->values[i];
}

static void
write_count(struct buf *out, enum metric_counter c, size_t i, size_t k)
{
	const struct label *labels = counters[c].labels;
	uint64_t n = atomic_load_explicit(&counts[c][i][k], memory_order_relaxed);
	char text[160];

	if (labels[1].name)
		snprintf(text, sizeof(text), "%s=\"%s\",%s=\"%s\"", labels[0].name,
			shown(&labels[0], i), labels[1].name, shown(&labels[1], k));
	else
		snprintf(text, sizeof(text), "%s=\"%s\"", labels[0].name, shown(&labels[0], i));
	metrics_value(out, counters[c].name, text, (double)n);
}

/* All that there can be, so that a rate is known from the first one on. */
static void
write_counter(struct buf *out, enum metric_counter c)
{
	const struct label *labels = counters[c].labels;

	metrics_head(out, counters[c].name, "counter", counters[c].help);
	for (size_t i = 0; i < VALUES_MAX && labels[0].values[i]; i++)
		for (size_t k = 0; k < VALUES_MAX && (k == 0 || labels[1].values[k]); k++)
			write_count(out, c, i, k);
}

static void
write_histogram(struct buf *out, enum metric_histogram h)
{
	const struct histogram *d = &histograms[h];
	char name[96], label[48];
	uint64_t n = 0;
	size_t i;

	metrics_head(out, d->name, "histogram", d->help);
	snprintf(name, sizeof(name), "%s_bucket", d->name);
	for (i = 0; i < BUCKETS_MAX && d->bounds_us[i]; i++) {
		n += atomic_load_explicit(&observed[h].buckets[i], memory_order_relaxed);
		snprintf(label, sizeof(label), "le=\"%g\"", (double)d->bounds_us[i] / US_PER_SEC);
		metrics_value(out, name, label, (double)n);
	}
	n += atomic_load_explicit(&observed[h].buckets[i], memory_order_relaxed);
	metrics_value(out, name, "le=\"+Inf\"", (double)n);
	snprintf(name, sizeof(name), "%s_sum", d->name);
	metrics_value(out, name, NULL,
		(double)atomic_load_explicit(&observed[h].sum_us, memory_order_relaxed) /
			US_PER_SEC);
	snprintf(name, sizeof(name), "%s_count", d->name);
	metrics_value(out, name, NULL, (double)n);
}

void
metrics_write(struct buf *out)
{
	for (int c = 0; c < METRIC_COUNTERS; c++)
		write_counter(out, (enum metric_counter)c);
	for (int h = 0; h < METRIC_HISTOGRAMS; h++)
		write_histogram(out, (enum metric_histogram)h);
}
