/*
 * Flowfile's secrets on a desktop (contract 6.1): flowfile.json.enc, a Fernet token of a JSON object, and its key
 * .secret_key beside it. Flowfile makes both, perhaps long after this daemon has started; here they are only read, and
 * read anew when one of them has changed.
 *
 * Owner: whoever made it; one thread at a time.
 */
#ifndef FF_HTTP_SECURE_STORE_H
#define FF_HTTP_SECURE_STORE_H

#include "base/err.h"

struct secure_secrets {
	char *jwt_secret, *internal_token; /* NULL: not there, or empty */
};

/* The folder of the store, from the environment as Flowfile finds it; owned by the caller. NULL: nobody says where. */
char *secure_store_dir(void);

/* Both entries, owned by the caller, for secure_secrets_free(). -1: a file is missing, is too short, is not signed by the
 * key, or holds something else; nothing is to be freed then. */
int secure_store_read(const char *dir, struct secure_secrets *out, struct err *err);
void secure_secrets_free(struct secure_secrets *s);

struct secure_store *secure_store_new(const char *dir);
void secure_store_free(struct secure_store *s);

/* What the files say now; nothing when they cannot be read, which is logged once for each state of them. Borrowed until the
 * next call. */
const struct secure_secrets *secure_store_get(struct secure_store *s);

#endif
