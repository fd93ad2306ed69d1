/* Private to http/: a mounted row with what is computed once per row. */
#ifndef QN_HTTP_ROUTER_INT_H
#define QN_HTTP_ROUTER_INT_H

#include "http/router.h"

struct qn__row {
    struct qn_mounted pub; /* first member */
    char *pattern_z;
    size_t n_params;
    bool has_required;
    struct qn_param_value *defaults; /* one for each of route->params; NULL: none */
};

/* Types the defaults of a row; QN_E_INVALID for a bad one. */
QN_MUST_CHECK int qn__params_defaults(struct qn__row *row, struct qn_err *err);

#endif
