/* Parameters of a flow: "${name}" in the texts of its settings. */
#ifndef FF_FLOW_PARAM_H
#define FF_FLOW_PARAM_H

#include "flow/flow.h"

/*
 * Fills in flow->params, the file's with the given ones over them, and replaces them in all settings of the document. What is no
 * parameter's name stays as it is. A value is not looked at for parameters again. As in Flowfile a given one may be new, if the
 * settings use it. ERR_USAGE: a value that is none of its type (integer, float, boolean, enum), or a given one that nothing uses.
 */
int params_apply(struct flow *flow, const struct flow_param *given, size_t n, struct err *err);

#endif
