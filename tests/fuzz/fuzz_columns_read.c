/* Columns and skip indexes from arbitrary bytes. The first byte chooses: 0 the hot part is in the
 * input too; 1 and 2 blocks of an integer or double column under a sound hot part, with checksums
 * made right so that the block reader sees the damage; 3 a skip index, likewise.
 *
 * links: codec
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "columns/columns.h"
#include "columns/skip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_DOCS 4096u

static void read_all(const struct qn_column *col)
{
    uint64_t bits[MAX_DOCS / 64], out[64], present;
    qn_docid docs[64];
    struct qn_column_cursor *cu = qn_column_cursor_new(col);
    uint64_t lo = 0, hi = 0;
    for (uint32_t b = 0; b < qn_column_blocks(col); b++) {
        if (qn_column_load(cu, b, NULL) < 0 || cu->n_values == 0)
            continue;
        lo = cu->values[0];
        hi = cu->values[cu->n_values - 1];
        for (uint32_t i = 0; i < cu->n_values && !cu->one; i++)
            QN_ASSERT(cu->rows[i] < cu->n_rows);
    }
    uint32_t n = 0, n_docs = 0;
    for (uint32_t at = 0; at < col->n_docs; at += MAX_DOCS) {
        memset(bits, 0, sizeof bits);
        uint32_t end = col->n_docs - at < MAX_DOCS ? col->n_docs : at + MAX_DOCS;
        if (qn_column_range(cu, at, end, lo, hi, bits, &n, NULL) < 0 ||
            qn_column_exists(cu, at, end, bits, &n, NULL) < 0)
            break;
    }
    for (uint32_t d = 0; d < col->n_docs && n_docs < 64; d += 1 + col->n_docs / 64)
        docs[n_docs++] = d;
    struct qn_column_cursor *fresh = qn_column_cursor_new(col); /* reads where values lie */
    if (qn_column_gather(fresh, docs, n_docs, QN_COLUMN_MIN, out, &present, NULL) == 0) {
        const uint64_t *values;
        uint32_t k;
        for (uint32_t i = 0; i < n_docs; i++)
            if (qn_column_of(cu, docs[i], &values, &k, NULL) == 0)
                QN_ASSERT((k != 0) == (present >> i & 1));
    }
    qn_column_cursor_free(fresh);
    qn_column_cursor_free(cu);
}

static void open_and_read(struct qn_str hot, const uint8_t *p, size_t n, uint32_t n_docs)
{
    const struct qn_simd_ops *simd = qn_simd_pick("auto");
    struct qn_object *ob = qn_object_from_memory(QN_STR("fuzz"), p, n);
    struct qn_section sc;
    struct qn_column col;
    if (qn_section_open(&sc, ob, 0, n, "columns", 5, simd, NULL) == 0) {
        if (qn_column_open(&col, hot, &sc, n_docs, simd, NULL) == 0)
            read_all(&col);
        qn_section_close(&sc);
    }
    qn_object_unref(ob);
}

static void set32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
}

/* Cuts p into the blocks of n_docs documents, equally long, and reads them. */
static void read_blocks(uint8_t *p, size_t n, bool doubles, uint32_t n_docs)
{
    const struct qn_simd_ops *simd = qn_simd_pick("auto");
    uint32_t blocks = (n_docs + QN_COLUMN_BLOCK - 1) / QN_COLUMN_BLOCK;
    size_t each = blocks == 0 ? 0 : n / blocks;
    struct qn_buf hot;
    qn_buf_init(&hot, SIZE_MAX);
    qn_buf_put_z(&hot, "QCO1");
    qn_buf_put_u8(&hot, doubles);
    qn_buf_fill(&hot, 0, 3);
    qn_buf_put_u32(&hot, n_docs);
    qn_buf_put_u32(&hot, n_docs);
    qn_buf_put_u64(&hot, n_docs);
    qn_buf_put_u64(&hot, 0);
    qn_buf_put_u64(&hot, UINT64_MAX);
    qn_buf_put_u64(&hot, 0);
    for (uint32_t z = 0; z < (n_docs + QN_COLUMN_ZONE - 1) / QN_COLUMN_ZONE; z++) {
        qn_buf_put_u64(&hot, 0);
        qn_buf_put_u64(&hot, UINT64_MAX);
    }
    for (uint32_t b = 0; b < blocks; b++) {
        qn_buf_put_u32(&hot, (uint32_t)((b + 1) * each));
        if (each > 4)
            set32(p + b * each, simd->crc32c(0, p + b * each + 4, each - 4));
    }
    open_and_read(qn_buf_str(&hot), p, n, n_docs);
    qn_buf_release(&hot);
}

static void read_skip(uint8_t *p, size_t n, bool set)
{
    const struct qn_simd_ops *simd = qn_simd_pick("auto");
    size_t units = n / 64;
    uint32_t n_docs = 100, entry = (uint32_t)units * 2 + set, length;
    uint64_t keys[3] = {0, n, UINT64_MAX}, at = 0;
    if (units == 0)
        return;
    if (set) {
        memcpy(&length, p + 4, 4);
        if (length <= n - 8)
            set32(p, simd->crc32c(0, p + 4, length + 4u));
    }
    for (size_t i = 0; i < units && !set; i++)
        set32(p + i * 64 + 60, simd->crc32c(0, p + i * 64, 60));
    struct qn_buf hot;
    qn_buf_init(&hot, SIZE_MAX);
    qn_buf_put_z(&hot, "QSK1");
    qn_buf_put_u32(&hot, n_docs);
    qn_buf_put_u64(&hot, at);
    qn_buf_put_u32(&hot, entry);
    struct qn_object *ob = qn_object_from_memory(QN_STR("fuzz"), p, n);
    struct qn_section sc;
    struct qn_skip sp;
    bool may;
    if (qn_section_open(&sc, ob, 0, n, "columns", 5, simd, NULL) == 0) {
        if (qn_skip_open(&sp, qn_buf_str(&hot), &sc, n_docs, simd, NULL) == 0 &&
            qn_skip_test(&sp, 0, keys, 3, &may, NULL) == 0) {
            bool may_first;
            QN_ASSERT(qn_skip_test(&sp, 0, keys, 1, &may_first, NULL) == 0);
            QN_ASSERT(may || !may_first);
        }
        qn_skip_close(&sp);
        qn_section_close(&sc);
    }
    qn_object_unref(ob);
    qn_buf_release(&hot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    uint32_t n_docs = (uint32_t)(data[1] | data[2] << 8) % (MAX_DOCS + 1);
    size_t n = size - 4;
    uint8_t *p = qn_xaligned(n + 1);
    memcpy(p, data + 4, n);
    switch (data[0] % 4) {
    case 0: {
        size_t hot = n < data[3] * 4u ? n : data[3] * 4u;
        open_and_read(qn_str_make(p, hot), p + hot, n - hot, n_docs);
        break;
    }
    case 3:
        read_skip(p, n, data[3] & 1);
        break;
    default:
        read_blocks(p, n, data[0] % 4 == 2, n_docs);
    }
    free(p);
    return 0;
}
