/* The reader against a table in the manner of JSONTestSuite, with every walker and with and without
 * key paths; what the tape says; and agreement of all of them on random texts. */
#include "test.h"

#include "base/mem.h"
#include "simd/ops.h"
#include "json/dom.h"
#include "json/reader.h"
#include "json/writer.h"

#define S(lit) "" lit, sizeof(lit) - 1

struct text {
    const char *p;
    size_t n;
};

static const struct text accepted[] = {
    {S("[[]   ]")},
    {S("[]")},
    {S("[\"\"]")},
    {S("{}")},
    {S("[\"a\"]")},
    {S("[false]")},
    {S("[null, 1, \"1\", {}]")},
    {S("[1\n]")},
    {S(" [1]")},
    {S("[1,null,null,null,2]")},
    {S("[2] ")},
    {S("[123e65]")},
    {S("[0e+1]")},
    {S("[0e1]")},
    {S("[ 4]")},
    {S("[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]\n")},
    {S("[20e1]")},
    {S("[-0]")},
    {S("[-123]")},
    {S("[-1]")},
    {S("[1E22]")},
    {S("[1E-2]")},
    {S("[1E+2]")},
    {S("[123e45]")},
    {S("[123.456e78]")},
    {S("[1e-2]")},
    {S("[1e+2]")},
    {S("[123]")},
    {S("[123.456789]")},
    {S("{\"asd\":\"sdf\", \"dfg\":\"fgh\"}")},
    {S("{\"asd\":\"sdf\"}")},
    {S("{\"a\":\"b\",\"a\":\"c\"}")},
    {S("{\"a\":\"b\",\"a\":\"b\"}")},
    {S("{\"\":0}")},
    {S("{\"foo\\u0000bar\": 42}")},
    {S("{ \"min\": -1.0e+28, \"max\": 1.0e+28 }")},
    {S("{\"x\":[{\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}], \"id\": \"xx\"}")},
    {S("{\"title\":\"\\u041f\\u043e\\u043b\\u0442\\u043e\\u0440\\u0430\" }")},
    {S("{\n\"a\": \"b\"\n}")},
    {S("[\"\\u0060\\u012a\\u12AB\"]")},
    {S("[\"\\uD801\\udc37\"]")},
    {S("[\"\\ud83d\\ude39\\ud83d\\udc8d\"]")},
    {S("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]")},
    {S("[\"\\\\u0000\"]")},
    {S("[\"\\\"\"]")},
    {S("[\"a/*b*/c/*d//e\"]")},
    {S("[\"\\\\a\"]")},
    {S("[\"\\\\n\"]")},
    {S("[\"\\u0012\"]")},
    {S("[\"\\uFFFF\"]")},
    {S("[\"asd\"]")},
    {S("[ \"asd\"]")},
    {S("[\"\\uDBFF\\uDFFF\"]")},
    {S("[\"new\\u00A0line\"]")},
    {S("[\"\xF4\x8F\xBF\xBF\"]")},
    {S("[\"\xEF\xBF\xBF\"]")},
    {S("[\"\\u0000\"]")},
    {S("[\"\\u002c\"]")},
    {S("[\"\xCF\x80\"]")},
    {S("[\"\xF0\x9B\xBF\xBF\"]")},
    {S("[\"asd \"]")},
    {S("\" \"")},
    {S("[\"\\uD834\\uDd1e\"]")},
    {S("[\"\\u0821\"]")},
    {S("[\"\\u0123\"]")},
    {S("[\"\xE2\x80\xA8\"]")},
    {S("[\"\xE2\x80\xA9\"]")},
    {S("[\"\\u0061\\u30af\\u30EA\\u30b9\"]")},
    {S("[\"new\\u000Aline\"]")},
    {S("[\"\x7F\"]")},
    {S("[\"\\uA66D\"]")},
    {S("[\"\\u005C\"]")},
    {S("[\"\xE2\x8D\x82\xE3\x88\xB4\xE2\x8D\x82\"]")},
    {S("[\"\\u200B\"]")},
    {S("[\"\\u2064\"]")},
    {S("[\"\\uFDD0\"]")},
    {S("[\"\\uFFFE\"]")},
    {S("[\"\\u0022\"]")},
    {S("[\"\xE2\x82\xAC\xF0\x9D\x84\x9E\"]")},
    {S("[\"a\x7F"
       "a\"]")},
    {S("false")},
    {S("42")},
    {S("-0.1")},
    {S("null")},
    {S("\"asd\"")},
    {S("true")},
    {S("\"\"")},
    {S("[\"a\"]\n")},
    {S("[true]")},
    {S(" [] ")},
    {S("\t\r\n {\t\"a\"\r:\n1 } \t\r\n")},
    /* implementation-defined there, accepted here */
    {S("[123.456e-789]")},
    {S("[0."
       "4e00669999999999999999999999999999999999999999999999999999999999999999999969999999006]")},
    {S("[-1e+9999]")},
    {S("[100000000000000000000]")},
    {S("{\"a\" : {\"b\" : [ ] , \"c\" : { } } , \"d\" : 0 }")},
    {S("{\"0123456789012345678901234567\":1,\"01234567890123456789012345678\":1,"
       "\"012345678901234567890123456789\":1,\"0123456789012345678901234567890123\":1}")},
};

static const struct text refused[] = {
    {S("")},
    {S(" ")},
    {S("[1 true]")},
    {S("[a\xE5]")},
    {S("[\"\": 1]")},
    {S("[\"\"],")},
    {S("[,1]")},
    {S("[1,,2]")},
    {S("[\"x\",,]")},
    {S("[\"x\"]]")},
    {S("[\"\",]")},
    {S("[\"x\"")},
    {S("[x")},
    {S("[3[4]]")},
    {S("[\xFF]")},
    {S("[1:2]")},
    {S("[,]")},
    {S("[-]")},
    {S("[   , \"\"]")},
    {S("[\"a\",\n4\n,1,")},
    {S("[1,]")},
    {S("[1,\n1\n,1")},
    {S("[\"\va\"\\f]")},
    {S("[*]")},
    {S("[\"\"")},
    {S("[1")},
    {S("[{}")},
    {S("[fals]")},
    {S("[nul]")},
    {S("[tru]")},
    {S("fals")},
    {S("123\0")},
    {S("[++1234]")},
    {S("[+1]")},
    {S("[+Inf]")},
    {S("[-01]")},
    {S("[-1.0.]")},
    {S("[-2.]")},
    {S("[-NaN]")},
    {S("[.-1]")},
    {S("[.2e-3]")},
    {S("[0.1.2]")},
    {S("[0.3e+]")},
    {S("[0.3e]")},
    {S("[0.e1]")},
    {S("[0E+]")},
    {S("[0E]")},
    {S("[0e+]")},
    {S("[0e]")},
    {S("[1.0e+]")},
    {S("[1.0e-]")},
    {S("[1.0e]")},
    {S("[1 000.0]")},
    {S("[1eE2]")},
    {S("[2.e+3]")},
    {S("[2.e-3]")},
    {S("[2.e3]")},
    {S("[9.e+]")},
    {S("[Inf]")},
    {S("[NaN]")},
    {S("[\xEF\xBC\x91]")},
    {S("[1+2]")},
    {S("[0x1]")},
    {S("[0x42]")},
    {S("[Infinity]")},
    {S("[0e+-1]")},
    {S("[-123.123foo]")},
    {S("[123\xE5]")},
    {S("[1e1\xE5]")},
    {S("[0\xE5]\n")},
    {S("[-Infinity]")},
    {S("[-foo]")},
    {S("[- 1]")},
    {S("[-012]")},
    {S("[-.123]")},
    {S("[-1x]")},
    {S("[1ea]")},
    {S("[1e\xE5]")},
    {S("[1.]")},
    {S("[.123]")},
    {S("[1.2a-3]")},
    {S("[1.8011670033376514H-308]")},
    {S("[012]")},
    {S("[\"x\", truth]")},
    {S("{[: \"x\"}\n")},
    {S("{\"x\", null}")},
    {S("{\"x\"::\"b\"}")},
    {S("{\xF0\x9F\x87\xA8\xF0\x9F\x87\xAD}")},
    {S("{\"a\":\"a\" 123}")},
    {S("{key: 'value'}")},
    {S("{\"\xB9\":\"0\",}")},
    {S("{\"a\" b}")},
    {S("{:\"b\"}")},
    {S("{\"a\" \"b\"}")},
    {S("{\"a\":")},
    {S("{\"a\"")},
    {S("{1:1}")},
    {S("{9999E9999:1}")},
    {S("{null:null,null:null}")},
    {S("{\"id\":0,,,,,}")},
    {S("{'a':0}")},
    {S("{\"id\":0,}")},
    {S("{\"a\":\"b\"}/**/")},
    {S("{\"a\":\"b\"}#")},
    {S("{\"a\":\"b\"}//")},
    {S("{\"a\":\"b\",,\"c\":\"d\"}")},
    {S("{a: \"b\"}")},
    {S("{\"a\":\"a")},
    {S("{ \"foo\" : \"bar\", \"a\" }")},
    {S("{\"a\":\"b\"}#{}")},
    {S("[\"\\uD800\\\"]")},
    {S("[\"\\uD800\\u\"]")},
    {S("[\"\\uD800\\u1\"]")},
    {S("[\"\\uD800\\u1x\"]")},
    {S("[\xC3\xA9]")},
    {S("[\"\\\0\"]")},
    {S("[\"\\x00\"]")},
    {S("[\"\\\\\\\"]")},
    {S("[\"\\\t\"]")},
    {S("[\"\\\xF0\x9F\x8C\x80\"]")},
    {S("[\"\\\"]")},
    {S("[\"\\u00A\"]")},
    {S("[\"\\uD834\\uDd\"]")},
    {S("[\"\\uD800\\uD800\\x\"]")},
    {S("[\"\\u\xE5\"]")},
    {S("[\"\\a\"]")},
    {S("[\"\\uqqqq\"]")},
    {S("[\"\\\xE5\"]")},
    {S("[\\u0020\"asd\"]")},
    {S("[\\n]")},
    {S("\"")},
    {S("['single quote']")},
    {S("abc")},
    {S("[\"\\")},
    {S("[\"a\0a\"]")},
    {S("[\"new\nline\"]")},
    {S("[\"\t\"]")},
    {S("\"\\UA66D\"")},
    {S("\"\"x")},
    {S("<.>")},
    {S("[<null>]")},
    {S("[1]x")},
    {S("[1]]")},
    {S("[\"asd]")},
    {S("a\xC3\xA5")},
    {S("[True]")},
    {S("1]")},
    {S("{\"x\": true,")},
    {S("[][]")},
    {S("]")},
    {S("\xEF\xBB\xBF{}")},
    {S("\xEF\xBB\xBF")},
    {S("[")},
    {S("2@")},
    {S("{}}")},
    {S("{\"\":")},
    {S("{\"a\":/*comment*/\"b\"}")},
    {S("{\"a\": true} \"x\"")},
    {S("['")},
    {S("[,")},
    {S("[{")},
    {S("[\"a")},
    {S("[\"a\"")},
    {S("{")},
    {S("{]")},
    {S("{,")},
    {S("{[")},
    {S("{\"a")},
    {S("{'a'")},
    {S("[\"\\{[\"\\{[\"\\{[\"\\{")},
    {S("\xE9")},
    {S("*")},
    {S("{\"a\":\"b\"}#{}")},
    {S("[\\u000A\"\"]")},
    {S("[1\f]")},
    {S("\xE2\x81\xA0")},
    {S("\xC2\x85[]")},
    /* implementation-defined there, refused here: text and strings must be Unicode */
    {S("[\"\\uDADA\"]")},
    {S("[\"\\uD888\\u1234\"]")},
    {S("[\"\\uD800\\n\"]")},
    {S("[\"\\uDd1ea\"]")},
    {S("[\"\\uD800\\uD800\\n\"]")},
    {S("[\"\\ud800\"]")},
    {S("[\"\\ud800abc\"]")},
    {S("[\"\\uDd1e\\uD834\"]")},
    {S("[\"\\uDFAA\"]")},
    {S("[\"\xFF\"]")},
    {S("[\"\xE6\x97\xA5\xD1\x88\xFA\"]")},
    {S("[\"\xE0\xFF\"]")},
    {S("[\"\xF4\xBF\xBF\xBF\"]")},
    {S("[\"\xED\xA0\x80\"]")},
    {S("[\"\xC0\xAF\"]")},
    {S("[\"\xFC\x83\xBF\xBF\xBF\xBF\"]")},
    {S("[\"\xE0\x80\x80\"]")},
    {S("[\"\x81\"]")},
    {S("[\"\xE2\x82\"]")},
    {S("{\"\xC3\":1}")},
    {S("\xFF\xFE[\0\"\0\xE9\0\"\0]\0")},
};

/* Every way to read. */
struct way {
    const struct qn_simd_ops *simd;
    bool with_paths;
};

static size_t ways(struct way out[4])
{
    size_t n = 0;
    const struct qn_simd_ops *avx2 = qn_simd_level(QN_SIMD_AVX2);
    out[n++] = (struct way){NULL, false};
    out[n++] = (struct way){NULL, true};
    if (avx2 != NULL) {
        out[n++] = (struct way){avx2, false};
        out[n++] = (struct way){avx2, true};
    }
    return n;
}

struct reading {
    struct qn_json_paths paths;
    struct qn_json_tape tape;
};

static void reading_init(struct reading *rd, struct way way, uint32_t depth)
{
    qn_json_paths_init(&rd->paths, 64);
    qn_json_tape_init(&rd->tape,
                      &(struct qn_json_options){.simd = way.simd,
                                                .paths = way.with_paths ? &rd->paths : NULL,
                                                .max_depth = depth});
}

static void reading_release(struct reading *rd)
{
    qn_json_tape_release(&rd->tape);
    qn_json_paths_release(&rd->paths);
}

static void test_table(void **state)
{
    (void)state;
    struct way way[4];
    for (size_t w = 0, n = ways(way); w < n; w++) {
        struct reading rd;
        struct qn_err err = {0};
        reading_init(&rd, way[w], 0);
        /* twice: the second time the key paths are known */
        for (size_t i = 0; i < 2 * QN_COUNT_OF(accepted); i++) {
            struct text t = accepted[i % QN_COUNT_OF(accepted)];
            if (qn_json_read_copy(&rd.tape, qn_str_make(t.p, t.n), &err) < 0)
                fail_msg("%.*s: %s", (int)t.n, t.p, err.msg);
        }
        for (size_t i = 0; i < QN_COUNT_OF(refused); i++) {
            struct text t = refused[i];
            err = (struct qn_err){0};
            if (qn_json_read_copy(&rd.tape, qn_str_make(t.p, t.n), &err) == 0)
                fail_msg("accepted: %.*s", (int)t.n, t.p);
            assert_int_equal(err.code, QN_E_PARSE);
            assert_true(err.pos <= t.n);
            assert_non_null(strstr(err.msg, " at line "));
            assert_int_equal(rd.tape.n, 0);
        }
        reading_release(&rd);
    }
}

/* What stands behind the end never becomes part of the document. */
static void test_end_is_the_end(void **state)
{
    (void)state;
    static const char text[] =
        "{\"aa\":{\"b\":[true,false,null,-12.5e+3,\"x\\n\\u00e9\",\"\xC3\xA9\"]},\"aa2\":\"zz\"}";
    size_t n = sizeof text - 1;
    char *p = qn_xaligned(2 * n);
    memcpy(p, text, n);
    memcpy(p + n, text, n);
    struct way way[4];
    for (size_t w = 0, n_ways = ways(way); w < n_ways; w++) {
        struct reading rd;
        reading_init(&rd, way[w], 0);
        size_t used;
        assert_ok(qn_json_read(&rd.tape, qn_str_make(p, n), NULL));
        for (size_t cut = 0; cut < n; cut++) {
            struct qn_err err = {0};
            assert_true(qn_json_read(&rd.tape, qn_str_make(p, cut), &err) < 0);
            assert_int_equal(err.pos <= cut, 1);
        }
        assert_int_equal(qn_json_read_prefix(&rd.tape, qn_str_make(p, 2 * n), &used, NULL), 0);
        assert_int_equal(used, n);
        reading_release(&rd);
    }
    free(p);
}

static void test_positions(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t pos;
        const char *msg;
    } rows[] = {
        {"{\"a\":1,}", 7, "expected a key in quotes at line 1 column 8"},
        {"[1,\n 2,\n x]", 9, "expected a value at line 3 column 2"},
        {"{\"a\" 1}", 5, "expected ':' at line 1 column 6"},
        {"[1 2]", 3, "expected ',' or ']' at line 1 column 4"},
        {"{\"a\":1 2}", 7, "expected ',' or '}' at line 1 column 8"},
        {"{\"a\":1", 6, "unexpected end, expected ',' or '}' at line 1 column 7"},
        {"[1", 2, "unexpected end, expected ',' or ']' at line 1 column 3"},
        {"[", 1, "unexpected end, expected a value at line 1 column 2"},
        {"\"abc", 4, "unterminated string at line 1 column 5"},
        {"\"ab\xFF\"", 3, "invalid UTF-8 in a string at line 1 column 4"},
        {"\"a\nb\"", 2, "control character in a string at line 1 column 3"},
        {"\"a\\xb\"", 2, "invalid escape at line 1 column 3"},
        {"\"a\\ud800b\"", 2, "lone surrogate in an escape at line 1 column 3"},
        {"[01]", 2, "invalid number at line 1 column 3"},
        {"[1.]", 3, "invalid number: expected a digit after the point at line 1 column 4"},
        {"[1e]", 3, "invalid number: expected a digit in the exponent at line 1 column 4"},
        {"{} x", 3, "trailing characters at line 1 column 4"},
        {"", 0, "unexpected end, expected a value at line 1 column 1"},
    };
    struct way way[4];
    for (size_t w = 0, n = ways(way); w < n; w++) {
        struct reading rd;
        reading_init(&rd, way[w], 0);
        for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
            struct qn_err err = {0};
            assert_true(qn_json_read_copy(&rd.tape, qn_str_of(rows[i].text), &err) < 0);
            assert_string_equal(err.msg, rows[i].msg);
            assert_int_equal(err.pos, rows[i].pos);
        }
        reading_release(&rd);
    }
}

static void test_tape(void **state)
{
    (void)state;
    struct qn_json_tape t;
    qn_json_tape_init(&t, NULL);
    assert_ok(qn_json_read_copy(&t, QN_STR("{ \"a\" : [ 1 , \"x\" ] , \"b\\n\" : -2.5 }"), NULL));
    static const struct {
        enum qn_json_type type;
        uint8_t flags;
        const char *raw;
        uint32_t next;
    } rows[] = {
        {QN_JSON_OBJECT, 0, "{ \"a\" : [ 1 , \"x\" ] , \"b\\n\" : -2.5 }", 7},
        {QN_JSON_KEY, 0, "\"a\"", 2},
        {QN_JSON_ARRAY, 0, "[ 1 , \"x\" ]", 5},
        {QN_JSON_NUMBER, 0, "1", 4},
        {QN_JSON_STRING, 0, "\"x\"", 5},
        {QN_JSON_KEY, QN_JSON_ESCAPED, "\"b\\n\"", 6},
        {QN_JSON_NUMBER, QN_JSON_NEGATIVE | QN_JSON_FRACTION, "-2.5", 7},
    };
    assert_int_equal(t.n, QN_COUNT_OF(rows));
    for (uint32_t i = 0; i < t.n; i++) {
        assert_int_equal(t.nodes[i].type, rows[i].type);
        assert_int_equal(t.nodes[i].flags, rows[i].flags);
        assert_str(qn_json_node_raw(&t, i), rows[i].raw);
        assert_int_equal(qn_json_next(&t, i), rows[i].next);
    }
    assert_str(qn_json_node_str(&t, 1), "a");
    assert_str(qn_json_node_str(&t, 5), "b\n");
    qn_json_tape_release(&t);
}

static void test_escapes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u00e9\\u20AC\\ud83d\\ude00\"", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {"\"x\\u0041\xC3\xA9y\"", "xA\xC3\xA9y"},
        {"\"0123456789012345678901234567890123456789\\n0123456789012345678901234567890123456789\"",
         "0123456789012345678901234567890123456789\n0123456789012345678901234567890123456789"},
    };
    struct way way[4];
    for (size_t w = 0, n = ways(way); w < n; w++) {
        struct reading rd;
        reading_init(&rd, way[w], 0);
        for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
            assert_ok(qn_json_read_copy(&rd.tape, qn_str_of(rows[i].text), NULL));
            assert_str(qn_json_node_str(&rd.tape, 0), rows[i].want);
        }
        assert_ok(qn_json_read_copy(&rd.tape, QN_STR("\"a\\u0000b\""), NULL));
        assert_true(qn_str_eq(qn_json_node_str(&rd.tape, 0), qn_str_make("a\0b", 3)));
        reading_release(&rd);
    }
}

static void test_limits(void **state)
{
    (void)state;
    struct reading rd;
    char deep[64];
    memset(deep, '[', 16);
    memset(deep + 16, ']', 16);
    reading_init(&rd, (struct way){0}, 16);
    assert_ok(qn_json_read_copy(&rd.tape, qn_str_make(deep, 32), NULL));
    reading_release(&rd);
    reading_init(&rd, (struct way){0}, 15);
    struct qn_err err = {0};
    assert_int_equal(qn_json_read_copy(&rd.tape, qn_str_make(deep, 32), &err), QN_E_TOO_DEEP);
    assert_int_equal(err.pos, 15);
    reading_release(&rd);

    struct qn_json_tape t;
    struct qn_buf b;
    qn_json_tape_init(&t, &(struct qn_json_options){.max_nodes = 1000});
    for (size_t n = 900; n < 1100; n += 10) {
        qn_buf_init(&b, SIZE_MAX);
        qn_buf_put_u8(&b, '[');
        for (size_t i = 0; i < n; i++)
            qn_buf_put_z(&b, i ? ",1" : "1");
        qn_buf_put_u8(&b, ']');
        int rc = qn_json_read(&t, qn_buf_str(&b), NULL);
        if (n != 1000) /* the limit may be passed by a few */
            assert_int_equal(rc, n < 1000 ? 0 : QN_E_TOO_LARGE);
        qn_buf_release(&b);
    }
    qn_json_tape_release(&t);
}

/* Path numbers stand for the same path in every document, in any key order and with escapes. */
static void test_paths(void **state)
{
    (void)state;
    struct way way[4];
    for (size_t w = 0, n = ways(way); w < n; w++) {
        if (!way[w].with_paths)
            continue;
        struct reading rd;
        reading_init(&rd, way[w], 0);
        assert_ok(qn_json_read_copy(&rd.tape, QN_STR("{\"a\":{\"b\":1},\"c\":[{\"b\":2}]}"), NULL));
        uint32_t a = qn_json_node_path(&rd.tape, 1), ab = qn_json_node_path(&rd.tape, 3);
        uint32_t c = qn_json_node_path(&rd.tape, 5), cb = qn_json_node_path(&rd.tape, 8);
        assert_str(qn_json_paths_key(&rd.paths, ab), "b");
        assert_int_equal(qn_json_paths_parent(&rd.paths, ab), a);
        assert_int_equal(qn_json_paths_parent(&rd.paths, cb), c);
        assert_int_not_equal(ab, cb);
        assert_ok(qn_json_read_copy(
            &rd.tape, QN_STR("{\"c\":{\"b\" :2},\"\\u0061\":[[{\"b\":3},{\"b\":4}]],\"d\":0}"),
            NULL));
        assert_int_equal(qn_json_node_path(&rd.tape, 1), c);
        assert_int_equal(qn_json_node_path(&rd.tape, 3), cb);
        assert_int_equal(qn_json_node_path(&rd.tape, 5), a);
        assert_int_equal(qn_json_node_path(&rd.tape, 9), ab);
        assert_int_equal(qn_json_node_path(&rd.tape, 12), ab);
        uint32_t generation = rd.paths.generation;
        /* more keys than fit: the rest has no path, and the next document starts afresh */
        struct qn_buf b;
        qn_buf_init(&b, SIZE_MAX);
        for (int i = 0; i < 100; i++)
            qn_buf_printf(&b, "%c\"k%d\":%d", i ? ',' : '{', i, i);
        qn_buf_put_u8(&b, '}');
        assert_ok(qn_json_read(&rd.tape, qn_buf_str(&b), NULL));
        assert_int_equal(rd.paths.generation, generation);
        assert_int_equal(qn_json_node_path(&rd.tape, 2 * 99 + 1), QN_JSON_NO_PATH);
        qn_buf_release(&b);
        assert_ok(qn_json_read_copy(&rd.tape, QN_STR("{\"z\":1}"), NULL));
        assert_int_equal(rd.paths.generation, generation + 1);
        assert_int_equal(qn_json_node_path(&rd.tape, 1), 1);
        reading_release(&rd);
    }
}

/* A random JSON text: nested values with odd strings, numbers and spacing. */
static void random_value(struct qn_rng *r, struct qn_buf *b, int depth)
{
    static const char *const strings[] = {"\"\"",
                                          "\"a\"",
                                          "\"abc def ghi jkl mno pqr stu vwx yz\"",
                                          "\"\\n\"",
                                          "\"\\u00e9\xC3\xA9\\ud83d\\ude00 x\"",
                                          "\"0123456789abcdef0123456789abcde\\\\\"",
                                          "\"\xE2\x82\xAC\xF0\x9D\x84\x9E\""};
    static const char *const others[] = {
        "0",    "-1",    "1.5",  "1e9",     "123456789",
        "true", "false", "null", "-0.0E-5", "18446744073709551615"};
    static const char *const spaces[] = {"", "", "", " ", "\n  ", "\t\r\n"};
#define SPACE() qn_buf_put_z(b, spaces[qn_rng_below(r, QN_COUNT_OF(spaces))])
    uint64_t kind = qn_rng_below(r, depth > 0 ? 6 : 3);
    if (kind == 0)
        qn_buf_put_z(b, others[qn_rng_below(r, QN_COUNT_OF(others))]);
    else if (kind < 3)
        qn_buf_put_z(b, strings[qn_rng_below(r, QN_COUNT_OF(strings))]);
    else {
        bool obj = kind > 3;
        qn_buf_put_u8(b, obj ? '{' : '[');
        SPACE();
        for (uint64_t i = 0, n = qn_rng_below(r, 6); i < n; i++) {
            if (i > 0)
                qn_buf_put_u8(b, ',');
            SPACE();
            if (obj) {
                if (qn_rng_below(r, 3) == 0)
                    qn_buf_put_z(b, strings[qn_rng_below(r, QN_COUNT_OF(strings))]);
                else
                    qn_buf_printf(b, "\"key%d\"", (int)qn_rng_below(r, 12));
                SPACE();
                qn_buf_put_u8(b, ':');
                SPACE();
            }
            random_value(r, b, depth - 1);
            SPACE();
        }
        qn_buf_put_u8(b, obj ? '}' : ']');
    }
#undef SPACE
}

static void assert_same_tape(const struct qn_json_tape *a, const struct qn_json_tape *b)
{
    assert_int_equal(a->n, b->n);
    for (uint32_t i = 0; i < a->n; i++) {
        assert_int_equal(a->nodes[i].at, b->nodes[i].at);
        assert_int_equal(a->nodes[i].len, b->nodes[i].len);
        assert_int_equal(a->nodes[i].type, b->nodes[i].type);
        assert_int_equal(a->nodes[i].flags, b->nodes[i].flags);
        assert_int_equal(qn_json_next(a, i), qn_json_next(b, i));
        if (a->nodes[i].type == QN_JSON_STRING || a->nodes[i].type == QN_JSON_KEY)
            assert_true(qn_str_eq(qn_json_node_str(a, i), qn_json_node_str(b, i)));
    }
}

/* All ways agree, on good texts and on damaged ones; and what is read can be written and read
 * again. */
static void test_random(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(42);
    struct way way[4];
    size_t n_ways = ways(way);
    struct reading rd[4];
    struct qn_json_tape again;
    struct qn_buf b, out;
    qn_buf_init(&b, SIZE_MAX);
    qn_buf_init(&out, SIZE_MAX);
    qn_json_tape_init(&again, NULL);
    for (size_t w = 0; w < n_ways; w++)
        reading_init(&rd[w], way[w], 0);
    for (int round = 0; round < 5000; round++) {
        qn_buf_clear(&b);
        random_value(&r, &b, 5);
        bool damaged = round % 2 == 1;
        if (damaged && qn_rng_below(&r, 2) == 0)
            b.p[qn_rng_below(&r, b.n)] = (char)qn_rng_next(&r);
        else if (damaged)
            b.n = qn_rng_below(&r, b.n);
        int rc[4];
        struct qn_err err[4] = {{0}};
        for (size_t w = 0; w < n_ways; w++) {
            rc[w] = qn_json_read(&rd[w].tape, qn_buf_str(&b), &err[w]);
            assert_int_equal(rc[w], rc[0]);
            assert_same_tape(&rd[0].tape, &rd[w].tape);
            assert_string_equal(err[w].msg, err[0].msg);
        }
        assert_true(damaged || rc[0] == 0);
        if (rc[0] < 0)
            continue;
        for (int style = QN_JW_COMPACT; style <= QN_JW_PRETTY_ES; style++) {
            struct qn_jw jw;
            qn_buf_clear(&out);
            qn_jw_init(&jw, &out, &(struct qn_jw_options){.style = (enum qn_jw_style)style});
            qn_jw_value(&jw, qn_json_root(&rd[0].tape));
            assert_ok(qn_jw_finish(&jw));
            assert_ok(qn_json_read(&again, qn_buf_str(&out), NULL));
            assert_int_equal(again.n, rd[0].tape.n);
            for (uint32_t i = 0; i < again.n; i++)
                if (again.nodes[i].type < QN_JSON_ARRAY || again.nodes[i].type == QN_JSON_KEY)
                    assert_true(
                        qn_str_eq(qn_json_node_raw(&again, i), qn_json_node_raw(&rd[0].tape, i)));
        }
    }
    for (size_t w = 0; w < n_ways; w++)
        reading_release(&rd[w]);
    qn_json_tape_release(&again);
    qn_buf_release(&b);
    qn_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),     cmocka_unit_test(test_end_is_the_end),
        cmocka_unit_test(test_positions), cmocka_unit_test(test_tape),
        cmocka_unit_test(test_escapes),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_paths),     cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
