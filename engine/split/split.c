#include "split/split.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/le.h"
#include "base/mem.h"

/* What a field's public pointers point to, once it is in use. */
struct qn__split_field {
    uint32_t first_blob;
    _Atomic int state; /* 0: not opened yet, 1: open */
    struct qn_terms *terms, *column_terms;
    struct qn_postings postings;
    struct qn_norms norms;
    struct qn_column column;
};

struct qn_split {
    _Atomic uint32_t refs;
    struct qn_object *ob;
    const struct qn_simd_ops *simd;
    struct qn_slice hot_slice;
    struct qn_str hot;
    uint64_t hot_offset;
    uint32_t n_docs, n_fields, n_blobs;
    int64_t min_time, max_time;
    uint64_t raw_bytes;
    struct qn_str meta;
    const uint8_t *blobs;
    struct qn_section sections[QN_SECTIONS_END];
    bool has_section[QN_SECTIONS_END];
    uint32_t section_crc[QN_SECTIONS_END];
    struct qn_docs_reader *docs;
    struct qn_split_field *fields;
    struct qn__split_field *privs;
    pthread_mutex_t use; /* serialises the first use of fields */
};

/* ---- opening */

/* Checks the footer at f; gives where the hot section is. */
static int read_footer(struct qn_split *sp, const char *f, uint64_t *hot_n, struct qn_err *err)
{
    uint64_t end = sp->ob->size_bytes - QN_SPLIT_FOOTER;
    unsigned long long at = end;
    if (memcmp(f, QN_SPLIT_MAGIC, 8) != 0)
        return qn_corrupt(err, "footer at %llu has no magic: cut short, or not a split", at);
    if (qn_le16(f + 10) > QN_SPLIT_VERSION)
        return qn_fail(err, QN_E_FORMAT_VERSION,
                       "footer at %llu: format %u needs a reader of version %u; this build reads "
                       "up to %u",
                       at, qn_le16(f + 8), qn_le16(f + 10), QN_SPLIT_VERSION);
    if (sp->simd->crc32c(0, f, 60) != qn_le32(f + 60))
        return qn_corrupt(err, "footer at %llu fails its checksum", at);
    if (qn_le64(f + 40) != sp->ob->size_bytes)
        return qn_fail(err, QN_E_TRUNCATED,
                       "footer at %llu: the file has %llu bytes, its footer says %llu", at,
                       (unsigned long long)sp->ob->size_bytes, (unsigned long long)qn_le64(f + 40));
    sp->hot_offset = qn_le64(f + 16);
    *hot_n = qn_le64(f + 24);
    if (sp->hot_offset > end || *hot_n != end - sp->hot_offset || *hot_n < 48)
        return qn_corrupt(err, "footer at %llu: the hot section is at %llu, %llu bytes long", at,
                          (unsigned long long)sp->hot_offset, (unsigned long long)*hot_n);
    return 0;
}

/* One read when the offset is known or the hot section is small, two otherwise. */
static int read_tail(struct qn_split *sp, uint64_t hot_offset, struct qn_err *err)
{
    uint64_t size = sp->ob->size_bytes, hot_n = 0;
    if (size < QN_SPLIT_FOOTER)
        return qn_fail(err, QN_E_TRUNCATED, "%llu bytes are too few for a split",
                       (unsigned long long)size);
    uint64_t from = size > QN_SPLIT_TAIL ? size - QN_SPLIT_TAIL : 0;
    if (hot_offset != 0 && hot_offset <= size - QN_SPLIT_FOOTER)
        from = hot_offset;
    int rc = qn_object_read(sp->ob, from, size - from, &sp->hot_slice, err);
    if (rc < 0)
        return rc;
    const char *tail = (const char *)sp->hot_slice.p;
    const char *footer = tail + (size - from) - QN_SPLIT_FOOTER;
    uint64_t want_hash = qn_le64(footer + 32);
    rc = read_footer(sp, footer, &hot_n, err);
    if (rc < 0)
        return rc;
    if (sp->hot_offset < from) {
        qn_slice_release(&sp->hot_slice);
        rc = qn_object_read(sp->ob, sp->hot_offset, hot_n, &sp->hot_slice, err);
        if (rc < 0)
            return rc;
        tail = (const char *)sp->hot_slice.p;
        from = sp->hot_offset;
    }
    sp->hot = qn_str_make(tail + (sp->hot_offset - from), hot_n);
    if (qn_hash_str(sp->hot) != want_hash)
        return qn_corrupt(err, "hot section at %llu fails its checksum",
                          (unsigned long long)sp->hot_offset);
    return 0;
}

/* Blocks of a section start at least so many bits apart: see section.h. */
static unsigned section_shift(enum qn_split_section kind)
{
    switch (kind) {
    case QN_SECTION_COLUMNS:
        return 5;
    case QN_SECTION_TERMS:
        return 6;
    case QN_SECTION_NORMS:
        return 16;
    default:
        return 4;
    }
}

static int open_sections(struct qn_split *sp, const char *dir, uint32_t n, struct qn_err *err)
{
    for (uint32_t i = 0; i < n; i++, dir += 24) {
        uint16_t kind = qn_le16(dir);
        if (kind == 0 || kind >= QN_SECTIONS_END)
            continue; /* of a newer writer that says we may read the rest */
        if (sp->has_section[kind])
            return qn_corrupt(err, "section %s is listed twice", qn_split_section_name(kind));
        uint64_t at = qn_le64(dir + 8), len = qn_le64(dir + 16);
        if (at > sp->hot_offset || len > sp->hot_offset - at)
            return qn_corrupt(err, "section %s is outside of the file",
                              qn_split_section_name(kind));
        int rc = qn_section_open(&sp->sections[kind], sp->ob, at, len, qn_split_section_name(kind),
                                 section_shift(kind), sp->simd, err);
        if (rc < 0)
            return rc;
        sp->has_section[kind] = true;
        sp->section_crc[kind] = qn_le32(dir + 4);
    }
    for (int k = QN_SECTION_DOCS; k < QN_SECTIONS_END; k++)
        if (!sp->has_section[k])
            return qn_corrupt(err, "section %s is missing", qn_split_section_name(k));
    return 0;
}

static struct qn_str blob(const struct qn_split *sp, uint32_t i)
{
    const char *b = (const char *)sp->blobs + 8 * (size_t)i;
    return qn_str_make(sp->hot.p + qn_le32(b), qn_le32(b + 4));
}

static int check_blobs(const struct qn_split *sp, struct qn_err *err)
{
    for (uint32_t i = 0; i < sp->n_blobs; i++) {
        const char *b = (const char *)sp->blobs + 8 * (size_t)i;
        if (qn_le32(b) % 8 != 0 || qn_le32(b) > sp->hot.n ||
            qn_le32(b + 4) > sp->hot.n - qn_le32(b))
            return qn_corrupt(err, "blob %u of %u is off", i, sp->n_blobs);
    }
    return sp->n_blobs > 0 ? 0 : qn_corrupt(err, "no document directory");
}

static int read_field(struct qn_split *sp, uint32_t i, const char *e, struct qn_err *err)
{
    struct qn_split_field *fd = &sp->fields[i];
    uint32_t at = qn_le32(e), n = qn_le16(e + 4), first = qn_le32(e + 8), parts = qn_le32(e + 12);
    if (at > sp->hot.n || n > sp->hot.n - at || (uint8_t)e[6] >= QN_SPLIT_TYPES ||
        parts >> QN_PARTS != 0 || first > sp->n_blobs ||
        (uint32_t)__builtin_popcount(parts) > sp->n_blobs - first)
        return qn_corrupt(err, "field %u of %u is off", i, sp->n_fields);
    *fd = (struct qn_split_field){.name = qn_str_make(sp->hot.p + at, n),
                                  .type = (enum qn_split_type)e[6],
                                  .flags = (uint8_t)e[7],
                                  .parts = parts,
                                  .sp = sp,
                                  .priv = &sp->privs[i]};
    sp->privs[i].first_blob = first;
    if (i == 0)
        return 0;
    const struct qn_split_field *last = fd - 1;
    int d = qn_str_cmp(last->name, fd->name);
    if (d > 0 || (d == 0 && last->type >= fd->type))
        return qn_corrupt(err, "field %u is out of order", i);
    return 0;
}

static int read_hot(struct qn_split *sp, struct qn_err *err)
{
    const char *h = sp->hot.p;
    if (memcmp(h, "QHT1", 4) != 0)
        return qn_corrupt(err, "no magic");
    sp->n_docs = qn_le32(h + 4);
    sp->min_time = (int64_t)qn_le64(h + 8);
    sp->max_time = (int64_t)qn_le64(h + 16);
    sp->raw_bytes = qn_le64(h + 24);
    uint32_t n_sections = qn_le32(h + 32), n_meta = qn_le32(h + 40);
    sp->n_fields = qn_le32(h + 36);
    sp->n_blobs = qn_le32(h + 44);
    uint64_t blobs = 48 + 24ull * n_sections, fields = blobs + 8ull * sp->n_blobs;
    uint64_t meta = fields + 16ull * sp->n_fields;
    if (meta > sp->hot.n || n_meta > sp->hot.n - meta)
        return qn_corrupt(err, "the directories do not fit");
    sp->blobs = (const uint8_t *)h + blobs;
    sp->meta = qn_str_make(h + meta, n_meta);
    int rc = open_sections(sp, h + 48, n_sections, err);
    if (rc == 0)
        rc = check_blobs(sp, err);
    sp->fields = qn_xcalloc(sp->n_fields, sizeof *sp->fields);
    sp->privs = qn_xcalloc(sp->n_fields, sizeof *sp->privs);
    for (uint32_t i = 0; i < sp->n_fields && rc == 0; i++)
        rc = read_field(sp, i, h + fields + 16 * (size_t)i, err);
    if (rc < 0)
        return rc;
    const struct qn_section *docs = &sp->sections[QN_SECTION_DOCS];
    rc = qn_docs_open(&sp->docs, sp->ob, docs->offset, docs->n, blob(sp, 0), sp->simd, err);
    if (rc == 0 && qn_docs_count(sp->docs) != sp->n_docs)
        rc = qn_corrupt(err, "%u documents, the store has %u", sp->n_docs, qn_docs_count(sp->docs));
    return rc;
}

int qn_split_open(struct qn_split **out, struct qn_object *ob, uint64_t hot_offset,
                  const struct qn_simd_ops *simd, struct qn_err *err)
{
    *out = NULL;
    struct qn_split *sp = qn_xcalloc(1, sizeof *sp);
    atomic_init(&sp->refs, 1);
    sp->ob = qn_object_ref(ob);
    sp->simd = simd;
    pthread_mutex_init(&sp->use, NULL);
    int rc = read_tail(sp, hot_offset, err);
    if (rc == 0) {
        rc = read_hot(sp, err);
        if (rc < 0)
            qn_err_prefix(err, "hot section at %llu: ", (unsigned long long)sp->hot_offset);
    }
    if (rc < 0) {
        qn_err_prefix(err, "split " QN_STR_FMT ": ", QN_STR_ARG(ob->name));
        qn_split_unref(sp);
        return rc;
    }
    *out = sp;
    return 0;
}

struct qn_split *qn_split_ref(struct qn_split *sp)
{
    atomic_fetch_add_explicit(&sp->refs, 1, memory_order_relaxed); /* caller holds one already */
    return sp;
}

void qn_split_unref(struct qn_split *sp)
{
    /* The last holder must see what the others did before they let go. */
    if (sp == NULL || atomic_fetch_sub_explicit(&sp->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < sp->n_fields && sp->privs != NULL; i++) {
        qn_terms_free(sp->privs[i].terms);
        qn_terms_free(sp->privs[i].column_terms);
    }
    free(sp->fields);
    free(sp->privs);
    qn_docs_close(sp->docs);
    for (int k = 0; k < QN_SECTIONS_END; k++)
        if (sp->has_section[k])
            qn_section_close(&sp->sections[k]);
    qn_slice_release(&sp->hot_slice);
    qn_object_unref(sp->ob);
    pthread_mutex_destroy(&sp->use);
    free(sp);
}

/* ---- fields */

static struct qn_str part_blob(const struct qn_split_field *fd, enum qn_split_part part)
{
    unsigned before = fd->parts & ((1u << part) - 1);
    return blob(fd->sp, fd->priv->first_blob + (uint32_t)__builtin_popcount(before));
}

static const struct qn_section *section(const struct qn_split *sp, enum qn_split_section kind)
{
    return &sp->sections[kind];
}

static int open_index(struct qn_split_field *fd, struct qn_err *err)
{
    struct qn_split *sp = fd->sp;
    struct qn__split_field *pr = fd->priv;
    int rc = 0;
    if (qn_split_field_has(fd, QN_PART_TERMS))
        rc = qn_terms_open(&pr->terms, part_blob(fd, QN_PART_TERMS), section(sp, QN_SECTION_TERMS),
                           err);
    if (rc == 0 && qn_split_field_has(fd, QN_PART_POSTINGS)) {
        rc = qn_postings_open(&pr->postings, part_blob(fd, QN_PART_POSTINGS),
                              section(sp, QN_SECTION_POSTINGS), section(sp, QN_SECTION_POSITIONS),
                              sp->n_docs, sp->simd, err);
        fd->postings = &pr->postings;
    }
    if (rc == 0 && qn_split_field_has(fd, QN_PART_NORMS)) {
        rc = qn_norms_open(&pr->norms, part_blob(fd, QN_PART_NORMS), section(sp, QN_SECTION_NORMS),
                           err);
        fd->norms = &pr->norms;
    }
    fd->terms = pr->terms;
    return rc;
}

static int open_column(struct qn_split_field *fd, struct qn_err *err)
{
    struct qn_split *sp = fd->sp;
    struct qn__split_field *pr = fd->priv;
    int rc = 0;
    if (qn_split_field_has(fd, QN_PART_COLUMN)) {
        rc = qn_column_open(&pr->column, part_blob(fd, QN_PART_COLUMN),
                            section(sp, QN_SECTION_COLUMNS), sp->n_docs, sp->simd, err);
        fd->column = &pr->column;
    }
    if (rc == 0 && qn_split_field_has(fd, QN_PART_COLUMN_TERMS))
        rc = qn_terms_open(&pr->column_terms, part_blob(fd, QN_PART_COLUMN_TERMS),
                           section(sp, QN_SECTION_TERMS), err);
    fd->column_terms = pr->column_terms ? pr->column_terms : pr->terms;
    if (rc < 0 || fd->column == NULL || !qn_split_type_has_terms(fd->type) ||
        (fd->flags & QN_FIELD_PRESENCE))
        return rc;
    uint64_t n = fd->column_terms ? qn_terms_count(fd->column_terms) : 0;
    if (pr->column.value_count > 0 && pr->column.max >= n)
        return qn_corrupt(err, "ordinal %llu of %llu terms", (unsigned long long)pr->column.max,
                          (unsigned long long)n);
    return 0;
}

int qn_split_use(struct qn_split_field *fd, struct qn_err *err)
{
    /* Acquire: whoever sees 1 sees what was opened before it was set. */
    if (atomic_load_explicit(&fd->priv->state, memory_order_acquire) == 1)
        return 0;
    pthread_mutex_lock(&fd->sp->use);
    int rc = 0;
    if (atomic_load_explicit(&fd->priv->state, memory_order_relaxed) == 0) {
        struct qn_split_field open = *fd;
        rc = open_index(&open, err);
        if (rc == 0)
            rc = open_column(&open, err);
        if (rc == 0) {
            /* Only these: name and type are being read by others. */
            fd->terms = open.terms;
            fd->postings = open.postings;
            fd->norms = open.norms;
            fd->column = open.column;
            fd->column_terms = open.column_terms;
            atomic_store_explicit(&fd->priv->state, 1, memory_order_release);
        } else {
            qn_terms_free(fd->priv->terms);
            qn_terms_free(fd->priv->column_terms);
            fd->priv->terms = fd->priv->column_terms = NULL;
            qn_err_prefix(err, "split " QN_STR_FMT ", field " QN_STR_FMT " (%s): ",
                          QN_STR_ARG(fd->sp->ob->name), QN_STR_ARG(fd->name),
                          qn_split_type_name(fd->type));
        }
    }
    pthread_mutex_unlock(&fd->sp->use);
    return rc;
}

/* The first field at or after (name, type). */
static uint32_t lower_bound(const struct qn_split *sp, struct qn_str name, unsigned type)
{
    uint32_t lo = 0, hi = sp->n_fields;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int d = qn_str_cmp(sp->fields[mid].name, name);
        if (d < 0 || (d == 0 && sp->fields[mid].type < type))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct qn_split_field *qn_split_find(struct qn_split *sp, struct qn_str name,
                                     enum qn_split_type type)
{
    uint32_t i = lower_bound(sp, name, type);
    bool here =
        i < sp->n_fields && sp->fields[i].type == type && qn_str_eq(sp->fields[i].name, name);
    return here ? &sp->fields[i] : NULL;
}

uint32_t qn_split_find_all(struct qn_split *sp, struct qn_str name, struct qn_split_field **first)
{
    uint32_t lo = lower_bound(sp, name, 0), hi = lower_bound(sp, name, QN_SPLIT_TYPES);
    *first = lo < hi ? &sp->fields[lo] : NULL;
    return hi - lo;
}

/* ---- plain accessors */

uint32_t qn_split_doc_count(const struct qn_split *sp)
{
    return sp->n_docs;
}

int64_t qn_split_min_time(const struct qn_split *sp)
{
    return sp->min_time;
}

int64_t qn_split_max_time(const struct qn_split *sp)
{
    return sp->max_time;
}

uint64_t qn_split_raw_bytes(const struct qn_split *sp)
{
    return sp->raw_bytes;
}

struct qn_str qn_split_meta_json(const struct qn_split *sp)
{
    return sp->meta;
}

const struct qn_simd_ops *qn_split_simd(const struct qn_split *sp)
{
    return sp->simd;
}

struct qn_object *qn_split_object(const struct qn_split *sp)
{
    return sp->ob;
}

struct qn_range qn_split_section_range(const struct qn_split *sp, enum qn_split_section kind)
{
    return (struct qn_range){sp->sections[kind].offset, sp->sections[kind].n};
}

uint32_t qn_split_section_crc(const struct qn_split *sp, enum qn_split_section kind)
{
    return sp->section_crc[kind];
}

struct qn_docs_reader *qn_split_docs(struct qn_split *sp)
{
    return sp->docs;
}

uint32_t qn_split_field_count(const struct qn_split *sp)
{
    return sp->n_fields;
}

struct qn_split_field *qn_split_field_at(struct qn_split *sp, uint32_t i)
{
    QN_ASSERT(i < sp->n_fields);
    return &sp->fields[i];
}

const struct qn_section *qn_split_absence(const struct qn_split *sp)
{
    return sp->sections[QN_SECTION_ABSENCE].n ? &sp->sections[QN_SECTION_ABSENCE] : NULL;
}
