/* The kernel table: rates of every kernel at every level this machine runs, in 10^9 values (or
 * bytes) a second, best of several runs.
 *
 *     bench_simd_kernels [name-filter]
 *
 * Where a hand-tuned single-purpose loop exists for AVX-512 it runs beside as the limit, and the
 * last column says which share of it the best level reaches. */
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/mem.h"
#include "simd/ops.h"

#define WIDE                                                                                       \
    __attribute__((noinline, target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vbmi2,"   \
                                    "avx512vnni,avx512bitalg,avx512vpopcntdq,bmi,bmi2,popcnt,"     \
                                    "sse4.2,lzcnt")))
#define N 65536u /* values, rows, bits / 64: fits the second-level cache when packed */
#define BYTES (1u << 18)
#define BLOCK 256u

struct bench {
    unsigned width;
    uint8_t *packed, *bytes, *bytes2;
    uint32_t *u32, *ids_a, *ids_b, *out32, *lanes;
    uint64_t *u64, *bits, *bits2, *out64, *dense;
    float *lut, *scores;
    size_t n_a, n_b;
    uint64_t sink;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t random_state = 88172645463325252ull;
static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* ---- the limits: one loop for one purpose, tables prepared outside the clock */

static uint8_t perm_32[33][64], perm_8[9][64], ctl_8[9][64];
static uint32_t shift_32[33][16];
static int8_t triangle_8[4][64];

static void prepare_limits(void)
{
    for (unsigned w = 1; w <= 25; w++)
        for (unsigned i = 0; i < 16; i++) {
            for (unsigned k = 0; k < 4; k++)
                perm_32[w][i * 4 + k] = (uint8_t)(i * w / 8 + k);
            shift_32[w][i] = i * w & 7;
        }
    for (unsigned w = 1; w <= 7; w++)
        for (unsigned i = 0; i < 64; i++) {
            perm_8[w][i] = (uint8_t)(i / 8 * w + i % 8);
            ctl_8[w][i] = (uint8_t)(i % 8 * w);
        }
    for (int g = 0; g < 4; g++)
        for (int i = 0; i < 16; i++)
            for (int k = 0; k < 4; k++)
                triangle_8[g][i * 4 + k] = 4 * g + k <= i;
}

WIDE static void limit_unpack(struct bench *b)
{
    unsigned w = b->width;
    __m512i p = _mm512_loadu_si512(perm_32[w]), s = _mm512_loadu_si512(shift_32[w]);
    __m512i m = _mm512_set1_epi32((1 << w) - 1);
    for (size_t j = 0; j < N / BLOCK; j++)
        for (unsigned i = 0; i < BLOCK / 16; i++) {
            __m512i v = _mm512_loadu_si512(b->packed + j * BLOCK / 8 * w + 2 * w * i);
            v = _mm512_and_si512(_mm512_srlv_epi32(_mm512_permutexvar_epi8(p, v), s), m);
            _mm512_store_si512(b->out32 + 16 * i, v);
        }
}

WIDE static void limit_delta_small(const uint8_t *in, unsigned w, uint32_t base, uint32_t *out)
{
    uint32_t tmp[64] __attribute__((aligned(64)));
    __m512i p = _mm512_loadu_si512(perm_8[w]), c8 = _mm512_loadu_si512(ctl_8[w]);
    __m512i m = _mm512_set1_epi8((char)((1 << w) - 1)), z = _mm512_setzero_si512();
    for (unsigned i = 0; i < 4; i++) {
        __m512i v = _mm512_permutexvar_epi8(p, _mm512_loadu_si512(in + 8 * w * i));
        _mm512_store_si512(tmp + 16 * i, _mm512_and_si512(_mm512_multishift_epi64_epi8(c8, v), m));
    }
    __m512i t0 = _mm512_loadu_si512(triangle_8[0]), t1 = _mm512_loadu_si512(triangle_8[1]);
    __m512i t2 = _mm512_loadu_si512(triangle_8[2]), t3 = _mm512_loadu_si512(triangle_8[3]);
    __m512i c = _mm512_set1_epi32((int)base), last = _mm512_set1_epi32(15);
    for (unsigned i = 0; i < 16; i++) {
        __m512i a = _mm512_dpbusd_epi32(z, t0, _mm512_set1_epi32((int)tmp[4 * i]));
        __m512i d = _mm512_dpbusd_epi32(z, t1, _mm512_set1_epi32((int)tmp[4 * i + 1]));
        a = _mm512_dpbusd_epi32(a, t2, _mm512_set1_epi32((int)tmp[4 * i + 2]));
        d = _mm512_dpbusd_epi32(d, t3, _mm512_set1_epi32((int)tmp[4 * i + 3]));
        a = _mm512_add_epi32(a, d);
        _mm512_store_si512(out + 16 * i, _mm512_add_epi32(a, c));
        c = _mm512_add_epi32(c, _mm512_permutexvar_epi32(last, a));
    }
}

WIDE static void limit_delta_large(const uint8_t *in, unsigned w, uint32_t base, uint32_t *out)
{
    __m512i p = _mm512_loadu_si512(perm_32[w]), s = _mm512_loadu_si512(shift_32[w]);
    __m512i m = _mm512_set1_epi32((1 << w) - 1), z = _mm512_setzero_si512();
    __m512i c = _mm512_set1_epi32((int)base), last = _mm512_set1_epi32(15);
    for (unsigned i = 0; i < BLOCK / 16; i++) {
        __m512i v = _mm512_loadu_si512(in + 2 * w * i);
        v = _mm512_and_si512(_mm512_srlv_epi32(_mm512_permutexvar_epi8(p, v), s), m);
        v = _mm512_add_epi32(v, _mm512_alignr_epi32(v, z, 15));
        v = _mm512_add_epi32(v, _mm512_alignr_epi32(v, z, 14));
        v = _mm512_add_epi32(v, _mm512_alignr_epi32(v, z, 12));
        v = _mm512_add_epi32(v, _mm512_alignr_epi32(v, z, 8));
        __m512i t = _mm512_permutexvar_epi32(last, v);
        _mm512_store_si512(out + 16 * i, _mm512_add_epi32(v, c));
        c = _mm512_add_epi32(c, t);
    }
}

static void limit_delta(struct bench *b)
{
    for (uint32_t j = 0; j < N / BLOCK; j++) {
        const uint8_t *in = b->packed + j * BLOCK / 8 * b->width;
        if (b->width <= 7)
            limit_delta_small(in, b->width, j, b->out32);
        else
            limit_delta_large(in, b->width, j, b->out32);
    }
}

WIDE static void limit_range(struct bench *b)
{
    unsigned w = b->width;
    __m512i p = _mm512_loadu_si512(perm_32[w]), s = _mm512_loadu_si512(shift_32[w]);
    __m512i m = _mm512_set1_epi32((1 << w) - 1), lo = _mm512_set1_epi32((1 << w) / 8);
    __m512i span = _mm512_set1_epi32((1 << w) / 4 - (1 << w) / 8);
    uint64_t count = 0;
    for (size_t i = 0; i < N; i += 64) {
        uint64_t word = 0;
        for (unsigned k = 0; k < 4; k++) {
            __m512i v = _mm512_loadu_si512(b->packed + (i / 16 + k) * 2 * w);
            v = _mm512_and_si512(_mm512_srlv_epi32(_mm512_permutexvar_epi8(p, v), s), m);
            v = _mm512_sub_epi32(v, lo);
            word |= (uint64_t)_mm512_cmple_epu32_mask(v, span) << (16 * k);
        }
        b->out64[i / 64] = word;
        count += (uint64_t)__builtin_popcountll(word);
    }
    b->sink += count;
}

WIDE static void limit_sum(struct bench *b)
{
    unsigned w = b->width;
    __m512i p = _mm512_loadu_si512(perm_32[w]), s = _mm512_loadu_si512(shift_32[w]);
    __m512i m = _mm512_set1_epi32((1 << w) - 1), low = _mm512_set1_epi64(0xffffffff);
    __m512i sum = _mm512_setzero_si512();
    for (size_t i = 0; i < N; i += 16) {
        __m512i v = _mm512_loadu_si512(b->packed + i / 8 * w);
        v = _mm512_and_si512(_mm512_srlv_epi32(_mm512_permutexvar_epi8(p, v), s), m);
        sum = _mm512_add_epi64(sum, _mm512_and_si512(v, low));
        sum = _mm512_add_epi64(sum, _mm512_srli_epi64(v, 32));
    }
    b->sink += (uint64_t)_mm512_reduce_add_epi64(sum);
}

WIDE static void limit_range64(struct bench *b)
{
    __m512i lo = _mm512_set1_epi64(1ll << 60), span = _mm512_set1_epi64(1ll << 62);
    uint64_t count = 0;
    for (size_t i = 0; i < N; i += 64) {
        uint64_t w = 0;
        for (unsigned k = 0; k < 8; k++) {
            __m512i v = _mm512_sub_epi64(_mm512_loadu_si512(b->u64 + i + 8 * k), lo);
            w |= (uint64_t)_mm512_cmple_epu64_mask(v, span) << (8 * k);
        }
        b->out64[i / 64] = w;
        count += (uint64_t)__builtin_popcountll(w);
    }
    b->sink += count;
}

static void limit_count(struct bench *b)
{
    uint32_t *h = b->lanes;
    for (size_t i = 0; i < N; i += 4) {
        h[b->u32[i]]++;
        h[256 + b->u32[i + 1]]++;
        h[512 + b->u32[i + 2]]++;
        h[768 + b->u32[i + 3]]++;
    }
}

WIDE static void limit_popcount_and(struct bench *b)
{
    __m512i s = _mm512_setzero_si512();
    for (size_t i = 0; i < N; i += 8)
        s = _mm512_add_epi64(
            s, _mm512_popcnt_epi64(_mm512_and_si512(_mm512_loadu_si512(b->u64 + i),
                                                    _mm512_loadu_si512(b->out64 + i))));
    b->sink += (uint64_t)_mm512_reduce_add_epi64(s);
}

WIDE static void limit_ids_from_bits(struct bench *b)
{
    uint8_t at[64];
    for (unsigned i = 0; i < 64; i++)
        at[i] = (uint8_t)i;
    __m512i iota = _mm512_loadu_si512(at);
    uint32_t *o = b->out32;
    for (uint32_t i = 0; i < N / 64; i++) {
        uint64_t w = b->bits[i];
        int n = __builtin_popcountll(w);
        __m512i v = _mm512_maskz_compress_epi8(w, iota), base = _mm512_set1_epi32((int)(64 * i));
        for (int k = 0; k == 0 || (k < 4 && (k < 2 ? n > 16 : n > 32)); k++) {
            __m128i part = k == 0   ? _mm512_castsi512_si128(v)
                           : k == 1 ? _mm512_extracti32x4_epi32(v, 1)
                           : k == 2 ? _mm512_extracti32x4_epi32(v, 2)
                                    : _mm512_extracti32x4_epi32(v, 3);
            _mm512_storeu_si512(o + 16 * k, _mm512_add_epi32(_mm512_cvtepu8_epi32(part), base));
        }
        o += n;
    }
    b->sink += (uint64_t)(o - b->out32);
}

static void limit_bits_from_ids(struct bench *b)
{
    for (size_t i = 0; i < b->n_a; i++)
        b->out64[b->ids_a[i] >> 6] |= 1ull << (b->ids_a[i] & 63);
}

__attribute__((noinline, target("avx512f,avx512vp2intersect,popcnt"))) static void
limit_intersect(struct bench *b)
{
    size_t i = 0, j = 0, k = 0;
    while (i + 16 <= b->n_a && j + 16 <= b->n_b) {
        __m512i x = _mm512_loadu_si512(b->ids_a + i), y = _mm512_loadu_si512(b->ids_b + j);
        __mmask16 m1, m2;
        _mm512_2intersect_epi32(x, y, &m1, &m2);
        _mm512_storeu_si512(b->out32 + k, _mm512_maskz_compress_epi32(m1, x));
        k += (size_t)__builtin_popcount(m1);
        uint32_t am = b->ids_a[i + 15], bm = b->ids_b[j + 15];
        i += (am <= bm) * 16u;
        j += (bm <= am) * 16u;
    }
    b->sink += k;
}

WIDE static void limit_crc(struct bench *b)
{
    uint64_t c0 = 1, c1 = 2, c2 = 3;
    size_t third = BYTES / 3 / 8 * 8;
    for (size_t i = 0; i < third; i += 8) {
        uint64_t x, y, z;
        memcpy(&x, b->bytes + i, 8);
        memcpy(&y, b->bytes + third + i, 8);
        memcpy(&z, b->bytes + 2 * third + i, 8);
        c0 = _mm_crc32_u64(c0, x);
        c1 = _mm_crc32_u64(c1, y);
        c2 = _mm_crc32_u64(c2, z);
    }
    b->sink += c0 ^ c1 ^ c2;
}

WIDE static void limit_find(struct bench *b)
{
    __m512i first = _mm512_set1_epi8('q'), last = _mm512_set1_epi8('z');
    for (size_t i = 0; i < BYTES; i += 64) {
        uint64_t m = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(b->bytes2 + i), first) &
                     _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(b->bytes2 + i + 7), last);
        if (m != 0)
            b->sink++;
    }
}

WIDE static void limit_classify(struct bench *b)
{
    uint8_t table[128] = {0};
    for (int c = '0'; c <= '9'; c++)
        table[c] = (uint8_t)c;
    for (int c = 'a'; c <= 'z'; c++)
        table[c] = table[c - 32] = (uint8_t)c;
    __m512i t0 = _mm512_loadu_si512(table), t1 = _mm512_loadu_si512(table + 64);
    uint64_t s = 0;
    for (size_t i = 0; i < BYTES; i += 64) {
        __m512i v = _mm512_loadu_si512(b->bytes2 + i), r = _mm512_permutex2var_epi8(t0, v, t1);
        __mmask64 hi = _mm512_movepi8_mask(v);
        _mm512_storeu_si512((uint8_t *)b->out32 + i, _mm512_mask_mov_epi8(r, hi, v));
        s += (uint64_t)__builtin_popcountll(_mm512_test_epi8_mask(r, r) | hi);
    }
    b->sink += s;
}

/* Codes below 64 only: half the table of the kernel. */
WIDE static void limit_code_test(struct bench *b)
{
    __m512i lut = _mm512_loadu_si512(b->bytes), one = _mm512_set1_epi8(100);
    for (size_t i = 0; i < BYTES; i += 64) {
        __m512i r = _mm512_permutexvar_epi8(_mm512_loadu_si512(b->bytes + i), lut);
        b->out64[i / 64] = _mm512_cmpgt_epu8_mask(r, one);
    }
}

static void limit_score_add(struct bench *b)
{
    for (size_t i = 0; i < b->n_a; i++)
        b->scores[b->ids_a[i]] += b->lut[b->bytes[i]];
}

/* ---- the kernels, each over the same data as its limit */

#define KERNEL(name) static void name(const struct qn_simd_ops *o, struct bench *b)

KERNEL(run_unpack32)
{
    for (size_t j = 0; j < N / BLOCK; j++)
        o->unpack32(b->out32, b->packed + j * BLOCK / 8 * b->width, BLOCK, b->width, 0);
}
KERNEL(run_delta)
{
    for (size_t j = 0; j < N / BLOCK; j++)
        o->unpack32_delta(b->out32, b->packed + j * BLOCK / 8 * b->width, BLOCK, b->width,
                          (uint32_t)j, 0);
}
KERNEL(run_unpack64)
{
    for (size_t j = 0; j < N / BLOCK; j++)
        o->unpack64(b->out64, b->packed + j * BLOCK / 8 * b->width, BLOCK, b->width, 0);
}
KERNEL(run_pack32)
{
    for (size_t j = 0; j < N / BLOCK; j++) {
        b->sink += o->or32(b->u32, BLOCK);
        o->pack32((uint8_t *)b->out64, b->u32, BLOCK, b->width);
    }
}
KERNEL(run_gather)
{
    o->gather_packed(b->out64, b->packed, b->width, b->ids_a, b->n_a, 0);
}
KERNEL(run_range)
{
    for (size_t j = 0; j < N / 1024; j++)
        b->sink += o->range_packed(b->out64, b->packed + j * 128 * b->width, 1024, b->width,
                                   (1u << b->width) / 8, (1u << b->width) / 4);
}
KERNEL(run_stats_packed)
{
    struct qn_simd_stats st;
    for (size_t j = 0; j < N / 1024; j++) {
        o->stats_packed(&st, b->packed + j * 128 * b->width, 1024, b->width);
        b->sink += st.sum;
    }
}
KERNEL(run_range64)
{
    b->sink += o->range64(b->out64, b->u64, N, 1ull << 60, (1ull << 60) + (1ull << 62));
}
KERNEL(run_stats64)
{
    struct qn_simd_stats st = {0};
    o->stats64(&st, b->u64, N, b->bits);
    b->sink += st.sum;
}
KERNEL(run_affine)
{
    o->affine64(b->out64, N / 16, 3, 5);
}
KERNEL(run_prefix)
{
    o->prefix64(b->out64, N / 16, 5);
}
KERNEL(run_decimal)
{
    o->decimal64((double *)b->out64, (const int64_t *)b->u64, N / 16, 1000);
}
KERNEL(run_compress)
{
    b->sink += o->compress32(b->out32, b->u32, b->bits, N);
}
KERNEL(run_count)
{
    o->count32(b->lanes, 256, b->u32, N);
}
KERNEL(run_count_masked)
{
    o->count32_masked(b->lanes, 256, b->u32, b->bits, N);
}
KERNEL(run_popcount_and)
{
    b->sink += o->popcount_and(b->u64, b->out64, N);
}
KERNEL(run_bits_and)
{
    o->bits_and(b->out64, b->u64, 1024);
}
KERNEL(run_ids_from_bits)
{
    b->sink += o->ids_from_bits(b->out32, b->bits, N / 64, 0);
}
KERNEL(run_ids_from_dense)
{
    b->sink += o->ids_from_bits(b->out32, b->dense, N / 64, 0);
}
KERNEL(run_bits_from_ids)
{
    o->bits_from_ids(b->out64, b->ids_a, b->n_a, 0);
}
KERNEL(run_intersect)
{
    b->sink += o->intersect32(b->out32, b->ids_a, b->n_a, b->ids_b, b->n_b);
}
KERNEL(run_crc)
{
    b->sink += o->crc32c(0, b->bytes, BYTES);
}
KERNEL(run_find_byte)
{
    b->sink += o->find_byte(b->bytes2, BYTES, '#');
}
KERNEL(run_find_bytes)
{
    b->sink += o->find_bytes(b->bytes2, BYTES, (const uint8_t *)"qabcdefz", 8);
}
KERNEL(run_set_bits)
{
    struct qn_byteset set = {0};
    for (unsigned c = 100; c < 256; c++)
        qn_byteset_add(&set, (uint8_t)c);
    o->set_bits(b->out64, b->bytes, BYTES, &set);
}
KERNEL(run_classify)
{
    b->sink += o->classify_ascii((uint8_t *)b->out32, b->out64, b->bytes2, BYTES);
}
KERNEL(run_lut_scores)
{
    for (size_t i = 0; i < N; i += BLOCK)
        o->lut_scores(b->scores, b->bytes + i, BLOCK, b->lut);
}
KERNEL(run_score_add)
{
    o->score_add(b->scores, b->ids_a, 0, b->bytes, b->n_a, b->lut);
}
KERNEL(run_scores_above)
{
    b->sink += o->scores_above(b->out64, b->scores, N, 3);
}

struct row {
    const char *name;
    unsigned width;
    double items; /* of one run; 0: size of the first id list, -1: of both */
    void (*run)(const struct qn_simd_ops *, struct bench *);
    void (*limit)(struct bench *);
};

static const struct row rows[] = {
    {"unpack32 w3", 3, N, run_unpack32, limit_unpack},
    {"unpack32 w8", 8, N, run_unpack32, limit_unpack},
    {"unpack32 w14", 14, N, run_unpack32, limit_unpack},
    {"unpack32 w20", 20, N, run_unpack32, limit_unpack},
    {"unpack32 w28", 28, N, run_unpack32, NULL},
    {"unpack32_delta w3", 3, N, run_delta, limit_delta},
    {"unpack32_delta w7", 7, N, run_delta, limit_delta},
    {"unpack32_delta w12", 12, N, run_delta, limit_delta},
    {"unpack32_delta w20", 20, N, run_delta, limit_delta},
    {"unpack64 w14", 14, N, run_unpack64, NULL},
    {"unpack64 w40", 40, N, run_unpack64, NULL},
    {"unpack64 w61", 61, N, run_unpack64, NULL},
    {"or32 + pack32 w8", 8, N, run_pack32, NULL},
    {"or32 + pack32 w14", 14, N, run_pack32, NULL},
    {"or32 + pack32 w24", 24, N, run_pack32, NULL},
    {"gather_packed w14", 14, 0, run_gather, NULL},
    {"range_packed w3", 3, N, run_range, limit_range},
    {"range_packed w8", 8, N, run_range, limit_range},
    {"range_packed w14", 14, N, run_range, limit_range},
    {"range_packed w20", 20, N, run_range, limit_range},
    {"range_packed w24", 24, N, run_range, limit_range},
    {"stats_packed w3", 3, N, run_stats_packed, limit_sum},
    {"stats_packed w14", 14, N, run_stats_packed, limit_sum},
    {"stats_packed w24", 24, N, run_stats_packed, limit_sum},
    {"range64", 0, N, run_range64, limit_range64},
    {"stats64 masked", 0, N, run_stats64, NULL},
    {"affine64", 0, N / 16, run_affine, NULL},
    {"prefix64", 0, N / 16, run_prefix, NULL},
    {"decimal64", 0, N / 16, run_decimal, NULL},
    {"compress32 1/8", 0, N, run_compress, NULL},
    {"count32 of 256", 8, N, run_count, limit_count},
    {"count32_masked 1/8", 8, N, run_count_masked, NULL},
    {"popcount_and (bits)", 0, N * 64.0, run_popcount_and, limit_popcount_and},
    {"bits_and (bits)", 0, 65536, run_bits_and, NULL},
    {"ids_from_bits 1/8", 0, N / 8.0, run_ids_from_bits, limit_ids_from_bits},
    {"ids_from_bits 1/2", 0, N / 2.0, run_ids_from_dense, NULL},
    {"bits_from_ids 1/10", 0, 0, run_bits_from_ids, limit_bits_from_ids},
    {"intersect32 10%x30%", 0, -1, run_intersect, limit_intersect},
    {"crc32c (B)", 0, BYTES, run_crc, limit_crc},
    {"find_byte (B)", 0, BYTES, run_find_byte, NULL},
    {"find_bytes (B)", 0, BYTES, run_find_bytes, limit_find},
    {"set_bits, codes (B)", 0, BYTES, run_set_bits, limit_code_test},
    {"classify_ascii (B)", 0, BYTES, run_classify, limit_classify},
    {"lut_scores", 0, N, run_lut_scores, NULL},
    {"score_add", 0, 0, run_score_add, limit_score_add},
    {"scores_above", 0, N, run_scores_above, NULL},
};

static void prepare(struct bench *b)
{
    memset(b, 0, sizeof *b);
    b->packed = qn_xaligned(N * 8);
    b->bytes = qn_xaligned(BYTES);
    b->bytes2 = qn_xaligned(BYTES);
    b->u32 = qn_xaligned(N * 4);
    b->out32 = qn_xaligned(N * 8);
    b->lanes = qn_xaligned(1024 * 4);
    b->ids_a = qn_xaligned(N * 4);
    b->ids_b = qn_xaligned(N * 4);
    b->u64 = qn_xaligned(N * 8);
    b->out64 = qn_xaligned(N * 8);
    b->bits = qn_xaligned(N / 8);
    b->dense = qn_xaligned(N / 8);
    b->bits2 = qn_xaligned(N / 8);
    b->lut = qn_xaligned(256 * 4);
    b->scores = qn_xaligned(N * 4);
    for (unsigned i = 0; i < 256; i++)
        b->lut[i] = (float)i / 16;
    for (unsigned i = 0; i < BYTES; i++) {
        b->bytes[i] = (uint8_t)(next_random() % 60);
        b->bytes2[i] = (uint8_t) "etaoin shrdlu 0123 GETx/"[next_random() % 24];
    }
    for (unsigned i = 0; i < N; i++) {
        b->u64[i] = next_random();
        if (next_random() % 10 == 0)
            b->ids_a[b->n_a++] = i;
        if (next_random() % 10 < 3)
            b->ids_b[b->n_b++] = i;
        if (next_random() % 8 == 0)
            qn_bit_set(b->bits, i);
        if (next_random() % 2 == 0)
            qn_bit_set(b->dense, i);
    }
}

static void set_width(struct bench *b, unsigned width)
{
    b->width = width;
    for (unsigned i = 0; i < N; i++)
        b->u32[i] = (uint32_t)(b->u64[i] & ((1ull << width) - 1));
    qn_simd_level(QN_SIMD_SCALAR)->pack32(b->packed, b->u32, N, width);
}

/* Items a second of f, in 10^9: the best of several stretches of about a millisecond. */
static double rate(void (*run)(const struct qn_simd_ops *, struct bench *),
                   void (*limit)(struct bench *), const struct qn_simd_ops *ops, struct bench *b,
                   double items)
{
    double best = 1e30;
    unsigned reps = 1;
    for (unsigned round = 0; round < 25; round++) {
        double start = now();
        for (unsigned i = 0; i < reps; i++) {
            if (limit != NULL)
                limit(b);
            else
                run(ops, b);
        }
        double took = now() - start;
        if (round < 4 && took < 1e-3)
            reps = (unsigned)(reps * (took < 1e-5 ? 100 : 1.2e-3 / took)) + 1;
        else if (took / reps < best)
            best = took / reps;
    }
    return items / best / 1e9;
}

int main(int argc, char **argv)
{
    struct bench b;
    prepare(&b);
    prepare_limits();
    bool has_limits = qn_simd_level(QN_SIMD_AVX512) != NULL;
    printf("%-22s", "10^9 per second");
    for (int l = 0; l < QN_SIMD_LEVELS; l++)
        if (qn_simd_level((enum qn_simd_level)l) != NULL)
            printf("%10s", qn_simd_level((enum qn_simd_level)l)->name);
    printf("%10s%8s\n", "limit", "share");
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        const struct row *r = &rows[i];
        if (argc > 1 && strstr(r->name, argv[1]) == NULL)
            continue;
        double items = r->items > 0    ? r->items
                       : r->items == 0 ? (double)b.n_a
                                       : (double)(b.n_a + b.n_b);
        double best = 0;
        set_width(&b, r->width);
        printf("%-22s", r->name);
        for (int l = 0; l < QN_SIMD_LEVELS; l++) {
            const struct qn_simd_ops *ops = qn_simd_level((enum qn_simd_level)l);
            if (ops == NULL)
                continue;
            best = rate(r->run, NULL, ops, &b, items);
            printf("%10.2f", best);
            fflush(stdout);
        }
        bool runs = has_limits && r->limit != NULL &&
                    (r->limit != limit_intersect || qn_simd_level(QN_SIMD_VP2) != NULL);
        if (runs) {
            double limit = rate(NULL, r->limit, NULL, &b, items);
            printf("%10.2f%7.0f%%", limit, 100 * best / limit);
        }
        printf("\n");
    }
    return b.sink == 1;
}
