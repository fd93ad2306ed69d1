/* Elasticsearch mappings: every type and parameter as answered, refusals, updates, templates. */
#include "test.h"

#include "schema/mapping.h"

static int run(struct qn_mapping **m, const struct qn_mapping *old, const char *text,
               const char *settings, struct qn_err *err)
{
    struct qn_json_tape t, s;
    struct qn_analysis *an = NULL;
    int rc = 0;
    *m = NULL;
    qn_json_tape_init(&t, NULL);
    qn_json_tape_init(&s, NULL);
    struct qn_err bad = {0};
    if (qn_json_read_copy(&t, qn_str_of(text), &bad) < 0)
        fail_msg("%s: %s", text, bad.msg);
    if (settings != NULL) {
        assert_ok(qn_json_read_copy(&s, qn_str_of(settings), NULL));
        rc = qn_analysis_parse_elastic(&an, qn_json_root(&s), err);
    }
    if (rc == 0)
        rc = old != NULL ? qn_mapping_update(m, old, qn_json_root(&t), err)
                         : qn_mapping_parse_elastic(m, qn_json_root(&t), an, err);
    qn_analysis_unref(an);
    qn_json_tape_release(&t);
    qn_json_tape_release(&s);
    return rc;
}

static struct qn_mapping *parsed(const char *text)
{
    struct qn_mapping *m;
    struct qn_err err = {0};
    if (run(&m, NULL, text, NULL, &err) < 0)
        fail_msg("%s: %s", text, err.msg);
    return m;
}

static void assert_shown(const struct qn_mapping *m, const char *want)
{
    struct qn_buf b;
    struct qn_jw w;
    qn_buf_init(&b, SIZE_MAX);
    qn_jw_init(&w, &b, NULL);
    qn_mapping_write_elastic(m, &w);
    assert_ok(qn_jw_finish(&w));
    assert_str(qn_buf_str(&b), want);
    qn_buf_release(&b);
}

/* Definitions of one field: given, and answered (NULL: the same). */
static void test_definitions(void **state)
{
    (void)state;
    static const struct {
        const char *given, *answered;
    } rows[] = {
        {"{\"type\":\"text\"}", NULL},
        {"{\"type\":\"keyword\"}", NULL},
        {"{\"type\":\"keyword\",\"ignore_above\":256}", NULL},
        {"{\"type\":\"keyword\",\"ignore_above\":\"256\"}",
         "{\"type\":\"keyword\",\"ignore_above\":256}"},
        {"{\"type\":\"text\",\"fields\":{\"keyword\":{\"type\":\"keyword\",\"ignore_above\":256}}}",
         NULL},
        {"{\"type\":\"text\",\"analyzer\":\"english\",\"norms\":false,\"index_options\":\"freqs\"}",
         NULL},
        {"{\"type\":\"keyword\",\"normalizer\":\"lowercase\"}", NULL},
        {"{\"type\":\"keyword\",\"index\":false}", NULL},
        {"{\"type\":\"keyword\",\"doc_values\":false}", NULL},
        {"{\"type\":\"keyword\",\"index\":\"true\"}", "{\"type\":\"keyword\"}"},
        {"{\"type\":\"long\"}", NULL},
        {"{\"type\":\"integer\",\"coerce\":false,\"ignore_malformed\":true}", NULL},
        {"{\"type\":\"short\",\"null_value\":7}", NULL},
        {"{\"type\":\"byte\"}", NULL},
        {"{\"type\":\"unsigned_long\"}", NULL},
        {"{\"type\":\"double\"}", NULL},
        {"{\"type\":\"float\"}", NULL},
        {"{\"type\":\"half_float\"}", NULL},
        {"{\"type\":\"scaled_float\",\"scaling_factor\":100.0}", NULL},
        {"{\"type\":\"boolean\",\"null_value\":\"true\"}", NULL},
        {"{\"type\":\"date\"}", NULL},
        {"{\"type\":\"date\",\"format\":\"strict_date_optional_time||epoch_millis\"}",
         "{\"type\":\"date\"}"},
        {"{\"type\":\"date\",\"format\":\"yyyy-MM-dd||epoch_second\"}", NULL},
        {"{\"type\":\"date_nanos\"}", NULL},
        {"{\"type\":\"ip\"}", NULL},
        {"{\"type\":\"binary\"}", NULL},
        {"{\"type\":\"binary\",\"doc_values\":true}", NULL},
        {"{\"type\":\"flattened\",\"depth_limit\":5}", NULL},
        {"{\"type\":\"object\"}", NULL},
        {"{}", "{\"type\":\"object\"}"},
        {"{\"type\":\"object\",\"enabled\":false}", NULL},
        {"{\"properties\":{\"a\":{\"type\":\"long\"}}}", NULL},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"long\"}}}",
         "{\"properties\":{\"a\":{\"type\":\"long\"}}}"},
        {"{\"dynamic\":\"strict\",\"properties\":{\"a\":{\"type\":\"long\"}}}", NULL},
        {"{\"dynamic\":false,\"properties\":{\"a\":{\"type\":\"long\"}}}",
         "{\"dynamic\":\"false\",\"properties\":{\"a\":{\"type\":\"long\"}}}"},
        {"{\"type\":\"nested\",\"properties\":{\"a\":{\"type\":\"long\"}}}", NULL},
        {"{\"type\":\"geo_point\"}", NULL},
        {"{\"type\":\"wildcard\"}", NULL},
        {"{\"type\":\"match_only_text\"}", NULL},
        {"{\"type\":\"constant_keyword\",\"value\":\"x\"}", NULL},
        {"{\"type\":\"keyword\",\"meta\":{\"unit\":\"ms\"},\"eager_global_ordinals\":true}", NULL},
        {"{\"type\":\"keyword\",\"copy_to\":\"other\"}",
         "{\"type\":\"keyword\",\"copy_to\":[\"other\"]}"},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        char text[512], want[512];
        const char *answered = rows[i].answered ? rows[i].answered : rows[i].given;
        snprintf(text, sizeof text, "{\"properties\":{\"f\":%s,\"other\":{\"type\":\"text\"}}}",
                 rows[i].given);
        snprintf(want, sizeof want, "{\"properties\":{\"f\":%s,\"other\":{\"type\":\"text\"}}}",
                 answered);
        struct qn_mapping *m = parsed(text), *n;
        assert_shown(m, want);
        /* the same again is no change */
        assert_ok(run(&n, m, text, NULL, NULL));
        if (n != m)
            fail_msg("changed by itself: %s", text);
        qn_mapping_unref(n);
        qn_mapping_unref(m);
    }
}

static void test_model(void **state)
{
    (void)state;
    struct qn_mapping *m = parsed(
        "{\"properties\":{\"@timestamp\":{\"type\":\"date\"},\"m\":{\"type\":\"text\",\"fields\":{"
        "\"keyword\":{\"type\":\"keyword\"}}},\"a.b\":{\"type\":\"byte\"}}}");
    assert_int_equal(m->mode, QN_DYNAMIC_GROW);
    const struct qn_field *ts = qn_mapping_find(m, QN_STR("@timestamp"));
    assert_int_equal(m->timestamp_field, ts->id);
    assert_false(m->timestamp_required);
    assert_int_equal(ts->precision, QN_DATE_MILLIS);
    const struct qn_field *f = qn_mapping_find(m, QN_STR("m"));
    const struct qn_field *k = qn_mapping_find(m, QN_STR("m.keyword"));
    assert_true(f->indexed && !f->columnar && f->fieldnorms && f->record == QN_RECORD_POSITION);
    assert_true(k->indexed && k->columnar && !k->fieldnorms && k->record == QN_RECORD_BASIC);
    assert_true(k->multi_field && k->parent == f->id && f->n_copies == 1);
    assert_int_equal(f->copies[0].field, k->id);
    assert_int_equal(f->copies[0].kind, QN_COPY_MULTI);
    const struct qn_field *b = qn_mapping_find(m, QN_STR("a.b"));
    assert_true(b->type == QN_FIELD_I64 && m->fields[b->parent].type == QN_FIELD_OBJECT);
    qn_mapping_unref(m);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"{\"property\":{}}", "unsupported parameters:  [property]"},
        {"{\"properties\":[]}", "expected an object"},
        {"{\"properties\":{\"f\":{\"type\":\"string\"}}}",
         "No handler for type [string] declared on field [f]"},
        {"{\"properties\":{\"f\":{\"index\":true}}}", "No type specified for field [f]"},
        {"{\"properties\":{\"f\":7}}", "Expected map for property [f]"},
        {"{\"properties\":{\"f\":{\"type\":\"keyword\",\"foo\":1}}}",
         "unknown parameter [foo] on mapper [f] of type [keyword]"},
        {"{\"properties\":{\"f\":{\"type\":\"text\",\"analyzer\":\"nope\"}}}",
         "analyzer [nope] has not been configured"},
        {"{\"properties\":{\"f\":{\"type\":\"keyword\",\"normalizer\":\"nope\"}}}",
         "normalizer [nope] not found"},
        {"{\"properties\":{\"f\":{\"type\":\"date\",\"format\":\"nope\"}}}",
         "Invalid format: [nope]"},
        {"{\"properties\":{\"f\":{\"type\":\"long\",\"null_value\":\"x\"}}}", "For input string"},
        {"{\"properties\":{\"f\":{\"type\":\"byte\",\"null_value\":300}}}",
         "out of range for a byte"},
        {"{\"properties\":{\"f\":{\"type\":\"scaled_float\",\"scaling_factor\":0}}}",
         "must be a positive number"},
        {"{\"properties\":{\"f\":{\"type\":\"keyword\",\"copy_to\":\"nope\"}}}",
         "Cannot copy to field [nope]"},
        {"{\"properties\":{\"f\":{\"type\":\"text\",\"fields\":{\"o\":{\"type\":\"object\"}}}}}",
         "cannot be used in multi field"},
        {"{\"properties\":{\"a.\":{\"type\":\"text\"}}}", "empty string"},
        {"{\"properties\":{\".a\":{\"type\":\"text\"}}}", "start or end"},
        {"{\"properties\":{\"a\":{\"type\":\"text\"},\"a.b\":{\"type\":\"text\"}}}",
         "can't merge a non object mapping [a] with an object mapping"},
        {"{\"dynamic\":\"maybe\"}", "[dynamic] must be one of"},
        {"{\"dynamic_templates\":[{\"a\":{\"match\":\"x\"}}]}", "either mapping or runtime"},
        {"{\"dynamic_templates\":[{\"a\":{\"matches\":\"x\",\"mapping\":{}}}]}", "unknown key"},
        {"{\"dynamic_date_formats\":[\"nope\"]}", "Invalid format"},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_mapping *m = NULL;
        struct qn_err err = {0};
        if (run(&m, NULL, rows[i].text, NULL, &err) == 0)
            fail_msg("accepted: %s", rows[i].text);
        if (strstr(err.msg, rows[i].part) == NULL)
            fail_msg("%s: %s", rows[i].text, err.msg);
    }
}

static void test_root(void **state)
{
    (void)state;
    static const char text[] =
        "{\"dynamic\":\"strict\",\"_meta\":{\"v\":1},\"_source\":{\"enabled\":true},\"date_"
        "detection\":"
        "false,\"numeric_detection\":true,\"dynamic_date_formats\":[\"MM/dd/yyyy\"],"
        "\"dynamic_templates\":[{\"t\":{\"match\":\"*_id\",\"mapping\":{\"type\":\"keyword\"}}}],"
        "\"properties\":{\"a\":{\"type\":\"long\"}}}";
    struct qn_mapping *m = parsed(text), *n;
    assert_shown(m, text);
    n = parsed("{\"_doc\":{\"properties\":{\"a\":{\"type\":\"long\"}}}}");
    assert_shown(n, "{\"properties\":{\"a\":{\"type\":\"long\"}}}");
    qn_mapping_unref(n);
    n = parsed("{\"mytype\":{\"properties\":{\"a\":{\"type\":\"long\"}}}}");
    assert_shown(n, "{\"properties\":{\"a\":{\"type\":\"long\"}}}");
    qn_mapping_unref(n);
    n = parsed("{}");
    assert_shown(n, "{}");
    qn_mapping_unref(n);
    qn_mapping_unref(m);
}

static void test_update(void **state)
{
    (void)state;
    struct qn_mapping *m = parsed(
                          "{\"properties\":{\"a\":{\"type\":\"long\"},\"o\":{\"properties\":{"
                          "\"b\":{\"type\":\"keyword\"}}},\"t\":{\"type\":\"text\"}}}"),
                      *n;
    struct qn_err err = {0};
    uint32_t b = qn_mapping_find(m, QN_STR("o.b"))->id;
    assert_ok(
        run(&n, m,
            "{\"properties\":{\"o\":{\"properties\":{\"c\":{\"type\":\"ip\"}}},\"t\":{\"type\":"
            "\"text\",\"fields\":{\"raw\":{\"type\":\"keyword\"}}},\"d\":{\"type\":\"date\"}}}",
            NULL, &err));
    assert_shown(
        n, "{\"properties\":{\"a\":{\"type\":\"long\"},\"o\":{\"properties\":{\"b\":{\"type\":"
           "\"keyword\"},\"c\":{\"type\":\"ip\"}}},\"t\":{\"type\":\"text\",\"fields\":{\"raw\":{"
           "\"type\":\"keyword\"}}},\"d\":{\"type\":\"date\"}}}");
    assert_int_equal(qn_mapping_find(n, QN_STR("o.b"))->id, b); /* ids stay */
    assert_int_equal(qn_mapping_find(n, QN_STR("t"))->n_copies, 1);
    assert_int_equal(m->n_fields, 4); /* the old one too */
    qn_mapping_unref(m);

    static const struct {
        const char *text, *part;
    } rows[] = {
        {"{\"properties\":{\"a\":{\"type\":\"text\"}}}",
         "mapper [a] cannot be changed from type [long] to [text]"},
        {"{\"properties\":{\"o\":{\"type\":\"keyword\"}}}",
         "mapper [o] cannot be changed from type [object] to [keyword]"},
        {"{\"properties\":{\"o\":{\"properties\":{\"b\":{\"type\":\"long\"}}}}}",
         "mapper [o.b] cannot be changed from type [keyword] to [long]"},
        {"{\"properties\":{\"a\":{\"type\":\"long\",\"index\":false}}}",
         "Mapper for [a] conflicts with existing mapper: Cannot update parameter [index]"},
        {"{\"properties\":{\"d\":{\"type\":\"date\",\"format\":\"yyyy\"}}}",
         "Cannot update parameter [format]"},
        {"{\"properties\":{\"t\":{\"type\":\"text\",\"analyzer\":\"english\"}}}",
         "Cannot update parameter [analyzer]"},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        err = (struct qn_err){0};
        assert_int_equal(run(&m, n, rows[i].text, NULL, &err), QN_E_INVALID);
        if (strstr(err.msg, rows[i].part) == NULL)
            fail_msg("%s: %s", rows[i].text, err.msg);
    }
    /* what may change */
    assert_ok(run(&m, n,
                  "{\"dynamic\":false,\"properties\":{\"a\":{\"type\":\"long\","
                  "\"ignore_malformed\":true}}}",
                  NULL, &err));
    assert_int_equal(m->mode, QN_DYNAMIC_LENIENT);
    assert_true(qn_mapping_find(m, QN_STR("a"))->ignore_malformed);
    qn_mapping_unref(m);
    qn_mapping_unref(n);
}

static void test_analysis(void **state)
{
    (void)state;
    static const char settings[] =
        "{\"analyzer\":{\"mine\":{\"type\":\"custom\",\"tokenizer\":\"cut\",\"filter\":["
        "\"lowercase\","
        "\"short\"]},\"std\":{\"type\":\"standard\",\"max_token_length\":\"5\"}},\"normalizer\":{"
        "\"low\":{"
        "\"type\":\"custom\",\"filter\":[\"lowercase\",\"asciifolding\"]}},\"tokenizer\":{\"cut\":{"
        "\"type\":\"pattern\",\"pattern\":\",\"}},\"filter\":{\"short\":{\"type\":\"truncate\","
        "\"length\":3}}}";
    static const char text[] =
        "{\"properties\":{\"a\":{\"type\":\"text\",\"analyzer\":\"mine\"},\"b\":{"
        "\"type\":\"keyword\",\"normalizer\":\"low\"},\"c\":{\"type\":\"text\","
        "\"analyzer\":\"std\"}}}";
    struct qn_mapping *m, *n;
    struct qn_err err = {0};
    assert_ok(run(&m, NULL, text, settings, &err));
    assert_shown(m, text);
    assert_non_null(qn_mapping_find(m, QN_STR("a"))->analyzer);
    assert_int_equal(qn_mapping_find(m, QN_STR("b"))->normalizer, QN_NORMALIZER_LOWERCASE);
    struct qn_text_scratch *scr = qn_text_scratch_new(NULL);
    const struct qn_token *tk;
    qn_analyze_begin(scr, qn_mapping_analyzer(m, QN_STR("mine")), QN_STR("ABCD,ef"));
    assert_int_equal(qn_analyze_next(scr, &tk), 2);
    assert_str(qn_str_make(tk[0].text, tk[0].len), "abc");
    assert_str(qn_str_make(tk[1].text, tk[1].len), "ef");
    qn_text_scratch_free(scr);
    /* the next generation shares the analyzers */
    assert_ok(run(&n, m, "{\"properties\":{\"d\":{\"type\":\"text\",\"analyzer\":\"mine\"}}}", NULL,
                  &err));
    qn_mapping_unref(m);
    assert_non_null(qn_mapping_find(n, QN_STR("d"))->analyzer);
    qn_mapping_unref(n);
    static const char *const bad[] = {
        "{\"analyzer\":{\"x\":{\"type\":\"custom\"}}}",
        "{\"analyzer\":{\"x\":{\"tokenizer\":\"nope\"}}}",
        "{\"analyzer\":{\"x\":{\"tokenizer\":\"standard\",\"filter\":[\"nope\"]}}}",
        "{\"analyzer\":{\"x\":{\"tokenizer\":\"standard\",\"char_filter\":[\"html_strip\"]}}}",
        "{\"analyzers\":{}}",
        "{\"analyzer\":{\"x\":7}}",
    };
    for (size_t i = 0; i < QN_COUNT_OF(bad); i++)
        if (run(&m, NULL, "{}", bad[i], NULL) >= 0)
            fail_msg("%s", bad[i]);
}

static void test_templates(void **state)
{
    (void)state;
    struct qn_mapping *m = parsed(
        "{\"dynamic_templates\":["
        "{\"no\":{\"match\":\"secret*\",\"runtime\":{}}},"
        "{\"ids\":{\"match\":[\"*_id\",\"id\"],\"unmatch\":\"raw_*\",\"mapping\":{\"type\":"
        "\"keyword\"}}},"
        "{\"ints\":{\"match_mapping_type\":\"long\",\"mapping\":{\"type\":\"integer\"}}},"
        "{\"labels\":{\"path_match\":\"labels.*\",\"match_mapping_type\":\"string\",\"mapping\":{"
        "\"type\":\"keyword\",\"meta\":{\"n\":\"{name}\"}}}},"
        "{\"same\":{\"path_match\":\"same.*\",\"mapping\":{\"type\":\"{dynamic_type}\",\"index\":"
        "false}}}]}");
    static const struct {
        const char *path, *name, *type, *want; /* want NULL: not to be made */
    } rows[] = {
        {"secret1", "secret1", "string", NULL},
        {"user_id", "user_id", "string", "{\"type\":\"keyword\"}"},
        {"raw_id", "raw_id", "string",
         "{\"type\":\"text\",\"fields\":{\"keyword\":{\"type\":\"keyword\",\"ignore_above\":256}}"
         "}"},
        {"n", "n", "long", "{\"type\":\"integer\"}"},
        {"n", "n", "double", "{\"type\":\"float\"}"},
        {"n", "n", "boolean", "{\"type\":\"boolean\"}"},
        {"n", "n", "date", "{\"type\":\"date\"}"},
        {"labels.app", "app", "string", "{\"type\":\"keyword\",\"meta\":{\"n\":\"app\"}}"},
        {"labels.n", "n", "double", "{\"type\":\"float\"}"},
        {"same.x", "x", "string", "{\"type\":\"text\",\"index\":false}"},
        {"same.x", "x", "boolean", "{\"type\":\"boolean\",\"index\":false}"},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_buf b;
        qn_buf_init(&b, SIZE_MAX);
        bool made = qn_mapping_new_field(m, qn_str_of(rows[i].path), qn_str_of(rows[i].name),
                                         rows[i].type, &b);
        assert_int_equal(made, rows[i].want != NULL);
        if (made)
            assert_str(qn_buf_str(&b), rows[i].want);
        qn_buf_release(&b);
    }
    qn_mapping_unref(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definitions), cmocka_unit_test(test_model),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_root),
        cmocka_unit_test(test_update),      cmocka_unit_test(test_analysis),
        cmocka_unit_test(test_templates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
