#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

static void *must(void *p, size_t n)
{
    if (QN_UNLIKELY(p == NULL))
        qn_panic(__FILE__, __LINE__, "out of memory asking for %zu bytes", n);
    return p;
}

void *qn_xmalloc(size_t n)
{
    return must(malloc(n ? n : 1), n);
}

void *qn_xcalloc(size_t n, size_t size)
{
    return must(calloc(n ? n : 1, size ? size : 1), n * size);
}

void *qn_xrealloc(void *p, size_t n)
{
    return must(realloc(p, n ? n : 1), n);
}

void *qn_xaligned(size_t n)
{
    QN_ASSERT(n <= SIZE_MAX - 2 * QN_PAD);
    size_t total = (n + QN_PAD + QN_CACHE_LINE - 1) / QN_CACHE_LINE * QN_CACHE_LINE;
    char *p = must(aligned_alloc(QN_CACHE_LINE, total), total);
    memset(p + n, 0, total - n);
    return p;
}

char *qn_xstrndup(const char *p, size_t n)
{
    char *z = qn_xmalloc(n + 1);
    if (n != 0)
        memcpy(z, p, n);
    z[n] = '\0';
    return z;
}
