/* Calendar arithmetic on the proleptic Gregorian calendar, UTC, no tables, no locale, no globals.
 * Timestamps are int64 nanoseconds or microseconds since 1970; days are int64. Named time zones
 * live in schema/aggs, not here. */
#ifndef QN_BASE_TIME_H
#define QN_BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct qn_civil {
    int64_t year;
    int month, day;           /* 1..12, 1..31 */
    int hour, minute, second; /* second 0..59: leap seconds are read as the next second */
    int nanos;                /* 0..999999999 */
    int offset_s;             /* zone offset east of UTC that was read, for parsers */
};

int64_t qn_days_from_civil(int64_t year, int month, int day);
void qn_civil_from_days(int64_t days, int64_t *year, int *month, int *day);
/* Seconds since 1970 of c, its offset applied. */
int64_t qn_civil_to_unix(const struct qn_civil *c);
void qn_civil_from_unix(int64_t unix_s, int nanos, struct qn_civil *c);
static inline int qn_weekday(int64_t days) /* 0 = Monday */
{
    int64_t r = (days + 3) % 7;
    return (int)(r < 0 ? r + 7 : r);
}

/* RFC 3339 ("T", "t" or space; Z or +hh:mm; any fraction) to nanoseconds: QN_E_PARSE, or QN_E_RANGE
 * outside 1677..2262. */
QN_MUST_CHECK int qn_rfc3339_parse(struct qn_str s, int64_t *unix_ns);
/* Writes "2026-11-21T00:43:22.123456789Z" with `digits` (0..9) of fraction and a NUL; returns its
 * length. out holds at least 40 bytes. */
size_t qn_rfc3339_print(char *out, int64_t unix_ns, int digits);

#endif
