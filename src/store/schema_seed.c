/* What a catalog that we make starts with: the rows that Flowfile's core would put there (contract
 * 1.5). */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/schema_parts.h"

#define FLOWFILE_VERSION "0.16.0"

#define SALT_BYTES 16
#define DIGEST_BYTES 23
#define HASH_SIZE 64

static const struct {
	const char *name;
	bool root;
	const char *description;
} namespaces[] = {
	{"General", true, "Default catalog"},
	{"default", false, "Default schema for user flows"},
	{"Unnamed Flows", false, "Quick-created flows that have not yet been named"},
	{"Local Flows", false, "Flows saved to disk at user-chosen paths"},
};

/* bcrypt's base 64: its own alphabet, no padding. */
static char *
bcrypt_base64(const unsigned char *bytes, size_t n, char *out)
{
	static const char alphabet[] =
		"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	uint32_t bits = 0;
	int n_bits = 0;

	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | bytes[i];
		for (n_bits += 8; n_bits >= 6; n_bits -= 6)
			*out++ = alphabet[bits >> (n_bits - 6) & 63];
	}
	if (n_bits > 0)
		*out++ = alphabet[bits << (6 - n_bits) & 63];
	return out;
}

/*
 * A hash of a password that nobody knows: well-formed, with random salt and digest. The user is the
 * one that Flowfile signs in by itself on a desktop; the password is never asked for.
 */
static int
unknown_password(char out[HASH_SIZE], struct err *err)
{
	unsigned char random[SALT_BYTES + DIGEST_BYTES];
	char *p = out;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_set(err, ERR_FAILED, "no random numbers");
	p += snprintf(p, HASH_SIZE, "$2b$12$");
	p = bcrypt_base64(random, SALT_BYTES, p);
	p = bcrypt_base64(random + SALT_BYTES, DIGEST_BYTES, p);
	*p = '\0';
	return 0;
}

static int
seed_namespaces(struct db *db, int64_t owner_id, struct err *err)
{
	struct stmt *st = db_stmt(db, SQL_SCHEMA_SEED_NAMESPACE);
	int64_t root = 0;
	int64_t id;

	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
		stmt_text(st, 1, namespaces[i].name);
		stmt_int_or_null(st, 2, namespaces[i].root ? 0 : root, 0);
		stmt_int(st, 3, namespaces[i].root ? 0 : 1);
		stmt_text(st, 4, namespaces[i].description);
		stmt_int(st, 5, owner_id);
		if (stmt_get_int(st, &id, err) < 0)
			return -1;
		if (namespaces[i].root)
			root = id;
	}
	return 0;
}

int
schema_seed(struct db *db, struct err *err)
{
	struct stmt *user = db_stmt(db, SQL_SCHEMA_SEED_USER);
	struct stmt *info = db_stmt(db, SQL_SCHEMA_SEED_DB_INFO);
	char hash[HASH_SIZE];
	int64_t user_id;

	if (unknown_password(hash, err) < 0)
		return -1;
	stmt_text(user, 1, hash);
	if (stmt_get_int(user, &user_id, err) < 0 || seed_namespaces(db, user_id, err) < 0)
		return -1;
	stmt_text(info, 1, FLOWFILE_VERSION);
	return stmt_exec(info, NULL, err);
}
