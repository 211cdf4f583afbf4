/* Flowfile's bearer tokens: contract 6.1. */
#ifndef FF_HTTP_JWT_H
#define FF_HTTP_JWT_H

#include <stdint.h>

#include "base/arena.h"

/* Who an access token was made for, in the arena; NULL when it is not signed with the secret by HS256, has run out, is
 * there to get another one, or names nobody. now_s: wall clock. */
const char *jwt_subject(const char *token, const char *secret, int64_t now_s, struct arena *a);

#endif
