/* Every kernel at every level this machine runs, against the scalar one: random, boundary and
 * unaligned inputs. Inputs end QN_PAD bytes before a guard page, outputs end exactly at one where
 * the contract allows no slack, so reading or writing too far is a crash. */
#include "test.h"

#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "kernels_int.h"
#include "simd/ops.h"

#define AREA (1u << 20)
#define N_AREAS 10

/* Areas that are followed by an unreadable page. */
struct guard {
    uint8_t *map[N_AREAS];
    unsigned used;
};

static void guard_init(struct guard *g)
{
    for (unsigned i = 0; i < N_AREAS; i++) {
        g->map[i] =
            mmap(NULL, AREA + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(g->map[i] != MAP_FAILED);
        assert_int_equal(mprotect(g->map[i] + AREA, 4096, PROT_NONE), 0);
    }
    g->used = 0;
}

static void guard_release(struct guard *g)
{
    for (unsigned i = 0; i < N_AREAS; i++)
        munmap(g->map[i], AREA + 4096);
}

/* n bytes right before the guard page; n must keep the element alignment. */
static void *take(struct guard *g, size_t n)
{
    assert_true(n <= AREA && g->used < N_AREAS);
    return g->map[g->used++] + AREA - n;
}

/* An input of n bytes and its padding, filled with random bytes (the padding too). */
static void *take_input(struct guard *g, size_t n, struct qn_rng *r)
{
    uint8_t *p = take(g, n + QN_PAD);
    for (size_t i = 0; i < n + QN_PAD; i++)
        p[i] = (uint8_t)qn_rng_next(r);
    return p;
}

static size_t round_up(size_t n, size_t k)
{
    return (n + k - 1) / k * k;
}

static const struct qn_simd_ops *scalar(void)
{
    return qn_simd_level(QN_SIMD_SCALAR);
}

typedef void (*check_fn)(const struct qn_simd_ops *ops, struct qn_rng *r, struct guard *g,
                         size_t n);

static const size_t lengths[] = {0,  1,  2,  7,  8,   9,   15,  16,  17,  31,  32,  33,   63,
                                 64, 65, 95, 96, 127, 128, 129, 255, 256, 257, 511, 1000, 1024};

static void for_all_levels(check_fn check, unsigned rounds)
{
    struct qn_rng r = qn_test_rng(1);
    struct guard g;
    guard_init(&g);
    for (int level = 0; level < QN_SIMD_LEVELS; level++) {
        const struct qn_simd_ops *ops = qn_simd_level((enum qn_simd_level)level);
        if (ops == NULL)
            continue;
        for (unsigned round = 0; round < rounds; round++)
            for (size_t i = 0; i < QN_COUNT_OF(lengths) + 4; i++) {
                size_t n = i < QN_COUNT_OF(lengths) ? lengths[i] : qn_rng_below(&r, 1100);
                g.used = 0;
                check(ops, &r, &g, n);
            }
    }
    guard_release(&g);
}

static void equal(const char *what, const struct qn_simd_ops *ops, const void *got,
                  const void *want, size_t bytes, size_t n, unsigned width)
{
    if (memcmp(got, want, bytes) != 0)
        fail_msg("%s at %s differs, n %zu width %u", what, ops->name, n, width);
}

static void check_crc(const struct qn_simd_ops *ops, struct qn_rng *r, struct guard *g, size_t n)
{
    n *= qn_rng_below(r, 40);
    uint8_t *p = take(g, n); /* no padding for this one */
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)qn_rng_next(r);
    uint32_t want = scalar()->crc32c(7, p, n);
    assert_int_equal(ops->crc32c(7, p, n), want);
    size_t cut = qn_rng_below(r, n + 1);
    assert_int_equal(ops->crc32c(ops->crc32c(7, p, cut), p + cut, n - cut), want);
}

static void crc_known_answer(void **state)
{
    (void)state;
    assert_int_equal(scalar()->crc32c(0, "123456789", 9), 0xe3069283);
    for_all_levels(check_crc, 3);
}

static void check_unpack32(const struct qn_simd_ops *ops, struct qn_rng *r, struct guard *g,
                           size_t n)
{
    size_t room = round_up(n, 16) * 4;
    uint32_t *got = take(g, room), *want = take(g, room);
    for (unsigned w = 0; w <= 32; w++) {
        g->used = 2;
        uint8_t *in = take_input(g, qn_packed_bytes(n, w), r);
        uint32_t base = (uint32_t)qn_rng_next(r), step = (uint32_t)qn_rng_below(r, 3);
        ops->unpack32(got, in, n, w, base);
        scalar()->unpack32(want, in, n, w, base);
        equal("unpack32", ops, got, want, n * 4, n, w);
        ops->unpack32_delta(got, in, n, w, base, step);
        scalar()->unpack32_delta(want, in, n, w, base, step);
        equal("unpack32_delta", ops, got, want, n * 4, n, w);
    }
}

static void check_unpack64(const struct qn_simd_ops *ops, struct qn_rng *r, struct guard *g,
                           size_t n)
{
    size_t room = round_up(n, 8) * 8;
    uint64_t *got = take(g, room), *want = take(g, room);
    for (unsigned w = 0; w <= 64; w++) {
        g->used = 2;
        uint8_t *in = take_input(g, qn_packed_bytes(n, w), r);
        uint64_t base = qn_rng_next(r);
        ops->unpack64(got, in, n, w, base);
        scalar()->unpack64(want, in, n, w, base);
        equal("unpack64", ops, got, want, n * 8, n, w);
        uint32_t *idx = take(g, n * 4);
        for (size_t i = 0; i < n; i++)
            idx[i] = (uint32_t)qn_rng_below(r, n);
        ops->gather_packed(got, in, w, idx, n, base);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(got[i], want[idx[i]]);
    }
}

static void check_pack(const struct qn_simd_ops *ops, struct qn_rng *r, struct guard *g, size_t n)
{
    uint64_t *v64 = take(g, n * 8 + QN_PAD);
    uint32_t *v32 = take(g, n * 4 + QN_PAD);
    uint64_t *back = take(g, round_up(n, 8) * 8);
    for (unsigned w = 0; w <= 64; w++) {
        g->used = 3;
        uint64_t mask = w == 64 ? UINT64_MAX : (1ull << w) - 1;
        for (size_t i = 0; i < n; i++) {
            v64[i] = qn_rng_next(r) & mask;
            v32[i] = (uint32_t)v64[i];
        }
        size_t bytes = qn_packed_bytes(n, w);
        uint8_t *got = take(g, bytes + 8), *want = take(g, bytes + 8);
        ops->pack64(got, v64, n, w);
        scalar()->pack64(want, v64, n, w);
        equal("pack64", ops, got, want, bytes, n, w);
        uint8_t *padded = take(g, bytes + QN_PAD);
        memcpy(padded, got, bytes);
        ops->unpack64(back, padded, n, w, 0);
        equal("pack and unpack", ops, back, v64, n * 8, n, w);
        if (w <= 32) {
            memset(got, 0xee, bytes);
            ops->pack32(got, v32, n, w);
            equal("pack32", ops, got, want, bytes, n, w);
        }
    }
}

static void check_or_deltas(const struct qn_simd_ops *ops, struct qn_rng *r, struct guard *g,
                            size_t n)
{
    uint32_t *v = take_input(g, n * 4, r), *got = take(g, n * 4), *want = take(g, n * 4);
    unsigned shift = (unsigned)qn_rng_below(r, 32);
    for (size_t i = 0; i < n; i++)
        v[i] >>= shift;
    assert_int_equal(ops->or32(v, n), scalar()->or32(v, n));
    uint32_t prev = (uint32_t)qn_rng_next(r), step = (uint32_t)qn_rng_below(r, 2);
    assert_int_equal(ops->deltas32(got, v, n, prev, step),
                     scalar()->deltas32(want, v, n, prev, step));
    equal("deltas32", ops, got, want, n * 4, n, 0);
}

static void check_range_packed(const struct qn_simd_ops *ops, struct qn_rng *r, struct guard *g,
                               size_t n)
{
    size_t room = qn_bits_words(n) * 8;
    uint64_t *got = take(g, room), *want = take(g, room);
    for (unsigned w = 0; w <= 64; w++) {
        g->used = 2;
        uint8_t *in = take_input(g, qn_packed_bytes(n, w), r);
        uint64_t most = w == 64 ? UINT64_MAX : (1ull << w) - 1;
        uint64_t a = qn_rng_next(r) & most, b = qn_rng_next(r) & most;
        const uint64_t ranges[][2] = {{a, b},       {b, a},          {a, a},
                                      {0, most},    {0, UINT64_MAX}, {a, UINT64_MAX},
                                      {most, most}, {0, 0},          {most + 1, UINT64_MAX},
                                      {1, 0}};
        for (size_t k = 0; k < QN_COUNT_OF(ranges); k++) {
            uint64_t lo = ranges[k][0], hi = ranges[k][1];
            assert_int_equal(ops->range_packed(got, in, n, w, lo, hi),
                             scalar()->range_packed(want, in, n, w, lo, hi));
            equal("range_packed", ops, got, want, room, n, w);
        }
        struct qn_simd_stats st, st_want;
        ops->stats_packed(&st, in, n, w);
        scalar()->stats_packed(&st_want, in, n, w);
        equal("stats_packed", ops, &st, &st_want, sizeof st, n, w);
    }
}

static void check_ranges(const struct qn_simd_ops *ops, struct qn_rng *r, struct guard *g, size_t n)
{
    size_t room = qn_bits_words(n) * 8;
    uint64_t *got = take(g, room), *want = take(g, room);
    uint64_t *v = take_input(g, n * 8, r);
    uint32_t *u = take_input(g, n * 4, r);
    const uint64_t some[] = {qn_rng_next(r), qn_rng_next(r), 0,
                             UINT64_MAX,     1ull << 63,     n ? v[n / 2] : 5};
    for (size_t i = 0; i < QN_COUNT_OF(some); i++)
        for (size_t j = 0; j < QN_COUNT_OF(some); j++) {
            assert_int_equal(ops->range64(got, v, n, some[i], some[j]),
                             scalar()->range64(want, v, n, some[i], some[j]));
            equal("range64", ops, got, want, room, n, 0);
            uint32_t lo = (uint32_t)(some[i] >> 32), hi = (uint32_t)(some[j] >> 32);
            assert_int_equal(ops->range32(got, u, n, lo, hi),
                             scalar()->range32(want, u, n, lo, hi));
            equal("range32", ops, got, want, room, n, 0);
        }
    float *f = take(g, n * 4 + QN_PAD);
    for (size_t i = 0; i < n; i++)
        f[i] = qn_rng_below(r, 20) == 0 ? (float)NAN : (float)qn_rng_below(r, 9);
    assert_int_equal(ops->scores_above(got, f, n, 4), scalar()->scores_above(want, f, n, 4));
    equal("scores_above", ops, got, want, room, n, 0);
}

static void check_arrays(const struct qn_simd_ops *ops, struct qn_rng *r, struct guard *g, size_t n)
{
    uint64_t *v = take_input(g, n * 8, r), *bits = take_input(g, qn_bits_words(n) * 8, r);
    struct qn_simd_stats got = {3, 5, 1ull << 60, 9}, want = got;
    ops->stats64(&got, v, n, bits);
    scalar()->stats64(&want, v, n, bits);
    equal("stats64 masked", ops, &got, &want, sizeof got, n, 0);
    ops->stats64(&got, v, n, NULL);
    scalar()->stats64(&want, v, n, NULL);
    equal("stats64", ops, &got, &want, sizeof got, n, 0);

    uint64_t *a = take(g, n * 8), *b = take(g, n * 8), x = qn_rng_next(r), y = qn_rng_next(r);
    memcpy(a, v, n * 8);
    memcpy(b, v, n * 8);
    ops->affine64(a, n, x, y);
    scalar()->affine64(b, n, x, y);
    equal("affine64", ops, a, b, n * 8, n, 0);
    ops->ramp64(a, n, y, x);
    scalar()->ramp64(b, n, y, x);
    equal("ramp64", ops, a, b, n * 8, n, 0);
    ops->prefix64(a, n, x);
    scalar()->prefix64(b, n, x);
    equal("prefix64", ops, a, b, n * 8, n, 0);
    ops->decimal64((double *)a, (const int64_t *)v, n, 1000);
    scalar()->decimal64((double *)b, (const int64_t *)v, n, 1000);
    equal("decimal64", ops, a, b, n * 8, n, 0);

    uint64_t *out = take(g, round_up(n, 16) * 8), *out_want = take(g, round_up(n, 16) * 8);
    size_t k = ops->compress64(out, v, bits, n);
    assert_int_equal(k, scalar()->compress64(out_want, v, bits, n));
    equal("compress64", ops, out, out_want, k * 8, n, 0);
    uint32_t *o32 = take(g, round_up(n, 16) * 4), *w32 = take(g, round_up(n, 16) * 4);
    k = ops->compress32(o32, (const uint32_t *)v, bits, n);
    assert_int_equal(k, scalar()->compress32(w32, (const uint32_t *)v, bits, n));
    equal("compress32", ops, o32, w32, k * 4, n, 0);
}

static void check_counts(const struct qn_simd_ops *ops, struct qn_rng *r, struct guard *g, size_t n)
{
    uint32_t *ord = take_input(g, n * 4, r), card = 1 + (uint32_t)qn_rng_below(r, 100);
    uint64_t *bits = take_input(g, qn_bits_words(n) * 8, r);
    for (size_t i = 0; i < n; i++)
        ord[i] %= card;
    for (int masked = 0; masked < 2; masked++) {
        uint32_t lanes[400] = {0}, want[100] = {0};
        if (masked)
            ops->count32_masked(lanes, 100, ord, bits, n);
        else
            ops->count32(lanes, 100, ord, n);
        for (size_t i = 0; i < n; i++)
            want[ord[i]] += !masked || qn_bit_get(bits, i);
        for (size_t i = 0; i < 100; i++)
            assert_int_equal(lanes[i] + lanes[100 + i] + lanes[200 + i] + lanes[300 + i], want[i]);
    }
}

/* Words of one density per call: empty, sparse, half, dense, full. */
static void fill_bits(struct qn_rng *r, uint64_t *w, size_t n)
{
    unsigned kind = (unsigned)qn_rng_below(r, 5);
    for (size_t i = 0; i < n; i++) {
        uint64_t x = qn_rng_next(r);
        uint64_t sparse = x & qn_rng_next(r) & qn_rng_next(r) & qn_rng_next(r) & qn_rng_next(r);
        w[i] = kind == 0   ? 0
               : kind == 1 ? sparse
               : kind == 2 ? x
               : kind == 3 ? ~sparse
                           : UINT64_MAX;
    }
}

static void check_bits(const struct qn_simd_ops *ops, struct qn_rng *r, struct guard *g, size_t n)
{
    uint64_t *a = take(g, n * 8 + QN_PAD), *b = take(g, n * 8 + QN_PAD);
    uint64_t *got = take(g, n * 8), *want = take(g, n * 8);
    fill_bits(r, a, n);
    fill_bits(r, b, n);
    assert_int_equal(ops->popcount(a, n), scalar()->popcount(a, n));
    assert_int_equal(ops->popcount_and(a, b, n), scalar()->popcount_and(a, b, n));
    assert_int_equal(ops->popcount_andnot(a, b, n), scalar()->popcount_andnot(a, b, n));
    void (*const fns[3])(uint64_t *, const uint64_t *, size_t) = {ops->bits_and, ops->bits_or,
                                                                  ops->bits_andnot};
    for (int f = 0; f < 3; f++) {
        memcpy(got, a, n * 8);
        fns[f](got, b, n);
        for (size_t i = 0; i < n; i++)
            want[i] = f == 0 ? a[i] & b[i] : f == 1 ? a[i] | b[i] : a[i] & ~b[i];
        equal("bit set operation", ops, got, want, n * 8, n, (unsigned)f);
    }
    ops->bits_not(got, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(got[i], ~want[i]);

    size_t count = ops->popcount(a, n);
    uint32_t base = (uint32_t)qn_rng_below(r, 1u << 30);
    uint32_t *ids = take(g, (count + 64) * 4), *ids_want = take(g, (count + 64) * 4);
    assert_int_equal(ops->ids_from_bits(ids, a, n, base), count);
    assert_int_equal(scalar()->ids_from_bits(ids_want, a, n, base), count);
    equal("ids_from_bits", ops, ids, ids_want, count * 4, n, 0);
    memset(got, 0, n * 8);
    ops->bits_from_ids(got, ids, count, base);
    equal("bits_from_ids", ops, got, a, n * 8, n, 0);
}

/* n ascending ids whose gaps are below `gap`. */
static void fill_ids(struct qn_rng *r, uint32_t *v, size_t n, uint64_t gap)
{
    uint32_t at = (uint32_t)qn_rng_below(r, 50);
    for (size_t i = 0; i < n; i++) {
        at += 1 + (uint32_t)qn_rng_below(r, gap);
        v[i] = at;
    }
}

static void check_lists(const struct qn_simd_ops *ops, struct qn_rng *r, struct guard *g, size_t na)
{
    size_t nb = qn_rng_below(r, 3) == 0 ? na * 50 + 3 : qn_rng_below(r, 1200);
    uint32_t *a = take(g, na * 4 + QN_PAD), *b = take(g, nb * 4 + QN_PAD);
    fill_ids(r, a, na, 1 + qn_rng_below(r, 40));
    fill_ids(r, b, nb, 1 + qn_rng_below(r, 40));
    size_t room = ((na < nb ? na : nb) + 16) * 4, k = 0;
    uint32_t *got = take(g, room), *want = take(g, room);
    for (size_t i = 0, j = 0; i < na && j < nb;) {
        if (a[i] == b[j])
            want[k++] = a[i];
        uint32_t x = a[i], y = b[j];
        i += x <= y;
        j += y <= x;
    }
    assert_int_equal(ops->intersect32(got, a, na, b, nb), k);
    equal("intersect32", ops, got, want, k * 4, na, (unsigned)nb);
    assert_int_equal(ops->intersect32(got, b, nb, a, na), k);
    equal("intersect32 swapped", ops, got, want, k * 4, na, (unsigned)nb);
    if (ops->level == QN_SIMD_AVX512) {
        assert_int_equal(qn__intersect32_walk16_avx512(got, a, na, b, nb), k);
        equal("the walk by 16", ops, got, want, k * 4, na, (unsigned)nb);
    }
    for (int i = 0; i < 20; i++) {
        uint32_t key = (uint32_t)qn_rng_below(r, nb == 0 ? 9 : (uint64_t)b[nb - 1] + 3);
        assert_int_equal(ops->lower_bound32(b, nb, key), scalar()->lower_bound32(b, nb, key));
    }
}

static void check_bytes(const struct qn_simd_ops *ops, struct qn_rng *r, struct guard *g, size_t n)
{
    uint8_t *p = take_input(g, n, r), b = (uint8_t)qn_rng_next(r);
    assert_int_equal(ops->find_byte(p, n, b), scalar()->find_byte(p, n, b));
    assert_int_equal(ops->max8(p, n), scalar()->max8(p, n));
    struct qn_byteset set = {0};
    for (uint64_t i = qn_rng_below(r, 5); i > 0; i--)
        qn_byteset_add(&set, (uint8_t)(qn_rng_next(r) & (n % 2 ? 0xff : 0x7f)));
    if (qn_rng_below(r, 4) == 0)
        memset(set.half[1], 0xff, 16);
    assert_int_equal(ops->find_set(p, n, &set), scalar()->find_set(p, n, &set));
    size_t room = qn_bits_words(n) * 8;
    uint64_t *got = take(g, room), *want = take(g, room);
    ops->byte_bits(got, p, n, b);
    scalar()->byte_bits(want, p, n, b);
    equal("byte_bits", ops, got, want, room, n, b);
    ops->set_bits(got, p, n, &set);
    scalar()->set_bits(want, p, n, &set);
    equal("set_bits", ops, got, want, room, n, b);

    uint8_t *low = take(g, round_up(n, 64)), *low_want = take(g, round_up(n, 64));
    for (int ascii = 0; ascii < 2; ascii++) {
        for (size_t i = 0; i < n && ascii; i++)
            p[i] &= 0x7f;
        bool high = ops->classify_ascii(low, got, p, n);
        assert_int_equal(high, scalar()->classify_ascii(low_want, want, p, n));
        equal("classify_ascii bits", ops, got, want, room, n, 0);
        equal("classify_ascii bytes", ops, low, low_want, n, n, 0);
    }
}

/* A text of few letters, so that needles are nearly found all the time. */
static void check_find_bytes(const struct qn_simd_ops *ops, struct qn_rng *r, struct guard *g,
                             size_t n)
{
    uint8_t *p = take_input(g, n, r), needle[70];
    uint64_t letters = 2 + qn_rng_below(r, 4);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)('a' + p[i] % letters);
    for (int i = 0; i < 20; i++) {
        size_t m = qn_rng_below(r, i < 10 ? 9 : sizeof needle), at = qn_rng_below(r, n + 1);
        for (size_t k = 0; k < m; k++)
            needle[k] = at + k < n ? p[at + k] : (uint8_t)'a';
        size_t want = m == 0 ? 0 : n;
        for (size_t k = 0; k + m <= n; k++)
            if (memcmp(p + k, needle, m) == 0) {
                want = k;
                break;
            }
        assert_int_equal(ops->find_bytes(p, n, needle, m), want);
    }
}

static void check_scores(const struct qn_simd_ops *ops, struct qn_rng *r, struct guard *g, size_t n)
{
    uint8_t *codes = take_input(g, n, r), most = (uint8_t)(255 >> qn_rng_below(r, 5));
    float *got = take(g, round_up(n, 16) * 4), *want = take(g, round_up(n, 16) * 4);
    float lut[256];
    for (int i = 0; i < 256; i++)
        lut[i] = (float)qn_rng_below(r, 1u << 20) / 3;
    for (size_t i = 0; i < n; i++)
        codes[i] &= most;
    ops->lut_scores(got, codes, n, lut);
    scalar()->lut_scores(want, codes, n, lut);
    equal("lut_scores", ops, got, want, n * 4, n, most);
    uint32_t *ids = take(g, n * 4 + QN_PAD);
    fill_ids(r, ids, n, 10);
    size_t size = n == 0 ? 1 : ids[n - 1] + 1;
    float *win = take(g, size * 4), *win_want = take(g, size * 4);
    memset(win, 0, size * 4);
    memset(win_want, 0, size * 4);
    for (int twice = 0; twice < 2; twice++) {
        ops->score_add(win, ids, 0, codes, n, lut);
        scalar()->score_add(win_want, ids, 0, codes, n, lut);
    }
    equal("score_add", ops, win, win_want, size * 4, n, most);
}

#define LEVEL_TEST(name, rounds)                                                                   \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        for_all_levels(check_##name, rounds);                                                      \
    }
LEVEL_TEST(unpack32, 2)
LEVEL_TEST(unpack64, 1)
LEVEL_TEST(pack, 1)
LEVEL_TEST(or_deltas, 10)
LEVEL_TEST(range_packed, 1)
LEVEL_TEST(ranges, 5)
LEVEL_TEST(arrays, 10)
LEVEL_TEST(counts, 10)
LEVEL_TEST(bits, 20)
LEVEL_TEST(lists, 20)
LEVEL_TEST(bytes, 20)
LEVEL_TEST(find_bytes, 10)
LEVEL_TEST(scores, 10)

static void picking(void **state)
{
    (void)state;
    assert_string_equal(qn_simd_pick("scalar")->name, "scalar");
    assert_null(qn_simd_pick("sse9"));
    const struct qn_simd_ops *best = qn_simd_pick("auto");
    for (int level = 0; level < QN_SIMD_LEVELS; level++) {
        const struct qn_simd_ops *ops = qn_simd_level((enum qn_simd_level)level);
        if (ops == NULL)
            continue;
        assert_int_equal(ops->level, level);
        assert_ptr_equal(qn_simd_pick(ops->name), ops);
        assert_true(best->level >= ops->level);
        print_message("level %s\n", ops->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picking),      cmocka_unit_test(crc_known_answer),
        cmocka_unit_test(unpack32),     cmocka_unit_test(unpack64),
        cmocka_unit_test(pack),         cmocka_unit_test(or_deltas),
        cmocka_unit_test(range_packed), cmocka_unit_test(ranges),
        cmocka_unit_test(arrays),       cmocka_unit_test(counts),
        cmocka_unit_test(bits),         cmocka_unit_test(lists),
        cmocka_unit_test(bytes),        cmocka_unit_test(find_bytes),
        cmocka_unit_test(scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
