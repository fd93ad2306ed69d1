/* Operations routes: is it alive, is it ready, what are its numbers.
 *
 *   GET /health/livez     "true": the process answers
 *   GET /health/readyz    "true", or 503 "false": asks the callback, and says no while draining
 *   GET /metrics          Prometheus text */
#ifndef QN_API_OPS_H
#define QN_API_OPS_H

#include <stdbool.h>

#include "http/router.h"
#include "obs/metrics.h"

struct qn_server;

struct qn_api_ops {
    const struct qn_server *server; /* may be NULL */
    bool (*ready)(void *ctx);       /* @thread worker; NULL: ready from the start */
    void *ready_ctx;
    struct qn_metrics *metrics;
};

/* Mount at "" with a struct qn_api_ops as its context. */
extern const struct qn_route_table qn_api_ops_routes;

#endif
