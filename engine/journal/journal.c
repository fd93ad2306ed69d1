#include "journal/journal.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "journal_int.h"
#include "os/dirlock.h"

void qn_journal_options_default(struct qn_journal_options *opt)
{
    *opt = (struct qn_journal_options){
        .fs = qn_fs_posix(),
        .clock = qn_clock_system(),
        .segment_bytes = 64ull << 20,
        .queue_bytes = 64ull << 20,
        .ring_bytes = 32ull << 20,
        .sync_bytes = 8ull << 20,
        .sync_interval_ms = 50,
        .probe_ms = 500,
        .n_spares = 2,
    };
}

static void free_journal(struct qn_journal *j)
{
    for (size_t i = 0; i < j->segments.n; i++)
        qn__segment_unref(j->segments.p[i]);
    qn_vec_release(&j->segments);
    qn_vec_release(&j->spares);
    qn_vec_release(&j->cm.evicted);
    qn__ring_release(&j->ring);
    qn_coder_free(j->cm.coder);
    qn_buf_release(&j->cm.raw);
    qn_buf_release(&j->cm.frame);
    qn_cond_release(&j->wake);
    qn_cond_release(&j->moved);
    qn_mutex_release(&j->lock);
    qn_dirlock_drop(j->dirlock);
    free(j->dir);
    free(j);
}

int qn_journal_open(struct qn_journal **out, const struct qn_journal_options *opt,
                    struct qn_journal_report *report, struct qn_err *err)
{
    struct qn_journal_report none;
    *out = NULL;
    report = report != NULL ? report : &none;
    memset(report, 0, sizeof *report);
    int rc = qn_fs_mkdirs(opt->fs, opt->dir, err);
    if (rc < 0)
        return rc;
    int lock = qn_dirlock_take(opt->dir, err);
    if (lock < 0)
        return lock;
    struct qn_journal *j = qn_xcalloc(1, sizeof *j);
    j->opt = *opt;
    j->dir = qn_xstrndup(opt->dir, strlen(opt->dir));
    j->opt.dir = j->dir;
    j->dirlock = lock;
    j->cm.fd = -1;
    qn_mutex_init(&j->lock, QN_LOCK_JOURNAL);
    qn_cond_init(&j->wake);
    qn_cond_init(&j->moved);
    qn__list_init(&j->queue);
    qn__list_init(&j->cm.pending);
    j->cm.coder = qn_coder_new();
    qn_buf_init(&j->cm.raw, SIZE_MAX);
    qn_buf_init(&j->cm.frame, SIZE_MAX);
    rc = qn__journal_scan(j, report, err);
    if (rc == 0) {
        const struct qn_thread_options th = {.name = "qn-journal"};
        rc = qn_thread_start(&j->thread, &th, qn__commit_run, j);
        if (rc < 0)
            rc = qn_fail(err, rc, "journal: no thread");
    }
    if (rc < 0) {
        free_journal(j);
        return rc;
    }
    *out = j;
    return 0;
}

void qn_journal_close(struct qn_journal *j)
{
    if (j == NULL)
        return;
    qn_mutex_lock(&j->lock);
    QN_ASSERT(j->n_readers == 0);
    j->stopping = true;
    qn_cond_signal(&j->wake);
    qn_cond_broadcast(&j->moved);
    qn_mutex_unlock(&j->lock);
    qn_thread_join(&j->thread);
    free_journal(j);
}

struct qn_hlc *qn_journal_hlc(struct qn_journal *j)
{
    return &j->hlc;
}

/* Appending. */

/* Why a batch of n bytes cannot be taken now, or 0. Lock held. */
static int refusal(const struct qn_journal *j, size_t n)
{
    if (j->stopping)
        return QN_E_SHUTDOWN;
    if (j->health.code != 0)
        return j->health.code;
    if (j->queued_bytes != 0 && j->queued_bytes + n > j->opt.queue_bytes)
        return QN_E_BUSY;
    uint64_t disk = j->sealed_bytes + j->active_bytes + j->queued_bytes;
    return j->opt.max_bytes != 0 && disk + n > j->opt.max_bytes ? QN_E_BUSY : 0;
}

int qn_journal_submit(struct qn_journal *j, struct qn_batch *b, enum qn_ack ack, qn_append_fn done,
                      void *arg)
{
    QN_ASSERT(b->block == NULL && !b->acked);
    qn_mutex_lock(&j->lock);
    int rc = refusal(j, b->rec.bytes.n);
    if (rc == 0 && b->rec.bytes.n >= QN_FRAME_PACK_BYTES) {
        qn_mutex_unlock(&j->lock);
        qn__batch_pack(b);
        qn_mutex_lock(&j->lock);
        rc = refusal(j, b->rec.bytes.n);
    }
    if (rc < 0) {
        j->stats.refused_count++;
    } else {
        b->ack = ack;
        b->done = done;
        b->done_arg = arg;
        qn__list_push(&j->queue, qn_batch_ref(b));
        j->submitted++;
        j->queued_bytes += b->rec.bytes.n;
        qn_cond_signal(&j->wake);
    }
    qn_mutex_unlock(&j->lock);
    return rc;
}

/* Shared by the thread that waits and the committer: whoever lets go last frees it. On the waiter's
 * stack it could be gone while the committer is still unlocking. */
struct waiter {
    _Atomic uint32_t refs;
    struct qn_mutex lock;
    struct qn_cond cond;
    bool done;
    int rc;
    uint64_t seq;
};

static void leave_waiter(struct waiter *w)
{
    if (atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) != 1)
        return;
    qn_cond_release(&w->cond);
    qn_mutex_release(&w->lock);
    free(w);
}

static void wake_waiter(void *arg, struct qn_batch *b, int rc)
{
    struct waiter *w = arg;
    qn_mutex_lock(&w->lock);
    w->done = true;
    w->rc = rc;
    w->seq = rc == 0 ? b->rec.seq : 0;
    qn_cond_signal(&w->cond);
    qn_mutex_unlock(&w->lock);
    leave_waiter(w);
}

int qn_journal_append(struct qn_journal *j, struct qn_batch *b, enum qn_ack ack, uint64_t *seq)
{
    if (seq != NULL)
        *seq = 0;
    if (ack == QN_ACK_NONE)
        return qn_journal_submit(j, b, ack, NULL, NULL);
    struct waiter *w = qn_xcalloc(1, sizeof *w);
    atomic_init(&w->refs, 2);
    qn_mutex_init(&w->lock, QN_LOCK_LEAF);
    qn_cond_init(&w->cond);
    int rc = qn_journal_submit(j, b, ack, wake_waiter, w);
    if (rc == 0) {
        qn_mutex_lock(&w->lock);
        while (!w->done)
            qn_cond_wait(&w->cond, &w->lock);
        qn_mutex_unlock(&w->lock);
        rc = w->rc;
        if (seq != NULL)
            *seq = w->seq;
    } else {
        atomic_store_explicit(&w->refs, 1, memory_order_relaxed); /* nobody else has seen it */
    }
    leave_waiter(w);
    return rc;
}

int qn_journal_flush(struct qn_journal *j)
{
    qn_mutex_lock(&j->lock);
    uint64_t until = j->submitted;
    if (j->flush_until < until)
        j->flush_until = until;
    qn_cond_signal(&j->wake);
    while (j->settled < until)
        qn_cond_wait(&j->moved, &j->lock);
    int rc = j->health.code;
    qn_mutex_unlock(&j->lock);
    return rc;
}

/* Positions and state. */

/* Lock held. */
static uint64_t first_of(const struct qn_journal *j)
{
    return j->segments.n > 0 ? j->segments.p[0]->head.base : j->end;
}

uint64_t qn_journal_first(struct qn_journal *j)
{
    qn_mutex_lock(&j->lock);
    uint64_t first = first_of(j);
    qn_mutex_unlock(&j->lock);
    return first;
}

uint64_t qn_journal_end(struct qn_journal *j)
{
    qn_mutex_lock(&j->lock);
    uint64_t end = j->end;
    qn_mutex_unlock(&j->lock);
    return end;
}

int qn_journal_wait(struct qn_journal *j, uint64_t seq, qn_usec deadline_us)
{
    int rc = 0;
    qn_mutex_lock(&j->lock);
    while (rc == 0 && j->end <= seq) {
        if (j->stopping)
            rc = QN_E_SHUTDOWN;
        else
            rc = qn_cond_wait_until(&j->moved, &j->lock, deadline_us);
    }
    if (j->end > seq)
        rc = 0;
    qn_mutex_unlock(&j->lock);
    return rc;
}

void qn_journal_stats(struct qn_journal *j, struct qn_journal_stats *out)
{
    qn_mutex_lock(&j->lock);
    *out = j->stats;
    out->first = first_of(j);
    out->end = j->end;
    out->n_segments = j->segments.n;
    out->disk_bytes = j->sealed_bytes + j->active_bytes;
    out->queued_batches = j->submitted - j->settled;
    out->queued_bytes = j->queued_bytes;
    out->ring_batches = j->ring.n;
    out->ring_bytes = j->ring.bytes;
    qn_mutex_unlock(&j->lock);
}

void qn_journal_health(struct qn_journal *j, struct qn_journal_health *out)
{
    qn_mutex_lock(&j->lock);
    *out = j->health;
    qn_mutex_unlock(&j->lock);
}

size_t qn_journal_starts(struct qn_journal *j, uint64_t *starts, size_t max)
{
    size_t n = 0;
    qn_mutex_lock(&j->lock);
    for (size_t i = 0; i < j->segments.n && n < max; i++)
        if (j->segments.p[i]->end > j->segments.p[i]->head.base)
            starts[n++] = j->segments.p[i]->head.base;
    qn_mutex_unlock(&j->lock);
    return n;
}
