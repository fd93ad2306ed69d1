#include <stdlib.h>

#include "base/mem.h"
#include "base/vec.h"
#include "codec/floats.h"
#include "column_int.h"

struct zone {
    uint64_t min, max;
};

struct qn_column_writer {
    enum qn_column_kind kind;
    const struct qn_simd_ops *simd;
    struct qn_sink *sk;
    uint64_t start;
    uint32_t block;          /* the one being filled */
    QN_VEC(uint64_t) values; /* of this block */
    QN_VEC(uint16_t) rows;
    QN_VEC(uint64_t) scratch;
    QN_VEC(uint32_t) ends;
    QN_VEC(struct zone) zones;
    struct qn_buf out, coded;
    bool many, overflow;
    uint32_t doc_count;
    uint64_t value_count;
};

struct qn_column_writer *qn_column_writer_new(enum qn_column_kind kind,
                                              const struct qn_simd_ops *simd, struct qn_sink *sk)
{
    struct qn_column_writer *wr = qn_xcalloc(1, sizeof *wr);
    wr->kind = kind;
    wr->simd = simd;
    wr->sk = sk;
    wr->start = sk->at;
    qn_buf_init(&wr->out, SIZE_MAX);
    qn_buf_init(&wr->coded, SIZE_MAX);
    return wr;
}

void qn_column_writer_free(struct qn_column_writer *wr)
{
    if (wr == NULL)
        return;
    qn_vec_release(&wr->values);
    qn_vec_release(&wr->rows);
    qn_vec_release(&wr->scratch);
    qn_vec_release(&wr->ends);
    qn_vec_release(&wr->zones);
    qn_buf_release(&wr->out);
    qn_buf_release(&wr->coded);
    free(wr);
}

static uint32_t count_present(const struct qn_column_writer *wr)
{
    uint32_t n = 0;
    for (size_t i = 0; i < wr->rows.n; i++)
        n += i == 0 || wr->rows.p[i] != wr->rows.p[i - 1];
    return n;
}

static enum qn__presence choose_presence(const struct qn_column_writer *wr, uint32_t n_rows,
                                         uint32_t present)
{
    if (wr->values.n > present)
        return QN__MANY;
    if (present == n_rows)
        return QN__ONE;
    if (present * 2 >= n_rows)
        return QN__HOLES;
    return present * 2 < QN__COLUMN_MAP_BYTES ? QN__SPARSE : QN__DENSE;
}

static void put_map(struct qn_column_writer *wr)
{
    uint64_t map[QN_COLUMN_BLOCK / 64] = {0};
    for (size_t i = 0; i < wr->rows.n; i++)
        qn_bit_set(map, wr->rows.p[i]);
    qn_buf_put(&wr->out, map, sizeof map);
}

static void put_packed(struct qn_column_writer *wr, const uint64_t *v, size_t n, unsigned width)
{
    size_t bytes = qn_packed_bytes(n, width);
    qn_buf_reserve(&wr->out, bytes + 8);
    wr->simd->pack64((uint8_t *)wr->out.p + wr->out.n, v, n, width);
    wr->out.n += bytes;
}

/* For each document the number of values up to and including its own. */
static void put_counts(struct qn_column_writer *wr, uint32_t n_rows)
{
    size_t at = 0;
    qn_vec_reserve(&wr->scratch, n_rows + 16);
    for (uint32_t row = 0; row < n_rows; row++) {
        while (at < wr->rows.n && wr->rows.p[at] == row)
            at++;
        wr->scratch.p[row] = at;
    }
    unsigned width = qn_bit_width(at);
    qn_buf_put_u32(&wr->out, width);
    put_packed(wr, wr->scratch.p, n_rows, width);
}

/* Spreads the values of a HOLES block over all rows; holes repeat the smallest value so that they
 * do not widen the block. */
static void spread(struct qn_column_writer *wr, uint32_t n_rows)
{
    uint64_t fill = UINT64_MAX;
    for (size_t i = 0; i < wr->values.n; i++)
        fill = wr->values.p[i] < fill ? wr->values.p[i] : fill;
    qn_vec_reserve(&wr->values, n_rows + 16);
    size_t from = wr->values.n;
    for (uint32_t row = n_rows; row-- > 0;) {
        bool has = from > 0 && wr->rows.p[from - 1] == row;
        wr->values.p[row] = has ? wr->values.p[--from] : fill;
    }
    wr->values.n = n_rows;
}

static void put_presence(struct qn_column_writer *wr, enum qn__presence presence, uint32_t n_rows)
{
    switch (presence) {
    case QN__ONE:
        break;
    case QN__HOLES:
        put_map(wr);
        spread(wr, n_rows);
        break;
    case QN__DENSE:
        put_map(wr);
        break;
    case QN__SPARSE:
        qn_buf_put(&wr->out, wr->rows.p, wr->rows.n * sizeof *wr->rows.p);
        qn_buf_fill(&wr->out, 0, wr->rows.n % 2 * sizeof *wr->rows.p);
        break;
    case QN__MANY:
        put_counts(wr, n_rows);
        break;
    }
}

static void update_zone(struct qn_column_writer *wr)
{
    uint32_t zone = wr->block / QN__COLUMN_ZONE_BLOCKS;
    while (wr->zones.n <= zone)
        qn_vec_push(&wr->zones, ((struct zone){UINT64_MAX, 0}));
    struct zone *z = &wr->zones.p[zone];
    for (size_t i = 0; i < wr->values.n; i++) {
        z->min = wr->values.p[i] < z->min ? wr->values.p[i] : z->min;
        z->max = wr->values.p[i] > z->max ? wr->values.p[i] : z->max;
    }
}

/* Chooses the encoding and appends the values. The codec layer knows more shapes, which cost more
 * to read: it must save an eighth. */
static void put_values(struct qn_column_writer *wr, struct qn__encoding *en)
{
    size_t n = wr->values.n;
    uint64_t plain[QN_INTS_MAX];
    bool may_code = n >= 16 && n <= QN_INTS_MAX;
    if (may_code)
        memcpy(plain, wr->values.p, n * 8);
    qn_vec_reserve(&wr->scratch, n + 16);
    qn__column_choose(wr->kind, wr->values.p, wr->scratch.p, n, en);
    size_t packed = qn_packed_bytes(n, en->width);
    if (may_code && en->width > 1) {
        qn_buf_clear(&wr->coded);
        if (wr->kind == QN_COLUMN_F64)
            qn_floats_put(&wr->coded, wr->simd, plain, n);
        else
            qn_ints_put(&wr->coded, wr->simd, plain, n);
        if (wr->coded.n < packed - packed / 8) {
            *en = (struct qn__encoding){.codec = QN__CODED};
            qn_buf_put(&wr->out, wr->coded.p, wr->coded.n);
            return;
        }
    }
    qn_vec_reserve(&wr->values, n + 16); /* kernels read past the end */
    if (en->codec != QN__CONST)
        put_packed(wr, wr->values.p, n, en->width);
}

/* Writes the current block; n_rows documents of it exist. */
static void flush_block(struct qn_column_writer *wr, uint32_t n_rows)
{
    update_zone(wr);
    if (wr->values.n > 0) {
        uint32_t present = count_present(wr);
        enum qn__presence presence = choose_presence(wr, n_rows, present);
        struct qn__encoding en;
        wr->many = wr->many || presence == QN__MANY;
        wr->doc_count += present;
        wr->value_count += wr->values.n;
        qn_buf_clear(&wr->out);
        qn_buf_fill(&wr->out, 0, QN__COLUMN_HEADER);
        put_presence(wr, presence, n_rows);
        put_values(wr, &en);
        char *h = wr->out.p;
        uint32_t n = (uint32_t)wr->values.n;
        h[4] = (char)presence;
        h[5] = (char)en.codec;
        h[6] = (char)en.width;
        memcpy(h + 8, &n, 4);
        memcpy(h + 12, &present, 4);
        memcpy(h + 16, &en.base, 8);
        memcpy(h + 24, &en.scale, 8);
        memcpy(h + 32, &en.step, 8);
        uint32_t crc = wr->simd->crc32c(0, h + 4, wr->out.n - 4);
        memcpy(h, &crc, 4);
        qn_sink_put(wr->sk, wr->out.p, wr->out.n);
    }
    uint64_t end = wr->sk->at - wr->start;
    wr->overflow = wr->overflow || end > UINT32_MAX;
    qn_vec_push(&wr->ends, (uint32_t)end);
    qn_vec_clear(&wr->values);
    qn_vec_clear(&wr->rows);
    wr->block++;
}

void qn_column_put(struct qn_column_writer *wr, const qn_docid *docs, const uint64_t *values,
                   size_t n)
{
    for (size_t i = 0; i < n; i++) {
        QN_DASSERT(docs[i] / QN_COLUMN_BLOCK >= wr->block);
        while (docs[i] / QN_COLUMN_BLOCK > wr->block)
            flush_block(wr, QN_COLUMN_BLOCK);
        qn_vec_push(&wr->values, values[i]);
        qn_vec_push(&wr->rows, (uint16_t)(docs[i] % QN_COLUMN_BLOCK));
    }
}

void qn_column_put_dense(struct qn_column_writer *wr, qn_docid first, const uint64_t *values,
                         size_t n)
{
    for (size_t i = 0; i < n; i++) {
        qn_docid doc = first + (qn_docid)i;
        qn_column_put(wr, &doc, &values[i], 1);
    }
}

int qn_column_writer_finish(struct qn_column_writer *wr, uint32_t n_docs, struct qn_buf *hot)
{
    uint32_t blocks = (n_docs + QN_COLUMN_BLOCK - 1) / QN_COLUMN_BLOCK;
    while (wr->block < blocks) {
        uint32_t left = n_docs - wr->block * QN_COLUMN_BLOCK;
        flush_block(wr, left < QN_COLUMN_BLOCK ? left : QN_COLUMN_BLOCK);
    }
    QN_ASSERT(wr->values.n == 0 && wr->block == blocks); /* no document beyond n_docs */
    struct zone all = {UINT64_MAX, 0};
    for (size_t i = 0; i < wr->zones.n; i++) {
        all.min = wr->zones.p[i].min < all.min ? wr->zones.p[i].min : all.min;
        all.max = wr->zones.p[i].max > all.max ? wr->zones.p[i].max : all.max;
    }
    qn_buf_put_u32(hot, QN__COLUMN_MAGIC);
    qn_buf_put_u8(hot, (uint8_t)wr->kind);
    qn_buf_put_u8(hot, wr->many);
    qn_buf_put_u16(hot, 0);
    qn_buf_put_u32(hot, n_docs);
    qn_buf_put_u32(hot, wr->doc_count);
    qn_buf_put_u64(hot, wr->value_count);
    qn_buf_put_u64(hot, all.min);
    qn_buf_put_u64(hot, all.max);
    qn_buf_put_u64(hot, wr->start);
    qn_buf_put(hot, wr->zones.p, wr->zones.n * sizeof *wr->zones.p);
    qn_buf_put(hot, wr->ends.p, wr->ends.n * sizeof *wr->ends.p);
    if (wr->overflow)
        return QN_E_TOO_LARGE;
    return qn_sink_failed(wr->sk);
}
