#include "test.h"

#include <pthread.h>

#include "ingest/hot.h"

/* One writer adds, seals and publishes while searchers look: nobody ever sees fewer documents than
 * before, nor a document twice. */

static const struct qn_simd_ops *simd(void)
{
    const char *z = getenv("QN_TEST_SIMD");
    return qn_simd_pick(z ? z : "auto");
}

static const struct qn_mapping *mapping(void)
{
    static const char json[] =
        "{\"mode\":\"dynamic\",\"timestamp_field\":\"ts\",\"field_mappings\":["
        "{\"name\":\"ts\",\"type\":\"datetime\",\"input_formats\":[\"unix_timestamp\"],\"fast\":"
        "true},"
        "{\"name\":\"id\",\"type\":\"u64\",\"fast\":true},"
        "{\"name\":\"body\",\"type\":\"text\",\"record\":\"position\"}]}";
    struct qn_json_tape tape;
    struct qn_mapping *m;
    struct qn_err err = {0};
    qn_json_tape_init(&tape, NULL);
    assert_ok(qn_json_read_copy(&tape, qn_str_of(json), &err));
    if (qn_mapping_parse_quickwit(&m, qn_json_root(&tape), &err) < 0)
        fail_msg("%s", err.msg);
    qn_json_tape_release(&tape);
    return m;
}

/* Documents id .. id + n - 1. Their text is written to `text`, which must outlive the batch. */
static struct qn_parsed *batch(struct qn_doc_walker *dw, struct qn_buf *text, uint64_t id,
                               uint32_t n)
{
    struct qn_parsed *pd = qn_parsed_new(qn_doc_walker_mapping(dw), NULL);
    qn_buf_clear(text);
    qn_buf_reserve(text, (size_t)n * 120);
    for (uint32_t i = 0; i < n; i++) {
        size_t from = text->n;
        struct qn_doc doc;
        struct qn_err err = {0};
        qn_buf_printf(
            text, "{\"ts\":%llu,\"id\":%llu,\"body\":\"line %llu of \\u0041\",\"x\":{\"y\":%llu}}",
            (unsigned long long)(1700000000 + (id + i) / 3), (unsigned long long)(id + i),
            (unsigned long long)(id + i), (unsigned long long)(i % 7));
        if (qn_doc_read(dw, qn_str_make(text->p + from, text->n - from), &doc, &err) != 0)
            fail_msg("%s", err.msg);
        assert_ok(qn_parsed_add(pd, dw, &doc));
    }
    return pd;
}

struct shared {
    struct qn_visible vi;
    _Atomic bool done;
    _Atomic int wrong;
};

/* Every id once: their count and sum must be those of 0 .. count - 1. */
static bool sees_a_prefix(const struct qn_snapshot *sn)
{
    uint64_t count = 0, sum = 0;
    for (uint32_t i = 0; i < sn->n; i++) {
        struct qn_split_field *fd = qn_split_find(sn->splits[i].sp, QN_STR("id"), QN_SPLIT_U64);
        if (fd == NULL || qn_split_use(fd, NULL) < 0)
            return false;
        struct qn_column_cursor *cu = qn_column_cursor_new(fd->column);
        for (uint32_t b = 0; b < qn_column_blocks(fd->column); b++) {
            if (qn_column_load(cu, b, NULL) < 0)
                return false;
            count += cu->n_values;
            for (uint32_t k = 0; k < cu->n_values; k++)
                sum += cu->values[k];
        }
        qn_column_cursor_free(cu);
    }
    return count == sn->doc_count && sum == count * (count - 1) / 2;
}

static void *search(void *arg)
{
    struct shared *sh = arg;
    uint64_t seen = 0;
    while (!atomic_load(&sh->done)) {
        struct qn_snapshot *sn = qn_visible_get(&sh->vi);
        if (sn->doc_count < seen || (sn->doc_count > 0 && !sees_a_prefix(sn)))
            atomic_fetch_add(&sh->wrong, 1);
        seen = sn->doc_count;
        qn_snapshot_unref(sn);
    }
    return NULL;
}

static void publish(struct qn_hot *ho, struct qn_visible *vi, uint64_t want_end)
{
    struct qn_buf file;
    struct qn_buf_sink bs;
    struct qn_split_meta meta = {.json = QN_STR("{}")};
    struct qn_split_info info;
    struct qn_split *sp;
    uint64_t end;
    (void)vi;
    qn_buf_init(&file, SIZE_MAX);
    qn_buf_sink_init(&bs, &file);
    assert_ok(qn_hot_gather(ho, QN_STR("ts"), &bs.sink, &meta, &info, &end, NULL));
    assert_int_equal(end, want_end);
    struct qn_object *ob = qn_object_from_memory(QN_STR("published"), file.p, file.n);
    assert_ok(qn_split_open(&sp, ob, info.hot_offset, simd(), NULL));
    qn_object_unref(ob);
    qn_buf_release(&file);
    assert_ok(qn_hot_adopt(ho, sp));
    assert_int_equal(qn_hot_split_count(ho), 0);
}

static void searchers_see_a_growing_prefix(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(51);
    static struct shared sh;
    struct qn_budget budget;
    struct qn_buf text;
    pthread_t searchers[2];
    const struct qn_mapping *m = mapping();
    qn_budget_init(&budget, "hot", NULL, 64 << 20);
    qn_visible_init(&sh.vi);
    qn_buf_init(&text, SIZE_MAX);
    struct qn_hot_options op = {.split = {.simd = simd()}, .budget = &budget};
    struct qn_hot *ho = qn_hot_new(&op, &sh.vi);
    struct qn_doc_walker *dw = qn_doc_walker_new(m, simd());
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&searchers[i], NULL, search, &sh), 0);
    uint64_t id = 0, sealed = 0;
    for (int round = 0; round < 60; round++) {
        uint32_t n = 1 + (uint32_t)qn_rng_below(&rng, 80), taken, refused;
        struct qn_parsed *pd = batch(dw, &text, id, n);
        assert_ok(qn_hot_add(ho, pd, 0, 1000 + id, &taken, &refused));
        qn_parsed_free(pd);
        assert_int_equal(taken, n);
        assert_int_equal(refused, 0);
        id += n;
        assert_int_equal(qn_hot_end(ho), 1000 + id);
        if (qn_rng_below(&rng, 3) == 0) {
            assert_ok(qn_hot_seal(ho, NULL));
            sealed = id;
            struct qn_snapshot *sn = qn_visible_get(&sh.vi);
            assert_int_equal(sn->doc_count, id);
            qn_snapshot_unref(sn);
        }
        if (qn_rng_below(&rng, 10) == 0 && qn_hot_split_count(ho) > 0)
            publish(ho, &sh.vi, 1000 + sealed);
    }
    atomic_store(&sh.done, true);
    for (int i = 0; i < 2; i++)
        pthread_join(searchers[i], NULL);
    assert_int_equal(atomic_load(&sh.wrong), 0);
    qn_hot_free(ho);
    qn_doc_walker_free(dw);
    qn_visible_release(&sh.vi);
    qn_budget_release(&budget); /* everything was given back */
    qn_buf_release(&text);
    qn_mapping_unref(m);
}

static void a_full_budget_takes_nothing_and_recovers(void **state)
{
    (void)state;
    struct qn_visible vi;
    struct qn_budget budget;
    struct qn_buf text;
    const struct qn_mapping *m = mapping();
    qn_budget_init(&budget, "hot", NULL, 500 << 10);
    qn_visible_init(&vi);
    qn_buf_init(&text, SIZE_MAX);
    struct qn_hot_options op = {.split = {.simd = simd()}, .budget = &budget};
    struct qn_hot *ho = qn_hot_new(&op, &vi);
    struct qn_doc_walker *dw = qn_doc_walker_new(m, simd());
    uint64_t id = 0;
    uint32_t taken = 1, refused, published = 0;
    int rc = 0;
    for (int round = 0; round < 250; round++) {
        struct qn_parsed *pd = batch(dw, &text, id, 500);
        for (uint32_t at = 0; at < 500; at += taken) {
            rc = qn_hot_add(ho, pd, at, id, &taken, &refused);
            assert_true(rc == 0 || rc == QN_E_BUDGET);
            assert_true(atomic_load(&budget.used_bytes) <= 500 << 10);
            if (rc == QN_E_BUDGET || taken < 500 - at) {
                /* What an owner does: seal, and publish when even that does not help. */
                assert_ok(qn_hot_seal(ho, NULL));
                if (rc == QN_E_BUDGET && qn_hot_split_count(ho) > 0) {
                    publish(ho, &vi, id + at);
                    published++;
                }
            }
        }
        qn_parsed_free(pd);
        id += 500;
    }
    assert_true(published > 0); /* the budget was reached */
    assert_ok(qn_hot_seal(ho, NULL));
    struct qn_snapshot *sn = qn_visible_get(&vi);
    assert_int_equal(sn->doc_count, id);
    assert_true(sees_a_prefix(sn));
    qn_snapshot_unref(sn);
    qn_hot_free(ho);
    qn_doc_walker_free(dw);
    qn_visible_release(&vi);
    qn_budget_release(&budget);
    qn_buf_release(&text);
    qn_mapping_unref(m);
}

static void swaps_are_all_or_nothing(void **state)
{
    (void)state;
    struct qn_visible vi;
    qn_visible_init(&vi);
    uint64_t gone = 7;
    assert_int_equal(qn_visible_swap(&vi, &gone, 1, NULL, 0), QN_E_CONFLICT);
    struct qn_snapshot *sn = qn_visible_get(&vi);
    assert_int_equal(sn->n, 0);
    qn_snapshot_unref(sn);
    qn_visible_release(&vi);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(searchers_see_a_growing_prefix),
        cmocka_unit_test(a_full_budget_takes_nothing_and_recovers),
        cmocka_unit_test(swaps_are_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
