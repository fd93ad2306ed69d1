/* ULIDs: names for splits and index incarnations that sort by the time they were made.
 *
 *     01ARZ3NDEK TSV4RRFFQ69G5FAV      10 characters: unix milliseconds (48 bits)
 *     time       randomness            16 characters: random (80 bits); Crockford's base 32
 *
 * One generator's ULIDs are strictly monotone: within a millisecond, or when the wall clock steps
 * back, the random part of the last one is incremented. @thread any  @locks takes ULID */
#ifndef QN_OS_ULID_H
#define QN_OS_ULID_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/random.h"
#include "os/thread.h"

#define QN_ULID_LEN 26

struct qn_ulid {
    char z[QN_ULID_LEN + 1]; /* NUL-terminated */
};

struct qn_ulid_gen {
    const struct qn_clock *clock;
    struct qn_mutex lock;
    struct qn_random rn;
    uint64_t last_ms;
    uint64_t rand_hi; /* 16 bits */
    uint64_t rand_lo; /* 64 bits */
};

void qn_ulid_gen_init(struct qn_ulid_gen *gen, const struct qn_clock *ck);
void qn_ulid_gen_release(struct qn_ulid_gen *gen);
struct qn_ulid qn_ulid_next(struct qn_ulid_gen *gen);
static inline struct qn_str qn_ulid_str(const struct qn_ulid *u)
{
    return (struct qn_str){u->z, QN_ULID_LEN};
}
/* Upper case as printed; QN_E_PARSE otherwise. *unix_ms may be NULL. */
QN_MUST_CHECK int qn_ulid_parse(struct qn_str s, struct qn_ulid *out, int64_t *unix_ms);

#endif
