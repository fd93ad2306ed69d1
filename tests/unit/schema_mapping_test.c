/* Quickwit doc mappings: defaults as answered, every option, every refusal, lookups, comparison. */
#include "test.h"

#include "schema/mapping.h"

static int parse(struct qn_mapping **m, const char *text, struct qn_err *err)
{
    struct qn_json_tape t;
    struct qn_err bad = {0};
    qn_json_tape_init(&t, NULL);
    if (qn_json_read_copy(&t, qn_str_of(text), &bad) < 0)
        fail_msg("%s: %s", text, bad.msg);
    int rc = qn_mapping_parse_quickwit(m, qn_json_root(&t), err);
    qn_json_tape_release(&t);
    return rc;
}

static struct qn_mapping *parsed(const char *text)
{
    struct qn_mapping *m;
    struct qn_err err = {0};
    if (parse(&m, text, &err) < 0)
        fail_msg("%s: %s", text, err.msg);
    return m;
}

static void written(const struct qn_mapping *m, struct qn_buf *out)
{
    struct qn_jw w;
    qn_buf_init(out, SIZE_MAX);
    qn_jw_init(&w, out, NULL);
    qn_mapping_write_quickwit(m, &w);
    assert_ok(qn_jw_finish(&w));
}

#define UID "\"doc_mapping_uid\":\"00000000000000000000000000\","
#define DYNAMIC                                                                                    \
    "\"mode\":\"dynamic\",\"dynamic_mapping\":{\"indexed\":true,\"tokenizer\":\"raw\","            \
    "\"record\":\"basic\",\"stored\":true,\"expand_dots\":true,\"fast\":{\"normalizer\":\"raw\"}}" \
    ","
#define REST                                                                                       \
    "\"timestamp_field\":null,\"tag_fields\":[],\"max_num_partitions\":200,"                       \
    "\"index_field_presence\":false,\"store_document_size\":false,\"store_source\":false,"         \
    "\"tokenizers\":[]}"

static void test_defaults(void **state)
{
    (void)state;
    struct qn_buf b;
    struct qn_mapping *m = parsed("{}");
    written(m, &b);
    assert_str(qn_buf_str(&b), "{" UID DYNAMIC "\"field_mappings\":[]," REST);
    qn_buf_release(&b);
    qn_mapping_unref(m);
}

/* One field each: what is given, and what is answered. */
static void test_fields(void **state)
{
    (void)state;
    static const struct {
        const char *given, *answered;
    } rows[] = {
        {"{\"name\":\"f\",\"type\":\"text\"}",
         "{\"name\":\"f\",\"type\":\"text\",\"fast\":false,\"fieldnorms\":false,\"indexed\":true,"
         "\"record\":\"basic\",\"stored\":true,\"tokenizer\":\"default\"}"},
        {"{\"name\":\"f\",\"type\":\"array<text>\",\"tokenizer\":\"raw\",\"record\":\"position\","
         "\"fieldnorms\":true,\"fast\":true,\"stored\":false,\"description\":\"d\"}",
         "{\"name\":\"f\",\"type\":\"array<text>\",\"description\":\"d\",\"fast\":{\"normalizer\":"
         "\"raw\"},\"fieldnorms\":true,\"indexed\":true,\"record\":\"position\",\"stored\":false,"
         "\"tokenizer\":\"raw\"}"},
        {"{\"name\":\"f\",\"type\":\"text\",\"indexed\":false,\"fast\":{\"normalizer\":"
         "\"lowercase\"}}",
         "{\"name\":\"f\",\"type\":\"text\",\"fast\":{\"normalizer\":\"lowercase\"},\"fieldnorms\":"
         "false,\"indexed\":false,\"stored\":true}"},
        {"{\"name\":\"f\",\"type\":\"i64\"}",
         "{\"name\":\"f\",\"type\":\"i64\",\"coerce\":true,\"fast\":false,\"indexed\":true,"
         "\"output_format\":\"number\",\"stored\":true}"},
        {"{\"name\":\"f\",\"type\":\"array<u64>\",\"coerce\":false,\"fast\":true,\"indexed\":false,"
         "\"output_format\":\"string\",\"stored\":false}",
         "{\"name\":\"f\",\"type\":\"array<u64>\",\"coerce\":false,\"fast\":true,\"indexed\":false,"
         "\"output_format\":\"string\",\"stored\":false}"},
        {"{\"name\":\"f\",\"type\":\"f64\",\"fast\":true}",
         "{\"name\":\"f\",\"type\":\"f64\",\"coerce\":true,\"fast\":true,\"indexed\":true,"
         "\"output_format\":\"number\",\"stored\":true}"},
        {"{\"name\":\"f\",\"type\":\"bool\"}",
         "{\"name\":\"f\",\"type\":\"bool\",\"fast\":false,\"indexed\":true,\"stored\":true}"},
        {"{\"name\":\"f\",\"type\":\"ip\",\"fast\":true}",
         "{\"name\":\"f\",\"type\":\"ip\",\"fast\":true,\"indexed\":true,\"stored\":true}"},
        {"{\"name\":\"f\",\"type\":\"bytes\",\"output_format\":\"hex\"}",
         "{\"name\":\"f\",\"type\":\"bytes\",\"fast\":false,\"indexed\":true,\"input_format\":"
         "\"base64\",\"output_format\":\"hex\",\"stored\":true}"},
        {"{\"name\":\"f\",\"type\":\"datetime\"}",
         "{\"name\":\"f\",\"type\":\"datetime\",\"fast\":false,\"fast_precision\":\"seconds\","
         "\"indexed\":true,\"input_formats\":[\"rfc3339\",\"unix_timestamp\"],\"output_format\":"
         "\"rfc3339\",\"stored\":true}"},
        {"{\"name\":\"f\",\"type\":\"datetime\",\"input_formats\":[\"RFC2822\",\"%Y-%m\","
         "\"rfc2822\"],"
         "\"output_format\":\"unix_timestamp_nanos\",\"precision\":\"nanoseconds\",\"fast\":true}",
         "{\"name\":\"f\",\"type\":\"datetime\",\"fast\":true,\"fast_precision\":\"nanoseconds\","
         "\"indexed\":true,\"input_formats\":[\"rfc2822\",\"%Y-%m\"],\"output_format\":"
         "\"unix_timestamp_nanos\",\"stored\":true}"},
        {"{\"name\":\"f\",\"type\":\"json\"}",
         "{\"name\":\"f\",\"type\":\"json\",\"expand_dots\":true,\"fast\":false,\"indexed\":true,"
         "\"record\":\"basic\",\"stored\":true,\"tokenizer\":\"raw\"}"},
        {"{\"name\":\"f\",\"type\":\"object\",\"field_mappings\":[{\"name\":\"g.h\",\"type\":"
         "\"bool\"}]}",
         "{\"name\":\"f\",\"type\":\"object\",\"field_mappings\":[{\"fast\":false,\"indexed\":true,"
         "\"name\":\"g.h\",\"stored\":true,\"type\":\"bool\"}]}"},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        char text[1024], want[2048];
        struct qn_buf b;
        snprintf(text, sizeof text, "{\"field_mappings\":[%s]}", rows[i].given);
        snprintf(want, sizeof want, "{" UID DYNAMIC "\"field_mappings\":[%s]," REST,
                 rows[i].answered);
        struct qn_mapping *m = parsed(text);
        written(m, &b);
        assert_str(qn_buf_str(&b), want);
        /* what is answered means the same */
        snprintf(text, sizeof text, "{\"field_mappings\":[%s]}", rows[i].answered);
        struct qn_mapping *again = parsed(text);
        assert_true(qn_mapping_same(m, again));
        qn_mapping_unref(again);
        qn_mapping_unref(m);
        qn_buf_release(&b);
    }
}

static const char whole[] =
    "{\"doc_mapping_uid\":\"01HZZZZZZZZZZZZZZZZZZZZZZZ\",\"mode\":\"strict\",\"field_mappings\":["
    "{\"name\":\"ts\",\"type\":\"datetime\",\"fast\":true},"
    "{\"name\":\"all\",\"type\":\"concatenate\",\"concatenate_fields\":[\"o.a\",\"n\"],"
    "\"tokenizer\":\"words\"},"
    "{\"name\":\"o\",\"type\":\"object\",\"field_mappings\":[{\"name\":\"a\",\"type\":\"text\","
    "\"tokenizer\":\"raw\"}]},{\"name\":\"n\",\"type\":\"u64\"}],\"timestamp_field\":\"ts\","
    "\"tag_fields\":[\"o.a\",\"n\",\"n\"],\"partition_key\":\"hash_mod(o.a, 5)\","
    "\"max_num_partitions\":7,\"index_field_presence\":true,\"document_length\":true,"
    "\"store_source\":true,\"tokenizers\":[{\"name\":\"words\",\"type\":\"regex\",\"pattern\":"
    "\"[a-z]+\",\"filters\":[\"lower_caser\"]},{\"name\":\"grams\",\"type\":\"ngram\",\"min_gram\":"
    "1,"
    "\"max_gram\":3}]}";

static void test_whole(void **state)
{
    (void)state;
    struct qn_mapping *m = parsed(whole);
    struct qn_buf b;
    written(m, &b);
    assert_str(
        qn_buf_str(&b),
        "{\"doc_mapping_uid\":\"01HZZZZZZZZZZZZZZZZZZZZZZZ\",\"mode\":\"strict\",\"field_"
        "mappings\":["
        "{\"name\":\"ts\",\"type\":\"datetime\",\"fast\":true,\"fast_precision\":\"seconds\","
        "\"indexed\":"
        "true,\"input_formats\":[\"rfc3339\",\"unix_timestamp\"],\"output_format\":\"rfc3339\","
        "\"stored\":true},{\"name\":\"all\",\"type\":\"concatenate\",\"concatenate_fields\":[\"o."
        "a\","
        "\"n\"],\"include_dynamic_fields\":false,\"record\":\"basic\",\"tokenizer\":\"words\"},"
        "{\"name\":\"o\",\"type\":\"object\",\"field_mappings\":[{\"fast\":false,\"fieldnorms\":"
        "false,"
        "\"indexed\":true,\"name\":\"a\",\"record\":\"basic\",\"stored\":true,\"tokenizer\":"
        "\"raw\","
        "\"type\":\"text\"}]},{\"name\":\"n\",\"type\":\"u64\",\"coerce\":true,\"fast\":false,"
        "\"indexed\":"
        "true,\"output_format\":\"number\",\"stored\":true}],\"timestamp_field\":\"ts\",\"tag_"
        "fields\":["
        "\"n\",\"o.a\"],\"partition_key\":\"hash_mod(o.a, 5)\",\"max_num_partitions\":7,"
        "\"index_field_presence\":true,\"store_document_size\":true,\"store_source\":true,"
        "\"tokenizers\":[{\"name\":\"words\",\"type\":\"regex\",\"pattern\":\"[a-z]+\",\"filters\":"
        "["
        "\"lower_caser\"]},{\"name\":\"grams\",\"type\":\"ngram\",\"min_gram\":1,\"max_gram\":3,"
        "\"prefix_only\":false,\"filters\":[]}]}");
    assert_true(m->timestamp_required && m->timestamp_field != QN_NO_FIELD);
    assert_int_equal(m->n_tag_fields, 2);
    assert_str(m->fields[m->tag_fields[0]].path, "n");
    const struct qn_field *all = qn_mapping_find(m, QN_STR("all"));
    assert_true(all->concatenate && !all->stored && !all->columnar);
    assert_non_null(all->analyzer);
    const struct qn_field *a = qn_mapping_find(m, QN_STR("o.a"));
    assert_int_equal(a->n_copies, 1);
    assert_int_equal(a->copies[0].field, all->id);
    /* another uid is the same mapping */
    struct qn_mapping *n = qn_mapping_with_uid(m, QN_STR("01J00000000000000000000000"));
    assert_str(n->uid, "01J00000000000000000000000");
    assert_true(qn_mapping_same(m, n));
    assert_ok(qn_mapping_check_replace(m, n, NULL));
    qn_mapping_unref(n);
    qn_mapping_unref(m);
    qn_buf_release(&b);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"[]", "expected an object"},
        {"{\"field_mapping\":[]}", "did you mean `field_mappings`?"},
        {"{\"mode\":\"loose\"}", "unknown variant `loose`"},
        {"{\"mode\":\"strict\",\"dynamic_mapping\":{}}", "only allowed with mode=dynamic"},
        {"{\"field_mappings\":[{\"type\":\"text\"}]}", "missing field `name`"},
        {"{\"field_mappings\":[{\"name\":\"x\"}]}", "missing field `type`"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"float\"}]}",
         "field `x` has an unknown type: `float`"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"array<object>\"}]}", "unknown type"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"i64\",\"tokenizer\":\"raw\"}]}",
         "unknown field `tokenizer`"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"i64\",\"fast\":{}}]}",
         "expected a boolean"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"text\",\"fast\":[{}]}]}",
         "expected an object"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"text\",\"fast\":{\"tokenizer\":\"raw\"}}]"
         "}",
         "unknown key"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"text\",\"indexed\":false,\"record\":"
         "\"freq\"}]}",
         "allowed only if indexed is true"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"text\",\"indexed\":false,\"fieldnorms\":"
         "true}]}",
         "allowed only if indexed is true"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"text\",\"tokenizer\":\"nope\"}]}",
         "unknown tokenizer `nope` for field `x`"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"text\",\"record\":\"all\"}]}",
         "unknown variant `all`"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"text\"},{\"name\":\"x\",\"type\":\"i64\"}"
         "]}",
         "duplicated field definition `x`"},
        {"{\"field_mappings\":[{\"name\":\"1x\",\"type\":\"text\"}]}",
         "field name `1x` is invalid"},
        {"{\"field_mappings\":[{\"name\":\".x\",\"type\":\"text\"}]}", "is invalid"},
        {"{\"field_mappings\":[{\"name\":\"\",\"type\":\"text\"}]}", "is invalid"},
        {"{\"field_mappings\":[{\"name\":\"_source\",\"type\":\"text\"}]}", "is reserved"},
        {"{\"field_mappings\":[{\"name\":\"_dynamic\",\"type\":\"text\"}]}", "is reserved"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"object\",\"field_mappings\":[]}]}",
         "at least one field mapping"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"array<bytes>\",\"fast\":true}]}",
         "not allowed for array<bytes>"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"bytes\",\"input_format\":\"utf8\"}]}",
         "unknown variant `utf8`"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"datetime\",\"input_formats\":[\"utc\"]}]"
         "}",
         "unknown input format: `utc`"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"datetime\",\"input_formats\":[]}]}",
         "cannot be empty"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"datetime\",\"output_format\":\"utc\"}]}",
         "unknown output format: `utc`"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"datetime\",\"fast_precision\":\"hours\"}]"
         "}",
         "unknown variant `hours`"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"concatenate\"}]}",
         "at least one sub-field"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"concatenate\",\"concatenate_fields\":["
         "\"y\"]}]}",
         "uses an unknown field `y`"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"concatenate\",\"concatenate_fields\":["
         "\"y\"]},{\"name\":\"y\",\"type\":\"ip\"}]}",
         "subfield `y` not supported"},
        {"{\"mode\":\"strict\",\"field_mappings\":[{\"name\":\"x\",\"type\":\"concatenate\","
         "\"include_dynamic_fields\":true}]}",
         "index isn't dynamic"},
        {"{\"field_mappings\":[{\"name\":\"x\",\"type\":\"concatenate\",\"include_dynamic_fields\":"
         "true,\"fast\":true}]}",
         "unknown field `fast`"},
        {"{\"timestamp_field\":\"t\"}", "could not find timestamp field `t`"},
        {"{\"timestamp_field\":\"t\",\"field_mappings\":[{\"name\":\"t\",\"type\":\"i64\"}]}",
         "should be a datetime field"},
        {"{\"timestamp_field\":\"t\",\"field_mappings\":[{\"name\":\"t\",\"type\":\"datetime\"}]}",
         "should be a fast field"},
        {"{\"timestamp_field\":\"t\",\"field_mappings\":[{\"name\":\"t\",\"type\":"
         "\"array<datetime>\",\"fast\":true}]}",
         "should be single-valued"},
        {"{\"tag_fields\":[\"x\"]}", "unknown tag field: `x`"},
        {"{\"tag_fields\":[\"x\"],\"field_mappings\":[{\"name\":\"x\",\"type\":\"text\"}]}",
         "with the `raw` tokenizer"},
        {"{\"tag_fields\":[\"x\"],\"field_mappings\":[{\"name\":\"x\",\"type\":\"f64\"}]}",
         "only allowed on text, u64 and i64"},
        {"{\"tag_fields\":[\"x\"],\"field_mappings\":[{\"name\":\"x\",\"type\":\"u64\",\"indexed\":"
         "false}]}",
         "required to be indexed"},
        {"{\"partition_key\":\"foo(x)\"}", "unknown function"},
        {"{\"max_num_partitions\":0}", "nonzero"},
        {"{\"doc_mapping_uid\":\"x\"}", "invalid doc mapping UID"},
        {"{\"tokenizers\":[{\"name\":\"raw\",\"type\":\"simple\"}]}", "different from built-in"},
        {"{\"tokenizers\":[{\"name\":\"x\",\"type\":\"simple\"},{\"name\":\"x\",\"type\":"
         "\"simple\"}]}",
         "duplicated custom tokenizer: `x`"},
        {"{\"tokenizers\":[{\"name\":\"x\",\"type\":\"other\"}]}", "unknown variant `other`"},
        {"{\"tokenizers\":[{\"name\":\"x\",\"type\":\"ngram\",\"min_gram\":3,\"max_gram\":2}]}",
         "failed to build tokenizer `x`"},
        {"{\"tokenizers\":[{\"name\":\"x\",\"type\":\"ngram\",\"min_gram\":3}]}",
         "missing field `max_gram`"},
        {"{\"tokenizers\":[{\"name\":\"x\",\"type\":\"regex\",\"pattern\":\"(\"}]}",
         "failed to build tokenizer `x`"},
        {"{\"tokenizers\":[{\"name\":\"x\",\"type\":\"simple\",\"filters\":[\"stem\"]}]}",
         "unknown variant `stem`"},
        {"{\"dynamic_mapping\":{\"name\":\"x\"}}", "unknown field `name`"},
        {"{\"store_source\":1}", "expected a boolean"},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_mapping *m = NULL;
        struct qn_err err = {0};
        if (parse(&m, rows[i].text, &err) == 0)
            fail_msg("accepted: %s", rows[i].text);
        assert_null(m);
        if (strstr(err.msg, rows[i].part) == NULL)
            fail_msg("%s: %s", rows[i].text, err.msg);
    }
}

static void test_partial_dynamic_mapping(void **state)
{
    (void)state;
    struct qn_mapping *m = parsed("{\"dynamic_mapping\":{\"tokenizer\":\"default\"}}");
    const struct qn_field *f = &m->fields[m->dynamic_field];
    assert_false(f->columnar); /* the trap of the contract: fast must be said again */
    assert_true(f->indexed && f->stored && f->expand_dots);
    assert_str(f->tokenizer, "default");
    qn_mapping_unref(m);
}

static void test_find(void **state)
{
    (void)state;
    struct qn_mapping *m = parsed(
        "{\"store_document_size\":true,\"field_mappings\":[{\"name\":\"a.b\",\"type\":\"text\"},"
        "{\"name\":\"a\",\"type\":\"object\",\"field_mappings\":[{\"name\":\"b\",\"type\":\"i64\"},"
        "{\"name\":\"j\",\"type\":\"json\"}]}]}");
    struct qn_str rest;
    assert_int_equal(qn_mapping_find(m, QN_STR("a.b"))->type, QN_FIELD_I64);
    assert_int_equal(qn_mapping_find(m, QN_STR("a\\.b"))->type, QN_FIELD_TEXT);
    assert_str(qn_mapping_find(m, QN_STR("a\\.b"))->path, "a\\.b");
    assert_int_equal(qn_mapping_find(m, QN_STR("_doc_length"))->id, m->doc_length_field);
    assert_null(qn_mapping_find(m, QN_STR("a.c")));
    assert_null(qn_mapping_find(m, QN_STR("")));
    const struct qn_field *f = qn_mapping_resolve(m, QN_STR("a.j.x.y"), &rest);
    assert_int_equal(f->type, QN_FIELD_JSON);
    assert_str(f->path, "a.j");
    assert_str(rest, "x.y");
    f = qn_mapping_resolve(m, QN_STR("a.c.d"), &rest);
    assert_int_equal(f->id, m->dynamic_field);
    assert_str(rest, "a.c.d");
    f = qn_mapping_resolve(m, QN_STR("a.b"), &rest);
    assert_int_equal(f->type, QN_FIELD_I64);
    assert_str(rest, "");
    for (uint32_t i = 0; i < m->n_fields; i++)
        assert_int_equal(m->fields[i].id, i);
    qn_mapping_unref(m);
    m = parsed("{\"mode\":\"lenient\"}");
    assert_null(qn_mapping_resolve(m, QN_STR("x"), &rest));
    qn_mapping_unref(m);
}

static void test_replace(void **state)
{
    (void)state;
    struct qn_mapping *m = parsed(whole), *n = parsed("{}");
    struct qn_err err = {0};
    assert_false(qn_mapping_same(m, n));
    assert_int_equal(qn_mapping_check_replace(m, n, &err), QN_E_INVALID);
    assert_non_null(strstr(err.msg, "timestamp field cannot be changed from `ts`"));
    qn_mapping_unref(m);
    m = parsed("{\"tokenizers\":[{\"name\":\"x\",\"type\":\"simple\"}]}");
    err = (struct qn_err){0};
    assert_ok(qn_mapping_check_replace(n, m, NULL));
    assert_int_equal(qn_mapping_check_replace(m, n, &err), QN_E_INVALID);
    assert_non_null(strstr(err.msg, "`x` is missing or changed"));
    qn_mapping_unref(m);
    qn_mapping_unref(n);
}

static void test_elastic_view(void **state)
{
    (void)state;
    struct qn_mapping *m = parsed(whole);
    struct qn_buf b;
    struct qn_jw w;
    qn_buf_init(&b, SIZE_MAX);
    qn_jw_init(&w, &b, NULL);
    qn_mapping_write_elastic(m, &w);
    assert_ok(qn_jw_finish(&w));
    assert_str(qn_buf_str(&b),
               "{\"properties\":{\"ts\":{\"type\":\"date\"},\"all\":{\"type\":\"keyword\"},\"o\":{"
               "\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"keyword\"}}},\"n\":{\"type\":"
               "\"long\"}}}");
    qn_buf_release(&b);
    qn_mapping_unref(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_partial_dynamic_mapping),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_elastic_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
