/* Private to the date files: what a text said, compiled formats, and the readers of dates_iso.c and
 * dates_pattern.c. */
#ifndef QN_SCHEMA_DATES_INT_H
#define QN_SCHEMA_DATES_INT_H

#include "schema/dates.h"

#define NS_PER_S 1000000000ll

enum { /* bits of qn__date_parts.has */
       HAS_YEAR = 1,
       HAS_MONTH = 2,
       HAS_DAY = 4,
       HAS_HOUR = 8,
       HAS_MINUTE = 16,
       HAS_SECOND = 32,
       HAS_FRACTION = 64,
       HAS_ZONE = 128,
       HAS_YDAY = 256,
       HAS_WEEK = 512,
       HAS_WEEKDAY = 1024,
       HAS_EPOCH = 2048,
};

/* How `week` counts: ISO 8601 (week_year), from the first Monday, from the first Sunday. */
enum qn__week { WEEK_ISO, WEEK_MONDAY, WEEK_SUNDAY };

struct qn__date_parts {
    unsigned has;
    int64_t year; /* of ISO weeks: the week year */
    int month, day, hour, minute, second, nanos;
    int yday, week, weekday; /* weekday 0 = Monday */
    enum qn__week week_kind;
    int pm; /* -1: not said; hours are 1..12 when it is */
    int32_t offset_s;
    int64_t epoch_s;
};

enum qn__date_kind {
    DATE_RFC3339,
    DATE_RFC2822,
    DATE_ISO8601,
    DATE_UNIX, /* precision by size */
    DATE_UNIX_S,
    DATE_UNIX_MS,
    DATE_UNIX_US,
    DATE_UNIX_NS,
    DATE_EPOCH_MS, /* the Java names: fractions and signs allowed, printed as text */
    DATE_EPOCH_S,
    DATE_OPTIONAL_TIME,
    DATE_PATTERN,
};

enum qn__date_op_kind {
    OP_LITERAL,
    OP_SPACE, /* any run of white space */
    OP_YEAR,
    OP_YEAR2,
    OP_MONTH,
    OP_MONTH_NAME,
    OP_DAY,
    OP_YDAY,
    OP_HOUR,
    OP_HOUR12,
    OP_MINUTE,
    OP_SECOND,
    OP_FRACTION,
    OP_OFFSET,
    OP_AMPM,
    OP_WEEKDAY_NAME,
    OP_WEEKDAY, /* 1..7 from Monday, or 0..6 from Sunday */
    OP_WEEK,
    OP_WEEK_YEAR,
    OP_EPOCH,
    OP_OPTIONAL, /* the next `skip` operations may be absent */
};

struct qn__date_op {
    uint8_t kind;
    uint8_t min, max; /* digits read; min are printed */
    char c;           /* LITERAL */
    uint8_t style;    /* names: 1 = long; OFFSET: 1 = colon, 2 = Z for zero; WEEK: enum qn__week;
                         WEEKDAY: 1 = from Sunday; MONTH.. : 1 = padded with a space */
    uint16_t skip;
};

struct qn_date_format {
    enum qn__date_kind kind;
    bool infer_year; /* a missing year is near now; else 1970 */
    bool lenient;    /* OPTIONAL_TIME: one-digit months and so on */
    struct qn_str text;
    const struct qn__date_op *ops;
    uint32_t n_ops;
};

/* ISO 8601: date, date and time, any precision; *p is moved behind what was read. */
enum { ISO_LENIENT = 1, ISO_BASIC = 2, ISO_SPACE = 4 };
bool qn__date_read_iso(struct qn_str s, unsigned flags, struct qn__date_parts *pt);
bool qn__date_read_rfc2822(struct qn_str s, struct qn__date_parts *pt);
/* A zone at *p: Z, +hh, +hhmm, +hh:mm. */
bool qn__date_read_zone(const char **p, const char *end, int32_t *offset_s);
int qn__date_resolve(const struct qn__date_parts *pt, const struct qn_date_context *cx,
                     bool infer_year, int64_t *ns);

bool qn__date_pattern_read(const struct qn_date_format *f, struct qn_str s,
                           struct qn__date_parts *pt);
void qn__date_pattern_print(const struct qn_date_format *f, int64_t ns, int32_t offset_s,
                            struct qn_buf *out);
/* Compile into ar: QN_E_INVALID for letters that mean nothing. */
int qn__date_compile_strptime(struct qn_date_format *f, struct qn_arena *ar, struct qn_err *err);
int qn__date_compile_java(struct qn_date_format *f, struct qn_arena *ar, struct qn_str pattern,
                          bool lenient, struct qn_err *err);
void qn__date_put_number(struct qn_buf *out, int64_t v, int digits, char pad);

#endif
