#include "journal/journal_salvage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "journal_int.h"
#include "os/dirlock.h"

#define COPY_BYTES (1u << 20)

struct part {
    struct qn_segment_head head;
    char name[QN_SEGMENT_NAME_BYTES];
    uint64_t size;
    bool sound;   /* its head is */
    bool patched; /* the head must be written */
    bool saved;   /* a copy was made */
};

struct check {
    struct qn_fs *fs;
    const char *dir;
    const struct qn_simd_ops *simd;
    bool repair;
    qn_journal_finding_fn fn;
    void *arg;
    struct qn_journal_check_result *out;
    struct qn_err *err;
    struct qn_coder *coder;
    QN_VEC(struct part) parts;
    uint8_t id[16];
    bool have_id;
};

static void report(struct check *ck, const struct part *pt, const char *what, uint64_t offset,
                   uint64_t bytes, uint64_t first_seq, uint64_t lost)
{
    struct qn_journal_finding fd = {pt->name, what, offset, bytes, first_seq, lost};
    ck->out->n_findings++;
    ck->out->lost += lost;
    if (ck->fn != NULL)
        ck->fn(ck->arg, &fd);
}

static int fail_io(struct check *ck, const struct part *pt, int rc)
{
    return qn_fail(ck->err, rc, "journal %s/%s: %s", ck->dir, pt->name, qn_err_text(rc));
}

static int open_part(struct check *ck, const struct part *pt)
{
    char *path = qn_path_join(ck->dir, qn_str_of(pt->name));
    unsigned flags = ck->repair ? QN_OPEN_READ | QN_OPEN_WRITE : QN_OPEN_READ;
    int fd = qn_fs_open(ck->fs, path, flags, ck->err);
    free(path);
    return fd;
}

/* Loading: which files there are and what their heads say. */

static int list_part(void *arg, const struct qn_dirent *ent)
{
    struct check *ck = arg;
    uint64_t ordinal;
    if (!qn__segment_parse(ent->name, "", ".qj", &ordinal))
        return 0;
    struct part pt = {.head.ordinal = ordinal};
    qn__segment_name(pt.name, ordinal);
    qn_vec_push(&ck->parts, pt);
    return 0;
}

static int by_ordinal(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    return (x->head.ordinal > y->head.ordinal) - (x->head.ordinal < y->head.ordinal);
}

static int load_part(struct check *ck, struct part *pt)
{
    char bytes[QN_SEGMENT_HEAD_BYTES];
    struct qn_segment_head head;
    struct qn_stat st;
    size_t got = 0;
    int fd = open_part(ck, pt);
    if (fd < 0)
        return fd;
    int rc = qn_fs_fstat(ck->fs, fd, &st);
    if (rc == 0)
        rc = qn_fs_read_some(ck->fs, fd, bytes, sizeof bytes, 0, &got);
    qn_fs_close(ck->fs, fd);
    if (rc < 0)
        return fail_io(ck, pt, rc);
    pt->size = st.size_bytes;
    if (got == sizeof bytes)
        rc = qn__segment_head_get(&head, bytes, ck->simd, NULL);
    if (rc == QN_E_FORMAT_VERSION) /* not damage: a newer Quern wrote it */
        return fail_io(ck, pt, rc);
    pt->sound = got == sizeof bytes && rc == 0 && head.ordinal == pt->head.ordinal &&
                (!ck->have_id || memcmp(head.id, ck->id, sizeof ck->id) == 0);
    if (pt->sound) {
        pt->head = head;
        memcpy(ck->id, head.id, sizeof ck->id);
        ck->have_id = true;
    }
    return 0;
}

/* Writing: always a copy first. */

static int copy_aside(struct check *ck, struct part *pt)
{
    char name[QN_SEGMENT_NAME_BYTES + 8];
    snprintf(name, sizeof name, "%s.bad", pt->name);
    char *from = qn_path_join(ck->dir, qn_str_of(pt->name));
    char *to = qn_path_join(ck->dir, qn_str_of(name));
    char *chunk = qn_xmalloc(COPY_BYTES);
    int in = qn_fs_open(ck->fs, from, QN_OPEN_READ, ck->err), out = -1;
    int rc = in < 0 ? in : 0;
    if (rc == 0) {
        out = qn_fs_open(ck->fs, to, QN_OPEN_WRITE | QN_OPEN_CREATE | QN_OPEN_TRUNC, ck->err);
        rc = out < 0 ? out : 0;
    }
    size_t got = COPY_BYTES;
    for (uint64_t at = 0; rc == 0 && got == COPY_BYTES; at += got) {
        rc = qn_fs_read_some(ck->fs, in, chunk, COPY_BYTES, at, &got);
        if (rc == 0)
            rc = qn_fs_write(ck->fs, out, chunk, got, at);
    }
    if (rc == 0)
        rc = qn_fs_sync(ck->fs, out);
    if (rc < 0)
        fail_io(ck, pt, rc);
    qn_fs_close(ck->fs, in < 0 ? -1 : in);
    qn_fs_close(ck->fs, out < 0 ? -1 : out);
    free(chunk);
    free(from);
    free(to);
    pt->saved = rc == 0;
    return rc;
}

static int patch(struct check *ck, struct part *pt, int fd, const char *p, size_t n, uint64_t at)
{
    int rc = pt->saved ? 0 : copy_aside(ck, pt);
    if (rc < 0)
        return rc;
    rc = qn_fs_write(ck->fs, fd, p, n, at);
    return rc < 0 ? fail_io(ck, pt, rc) : 0;
}

static int patch_gap(struct check *ck, struct part *pt, const struct qn_frame_scan *sc, uint64_t to,
                     uint64_t lost)
{
    char head[QN_FRAME_HEAD_BYTES];
    struct qn_frame_head h = {
        .kind = QN_FRAME_GAP,
        .first_seq = sc->seq,
        .durable = sc->seq,
        .n_ops = (uint32_t)lost,
        .stored_bytes = (uint32_t)(to - sc->at - QN_FRAME_HEAD_BYTES),
    };
    if (!ck->repair)
        return 0;
    qn__frame_head_put(head, &h, sc->salt, ck->simd);
    return patch(ck, pt, sc->fd, head, sizeof head, sc->at);
}

static int cut(struct check *ck, struct part *pt, int fd, uint64_t at)
{
    if (!ck->repair)
        return 0;
    int rc = pt->saved ? 0 : copy_aside(ck, pt);
    if (rc < 0)
        return rc;
    rc = qn_fs_truncate(ck->fs, fd, at);
    return rc < 0 ? fail_io(ck, pt, rc) : 0;
}

/* Walking. */

/* 1 when the frame at sc->at is whole down to its records, 0 when not. */
static int sound_frame(struct check *ck, struct qn_frame_scan *sc, const struct qn_frame_head *h)
{
    struct qn_frame_block *bl;
    int rc = qn__scan_payload(sc, h);
    if (rc <= 0 || !qn__frame_has_records(h))
        return rc;
    if (qn__frame_decode(&bl, h, sc->stored.p, ck->coder, ck->simd, NULL) < 0)
        return 0;
    uint64_t seq = h->first_seq, n = 0;
    for (size_t at = 0; at < bl->n; n++) {
        struct qn_record rec;
        struct qn_str rest = qn_str_make(bl->p + at, bl->n - at);
        if (qn_record_decode(&rec, rest, ck->simd, NULL) < 0 || rec.seq != seq)
            break;
        at += rec.bytes.n;
        seq = qn_record_end(&rec);
    }
    qn__block_unref(bl);
    ck->out->n_records += seq == qn__frame_end(h) ? n : 0;
    return seq == qn__frame_end(h);
}

struct next_frame {
    uint64_t after, seq, limit; /* wanted: offset > after, seq <= first_seq < limit */
    uint64_t at, first_seq;     /* the first one; at 0: nothing */
    uint64_t durable;           /* the most that any head says */
};

static bool is_next(void *arg, uint64_t at, const struct qn_frame_head *h)
{
    struct next_frame *nf = arg;
    if (h->durable > nf->durable)
        nf->durable = h->durable;
    if (nf->at != 0 || at <= nf->after || h->first_seq < nf->seq || h->first_seq >= nf->limit ||
        h->first_seq - nf->seq > UINT32_MAX || at - nf->after > UINT32_MAX ||
        (h->first_seq == nf->seq && h->kind == QN_FRAME_END))
        return true;
    nf->at = at;
    nf->first_seq = h->first_seq;
    return true;
}

/* The damage at sc->at: passes over it (0) or ends the segment there (QN_END). */
static int mend(struct check *ck, struct part *pt, struct qn_frame_scan *sc, uint64_t limit,
                bool last)
{
    struct next_frame nf = {.after = sc->at, .seq = sc->seq, .limit = limit};
    int rc = qn__scan_search(sc, sc->at, is_next, &nf);
    if (rc < 0)
        return fail_io(ck, pt, rc);
    bool torn = last && nf.durable <= sc->seq;
    if (nf.at != 0 && !torn) {
        uint64_t lost = nf.first_seq - sc->seq;
        report(ck, pt, "damaged frames", sc->at, nf.at - sc->at, sc->seq, lost);
        rc = patch_gap(ck, pt, sc, nf.at, lost);
        sc->at = nf.at;
        sc->seq = nf.first_seq;
        return rc;
    }
    uint64_t bytes = sc->limit > sc->at ? sc->limit - sc->at : 0;
    uint64_t to = limit != UINT64_MAX ? limit : nf.durable > sc->seq ? nf.durable : sc->seq;
    report(ck, pt, torn ? "torn tail" : "damaged to its end", sc->at, bytes, sc->seq, to - sc->seq);
    rc = cut(ck, pt, sc->fd, sc->at);
    return rc < 0 ? rc : QN_END;
}

/* Walks frames up to sequence number `limit` (UINT64_MAX: as far as they go), reporting and
 * mending. *end is where the segment's records end now. */
static int walk(struct check *ck, struct part *pt, struct qn_frame_scan *sc, uint64_t limit,
                bool last, uint64_t *end)
{
    int rc = 0;
    while (rc == 0 && sc->seq < limit) {
        struct qn_frame_head h;
        rc = qn__scan_head(sc, &h);
        if (rc > 0)
            rc = sound_frame(ck, sc, &h);
        if (rc < 0)
            return fail_io(ck, pt, rc);
        if (rc > 0) {
            ck->out->n_frames++;
            qn__scan_step(sc, &h);
            rc = 0;
        } else if (sc->at >= sc->limit && limit == UINT64_MAX) {
            rc = QN_END;
        } else {
            rc = mend(ck, pt, sc, limit, last);
        }
    }
    *end = sc->seq < limit ? sc->seq : limit;
    return rc < 0 ? rc : 0;
}

static bool first_found(void *arg, uint64_t at, const struct qn_frame_head *h)
{
    struct next_frame *nf = arg;
    nf->at = at;
    nf->first_seq = h->first_seq;
    return false;
}

/* What a lost head said, as far as its frames and its neighbour tell. */
static int rebuild_head(struct check *ck, struct part *pt, const struct part *prev,
                        uint64_t prev_end, uint64_t end, struct qn_frame_scan *sc)
{
    struct next_frame nf = {0};
    int rc = qn__scan_search(sc, QN_SEGMENT_HEAD_BYTES, first_found, &nf);
    if (rc < 0)
        return fail_io(ck, pt, rc);
    memcpy(pt->head.id, ck->id, sizeof ck->id);
    pt->head.base = nf.at != 0 ? nf.first_seq : end != UINT64_MAX ? end : prev_end;
    pt->head.prev_ordinal = prev != NULL ? prev->head.ordinal : 0;
    pt->head.prev_end = prev != NULL ? prev_end : pt->head.base;
    if (pt->head.prev_end > pt->head.base)
        pt->head.base = pt->head.prev_end;
    report(ck, pt, "damaged head", 0, QN_SEGMENT_HEAD_BYTES, pt->head.prev_end,
           pt->head.base - pt->head.prev_end);
    pt->patched = true;
    return 0;
}

/* Makes the head agree with the segment before it as that one is now. */
static void link_head(struct check *ck, struct part *pt, const struct part *prev, uint64_t prev_end)
{
    if (prev == NULL)
        return;
    if (pt->head.prev_ordinal != prev->head.ordinal) {
        uint64_t lost = pt->head.prev_end > prev_end ? pt->head.prev_end - prev_end : 0;
        report(ck, pt, "segments before it are missing", 0, 0, prev_end, lost);
        pt->head.prev_ordinal = prev->head.ordinal;
        pt->head.prev_end = prev_end < pt->head.base ? prev_end : pt->head.base;
        pt->patched = true;
    } else if (pt->head.prev_end > prev_end) { /* reported when its damage was found */
        pt->head.prev_end = prev_end;
        pt->patched = true;
    }
}

static int check_part(struct check *ck, size_t i, uint64_t prev_end, uint64_t *end)
{
    struct part *pt = &ck->parts.p[i];
    const struct part *prev = i > 0 ? &ck->parts.p[i - 1] : NULL;
    const struct part *next = i + 1 < ck->parts.n ? &ck->parts.p[i + 1] : NULL;
    struct qn_frame_scan sc;
    int fd = open_part(ck, pt);
    if (fd < 0)
        return fd;
    qn__scan_init(&sc, ck->fs, fd, ck->simd);
    sc.salt = qn__segment_salt(ck->id, pt->head.ordinal, ck->simd);
    sc.limit = pt->size;
    /* Without its successor's word a segment's frames are taken as far as they go. */
    bool told = next != NULL && next->sound && next->head.prev_ordinal == pt->head.ordinal;
    uint64_t limit = told ? next->head.prev_end : UINT64_MAX;
    int rc = pt->sound ? 0 : rebuild_head(ck, pt, prev, prev_end, limit, &sc);
    if (rc == 0 && pt->sound)
        link_head(ck, pt, prev, prev_end);
    if (limit < pt->head.base) /* the successor's word makes no sense: see check_all */
        limit = UINT64_MAX;
    sc.at = QN_SEGMENT_HEAD_BYTES;
    sc.seq = pt->head.base;
    ck->out->n_segments++;
    if (rc == 0)
        rc = walk(ck, pt, &sc, limit, next == NULL, end);
    if (rc == 0 && ck->repair && pt->patched) {
        char head[QN_SEGMENT_HEAD_BYTES];
        qn__segment_head_put(head, &pt->head, ck->simd);
        rc = patch(ck, pt, fd, head, sizeof head, 0);
    }
    if (rc == 0 && pt->saved) {
        rc = qn_fs_sync(ck->fs, fd);
        if (rc < 0)
            fail_io(ck, pt, rc);
    }
    qn__scan_release(&sc);
    qn_fs_close(ck->fs, fd);
    return rc;
}

/* A file that is no segment of this journal, or that nothing can be told about. */
static int set_aside(struct check *ck, size_t i, const char *what)
{
    struct part *pt = &ck->parts.p[i];
    int rc = 0;
    report(ck, pt, what, 0, pt->size, 0, 0);
    if (ck->repair) {
        char name[QN_SEGMENT_NAME_BYTES + 8];
        snprintf(name, sizeof name, "%s.bad", pt->name);
        char *from = qn_path_join(ck->dir, qn_str_of(pt->name));
        char *to = qn_path_join(ck->dir, qn_str_of(name));
        rc = qn_fs_rename(ck->fs, from, to, true, ck->err);
        free(from);
        free(to);
    }
    ck->parts.n--;
    memmove(ck->parts.p + i, ck->parts.p + i + 1, (ck->parts.n - i) * sizeof *ck->parts.p);
    return rc;
}

/* Drops what the chain of heads leaves out. */
static int drop_strays(struct check *ck)
{
    int rc = 0;
    if (!ck->have_id)
        while (rc == 0 && ck->parts.n > 0)
            rc = set_aside(ck, ck->parts.n - 1, "no segment of this journal has a sound head");
    for (size_t i = ck->parts.n; rc == 0 && i-- > 1;) {
        const struct part *pt = &ck->parts.p[i], *prev = &ck->parts.p[i - 1];
        if (pt->sound && prev->sound && prev->head.ordinal > pt->head.prev_ordinal)
            rc = set_aside(ck, i - 1, "given up before it was used");
    }
    return rc;
}

static int check_all(struct check *ck)
{
    int rc = qn_fs_list(ck->fs, ck->dir, list_part, ck, ck->err);
    if (rc == 0 && ck->parts.n > 1)
        qsort(ck->parts.p, ck->parts.n, sizeof *ck->parts.p, by_ordinal);
    for (size_t i = 0; rc == 0 && i < ck->parts.n; i++)
        rc = load_part(ck, &ck->parts.p[i]);
    if (rc == 0)
        rc = drop_strays(ck);
    uint64_t end = 1;
    for (size_t i = 0; rc == 0 && i < ck->parts.n;) {
        const struct part *pt = &ck->parts.p[i];
        if (i > 0 && pt->sound && pt->head.prev_end < ck->parts.p[i - 1].head.base)
            rc = set_aside(ck, i, "begins before the segment before it");
        else
            rc = check_part(ck, i++, end, &end);
    }
    if (rc == 0 && ck->repair)
        rc = qn_fs_sync_dir(ck->fs, ck->dir, ck->err);
    return rc;
}

int qn_journal_check(const struct qn_journal_check_options *opt,
                     struct qn_journal_check_result *out, struct qn_err *err)
{
    struct check ck = {.fs = opt->fs,
                       .dir = opt->dir,
                       .simd = opt->simd,
                       .repair = opt->repair,
                       .fn = opt->fn,
                       .arg = opt->arg,
                       .out = out,
                       .err = err};
    memset(out, 0, sizeof *out);
    int lock = qn_dirlock_take(opt->dir, err);
    if (lock < 0)
        return lock;
    ck.coder = qn_coder_new();
    int rc = check_all(&ck);
    qn_coder_free(ck.coder);
    qn_vec_release(&ck.parts);
    qn_dirlock_drop(lock);
    return rc;
}
