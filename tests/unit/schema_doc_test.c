/* Documents through the walker: every type and option, both dialects, errors, growth; and a
 * property test that walks random documents in all the ways a walker can be used. */
#include "test.h"

#include "base/mem.h"
#include "base/time.h"
#include "schema/doc.h"
#include "simd/ops.h"
#include "json/dom.h"

static struct qn_mapping *mapping(const char *text, bool elastic)
{
    struct qn_json_tape t;
    struct qn_mapping *m;
    struct qn_err err = {0};
    qn_json_tape_init(&t, NULL);
    if (qn_json_read_copy(&t, qn_str_of(text), &err) < 0)
        fail_msg("%s: %s", text, err.msg);
    int rc = elastic ? qn_mapping_parse_elastic(&m, qn_json_root(&t), NULL, &err)
                     : qn_mapping_parse_quickwit(&m, qn_json_root(&t), &err);
    if (rc < 0)
        fail_msg("%s: %s", text, err.msg);
    qn_json_tape_release(&t);
    return m;
}

static void put_value(struct qn_buf *out, const struct qn_value *v)
{
    char text[QN_IP_MAX + 20];
    qn_buf_put_z(out, qn_value_type_name((enum qn_value_type)v->type));
    qn_buf_put_u8(out, ':');
    switch ((enum qn_value_type)v->type) {
    case QN_VALUE_STR:
        qn_buf_put_str(out, v->str);
        return;
    case QN_VALUE_BYTES:
        qn_hex_print(out, v->str);
        return;
    case QN_VALUE_I64:
        qn_buf_printf(out, "%lld", (long long)v->i64);
        return;
    case QN_VALUE_U64:
        qn_buf_printf(out, "%llu", (unsigned long long)v->u64);
        return;
    case QN_VALUE_F64:
        qn_buf_put(out, text, qn_f64_print(text, v->f64, QN_F64_SERDE));
        return;
    case QN_VALUE_BOOL:
        qn_buf_put_z(out, v->b ? "true" : "false");
        return;
    case QN_VALUE_DATE:
        qn_buf_put(out, text, qn_rfc3339_print(text, v->i64, 9));
        return;
    case QN_VALUE_IP:
        qn_buf_put(out, text, qn_ip_print(text, v->ip));
        return;
    case QN_VALUE_NONE:
        return;
    }
}

/* "field=type:value" or "field/path=type:value", one after the other. */
static void put_doc(struct qn_buf *out, const struct qn_doc_walker *dw, const struct qn_doc *doc)
{
    const struct qn_mapping *m = qn_doc_walker_mapping(dw);
    for (uint32_t i = 0; i < doc->n; i++) {
        const struct qn_doc_value *v = &doc->values[i];
        if (i > 0)
            qn_buf_put_u8(out, ' ');
        qn_buf_put_str(out, m->fields[v->field].path);
        if (v->path != QN_DOC_NO_PATH) {
            uint32_t field;
            qn_buf_put_u8(out, '/');
            qn_buf_put_str(out, qn_doc_walker_path(dw, v->path, &field));
            assert_int_equal(field, v->field);
        }
        qn_buf_put_u8(out, '=');
        put_value(out, &v->value);
    }
}

/* The tape of a text behind which there is padding. */
static struct qn_str padded(const char *text, char *buf, size_t size)
{
    size_t n = strlen(text);
    assert_true(n + QN_PAD < size);
    memset(buf, 0, size);
    memcpy(buf, text, n);
    return qn_str_make(buf, n);
}

struct doc_row {
    const char *doc, *want; /* want starts with '!': an error whose message holds the rest */
};

static void check_docs(const char *mapping_text, bool elastic, const struct doc_row *rows, size_t n)
{
    struct qn_mapping *m = mapping(mapping_text, elastic);
    struct qn_doc_walker *dw = qn_doc_walker_new(m, qn_simd_level(QN_SIMD_AVX2));
    char buf[2048];
    for (size_t i = 0; i < n; i++) {
        struct qn_doc doc;
        struct qn_err err = {0};
        struct qn_buf out;
        qn_buf_init(&out, SIZE_MAX);
        int rc = qn_doc_read(dw, padded(rows[i].doc, buf, sizeof buf), &doc, &err);
        bool bad = rows[i].want[0] == '!';
        if ((rc < 0) != bad)
            fail_msg("%s: %d %s", rows[i].doc, rc, err.msg);
        if (bad && strstr(err.msg, rows[i].want + 1) == NULL)
            fail_msg("%s: %s", rows[i].doc, err.msg);
        if (bad)
            assert_int_not_equal(qn_doc_walker_fault(dw)->kind, QN_DOC_FAULT_NONE);
        if (rc == 0) {
            put_doc(&out, dw, &doc);
            if (!qn_str_is(qn_buf_str(&out), rows[i].want))
                fail_msg("%s:\n got %.*s\nwant %s", rows[i].doc, QN_STR_ARG(qn_buf_str(&out)),
                         rows[i].want);
        }
        if (rc == QN_DOC_GROW && !qn_str_is(qn_doc_walker_delta(dw), rows[i].want))
            fail_msg("%s:\n got %.*s\nwant %s", rows[i].doc, QN_STR_ARG(qn_doc_walker_delta(dw)),
                     rows[i].want);
        qn_buf_release(&out);
    }
    qn_doc_walker_free(dw);
    qn_mapping_unref(m);
}

static void test_quickwit_types(void **state)
{
    (void)state;
    static const char m[] = "{\"mode\":\"strict\",\"field_mappings\":[{\"name\":\"t\",\"type\":"
                            "\"text\"},{\"name\":\"i\",\"type\":"
                            "\"i64\"},{\"name\":\"u\",\"type\":\"u64\"},{\"name\":\"f\",\"type\":"
                            "\"f64\"},{\"name\":\"b\",\"type\":"
                            "\"bool\"},{\"name\":\"d\",\"type\":\"datetime\"},{\"name\":\"ip\","
                            "\"type\":\"ip\"},{\"name\":\"y\","
                            "\"type\":\"bytes\"},{\"name\":\"h\",\"type\":\"bytes\",\"input_"
                            "format\":\"hex\"},{\"name\":\"s\","
                            "\"type\":\"u64\",\"coerce\":false},{\"name\":\"o\",\"type\":"
                            "\"object\",\"field_mappings\":[{"
                            "\"name\":\"x.y\",\"type\":\"i64\"}]}]}";
    static const struct doc_row rows[] = {
        {"{}", ""},
        {"{\"t\":\"a\\nb\"}", "t=str:a\nb"},
        {"{\"t\":null,\"i\":null,\"o\":null}", ""},
        {"{\"t\":1}", "!the field `t` could not be parsed: expected string, got `1`"},
        {"{\"t\":{}}", "!the field `t` could not be parsed: expected string, got `{}`"},
        {"{\"t\":[\"a\"]}",
         "!the document contains an array of values but a single value is expected: \"t\""},
        {"{\"t\":[]}", "!single value is expected: \"t\""},
        {"{\"i\":-5}", "i=i64:-5"},
        {"{\"i\":\"-5\"}", "i=i64:-5"},
        {"{\"i\":\"+5\"}", "i=i64:5"},
        {"{\"i\":1.5}", "!expected i64, got inconvertible JSON number `1.5`"},
        {"{\"i\":1.0}", "!expected i64, got inconvertible JSON number `1.0`"},
        {"{\"i\":9223372036854775808}", "!inconvertible JSON number `9223372036854775808`"},
        {"{\"i\":\"x\"}", "!failed to coerce JSON string `\"x\"` to i64"},
        {"{\"i\":\"\"}", "!failed to coerce JSON string `\"\"` to i64"},
        {"{\"i\":true}", "!expected JSON number or string, got `true`"},
        {"{\"u\":18446744073709551615}", "u=u64:18446744073709551615"},
        {"{\"u\":-1}", "!expected u64, got inconvertible JSON number `-1`"},
        {"{\"f\":1}", "f=f64:1.0"},
        {"{\"f\":\"1e3\"}", "f=f64:1000.0"},
        {"{\"f\":1e400}", "!inconvertible JSON number `1e400`"},
        {"{\"s\":\"5\"}", "!enable coercion to u64 with the `coerce` parameter"},
        {"{\"s\":5}", "s=u64:5"},
        {"{\"b\":true}", "b=bool:true"},
        {"{\"b\":\"true\"}", "!expected boolean, got `\"true\"`"},
        {"{\"d\":\"2012-05-21T12:09:14.5Z\"}", "d=date:2012-05-21T12:09:14.500000000Z"},
        {"{\"d\":1337602154}", "d=date:2012-05-21T12:09:14.000000000Z"},
        {"{\"d\":1337602154.25}", "d=date:2012-05-21T12:09:14.250000000Z"},
        {"{\"d\":\"1337602154\"}", "d=date:2012-05-21T12:09:14.000000000Z"},
        {"{\"d\":\"x\"}",
         "!failed to parse datetime `x` using the following formats: `rfc3339`, `unix_timestamp`"},
        {"{\"d\":3}", "!failed to parse unix timestamp `3`. Quickwit only supports"},
        {"{\"d\":true}", "!expected a float, integer, or string, got `true`"},
        {"{\"ip\":\"10.0.0.1\"}", "ip=ip:10.0.0.1"},
        {"{\"ip\":\"::1\"}", "ip=ip:::1"},
        {"{\"ip\":\"10.0.0\"}", "!failed to parse IP address `10.0.0`"},
        {"{\"y\":\"Zm9v\"}", "y=bytes:666f6f"},
        {"{\"y\":\"\"}", "y=bytes:"},
        {"{\"y\":\"Zm9\"}", "!expected base64 string, got `\"Zm9\"`"},
        {"{\"h\":\"666F6f\"}", "h=bytes:666f6f"},
        {"{\"h\":5}", "!expected hex string, got `5`"},
        {"{\"o\":{\"x.y\":1}}", "o.x\\.y=i64:1"},
        {"{\"o\":5}", "!the field `o` could not be parsed: expected an JSON object, got 5"},
        {"{\"o\":[{\"x.y\":1}]}", "!expected an JSON object, got [{"},
        {"{\"o\":{\"x\":{\"y\":1}}}",
         "!the document contains a field that is not declared in the schema: \"o.x\""},
        {"{\"zz\":null}", "!not declared in the schema: \"zz\""},
        {"{\"i\":1,\"i\":2}", "i=i64:1 i=i64:2"},
        {"[]", "!the document is not a JSON object"},
        {"7", "!the document is not a JSON object"},
        {"{\"i\":", "!not a syntactically valid JSON object: unexpected end"},
    };
    check_docs(m, false, rows, QN_COUNT_OF(rows));
}

static void test_quickwit_arrays(void **state)
{
    (void)state;
    static const char m[] = "{\"mode\":\"lenient\",\"field_mappings\":[{\"name\":\"t\",\"type\":"
                            "\"array<text>\"},{\"name\":\"d\","
                            "\"type\":\"array<datetime>\",\"input_formats\":[\"%Y\"]},{\"name\":"
                            "\"j\",\"type\":\"array<json>\"},"
                            "{\"name\":\"k\",\"type\":\"json\",\"expand_dots\":false}]}";
    static const struct doc_row rows[] = {
        {"{\"t\":\"a\"}", "t=str:a"},
        {"{\"t\":[\"a\",null,\"b\"]}", "t=str:a t=str:b"},
        {"{\"t\":[]}", ""},
        {"{\"t\":[\"a\",1]}", "!expected string, got `1`"},
        {"{\"t\":[[\"a\"]]}", "!expected string, got `[\"a\"]`"},
        {"{\"d\":[\"2012\",\"2013\"]}",
         "d=date:2012-01-01T00:00:00.000000000Z d=date:2013-01-01T00:00:00.000000000Z"},
        {"{\"j\":[{\"a\":1},{\"a\":2}]}", "j/a=i64:1 j/a=i64:2"},
        {"{\"j\":5}", "!expected object"},
        {"{\"j\":{\"a.b\":[1,[\"x\",{\"c\":true}]]}}", "j/a.b=i64:1 j/a.b=str:x j/a.b.c=bool:true"},
        {"{\"k\":{\"a.b\":{\"c\":1}}}", "k/a\\.b.c=i64:1"},
        {"{\"k\":[{}]}", "!single value is expected: \"k\""},
        {"{\"unknown\":{\"x\":1},\"u2\":[1]}", ""},
    };
    check_docs(m, false, rows, QN_COUNT_OF(rows));
}

static void test_dynamic(void **state)
{
    (void)state;
    static const char m[] =
        "{\"store_document_size\":true,\"field_mappings\":[{\"name\":\"o\",\"type\":\"object\","
        "\"field_mappings\":[{\"name\":\"a\",\"type\":\"i64\"}]}]}";
    static const struct doc_row rows[] = {
        {"{}", "_doc_length=u64:2"},
        {"{\"x\":1,\"o\":{\"a\":2,\"b\":{\"c\":\"s\"}}}",
         "_dynamic/x=i64:1 o.a=i64:2 _dynamic/o.b.c=str:s _doc_length=u64:33"},
        {"{\"k8s.pod\":\"p\",\"k8s\":{\"node\":\"n\"}}",
         "_dynamic/k8s.pod=str:p _dynamic/k8s.node=str:n _doc_length=u64:34"},
        {"{\"x\":[1,9223372036854775808,1.5,\"s\",true,null,[-1]]}",
         "_dynamic/x=i64:1 _dynamic/x=u64:9223372036854775808 _dynamic/x=f64:1.5 _dynamic/x=str:s "
         "_dynamic/x=bool:true _dynamic/x=i64:-1 _doc_length=u64:52"},
        {"{\"d\":\"2012-05-21T12:09:14Z\",\"e\":\"2012-05-21 12:09:14Z\",\"f\":\"2012-05-21\"}",
         "_dynamic/d=date:2012-05-21T12:09:14.000000000Z _dynamic/e=str:2012-05-21 12:09:14Z "
         "_dynamic/f=str:2012-05-21 _doc_length=u64:72"},
        {"{\"_dynamic\":1,\"_doc_length\":2,\"\":3}",
         "_dynamic/_dynamic=i64:1 _dynamic/_doc_length=i64:2 _dynamic/=i64:3 _doc_length=u64:35"},
        {"{\"n\":1e400}", "!the field `n` could not be parsed: number out of range: `1e400`"},
    };
    check_docs(m, false, rows, QN_COUNT_OF(rows));
}

static void test_concatenate(void **state)
{
    (void)state;
    static const char m[] = "{\"field_mappings\":[{\"name\":\"all\",\"type\":\"concatenate\","
                            "\"concatenate_fields\":[\"t\",\"u\","
                            "\"b\",\"j\"],\"include_dynamic_fields\":true},{\"name\":\"t\","
                            "\"type\":\"array<text>\"},{\"name\":"
                            "\"u\",\"type\":\"u64\"},{\"name\":\"b\",\"type\":\"bool\"},{\"name\":"
                            "\"j\",\"type\":\"json\"}]}";
    static const struct doc_row rows[] = {
        {"{\"t\":[\"x\",\"y\"],\"u\":\"7\",\"b\":true}",
         "t=str:x all/=str:x t=str:y all/=str:y u=u64:7 all/=u64:7 b=bool:true all/=bool:true"},
        {"{\"j\":{\"k\":\"2012-05-21T12:09:14Z\"},\"z\":{\"q\":-1}}",
         "j/k=date:2012-05-21T12:09:14.000000000Z all/=str:2012-05-21T12:09:14Z "
         "_dynamic/z.q=i64:-1 "
         "all/=i64:-1"},
        {"{\"all\":\"x\"}", "_dynamic/all=str:x all/=str:x"},
    };
    check_docs(m, false, rows, QN_COUNT_OF(rows));
}

static void test_timestamp_and_partition(void **state)
{
    (void)state;
    struct qn_mapping *m = mapping(
        "{\"field_mappings\":[{\"name\":\"o\",\"type\":\"object\",\"field_mappings\":[{\"name\":"
        "\"ts\","
        "\"type\":\"datetime\",\"fast\":true}]}],\"timestamp_field\":\"o.ts\",\"partition_key\":"
        "\"tenant_id\"}",
        false);
    struct qn_doc_walker *dw = qn_doc_walker_new(m, NULL);
    struct qn_doc doc;
    struct qn_err err = {0};
    char buf[256];
    assert_ok(qn_doc_read(
        dw, padded("{\"tenant_id\":\"happy-tenant\",\"o\":{\"ts\":1337602154}}", buf, sizeof buf),
        &doc, &err));
    assert_true(doc.has_timestamp && doc.timestamp_ns == 1337602154000000000);
    assert_true(doc.partition == 13914409176935416182ull);
    static const char *const missing[] = {"{\"a\":1}", "{\"o\":{}}", "{\"o\":{\"ts\":null}}"};
    for (size_t i = 0; i < QN_COUNT_OF(missing); i++) {
        err = (struct qn_err){0};
        assert_int_equal(qn_doc_read(dw, padded(missing[i], buf, sizeof buf), &doc, &err),
                         QN_E_MISSING);
        assert_string_equal(err.msg,
                            "the document must contain field \"timestamp field is required\"");
        assert_int_equal(qn_doc_walker_fault(dw)->kind, QN_DOC_FAULT_REQUIRED);
    }
    qn_doc_walker_free(dw);
    qn_mapping_unref(m);
}

static void test_elastic_types(void **state)
{
    (void)state;
    static const char m[] =
        "{\"dynamic\":false,\"properties\":{\"t\":{\"type\":\"text\"},\"k\":{\"type\":\"keyword\","
        "\"ignore_above\":3},\"l\":{\"type\":\"long\"},\"i\":{\"type\":\"integer\"},\"y\":{"
        "\"type\":\"byte\"},"
        "\"nc\":{\"type\":\"long\",\"coerce\":false},\"u\":{\"type\":\"unsigned_long\"},\"d\":{"
        "\"type\":"
        "\"double\"},\"fl\":{\"type\":\"float\"},\"hf\":{\"type\":\"half_float\"},\"sf\":{\"type\":"
        "\"scaled_float\",\"scaling_factor\":100},\"b\":{\"type\":\"boolean\"},\"dt\":{\"type\":"
        "\"date\"},"
        "\"ns\":{\"type\":\"date_nanos\"},\"ip\":{\"type\":\"ip\"},\"bin\":{\"type\":\"binary\"},"
        "\"fn\":{"
        "\"type\":\"flattened\"},\"o\":{\"properties\":{\"a\":{\"type\":\"long\"}}},\"g\":{"
        "\"type\":"
        "\"geo_point\"},\"off\":{\"type\":\"object\",\"enabled\":false},\"im\":{\"type\":\"long\","
        "\"ignore_malformed\":true},\"nv\":{\"type\":\"keyword\",\"null_value\":\"NULL\"}}}";
    static const struct doc_row rows[] = {
        {"{\"t\":[\"a\",1,1.50,true,null]}", "t=str:a t=str:1 t=str:1.50 t=str:true"},
        {"{\"t\":{}}", "![1:6] failed to parse field [t] of type [text]: Can't get text on a "
                       "START_OBJECT"},
        {"{\"k\":[\"abc\",\"abcd\",\"\xC3\xA9\xC3\xA9\xC3\xA9\"]}",
         "k=str:abc k=str:\xC3\xA9\xC3\xA9\xC3\xA9"},
        {"{\"l\":[1,\"2\",3.9,\"4.9\",-5.5,\" 6 \"]}",
         "l=i64:1 l=i64:2 l=i64:3 l=i64:4 l=i64:-5 l=i64:6"},
        {"{\"l\":\"x\"}", "!failed to parse field [l] of type [long]: For input string: \"x\""},
        {"{\"l\":\"\"}", "!For input string: \"\""},
        {"{\"l\":true}", "!Current token (VALUE_BOOLEAN) not numeric"},
        {"{\"l\":9223372036854775808}", "!Value [9223372036854775808] is out of range for a long"},
        {"{\"i\":2147483648}", "!Value [2147483648] is out of range for an integer"},
        {"{\"y\":[-128,127]}", "y=i64:-128 y=i64:127"},
        {"{\"y\":128}", "!Value [128] is out of range for a byte"},
        {"{\"nc\":1.5}", "![1.5] has a decimal part"},
        {"{\"nc\":\"1\"}", "!For input string: \"1\""},
        {"{\"nc\":2.0}", "nc=i64:2"},
        {"{\"u\":[18446744073709551615,\"0\"]}", "u=u64:18446744073709551615 u=u64:0"},
        {"{\"u\":-1}", "!out of range for an unsigned_long"},
        {"{\"d\":[0.1,\"1e3\",5]}", "d=f64:0.1 d=f64:1000.0 d=f64:5.0"},
        {"{\"fl\":0.1}", "fl=f64:0.10000000149011612"},
        {"{\"fl\":1e39}", "!out of range for a float"},
        {"{\"hf\":[0.1,65504,1e-7]}",
         "hf=f64:0.0999755859375 hf=f64:65504.0 hf=f64:1.1920928955078125e-7"},
        {"{\"hf\":65520}", "!out of range for a half_float"},
        {"{\"sf\":1.239}", "sf=f64:1.24"},
        {"{\"b\":[true,\"false\",\"\",\"true\"]}",
         "b=bool:true b=bool:false b=bool:false b=bool:true"},
        {"{\"b\":1}", "!Failed to parse value [1] as only [true] or [false] are allowed."},
        {"{\"dt\":[\"2012-05-21\",1337602154000,\"1337602154000\"]}",
         "dt=date:2012-05-21T00:00:00.000000000Z dt=date:2012-05-21T12:09:14.000000000Z "
         "dt=date:2012-05-21T12:09:14.000000000Z"},
        {"{\"dt\":\"yesterday\"}", "!failed to parse date field [yesterday] with format "
                                   "[strict_date_optional_time||epoch_millis]"},
        {"{\"ns\":\"2012-05-21T12:09:14.123456789Z\"}", "ns=date:2012-05-21T12:09:14.123456789Z"},
        {"{\"ip\":\"x\"}", "!'x' is not an IP string literal."},
        {"{\"bin\":\"Zm9v\"}", "bin=bytes:666f6f"},
        {"{\"fn\":{\"a\":1,\"b.c\":[true,\"2012-05-21T12:09:14Z\"]}}",
         "fn/a=str:1 fn/b.c=str:true fn/b.c=str:2012-05-21T12:09:14Z"},
        {"{\"o\":[{\"a\":1},{\"a\":[2,[3]]}],\"o.a\":4}",
         "o.a=i64:1 o.a=i64:2 o.a=i64:3 o.a=i64:4"},
        {"{\"o\":5}", "!tried to parse field as object, but found a concrete value"},
        {"{\"g\":{\"lat\":1,\"lon\":2},\"off\":[1,{\"x\":\"y\"}],\"un\":{\"known\":1}}", ""},
        {"{\"im\":\"x\",\"l\":1}", "l=i64:1"},
        {"{\"im\":{\"x\":1},\"l\":1}", "l=i64:1"},
        {"{\"nv\":null}", "nv=str:NULL"},
        {"{\"nv\":[null,\"x\"]}", "nv=str:NULL nv=str:x"},
    };
    check_docs(m, true, rows, QN_COUNT_OF(rows));
}

static void test_elastic_copies(void **state)
{
    (void)state;
    static const char m[] =
        "{\"dynamic\":\"strict\",\"properties\":{\"m\":{\"type\":\"text\",\"fields\":{\"keyword\":{"
        "\"type\":"
        "\"keyword\",\"ignore_above\":5},\"n\":{\"type\":\"long\",\"ignore_malformed\":true}},"
        "\"copy_to\":["
        "\"all\",\"m2\"]},\"all\":{\"type\":\"text\",\"copy_to\":\"m\"},\"m2\":{\"type\":"
        "\"keyword\",\"fields\":{"
        "\"x\":{\"type\":\"text\"}}},\"o\":{\"dynamic\":false,\"properties\":{}}}}";
    static const struct doc_row rows[] = {
        {"{\"all\":\"7\"}", "all=str:7 m=str:7 m.keyword=str:7 m.n=i64:7"},
        {"{\"o\":{\"whatever\":1}}", ""},
        {"{\"p\":1}",
         "!mapping set to strict, dynamic introduction of [p] within [_doc] is not allowed"},
    };
    check_docs(m, true, rows, QN_COUNT_OF(rows));
    struct qn_mapping *mp = mapping(m, true);
    struct qn_doc_walker *dw = qn_doc_walker_new(mp, NULL);
    struct qn_doc doc;
    struct qn_buf out;
    char buf[256];
    qn_buf_init(&out, SIZE_MAX);
    assert_ok(qn_doc_read(dw, padded("{\"m\":[\"abc def\"]}", buf, sizeof buf), &doc, NULL));
    put_doc(&out, dw, &doc);
    /* the order of copies is free; the long string misses m.keyword, and is no number */
    assert_int_equal(doc.n, 4);
    assert_true(qn_str_starts(qn_buf_str(&out), QN_STR("m=str:abc def ")));
    assert_true(qn_str_find(qn_buf_str(&out), QN_STR("all=str:abc def")) != SIZE_MAX);
    assert_true(qn_str_find(qn_buf_str(&out), QN_STR("m2=str:abc def")) != SIZE_MAX);
    assert_true(qn_str_find(qn_buf_str(&out), QN_STR("m2.x=str:abc def")) != SIZE_MAX);
    qn_buf_release(&out);
    qn_doc_walker_free(dw);
    qn_mapping_unref(mp);
}

#define TEXT_DEF                                                                                   \
    "{\"type\":\"text\",\"fields\":{\"keyword\":{\"type\":\"keyword\",\"ignore_above\":256}}}"

static void test_growth(void **state)
{
    (void)state;
    static const char m[] =
        "{\"dynamic_templates\":[{\"s\":{\"match\":\"*_raw\",\"mapping\":{\"type\":\"keyword\"}}},{"
        "\"f\":{"
        "\"path_match\":\"labels\",\"mapping\":{\"type\":\"flattened\"}}},{\"h\":{\"match\":"
        "\"hidden\","
        "\"runtime\":{}}}],\"properties\":{\"o\":{\"properties\":{\"a\":{\"type\":\"long\"}}}}}";
    static const struct doc_row rows[] = {
        {"{\"s\":\"x\"}", "{\"properties\":{\"s\":" TEXT_DEF "}}"},
        {"{\"n\":1,\"f\":1.5,\"b\":true,\"big\":9223372036854775808}",
         "{\"properties\":{\"n\":{\"type\":\"long\"},\"f\":{\"type\":\"float\"},\"b\":{\"type\":"
         "\"boolean\"},"
         "\"big\":{\"type\":\"float\"}}}"},
        {"{\"d\":\"2012-05-21\",\"e\":\"2012/05/21\",\"y\":\"2012\"}",
         "{\"properties\":{\"d\":{\"type\":\"date\"},\"e\":{\"type\":\"date\"},\"y\":" TEXT_DEF
         "}}"},
        {"{\"o\":{\"b\":{\"c\":[null,[],\"x\"]}},\"o.a\":1}",
         "{\"properties\":{\"o.b.c\":" TEXT_DEF "}}"},
        {"{\"arr\":[{\"x\":1},{\"y\":true,\"x\":\"s\"}]}",
         "{\"properties\":{\"arr.x\":{\"type\":\"long\"},\"arr.y\":{\"type\":\"boolean\"}}}"},
        {"{\"x.y\":{\"z_raw\":\"s\"}}", "{\"properties\":{\"x.y.z_raw\":{\"type\":\"keyword\"}}}"},
        {"{\"labels\":{\"app\":\"a\",\"n\":1}}",
         "{\"properties\":{\"labels\":{\"type\":\"flattened\"}}}"},
        {"{\"empty\":{}}", "{\"properties\":{\"empty\":{\"type\":\"object\"}}}"},
        {"{\"nothing\":null,\"none\":[],\"nones\":[[],null]}", ""},
        {"{\"hidden\":1,\"o\":{\"a\":1}}", "o.a=i64:1"},
        {"{\"o\":{\"a\":\"bad\"},\"new\":1}", "!failed to parse field [o.a]"},
    };
    check_docs(m, true, rows, QN_COUNT_OF(rows));
}

/* A walker that meets new fields, has its mapping updated, and goes on. */
static void test_growth_applied(void **state)
{
    (void)state;
    struct qn_mapping *m = mapping("{}", true), *next;
    struct qn_doc_walker *dw = qn_doc_walker_new(m, NULL);
    struct qn_json_tape t;
    struct qn_doc doc;
    struct qn_err err = {0};
    struct qn_buf out;
    char buf[256];
    qn_buf_init(&out, SIZE_MAX);
    qn_json_tape_init(&t, NULL);
    struct qn_str text =
        padded("{\"@timestamp\":\"2012-05-21T12:09:14Z\",\"m\":\"hi\",\"o\":{\"n\":[1,2]}}", buf,
               sizeof buf);
    assert_int_equal(qn_doc_read(dw, text, &doc, &err), QN_DOC_GROW);
    assert_ok(qn_json_read_copy(&t, qn_doc_walker_delta(dw), &err));
    assert_ok(qn_mapping_update(&next, m, qn_json_root(&t), &err));
    qn_doc_walker_set_mapping(dw, next);
    assert_int_equal(qn_doc_read(dw, text, &doc, &err), 0);
    put_doc(&out, dw, &doc);
    assert_str(qn_buf_str(&out), "@timestamp=date:2012-05-21T12:09:14.000000000Z m=str:hi "
                                 "m.keyword=str:hi o.n=i64:1 o.n=i64:2");
    assert_true(doc.has_timestamp);
    err = (struct qn_err){0};
    text = padded("{\"o\":{\"n\":\"x\"}}", buf, sizeof buf);
    assert_true(qn_doc_read(dw, text, &doc, &err) < 0);
    const struct qn_doc_fault *ft = qn_doc_walker_fault(dw);
    assert_int_equal(ft->kind, QN_DOC_FAULT_VALUE);
    assert_string_equal(ft->path, "o.n");
    assert_string_equal(ft->cause, "For input string: \"x\"");
    assert_string_equal(qn_field_es_name(ft->field), "long");
    assert_int_equal(ft->pos, 10);
    qn_buf_release(&out);
    qn_json_tape_release(&t);
    qn_doc_walker_free(dw);
    qn_mapping_unref(next);
    qn_mapping_unref(m);
}

/* More keys than are remembered, and more paths: slower, never wrong. */
static void test_many_keys(void **state)
{
    (void)state;
    struct qn_mapping *m =
        mapping("{\"field_mappings\":[{\"name\":\"n\",\"type\":\"u64\"}]}", false);
    struct qn_doc_walker *dw = qn_doc_walker_new(m, NULL);
    struct qn_buf b;
    qn_buf_init(&b, SIZE_MAX);
    for (int round = 0; round < 3; round++) {
        qn_buf_clear(&b);
        for (int i = 0; i < 9000; i++)
            qn_buf_printf(&b, "%c\"k%d\":{\"v\":%d},\"n\":%d", i ? ',' : '{', i + round * 5000, i,
                          i);
        qn_buf_put_u8(&b, '}');
        struct qn_doc doc;
        assert_ok(qn_doc_read(dw, qn_buf_str(&b), &doc, NULL));
        assert_int_equal(doc.n, 18000);
        for (uint32_t i = 0; i < doc.n; i += 999) {
            const struct qn_doc_value *v = &doc.values[i];
            if (i % 2 != 0) {
                assert_true(v->value.type == QN_VALUE_U64 && v->value.u64 == i / 2);
                continue;
            }
            char want[32];
            snprintf(want, sizeof want, "k%d.v", (int)(i / 2) + round * 5000);
            assert_str(qn_doc_walker_path(dw, v->path, NULL), want);
            assert_true(v->value.i64 == i / 2);
        }
    }
    assert_int_equal(qn_doc_walker_n_paths(dw), 19000);
    qn_doc_walker_forget_paths(dw);
    assert_int_equal(qn_doc_walker_n_paths(dw), 0);
    struct qn_doc doc;
    assert_ok(qn_doc_read(dw, qn_buf_str(&b), &doc, NULL));
    assert_int_equal(qn_doc_walker_n_paths(dw), 9000);
    qn_buf_release(&b);
    qn_doc_walker_free(dw);
    qn_mapping_unref(m);
}

static void random_json(struct qn_rng *r, struct qn_buf *b, int depth)
{
    static const char *const scalars[] = {
        "1",     "-7",  "1.5",         "\"x\"", "true", "null", "\"\"", "\"2012-05-21T12:09:14Z\"",
        "\"5\"", "1e3", "\"10.0.0.1\""};
    static const char *const keys[] = {"a", "b", "o", "t", "n", "j", "a.b", "d", "k\\u0041", "ip"};
    uint64_t kind = depth > 0 ? qn_rng_below(r, 8) : 0;
    if (kind < 4) {
        qn_buf_put_z(b, scalars[qn_rng_below(r, QN_COUNT_OF(scalars))]);
        return;
    }
    qn_buf_put_u8(b, kind < 7 ? '{' : '[');
    for (uint64_t i = 0, n = qn_rng_below(r, 5); i < n; i++) {
        if (i > 0)
            qn_buf_put_u8(b, ',');
        if (kind < 7)
            qn_buf_printf(b, "\"%s\":", keys[qn_rng_below(r, QN_COUNT_OF(keys))]);
        random_json(r, b, depth - 1);
    }
    qn_buf_put_u8(b, kind < 7 ? '}' : ']');
}

/* A walker with a long memory, a fresh one, and one that knows no paths give the same values. */
static void test_ways_agree(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"field_mappings\":[{\"name\":\"t\",\"type\":\"array<text>\"},{\"name\":\"n\",\"type\":"
        "\"f64\"},{"
        "\"name\":\"o\",\"type\":\"object\",\"field_mappings\":[{\"name\":\"a\",\"type\":\"array<"
        "i64>\"}]},{"
        "\"name\":\"j\",\"type\":\"json\"}]}",
        "{\"mode\":\"lenient\",\"field_mappings\":[{\"name\":\"a\",\"type\":\"array<i64>\"},{"
        "\"name\":\"b\","
        "\"type\":\"array<json>\"}]}",
        "{\"dynamic\":false,\"properties\":{\"t\":{\"type\":\"text\"},\"n\":{\"type\":\"float\"},"
        "\"o\":{"
        "\"properties\":{\"a\":{\"type\":\"keyword\"}}},\"j\":{\"type\":\"flattened\"},\"d\":{"
        "\"type\":\"date\","
        "\"ignore_malformed\":true},\"ip\":{\"type\":\"ip\"}}}",
        "{}",
    };
    struct qn_rng r = qn_test_rng(5);
    for (size_t k = 0; k < QN_COUNT_OF(texts); k++) {
        struct qn_mapping *m = mapping(texts[k], k >= 2);
        struct qn_doc_walker *old = qn_doc_walker_new(m, qn_simd_level(QN_SIMD_AVX2));
        struct qn_buf b, x, y, z;
        struct qn_json_tape t;
        size_t good = 0;
        qn_buf_init(&b, SIZE_MAX);
        qn_buf_init(&x, SIZE_MAX);
        qn_buf_init(&y, SIZE_MAX);
        qn_buf_init(&z, SIZE_MAX);
        qn_json_tape_init(&t, NULL);
        for (int i = 0; i < 1500; i++) {
            struct qn_doc_walker *fresh = qn_doc_walker_new(m, NULL);
            struct qn_doc doc;
            struct qn_err err[3] = {{0}};
            qn_buf_clear(&b);
            qn_buf_clear(&x);
            qn_buf_clear(&y);
            qn_buf_clear(&z);
            qn_buf_put_z(&b, "{\"o\":");
            random_json(&r, &b, 3);
            qn_buf_put_z(&b, ",\"t\":");
            random_json(&r, &b, 2);
            qn_buf_put_z(&b, ",\"z\":");
            random_json(&r, &b, 3);
            qn_buf_put_u8(&b, '}');
            int rc = qn_doc_read(old, qn_buf_str(&b), &doc, &err[0]);
            if (rc == 0)
                put_doc(&x, old, &doc);
            assert_int_equal(qn_doc_read(fresh, qn_buf_str(&b), &doc, &err[1]), rc);
            if (rc == 0)
                put_doc(&y, fresh, &doc);
            assert_ok(qn_json_read(&t, qn_buf_str(&b), NULL));
            assert_int_equal(qn_doc_walk(fresh, qn_json_root(&t), &doc, &err[2]), rc);
            if (rc == 0)
                put_doc(&z, fresh, &doc);
            assert_true(qn_str_eq(qn_buf_str(&x), qn_buf_str(&y)));
            assert_true(qn_str_eq(qn_buf_str(&x), qn_buf_str(&z)));
            assert_string_equal(err[0].msg, err[1].msg);
            assert_string_equal(err[0].msg, err[2].msg);
            good += rc == 0;
            qn_doc_walker_free(fresh);
        }
        assert_true(k == 3 || good > 100);
        qn_buf_release(&b);
        qn_buf_release(&x);
        qn_buf_release(&y);
        qn_buf_release(&z);
        qn_json_tape_release(&t);
        qn_doc_walker_free(old);
        qn_mapping_unref(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quickwit_types),
        cmocka_unit_test(test_quickwit_arrays),
        cmocka_unit_test(test_dynamic),
        cmocka_unit_test(test_concatenate),
        cmocka_unit_test(test_timestamp_and_partition),
        cmocka_unit_test(test_elastic_types),
        cmocka_unit_test(test_elastic_copies),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_growth_applied),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_ways_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
