#include "os/ulid.h"

#include <string.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void qn_ulid_gen_init(struct qn_ulid_gen *gen, const struct qn_clock *ck)
{
    memset(gen, 0, sizeof *gen);
    gen->clock = ck;
    qn_mutex_init(&gen->lock, QN_LOCK_ULID);
    qn_random_init(&gen->rn);
}

void qn_ulid_gen_release(struct qn_ulid_gen *gen)
{
    qn_mutex_release(&gen->lock);
}

static void print_base32(char *out, size_t digits, __uint128_t v)
{
    for (size_t i = digits; i-- > 0; v >>= 5)
        out[i] = alphabet[v & 31];
}

struct qn_ulid qn_ulid_next(struct qn_ulid_gen *gen)
{
    int64_t wall = qn_wall_ms(gen->clock);
    uint64_t ms = wall > 0 ? (uint64_t)wall & 0xffffffffffffull : 0;
    qn_mutex_lock(&gen->lock);
    if (ms > gen->last_ms) {
        gen->last_ms = ms;
        gen->rand_hi = qn_random_next(&gen->rn) & 0x7fff; /* top bit clear: room to count up */
        gen->rand_lo = qn_random_next(&gen->rn);
    } else if (++gen->rand_lo == 0 && ++gen->rand_hi > 0xffff) {
        gen->rand_hi = 0;
        gen->last_ms++;
    }
    __uint128_t tail = (__uint128_t)gen->rand_hi << 64 | gen->rand_lo;
    ms = gen->last_ms;
    qn_mutex_unlock(&gen->lock);

    struct qn_ulid u;
    print_base32(u.z, 10, ms);
    print_base32(u.z + 10, 16, tail);
    u.z[QN_ULID_LEN] = '\0';
    return u;
}

int qn_ulid_parse(struct qn_str s, struct qn_ulid *out, int64_t *unix_ms)
{
    uint64_t ms = 0;
    if (s.n != QN_ULID_LEN)
        return QN_E_PARSE;
    for (size_t i = 0; i < QN_ULID_LEN; i++) {
        const char *at = s.p[i] != '\0' ? strchr(alphabet, s.p[i]) : NULL;
        if (at == NULL || (i == 0 && s.p[0] > '7')) /* 26 digits hold two bits too many */
            return QN_E_PARSE;
        if (i < 10)
            ms = ms << 5 | (uint64_t)(at - alphabet);
    }
    memcpy(out->z, s.p, QN_ULID_LEN);
    out->z[QN_ULID_LEN] = '\0';
    if (unix_ms != NULL)
        *unix_ms = (int64_t)ms;
    return QN_OK;
}
