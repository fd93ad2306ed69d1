#include "base/time.h"

#include <stdio.h>
#include <string.h>

/* Howard Hinnant's algorithms on 400-year eras that start on 1 March. */
int64_t qn_days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t yoe = year - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

void qn_civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

int64_t qn_civil_to_unix(const struct qn_civil *c)
{
    return qn_days_from_civil(c->year, c->month, c->day) * 86400 + c->hour * 3600 + c->minute * 60 +
           c->second - c->offset_s;
}

void qn_civil_from_unix(int64_t unix_s, int nanos, struct qn_civil *c)
{
    int64_t days = unix_s / 86400, rest = unix_s % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    *c = (struct qn_civil){.hour = (int)(rest / 3600),
                           .minute = (int)(rest / 60 % 60),
                           .second = (int)(rest % 60),
                           .nanos = nanos};
    qn_civil_from_days(days, &c->year, &c->month, &c->day);
}

/* n digits at p as a number, or -1. */
static int number(const char *p, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        unsigned d = (unsigned)(unsigned char)p[i] - '0';
        if (d > 9)
            return -1;
        v = v * 10 + (int)d;
    }
    return v;
}

static int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool read_date_time(const char *p, struct qn_civil *c)
{
    c->year = number(p, 4);
    c->month = number(p + 5, 2);
    c->day = number(p + 8, 2);
    c->hour = number(p + 11, 2);
    c->minute = number(p + 14, 2);
    c->second = number(p + 17, 2);
    return p[4] == '-' && p[7] == '-' && (p[10] == 'T' || p[10] == 't' || p[10] == ' ') &&
           p[13] == ':' && p[16] == ':' && c->year >= 0 && c->month >= 1 && c->month <= 12 &&
           c->day >= 1 && c->day <= days_in_month(c->year, c->month) && c->hour >= 0 &&
           c->hour <= 23 && c->minute >= 0 && c->minute <= 59 && c->second >= 0 && c->second <= 60;
}

static bool read_offset(struct qn_str s, int *offset_s)
{
    if (s.n == 1 && (s.p[0] == 'Z' || s.p[0] == 'z')) {
        *offset_s = 0;
        return true;
    }
    if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':')
        return false;
    int h = number(s.p + 1, 2), m = number(s.p + 4, 2);
    if (h < 0 || h > 23 || m < 0 || m > 59)
        return false;
    *offset_s = (h * 3600 + m * 60) * (s.p[0] == '-' ? -1 : 1);
    return true;
}

int qn_rfc3339_parse(struct qn_str s, int64_t *unix_ns)
{
    struct qn_civil c = {0};
    if (s.n < 20 || !read_date_time(s.p, &c))
        return QN_E_PARSE;
    size_t at = 19;
    if (s.p[at] == '.' || s.p[at] == ',') {
        int scale = 100000000;
        size_t from = ++at;
        for (; at < s.n && s.p[at] >= '0' && s.p[at] <= '9'; at++) {
            c.nanos += (s.p[at] - '0') * scale;
            scale /= 10;
        }
        if (at == from)
            return QN_E_PARSE;
    }
    if (!read_offset(qn_str_from(s, at), &c.offset_s))
        return QN_E_PARSE;
    int64_t ns;
    if (__builtin_mul_overflow(qn_civil_to_unix(&c), 1000000000ll, &ns) ||
        __builtin_add_overflow(ns, c.nanos, &ns))
        return QN_E_RANGE;
    *unix_ns = ns;
    return 0;
}

static char *put_number(char *p, int v, int n)
{
    for (int i = n - 1; i >= 0; i--) {
        p[i] = (char)('0' + v % 10);
        v /= 10;
    }
    return p + n;
}

size_t qn_rfc3339_print(char *out, int64_t unix_ns, int digits)
{
    int64_t s = unix_ns / 1000000000;
    int nanos = (int)(unix_ns % 1000000000);
    if (nanos < 0) {
        nanos += 1000000000;
        s--;
    }
    struct qn_civil c;
    qn_civil_from_unix(s, nanos, &c);
    char *p = put_number(out, (int)c.year, 4);
    *p++ = '-';
    p = put_number(p, c.month, 2);
    *p++ = '-';
    p = put_number(p, c.day, 2);
    *p++ = 'T';
    p = put_number(p, c.hour, 2);
    *p++ = ':';
    p = put_number(p, c.minute, 2);
    *p++ = ':';
    p = put_number(p, c.second, 2);
    if (digits > 0) {
        char nine[9];
        put_number(nine, c.nanos, 9);
        *p++ = '.';
        memcpy(p, nine, (size_t)digits);
        p += digits;
    }
    *p++ = 'Z';
    *p = '\0';
    return (size_t)(p - out);
}
