#include <stdlib.h>
#include <string.h>

#include "journal_int.h"

/* Segments taken out of the journal's list, oldest first. */
struct victims {
    QN_VEC(struct qn_segment *) segments;
    QN_VEC(bool) spare; /* may be kept for reuse: nobody reads it */
    size_t n_gone;      /* removed from the directory */
};

/* When the limit is near and everything in the active segment may go, a new one is begun so that it
 * can: otherwise a journal whose limit is smaller than its segments would stay full. Lock held. */
static void ask_to_roll(struct qn_journal *j, uint64_t below)
{
    uint64_t disk = j->sealed_bytes + j->active_bytes + j->queued_bytes;
    if (j->opt.max_bytes == 0 || disk + j->opt.segment_bytes <= j->opt.max_bytes ||
        below < j->end || j->active_bytes <= QN_SEGMENT_HEAD_BYTES || j->health.code != 0)
        return;
    j->roll_end = j->end;
    qn_cond_signal(&j->wake);
    while (j->roll_end != 0 && !j->stopping)
        qn_cond_wait(&j->moved, &j->lock);
}

/* Lock held. The newest segment stays whatever `below` says: its head and frames are how the next
 * open knows which sequence number comes next. */
static void pick_victims(struct qn_journal *j, uint64_t below, struct victims *v)
{
    size_t n = 0, n_spares = j->spares.n;
    while (n + 1 < j->segments.n && j->segments.p[n]->sealed && j->segments.p[n]->end <= below) {
        struct qn_segment *sg = j->segments.p[n++];
        /* Readers take their reference under this lock, so nobody can come after this look. */
        bool spare = atomic_load_explicit(&sg->refs, memory_order_acquire) == 1 && !sg->suspect &&
                     n_spares < j->opt.n_spares && sg->bytes >= j->opt.segment_bytes / 2;
        n_spares += spare;
        qn_vec_push(&v->segments, sg);
        qn_vec_push(&v->spare, spare);
        j->sealed_bytes -= sg->bytes;
    }
    j->segments.n -= n;
    if (n > 0)
        memmove(j->segments.p, j->segments.p + n, j->segments.n * sizeof *j->segments.p);
}

static int remove_one(struct qn_journal *j, const struct qn_segment *sg, bool spare,
                      struct qn_err *err)
{
    char name[QN_SEGMENT_NAME_BYTES];
    char *path = qn_path_join(j->dir, qn_str_of(sg->name));
    int rc;
    if (spare) {
        qn__spare_name(name, sg->head.ordinal);
        char *to = qn_path_join(j->dir, qn_str_of(name));
        rc = qn_fs_rename(j->opt.fs, path, to, true, err);
        free(to);
    } else {
        rc = qn_fs_unlink(j->opt.fs, path, err);
    }
    free(path);
    return rc == QN_E_NOT_FOUND ? 0 : rc;
}

/* Lock held: what could not be removed stays part of the journal; spares can be used once their new
 * names are durable. */
static void settle_victims(struct qn_journal *j, struct victims *v, int rc)
{
    size_t kept = v->segments.n - v->n_gone;
    qn_vec_reserve(&j->segments, j->segments.n + kept);
    if (kept > 0)
        memmove(j->segments.p + kept, j->segments.p, j->segments.n * sizeof *j->segments.p);
    for (size_t i = 0; i < kept; i++) {
        j->segments.p[i] = v->segments.p[v->n_gone + i];
        j->sealed_bytes += j->segments.p[i]->bytes;
    }
    j->segments.n += kept;
    for (size_t i = 0; i < v->n_gone; i++) {
        if (rc == 0 && v->spare.p[i])
            qn_vec_push(&j->spares, v->segments.p[i]->head.ordinal);
        qn__segment_unref(v->segments.p[i]);
    }
    j->probe_at = v->n_gone > 0 ? qn_now_us() : j->probe_at; /* there is space now */
    qn_cond_signal(&j->wake);
}

int qn_journal_truncate(struct qn_journal *j, uint64_t below, struct qn_err *err)
{
    struct victims v = {0};
    int rc = 0;
    qn_mutex_lock(&j->lock);
    while (j->truncating) /* one at a time, so that the oldest always go first */
        qn_cond_wait(&j->moved, &j->lock);
    j->truncating = true;
    ask_to_roll(j, below);
    pick_victims(j, below, &v);
    qn_mutex_unlock(&j->lock);

    for (size_t i = 0; rc == 0 && i < v.segments.n; i++) {
        rc = remove_one(j, v.segments.p[i], v.spare.p[i], err);
        v.n_gone += rc == 0;
    }
    if (v.n_gone > 0) {
        int synced = qn_fs_sync_dir(j->opt.fs, j->dir, err);
        rc = rc < 0 ? rc : synced;
    }

    qn_mutex_lock(&j->lock);
    settle_victims(j, &v, rc);
    j->truncating = false;
    qn_cond_broadcast(&j->moved);
    qn_mutex_unlock(&j->lock);
    qn_vec_release(&v.segments);
    qn_vec_release(&v.spare);
    return rc;
}
