#include "test.h"

#include "base/err.h"
#include "base/str.h"
#include "base/units.h"

static void compares_and_finds(void **state)
{
    (void)state;
    assert_true(qn_str_cmp(QN_STR("a"), QN_STR("b")) < 0);
    assert_true(qn_str_cmp(QN_STR("ab"), QN_STR("a")) > 0);
    assert_int_equal(qn_str_cmp(QN_STR(""), QN_STR_NONE), 0);
    assert_true(qn_str_cmp(QN_STR("\xff"), QN_STR("a")) > 0);
    assert_true(qn_str_eq_nocase(QN_STR("X-Id"), QN_STR("x-iD")));
    assert_false(qn_str_eq_nocase(QN_STR("X-Id"), QN_STR("x_id")));
    assert_true(qn_str_starts(QN_STR("abc"), QN_STR("ab")));
    assert_true(qn_str_starts(QN_STR("abc"), QN_STR("")));
    assert_false(qn_str_starts(QN_STR("a"), QN_STR("ab")));
    assert_true(qn_str_ends(QN_STR("abc"), QN_STR("bc")));
    assert_int_equal(qn_str_find(QN_STR("hello"), QN_STR("l")), 2);
    assert_true(qn_str_find(QN_STR("hello"), QN_STR("lx")) == SIZE_MAX);
    assert_true(qn_str_find_byte(QN_STR(""), 'x') == SIZE_MAX);
    assert_str(qn_str_trim(QN_STR(" \t a b \r\n")), "a b");
    assert_str(qn_str_trim(QN_STR("  ")), "");
}

static void splits(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *parts[4];
        size_t n;
    } rows[] = {
        {"a,,b", {"a", "", "b"}, 3}, {"", {""}, 1}, {",", {"", ""}, 2}, {"abc", {"abc"}, 1}};
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_str rest = qn_str_of(rows[i].in), part;
        size_t n = 0;
        while (qn_str_split(&rest, ',', &part)) {
            assert_true(n < rows[i].n);
            assert_str(part, rows[i].parts[n++]);
        }
        assert_int_equal(n, rows[i].n);
    }
}

static void globs(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *s;
        bool match;
    } rows[] = {
        {"", "", true},          {"*", "", true},
        {"*", "abc", true},      {"a*c", "abbbc", true},
        {"a*c", "abbbd", false}, {"a?c", "abc", true},
        {"a?c", "ac", false},    {"*b*b*", "abab", true},
        {"*b*b*", "ab", false},  {"logs-*", "logs-", true},
        {"", "a", false},        {"**a", "bba", true},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++)
        if (qn_str_glob(qn_str_of(rows[i].pattern), qn_str_of(rows[i].s)) != rows[i].match)
            fail_msg("glob %s on %s", rows[i].pattern, rows[i].s);
}

static void glob_is_not_exponential(void **state)
{
    (void)state;
    char s[20000], p[2000];
    memset(s, 'a', sizeof s);
    for (size_t i = 0; i < sizeof p; i++)
        p[i] = i % 2 ? 'a' : '*';
    p[sizeof p - 1] = 'b';
    assert_false(qn_str_glob(qn_str_make(p, sizeof p), qn_str_make(s, sizeof s)));
}

static void parses_integers(void **state)
{
    (void)state;
    uint64_t u;
    int64_t i;
    assert_ok(qn_str_to_u64(QN_STR("18446744073709551615"), &u));
    assert_true(u == UINT64_MAX);
    assert_int_equal(qn_str_to_u64(QN_STR("18446744073709551616"), &u), QN_E_RANGE);
    assert_int_equal(qn_str_to_u64(QN_STR(""), &u), QN_E_PARSE);
    assert_int_equal(qn_str_to_u64(QN_STR("+1"), &u), QN_E_PARSE);
    assert_ok(qn_str_to_i64(QN_STR("-9223372036854775808"), &i));
    assert_true(i == INT64_MIN);
    assert_int_equal(qn_str_to_i64(QN_STR("9223372036854775808"), &i), QN_E_RANGE);
    assert_int_equal(qn_str_to_i64(QN_STR("-9223372036854775809"), &i), QN_E_RANGE);
    assert_int_equal(qn_str_to_i64(QN_STR("-"), &i), QN_E_PARSE);
}

static void parses_doubles_like_strtod(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(1);
    for (int k = 0; k < 200000; k++) {
        char z[64];
        int kind = (int)qn_rng_below(&rng, 3);
        if (kind == 0) {
            double v;
            uint64_t bits = qn_rng_next(&rng);
            memcpy(&v, &bits, sizeof v);
            if (v != v || v > 1e308 || v < -1e308)
                continue;
            snprintf(z, sizeof z, "%.17g", v);
            if (strchr(z, 'e') && strchr(z, '+'))
                memmove(strchr(z, '+'), strchr(z, '+') + 1, strlen(strchr(z, '+')));
        } else if (kind == 1) {
            snprintf(z, sizeof z, "%s%llu.%03llu", qn_rng_below(&rng, 2) ? "-" : "",
                     (unsigned long long)qn_rng_below(&rng, 100000),
                     (unsigned long long)qn_rng_below(&rng, 1000));
        } else {
            snprintf(z, sizeof z, "0.%llu", (unsigned long long)qn_rng_next(&rng));
        }
        double got;
        assert_ok(qn_str_to_f64(qn_str_of(z), &got));
        double want = strtod(z, NULL);
        if (memcmp(&got, &want, sizeof got) != 0)
            fail_msg("%s: %.17g is not %.17g", z, got, want);
    }
}

static void rejects_what_is_no_json_number(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "-",  "01", "1.",   ".5",  "1e",  "1e+", "+1",
                                      "1 ", " 1", "1a", "0x10", "nan", "inf", "1_0", "--1"};
    double d;
    for (size_t i = 0; i < QN_COUNT_OF(bad); i++)
        if (qn_str_to_f64(qn_str_of(bad[i]), &d) != QN_E_PARSE)
            fail_msg("accepted \"%s\"", bad[i]);
    assert_int_equal(qn_str_to_f64(QN_STR("1e400"), &d), QN_E_RANGE);
    assert_ok(qn_str_to_f64(QN_STR("1e-400"), &d));
    assert_true(d == 0.0);
}

static void suggests_the_nearest(void **state)
{
    (void)state;
    static const char *const known[] = {"listen", "data_dir", "log_level", "node_id"};
    assert_string_equal(qn_str_nearest(QN_STR("lisen"), known, 4), "listen");
    assert_string_equal(qn_str_nearest(QN_STR("datadir"), known, 4), "data_dir");
    assert_null(qn_str_nearest(QN_STR("zzzzzz"), known, 4));
}

static void reads_sizes_and_durations(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        uint64_t want;
    } sizes[] = {{"0", 0},
                 {"512", 512},
                 {"64MiB", 64ull << 20},
                 {"1.5 GB", 1500000000},
                 {"1.5GiB", 3ull << 29},
                 {"100 k", 100000},
                 {"2T", 2000000000000}},
      durations[] = {
          {"0", 0},          {"30s", 30000000},        {"1h 30m", 5400000000}, {"250ms", 250000},
          {"1.5s", 1500000}, {"7 days", 604800000000}, {"1h30m", 5400000000}};
    uint64_t v;
    for (size_t i = 0; i < QN_COUNT_OF(sizes); i++) {
        assert_ok(qn_parse_size(qn_str_of(sizes[i].in), &v, NULL));
        assert_true(v == sizes[i].want);
    }
    for (size_t i = 0; i < QN_COUNT_OF(durations); i++) {
        assert_ok(qn_parse_duration(qn_str_of(durations[i].in), &v, NULL));
        assert_true(v == durations[i].want);
    }
    static const char *const bad[] = {"", "x", "1.", "-1s", "1 parsec", "99999999999999999999s"};
    for (size_t i = 0; i < QN_COUNT_OF(bad); i++) {
        struct qn_err err = {0};
        assert_true(qn_parse_duration(qn_str_of(bad[i]), &v, &err) < 0);
        assert_true(err.code < 0 && strstr(err.msg, "is not a duration") != NULL);
        assert_true(qn_parse_size(qn_str_of(bad[i]), &v, NULL) < 0);
    }
    assert_int_equal(qn_parse_duration(QN_STR("5"), &v, NULL), QN_E_PARSE);
    char out[24];
    assert_string_equal(qn_format_size(out, 1536), "1.5 KiB");
    assert_string_equal(qn_format_size(out, 999), "999 B");
    assert_string_equal(qn_format_duration(out, 1500), "1.5ms");
    assert_string_equal(qn_format_duration(out, 65000000), "1m05s");
}

static void errors_keep_the_first(void **state)
{
    (void)state;
    struct qn_err e = {0};
    assert_int_equal(qn_fail_at(&e, QN_E_PARSE, 7, "bad %s", "thing"), QN_E_PARSE);
    assert_int_equal(qn_fail(&e, QN_E_BUG, "later"), QN_E_BUG);
    assert_int_equal(e.code, QN_E_PARSE);
    assert_int_equal(e.pos, 7);
    qn_err_prefix(&e, "line %d: ", 3);
    assert_string_equal(e.msg, "line 3: bad thing");
    assert_string_equal(qn_err_name(QN_E_NO_SPACE), "NO_SPACE");
    assert_int_equal(qn_err_class(QN_E_TIMEOUT), QN_CLASS_CANCELLED);
    assert_int_equal(qn_err_class(-999), QN_CLASS_BUG);
    assert_int_equal(qn_fail(NULL, QN_E_IO, "nobody listens"), QN_E_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_and_finds),
        cmocka_unit_test(splits),
        cmocka_unit_test(globs),
        cmocka_unit_test(glob_is_not_exponential),
        cmocka_unit_test(parses_integers),
        cmocka_unit_test(parses_doubles_like_strtod),
        cmocka_unit_test(rejects_what_is_no_json_number),
        cmocka_unit_test(suggests_the_nearest),
        cmocka_unit_test(reads_sizes_and_durations),
        cmocka_unit_test(errors_keep_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
