#include <math.h>

#include "column_int.h"

const double qn__pow10[QN__DECIMAL_MAX + 1] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

static void extremes(const uint64_t *v, size_t n, uint64_t *min, uint64_t *max)
{
    *min = *max = v[0];
    for (size_t i = 1; i < n; i++) {
        *min = v[i] < *min ? v[i] : *min;
        *max = v[i] > *max ? v[i] : *max;
    }
}

/* Frame of reference; common divisors are taken out, which is what makes timestamps of whole
 * seconds or milliseconds small. */
static void plan_for(const uint64_t *v, size_t n, struct qn__encoding *en)
{
    uint64_t min, max, scale = 0;
    extremes(v, n, &min, &max);
    for (size_t i = 0; i < n && scale != 1; i++)
        scale = gcd(scale, v[i] - min);
    if (scale == 0)
        scale = 1;
    en->codec = min == max ? QN__CONST : QN__FOR;
    en->base = min;
    en->scale = scale;
    en->width = qn_bit_width((max - min) / scale);
    en->step = 0;
}

/* Differences, for values that never descend: their common divisor and smallest are taken out. */
static bool plan_delta(const uint64_t *v, size_t n, struct qn__encoding *en)
{
    uint64_t low = UINT64_MAX, high = 0, scale = 0;
    for (size_t i = 1; i < n; i++) {
        if (v[i] < v[i - 1])
            return false;
        uint64_t d = v[i] - v[i - 1];
        low = d < low ? d : low;
        high = d > high ? d : high;
        if (scale != 1)
            scale = gcd(scale, d);
    }
    if (scale == 0)
        return false;
    *en = (struct qn__encoding){QN__DELTA, qn_bit_width((high - low) / scale), v[0], scale,
                                low / scale};
    return true;
}

/* Is every value a whole number of 10^-e, exactly? Fills m with those numbers (as signed). */
static bool as_decimals(const uint64_t *v, size_t n, unsigned e, uint64_t *m)
{
    for (size_t i = 0; i < n; i++) {
        double d = qn_f64_from_ord(v[i]), x = d * qn__pow10[e];
        if (!(x > -9e15 && x < 9e15))
            return false;
        int64_t k = (int64_t)nearbyint(x);
        if (qn_f64_to_ord((double)k / qn__pow10[e]) != v[i])
            return false; /* negative zero too */
        m[i] = (uint64_t)k;
    }
    return true;
}

static bool plan_decimal(const uint64_t *v, uint64_t *m, size_t n, struct qn__encoding *en)
{
    for (unsigned e = 0; e <= QN__DECIMAL_MAX; e++) {
        /* The first values tell quickly that an exponent is too small. */
        if (!as_decimals(v, n < 8 ? n : 8, e, m) || !as_decimals(v, n, e, m))
            continue;
        int64_t min = (int64_t)m[0], max = min;
        for (size_t i = 1; i < n; i++) {
            min = (int64_t)m[i] < min ? (int64_t)m[i] : min;
            max = (int64_t)m[i] > max ? (int64_t)m[i] : max;
        }
        *en = (struct qn__encoding){QN__DECIMAL, qn_bit_width((uint64_t)(max - min)), (uint64_t)min,
                                    e};
        return true;
    }
    return false;
}

static void apply(const struct qn__encoding *en, uint64_t *v, const uint64_t *decimals, size_t n)
{
    switch (en->codec) {
    case QN__CONST:
    case QN__CODED:
        break;
    case QN__FOR:
        for (size_t i = 0; i < n; i++)
            v[i] = (v[i] - en->base) / en->scale;
        break;
    case QN__DELTA:
        for (size_t i = n - 1; i > 0; i--)
            v[i] = (v[i] - v[i - 1]) / en->scale - en->step;
        v[0] = 0;
        break;
    case QN__DECIMAL:
        for (size_t i = 0; i < n; i++)
            v[i] = decimals[i] - en->base;
        break;
    }
}

void qn__column_choose(enum qn_column_kind kind, uint64_t *v, uint64_t *scratch, size_t n,
                       struct qn__encoding *en)
{
    struct qn__encoding other;
    plan_for(v, n, en);
    if (en->codec != QN__CONST) {
        if (kind == QN_COLUMN_F64) {
            if (plan_decimal(v, scratch, n, &other) && other.width < en->width)
                *en = other;
        } else if (plan_delta(v, n, &other) && other.width + 1 < en->width) {
            *en = other; /* a bit dearer to read: no random access, no filter on packed values */
        }
    }
    apply(en, v, scratch, n);
}
