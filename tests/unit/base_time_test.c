#include "test.h"

#include <time.h>

#include "base/time.h"
#include "base/utf8.h"

static void calendar_agrees_with_libc(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(5);
    for (int i = 0; i < 100000; i++) {
        time_t t = (time_t)(qn_rng_below(&rng, 16000000000ull)) - 8000000000ll;
        struct tm tm;
        gmtime_r(&t, &tm);
        struct qn_civil c;
        qn_civil_from_unix(t, 0, &c);
        assert_int_equal(c.year, tm.tm_year + 1900);
        assert_int_equal(c.month, tm.tm_mon + 1);
        assert_int_equal(c.day, tm.tm_mday);
        assert_int_equal(c.hour, tm.tm_hour);
        assert_int_equal(c.minute, tm.tm_min);
        assert_int_equal(c.second, tm.tm_sec);
        assert_true(qn_civil_to_unix(&c) == t);
        int64_t days = qn_days_from_civil(c.year, c.month, c.day);
        assert_int_equal(qn_weekday(days), (tm.tm_wday + 6) % 7);
    }
}

static void rfc3339_round_trips(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(6);
    for (int i = 0; i < 100000; i++) {
        int64_t ns = (int64_t)qn_rng_next(&rng), back = 0;
        char z[40];
        size_t n = qn_rfc3339_print(z, ns, 9);
        assert_ok(qn_rfc3339_parse(qn_str_make(z, n), &back));
        assert_true(back == ns);
    }
}

static void rfc3339_rows(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        int rc;
        int64_t ns;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0, 0},
        {"1970-01-01t00:00:01.5z", 0, 1500000000},
        {"1970-01-01 01:00:00+01:00", 0, 0},
        {"1969-12-31T23:59:59.999999999Z", 0, -1},
        {"2016-12-31T23:59:60Z", 0, 1483228800000000000},
        {"2024-02-29T12:00:00.123456789123Z", 0, 1709208000123456789},
        {"2023-02-29T12:00:00Z", QN_E_PARSE, 0},
        {"2023-13-01T12:00:00Z", QN_E_PARSE, 0},
        {"2023-01-01T24:00:00Z", QN_E_PARSE, 0},
        {"2023-01-01T12:00:00", QN_E_PARSE, 0},
        {"2023-01-01T12:00:00.Z", QN_E_PARSE, 0},
        {"2023-01-01T12:00:00+0100", QN_E_PARSE, 0},
        {"2023-01-01T12:00:00Z ", QN_E_PARSE, 0},
        {"9999-01-01T12:00:00Z", QN_E_RANGE, 0},
        {"", QN_E_PARSE, 0},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        int64_t ns = 0;
        int rc = qn_rfc3339_parse(qn_str_of(rows[i].in), &ns);
        if (rc != rows[i].rc || ns != rows[i].ns)
            fail_msg("%s: rc %d, %lld", rows[i].in, rc, (long long)ns);
    }
    char z[40];
    qn_rfc3339_print(z, -1, 0);
    assert_string_equal(z, "1969-12-31T23:59:59Z");
    qn_rfc3339_print(z, 1500000000, 3);
    assert_string_equal(z, "1970-01-01T00:00:01.500Z");
}

static void utf8_rows(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t bad;
    } rows[] = {
        {"plain ascii text", SIZE_MAX},
        {"h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x98\x80", SIZE_MAX},
        {"\x80", 0},
        {"abc\xc0\x80", 3},      /* overlong NUL */
        {"\xe0\x80\xaf", 0},     /* overlong slash */
        {"\xed\xa0\x80", 0},     /* a surrogate */
        {"\xf4\x90\x80\x80", 0}, /* above U+10FFFF */
        {"12345678\xe2\x82", 8}, /* cut short */
        {"\xf0\x8f\xbf\xbf", 0},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++)
        if (qn_utf8_invalid(qn_str_of(rows[i].in)) != rows[i].bad)
            fail_msg("row %zu", i);
}

static void utf8_every_code_point(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        if (cp >= 0xD800 && cp <= 0xDFFF)
            continue;
        char b[4];
        size_t n = qn_utf8_put(b, cp), at = 0;
        assert_true(qn_utf8_next(qn_str_make(b, n), &at) == cp);
        assert_int_equal(at, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calendar_agrees_with_libc),
        cmocka_unit_test(rfc3339_round_trips),
        cmocka_unit_test(rfc3339_rows),
        cmocka_unit_test(utf8_rows),
        cmocka_unit_test(utf8_every_code_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
