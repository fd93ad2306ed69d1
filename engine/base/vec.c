#include "base/vec.h"

#include <stdint.h>

#include "base/assert.h"
#include "base/mem.h"

void *qn_vec_grow(void *p, size_t *cap, size_t need, size_t size)
{
    size_t next = *cap < 8 ? 8 : *cap * 2;
    if (next < need)
        next = need;
    QN_ASSERT(next <= SIZE_MAX / size);
    *cap = next;
    return qn_xrealloc(p, next * size);
}
