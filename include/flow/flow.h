/*
 * A flow file as it is written (contract 7): nodes, how they are connected, parameters. Nothing is known here of what the nodes do
 * beyond the table of their kinds.
 */
#ifndef FF_FLOW_FLOW_H
#define FF_FLOW_FLOW_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

#define FLOW_NODES_MAX 10000
#define FLOW_HANDLES_MAX 10 /* "output-0" to "output-9" */

struct node_kind;

/* Where an input comes from. */
struct flow_edge {
	size_t from; /* in flow->nodes */
	int handle; /* which of its outputs */
	const char *slot; /* of a run_flow node: the input's name there; else NULL */
};

struct flow_node {
	int64_t id;
	const struct node_kind *kind;
	const char *type; /* as it is written, which is the kind's unless that is the user's own */
	const char *unknown; /* what is said of a type that is like one we know; NULL: nothing */
	const cJSON *item; /* all of it in the document */
	const char *reference; /* what people called it; may be NULL */
	const char *description; /* may be "" */
	cJSON *settings; /* setting_input: an object, perhaps an empty one */
	struct flow_edge
		*inputs; /* those of input_ids in their order, then the right one if there is one */
	size_t n_inputs;
	bool has_right; /* whether the last input is the right one */
	size_t n_readers; /* how many edges begin here */
};

struct flow_param {
	const char *name, *value;
};

struct flow {
	struct arena arena; /* everything below */
	const char *path; /* as given */
	const char *name; /* the file's, without its end */
	struct flow_node *nodes; /* each behind all it reads */
	size_t n_nodes;
	struct flow_param *params;
	size_t n_params;
	cJSON *document;
	const struct flow *outer; /* whose node runs or reads it; NULL: nobody's. Outlives it */
};

/*
 * Reads and checks a flow file: the shape of each field, known types, ids that are there once, edges, numbers of inputs, no cycle. An
 * edge is there when its reader names its source; the source's outputs say by which handle it leaves, the first if they do not name the reader. "${name}" in settings becomes the parameter's value; given ones replace the
 * file's. Errors name file, node and field. Owned by the caller.
 */
int flow_read(const char *path, const struct flow_param *given, size_t n_given, struct flow **out,
	struct err *err);
/* The same of a document that is no file, which it takes, also when it fails; name is for errors. */
int flow_of_document(cJSON *document, const char *name, struct flow **out, struct err *err);
/* ERR_USAGE when a given parameter is none of the flow's, or its value none of its type. A file that cannot be read has none to check. */
int flow_check_params(
	const char *path, const struct flow_param *given, size_t n_given, struct err *err);
void flow_free(struct flow *flow); /* NULL does nothing */

/* NULL: none. */
const struct flow_node *flow_node(const struct flow *flow, int64_t id);
/* Puts "node 3 (filter): " before an error's text. Returns -1. */
int flow_node_failed(const struct flow_node *node, struct err *err);

/* Something that a flow file says and that is not read, or that it does not say and that was probably meant to be there. */
struct flow_warning {
	const struct flow_node *node;
	const char *text; /* "setting_input has no sort_inputs; did you mean sort_input?" */
};

/* What looks like a mistake and need not be one: Flowfile has settings that are not read here. All of it in the arena; returns how many. */
size_t flow_warnings(const struct flow *flow, struct arena *a, struct flow_warning **out);

/* --- settings ---------------------------------------------------------------------------------------- */

/*
 * Fields of an object of settings. What is absent or null is the preset; what is there in another form is an error that names the
 * field, or is taken for what it says: "5" for a number, 5 for a text, as Flowfile's own reader does.
 */
const cJSON *
setting_object(const cJSON *object, const char *name); /* NULL: not there or no object */
const cJSON *setting_array(const cJSON *object, const char *name); /* the same of a list */
int setting_text(const cJSON *object, const char *name, const char *preset, struct arena *a,
	const char **out, struct err *err);
int setting_int(const cJSON *object, const char *name, int64_t min, int64_t max, int64_t preset,
	int64_t *out, struct err *err);
int setting_double(const cJSON *object, const char *name, double min, double max, double preset,
	double *out, struct err *err);
int setting_bool(const cJSON *object, const char *name, bool preset, bool *out, struct err *err);
/* As setting_text() of a field that must be there and say something. */
int setting_required(
	const cJSON *object, const char *name, struct arena *a, const char **out, struct err *err);
/* The place of a text among words (ends with NULL), in any case; the error lists them. */
int setting_word(const cJSON *object, const char *name, const char *const *words, int preset,
	struct arena *a, int *out, struct err *err);
/* A list of texts; *n 0 when it is absent. A single text is a list of one. */
int setting_texts(const cJSON *object, const char *name, struct arena *a, const char ***out,
	size_t *n, struct err *err);
/* A value as text, as Python's str() has it; NULL of null. */
const char *setting_as_text(const cJSON *value, struct arena *a);

#endif
