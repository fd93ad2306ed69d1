#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal_int.h"
#include "os/random.h"

#define MAX_AHEAD_US (300ull * 1000000) /* of a stamp received from another node */

struct listing {
    QN_VEC(uint64_t) segments, spares, temps; /* ordinals */
};

static int list_one(void *arg, const struct qn_dirent *ent)
{
    struct listing *ls = arg;
    uint64_t ordinal;
    if (qn__segment_parse(ent->name, "", ".qj", &ordinal))
        qn_vec_push(&ls->segments, ordinal);
    else if (qn__segment_parse(ent->name, "spare-", ".qj", &ordinal))
        qn_vec_push(&ls->spares, ordinal);
    else if (qn__segment_parse(ent->name, "", ".tmp", &ordinal))
        qn_vec_push(&ls->temps, ordinal);
    return 0;
}

static int by_ordinal(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void drop_file(struct qn_journal *j, const char *name)
{
    char *path = qn_path_join(j->dir, qn_str_of(name));
    int rc = qn_fs_unlink(j->opt.fs, path, NULL);
    if (rc < 0)
        QN_LOG(j->opt.log, QN_LOG_WARN, "journal_leftover_stays", QN_KV_Z("file", name),
               QN_KV_Z("error", qn_err_text(rc)));
    free(path);
}

static void sort_leftovers(struct qn_journal *j, const struct listing *ls)
{
    char name[QN_SEGMENT_NAME_BYTES];
    for (size_t i = 0; i < ls->temps.n; i++) {
        qn__tmp_name(name, ls->temps.p[i]);
        drop_file(j, name);
    }
    for (size_t i = 0; i < ls->spares.n; i++) {
        qn__spare_name(name, ls->spares.p[i]);
        if (j->spares.n < j->opt.n_spares)
            qn_vec_push(&j->spares, ls->spares.p[i]);
        else
            drop_file(j, name);
    }
}

static int open_segment(struct qn_journal *j, const char *name, unsigned flags, uint64_t *size,
                        struct qn_err *err)
{
    struct qn_stat st;
    char *path = qn_path_join(j->dir, qn_str_of(name));
    int fd = qn_fs_open(j->opt.fs, path, flags, err);
    int rc = fd < 0 ? fd : qn_fs_fstat(j->opt.fs, fd, &st);
    if (rc < 0) {
        qn_fail(err, rc, "stat %s: %s", path, qn_err_text(rc));
        qn_fs_close(j->opt.fs, fd < 0 ? -1 : fd);
        fd = rc;
    } else {
        *size = st.size_bytes;
    }
    free(path);
    return fd;
}

static int load_head(struct qn_journal *j, uint64_t ordinal, struct qn_err *err)
{
    char name[QN_SEGMENT_NAME_BYTES], bytes[QN_SEGMENT_HEAD_BYTES];
    struct qn_segment_head head;
    uint64_t size;
    qn__segment_name(name, ordinal);
    int fd = open_segment(j, name, QN_OPEN_READ, &size, err);
    if (fd < 0)
        return fd;
    int rc = qn_fs_read(j->opt.fs, fd, bytes, sizeof bytes, 0);
    qn_fs_close(j->opt.fs, fd);
    if (rc == QN_E_TRUNCATED)
        rc = qn_corrupt(err, "the file is too short for a segment head");
    else if (rc < 0)
        qn_fail(err, rc, "%s", qn_err_text(rc));
    if (rc == 0)
        rc = qn__segment_head_get(&head, bytes, j->opt.simd, err);
    if (rc == 0 && head.ordinal != ordinal)
        rc = qn_corrupt(err, "the head says segment %llu", (unsigned long long)head.ordinal);
    if (rc == 0 && j->segments.n > 0 && memcmp(head.id, j->id, sizeof j->id) != 0)
        rc = qn_corrupt(err, "the segment belongs to another journal");
    if (rc < 0) {
        qn_err_prefix(err, "journal %s/%s: offset 0: ", j->dir, name);
        return rc;
    }
    memcpy(j->id, head.id, sizeof j->id);
    struct qn_segment *sg = qn__segment_new(&head, j->opt.simd);
    sg->sealed = true;
    sg->bytes = size;
    qn_vec_push(&j->segments, sg);
    return 0;
}

/* A segment that its successor does not name was given up before anything was written to it. */
static int drop_orphan(struct qn_journal *j, size_t i, struct qn_err *err)
{
    struct qn_segment *sg = j->segments.p[i];
    struct qn_frame_scan sc;
    struct qn_frame_head h;
    int fd = open_segment(j, sg->name, QN_OPEN_READ, &sg->bytes, err);
    if (fd < 0)
        return fd;
    qn__scan_init(&sc, j->opt.fs, fd, j->opt.simd);
    sc.salt = sg->salt;
    sc.at = QN_SEGMENT_HEAD_BYTES;
    sc.limit = sg->bytes;
    sc.seq = sg->head.base;
    int rc = qn__scan_head(&sc, &h);
    qn__scan_release(&sc);
    qn_fs_close(j->opt.fs, fd);
    if (rc > 0)
        return qn_corrupt(err, "journal %s/%s: offset 0: segment %llu does not follow it", j->dir,
                          sg->name, (unsigned long long)j->segments.p[i + 1]->head.ordinal);
    if (rc < 0)
        return qn_fail(err, rc, "journal %s/%s: %s", j->dir, sg->name, qn_err_text(rc));
    drop_file(j, sg->name);
    qn__segment_unref(sg);
    j->segments.n--;
    memmove(j->segments.p + i, j->segments.p + i + 1, (j->segments.n - i) * sizeof *j->segments.p);
    return 0;
}

/* Each segment names the one before it, and says where the records of that one end. */
static int check_chain(struct qn_journal *j, struct qn_err *err)
{
    for (size_t i = j->segments.n; i-- > 1;) {
        struct qn_segment *sg = j->segments.p[i], *prev = j->segments.p[i - 1];
        if (prev->head.ordinal > sg->head.prev_ordinal) {
            int rc = drop_orphan(j, i - 1, err);
            if (rc < 0)
                return rc;
            continue; /* i - 1 is now sg itself */
        }
        if (prev->head.ordinal < sg->head.prev_ordinal)
            return qn_corrupt(err,
                              "journal %s/%s: offset 0: segment %016llx.qj before it is missing",
                              j->dir, sg->name, (unsigned long long)sg->head.prev_ordinal);
        if (sg->head.prev_end < prev->head.base)
            return qn_corrupt(err,
                              "journal %s/%s: offset 48: it begins before the segment before it",
                              j->dir, sg->name);
        prev->end = sg->head.prev_end;
        prev->suspect = sg->head.prev_suspect;
    }
    return 0;
}

static bool later_durable(void *arg, uint64_t at, const struct qn_frame_head *h)
{
    uint64_t *durable = arg;
    (void)at;
    if (h->durable > *durable)
        *durable = h->durable;
    return true;
}

/* Walks the frames of the last segment: on return sc->at is where they end. */
static int walk_last(struct qn_frame_scan *sc, uint64_t *stamp)
{
    struct qn_frame_head h;
    int rc;
    while ((rc = qn__scan_head(sc, &h)) > 0 && (rc = qn__scan_payload(sc, &h)) > 0) {
        *stamp = h.stamp > *stamp ? h.stamp : *stamp;
        qn__scan_step(sc, &h);
    }
    return rc;
}

static int recover_last(struct qn_journal *j, struct qn_journal_report *report, uint64_t *stamp,
                        struct qn_err *err)
{
    struct qn_segment *sg = j->segments.p[j->segments.n - 1];
    struct qn_frame_scan sc;
    int fd = open_segment(j, sg->name, QN_OPEN_READ | QN_OPEN_WRITE, &sg->bytes, err);
    if (fd < 0)
        return fd;
    qn__scan_init(&sc, j->opt.fs, fd, j->opt.simd);
    sc.salt = sg->salt;
    sc.at = QN_SEGMENT_HEAD_BYTES;
    sc.limit = sg->bytes;
    sc.seq = sg->head.base;
    int rc = walk_last(&sc, stamp);
    uint64_t durable = 0;
    if (rc == 0 && sc.at < sc.limit)
        rc = qn__scan_search(&sc, sc.at, later_durable, &durable);
    if (rc == 0 && durable > sc.seq)
        rc =
            qn_corrupt(err, "journal %s/%s: offset %llu: damaged; records %llu to %llu were synced",
                       j->dir, sg->name, (unsigned long long)sc.at, (unsigned long long)sc.seq,
                       (unsigned long long)durable - 1);
    if (rc == 0 && sc.at < sc.limit) {
        report->cut_bytes = sc.limit - sc.at;
        report->cut_offset = sc.at;
        snprintf(report->cut_file, sizeof report->cut_file, "%s", sg->name);
        QN_LOG(j->opt.log, QN_LOG_WARN, "journal_tail_cut", QN_KV_Z("file", sg->name),
               QN_KV_U64("offset", sc.at), QN_KV_U64("bytes", report->cut_bytes));
        rc = qn_fs_truncate(j->opt.fs, fd, sc.at);
    }
    if (rc == 0) /* what the last process wrote may be in the page cache only */
        rc = qn_fs_sync(j->opt.fs, fd);
    if (rc < 0)
        qn_fail(err, rc, "journal %s/%s: %s", j->dir, sg->name, qn_err_text(rc));
    sg->end = sc.seq;
    sg->bytes = sc.at;
    qn__scan_release(&sc);
    qn_fs_close(j->opt.fs, fd);
    return rc;
}

static int load(struct qn_journal *j, const struct listing *ls, struct qn_journal_report *report,
                struct qn_err *err)
{
    uint64_t stamp = 0;
    j->end = 1;
    j->cm.next_ordinal = 1;
    for (size_t i = 0; i < ls->segments.n; i++) {
        int rc = load_head(j, ls->segments.p[i], err);
        if (rc < 0)
            return rc;
        j->cm.next_ordinal = ls->segments.p[i] + 1;
    }
    if (j->segments.n == 0) {
        qn_random_bytes(j->id, sizeof j->id);
    } else {
        struct qn_segment *last = j->segments.p[j->segments.n - 1];
        stamp = last->head.stamp;
        int rc = check_chain(j, err);
        if (rc == 0)
            rc = recover_last(j, report, &stamp, err);
        if (rc < 0)
            return rc;
        j->end = last->end;
    }
    for (size_t i = 0; i < j->segments.n; i++)
        j->sealed_bytes += j->segments.p[i]->bytes;
    j->cm.next_seq = j->end;
    qn_hlc_init(&j->hlc, j->opt.clock, MAX_AHEAD_US, stamp);
    report->n_segments = j->segments.n;
    report->first = j->segments.n > 0 ? j->segments.p[0]->head.base : j->end;
    report->end = j->end;
    return 0;
}

int qn__journal_scan(struct qn_journal *j, struct qn_journal_report *report, struct qn_err *err)
{
    struct listing ls = {0};
    int rc = qn_fs_list(j->opt.fs, j->dir, list_one, &ls, err);
    if (rc == 0) {
        if (ls.segments.n > 1)
            qsort(ls.segments.p, ls.segments.n, sizeof *ls.segments.p, by_ordinal);
        rc = load(j, &ls, report, err);
    }
    if (rc == 0)
        sort_leftovers(j, &ls);
    qn_vec_release(&ls.segments);
    qn_vec_release(&ls.spares);
    qn_vec_release(&ls.temps);
    return rc;
}
