/* Heap allocation that cannot fail: out of memory ends the process with a line on stderr.
 * Memory that must be *bounded* is taken from a budget (budget.h) first. */
#ifndef QN_BASE_MEM_H
#define QN_BASE_MEM_H

#include <stddef.h>

#define QN_CACHE_LINE 64
#define QN_PAD 64 /* readable bytes after buffers that SIMD code scans */

void *qn_xmalloc(size_t n) __attribute__((malloc, returns_nonnull));
void *qn_xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *qn_xrealloc(void *p, size_t n) __attribute__((returns_nonnull));
/* 64-byte aligned with QN_PAD readable (and zeroed) bytes after n. free() releases it. */
void *qn_xaligned(size_t n) __attribute__((malloc, returns_nonnull));
char *qn_xstrndup(const char *p, size_t n) __attribute__((malloc, returns_nonnull));

#endif
