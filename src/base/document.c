#include "base/document.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "base/file.h"
#include "base/text.h"

#define NODES_MAX 500000 /* of a YAML tree, with what its aliases stand for */
#define EXACT_MAX (INT64_C(1) << 53)

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcasecmp(s + n - m, end) == 0;
}

bool
document_is_named(const char *path)
{
	return ends_with(path, ".json") || ends_with(path, ".yaml") || ends_with(path, ".yml");
}

/* --- JSON ----------------------------------------------------------------------------------------------- */

static void
locate(const char *text, const char *at, size_t *line, size_t *column)
{
	*line = *column = 1;
	for (; text < at; text++) {
		(*column)++;
		if (*text == '\n') {
			(*line)++;
			*column = 1;
		}
	}
}

static bool
too_deep(const cJSON *item, int depth)
{
	if (depth > DOCUMENT_DEPTH_MAX)
		return true;
	for (item = item->child; item != NULL; item = item->next)
		if (too_deep(item, depth + 1))
			return true;
	return false;
}

cJSON *
document_parse_json(const char *text, size_t len, const char *name, struct err *err)
{
	const char *end = text;
	size_t line, column;
	cJSON *tree = cJSON_ParseWithLengthOpts(text, len, &end, false);

	if (tree != NULL) {
		end += strspn(end, " \t\r\n");
		if (end == text + len && !too_deep(tree, 0))
			return tree;
		if (end == text + len)
			err_set(err, ERR_USAGE, "%s: nested more than %d deep", name,
				DOCUMENT_DEPTH_MAX);
		cJSON_Delete(tree);
		if (end == text + len)
			return NULL;
	}
	locate(text, end < text + len ? end : text + len, &line, &column);
	err_set(err, ERR_USAGE, "%s: not valid JSON: line %zu, column %zu", name, line, column);
	return NULL;
}

/* --- YAML ------------------------------------------------------------------------------------------------ */

struct converter {
	yaml_document_t document;
	const char *name;
	int left; /* nodes that may still be made */
	struct err *err;
};

static cJSON *
number(const char *s)
{
	char *end;
	double v;
	int64_t n;

	if (text_to_int(s, INT64_MIN, INT64_MAX, &n))
		return n >= -EXACT_MAX && n <= EXACT_MAX ? cJSON_CreateNumber((double)n) : NULL;
	/* YAML 1.1 as Python writes it: a float has a point. ".inf" and ".nan" are no JSON. */
	if (s[strspn(s, "+-0123456789.eE")] != '\0' || strchr(s, '.') == NULL ||
		strpbrk(s, "0123456789") == NULL)
		return NULL;
	v = strtod(s, &end);
	return *end == '\0' && isfinite(v) ? cJSON_CreateNumber(v) : NULL;
}

static cJSON *
convert_scalar(const yaml_node_t *node)
{
	static const char *const trues[] = {"true", "yes", "on"};
	static const char *const falses[] = {"false", "no", "off"};
	const char *s = (const char *)node->data.scalar.value;
	cJSON *item;

	if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return cJSON_CreateString(s);
	if (*s == '\0' || strcmp(s, "~") == 0 || strcasecmp(s, "null") == 0)
		return cJSON_CreateNull();
	for (size_t i = 0; i < 3; i++) {
		if (strcasecmp(s, trues[i]) == 0)
			return cJSON_CreateTrue();
		if (strcasecmp(s, falses[i]) == 0)
			return cJSON_CreateFalse();
	}
	item = number(s);
	return item != NULL ? item : cJSON_CreateString(s);
}

static cJSON *convert(struct converter *c, int index, int depth);

static cJSON *
convert_sequence(struct converter *c, const yaml_node_t *node, int depth)
{
	cJSON *list = cJSON_CreateArray(), *item;

	for (const yaml_node_item_t *i = node->data.sequence.items.start;
		i < node->data.sequence.items.top; i++) {
		item = convert(c, *i, depth + 1);
		if (item == NULL) {
			cJSON_Delete(list);
			return NULL;
		}
		cJSON_AddItemToArray(list, item);
	}
	return list;
}

static void
complain(struct converter *c, const yaml_node_t *node, const char *what)
{
	err_set(c->err, ERR_USAGE, "%s: %s at line %zu, column %zu", c->name, what,
		node->start_mark.line + 1, node->start_mark.column + 1);
}

static void
complain_twice(struct converter *c, const yaml_node_t *key, const char *name)
{
	char what[160];

	snprintf(what, sizeof(what), "the key '%.100s', which is there twice,", name);
	complain(c, key, what);
}

static cJSON *
convert_mapping(struct converter *c, const yaml_node_t *node, int depth)
{
	cJSON *object = cJSON_CreateObject(), *item;
	const yaml_node_t *key;
	const char *name;

	for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
		p < node->data.mapping.pairs.top; p++) {
		key = yaml_document_get_node(&c->document, p->key);
		name = key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : NULL;
		item = NULL;
		if (name == NULL)
			complain(c, key, "a key that is no text");
		else if (cJSON_GetObjectItemCaseSensitive(object, name) != NULL)
			complain_twice(c, key, name);
		else
			item = convert(c, p->value, depth + 1);
		if (item == NULL) {
			cJSON_Delete(object);
			return NULL;
		}
		cJSON_AddItemToObject(object, name, item);
	}
	return object;
}

static cJSON *
convert(struct converter *c, int index, int depth)
{
	const yaml_node_t *node = yaml_document_get_node(&c->document, index);

	if (depth > DOCUMENT_DEPTH_MAX || c->left-- == 0) {
		complain(c, node, depth > DOCUMENT_DEPTH_MAX ? "nested too deep" : "too much");
		return NULL;
	}
	switch (node->type) {
	case YAML_SEQUENCE_NODE:
		return convert_sequence(c, node, depth);
	case YAML_MAPPING_NODE:
		return convert_mapping(c, node, depth);
	default:
		return convert_scalar(node);
	}
}

/* One that is behind the first would be left out without a word. */
static int
check_is_last(yaml_parser_t *parser, const char *name, struct err *err)
{
	yaml_document_t next;
	size_t line;
	bool last;

	if (!yaml_parser_load(parser, &next))
		return err_set(err, ERR_USAGE, "%s: not valid YAML: line %zu, column %zu: %s", name,
			parser->problem_mark.line + 1, parser->problem_mark.column + 1,
			parser->problem != NULL ? parser->problem : "it cannot be read");
	last = yaml_document_get_root_node(&next) == NULL;
	line = next.start_mark.line + 1;
	yaml_document_delete(&next);
	return last ? 0
		    : err_set(err, ERR_USAGE,
			      "%s: a second document begins at line %zu; one file holds one flow",
			      name, line);
}

static cJSON *
parse_yaml(yaml_parser_t *parser, const char *name, struct err *err)
{
	struct converter c = {.name = name, .left = NODES_MAX, .err = err};
	cJSON *out = NULL;

	if (!yaml_parser_load(parser, &c.document)) {
		err_set(err, ERR_USAGE, "%s: not valid YAML: line %zu, column %zu: %s", name,
			parser->problem_mark.line + 1, parser->problem_mark.column + 1,
			parser->problem != NULL ? parser->problem : "it cannot be read");
		return NULL;
	}
	if (yaml_document_get_root_node(&c.document) != NULL)
		out = convert(&c, 1, 0);
	else
		err_set(err, ERR_USAGE, "%s: there is nothing in it", name);
	yaml_document_delete(&c.document);
	if (out != NULL && check_is_last(parser, name, err) < 0) {
		cJSON_Delete(out);
		out = NULL;
	}
	return out;
}

cJSON *
document_parse_yaml(const char *text, size_t len, const char *name, struct err *err)
{
	yaml_parser_t parser;
	cJSON *out;

	if (!yaml_parser_initialize(&parser)) {
		err_set(err, ERR_FAILED, "%s: no memory to read it", name);
		return NULL;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	out = parse_yaml(&parser, name, err);
	yaml_parser_delete(&parser);
	return out;
}

cJSON *
document_read(const char *path, struct err *err)
{
	cJSON *tree;
	size_t len;
	char *text;

	if (!document_is_named(path)) {
		err_set(err, ERR_USAGE, "%s: no .json, .yaml or .yml file", path);
		return NULL;
	}
	text = file_read(path, DOCUMENT_MAX_BYTES, &len, err);
	if (text == NULL)
		return NULL;
	if (memchr(text, '\0', len) != NULL) {
		err_set(err, ERR_USAGE, "%s: it holds a byte 0, which no text does", path);
		tree = NULL;
	} else if (ends_with(path, ".json")) {
		tree = document_parse_json(text, len, path, err);
	} else {
		tree = document_parse_yaml(text, len, path, err);
	}
	free(text);
	return tree;
}
