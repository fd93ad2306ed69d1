#include "test.h"

#include "coding_int.h"
#include "http/error.h"
#include "http/media.h"

static void media_types(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        enum qn_media_kind kind;
        bool vendor;
        int compatible;
    } rows[] = {
        {"", QN_MEDIA_NONE, false, 0},
        {"  ", QN_MEDIA_NONE, false, 0},
        {"application/json", QN_MEDIA_JSON, false, 0},
        {" Application/JSON ; charset=utf-8", QN_MEDIA_JSON, false, 0},
        {"application/vnd.elasticsearch+json;compatible-with=8", QN_MEDIA_JSON, true, 8},
        {"application/vnd.elasticsearch+json ; Compatible-With = 9", QN_MEDIA_JSON, true, 9},
        {"application/vnd.elasticsearch+json; compatible-with=70", QN_MEDIA_JSON, true, 0},
        {"application/vnd.elasticsearch+x-ndjson; compatible-with=7", QN_MEDIA_NDJSON, true, 7},
        {"application/x-ndjson", QN_MEDIA_NDJSON, false, 0},
        {"application/x-www-form-urlencoded", QN_MEDIA_FORM, false, 0},
        {"multipart/form-data; boundary=x", QN_MEDIA_FORM, false, 0},
        {"text/plain", QN_MEDIA_TEXT, false, 0},
        {"text/yaml", QN_MEDIA_YAML, false, 0},
        {"application/toml", QN_MEDIA_TOML, false, 0},
        {"application/x-protobuf", QN_MEDIA_PROTOBUF, false, 0},
        {"image/png", QN_MEDIA_OTHER, false, 0},
        {"nonsense", QN_MEDIA_OTHER, false, 0},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_media md = qn_media_parse(qn_str_of(rows[i].header));
        if (md.kind != rows[i].kind || md.vendor != rows[i].vendor ||
            md.compatible != rows[i].compatible)
            fail_msg("%s: %d %d %d", rows[i].header, (int)md.kind, md.vendor, md.compatible);
    }
}

static void negotiation(void **state)
{
    (void)state;
    static const struct {
        const char *accept, *type;
    } rows[] = {
        {"", "application/json"},
        {"*/*", "application/json"},
        {"application/json", "application/json"},
        {"application/vnd.elasticsearch+json;compatible-with=7",
         "application/vnd.elasticsearch+json;compatible-with=7"},
        {"application/vnd.elasticsearch+json; compatible-with=9",
         "application/vnd.elasticsearch+json;compatible-with=9"},
        {"application/vnd.elasticsearch+json; compatible-with=8,text/plain", "application/json"},
        {"application/vnd.elasticsearch+json; compatible-with=3", "application/json"},
        {"application/vnd.elasticsearch+json", "application/json"},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++)
        assert_string_equal(qn_media_negotiate(qn_str_of(rows[i].accept)), rows[i].type);
}

static void qualities(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        int gzip, zstd;
    } rows[] = {
        {"", 0, 0},
        {"gzip", 1000, 0},
        {"gzip, deflate, br, zstd", 1000, 1000},
        {"GZIP;q=0.5 , zstd;q=1", 500, 1000},
        {"gzip;q=0", 0, 0},
        {"gzip;q=0.001", 1, 0},
        {"*", 1000, 1000},
        {"*;q=0.2, gzip;q=0", 0, 200},
        {"gzip;q=1.5", 1000, 0},
        {"gzip;q=abc", 0, 0},
        {"gzip;x=1;q=0.25", 250, 0},
        {"gzippy", 0, 0},
        {",,,;;q=,", 0, 0},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_str h = qn_str_of(rows[i].header);
        if (qn_accept_quality(h, "gzip") != rows[i].gzip ||
            qn_accept_quality(h, "zstd") != rows[i].zstd)
            fail_msg("%s: %d %d", rows[i].header, qn_accept_quality(h, "gzip"),
                     qn_accept_quality(h, "zstd"));
    }
}

static void statuses(void **state)
{
    (void)state;
    static const struct {
        int code, status;
    } rows[] = {
        {QN_E_INVALID, 400},     {QN_E_PARSE, 400},       {QN_E_UNKNOWN_KEY, 400},
        {QN_E_NOT_FOUND, 404},   {QN_E_EXISTS, 400},      {QN_E_CONFLICT, 409},
        {QN_E_TOO_LARGE, 413},   {QN_E_BUDGET, 429},      {QN_E_BUSY, 429},
        {QN_E_CANCELLED, 503},   {QN_E_TIMEOUT, 408},     {QN_E_SHUTDOWN, 503},
        {QN_E_CORRUPT, 500},     {QN_E_IO, 503},          {QN_E_NO_SPACE, 429},
        {QN_E_ACCESS, 403},      {QN_E_UNAVAILABLE, 503}, {QN_E_BUG, 500},
        {QN_E_UNSUPPORTED, 501},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++)
        assert_int_equal(qn_http_status(rows[i].code), rows[i].status);
#define XX(name, code, class, text) assert_non_null(qn_elastic_type(code));
    QN_ERR_MAP(XX)
#undef XX
}

static void problems(void **state)
{
    (void)state;
    struct qn_err err = {0};
    struct qn_problem pb;
    struct qn_buf out;
    qn_buf_init(&out, SIZE_MAX);
    qn_fail(&err, QN_E_INVALID, "a \"quoted\"\nline");
    qn_problem_of(&pb, &err, QN_E_INVALID);
    qn_problem_render(&pb, QN_DIALECT_NATIVE, &out);
    assert_str(qn_buf_str(&out), "{\"message\":\"a \\\"quoted\\\"\\nline\"}");
    qn_buf_clear(&out);
    qn_problem_render(&pb, QN_DIALECT_ELASTIC, &out);
    assert_str(qn_buf_str(&out),
               "{\"error\":{\"root_cause\":[{\"type\":\"illegal_argument_exception\",\"reason\":"
               "\"a \\\"quoted\\\"\\nline\"}],\"type\":\"illegal_argument_exception\",\"reason\":"
               "\"a \\\"quoted\\\"\\nline\"},\"status\":400}");
    qn_buf_clear(&out);
    qn_problem_of(&pb, NULL, QN_E_NOT_FOUND);
    qn_problem_render(&pb, QN_DIALECT_OPS, &out);
    assert_str(qn_buf_str(&out), "{\"message\":\"not found\"}");
    qn_buf_release(&out);
}

/* Any split of the input, any size of the output, and the same bytes come out. */
static void coding_round_trips(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(7);
    for (int round = 0; round < 60; round++) {
        enum qn__coding coding = round & 1 ? CODING_GZIP : CODING_ZSTD;
        struct qn_buf plain, coded, back;
        struct qn__deflater def;
        struct qn__inflater inf;
        qn_buf_init(&plain, SIZE_MAX);
        qn_buf_init(&coded, SIZE_MAX);
        qn_buf_init(&back, SIZE_MAX);
        size_t n = qn_rng_below(&rng, 300000);
        for (size_t i = 0; i < n; i++)
            qn_buf_put_u8(&plain, (uint8_t)("abcdefgh"[qn_rng_below(&rng, 8)]));
        qn__deflater_init(&def, coding);
        struct qn_str rest = qn_buf_str(&plain);
        do { /* each piece is flushed: what was sent can be read */
            struct qn_str part = qn_str_first(rest, 1 + qn_rng_below(&rng, 100000));
            rest = qn_str_from(rest, part.n);
            qn__deflate(&def, part, rest.n == 0, &coded);
        } while (rest.n > 0);
        qn__deflater_release(&def);
        qn__inflater_init(&inf, coding);
        rest = qn_buf_str(&coded);
        size_t got = 0, cap = 1;
        while (rest.n > 0 || got == cap) {
            struct qn_str part = qn_str_first(rest, 1 + qn_rng_below(&rng, 5000)), left = part;
            cap = 1 + qn_rng_below(&rng, 70000);
            qn_buf_reserve(&back, cap);
            assert_ok(qn__inflate(&inf, &left, back.p + back.n, cap, &got));
            back.n += got;
            rest = qn_str_from(rest, part.n - left.n);
        }
        assert_ok(qn__inflater_end(&inf));
        qn__inflater_release(&inf);
        assert_int_equal(back.n, plain.n);
        if (plain.n > 0)
            assert_memory_equal(back.p, plain.p, plain.n);
        qn_buf_release(&plain);
        qn_buf_release(&coded);
        qn_buf_release(&back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(media_types), cmocka_unit_test(negotiation),
        cmocka_unit_test(qualities),   cmocka_unit_test(statuses),
        cmocka_unit_test(problems),    cmocka_unit_test(coding_round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
