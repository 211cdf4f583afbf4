/* Fernet tokens, https://github.com/fernet/spec: AES-128-CBC, signed by HMAC-SHA256. */
#ifndef FF_HTTP_FERNET_H
#define FF_HTTP_FERNET_H

#include <stddef.h>

#include "base/err.h"

/* What is in the token, NUL-terminated, *len bytes, owned by the caller; NULL with err. However old it is. */
char *fernet_open(const char *key, const char *token, size_t *len, struct err *err);

#endif
