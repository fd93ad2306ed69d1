#include <stdlib.h>

#include "exchange_int.h"

int qn__lane_put(struct qn_exchange *ex, enum qn__job job, bool admit)
{
    struct qn__lane *la = &ex->sv->lanes[ex->rq.route->lane];
    int rc = 0;
    qn_mutex_lock(&la->lock);
    if (admit && la->n_queued >= ex->sv->opt.lane_queue) {
        rc = QN_E_BUSY;
    } else {
        ex->job = job;
        ex->lane_next = NULL;
        *la->tail = ex;
        la->tail = &ex->lane_next;
        la->n_queued++;
        qn_metrics_gauge(la->sv->opt.metrics, QN_METRIC_HTTP_QUEUED, la->id, 1);
        qn_cond_signal(&la->more);
    }
    qn_mutex_unlock(&la->lock); /* a worker may have it, and be done with it, by now */
    return rc;
}

static struct qn_exchange *take(struct qn__lane *la)
{
    qn_mutex_lock(&la->lock);
    while (la->head == NULL && !la->stopping)
        qn_cond_wait(&la->more, &la->lock);
    struct qn_exchange *ex = la->head;
    if (ex != NULL) {
        la->head = ex->lane_next;
        if (la->head == NULL)
            la->tail = &la->head;
        la->n_queued--;
    }
    qn_mutex_unlock(&la->lock);
    return ex;
}

static void lane_run(void *arg)
{
    struct qn__lane *la = arg;
    struct qn_metrics *ms = la->sv->opt.metrics;
    for (struct qn_exchange *ex; (ex = take(la)) != NULL;) {
        qn_metrics_gauge(ms, QN_METRIC_HTTP_QUEUED, la->id, -1);
        qn_metrics_gauge(ms, QN_METRIC_HTTP_RUNNING, la->id, 1);
        qn__work(ex, ex->job);
        qn_metrics_gauge(ms, QN_METRIC_HTTP_RUNNING, la->id, -1);
    }
}

int qn__lanes_start(struct qn_server *sv)
{
    static const char *const names[QN_HTTP_LANES] = {"http-admin", "http-search", "http-ingest"};
    for (unsigned i = 0; i < QN_HTTP_LANES; i++) {
        struct qn__lane *la = &sv->lanes[i];
        qn_mutex_init(&la->lock, QN_LOCK_HTTP_LANE);
        qn_cond_init(&la->more);
        la->tail = &la->head;
        la->sv = sv;
        la->id = (enum qn_http_lane)i;
        la->threads = qn_xcalloc(sv->opt.lane_threads[i] + 1, sizeof la->threads[0]);
    }
    for (unsigned i = 0; i < QN_HTTP_LANES; i++) {
        struct qn__lane *la = &sv->lanes[i];
        struct qn_thread_options opt = {.name = names[i]};
        while (la->n_threads < sv->opt.lane_threads[i]) {
            int rc = qn_thread_start(&la->threads[la->n_threads], &opt, lane_run, la);
            if (rc < 0)
                return rc;
            la->n_threads++;
        }
    }
    return 0;
}

void qn__lanes_stop(struct qn_server *sv)
{
    for (unsigned i = 0; i < QN_HTTP_LANES; i++) {
        struct qn__lane *la = &sv->lanes[i];
        if (la->threads == NULL)
            continue;
        qn_mutex_lock(&la->lock);
        la->stopping = true;
        qn_cond_broadcast(&la->more);
        qn_mutex_unlock(&la->lock);
        for (unsigned k = 0; k < la->n_threads; k++)
            qn_thread_join(&la->threads[k]);
        QN_ASSERT(la->head == NULL);
        free(la->threads);
        la->threads = NULL;
        qn_cond_release(&la->more);
        qn_mutex_release(&la->lock);
    }
}
