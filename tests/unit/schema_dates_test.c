/* Every date format, read and printed. Expected values are RFC 3339 texts. */
#include "test.h"

#include "base/time.h"
#include "schema/dates.h"

#define NOW "2026-02-10T00:00:00Z"

static int64_t moment(const char *rfc3339)
{
    int64_t ns;
    assert_ok(qn_rfc3339_parse(qn_str_of(rfc3339), &ns));
    return ns;
}

struct row {
    const char *format, *text, *want; /* want NULL: refused */
};

static void check(const struct row *row, enum qn_date_dialect dialect, bool round_up, bool number)
{
    struct qn_arena ar;
    struct qn_date_formats fs = {0};
    const struct qn_date_format *one;
    struct qn_err err = {0};
    struct qn_date_context cx = {.now_ns = moment(NOW), .round_up = round_up};
    int64_t ns = 0;
    qn_arena_init(&ar, NULL);
    if (dialect == QN_DATE_JAVA) {
        if (qn_date_formats_parse(&fs, &ar, qn_str_of(row->format), &err) < 0)
            fail_msg("%s: %s", row->format, err.msg);
    } else {
        if (qn_date_format_parse(&one, &ar, dialect, qn_str_of(row->format), &err) < 0)
            fail_msg("%s: %s", row->format, err.msg);
        fs = (struct qn_date_formats){.p = &one, .n = 1};
    }
    int rc = number ? qn_date_read_number(&fs, qn_str_of(row->text), &cx, &ns)
                    : qn_date_read(&fs, qn_str_of(row->text), &cx, &ns);
    if ((rc == 0) != (row->want != NULL))
        fail_msg("%s: \"%s\" gave %d", row->format, row->text, rc);
    if (rc == 0 && ns != moment(row->want)) {
        char shown[40];
        qn_rfc3339_print(shown, ns, 9);
        fail_msg("%s: \"%s\" gave %s", row->format, row->text, shown);
    }
    qn_arena_release(&ar);
}

static void test_quickwit(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"rfc3339", "2012-05-21T12:09:14-00:00", "2012-05-21T12:09:14Z"},
        {"RFC3339", " 2012-05-21T12:09:14.123456789+02:00 ", "2012-05-21T10:09:14.123456789Z"},
        {"rfc3339", "2012-05-21t12:09:14z", "2012-05-21T12:09:14Z"},
        {"rfc3339", "2016-02-29T23:59:60Z", "2016-03-01T00:00:00Z"},
        {"rfc3339", "2015-02-29T00:00:00Z", NULL},
        {"rfc3339", "2012-05-21T12:09:14", NULL},
        {"rfc3339", "2012-05-21T24:09:14Z", NULL},
        {"rfc3339", "2012-05-21T12:60:14Z", NULL},
        {"rfc3339", "2012-13-21T12:09:14Z", NULL},
        {"rfc3339", "2012-05-21T12:09:14+2:00", NULL},
        {"rfc3339", "2012-05-21T12:09:14.Z", NULL},
        {"rfc3339", "2012-05-21T12:09:1:Z", NULL},
        {"rfc3339", "1500-01-01T00:00:00Z", NULL},
        {"iso8601", "20120521T120914Z", "2012-05-21T12:09:14Z"},
        {"iso8601", "2012-05-21T12:09:14.5+0100", "2012-05-21T11:09:14.5Z"},
        {"iso8601", "2012-142T12:09:14Z", "2012-05-21T12:09:14Z"},
        {"iso8601", "2012-W21-1T12:09Z", "2012-05-21T12:09:00Z"},
        {"iso8601", "2012W211T12Z", "2012-05-21T12:00:00Z"},
        {"iso8601", "2012-05-21", "2012-05-21T00:00:00Z"},
        {"iso8601", "2012-05-21T", NULL},
        {"iso8601", "2012-05-21T12:09:14Zx", NULL},
        {"rfc2822", "Mon, 21 May 2012 12:09:14 GMT", "2012-05-21T12:09:14Z"},
        {"rfc2822", "21 May 2012 12:09 +0200", "2012-05-21T10:09:00Z"},
        {"rfc2822", "Mon, 1 jan 2012 12:09:14 EST", "2012-01-01T17:09:14Z"},
        {"rfc2822", "Mon, 21 Mai 2012 12:09:14 GMT", NULL},
        {"rfc2822", "Mon, 21 May 2012 12:09:14", NULL},
        {"unix_timestamp", "1337602154", "2012-05-21T12:09:14Z"},
        {"unix_timestamp", "1337602154.25", "2012-05-21T12:09:14.25Z"},
        {"unix_timestamp", "1337602154.", "2012-05-21T12:09:14Z"},
        {"unix_timestamp", "1337602154000", "2012-05-21T12:09:14Z"},
        {"unix_timestamp", "1337602154000001", "2012-05-21T12:09:14.000001Z"},
        {"unix_timestamp", "1337602154000000001", "2012-05-21T12:09:14.000000001Z"},
        {"unix_timestamp", "72057595", "1972-04-13T23:59:55Z"},
        {"unix_timestamp", "72057594", NULL},
        {"unix_timestamp", "8589934591", "2242-03-16T12:56:31Z"},
        {"unix_timestamp", "8589934592", NULL},
        {"unix_timestamp", "abc", NULL},
        {" %Y-%m-%d %H:%M:%S ", "2012-05-21 12:09:14", "2012-05-21T12:09:14Z"},
        {"%Y-%m-%d %H:%M:%S %z", " 2012-05-21 12:09:14 +0000 ", "2012-05-21T12:09:14Z"},
        {"%Y-%m-%d %H:%M:%S %z", "2012-05-21 12:09:14 -03:00", "2012-05-21T15:09:14Z"},
        {"%Y-%m-%d %H:%M:%S.%f", "2024-01-31 18:40:19.950188", "2024-01-31T18:40:19.950188Z"},
        {"%Y-%m-%dT%H:%M:%S.%f%z", "2024-03-21T03:45:02.561820768-0400",
         "2024-03-21T07:45:02.561820768Z"},
        {"%b %d %H:%M:%S", "Mar  6 17:40:02", "2026-03-06T17:40:02Z"},
        {"%b %d %H:%M:%S", "May  6 17:40:02", "2026-05-06T17:40:02Z"},
        {"%b %d %H:%M:%S", "Jun  6 17:40:02", "2025-06-06T17:40:02Z"},
        {"%Y-%m-%d", "2012-05-21", "2012-05-21T00:00:00Z"},
        {"%Y-%m-%d", "2012-05-21TABC", NULL},
        {"%Y-%m-%d %I:%M:%S %p", "2012-05-21 10:05:12 pm", "2012-05-21T22:05:12Z"},
        {"%Y-%m-%d %I:%M:%S %p", "2012-05-21 12:05:12 AM", "2012-05-21T00:05:12Z"},
        {"%Y%m%d%H%M%S", "20120521120914", "2012-05-21T12:09:14Z"},
        {"%d/%b/%Y:%T %z", "21/May/2012:12:09:14 +0200", "2012-05-21T10:09:14Z"},
        {"%A %e %B %y", "Monday 21 May 12", "2012-05-21T00:00:00Z"},
        {"%Y-%j", "2012-142", "2012-05-21T00:00:00Z"},
        {"%G-W%V-%u", "2012-W21-1", "2012-05-21T00:00:00Z"},
        {"%Y %W %u", "2012 21 1", "2012-05-21T00:00:00Z"},
        {"%Y %U %w", "2012 21 1", "2012-05-21T00:00:00Z"},
        {"%s", "1337602154", "2012-05-21T12:09:14Z"},
        {"100%% %F", "100% 2012-05-21", "2012-05-21T00:00:00Z"},
        {"%Y-%m-%d", "2012-02-30", NULL},
        {"%H:%M", "25:00", NULL},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++)
        check(&rows[i], QN_DATE_QUICKWIT, false, false);
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct row quickwit[] = {
        {"unix_timestamp", "1337602154", "2012-05-21T12:09:14Z"},
        {"unix_timestamp", "1337602154.5", "2012-05-21T12:09:14.5Z"},
        {"unix_timestamp", "1.337602154e9", "2012-05-21T12:09:14Z"},
        {"unix_timestamp", "1337602154000.5", NULL},
        {"unix_timestamp", "5", NULL},
        {"unix_timestamp", "-1337602154", NULL},
        {"rfc3339", "1337602154", NULL},
    };
    static const struct row java[] = {
        {"strict_date_optional_time||epoch_millis", "1337602154000", "2012-05-21T12:09:14Z"},
        {"strict_date_optional_time||epoch_millis", "1337602154000.25",
         "2012-05-21T12:09:14.00025Z"},
        {"strict_date_optional_time||epoch_millis", "-1", "1969-12-31T23:59:59.999Z"},
        {"strict_date_optional_time||epoch_millis", "2012", "2012-01-01T00:00:00Z"},
        {"epoch_second", "1337602154", "2012-05-21T12:09:14Z"},
        {"yyyy-MM-dd", "1337602154", NULL},
    };
    for (size_t i = 0; i < QN_COUNT_OF(quickwit); i++)
        check(&quickwit[i], QN_DATE_QUICKWIT, false, true);
    for (size_t i = 0; i < QN_COUNT_OF(java); i++)
        check(&java[i], QN_DATE_JAVA, false, true);
}

static void test_java(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"strict_date_optional_time", "2012", "2012-01-01T00:00:00Z"},
        {"strict_date_optional_time", "2012-05", "2012-05-01T00:00:00Z"},
        {"strict_date_optional_time", "2012-05-21", "2012-05-21T00:00:00Z"},
        {"strict_date_optional_time", "2012-05-21T12", "2012-05-21T12:00:00Z"},
        {"strict_date_optional_time", "2012-05-21T12:09", "2012-05-21T12:09:00Z"},
        {"strict_date_optional_time", "2012-05-21T12:09:14", "2012-05-21T12:09:14Z"},
        {"strict_date_optional_time", "2012-05-21T12:09:14.1", "2012-05-21T12:09:14.1Z"},
        {"strict_date_optional_time", "2012-05-21T12:09:14.123Z", "2012-05-21T12:09:14.123Z"},
        {"strict_date_optional_time", "2012-05-21T12:09:14.123+0200", "2012-05-21T10:09:14.123Z"},
        {"strict_date_optional_time", "2012-05-21T12:09:14+02:00", "2012-05-21T10:09:14Z"},
        {"strict_date_optional_time", "2012-05-21T12:09+02", "2012-05-21T10:09:00Z"},
        {"strict_date_optional_time", "2012-5-21", NULL},
        {"strict_date_optional_time", "2012-05-21 12:09:14", NULL},
        {"strict_date_optional_time", "2012-05-21 12:09:14Z", NULL},
        {"strict_date_optional_time", "20120521", NULL},
        {"strict_date_optional_time", "abc", NULL},
        {"date_optional_time", "2012-5-1T1:2:3", "2012-05-01T01:02:03Z"},
        {"strict_date_optional_time||epoch_millis", "1337602154000", "2012-05-21T12:09:14Z"},
        {"strict_date_optional_time_nanos", "2012-05-21T12:09:14.123456789Z",
         "2012-05-21T12:09:14.123456789Z"},
        {"epoch_millis", "1337602154000", "2012-05-21T12:09:14Z"},
        {"epoch_millis", "x", NULL},
        {"epoch_second", "1337602154.5", "2012-05-21T12:09:14.5Z"},
        {"basic_date", "20120521", "2012-05-21T00:00:00Z"},
        {"basic_date_time", "20120521T120914.123Z", "2012-05-21T12:09:14.123Z"},
        {"basic_date_time_no_millis", "20120521T120914+0200", "2012-05-21T10:09:14Z"},
        {"strict_date", "2012-05-21", "2012-05-21T00:00:00Z"},
        {"date_hour_minute_second", "2012-05-21T12:09:14", "2012-05-21T12:09:14Z"},
        {"strict_date_time", "2012-05-21T12:09:14.123+02:00", "2012-05-21T10:09:14.123Z"},
        {"ordinal_date", "2012-142", "2012-05-21T00:00:00Z"},
        {"strict_week_date", "2012-W21-1", "2012-05-21T00:00:00Z"},
        {"basic_week_date", "2012W211", "2012-05-21T00:00:00Z"},
        {"year_month", "2012-05", "2012-05-01T00:00:00Z"},
        {"hour_minute", "12:09", "1970-01-01T12:09:00Z"},
        {"yyyy-MM-dd HH:mm:ss.SSS", "2012-05-21 12:09:14.123", "2012-05-21T12:09:14.123Z"},
        {"yyyy/MM/dd HH:mm:ss||yyyy/MM/dd", "2012/05/21", "2012-05-21T00:00:00Z"},
        {"yyyy-MM-dd['T'HH:mm[:ss]]", "2012-05-21T12:09", "2012-05-21T12:09:00Z"},
        {"yyyy-MM-dd['T'HH:mm[:ss]]", "2012-05-21T12:09:14", "2012-05-21T12:09:14Z"},
        {"yyyy-MM-dd['T'HH:mm[:ss]]", "2012-05-21", "2012-05-21T00:00:00Z"},
        {"yyyy-MM-dd['T'HH:mm[:ss]]", "2012-05-21T", NULL},
        {"dd/MMM/yyyy:HH:mm:ss Z", "21/May/2012:12:09:14 +0200", "2012-05-21T10:09:14Z"},
        {"EEE MMM dd HH:mm:ss yyyy", "Mon May 21 12:09:14 2012", "2012-05-21T12:09:14Z"},
        {"h:mm a, d MMMM uuuu", "1:09 PM, 1 May 2012", "2012-05-01T13:09:00Z"},
        {"yyyy 'o''clock'", "2012 o'clock", NULL},
        {"''yyyy", "'2012", "2012-01-01T00:00:00Z"},
        {"yyyyMMddHHmmss", "20120521120914", "2012-05-21T12:09:14Z"},
        {"yyyy-MM-dd", "2012-05-21x", NULL},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++)
        check(&rows[i], QN_DATE_JAVA, false, false);
}

static void test_round_up(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"strict_date_optional_time", "2012", "2012-12-31T23:59:59.999999999Z"},
        {"strict_date_optional_time", "2012-02", "2012-02-29T23:59:59.999999999Z"},
        {"strict_date_optional_time", "2012-05-21", "2012-05-21T23:59:59.999999999Z"},
        {"strict_date_optional_time", "2012-05-21T12", "2012-05-21T12:59:59.999999999Z"},
        {"strict_date_optional_time", "2012-05-21T12:09:14", "2012-05-21T12:09:14.999999999Z"},
        {"yyyy-MM-dd", "2012-05-21", "2012-05-21T23:59:59.999999999Z"},
        {"epoch_millis", "1337602154000", "2012-05-21T12:09:14Z"},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++)
        check(&rows[i], QN_DATE_JAVA, true, false);
}

static void test_refused_formats(void **state)
{
    (void)state;
    static const char *const quickwit[] = {
        "test%", "test-%v", "test-%q", "unix_timestamp_secs", "unix_timestamp_seconds", "yyyy",
        "",      "%%",      "%Z"};
    static const char *const java[] = {"",        "||",  "yyyy||",   "yyyy-MM-dd'T", "yyyy]",
                                       "jjjj-MM", "bad", "yyyy-ddd", "HHH"};
    struct qn_arena ar;
    const struct qn_date_format *f;
    struct qn_date_formats fs;
    qn_arena_init(&ar, NULL);
    for (size_t i = 0; i < QN_COUNT_OF(quickwit); i++) {
        struct qn_err err = {0};
        if (qn_date_format_parse(&f, &ar, QN_DATE_QUICKWIT, qn_str_of(quickwit[i]), &err) == 0)
            fail_msg("%s", quickwit[i]);
        assert_non_null(strstr(err.msg, "unknown input format: `"));
    }
    assert_int_equal(qn_date_output_parse(&f, &ar, QN_STR("unix_timestamp"), NULL), QN_E_INVALID);
    for (size_t i = 0; i < QN_COUNT_OF(java); i++)
        if (qn_date_formats_parse(&fs, &ar, qn_str_of(java[i]), NULL) == 0)
            fail_msg("%s", java[i]);
    qn_arena_release(&ar);
}

static void test_print(void **state)
{
    (void)state;
    static const struct {
        const char *format, *at, *want;
        int offset_s;
    } output[] =
        {
            {"rfc3339", "2012-05-21T12:09:14Z", "2012-05-21T12:09:14Z", 0},
            {"rfc3339", "2012-05-21T12:09:14.95Z", "2012-05-21T12:09:14.95Z", 0},
            {"iso8601", "2012-05-21T12:09:14.95Z", "2012-05-21T12:09:14.950000000Z", 0},
            {"rfc2822", "2012-05-21T12:09:14Z", "Mon, 21 May 2012 12:09:14 +0000", 0},
            {"unix_timestamp_secs", "2012-05-21T12:09:14.95Z", "1337602154", 0},
            {"unix_timestamp_millis", "2012-05-21T12:09:14.95Z", "1337602154950", 0},
            {"unix_timestamp_micros", "2012-05-21T12:09:14.95Z", "1337602154950000", 0},
            {"unix_timestamp_nanos", "2012-05-21T12:09:14.95Z", "1337602154950000000", 0},
            {"unix_timestamp_secs", "1969-12-31T23:59:59.5Z", "-1", 0},
            {"%Y-%m-%d %H:%M:%S.%f", "2012-05-21T12:09:14.95Z", "2012-05-21 12:09:14.950000000", 0},
            {"%d/%b/%Y:%T %z", "2012-05-21T12:09:14Z", "21/May/2012:14:09:14 +0200", 7200},
            {"%A %e %B %y %j %G-W%V-%u %w %I %p %U %W", "2012-01-01T00:09:14Z",
             "Sunday  1 January 12 001 2011-W52-7 0 12 AM 01 00", 0},
        },
      java[] = {
          {"strict_date_optional_time", "2012-05-21T12:09:14Z", "2012-05-21T12:09:14.000Z", 0},
          {"strict_date_optional_time", "2012-05-21T12:09:14Z", "2012-05-21T14:09:14.000+02:00",
           7200},
          {"strict_date_optional_time_nanos", "2012-05-21T12:09:14.123456789Z",
           "2012-05-21T12:09:14.123456789Z", 0},
          {"epoch_millis", "2012-05-21T12:09:14.95Z", "1337602154950", 0},
          {"epoch_second", "2012-05-21T12:09:14.95Z", "1337602154", 0},
          {"yyyy-MM-dd", "2012-05-21T23:09:14Z", "2012-05-22", 7200},
          {"yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2012-05-21T12:09:14.95Z", "2012-05-21T12:09:14.950Z",
           0},
          {"basic_date_time_no_millis", "2012-05-21T12:09:14Z", "20120521T110914-0100", -3600},
          {"week_date", "2012-01-01T00:00:00Z", "2011-W52-7", 0},
          {"MMM d, yyyy h:mm a", "2012-05-21T15:09:14Z", "May 21, 2012 3:09 PM", 0},
      };
    struct qn_arena ar;
    struct qn_buf b;
    const struct qn_date_format *f;
    qn_arena_init(&ar, NULL);
    qn_buf_init(&b, SIZE_MAX);
    for (size_t i = 0; i < QN_COUNT_OF(output) + QN_COUNT_OF(java); i++) {
        bool first = i < QN_COUNT_OF(output);
        size_t k = first ? i : i - QN_COUNT_OF(output);
        const char *format = first ? output[k].format : java[k].format;
        if (first)
            assert_ok(qn_date_output_parse(&f, &ar, qn_str_of(format), NULL));
        else
            assert_ok(qn_date_format_parse(&f, &ar, QN_DATE_JAVA, qn_str_of(format), NULL));
        qn_buf_clear(&b);
        qn_date_print(f, moment(first ? output[k].at : java[k].at),
                      first ? output[k].offset_s : java[k].offset_s, &b);
        assert_str(qn_buf_str(&b), first ? output[k].want : java[k].want);
    }
    assert_ok(qn_date_output_parse(&f, &ar, QN_STR("unix_timestamp_nanos"), NULL));
    assert_true(qn_date_prints_number(f));
    assert_ok(qn_date_output_parse(&f, &ar, QN_STR("rfc3339"), NULL));
    assert_false(qn_date_prints_number(f));
    qn_buf_release(&b);
    qn_arena_release(&ar);
}

static void test_truncate(void **state)
{
    (void)state;
    assert_true(qn_date_truncate(1999999999, QN_DATE_SECONDS) == 1000000000);
    assert_true(qn_date_truncate(-1, QN_DATE_SECONDS) == -1000000000);
    assert_true(qn_date_truncate(1234567, QN_DATE_MILLIS) == 1000000);
    assert_true(qn_date_truncate(1234567, QN_DATE_MICROS) == 1234000);
    assert_true(qn_date_truncate(1234567, QN_DATE_NANOS) == 1234567);
}

/* The fast reader against base/time's on random moments, good and damaged. */
static void test_rfc3339_random(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(11);
    struct qn_date_context cx = {0};
    for (int i = 0; i < 200000; i++) {
        char text[48];
        int64_t ns = (int64_t)qn_rng_next(&r) >> (i % 8), a = 0, b = 0;
        size_t n = qn_rfc3339_print(text, ns, i % 10);
        if (i % 3 == 0)
            text[qn_rng_below(&r, n)] = "0123456789-:TZ+. x"[qn_rng_below(&r, 18)];
        int rc_a = qn_date_read_rfc3339(qn_str_make(text, n), &cx, &a);
        int rc_b = qn_rfc3339_parse(qn_str_make(text, n), &b);
        if ((rc_a == 0) != (rc_b == 0) || (rc_a == 0 && a != b))
            fail_msg("%s: %d %d", text, rc_a, rc_b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quickwit), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_java),     cmocka_unit_test(test_round_up),
        cmocka_unit_test(test_print),    cmocka_unit_test(test_refused_formats),
        cmocka_unit_test(test_truncate), cmocka_unit_test(test_rfc3339_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
