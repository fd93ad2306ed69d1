/* YAML: typing by the core schema, JSON output, positions, substitution, bounds. */
#include "test.h"

#include "config/yaml.h"

struct env {
    const char *name, *value;
};

static struct qn_str look(void *ctx, struct qn_str name)
{
    for (const struct env *e = ctx; e->name != NULL; e++)
        if (qn_str_is(name, e->name))
            return qn_str_of(e->value);
    return QN_STR_NONE;
}

static int to_json(const char *yaml, struct qn_buf *out, struct qn_err *err)
{
    struct qn_yaml_source src = {.name = QN_STR("t.yaml"), .text = qn_str_of(yaml)};
    qn_buf_clear(out);
    *err = (struct qn_err){0};
    return qn_yaml_to_json(&src, out, err);
}

static void values_are_typed_by_the_core_schema(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", "null"},
        {"# only a comment\n", "null"},
        {"a:\n", "{\"a\":null}"},
        {"[~, null, Null, NULL, nULL, '~']", "[null,null,null,null,\"nULL\",\"~\"]"},
        {"[true, True, FALSE, tRue, yes, no, on]",
         "[true,true,false,\"tRue\",\"yes\",\"no\",\"on\"]"},
        {"[0, -7, +7, 007, -0, 18446744073709551616]", "[0,-7,7,7,-0,18446744073709551616]"},
        {"[0x1F, 0o17, 0b11, 0x, 0o8, 1_000]", "[31,15,\"0b11\",\"0x\",\"0o8\",\"1_000\"]"},
        {"[1.5, .5, 5., -.5e3, +00.25, 1e3, 1.e-2, 1e, .]",
         "[1.5,0.5,5.0,-0.5e3,0.25,1e3,1.0e-2,\"1e\",\".\"]"},
        {"['1', \"true\", !!str 1, ! 2, !!int 3, !!float 4]", "[\"1\",\"true\",\"1\",\"2\",3,4]"},
        {"a: |\n  one\n  two\nb: >-\n  x\n  y\n", "{\"a\":\"one\\ntwo\\n\",\"b\":\"x y\"}"},
        {"{z: 1, a: 2, 5: five}", "{\"z\":1,\"a\":2,\"5\":\"five\"}"},
        {"x: &q {a: 1}\ny: *q\nz: [*q, *q]\n",
         "{\"x\":{\"a\":1},\"y\":{\"a\":1},\"z\":[{\"a\":1},{\"a\":1}]}"},
        {"{\"json\":[1,2,{\"deep\":null}]}", "{\"json\":[1,2,{\"deep\":null}]}"},
        {"a: \"q\\\"\\u00e9\\t\"", "{\"a\":\"q\\\"\xc3\xa9\\t\"}"},
    };
    struct qn_buf out;
    struct qn_err err;
    qn_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        int rc = to_json(rows[i][0], &out, &err);
        if (rc < 0)
            fail_msg("%s: %s", rows[i][0], err.msg);
        assert_str(qn_buf_str(&out), rows[i][1]);
    }
    qn_buf_release(&out);
}

static void strings_that_look_like_numbers_stay_strings(void **state)
{
    (void)state;
    struct qn_buf out;
    struct qn_err err;
    qn_buf_init(&out, 1 << 20);
    assert_ok(to_json("[12:30, 2026-11-21, 1.2.3, +, 1-2, ++1, 0x1G]", &out, &err));
    assert_str(qn_buf_str(&out),
               "[\"12:30\",\"2026-11-21\",\"1.2.3\",\"+\",\"1-2\",\"++1\",\"0x1G\"]");
    qn_buf_release(&out);
}

static void errors_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *says;
        int code;
    } rows[] = {
        {"a: 1\nb: 2\na: 3\n", "t.yaml:3:1: a: the key appears twice", QN_E_EXISTS},
        {"a: [1, 2\nb: 3\n", "t.yaml:2:", QN_E_PARSE},
        {"a: .inf\n", "t.yaml:1:4: .inf: infinity and NaN have no JSON form", QN_E_TYPE},
        {"- {a: [{b: .nan}]}\n", "t.yaml:1:12: .nan: infinity and NaN", QN_E_TYPE},
        {"- 0x10000000000000000\n", "t.yaml:1:3: 0x10000000000000000: does not fit", QN_E_RANGE},
        {"a: !!int x\n", "t.yaml:1:4: the tag does not fit", QN_E_TYPE},
        {"a: !mine x\n", "t.yaml:1:4: the tag does not fit", QN_E_TYPE},
        {"? [1]\n: 2\n", "t.yaml:1:3: a key must be a plain value", QN_E_UNSUPPORTED},
        {"a: *nobody\n", "t.yaml:1:4: the alias names no anchor", QN_E_NOT_FOUND},
        {"&a [*a]\n", "t.yaml:1:5: the alias names no anchor", QN_E_NOT_FOUND},
        {"a: 1\n---\nb: 2\n", "t.yaml:2:1: a second document", QN_E_UNSUPPORTED},
        {"a: 1\nb: \xff\n", "t.yaml:2:4: ", QN_E_PARSE},
        {"a: {b: 1}}\n", "t.yaml:1:10: ", QN_E_PARSE},
    };
    struct qn_buf out;
    struct qn_err err;
    qn_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        assert_int_equal(to_json(rows[i].yaml, &out, &err), rows[i].code);
        if (!qn_str_starts(qn_str_of(err.msg), qn_str_of(rows[i].says)))
            fail_msg("\"%s\" gives \"%s\", want \"%s\"", rows[i].yaml, err.msg, rows[i].says);
    }
    qn_buf_release(&out);
}

static void nesting_and_expansion_are_bounded(void **state)
{
    (void)state;
    struct qn_buf out, in;
    struct qn_err err;
    qn_buf_init(&out, 64 << 20);
    qn_buf_init(&in, 1 << 20);
    for (int depth = QN_YAML_MAX_DEPTH; depth <= QN_YAML_MAX_DEPTH + 1; depth++) {
        qn_buf_clear(&in);
        qn_buf_fill(&in, '[', (size_t)depth);
        qn_buf_fill(&in, ']', (size_t)depth);
        qn_buf_put_u8(&in, 0);
        int rc = to_json(in.p, &out, &err);
        assert_int_equal(rc, depth > QN_YAML_MAX_DEPTH ? QN_E_TOO_DEEP : 0);
    }
    /* Ten aliases of ten aliases of ...: 10^8 values from some hundred bytes. */
    qn_buf_clear(&in);
    qn_buf_put_z(&in, "a0: &a0 x\n");
    for (int i = 1; i <= 8; i++) {
        qn_buf_printf(&in, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            qn_buf_printf(&in, "%s*a%d", j ? ", " : "", i - 1);
        qn_buf_put_z(&in, "]\n");
    }
    qn_buf_put_u8(&in, 0);
    assert_int_equal(to_json(in.p, &out, &err), QN_E_TOO_LARGE);
    /* An alias brings its own height along. */
    qn_buf_clear(&in);
    qn_buf_put_z(&in, "a: &a ");
    qn_buf_fill(&in, '[', 40);
    qn_buf_fill(&in, ']', 40);
    qn_buf_put_z(&in, "\nb: ");
    qn_buf_fill(&in, '[', 40);
    qn_buf_put_z(&in, "*a");
    qn_buf_fill(&in, ']', 40);
    qn_buf_put_u8(&in, 0);
    assert_int_equal(to_json(in.p, &out, &err), QN_E_TOO_DEEP);
    qn_buf_release(&in);
    qn_buf_release(&out);
}

static int substitute(struct qn_arena *ar, struct qn_yaml_source *src, const char *text,
                      const struct env *env, struct qn_err *err)
{
    *src = (struct qn_yaml_source){.name = QN_STR("t.yaml"), .text = qn_str_of(text)};
    *err = (struct qn_err){0};
    return qn_yaml_substitute(ar, src, look, (void *)env, err);
}

static void variables_are_substituted(void **state)
{
    (void)state;
    static const struct env env[] = {{"PORT", "7281"}, {"EMPTY", ""}, {"LIST", "[a, b]"}, {0}};
    static const char *const rows[][2] = {
        {"port: ${PORT}\n", "port: 7281\n"},
        {"${PORT}${PORT:-1}", "72817281"},
        {"a: ${NONE:-x-y:z}b", "a: x-y:zb"},
        {"a: ${NONE:-}", "a: "},
        {"a: ${EMPTY:-x}", "a: "},
        {"# ${NONE}\n  # ${NONE}\na: 1", "# ${NONE}\n  # ${NONE}\na: 1"},
        {"a: $PORT ${ ${} ${A B} ${NONE:-a b}", "a: $PORT ${ ${} ${A B} ${NONE:-a b}"},
        {"l: ${LIST}", "l: [a, b]"},
        {"", ""},
    };
    struct qn_arena ar;
    struct qn_yaml_source src;
    struct qn_err err;
    qn_arena_init(&ar, NULL);
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        int rc = substitute(&ar, &src, rows[i][0], env, &err);
        if (rc < 0)
            fail_msg("%s: %s", rows[i][0], err.msg);
        assert_str(src.text, rows[i][1]);
    }
    assert_int_equal(substitute(&ar, &src, "a: 1\n\xc3\xa9: ${NONE}", env, &err), QN_E_MISSING);
    assert_non_null(strstr(err.msg, "t.yaml:2:4: ${NONE}: "));
    static const struct env bad[] = {{"PORT", "1\nb: 2"}, {0}};
    assert_int_equal(substitute(&ar, &src, "a: ${PORT}", bad, &err), QN_E_INVALID);
    qn_arena_release(&ar);
}

static void columns_are_the_users_own(void **state)
{
    (void)state;
    static const struct env env[] = {{"LONG", "0123456789"}, {"S", "x"}, {"BAD", "!!int x"}, {0}};
    static const char *const rows[][2] = {
        {"{a: ${LONG}, b: ${S}, c: *no}", "t.yaml:1:26: the alias"},
        {"{a: ${S}, b: ${LONG}, c: *no}", "t.yaml:1:26: the alias"},
        {"a: 1\nb: ${BAD}\n", "t.yaml:2:4: the tag"},
        {"x: ${LONG}\ny: *no\n", "t.yaml:2:4: the alias"},
    };
    struct qn_arena ar;
    struct qn_yaml_source src;
    struct qn_yaml_node *root;
    struct qn_err err;
    qn_arena_init(&ar, NULL);
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        assert_ok(substitute(&ar, &src, rows[i][0], env, &err));
        assert_true(qn_yaml_parse(&ar, &src, &root, &err) < 0);
        if (!qn_str_starts(qn_str_of(err.msg), qn_str_of(rows[i][1])))
            fail_msg("\"%s\" gives \"%s\", want \"%s\"", rows[i][0], err.msg, rows[i][1]);
    }
    qn_arena_release(&ar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_typed_by_the_core_schema),
        cmocka_unit_test(strings_that_look_like_numbers_stay_strings),
        cmocka_unit_test(errors_say_where),
        cmocka_unit_test(nesting_and_expansion_are_bounded),
        cmocka_unit_test(variables_are_substituted),
        cmocka_unit_test(columns_are_the_users_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
