/* Merged columns against the merged arrays: concatenated, interleaved, with deletes and ordinals.
 */
#include "test.h"

#include "base/vec.h"
#include "columns/column_merge.h"

#define MAX_SOURCES 5

static const struct qn_simd_ops *simd(void)
{
    const char *z = getenv("QN_TEST_SIMD");
    return qn_simd_pick(z ? z : "auto");
}

struct pairs {
    QN_VEC(qn_docid) docs;
    QN_VEC(uint64_t) values;
};

struct stored {
    struct qn_buf bytes, hot;
    struct qn_object *ob;
    struct qn_section sc;
    struct qn_column col;
};

static void open_column(struct stored *st, uint32_t n_docs)
{
    st->ob = qn_object_from_memory(QN_STR("column"), st->bytes.p, st->bytes.n);
    assert_ok(qn_section_open(&st->sc, st->ob, 0, st->bytes.n, "columns", 4, simd(), NULL));
    assert_ok(qn_column_open(&st->col, qn_buf_str(&st->hot), &st->sc, n_docs, simd(), NULL));
}

static struct qn_column_writer *start(struct stored *st, struct qn_buf_sink *bs)
{
    qn_buf_init(&st->bytes, SIZE_MAX);
    qn_buf_init(&st->hot, SIZE_MAX);
    qn_buf_sink_init(bs, &st->bytes);
    return qn_column_writer_new(QN_COLUMN_INT, simd(), &bs->sink);
}

static void finish(struct stored *st, struct qn_column_writer *wr, uint32_t n_docs)
{
    assert_ok(qn_column_writer_finish(wr, n_docs, &st->hot));
    qn_column_writer_free(wr);
    open_column(st, n_docs);
}

static void drop(struct stored *st)
{
    qn_section_close(&st->sc);
    qn_object_unref(st->ob);
    qn_buf_release(&st->bytes);
    qn_buf_release(&st->hot);
}

static void expect(struct stored *st, const struct pairs *want)
{
    struct qn_column_cursor *cu = qn_column_cursor_new(&st->col);
    size_t at = 0;
    for (uint32_t b = 0; b < qn_column_blocks(&st->col); b++) {
        assert_ok(qn_column_load(cu, b, NULL));
        for (uint32_t i = 0; i < cu->n_values; i++, at++) {
            assert_true(at < want->docs.n);
            assert_int_equal(b * QN_COLUMN_BLOCK + (cu->one ? i : cu->rows[i]), want->docs.p[at]);
            assert_true(cu->values[i] == want->values.p[at]);
        }
    }
    assert_int_equal(at, want->docs.n);
    qn_column_cursor_free(cu);
}

struct inputs {
    size_t n;
    uint32_t n_docs[MAX_SOURCES], n_new;
    qn_docid *map[MAX_SOURCES];
    struct pairs pairs[MAX_SOURCES];
    struct stored st[MAX_SOURCES];
};

/* Deals new documents out to the sources: all of one after the other, or mixed, some dropped. */
static void make_maps(struct inputs *in, struct qn_rng *r, bool mixed, bool deletes)
{
    uint32_t left[MAX_SOURCES];
    memcpy(left, in->n_docs, sizeof left);
    in->n_new = 0;
    for (size_t from = 0; from < in->n;) {
        size_t i = mixed ? qn_rng_below(r, in->n) : from;
        uint32_t run = 1 + (uint32_t)qn_rng_below(r, 50);
        for (; run > 0 && left[i] > 0; run--) {
            bool dropped = deletes && qn_rng_below(r, 10) == 0;
            in->map[i][in->n_docs[i] - left[i]--] = dropped ? QN_DOC_DROPPED : in->n_new++;
        }
        while (from < in->n && left[from] == 0)
            from++;
    }
}

static void make_inputs(struct inputs *in, struct qn_rng *r, bool mixed, bool deletes)
{
    in->n = 1 + qn_rng_below(r, MAX_SOURCES);
    unsigned keep = (unsigned)qn_rng_below(r, 4);
    for (size_t i = 0; i < in->n; i++) {
        struct pairs *p = &in->pairs[i];
        in->n_docs[i] = (uint32_t)qn_rng_below(r, 4000);
        in->map[i] = malloc((in->n_docs[i] + 1) * sizeof(qn_docid));
        for (uint32_t d = 0; d < in->n_docs[i]; d++)
            for (uint64_t k = qn_rng_below(r, 8) < 2 * keep + 2 ? 1 + (qn_rng_below(r, 20) == 0)
                                                                : 0;
                 k > 0; k--) {
                qn_vec_push(&p->docs, d);
                qn_vec_push(&p->values, qn_rng_below(r, 500));
            }
        struct qn_buf_sink bs;
        struct qn_column_writer *wr = start(&in->st[i], &bs);
        qn_column_put(wr, p->docs.p, p->values.p, p->docs.n);
        finish(&in->st[i], wr, in->n_docs[i]);
    }
    make_maps(in, r, mixed, deletes);
}

static void drop_inputs(struct inputs *in)
{
    for (size_t i = 0; i < in->n; i++) {
        free(in->map[i]);
        qn_vec_release(&in->pairs[i].docs);
        qn_vec_release(&in->pairs[i].values);
        drop(&in->st[i]);
    }
}

/* The merged pairs, by walking the new documents in order. */
static void merge_arrays(const struct inputs *in, const uint64_t *ords, struct pairs *want)
{
    size_t at[MAX_SOURCES] = {0};
    for (qn_docid doc = 0; doc < in->n_new; doc++)
        for (size_t i = 0; i < in->n; i++) {
            const struct pairs *p = &in->pairs[i];
            while (at[i] < p->docs.n && in->map[i][p->docs.p[at[i]]] == QN_DOC_DROPPED)
                at[i]++;
            for (; at[i] < p->docs.n && in->map[i][p->docs.p[at[i]]] == doc; at[i]++) {
                qn_vec_push(&want->docs, doc);
                uint64_t v = p->values.p[at[i]];
                qn_vec_push(&want->values, ords != NULL ? ords[v] : v);
            }
        }
}

static void agrees_with_merged_arrays(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(41);
    for (unsigned round = 0; round < 120; round++) {
        bool mixed = round % 2, deletes = round % 3 == 0, by_base = !mixed && !deletes;
        struct inputs in = {0};
        struct pairs want = {0};
        uint64_t ords[500];
        for (unsigned i = 0; i < 500; i++)
            ords[i] = i * 3 + 1;
        bool remap = round % 5 == 0;
        make_inputs(&in, &r, mixed, deletes);
        merge_arrays(&in, remap ? ords : NULL, &want);
        struct qn_column_source src[MAX_SOURCES];
        qn_docid base = 0;
        for (size_t i = 0; i < in.n; i++) {
            src[i] = (struct qn_column_source){.col = &in.st[i].col,
                                               .map = by_base ? NULL : in.map[i],
                                               .base = base,
                                               .ords = remap ? ords : NULL,
                                               .n_ords = 500};
            base += in.n_docs[i];
        }
        struct stored out;
        struct qn_buf_sink bs;
        struct qn_column_writer *wr = start(&out, &bs);
        assert_ok(qn_column_merge(wr, src, in.n, NULL));
        finish(&out, wr, in.n_new);
        expect(&out, &want);
        drop(&out);
        drop_inputs(&in);
        qn_vec_release(&want.docs);
        qn_vec_release(&want.values);
    }
}

static void foreign_ordinals_are_refused(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(42);
    struct inputs in = {0};
    do {
        drop_inputs(&in);
        in = (struct inputs){0};
        make_inputs(&in, &r, false, false);
    } while (in.pairs[0].docs.n < 10);
    uint64_t one = 0;
    struct qn_column_source src = {.col = &in.st[0].col, .ords = &one, .n_ords = 1};
    struct stored out;
    struct qn_buf_sink bs;
    struct qn_column_writer *wr = start(&out, &bs);
    struct qn_err err = {0};
    assert_int_equal(qn_column_merge(wr, &src, 1, &err), QN_E_CORRUPT);
    assert_non_null(strstr(err.msg, "ordinal"));
    qn_column_writer_free(wr);
    qn_buf_release(&out.bytes);
    qn_buf_release(&out.hot);
    drop_inputs(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_merged_arrays),
        cmocka_unit_test(foreign_ordinals_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
