#include "test.h"

#include <pthread.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/budget.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/varint.h"
#include "base/vec.h"

static void budgets_charge_every_ancestor(void **state)
{
    (void)state;
    struct qn_budget root, a, b;
    qn_budget_init(&root, "process", NULL, 100);
    qn_budget_init(&a, "a", &root, 60);
    qn_budget_init(&b, "b", &root, 0);
    assert_ok(qn_budget_take(&a, 50));
    assert_int_equal(qn_budget_take(&a, 11), QN_E_BUDGET);
    assert_int_equal(qn_budget_take(&b, 51), QN_E_BUDGET); /* the root says no */
    assert_int_equal(qn_budget_used(&b), 0);               /* and b was undone */
    assert_ok(qn_budget_take(&b, 50));
    assert_int_equal(qn_budget_used(&root), 100);
    assert_int_equal(qn_budget_take(&a, UINT64_MAX), QN_E_BUDGET);
    qn_budget_give(&a, 50);
    qn_budget_give(&b, 50);
    qn_budget_release(&a);
    qn_budget_release(&b);
    qn_budget_release(&root);
    assert_ok(qn_budget_take(NULL, 1));
}

static void *hammer(void *arg)
{
    struct qn_budget *b = arg;
    uintptr_t over = 0;
    for (int i = 0; i < 20000; i++) {
        if (qn_budget_take(b, 3) == 0) {
            over |= qn_budget_used(b) > 10;
            qn_budget_give(b, 3);
        }
    }
    return (void *)over;
}

static void budgets_are_never_passed_by_racing_takes(void **state)
{
    (void)state;
    struct qn_budget b;
    qn_budget_init(&b, "b", NULL, 10);
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, hammer, &b), 0);
    for (int i = 0; i < 4; i++) {
        void *over;
        pthread_join(t[i], &over);
        assert_null(over);
    }
    assert_true(atomic_load(&b.peak_bytes) <= 10);
    qn_budget_release(&b);
}

static void arenas_align_and_rewind(void **state)
{
    (void)state;
    struct qn_arena ar;
    qn_arena_init(&ar, NULL);
    struct qn_rng rng = qn_test_rng(2);
    char *first = qn_arena_alloc(&ar, 10);
    memset(first, 7, 10);
    for (int round = 0; round < 50; round++) {
        struct qn_arena_mark m = qn_arena_mark(&ar);
        for (int i = 0; i < 200; i++) {
            size_t align = (size_t)1 << qn_rng_below(&rng, 7), n = qn_rng_below(&rng, 5000);
            char *p = qn_arena_alloc_aligned(&ar, n, align);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % align, 0);
            memset(p, i, n);
        }
        qn_arena_rewind(&ar, m);
    }
    for (int i = 0; i < 10; i++)
        assert_int_equal(first[i], 7);
    assert_str(qn_arena_printf(&ar, "%d-%s", 5, "x"), "5-x");
    assert_str(qn_arena_str(&ar, QN_STR("abc")), "abc");
    qn_arena_reset(&ar);
    assert_non_null(qn_arena_alloc(&ar, 3 << 20));
    qn_arena_release(&ar);
    qn_arena_release(&ar);
}

static void arenas_obey_their_budget(void **state)
{
    (void)state;
    struct qn_budget b;
    qn_budget_init(&b, "query", NULL, 100000);
    struct qn_arena ar;
    qn_arena_init(&ar, &b);
    size_t got = 0;
    while (qn_arena_alloc(&ar, 1000) != NULL)
        got += 1000;
    assert_true(got >= 80000 && got <= 100000);
    assert_true(qn_arena_failed(&ar));
    assert_null(qn_arena_str(&ar, QN_STR("x")).p); /* a failed arena stays failed */
    qn_arena_reset(&ar);
    assert_false(qn_arena_failed(&ar));
    assert_non_null(qn_arena_alloc(&ar, 1000));
    qn_arena_release(&ar);
    qn_budget_release(&b);
}

static void buffers_stop_at_their_maximum(void **state)
{
    (void)state;
    struct qn_buf b;
    qn_buf_init(&b, 10);
    qn_buf_put_z(&b, "12345678");
    qn_buf_put_varint(&b, 1); /* one byte: fits although ten would not */
    assert_false(b.failed);
    qn_buf_put_u16(&b, 7);
    assert_true(b.failed);
    assert_int_equal(b.n, 9);
    qn_buf_clear(&b);
    qn_buf_printf(&b, "%s", "0123456789");
    assert_false(b.failed);
    assert_str(qn_buf_str(&b), "0123456789");
    size_t n;
    char *p = qn_buf_take(&b, &n);
    assert_int_equal(n, 10);
    assert_int_equal(p[10], 0);
    free(p);
    qn_buf_align(&b, 8);
    assert_int_equal(b.n, 0);
    qn_buf_put_u8(&b, 1);
    qn_buf_align(&b, 8);
    assert_int_equal(b.n, 8);
    qn_buf_release(&b);
}

static void varints_round_trip_and_reject(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(3);
    for (int i = 0; i < 100000; i++) {
        uint64_t v = qn_rng_next(&rng) >> qn_rng_below(&rng, 64), back = 0;
        uint8_t tmp[QN_VARINT_MAX];
        size_t n = qn_varint_put(tmp, v);
        assert_int_equal(qn_varint_get(tmp, tmp + n, &back), n);
        assert_true(back == v);
        assert_int_equal(qn_varint_get(tmp, tmp + n - 1, &back), 0);
        assert_true(qn_unzigzag(qn_zigzag((int64_t)v)) == (int64_t)v);
    }
    uint8_t too_long[11];
    memset(too_long, 0xff, sizeof too_long);
    uint64_t v;
    assert_int_equal(qn_varint_get(too_long, too_long + 11, &v), 0);
}

static void maps_agree_with_a_plain_list(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(4);
    struct qn_arena ar;
    qn_arena_init(&ar, NULL);
    struct qn_map m;
    qn_map_init(&m, &ar);
    enum { KEYS = 500 };
    uint64_t want[KEYS] = {0};
    size_t count = 0;
    for (int i = 0; i < 50000; i++) {
        char z[24];
        size_t k = qn_rng_below(&rng, KEYS);
        snprintf(z, sizeof z, "key-%zu", k);
        if (qn_rng_below(&rng, 3) != 0) {
            bool made;
            struct qn_map_entry *e = qn_map_put(&m, qn_str_of(z), &made);
            assert_int_equal(made, want[k] == 0);
            count += made;
            e->u64 = want[k] = 1 + qn_rng_below(&rng, 1000);
        } else {
            assert_int_equal(qn_map_remove(&m, qn_str_of(z)), want[k] != 0);
            count -= want[k] != 0;
            want[k] = 0;
        }
        struct qn_map_entry *e = qn_map_find(&m, qn_str_of(z));
        assert_int_equal(e != NULL, want[k] != 0);
        assert_int_equal(m.count, count);
    }
    size_t seen = 0;
    for (struct qn_map_entry *e = NULL; (e = qn_map_next(&m, e)) != NULL; seen++)
        assert_true(e->u64 == want[strtoul(e->key.p + 4, NULL, 10)]);
    assert_int_equal(seen, count);
    qn_map_release(&m);
    qn_arena_release(&ar);
}

static void vectors_and_bits(void **state)
{
    (void)state;
    QN_VEC(uint32_t) v = {0};
    for (uint32_t i = 0; i < 1000; i++)
        qn_vec_push(&v, i);
    assert_int_equal(v.p[999], 999);
    qn_vec_release(&v);
    for (size_t from = 0; from < 200; from += 7) {
        for (size_t to = from; to < 200; to += 11) {
            uint64_t w[4] = {0};
            qn_bits_fill(w, from, to);
            for (size_t i = 0; i < 256; i++)
                assert_int_equal(qn_bit_get(w, i), i >= from && i < to);
        }
    }
    assert_int_equal(qn_bit_width(0), 0);
    assert_int_equal(qn_bit_width(255), 8);
    assert_int_equal(qn_bit_width(UINT64_MAX), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budgets_charge_every_ancestor),
        cmocka_unit_test(budgets_are_never_passed_by_racing_takes),
        cmocka_unit_test(arenas_align_and_rewind),
        cmocka_unit_test(arenas_obey_their_budget),
        cmocka_unit_test(buffers_stop_at_their_maximum),
        cmocka_unit_test(varints_round_trip_and_reject),
        cmocka_unit_test(maps_agree_with_a_plain_list),
        cmocka_unit_test(vectors_and_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
