#include "exchange_int.h"

#define WINDOW_BYTES 65536 /* inflated at a time */
#define ROUNDS 32          /* takes of the queue, before an upload stands in line again */

static uint64_t limit_of(const struct qn_exchange *ex)
{
    uint64_t own = ex->rq.route->body_limit_bytes;
    return own != 0 ? own : ex->sv->opt.body_limit_bytes;
}

static void refuse_too_large(struct qn_exchange *ex)
{
    qn__refuse(ex, REFUSED_BODY, 413, "content_too_long_exception",
               "the request body is over the limit of %llu bytes",
               (unsigned long long)limit_of(ex));
}

/* Read on to the end, within reason, so that the client gets to see the answer. */
static enum MHD_Result drop(struct qn_exchange *ex, size_t *size)
{
    ex->dropped_bytes += *size;
    *size = 0;
    return ex->dropped_bytes > ex->sv->opt.drop_bytes ? MHD_NO : MHD_YES;
}

static bool charge(struct qn_exchange *ex, uint64_t n)
{
    if (qn_budget_take(&ex->rq.budget, n) < 0) {
        qn__refuse(ex, REFUSED_BUSY, 429, "circuit_breaking_exception",
                   "no memory left for the request body");
        return false;
    }
    ex->body_charged += n;
    return true;
}

static enum MHD_Result put_whole(struct qn_exchange *ex, const char *data, size_t *size)
{
    if (ex->in.n + *size > limit_of(ex))
        refuse_too_large(ex);
    else if (charge(ex, *size))
        qn_buf_put(&ex->in, data, *size);
    if (ex->refused) {
        qn_buf_release(&ex->in);
        return drop(ex, size);
    }
    *size = 0;
    return MHD_YES;
}

/* @locks held:lock */
static enum MHD_Result put_stream(struct qn_exchange *ex, const char *data, size_t *size)
{
    uint64_t max = ex->sv->opt.body_queue_bytes;
    size_t room = ex->in.n < max ? (size_t)max - ex->in.n : 0;
    size_t take = *size < room ? *size : room;
    if (ex->body_charged == 0 && !charge(ex, 2 * max)) /* the queue and what a worker took of it */
        return drop(ex, size);
    qn_buf_put(&ex->in, data, take);
    if (!ex->working && qn__exchange_enter(ex, JOB_PUMP, ex->rq.body_bytes == 0) < 0) {
        qn__refuse(ex, REFUSED_BUSY, 429, "es_rejected_execution_exception",
                   "too many requests are waiting, try again later");
        return drop(ex, size);
    }
    *size -= take;
    if (*size > 0) {
        /* Something is left with the library: it does not call again before we resume. */
        MHD_suspend_connection(ex->mc);
        ex->blocked = true;
        /* `since` stays that of BODY until the time blocked is known */
        atomic_store_explicit(&ex->phase, PHASE_BLOCKED, memory_order_relaxed);
        ex->blocked_since_us = qn_now_us();
    }
    return MHD_YES;
}

enum MHD_Result qn__body_put(struct qn_exchange *ex, const char *data, size_t *size)
{
    enum MHD_Result rc;
    size_t offered = *size;
    qn_mutex_lock(&ex->lock);
    if (ex->refused || ex->ready || ex->rq.route->body == QN_BODY_NONE)
        rc = drop(ex, size);
    else if (ex->rq.route->body == QN_BODY_WHOLE)
        rc = put_whole(ex, data, size);
    else
        rc = put_stream(ex, data, size);
    qn_mutex_unlock(&ex->lock);
    atomic_fetch_add_explicit(&ex->body_received, offered - *size, memory_order_relaxed);
    return rc;
}

static int bad_coding(struct qn_exchange *ex)
{
    return qn_fail(&ex->rq.err, QN_E_INVALID, "Error while decompressing the data");
}

static int too_large(struct qn_exchange *ex)
{
    qn_metrics_inc(ex->sv->opt.metrics, QN_METRIC_HTTP_REFUSED, REFUSED_BODY);
    return qn_fail(&ex->rq.err, QN_E_TOO_LARGE, "the request body is over the limit of %llu bytes",
                   (unsigned long long)limit_of(ex));
}

static int charge_inflater(struct qn_exchange *ex)
{
    uint64_t now = qn__inflater_bytes(&ex->inflater);
    if (now <= ex->inflater_charged)
        return 0;
    int rc = qn_budget_take(&ex->rq.budget, now - ex->inflater_charged);
    if (rc < 0)
        return qn_fail(&ex->rq.err, rc, "no memory left to inflate the request body");
    ex->inflater_charged = now;
    return 0;
}

static int give(struct qn_exchange *ex, struct qn_str chunk)
{
    struct qn_request *rq = &ex->rq;
    if (chunk.n == 0)
        return 0;
    rq->body_bytes += chunk.n;
    if (rq->body_bytes > limit_of(ex))
        return too_large(ex);
    if (qn_request_cancelled(rq))
        return qn_fail(&rq->err, QN_E_CANCELLED, "the client hung up");
    return rq->route->on_chunk(rq, chunk);
}

static int feed(struct qn_exchange *ex, struct qn_str in)
{
    if (ex->head.coding == CODING_IDENTITY)
        return give(ex, in);
    if (ex->inflater.state == NULL)
        qn__inflater_init(&ex->inflater, ex->head.coding);
    size_t n = WINDOW_BYTES;
    qn_buf_reserve(&ex->whole, WINDOW_BYTES);
    /* a full window may leave output inside the inflater: ask again even without input */
    while (in.n > 0 || n == WINDOW_BYTES) {
        if (qn__inflate(&ex->inflater, &in, ex->whole.p, WINDOW_BYTES, &n) < 0)
            return bad_coding(ex);
        int rc = charge_inflater(ex);
        if (rc < 0)
            return rc;
        rc = give(ex, qn_str_make(ex->whole.p, n));
        if (rc < 0)
            return rc;
        if (n == 0)
            break;
    }
    return 0;
}

/* Takes what has come; false: nothing. @locks held:lock */
static bool take_input(struct qn_exchange *ex, bool *resume)
{
    struct qn_buf taken = ex->in;
    ex->in = ex->work;
    ex->work = taken;
    qn_buf_clear(&ex->in);
    *resume = ex->blocked;
    if (ex->blocked) {
        uint64_t waited = qn_now_us() - ex->blocked_since_us;
        ex->blocked = false;
        atomic_fetch_add_explicit(&ex->since_us, waited, memory_order_relaxed);
        atomic_store_explicit(&ex->phase, PHASE_BODY, memory_order_relaxed);
    }
    return ex->work.n > 0;
}

/* @locks held:lock */
static void refuse_rest(struct qn_exchange *ex, int rc)
{
    struct qn_problem pb;
    qn_problem_of(&pb, &ex->rq.err, rc);
    struct qn_str reason = qn_arena_str(&ex->rq.arena, pb.reason);
    pb.reason = reason.p != NULL ? reason : QN_STR("refused");
    ex->refusal = pb;
    ex->refused = true;
}

/* What is to be done when the queue is empty, or the request refused. */
enum next { NEXT_WAIT, NEXT_RUN, NEXT_ANSWER, NEXT_CLEAN_UP };

static enum next leave(struct qn_exchange *ex)
{
    if (ex->aborted)
        return NEXT_CLEAN_UP;
    if (ex->eof)
        return ex->refused ? NEXT_ANSWER : NEXT_RUN;
    ex->working = false;
    return NEXT_WAIT;
}

void qn__body_pump(struct qn_exchange *ex)
{
    int rc = 0;
    enum next next;
    for (unsigned round = 0;; round++) {
        bool resume = false, more;
        if (round == ROUNDS) { /* others wait, too */
            if (rc < 0)
                round = 0;
            else if (qn__lane_put(ex, JOB_PUMP, false) == 0)
                return;
        }
        qn_mutex_lock(&ex->lock);
        if (rc < 0 && !ex->refused)
            refuse_rest(ex, rc);
        more = take_input(ex, &resume) && !ex->refused && !ex->aborted;
        if (!more && resume) { /* refused: what is still to come is dropped without a worker */
            qn_mutex_unlock(&ex->lock);
            qn__exchange_resume(ex);
            continue;
        }
        next = more ? NEXT_WAIT : leave(ex);
        qn_mutex_unlock(&ex->lock);
        if (!more)
            break;
        if (resume)
            qn__exchange_resume(ex);
        rc = feed(ex, qn_buf_str(&ex->work));
    }
    switch (next) {
    case NEXT_RUN:
        qn__work_run(ex);
        return;
    case NEXT_ANSWER:
        qn__work_answer(ex);
        return;
    case NEXT_CLEAN_UP:
        qn__work_clean_up(ex);
        return;
    case NEXT_WAIT:
        qn__exchange_unref(ex);
        return;
    }
}

int qn__body_whole(struct qn_exchange *ex)
{
    struct qn_request *rq = &ex->rq;
    if (rq->route->body == QN_BODY_STREAM) {
        if (ex->inflater.state != NULL && qn__inflater_end(&ex->inflater) < 0)
            return bad_coding(ex);
        return 0;
    }
    if (ex->head.coding == CODING_IDENTITY || rq->route->body == QN_BODY_NONE) {
        rq->body = qn_buf_str(&ex->in);
        rq->body_bytes = ex->in.n;
        return 0;
    }
    uint64_t limit = limit_of(ex);
    struct qn_str in = qn_buf_str(&ex->in);
    qn__inflater_init(&ex->inflater, ex->head.coding);
    size_t n = WINDOW_BYTES;
    while (in.n > 0 || n == WINDOW_BYTES) {
        if (qn_budget_take(&rq->budget, WINDOW_BYTES) < 0)
            return qn_fail(&rq->err, QN_E_BUDGET, "no memory left to inflate the request body");
        ex->body_charged += WINDOW_BYTES;
        qn_buf_reserve(&ex->whole, WINDOW_BYTES);
        if (qn__inflate(&ex->inflater, &in, ex->whole.p + ex->whole.n, WINDOW_BYTES, &n) < 0)
            return bad_coding(ex);
        ex->whole.n += n;
        if (ex->whole.n > limit)
            return too_large(ex);
        int rc = charge_inflater(ex);
        if (rc < 0)
            return rc;
        if (n == 0)
            break;
    }
    if (qn__inflater_end(&ex->inflater) < 0)
        return bad_coding(ex);
    qn__inflater_release(&ex->inflater);
    qn_buf_release(&ex->in);
    rq->body = qn_buf_str(&ex->whole);
    rq->body_bytes = ex->whole.n;
    return 0;
}
