#include "http/secure_store.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/text.h"
#include "fernet.h"

#define FILE_NAME "flowfile.json.enc"
#define KEY_NAME ".secret_key"
#define FILE_MAX (256 * 1024)

/* By what a change of a file is noticed; all 0: it is not there. */
struct state {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct secure_store {
	char *dir;
	struct state file, key; /* when they were read last */
	bool known;
	struct secure_secrets secrets;
};

char *
secure_store_dir(void)
{
	const char *dir = text_env("FLOWFILE_SECURE_STORAGE_PATH"), *data = text_env("APPDATA");
	const char *home = paths_home();

	if (dir)
		return xstrdup(dir);
	if (data)
		return path_join(data, "flowfile");
	return home ? path_join(home, ".config/flowfile") : NULL;
}

/* --- reading ---------------------------------------------------------------------------------------------- */

/* Owned by the caller. */
static char *
entry(const cJSON *map, const char *name)
{
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(map, name));

	return value && *value ? xstrdup(value) : NULL;
}

static int
read_map(const char *text, size_t len, struct secure_secrets *out, struct err *err)
{
	cJSON *map = cJSON_ParseWithLength(text, len);
	int rc = 0;

	if (cJSON_IsObject(map))
		*out = (struct secure_secrets){
			entry(map, "jwt_secret"), entry(map, "internal_token")};
	else
		rc = err_set(err, ERR_USAGE, "there is no JSON object in it");
	cJSON_Delete(map);
	return rc;
}

/* key and token are the files' texts. */
static int
read_token(char *key, char *token, struct secure_secrets *out, struct err *err)
{
	size_t len = 0;
	char *text = fernet_open(text_trim(key), text_trim(token), &len, err);
	int rc = text ? read_map(text, len, out, err) : -1;

	free(text);
	return rc;
}

int
secure_store_read(const char *dir, struct secure_secrets *out, struct err *err)
{
	char *file = path_join(dir, FILE_NAME), *key_file = path_join(dir, KEY_NAME);
	char *key = NULL, *token = file_read(file, FILE_MAX, NULL, err);
	int rc = -1;

	*out = (struct secure_secrets){NULL, NULL};
	if (token)
		key = file_read(key_file, FILE_MAX, NULL, err);
	if (key) {
		rc = read_token(key, token, out, err);
		if (rc < 0)
			err_prefix(err, "%s", file);
	}
	free(token);
	free(key);
	free(file);
	free(key_file);
	return rc;
}

void
secure_secrets_free(struct secure_secrets *s)
{
	free(s->jwt_secret);
	free(s->internal_token);
	*s = (struct secure_secrets){NULL, NULL};
}

/* --- noticing changes --------------------------------------------------------------------------------------- */

struct secure_store *
secure_store_new(const char *dir)
{
	struct secure_store *s = xcalloc(1, sizeof(*s));

	s->dir = xstrdup(dir);
	return s;
}

void
secure_store_free(struct secure_store *s)
{
	if (!s)
		return;
	secure_secrets_free(&s->secrets);
	free(s->dir);
	free(s);
}

static struct state
look_at(const char *dir, const char *name)
{
	struct state now = {0};
	struct stat st;
	char *path = path_join(dir, name);

	if (stat(path, &st) == 0)
		now = (struct state){st.st_dev, st.st_ino, st.st_size, st.st_mtim};
	free(path);
	return now;
}

static bool
is_same(const struct state *a, const struct state *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
		a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static const char *
yes_or_no(const char *secret)
{
	return secret ? "yes" : "no";
}

static void
read_again(struct secure_store *s)
{
	struct err err = ERR_INIT;

	/* Rather nobody than who was let in by secrets that are gone. */
	secure_secrets_free(&s->secrets);
	if (secure_store_read(s->dir, &s->secrets, &err) < 0)
		log_warning("Flowfile's secrets cannot be read, so its tokens are refused: %s",
			err.text);
	else
		log_info("Flowfile's secrets are read folder=%s jwt_secret=%s internal_token=%s",
			s->dir, yes_or_no(s->secrets.jwt_secret),
			yes_or_no(s->secrets.internal_token));
}

const struct secure_secrets *
secure_store_get(struct secure_store *s)
{
	/* Before they are read: what changes meanwhile is found the next time. */
	const struct state file = look_at(s->dir, FILE_NAME), key = look_at(s->dir, KEY_NAME);

	if (!s->known || !is_same(&file, &s->file) || !is_same(&key, &s->key)) {
		s->known = true;
		s->file = file;
		s->key = key;
		read_again(s);
	}
	return &s->secrets;
}
