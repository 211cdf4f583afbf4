/* Keys of a flow file that are near to one that is read, and settings that were left out. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "flow/node.h"

/*
 * The settings of each type (contract 7.1), as "key", "key{keys of the object}" and "key[keys of each object of the list]", with blanks
 * between them. Flowfile writes more than is here: what is like none of them is nobody's business.
 */
#define FIELDS "name data_type default_value"
#define COMMON                                                                                     \
	"cache_results output_field_config{enabled validation_mode_behavior validate_data_types "  \
	"fields[" FIELDS "]}"
#define CHOICE                                                                                     \
	"old_name new_name keep data_type data_type_change is_available is_altered position "      \
	"original_position join_key"
#define CHOICES "{renames[" CHOICE "] select[" CHOICE "]}"
#define FILE_TABLE                                                                                 \
	"table_settings{file_type delimiter quote_char encoding starting_from_line "               \
	"starting_from_column infer_schema_length has_headers ignore_errors "                      \
	"truncate_ragged_lines row_delimiter parquet_version compression sheet_name}"
#define KEEPING                                                                                    \
	"auto_generate_selection verify_integrity auto_keep_all auto_keep_left auto_keep_right"
#define RAW "raw_data_format{columns[name data_type] data}"

static const struct known {
	const char *type;
	const char *keys;
	const char *
		needed; /* without it the node does nothing; NULL: it does something, or says that it cannot */
} settings[] = {
	{"manual_input", RAW, NULL},
	{"flow_input", RAW " input_name", NULL},
	{"read",
		"received_file{name path abs_file_path file_type scan_mode include_file_paths "
		"fields[" FIELDS "] directory analysis_file_available status id last_modified_date "
		"size " FILE_TABLE "} file_settings",
		NULL},
	{"catalog_reader",
		"catalog_table_id catalog_full_table_name catalog_table_name catalog_namespace_id "
		"delta_version scd2_view scd2_as_of sql_query is_virtual_optimized cdc_mode",
		NULL},
	{"filter",
		"filter_input{mode filter_type basic_filter{field operator value value2 "
		"filter_type "
		"filter_value} advanced_filter} split_mode",
		NULL},
	{"formula", "function{field{name data_type} function}", NULL},
	{"select", "keep_missing select_input[" CHOICE "] sorted_by", "select_input"},
	{"dynamic_rename",
		"dynamic_rename_input{rename_mode selection_mode selected_columns "
		"selected_data_type prefix suffix formula}",
		NULL},
	{"sort", "sort_input[column how]", "sort_input"},
	{"record_id", "record_id_input{output_column_name offset group_by group_by_columns}", NULL},
	{"sample", "sample_method sample_size fraction seed", NULL},
	{"random_split", "splits[name percentage] seed", NULL},
	{"unique", "unique_input{columns strategy}", NULL},
	{"group_by", "groupby_input{agg_cols[old_name agg new_name output_type]}", NULL},
	{"window_functions",
		"window_input{partition_by order_by[column how] window_functions[column function "
		"new_column_name window_size min_periods edge_behavior rank_method "
		"number_of_groups]}",
		"window_input"},
	{"pivot",
		"pivot_input{index_columns pivot_column value_col aggregations} "
		"output_fields[" FIELDS "]",
		NULL},
	{"unpivot",
		"unpivot_input{index_columns value_columns data_type_selector "
		"data_type_selector_mode}",
		NULL},
	{"text_to_rows",
		"text_to_rows_input{column_to_split output_column_name split_by_fixed_value "
		"split_fixed_value split_by_column}",
		NULL},
	{"graph_solver", "graph_solver_input{col_from col_to output_column_name}", NULL},
	{"union", "union_input{mode}", NULL},
	{"sql_query", "sql_query_input{sql_code}", NULL},
	{"join",
		KEEPING " join_input{join_mapping[left_col right_col] left_select" CHOICES
			" right_select" CHOICES " how}",
		NULL},
	{"cross_join", KEEPING " cross_join_input{left_select" CHOICES " right_select" CHOICES "}",
		NULL},
	{"fuzzy_match",
		KEEPING " join_input{join_mapping[left_col right_col fuzzy_type threshold_score "
			"output_column_name perc_unique valid] left_select" CHOICES
			" right_select" CHOICES " how aggregate_output}",
		NULL},
	{"polars_code", "polars_code_input{polars_code}", NULL},
	{"python_script", "python_script_input{code kernel_id cells} output_names", NULL},
	{"command",
		"command argv input_format output_format stdin stdout columns[name data_type] "
		"timeout_seconds memory_limit",
		NULL},
	{"output",
		"output_settings{name directory file_type write_mode abs_file_path "
		"fields " FILE_TABLE "}",
		NULL},
	{"catalog_writer",
		"catalog_write_settings{table_name namespace_id namespace_full_name description "
		"write_mode merge_keys partition_by scd2}",
		NULL},
	{"flow_output", "output_name", NULL},
	{"api_response", "orientation max_rows", NULL},
};

static const char node_keys[] =
	"id type is_start_node description node_reference x_position y_position group_id "
	"left_input_id right_input_id input_ids outputs output_handles input_connections "
	"setting_input";

/* --- a list of keys ------------------------------------------------------------------------------------------- */

/* Behind what is between the brackets that begin here. */
static const char *
skip_inner(const char *at)
{
	int depth = 0;

	do {
		depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
		at++;
	} while (depth > 0);
	return at;
}

/* The next key of a list: *len bytes, and what is in it, at its bracket; NULL at the end. */
static const char *
next_key(const char **at, size_t *len, const char **inner)
{
	const char *begin = *at + strspn(*at, " ");

	*len = strcspn(begin, " {[]}");
	if (*len == 0)
		return NULL;
	*at = begin + *len;
	*inner = NULL;
	if (**at == '{' || **at == '[') {
		*inner = *at;
		*at = skip_inner(*at);
	}
	return begin;
}

/* --- what is wrong with an object --------------------------------------------------------------------------------- */

struct adviser {
	struct arena *a;
	const struct flow_node *node;
	struct flow_warning *warnings; /* grows; on the heap */
	size_t n;
};

static void
warn(struct adviser *v, const char *text)
{
	v->warnings = xrealloc(v->warnings, v->n + 1, sizeof(*v->warnings));
	v->warnings[v->n++] = (struct flow_warning){v->node, text};
}

static bool
has(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key) != NULL;
}

/* A known key that is like this one and is not there itself. */
static const char *
meant(struct adviser *v, const cJSON *object, const char *name, const char *keys)
{
	struct nearest near = {.word = name, .distance = strlen(name) / 4 + 2};
	const char *key, *inner;
	size_t len;

	while ((key = next_key(&keys, &len, &inner)) != NULL) {
		key = arena_printf(v->a, "%.*s", (int)len, key);
		if (!has(object, key))
			nearest_offer(&near, key);
	}
	return near.name;
}

static void look_at(struct adviser *v, const cJSON *object, const char *where, const char *keys);

static void
look_inside(struct adviser *v, const cJSON *value, const char *where, const char *inner)
{
	const cJSON *item;
	int i = 0;

	if (*inner == '{') {
		look_at(v, value, where, inner + 1);
		return;
	}
	cJSON_ArrayForEach(item, value)
		look_at(v, item, arena_printf(v->a, "%s[%d]", where, i++), inner + 1);
}

/* Whether a key is one of them; *inner: what may be in it, NULL: anything. */
static bool
is_known(const char *name, const char *keys, const char **inner)
{
	const char *key;
	size_t len;

	while ((key = next_key(&keys, &len, inner)) != NULL)
		if (strlen(name) == len && strncmp(key, name, len) == 0)
			return true;
	return false;
}

static void
look_at(struct adviser *v, const cJSON *object, const char *where, const char *keys)
{
	const cJSON *item;
	const char *inner, *near;

	if (!cJSON_IsObject(object))
		return;
	cJSON_ArrayForEach(item, object)
	{
		if (!is_known(item->string, keys, &inner)) {
			near = meant(v, object, item->string, keys);
			if (near != NULL)
				warn(v,
					arena_printf(v->a, "%s has no %s; did you mean %s?", where,
						item->string, near));
		} else if (inner != NULL) {
			look_inside(
				v, item, arena_printf(v->a, "%s: %s", where, item->string), inner);
		}
	}
}

/* --- a flow --------------------------------------------------------------------------------------------------------- */

static void
look_at_edges(struct adviser *v)
{
	if (has(v->node->item, "inputs") && !has(v->node->item, "input_ids"))
		warn(v, "a node has no inputs; did you mean input_ids?");
	else
		look_at(v, v->node->item, "a node", node_keys);
}

static void
look_at_settings(struct adviser *v, const struct known *known)
{
	const cJSON *given = v->node->settings;
	size_t before = v->n;

	look_at(v, given, "setting_input", arena_printf(v->a, "%s " COMMON, known->keys));
	if (known->needed != NULL && v->n == before &&
		cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(given, known->needed)) == 0)
		warn(v,
			arena_printf(v->a,
				"setting_input has no %s: the node passes its input on as it is",
				known->needed));
}

size_t
flow_warnings(const struct flow *flow, struct arena *a, struct flow_warning **out)
{
	struct adviser v = {.a = a};

	for (size_t i = 0; i < flow->n_nodes; i++) {
		v.node = &flow->nodes[i];
		look_at_edges(&v);
		for (size_t k = 0; k < ARRAY_LEN(settings); k++)
			if (strcmp(settings[k].type, v.node->type) == 0)
				look_at_settings(&v, &settings[k]);
	}
	*out = arena_array(a, v.n + 1, sizeof(**out));
	if (v.n > 0)
		memcpy(*out, v.warnings, v.n * sizeof(**out));
	free(v.warnings);
	return v.n;
}
