#include <stdlib.h>

#include "exchange_int.h"
#include "json/filter.h"

struct qn_exchange *qn__exchange_new(struct qn_server *sv, struct MHD_Connection *mc, int fd)
{
    struct qn_exchange *ex = qn_xcalloc(1, sizeof *ex);
    ex->sv = sv;
    ex->mc = mc;
    ex->fd = fd;
    atomic_init(&ex->refs, 1);
    qn_mutex_init(&ex->lock, QN_LOCK_HTTP_REQUEST);
    qn_budget_init(&ex->rq.budget, "request", &sv->budget, sv->opt.request_memory_bytes);
    qn_arena_init(&ex->rq.arena, &ex->rq.budget);
    qn_buf_init(&ex->rq.out, sv->opt.request_memory_bytes);
    qn_buf_init(&ex->in, SIZE_MAX);
    qn_buf_init(&ex->work, SIZE_MAX);
    qn_buf_init(&ex->whole, SIZE_MAX);
    qn_buf_init(&ex->piece, SIZE_MAX);
    qn__phase(ex, PHASE_FRESH, qn_now_us());
    return ex;
}

void qn__exchange_ref(struct qn_exchange *ex)
{
    atomic_fetch_add_explicit(&ex->refs, 1, memory_order_relaxed); /* the caller holds one */
}

void qn__exchange_unref(struct qn_exchange *ex)
{
    /* release what we wrote; acquire what the others wrote before the last one frees */
    if (atomic_fetch_sub_explicit(&ex->refs, 1, memory_order_acq_rel) != 1)
        return;
    qn_arena_release(&ex->rq.arena);
    qn_budget_release(&ex->rq.budget);
    qn_mutex_release(&ex->lock);
    free(ex);
}

void qn__exchange_begin(struct qn_exchange *ex, const char *target_z)
{
    struct qn_request *rq = &ex->rq;
    rq->started_us = qn_now_us();
    rq->status = 200;
    rq->target.raw = qn_arena_str(&rq->arena, qn_str_of(target_z));
    qn__phase(ex, PHASE_HEADERS, rq->started_us);
}

static void log_end(const struct qn_exchange *ex, enum qn_log_level level, const char *event,
                    uint64_t us)
{
    const struct qn_request *rq = &ex->rq;
    const struct qn_kv kv[] = {
        QN_KV_Z("method", qn_method_name(rq->method)),
        QN_KV_STR("target", rq->target.raw),
        QN_KV_I64("status", rq->status),
        QN_KV_U64("duration_us", us),
        QN_KV_U64("body_bytes", atomic_load(&ex->body_received)),
        QN_KV_U64("answer_bytes", ex->sent_bytes),
        QN_KV_Z("error", rq->err.msg),
        QN_KV_Z("at", rq->err.file),
        QN_KV_I64("line", rq->err.line),
    };
    size_t n = QN_COUNT_OF(kv) - (rq->err.code == 0 ? 3 : 0);
    rq->log.write(&rq->log, level, event, kv, n);
}

static void count_end(struct qn_exchange *ex, qn_usec now)
{
    struct qn_request *rq = &ex->rq;
    struct qn_metrics *ms = ex->sv->opt.metrics;
    uint64_t us = now - rq->started_us, received = atomic_load(&ex->body_received);
    qn_metrics_observe(ms, QN_METRIC_HTTP_SECONDS, us);
    if (ex->sent_bytes > 0)
        qn_metrics_add(ms, QN_METRIC_HTTP_SENT_BYTES, 0, ex->sent_bytes);
    if (received > 0) {
        qn_metrics_add(ms, QN_METRIC_HTTP_BODY_BYTES, 0, received);
        qn_metrics_add(ms, QN_METRIC_HTTP_BODY_BYTES, 1, rq->body_bytes);
    }
    bool failed = rq->status >= 500 && rq->status != 503;
    enum qn_log_level level = failed ? QN_LOG_WARN : QN_LOG_DEBUG;
    if (rq->log.write != NULL && level <= rq->log.level)
        log_end(ex, level, failed ? "http_failed" : "http_request", us);
}

static void reset_request(struct qn_request *rq)
{
    qn_arena_reset(&rq->arena);
    qn_buf_release(&rq->out);
    rq->method = 0;
    rq->target = (struct qn_target){0};
    rq->match.mounted = NULL;
    rq->match.n_values = 0;
    rq->route = NULL;
    rq->ctx = NULL;
    rq->dialect = QN_DIALECT_NATIVE;
    rq->params = (struct qn_params){0};
    rq->common = (struct qn_common_args){0};
    rq->body = rq->id = rq->user = QN_STR_NONE;
    rq->body_bytes = 0;
    rq->state = NULL;
    rq->drop_state = NULL;
    rq->on_cancel = NULL;
    rq->log = (struct qn_log){0};
    rq->err.code = 0;
    rq->err.msg[0] = '\0';
    rq->err.file = NULL;
    rq->err.line = 0;
    atomic_store_explicit(&rq->cancelled, false, memory_order_relaxed); /* handed on by the lock */
}

static void reset_transfer(struct qn_exchange *ex)
{
    qn_buf_release(&ex->in);
    qn_buf_release(&ex->work);
    qn_buf_release(&ex->whole);
    qn_buf_release(&ex->piece);
    qn__inflater_release(&ex->inflater);
    qn__deflater_release(&ex->deflater);
    qn_json_filter_free(ex->filter);
    qn_budget_give(&ex->rq.budget, ex->body_charged + ex->inflater_charged);
    ex->body_charged = ex->inflater_charged = 0;
    ex->filter = NULL;
    ex->head = (struct qn__head){0};
    ex->refusal = (struct qn_problem){0};
    ex->begun = ex->refused = ex->eof = ex->blocked = ex->aborted = false;
    ex->parked = ex->finished = ex->ready = ex->woken = ex->waiting = ex->close = false;
    ex->dropped_bytes = 0;
    ex->finish_rc = 0;
    ex->group = NULL;
    ex->flow = FLOW_NONE;
    ex->piece_at = 0;
    ex->n_headers = 0;
    ex->type = NULL;
    ex->borrowed = ex->etag = QN_STR_NONE;
    ex->produce = NULL;
    ex->coded = CODING_IDENTITY;
    ex->sent_bytes = 0;
    atomic_store_explicit(&ex->body_received, 0, memory_order_relaxed);
}

void qn__exchange_end(struct qn_exchange *ex)
{
    struct qn_server *sv = ex->sv;
    qn_usec now = qn_now_us();
    qn_mutex_lock(&ex->lock); /* from here on nobody cancels it or gives it up */
    bool counted = ex->begun, active = ex->active;
    ex->begun = ex->active = false;
    ex->group = NULL;
    ex->rq.on_cancel = NULL;
    qn_mutex_unlock(&ex->lock);
    if (ex->rq.drop_state != NULL)
        ex->rq.drop_state(&ex->rq);
    if (counted)
        count_end(ex, now);
    qn_mutex_lock(&ex->lock);
    reset_request(&ex->rq);
    reset_transfer(ex);
    qn_mutex_unlock(&ex->lock);
    qn__phase(ex, PHASE_KEPT, now);
    if (active) /* release: whoever sees 0 sees all that the requests did */
        atomic_fetch_sub_explicit(&sv->n_active, 1, memory_order_release);
}

void qn__exchange_give_up(struct qn_exchange *ex)
{
    qn_mutex_lock(&ex->lock);
    int phase = atomic_load_explicit(&ex->phase, memory_order_relaxed);
    bool give_up =
        ex->active && (ex->ready || ex->refused) && !ex->working && phase == PHASE_SENDING;
    if (give_up) {
        ex->active = false;
        if (ex->produce != NULL) /* never suspends again: stopping may rely on that */
            ex->flow = FLOW_FAILED;
    }
    qn_mutex_unlock(&ex->lock);
    if (give_up)
        atomic_fetch_sub_explicit(&ex->sv->n_active, 1, memory_order_release);
}

void qn__exchange_cancel(struct qn_exchange *ex, enum qn__cancel why)
{
    struct qn_request *rq = &ex->rq;
    bool resume = false, first = false;
    qn_mutex_lock(&ex->lock);
    if (ex->begun && (!ex->ready || ex->produce != NULL) && !qn_request_cancelled(rq))
        first = true;
    if (ex->begun)
        atomic_store_explicit(&rq->cancelled, true, memory_order_relaxed);
    if (first && ex->group != NULL)
        qn_group_cancel(ex->group);
    if (first && rq->on_cancel != NULL)
        rq->on_cancel(rq);
    if (ex->waiting && ex->flow == FLOW_LATER) { /* nobody else would end this stream */
        ex->flow = FLOW_FAILED;
        ex->waiting = false;
        resume = true;
    }
    qn_mutex_unlock(&ex->lock);
    if (first)
        qn_metrics_inc(ex->sv->opt.metrics, QN_METRIC_HTTP_CANCELLED, (unsigned)why);
    if (resume)
        qn__exchange_resume(ex);
}

void qn__exchange_resume(struct qn_exchange *ex)
{
    struct qn_server *sv = ex->sv;
    struct MHD_Connection *mc = ex->mc;
    /* The daemon must not be stopped while a thread is still inside the library. */
    atomic_fetch_add(&sv->n_inside, 1);
    MHD_resume_connection(mc);
    atomic_fetch_sub(&sv->n_inside, 1);
}

int qn__exchange_enter(struct qn_exchange *ex, enum qn__job job, bool admit)
{
    qn__exchange_ref(ex);
    ex->working = true;
    int rc = qn__lane_put(ex, job, admit);
    if (rc < 0) {
        ex->working = false;
        qn__exchange_unref(ex); /* never the last: the connection holds one */
    }
    return rc;
}
