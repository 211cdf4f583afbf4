/*
 * Errors that are not bugs.
 *
 * A function that can fail takes `struct err *err` last and returns 0 (or a documented count) on
 * success and -1 on failure. On failure, and only then, *err says why; callers add context on the
 * way up with err_prefix() and the one who handles it logs or prints it once. A bug is an assert.
 * A caller whom only the -1 interests passes NULL.
 */
#ifndef FF_BASE_ERR_H
#define FF_BASE_ERR_H

/* What the handler may need to tell apart. The first ones are the exit codes of the programs. */
enum err_code {
	ERR_NONE = 0,
	ERR_FAILED = 1, /* anything without a finer code */
	ERR_USAGE = 2, /* the caller's input is wrong */
	ERR_NOT_FOUND = 3, /* no such flow, schedule, table, run, file */
	ERR_CONFLICT = 4, /* exists already, is busy, is in a state that forbids it */
	ERR_BUSY = 10, /* the database is locked by another; trying again may help */
	ERR_LOST, /* the connection to the database is gone; nothing was committed */
	ERR_UNKNOWN, /* the connection broke during a commit, which may have happened */
	ERR_FENCED, /* the lease is not ours any more; nothing was committed */
};

struct err {
	enum err_code code;
	char text[768];
};

#define ERR_INIT                                                                                   \
	{                                                                                          \
		ERR_NONE, ""                                                                       \
	}

/* Sets the error; returns -1, so that `return err_set(...)` reads well. A longer text is cut. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and the text of the errno value appended. The code is ERR_NOT_FOUND for
 * ENOENT, else ERR_FAILED. */
int
err_errno(struct err *err, int errnum, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the text that is there (there must be an error). Returns -1. */
int err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Back to no error. */
void err_clear(struct err *err);

/* The exit status of a program that ends with this error: 1, 2, 3 or 4. */
int err_exit_status(const struct err *err);

#endif
