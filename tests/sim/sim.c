/* Time, events, random numbers, the trace. */
#include "sim.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* --- random numbers ----------------------------------------------------------------------------- */

static uint64_t
splitmix(uint64_t *x)
{
	uint64_t z = (*x += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
rng_seed(struct rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix(&seed);
}

static uint64_t
rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

uint64_t
rng_next(struct rng *r)
{
	uint64_t result = rotl(r->s[1] * 5, 7) * 9, t = r->s[1] << 17;

	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= t;
	r->s[3] = rotl(r->s[3], 45);
	return result;
}

int64_t
rng_below(struct rng *r, int64_t n)
{
	assert(n > 0);
	return (int64_t)(rng_next(r) % (uint64_t)n);
}

int64_t
rng_range(struct rng *r, int64_t lo, int64_t hi)
{
	return hi > lo ? lo + rng_below(r, hi - lo + 1) : lo;
}

bool
rng_chance(struct rng *r, double p)
{
	if (p <= 0)
		return false;
	return (double)(rng_next(r) >> 11) * 0x1p-53 < p;
}

/* -ln(u) by halving: exact enough, and the same on every machine. */
int64_t
rng_wait(struct rng *r, int64_t mean_us)
{
	uint64_t u = rng_next(r) | 1;
	double halvings = 0, x;
	int64_t wait;

	while (!(u >> 63) && halvings < 28) {
		u <<= 1;
		halvings++;
	}
	x = (double)(u >> 11) * 0x1p-53; /* 0.5 .. 1 */
	wait = (int64_t)((halvings * 0.6931 + (1 - x) * 1.386) * (double)mean_us);
	return wait < 1 ? 1 : wait;
}

/* --- events ------------------------------------------------------------------------------------- */

static bool
before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void
sim_at(struct sim *s, int64_t at, event_cb cb, void *what, int64_t arg)
{
	struct event e = {at > s->T ? at : s->T, ++s->order, cb, what, arg};
	size_t i;

	if (s->n_events == s->cap_events) {
		s->cap_events = s->cap_events ? 2 * s->cap_events : 256;
		s->events = xrealloc(s->events, s->cap_events, sizeof(*s->events));
	}
	for (i = s->n_events++; i > 0 && before(&e, &s->events[(i - 1) / 2]); i = (i - 1) / 2)
		s->events[i] = s->events[(i - 1) / 2];
	s->events[i] = e;
}

void
sim_in(struct sim *s, int64_t delay_us, event_cb cb, void *what, int64_t arg)
{
	sim_at(s, s->T + delay_us, cb, what, arg);
}

static struct event
pop(struct sim *s)
{
	struct event top = s->events[0], last = s->events[--s->n_events];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < s->n_events) {
		if (child + 1 < s->n_events && before(&s->events[child + 1], &s->events[child]))
			child++;
		if (!before(&s->events[child], &last))
			break;
		s->events[i] = s->events[child];
		i = child;
	}
	s->events[i] = last;
	return top;
}

void
sim_run_until(struct sim *s, int64_t until)
{
	while (!s->failed && s->n_events > 0 && s->events[0].at <= until) {
		struct event e = pop(s);

		if (e.at > s->T)
			s->T = e.at;
		s->n_done++;
		s->here = &s->hosts[0];
		e.cb(s, e.what, e.arg);
	}
	if (!s->failed && s->T < until)
		s->T = until;
}

int64_t
sim_wall(const struct sim *s)
{
	return host_wall(s->here);
}

bool
sim_faulty(const struct sim *s)
{
	return s->phase == PHASE_CHAOS && !s->healthy;
}

bool
sim_happens(struct sim *s)
{
	return recipe_has(s->recipe, s->happenings++);
}

void
sim_renew(struct sim *s, enum stream stream)
{
	/* What the world is made of and what people do stay as they are. */
	bool fixed = stream == STREAM_RECIPE || stream == STREAM_PEOPLE;
	uint64_t luck = fixed ? 0 : (uint64_t)s->used[ING_LUCK];

	rng_seed(&s->rngs[stream],
		s->seed ^ ((uint64_t)stream << 56) ^ (luck << 40) ^
			++s->renewed[stream] * UINT64_C(0xd1342543de82ef95));
}

bool
sim_acts(struct sim *s, enum stream stream)
{
	sim_renew(s, stream);
	return sim_happens(s);
}

bool
sim_strikes(struct sim *s, double p)
{
	return sim_faulty(s) && rng_chance(&s->rngs[STREAM_FAULTS], p) && sim_happens(s);
}

void
sim_trouble(struct sim *s, struct daemon *d)
{
	s->trouble_T = s->T;
	s->n_faults++;
	if (d)
		d->trouble_T = s->T;
}

/* --- trace ---------------------------------------------------------------------------------------- */

/* What a daemon logs is indented. */
static bool
is_log(const struct trace_line *line)
{
	return line->text[0] == ' ';
}

static void
trace_print(const struct sim *s, const struct trace_line *line)
{
	int64_t T = line->T;

	if (s->telling == TELL_STORY && is_log(line))
		return;
	printf("  +%02lld:%02lld:%02lld.%06lld  %s\n", (long long)(T / US_PER_HOUR),
		(long long)(T / US_PER_MIN % 60), (long long)(T / US_PER_SEC % 60),
		(long long)(T % US_PER_SEC), line->text);
}

void
sim_trace(struct sim *s, const char *fmt, ...)
{
	struct trace_line *line = &s->trace[s->n_trace++ % TRACE_LINES];
	va_list ap;

	line->T = s->T;
	va_start(ap, fmt);
	vsnprintf(line->text, sizeof(line->text), fmt, ap);
	va_end(ap);
	s->n_told += !is_log(line);
	if (s->telling >= TELL_STORY)
		trace_print(s, line);
}

void
sim_fail(struct sim *s, const char *promise, const char *fmt, ...)
{
	va_list ap;

	if (s->failed)
		return;
	s->failed = true;
	snprintf(s->promise, sizeof(s->promise), "%s", promise);
	va_start(ap, fmt);
	vsnprintf(s->message, sizeof(s->message), fmt, ap);
	va_end(ap);
	TRACE(s, "BROKEN %s: %s", s->promise, s->message);
	if (s->telling == TELL_LAST) {
		size_t n = s->n_trace < TRACE_LINES ? s->n_trace : TRACE_LINES;

		for (size_t i = s->n_trace - n; i < s->n_trace; i++)
			trace_print(s, &s->trace[i % TRACE_LINES]);
	}
}
