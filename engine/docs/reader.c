#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/le.h"
#include "base/mem.h"
#include "docs/docs.h"
#include "docs/shred.h"
#include "docs_int.h"
#include "reader_int.h"

static uint32_t block_first(const struct qn_docs_reader *rd, uint32_t i)
{
    return i < rd->n_blocks ? qn_le32(rd->first_row + 4 * (size_t)i) : rd->n_rows;
}

static uint64_t block_offset(const struct qn_docs_reader *rd, uint32_t i)
{
    return i < rd->n_blocks ? qn_le64(rd->offset + 8 * (size_t)i) : rd->blocks_end;
}

uint32_t qn__docs_block_docs(const struct qn_docs_reader *rd, uint32_t block)
{
    return block_first(rd, block + 1) - block_first(rd, block);
}

static uint64_t map_offset(const struct qn_docs_reader *rd, uint32_t i)
{
    return i < rd->n_map_blocks ? qn_le64(rd->map_offset + 8 * (size_t)i) : rd->n_bytes;
}

static uint32_t map_docs(const struct qn_docs_reader *rd, uint32_t block)
{
    uint32_t left = rd->n_docs - block * QN__DOCS_MAP_BLOCK;
    return left < QN__DOCS_MAP_BLOCK ? left : QN__DOCS_MAP_BLOCK;
}

static int check_blocks(const struct qn_docs_reader *rd, struct qn_err *err)
{
    uint64_t start = rd->n_blocks ? block_offset(rd, 0) : rd->blocks_end;
    if (start != 0 || block_first(rd, 0) != 0)
        return qn_corrupt(err, "document store: blocks do not start at 0");
    for (uint32_t i = 0; i < rd->n_blocks; i++) {
        uint64_t from = block_offset(rd, i), to = block_offset(rd, i + 1);
        uint32_t row = block_first(rd, i), next = block_first(rd, i + 1);
        if (row >= next || next - row > QN_DOCS_BLOCK_DOCS || to > rd->blocks_end || from >= to ||
            to - from <= QN__DOCS_HEADER)
            return qn_corrupt(err, "document store: directory entry %u of %u is off", i,
                              rd->n_blocks);
    }
    return 0;
}

static int check_map(const struct qn_docs_reader *rd, struct qn_err *err)
{
    if (!rd->mapped)
        return rd->n_docs == rd->n_rows
                   ? 0
                   : qn_corrupt(err, "document store: %u documents, %u rows and no row map",
                                rd->n_docs, rd->n_rows);
    uint64_t start = rd->n_map_blocks ? map_offset(rd, 0) : rd->n_bytes;
    if (start != rd->blocks_end)
        return qn_corrupt(err, "document store: the row map does not follow the blocks");
    for (uint32_t i = 0; i < rd->n_map_blocks; i++) {
        uint64_t from = map_offset(rd, i), to = map_offset(rd, i + 1);
        if (from > to || to > rd->n_bytes || to - from < QN__DOCS_HEADER)
            return qn_corrupt(err, "document store: row map entry %u of %u is off", i,
                              rd->n_map_blocks);
    }
    return 0;
}

static int read_hot(struct qn_docs_reader *rd, struct qn_str hot, struct qn_err *err)
{
    const uint8_t *h = (const uint8_t *)hot.p;
    if (hot.n < QN__DOCS_HOT_HEADER || qn_le32(h) != QN__DOCS_MAGIC)
        return qn_corrupt(err, "document store: the hot part has no header");
    rd->n_blocks = qn_le32(h + 4);
    rd->n_rows = qn_le32(h + 8);
    rd->n_docs = qn_le32(h + 12);
    uint64_t map_at = qn_le64(h + 24);
    rd->mapped = map_at != 0;
    rd->blocks_end = rd->mapped ? map_at : rd->n_bytes;
    if (rd->mapped)
        rd->n_map_blocks =
            (uint32_t)(((uint64_t)rd->n_docs + QN__DOCS_MAP_BLOCK - 1) / QN__DOCS_MAP_BLOCK);
    uint64_t rows = ((uint64_t)rd->n_blocks * 4 + 7) / 8 * 8, offsets = (uint64_t)rd->n_blocks * 8;
    if (hot.n != QN__DOCS_HOT_HEADER + rows + offsets + (uint64_t)rd->n_map_blocks * 8)
        return qn_corrupt(err, "document store: the hot part has %zu bytes for %u blocks", hot.n,
                          rd->n_blocks);
    if (qn_le64(h + 16) != rd->n_bytes || map_at > rd->n_bytes)
        return qn_corrupt(err, "document store: the section has %llu bytes, not %llu",
                          (unsigned long long)rd->n_bytes, (unsigned long long)qn_le64(h + 16));
    rd->first_row = h + QN__DOCS_HOT_HEADER;
    rd->offset = rd->first_row + rows;
    rd->map_offset = rd->offset + offsets;
    int rc = check_blocks(rd, err);
    return rc < 0 ? rc : check_map(rd, err);
}

int qn_docs_open(struct qn_docs_reader **out, struct qn_object *ob, uint64_t offset, uint64_t n,
                 struct qn_str hot, const struct qn_simd_ops *simd, struct qn_err *err)
{
    *out = NULL;
    if (offset > ob->size_bytes || n > ob->size_bytes - offset)
        return qn_corrupt(err, "document store: the section is outside of its file");
    struct qn_docs_reader *rd = qn_xcalloc(1, sizeof *rd);
    *rd = (struct qn_docs_reader){.ob = ob, .simd = simd, .start = offset, .n_bytes = n};
    int rc = read_hot(rd, hot, err);
    if (rc < 0) {
        free(rd);
        return rc;
    }
    qn_object_ref(ob);
    *out = rd;
    return 0;
}

void qn_docs_close(struct qn_docs_reader *rd)
{
    if (rd == NULL)
        return;
    qn_object_unref(rd->ob);
    free(rd);
}

uint32_t qn_docs_count(const struct qn_docs_reader *rd)
{
    return rd->n_docs;
}

uint32_t qn_docs_row_count(const struct qn_docs_reader *rd)
{
    return rd->n_rows;
}

uint32_t qn_docs_block_count(const struct qn_docs_reader *rd)
{
    return rd->n_blocks;
}

bool qn_docs_mapped(const struct qn_docs_reader *rd)
{
    return rd->mapped;
}

int qn__docs_read_block(struct qn_docs_reader *rd, uint32_t block, struct qn_slice *out,
                        struct qn_err *err)
{
    uint64_t from = block_offset(rd, block), n = block_offset(rd, block + 1) - from;
    int rc = qn_object_read(rd->ob, rd->start + from, n, out, err);
    if (rc < 0)
        return rc;
    if (qn_le32(out->p) != rd->simd->crc32c(0, out->p + 4, n - 4)) {
        qn_slice_release(out);
        return qn_corrupt(err, "document store: block %u at offset %llu fails its checksum", block,
                          (unsigned long long)(rd->start + from));
    }
    return 0;
}

static int read_map_block(struct qn_docs_reader *rd, uint32_t block, struct qn_slice *out,
                          struct qn_err *err)
{
    uint64_t from = map_offset(rd, block), n = map_offset(rd, block + 1) - from;
    int rc = qn_object_read(rd->ob, rd->start + from, n, out, err);
    if (rc < 0)
        return rc;
    uint32_t width = qn_le32(out->p + 8);
    bool good = qn_le32(out->p) == rd->simd->crc32c(0, out->p + 4, n - 4) && width <= 32 &&
                n - QN__DOCS_HEADER == qn_packed_bytes(map_docs(rd, block), width);
    if (good)
        return 0;
    qn_slice_release(out);
    return qn_corrupt(err, "document store: row map block %u is damaged", block);
}

int qn_docs_rows(struct qn_docs_reader *rd, const qn_docid *docs, size_t n, uint32_t *rows,
                 struct qn_err *err)
{
    struct qn_slice sl = {0};
    uint32_t have = UINT32_MAX;
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        QN_ASSERT(docs[i] < rd->n_docs);
        uint32_t block = docs[i] / QN__DOCS_MAP_BLOCK;
        rows[i] = docs[i];
        if (!rd->mapped)
            continue;
        if (block != have) {
            qn_slice_release(&sl);
            have = block;
            rc = read_map_block(rd, block, &sl, err);
        }
        if (rc == 0) {
            uint64_t d = qn_packed_get(sl.p + QN__DOCS_HEADER, docs[i] % QN__DOCS_MAP_BLOCK,
                                       qn_le32(sl.p + 8));
            rows[i] = (uint32_t)d + qn_le32(sl.p + 4);
            if (rows[i] >= rd->n_rows)
                rc = qn_corrupt(err, "document store: document %u is row %u of %u", docs[i],
                                rows[i], rd->n_rows);
        }
    }
    qn_slice_release(&sl);
    return rc;
}

/* The block that holds a row. */
static uint32_t find_block(const struct qn_docs_reader *rd, uint32_t row)
{
    uint32_t lo = 0, hi = rd->n_blocks;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (block_first(rd, mid) <= row)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

void qn_docs_prefetch(struct qn_docs_reader *rd, const qn_docid *docs, size_t n)
{
    enum { BATCH = 64 };
    struct qn_range ranges[BATCH];
    size_t n_ranges = 0;
    uint32_t last = UINT32_MAX;
    if (rd->ob->ops->prefetch == NULL || rd->n_blocks == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        uint32_t row;
        if (qn_docs_rows(rd, &docs[i], 1, &row, NULL) < 0)
            return; /* the read that follows will say why */
        uint32_t b = find_block(rd, row);
        if (b == last)
            continue;
        last = b;
        ranges[n_ranges++] = (struct qn_range){rd->start + block_offset(rd, b),
                                               block_offset(rd, b + 1) - block_offset(rd, b)};
        if (n_ranges == BATCH) {
            qn_object_prefetch(rd->ob, ranges, n_ranges);
            n_ranges = 0;
        }
    }
    qn_object_prefetch(rd->ob, ranges, n_ranges);
}

/* ---- cursor */

struct qn_docs_cursor {
    struct qn_docs_reader *rd;
    ZSTD_DCtx *zstd;
    struct qn_unshredder *un;
    struct qn_buf payload;
    uint32_t block; /* UINT32_MAX: none */
};

struct qn_docs_cursor *qn_docs_cursor_new(struct qn_docs_reader *rd)
{
    struct qn_docs_cursor *cu = qn_xcalloc(1, sizeof *cu);
    cu->rd = rd;
    cu->zstd = ZSTD_createDCtx();
    QN_ASSERT(cu->zstd != NULL);
    cu->un = qn_unshredder_new();
    qn_buf_init(&cu->payload, QN_DOCS_BLOCK_MAX);
    cu->block = UINT32_MAX;
    return cu;
}

void qn_docs_cursor_free(struct qn_docs_cursor *cu)
{
    if (cu == NULL)
        return;
    ZSTD_freeDCtx(cu->zstd);
    qn_unshredder_free(cu->un);
    qn_buf_release(&cu->payload);
    free(cu);
}

/* Decodes the body of a block into cu->payload. */
static int inflate(struct qn_docs_cursor *cu, const struct qn_slice *sl, struct qn_err *err)
{
    uint32_t raw = qn_le32(sl->p + 4);
    const uint8_t *body = sl->p + QN__DOCS_HEADER;
    size_t n = sl->n - QN__DOCS_HEADER;
    qn_buf_clear(&cu->payload);
    if (!qn_buf_reserve(&cu->payload, raw))
        return qn_corrupt(err, "document store: a block claims %u bytes", raw);
    if (sl->p[10] == QN__DOCS_STORED && n == raw) {
        qn_buf_put(&cu->payload, body, n);
        return 0;
    }
    if (sl->p[10] != QN__DOCS_ZSTD)
        return qn_corrupt(err, "document store: codec %u is unknown", sl->p[10]);
    size_t got = ZSTD_decompressDCtx(cu->zstd, cu->payload.p, raw, body, n);
    if (ZSTD_isError(got) || got != raw)
        return qn_corrupt(err, "document store: a block does not inflate");
    cu->payload.n = raw;
    return 0;
}

static int load_block(struct qn_docs_cursor *cu, uint32_t block, struct qn_err *err)
{
    struct qn_slice sl;
    cu->block = UINT32_MAX;
    int rc = qn__docs_read_block(cu->rd, block, &sl, err);
    if (rc < 0)
        return rc;
    uint32_t n_docs = qn__docs_block_docs(cu->rd, block);
    if ((uint32_t)(sl.p[8] | sl.p[9] << 8) != n_docs)
        rc = qn_corrupt(err, "document store: block %u and its directory disagree", block);
    if (rc == 0)
        rc = inflate(cu, &sl, err);
    qn_slice_release(&sl);
    if (rc == 0)
        rc = qn_unshredder_begin(cu->un, qn_buf_str(&cu->payload), n_docs, err);
    if (rc == 0)
        cu->block = block;
    return rc;
}

int qn_docs_get(struct qn_docs_cursor *cu, qn_docid doc, struct qn_buf *out, struct qn_err *err)
{
    uint32_t row;
    int rc = qn_docs_rows(cu->rd, &doc, 1, &row, err);
    if (rc < 0)
        return rc;
    uint32_t block = find_block(cu->rd, row), slot = row - block_first(cu->rd, block);
    if (block != cu->block)
        rc = load_block(cu, block, err);
    else if (slot < qn_unshredder_at(cu->un)) /* only forward: start over on the decoded bytes */
        rc = qn_unshredder_begin(cu->un, qn_buf_str(&cu->payload),
                                 qn__docs_block_docs(cu->rd, block), err);
    while (rc == 0 && qn_unshredder_at(cu->un) < slot)
        rc = qn_unshredder_next(cu->un, NULL, err);
    if (rc == 0)
        rc = qn_unshredder_next(cu->un, out, err);
    if (rc < 0)
        cu->block = UINT32_MAX;
    return rc;
}
