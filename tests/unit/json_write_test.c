/* The writer's three layouts, escaping, flushing and limits; and what filters keep. */
#include "test.h"

#include "json/writer.h"

static void write_sample(struct qn_jw *w)
{
    qn_jw_obj(w);
    qn_jw_kv_u64(w, "took", 7);
    qn_jw_kv_bool(w, "timed_out", false);
    qn_jw_key(w, "hits");
    qn_jw_arr(w);
    qn_jw_obj(w);
    qn_jw_kv_z(w, "_id", "a\"b");
    qn_jw_kv_f64(w, "score", 1);
    qn_jw_end(w);
    qn_jw_null(w);
    qn_jw_end(w);
    qn_jw_key(w, "empty");
    qn_jw_obj(w);
    qn_jw_end(w);
    qn_jw_key(w, "none");
    qn_jw_arr(w);
    qn_jw_end(w);
    qn_jw_kv_i64(w, "n", -3);
    qn_jw_end(w);
}

static void test_layouts(void **state)
{
    (void)state;
    static const char *const want[] = {
        [QN_JW_COMPACT] =
            "{\"took\":7,\"timed_out\":false,\"hits\":[{\"_id\":\"a\\\"b\",\"score\":1.0},"
            "null],\"empty\":{},\"none\":[],\"n\":-3}",
        [QN_JW_PRETTY] =
            "{\n  \"took\": 7,\n  \"timed_out\": false,\n  \"hits\": [\n    {\n"
            "      \"_id\": \"a\\\"b\",\n      \"score\": 1.0\n    },\n    null\n  ],\n"
            "  \"empty\": {},\n  \"none\": [],\n  \"n\": -3\n}",
        [QN_JW_PRETTY_ES] = "{\n  \"took\" : 7,\n  \"timed_out\" : false,\n  \"hits\" : [\n    {\n"
                            "      \"_id\" : \"a\\\"b\",\n      \"score\" : 1.0\n    },\n    null\n"
                            "  ],\n  \"empty\" : { },\n  \"none\" : [ ],\n  \"n\" : -3\n}\n",
    };
    for (int style = QN_JW_COMPACT; style <= QN_JW_PRETTY_ES; style++) {
        struct qn_buf out;
        struct qn_jw w;
        qn_buf_init(&out, SIZE_MAX);
        qn_jw_init(&w, &out, &(struct qn_jw_options){.style = (enum qn_jw_style)style});
        write_sample(&w);
        assert_ok(qn_jw_finish(&w));
        assert_str(qn_buf_str(&out), want[style]);
        qn_buf_release(&out);
    }
}

static void test_escaping(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t n;
        const char *want;
    } rows[] = {
        {"", 0, "\"\""},
        {"plain text that is longer than a word", 37, "\"plain text that is longer than a word\""},
        {"\"\\/", 3, "\"\\\"\\\\/\""},
        {"\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\""},
        {"\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\x7f\""},
        {"12345678\n12345678\"", 18, "\"12345678\\n12345678\\\"\""},
        {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9, "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""},
        {"a\xFFz\xC3", 4, "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\""},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_buf out;
        qn_buf_init(&out, SIZE_MAX);
        qn_json_quote(&out, qn_str_make(rows[i].in, rows[i].n));
        assert_str(qn_buf_str(&out), rows[i].want);
        qn_buf_release(&out);
    }
}

static void test_scalars(void **state)
{
    (void)state;
    struct qn_buf out;
    struct qn_jw w;
    qn_buf_init(&out, SIZE_MAX);
    qn_jw_init(&w, &out, &(struct qn_jw_options){.f64_style = QN_F64_JAVA});
    qn_jw_arr(&w);
    qn_jw_f64(&w, 1e10);
    qn_jw_f64(&w, __builtin_nan(""));
    qn_jw_f64(&w, -__builtin_inf());
    qn_jw_i64(&w, INT64_MIN);
    qn_jw_printf(&w, "%s-%d", "x\n", 5);
    qn_jw_printf(&w, "%300d", 1);
    qn_jw_raw(&w, QN_STR("{\"a\" : 1.50}"));
    qn_jw_end(&w);
    assert_ok(qn_jw_finish(&w));
    assert_true(qn_str_starts(qn_buf_str(&out),
                              QN_STR("[1.0E10,null,null,-9223372036854775808,\"x\\n-5\",\" ")));
    assert_true(qn_str_ends(qn_buf_str(&out), QN_STR(" 1\",{\"a\" : 1.50}]")));
    qn_buf_release(&out);
}

static void test_raw_pretty(void **state)
{
    (void)state;
    struct qn_buf out;
    struct qn_jw w;
    qn_buf_init(&out, SIZE_MAX);
    qn_jw_init(&w, &out, &(struct qn_jw_options){.style = QN_JW_PRETTY});
    qn_jw_obj(&w);
    qn_jw_key(&w, "_source");
    qn_jw_raw(&w, QN_STR("{\"n\":1.50,\"s\":\"\\u0041\",\"\\u0042\":[]}"));
    qn_jw_key(&w, "broken");
    qn_jw_raw(&w, QN_STR("{oops"));
    qn_jw_end(&w);
    assert_ok(qn_jw_finish(&w));
    assert_str(qn_buf_str(&out), "{\n  \"_source\": {\n    \"n\": 1.50,\n    \"s\": \"\\u0041\",\n"
                                 "    \"\\u0042\": []\n  },\n  \"broken\": {oops\n}");
    qn_buf_release(&out);
}

struct sink {
    struct qn_buf all;
    int calls, fail_at;
};

static int take(void *ctx, struct qn_str bytes)
{
    struct sink *s = ctx;
    if (++s->calls == s->fail_at)
        return QN_E_CANCELLED;
    qn_buf_put_str(&s->all, bytes);
    return 0;
}

static void test_flush(void **state)
{
    (void)state;
    struct sink s = {.fail_at = -1};
    struct qn_buf out;
    struct qn_jw w;
    qn_buf_init(&s.all, SIZE_MAX);
    qn_buf_init(&out, 256);
    struct qn_jw_options opt = {.flush = take, .flush_ctx = &s, .flush_bytes = 100};
    qn_jw_init(&w, &out, &opt);
    qn_jw_arr(&w);
    for (int i = 0; i < 1000; i++)
        qn_jw_i64(&w, i);
    qn_jw_end(&w);
    assert_ok(qn_jw_finish(&w));
    assert_int_equal(s.all.n, 1 + 10 + 90 * 2 + 900 * 3 + 999 + 1);
    assert_true(s.calls > 30);
    s = (struct sink){.all = s.all, .fail_at = 3};
    qn_jw_init(&w, &out, &opt);
    qn_jw_arr(&w);
    for (int i = 0; i < 1000; i++)
        qn_jw_i64(&w, i);
    qn_jw_end(&w);
    assert_int_equal(qn_jw_finish(&w), QN_E_CANCELLED);
    assert_int_equal(s.calls, 3);
    /* without flushing, a buffer that is too small is said at the end */
    qn_buf_clear(&out);
    qn_jw_init(&w, &out, NULL);
    qn_jw_printf(&w, "%400d", 1);
    assert_int_equal(qn_jw_finish(&w), QN_E_BUDGET);
    qn_buf_release(&out);
    qn_buf_release(&s.all);
}

static const char bulk[] =
    "{\"took\":7,\"errors\":true,\"items\":[{\"index\":{\"_index\":\"i\",\"_id\":\"1\",\"_shards\":"
    "{\"total\":1},\"status\":201}},{\"create\":{\"_index\":\"i\",\"_id\":\"2\",\"status\":409,"
    "\"error\":{\"type\":\"t\",\"reason\":\"r\"}}}]}";
static const char search[] =
    "{\"took\":3,\"_shards\":{\"total\":1,\"failed\":0},\"hits\":{\"total\":{\"value\":2,"
    "\"relation\":\"eq\"},\"max_score\":null,\"hits\":[{\"_index\":\"i\",\"_id\":\"1\",\"_source\":"
    "{\"a\":{\"b\":1,\"c\":[]},\"x.y\":2}},{\"_index\":\"i\",\"_id\":\"2\",\"_source\":{}}]},"
    "\"e\":{},\"l\":[]}";

static const struct {
    const char *filter, *json, *want;
} paths[] = {
    {"", "{\"a\":1}", "{\"a\":1}"},
    {"errors,items.*.error,items.*.status", bulk,
     "{\"errors\":true,\"items\":[{\"index\":{\"status\":201}},{\"create\":{\"status\":409,"
     "\"error\":{\"type\":\"t\",\"reason\":\"r\"}}}]}"},
    {"items.*._index,items.*.status,items.*.failure_store,items.*.error.type,items.*.error.reason",
     bulk,
     "{\"items\":[{\"index\":{\"_index\":\"i\",\"status\":201}},{\"create\":{\"_index\":\"i\","
     "\"status\":409,\"error\":{\"type\":\"t\",\"reason\":\"r\"}}}]}"},
    {"items.*.error", bulk,
     "{\"items\":[{\"create\":{\"error\":{\"type\":\"t\",\"reason\":\"r\"}}}]}"},
    {"hits.hits._id,hits.hits._source", search,
     "{\"hits\":{\"hits\":[{\"_id\":\"1\",\"_source\":{\"a\":{\"b\":1,\"c\":[]},\"x.y\":2}},"
     "{\"_id\":\"2\",\"_source\":{}}]}}"},
    {"hits.total,took", search,
     "{\"took\":3,\"hits\":{\"total\":{\"value\":2,\"relation\":\"eq\"}}}"},
    {"-*.hits,-_shards", search,
     "{\"took\":3,\"hits\":{\"total\":{\"value\":2,\"relation\":\"eq\"},\"max_score\":null},\"e\":{"
     "},"
     "\"l\":[]}"},
    {"-hits.*,-*.total,-e", search, "{\"took\":3,\"_shards\":{\"failed\":0},\"l\":[]}"},
    {"-*.shards", "{\"a\":{\"shards\":1},\"b\":{\"shards\":1,\"c\":2}}", "{\"b\":{\"c\":2}}"},
    {"**._id", search, "{\"hits\":{\"hits\":[{\"_id\":\"1\"},{\"_id\":\"2\"}]}}"},
    {"hits.**.b", search, "{\"hits\":{\"hits\":[{\"_source\":{\"a\":{\"b\":1}}}]}}"},
    {"hits.**", search,
     "{\"hits\":{\"total\":{\"value\":2,\"relation\":\"eq\"},\"max_score\":null,\"hits\":[{\"_"
     "index\":"
     "\"i\",\"_id\":\"1\",\"_source\":{\"a\":{\"b\":1,\"c\":[]},\"x.y\":2}},{\"_index\":\"i\",\"_"
     "id\":"
     "\"2\",\"_source\":{}}]}}"},
    {"hits.hits._source.x\\.y", search, "{\"hits\":{\"hits\":[{\"_source\":{\"x.y\":2}}]}}"},
    {"hits.hits.*,-hits.hits._source", search,
     "{\"hits\":{\"hits\":[{\"_index\":\"i\",\"_id\":\"1\"},{\"_index\":\"i\",\"_id\":\"2\"}]}}"},
    {"hits.hits._source,-**.b", search,
     "{\"hits\":{\"hits\":[{\"_source\":{\"a\":{\"c\":[]},\"x.y\":2}},{\"_source\":{}}]}}"},
    {"t*k", search, "{\"took\":3}"},
    {"nothing", search, "{}"},
    {"took.deeper", search, "{}"},
    {" took , ", search, "{\"took\":3}"},
    {"a.b", "[{\"a\":{\"b\":1,\"c\":2}},{\"a\":3},5]", "[{\"a\":{\"b\":1}}]"},
    {"*.a", "{\"x\":[[{\"a\":1},{\"b\":2}],[{\"b\":3}]]}", "{\"x\":[[{\"a\":1}]]}"},
};

static void write_filtered(const char *json, const struct qn_json_filter *f, struct qn_buf *out,
                           bool raw)
{
    struct qn_json_tape t;
    struct qn_jw w;
    qn_json_tape_init(&t, NULL);
    assert_ok(qn_json_read_copy(&t, qn_str_of(json), NULL));
    qn_buf_init(out, SIZE_MAX);
    qn_jw_init(&w, out, &(struct qn_jw_options){.filter = f});
    if (raw)
        qn_jw_raw(&w, qn_str_of(json));
    else
        qn_jw_value(&w, qn_json_root(&t));
    assert_ok(qn_jw_finish(&w));
    qn_json_tape_release(&t);
}

static void test_filter_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * QN_COUNT_OF(paths); i++) {
        size_t k = i / 2;
        struct qn_json_filter *f;
        struct qn_buf out;
        assert_ok(qn_json_filter_paths(&f, qn_str_of(paths[k].filter), NULL));
        write_filtered(paths[k].json, f, &out, i % 2 == 1);
        if (!qn_str_is(qn_buf_str(&out), paths[k].want))
            fail_msg("%s: %.*s", paths[k].filter, QN_STR_ARG(qn_buf_str(&out)));
        qn_buf_release(&out);
        qn_json_filter_free(f);
    }
}

/* A raw value below a path that is only partly kept is cut, not spliced. */
static void test_filter_raw_inside(void **state)
{
    (void)state;
    struct qn_json_filter *f;
    struct qn_buf out;
    struct qn_jw w;
    assert_ok(qn_json_filter_paths(&f, QN_STR("hits._source.a,took"), NULL));
    qn_buf_init(&out, SIZE_MAX);
    qn_jw_init(&w, &out, &(struct qn_jw_options){.filter = f});
    qn_jw_obj(&w);
    qn_jw_key(&w, "hits");
    qn_jw_arr(&w);
    qn_jw_obj(&w);
    qn_jw_kv_z(&w, "_id", "1");
    qn_jw_key(&w, "_source");
    assert_false(qn_jw_dropping(&w));
    qn_jw_raw(&w, QN_STR("{\"b\":2,\"a\":1}"));
    qn_jw_key(&w, "sort");
    assert_true(qn_jw_dropping(&w));
    qn_jw_arr(&w);
    qn_jw_u64(&w, 1);
    qn_jw_end(&w);
    qn_jw_end(&w);
    qn_jw_end(&w);
    qn_jw_kv_u64(&w, "took", 1);
    qn_jw_end(&w);
    assert_ok(qn_jw_finish(&w));
    assert_str(qn_buf_str(&out), "{\"hits\":[{\"_source\":{\"a\":1}}],\"took\":1}");
    qn_buf_release(&out);
    qn_json_filter_free(f);
}

static const char doc[] =
    "{\"user\":{\"id\":1,\"name\":\"n\",\"tags\":[\"a\",\"b\"]},\"list\":[{\"a\":1,"
    "\"b\":2},{\"b\":3}],\"msg\":\"m\",\"k8s.pod\":\"p\",\"e\":{}}";

static const struct {
    const char *in[3], *ex[3], *want;
} sources[] = {
    {{"user"}, {NULL}, "{\"user\":{\"id\":1,\"name\":\"n\",\"tags\":[\"a\",\"b\"]}}"},
    {{"user.*"}, {NULL}, "{\"user\":{\"id\":1,\"name\":\"n\",\"tags\":[\"a\",\"b\"]}}"},
    {{"user.id", "msg"}, {NULL}, "{\"user\":{\"id\":1},\"msg\":\"m\"}"},
    {{"*.id"}, {NULL}, "{\"user\":{\"id\":1}}"},
    {{"u*d"}, {NULL}, "{\"user\":{\"id\":1}}"}, /* the star crosses the dot */
    {{"list.a"}, {NULL}, "{\"list\":[{\"a\":1}]}"},
    {{"k8s.pod"}, {NULL}, "{\"k8s.pod\":\"p\"}"},
    {{NULL}, {"user", "list", "k8s*"}, "{\"msg\":\"m\",\"e\":{}}"},
    {{"user"}, {"*.name"}, "{\"user\":{\"id\":1,\"tags\":[\"a\",\"b\"]}}"},
    {{"user", "e"}, {"user.*"}, "{\"user\":{},\"e\":{}}"},
    {{"*"},
     {"*.b", "user.*", "msg"},
     "{\"user\":{},\"list\":[{\"a\":1}],\"k8s.pod\":\"p\",\"e\":{}}"},
    {{"nope"}, {NULL}, "{}"},
};

static void test_filter_source(void **state)
{
    (void)state;
    for (size_t i = 0; i < QN_COUNT_OF(sources); i++) {
        struct qn_str in[3], ex[3];
        size_t n_in = 0, n_ex = 0;
        for (size_t k = 0; k < 3; k++) {
            if (sources[i].in[k] != NULL)
                in[n_in++] = qn_str_of(sources[i].in[k]);
            if (sources[i].ex[k] != NULL)
                ex[n_ex++] = qn_str_of(sources[i].ex[k]);
        }
        struct qn_json_filter *f;
        struct qn_buf out;
        assert_ok(qn_json_filter_source(&f, in, n_in, ex, n_ex, NULL));
        write_filtered(doc, f, &out, false);
        if (!qn_str_is(qn_buf_str(&out), sources[i].want))
            fail_msg("row %zu: %.*s", i, QN_STR_ARG(qn_buf_str(&out)));
        qn_buf_release(&out);
        qn_json_filter_free(f);
    }
    struct qn_json_filter *f;
    assert_ok(qn_json_filter_source(&f, NULL, 0, NULL, 0, NULL));
    assert_null(f);
}

static void test_filter_limit(void **state)
{
    (void)state;
    struct qn_buf list;
    struct qn_json_filter *f;
    struct qn_err err = {0};
    qn_buf_init(&list, SIZE_MAX);
    for (int i = 0; i < QN_JSON_FILTER_STEPS / 2; i++)
        qn_buf_printf(&list, "%sa%d.b", i ? "," : "", i);
    assert_ok(qn_json_filter_paths(&f, qn_buf_str(&list), &err));
    qn_json_filter_free(f);
    qn_buf_put_z(&list, ",c");
    assert_int_equal(qn_json_filter_paths(&f, qn_buf_str(&list), &err), QN_E_TOO_LARGE);
    assert_null(f);
    qn_buf_release(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),       cmocka_unit_test(test_escaping),
        cmocka_unit_test(test_scalars),       cmocka_unit_test(test_raw_pretty),
        cmocka_unit_test(test_flush),         cmocka_unit_test(test_filter_paths),
        cmocka_unit_test(test_filter_source), cmocka_unit_test(test_filter_raw_inside),
        cmocka_unit_test(test_filter_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
