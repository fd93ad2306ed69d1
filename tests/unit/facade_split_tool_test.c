/* The golden split, as people see it: 1,200 documents of split_sample.h.
 *
 * links: engine
 */
#include "test.h"

#include "qn/split_tool.h"

static struct qn_split_tool *open_golden(void)
{
    char path[4096];
    const char *dir = getenv("QN_TESTS");
    struct qn_split_tool *tool;
    struct qn_err err = {0};
    snprintf(path, sizeof path, "%s/golden/split_v1.split", dir ? dir : "tests");
    if (qn_split_tool_open(&tool, path, "auto", &err) < 0)
        fail_msg("%s", err.msg);
    return tool;
}

static void has(const struct qn_buf *b, const char *what)
{
    if (qn_str_find(qn_buf_str(b), qn_str_of(what)) == SIZE_MAX)
        fail_msg("no \"%s\" in:\n%.*s", what, (int)b->n, b->p);
}

static void describes(void **state)
{
    (void)state;
    struct qn_split_tool *tool = open_golden();
    struct qn_buf out;
    struct qn_err err = {0};
    qn_buf_init(&out, SIZE_MAX);
    assert_ok(qn_split_tool_describe(tool, &out, &err));
    has(&out, "documents              1200\n");
    has(&out, "file bytes            41792 ");
    has(&out, "2023-11-14T22:13:20.000000000Z .. 2023-11-14T22:13:21.199000000Z");
    has(&out, "\nnorms ");
    has(&out, "body\n    str          1200       1255 ");
    has(&out, "-1000 .. 7393\n");
    has(&out, "0 .. 149.625\n");
    has(&out, "presence only\n");
    qn_buf_release(&out);
    assert_ok(qn_split_tool_verify(tool, &err));
    qn_split_tool_close(tool);
}

static int append(void *arg, struct qn_str text)
{
    qn_buf_put_str(arg, text);
    return 0;
}

static int stop(void *arg, struct qn_str text)
{
    (void)text;
    return ++*(int *)arg == 3 ? QN_E_CANCELLED : 0;
}

static void dumps(void **state)
{
    (void)state;
    struct qn_split_tool *tool = open_golden();
    struct qn_buf out;
    struct qn_err err = {0};
    int calls = 0;
    qn_buf_init(&out, SIZE_MAX);
    assert_ok(qn_split_tool_dump_docs(tool, append, &out, &err));
    has(&out, "{\"i\":0,\"level\":\"ERROR\",\"body\":\"all even w0\"}\n{\"i\":1,");
    qn_buf_clear(&out);
    assert_ok(qn_split_tool_dump_terms(tool, QN_STR("level"), append, &out, &err));
    assert_str(qn_buf_str(&out), "12\tERROR\n1018\tINFO\n170\tWARN\n");
    qn_buf_clear(&out);
    assert_ok(qn_split_tool_dump_terms(tool, QN_STR("addr"), append, &out, &err));
    has(&out, "6\t10.0.0.9\n");
    assert_int_equal(qn_split_tool_dump_terms(tool, QN_STR("u"), append, &out, &err),
                     QN_E_NOT_FOUND);
    assert_int_equal(qn_split_tool_dump_docs(tool, stop, &calls, &err), QN_E_CANCELLED);
    assert_int_equal(calls, 3);
    qn_buf_release(&out);
    qn_split_tool_close(tool);
}

static void refuses_what_is_no_split(void **state)
{
    (void)state;
    struct qn_split_tool *tool;
    struct qn_err err = {0};
    assert_int_equal(qn_split_tool_open(&tool, "/dev/null/x", "auto", &err) < 0, 1);
    assert_null(tool);
    assert_int_equal(qn_split_tool_open(&tool, "x", "abacus", &err), QN_E_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(describes),
        cmocka_unit_test(dumps),
        cmocka_unit_test(refuses_what_is_no_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
