#include "cli/progress.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/timefmt.h"

#define FIRST_US (400 * US_PER_MS) /* what is done before gets no line */
#define STEP_MS 100
#define BAR 20

struct progress {
	struct duck *duck;
	struct boottime began;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows, and of the terminal */
	pthread_cond_t wake;
	char what[64];
	size_t done, step, total;
	bool ends, paused, drawn;
};

static void
clear(struct progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", stderr);
	p->drawn = false;
}

/* The engine says how far its statement is, or less than nothing. */
static double
part_of_all(const struct progress *p, double percent)
{
	double part = percent > 0 && percent <= 100 ? percent / 100 : 0;

	return p->total > 0 ? ((double)p->done + part * (double)p->step) / (double)p->total : part;
}

static size_t
terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

static void
draw(struct progress *p)
{
	double part = part_of_all(p, duck_progress(p->duck));
	int filled = (int)(part * BAR);
	char took[TIMEFMT_SIZE], bar[BAR + 1], line[256];
	size_t width = terminal_width();

	time_format_duration(boottime_diff(clock_boot(&clock_real), p->began), took);
	for (int i = 0; i < BAR; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[BAR] = '\0';
	if (p->total > 0)
		snprintf(line, sizeof(line), "[%s] %3.0f%%  %zu of %zu nodes  %s  %s", bar,
			part * 100, p->done, p->total, took, p->what);
	else
		snprintf(
			line, sizeof(line), "[%s] %3.0f%%  %s  %s", bar, part * 100, took, p->what);
	/* A line that wraps could not be taken back. */
	if (width <= sizeof(line) && strlen(line) >= width)
		line[text_utf8_floor(line, width - 1)] = '\0';
	fprintf(stderr, "\r\033[K%s", line);
	fflush(stderr);
	p->drawn = true;
}

static void *
work(void *arg)
{
	struct progress *p = arg;
	struct timespec until;

	pthread_mutex_lock(&p->lock);
	while (!p->ends) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += STEP_MS * 1000 * 1000;
		until.tv_sec += until.tv_nsec / (1000 * 1000 * 1000);
		until.tv_nsec %= 1000 * 1000 * 1000;
		if (pthread_cond_timedwait(&p->wake, &p->lock, &until) == ETIMEDOUT && !p->ends &&
			!p->paused && boottime_diff(clock_boot(&clock_real), p->began) >= FIRST_US)
			draw(p);
	}
	clear(p);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct progress *
progress_start(struct duck *duck)
{
	const char *terminal = text_env("TERM");
	pthread_condattr_t attr;
	struct progress *p;

	if (!isatty(STDERR_FILENO) || (terminal != NULL && strcmp(terminal, "dumb") == 0))
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->duck = duck;
	p->began = clock_boot(&clock_real);
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&p->thread, NULL, work, p) == 0)
		return p;
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return NULL; /* without a bar, then */
}

void
progress_set(struct progress *p, const char *what, size_t done, size_t step, size_t total)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	text_copy(p->what, sizeof(p->what), what);
	p->done = done;
	p->step = step;
	p->total = total;
	pthread_mutex_unlock(&p->lock);
}

static void
set_paused(struct progress *p, bool paused)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->paused = paused;
	if (paused)
		clear(p);
	pthread_mutex_unlock(&p->lock);
}

void
progress_pause(struct progress *p)
{
	set_paused(p, true);
}

void
progress_go_on(struct progress *p)
{
	set_paused(p, false);
}

void
progress_stop(struct progress *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->ends = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
