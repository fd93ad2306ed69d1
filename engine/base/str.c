#include "base/str.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>

#include "base/mem.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

int qn_str_cmp(struct qn_str a, struct qn_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int d = n ? memcmp(a.p, b.p, n) : 0;
    if (d != 0)
        return d;
    return (a.n > b.n) - (a.n < b.n);
}

bool qn_str_eq_nocase(struct qn_str a, struct qn_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

bool qn_str_starts(struct qn_str s, struct qn_str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool qn_str_ends(struct qn_str s, struct qn_str suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

size_t qn_str_find(struct qn_str s, struct qn_str needle)
{
    if (needle.n == 0)
        return 0;
    if (s.n < needle.n)
        return SIZE_MAX;
    const char *at = memmem(s.p, s.n, needle.p, needle.n);
    return at ? (size_t)(at - s.p) : SIZE_MAX;
}

size_t qn_str_find_byte(struct qn_str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? (size_t)(at - s.p) : SIZE_MAX;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct qn_str qn_str_trim(struct qn_str s)
{
    while (s.n > 0 && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool qn_str_split(struct qn_str *rest, char sep, struct qn_str *part)
{
    if (rest->p == NULL)
        return false;
    size_t at = qn_str_find_byte(*rest, sep);
    if (at == SIZE_MAX) {
        *part = *rest;
        *rest = QN_STR_NONE;
    } else {
        *part = qn_str_first(*rest, at);
        *rest = qn_str_from(*rest, at + 1);
    }
    return true;
}

/* Greedy with one backtrack point: the last star seen. */
bool qn_str_glob(struct qn_str pattern, struct qn_str s)
{
    size_t i = 0, j = 0, star = SIZE_MAX, resume = 0;
    while (j < s.n) {
        if (i < pattern.n && pattern.p[i] == '*') {
            star = i++;
            resume = j;
        } else if (i < pattern.n && (pattern.p[i] == '?' || pattern.p[i] == s.p[j])) {
            i++;
            j++;
        } else if (star != SIZE_MAX) {
            i = star + 1;
            j = ++resume;
        } else {
            return false;
        }
    }
    while (i < pattern.n && pattern.p[i] == '*')
        i++;
    return i == pattern.n;
}

int qn_str_to_u64(struct qn_str s, uint64_t *out)
{
    if (s.n == 0)
        return QN_E_PARSE;
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned d = (unsigned)(unsigned char)s.p[i] - '0';
        if (d > 9)
            return QN_E_PARSE;
        if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, d, &v))
            return QN_E_RANGE;
    }
    *out = v;
    return 0;
}

int qn_str_to_i64(struct qn_str s, int64_t *out)
{
    bool minus = s.n > 0 && s.p[0] == '-';
    uint64_t v;
    int rc = qn_str_to_u64(minus ? qn_str_from(s, 1) : s, &v);
    if (rc < 0)
        return rc;
    if (v > (uint64_t)INT64_MAX + (minus ? 1 : 0))
        return QN_E_RANGE;
    *out = minus ? (int64_t)(0 - v) : (int64_t)v;
    return 0;
}

static size_t digits(struct qn_str s, size_t at)
{
    size_t from = at;
    while (at < s.n && s.p[at] >= '0' && s.p[at] <= '9')
        at++;
    return at - from;
}

/* The length of the JSON number at the start of s, or 0. */
static size_t number_length(struct qn_str s)
{
    size_t at = s.n > 0 && s.p[0] == '-' ? 1 : 0;
    size_t whole = digits(s, at);
    if (whole == 0 || (whole > 1 && s.p[at] == '0'))
        return 0;
    at += whole;
    if (at < s.n && s.p[at] == '.') {
        size_t frac = digits(s, at + 1);
        if (frac == 0)
            return 0;
        at += 1 + frac;
    }
    if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
        size_t sign = at + 1 < s.n && (s.p[at + 1] == '+' || s.p[at + 1] == '-') ? 1 : 0;
        size_t exp = digits(s, at + 1 + sign);
        if (exp == 0)
            return 0;
        at += 1 + sign + exp;
    }
    return at;
}

/* Clinger's fast path: up to 2^53 times a power of ten up to 10^22 is exact in double. */
static bool exact_f64(struct qn_str s, double *out)
{
    static const double p10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    uint64_t m = 0;
    int n = 0, frac = 0;
    bool minus = s.p[0] == '-', point = false;
    for (size_t i = minus; i < s.n; i++) {
        if (s.p[i] == '.') {
            point = true;
            continue;
        }
        unsigned d = (unsigned)(unsigned char)s.p[i] - '0';
        if (d > 9 || ++n > 18)
            return false;
        m = m * 10 + d;
        frac += point;
    }
    if (m > (1ull << 53) || frac > 22)
        return false;
    double v = (double)m / p10[frac];
    *out = minus ? -v : v;
    return true;
}

int qn_str_to_f64(struct qn_str s, double *out)
{
    if (s.n == 0 || number_length(s) != s.n)
        return QN_E_PARSE;
    if (exact_f64(s, out))
        return 0;
    char small[128];
    char *z = s.n < sizeof small ? small : qn_xmalloc(s.n + 1);
    memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    /* The process never calls setlocale, so the decimal point is '.'. */
    double v = strtod(z, NULL);
    if (z != small)
        free(z);
    if (v > 1.7976931348623157e308 || v < -1.7976931348623157e308)
        return QN_E_RANGE;
    *out = v;
    return 0;
}

static size_t edit_distance(struct qn_str a, struct qn_str b)
{
    enum { MAX = 64 };
    size_t row[MAX + 1];
    if (a.n > MAX || b.n > MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = diagonal + (lower(a.p[i - 1]) != lower(b.p[j - 1]));
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.n];
}

const char *qn_str_nearest(struct qn_str s, const char *const *candidates, size_t n)
{
    size_t best = s.n / 3 + 1;
    const char *found = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t d = edit_distance(s, qn_str_of(candidates[i]));
        if (d < best || (d == best && found == NULL)) {
            best = d;
            found = candidates[i];
        }
    }
    return found;
}
