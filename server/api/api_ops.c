#include "api/api_ops.h"

#include "http/request.h"
#include "http/server.h"

static int livez(struct qn_request *rq)
{
    qn_answer_borrow(rq, QN_STR("true"));
    return 0;
}

static int readyz(struct qn_request *rq)
{
    const struct qn_api_ops *ops = rq->ctx;
    bool ready = ops->server == NULL || !qn_server_draining(ops->server);
    if (ready && ops->ready != NULL)
        ready = ops->ready(ops->ready_ctx);
    rq->status = ready ? 200 : 503;
    qn_answer_borrow(rq, ready ? QN_STR("true") : QN_STR("false"));
    return 0;
}

static int metrics(struct qn_request *rq)
{
    const struct qn_api_ops *ops = rq->ctx;
    qn_metrics_render(ops->metrics, &rq->out);
    qn_answer_type(rq, "text/plain; version=0.0.4; charset=utf-8");
    return 0;
}

static const struct qn_route routes[] = {
    {QN_GET, "/health/livez", livez, .flags = QN_ROUTE_TRIVIAL | QN_ROUTE_OPEN | QN_ROUTE_ANYTIME,
     .help = "true: the process answers"},
    {QN_GET, "/health/readyz", readyz, .flags = QN_ROUTE_OPEN | QN_ROUTE_ANYTIME,
     .help = "true: requests may be sent here"},
    {QN_GET, "/metrics", metrics, .flags = QN_ROUTE_ANYTIME, .help = "Prometheus text"},
};

const struct qn_route_table qn_api_ops_routes = {
    .name = "ops",
    .dialect = QN_DIALECT_OPS,
    .routes = routes,
    .n_routes = QN_COUNT_OF(routes),
};
