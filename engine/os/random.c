#include "os/random.h"

#include <errno.h>
#include <sys/random.h>

#include "base/assert.h"
#include "base/hash.h"

void qn_random_bytes(void *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t got = getrandom((char *)p + at, n - at, 0);
        if (got < 0 && errno == EINTR)
            continue;
        QN_ASSERT(got > 0); /* the kernel has had getrandom since 3.17 and never fails here */
        at += (size_t)got;
    }
}

void qn_random_init(struct qn_random *rn)
{
    uint64_t seed;
    qn_random_bytes(&seed, sizeof seed);
    qn_random_seed(rn, seed);
}

void qn_random_seed(struct qn_random *rn, uint64_t seed)
{
    for (unsigned i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15ull;
        rn->s[i] = qn_hash_u64(seed); /* splitmix64, as its authors advise; never all zero */
    }
}

static uint64_t rotl(uint64_t x, unsigned k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t qn_random_next(struct qn_random *rn)
{
    uint64_t *s = rn->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t qn_random_below(struct qn_random *rn, uint64_t n)
{
    if (n == 0)
        return 0;
    /* Lemire's multiply-and-reject: the low half tells whether the draw fell into the uneven rest.
     */
    __uint128_t m = (__uint128_t)qn_random_next(rn) * n;
    if ((uint64_t)m < n) {
        uint64_t uneven = -n % n;
        while ((uint64_t)m < uneven)
            m = (__uint128_t)qn_random_next(rn) * n;
    }
    return (uint64_t)(m >> 64);
}
