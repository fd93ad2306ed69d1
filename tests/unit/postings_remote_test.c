/* Objects that are not mapped: every read gives bytes of its own, at any alignment, which must be
 * given back. Long lists are then read group by group. */
#include "postings_model.h"

#include "base/mem.h"

struct far_object {
    struct qn_object ob;
    const char *p;
    uint64_t reads, bytes;
    int live;             /* slices not given back */
    uint64_t poison_from; /* bytes from here on read as damaged */
};

struct far_slice {
    struct far_object *fo;
    uint8_t bytes[];
};

static void far_drop(void *hold)
{
    struct far_slice *fs = hold;
    fs->fo->live--;
    free(fs);
}

static int far_read(struct qn_object *ob, uint64_t offset, size_t n, struct qn_slice *out,
                    struct qn_err *err)
{
    struct far_object *fo = (struct far_object *)ob;
    (void)err;
    size_t odd = 1 + fo->reads % 3;
    struct far_slice *fs = calloc(1, sizeof *fs + n + odd + QN_PAD);
    fs->fo = fo;
    memcpy(fs->bytes + odd, fo->p + offset, n);
    for (uint64_t at = offset; at < offset + n; at++)
        if (at >= fo->poison_from)
            fs->bytes[odd + at - offset] ^= 0x55;
    fo->live++;
    fo->reads++;
    fo->bytes += n;
    *out = (struct qn_slice){fs->bytes + odd, n, fs, far_drop};
    return 0;
}

static void far_free(struct qn_object *ob)
{
    assert_int_equal(((struct far_object *)ob)->live, 0);
    free(ob);
}

static const struct qn_object_ops far_ops = {far_read, NULL, far_free};

static struct far_object *far_new(const struct qn_buf *b)
{
    struct far_object *fo = calloc(1, sizeof *fo);
    fo->ob.ops = &far_ops;
    fo->ob.name = QN_STR("far");
    fo->ob.size_bytes = b->n;
    fo->p = b->p;
    fo->poison_from = UINT64_MAX;
    atomic_init(&fo->ob.refs, 1);
    return fo;
}

/* The same bytes behind far objects. */
static void field_move_away(struct field *f, struct far_object *fo[3])
{
    struct qn_err err = {0};
    uint32_t n_docs = f->ps.n_docs;
    qn_terms_free(f->td);
    qn_section_close(&f->terms_sc);
    qn_section_close(&f->lists_sc);
    qn_section_close(&f->positions_sc);
    qn_object_unref(f->terms_ob);
    qn_object_unref(f->lists_ob);
    qn_object_unref(f->positions_ob);
    fo[0] = far_new(&f->terms);
    fo[1] = far_new(&f->lists);
    fo[2] = far_new(&f->positions);
    f->terms_ob = &fo[0]->ob;
    f->lists_ob = &fo[1]->ob;
    f->positions_ob = &fo[2]->ob;
    assert_ok(qn_section_open(&f->terms_sc, f->terms_ob, 0, f->terms.n, "terms", 6, simd(), &err));
    assert_ok(qn_section_open(&f->lists_sc, f->lists_ob, 0, f->lists.n, "lists", 4, simd(), &err));
    assert_ok(qn_section_open(&f->positions_sc, f->positions_ob, 0, f->positions.n, "pos", 4,
                              simd(), &err));
    assert_ok(qn_terms_open(&f->td, qn_buf_str(&f->terms_hot), &f->terms_sc, &err));
    assert_ok(qn_postings_open(&f->ps, qn_buf_str(&f->hot), &f->lists_sc, &f->positions_sc, n_docs,
                               simd(), &err));
}

static void test_far_fields(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(1);
    for (int rec = QN_RECORD_BASIC; rec <= QN_RECORD_POSITION; rec++) {
        struct model m;
        struct field f;
        struct far_object *fo[3];
        model_make(&m, &r, 30000, 30);
        field_write(&f, &m, (enum qn_index_record)rec, true, &r);
        field_end(&f, m.n_docs);
        field_move_away(&f, fo);
        expect_field(&f, &m, true);
        for (int i = 0; i < 3; i++)
            assert_int_equal(fo[i]->live, 0);
        field_free(&f);
        model_free(&m);
    }
}

/* One list longer than a first read: a leap reads its head and one group, not the list. */
static void test_long_lists_are_read_in_groups(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(2);
    struct qn_err err = {0};
    struct model_term t = {.n = 400000, .name = "long"};
    struct model m = {.n_docs = 60000000, .n_terms = 1, .terms = &t};
    t.docs = malloc(4 * t.n);
    t.start = calloc(t.n + 1, 4);
    for (uint32_t i = 0, d = 0; i < t.n; i++) {
        d += 1 + (uint32_t)qn_rng_below(&r, 140);
        t.docs[i] = d;
    }
    struct field f;
    struct far_object *fo[3];
    field_begin(&f, QN_RECORD_BASIC, NULL);
    field_put_term(&f, &t, QN_RECORD_BASIC, &r);
    field_end(&f, m.n_docs);
    assert_true(f.lists.n > 400000);
    field_move_away(&f, fo);
    expect_field(&f, &m, false);

    struct qn_terms_iter *it = qn_terms_iter_new(f.td);
    struct qn_term_info ti;
    struct qn_cursor *cu;
    assert_int_equal(qn_terms_lookup(it, QN_STR("long"), &err), 0);
    assert_ok(qn_terms_info(it, &ti, &err));
    assert_ok(qn_cursor_open(&cu, &f.ps, &ti, &err));
    fo[1]->reads = fo[1]->bytes = 0;
    assert_ok(qn_cursor_advance(cu, t.docs[300000], &err));
    assert_int_equal(cu->doc, t.docs[300000]);
    assert_int_equal(fo[1]->reads, 1);
    assert_true(fo[1]->bytes < 32 * 1024);
    /* Damage is found at the fetch that meets it. */
    fo[1]->poison_from = ti.offset + ti.len - 100;
    assert_int_equal(qn_cursor_advance(cu, t.docs[t.n - 1], &err), QN_E_CORRUPT);
    fo[1]->poison_from = ti.offset;
    assert_int_equal(qn_cursor_reopen(cu, &f.ps, &ti, &err), QN_E_CORRUPT);
    qn_cursor_close(cu);
    qn_terms_iter_free(it);
    field_free(&f);
    free(t.docs);
    free(t.start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_far_fields),
        cmocka_unit_test(test_long_lists_are_read_in_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
