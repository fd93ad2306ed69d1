#include "exchange_int.h"

/* The library's callbacks. All of them run on its threads and return at once. */

static struct qn_exchange *exchange_of(struct MHD_Connection *mc)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mc, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

void qn__front_connection(void *cls, struct MHD_Connection *mc, void **socket_state,
                          enum MHD_ConnectionNotificationCode code)
{
    struct qn_server *sv = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(mc, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        struct qn_exchange *ex = qn__exchange_new(sv, mc, fd);
        *socket_state = ex;
        qn_mutex_lock(&sv->lock);
        ex->next = sv->connections;
        if (ex->next != NULL)
            ex->next->prev = ex;
        sv->connections = ex;
        ex->over_limit = ++sv->n_connections > sv->opt.max_connections;
        if (sv->n_connections == 1)
            qn_cond_broadcast(&sv->changed); /* the warden sleeps while there is nobody to watch */
        qn_mutex_unlock(&sv->lock);
        qn_metrics_gauge(sv->opt.metrics, QN_METRIC_HTTP_CONNECTIONS, 0, 1);
        qn_metrics_inc(sv->opt.metrics, QN_METRIC_HTTP_CONNECTIONS_TOTAL, 0);
        return;
    }
    struct qn_exchange *ex = *socket_state;
    if (ex == NULL)
        return;
    *socket_state = NULL;
    qn_mutex_lock(&sv->lock); /* the warden uses fd only while ex is in the list */
    if (ex->prev != NULL)
        ex->prev->next = ex->next;
    else
        sv->connections = ex->next;
    if (ex->next != NULL)
        ex->next->prev = ex->prev;
    sv->n_connections--;
    qn_mutex_unlock(&sv->lock);
    qn_metrics_gauge(sv->opt.metrics, QN_METRIC_HTTP_CONNECTIONS, 0, -1);
    qn__exchange_unref(ex);
}

void *qn__front_target(void *cls, const char *uri, struct MHD_Connection *mc)
{
    (void)cls;
    struct qn_exchange *ex = exchange_of(mc);
    if (ex != NULL)
        qn__exchange_begin(ex, uri);
    return ex;
}

static enum MHD_Result first_call(struct qn_exchange *ex, const char *method, const char *version)
{
    struct qn_server *sv = ex->sv;
    atomic_fetch_add(&sv->n_active, 1); /* seq_cst, before `closing` is looked at */
    atomic_fetch_add_explicit(&sv->n_requests, 1, memory_order_relaxed);
    qn_mutex_lock(&ex->lock); /* the warden looks at begun and ready */
    ex->begun = ex->active = true;
    if (qn__head_read(ex, version) == 0)
        qn__admit(ex, method);
    qn_mutex_unlock(&ex->lock);
    if (ex->refused) {
        /* Answered before the body is read, the connection is closed after it: for framing that
         * cannot be trusted, bodies that are not worth reading, and clients that ask first. */
        if (ex->refusal.status == 400 && ex->close)
            return qn__send(ex);
        if (ex->head.has_body &&
            (ex->head.expects_continue || ex->head.content_length > sv->opt.drop_bytes))
            return qn__send(ex);
    }
    if (ex->head.has_body)
        qn__phase(ex, PHASE_BODY, qn_now_us());
    return MHD_YES;
}

/* The whole request is here. */
static enum MHD_Result last_call(struct qn_exchange *ex)
{
    struct qn_request *rq = &ex->rq;
    qn_mutex_lock(&ex->lock);
    bool settled = ex->ready || ex->refused;
    /* a worker that is inside must leave before the request may end */
    if (ex->working || (!settled && !(rq->route->flags & QN_ROUTE_TRIVIAL))) {
        enum qn__job job = rq->route->body == QN_BODY_STREAM ? JOB_PUMP : JOB_RUN;
        ex->eof = true;
        if (ex->working || qn__exchange_enter(ex, job, true) >= 0) {
            /* Suspended under the lock: a worker takes it before it resumes. */
            MHD_suspend_connection(ex->mc);
            qn__phase(ex, PHASE_WORKING, qn_now_us());
            qn_mutex_unlock(&ex->lock);
            return MHD_YES;
        }
        qn__refuse(ex, REFUSED_BUSY, 429, "es_rejected_execution_exception",
                   "too many requests are waiting, try again later");
        qn_answer_header(rq, "Retry-After", QN_STR("1"));
        settled = true;
    }
    if (!settled) { /* trivial */
        int rc = rq->route->handler(rq);
        if (rc < 0)
            qn_answer_error(rq, rc);
        ex->ready = true;
    }
    qn_mutex_unlock(&ex->lock);
    return qn__send(ex);
}

enum MHD_Result qn__front_handle(void *cls, struct MHD_Connection *mc, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *size, void **state)
{
    (void)cls, (void)mc, (void)url;
    struct qn_exchange *ex = *state;
    if (ex == NULL)
        return MHD_NO;
    if (!ex->begun)
        return first_call(ex, method, version);
    if (*size != 0)
        return qn__body_put(ex, data, size);
    return last_call(ex);
}

void qn__front_completed(void *cls, struct MHD_Connection *mc, void **state,
                         enum MHD_RequestTerminationCode why)
{
    (void)cls, (void)mc;
    struct qn_exchange *ex = *state;
    if (ex == NULL)
        return;
    *state = NULL;
    if (why != MHD_REQUEST_TERMINATED_COMPLETED_OK)
        qn__exchange_cancel(ex, CANCEL_HANG_UP);
    qn_mutex_lock(&ex->lock);
    bool working = ex->working;
    ex->aborted = working; /* an upload was cut off while a worker is inside: it cleans up */
    qn_mutex_unlock(&ex->lock);
    if (!working)
        qn__exchange_end(ex);
}
