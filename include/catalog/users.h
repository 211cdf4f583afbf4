/* Users, as far as the catalog needs them. */
#ifndef FF_CATALOG_USERS_H
#define FF_CATALOG_USERS_H

#include <stdbool.h>

#include "catalog/catalog.h"

/* The id of local_user; 1 when there is none (contract 3.3). */
int users_local(struct db *db, int64_t *id, struct err *err);

struct user_info {
	int64_t id;
	const char *username; /* may be NULL */
	bool disabled, admin;
};
/* ERR_NOT_FOUND "User not found". */
int
users_get(struct catalog *cat, int64_t id, struct arena *a, struct user_info *out, struct err *err);

/* 1: found; 0: there is none; -1. */
int users_by_name(struct catalog *cat, const char *name, struct arena *a, struct user_info *out,
	struct err *err);
/* Whose kernel that is. As users_by_name(). */
int users_of_kernel(struct catalog *cat, const char *kernel_id, struct arena *a,
	struct user_info *out, struct err *err);

#endif
