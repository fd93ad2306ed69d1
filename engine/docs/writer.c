#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/mem.h"
#include "base/vec.h"
#include "docs/docs.h"
#include "docs/shred.h"
#include "docs_int.h"

#include "reader_int.h"

struct qn_docs_writer {
    struct qn_docs_options op;
    const struct qn_simd_ops *simd;
    struct qn_sink *sk;
    uint64_t start; /* of the section in the sink */
    struct qn_shredder *shredder;
    ZSTD_CCtx *zstd;
    struct qn_buf payload, block;
    QN_VEC(uint32_t) first_row;
    QN_VEC(uint64_t) offset;
    QN_VEC(uint64_t) map_offset;
    uint32_t n_rows;
    uint64_t raw_bytes;
    uint32_t *map; /* NULL: documents are rows */
    uint32_t n_map;
};

struct qn_docs_writer *qn_docs_writer_new(const struct qn_docs_options *op,
                                          const struct qn_simd_ops *simd, struct qn_sink *sk)
{
    struct qn_docs_writer *wr = qn_xcalloc(1, sizeof *wr);
    wr->op = *op;
    if (wr->op.level == 0)
        wr->op.level = 1;
    if (wr->op.block_bytes == 0)
        wr->op.block_bytes = 256 << 10;
    if (wr->op.block_docs == 0)
        wr->op.block_docs = 512;
    if (wr->op.block_docs > QN_DOCS_BLOCK_DOCS)
        wr->op.block_docs = QN_DOCS_BLOCK_DOCS;
    wr->simd = simd;
    wr->sk = sk;
    wr->start = sk->at;
    wr->shredder = qn_shredder_new();
    wr->zstd = ZSTD_createCCtx();
    QN_ASSERT(wr->zstd != NULL);
    ZSTD_CCtx_setParameter(wr->zstd, ZSTD_c_compressionLevel, wr->op.level);
    qn_buf_init(&wr->payload, SIZE_MAX);
    qn_buf_init(&wr->block, SIZE_MAX);
    return wr;
}

void qn_docs_writer_free(struct qn_docs_writer *wr)
{
    if (wr == NULL)
        return;
    qn_shredder_free(wr->shredder);
    ZSTD_freeCCtx(wr->zstd);
    qn_buf_release(&wr->payload);
    qn_buf_release(&wr->block);
    qn_vec_release(&wr->first_row);
    qn_vec_release(&wr->offset);
    qn_vec_release(&wr->map_offset);
    free(wr->map);
    free(wr);
}

uint64_t qn_docs_writer_raw_bytes(const struct qn_docs_writer *wr)
{
    return wr->raw_bytes;
}

static void note_block(struct qn_docs_writer *wr, uint32_t n_docs)
{
    qn_vec_push(&wr->first_row, wr->n_rows);
    qn_vec_push(&wr->offset, wr->sk->at - wr->start);
    wr->n_rows += n_docs;
}

static void compress_block(struct qn_docs_writer *wr, uint32_t n_docs)
{
    struct qn_buf *b = &wr->block;
    size_t bound = ZSTD_compressBound(wr->payload.n);
    uint8_t codec = QN__DOCS_ZSTD;
    qn_buf_clear(b);
    qn_buf_put_u32(b, 0);
    qn_buf_put_u32(b, (uint32_t)wr->payload.n);
    qn_buf_put_u16(b, (uint16_t)n_docs);
    qn_buf_put_u16(b, 0);
    qn_buf_reserve(b, bound);
    size_t n =
        ZSTD_compress2(wr->zstd, b->p + QN__DOCS_HEADER, bound, wr->payload.p, wr->payload.n);
    if (ZSTD_isError(n) || n >= wr->payload.n) {
        codec = QN__DOCS_STORED;
        n = wr->payload.n;
        memcpy(b->p + QN__DOCS_HEADER, wr->payload.p, n);
    }
    b->n = QN__DOCS_HEADER + n;
    b->p[10] = (char)codec;
    uint32_t crc = wr->simd->crc32c(0, b->p + 4, b->n - 4);
    memcpy(b->p, &crc, sizeof crc);
}

static void flush_block(struct qn_docs_writer *wr)
{
    uint32_t n_docs = qn_shredder_docs(wr->shredder);
    if (n_docs == 0)
        return;
    qn_buf_clear(&wr->payload);
    qn_shredder_finish(wr->shredder, &wr->payload);
    compress_block(wr, n_docs);
    note_block(wr, n_docs);
    qn_sink_put(wr->sk, wr->block.p, wr->block.n);
}

int qn_docs_writer_add(struct qn_docs_writer *wr, struct qn_str doc)
{
    if (doc.n > QN_DOCS_BLOCK_MAX - 64)
        return QN_E_TOO_LARGE;
    /* A block never grows past the limit that readers enforce. */
    if (qn_shredder_bytes(wr->shredder) + doc.n > QN_DOCS_BLOCK_MAX / 4)
        flush_block(wr);
    qn_shredder_add(wr->shredder, doc);
    wr->raw_bytes += doc.n;
    if (qn_shredder_docs(wr->shredder) >= wr->op.block_docs ||
        qn_shredder_bytes(wr->shredder) >= wr->op.block_bytes)
        flush_block(wr);
    return qn_sink_failed(wr->sk);
}

int qn_docs_writer_copy(struct qn_docs_writer *wr, struct qn_docs_reader *rd, struct qn_err *err)
{
    flush_block(wr);
    for (uint32_t i = 0; i < rd->n_blocks; i++) {
        struct qn_slice sl;
        int rc = qn__docs_read_block(rd, i, &sl, err);
        if (rc < 0)
            return rc;
        note_block(wr, qn__docs_block_docs(rd, i));
        qn_sink_put(wr->sk, sl.p, sl.n);
        uint32_t raw;
        memcpy(&raw, sl.p + 4, sizeof raw);
        wr->raw_bytes += raw;
        qn_slice_release(&sl);
    }
    return qn_sink_failed(wr->sk);
}

void qn_docs_writer_map(struct qn_docs_writer *wr, const uint32_t *rows, uint32_t n)
{
    QN_ASSERT(wr->map == NULL);
    wr->map = qn_xmalloc((n + 16) * sizeof *rows); /* kernels read past the end */
    if (n != 0)
        memcpy(wr->map, rows, n * sizeof *rows);
    wr->n_map = n;
}

static void put_map_block(struct qn_docs_writer *wr, uint32_t *rows, uint32_t n)
{
    uint32_t base = UINT32_MAX, all = 0;
    for (uint32_t i = 0; i < n; i++)
        base = rows[i] < base ? rows[i] : base;
    for (uint32_t i = 0; i < n; i++)
        all |= rows[i] -= base;
    unsigned width = qn_bit_width(all);
    size_t packed = qn_packed_bytes(n, width);
    struct qn_buf *b = &wr->block;
    qn_buf_clear(b);
    qn_buf_put_u32(b, 0);
    qn_buf_put_u32(b, base);
    qn_buf_put_u32(b, width);
    qn_buf_reserve(b, packed + 8);
    wr->simd->pack32((uint8_t *)b->p + b->n, rows, n, width);
    b->n += packed;
    uint32_t crc = wr->simd->crc32c(0, b->p + 4, b->n - 4);
    memcpy(b->p, &crc, sizeof crc);
    qn_sink_put(wr->sk, b->p, b->n);
}

static void put_map(struct qn_docs_writer *wr)
{
    for (uint32_t from = 0; from < wr->n_map; from += QN__DOCS_MAP_BLOCK) {
        uint32_t left = wr->n_map - from;
        qn_vec_push(&wr->map_offset, wr->sk->at - wr->start);
        put_map_block(wr, wr->map + from, left < QN__DOCS_MAP_BLOCK ? left : QN__DOCS_MAP_BLOCK);
    }
}

int qn_docs_writer_finish(struct qn_docs_writer *wr, struct qn_buf *hot)
{
    flush_block(wr);
    uint64_t map_at = wr->map ? wr->sk->at - wr->start : 0;
    if (wr->map != NULL)
        put_map(wr);
    QN_ASSERT(hot->n % 8 == 0);
    qn_buf_put_u32(hot, QN__DOCS_MAGIC);
    qn_buf_put_u32(hot, (uint32_t)wr->first_row.n);
    qn_buf_put_u32(hot, wr->n_rows);
    qn_buf_put_u32(hot, wr->map ? wr->n_map : wr->n_rows);
    qn_buf_put_u64(hot, wr->sk->at - wr->start);
    qn_buf_put_u64(hot, map_at);
    qn_buf_put(hot, wr->first_row.p, wr->first_row.n * sizeof *wr->first_row.p);
    qn_buf_align(hot, 8);
    qn_buf_put(hot, wr->offset.p, wr->offset.n * sizeof *wr->offset.p);
    qn_buf_put(hot, wr->map_offset.p, wr->map_offset.n * sizeof *wr->map_offset.p);
    return qn_sink_failed(wr->sk);
}
