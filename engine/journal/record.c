#include "journal/record.h"

#include <string.h>

#include "base/le.h"
#include "base/mem.h"
#include "journal_int.h"

enum {
    AT_SIZE = 0,
    AT_HEAD_CRC = 4,
    AT_SEQ = 8,
    AT_STAMP = 16,
    AT_OFFSET = 24,
    AT_PARTITION = 32,
    AT_N_OPS = 36,
    AT_CRC = 40,
    AT_TABLE = 44,
    AT_VERSION = 48,
    AT_KIND = 50,
    AT_N_HEADERS = 52,
    AT_INDEX_LEN = 54,
    AT_SOURCE_LEN = 56,
    AT_ZERO = 58,
};

#define DOC_ENTRY_BYTES 4u
#define OP_ENTRY_BYTES 12u
#define HEADER_PREFIX_BYTES 6u

static void set_u16(char *p, size_t v)
{
    uint16_t w = (uint16_t)v;
    memcpy(p, &w, sizeof w);
}
static void set_u32(char *p, size_t v)
{
    uint32_t w = (uint32_t)v;
    memcpy(p, &w, sizeof w);
}
static void set_u64(char *p, uint64_t v)
{
    memcpy(p, &v, sizeof v);
}

static size_t entry_bytes(enum qn_record_kind kind)
{
    return kind == QN_RECORD_DOCS ? DOC_ENTRY_BYTES : OP_ENTRY_BYTES;
}

/* Writing. */

void qn_record_init(struct qn_record_writer *wr)
{
    memset(wr, 0, sizeof *wr);
    qn_buf_init(&wr->buf, QN_RECORD_MAX);
}

void qn_record_release(struct qn_record_writer *wr)
{
    qn_buf_release(&wr->buf);
    qn_vec_release(&wr->table);
}

static void fail(struct qn_record_writer *wr, int rc)
{
    if (wr->rc == 0)
        wr->rc = rc;
}

void qn_record_begin(struct qn_record_writer *wr, enum qn_record_kind kind,
                     const struct qn_origin *origin)
{
    qn_buf_clear(&wr->buf);
    qn_vec_clear(&wr->table);
    wr->kind = kind;
    wr->n_ops = 0;
    wr->n_headers = 0;
    wr->rc = 0;
    qn_buf_fill(&wr->buf, 0, QN_RECORD_HEAD_BYTES);
    set_u64(wr->buf.p + AT_OFFSET, origin->offset);
    set_u32(wr->buf.p + AT_PARTITION, origin->partition);
    if (origin->index.n > UINT16_MAX || origin->source.n > UINT16_MAX) {
        fail(wr, QN_E_TOO_LARGE);
        return;
    }
    wr->index_len = (uint16_t)origin->index.n;
    wr->source_len = (uint16_t)origin->source.n;
    qn_buf_put_str(&wr->buf, origin->index);
    qn_buf_put_str(&wr->buf, origin->source);
    wr->ops_at = wr->buf.n;
}

void qn_record_put_header(struct qn_record_writer *wr, struct qn_str name, struct qn_str value)
{
    QN_ASSERT(wr->n_ops == 0);
    if (name.n > UINT16_MAX || value.n > QN_RECORD_MAX || wr->n_headers == UINT16_MAX) {
        fail(wr, QN_E_TOO_LARGE);
        return;
    }
    qn_buf_put_u16(&wr->buf, (uint16_t)name.n);
    qn_buf_put_u32(&wr->buf, (uint32_t)value.n);
    qn_buf_put_str(&wr->buf, name);
    qn_buf_put_str(&wr->buf, value);
    wr->n_headers++;
    wr->ops_at = wr->buf.n;
}

static void put_entry(struct qn_record_writer *wr, const struct qn_op *op)
{
    char entry[OP_ENTRY_BYTES] = {0};
    size_t n = entry_bytes(wr->kind);
    set_u32(entry, wr->buf.n - wr->ops_at);
    set_u16(entry + 4, op->key.n);
    set_u16(entry + 6, op->meta.n);
    entry[8] = (char)op->kind;
    qn_vec_reserve(&wr->table, wr->table.n + n);
    memcpy(wr->table.p + wr->table.n, entry, n);
    wr->table.n += n;
    wr->n_ops++;
}

void qn_record_put_op(struct qn_record_writer *wr, const struct qn_op *op)
{
    if (wr->kind == QN_RECORD_DOCS &&
        (op->kind != QN_OP_APPEND || op->key.n != 0 || op->meta.n != 0)) {
        fail(wr, QN_E_INVALID);
        return;
    }
    if (op->key.n > UINT16_MAX || op->meta.n > UINT16_MAX ||
        wr->table.n > QN_RECORD_MAX - OP_ENTRY_BYTES)
        fail(wr, QN_E_TOO_LARGE);
    if (wr->rc < 0)
        return;
    qn_buf_put_str(&wr->buf, op->key);
    qn_buf_put_str(&wr->buf, op->meta);
    qn_buf_put_str(&wr->buf, op->body);
    put_entry(wr, op);
}

void qn_record_put_doc(struct qn_record_writer *wr, struct qn_str body)
{
    qn_record_put_op(wr, &(struct qn_op){.kind = QN_OP_APPEND, .body = body});
}

size_t qn_record_bytes(const struct qn_record_writer *wr)
{
    return wr->buf.n + wr->table.n;
}

int qn_record_finish(struct qn_record_writer *wr, const struct qn_simd_ops *simd)
{
    struct qn_buf *b = &wr->buf;
    size_t table_at = b->n;
    if (wr->n_ops == 0)
        fail(wr, QN_E_INVALID);
    qn_buf_put(b, wr->table.p, wr->table.n);
    if (b->failed)
        fail(wr, QN_E_TOO_LARGE);
    if (wr->rc < 0)
        return wr->rc;
    set_u32(b->p + AT_SIZE, b->n);
    set_u32(b->p + AT_N_OPS, wr->n_ops);
    set_u32(b->p + AT_CRC,
            simd->crc32c(0, b->p + QN_RECORD_HEAD_BYTES, b->n - QN_RECORD_HEAD_BYTES));
    set_u32(b->p + AT_TABLE, table_at);
    set_u16(b->p + AT_VERSION, QN_RECORD_VERSION);
    b->p[AT_KIND] = (char)wr->kind;
    set_u16(b->p + AT_N_HEADERS, wr->n_headers);
    set_u16(b->p + AT_INDEX_LEN, wr->index_len);
    set_u16(b->p + AT_SOURCE_LEN, wr->source_len);
    qn_record_place(b->p, 0, 0, simd);
    return 0;
}

/* The head has a checksum of its own so that placing a record costs the same whatever it holds. */
void qn_record_place(void *p, uint64_t seq, uint64_t stamp, const struct qn_simd_ops *simd)
{
    char *head = p;
    set_u64(head + AT_SEQ, seq);
    set_u64(head + AT_STAMP, stamp);
    set_u32(head + AT_HEAD_CRC, simd->crc32c(0, head + AT_SEQ, QN_RECORD_HEAD_BYTES - AT_SEQ));
}

/* Reading. */

static int check_head(const char *p, size_t n, const struct qn_simd_ops *simd, struct qn_err *err)
{
    if (n < QN_RECORD_HEAD_BYTES)
        return qn_fail(err, QN_E_TRUNCATED, "record head of %zu bytes", n);
    if (simd->crc32c(0, p + AT_SEQ, QN_RECORD_HEAD_BYTES - AT_SEQ) != qn_le32(p + AT_HEAD_CRC))
        return qn_corrupt(err, "record head: wrong checksum");
    if (qn_le16(p + AT_VERSION) != QN_RECORD_VERSION)
        return qn_fail(err, QN_E_FORMAT_VERSION, "record format version %u",
                       qn_le16(p + AT_VERSION));
    uint32_t size = qn_le32(p + AT_SIZE);
    if (size < QN_RECORD_HEAD_BYTES || size > QN_RECORD_MAX)
        return qn_corrupt(err, "record size %u", size);
    if (size > n)
        return qn_fail(err, QN_E_TRUNCATED, "record of %u bytes cut at %zu", size, n);
    if (simd->crc32c(0, p + QN_RECORD_HEAD_BYTES, size - QN_RECORD_HEAD_BYTES) !=
        qn_le32(p + AT_CRC))
        return qn_corrupt(err, "record: wrong checksum");
    static const char zero[QN_RECORD_HEAD_BYTES - AT_ZERO];
    if (memcmp(p + AT_ZERO, zero, sizeof zero) != 0 || p[AT_KIND + 1] != 0)
        return qn_corrupt(err, "record head: reserved bytes are not zero");
    return 0;
}

static bool sound_entry(const struct qn_record *rec, const uint8_t *e, uint32_t from)
{
    uint32_t end = qn_le32(e);
    if (end < from || end > rec->ops.n)
        return false;
    if (rec->kind == QN_RECORD_DOCS)
        return true;
    return (uint32_t)qn_le16(e + 4) + qn_le16(e + 6) <= end - from && e[8] < QN_OP_KIND_COUNT &&
           e[9] == 0 && e[10] == 0 && e[11] == 0;
}

static int check_table(const struct qn_record *rec, struct qn_err *err)
{
    size_t step = entry_bytes(rec->kind);
    uint32_t from = 0;
    for (uint32_t i = 0; i < rec->n_ops; i++) {
        const uint8_t *e = rec->table + i * step;
        if (!sound_entry(rec, e, from))
            return qn_corrupt(err, "record table: operation %u", i);
        from = qn_le32(e);
    }
    if (from != rec->ops.n)
        return qn_corrupt(err, "record table ends at %u, operations at %zu", from, rec->ops.n);
    return 0;
}

/* Offset after the headers, or 0 when they pass `limit`. */
static size_t skip_headers(const char *p, size_t at, size_t limit, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (limit - at < HEADER_PREFIX_BYTES)
            return 0;
        uint64_t len = (uint64_t)qn_le16(p + at) + qn_le32(p + at + 2);
        at += HEADER_PREFIX_BYTES;
        if (len > limit - at)
            return 0;
        at += (size_t)len;
    }
    return at;
}

int qn_record_decode(struct qn_record *rec, struct qn_str bytes, const struct qn_simd_ops *simd,
                     struct qn_err *err)
{
    memset(rec, 0, sizeof *rec);
    int rc = check_head(bytes.p, bytes.n, simd, err);
    return rc < 0 ? rc : qn__record_parse(rec, bytes, err);
}

int qn__record_parse(struct qn_record *rec, struct qn_str bytes, struct qn_err *err)
{
    memset(rec, 0, sizeof *rec);
    const char *p = bytes.p;
    uint8_t kind = (uint8_t)p[AT_KIND];
    if (kind < QN_RECORD_DOCS || kind > QN_RECORD_CONTROL)
        return qn_corrupt(err, "record kind %u", kind);
    rec->kind = (enum qn_record_kind)kind;
    rec->seq = qn_le64(p + AT_SEQ);
    rec->stamp = qn_le64(p + AT_STAMP);
    rec->n_ops = qn_le32(p + AT_N_OPS);
    rec->n_headers = qn_le16(p + AT_N_HEADERS);
    size_t size = qn_le32(p + AT_SIZE), table = qn_le32(p + AT_TABLE);
    size_t index_len = qn_le16(p + AT_INDEX_LEN), source_len = qn_le16(p + AT_SOURCE_LEN);
    size_t at = QN_RECORD_HEAD_BYTES + index_len + source_len;
    if (table > size || at > table || rec->n_ops == 0 ||
        size - table != rec->n_ops * (uint64_t)entry_bytes(rec->kind) ||
        rec->seq > UINT64_MAX - rec->n_ops)
        return qn_corrupt(err, "record head: lengths do not add up");
    rec->origin = (struct qn_origin){
        .index = qn_str_make(p + QN_RECORD_HEAD_BYTES, index_len),
        .source = qn_str_make(p + QN_RECORD_HEAD_BYTES + index_len, source_len),
        .partition = qn_le32(p + AT_PARTITION),
        .offset = qn_le64(p + AT_OFFSET),
    };
    size_t ops_at = skip_headers(p, at, table, rec->n_headers);
    if (ops_at == 0)
        return qn_corrupt(err, "record headers pass the table");
    rec->headers = qn_str_make(p + at, ops_at - at);
    rec->ops = qn_str_make(p + ops_at, table - ops_at);
    rec->table = (const uint8_t *)p + table;
    rec->bytes = qn_str_make(p, size);
    return check_table(rec, err);
}

struct qn_op qn_record_op(const struct qn_record *rec, uint32_t i)
{
    QN_ASSERT(i < rec->n_ops);
    size_t step = entry_bytes(rec->kind);
    const uint8_t *e = rec->table + i * step;
    uint32_t from = i == 0 ? 0 : qn_le32(e - step), end = qn_le32(e);
    const char *p = rec->ops.p + from;
    if (rec->kind == QN_RECORD_DOCS)
        return (struct qn_op){.kind = QN_OP_APPEND, .body = qn_str_make(p, end - from)};
    uint32_t key = qn_le16(e + 4), meta = qn_le16(e + 6);
    return (struct qn_op){
        .kind = (enum qn_op_kind)e[8],
        .key = qn_str_make(p, key),
        .meta = qn_str_make(p + key, meta),
        .body = qn_str_make(p + key + meta, end - from - key - meta),
    };
}

bool qn_record_next_header(const struct qn_record *rec, size_t *at, struct qn_record_header *out)
{
    if (*at >= rec->headers.n)
        return false;
    const char *p = rec->headers.p + *at;
    size_t name = qn_le16(p), value = qn_le32(p + 2);
    out->name = qn_str_make(p + HEADER_PREFIX_BYTES, name);
    out->value = qn_str_make(p + HEADER_PREFIX_BYTES + name, value);
    *at += HEADER_PREFIX_BYTES + name + value;
    return true;
}
