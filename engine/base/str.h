/* Strings are (pointer, length) views: not owned, not NUL-terminated. NUL-terminated strings exist
 * only at the border to the operating system and to libraries.
 * @thread any */
#ifndef QN_BASE_STR_H
#define QN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct qn_str {
    const char *p;
    size_t n;
};

#define QN_STR(lit) ((struct qn_str){"" lit, sizeof(lit) - 1})
#define QN_STR_NONE ((struct qn_str){NULL, 0})
#define QN_STR_FMT "%.*s"
#define QN_STR_ARG(s) (int)(s).n, (s).p

static inline struct qn_str qn_str_of(const char *z)
{
    return (struct qn_str){z, z ? strlen(z) : 0};
}

static inline struct qn_str qn_str_make(const void *p, size_t n)
{
    return (struct qn_str){(const char *)p, n};
}

static inline bool qn_str_eq(struct qn_str a, struct qn_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool qn_str_is(struct qn_str a, const char *z)
{
    return qn_str_eq(a, qn_str_of(z));
}

/* Byte order, shorter first when one is a prefix of the other: <0, 0, >0. */
int qn_str_cmp(struct qn_str a, struct qn_str b);
bool qn_str_eq_nocase(struct qn_str a, struct qn_str b); /* ASCII letters only */
bool qn_str_starts(struct qn_str s, struct qn_str prefix);
bool qn_str_ends(struct qn_str s, struct qn_str suffix);
/* Index of the first match, or SIZE_MAX. */
size_t qn_str_find(struct qn_str s, struct qn_str needle);
size_t qn_str_find_byte(struct qn_str s, char c);
struct qn_str qn_str_trim(struct qn_str s); /* ASCII white space off both ends */
static inline struct qn_str qn_str_from(struct qn_str s, size_t at)
{
    return at >= s.n ? (struct qn_str){s.p + s.n, 0} : (struct qn_str){s.p + at, s.n - at};
}
static inline struct qn_str qn_str_first(struct qn_str s, size_t n)
{
    return (struct qn_str){s.p, n < s.n ? n : s.n};
}
/* Cuts the part before the next `sep` off *rest; false when *rest is used up. "a,,b" gives three
 * parts, "" gives one empty part. Start with *rest = the whole; .p becomes NULL at the end. */
bool qn_str_split(struct qn_str *rest, char sep, struct qn_str *part);
/* '*' any run, '?' one byte; no classes. Linear in s times stars. */
bool qn_str_glob(struct qn_str pattern, struct qn_str s);

/* Whole-string number parsing, no white space, no locale: QN_E_PARSE or QN_E_RANGE. */
QN_MUST_CHECK int qn_str_to_i64(struct qn_str s, int64_t *out);
QN_MUST_CHECK int qn_str_to_u64(struct qn_str s, uint64_t *out);
QN_MUST_CHECK int qn_str_to_f64(struct qn_str s, double *out); /* JSON number syntax */

/* The candidate nearest to `s` by edit distance, or NULL when none is near: for "did you mean". */
const char *qn_str_nearest(struct qn_str s, const char *const *candidates, size_t n);

#endif
