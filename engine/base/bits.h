/* Bit sets over uint64_t words; bit i is word i/64, bit i%64. The unit of query execution is one
 * window: 65,536 bits = 1,024 words = 8 KB. SIMD versions of the bulk operations are in simd/ops.h.
 */
#ifndef QN_BASE_BITS_H
#define QN_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QN_WINDOW_DOCS 65536u
#define QN_WINDOW_WORDS (QN_WINDOW_DOCS / 64)

typedef uint32_t qn_docid;
typedef uint64_t qn_ord;

static inline bool qn_bit_get(const uint64_t *w, size_t i)
{
    return (w[i >> 6] >> (i & 63)) & 1;
}
static inline void qn_bit_set(uint64_t *w, size_t i)
{
    w[i >> 6] |= 1ull << (i & 63);
}
static inline void qn_bit_clear(uint64_t *w, size_t i)
{
    w[i >> 6] &= ~(1ull << (i & 63));
}
static inline size_t qn_bits_words(size_t n_bits)
{
    return (n_bits + 63) / 64;
}
/* Sets bits [from, to). */
void qn_bits_fill(uint64_t *w, size_t from, size_t to);
/* Bits needed to store v: 0 for 0, 64 for the largest. */
static inline unsigned qn_bit_width(uint64_t v)
{
    return v == 0 ? 0 : 64 - (unsigned)__builtin_clzll(v);
}

#endif
