/* Fields of a node's settings. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "flow/flow.h"

static const cJSON *
get(const cJSON *object, const char *name)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsNull(value) ? NULL : value;
}

const cJSON *
setting_object(const cJSON *object, const char *name)
{
	const cJSON *value = get(object, name);

	return cJSON_IsObject(value) ? value : NULL;
}

const cJSON *
setting_array(const cJSON *object, const char *name)
{
	const cJSON *value = get(object, name);

	return cJSON_IsArray(value) ? value : NULL;
}

const char *
setting_as_text(const cJSON *value, struct arena *a)
{
	double d;

	if (cJSON_IsString(value))
		return arena_strdup(a, value->valuestring);
	if (cJSON_IsBool(value))
		return cJSON_IsTrue(value) ? "True" : "False";
	if (!cJSON_IsNumber(value))
		return NULL;
	d = value->valuedouble;
	if (d == floor(d) && fabs(d) < 9007199254740992.0)
		return arena_printf(a, "%" PRId64, (int64_t)d);
	return arena_printf(a, "%.17g", d);
}

int
setting_text(const cJSON *object, const char *name, const char *preset, struct arena *a,
	const char **out, struct err *err)
{
	const cJSON *value = get(object, name);

	*out = value != NULL ? setting_as_text(value, a) : preset;
	if (value != NULL && *out == NULL)
		return err_set(err, ERR_USAGE, "%s: no text", name);
	return 0;
}

int
setting_required(
	const cJSON *object, const char *name, struct arena *a, const char **out, struct err *err)
{
	if (setting_text(object, name, NULL, a, out, err) < 0)
		return -1;
	if (*out == NULL || **out == '\0')
		return err_set(err, ERR_USAGE, "%s: it is missing", name);
	return 0;
}

int
setting_double(const cJSON *object, const char *name, double min, double max, double preset,
	double *out, struct err *err)
{
	const cJSON *value = get(object, name);
	char *end = NULL;

	*out = preset;
	if (value == NULL)
		return 0;
	if (cJSON_IsNumber(value)) {
		*out = value->valuedouble;
	} else if (cJSON_IsString(value) && *value->valuestring != '\0') {
		*out = strtod(value->valuestring, &end);
		if (*end != '\0')
			return err_set(
				err, ERR_USAGE, "%s: '%s' is no number", name, value->valuestring);
	} else {
		return err_set(err, ERR_USAGE, "%s: no number", name);
	}
	if (!(*out >= min && *out <= max))
		return err_set(
			err, ERR_USAGE, "%s: %g is not between %g and %g", name, *out, min, max);
	return 0;
}

int
setting_int(const cJSON *object, const char *name, int64_t min, int64_t max, int64_t preset,
	int64_t *out, struct err *err)
{
	const cJSON *value = get(object, name);
	bool good = true;

	*out = preset;
	if (value == NULL)
		return 0;
	if (cJSON_IsString(value)) {
		good = text_to_int(value->valuestring, INT64_MIN, INT64_MAX, out);
	} else if (cJSON_IsNumber(value) && value->valuedouble == floor(value->valuedouble) &&
		fabs(value->valuedouble) < 9007199254740992.0) {
		*out = (int64_t)value->valuedouble;
	} else {
		good = false;
	}
	if (!good)
		return err_set(err, ERR_USAGE, "%s: no whole number", name);
	if (*out < min || *out > max)
		return err_set(err, ERR_USAGE,
			"%s: %" PRId64 " is not between %" PRId64 " and %" PRId64, name, *out, min,
			max);
	return 0;
}

int
setting_bool(const cJSON *object, const char *name, bool preset, bool *out, struct err *err)
{
	const cJSON *value = get(object, name);

	*out = preset;
	if (value == NULL)
		return 0;
	if (cJSON_IsBool(value))
		*out = cJSON_IsTrue(value);
	else if (cJSON_IsNumber(value) && (value->valuedouble == 0 || value->valuedouble == 1))
		*out = value->valuedouble == 1;
	else if (!cJSON_IsString(value) || !text_to_bool(value->valuestring, out))
		return err_set(err, ERR_USAGE, "%s: neither true nor false", name);
	return 0;
}

int
setting_word(const cJSON *object, const char *name, const char *const *words, int preset,
	struct arena *a, int *out, struct err *err)
{
	const char *text, *list = "";

	*out = preset;
	if (setting_text(object, name, NULL, a, &text, err) < 0)
		return -1;
	if (text == NULL || *text == '\0')
		return 0;
	for (int i = 0; words[i] != NULL; i++) {
		if (text_equal_nocase(words[i], text)) {
			*out = i;
			return 0;
		}
		list = arena_printf(a, "%s%s%s", list, i > 0 ? ", " : "", words[i]);
	}
	return err_set(err, ERR_USAGE, "%s: '%s' is none of %s", name, text, list);
}

int
setting_texts(const cJSON *object, const char *name, struct arena *a, const char ***out, size_t *n,
	struct err *err)
{
	const cJSON *value = get(object, name), *item;

	*n = 0;
	*out = arena_array(
		a, cJSON_IsArray(value) ? (size_t)cJSON_GetArraySize(value) + 1 : 2, sizeof(**out));
	if (value == NULL)
		return 0;
	if (!cJSON_IsArray(value)) {
		(*out)[(*n)++] = setting_as_text(value, a);
		return (*out)[0] != NULL ? 0
					 : err_set(err, ERR_USAGE, "%s: no list of texts", name);
	}
	cJSON_ArrayForEach(item, value)
	{
		(*out)[*n] = setting_as_text(item, a);
		if ((*out)[(*n)++] == NULL)
			return err_set(err, ERR_USAGE, "%s: item %zu is no text", name, *n);
	}
	return 0;
}
