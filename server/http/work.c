#include "exchange_int.h"

/* What workers do. A worker that is inside a request (`working`) holds a reference to it. */

/* The answer is set: back to the io thread. */
static void hand_back(struct qn_exchange *ex)
{
    qn_mutex_lock(&ex->lock);
    ex->group = NULL;
    ex->ready = true;
    ex->working = false;
    qn_mutex_unlock(&ex->lock);
    qn__phase(ex, PHASE_SENDING, qn_now_us());
    qn__exchange_resume(ex);
    qn__exchange_unref(ex);
}

static void finish_now(struct qn_exchange *ex, int rc)
{
    if (rc < 0)
        qn_answer_error(&ex->rq, rc);
    qn__send_prepare(ex);
    hand_back(ex);
}

void qn__work_answer(struct qn_exchange *ex)
{
    hand_back(ex);
}

void qn__work_clean_up(struct qn_exchange *ex)
{
    qn_mutex_lock(&ex->lock);
    ex->working = false;
    qn_mutex_unlock(&ex->lock);
    qn__exchange_end(ex);
    qn__exchange_unref(ex);
}

void qn__work_run(struct qn_exchange *ex)
{
    struct qn_request *rq = &ex->rq;
    int rc;
    if (qn_request_cancelled(rq))
        rc = qn_fail(&rq->err, QN_E_CANCELLED, "cancelled before it began");
    else
        rc = qn__body_whole(ex);
    if (rc >= 0)
        rc = rq->route->handler(rq);
    if (rc == QN_LATER) {
        qn_mutex_lock(&ex->lock);
        bool parked = !ex->finished;
        ex->parked = parked;
        rc = ex->finish_rc;
        qn_mutex_unlock(&ex->lock);
        if (parked)
            return;
    }
    finish_now(ex, rc);
}

void qn__work(struct qn_exchange *ex, enum qn__job job)
{
    switch (job) {
    case JOB_PUMP:
        qn__body_pump(ex);
        break;
    case JOB_RUN:
        qn__work_run(ex);
        break;
    case JOB_FINISH:
        finish_now(ex, ex->finish_rc);
        break;
    case JOB_PRODUCE:
        qn__send_produce(ex);
        break;
    }
}

void qn_request_finish(struct qn_request *rq, int rc)
{
    struct qn_exchange *ex = qn__exchange_of(rq);
    struct qn_server *sv = ex->sv;
    QN_ASSERT(rc != QN_LATER);
    /* The request may end at any moment from here on, but neither ex nor sv may go. */
    atomic_fetch_add(&sv->n_inside, 1);
    qn__exchange_ref(ex);
    qn_mutex_lock(&ex->lock);
    QN_ASSERT(!ex->finished);
    ex->finished = true;
    ex->finish_rc = rc;
    bool parked = ex->parked; /* else the handler has not returned yet: its worker goes on */
    ex->parked = false;
    qn_mutex_unlock(&ex->lock);
    if (parked) {
        /* Rendering, compressing and producing are not for the caller's thread. */
        bool light = rc >= 0 && ex->produce == NULL && rq->out.n < sv->opt.compress_min_bytes;
        if (light)
            finish_now(ex, rc);
        else
            qn__lane_put(ex, JOB_FINISH, false);
    }
    qn__exchange_unref(ex);
    atomic_fetch_sub(&sv->n_inside, 1);
}

void qn_request_watch_group(struct qn_request *rq, struct qn_group *g)
{
    struct qn_exchange *ex = qn__exchange_of(rq);
    qn_mutex_lock(&ex->lock);
    ex->group = g;
    bool cancelled = atomic_load_explicit(&rq->cancelled, memory_order_relaxed);
    if (g != NULL && cancelled)
        qn_group_cancel(g);
    qn_mutex_unlock(&ex->lock);
}
