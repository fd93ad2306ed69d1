/* Arena: memory for one piece of work, dropped whole.
 *
 *   chunk ─► chunk ─► chunk        each at least twice the last, up to 1 MiB; big asks get their
 * own
 *
 * Nothing in an arena is freed one by one. An arena charges its chunks to a budget; when that is
 * exhausted qn_arena_alloc returns NULL and the arena is marked failed, so that a caller may check
 * once at the end (qn_arena_failed) instead of at each call. Arenas never point into shorter-lived
 * arenas. One owner thread at a time. Under ASAN the unused tail of each chunk is poisoned. */
#ifndef QN_BASE_ARENA_H
#define QN_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/assert.h"
#include "base/budget.h"
#include "base/str.h"

struct qn_arena_chunk;

struct qn_arena {
    struct qn_arena_chunk *head; /* the chunk being filled; older ones behind it */
    char *at, *end;
    struct qn_budget *budget; /* may be NULL */
    size_t chunk_bytes;       /* size of the next ordinary chunk */
    size_t total_bytes;       /* charged to the budget */
    bool failed;
};

struct qn_arena_mark {
    struct qn_arena_chunk *chunk;
    char *at;
};

void qn_arena_init(struct qn_arena *ar, struct qn_budget *budget);
void qn_arena_release(struct qn_arena *ar); /* NULL budget and double release are fine */
/* Frees all but one small chunk; pointers into the arena die. Clears `failed`. */
void qn_arena_reset(struct qn_arena *ar);
struct qn_arena_mark qn_arena_mark(struct qn_arena *ar);
void qn_arena_rewind(struct qn_arena *ar, struct qn_arena_mark m);
static inline bool qn_arena_failed(const struct qn_arena *ar)
{
    return ar->failed;
}

void *qn_arena_alloc_slow(struct qn_arena *ar, size_t n, size_t align);
void qn_arena_unpoison(void *p, size_t n); /* no-op without ASAN */

/* Uninitialised memory, or NULL when the budget is exhausted. align is a power of two <= 64. */
static inline void *qn_arena_alloc_aligned(struct qn_arena *ar, size_t n, size_t align)
{
    size_t pad = (size_t)(-(uintptr_t)ar->at) & (align - 1);
    if (QN_LIKELY(ar->at != NULL && n <= (size_t)(ar->end - ar->at) &&
                  pad <= (size_t)(ar->end - ar->at) - n)) {
        char *p = ar->at + pad;
        ar->at = p + n;
#ifdef __SANITIZE_ADDRESS__
        qn_arena_unpoison(p, n);
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
        qn_arena_unpoison(p, n);
#endif
#endif
        return p;
    }
    return qn_arena_alloc_slow(ar, n, align);
}

static inline void *qn_arena_alloc(struct qn_arena *ar, size_t n)
{
    return qn_arena_alloc_aligned(ar, n, 8);
}

void *qn_arena_zalloc(struct qn_arena *ar, size_t n);
#define qn_arena_new(ar, type) ((type *)qn_arena_zalloc((ar), sizeof(type)))
#define qn_arena_array(ar, type, n) ((type *)qn_arena_alloc((ar), sizeof(type) * (n)))
/* Copies; the copy is followed by a NUL that is not counted. .p is NULL on failure. */
struct qn_str qn_arena_str(struct qn_arena *ar, struct qn_str s);
struct qn_str qn_arena_printf(struct qn_arena *ar, const char *fmt, ...) QN_PRINTF(2, 3);

#endif
