#include <stdarg.h>
#include <stdio.h>

#include "exchange_int.h"
#include "obs/logger.h"
#include "json/filter.h"

/* Everything that is decided from the head of a request: who it is for, whether it may pass. */

void qn__refuse(struct qn_exchange *ex, enum qn__refusal why, int status, const char *elastic_type,
                const char *fmt, ...)
{
    char text[320];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    struct qn_str reason = qn_arena_str(&ex->rq.arena, qn_str_make(text, len));
    ex->refused = true;
    ex->refusal = (struct qn_problem){
        .status = status,
        .type = elastic_type,
        .reason = reason.p != NULL ? reason : QN_STR("refused"),
    };
    qn_metrics_inc(ex->sv->opt.metrics, QN_METRIC_HTTP_REFUSED, (unsigned)why);
}

/* A refusal of the routing layer: `error` is a string in the elastic dialect. */
static void refuse_plain(struct qn_exchange *ex, enum qn__refusal why, int status, const char *text)
{
    qn__refuse(ex, why, status, NULL, "%s", text);
    ex->refusal.plain = true;
}

static void refuse_err(struct qn_exchange *ex, enum qn__refusal why, const struct qn_err *err)
{
    struct qn_problem pb;
    qn_problem_of(&pb, err, QN_E_INVALID);
    qn__refuse(ex, why, pb.status, pb.type, "%.*s", QN_STR_ARG(pb.reason));
}

static void make_id(struct qn_exchange *ex)
{
    struct qn_str given = ex->head.opaque_id.n > 0 ? ex->head.opaque_id : ex->head.request_id;
    if (given.n > 0) {
        ex->rq.id = qn_str_first(given, 128);
        return;
    }
    uint64_t k = atomic_fetch_add_explicit(&ex->sv->next_id, 1, memory_order_relaxed);
    memcpy(ex->id, ex->sv->id_base, 8);
    for (int i = 15; i >= 8; i--, k >>= 4)
        ex->id[i] = "0123456789abcdef"[k & 15];
    ex->rq.id = qn_str_make(ex->id, 16);
}

static bool is_yes(const struct qn_query_arg *arg)
{
    return arg->value.n == 0 || qn_str_is(arg->value, "true");
}

/* Read before anything can be refused, so that refusals are laid out as asked, too. */
static void read_common(struct qn_exchange *ex)
{
    struct qn_request *rq = &ex->rq;
    rq->common.pretty = rq->dialect == QN_DIALECT_NATIVE;
    for (size_t i = 0; i < rq->target.n_args; i++) {
        const struct qn_query_arg *arg = &rq->target.args[i];
        if (qn_str_is(arg->name, "pretty")) {
            rq->common.pretty = is_yes(arg);
        } else if (qn_str_is(arg->name, "format")) {
            rq->common.format = arg->value;
            if (rq->dialect == QN_DIALECT_NATIVE)
                rq->common.pretty = !qn_str_is(arg->value, "json");
        } else if (rq->dialect != QN_DIALECT_ELASTIC) {
            continue;
        } else if (qn_str_is(arg->name, "human")) {
            rq->common.human = is_yes(arg);
        } else if (qn_str_is(arg->name, "error_trace")) {
            rq->common.error_trace = is_yes(arg);
        } else if (qn_str_is(arg->name, "filter_path")) {
            rq->common.filter_path = arg->value;
        }
    }
}

static void list_methods(unsigned methods, const char *separator, char *out, size_t max)
{
    static const enum qn_method order[] = {QN_GET, QN_HEAD, QN_POST, QN_PUT, QN_DELETE, QN_PATCH};
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < QN_COUNT_OF(order); i++)
        if ((methods & order[i]) && n < max)
            n += (size_t)snprintf(out + n, max - n, "%s%s", n > 0 ? separator : "",
                                  qn_method_name(order[i]));
}

static void refuse_unknown_path(struct qn_exchange *ex, const char *method)
{
    struct qn_request *rq = &ex->rq;
    if (rq->dialect != QN_DIALECT_ELASTIC) {
        refuse_plain(ex, REFUSED_ROUTE, 404, "Route not found");
        return;
    }
    struct qn_str shown = qn_str_first(rq->target.raw, 200);
    qn__refuse(ex, REFUSED_ROUTE, 400, NULL, "no handler found for uri [%.*s] and method [%s]",
               QN_STR_ARG(shown), method);
    ex->refusal.plain = ex->refusal.no_status = true;
}

static void refuse_method(struct qn_exchange *ex, const char *method)
{
    struct qn_request *rq = &ex->rq;
    char allow[64], listed[64];
    list_methods(rq->match.allowed, ",", allow, sizeof allow);
    list_methods(rq->match.allowed, ", ", listed, sizeof listed);
    struct qn_str shown = qn_str_first(rq->target.raw, 120);
    if (rq->dialect == QN_DIALECT_ELASTIC)
        qn__refuse(ex, REFUSED_ROUTE, 405, NULL,
                   "Incorrect HTTP method for uri [%.*s] and method [%s], allowed: [%s]",
                   QN_STR_ARG(shown), method, listed);
    else
        qn__refuse(ex, REFUSED_ROUTE, 405, NULL, "Method %s not allowed here, allowed: %s", method,
                   listed);
    ex->refusal.plain = true;
    qn_answer_header(rq, "Allow", qn_str_of(allow));
}

/* OPTIONS on a known path: what may be done here, to whom CORS is granted. */
static void answer_options(struct qn_exchange *ex)
{
    struct qn_request *rq = &ex->rq;
    char allow[64];
    list_methods(rq->match.allowed, ",", allow, sizeof allow);
    qn_answer_header(rq, "Allow", qn_str_of(allow));
    if (ex->sv->opt.cors_origins.n > 0 && ex->head.origin.n > 0) {
        qn_answer_header(rq, "Access-Control-Allow-Methods", qn_str_of(allow));
        qn_answer_header(rq, "Access-Control-Allow-Headers",
                         QN_STR("Content-Type, Authorization, X-Opaque-Id, X-Request-Id, "
                                "X-Elastic-Client-Meta"));
        qn_answer_header(rq, "Access-Control-Max-Age", QN_STR("86400"));
    }
    ex->type = "";
    ex->ready = true;
}

/* True when a route was found; otherwise the request is refused or answered. */
static bool find_route(struct qn_exchange *ex, const char *method)
{
    struct qn_request *rq = &ex->rq;
    rq->method = qn_method_parse(qn_str_of(method));
    struct qn_err err = {0};
    int rc = rq->target.raw.p == NULL
                 ? qn_fail(&err, QN_E_BUDGET, "no memory left for another request")
                 : qn_target_parse(&rq->target, rq->target.raw, &rq->arena, &err);
    qn_router_match(ex->sv->router, rq->method, &rq->target, &rq->match);
    rq->dialect = rq->match.dialect;
    if (rc < 0) {
        refuse_err(ex, REFUSED_TARGET, &err);
        if (rc == QN_E_TOO_LARGE)
            ex->refusal.status = 414;
        return false;
    }
    read_common(ex);
    if (rq->match.mounted != NULL) {
        rq->route = rq->match.mounted->route;
        rq->ctx = rq->match.mounted->ctx;
        return true;
    }
    if (rq->match.allowed == 0 && !qn_str_is(rq->target.path, "*"))
        refuse_unknown_path(ex, method);
    else if (rq->method == QN_OPTIONS)
        answer_options(ex);
    else
        refuse_method(ex, method);
    return false;
}

static bool check_params(struct qn_exchange *ex)
{
    struct qn_request *rq = &ex->rq;
    struct qn_err err = {0};
    int rc = 0;
    if (rq->common.filter_path.n > 0)
        rc = qn_json_filter_paths(&ex->filter, rq->common.filter_path, &err);
    if (rc == 0)
        rc = qn_params_read(&rq->params, rq->match.mounted, &rq->target, ex->sv->opt.strict_params,
                            &rq->arena, &err);
    if (rc < 0)
        refuse_err(ex, REFUSED_PARAMS, &err);
    return rc >= 0;
}

static bool check_auth(struct qn_exchange *ex)
{
    const struct qn_server_options *opt = &ex->sv->opt;
    if (opt->auth == NULL || (ex->rq.route->flags & QN_ROUTE_OPEN))
        return true;
    int rc = opt->auth(opt->auth_ctx, &ex->rq);
    if (rc >= 0)
        return true;
    if (rc == QN_E_ACCESS) {
        qn__refuse(ex, REFUSED_AUTH, 401, "security_exception",
                   "missing or wrong authentication credentials for this request");
        qn_answer_header(&ex->rq, "WWW-Authenticate",
                         QN_STR("Basic realm=\"security\", charset=\"UTF-8\", ApiKey"));
        return false;
    }
    struct qn_err err = {0};
    qn_fail(&err, rc, "credentials cannot be checked now: %s", qn_err_text(rc));
    refuse_err(ex, REFUSED_AUTH, &err);
    return false;
}

/* Forms and plain text are what a page on another site can make a browser send without asking. */
static bool check_media(struct qn_exchange *ex)
{
    struct qn_request *rq = &ex->rq;
    if (rq->dialect != QN_DIALECT_ELASTIC)
        return true;
    struct qn_str format = rq->common.format;
    if (qn_str_is(format, "yaml") || qn_str_is(format, "cbor") || qn_str_is(format, "smile")) {
        qn__refuse(ex, REFUSED_MEDIA, 406, NULL, "the response format [%.*s] is not supported",
                   QN_STR_ARG(format));
        ex->refusal.plain = true;
        return false;
    }
    if (!(rq->route->flags & (QN_ROUTE_JSON | QN_ROUTE_NDJSON)) || !ex->head.has_body)
        return true;
    enum qn_media_kind kind = qn_media_parse(ex->head.content_type).kind;
    if (kind == QN_MEDIA_NONE || kind == QN_MEDIA_JSON ||
        (kind == QN_MEDIA_NDJSON && (rq->route->flags & QN_ROUTE_NDJSON)))
        return true;
    struct qn_str shown = qn_str_first(ex->head.content_type, 120);
    qn__refuse(ex, REFUSED_MEDIA, 406, NULL, "Content-Type header [%.*s] is not supported",
               QN_STR_ARG(shown));
    ex->refusal.plain = true;
    return false;
}

static bool check_body(struct qn_exchange *ex)
{
    const struct qn_route *route = ex->rq.route;
    if (!ex->head.has_body || route->body == QN_BODY_NONE)
        return true;
    if (ex->head.coding == CODING_UNKNOWN) {
        struct qn_str coding = qn_str_first(qn_request_header(&ex->rq, "Content-Encoding"), 60);
        qn__refuse(ex, REFUSED_ENCODING, 415, "illegal_argument_exception",
                   "Unsupported Content-Encoding %.*s. Supported encodings are 'gzip', 'deflate' "
                   "and 'zstd'",
                   QN_STR_ARG(coding));
        return false;
    }
    uint64_t limit =
        route->body_limit_bytes ? route->body_limit_bytes : ex->sv->opt.body_limit_bytes;
    if (ex->head.content_length <= limit)
        return true;
    qn__refuse(ex, REFUSED_BODY, 413, "content_too_long_exception",
               "the request body of %llu bytes is over the limit of %llu bytes",
               (unsigned long long)ex->head.content_length, (unsigned long long)limit);
    return false;
}

static bool check_open(struct qn_exchange *ex)
{
    struct qn_server *sv = ex->sv;
    bool anytime = ex->rq.route->flags & QN_ROUTE_ANYTIME;
    /* seq_cst: n_active was counted up before; stop sets `closing` before it looks at n_active */
    if (!atomic_load(&sv->closing) && (anytime || !atomic_load(&sv->draining)) && !ex->over_limit)
        return true;
    ex->close = true;
    if (ex->over_limit)
        qn__refuse(ex, REFUSED_BUSY, 503, "es_rejected_execution_exception",
                   "too many connections, the limit is %u", sv->opt.max_connections);
    else
        qn__refuse(ex, REFUSED_DRAINING, 503, "node_closed_exception",
                   "the server is shutting down");
    qn_answer_header(&ex->rq, "Retry-After", QN_STR("1"));
    return false;
}

void qn__admit(struct qn_exchange *ex, const char *method)
{
    make_id(ex);
    ex->rq.log = qn_log_with_request(&ex->sv->log, ex->rq.id);
    if (!find_route(ex, method))
        return;
    (void)(check_open(ex) && check_params(ex) && check_auth(ex) && check_media(ex) &&
           check_body(ex));
}
