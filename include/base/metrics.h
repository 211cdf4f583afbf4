/*
 * Figures about what this process does, for /metrics: counters and histograms, one set per process, counted from any
 * thread without a lock.
 *
 * Text is Prometheus' format 0.0.4. Names and units follow its conventions: flowfile_scheduler_..., seconds, bytes, _total.
 */
#ifndef FF_BASE_METRICS_H
#define FF_BASE_METRICS_H

#include <stdint.h>

#include "base/buf.h"

enum metric_counter {
	METRIC_RUNS_STARTED, /* type */
	METRIC_RUNS_ENDED, /* outcome, type */
	METRIC_FEED_HINTS, /* kind */
	METRIC_CHANGES, /* kind, a letter of scheduler_changes */
	METRIC_STORE_ERRORS, /* code */
	METRIC_COUNTERS
};

enum metric_histogram {
	METRIC_LAUNCH_LATENESS,
	METRIC_TRIGGER_LATENCY,
	METRIC_STORE_TRANSACTION,
	METRIC_HTTP_DURATION,
	METRIC_HISTOGRAMS
};

/* Counts one. The values of its labels, in the order above; one that is not known counts as the last of
 * those there are. NULL for a label it does not have. */
void metrics_count(enum metric_counter c, const char *first, const char *second);
/* Negative is taken as 0. */
void metrics_observe(enum metric_histogram h, int64_t us);

/* All of the above. */
void metrics_write(struct buf *out);

/* --- for figures that are kept elsewhere ----------------------------------------------------------- */

/* "# HELP" and "# TYPE"; type: counter, gauge. The name without the prefix. */
void metrics_head(struct buf *out, const char *name, const char *type, const char *help);
/* One line: labels as "a=\"b\"", NULL for none. */
void metrics_value(struct buf *out, const char *name, const char *labels, double value);
/* Head and line. */
void metrics_gauge(struct buf *out, const char *name, const char *help, double value);
/* A label's value with what must be escaped escaped. */
void metrics_label(struct buf *out, const char *value);

#endif
