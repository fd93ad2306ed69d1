/* Random numbers that nobody relies on for secrets: xoshiro256**, seeded by the kernel or by hand.
 * Secrets (tokens) come from qn_random_bytes. One owner thread per generator. */
#ifndef QN_OS_RANDOM_H
#define QN_OS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct qn_random {
    uint64_t s[4];
};

void qn_random_bytes(void *p, size_t n);   /* from the kernel, fit for secrets */
void qn_random_init(struct qn_random *rn); /* seeded by the kernel */
void qn_random_seed(struct qn_random *rn, uint64_t seed);
uint64_t qn_random_next(struct qn_random *rn);
uint64_t qn_random_below(struct qn_random *rn, uint64_t n); /* 0..n-1, unbiased; 0 for n = 0 */

#endif
