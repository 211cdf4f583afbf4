/* Figures of the API, kept by the server's thread, and the page with all figures there are. */
#ifndef FF_HTTP_METRICS_H
#define FF_HTTP_METRICS_H

#include "http/route.h"

struct http_metrics;

struct http_metrics *http_metrics_new(void);
void http_metrics_free(struct http_metrics *m);

/* An answer went out. route NULL: none was found. */
void http_metrics_answered(
	struct http_metrics *m, const struct route *route, int status, int64_t received_us);

/* The text of GET /metrics. */
void metrics_page(struct call *c);

#endif
