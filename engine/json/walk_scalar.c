/* The reference walker: eight bytes at a time in ordinary registers. */
#include "reader_int.h"

#define ONES 0x0101010101010101ull
#define HIGH 0x8080808080808080ull

/* A set high bit in every byte of w that is zero; exact for the lowest such byte. */
static inline uint64_t zero_bytes(uint64_t w)
{
    return (w - ONES) & ~w & HIGH;
}

static inline const char *scan_string(const char *p, const char *end, uint32_t *high)
{
    for (; p < end; p += 8) {
        uint64_t w;
        memcpy(&w, p, sizeof w);
        uint64_t hit = zero_bytes(w ^ (ONES * '"')) | zero_bytes(w ^ (ONES * '\\')) |
                       ((w - ONES * 0x20) & ~w & HIGH);
        if (hit == 0) {
            *high |= (w & HIGH) != 0;
            continue;
        }
        int i = __builtin_ctzll(hit) >> 3;
        uint64_t before = i == 0 ? 0 : w << (64 - 8 * i);
        *high |= (before & HIGH) != 0;
        return p + i;
    }
    return p;
}

static inline bool head_is(const char *p, const struct qn_json_path *e)
{
    return e->mask != 0 && memcmp(p, e->head, e->head_n) == 0;
}

#include "walk_int.h"

int qn__json_walk_scalar(struct qn_json_tape *t, const char *p, const char *end,
                         struct qn__json_stop *stop)
{
    return walk(t, p, end, stop);
}
