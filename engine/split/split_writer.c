#include "split/split_writer.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/vec.h"
#include "split/spool.h"

struct blob {
    uint32_t at, n; /* in `blobs` until finish */
};

struct field {
    uint32_t name_at;
    uint16_t name_n;
    uint8_t type, flags;
    uint32_t first_blob, parts;
};

struct qn_split_writer {
    struct qn_split_options op;
    struct qn_sink *sk;
    struct qn_docs_writer *docs;
    struct qn_spool spools[QN_SECTIONS_END]; /* [QN_SECTION_DOCS] stays empty */
    struct qn_sink docs_sink;                /* writes through to sk and sums up */
    uint32_t docs_crc;
    uint64_t docs_bytes;
    uint32_t n_docs;
    struct qn_buf names, blobs;
    QN_VEC(struct blob) blob_dir;
    QN_VEC(struct field) fields;
    bool in_field;
    struct qn_buf parts[QN_PARTS];
};

static struct qn_split_writer *writer_of(struct qn_sink *docs_sink)
{
    return (struct qn_split_writer *)((char *)docs_sink -
                                      offsetof(struct qn_split_writer, docs_sink));
}

static int tee_docs(struct qn_sink *sk, const void *p, size_t n)
{
    struct qn_split_writer *wr = writer_of(sk);
    wr->docs_crc = wr->op.simd->crc32c(wr->docs_crc, p, n);
    qn_sink_put(wr->sk, p, n);
    return qn_sink_failed(wr->sk);
}

const char *qn_split_section_name(enum qn_split_section kind)
{
    static const char *const names[] = {"?",         "docs",     "columns", "norms",
                                        "positions", "postings", "terms",   "absence"};
    return kind < QN_SECTIONS_END ? names[kind] : "?";
}

const char *qn_split_type_name(enum qn_split_type type)
{
    static const char *const names[] = {"str", "bytes", "ip", "i64", "u64", "f64", "bool", "date"};
    return type < QN_SPLIT_TYPES ? names[type] : "?";
}

struct qn_split_writer *qn_split_writer_new(const struct qn_split_options *opt, struct qn_sink *sk)
{
    struct qn_split_writer *wr = qn_xcalloc(1, sizeof *wr);
    QN_ASSERT(sk->at == 0);
    wr->op = *opt;
    wr->sk = sk;
    uint64_t spool = opt->spool_bytes ? opt->spool_bytes : 8 << 20;
    for (int k = 0; k < QN_SECTIONS_END; k++)
        qn_spool_init(&wr->spools[k], opt->simd, opt->spool_dir, spool);
    wr->docs_sink.write = tee_docs;
    wr->docs = qn_docs_writer_new(&opt->docs, opt->simd, &wr->docs_sink);
    qn_buf_init(&wr->names, UINT32_MAX);
    qn_buf_init(&wr->blobs, UINT32_MAX);
    for (int i = 0; i < QN_PARTS; i++)
        qn_buf_init(&wr->parts[i], UINT32_MAX);
    return wr;
}

void qn_split_writer_free(struct qn_split_writer *wr)
{
    if (wr == NULL)
        return;
    for (int k = 0; k < QN_SECTIONS_END; k++)
        qn_spool_release(&wr->spools[k]);
    for (int i = 0; i < QN_PARTS; i++)
        qn_buf_release(&wr->parts[i]);
    qn_docs_writer_free(wr->docs);
    qn_buf_release(&wr->names);
    qn_buf_release(&wr->blobs);
    qn_vec_release(&wr->blob_dir);
    qn_vec_release(&wr->fields);
    free(wr);
}

struct qn_docs_writer *qn_split_writer_docs(struct qn_split_writer *wr)
{
    return wr->docs;
}

static void put_blob(struct qn_split_writer *wr, struct qn_str bytes)
{
    struct blob b = {(uint32_t)wr->blobs.n, (uint32_t)bytes.n};
    qn_buf_put_str(&wr->blobs, bytes);
    qn_buf_align(&wr->blobs, 8);
    qn_vec_push(&wr->blob_dir, b);
}

int qn_split_writer_docs_done(struct qn_split_writer *wr, uint32_t n_docs)
{
    struct qn_buf *hot = &wr->parts[0];
    QN_ASSERT(wr->blob_dir.n == 0);
    int rc = qn_docs_writer_finish(wr->docs, hot);
    if (rc < 0)
        return rc;
    put_blob(wr, qn_buf_str(hot));
    qn_buf_clear(hot);
    wr->n_docs = n_docs;
    wr->docs_bytes = wr->docs_sink.at;
    return 0;
}

struct qn_sink *qn_split_writer_sink(struct qn_split_writer *wr, enum qn_split_section kind)
{
    QN_ASSERT(kind > QN_SECTION_DOCS && kind < QN_SECTIONS_END);
    return &wr->spools[kind].sink;
}

static struct qn_str name_of(const struct qn_split_writer *wr, const struct field *f)
{
    return qn_str_make(wr->names.p + f->name_at, f->name_n);
}

int qn_split_field_begin(struct qn_split_writer *wr, struct qn_str name, enum qn_split_type type,
                         unsigned flags)
{
    QN_ASSERT(!wr->in_field && wr->blob_dir.n > 0);
    if (name.n > UINT16_MAX)
        return QN_E_TOO_LARGE;
    if (wr->fields.n > 0) {
        const struct field *last = &wr->fields.p[wr->fields.n - 1];
        int d = qn_str_cmp(name_of(wr, last), name);
        if (d > 0 || (d == 0 && last->type >= type))
            return QN_E_BUG;
    }
    struct field f = {(uint32_t)wr->names.n, (uint16_t)name.n,         (uint8_t)type,
                      (uint8_t)flags,        (uint32_t)wr->blob_dir.n, 0};
    qn_buf_put_str(&wr->names, name);
    qn_vec_push(&wr->fields, f);
    wr->in_field = true;
    return 0;
}

struct qn_buf *qn_split_field_part(struct qn_split_writer *wr, enum qn_split_part part)
{
    QN_ASSERT(wr->in_field);
    return &wr->parts[part];
}

void qn_split_field_end(struct qn_split_writer *wr)
{
    struct field *f = &wr->fields.p[wr->fields.n - 1];
    QN_ASSERT(wr->in_field);
    for (int i = 0; i < QN_PARTS; i++) {
        if (wr->parts[i].n == 0)
            continue;
        f->parts |= 1u << i;
        put_blob(wr, qn_buf_str(&wr->parts[i]));
        qn_buf_clear(&wr->parts[i]);
    }
    wr->in_field = false;
}

/* ---- finish */

struct placed {
    uint64_t offset, n;
    uint32_t crc;
};

static int place_sections(struct qn_split_writer *wr, struct placed *at, struct qn_split_info *info)
{
    at[QN_SECTION_DOCS] = (struct placed){0, wr->docs_bytes, wr->docs_crc};
    for (int k = QN_SECTION_DOCS + 1; k < QN_SECTIONS_END; k++) {
        struct qn_spool *sp = &wr->spools[k];
        qn_sink_align(wr->sk, QN_SPLIT_ALIGN);
        at[k] = (struct placed){wr->sk->at, sp->sink.at, sp->crc};
        int rc = qn_spool_copy(sp, wr->sk);
        if (rc < 0)
            return rc;
    }
    for (int k = QN_SECTION_DOCS; k < QN_SECTIONS_END; k++)
        info->section_bytes[k] = at[k].n;
    qn_sink_align(wr->sk, QN_SPLIT_ALIGN);
    return qn_sink_failed(wr->sk);
}

static uint64_t raw_bytes(const struct qn_split_writer *wr, const struct qn_split_meta *meta)
{
    return meta->raw_bytes ? meta->raw_bytes : qn_docs_writer_raw_bytes(wr->docs);
}

static void put_hot(struct qn_split_writer *wr, const struct placed *at,
                    const struct qn_split_meta *meta, struct qn_buf *hot)
{
    uint32_t n_sections = QN_SECTIONS_END - QN_SECTION_DOCS;
    uint32_t meta_at =
        48 + 24 * n_sections + 8 * (uint32_t)wr->blob_dir.n + 16 * (uint32_t)wr->fields.n;
    uint32_t names_at = meta_at + (uint32_t)meta->json.n;
    uint32_t blobs_at = (names_at + (uint32_t)wr->names.n + 7) / 8 * 8;
    qn_buf_put_z(hot, "QHT1");
    qn_buf_put_u32(hot, wr->n_docs);
    qn_buf_put_u64(hot, (uint64_t)meta->min_time_ns);
    qn_buf_put_u64(hot, (uint64_t)meta->max_time_ns);
    qn_buf_put_u64(hot, raw_bytes(wr, meta));
    qn_buf_put_u32(hot, n_sections);
    qn_buf_put_u32(hot, (uint32_t)wr->fields.n);
    qn_buf_put_u32(hot, (uint32_t)meta->json.n);
    qn_buf_put_u32(hot, (uint32_t)wr->blob_dir.n);
    for (uint32_t k = QN_SECTION_DOCS; k < QN_SECTIONS_END; k++) {
        qn_buf_put_u32(hot, k);
        qn_buf_put_u32(hot, at[k].crc);
        qn_buf_put_u64(hot, at[k].offset);
        qn_buf_put_u64(hot, at[k].n);
    }
    for (size_t i = 0; i < wr->blob_dir.n; i++) {
        qn_buf_put_u32(hot, blobs_at + wr->blob_dir.p[i].at);
        qn_buf_put_u32(hot, wr->blob_dir.p[i].n);
    }
    for (size_t i = 0; i < wr->fields.n; i++) {
        const struct field *f = &wr->fields.p[i];
        qn_buf_put_u32(hot, names_at + f->name_at);
        qn_buf_put_u16(hot, f->name_n);
        qn_buf_put_u8(hot, f->type);
        qn_buf_put_u8(hot, f->flags);
        qn_buf_put_u32(hot, f->first_blob);
        qn_buf_put_u32(hot, f->parts);
    }
    qn_buf_put_str(hot, meta->json);
    qn_buf_put_str(hot, qn_buf_str(&wr->names));
    qn_buf_align(hot, 8);
    qn_buf_put_str(hot, qn_buf_str(&wr->blobs));
}

static void put_footer(struct qn_split_writer *wr, const struct qn_buf *hot, uint64_t hot_at)
{
    struct qn_buf b;
    qn_buf_init(&b, QN_SPLIT_FOOTER);
    qn_buf_put(&b, QN_SPLIT_MAGIC, 8);
    qn_buf_put_u16(&b, QN_SPLIT_VERSION);
    qn_buf_put_u16(&b, QN_SPLIT_MIN_READER);
    qn_buf_put_u32(&b, 0);
    qn_buf_put_u64(&b, hot_at);
    qn_buf_put_u64(&b, hot->n);
    qn_buf_put_u64(&b, qn_hash(hot->p, hot->n));
    qn_buf_put_u64(&b, hot_at + hot->n + QN_SPLIT_FOOTER);
    qn_buf_fill(&b, 0, 12);
    qn_buf_put_u32(&b, wr->op.simd->crc32c(0, b.p, b.n));
    QN_ASSERT(b.n == QN_SPLIT_FOOTER);
    qn_sink_put(wr->sk, b.p, b.n);
    qn_buf_release(&b);
}

int qn_split_writer_finish(struct qn_split_writer *wr, const struct qn_split_meta *meta,
                           struct qn_split_info *info)
{
    struct placed at[QN_SECTIONS_END];
    struct qn_buf hot;
    *info = (struct qn_split_info){.n_docs = wr->n_docs, .raw_bytes = raw_bytes(wr, meta)};
    QN_ASSERT(!wr->in_field && wr->blob_dir.n > 0);
    int rc = place_sections(wr, at, info);
    if (rc < 0)
        return rc;
    qn_buf_init(&hot, UINT32_MAX);
    put_hot(wr, at, meta, &hot);
    info->hot_offset = wr->sk->at;
    qn_sink_put(wr->sk, hot.p, hot.n);
    put_footer(wr, &hot, info->hot_offset);
    info->file_bytes = wr->sk->at;
    rc = hot.failed ? QN_E_TOO_LARGE : qn_sink_failed(wr->sk);
    qn_buf_release(&hot);
    return rc;
}
