#include <math.h>

#include "base/document.h"
#include "base/json.h"

#define INT_MAX_EXACT 9223372036854775808.0 /* 2^63 */

static void
write_number(struct json *j, double v)
{
	if (v == floor(v) && fabs(v) < INT_MAX_EXACT && !(v == 0 && signbit(v)))
		json_int(j, (int64_t)v);
	else
		json_double(j, v);
}

static void
write_nested(struct json *j, const cJSON *tree)
{
	bool is_object = cJSON_IsObject(tree);
	const cJSON *item;

	if (is_object)
		json_object(j);
	else
		json_array(j);
	cJSON_ArrayForEach(item, tree)
	{
		if (is_object)
			json_key(j, item->string);
		document_write(j, item);
	}
	if (is_object)
		json_object_end(j);
	else
		json_array_end(j);
}

static void
write_raw(struct json *j, const cJSON *tree)
{
	char *text = cJSON_PrintUnformatted(tree);

	if (text != NULL)
		json_raw(j, text);
	else
		json_null(j);
	cJSON_free(text);
}

void
document_write(struct json *j, const cJSON *tree)
{
	if (cJSON_IsNumber(tree))
		write_number(j, tree->valuedouble);
	else if ((cJSON_IsArray(tree) || cJSON_IsObject(tree)) && j->depth < JSON_DEPTH_MAX - 1)
		write_nested(j, tree);
	else
		write_raw(j, tree);
}
