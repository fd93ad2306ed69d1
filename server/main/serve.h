/* The server's context: everything that lives as long as the process serves, built in this order
 * and taken down in the opposite one.
 *
 *     budget ─► metrics ─► log ─► thread pool ─► engine ─► HTTP front with its routes
 *
 * Nothing here is global: two contexts in one process work. @thread main */
#ifndef QN_MAIN_SERVE_H
#define QN_MAIN_SERVE_H

#include "api/api_node.h"
#include "api/api_ops.h"
#include "base/budget.h"
#include "config/config.h"
#include "http/server.h"
#include "obs/logger.h"
#include "obs/metrics.h"
#include "os/pool.h"
#include "qn/engine.h"

struct qn_serve {
    const struct qn_config *cfg;
    struct qn_budget budget; /* of the process */
    struct qn_metrics *metrics;
    struct qn_logger *logger;
    const struct qn_log *log;
    struct qn_pool *pool;
    struct qn_engine *engine;
    struct qn_server *http;
    struct qn_api_node node;
    struct qn_api_ops ops;
    struct qn_arena ar; /* strings handed to the parts */
};

/* Opens everything and listens. Half-built on error: close it in any case. `level`: of the log. */
QN_MUST_CHECK int qn_serve_open(struct qn_serve *sv, const struct qn_config *cfg,
                                enum qn_log_level level, struct qn_err *err);
/* Lets running requests finish for at most cfg->shutdown_timeout. QN_E_TIMEOUT: some had to be cut
 * off; a server that cannot be freed is left behind for the end of the process. */
QN_MUST_CHECK int qn_serve_stop(struct qn_serve *sv);
void qn_serve_close(struct qn_serve *sv);

#endif
