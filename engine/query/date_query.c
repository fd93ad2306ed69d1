/* Dates as queries write them: a date or "now", then math, rounding by unit. */
#include "query_int.h"

#include "base/time.h"

#define NS_PER_S 1000000000ll

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int qn_time_zone_read(struct qn_str s, int32_t *offset_s, struct qn_err *err)
{
    int sign, h, m = 0, sec = 0;
    struct qn_str t = s;
    *offset_s = 0;
    if (qn_str_starts(t, QN_STR("UTC")) || qn_str_starts(t, QN_STR("GMT")))
        t = qn_str_from(t, 3);
    else if (qn_str_is(t, "Z") || qn_str_is(t, "z") || qn_str_is(t, "Etc/UTC") ||
             qn_str_is(t, "Etc/GMT") || qn_str_is(t, "UT"))
        return QN_OK;
    if (t.n == 0 && s.n > 0)
        return QN_OK;
    if (t.n < 2 || (t.p[0] != '+' && t.p[0] != '-'))
        goto bad;
    sign = t.p[0] == '-' ? -1 : 1;
    char digits[6];
    size_t n = 0;
    for (size_t i = 1; i < t.n; i++) {
        if (t.p[i] == ':' && (i == 3 || i == 6))
            continue;
        if (!is_digit(t.p[i]) || n == sizeof digits)
            goto bad;
        digits[n++] = t.p[i];
    }
    if (n == 0 || n == 3 || n == 5)
        goto bad;
    h = n == 1 ? digits[0] - '0' : (digits[0] - '0') * 10 + digits[1] - '0';
    if (n >= 4)
        m = (digits[2] - '0') * 10 + digits[3] - '0';
    if (n >= 6)
        sec = (digits[4] - '0') * 10 + digits[5] - '0';
    if (h > 18 || m > 59 || sec > 59)
        goto bad;
    *offset_s = sign * (h * 3600 + m * 60 + sec);
    return QN_OK;
bad:
    return qn_fail(err, QN_E_INVALID,
                   "unknown time zone `" QN_STR_FMT "`: expected an offset like +02:00, or UTC",
                   QN_STR_ARG(qn_str_first(s, 60)));
}

/* A moment taken apart in a zone, and put together again. */
static void split(int64_t ns, int32_t offset_s, struct qn_civil *c)
{
    int64_t s = ns / NS_PER_S, nanos = ns % NS_PER_S;
    if (nanos < 0) {
        nanos += NS_PER_S;
        s--;
    }
    qn_civil_from_unix(s + offset_s, (int)nanos, c);
    c->offset_s = offset_s;
}

static bool join(const struct qn_civil *c, int64_t *ns)
{
    return !__builtin_mul_overflow(qn_civil_to_unix(c), NS_PER_S, ns) &&
           !__builtin_add_overflow(*ns, (int64_t)c->nanos, ns);
}

static int month_days(int64_t year, int month)
{
    int64_t next_year = month == 12 ? year + 1 : year;
    int next = month == 12 ? 1 : month + 1;
    return (int)(qn_days_from_civil(next_year, next, 1) - qn_days_from_civil(year, month, 1));
}

static bool add_months(int64_t *ns, int64_t months, int32_t offset_s)
{
    struct qn_civil c;
    split(*ns, offset_s, &c);
    int64_t total = c.year * 12 + c.month - 1 + months;
    c.year = total >= 0 ? total / 12 : -((-total + 11) / 12);
    c.month = (int)(total - c.year * 12) + 1;
    if (c.year < 1600 || c.year > 2300)
        return false;
    int days = month_days(c.year, c.month);
    c.day = c.day > days ? days : c.day;
    return join(&c, ns);
}

/* n units on: y M w d h H m s. */
static bool add_units(int64_t *ns, int64_t n, char unit, int32_t offset_s)
{
    int64_t seconds, step;
    switch (unit) {
    case 'y':
        return add_months(ns, n * 12, offset_s);
    case 'M':
        return add_months(ns, n, offset_s);
    case 'w':
        seconds = 7 * 86400;
        break;
    case 'd':
        seconds = 86400;
        break;
    case 'h':
    case 'H':
        seconds = 3600;
        break;
    case 'm':
        seconds = 60;
        break;
    default:
        seconds = 1;
        break;
    }
    return !__builtin_mul_overflow(n, seconds * NS_PER_S, &step) &&
           !__builtin_add_overflow(*ns, step, ns);
}

/* Down to the first moment of the unit, in the zone. */
static bool round_down(int64_t *ns, char unit, int32_t offset_s)
{
    struct qn_civil c;
    int64_t days;
    split(*ns, offset_s, &c);
    c.nanos = 0;
    c.second = 0;
    if (unit == 's') {
        split(*ns, offset_s, &c);
        c.nanos = 0;
        return join(&c, ns);
    }
    c.minute = unit == 'm' ? c.minute : 0;
    c.hour = unit == 'm' || unit == 'h' || unit == 'H' ? c.hour : 0;
    if (unit == 'w') {
        days = qn_days_from_civil(c.year, c.month, c.day);
        qn_civil_from_days(days - qn_weekday(days), &c.year, &c.month, &c.day);
    }
    c.day = unit == 'M' || unit == 'y' ? 1 : c.day;
    c.month = unit == 'y' ? 1 : c.month;
    return join(&c, ns);
}

/* "+1d-2h/M" */
static int apply_math(struct qn_str math, const struct qn_date_query *dq, int64_t *ns)
{
    size_t i = 0;
    while (i < math.n) {
        char op = math.p[i++];
        int64_t n = 1;
        bool counted = false;
        if (op != '+' && op != '-' && op != '/')
            return QN_E_PARSE;
        for (; i < math.n && is_digit(math.p[i]); i++, counted = true) {
            n = counted ? n * 10 + (math.p[i] - '0') : math.p[i] - '0';
            if (n > 1000000000)
                return QN_E_RANGE;
        }
        if (i >= math.n || strchr("yMwdhHms", math.p[i]) == NULL || (op == '/' && n != 1))
            return QN_E_PARSE;
        char unit = math.p[i++];
        bool ok = op == '/' ? round_down(ns, unit, dq->offset_s)
                            : add_units(ns, op == '-' ? -n : n, unit, dq->offset_s);
        if (ok && op == '/' && dq->round_up) {
            ok = add_units(ns, 1, unit, dq->offset_s);
            *ns -= 1;
        }
        if (!ok)
            return QN_E_RANGE;
    }
    return QN_OK;
}

static int read_text(struct qn_str text, const struct qn_date_query *dq, bool round_up, int64_t *ns)
{
    struct qn_date_context cx = {
        .now_ns = dq->now_ns, .offset_s = dq->offset_s, .round_up = round_up};
    return qn_date_read(dq->formats, text, &cx, ns);
}

int qn_date_query_read(struct qn_str text, const struct qn_date_query *dq, int64_t *ns,
                       struct qn_err *err)
{
    int rc;
    struct qn_str s = qn_str_trim(text);
    size_t bars = qn_str_find(s, QN_STR("||"));
    bool up = dq->round_up && dq->dialect == QN_DIALECT_ELASTIC;
    if (qn_str_starts(s, QN_STR("now"))) {
        *ns = dq->now_ns;
        rc = apply_math(qn_str_from(s, 3), dq, ns);
    } else if (bars != SIZE_MAX) {
        rc = read_text(qn_str_first(s, bars), dq, false, ns);
        rc = rc < 0 ? rc : apply_math(qn_str_from(s, bars + 2), dq, ns);
    } else {
        rc = read_text(s, dq, up, ns);
    }
    if (rc < 0)
        return qn_fail(err, rc, "failed to parse date [" QN_STR_FMT "]%s",
                       QN_STR_ARG(qn_str_first(text, 80)),
                       rc == QN_E_RANGE ? ": out of range" : "");
    return QN_OK;
}
