/* The formats that are standards: RFC 3339 (the fast one), ISO 8601 and RFC 2822; and from the
 * parts of a date to its nanoseconds. */
#include "dates_int.h"

#include "base/time.h"

static inline bool digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* n digits at p, or -1. */
static int number(const char *p, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        if (!digit(p[i]))
            return -1;
        v = v * 10 + (p[i] - '0');
    }
    return v;
}

static int month_days(int64_t year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Ten bytes at once, as two overlapping words. */
static inline bool same_ten(const char *a, const char *b)
{
    uint64_t x, y, u, v;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    memcpy(&u, a + 2, sizeof u);
    memcpy(&v, b + 2, sizeof v);
    return ((x ^ y) | (u ^ v)) == 0;
}

/* Midnight of "YYYY-MM-DD" in nanoseconds, remembered for the next. */
static __attribute__((noinline)) int read_new_day(const char *p, struct qn_date_context *cx,
                                                  int64_t *ns)
{
    int year = number(p, 4), month = number(p + 5, 2), day = number(p + 8, 2);
    if (year < 0 || month < 1 || month > 12 || day < 1 || p[4] != '-' || p[7] != '-' ||
        day > month_days(year, month))
        return QN_E_PARSE;
    if (__builtin_mul_overflow(qn_days_from_civil(year, month, day), 86400 * NS_PER_S, ns))
        return QN_E_RANGE;
    memcpy(cx->day, p, sizeof cx->day);
    cx->day_ns = *ns;
    return 0;
}

static inline int read_day(const char *p, struct qn_date_context *cx, int64_t *ns)
{
    if (QN_UNLIKELY(cx->day[0] == 0 || !same_ten(p, cx->day)))
        return read_new_day(p, cx, ns);
    *ns = cx->day_ns;
    return 0;
}

/* "HH:MM:SS" as seconds, or -1. All eight bytes at once: digits have 0011 in their high half and do
 * not carry when 6 is added to the low one. */
static inline int read_clock(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    w ^= 0x30303A30303A3030ull; /* "00:00:00" */
    if ((w | (w + 0x0606000606000606ull)) & 0xF0F0FFF0F0FFF0F0ull)
        return -1;
    int h = (int)(w & 15) * 10 + (int)(w >> 8 & 15);
    int m = (int)(w >> 24 & 15) * 10 + (int)(w >> 32 & 15);
    int s = (int)(w >> 48 & 15) * 10 + (int)(w >> 56 & 15);
    return h > 23 || m > 59 || s > 60 ? -1 : h * 3600 + m * 60 + s;
}

static const int32_t scale[10] = {1000000000, 100000000, 10000000, 1000000, 100000,
                                  10000,      1000,      100,      10,      1};

/* The digits at *p as a fraction of a second; what is beyond nanoseconds is cut off. */
static inline bool read_fraction(const char **p, const char *end, int *nanos)
{
    const char *from = *p;
    int v = 0, n = 0;
    for (; *p < end && digit(**p); (*p)++)
        if (n < 9) {
            v = v * 10 + (**p - '0');
            n++;
        }
    *nanos = v * scale[n];
    return *p > from;
}

bool qn__date_read_zone(const char **p, const char *end, int32_t *offset_s)
{
    const char *c = *p;
    if (c < end && (*c == 'Z' || *c == 'z')) {
        *offset_s = 0;
        *p = c + 1;
        return true;
    }
    if (end - c < 3 || (*c != '+' && *c != '-'))
        return false;
    int sign = *c == '-' ? -1 : 1, h = number(c + 1, 2), m = 0;
    c += 3;
    if (end - c >= 3 && *c == ':') {
        m = number(c + 1, 2);
        c += 3;
    } else if (end - c >= 2 && digit(c[0])) {
        m = number(c, 2);
        c += 2;
    }
    if (h < 0 || h > 23 || m < 0 || m > 59)
        return false;
    *offset_s = sign * (h * 3600 + m * 60);
    *p = c;
    return true;
}

/* What follows the seconds: a fraction, then the zone, to the end. */
static inline bool read_rest(const char *p, const char *end, int *nanos, int32_t *offset_s)
{
    *nanos = 0;
    *offset_s = 0;
    if (*p == '.' || *p == ',') {
        p++;
        if (QN_LIKELY(end - p == 4 && digit(p[0]) && digit(p[1]) && digit(p[2]))) {
            *nanos = ((p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0')) * 1000000;
            p += 3;
        } else if (!read_fraction(&p, end, nanos)) {
            return false;
        }
    }
    if (QN_LIKELY(p + 1 == end && (*p == 'Z' || *p == 'z')))
        return true;
    return end - p == 6 && p[3] == ':' && qn__date_read_zone(&p, end, offset_s) && p == end;
}

int qn_date_read_rfc3339(struct qn_str s, struct qn_date_context *cx, int64_t *ns)
{
    const char *p = s.p;
    if (s.n < 20 || (p[10] != 'T' && p[10] != 't' && p[10] != ' '))
        return QN_E_PARSE;
    int64_t day_ns;
    int rc = read_day(p, cx, &day_ns), clock = read_clock(p + 11), nanos;
    int32_t offset_s;
    if (QN_UNLIKELY(rc < 0))
        return rc;
    if (QN_UNLIKELY(clock < 0 || !read_rest(p + 19, p + s.n, &nanos, &offset_s)))
        return QN_E_PARSE;
    int64_t rest_ns = (clock - offset_s) * NS_PER_S + nanos;
    return __builtin_add_overflow(day_ns, rest_ns, ns) ? QN_E_RANGE : 0;
}

/* min..max digits at *p. */
static bool read_digits(const char **p, const char *end, int min, int max, int *out)
{
    const char *from = *p;
    int v = 0;
    while (*p < end && *p - from < max && digit(**p))
        v = v * 10 + (*(*p)++ - '0');
    *out = v;
    return *p - from >= min;
}

static bool at(const char *p, const char *end, char c)
{
    return p < end && *p == c;
}

/* Week ("W05-1", "W051") after the year, or a day of the year ("-123"), or month and day. */
static bool read_iso_date(const char **pp, const char *end, unsigned flags,
                          struct qn__date_parts *pt)
{
    const char *p = *pp;
    int min = flags & ISO_LENIENT ? 1 : 2, year;
    if (!read_digits(&p, end, flags & ISO_LENIENT ? 1 : 4, 4, &year))
        return false;
    pt->year = year;
    pt->has |= HAS_YEAR;
    bool basic = (flags & ISO_BASIC) && p < end && *p != '-' && *p != 'T';
    bool dash = at(p, end, '-');
    if (basic || dash) {
        p += dash;
        const char *digits = p;
        while (digits < end && digit(*digits))
            digits++;
        if (at(p, end, 'W') && (flags & ISO_BASIC)) {
            p++;
            pt->has |= HAS_WEEK;
            if (!read_digits(&p, end, 2, 2, &pt->week))
                return false;
            if (p < end && *p != 'T') {
                p += dash && *p == '-';
                if (!read_digits(&p, end, 1, 1, &pt->weekday))
                    return false;
                pt->weekday--;
                pt->has |= HAS_WEEKDAY;
            }
        } else if (digits - p == 3 && (flags & ISO_BASIC)) {
            pt->has |= HAS_YDAY;
            if (!read_digits(&p, end, 3, 3, &pt->yday))
                return false;
        } else {
            pt->has |= HAS_MONTH;
            if (!read_digits(&p, end, min, 2, &pt->month))
                return false;
            if (basic || at(p, end, '-')) {
                p += !basic;
                pt->has |= HAS_DAY;
                if (!read_digits(&p, end, min, 2, &pt->day))
                    return false;
            }
        }
    }
    *pp = p;
    return true;
}

static bool read_iso_time(const char **pp, const char *end, unsigned flags,
                          struct qn__date_parts *pt)
{
    const char *p = *pp;
    int min = flags & ISO_LENIENT ? 1 : 2;
    if (!read_digits(&p, end, min, 2, &pt->hour))
        return false;
    pt->has |= HAS_HOUR;
    bool basic = (flags & ISO_BASIC) && p < end && digit(*p);
    if (basic || at(p, end, ':')) {
        p += !basic;
        if (!read_digits(&p, end, min, 2, &pt->minute))
            return false;
        pt->has |= HAS_MINUTE;
        if (basic ? p < end && digit(*p) : at(p, end, ':')) {
            p += !basic;
            if (!read_digits(&p, end, min, 2, &pt->second))
                return false;
            pt->has |= HAS_SECOND;
            if (at(p, end, '.') || at(p, end, ',')) {
                p++;
                if (!read_fraction(&p, end, &pt->nanos))
                    return false;
                pt->has |= HAS_FRACTION;
            }
        }
    }
    *pp = p;
    return true;
}

bool qn__date_read_iso(struct qn_str s, unsigned flags, struct qn__date_parts *pt)
{
    const char *p = s.p, *end = s.p + s.n;
    if (!read_iso_date(&p, end, flags, pt))
        return false;
    if (p == end)
        return true;
    if (*p != 'T' && !((flags & ISO_SPACE) && (*p == ' ' || *p == 't')))
        return false;
    p++;
    if (p == end)
        return !(flags & ISO_BASIC);
    if (!read_iso_time(&p, end, flags, pt))
        return false;
    if (p < end) {
        if (!qn__date_read_zone(&p, end, &pt->offset_s))
            return false;
        pt->has |= HAS_ZONE;
    }
    return p == end;
}

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static bool letters_are(const char *p, const char *end, const char *name, int n)
{
    if (end - p < n)
        return false;
    return qn_str_eq_nocase(qn_str_make(p, (size_t)n), qn_str_make(name, (size_t)n));
}

static bool read_rfc2822_zone(const char *p, const char *end, struct qn__date_parts *pt)
{
    static const struct {
        const char *name;
        int hours;
    } zones[] = {{"UT", 0},   {"GMT", 0},  {"Z", 0},    {"EST", -5}, {"EDT", -4}, {"CST", -6},
                 {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}, {"UTC", 0}};
    pt->has |= HAS_ZONE;
    for (size_t i = 0; i < QN_COUNT_OF(zones); i++)
        if (qn_str_eq_nocase(qn_str_make(p, (size_t)(end - p)), qn_str_of(zones[i].name))) {
            pt->offset_s = zones[i].hours * 3600;
            return true;
        }
    return qn__date_read_zone(&p, end, &pt->offset_s) && p == end;
}

static const char *skip_spaces(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return p;
}

/* "Tue, 1 Jul 2003 10:52:37 +0200"; the weekday and the seconds may be missing. */
bool qn__date_read_rfc2822(struct qn_str s, struct qn__date_parts *pt)
{
    const char *p = s.p, *end = s.p + s.n;
    int year;
    if (end - p > 4 && p[3] == ',')
        p = skip_spaces(p + 4, end);
    if (!read_digits(&p, end, 1, 2, &pt->day))
        return false;
    p = skip_spaces(p, end);
    for (pt->month = 1; pt->month <= 12; pt->month++)
        if (letters_are(p, end, month_names + 3 * (pt->month - 1), 3))
            break;
    if (pt->month > 12)
        return false;
    p = skip_spaces(p + 3, end);
    if (!read_digits(&p, end, 4, 4, &year) || p == end || *p != ' ')
        return false;
    pt->year = year;
    p = skip_spaces(p, end);
    pt->has |= HAS_YEAR | HAS_MONTH | HAS_DAY;
    if (!read_iso_time(&p, end, 0, pt) || !(pt->has & HAS_MINUTE))
        return false;
    return read_rfc2822_zone(skip_spaces(p, end), end, pt);
}

/* Days since 1970 of a week of the year. */
static int64_t week_days(const struct qn__date_parts *pt, bool round_up)
{
    int weekday = pt->has & HAS_WEEKDAY ? pt->weekday : round_up ? 6 : 0;
    if (pt->week_kind == WEEK_ISO) { /* the week of 4 January is the first */
        int64_t jan4 = qn_days_from_civil(pt->year, 1, 4);
        return jan4 - qn_weekday(jan4) + 7 * (pt->week - 1) + weekday;
    }
    int64_t jan1 = qn_days_from_civil(pt->year, 1, 1);
    int first = qn_weekday(jan1), base = pt->week_kind == WEEK_MONDAY ? 0 : 6;
    int64_t week1 = jan1 + (7 + base - first) % 7;
    int in_week = (7 + weekday - base) % 7;
    return week1 + 7 * (pt->week - 1) + in_week;
}

static int resolve_day(const struct qn__date_parts *pt, const struct qn_date_context *cx,
                       bool infer_year, int64_t *days)
{
    struct qn__date_parts v = *pt;
    if (!(v.has & HAS_YEAR)) {
        v.year = 1970;
        if (infer_year) {
            struct qn_civil now;
            qn_civil_from_unix(cx->now_ns / NS_PER_S, 0, &now);
            v.year = now.year - ((v.has & HAS_MONTH) && v.month > now.month + 3);
        }
    }
    if (v.has & HAS_WEEK) {
        if (v.week < 0 || v.week > 53 || v.weekday < 0 || v.weekday > 6)
            return QN_E_PARSE;
        *days = week_days(&v, cx->round_up);
        return 0;
    }
    if (v.has & HAS_YDAY) {
        if (v.yday < 1 || v.yday > 365 + (month_days(v.year, 2) == 29))
            return QN_E_PARSE;
        *days = qn_days_from_civil(v.year, 1, 1) + v.yday - 1;
        return 0;
    }
    if (!(v.has & HAS_MONTH))
        v.month = cx->round_up ? 12 : 1;
    if (v.month < 1 || v.month > 12)
        return QN_E_PARSE;
    if (!(v.has & HAS_DAY))
        v.day = cx->round_up ? month_days(v.year, v.month) : 1;
    if (v.day < 1 || v.day > month_days(v.year, v.month))
        return QN_E_PARSE;
    *days = qn_days_from_civil(v.year, v.month, v.day);
    return 0;
}

int qn__date_resolve(const struct qn__date_parts *pt, const struct qn_date_context *cx,
                     bool infer_year, int64_t *ns)
{
    bool up = cx->round_up;
    int hour = pt->has & HAS_HOUR ? pt->hour : up ? 23 : 0;
    int minute = pt->has & HAS_MINUTE ? pt->minute : up ? 59 : 0;
    int second = pt->has & HAS_SECOND ? pt->second : up ? 59 : 0;
    int nanos = pt->has & HAS_FRACTION ? pt->nanos : up ? 999999999 : 0;
    int32_t offset_s = pt->has & HAS_ZONE ? pt->offset_s : cx->offset_s;
    int64_t days = 0, s = pt->epoch_s;
    if (pt->has & HAS_EPOCH)
        nanos = pt->has & HAS_FRACTION ? pt->nanos : 0;
    else {
        if ((pt->has & HAS_HOUR) && pt->pm >= 0) {
            if (hour < 1 || hour > 12)
                return QN_E_PARSE;
            hour = hour % 12 + 12 * pt->pm;
        }
        int rc = resolve_day(pt, cx, infer_year, &days);
        if (rc < 0)
            return rc;
        if (hour > 23 || minute > 59 || second > 60)
            return QN_E_PARSE;
        s = days * 86400 + hour * 3600 + minute * 60 + second - offset_s;
    }
    if (__builtin_mul_overflow(s, NS_PER_S, ns) || __builtin_add_overflow(*ns, nanos, ns))
        return QN_E_RANGE;
    return 0;
}
