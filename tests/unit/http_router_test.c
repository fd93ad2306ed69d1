#include "test.h"

#include "http/request.h"
#include "http/router.h"

static int nothing(struct qn_request *rq)
{
    (void)rq;
    return 0;
}

static const struct qn_param search_params[] = {
    {"query", QN_PARAM_STR, QN_PARAM_REQUIRED},
    {"max_hits", QN_PARAM_U64, .def = "20"},
    {"offset", QN_PARAM_I64, .def = "-1"},
    {"ratio", QN_PARAM_F64},
    {"count_all", QN_PARAM_BOOL, .def = "true"},
    {"mode", QN_PARAM_ENUM, .choices = "fast|slow", .def = "fast"},
    {"wait", QN_PARAM_DURATION, .def = "30s"},
    {"size", QN_PARAM_SIZE, .def = "1KiB"},
    {"tag", QN_PARAM_LIST, QN_PARAM_REPEATED},
    {"old", QN_PARAM_IGNORED},
    {0},
};
static const struct qn_param elastic_params[] = {
    {"size", QN_PARAM_U64, .def = "10"},
    {"ratio", QN_PARAM_F64},
    {"keep", QN_PARAM_DURATION},
    {"buffer", QN_PARAM_SIZE},
    {"mode", QN_PARAM_ENUM, .choices = "a|b"},
    {"quiet", QN_PARAM_BOOL},
    {0},
};

static const struct qn_route native_routes[] = {
    {QN_GET | QN_POST, "/{index}/search", nothing, search_params},
    {QN_GET, "/indexes", nothing},
    {QN_GET, "/indexes/{index}", nothing},
    {QN_DELETE, "/{index}/{what}", nothing},
};
static const struct qn_route elastic_routes[] = {
    {QN_GET, "/", nothing},
    {QN_GET | QN_POST, "/_search", nothing, elastic_params},
    {QN_GET | QN_POST, "/{index}/_search", nothing, elastic_params},
    {QN_PUT, "/{index}", nothing},
    {QN_GET, "/{index}/_doc/{id}", nothing},
    {QN_PUT | QN_POST, "/_bulk", nothing},
};
static const struct qn_route ui_routes[] = {
    {QN_GET, "/ui/{path*}", nothing},
    {QN_GET, "/ui/special", nothing},
};
static const struct qn_route_table native = {"native", QN_DIALECT_NATIVE, native_routes,
                                             QN_COUNT_OF(native_routes)};
static const struct qn_route_table elastic = {"elastic", QN_DIALECT_ELASTIC, elastic_routes,
                                              QN_COUNT_OF(elastic_routes)};
static const struct qn_route_table ui = {"ui", QN_DIALECT_OPS, ui_routes, QN_COUNT_OF(ui_routes)};

static struct qn_router *make_router(void)
{
    struct qn_router *rt = qn_router_new();
    assert_ok(qn_router_mount(rt, &elastic, "", NULL, NULL));
    assert_ok(qn_router_mount(rt, &ui, "", NULL, NULL));
    assert_ok(qn_router_mount(rt, &native, "/api/v1", NULL, NULL));
    assert_ok(qn_router_mount(rt, &elastic, "/api/v1/_elastic", NULL, NULL));
    qn_router_freeze(rt);
    return rt;
}

/* "pattern name=value ..." of the match, or "-dialect allowed". */
static void describe(const struct qn_match *m, struct qn_buf *out)
{
    qn_buf_clear(out);
    if (m->mounted == NULL) {
        qn_buf_printf(out, "-%d %u", (int)m->dialect, m->allowed);
        return;
    }
    qn_buf_put_str(out, m->mounted->pattern);
    for (size_t i = 0; i < m->n_values; i++)
        qn_buf_printf(out, " %.*s=%.*s", QN_STR_ARG(m->names[i]), QN_STR_ARG(m->values[i]));
}

static void matching(void **state)
{
    (void)state;
    static const struct {
        enum qn_method method;
        const char *target, *want;
    } rows[] = {
        {QN_GET, "/", "/"},
        {QN_HEAD, "/", "/"},
        {QN_GET, "/api/v1/_elastic", "/api/v1/_elastic/"},
        {QN_GET, "/api/v1/_elastic/", "/api/v1/_elastic/"},
        {QN_GET, "//api//v1/_elastic//", "/api/v1/_elastic/"},
        {QN_GET, "/_search", "/_search"},
        {QN_GET, "/logs/_search", "/{index}/_search index=logs"},
        {QN_GET, "/logs//_search/", "/{index}/_search index=logs"},
        {QN_GET, "/_all/_search", "/{index}/_search index=_all"},
        {QN_GET, "/api/v1/_elastic/a%2Cb/_search", "/api/v1/_elastic/{index}/_search index=a,b"},
        {QN_GET, "/logs/_doc/a%2Fb", "/{index}/_doc/{id} index=logs id=a/b"},
        /* what starts with '_' is an API, known or not, never an index */
        {QN_PUT, "/_nope", "-1 0"},
        {QN_GET, "/_nope/_search", "-1 0"},
        {QN_PUT, "/api/v1/_elastic/_nope", "-1 0"},
        {QN_PUT, "/nope", "/{index} index=nope"},
        /* methods: the literal row lacks it, the wildcard one has it */
        {QN_DELETE, "/api/v1/indexes/x", "/api/v1/{index}/{what} index=indexes what=x"},
        {QN_GET, "/api/v1/indexes/x", "/api/v1/indexes/{index} index=x"},
        {QN_GET, "/api/v1/indexes/search", "/api/v1/indexes/{index} index=search"},
        {QN_POST, "/api/v1/indexes/search", "/api/v1/{index}/search index=indexes"},
        {QN_PATCH, "/api/v1/indexes", "-0 1"},
        {QN_PUT, "/logs/_search", "-1 5"},
        {QN_PUT, "/api/v1/logs/search", "-0 21"},
        {0, "/_bulk", "-1 12"},
        {QN_OPTIONS, "/_bulk", "-1 12"},
        /* the longest prefix owns its paths */
        {QN_GET, "/api/v1/nope", "-0 0"},
        {QN_GET, "/api/v1/_elastic/nope/nope/nope", "-1 0"},
        {QN_GET, "/api/v2/_search", "-1 0"},
        {QN_PUT, "/api", "/{index} index=api"},
        /* the rest of the path, raw */
        {QN_GET, "/ui", "/ui/{path*} path="},
        {QN_GET, "/ui/", "/ui/{path*} path="},
        {QN_GET, "/ui/a%2Fb/c.js", "/ui/{path*} path=a%2Fb/c.js"},
        {QN_GET, "/ui/special", "/ui/special"},
    };
    struct qn_router *rt = make_router();
    struct qn_buf got;
    qn_buf_init(&got, SIZE_MAX);
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_arena ar;
        struct qn_target tg;
        struct qn_match m;
        qn_arena_init(&ar, NULL);
        assert_ok(qn_target_parse(&tg, qn_str_of(rows[i].target), &ar, NULL));
        qn_router_match(rt, rows[i].method, &tg, &m);
        describe(&m, &got);
        if (!qn_str_is(qn_buf_str(&got), rows[i].want))
            fail_msg("%s %s: got %.*s, want %s", qn_method_name(rows[i].method), rows[i].target,
                     QN_STR_ARG(qn_buf_str(&got)), rows[i].want);
        qn_arena_release(&ar);
    }
    qn_buf_release(&got);
    qn_router_free(rt);
}

static void iterating(void **state)
{
    (void)state;
    struct qn_router *rt = make_router();
    size_t n = 0;
    for (const struct qn_mounted *m = NULL; (m = qn_router_next(rt, m)) != NULL; n++)
        assert_int_equal(m->index, n);
    assert_int_equal(n, 6 + 2 + 4 + 6);
    assert_int_equal(n, qn_router_count(rt));
    qn_router_free(rt);
}

static void malformed_rows(void **state)
{
    (void)state;
    static const struct qn_param bad_default[] = {{"n", QN_PARAM_U64, .def = "x"}, {0}};
    static const struct qn_param no_choices[] = {{"n", QN_PARAM_ENUM}, {0}};
    static const struct {
        struct qn_route route;
        int rc;
    } rows[] = {
        {{QN_GET, "/a{b}", nothing}, QN_E_INVALID},
        {{QN_GET, "/{}", nothing}, QN_E_INVALID},
        {{QN_GET, "/{*}", nothing}, QN_E_INVALID},
        {{QN_GET, "/{a*}/b", nothing}, QN_E_INVALID},
        {{0, "/a", nothing}, QN_E_INVALID},
        {{QN_GET, "/a", NULL}, QN_E_INVALID},
        {{QN_POST, "/a", nothing, .body = QN_BODY_STREAM}, QN_E_INVALID},
        {{QN_POST, "/a", nothing, bad_default}, QN_E_INVALID},
        {{QN_POST, "/a", nothing, no_choices}, QN_E_INVALID},
        {{QN_GET, "/indexes", nothing}, QN_E_EXISTS},
        {{QN_GET, "/{other}/search", nothing}, QN_E_EXISTS},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_router *rt = qn_router_new();
        struct qn_err err = {0};
        struct qn_route_table one = {"one", QN_DIALECT_NATIVE, &rows[i].route, 1};
        assert_ok(qn_router_mount(rt, &native, "", NULL, NULL));
        int rc = qn_router_mount(rt, &one, "", NULL, &err);
        if (rc != rows[i].rc)
            fail_msg("row %zu: %d %s", i, rc, err.msg);
        assert_true(err.msg[0] != '\0');
        qn_router_free(rt);
    }
}

/* Reads the parameters of a target; the error's message goes to msg. */
static int read_params(struct qn_params *ps, const char *target, bool strict, struct qn_arena *ar,
                       struct qn_router *rt, struct qn_err *err)
{
    struct qn_target *tg = qn_arena_new(ar, struct qn_target);
    struct qn_match m;
    assert_ok(qn_target_parse(tg, qn_str_of(target), ar, err));
    qn_router_match(rt, QN_GET, tg, &m);
    assert_non_null(m.mounted);
    return qn_params_read(ps, m.mounted, tg, strict, ar, err);
}

static void typed_params(void **state)
{
    (void)state;
    struct qn_router *rt = make_router();
    struct qn_arena ar;
    struct qn_params ps;
    qn_arena_init(&ar, NULL);
    assert_ok(read_params(&ps, "/api/v1/x/search?query=a", true, &ar, rt, NULL));
    assert_str(qn_params_get(&ps, "query")->str, "a");
    assert_true(qn_params_get(&ps, "query")->given);
    assert_int_equal(qn_params_get(&ps, "max_hits")->u64, 20);
    assert_false(qn_params_get(&ps, "max_hits")->given);
    assert_int_equal(qn_params_get(&ps, "offset")->i64, -1);
    assert_true(qn_params_get(&ps, "count_all")->flag);
    assert_str(qn_params_get(&ps, "mode")->str, "fast");
    assert_int_equal(qn_params_get(&ps, "wait")->u64, 30000000);
    assert_int_equal(qn_params_get(&ps, "size")->u64, 1024);
    assert_null(qn_params_get(&ps, "ratio")->str.p);
    assert_null(qn_params_get(&ps, "format")->str.p);

    assert_ok(read_params(&ps,
                          "/api/v1/x/search?query=&max_hits=7&offset=-3&ratio=0.5&count_all=false"
                          "&mode=slow&wait=-1&size=2MB&tag=a,b&tag=c&old=whatever&format=json",
                          true, &ar, rt, NULL));
    assert_int_equal(qn_params_get(&ps, "query")->str.n, 0);
    assert_non_null(qn_params_get(&ps, "query")->str.p);
    assert_int_equal(qn_params_get(&ps, "max_hits")->u64, 7);
    assert_int_equal(qn_params_get(&ps, "offset")->i64, -3);
    assert_true(qn_params_get(&ps, "ratio")->f64 == 0.5);
    assert_false(qn_params_get(&ps, "count_all")->flag);
    assert_str(qn_params_get(&ps, "mode")->str, "slow");
    assert_true(qn_params_get(&ps, "wait")->u64 == UINT64_MAX);
    assert_int_equal(qn_params_get(&ps, "size")->u64, 2000000);
    assert_str(qn_params_get(&ps, "tag")->str, "c");
    assert_str(qn_params_get(&ps, "format")->str, "json");

    /* bare and empty flags mean yes; of several the last counts in the elastic dialect */
    assert_ok(read_params(&ps, "/_search?pretty&human=&quiet&size=1&size=2", true, &ar, rt, NULL));
    assert_true(qn_params_get(&ps, "pretty")->flag);
    assert_true(qn_params_get(&ps, "human")->flag);
    assert_true(qn_params_get(&ps, "quiet")->flag);
    assert_int_equal(qn_params_get(&ps, "size")->u64, 2);
    /* without arguments nothing is allocated */
    assert_ok(read_params(&ps, "/_search", true, &ar, rt, NULL));
    assert_int_equal(qn_params_get(&ps, "size")->u64, 10);
    assert_false(qn_params_get(&ps, "pretty")->flag);
    qn_arena_release(&ar);
    qn_router_free(rt);
}

static void refused_params(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        int rc;
        const char *msg;
    } rows[] = {
        {"/api/v1/x/search", QN_E_MISSING, "Invalid query string: missing field `query`"},
        {"/api/v1/x/search?query=a&max_hitz=1", QN_E_UNKNOWN_KEY,
         "Invalid query string: unknown field `max_hitz`, did you mean `max_hits`?"},
        {"/api/v1/x/search?query=a&zzzzzzzz=1", QN_E_UNKNOWN_KEY,
         "Invalid query string: unknown field `zzzzzzzz`"},
        {"/api/v1/x/search?query=a&query=b", QN_E_INVALID,
         "Invalid query string: duplicate field `query`"},
        {"/api/v1/x/search?query=a&max_hits=ten", QN_E_PARSE,
         "Invalid query string: parameter `max_hits`: expected a non-negative integer, found "
         "\"ten\""},
        {"/api/v1/x/search?query=a&count_all=yes", QN_E_TYPE,
         "Invalid query string: parameter `count_all`: expected true or false, found \"yes\""},
        {"/api/v1/x/search?query=a&mode=quick", QN_E_INVALID,
         "Invalid query string: parameter `mode`: expected one of fast|slow, found \"quick\""},
        {"/api/v1/indexes?pritty", QN_E_UNKNOWN_KEY,
         "Invalid query string: unknown field `pritty`, did you mean `pretty`?"},
        {"/logs/_search?sizee=1", QN_E_UNKNOWN_KEY,
         "request [/logs/_search] contains unrecognized parameter: [sizee] -> did you mean "
         "[size]?"},
        {"/_search?size=x", QN_E_PARSE, "Failed to parse int parameter [size] with value [x]"},
        {"/_search?ratio=x", QN_E_PARSE, "Failed to parse float parameter [ratio] with value [x]"},
        {"/_search?pretty=maybe", QN_E_TYPE,
         "Failed to parse value [maybe] of parameter [pretty] as only [true] or [false] are "
         "allowed."},
        {"/_search?keep=5", 0, "as a time value: unit is missing or unrecognized"},
        {"/_search?buffer=5q", 0, "as a size in bytes: unit is missing or unrecognized"},
        {"/_search?mode=c", QN_E_INVALID,
         "parameter [mode] has the illegal value [c], expected one of [a|b]"},
    };
    struct qn_router *rt = make_router();
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_arena ar;
        struct qn_params ps;
        struct qn_err err = {0};
        qn_arena_init(&ar, NULL);
        int rc = read_params(&ps, rows[i].target, true, &ar, rt, &err);
        if (rc >= 0 || (rows[i].rc != 0 && rc != rows[i].rc))
            fail_msg("%s: rc %d (%s)", rows[i].target, rc, err.msg);
        if (strstr(err.msg, rows[i].msg) == NULL ||
            (rows[i].rc != 0 && strcmp(err.msg, rows[i].msg)))
            fail_msg("%s: %s", rows[i].target, err.msg);
        qn_arena_release(&ar);
    }
    qn_router_free(rt);
}

static void lenient(void **state)
{
    (void)state;
    struct qn_router *rt = make_router();
    struct qn_arena ar;
    struct qn_params ps;
    qn_arena_init(&ar, NULL);
    assert_ok(read_params(&ps, "/_search?sizee=1", false, &ar, rt, NULL));
    assert_int_equal(read_params(&ps, "/api/v1/indexes?zzz", false, &ar, rt, NULL),
                     QN_E_UNKNOWN_KEY);
    assert_ok(read_params(&ps, "/ui/x?zzz", true, &ar, rt, NULL));
    qn_arena_release(&ar);
    qn_router_free(rt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matching),       cmocka_unit_test(iterating),
        cmocka_unit_test(malformed_rows), cmocka_unit_test(typed_params),
        cmocka_unit_test(refused_params), cmocka_unit_test(lenient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
