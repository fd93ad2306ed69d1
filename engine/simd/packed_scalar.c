/* Packed integers, the specification: one value at a time through qn_packed_get. */
#include "kernels_int.h"

void qn__unpack32_scalar(uint32_t *out, const uint8_t *in, size_t n, unsigned width, uint32_t base)
{
    for (size_t i = 0; i < n; i++)
        out[i] = base + (width ? (uint32_t)qn_packed_get(in, i, width) : 0);
}

void qn__unpack32_delta_scalar(uint32_t *out, const uint8_t *in, size_t n, unsigned width,
                               uint32_t prev, uint32_t step)
{
    for (size_t i = 0; i < n; i++) {
        prev += step + (width ? (uint32_t)qn_packed_get(in, i, width) : 0);
        out[i] = prev;
    }
}

void qn__unpack64_scalar(uint64_t *out, const uint8_t *in, size_t n, unsigned width, uint64_t base)
{
    for (size_t i = 0; i < n; i++)
        out[i] = base + (width ? qn_packed_get(in, i, width) : 0);
}

/* Collects values in a 64-bit accumulator and stores it when it is full; the rest goes out
 * bytewise, so exactly qn_packed_bytes are written. */
struct packer {
    uint8_t *out;
    uint64_t acc;
    unsigned used; /* bits in acc, < 64 */
};

static inline void packer_put(struct packer *pk, uint64_t v, unsigned width)
{
    pk->acc |= v << pk->used;
    unsigned used = pk->used + width;
    if (used >= 64) {
        memcpy(pk->out, &pk->acc, 8);
        pk->out += 8;
        used -= 64;
        pk->acc = used ? v >> (width - used) : 0;
    }
    pk->used = used;
}

static inline void packer_end(struct packer *pk)
{
    memcpy(pk->out, &pk->acc, (pk->used + 7) / 8);
}

void qn__pack32_scalar(uint8_t *out, const uint32_t *in, size_t n, unsigned width)
{
    struct packer pk = {out, 0, 0};
    for (size_t i = 0; i < n && width != 0; i++)
        packer_put(&pk, in[i], width);
    packer_end(&pk);
}

void qn__pack64_scalar(uint8_t *out, const uint64_t *in, size_t n, unsigned width)
{
    struct packer pk = {out, 0, 0};
    for (size_t i = 0; i < n && width != 0; i++)
        packer_put(&pk, in[i], width);
    packer_end(&pk);
}

uint32_t qn__or32_scalar(const uint32_t *in, size_t n)
{
    uint32_t all = 0;
    for (size_t i = 0; i < n; i++)
        all |= in[i];
    return all;
}

uint32_t qn__deltas32_scalar(uint32_t *out, const uint32_t *in, size_t n, uint32_t prev,
                             uint32_t step)
{
    uint32_t all = 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = in[i] - prev - step;
        prev = in[i];
        all |= out[i];
    }
    return all;
}

void qn__gather_packed_scalar(uint64_t *out, const uint8_t *in, unsigned width, const uint32_t *idx,
                              size_t n, uint64_t base)
{
    for (size_t i = 0; i < n; i++)
        out[i] = base + (width ? qn_packed_get(in, idx[i], width) : 0);
}

size_t qn__range_packed_scalar(uint64_t *bits, const uint8_t *in, size_t n, unsigned width,
                               uint64_t lo, uint64_t hi)
{
    size_t hits = 0;
    memset(bits, 0, qn_bits_words(n) * 8);
    for (size_t i = 0; i < n; i++) {
        uint64_t v = width ? qn_packed_get(in, i, width) : 0;
        bool hit = lo <= v && v <= hi;
        bits[i / 64] |= (uint64_t)hit << (i % 64);
        hits += hit;
    }
    return hits;
}

static void stats_add(struct qn_simd_stats *st, uint64_t v)
{
    st->n++;
    st->sum += v;
    st->min = v < st->min ? v : st->min;
    st->max = v > st->max ? v : st->max;
}

void qn__stats_packed_scalar(struct qn_simd_stats *st, const uint8_t *in, size_t n, unsigned width)
{
    *st = (struct qn_simd_stats){.min = UINT64_MAX};
    for (size_t i = 0; i < n; i++)
        stats_add(st, width ? qn_packed_get(in, i, width) : 0);
}

void qn__stats64_scalar(struct qn_simd_stats *st, const uint64_t *v, size_t n, const uint64_t *bits)
{
    for (size_t i = 0; i < n; i++)
        if (bits == NULL || qn_bit_get(bits, i))
            stats_add(st, v[i]);
}
