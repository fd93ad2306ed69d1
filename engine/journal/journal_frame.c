#include "journal_frame_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "base/mem.h"

#define FRAME_MAGIC 0x31464a51u /* "QJF1" */
#define SEARCH_BYTES (1u << 20)

enum {
    AT_MAGIC = 0,
    AT_HEAD_CRC = 4,
    AT_FIRST_SEQ = 8,
    AT_DURABLE = 16,
    AT_STAMP = 24,
    AT_N_OPS = 32,
    AT_N_RECORDS = 36,
    AT_STORED = 40,
    AT_RAW = 44,
    AT_CRC = 48,
    AT_KIND = 52,
    AT_ZERO = 53,
};

void qn__frame_head_put(char *p, const struct qn_frame_head *h, uint32_t salt,
                        const struct qn_simd_ops *simd)
{
    uint32_t magic = FRAME_MAGIC;
    memset(p, 0, QN_FRAME_HEAD_BYTES);
    memcpy(p + AT_MAGIC, &magic, 4);
    memcpy(p + AT_FIRST_SEQ, &h->first_seq, 8);
    memcpy(p + AT_DURABLE, &h->durable, 8);
    memcpy(p + AT_STAMP, &h->stamp, 8);
    memcpy(p + AT_N_OPS, &h->n_ops, 4);
    memcpy(p + AT_N_RECORDS, &h->n_records, 4);
    memcpy(p + AT_STORED, &h->stored_bytes, 4);
    memcpy(p + AT_RAW, &h->raw_bytes, 4);
    memcpy(p + AT_CRC, &h->crc, 4);
    p[AT_KIND] = (char)h->kind;
    uint32_t crc = simd->crc32c(salt, p + AT_FIRST_SEQ, QN_FRAME_HEAD_BYTES - AT_FIRST_SEQ);
    memcpy(p + AT_HEAD_CRC, &crc, 4);
}

static bool sound_head(const struct qn_frame_head *h)
{
    if (h->first_seq > UINT64_MAX - h->n_ops || h->durable > h->first_seq)
        return false;
    switch (h->kind) {
    case QN_FRAME_RECORDS:
        return h->n_records != 0 && h->n_ops >= h->n_records && h->raw_bytes != 0 &&
               h->raw_bytes <= QN_FRAME_MAX && h->stored_bytes != 0 &&
               h->stored_bytes <= QN_FRAME_MAX + QN_FRAME_ALIGN;
    case QN_FRAME_ONE:
        return h->n_records == 1 && h->n_ops != 0 && h->raw_bytes > QN_RECORD_HEAD_BYTES &&
               h->raw_bytes <= QN_RECORD_MAX && h->stored_bytes > QN_RECORD_HEAD_BYTES &&
               h->stored_bytes <= QN_FRAME_MAX + QN_FRAME_ALIGN;
    case QN_FRAME_GAP:
        return h->n_records == 0 && h->raw_bytes == 0;
    case QN_FRAME_END:
        return h->n_ops == 0 && h->n_records == 0 && h->raw_bytes == 0 && h->stored_bytes == 0;
    }
    return false;
}

bool qn__frame_head_get(struct qn_frame_head *h, const char *p, uint32_t salt,
                        const struct qn_simd_ops *simd)
{
    static const char zero[QN_FRAME_HEAD_BYTES - AT_ZERO];
    if (qn_le32(p + AT_MAGIC) != FRAME_MAGIC)
        return false;
    if (simd->crc32c(salt, p + AT_FIRST_SEQ, QN_FRAME_HEAD_BYTES - AT_FIRST_SEQ) !=
        qn_le32(p + AT_HEAD_CRC))
        return false;
    *h = (struct qn_frame_head){
        .first_seq = qn_le64(p + AT_FIRST_SEQ),
        .durable = qn_le64(p + AT_DURABLE),
        .stamp = qn_le64(p + AT_STAMP),
        .n_ops = qn_le32(p + AT_N_OPS),
        .n_records = qn_le32(p + AT_N_RECORDS),
        .stored_bytes = qn_le32(p + AT_STORED),
        .raw_bytes = qn_le32(p + AT_RAW),
        .crc = qn_le32(p + AT_CRC),
        .kind = (enum qn_frame_kind)(uint8_t)p[AT_KIND],
    };
    return memcmp(p + AT_ZERO, zero, sizeof zero) == 0 && sound_head(h);
}

/* The payload is in place: completes the head before it and the padding after it. */
static void finish(struct qn_buf *out, struct qn_frame_head *h, size_t raw_bytes, uint32_t salt,
                   const struct qn_simd_ops *simd)
{
    h->raw_bytes = (uint32_t)raw_bytes;
    h->stored_bytes = (uint32_t)(out->n - QN_FRAME_HEAD_BYTES);
    h->crc = simd->crc32c(0, out->p + QN_FRAME_HEAD_BYTES, h->stored_bytes);
    qn__frame_head_put(out->p, h, salt, simd);
    qn_buf_align(out, QN_FRAME_ALIGN);
    QN_ASSERT(!out->failed);
}

void qn__frame_encode(struct qn_buf *out, struct qn_frame_head *h, struct qn_str raw, uint32_t salt,
                      struct qn_coder *co, const struct qn_simd_ops *simd)
{
    QN_ASSERT(raw.n <= QN_FRAME_MAX);
    qn_buf_clear(out);
    qn_buf_fill(out, 0, QN_FRAME_HEAD_BYTES);
    if (raw.n != 0)
        qn_block_put(co, out, QN_BLOCK_LZ4, 0, NULL, raw.p, raw.n);
    finish(out, h, raw.n, salt, simd);
}

void qn__frame_encode_one(struct qn_buf *out, struct qn_frame_head *h, struct qn_str record,
                          struct qn_str packed, uint32_t salt, const struct qn_simd_ops *simd)
{
    qn_buf_clear(out);
    qn_buf_fill(out, 0, QN_FRAME_HEAD_BYTES);
    qn_buf_put(out, record.p, QN_RECORD_HEAD_BYTES);
    qn_buf_put_str(out, packed);
    finish(out, h, record.n, salt, simd);
}

struct qn_frame_block *qn__block_ref(struct qn_frame_block *bl)
{
    atomic_fetch_add_explicit(&bl->refs, 1, memory_order_relaxed); /* the caller holds one */
    return bl;
}

void qn__block_unref(struct qn_frame_block *bl)
{
    if (bl == NULL || atomic_fetch_sub_explicit(&bl->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(bl->p);
    free(bl);
}

int qn__frame_decode(struct qn_frame_block **out, const struct qn_frame_head *h, const char *stored,
                     struct qn_coder *co, const struct qn_simd_ops *simd, struct qn_err *err)
{
    struct qn_block_head bh;
    *out = NULL;
    if (simd->crc32c(0, stored, h->stored_bytes) != h->crc)
        return qn_corrupt(err, "frame payload: wrong checksum");
    size_t plain = h->kind == QN_FRAME_ONE ? QN_RECORD_HEAD_BYTES : 0;
    const char *block = stored + plain;
    int rc = qn_block_open(&bh, block, h->stored_bytes - plain, h->raw_bytes - plain, err);
    if (rc < 0)
        return rc;
    if (plain + bh.raw_bytes != h->raw_bytes ||
        plain + bh.head_bytes + bh.stored_bytes != h->stored_bytes)
        return qn_corrupt(err, "frame payload: its length is not what the head says");
    struct qn_frame_block *bl = qn_xcalloc(1, sizeof *bl);
    atomic_init(&bl->refs, 1);
    bl->n = h->raw_bytes;
    bl->p = qn_xaligned(h->raw_bytes);
    memcpy(bl->p, stored, plain);
    rc = qn_block_get(co, bl->p + plain, &bh, NULL, block, err);
    if (rc < 0) {
        qn__block_unref(bl);
        return rc;
    }
    *out = bl;
    return 0;
}

/* Scanning. */

void qn__scan_init(struct qn_frame_scan *sc, struct qn_fs *fs, int fd,
                   const struct qn_simd_ops *simd)
{
    *sc = (struct qn_frame_scan){.fs = fs, .fd = fd, .simd = simd};
    qn_buf_init(&sc->stored, SIZE_MAX); /* a payload fits into its file */
}

void qn__scan_release(struct qn_frame_scan *sc)
{
    qn_buf_release(&sc->stored);
}

int qn__scan_head(struct qn_frame_scan *sc, struct qn_frame_head *h)
{
    char head[QN_FRAME_HEAD_BYTES];
    if (sc->limit < QN_FRAME_HEAD_BYTES || sc->at > sc->limit - QN_FRAME_HEAD_BYTES)
        return 0;
    int rc = qn_fs_read(sc->fs, sc->fd, head, sizeof head, sc->at);
    if (rc < 0)
        return rc == QN_E_TRUNCATED ? 0 : rc;
    return qn__frame_head_get(h, head, sc->salt, sc->simd) && h->first_seq == sc->seq &&
           h->stored_bytes <= sc->limit - sc->at - QN_FRAME_HEAD_BYTES;
}

int qn__scan_payload(struct qn_frame_scan *sc, const struct qn_frame_head *h)
{
    qn_buf_clear(&sc->stored);
    if (h->kind == QN_FRAME_GAP || h->stored_bytes == 0)
        return 1;
    bool roomy = qn_buf_reserve(&sc->stored, h->stored_bytes);
    QN_ASSERT(roomy);
    int rc =
        qn_fs_read(sc->fs, sc->fd, sc->stored.p, h->stored_bytes, sc->at + QN_FRAME_HEAD_BYTES);
    if (rc < 0)
        return rc == QN_E_TRUNCATED ? 0 : rc;
    sc->stored.n = h->stored_bytes;
    return sc->simd->crc32c(0, sc->stored.p, h->stored_bytes) == h->crc;
}

int qn__scan_search(struct qn_frame_scan *sc, uint64_t from,
                    bool (*fn)(void *arg, uint64_t at, const struct qn_frame_head *h), void *arg)
{
    int rc = 0;
    char *chunk = qn_xmalloc(SEARCH_BYTES);
    uint64_t at = (from + QN_FRAME_ALIGN - 1) / QN_FRAME_ALIGN * QN_FRAME_ALIGN;
    while (rc == 0 && at < sc->limit) {
        uint64_t left = sc->limit - at;
        size_t got;
        rc = qn_fs_read_some(sc->fs, sc->fd, chunk, left < SEARCH_BYTES ? left : SEARCH_BYTES, at,
                             &got);
        if (rc < 0 || got < QN_FRAME_HEAD_BYTES)
            break;
        for (size_t i = 0; rc == 0 && i + QN_FRAME_HEAD_BYTES <= got; i += QN_FRAME_ALIGN) {
            struct qn_frame_head h;
            if (qn__frame_head_get(&h, chunk + i, sc->salt, sc->simd) && !fn(arg, at + i, &h))
                rc = QN_END;
        }
        at += got / QN_FRAME_ALIGN * QN_FRAME_ALIGN;
    }
    free(chunk);
    return rc < 0 ? rc : 0;
}
