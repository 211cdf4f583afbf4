#include "flow/param.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/document.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/text.h"

static struct flow_param *
find(const struct flow *flow, const char *name, size_t len)
{
	for (size_t i = 0; i < flow->n_params; i++)
		if (strlen(flow->params[i].name) == len &&
			strncmp(flow->params[i].name, name, len) == 0)
			return &flow->params[i];
	return NULL;
}

/* --- what they are ------------------------------------------------------------------------------------- */

static bool
is_float(const char *value)
{
	char *end;

	strtod(value, &end);
	return end != value && *end == '\0';
}

static bool
is_among(const char *value, const cJSON *values)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, values) if (cJSON_IsString(item) &&
		strcmp(item->valuestring, value) == 0) return true;
	return false;
}

/* The type is only a promise of the file for those who give values: an empty one is none yet. */
static int
check(const cJSON *declared, const char *name, const char *value, struct arena *a, struct err *err)
{
	const char *type;
	int64_t n;
	bool b, good = true;

	if (setting_text(declared, "type", "string", a, &type, err) < 0)
		return -1;
	if (*value == '\0')
		return 0;
	if (strcmp(type, "integer") == 0)
		good = text_to_int(value, INT64_MIN, INT64_MAX, &n);
	else if (strcmp(type, "float") == 0)
		good = is_float(value);
	else if (strcmp(type, "boolean") == 0)
		good = text_to_bool(value, &b);
	else if (strcmp(type, "enum") == 0)
		good = is_among(value, setting_array(declared, "enum_values"));
	return good ? 0
		    : err_set(err, ERR_USAGE, "parameter %s: '%s' is no %s", name, value,
			      strcmp(type, "enum") == 0 ? "value of its list" : type);
}

static int
declare(struct flow *flow, const cJSON *list, const struct flow_param *given, size_t n_given,
	struct err *err)
{
	struct arena *a = &flow->arena;
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	{
		struct flow_param *p = &flow->params[flow->n_params];

		if (!cJSON_IsObject(item))
			return err_set(err, ERR_USAGE, "flowfile_settings: parameters: no object");
		if (setting_required(item, "name", a, &p->name, err) < 0 ||
			setting_text(item, "default_value", "", a, &p->value, err) < 0)
			return err_prefix(err, "flowfile_settings: parameters");
		for (size_t i = 0; i < n_given; i++)
			if (strcmp(given[i].name, p->name) == 0)
				p->value = arena_strdup(a, given[i].value);
		if (check(item, p->name, p->value, a, err) < 0)
			return -1;
		flow->n_params++;
	}
	return 0;
}

/* --- where they are used ----------------------------------------------------------------------------------- */

/* The flow's parameters, and which of them its settings use. */
struct filler {
	const struct flow *flow;
	bool *used;
};

/* NULL: it has none. Owned by the caller. */
static char *
replaced(const struct filler *f, const char *text)
{
	struct buf b;
	bool some = false;

	buf_init(&b, DOCUMENT_MAX_BYTES);
	while (*text != '\0') {
		const char *end = strncmp(text, "${", 2) == 0 ? strchr(text, '}') : NULL;
		const struct flow_param *p =
			end != NULL ? find(f->flow, text + 2, (size_t)(end - text - 2)) : NULL;

		if (p != NULL) {
			f->used[p - f->flow->params] = true;
			buf_puts(&b, p->value);
			text = end + 1;
			some = true;
		} else {
			buf_putc(&b, *text++);
		}
	}
	if (some && !buf_failed(&b))
		return buf_take(&b);
	buf_free(&b);
	return NULL;
}

/* A program finds a parameter in its environment, too. */
static void
find_variables(const struct filler *f, const char *text)
{
	static const char prefix[] = "FLOWFILE_PARAM_";

	for (const char *at = text; (at = strstr(at, prefix)) != NULL;) {
		at += strlen(prefix);
		for (size_t i = 0; i < f->flow->n_params; i++)
			if (text_starts(at, f->flow->params[i].name))
				f->used[i] = true;
	}
}

static void
replace_below(const struct filler *f, cJSON *item)
{
	char *text;

	for (; item != NULL; item = item->next) {
		if (cJSON_IsString(item))
			find_variables(f, item->valuestring);
		text = cJSON_IsString(item) ? replaced(f, item->valuestring) : NULL;
		if (text != NULL) {
			cJSON_SetValuestring(item, text);
			free(text);
		}
		replace_below(f, item->child);
	}
}

/* "there are a, b"; it ends with the name that was meant, if one is near. */
static int
unknown(const struct flow *flow, size_t n_declared, const char *name, struct err *err)
{
	struct nearest near = nearest_to(name);
	struct arena a = ARENA_INIT;
	const char *list = "";

	for (size_t i = 0; i < n_declared; i++) {
		nearest_offer(&near, flow->params[i].name);
		list = arena_printf(&a, "%s%s%s", list, i > 0 ? ", " : "", flow->params[i].name);
	}
	if (near.name != NULL)
		err_set(err, ERR_USAGE, "the flow has no parameter %s; did you mean %s?", name,
			near.name);
	else if (n_declared > 0)
		err_set(err, ERR_USAGE, "the flow has no parameter %s; it has %s", name, list);
	else
		err_set(err, ERR_USAGE, "the flow has no parameter %s, and no other", name);
	arena_free(&a);
	return -1;
}

int
params_apply(struct flow *flow, const struct flow_param *given, size_t n, struct err *err)
{
	struct filler f = {.flow = flow};
	size_t n_declared;
	const cJSON *settings = setting_object(flow->document, "flowfile_settings");
	const cJSON *list = setting_array(settings, "parameters");
	cJSON *node;

	flow->params = arena_array(
		&flow->arena, (size_t)cJSON_GetArraySize(list) + n + 1, sizeof(*flow->params));
	if (declare(flow, list, given, n, err) < 0)
		return -1;
	n_declared = flow->n_params;
	for (size_t i = 0; i < n; i++)
		if (find(flow, given[i].name, strlen(given[i].name)) == NULL)
			flow->params[flow->n_params++] =
				(struct flow_param){arena_strdup(&flow->arena, given[i].name),
					arena_strdup(&flow->arena, given[i].value)};
	if (flow->n_params == 0)
		return 0;
	f.used = arena_array(&flow->arena, flow->n_params, sizeof(*f.used));
	cJSON_ArrayForEach(node, cJSON_GetObjectItemCaseSensitive(flow->document, "nodes"))
	{
		cJSON *of = cJSON_GetObjectItemCaseSensitive(node, "setting_input");

		replace_below(&f, of != NULL ? of->child : NULL);
	}
	for (size_t i = n_declared; i < flow->n_params; i++)
		if (!f.used[i])
			return unknown(flow, n_declared, flow->params[i].name, err);
	return 0;
}
