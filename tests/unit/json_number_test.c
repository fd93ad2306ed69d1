/* Numbers: exact edges of reading, the printed layouts, and random round trips against libc. */
#include "test.h"

#include <math.h>

#include "json/number.h"

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int rc_i64, rc_u64;
        int64_t i64;
        uint64_t u64;
    } rows[] = {
        {"0", 0, 0, 0, 0},
        {"-0", 0, 0, 0, 0},
        {"42", 0, 0, 42, 42},
        {"-42", 0, QN_E_RANGE, -42, 0},
        {"9223372036854775807", 0, 0, INT64_MAX, INT64_MAX},
        {"9223372036854775808", QN_E_RANGE, 0, 0, 1ull << 63},
        {"-9223372036854775808", 0, QN_E_RANGE, INT64_MIN, 0},
        {"-9223372036854775809", QN_E_RANGE, QN_E_RANGE, 0, 0},
        {"18446744073709551615", QN_E_RANGE, 0, 0, UINT64_MAX},
        {"18446744073709551616", QN_E_RANGE, QN_E_RANGE, 0, 0},
        {"100000000000000000000000", QN_E_RANGE, QN_E_RANGE, 0, 0},
        {"1.0", QN_E_TYPE, QN_E_TYPE, 0, 0},
        {"1e3", QN_E_TYPE, QN_E_TYPE, 0, 0},
        {"123456789012345678901234.5", QN_E_TYPE, QN_E_TYPE, 0, 0},
        {"-1.5", QN_E_TYPE, QN_E_TYPE, 0, 0},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        int64_t a = 0;
        uint64_t b = 0;
        assert_int_equal(qn_json_parse_i64(qn_str_of(rows[i].text), &a), rows[i].rc_i64);
        assert_int_equal(qn_json_parse_u64(qn_str_of(rows[i].text), &b), rows[i].rc_u64);
        if (rows[i].rc_i64 == 0)
            assert_int_equal(a, rows[i].i64);
        if (rows[i].rc_u64 == 0)
            assert_int_equal(b, rows[i].u64);
    }
}

static void test_num(void **state)
{
    (void)state;
    struct qn_json_num v;
    assert_ok(qn_json_parse_num(QN_STR("-7"), &v));
    assert_true(v.kind == QN_JSON_NUM_I64 && v.i64 == -7);
    assert_ok(qn_json_parse_num(QN_STR("9223372036854775808"), &v));
    assert_true(v.kind == QN_JSON_NUM_U64 && v.u64 == 1ull << 63);
    assert_ok(qn_json_parse_num(QN_STR("-9223372036854775809"), &v));
    assert_true(v.kind == QN_JSON_NUM_F64 && v.f64 == -9223372036854775808.0);
    assert_ok(qn_json_parse_num(QN_STR("1.0"), &v));
    assert_true(v.kind == QN_JSON_NUM_F64 && v.f64 == 1.0);
    assert_int_equal(qn_json_parse_num(QN_STR("1e400"), &v), QN_E_RANGE);
}

static void test_doubles(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double want;
    } rows[] = {
        {"0", 0.0},
        {"-0", -0.0},
        {"-0.0e5", -0.0},
        {"1e23", 1e23},
        {"9007199254740993", 9007199254740992.0},
        {"9007199254740992.999999999999999999999999", 9007199254740992.0},
        {"9007199254740993.000000000000000000000000000000000000000000000000001",
         9007199254740994.0},
        {"2.2250738585072011e-308", 2.2250738585072011e-308},
        {"2.2250738585072014e-308", 2.2250738585072014e-308},
        {"4.9406564584124654e-324", 5e-324},
        {"2.4703282292062327e-324", 0.0},
        {"2.4703282292062328e-324", 5e-324},
        {"1.7976931348623157e308", 1.7976931348623157e308},
        {"1.7976931348623158e308", 1.7976931348623157e308},
        {"123456789012345678901234567890", 123456789012345678901234567890.0},
        {"0.000000000000000000000000000000000000001e39", 1.0},
        {"1e-400", 0.0},
        {"0e99999999999999999999", 0.0},
        {"7.3177701707893310e+15", 7.3177701707893310e+15},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        double got = -1;
        assert_ok(qn_json_parse_f64(qn_str_of(rows[i].text), &got));
        if (memcmp(&got, &rows[i].want, sizeof got) != 0)
            fail_msg("%s: got %.17g", rows[i].text, got);
    }
    double v;
    assert_int_equal(qn_json_parse_f64(QN_STR("1.7976931348623159e308"), &v), QN_E_RANGE);
    assert_int_equal(qn_json_parse_f64(QN_STR("-1e309"), &v), QN_E_RANGE);
    assert_int_equal(qn_json_parse_f64(QN_STR("1e99999999999"), &v), QN_E_RANGE);
}

static void test_layouts(void **state)
{
    (void)state;
    static const struct {
        double v;
        const char *serde, *java;
    } rows[] = {
        {0.0, "0.0", "0.0"},
        {-0.0, "-0.0", "-0.0"},
        {1, "1.0", "1.0"},
        {-1.5, "-1.5", "-1.5"},
        {100, "100.0", "100.0"},
        {0.3, "0.3", "0.3"},
        {0.1 + 0.2, "0.30000000000000004", "0.30000000000000004"},
        {0.001, "0.001", "0.001"},
        {0.0001, "0.0001", "1.0E-4"},
        {0.00001, "0.00001", "1.0E-5"},
        {0.000001, "1e-6", "1.0E-6"},
        {1.5e-7, "1.5e-7", "1.5E-7"},
        {9999999, "9999999.0", "9999999.0"},
        {1e7, "10000000.0", "1.0E7"},
        {12345678.9, "12345678.9", "1.23456789E7"},
        {1e15, "1000000000000000.0", "1.0E15"},
        {1e16, "1e16", "1.0E16"},
        {1.5e300, "1.5e300", "1.5E300"},
        {1.7976931348623157e308, "1.7976931348623157e308", "1.7976931348623157E308"},
        {2.2250738585072014e-308, "2.2250738585072014e-308", "2.2250738585072014E-308"},
        {123456789012345680.0, "1.2345678901234568e17", "1.2345678901234568E17"},
        {9007199254740993.0, "9007199254740992.0", "9.007199254740992E15"},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        char out[QN_F64_MAX];
        assert_str(qn_str_make(out, qn_f64_print(out, rows[i].v, QN_F64_SERDE)), rows[i].serde);
        assert_str(qn_str_make(out, qn_f64_print(out, rows[i].v, QN_F64_JAVA)), rows[i].java);
    }
    char out[QN_F64_MAX];
    assert_str(qn_str_make(out, qn_f32_print(out, 0.1f, QN_F64_SERDE)), "0.1");
    assert_str(qn_str_make(out, qn_f32_print(out, 16777216.0f, QN_F64_SERDE)), "16777216.0");
    assert_str(qn_str_make(out, qn_f32_print(out, 3.4028235e38f, QN_F64_JAVA)), "3.4028235E38");
    assert_str(qn_str_make(out, qn_i64_print(out, INT64_MIN)), "-9223372036854775808");
    assert_str(qn_str_make(out, qn_u64_print(out, UINT64_MAX)), "18446744073709551615");
    assert_str(qn_str_make(out, qn_u64_print(out, 0)), "0");
}

/* The digits libc needs to read the same double back. */
static struct qn_str libc_shortest(double v, char out[64])
{
    char text[64];
    size_t n = 0;
    for (int p = 0; p < 17; p++) {
        snprintf(text, sizeof text, "%.*e", p, v);
        if (strtod(text, NULL) == v)
            break;
    }
    for (const char *c = text; *c != 'e'; c++)
        if (*c >= '0' && *c <= '9')
            out[n++] = *c;
    while (n > 1 && out[n - 1] == '0')
        n--;
    return qn_str_make(out, n);
}

/* One double of every binary exponent and every power of ten, then random ones. */
static double sample(struct qn_rng *r, int i)
{
    uint64_t bits = qn_rng_next(r);
    double v;
    if (i < 2047)
        bits = (bits & 0x800FFFFFFFFFFFFFull) | (uint64_t)i << 52;
    else if (i < 2 * 2047)
        bits = (uint64_t)(i - 2047) << 52;
    else if (i < 2 * 2047 + 600) {
        char text[16];
        snprintf(text, sizeof text, "1e%d", i - 2 * 2047 - 300);
        return strtod(text, NULL);
    } else if (i % 2)
        return (double)(bits >> 44) / 1000.0;
    memcpy(&v, &bits, sizeof v);
    return isfinite(v) ? v : 1.0;
}

static void test_random(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(7);
    for (int i = 0; i < 60000; i++) {
        double v = sample(&r, i), back;
        char out[QN_F64_MAX], digits[64], want[64];
        size_t n = qn_f64_print(out, v, i & 1 ? QN_F64_JAVA : QN_F64_SERDE);
        assert_ok(qn_json_parse_f64(qn_str_make(out, n), &back));
        if (memcmp(&v, &back, sizeof v) != 0)
            fail_msg("%.17g printed as %.*s", v, (int)n, out);
        struct qn_decimal d = qn_f64_shortest(v);
        struct qn_str got = qn_str_make(digits, qn_u64_print(digits, d.digits));
        struct qn_str libc_digits = libc_shortest(v, want);
        /* next to a power of two there may be shorter ones than libc's correctly rounded prefixes
         */
        if (got.n > libc_digits.n || (got.n == libc_digits.n && !qn_str_eq(got, libc_digits)))
            fail_msg("%.17g: digits %.*s", v, QN_STR_ARG(got));
        /* long decimals near v: all rounding paths of the reader */
        char text[80];
        int len = snprintf(text, sizeof text, "%.*e", 14 + i % 12, v);
        assert_ok(qn_json_parse_f64(qn_str_make(text, (size_t)len), &back));
        double libc = strtod(text, NULL);
        if (memcmp(&libc, &back, sizeof libc) != 0)
            fail_msg("%s read as %.17g", text, back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers), cmocka_unit_test(test_num),
        cmocka_unit_test(test_doubles),  cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
