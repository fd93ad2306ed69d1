#include "base/units.h"

#include <stdio.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* Looks only at ASCII case-insensitively where no two units differ by case. */
static const struct unit sizes[] = {
    {"", 1},
    {"b", 1},
    {"k", 1000},
    {"kb", 1000},
    {"m", 1000000},
    {"mb", 1000000},
    {"g", 1000000000},
    {"gb", 1000000000},
    {"t", 1000000000000},
    {"tb", 1000000000000},
    {"ki", 1ull << 10},
    {"kib", 1ull << 10},
    {"mi", 1ull << 20},
    {"mib", 1ull << 20},
    {"gi", 1ull << 30},
    {"gib", 1ull << 30},
    {"ti", 1ull << 40},
    {"tib", 1ull << 40},
};

static const struct unit durations[] = {
    {"us", 1},
    {"micros", 1},
    {"ms", 1000},
    {"millis", 1000},
    {"s", 1000000},
    {"sec", 1000000},
    {"secs", 1000000},
    {"second", 1000000},
    {"seconds", 1000000},
    {"m", 60000000},
    {"min", 60000000},
    {"mins", 60000000},
    {"minute", 60000000},
    {"minutes", 60000000},
    {"h", 3600000000},
    {"hour", 3600000000},
    {"hours", 3600000000},
    {"d", 86400000000},
    {"day", 86400000000},
    {"days", 86400000000},
    {"w", 604800000000},
    {"week", 604800000000},
    {"weeks", 604800000000},
};

static const struct unit *find_unit(const struct unit *table, size_t n, struct qn_str name)
{
    for (size_t i = 0; i < n; i++)
        if (qn_str_eq_nocase(name, qn_str_of(table[i].name)))
            return &table[i];
    return NULL;
}

/* Reads "12", "1.5" at the start of *s; the fraction is kept exact in billionths. */
static int read_number(struct qn_str *s, uint64_t *whole, uint64_t *billionths)
{
    size_t n = 0, frac = 0;
    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
        n++;
    int rc = qn_str_to_u64(qn_str_first(*s, n), whole);
    if (rc < 0)
        return rc;
    *s = qn_str_from(*s, n);
    *billionths = 0;
    if (s->n == 0 || s->p[0] != '.')
        return 0;
    for (n = 1; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
        if (frac < 9) {
            *billionths = *billionths * 10 + (uint64_t)(s->p[n] - '0');
            frac++;
        }
    }
    if (n == 1)
        return QN_E_PARSE;
    for (; frac < 9; frac++)
        *billionths *= 10;
    *s = qn_str_from(*s, n);
    return 0;
}

static int scale(uint64_t whole, uint64_t billionths, uint64_t factor, uint64_t *out)
{
    uint64_t v;
    if (__builtin_mul_overflow(whole, factor, &v))
        return QN_E_RANGE;
    uint64_t part = (uint64_t)((__uint128_t)billionths * factor / 1000000000u);
    return __builtin_add_overflow(v, part, out) ? QN_E_RANGE : 0;
}

/* One "number unit" off the front of *s. */
static int read_quantity(struct qn_str *s, const struct unit *table, size_t n, uint64_t *out)
{
    uint64_t whole, billionths;
    *s = qn_str_trim(*s);
    int rc = read_number(s, &whole, &billionths);
    if (rc < 0)
        return rc;
    *s = qn_str_trim(*s);
    size_t len = 0;
    while (len < s->n && ((s->p[len] | 32) >= 'a' && (s->p[len] | 32) <= 'z'))
        len++;
    const struct unit *u = find_unit(table, n, qn_str_first(*s, len));
    if (u == NULL)
        return QN_E_PARSE;
    *s = qn_str_from(*s, len);
    return scale(whole, billionths, u->factor, out);
}

int qn_parse_size(struct qn_str s, uint64_t *bytes, struct qn_err *err)
{
    struct qn_str rest = s;
    int rc = read_quantity(&rest, sizes, QN_COUNT_OF(sizes), bytes);
    if (rc == 0 && qn_str_trim(rest).n != 0)
        rc = QN_E_PARSE;
    if (rc < 0)
        return qn_fail(err, rc, "\"" QN_STR_FMT "\" is not a size such as 512, 64MiB or 1.5 GB",
                       QN_STR_ARG(s));
    return 0;
}

int qn_parse_duration(struct qn_str s, uint64_t *us, struct qn_err *err)
{
    struct qn_str rest = qn_str_trim(s);
    uint64_t total = 0;
    int rc = rest.n == 0 ? QN_E_PARSE : 0;
    if (qn_str_is(rest, "0")) {
        *us = 0;
        return 0;
    }
    while (rc == 0 && rest.n != 0) {
        uint64_t part;
        rc = read_quantity(&rest, durations, QN_COUNT_OF(durations), &part);
        if (rc == 0 && __builtin_add_overflow(total, part, &total))
            rc = QN_E_RANGE;
        rest = qn_str_trim(rest);
    }
    if (rc < 0)
        return qn_fail(err, rc, "\"" QN_STR_FMT "\" is not a duration such as 250ms, 30s or 1h 30m",
                       QN_STR_ARG(s));
    *us = total;
    return 0;
}

const char *qn_format_size(char out[24], uint64_t bytes)
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double v = (double)bytes;
    size_t i = 0;
    while (v >= 1024 && i + 1 < QN_COUNT_OF(names)) {
        v /= 1024;
        i++;
    }
    snprintf(out, 24, i == 0 || v >= 100 ? "%.0f %s" : "%.1f %s", v, names[i]);
    return out;
}

const char *qn_format_duration(char out[24], uint64_t us)
{
    if (us < 1000)
        snprintf(out, 24, "%uus", (unsigned)us);
    else if (us < 1000000)
        snprintf(out, 24, "%.3gms", (double)us / 1e3);
    else if (us < 60000000)
        snprintf(out, 24, "%.3gs", (double)us / 1e6);
    else if (us < 3600000000)
        snprintf(out, 24, "%um%02us", (unsigned)(us / 60000000), (unsigned)(us / 1000000 % 60));
    else if (us < 172800000000)
        snprintf(out, 24, "%uh%02um", (unsigned)(us / 3600000000), (unsigned)(us / 60000000 % 60));
    else
        snprintf(out, 24, "%llu days", (unsigned long long)(us / 86400000000));
    return out;
}
