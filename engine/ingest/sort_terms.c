#include "ingest/sort_terms.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct rec {
    uint64_t head; /* eight bytes of the key, big-endian, zero-padded */
    uint32_t addr;
    uint32_t left; /* bytes of the key from those on */
};

enum { INSERTION = 24, RADIX = 512 };

static void load_heads(const struct qn_termtable *tt, struct rec *r, uint32_t n, uint32_t depth)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i + 8 < n)
            __builtin_prefetch(qn_termtable_at(tt, r[i + 8].addr));
        const struct qn_term *t = qn_termtable_at(tt, r[i].addr);
        uint64_t head = 0;
        r[i].left = t->key_n - depth;
        /* The arena goes on after every term: reading past the key is safe, and masked. */
        memcpy(&head, t->key + depth, 8);
        head = __builtin_bswap64(head);
        r[i].head = r[i].left >= 8   ? head
                    : r[i].left == 0 ? 0
                                     : head >> (64 - 8 * r[i].left) << (64 - 8 * r[i].left);
    }
}

/* A key that ends within these bytes comes before one that goes on with zero bytes. */
static bool before(const struct rec *a, const struct rec *b)
{
    if (a->head != b->head)
        return a->head < b->head;
    uint32_t la = a->left < 8 ? a->left : 9, lb = b->left < 8 ? b->left : 9;
    return la < lb;
}

static bool same(const struct rec *a, const struct rec *b)
{
    return a->head == b->head && a->left >= 8 && b->left >= 8;
}

static int compare(const void *a, const void *b)
{
    return before(a, b) ? -1 : before(b, a);
}

static void insertion(struct rec *r, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        struct rec x = r[i];
        uint32_t k = i;
        for (; k > 0 && before(&x, &r[k - 1]); k--)
            r[k] = r[k - 1];
        r[k] = x;
    }
}

/* Least significant byte first; bytes that are the same everywhere are skipped. Records with equal
 * heads but short keys are put right by a last pass. */
static void radix(struct rec *r, struct rec *tmp, uint32_t n)
{
    struct rec *from = r, *to = tmp;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        uint32_t at[256] = {0}, sum = 0;
        for (uint32_t i = 0; i < n; i++)
            at[from[i].head >> shift & 255]++;
        if (at[from[0].head >> shift & 255] == n)
            continue;
        for (unsigned k = 0; k < 256; k++) {
            uint32_t c = at[k];
            at[k] = sum;
            sum += c;
        }
        for (uint32_t i = 0; i < n; i++)
            to[at[from[i].head >> shift & 255]++] = from[i];
        struct rec *swap = from;
        from = to;
        to = swap;
    }
    if (from != r)
        memcpy(r, from, n * sizeof *r);
    for (uint32_t i = 0, end; i < n; i = end) {
        bool shorts = r[i].left < 8;
        for (end = i + 1; end < n && r[end].head == r[i].head; end++)
            shorts = shorts || r[end].left < 8;
        if (shorts && end - i > 1)
            qsort(r + i, end - i, sizeof *r, compare);
    }
}

static void sort(const struct qn_termtable *tt, struct rec *r, struct rec *tmp, uint32_t n,
                 uint32_t depth)
{
    for (;;) {
        load_heads(tt, r, n, depth);
        if (n <= INSERTION)
            insertion(r, n);
        else if (n < RADIX)
            qsort(r, n, sizeof *r, compare);
        else
            radix(r, tmp, n);
        /* Runs that are still equal go eight bytes deeper; the last one without recursion, so that
         * the depth of the stack is bounded by how often runs halve. */
        uint32_t big = 0, big_n = 0;
        for (uint32_t i = 0, end; i < n; i = end) {
            for (end = i + 1; end < n && same(&r[i], &r[end]);)
                end++;
            if (end - i < 2)
                continue;
            if (end - i <= big_n) {
                sort(tt, r + i, tmp, end - i, depth + 8);
                continue;
            }
            if (big_n > 0)
                sort(tt, r + big, tmp, big_n, depth + 8);
            big = i;
            big_n = end - i;
        }
        if (big_n == 0)
            return;
        r += big;
        n = big_n;
        depth += 8;
    }
}

void qn_sort_terms(const struct qn_termtable *tt, uint32_t *addrs, uint32_t n)
{
    if (n < 2)
        return;
    struct rec *r = qn_xmalloc((size_t)n * 2 * sizeof *r);
    for (uint32_t i = 0; i < n; i++)
        r[i].addr = addrs[i];
    sort(tt, r, r + n, n, 0);
    for (uint32_t i = 0; i < n; i++)
        addrs[i] = r[i].addr;
    free(r);
}
