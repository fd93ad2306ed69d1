#include "base/bits.h"

void qn_bits_fill(uint64_t *w, size_t from, size_t to)
{
    if (from >= to)
        return;
    size_t first = from >> 6, last = (to - 1) >> 6;
    uint64_t head = ~0ull << (from & 63), tail = ~0ull >> (63 - ((to - 1) & 63));
    if (first == last) {
        w[first] |= head & tail;
        return;
    }
    w[first] |= head;
    for (size_t i = first + 1; i < last; i++)
        w[i] = ~0ull;
    w[last] |= tail;
}
