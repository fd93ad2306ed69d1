/* Integer and float blocks: what goes in comes out, for many shapes of data, every codec and every
 * level; ranges, gathers and single reads agree with the decoded values; damaged bytes are refused
 * or give some values, never more. */
#include "test.h"

#include <math.h>

#include "base/mem.h"
#include "codec/bitpack.h"
#include "codec/floats.h"

#define MAX QN_INTS_MAX
#define SHAPES 16

static const struct qn_simd_ops *ops_under_test(void)
{
    const char *name = getenv("QN_TEST_SIMD");
    return qn_simd_pick(name != NULL ? name : "auto");
}

/* n values of one of SHAPES kinds of data. */
static void fill(struct qn_rng *r, unsigned shape, uint64_t *v, size_t n)
{
    uint64_t base = qn_rng_next(r), width = qn_rng_below(r, 65), at = base;
    uint64_t mask = width == 64 ? UINT64_MAX : (1ull << width) - 1;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = qn_rng_next(r);
        switch (shape) {
        case 0:
            v[i] = base;
            break;
        case 1:
            v[i] = x & mask;
            break;
        case 2:
            v[i] = base + (x & mask);
            break;
        case 3:
            v[i] = 1700000000000000000ull + i * 1000000 + (x & 0xffff);
            break;
        case 4:
            v[i] = at += x % 1000;
            break;
        case 5:
            v[i] = at -= x % 7;
            break;
        case 6:
            v[i] = base + i * i * 3 + (x & 1);
            break;
        case 7:
            v[i] = i % 97 == 0 ? (at = x) : at;
            break;
        case 8:
            v[i] = base * (x % 9);
            break;
        case 9:
            v[i] = (x % 5000) * 1000000;
            break;
        case 10:
            v[i] = i & 1 ? 0 : UINT64_MAX;
            break;
        case 11:
            v[i] = qn_u64_of_i64((int64_t)(x % 200) - 100);
            break;
        case 12:
            v[i] = x;
            break;
        case 13:
            v[i] = 7 + base * i;
            break;
        case 14:
            v[i] = x % 256 == 0 ? x : 200 + x % 4 * 100;
            break;
        default:
            v[i] = at += (x & mask) | 1;
            break;
        }
    }
}

static size_t some_length(struct qn_rng *r)
{
    switch (qn_rng_below(r, 4)) {
    case 0:
        return MAX;
    case 1:
        return 1 + qn_rng_below(r, 4);
    default:
        return 1 + qn_rng_below(r, MAX);
    }
}

/* Copies a block to the end of an exact allocation with padding, so that ASAN sees every overrun.
 */
static uint8_t *exact_copy(const void *p, size_t n)
{
    uint8_t *copy = qn_xcalloc(1, n + QN_PAD);
    memcpy(copy, p, n);
    return copy;
}

static void check_ints(const struct qn_simd_ops *ops, struct qn_rng *r, const struct qn_ints *in,
                       const uint64_t *v, size_t n)
{
    uint64_t got[MAX], bits[MAX / 64];
    uint32_t idx[MAX];
    qn_ints_decode(in, ops, got);
    assert_memory_equal(got, v, n * 8);
    size_t k = qn_rng_below(r, 2) ? qn_rng_below(r, n + 1) : qn_rng_below(r, 9) % (n + 1);
    for (size_t i = 0; i < k; i++)
        idx[i] = (uint32_t)qn_rng_below(r, n);
    qn_ints_gather(in, ops, idx, k, got);
    for (size_t i = 0; i < k; i++) {
        assert_int_equal(got[i], v[idx[i]]);
        assert_int_equal(qn_ints_at(in, ops, idx[i]), v[idx[i]]);
    }
    const uint64_t marks[] = {
        0, UINT64_MAX, v[0], v[n / 2], v[n - 1] + 1, v[n / 3] - 1, qn_rng_next(r)};
    for (size_t a = 0; a < QN_COUNT_OF(marks); a++)
        for (size_t b = 0; b < QN_COUNT_OF(marks); b++) {
            size_t hits = qn_ints_range(in, ops, marks[a], marks[b], bits), want = 0;
            for (size_t i = 0; i < n; i++) {
                bool is = marks[a] <= v[i] && v[i] <= marks[b];
                want += is;
                assert_int_equal(qn_bit_get(bits, i), is);
            }
            assert_int_equal(hits, want);
            if (n % 64 != 0)
                assert_int_equal(bits[n / 64] >> (n % 64), 0);
        }
    struct qn_simd_stats st = {.min = UINT64_MAX}, want = {.min = UINT64_MAX};
    qn_ints_stats(in, ops, &st);
    qn_simd_level(QN_SIMD_SCALAR)->stats64(&want, v, n, NULL);
    assert_memory_equal(&st, &want, sizeof st);
}

static void ints_round_trip(void **state)
{
    (void)state;
    const struct qn_simd_ops *ops = ops_under_test();
    struct qn_rng r = qn_test_rng(3);
    unsigned used[QN_INTS_CODECS] = {0};
    for (unsigned round = 0; round < 640; round++) {
        uint64_t v[MAX];
        size_t n = some_length(&r);
        fill(&r, round % SHAPES, v, n);
        struct qn_buf buf;
        qn_buf_init(&buf, SIZE_MAX);
        qn_buf_put_u8(&buf, 0xaa); /* blocks start anywhere */
        enum qn_ints_codec codec = qn_ints_put(&buf, ops, v, n);
        used[codec]++;
        uint8_t *copy = exact_copy(buf.p + 1, buf.n - 1);
        struct qn_ints in;
        assert_ok(qn_ints_open(&in, ops, copy, buf.n - 1, NULL));
        assert_int_equal(in.bytes, buf.n - 1);
        assert_int_equal(in.n, n);
        check_ints(ops, &r, &in, v, n);
        for (size_t cut = 0; cut < 12 && cut < in.bytes; cut++)
            assert_true(qn_ints_open(&in, ops, copy, cut, NULL) < 0);
        assert_true(qn_ints_open(&in, ops, copy, buf.n - 2, NULL) < 0);
        free(copy);
        qn_buf_release(&buf);
    }
    for (unsigned c = QN_INTS_CONST; c < QN_INTS_CODECS; c++) {
        print_message("%s %u\n", qn_ints_codec_name(c), used[c]);
        assert_true(used[c] > 0);
    }
}

static void ints_every_codec(void **state)
{
    (void)state;
    const struct qn_simd_ops *ops = ops_under_test();
    struct qn_rng r = qn_test_rng(4);
    for (unsigned round = 0; round < 20 * SHAPES; round++) {
        uint64_t v[MAX];
        size_t n = some_length(&r), best = SIZE_MAX;
        fill(&r, round % SHAPES, v, n);
        struct qn_buf buf;
        qn_buf_init(&buf, SIZE_MAX);
        for (unsigned c = QN_INTS_CONST; c < QN_INTS_CODECS; c++) {
            qn_buf_clear(&buf);
            if (!qn_ints_put_as(&buf, ops, c, v, n))
                continue;
            uint8_t *copy = exact_copy(buf.p, buf.n);
            struct qn_ints in;
            assert_ok(qn_ints_open(&in, ops, copy, buf.n, NULL));
            assert_int_equal(in.codec, c);
            check_ints(ops, &r, &in, v, n);
            free(copy);
            best = buf.n < best ? buf.n : best;
        }
        qn_buf_clear(&buf);
        qn_ints_put(&buf, ops, v, n);
        assert_true(buf.n <= best + 2 * 10); /* DELTA2's starts are estimated */
        qn_buf_release(&buf);
    }
}

static void ints_sizes(void **state)
{
    (void)state;
    const struct qn_simd_ops *ops = ops_under_test();
    uint64_t v[MAX];
    struct qn_buf buf;
    qn_buf_init(&buf, SIZE_MAX);
    for (size_t i = 0; i < MAX; i++)
        v[i] = 1700000000000000000ull + i * 1000000000ull; /* a clock */
    assert_int_equal(qn_ints_put(&buf, ops, v, MAX), QN_INTS_LINEAR);
    assert_true(buf.n < 32);
    qn_buf_clear(&buf);
    for (size_t i = 0; i < MAX; i++)
        v[i] = i % 64 == 0 ? 404 : 200;
    qn_ints_put(&buf, ops, v, MAX);
    assert_true(buf.n <= 32 + MAX / 8); /* one bit a value: two values, or steps of their gcd */
    qn_buf_release(&buf);
}

static void fill_floats(struct qn_rng *r, unsigned shape, uint64_t *v, size_t n)
{
    double at = 20;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = qn_rng_next(r);
        double d, unit = (double)(x >> 11) / 9007199254740992.0;
        switch (shape) {
        case 0:
            d = (double)(x % 100000) / 1000;
            break;
        case 1:
            d = -(double)(x % 977) / 10;
            break;
        case 2:
            d = unit;
            break;
        case 3:
            d = at += unit - 0.5;
            break;
        case 4:
            d = (double)(x % 7) * 0.1;
            break; /* not always the nearest decimal */
        case 5:
            d = x % 100 == 0 ? (x % 200 ? NAN : -INFINITY) : (double)(x % 999) / 100;
            break;
        case 6:
            d = x % 50 == 0 ? -0.0 : (double)(x % 5);
            break;
        case 7:
            memcpy(&d, &x, 8);
            break;
        case 8:
            d = exp((unit - 0.5) * 1000);
            break;
        case 9:
            d = sin((double)i / 50) * 100;
            break;
        case 10:
            d = (double)(int64_t)x;
            break;
        default:
            d = 3.25;
            break;
        }
        v[i] = qn_u64_of_f64(d);
    }
}

static void check_floats(const struct qn_simd_ops *ops, struct qn_rng *r,
                         const struct qn_floats *in, const uint64_t *v, size_t n)
{
    uint64_t got[MAX], bits[MAX / 64];
    uint32_t idx[MAX];
    qn_floats_decode(in, ops, got);
    assert_memory_equal(got, v, n * 8);
    size_t k = qn_rng_below(r, n + 1);
    for (size_t i = 0; i < k; i++)
        idx[i] = (uint32_t)qn_rng_below(r, n);
    qn_floats_gather(in, ops, idx, k, got);
    for (size_t i = 0; i < k; i++)
        assert_int_equal(got[i], v[idx[i]]);
    const uint64_t marks[] = {0,
                              UINT64_MAX,
                              UINT64_MAX - 1,
                              v[0],
                              v[n / 2],
                              v[n - 1] + 1,
                              v[n / 3] - 1,
                              qn_u64_of_f64(0.0),
                              qn_u64_of_f64(-0.0),
                              qn_u64_of_f64(1e300),
                              qn_u64_of_f64(-1e300),
                              qn_u64_of_f64(12.345)};
    for (size_t a = 0; a < QN_COUNT_OF(marks); a++)
        for (size_t b = 0; b < QN_COUNT_OF(marks); b++) {
            size_t hits = qn_floats_range(in, ops, marks[a], marks[b], bits), want = 0;
            for (size_t i = 0; i < n; i++) {
                bool is = marks[a] <= v[i] && v[i] <= marks[b];
                want += is;
                assert_int_equal(qn_bit_get(bits, i), is);
            }
            assert_int_equal(hits, want);
        }
}

static void floats_round_trip(void **state)
{
    (void)state;
    const struct qn_simd_ops *ops = ops_under_test();
    struct qn_rng r = qn_test_rng(5);
    unsigned used[QN_FLOATS_CODECS] = {0};
    for (unsigned round = 0; round < 12 * 30; round++) {
        uint64_t v[MAX];
        size_t n = some_length(&r);
        fill_floats(&r, round % 12, v, n);
        struct qn_buf buf;
        qn_buf_init(&buf, SIZE_MAX);
        used[qn_floats_put(&buf, ops, v, n)]++;
        uint8_t *copy = exact_copy(buf.p, buf.n);
        struct qn_floats in;
        assert_ok(qn_floats_open(&in, ops, copy, buf.n, NULL));
        assert_int_equal(in.bytes, buf.n);
        assert_int_equal(in.n, n);
        check_floats(ops, &r, &in, v, n);
        assert_true(qn_floats_open(&in, ops, copy, buf.n - 1, NULL) < 0);
        free(copy);
        qn_buf_release(&buf);
    }
    for (unsigned c = QN_FLOATS_ORDERED; c < QN_FLOATS_CODECS; c++) {
        print_message("%s %u\n", qn_floats_codec_name(c), used[c]);
        assert_true(used[c] > 0);
    }
}

static void maps_keep_order(void **state)
{
    (void)state;
    const double up[] = {-INFINITY, -1e300, -2.5, -1e-310, -0.0, 0.0, 1e-310, 1.0, 1e300, INFINITY};
    for (size_t i = 0; i < QN_COUNT_OF(up); i++) {
        double back = qn_f64_of_u64(qn_u64_of_f64(up[i]));
        assert_memory_equal(&back, &up[i], 8);
        if (i > 0)
            assert_true(qn_u64_of_f64(up[i - 1]) < qn_u64_of_f64(up[i]));
        assert_true(qn_u64_of_f64(up[i]) < qn_u64_of_f64(NAN));
    }
    assert_true(isnan(qn_f64_of_u64(qn_u64_of_f64(-NAN))));
    assert_true(qn_u64_of_i64(INT64_MIN) == 0 && qn_u64_of_i64(INT64_MAX) == UINT64_MAX);
    assert_true(qn_i64_of_u64(qn_u64_of_i64(-5)) == -5);
}

static void bitpack_round_trip(void **state)
{
    (void)state;
    const struct qn_simd_ops *ops = ops_under_test();
    struct qn_rng r = qn_test_rng(6);
    for (unsigned round = 0; round < 300; round++) {
        uint32_t v[MAX], got[MAX], at = UINT32_MAX;
        size_t n = qn_rng_below(&r, MAX + 1),
               gap = 1 + qn_rng_below(&r, 1u << qn_rng_below(&r, 20));
        for (size_t i = 0; i < n; i++)
            v[i] = at += 1 + (uint32_t)qn_rng_below(&r, gap);
        struct qn_buf buf;
        qn_buf_init(&buf, SIZE_MAX);
        qn_bitpack_put_ids(&buf, ops, v, n, UINT32_MAX);
        size_t first = buf.n;
        qn_bitpack_put(&buf, ops, v, n);
        uint8_t *copy = exact_copy(buf.p, buf.n), *end = copy + buf.n;
        assert_int_equal(qn_bitpack_get_ids(got, ops, copy, end, n, UINT32_MAX), first);
        assert_memory_equal(got, v, n * 4);
        assert_int_equal(qn_bitpack_get(got, ops, copy + first, end, n), buf.n - first);
        assert_memory_equal(got, v, n * 4);
        assert_int_equal(qn_bitpack_get(got, ops, copy + first, end - 1, n), 0);
        free(copy);
        qn_buf_release(&buf);
    }
}

/* Random damage: opening says no, or every reader stays inside the block. */
static void damage(void **state)
{
    (void)state;
    const struct qn_simd_ops *ops = ops_under_test();
    struct qn_rng r = qn_test_rng(7);
    unsigned refused = 0;
    for (unsigned round = 0; round < 2000; round++) {
        uint64_t v[MAX], bits[MAX / 64];
        size_t n = 1 + qn_rng_below(&r, 200);
        bool floats = round % 2 == 0;
        struct qn_buf buf;
        qn_buf_init(&buf, SIZE_MAX);
        if (floats) {
            fill_floats(&r, round / 2 % 12, v, n);
            qn_floats_put(&buf, ops, v, n);
        } else {
            fill(&r, round / 2 % SHAPES, v, n);
            qn_ints_put(&buf, ops, v, n);
        }
        uint8_t *copy = exact_copy(buf.p, buf.n);
        for (uint64_t k = 1 + qn_rng_below(&r, 3); k > 0; k--)
            copy[qn_rng_below(&r, qn_rng_below(&r, 2) ? buf.n : (buf.n < 16 ? buf.n : 16))] =
                (uint8_t)qn_rng_next(&r);
        struct qn_err err = {0};
        struct qn_ints in;
        struct qn_floats fl;
        int rc = floats ? qn_floats_open(&fl, ops, copy, buf.n, &err)
                        : qn_ints_open(&in, ops, copy, buf.n, &err);
        if (rc < 0) {
            refused++;
            assert_true(err.msg[0] != 0);
        } else if (floats) {
            qn_floats_decode(&fl, ops, v);
            qn_floats_range(&fl, ops, v[0], v[fl.n - 1], bits);
        } else {
            qn_ints_decode(&in, ops, v);
            qn_ints_range(&in, ops, v[0], v[in.n - 1], bits);
            qn_ints_at(&in, ops, in.n - 1u);
        }
        free(copy);
        qn_buf_release(&buf);
    }
    assert_true(refused > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ints_round_trip), cmocka_unit_test(ints_every_codec),
        cmocka_unit_test(ints_sizes),      cmocka_unit_test(floats_round_trip),
        cmocka_unit_test(maps_keep_order), cmocka_unit_test(bitpack_round_trip),
        cmocka_unit_test(damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
