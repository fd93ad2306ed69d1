#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal_int.h"

static uint64_t take_spare(struct qn_journal *j)
{
    uint64_t ordinal = 0;
    qn_mutex_lock(&j->lock);
    if (j->spares.n > 0)
        ordinal = j->spares.p[--j->spares.n];
    qn_mutex_unlock(&j->lock);
    return ordinal;
}

/* Opens the file that becomes the next segment: a spare when there is one, else a new one. Its name
 * so far is left in `name`. */
static int open_file(struct qn_journal *j, uint64_t ordinal, char name[QN_SEGMENT_NAME_BYTES],
                     bool *recycled, struct qn_err *err)
{
    uint64_t spare = take_spare(j);
    *recycled = spare != 0;
    if (spare != 0) {
        qn__spare_name(name, spare);
        char *path = qn_path_join(j->dir, qn_str_of(name));
        int fd = qn_fs_open(j->opt.fs, path, QN_OPEN_WRITE, NULL);
        free(path);
        if (fd >= 0)
            return fd;
        *recycled = false; /* somebody removed it: no reason to stop */
    }
    qn__tmp_name(name, ordinal);
    char *path = qn_path_join(j->dir, qn_str_of(name));
    int fd = qn_fs_open(j->opt.fs, path, QN_OPEN_WRITE | QN_OPEN_CREATE | QN_OPEN_TRUNC, err);
    free(path);
    return fd;
}

static int write_head(struct qn_journal *j, int fd, const struct qn_segment_head *head,
                      bool reserve, struct qn_err *err)
{
    char bytes[QN_SEGMENT_HEAD_BYTES];
    qn__segment_head_put(bytes, head, j->opt.simd);
    int rc = 0;
    if (reserve)
        rc = qn_fs_reserve(j->opt.fs, fd, 0, j->opt.segment_bytes);
    if (rc == 0)
        rc = qn_fs_write(j->opt.fs, fd, bytes, sizeof bytes, 0);
    if (rc == 0)
        rc = qn_fs_sync(j->opt.fs, fd);
    if (rc < 0)
        qn_fail(err, rc, "new segment %016llx.qj: %s", (unsigned long long)head->ordinal,
                qn_err_text(rc));
    return rc;
}

/* Adopts the file under its final name; until then a crash leaves only something to clean up. */
static int name_file(struct qn_journal *j, const char *from, const char *to, struct qn_err *err)
{
    char *a = qn_path_join(j->dir, qn_str_of(from)), *b = qn_path_join(j->dir, qn_str_of(to));
    int rc = qn_fs_rename(j->opt.fs, a, b, false, err);
    if (rc == 0) {
        rc = qn_fs_sync_dir(j->opt.fs, j->dir, err);
        if (rc < 0 && qn_fs_unlink(j->opt.fs, b, NULL) < 0)
            QN_LOG(j->opt.log, QN_LOG_WARN, "journal_orphan_left", QN_KV_Z("file", to));
    } else if (qn_fs_unlink(j->opt.fs, a, NULL) < 0) {
        QN_LOG(j->opt.log, QN_LOG_WARN, "journal_orphan_left", QN_KV_Z("file", from));
    }
    free(a);
    free(b);
    return rc;
}

static struct qn_segment_head next_head(struct qn_journal *j)
{
    struct qn_committer *cm = &j->cm;
    struct qn_segment_head head = {
        .ordinal = cm->next_ordinal++,
        .prev_end = j->end,
        .base = cm->pending.head != NULL ? cm->pending.head->rec.seq : cm->next_seq,
        .stamp = qn_hlc_next(&j->hlc),
    };
    memcpy(head.id, j->id, sizeof head.id);
    qn_mutex_lock(&j->lock);
    if (j->segments.n > 0) {
        const struct qn_segment *prev = j->segments.p[j->segments.n - 1];
        head.prev_ordinal = prev->head.ordinal;
        head.prev_suspect = prev->suspect;
    }
    qn_mutex_unlock(&j->lock);
    return head;
}

int qn__segment_start(struct qn_journal *j, bool reserve, struct qn_err *err)
{
    QN_ASSERT(j->cm.active == NULL);
    struct qn_segment_head head = next_head(j);
    struct qn_segment *sg = qn__segment_new(&head, j->opt.simd);
    char name[QN_SEGMENT_NAME_BYTES];
    bool recycled;
    int fd = open_file(j, head.ordinal, name, &recycled, err);
    int rc = fd < 0 ? fd : write_head(j, fd, &head, reserve, err);
    if (rc == 0) {
        rc = name_file(j, name, sg->name, err);
    } else if (fd >= 0) {
        char *path = qn_path_join(j->dir, qn_str_of(name));
        if (qn_fs_unlink(j->opt.fs, path, NULL) < 0)
            QN_LOG(j->opt.log, QN_LOG_WARN, "journal_orphan_left", QN_KV_Z("file", name));
        free(path);
    }
    if (rc < 0) {
        qn_fs_close(j->opt.fs, fd < 0 ? -1 : fd);
        qn__segment_unref(sg);
        return rc;
    }
    struct qn_committer *cm = &j->cm;
    cm->active = sg;
    cm->fd = fd;
    cm->tail = QN_SEGMENT_HEAD_BYTES;
    qn_mutex_lock(&j->lock);
    qn_vec_push(&j->segments, sg);
    j->active_bytes = QN_SEGMENT_HEAD_BYTES;
    j->stats.recycled_segments += recycled;
    qn_cond_broadcast(&j->moved);
    qn_mutex_unlock(&j->lock);
    return 0;
}

/* Cuts what lies after `bytes` off the active file, closes it and marks it sealed. Whether the cut
 * happens, or survives a crash, does not matter: what comes after a segment's end is never read
 * once a later segment says where that end is. */
static void put_down(struct qn_journal *j, uint64_t bytes, bool suspect)
{
    struct qn_committer *cm = &j->cm;
    struct qn_segment *sg = cm->active;
    int rc = qn_fs_truncate(j->opt.fs, cm->fd, bytes);
    if (rc < 0)
        QN_LOG(j->opt.log, QN_LOG_WARN, "journal_segment_not_cut", QN_KV_Z("file", sg->name),
               QN_KV_Z("error", qn_err_text(rc)));
    qn_fs_close(j->opt.fs, cm->fd);
    cm->fd = -1;
    cm->active = NULL;
    qn_mutex_lock(&j->lock);
    sg->sealed = true;
    sg->suspect = suspect;
    j->sealed_bytes += sg->bytes;
    j->active_bytes = 0;
    qn_cond_broadcast(&j->moved);
    qn_mutex_unlock(&j->lock);
}

void qn__segment_seal(struct qn_journal *j)
{
    QN_ASSERT(j->cm.unsynced_batches == 0);
    put_down(j, j->cm.tail, false);
}

void qn__segment_abandon(struct qn_journal *j)
{
    struct qn_committer *cm = &j->cm;
    if (cm->active == NULL)
        return;
    QN_LOG(j->opt.log, QN_LOG_ERROR, "journal_segment_suspect", QN_KV_Z("file", cm->active->name),
           QN_KV_U64("durable_bytes", cm->active->bytes), QN_KV_U64("durable_end", j->end));
    put_down(j, cm->active->bytes, true);
    cm->unwritten = cm->pending.head;
    cm->unsynced_bytes = 0;
    cm->unsynced_batches = 0;
    qn_mutex_lock(&j->lock);
    j->stats.suspect_segments++;
    qn_mutex_unlock(&j->lock);
}
