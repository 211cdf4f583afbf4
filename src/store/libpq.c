#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "store/libpq.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "base/mem.h"

/* The same since PostgreSQL 8.0. */
#define LIBPQ_SONAME "libpq.so.5"

static const char *const names[] = {
#define X(name) #name,
	LIBPQ_FUNCTIONS(X)
#undef X
};

static struct libpq functions;
static struct err failure = ERR_INIT;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The struct is nothing but pointers in the order of names. POSIX promises that a function's
 * address fits into a void *. It stays loaded: libssl does not like to be unloaded. */
static void
load(void)
{
	void *library = dlopen(LIBPQ_SONAME, RTLD_NOW | RTLD_LOCAL);

	_Static_assert(sizeof(functions) == ARRAY_LEN(names) * sizeof(void *), "only pointers");
	if (library == NULL) {
		err_set(&failure, ERR_FAILED,
			"PostgreSQL's client library cannot be loaded; install libpq (%s)",
			dlerror());
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		void *symbol = dlsym(library, names[i]);

		if (symbol == NULL) {
			err_set(&failure, ERR_FAILED,
				"PostgreSQL's client library is too old: %s is missing", names[i]);
			return;
		}
		memcpy((char *)&functions + i * sizeof(void *), &symbol, sizeof(symbol));
	}
}

const struct libpq *
libpq_load(struct err *err)
{
	pthread_once(&once, load);
	if (failure.code != ERR_NONE) {
		*err = failure;
		return NULL;
	}
	return &functions;
}
