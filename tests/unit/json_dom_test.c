/* Accessors: lookup, iteration, typed values, and errors that name the place. */
#include "test.h"

#include "json/dom.h"

struct fixture {
    struct qn_json_tape tape;
    struct qn_json_val root;
};

static struct fixture read_text(const char *text)
{
    struct fixture fx;
    struct qn_err err = {0};
    qn_json_tape_init(&fx.tape, NULL);
    if (qn_json_read_copy(&fx.tape, qn_str_of(text), &err) < 0)
        fail_msg("%s", err.msg);
    return fx;
}

/* The root points at the tape's final place. */
#define FIXTURE(name, text)                                                                        \
    struct fixture name = read_text(text);                                                         \
    name.root = qn_json_root(&name.tape)

static void test_get(void **state)
{
    (void)state;
    FIXTURE(fx, "{\"a\":1,\"b\":{\"c\":[true,\"x\",{}]},\"a\":2,\"\":null}");
    struct qn_json_val v;
    assert_true(qn_json_get(fx.root, "a", &v));
    assert_str(qn_json_raw(v), "2"); /* the last one wins */
    assert_true(qn_json_get(fx.root, "", &v) && qn_json_is_null(v));
    assert_false(qn_json_get(fx.root, "c", &v));
    assert_true(qn_json_get(fx.root, "b", &v) && qn_json_get(v, "c", &v));
    assert_int_equal(qn_json_count(v), 3);
    struct qn_json_val e;
    assert_true(qn_json_at(v, 0, &e) && qn_json_is_bool(e));
    assert_true(qn_json_at(v, 1, &e));
    assert_str(qn_json_str(e), "x");
    assert_true(qn_json_at(v, 2, &e) && qn_json_is_obj(e));
    assert_false(qn_json_at(v, 3, &e));
    assert_false(qn_json_get(v, "x", &e));
    assert_int_equal(qn_json_pos(v), 16);
    qn_json_tape_release(&fx.tape);
}

static void test_order(void **state)
{
    (void)state;
    FIXTURE(fx, "{\"z\":1,\"\\u0061\":[2],\"m\":{\"x\":0},\"z\":4}");
    static const char *const keys[] = {"z", "a", "m", "z"};
    static const char *const raws[] = {"1", "[2]", "{\"x\":0}", "4"};
    uint32_t n = 0;
    for (struct qn_json_iter it = qn_json_iter(fx.root); qn_json_each(&it); n++) {
        assert_int_equal(it.index, n);
        assert_str(it.key, keys[n]);
        assert_str(qn_json_raw(it.val), raws[n]);
    }
    assert_int_equal(n, 4);
    qn_json_tape_release(&fx.tape);
}

static void test_typed(void **state)
{
    (void)state;
    FIXTURE(fx, "{\"s\":\"t\",\"b\":false,\"i\":-5,\"u\":18446744073709551615,\"d\":2.5}");
    struct qn_json_val v;
    struct qn_str s;
    bool b = true;
    int64_t i;
    uint64_t u;
    double d;
    assert_true(qn_json_get(fx.root, "s", &v));
    assert_ok(qn_json_to_str(v, &s, NULL));
    assert_str(s, "t");
    assert_int_equal(qn_json_to_i64(v, &i, NULL), QN_E_TYPE);
    assert_true(qn_json_get(fx.root, "b", &v));
    assert_ok(qn_json_to_bool(v, &b, NULL));
    assert_false(b);
    assert_true(qn_json_get(fx.root, "i", &v));
    assert_ok(qn_json_to_i64(v, &i, NULL));
    assert_int_equal(i, -5);
    assert_int_equal(qn_json_to_u64(v, &u, NULL), QN_E_RANGE);
    assert_true(qn_json_get(fx.root, "u", &v));
    assert_ok(qn_json_to_u64(v, &u, NULL));
    assert_true(u == UINT64_MAX);
    assert_int_equal(qn_json_to_i64(v, &i, NULL), QN_E_RANGE);
    assert_ok(qn_json_to_f64(v, &d, NULL));
    assert_true(qn_json_get(fx.root, "d", &v));
    assert_ok(qn_json_to_f64(v, &d, NULL));
    assert_true(d == 2.5);
    assert_int_equal(qn_json_to_i64(v, &i, NULL), QN_E_TYPE);
    assert_ok(qn_json_to_obj(fx.root, NULL));
    assert_int_equal(qn_json_to_arr(fx.root, NULL), QN_E_TYPE);
    qn_json_tape_release(&fx.tape);
}

static void test_errors(void **state)
{
    (void)state;
    FIXTURE(fx, "{\n \"query\": {\"must\": [1, {\"size\": \"ten\", \"we ird.key\": {}}]}\n}");
    struct qn_json_val v, w;
    struct qn_err err = {0};
    uint64_t u;
    assert_true(qn_json_get(fx.root, "query", &v) && qn_json_get(v, "must", &v));
    assert_true(qn_json_at(v, 1, &v) && qn_json_get(v, "size", &w));
    assert_int_equal(qn_json_to_u64(w, &u, &err), QN_E_TYPE);
    assert_string_equal(err.msg, "at line 2 column 33, `query.must[1].size`: expected an unsigned "
                                 "integer of 64 bits, found \"ten\"");
    assert_int_equal(err.pos, 34);
    err = (struct qn_err){0};
    assert_true(qn_json_get(v, "we ird.key", &w));
    assert_int_equal(qn_json_to_u64(w, &u, &err), QN_E_TYPE);
    assert_non_null(strstr(err.msg, "`query.must[1][\"we ird.key\"]`: expected"));
    err = (struct qn_err){0};
    assert_int_equal(qn_json_to_arr(fx.root, &err), QN_E_TYPE);
    assert_string_equal(err.msg, "at line 1 column 1: expected an array, found an object");
    qn_json_tape_release(&fx.tape);
}

static void test_check_keys(void **state)
{
    (void)state;
    static const char *const names[] = {"size", "from", "query"};
    static const struct {
        const char *text;
        int rc;
        const char *part;
    } rows[] = {
        {"{}", 0, ""},
        {"{\"from\":1,\"size\":2}", 0, ""},
        {"{\"from\":1,\"sise\":2}", QN_E_UNKNOWN_KEY, "`sise`: unknown key, did you mean `size`?"},
        {"{\"zzzzzzz\":1}", QN_E_UNKNOWN_KEY, "`zzzzzzz`: unknown key"},
        {"{\"from\":1,\"from\":2}", QN_E_INVALID, "`from`: the key comes twice"},
        {"[]", QN_E_TYPE, "expected an object, found an array"},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        FIXTURE(fx, rows[i].text);
        struct qn_err err = {0};
        assert_int_equal(qn_json_check_keys(fx.root, names, QN_COUNT_OF(names), &err), rows[i].rc);
        assert_non_null(strstr(err.msg, rows[i].part));
        qn_json_tape_release(&fx.tape);
    }
}

static void test_equal(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"{\"a\":1,\"b\":[2,3]}", "{\"b\":[2,3],\"a\":1}", true},
        {"[1,2]", "[2,1]", false},
        {"1", "1.0", true},
        {"1e2", "100", true},
        {"18446744073709551615", "-1", false},
        {"18446744073709551615", "18446744073709551616", false},
        {"\"a\"", "\"\\u0061\"", true},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"null", "false", false},
        {"[]", "{}", false},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        FIXTURE(a, rows[i].a);
        FIXTURE(b, rows[i].b);
        if (qn_json_equal(a.root, b.root) != rows[i].equal)
            fail_msg("%s and %s", rows[i].a, rows[i].b);
        qn_json_tape_release(&a.tape);
        qn_json_tape_release(&b.tape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),   cmocka_unit_test(test_order),
        cmocka_unit_test(test_typed), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_equal), cmocka_unit_test(test_check_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
