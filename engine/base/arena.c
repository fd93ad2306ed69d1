#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define QN_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define QN_ASAN 1
#endif
#endif
#ifdef QN_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define POISON(p, n) ((void)0)
#define UNPOISON(p, n) ((void)0)
#endif

enum { FIRST_CHUNK = 4096, LAST_CHUNK = 1 << 20 };

struct qn_arena_chunk {
    struct qn_arena_chunk *older;
    size_t n; /* bytes of data[] */
    _Alignas(QN_CACHE_LINE) char data[];
};

void qn_arena_unpoison(void *p, size_t n)
{
    (void)p;
    (void)n;
    UNPOISON(p, n);
}

void qn_arena_init(struct qn_arena *ar, struct qn_budget *budget)
{
    *ar = (struct qn_arena){.budget = budget, .chunk_bytes = FIRST_CHUNK};
}

static void drop_chunk(struct qn_arena *ar, struct qn_arena_chunk *c)
{
    size_t total = sizeof *c + c->n;
    UNPOISON(c->data, c->n);
    qn_budget_give(ar->budget, total);
    ar->total_bytes -= total;
    free(c);
}

void qn_arena_release(struct qn_arena *ar)
{
    while (ar->head != NULL) {
        struct qn_arena_chunk *c = ar->head;
        ar->head = c->older;
        drop_chunk(ar, c);
    }
    qn_arena_init(ar, ar->budget);
}

static void use_chunk(struct qn_arena *ar, struct qn_arena_chunk *c, char *at)
{
    ar->head = c;
    ar->at = c ? at : NULL;
    ar->end = c ? c->data + c->n : NULL;
    if (c != NULL)
        POISON(at, (size_t)(ar->end - at));
}

void qn_arena_reset(struct qn_arena *ar)
{
    struct qn_arena_chunk *keep = NULL;
    while (ar->head != NULL) {
        struct qn_arena_chunk *c = ar->head;
        ar->head = c->older;
        if (c->older == NULL && c->n <= LAST_CHUNK)
            keep = c;
        else
            drop_chunk(ar, c);
    }
    ar->failed = false;
    ar->chunk_bytes = FIRST_CHUNK;
    use_chunk(ar, keep, keep ? keep->data : NULL);
}

struct qn_arena_mark qn_arena_mark(struct qn_arena *ar)
{
    return (struct qn_arena_mark){ar->head, ar->at};
}

void qn_arena_rewind(struct qn_arena *ar, struct qn_arena_mark m)
{
    while (ar->head != m.chunk) {
        QN_ASSERT(ar->head != NULL);
        struct qn_arena_chunk *c = ar->head;
        ar->head = c->older;
        drop_chunk(ar, c);
    }
    use_chunk(ar, m.chunk, m.at);
}

void *qn_arena_alloc_slow(struct qn_arena *ar, size_t n, size_t align)
{
    QN_DASSERT(align <= QN_CACHE_LINE && (align & (align - 1)) == 0);
    size_t want = ar->chunk_bytes > n ? ar->chunk_bytes : n, header = sizeof(struct qn_arena_chunk);
    bool fits = !ar->failed && n <= SIZE_MAX / 2;
    if (fits && qn_budget_take(ar->budget, header + want) < 0) {
        want = n; /* no room to grow ahead, but perhaps for what is asked */
        fits = qn_budget_take(ar->budget, header + want) == 0;
    }
    if (!fits) {
        ar->failed = true;
        ar->end = ar->at; /* so that a smaller ask fails too */
        return NULL;
    }
    struct qn_arena_chunk *c = aligned_alloc(QN_CACHE_LINE, (sizeof *c + want + QN_CACHE_LINE - 1) /
                                                                QN_CACHE_LINE * QN_CACHE_LINE);
    if (c == NULL)
        qn_panic(__FILE__, __LINE__, "out of memory asking for %zu bytes", want);
    c->older = ar->head;
    c->n = want;
    ar->total_bytes += sizeof *c + want;
    if (ar->chunk_bytes < LAST_CHUNK)
        ar->chunk_bytes *= 2;
    use_chunk(ar, c, c->data);
    ar->at += n;
    UNPOISON(c->data, n);
    return c->data;
}

void *qn_arena_zalloc(struct qn_arena *ar, size_t n)
{
    void *p = qn_arena_alloc(ar, n);
    if (p != NULL)
        memset(p, 0, n);
    return p;
}

struct qn_str qn_arena_str(struct qn_arena *ar, struct qn_str s)
{
    char *p = qn_arena_alloc_aligned(ar, s.n + 1, 1);
    if (p == NULL)
        return QN_STR_NONE;
    if (s.n != 0)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (struct qn_str){p, s.n};
}

struct qn_str qn_arena_printf(struct qn_arena *ar, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = n < 0 ? NULL : qn_arena_alloc_aligned(ar, (size_t)n + 1, 1);
    if (p != NULL)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p ? (struct qn_str){p, (size_t)n} : QN_STR_NONE;
}
