/* Hashing: XXH3-64, the one hash of the project (maps, Bloom filters, section checks).
 * Stable across machines and versions: it is part of the on-disk format. */
#ifndef QN_BASE_HASH_H
#define QN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

uint64_t qn_hash(const void *p, size_t n);
static inline uint64_t qn_hash_str(struct qn_str s)
{
    return qn_hash(s.p, s.n);
}
static inline uint64_t qn_hash_u64(uint64_t v) /* splitmix64's finaliser */
{
    v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9ull;
    v = (v ^ (v >> 27)) * 0x94d049bb133111ebull;
    return v ^ (v >> 31);
}

#endif
