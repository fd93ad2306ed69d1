#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/vec.h"
#include "exchange_int.h"

/* The warden looks at every connection, twenty times a second while there are any. It does what the
 * library cannot: see that a client drip-feeds its request (its own timeout starts again at every
 * byte), that a client hung up while its connection is suspended, and that one hung up at all: it
 * waits for edges of readiness, and when the last bytes and the end of a stream arrive together the
 * end goes unseen (0.9.75). File descriptors are used under the list's lock only: a connection
 * leaves the list before its descriptor is closed. */

#define TICK_US 50000
#define SLOW_TICKS 20 /* connections that only wait are looked at once a second */

/* Rows of QN_METRIC_HTTP_CUT_OFF. */
enum cut { CUT_NONE = -1, CUT_HEADERS, CUT_BODY, CUT_IDLE };

static enum cut verdict(const struct qn_exchange *ex, qn_usec now)
{
    const struct qn_server_options *opt = &ex->sv->opt;
    uint64_t since = atomic_load_explicit(&ex->since_us, memory_order_relaxed);
    uint64_t age = now > since ? now - since : 0;
    uint64_t received = atomic_load_explicit(&ex->body_received, memory_order_relaxed);
    switch (atomic_load_explicit(&ex->phase, memory_order_relaxed)) {
    case PHASE_FRESH:
    case PHASE_HEADERS:
        return opt->header_timeout_us > 0 && age > opt->header_timeout_us ? CUT_HEADERS : CUT_NONE;
    case PHASE_KEPT:
        return opt->idle_timeout_us > 0 && age > opt->idle_timeout_us ? CUT_IDLE : CUT_NONE;
    case PHASE_BODY:
        /* bytes/s < rate, without a division by an age of less than a second */
        return age > opt->body_grace_us && received < opt->min_body_rate * (age / 1000000)
                   ? CUT_BODY
                   : CUT_NONE;
    default:
        return CUT_NONE;
    }
}

static bool is_suspended(const struct qn_exchange *ex)
{
    int phase = atomic_load_explicit(&ex->phase, memory_order_relaxed);
    return phase == PHASE_BLOCKED || phase == PHASE_WORKING || phase == PHASE_WAITING;
}

/* An answer on its way is given a second. */
static bool is_sending(const struct qn_exchange *ex, qn_usec now)
{
    return atomic_load_explicit(&ex->phase, memory_order_relaxed) == PHASE_SENDING &&
           now < atomic_load_explicit(&ex->since_us, memory_order_relaxed) + 1000000;
}

static bool is_reading(const struct qn_exchange *ex)
{
    return !is_suspended(ex) &&
           atomic_load_explicit(&ex->phase, memory_order_relaxed) != PHASE_SENDING;
}

struct watch {
    QN_VEC(struct pollfd) fds;
    QN_VEC(struct qn_exchange *) exchanges; /* referenced */
};

static void shut(struct qn_exchange *ex, enum cut why)
{
    if (ex->cut_off)
        return;
    ex->cut_off = true;
    shutdown(ex->fd, SHUT_RDWR);
    if (why != CUT_NONE)
        qn_metrics_inc(ex->sv->opt.metrics, QN_METRIC_HTTP_CUT_OFF, (unsigned)why);
}

/* @locks held:HTTP */
static void add(struct watch *wt, struct qn_exchange *ex)
{
    struct pollfd pf = {.fd = ex->fd, .events = POLLRDHUP};
    qn_vec_push(&wt->fds, pf);
    qn_vec_push(&wt->exchanges, ex);
    qn__exchange_ref(ex);
}

static bool is_gone(const struct pollfd *pf)
{
    return pf->revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL);
}

/* A peer that ended its stream is given up when nothing moved from one look to the next: what it
 * sent before has been read by then. @locks held:HTTP */
static void bury(struct qn_exchange *ex)
{
    uint64_t mark = atomic_load_explicit(&ex->since_us, memory_order_relaxed) +
                    atomic_load_explicit(&ex->body_received, memory_order_relaxed);
    if (ex->end_seen_at == mark)
        shut(ex, CUT_NONE);
    ex->end_seen_at = mark;
}

/* Which connections to poll now. */
static bool is_due(const struct qn_exchange *ex, bool slow_too)
{
    return slow_too || is_suspended(ex) ||
           atomic_load_explicit(&ex->phase, memory_order_relaxed) == PHASE_BODY;
}

static void look(struct qn_server *sv, bool slow_too)
{
    struct watch wt = {0};
    qn_usec now = qn_now_us();
    qn_mutex_lock(&sv->lock);
    for (struct qn_exchange *ex = sv->connections; ex != NULL; ex = ex->next) {
        enum cut cut = verdict(ex, now);
        if (cut != CUT_NONE)
            shut(ex, cut);
        else if (is_due(ex, slow_too))
            add(&wt, ex);
    }
    if (wt.fds.n > 0 && poll(wt.fds.p, wt.fds.n, 0) > 0)
        for (size_t i = 0; i < wt.fds.n; i++)
            if (is_gone(&wt.fds.p[i]) && is_reading(wt.exchanges.p[i]))
                bury(wt.exchanges.p[i]);
    qn_mutex_unlock(&sv->lock);
    for (size_t i = 0; i < wt.exchanges.n; i++) {
        if (is_gone(&wt.fds.p[i]) && is_suspended(wt.exchanges.p[i]))
            qn__exchange_cancel(wt.exchanges.p[i], CANCEL_HANG_UP);
        /* A reset while an answer is sent can escape the library until its timeout. */
        if (wt.fds.p[i].revents & (POLLERR | POLLHUP))
            qn__exchange_give_up(wt.exchanges.p[i]);
        qn__exchange_unref(wt.exchanges.p[i]);
    }
    qn_vec_release(&wt.fds);
    qn_vec_release(&wt.exchanges);
}

void qn__warden_end_all(struct qn_server *sv)
{
    struct watch wt = {0};
    qn_usec now = qn_now_us();
    qn_mutex_lock(&sv->lock);
    for (struct qn_exchange *ex = sv->connections; ex != NULL; ex = ex->next) {
        add(&wt, ex);
        if (!is_suspended(ex) && !is_sending(ex, now))
            shut(ex, CUT_NONE);
    }
    qn_mutex_unlock(&sv->lock);
    for (size_t i = 0; i < wt.exchanges.n; i++) {
        qn__exchange_cancel(wt.exchanges.p[i], CANCEL_SHUTDOWN);
        qn__exchange_unref(wt.exchanges.p[i]);
    }
    qn_vec_release(&wt.fds);
    qn_vec_release(&wt.exchanges);
}

static void warden_run(void *arg)
{
    struct qn_server *sv = arg;
    unsigned tick = 0;
    qn_mutex_lock(&sv->lock);
    while (!sv->warden_stops) {
        if (sv->n_connections == 0) {
            qn_cond_wait(&sv->changed, &sv->lock);
            continue;
        }
        (void)!qn_cond_wait_until(&sv->changed, &sv->lock, qn_now_us() + TICK_US);
        qn_mutex_unlock(&sv->lock);
        look(sv, ++tick % SLOW_TICKS == 0);
        qn_mutex_lock(&sv->lock);
    }
    qn_mutex_unlock(&sv->lock);
}

int qn__warden_start(struct qn_server *sv)
{
    struct qn_thread_options opt = {.name = "http-warden"};
    return qn_thread_start(&sv->warden, &opt, warden_run, sv);
}

void qn__warden_stop(struct qn_server *sv)
{
    qn_mutex_lock(&sv->lock);
    sv->warden_stops = true;
    qn_cond_broadcast(&sv->changed);
    qn_mutex_unlock(&sv->lock);
    qn_thread_join(&sv->warden);
}
