/* Dates as text and numbers, in all the formats that mappings, queries and aggregations name.
 *
 *   Quickwit   rfc3339, rfc2822, iso8601, unix_timestamp (s, ms, us or ns by size), strptime
 *              patterns (anything with a %); output also unix_timestamp_secs|millis|micros|nanos
 *   Java       strict_date_optional_time[_nanos], date_optional_time, epoch_millis, epoch_second,
 * the other names of Elasticsearch ("basic_date", "year_month_day", with or without "strict_"), and
 * patterns ("yyyy-MM-dd['T'HH:mm[:ss]]"); alternatives by "||"
 *
 * A format list is compiled once into an arena and is immutable: threads share it. All dates are
 * int64 nanoseconds since 1970 (1677..2262; else QN_E_RANGE). What a text leaves out is the first
 * moment of what it says, or the last with round_up; a missing zone is cx->offset_s (UTC); a
 * missing year is inferred from cx->now_ns: this year, or the last when the month is more than
 * three ahead.
 *
 * The common case, RFC 3339 with the day of the document before, takes a few nanoseconds: keep one
 * qn_date_context per thread. */
#ifndef QN_SCHEMA_DATES_H
#define QN_SCHEMA_DATES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum qn_date_dialect { QN_DATE_QUICKWIT, QN_DATE_JAVA };

struct qn_date_format;
struct qn_date_formats {
    const struct qn_date_format *const *p;
    uint32_t n;
    bool numbers; /* one of them takes JSON numbers */
};

struct qn_date_context {
    int64_t now_ns;
    int32_t offset_s; /* zone of texts that name none, east of UTC */
    bool round_up;
    /* the day that was read last: "2026-11-21" and its midnight */
    char day[10];
    int64_t day_ns;
};

/* Compiles one format; names are case-insensitive in the Quickwit dialect. QN_E_INVALID with the
 * reason. The format's text is copied. */
QN_MUST_CHECK int qn_date_format_parse(const struct qn_date_format **out, struct qn_arena *ar,
                                       enum qn_date_dialect dialect, struct qn_str text,
                                       struct qn_err *err);
/* A Quickwit output format: the same names, but for unix_timestamp_<unit>. */
QN_MUST_CHECK int qn_date_output_parse(const struct qn_date_format **out, struct qn_arena *ar,
                                       struct qn_str text, struct qn_err *err);
/* Alternatives separated by "||" (Java dialect). */
QN_MUST_CHECK int qn_date_formats_parse(struct qn_date_formats *out, struct qn_arena *ar,
                                        struct qn_str text, struct qn_err *err);
struct qn_str qn_date_format_text(const struct qn_date_format *f);

/* The first format that fits: QN_E_PARSE when none does, QN_E_RANGE when it is out of range. White
 * space around the text is ignored. */
QN_MUST_CHECK int qn_date_read(const struct qn_date_formats *fs, struct qn_str s,
                               struct qn_date_context *cx, int64_t *ns);
/* A JSON number's text. */
QN_MUST_CHECK int qn_date_read_number(const struct qn_date_formats *fs, struct qn_str s,
                                      struct qn_date_context *cx, int64_t *ns);
/* RFC 3339 only, fast. Needs no padding after s. */
QN_MUST_CHECK int qn_date_read_rfc3339(struct qn_str s, struct qn_date_context *cx, int64_t *ns);
/* Seconds, milliseconds, microseconds or nanoseconds by magnitude (unix_timestamp). */
QN_MUST_CHECK int qn_date_from_unix(int64_t v, int64_t *ns);

/* Appends the date; zone offset_s east of UTC. */
void qn_date_print(const struct qn_date_format *f, int64_t ns, int32_t offset_s,
                   struct qn_buf *out);
/* Its output is a JSON number, not a string. */
bool qn_date_prints_number(const struct qn_date_format *f);

enum qn_date_precision {
    QN_DATE_SECONDS,
    QN_DATE_MILLIS,
    QN_DATE_MICROS,
    QN_DATE_NANOS,
};
/* Cuts ns down to the precision, towards the past. */
int64_t qn_date_truncate(int64_t ns, enum qn_date_precision precision);

#endif
