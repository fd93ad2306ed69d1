#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "columns/columns.h"
#include "ingest/sort_terms.h"
#include "memindex_int.h"
#include "postings/impacts.h"
#include "postings/norms.h"
#include "terms/terms_writer.h"

#define GONE UINT32_MAX
enum { SAMPLE = 2048 };

struct flush {
    struct qn_memindex *mx;
    const struct qn_simd_ops *simd;
    uint32_t n_old, n_new;
    uint32_t *new_of_old; /* GONE: aborted. NULL: nothing moves */
    uint32_t *old_of_new;
    uint32_t *addrs;     /* of all terms, by space */
    uint32_t *space_at;  /* first term of each space */
    struct qn_buf bytes; /* scratch of decoding */
    QN_VEC(uint32_t) docs;
    QN_VEC(uint32_t) tfs;
    QN_VEC(uint32_t) positions;
    QN_VEC(uint64_t) order; /* scratch to sort moved postings */
    QN_VEC(uint32_t) docs2;
    QN_VEC(uint32_t) tfs2;
    QN_VEC(uint32_t) positions2;
    QN_VEC(uint32_t) starts;
};

/* ---- numbering */

struct dated {
    int64_t time;
    uint32_t doc;
};

static int by_time(const void *a, const void *b)
{
    const struct dated *x = a, *y = b;
    /* QN_NO_TIME is the smallest number and sorts last. */
    uint64_t tx = (uint64_t)x->time - 1 - (uint64_t)INT64_MIN,
             ty = (uint64_t)y->time - 1 - (uint64_t)INT64_MIN;
    if (tx != ty)
        return tx < ty ? -1 : 1;
    return x->doc < y->doc ? -1 : x->doc > y->doc;
}

static void number_documents(struct flush *fl)
{
    struct qn_memindex *mx = fl->mx;
    fl->n_old = (uint32_t)mx->times.n;
    fl->n_new = qn_memindex_docs(mx);
    if (mx->sorted && mx->dead.n == 0)
        return;
    struct dated *all = qn_xmalloc(((size_t)fl->n_new + 1) * sizeof *all);
    uint32_t n = 0, dead = 0;
    for (uint32_t doc = 0; doc < fl->n_old; doc++) {
        if (dead < mx->dead.n && mx->dead.p[dead] == doc)
            dead++;
        else
            all[n++] = (struct dated){mx->times.p[doc], doc};
    }
    if (!mx->sorted)
        qsort(all, n, sizeof *all, by_time);
    fl->new_of_old = qn_xmalloc(((size_t)fl->n_old + 1) * sizeof *fl->new_of_old);
    fl->old_of_new = qn_xmalloc(((size_t)n + 1) * sizeof *fl->old_of_new);
    memset(fl->new_of_old, 0xff, fl->n_old * sizeof *fl->new_of_old);
    for (uint32_t i = 0; i < n; i++) {
        fl->new_of_old[all[i].doc] = i;
        fl->old_of_new[i] = all[i].doc;
    }
    free(all);
}

/* Rows of the store are the documents that were not aborted, in the order they came. */
static void map_rows(struct flush *fl)
{
    if (fl->mx->sorted)
        return;
    uint32_t *row_of_old = qn_xmalloc(((size_t)fl->n_old + 1) * sizeof *row_of_old);
    uint32_t row = 0;
    for (uint32_t doc = 0; doc < fl->n_old; doc++)
        row_of_old[doc] = fl->new_of_old[doc] == GONE ? GONE : row++;
    uint32_t *rows = qn_xmalloc(((size_t)fl->n_new + 1) * sizeof *rows);
    for (uint32_t i = 0; i < fl->n_new; i++)
        rows[i] = row_of_old[fl->old_of_new[i]];
    qn_docs_writer_map(qn_split_writer_docs(fl->mx->writer), rows, fl->n_new);
    free(rows);
    free(row_of_old);
}

/* ---- terms */

/* Groups the addresses of all terms by the space they are in. */
static void group_terms(struct flush *fl)
{
    const struct qn_termtable *tt = &fl->mx->terms;
    uint32_t n_spaces = (uint32_t)fl->mx->fields.n * 2;
    fl->space_at = qn_xcalloc(n_spaces + 1, sizeof *fl->space_at);
    fl->addrs = qn_xmalloc(((size_t)tt->count + 1) * sizeof *fl->addrs);
    for (uint32_t i = 0; i < tt->n_slots; i++)
        if (tt->slots[i].addr != 0)
            fl->space_at[qn_term_field(qn_termtable_at(tt, tt->slots[i].addr)) + 1]++;
    for (uint32_t s = 0; s < n_spaces; s++)
        fl->space_at[s + 1] += fl->space_at[s];
    uint32_t *next = qn_xmalloc((n_spaces + 1) * sizeof *next);
    memcpy(next, fl->space_at, (n_spaces + 1) * sizeof *next);
    for (uint32_t i = 0; i < tt->n_slots; i++) {
        uint32_t addr = tt->slots[i].addr;
        if (addr != 0)
            fl->addrs[next[qn_term_field(qn_termtable_at(tt, addr))]++] = addr;
    }
    free(next);
}

/* Decodes the postings of a term's first documents, in the old numbering. */
static struct qn_posting_run read_term(struct flush *fl, const struct qn_term *t,
                                       enum qn_index_record record, size_t max_docs)
{
    qn_vec_reserve(&fl->docs, t->df + QN_PAD);
    qn_vec_reserve(&fl->tfs, t->df + QN_PAD);
    qn_vec_reserve(&fl->positions, t->occurrences + QN_PAD);
    size_t n = qn_termtable_postings(&fl->mx->terms, t, max_docs, &fl->bytes, fl->docs.p, fl->tfs.p,
                                     fl->positions.p);
    return (struct qn_posting_run){fl->docs.p, record == QN_RECORD_BASIC ? NULL : fl->tfs.p,
                                   record == QN_RECORD_POSITION ? fl->positions.p : NULL, n};
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Renumbers a run; postings of aborted documents disappear. */
static struct qn_posting_run move_run(struct flush *fl, struct qn_posting_run run)
{
    if (fl->new_of_old == NULL)
        return run;
    bool ascending = true;
    qn_vec_clear(&fl->order);
    for (size_t i = 0; i < run.n; i++) {
        uint32_t doc = fl->new_of_old[run.docs[i]];
        if (doc == GONE)
            continue;
        uint64_t key = (uint64_t)doc << 32 | i;
        ascending = ascending && (fl->order.n == 0 || fl->order.p[fl->order.n - 1] < key);
        qn_vec_push(&fl->order, key);
    }
    size_t n = fl->order.n, n_pos = 0;
    if (!ascending)
        qsort(fl->order.p, n, sizeof *fl->order.p, by_number);
    qn_vec_reserve(&fl->docs2, n + QN_PAD);
    qn_vec_reserve(&fl->tfs2, n + QN_PAD);
    if (run.positions != NULL) {
        qn_vec_reserve(&fl->starts, run.n + 1);
        for (size_t i = 0, at = 0; i < run.n; at += run.tfs[i++])
            fl->starts.p[i] = (uint32_t)at;
        qn_vec_reserve(&fl->positions2, fl->positions.cap);
    }
    for (size_t k = 0; k < n; k++) {
        uint32_t i = (uint32_t)fl->order.p[k];
        fl->docs2.p[k] = (uint32_t)(fl->order.p[k] >> 32);
        if (run.tfs != NULL)
            fl->tfs2.p[k] = run.tfs[i];
        if (run.positions != NULL) {
            memcpy(fl->positions2.p + n_pos, run.positions + fl->starts.p[i],
                   run.tfs[i] * sizeof *run.positions);
            n_pos += run.tfs[i];
        }
    }
    return (struct qn_posting_run){fl->docs2.p, run.tfs ? fl->tfs2.p : NULL,
                                   run.positions ? fl->positions2.p : NULL, n};
}

static uint8_t *move_norms(struct flush *fl, const struct qn__memfield *f, uint32_t *doc_count)
{
    uint8_t *norms = qn_xcalloc((size_t)fl->n_new + QN_PAD, 1);
    *doc_count = 0;
    for (uint32_t i = 0; i < fl->n_new; i++) {
        uint32_t old = fl->old_of_new ? fl->old_of_new[i] : i;
        norms[i] = old < f->norms.n ? f->norms.p[old] : 0;
        *doc_count += norms[i] != 0;
    }
    return norms;
}

/* Impact codes from a sample: every k-th term and those in many documents, their first postings. */
static void count_impacts(struct flush *fl, const struct qn__memfield *f, const uint32_t *addrs,
                          uint32_t n, const uint8_t *norms, struct qn_impacts *im)
{
    struct qn_impact_counts *ct = qn_xcalloc(1, sizeof *ct);
    uint32_t step = n / 4096 + 1;
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_term *t = qn_termtable_at(&fl->mx->terms, addrs[i]);
        if (i % step != 0 && t->df < fl->n_old / 64 + 16)
            continue;
        struct qn_posting_run run = move_run(fl, read_term(fl, t, f->spec.record, SAMPLE));
        qn_impacts_count(ct, run.docs, run.tfs, run.n, norms);
    }
    qn_impacts_build(im, ct, NULL);
    free(ct);
}

/* Documents that hold any term of the field, for statistics. */
static uint32_t count_documents(struct flush *fl, const uint32_t *addrs, uint32_t n)
{
    uint64_t *seen = qn_xcalloc(qn_bits_words(fl->n_old) + 1, 8);
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_term *t = qn_termtable_at(&fl->mx->terms, addrs[i]);
        struct qn_posting_run run =
            read_term(fl, t, (enum qn_index_record)(t->field >> QN_TERM_FIELD_BITS), SIZE_MAX);
        for (size_t k = 0; k < run.n; k++)
            if (fl->new_of_old == NULL || fl->new_of_old[run.docs[k]] != GONE)
                qn_bit_set(seen, run.docs[k]);
    }
    uint32_t count = (uint32_t)fl->simd->popcount(seen, qn_bits_words(fl->n_old));
    free(seen);
    return count;
}

static struct qn_terms_writer *terms_writer(struct flush *fl, const struct qn__memfield *f)
{
    struct qn_terms_options op = {.ops = fl->simd, .absence = f->spec.absence};
    return qn_terms_writer_new(qn_split_writer_sink(fl->mx->writer, QN_SECTION_TERMS), &op);
}

static int finish_terms(struct flush *fl, const struct qn__memfield *f, struct qn_terms_writer *tw,
                        enum qn_split_part part)
{
    struct qn_terms_stats stats;
    struct qn_sink *absence =
        f->spec.absence ? qn_split_writer_sink(fl->mx->writer, QN_SECTION_ABSENCE) : NULL;
    return qn_terms_writer_finish(tw, qn_split_field_part(fl->mx->writer, part), absence, &stats);
}

static int add_terms(struct flush *fl, const struct qn__memfield *f, const uint32_t *addrs,
                     uint32_t n, struct qn_terms_writer *tw, struct qn_postings_writer *pw)
{
    uint32_t ord = 0;
    int rc = 0;
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        struct qn_term *t = qn_termtable_at(&fl->mx->terms, addrs[i]);
        struct qn_posting_run run = move_run(fl, read_term(fl, t, f->spec.record, SIZE_MAX));
        if (run.n == 0)
            continue;
        struct qn_term_info info = {.kind = QN_TERM_INLINE, .df = (uint32_t)run.n};
        if (pw != NULL)
            rc = qn_postings_add(pw, &run, &info);
        if (rc == 0)
            rc = qn_terms_writer_add(tw, qn_str_make(t->key, t->key_n), &info);
        t->ord = ord++;
    }
    return rc;
}

static int write_index(struct flush *fl, const struct qn__memfield *f, const uint32_t *addrs,
                       uint32_t n)
{
    struct qn_split_writer *wr = fl->mx->writer;
    uint32_t doc_count = 0;
    uint8_t *norms = f->spec.norms ? move_norms(fl, f, &doc_count) : NULL;
    struct qn_impacts *im = NULL;
    if (!f->spec.norms)
        doc_count = count_documents(fl, addrs, n);
    if (f->spec.record != QN_RECORD_BASIC) {
        im = qn_xmalloc(sizeof *im);
        if (f->spec.norms)
            count_impacts(fl, f, addrs, n, norms, im);
        else
            qn_impacts_plain(im);
    }
    struct qn_postings_options op = {
        .ops = fl->simd, .record = f->spec.record, .impacts = im, .norms = norms};
    struct qn_postings_writer *pw =
        qn_postings_writer_new(&op, qn_split_writer_sink(wr, QN_SECTION_POSTINGS),
                               qn_split_writer_sink(wr, QN_SECTION_POSITIONS));
    struct qn_terms_writer *tw = terms_writer(fl, f);
    struct qn_postings_stats stats;
    int rc = add_terms(fl, f, addrs, n, tw, pw);
    if (rc == 0)
        rc = finish_terms(fl, f, tw, QN_PART_TERMS);
    if (rc == 0)
        rc = qn_postings_writer_finish(pw, doc_count, qn_split_field_part(wr, QN_PART_POSTINGS),
                                       &stats);
    if (rc == 0 && norms != NULL)
        qn_norms_write(qn_split_writer_sink(wr, QN_SECTION_NORMS), fl->simd, norms, fl->n_new,
                       qn_split_field_part(wr, QN_PART_NORMS));
    qn_terms_writer_free(tw);
    qn_postings_writer_free(pw);
    free(norms);
    free(im);
    return rc;
}

/* A dictionary without postings: for columns only. */
static int write_column_terms(struct flush *fl, const struct qn__memfield *f, const uint32_t *addrs,
                              uint32_t n, enum qn_split_part part)
{
    struct qn_terms_writer *tw = terms_writer(fl, f);
    int rc = add_terms(fl, f, addrs, n, tw, NULL);
    if (rc == 0)
        rc = finish_terms(fl, f, tw, part);
    qn_terms_writer_free(tw);
    return rc;
}

/* ---- columns */

/* Addresses of terms become ordinals. */
static void resolve_ordinals(struct flush *fl, struct qn__memcolumn *c)
{
    for (size_t i = 0; i < c->values.n; i++)
        c->values.p[i] = qn_termtable_at(&fl->mx->terms, (uint32_t)c->values.p[i])->ord;
}

static void put_moved(struct flush *fl, struct qn_column_writer *cw, const struct qn__memcolumn *c)
{
    size_t n = c->values.n;
    uint32_t *start = qn_xcalloc((size_t)fl->n_old + 2, sizeof *start);
    for (size_t i = 0; i < n; i++)
        start[(c->gaps ? c->docs.p[i] : (uint32_t)i) + 1]++;
    for (uint32_t d = 0; d < fl->n_old; d++)
        start[d + 1] += start[d];
    for (uint32_t doc = 0; doc < fl->n_new; doc++) {
        uint32_t old = fl->old_of_new[doc];
        for (uint32_t i = start[old]; i < start[old + 1]; i++)
            qn_column_put(cw, &doc, &c->values.p[i], 1);
    }
    free(start);
}

static int write_column(struct flush *fl, struct qn__memfield *f)
{
    struct qn_split_writer *wr = fl->mx->writer;
    struct qn__memcolumn *c = &f->column;
    enum qn_column_kind kind = f->spec.type == QN_SPLIT_F64 ? QN_COLUMN_F64 : QN_COLUMN_INT;
    struct qn_column_writer *cw =
        qn_column_writer_new(kind, fl->simd, qn_split_writer_sink(wr, QN_SECTION_COLUMNS));
    if (fl->old_of_new != NULL)
        put_moved(fl, cw, c);
    else if (c->gaps)
        qn_column_put(cw, c->docs.p, c->values.p, c->values.n);
    else
        qn_column_put_dense(cw, 0, c->values.p, c->values.n);
    int rc = qn_column_writer_finish(cw, fl->n_new, qn_split_field_part(wr, QN_PART_COLUMN));
    qn_column_writer_free(cw);
    return rc;
}

/* ---- fields */

static int write_field(struct flush *fl, uint32_t field)
{
    struct qn__memfield *f = &fl->mx->fields.p[field];
    const uint32_t *at = fl->space_at;
    uint32_t index = qn__term_space(field, false), own = qn__term_space(field, true);
    uint32_t n_index = at[index + 1] - at[index], n_own = at[own + 1] - at[own];
    bool terms = qn_split_type_has_terms(f->spec.type);
    bool shared = terms && f->spec.column && !f->spec.own_column_terms;
    int rc = qn_split_field_begin(fl->mx->writer, f->spec.name, f->spec.type,
                                  f->spec.presence ? QN_FIELD_PRESENCE : 0);
    qn_sort_terms(&fl->mx->terms, fl->addrs + at[index], n_index);
    qn_sort_terms(&fl->mx->terms, fl->addrs + at[own], n_own);
    if (rc == 0 && terms && f->spec.indexed)
        rc = write_index(fl, f, fl->addrs + at[index], n_index);
    else if (rc == 0 && shared)
        rc = write_column_terms(fl, f, fl->addrs + at[index], n_index, QN_PART_COLUMN_TERMS);
    if (rc == 0 && terms && f->spec.own_column_terms)
        rc = write_column_terms(fl, f, fl->addrs + at[own], n_own, QN_PART_COLUMN_TERMS);
    if (terms && f->spec.column)
        resolve_ordinals(fl, &f->column);
    if (rc == 0 && (f->spec.column || f->spec.presence))
        rc = write_column(fl, f);
    if (rc == 0)
        qn_split_field_end(fl->mx->writer);
    return rc;
}

/* Fields in the order of the split: by name, then type. */
static int write_fields(struct flush *fl)
{
    struct qn_memindex *mx = fl->mx;
    uint32_t n = (uint32_t)mx->fields.n, *order = qn_xmalloc((n + 1) * sizeof *order);
    int rc = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_memfield_spec *f = &mx->fields.p[i].spec;
        uint32_t k = i;
        for (; k > 0; k--) {
            const struct qn_memfield_spec *g = &mx->fields.p[order[k - 1]].spec;
            int d = qn_str_cmp(g->name, f->name);
            if (d < 0 || (d == 0 && g->type < f->type))
                break;
            order[k] = order[k - 1];
        }
        order[k] = i;
    }
    for (uint32_t i = 0; i < n && rc == 0; i++)
        rc = write_field(fl, order[i]);
    free(order);
    return rc;
}

static void time_range(const struct flush *fl, struct qn_split_meta *meta)
{
    meta->min_time_ns = INT64_MAX;
    meta->max_time_ns = INT64_MIN;
    for (uint32_t i = 0; i < fl->n_new; i++) {
        int64_t t = fl->mx->times.p[fl->old_of_new ? fl->old_of_new[i] : i];
        if (t == QN_NO_TIME)
            continue;
        meta->min_time_ns = t < meta->min_time_ns ? t : meta->min_time_ns;
        meta->max_time_ns = t > meta->max_time_ns ? t : meta->max_time_ns;
    }
}

int qn_memindex_flush(struct qn_memindex *mx, struct qn_split_meta *meta,
                      struct qn_split_info *info)
{
    struct flush fl = {.mx = mx, .simd = mx->op.split.simd};
    qn_buf_init(&fl.bytes, SIZE_MAX);
    number_documents(&fl);
    map_rows(&fl);
    time_range(&fl, meta);
    meta->raw_bytes = mx->raw_bytes;
    int rc = qn_split_writer_docs_done(mx->writer, fl.n_new);
    group_terms(&fl);
    if (rc == 0)
        rc = write_fields(&fl);
    if (rc == 0)
        rc = qn_split_writer_finish(mx->writer, meta, info);
    free(fl.new_of_old);
    free(fl.old_of_new);
    free(fl.addrs);
    free(fl.space_at);
    qn_buf_release(&fl.bytes);
    qn_vec_release(&fl.docs);
    qn_vec_release(&fl.tfs);
    qn_vec_release(&fl.positions);
    qn_vec_release(&fl.order);
    qn_vec_release(&fl.docs2);
    qn_vec_release(&fl.tfs2);
    qn_vec_release(&fl.positions2);
    qn_vec_release(&fl.starts);
    return rc;
}
