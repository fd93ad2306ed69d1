/* Kernels over plain arrays and bit sets, the specification. */
#include "kernels_int.h"

size_t qn__range32_scalar(uint64_t *bits, const uint32_t *v, size_t n, uint32_t lo, uint32_t hi)
{
    size_t hits = 0;
    memset(bits, 0, qn_bits_words(n) * 8);
    for (size_t i = 0; i < n; i++) {
        bool hit = lo <= v[i] && v[i] <= hi;
        bits[i / 64] |= (uint64_t)hit << (i % 64);
        hits += hit;
    }
    return hits;
}

size_t qn__range64_scalar(uint64_t *bits, const uint64_t *v, size_t n, uint64_t lo, uint64_t hi)
{
    size_t hits = 0;
    memset(bits, 0, qn_bits_words(n) * 8);
    for (size_t i = 0; i < n; i++) {
        bool hit = lo <= v[i] && v[i] <= hi;
        bits[i / 64] |= (uint64_t)hit << (i % 64);
        hits += hit;
    }
    return hits;
}

void qn__affine64_scalar(uint64_t *x, size_t n, uint64_t mul, uint64_t add)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] * mul + add;
}

void qn__ramp64_scalar(uint64_t *x, size_t n, uint64_t base, uint64_t slope)
{
    for (size_t i = 0; i < n; i++)
        x[i] += base + slope * i;
}

void qn__prefix64_scalar(uint64_t *x, size_t n, uint64_t start)
{
    for (size_t i = 0; i < n; i++)
        x[i] = start += x[i];
}

void qn__decimal64_scalar(double *out, const int64_t *in, size_t n, double divisor)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (double)in[i] / divisor;
}

size_t qn__compress32_scalar(uint32_t *out, const uint32_t *v, const uint64_t *bits, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        out[k] = v[i];
        k += qn_bit_get(bits, i);
    }
    return k;
}

size_t qn__compress64_scalar(uint64_t *out, const uint64_t *v, const uint64_t *bits, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        out[k] = v[i];
        k += qn_bit_get(bits, i);
    }
    return k;
}

void qn__count32_scalar(uint32_t *lanes, size_t stride, const uint32_t *ord, size_t n)
{
    uint32_t *l0 = lanes, *l1 = lanes + stride, *l2 = l1 + stride, *l3 = l2 + stride;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        l0[ord[i]]++;
        l1[ord[i + 1]]++;
        l2[ord[i + 2]]++;
        l3[ord[i + 3]]++;
    }
    for (; i < n; i++)
        l0[ord[i]]++;
}

void qn__count32_masked_scalar(uint32_t *lanes, size_t stride, const uint32_t *ord,
                               const uint64_t *bits, size_t n)
{
    unsigned lane = 0;
    for (size_t i = 0; i < n; i += 64)
        for (uint64_t w = bits[i / 64]; w != 0; w &= w - 1) {
            size_t at = i + (size_t)__builtin_ctzll(w);
            if (at >= n)
                return;
            lanes[lane * stride + ord[at]]++;
            lane = (lane + 1) & 3;
        }
}

void qn__bits_and_scalar(uint64_t *dst, const uint64_t *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] &= src[i];
}

void qn__bits_or_scalar(uint64_t *dst, const uint64_t *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] |= src[i];
}

void qn__bits_andnot_scalar(uint64_t *dst, const uint64_t *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] &= ~src[i];
}

void qn__bits_not_scalar(uint64_t *dst, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = ~dst[i];
}

size_t qn__popcount_scalar(const uint64_t *a, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += (size_t)__builtin_popcountll(a[i]);
    return count;
}

size_t qn__popcount_and_scalar(const uint64_t *a, const uint64_t *b, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += (size_t)__builtin_popcountll(a[i] & b[i]);
    return count;
}

size_t qn__popcount_andnot_scalar(const uint64_t *a, const uint64_t *b, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += (size_t)__builtin_popcountll(a[i] & ~b[i]);
    return count;
}

void qn__bits_from_ids_scalar(uint64_t *bits, const uint32_t *ids, size_t n, uint32_t base)
{
    for (size_t i = 0; i < n; i++)
        qn_bit_set(bits, ids[i] - base);
}

size_t qn__ids_from_bits_scalar(uint32_t *out, const uint64_t *bits, size_t n, uint32_t base)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        for (uint64_t w = bits[i]; w != 0; w &= w - 1)
            out[k++] = base + (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(w);
    return k;
}

size_t qn__lower_bound32_scalar(const uint32_t *v, size_t n, uint32_t key)
{
    size_t lo = 0;
    while (n > 0) {
        size_t half = n / 2;
        if (v[lo + half] < key) {
            lo += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return lo;
}

/* For each id of the short list: double the step in the long one until it is passed, then search
 * the last step. */
size_t qn__intersect_gallop(uint32_t *out, const uint32_t *a, size_t na, const uint32_t *b,
                            size_t nb)
{
    size_t k = 0, at = 0;
    for (size_t i = 0; i < na && at < nb; i++) {
        size_t step = 1;
        while (at + step < nb && b[at + step] < a[i])
            step *= 2;
        size_t from = at + step / 2, to = at + step < nb ? at + step + 1 : nb;
        at = from + qn__lower_bound32_scalar(b + from, to - from, a[i]);
        if (at < nb && b[at] == a[i])
            out[k++] = a[i];
    }
    return k;
}

size_t qn__intersect32_scalar(uint32_t *out, const uint32_t *a, size_t na, const uint32_t *b,
                              size_t nb)
{
    if (nb / QN_GALLOP_RATIO > na)
        return qn__intersect_gallop(out, a, na, b, nb);
    if (na / QN_GALLOP_RATIO > nb)
        return qn__intersect_gallop(out, b, nb, a, na);
    size_t i = 0, j = 0, k = 0;
    while (i < na && j < nb) {
        uint32_t x = a[i], y = b[j];
        out[k] = x;
        k += x == y;
        i += x <= y;
        j += y <= x;
    }
    return k;
}
