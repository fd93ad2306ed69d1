/* cmocka with what it needs, and the few helpers that every unit test shares.
 * Assertions are for the test's own thread; other threads count failures atomically instead. */
#ifndef QN_TEST_H
#define QN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

#define assert_str(got, want)                                                                      \
    do {                                                                                           \
        struct qn_str got_ = (got), want_ = qn_str_of(want);                                       \
        if (!qn_str_eq(got_, want_))                                                               \
            fail_msg("got \"%.*s\", want \"%.*s\"", QN_STR_ARG(got_), QN_STR_ARG(want_));          \
    } while (0)
#define assert_ok(rc)                                                                              \
    do {                                                                                           \
        int rc_ = (rc);                                                                            \
        if (rc_ < 0)                                                                               \
            fail_msg("%s: %s", #rc, qn_err_name(rc_));                                             \
    } while (0)

/* Reproducible random numbers: xorshift64*. Random tests take their seed from QN_SEED and print it
 * when it was not given. */
struct qn_rng {
    uint64_t s;
};

static inline uint64_t qn_rng_next(struct qn_rng *r)
{
    r->s ^= r->s >> 12;
    r->s ^= r->s << 25;
    r->s ^= r->s >> 27;
    return r->s * 2685821657736338717ull;
}
static inline uint64_t qn_rng_below(struct qn_rng *r, uint64_t n)
{
    return n == 0 ? 0 : (uint64_t)(((__uint128_t)qn_rng_next(r) * n) >> 64);
}
static inline struct qn_rng qn_test_rng(uint64_t fallback)
{
    const char *z = getenv("QN_SEED");
    uint64_t seed = z ? strtoull(z, NULL, 0) : fallback;
    printf("QN_SEED=%llu\n", (unsigned long long)seed);
    return (struct qn_rng){seed * 0x9e3779b97f4a7c15ull + 0x1234567};
}

#endif
