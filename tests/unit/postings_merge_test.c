/* Merging gives what writing the merged documents at once would have given. */
#include "postings_model.h"

enum { MAX_PARTS = 8 };

/* Parts of a model: which part each document belongs to, its number there, and whether it lives. */
struct parts {
    uint32_t n;
    uint32_t base[MAX_PARTS + 1];
    uint32_t *part, *local; /* by document */
    bool *dead;
    uint32_t *maps[MAX_PARTS]; /* local -> merged */
    uint32_t n_local[MAX_PARTS];
};

static void parts_make(struct parts *p, const struct model *m, uint32_t n, bool disjoint,
                       uint32_t dead_in, struct qn_rng *r)
{
    *p = (struct parts){.n = n};
    p->part = calloc(m->n_docs, 4);
    p->local = calloc(m->n_docs, 4);
    p->dead = calloc(m->n_docs, 1);
    for (uint32_t i = 0; i < n; i++) {
        p->maps[i] = calloc(m->n_docs + 1, 4);
        p->base[i + 1] = i + 1 == n ? m->n_docs : (uint32_t)((i + 1) * (uint64_t)m->n_docs / n);
    }
    uint32_t now = 0, merged = 0;
    for (uint32_t d = 0; d < m->n_docs; d++) {
        if (disjoint)
            while (d >= p->base[now + 1])
                now++;
        else if (qn_rng_below(r, 5) == 0)
            now = (uint32_t)qn_rng_below(r, n);
        p->part[d] = now;
        p->local[d] = p->n_local[now]++;
        p->dead[d] = dead_in != 0 && qn_rng_below(r, dead_in) == 0;
        p->maps[now][p->local[d]] = p->dead[d] ? QN_DOC_END : merged++;
    }
}

static void parts_free(struct parts *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        free(p->maps[i]);
    free(p->part);
    free(p->local);
    free(p->dead);
}

/* The documents of one part (or, with part == UINT32_MAX, all that live), numbered from 0. */
static void model_cut(struct model *out, const struct model *m, const struct parts *p,
                      uint32_t part)
{
    *out = (struct model){.terms = calloc(m->n_terms, sizeof *m->terms)};
    out->norms = malloc(m->n_docs + 1);
    bool all = part == UINT32_MAX;
    for (uint32_t d = 0; d < m->n_docs; d++)
        if (all ? !p->dead[d] : p->part[d] == part)
            out->norms[out->n_docs++] = m->norms[d];
    for (uint32_t i = 0; i < m->n_terms; i++) {
        const struct model_term *t = &m->terms[i];
        struct model_term *o = &out->terms[out->n_terms];
        *o = *t;
        o->n = 0;
        o->docs = malloc(4 * (t->n + 1));
        o->tfs = malloc(4 * (t->n + 1));
        o->start = malloc(4 * (t->n + 1));
        o->pos = malloc(4 * (t->start[t->n] + 1));
        uint32_t at = 0;
        for (uint32_t k = 0; k < t->n; k++) {
            uint32_t d = t->docs[k];
            if (all ? p->dead[d] : p->part[d] != part)
                continue;
            o->docs[o->n] = all ? p->maps[p->part[d]][p->local[d]] : p->local[d];
            o->tfs[o->n] = t->tfs[k];
            o->start[o->n++] = at;
            memcpy(o->pos + at, t->pos + t->start[k], 4 * t->tfs[k]);
            at += t->tfs[k];
        }
        o->start[o->n] = at;
        if (o->n != 0) {
            out->n_terms++;
        } else {
            free(o->docs);
            free(o->tfs);
            free(o->start);
            free(o->pos);
        }
    }
}

struct flags {
    enum qn_index_record record;
    bool norms;
    bool maps; /* merge by document maps even where bases would do */
    bool same_impacts;
};

static void expect_ord_maps(struct field *out, struct field *parts, uint32_t n, uint32_t **ords)
{
    struct qn_err err = {0};
    struct qn_terms_iter *to = qn_terms_iter_new(out->td);
    for (uint32_t i = 0; i < n; i++) {
        struct qn_terms_iter *it = qn_terms_iter_new(parts[i].td);
        for (int rc = qn_terms_seek(it, QN_STR(""), &err); rc == 0; rc = qn_terms_next(it, &err)) {
            int found = qn_terms_lookup(to, it->term, &err);
            assert_int_equal(ords[i][it->ord], found == 0 ? (uint32_t)to->ord : UINT32_MAX);
        }
        qn_terms_iter_free(it);
    }
    qn_terms_iter_free(to);
}

/* Merges the parts into *out and compares with the model of what lives. */
static void merge_parts(struct field *out, struct field *parts, const struct parts *p,
                        const struct model *want, struct flags fl,
                        struct qn_postings_merge_stats *stats)
{
    struct qn_postings_input in[MAX_PARTS];
    uint32_t *ords[MAX_PARTS];
    struct qn_err err = {0};
    for (uint32_t i = 0; i < p->n; i++) {
        ords[i] = malloc(4 * (qn_terms_count(parts[i].td) + 1));
        in[i] = (struct qn_postings_input){parts[i].td, &parts[i].ps, p->base[i],
                                           fl.maps ? p->maps[i] : NULL, ords[i]};
    }
    qn_impacts_merge(&out->impacts, in, p->n);
    field_begin(out, fl.record, fl.norms ? want->norms : NULL);
    struct qn_postings_merge_options opt = {
        .inputs = in, .n_inputs = p->n, .terms = out->tw, .postings = out->pw};
    int rc = qn_postings_merge(&opt, stats, &err);
    if (rc < 0)
        fail_msg("merge: %s", err.msg);
    field_end(out, want->n_docs);
    expect_field(out, want, fl.norms);
    uint64_t df = 0, tf = 0;
    for (uint32_t i = 0; i < want->n_terms; i++) {
        df += want->terms[i].n;
        tf += want->terms[i].start[want->terms[i].n];
    }
    assert_int_equal(out->ps.sum_df, df);
    assert_int_equal(out->ps.sum_tf, fl.record == QN_RECORD_BASIC ? df : tf);
    expect_ord_maps(out, parts, p->n, ords);
    for (uint32_t i = 0; i < p->n; i++)
        free(ords[i]);
}

static void write_parts(struct field *fields, const struct model *m, const struct parts *p,
                        struct flags fl, struct qn_rng *r)
{
    for (uint32_t i = 0; i < p->n; i++) {
        struct model cut;
        model_cut(&cut, m, p, i);
        if (fl.same_impacts)
            field_impacts(&fields[i], m, fl.norms);
        else
            field_impacts(&fields[i], &cut, fl.norms);
        field_begin(&fields[i], fl.record, fl.norms ? cut.norms : NULL);
        for (uint32_t k = 0; k < cut.n_terms; k++)
            field_put_term(&fields[i], &cut.terms[k], fl.record, r);
        field_end(&fields[i], cut.n_docs);
        model_free(&cut);
    }
}

static void one_merge(struct qn_rng *r, uint32_t n_docs, uint32_t n_terms, uint32_t n,
                      bool disjoint, uint32_t dead_in, struct flags fl,
                      struct qn_postings_merge_stats *stats)
{
    struct model m, want;
    struct parts p;
    struct field fields[MAX_PARTS], out;
    model_make(&m, r, n_docs, n_terms);
    parts_make(&p, &m, n, disjoint, dead_in, r);
    model_cut(&want, &m, &p, UINT32_MAX);
    write_parts(fields, &m, &p, fl, r);
    merge_parts(&out, fields, &p, &want, fl, stats);
    for (uint32_t i = 0; i < n; i++)
        field_free(&fields[i]);
    field_free(&out);
    parts_free(&p);
    model_free(&m);
    model_free(&want);
}

static void test_random_merges(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(1);
    struct qn_postings_merge_stats st;
    for (int k = 0; k < 60; k++) {
        struct flags fl = {(enum qn_index_record)qn_rng_below(&r, 3), qn_rng_below(&r, 2) != 0,
                           qn_rng_below(&r, 2) != 0, qn_rng_below(&r, 2) != 0};
        bool disjoint = !fl.maps || qn_rng_below(&r, 2);
        uint32_t dead = fl.maps && qn_rng_below(&r, 2) ? 1 + (uint32_t)qn_rng_below(&r, 20) : 0;
        uint32_t n_docs = 1 + (uint32_t)qn_rng_below(&r, k % 4 == 0 ? 30000 : 2000);
        one_merge(&r, n_docs, 25, 1 + (uint32_t)qn_rng_below(&r, MAX_PARTS), disjoint, dead, fl,
                  &st);
    }
}

static void test_blocks_are_copied(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(2);
    struct qn_postings_merge_stats st;
    struct flags fl = {QN_RECORD_POSITION, true, false, true};
    one_merge(&r, 100000, 20, 3, true, 0, fl, &st);
    assert_true(st.blocks_copied > 100 && st.blocks_recoded == 0);
    fl.same_impacts = false;
    one_merge(&r, 100000, 20, 3, true, 0, fl, &st);
    assert_true(st.blocks_recoded > 100 && st.blocks_copied == 0);
    fl.maps = true;
    one_merge(&r, 100000, 20, 3, false, 7, fl, &st);
    assert_true(st.blocks_recoded == 0 && st.blocks_copied == 0);
}

/* A merge of merges: pairs of neighbours first, then all. */
static void test_merge_of_merges(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(3);
    for (int round = 0; round < 4; round++) {
        struct flags fl = {QN_RECORD_POSITION, true, round % 2 != 0, round < 2};
        struct model m, want, half[2];
        struct parts p, pair = {.n = 2}, whole = {.n = 2};
        struct field fields[4], mid[2], out;
        struct qn_postings_merge_stats st;
        model_make(&m, &r, 40000, 20);
        parts_make(&p, &m, 4, true, 0, &r);
        write_parts(fields, &m, &p, fl, &r);
        uint32_t *ids = malloc(4 * m.n_docs), *shifted = malloc(4 * m.n_docs);
        uint32_t *upper = malloc(4 * m.n_docs);
        for (uint32_t d = 0; d < m.n_docs; d++) {
            ids[d] = d;
            shifted[d] = d + m.n_docs / 4;
            upper[d] = d + m.n_docs / 2;
        }
        struct parts two = {
            .n = 2, .part = calloc(m.n_docs, 4), .local = ids, .dead = calloc(m.n_docs, 1)};
        for (uint32_t d = 0; d < m.n_docs; d++) {
            two.part[d] = d >= m.n_docs / 2;
            two.local[d] = d % (m.n_docs / 2);
        }
        two.maps[0] = two.maps[1] = NULL;
        pair.base[1] = m.n_docs / 4;
        whole.base[1] = m.n_docs / 2;
        uint32_t *plain = malloc(4 * m.n_docs);
        for (uint32_t d = 0; d < m.n_docs; d++)
            plain[d] = d;
        pair.maps[0] = whole.maps[0] = plain;
        pair.maps[1] = shifted;
        whole.maps[1] = upper;
        for (uint32_t h = 0; h < 2; h++) {
            model_cut(&half[h], &m, &two, h);
            merge_parts(&mid[h], fields + 2 * h, &pair, &half[h], fl, &st);
        }
        parts_free(&p);
        parts_make(&p, &m, 1, true, 0, &r);
        model_cut(&want, &m, &p, UINT32_MAX);
        merge_parts(&out, mid, &whole, &want, fl, &st);
        for (uint32_t i = 0; i < 4; i++)
            field_free(&fields[i]);
        field_free(&mid[0]);
        field_free(&mid[1]);
        field_free(&out);
        model_free(&half[0]);
        model_free(&half[1]);
        model_free(&want);
        model_free(&m);
        parts_free(&p);
        free(two.part);
        free(two.dead);
        free(ids);
        free(shifted);
        free(upper);
        free(plain);
    }
}

/* Fields that the inputs lack, and outputs that record less than the inputs. */
static void test_missing_and_lesser_fields(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(4);
    struct model m;
    struct field a, out;
    struct qn_err err = {0};
    model_make(&m, &r, 9000, 25);
    field_write(&a, &m, QN_RECORD_POSITION, true, &r);
    field_end(&a, m.n_docs);
    for (int rec = QN_RECORD_BASIC; rec <= QN_RECORD_FREQ; rec++) {
        struct qn_postings_input in[3] = {
            {.doc_base = 0}, {a.td, &a.ps, 0, NULL, NULL}, {.doc_base = m.n_docs}};
        qn_impacts_merge(&out.impacts, in, 3);
        field_begin(&out, (enum qn_index_record)rec, m.norms);
        struct qn_postings_merge_options opt = {
            .inputs = in, .n_inputs = 3, .terms = out.tw, .postings = out.pw};
        assert_ok(qn_postings_merge(&opt, NULL, &err));
        field_end(&out, m.n_docs);
        expect_field(&out, &m, true);
        if (rec == QN_RECORD_FREQ) {
            struct field none;
            in[1].terms = out.td;
            in[1].postings = &out.ps;
            none.impacts = out.impacts;
            field_begin(&none, QN_RECORD_POSITION, m.norms);
            opt.terms = none.tw;
            opt.postings = none.pw;
            assert_int_equal(qn_postings_merge(&opt, NULL, &err), QN_E_UNSUPPORTED);
            field_end(&none, m.n_docs);
            field_free(&none);
        }
        field_free(&out);
    }
    field_free(&a);
    model_free(&m);
}

static int stop_at_once(void *arg)
{
    (*(int *)arg)++;
    return QN_E_CANCELLED;
}

static void test_merge_is_cancelled(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(5);
    struct model m;
    struct field a, out;
    struct qn_err err = {0};
    int calls = 0;
    model_make(&m, &r, 900, 25);
    field_write(&a, &m, QN_RECORD_BASIC, false, &r);
    field_end(&a, m.n_docs);
    struct qn_postings_input in = {a.td, &a.ps, 0, NULL, NULL};
    field_begin(&out, QN_RECORD_BASIC, NULL);
    struct qn_postings_merge_options opt = {.inputs = &in,
                                            .n_inputs = 1,
                                            .terms = out.tw,
                                            .postings = out.pw,
                                            .poll = stop_at_once,
                                            .poll_arg = &calls};
    assert_int_equal(qn_postings_merge(&opt, NULL, &err), QN_E_CANCELLED);
    assert_int_equal(calls, 1);
    field_end(&out, m.n_docs);
    field_free(&out);
    field_free(&a);
    model_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_merges),      cmocka_unit_test(test_blocks_are_copied),
        cmocka_unit_test(test_merge_of_merges),    cmocka_unit_test(test_missing_and_lesser_fields),
        cmocka_unit_test(test_merge_is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
