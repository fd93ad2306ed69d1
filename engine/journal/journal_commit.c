/* The committer: the one thread that writes. A turn of its loop takes what waits (or syncs what is
 * due, or probes, or rolls) and leaves nothing half done: after it, every batch is durable, written
 * and not due yet, or failed. */
#include <string.h>

#include "journal_int.h"

struct work {
    struct qn_batch_list group; /* taken from the queue */
    bool sync;                  /* what is written must be synced now */
    bool probe;
    bool roll;
    bool stop;
};

void qn__histogram_add(struct qn_journal_histogram *hg, uint64_t v)
{
    unsigned i = v < 2 ? 0 : 63u - (unsigned)__builtin_clzll(v);
    hg->bucket[i < QN_JOURNAL_BUCKETS ? i : QN_JOURNAL_BUCKETS - 1]++;
    hg->n++;
    hg->sum += v;
}

/* Waiting for work. */

static qn_usec earlier(qn_usec a, qn_usec b) /* 0 = never */
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* What there is to do; when nothing, *deadline is when to look again. Lock held. */
static struct work look(struct qn_journal *j, qn_usec now, qn_usec *deadline)
{
    struct qn_committer *cm = &j->cm;
    struct work w = {.stop = j->stopping && j->queue.head == NULL};
    *deadline = 0;
    if (j->health.code != 0) {
        w.probe = !w.stop && now >= j->probe_at;
        *deadline = j->probe_at;
        w.roll = j->roll_end != 0;
        return w;
    }
    w.roll = j->roll_end != 0;
    w.sync = w.stop || j->flush_until > j->settled;
    if (cm->unsynced_batches > 0) {
        qn_usec due = cm->unsynced_since + j->opt.sync_interval_ms * 1000ull;
        w.sync = w.sync || now >= due;
        *deadline = earlier(*deadline, due);
    } else if (j->queue.head == NULL) {
        w.sync = false;
    }
    return w;
}

static void wait_for_work(struct qn_journal *j, struct work *out)
{
    struct work w;
    qn_usec linger_until = 0;
    qn_mutex_lock(&j->lock);
    for (;;) {
        qn_usec now = qn_now_us(), deadline;
        w = look(j, now, &deadline);
        bool group = j->queue.head != NULL && j->health.code == 0;
        if (group && j->opt.linger_us != 0 && !j->stopping && j->queued_bytes < j->opt.sync_bytes) {
            linger_until = linger_until != 0 ? linger_until : now + j->opt.linger_us;
            group = now >= linger_until;
            deadline = earlier(deadline, linger_until);
        }
        if (group || w.sync || w.probe || w.roll || w.stop)
            break;
        int rc = qn_cond_wait_until(&j->wake, &j->lock, deadline);
        (void)rc; /* the loop looks at the time itself */
    }
    *out = w;
    qn__list_init(&out->group);
    if (j->health.code == 0 && j->queue.head != NULL) {
        out->group = j->queue;
        qn__list_init(&j->queue);
    }
    qn_mutex_unlock(&j->lock);
}

/* Gives the group its sequence numbers and its time, and appends it to what is pending. */
static void place_group(struct qn_journal *j, struct qn_batch_list *group)
{
    struct qn_committer *cm = &j->cm;
    for (struct qn_batch *b; (b = qn__list_pop(group)) != NULL;) {
        b->rec.seq = cm->next_seq;
        b->rec.stamp = qn_hlc_next(&j->hlc);
        cm->next_seq += b->rec.n_ops;
        qn_record_place(b->bytes, b->rec.seq, b->rec.stamp, j->opt.simd);
        cm->waiting += b->ack == QN_ACK_DURABLE;
        qn__list_push(&cm->pending, b);
        if (cm->unwritten == NULL)
            cm->unwritten = b;
    }
}

static void answer(struct qn_batch *b, int rc)
{
    if (b->acked)
        return;
    b->acked = true;
    if (b->done != NULL)
        b->done(b->done_arg, b, rc);
}

/* Syncing. */

static void count_sync(struct qn_journal *j, uint64_t sync_us)
{
    struct qn_committer *cm = &j->cm;
    j->stats.sync_count++;
    j->stats.frame_bytes += cm->unsynced_bytes;
    qn__histogram_add(&j->stats.sync_us, sync_us);
    qn__histogram_add(&j->stats.group_count, cm->unsynced_batches);
}

/* Everything written is durable now: readers may see it, then requests are answered. */
static void publish(struct qn_journal *j, uint64_t sync_us)
{
    struct qn_committer *cm = &j->cm;
    struct qn_batch_list done;
    qn__list_init(&done);
    uint64_t group_bytes = 0;
    qn_mutex_lock(&j->lock);
    count_sync(j, sync_us);
    while (cm->pending.head != cm->unwritten) {
        struct qn_batch *b = qn__list_pop(&cm->pending);
        cm->waiting -= b->ack == QN_ACK_DURABLE;
        group_bytes += b->rec.bytes.n;
        j->settled++;
        j->end = qn_record_end(&b->rec);
        j->stats.appended_ops += b->rec.n_ops;
        qn_buf_release(&b->packed);
        qn__ring_push(&j->ring, qn_batch_ref(b));
        qn__list_push(&done, b);
    }
    j->stats.appended_batches += cm->unsynced_batches;
    j->stats.appended_bytes += group_bytes;
    qn__histogram_add(&j->stats.group_bytes, group_bytes);
    j->queued_bytes -= group_bytes;
    cm->active->end = j->end;
    cm->active->bytes = j->active_bytes = cm->tail;
    for (struct qn_batch *b; (b = qn__ring_evict(&j->ring, j->opt.ring_bytes)) != NULL;)
        qn_vec_push(&cm->evicted, b);
    qn_cond_broadcast(&j->moved);
    qn_mutex_unlock(&j->lock);

    cm->unsynced_bytes = 0;
    cm->unsynced_batches = 0;
    for (size_t i = 0; i < cm->evicted.n; i++)
        qn_batch_unref(cm->evicted.p[i]);
    qn_vec_clear(&cm->evicted);
    for (struct qn_batch *b; (b = qn__list_pop(&done)) != NULL;) {
        answer(b, 0);
        qn_batch_unref(b);
    }
}

static int sync_active(struct qn_journal *j, struct qn_err *err)
{
    struct qn_committer *cm = &j->cm;
    if (cm->unsynced_batches == 0)
        return 0;
    qn_usec start = qn_now_us();
    int rc = qn_fs_sync_data(j->opt.fs, cm->fd);
    if (rc < 0)
        return qn_fail(err, rc, "sync %s: %s", cm->active->name, qn_err_text(rc));
    publish(j, qn_now_us() - start);
    return 0;
}

/* Writing. */

/* Gathers the records of the next frame: *last is the last batch in it. One record alone is not
 * copied. */
static struct qn_str gather(struct qn_committer *cm, struct qn_frame_head *h,
                            struct qn_batch **last)
{
    struct qn_batch *first = cm->unwritten;
    struct qn_str one = first->rec.bytes;
    size_t total = 0;
    qn_buf_clear(&cm->raw);
    for (struct qn_batch *b = first; b != NULL; b = b->next) {
        if (b != first && (b->packed.n != 0 || total + b->rec.bytes.n > QN_FRAME_BYTES))
            break;
        if (b == first->next)
            qn_buf_put_str(&cm->raw, one);
        if (b != first)
            qn_buf_put_str(&cm->raw, b->rec.bytes);
        total += b->rec.bytes.n;
        h->n_ops += b->rec.n_ops;
        h->n_records++;
        h->stamp = b->rec.stamp;
        *last = b;
    }
    return h->n_records == 1 ? one : qn_buf_str(&cm->raw);
}

/* The next frame, in cm->frame. */
static void encode(struct qn_journal *j, struct qn_frame_head *h, struct qn_batch **last)
{
    struct qn_committer *cm = &j->cm;
    struct qn_batch *first = cm->unwritten;
    uint32_t salt = cm->active->salt;
    if (first->packed.n != 0) {
        h->kind = QN_FRAME_ONE;
        h->n_records = 1;
        h->n_ops = first->rec.n_ops;
        h->stamp = first->rec.stamp;
        *last = first;
        qn__frame_encode_one(&cm->frame, h, first->rec.bytes, qn_buf_str(&first->packed), salt,
                             j->opt.simd);
    } else {
        h->kind = QN_FRAME_RECORDS;
        struct qn_str raw = gather(cm, h, last);
        qn__frame_encode(&cm->frame, h, raw, salt, cm->coder, j->opt.simd);
    }
}

static int roll(struct qn_journal *j, struct qn_err *err)
{
    int rc = sync_active(j, err);
    if (rc < 0)
        return rc;
    qn__segment_seal(j);
    return qn__segment_start(j, false, err);
}

static void answer_written(struct qn_batch *from, const struct qn_batch *to)
{
    for (struct qn_batch *b = from; b != to; b = b->next)
        if (b->ack == QN_ACK_WRITTEN)
            answer(b, 0);
}

static int write_frame(struct qn_journal *j, struct qn_err *err)
{
    struct qn_committer *cm = &j->cm;
    int rc = cm->active == NULL ? qn__segment_start(j, false, err) : 0;
    if (rc < 0)
        return rc;
    struct qn_batch *first = cm->unwritten, *last = first;
    struct qn_frame_head h = {.first_seq = first->rec.seq, .durable = j->end};
    encode(j, &h, &last);
    uint64_t span = cm->frame.n;
    if (cm->tail > QN_SEGMENT_HEAD_BYTES && cm->tail + span > j->opt.segment_bytes) {
        rc = roll(j, err);
        if (rc < 0)
            return rc;
        h.durable = j->end;
        qn__frame_head_put(cm->frame.p, &h, cm->active->salt, j->opt.simd);
    }
    rc = qn_fs_write(j->opt.fs, cm->fd, cm->frame.p, cm->frame.n, cm->tail);
    if (rc < 0)
        return qn_fail(err, rc, "write %s: %s", cm->active->name, qn_err_text(rc));
    if (cm->unsynced_batches == 0)
        cm->unsynced_since = qn_now_us();
    cm->tail += span;
    cm->unsynced_bytes += span;
    cm->unsynced_batches += h.n_records;
    cm->unwritten = last->next;
    answer_written(first, cm->unwritten);
    if (cm->frame.cap > 4ull * QN_FRAME_BYTES) /* after a rare long record */
        qn_buf_release(&cm->frame);
    return 0;
}

static int commit_pending(struct qn_journal *j, bool sync, struct qn_err *err)
{
    struct qn_committer *cm = &j->cm;
    int rc = 0;
    while (rc == 0 && cm->unwritten != NULL) {
        rc = write_frame(j, err);
        if (rc == 0 && cm->unsynced_bytes >= j->opt.sync_bytes)
            rc = sync_active(j, err);
    }
    if (rc == 0 && (sync || cm->waiting > 0))
        rc = sync_active(j, err);
    return rc;
}

/* Failing and recovering. */

/* Lock held. */
static void set_health(struct qn_journal *j, int code, const struct qn_err *err)
{
    if ((code != 0) != (j->health.code != 0))
        j->health.since_us = qn_now_us();
    j->health.n_failures += code != 0 && j->health.code == 0;
    j->health.code = code;
    size_t n = code == 0 ? 0 : strnlen(err->msg, sizeof j->health.reason - 1);
    memcpy(j->health.reason, err->msg, n);
    j->health.reason[n] = '\0';
}

/* From now on submits are refused; what waits in the queue or is pending fails with rc. */
static void degrade(struct qn_journal *j, int rc, const struct qn_err *err)
{
    struct qn_committer *cm = &j->cm;
    struct qn_batch_list failed = cm->pending;
    if (failed.head == NULL)
        qn__list_init(&failed);
    qn__list_init(&cm->pending);
    cm->unwritten = NULL;
    cm->waiting = 0;
    qn_mutex_lock(&j->lock);
    for (struct qn_batch *b; (b = qn__list_pop(&j->queue)) != NULL;)
        qn__list_push(&failed, b);
    for (struct qn_batch *b = failed.head; b != NULL; b = b->next) {
        j->settled++;
        j->queued_bytes -= b->rec.bytes.n;
        j->stats.failed_batches += !b->acked && b->ack != QN_ACK_NONE;
        j->stats.lost_batches += b->acked || b->ack == QN_ACK_NONE;
    }
    set_health(j, rc, err);
    j->probe_at = qn_now_us() + j->opt.probe_ms * 1000ull;
    qn_cond_broadcast(&j->moved);
    qn_mutex_unlock(&j->lock);
    QN_LOG(j->opt.log, QN_LOG_ERROR, "journal_degraded", QN_KV_Z("code", qn_err_name(rc)),
           QN_KV_Z("reason", err->msg));
    for (struct qn_batch *b; (b = qn__list_pop(&failed)) != NULL;) {
        answer(b, rc);
        qn_batch_unref(b);
    }
}

/* A failed write or sync makes the segment suspect. Its batches are still in memory, so they get
 * one more chance in a new file before anybody is told no. */
static void commit(struct qn_journal *j, bool sync)
{
    struct qn_err err = {0};
    int rc = commit_pending(j, sync, &err);
    if (rc < 0) {
        QN_LOG(j->opt.log, QN_LOG_ERROR, "journal_write_failed", QN_KV_Z("reason", err.msg));
        qn__segment_abandon(j);
        err = (struct qn_err){0};
        rc = commit_pending(j, true, &err);
    }
    if (rc < 0) {
        qn__segment_abandon(j);
        degrade(j, rc, &err);
    }
}

static void probe(struct qn_journal *j)
{
    struct qn_err err = {0};
    qn_mutex_lock(&j->lock);
    int was = j->health.code;
    qn_mutex_unlock(&j->lock);
    int rc = qn__segment_start(j, was == QN_E_NO_SPACE, &err);
    qn_mutex_lock(&j->lock);
    set_health(j, rc, &err);
    j->probe_at = qn_now_us() + j->opt.probe_ms * 1000ull;
    qn_cond_broadcast(&j->moved);
    qn_mutex_unlock(&j->lock);
    if (rc == 0)
        QN_LOG(j->opt.log, QN_LOG_INFO, "journal_recovered", QN_KV_U64("end", j->end));
}

/* Somebody wants to drop the active segment: seal it if it still ends where they saw it end. */
static void roll_on_request(struct qn_journal *j)
{
    struct qn_committer *cm = &j->cm;
    struct qn_err err = {0};
    qn_mutex_lock(&j->lock);
    uint64_t end = j->roll_end;
    qn_mutex_unlock(&j->lock);
    if (cm->active != NULL && cm->active->end == end && cm->unsynced_batches == 0) {
        qn__segment_seal(j);
        int rc = qn__segment_start(j, false, &err);
        if (rc < 0)
            degrade(j, rc, &err);
    }
    qn_mutex_lock(&j->lock);
    j->roll_end = 0;
    qn_cond_broadcast(&j->moved);
    qn_mutex_unlock(&j->lock);
}

/* The end frame lets the next open tell a damaged last frame from a torn one. */
static void finish(struct qn_journal *j)
{
    struct qn_committer *cm = &j->cm;
    if (cm->active == NULL)
        return;
    struct qn_frame_head h = {.kind = QN_FRAME_END, .first_seq = j->end, .durable = j->end};
    h.stamp = qn_hlc_next(&j->hlc);
    qn__frame_encode(&cm->frame, &h, QN_STR_NONE, cm->active->salt, cm->coder, j->opt.simd);
    int rc = qn_fs_write(j->opt.fs, cm->fd, cm->frame.p, cm->frame.n, cm->tail);
    if (rc == 0) {
        cm->tail += cm->frame.n;
        rc = qn_fs_sync_data(j->opt.fs, cm->fd);
    }
    if (rc < 0)
        QN_LOG(j->opt.log, QN_LOG_WARN, "journal_end_not_written",
               QN_KV_Z("file", cm->active->name), QN_KV_Z("error", qn_err_text(rc)));
    qn__segment_seal(j);
}

void qn__commit_run(void *journal)
{
    struct qn_journal *j = journal;
    for (;;) {
        struct work w;
        wait_for_work(j, &w);
        place_group(j, &w.group);
        if (w.probe)
            probe(j);
        else if (j->cm.pending.head != NULL)
            commit(j, w.sync);
        if (w.roll)
            roll_on_request(j);
        if (w.stop)
            break;
    }
    finish(j);
}
