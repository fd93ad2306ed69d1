#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "journal_int.h"

struct qn_journal_reader {
    struct qn_journal *j;
    uint64_t at;           /* position of the next batch */
    struct qn_segment *sg; /* the segment being read from disk, or NULL; holds a reference */
    uint64_t sg_end;       /* what of it may be read, as of the last look */
    int fd;
    struct qn_frame_scan scan;
    struct qn_coder *coder;
    struct qn_frame_block *block; /* the frame being handed out */
    uint64_t block_offset;        /* of that frame in its file */
    size_t block_at;
    uint64_t block_seq; /* of the record at block_at */
    uint64_t block_end; /* sequence number after the frame */
    struct qn_err broken;
};

static void leave_disk(struct qn_journal_reader *rd)
{
    qn__block_unref(rd->block);
    rd->block = NULL;
    qn_fs_close(rd->j->opt.fs, rd->fd);
    rd->fd = -1;
    qn__segment_unref(rd->sg);
    rd->sg = NULL;
}

int qn_journal_reader_open(struct qn_journal_reader **out, struct qn_journal *j, uint64_t from,
                           struct qn_err *err)
{
    *out = NULL;
    qn_mutex_lock(&j->lock);
    uint64_t first = j->segments.n > 0 ? j->segments.p[0]->head.base : j->end, end = j->end;
    bool fits = from >= first && from <= end;
    j->n_readers += fits;
    qn_mutex_unlock(&j->lock);
    if (!fits)
        return qn_fail(err, from < first ? QN_E_NOT_FOUND : QN_E_RANGE,
                       "journal position %llu: it holds %llu to %llu", (unsigned long long)from,
                       (unsigned long long)first, (unsigned long long)end);
    struct qn_journal_reader *rd = qn_xcalloc(1, sizeof *rd);
    rd->j = j;
    rd->at = from;
    rd->fd = -1;
    rd->coder = qn_coder_new();
    qn__scan_init(&rd->scan, j->opt.fs, -1, j->opt.simd);
    *out = rd;
    return 0;
}

void qn_journal_reader_close(struct qn_journal_reader *rd)
{
    if (rd == NULL)
        return;
    leave_disk(rd);
    qn__scan_release(&rd->scan);
    qn_coder_free(rd->coder);
    qn_mutex_lock(&rd->j->lock);
    rd->j->n_readers--;
    qn_mutex_unlock(&rd->j->lock);
    free(rd);
}

uint64_t qn_journal_reader_at(const struct qn_journal_reader *rd)
{
    return rd->at;
}

/* The segment that holds rd->at, or the first after it. Lock held. */
static struct qn_segment *find_segment(const struct qn_journal *j, uint64_t at)
{
    size_t lo = 0, hi = j->segments.n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (j->segments.p[mid]->end > at)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo < j->segments.n ? j->segments.p[lo] : NULL;
}

/* Decides where the next batch comes from: 0 and *b from memory; 0 and *b NULL: from disk, rd->sg
 * is the segment; QN_END; QN_E_NOT_FOUND. */
static int choose(struct qn_journal_reader *rd, struct qn_batch **b, bool *moved)
{
    struct qn_journal *j = rd->j;
    int rc = 0;
    *b = NULL;
    *moved = false;
    qn_mutex_lock(&j->lock);
    struct qn_batch *recent = qn__ring_find(&j->ring, rd->at);
    if (rd->at >= j->end) {
        rc = QN_END;
    } else if (recent != NULL) {
        *b = qn_batch_ref(recent);
        j->stats.ring_reads++;
    } else {
        struct qn_segment *sg =
            rd->sg != NULL && rd->at < rd->sg->end ? rd->sg : find_segment(j, rd->at);
        if (sg == NULL || (sg == j->segments.p[0] && rd->at < sg->head.base)) {
            rc = QN_E_NOT_FOUND;
        } else if (sg != rd->sg) {
            qn__segment_ref(sg);
            *moved = true;
            struct qn_segment *old = rd->sg;
            rd->sg = sg;
            qn__segment_unref(old);
        }
        j->stats.disk_reads += rc == 0;
        rd->sg_end = rc == 0 ? sg->end : 0;
        rd->scan.limit = rc == 0 ? sg->bytes : 0;
    }
    qn_mutex_unlock(&j->lock);
    return rc;
}

static int broken(struct qn_journal_reader *rd, uint64_t offset, struct qn_err *err)
{
    if (rd->broken.code == 0)
        qn_corrupt(&rd->broken, "damaged; the next record is %llu",
                   (unsigned long long)rd->scan.seq);
    qn_err_prefix(&rd->broken, "journal %s/%s: offset %llu: ", rd->j->dir, rd->sg->name,
                  (unsigned long long)offset);
    if (err != NULL && err->code == 0)
        *err = rd->broken;
    return rd->broken.code;
}

static int open_file(struct qn_journal_reader *rd, struct qn_err *err)
{
    struct qn_journal *j = rd->j;
    qn_fs_close(j->opt.fs, rd->fd);
    char *path = qn_path_join(j->dir, qn_str_of(rd->sg->name));
    rd->fd = qn_fs_open(j->opt.fs, path, QN_OPEN_READ, err);
    free(path);
    if (rd->fd < 0) {
        int rc = rd->fd;
        leave_disk(rd);
        return rc;
    }
    rd->scan.fd = rd->fd;
    rd->scan.salt = rd->sg->salt;
    rd->scan.at = QN_SEGMENT_HEAD_BYTES;
    rd->scan.seq = rd->sg->head.base;
    return 0;
}

static int io_failed(struct qn_journal_reader *rd, int rc, struct qn_err *err)
{
    return qn_fail(err, rc, "journal %s/%s: offset %llu: %s", rd->j->dir, rd->sg->name,
                   (unsigned long long)rd->scan.at, qn_err_text(rc));
}

/* Loads the next frame that reaches beyond rd->at, hopping over the heads of those before it. 0, or
 * QN_END when the segment holds no more. */
static int load_frame(struct qn_journal_reader *rd, struct qn_err *err)
{
    struct qn_frame_scan *sc = &rd->scan;
    while (sc->seq < rd->sg_end) {
        struct qn_frame_head h;
        int rc = qn__scan_head(sc, &h);
        if (rc < 0)
            return io_failed(rd, rc, err);
        if (rc == 0)
            return broken(rd, sc->at, err);
        if (h.kind == QN_FRAME_GAP && qn__frame_end(&h) > rd->at) {
            QN_LOG(rd->j->opt.log, QN_LOG_WARN, "journal_gap_passed", QN_KV_Z("file", rd->sg->name),
                   QN_KV_U64("seq", h.first_seq), QN_KV_U64("lost", h.n_ops));
            rd->at = qn__frame_end(&h);
        }
        if (!qn__frame_has_records(&h) || qn__frame_end(&h) <= rd->at) {
            qn__scan_step(sc, &h);
            continue;
        }
        rc = qn__scan_payload(sc, &h);
        if (rc < 0)
            return io_failed(rd, rc, err);
        if (rc == 0 ||
            qn__frame_decode(&rd->block, &h, sc->stored.p, rd->coder, sc->simd, &rd->broken) < 0)
            return broken(rd, sc->at, err);
        rd->block_offset = sc->at;
        rd->block_at = 0;
        rd->block_seq = h.first_seq;
        rd->block_end = qn__frame_end(&h);
        qn__scan_step(sc, &h);
        return 0;
    }
    return QN_END;
}

/* The next record of the frame in hand that reaches beyond rd->at: 0, or QN_END after its last. */
static int next_record(struct qn_journal_reader *rd, struct qn_batch **out, struct qn_err *err)
{
    struct qn_frame_block *bl = rd->block;
    while (rd->block_at < bl->n) {
        struct qn_record rec;
        struct qn_str rest = qn_str_make(bl->p + rd->block_at, bl->n - rd->block_at);
        int rc = qn_record_decode(&rec, rest, rd->j->opt.simd, &rd->broken);
        if (rc < 0)
            return broken(rd, rd->block_offset, err);
        if (rec.seq != rd->block_seq || qn_record_end(&rec) > rd->block_end) {
            qn_corrupt(&rd->broken, "record %llu where %llu belongs", (unsigned long long)rec.seq,
                       (unsigned long long)rd->block_seq);
            return broken(rd, rd->block_offset, err);
        }
        rd->block_at += rec.bytes.n;
        rd->block_seq = qn_record_end(&rec);
        if (qn_record_end(&rec) <= rd->at)
            continue;
        rd->at = qn_record_end(&rec);
        *out = qn__batch_view(&rec, bl);
        return 0;
    }
    if (rd->block_seq != rd->block_end) {
        qn_corrupt(&rd->broken, "the frame ends at %llu, its head says %llu",
                   (unsigned long long)rd->block_seq, (unsigned long long)rd->block_end);
        return broken(rd, rd->block_offset, err);
    }
    qn__block_unref(bl);
    rd->block = NULL;
    return QN_END;
}

int qn_journal_reader_next(struct qn_journal_reader *rd, struct qn_batch **out, struct qn_err *err)
{
    *out = NULL;
    for (;;) {
        if (rd->broken.code != 0) {
            if (err != NULL && err->code == 0)
                *err = rd->broken;
            return rd->broken.code;
        }
        int rc = rd->block != NULL ? next_record(rd, out, err) : QN_END;
        if (rc != QN_END)
            return rc;
        bool moved;
        rc = choose(rd, out, &moved);
        if (rc == QN_E_NOT_FOUND)
            return qn_fail(err, rc, "journal position %llu was truncated",
                           (unsigned long long)rd->at);
        if (rc != 0)
            return rc;
        if (*out != NULL) {
            rd->at = qn_record_end(&(*out)->rec);
            leave_disk(rd);
            return 0;
        }
        if (moved || rd->fd < 0)
            rc = open_file(rd, err);
        if (rc == 0)
            rc = load_frame(rd, err);
        if (rc < 0)
            return rc;
        if (rc == QN_END && rd->at < rd->sg_end)
            rd->at = rd->sg_end; /* only a gap was left in it */
    }
}
