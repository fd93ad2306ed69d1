/* A field in memory, the naive way, and the same field as written: shared by the postings tests. */
#ifndef QN_POSTINGS_MODEL_H
#define QN_POSTINGS_MODEL_H

#include "test.h"

#include "postings/norms.h"
#include "postings/postings_merge.h"
#include "postings/postings_reader.h"
#include "postings/postings_writer.h"

static inline const struct qn_simd_ops *simd(void)
{
    const char *z = getenv("QN_TEST_SIMD");
    return qn_simd_pick(z ? z : "auto");
}

struct model_term {
    uint32_t n;
    uint32_t *docs, *tfs, *pos, *start; /* positions of posting i: pos[start[i] .. start[i+1]) */
    char name[16];
};

struct model {
    uint32_t n_docs, n_terms;
    struct model_term *terms;
    uint8_t *norms; /* by document */
};

/* How documents of a term are spread. */
enum { SPREAD_EVEN, SPREAD_DENSE, SPREAD_RUNS, SPREAD_CLUSTERS, SPREADS };

static inline bool spread_has(struct qn_rng *r, int spread, uint32_t doc, uint32_t one_in)
{
    switch (spread) {
    case SPREAD_DENSE:
        return qn_rng_below(r, 10) != 0;
    case SPREAD_RUNS:
        return doc / 700 % 2 == 0 || qn_rng_below(r, 64) == 0;
    case SPREAD_CLUSTERS:
        return qn_rng_below(r, doc / 3000 % 4 == 0 ? 3 : 50 * one_in) == 0;
    default:
        return qn_rng_below(r, one_in) == 0;
    }
}

static inline void model_fill_term(struct model *m, struct model_term *t, struct qn_rng *r)
{
    int spread = (int)qn_rng_below(r, 3 * SPREADS);
    uint32_t one_in = 1u << qn_rng_below(r, 18), cap = 0, pos_cap = 0;
    uint32_t big = (uint32_t)qn_rng_below(r, 300) + 1;
    t->docs = NULL;
    t->n = 0;
    uint32_t n_pos = 0;
    for (uint32_t d = 0; d < m->n_docs; d++) {
        if (!spread_has(r, spread, d, one_in))
            continue;
        if (t->n + 2 > cap) {
            cap = 2 * cap + 16;
            t->docs = realloc(t->docs, cap * sizeof *t->docs);
            t->tfs = realloc(t->tfs, cap * sizeof *t->tfs);
            t->start = realloc(t->start, cap * sizeof *t->start);
        }
        uint32_t tf = 1;
        if (qn_rng_below(r, 4) == 0)
            tf += (uint32_t)qn_rng_below(r, qn_rng_below(r, 100) == 0 ? big : 4);
        if (n_pos + tf > pos_cap) {
            pos_cap = 2 * pos_cap + tf + 16;
            t->pos = realloc(t->pos, pos_cap * sizeof *t->pos);
        }
        t->docs[t->n] = d;
        t->tfs[t->n] = tf;
        t->start[t->n++] = n_pos;
        uint32_t p = 0;
        for (uint32_t k = 0; k < tf; k++) {
            p += (uint32_t)qn_rng_below(r, qn_rng_below(r, 50) == 0 ? 1u << 20 : 30);
            t->pos[n_pos++] = p;
        }
    }
    if (t->n != 0)
        t->start[t->n] = n_pos;
}

static inline void model_make(struct model *m, struct qn_rng *r, uint32_t n_docs, uint32_t n_terms)
{
    *m = (struct model){.n_docs = n_docs};
    m->norms = malloc(n_docs + 1);
    for (uint32_t d = 0; d < n_docs; d++)
        m->norms[d] = qn_norm_encode(1 + (uint32_t)qn_rng_below(r, qn_rng_below(r, 9) ? 40 : 9999));
    m->terms = calloc(n_terms, sizeof *m->terms);
    for (uint32_t i = 0; i < n_terms; i++) {
        struct model_term *t = &m->terms[m->n_terms];
        *t = (struct model_term){0};
        model_fill_term(m, t, r);
        snprintf(t->name, sizeof t->name, "term%06u", i);
        m->n_terms += t->n != 0;
    }
}

static inline void model_free(struct model *m)
{
    for (uint32_t i = 0; i < m->n_terms; i++) {
        free(m->terms[i].docs);
        free(m->terms[i].tfs);
        free(m->terms[i].pos);
        free(m->terms[i].start);
    }
    free(m->terms);
    free(m->norms);
}

struct field {
    struct qn_buf terms, terms_hot, lists, positions, hot;
    struct qn_object *terms_ob, *lists_ob, *positions_ob;
    struct qn_section terms_sc, lists_sc, positions_sc;
    struct qn_terms *td;
    struct qn_postings ps;
    struct qn_postings_stats stats;
    /* while writing */
    struct qn_buf_sink terms_sk, lists_sk, positions_sk;
    struct qn_terms_writer *tw;
    struct qn_postings_writer *pw;
    struct qn_impacts impacts;
};

static inline void field_begin(struct field *f, enum qn_index_record record, const uint8_t *norms)
{
    struct qn_terms_options topt = {.ops = simd(), .block_bytes = 2000};
    struct qn_postings_options opt = {
        .ops = simd(), .record = record, .impacts = &f->impacts, .norms = norms};
    qn_buf_init(&f->terms, SIZE_MAX);
    qn_buf_init(&f->terms_hot, SIZE_MAX);
    qn_buf_init(&f->lists, SIZE_MAX);
    qn_buf_init(&f->positions, SIZE_MAX);
    qn_buf_init(&f->hot, SIZE_MAX);
    qn_buf_sink_init(&f->terms_sk, &f->terms);
    qn_buf_sink_init(&f->lists_sk, &f->lists);
    qn_buf_sink_init(&f->positions_sk, &f->positions);
    f->tw = qn_terms_writer_new(&f->terms_sk.sink, &topt);
    f->pw = qn_postings_writer_new(&opt, &f->lists_sk.sink, &f->positions_sk.sink);
}

static inline int field_open(struct field *f, uint32_t n_docs, struct qn_err *err)
{
    f->terms_ob = qn_object_from_memory(QN_STR("t"), f->terms.p, f->terms.n);
    f->lists_ob = qn_object_from_memory(QN_STR("l"), f->lists.p, f->lists.n);
    f->positions_ob = qn_object_from_memory(QN_STR("p"), f->positions.p, f->positions.n);
    assert_ok(qn_section_open(&f->terms_sc, f->terms_ob, 0, f->terms.n, "terms", 6, simd(), err));
    assert_ok(qn_section_open(&f->lists_sc, f->lists_ob, 0, f->lists.n, "lists", 4, simd(), err));
    assert_ok(qn_section_open(&f->positions_sc, f->positions_ob, 0, f->positions.n, "positions", 4,
                              simd(), err));
    f->td = NULL;
    int rc = qn_terms_open(&f->td, qn_buf_str(&f->terms_hot), &f->terms_sc, err);
    if (rc == 0)
        rc = qn_postings_open(&f->ps, qn_buf_str(&f->hot), &f->lists_sc, &f->positions_sc, n_docs,
                              simd(), err);
    return rc;
}

static inline void field_write_end(struct field *f, uint32_t n_docs)
{
    assert_ok(qn_terms_writer_finish(f->tw, &f->terms_hot, NULL, NULL));
    assert_ok(qn_postings_writer_finish(f->pw, n_docs, &f->hot, &f->stats));
    qn_terms_writer_free(f->tw);
    qn_postings_writer_free(f->pw);
}

static inline void field_end(struct field *f, uint32_t n_docs)
{
    struct qn_err err = {0};
    field_write_end(f, n_docs);
    if (field_open(f, n_docs, &err) < 0)
        fail_msg("open: %s", err.msg);
}

static inline void field_free(struct field *f)
{
    qn_terms_free(f->td);
    qn_section_close(&f->terms_sc);
    qn_section_close(&f->lists_sc);
    qn_section_close(&f->positions_sc);
    qn_object_unref(f->terms_ob);
    qn_object_unref(f->lists_ob);
    qn_object_unref(f->positions_ob);
    qn_buf_release(&f->terms);
    qn_buf_release(&f->terms_hot);
    qn_buf_release(&f->lists);
    qn_buf_release(&f->positions);
    qn_buf_release(&f->hot);
}

static inline void field_impacts(struct field *f, const struct model *m, bool norms)
{
    struct qn_impact_counts *ct = calloc(1, sizeof *ct);
    for (uint32_t i = 0; i < m->n_terms; i++)
        qn_impacts_count(ct, m->terms[i].docs, m->terms[i].tfs, m->terms[i].n,
                         norms ? m->norms : NULL);
    qn_impacts_build(&f->impacts, ct, NULL);
    free(ct);
}

static inline void field_put_term(struct field *f, const struct model_term *t, enum qn_index_record rec,
                                  struct qn_rng *r)
{
    struct qn_term_info ti;
    uint32_t at = 0;
    bool basic = rec == QN_RECORD_BASIC;
    if (qn_rng_below(r, 2)) {
        struct qn_posting_run all = {t->docs, basic ? NULL : t->tfs, t->pos, t->n};
        assert_ok(qn_postings_add(f->pw, &all, &ti));
    } else {
        while (at < t->n) {
            uint32_t n = (uint32_t)qn_rng_below(r, 1 + (t->n - at)) + (qn_rng_below(r, 2) ? 0 : 1);
            n = n < t->n - at ? n : t->n - at;
            struct qn_posting_run run = {t->docs + at, basic ? NULL : t->tfs + at,
                                         t->pos + t->start[at], n};
            qn_postings_append(f->pw, &run);
            at += n;
        }
        assert_ok(qn_postings_end(f->pw, &ti));
    }
    assert_int_equal(ti.df, t->n);
    assert_ok(qn_terms_writer_add(f->tw, qn_str_of(t->name), &ti));
}

static inline void field_write(struct field *f, const struct model *m, enum qn_index_record rec,
                               bool norms, struct qn_rng *r)
{
    field_impacts(f, m, norms);
    field_begin(f, rec, norms ? m->norms : NULL);
    for (uint32_t i = 0; i < m->n_terms; i++)
        field_put_term(f, &m->terms[i], rec, r);
}

/* Every posting of a term, block by block, with codes, tfs and positions. */
static inline void expect_postings(struct qn_cursor *cu, const struct model *m,
                                   const struct model_term *t, bool norms)
{
    struct qn_err err = {0};
    uint32_t at = 0, tfs[256];
    int rc;
    enum qn_index_record rec = cu->ps->record;
    assert_int_equal(cu->df, t->n);
    while ((rc = qn_cursor_next_block(cu, &err)) == 0) {
        assert_true(cu->n_ids >= 1 && cu->n_ids <= 256 && at + cu->n_ids <= t->n);
        assert_memory_equal(cu->ids, t->docs + at, 4 * cu->n_ids);
        assert_int_equal(cu->first[cu->block], cu->ids[0]);
        assert_int_equal(cu->last[cu->block], cu->ids[cu->n_ids - 1]);
        assert_ok(qn_cursor_tfs(cu, tfs, &err));
        bool any;
        uint8_t most = qn_cursor_max_code(cu, cu->ids[0], cu->ids[cu->n_ids - 1] + 1, &any);
        uint32_t escape = 0;
        assert_true(any);
        for (uint32_t i = 0; i < cu->n_ids; i++) {
            assert_int_equal(tfs[i], rec == QN_RECORD_BASIC ? 1 : t->tfs[at + i]);
            if (rec == QN_RECORD_BASIC)
                continue;
            uint8_t c = cu->codes[i], norm = norms ? m->norms[cu->ids[i]] : 1;
            assert_true(c <= most && most <= cu->max_code);
            if (c == QN_IMPACT_ESCAPE) {
                assert_int_equal(cu->escapes[escape].index, i);
                assert_int_equal(cu->escapes[escape++].norm, norm);
                assert_true(cu->ps->impacts.tf[255] >= tfs[i]);
                assert_true(cu->ps->impacts.norm[255] <= norm);
            } else {
                assert_int_equal(cu->ps->impacts.norm[c], norm);
            }
            const uint32_t *pos;
            uint32_t n;
            if (rec != QN_RECORD_POSITION)
                continue;
            assert_ok(qn_cursor_positions(cu, i, &pos, &n, &err));
            assert_int_equal(n, t->tfs[at + i]);
            assert_memory_equal(pos, t->pos + t->start[at + i], 4 * n);
        }
        at += cu->n_ids;
    }
    if (rc < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(at, t->n);
}

static inline void expect_field(struct field *f, const struct model *m, bool norms)
{
    struct qn_err err = {0};
    struct qn_terms_iter *it = qn_terms_iter_new(f->td);
    struct qn_cursor *cu = NULL;
    assert_int_equal(qn_terms_count(f->td), m->n_terms);
    int rc = qn_terms_seek(it, QN_STR(""), &err);
    for (uint32_t i = 0; i < m->n_terms; i++, rc = qn_terms_next(it, &err)) {
        struct qn_term_info ti;
        assert_ok(rc);
        assert_str(it->term, m->terms[i].name);
        assert_ok(qn_terms_info(it, &ti, &err));
        rc = cu ? qn_cursor_reopen(cu, &f->ps, &ti, &err) : qn_cursor_open(&cu, &f->ps, &ti, &err);
        if (rc < 0)
            fail_msg("%s", err.msg);
        expect_postings(cu, m, &m->terms[i], norms);
    }
    qn_cursor_close(cu);
    qn_terms_iter_free(it);
}

#endif
