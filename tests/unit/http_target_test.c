#include "test.h"

#include "base/arena.h"
#include "base/buf.h"
#include "http/target.h"

static void split_before_decoding(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *segments, *args;
    } rows[] = {
        {"/", "", ""},
        {"", "", ""},
        {"/a/b", "[a][b]", ""},
        {"//a///b/", "[a][b]", ""},
        {"/i/_doc/a%2Fb%20c", "[i][_doc][a/b c]", ""},
        {"/%3Clogs-%7Bnow%2Fd%7D%3E", "[<logs-{now/d}>]", ""},
        {"/i%2Cb*%2C-c/_search", "[i,b*,-c][_search]", ""},
        {"/a+b?q=a+b", "[a+b]", "(q=a b)"},
        {"/x?q=a%3Ab+c&pretty&x=&q=2", "[x]", "(q=a:b c)(pretty)(x=)(q=2)"},
        {"/x?&&a=b=c&", "[x]", "(a=b=c)"},
        {"/x?%70retty", "[x]", "(pretty)"},
        {"/x?", "[x]", ""},
        {"?q=1", "", "(q=1)"},
        {"*", "", ""},
        {"http://host:7280/a/b?c=d", "[a][b]", "(c=d)"},
        {"http://host", "", ""},
        {"https://host?c", "", "(c)"},
        {"/../etc/./passwd", "[..][etc][.][passwd]", ""},
        {"/caf\xc3\xa9", "[caf\xc3\xa9]", ""},
        {"/caf%C3%A9", "[caf\xc3\xa9]", ""},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_arena ar;
        struct qn_target tg;
        struct qn_err err = {0};
        qn_arena_init(&ar, NULL);
        if (qn_target_parse(&tg, qn_str_of(rows[i].raw), &ar, &err) != 0)
            fail_msg("%s: %s", rows[i].raw, err.msg);
        struct qn_buf got;
        qn_buf_init(&got, SIZE_MAX);
        for (size_t k = 0; k < tg.n_segments; k++)
            qn_buf_printf(&got, "[%.*s]", QN_STR_ARG(tg.segments[k]));
        assert_str(qn_buf_str(&got), rows[i].segments);
        qn_buf_clear(&got);
        for (size_t k = 0; k < tg.n_args; k++)
            qn_buf_printf(&got, "(%.*s%s%.*s)", QN_STR_ARG(tg.args[k].name),
                          tg.args[k].bare ? "" : "=", QN_STR_ARG(tg.args[k].value));
        assert_str(qn_buf_str(&got), rows[i].args);
        qn_buf_release(&got);
        qn_arena_release(&ar);
    }
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        int rc;
        size_t pos;
    } rows[] = {
        {"/a b", QN_E_INVALID, 2},     {"/a\x01", QN_E_INVALID, 2},
        {"/a#b", QN_E_INVALID, 2},     {"/a\x7f", QN_E_INVALID, 2},
        {"/a%", QN_E_INVALID, 2},      {"/a%4", QN_E_INVALID, 2},
        {"/ok/a%zz", QN_E_INVALID, 5}, {"/a%00b", QN_E_INVALID, 2},
        {"/x?a=%", QN_E_INVALID, 5},   {"/x?a=1&%g0", QN_E_INVALID, 7},
        {"/%ff", QN_E_INVALID, 1},     {"/x?q=%c3", QN_E_INVALID, 5},
        {"a/b", QN_E_INVALID, 0},      {"ftp://x/", QN_E_INVALID, 0},
        {"/\xff", QN_E_INVALID, 1},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_arena ar;
        struct qn_target tg;
        struct qn_err err = {0};
        qn_arena_init(&ar, NULL);
        int rc = qn_target_parse(&tg, qn_str_of(rows[i].raw), &ar, &err);
        if (rc != rows[i].rc || err.pos != rows[i].pos || err.msg[0] == '\0')
            fail_msg("%s: rc %d pos %zu (%s)", rows[i].raw, rc, err.pos, err.msg);
        assert_int_equal(tg.n_segments, 0);
        qn_arena_release(&ar);
    }
}

static void bounded(void **state)
{
    (void)state;
    struct qn_arena ar;
    struct qn_target tg;
    struct qn_buf raw;
    qn_arena_init(&ar, NULL);
    qn_buf_init(&raw, SIZE_MAX);
    for (int i = 0; i < QN_TARGET_SEGMENTS; i++)
        qn_buf_put_z(&raw, "/a//");
    assert_ok(qn_target_parse(&tg, qn_buf_str(&raw), &ar, NULL));
    assert_int_equal(tg.n_segments, QN_TARGET_SEGMENTS);
    qn_buf_put_z(&raw, "/b");
    assert_int_equal(qn_target_parse(&tg, qn_buf_str(&raw), &ar, NULL), QN_E_TOO_LARGE);
    qn_buf_clear(&raw);
    qn_buf_put_z(&raw, "/a?x");
    for (int i = 1; i < QN_TARGET_ARGS; i++)
        qn_buf_put_z(&raw, "&x");
    assert_ok(qn_target_parse(&tg, qn_buf_str(&raw), &ar, NULL));
    assert_int_equal(tg.n_args, QN_TARGET_ARGS);
    qn_buf_put_z(&raw, "&x");
    assert_int_equal(qn_target_parse(&tg, qn_buf_str(&raw), &ar, NULL), QN_E_TOO_LARGE);
    qn_buf_release(&raw);
    qn_arena_release(&ar);

    struct qn_budget tight;
    qn_budget_init(&tight, "tight", NULL, 100);
    qn_arena_init(&ar, &tight);
    assert_int_equal(qn_target_parse(&tg, QN_STR("/a/b?c=d"), &ar, NULL), QN_E_BUDGET);
    qn_arena_release(&ar);
    qn_budget_release(&tight);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_before_decoding),
        cmocka_unit_test(refused),
        cmocka_unit_test(bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
