/* The Elasticsearch DSL: every row of elasticsearch.md 3.12 and quickwit.md 3.8; and the query AST
 * JSON, which every tree must survive. */
#include "test.h"

#include "base/buf.h"
#include "query/parse.h"

static const struct {
    const char *json, *want;
} rows[] = {
    /* match_all, match_none */
    {"{\"match_all\":{}}", "*"},
    {"{\"match_all\":{\"boost\":2.5}}", "*^2.5"},
    {"{\"match_none\":{}}", "nothing"},
    {"{\"match_all\":{\"_name\":\"all\"}}", "*@\"all\""},
    /* bool */
    {"{\"bool\":{}}", "()"},
    {"{\"bool\":{\"must\":{\"term\":{\"a\":1}},\"filter\":[{\"exists\":{\"field\":\"b\"}}],"
     "\"should\":[{\"term\":{\"c\":\"x\"}},{\"match_all\":{}}],\"must_not\":null,\"boost\":2}}",
     "(+a:term(1) #b:* c:term(\"x\") *)^2.0"},
    {"{\"bool\":{\"must_not\":[{\"term\":{\"a\":true}}],\"adjust_pure_negative\":true}}",
     "(-a:term(true))"},
    {"{\"bool\":{\"should\":[{\"match_all\":{}},{\"match_none\":{}}],\"minimum_should_match\":2}}",
     "(* nothing)~2"},
    {"{\"bool\":{\"should\":[{\"match_all\":{}},{\"match_none\":{}}],\"minimum_should_match\":-1}}",
     "(* nothing)~1"},
    {"{\"bool\":{\"should\":[{\"match_all\":{}},{\"match_none\":{}}],"
     "\"minimum_should_match\":\"50%\"}}",
     "(* nothing)~1"},
    {"{\"bool\":{\"should\":[{\"match_all\":{}},{\"match_none\":{}}],"
     "\"minimum_should_match\":\"-100%\"}}",
     "(* nothing)"},
    {"{\"bool\":{\"should\":[{\"match_all\":{}}],\"minimum_should_match\":5}}", "(*)~2"},
    {"{\"bool\":{\"should\":[{\"match_all\":{}}],\"minimum_should_match\":\"2<70%\"}}", "(*)~1"},
    {"{\"bool\":{\"should\":[{\"match_all\":{}}],\"minimum_should_match\":\"x\"}}",
     "!8 [bool] invalid minimum_should_match `x`"},
    {"{\"bool\":{\"must\":5}}",
     "!16 [_na] query malformed, must start with start_object, found a number"},
    {"{\"bool\":{\"mist\":{}}}",
     "!16 [bool] query does not support [mist]; known: must, filter, should, must_not, "
     "minimum_should_match, boost, _name"},
    /* term, terms, terms_set */
    {"{\"term\":{\"f\":\"v\"}}", "f:term(\"v\")"},
    {"{\"term\":{\"f\":1.5}}", "f:term(1.5)"},
    {"{\"term\":{\"f\":false}}", "f:term(false)"},
    {"{\"term\":{\"f\":{\"value\":\"v\",\"boost\":2,\"case_insensitive\":true,\"_name\":\"n\"}}}",
     "f:term_nocase(\"v\")^2.0@\"n\""},
    {"{\"term\":{\"f\":null}}",
     "!13 [term] `value` expects a string, number or boolean, found null"},
    {"{\"term\":{\"f\":{\"boost\":2}}}", "!13 [term] query needs a `value`"},
    {"{\"term\":{\"f\":1,\"g\":2}}",
     "!19 [term] query doesn't support multiple fields, found [f] and [g]"},
    {"{\"term\":{}}", "!8 [term] query needs a field name"},
    {"{\"term\":\"f\"}", "!8 [term] query malformed, no start_object after query name"},
    {"{\"terms\":{\"f\":[\"b\",1,true],\"boost\":3}}", "f:IN [\"b\" 1 true]^3.0"},
    {"{\"terms\":{\"f\":\"one\"}}", "f:IN [\"one\"]"},
    {"{\"terms\":{\"f\":[]}}", "f:IN []"},
    {"{\"terms\":{\"f\":[[1]]}}",
     "!15 [terms] `value` expects a string, number or boolean, found [1]"},
    {"{\"terms\":{\"f\":[1],\"g\":[2]}}", "!22 [terms] query does not support multiple fields"},
    {"{\"terms\":{\"f\":{\"index\":\"i\",\"id\":\"1\",\"path\":\"p\"}}}",
     "!14 [terms] lookup from another index is not supported"},
    {"{\"terms\":{}}", "!9 [terms] query requires a field name"},
    {"{\"terms_set\":{\"f\":{\"terms\":[\"a\",\"b\"],\"minimum_should_match\":2}}}",
     "(f:term(\"a\") f:term(\"b\"))~2"},
    {"{\"terms_set\":{\"f\":{\"terms\":[\"a\"],\"minimum_should_match_field\":\"n\"}}}",
     "!62 [terms_set] only `minimum_should_match` is supported"},
    /* ids, exists */
    {"{\"ids\":{\"values\":[\"a\",\"b\"]}}", "ids {\"a\", \"b\"}"},
    {"{\"ids\":{\"values\":\"a\",\"type\":\"_doc\"}}", "ids {\"a\"}"},
    {"{\"ids\":{}}", "!7 [ids] requires a 'values' array"},
    {"{\"exists\":{\"field\":\"a.b\"}}", "a.b:*"},
    {"{\"exists\":{}}", "!10 [exists] must be provided with a [field]"},
    /* range */
    {"{\"range\":{\"f\":{\"gte\":1,\"lt\":\"x\"}}}", "f:[1 TO \"x\"}"},
    {"{\"range\":{\"f\":{\"gt\":1.5,\"lte\":null}}}", "f:{1.5 TO *]"},
    {"{\"range\":{\"f\":{}}}", "f:[* TO *]"},
    {"{\"range\":{\"f\":{\"from\":1,\"to\":2}}}", "f:[1 TO 2]"},
    {"{\"range\":{\"f\":{\"from\":1,\"to\":2,\"include_lower\":false,\"include_upper\":false}}}",
     "f:{1 TO 2}"},
    {"{\"range\":{\"t\":{\"gte\":\"now-1d/d\",\"lte\":\"now\",\"format\":\"epoch_millis\","
     "\"time_zone\":\"+01:00\",\"relation\":\"within\",\"boost\":2}}}",
     "t:[\"now-1d/d\" TO \"now\"]{format=\"epoch_millis\", time_zone=\"+01:00\"}^2.0"},
    {"{\"range\":{\"f\":{\"gt\":1,\"gte\":2}}}", "!14 [range] both gt and gte are set"},
    {"{\"range\":{\"f\":{\"lt\":1,\"lte\":2}}}", "!14 [range] both lt and lte are set"},
    {"{\"range\":{\"f\":{\"gte\":[1]}}}",
     "!21 [range] `gte` expects a string, number or boolean, found [1]"},
    {"{\"range\":{\"f\":5}}", "!14 [range] query malformed, expected an object, found a number"},
    {"{\"range\":{\"f\":{\"relation\":\"beside\"}}}",
     "!14 [range] `relation` expects INTERSECTS, CONTAINS or WITHIN"},
    /* prefix, wildcard, regexp, fuzzy */
    {"{\"prefix\":{\"f\":\"p\"}}", "f:prefix(\"p\")"},
    {"{\"prefix\":{\"f\":{\"value\":\"p\",\"case_insensitive\":true}}}",
     "f:prefix(\"p\"){case_insensitive}"},
    {"{\"wildcard\":{\"f\":\"p*q?\"}}", "f:wildcard(\"p*q?\")"},
    {"{\"wildcard\":{\"f\":{\"wildcard\":\"p*\",\"boost\":2,\"rewrite\":\"constant_score\"}}}",
     "f:wildcard(\"p*\")^2.0"},
    {"{\"regexp\":{\"f\":\"a.*b\"}}", "f:regex(\"a.*b\"){lucene}"},
    {"{\"regexp\":{\"f\":{\"value\":\"a\",\"flags\":\"ALL\",\"max_determinized_states\":10000,"
     "\"case_insensitive\":true}}}",
     "f:regex(\"a\"){case_insensitive, lucene}"},
    {"{\"wildcard\":{\"f\":{\"flags\":\"ALL\",\"value\":\"x\"}}}",
     "!26 [wildcard] query does not support [flags]; known: value, case_insensitive, "
     "wildcard, boost, _name"},
    {"{\"fuzzy\":{\"f\":\"wrod\"}}", "f:fuzzy(\"wrod\"){fuzzy=auto:3,6}"},
    {"{\"fuzzy\":{\"f\":{\"value\":\"wrod\",\"fuzziness\":1,\"prefix_length\":2,"
     "\"max_expansions\":10,\"transpositions\":false}}}",
     "f:fuzzy(\"wrod\"){fuzzy=1/prefix 2/max 10/no transpositions}"},
    {"{\"fuzzy\":{\"f\":{\"value\":\"x\",\"fuzziness\":\"AUTO:2,5\"}}}",
     "f:fuzzy(\"x\"){fuzzy=auto:2,5}"},
    {"{\"fuzzy\":{\"f\":{\"value\":\"x\",\"fuzziness\":\"3\"}}}",
     "!39 [fuzzy] `fuzziness` expects 0, 1, 2, AUTO or AUTO:low,high, found \"3\""},
    {"{\"prefix\":{\"f\":{}}}", "!15 [prefix] query needs a `value`"},
    /* match and its kin */
    {"{\"match\":{\"f\":\"a b\"}}", "f:any(\"a b\")"},
    {"{\"match\":{\"f\":5}}", "f:any(\"5\")"},
    {"{\"match\":{\"f\":{\"query\":\"a b\",\"operator\":\"AND\",\"zero_terms_query\":\"all\","
     "\"analyzer\":\"simple\",\"lenient\":true,\"boost\":\"2\"}}}",
     "f:all(\"a b\"){analyzer=\"simple\", zero_terms=all}?^2.0"},
    {"{\"match\":{\"f\":{\"query\":\"a b c\",\"minimum_should_match\":\"2<75%\"}}}",
     "f:any(\"a b c\"){min_should=\"2<75%\"}"},
    {"{\"match\":{\"f\":{\"query\":\"a\",\"fuzziness\":\"AUTO\",\"prefix_length\":1,"
     "\"max_expansions\":20,\"fuzzy_transpositions\":false}}}",
     "f:any(\"a\"){fuzzy=auto:3,6/prefix 1/max 20/no transpositions}"},
    {"{\"match\":{\"f\":{\"operator\":\"and\"}}}", "!14 [match] no text specified for query"},
    {"{\"match\":{\"f\":{\"query\":null}}}", "!23 [match] `query` expects a string, found null"},
    {"{\"match\":{\"f\":{\"query\":\"a\",\"operator\":\"nand\"}}}",
     "!38 [match] `operator` expects `and` or `or`, found \"nand\""},
    {"{\"match\":{\"f\":{\"query\":\"a\",\"slop\":1}}}",
     "!34 [match] query does not support [slop]; known: query, analyzer, operator, "
     "minimum_should_match, fuzziness, prefix_length, max_expansions, fuzzy_transpositions, "
     "zero_terms_query, lenient, boost, _name"},
    {"{\"match_phrase\":{\"f\":\"a b\"}}", "f:\"a b\""},
    {"{\"match_phrase\":{\"f\":{\"query\":\"a b\",\"slop\":2,\"analyzer\":\"raw\"}}}",
     "f:\"a b\"~2{analyzer=\"raw\"}"},
    {"{\"match_phrase_prefix\":{\"f\":\"a b\"}}", "f:\"a b\"*"},
    {"{\"match_phrase_prefix\":{\"f\":{\"query\":\"a b\",\"max_expansions\":7,\"slop\":1}}}",
     "f:\"a b\"*~1{max_expansions=7}"},
    {"{\"match_bool_prefix\":{\"f\":\"a b\"}}", "f:any_prefix(\"a b\")"},
    {"{\"match_bool_prefix\":{\"f\":{\"query\":\"a b\",\"operator\":\"and\"}}}",
     "f:all_prefix(\"a b\")"},
    /* multi_match */
    {"{\"multi_match\":{\"query\":\"a b\",\"fields\":[\"f^2\",\"g.*\"]}}",
     "best(f^2.0 g.*):any(\"a b\")"},
    {"{\"multi_match\":{\"query\":\"a\",\"fields\":\"f\",\"type\":\"most_fields\"}}",
     "sum(f):any(\"a\")"},
    {"{\"multi_match\":{\"query\":\"a\",\"fields\":[\"f\"],\"type\":\"cross_fields\","
     "\"operator\":\"and\",\"tie_breaker\":0.25}}",
     "cross(f)~0.25:all(\"a\")"},
    {"{\"multi_match\":{\"query\":\"a b\",\"fields\":[\"f\"],\"type\":\"phrase\",\"slop\":3}}",
     "best(f):\"a b\"~3"},
    {"{\"multi_match\":{\"query\":\"a b\",\"fields\":[\"f\"],\"type\":\"phrase_prefix\"}}",
     "best(f):\"a b\"*"},
    {"{\"multi_match\":{\"query\":\"a b\",\"fields\":[\"f\"],\"type\":\"bool_prefix\"}}",
     "sum(f):any_prefix(\"a b\")"},
    {"{\"multi_match\":{\"query\":\"a\",\"type\":\"best_fields\",\"lenient\":true}}",
     "best()?:any(\"a\")?"},
    {"{\"multi_match\":{\"query\":\"a\",\"type\":\"worst\"}}",
     "!15 [multi_match] failed to parse type [worst]; known: best_fields, most_fields, "
     "cross_fields, phrase, phrase_prefix, bool_prefix"},
    /* query_string, simple_query_string */
    {"{\"query_string\":{\"query\":\"*\",\"analyze_wildcard\":true}}", "*"},
    {"{\"query_string\":{\"query\":\"f:a AND g:[1 TO 2]\",\"default_operator\":\"AND\"}}",
     "(+f:all(\"a\")? +g:[\"1\" TO \"2\"]?)"},
    {"{\"query_string\":{\"query\":\"a\",\"default_field\":\"f\",\"boost\":2}}",
     "best(f):any(\"a\")^2.0"},
    {"{\"query_string\":{\"query\":\"a\",\"default_field\":\"*\"}}", "best()?:any(\"a\")?"},
    {"{\"query_string\":{\"query\":\"a\",\"fields\":[\"f^3\",\"g\"],\"tie_breaker\":0.5,"
     "\"type\":\"most_fields\"}}",
     "sum(f^3.0 g)~0.5:any(\"a\")"},
    {"{\"query_string\":{\"query\":\"\\\"a b\\\"\",\"default_field\":\"f\",\"phrase_slop\":2,"
     "\"time_zone\":\"Z\",\"escape\":false,\"allow_leading_wildcard\":true,"
     "\"max_determinized_states\":1,\"enable_position_increments\":true,\"rewrite\":\"x\"}}",
     "best(f):\"a b\"~2"},
    {"{\"query_string\":{\"query\":\"a~\",\"default_field\":\"f\",\"fuzziness\":1,"
     "\"fuzzy_prefix_length\":2,\"fuzzy_max_expansions\":9}}",
     "best(f):fuzzy(\"a\"){fuzzy=1/prefix 2/max 9}"},
    {"{\"query_string\":{\"query\":\"f:(\"}}", "!29 Failed to parse query [f:(]"},
    {"{\"query_string\":{\"query\":\"f:IN [a b]\"}}", "user_text(\"f:IN [a b]\"){or}?"},
    {"{\"query_string\":{\"query\":\"a\",\"fields\":[\"f\"],\"default_field\":\"g\"}}",
     "!16 [query_string] `fields` and `default_field` cannot both be set"},
    {"{\"query_string\":{}}", "!16 [query_string] no text specified for query"},
    {"{\"simple_query_string\":{\"query\":\"a + b\",\"fields\":[\"f\"]}}",
     "(+best(f)~1.0:any(\"a\") +best(f)~1.0:any(\"b\"))"},
    {"{\"simple_query_string\":{\"query\":\"a + b*\",\"fields\":[\"f\"],"
     "\"flags\":\"PREFIX|WHITESPACE\",\"default_operator\":\"and\"}}",
     "(+best(f)~1.0:all(\"a\") +best(f)~1.0:all(\"+\") +best(f)~1.0:prefix(\"b\"))"},
    {"{\"simple_query_string\":{\"query\":\"a\",\"flags\":\"NONSENSE\"}}",
     "!44 [simple_query_string] unknown flag [NONSENSE]"},
    /* wrappers */
    {"{\"constant_score\":{\"filter\":{\"term\":{\"f\":1}},\"boost\":1.5}}",
     "constant(f:term(1))^1.5"},
    {"{\"constant_score\":{}}", "!18 [constant_score] requires a 'filter' element"},
    {"{\"dis_max\":{\"queries\":[{\"term\":{\"f\":1}},{\"match_all\":{}}],\"tie_breaker\":0.7}}",
     "max(f:term(1) *)~0.7"},
    {"{\"dis_max\":{}}", "!11 [dis_max] requires 'queries' field with at least one clause"},
    {"{\"boosting\":{\"positive\":{\"match_all\":{}},\"negative\":{\"term\":{\"f\":1}},"
     "\"negative_boost\":0.2}}",
     "demote(*, f:term(1), 0.2)"},
    {"{\"boosting\":{\"positive\":{\"match_all\":{}}}}",
     "!12 [boosting] query requires 'positive' and 'negative' queries to be set"},
    {"{\"nested\":{\"path\":\"o\",\"query\":{\"term\":{\"o.f\":1}},\"score_mode\":\"max\","
     "\"ignore_unmapped\":true,\"inner_hits\":{}}}",
     "nested(o, o.f:term(1), max, ignore_unmapped)"},
    {"{\"nested\":{\"path\":\"o\"}}", "!10 [nested] requires 'path' and 'query' fields"},
    /* function_score */
    {"{\"function_score\":{\"query\":{\"match_all\":{}},\"weight\":2}}",
     "function(*, weight()*2.0, multiply, multiply)"},
    {"{\"function_score\":{\"field_value_factor\":{\"field\":\"n\",\"factor\":1.2,"
     "\"modifier\":\"log1p\",\"missing\":1},\"boost_mode\":\"sum\",\"max_boost\":4,"
     "\"min_score\":0.5}}",
     "function(*, field(n factor 1.2 log1p missing 1.0), multiply, sum, max 4.0, min_score 0.5)"},
    {"{\"function_score\":{\"functions\":[{\"filter\":{\"term\":{\"f\":1}},\"weight\":3},"
     "{\"random_score\":{\"seed\":7,\"field\":\"_seq_no\"}},{\"gauss\":{\"t\":{\"origin\":\"now\","
     "\"scale\":\"10d\",\"offset\":\"5d\",\"decay\":0.4},\"multi_value_mode\":\"max\"}}],"
     "\"score_mode\":\"avg\",\"boost_mode\":\"replace\"}}",
     "function(*, weight()*3.0 if f:term(1), random(_seq_no seed 7), gauss(t origin \"now\" scale "
     "\"10d\" offset \"5d\" decay 0.4 max), avg, replace)"},
    {"{\"function_score\":{\"exp\":{\"n\":{\"origin\":0,\"scale\":2}}}}",
     "function(*, exp(n origin 0 scale 2 offset 0 decay 0.5 min), multiply, multiply)"},
    {"{\"function_score\":{\"script_score\":{\"script\":{}}}}",
     "!34 [function_score] script_score is not supported: scripts are not run"},
    {"{\"function_score\":{\"functions\":[{\"wheight\":3}]}}",
     "!43 [function_score] unknown function [wheight]; known: filter, weight, field_value_factor, "
     "random_score, gauss, exp, linear"},
    {"{\"function_score\":{\"linear\":{\"n\":{\"origin\":0,\"scale\":2,\"decay\":1}}}}",
     "!28 [linear] decay must be between 0 and 1"},
    /* the shape of a query */
    {"{}", "!0 query malformed, empty clause found"},
    {"[]", "!0 [_na] query malformed, must start with start_object, found an array"},
    {"{\"match_all\":{},\"term\":{\"f\":1}}",
     "!23 [match_all] malformed query, expected [END_OBJECT] but found [FIELD_NAME]"},
    {"{\"foo\":{}}", "!7 unknown query [foo]"},
    {"{\"matchall\":{}}", "!12 unknown query [matchall] did you mean [match_all]?"},
    {"{\"geo_distance\":{}}", "!16 unknown query [geo_distance]"},
    {"{\"percolate\":{}}", "!13 unknown query [percolate]"},
    {"{\"script_score\":{}}", "!16 unknown query [script_score]"},
    {"{\"match_all\":{\"boost\":-1}}",
     "!22 [match_all] `boost` expects a number that is not negative, found -1"},
};

static struct qn_json_val read(struct qn_json_tape *tape, struct qn_str text)
{
    struct qn_err err = {0};
    if (qn_json_read(tape, text, &err) < 0)
        fail_msg("%.*s: %s", QN_STR_ARG(text), err.msg);
    return qn_json_root(tape);
}

static void print(struct qn_buf *out, int rc, const struct qn_query *q, const struct qn_err *err)
{
    qn_buf_clear(out);
    if (rc < 0)
        qn_buf_printf(out, "!%zu %s", err->pos, err->msg);
    else
        qn_query_print(out, q);
}

/* Text with the padding that the reader wants. */
static struct qn_str padded(struct qn_buf *b, const char *text)
{
    qn_buf_clear(b);
    qn_buf_put_z(b, text);
    qn_buf_reserve(b, 64);
    return qn_buf_str(b);
}

static void test_rows(void **state)
{
    (void)state;
    struct qn_arena ar;
    struct qn_json_tape tape;
    struct qn_buf out, text;
    qn_arena_init(&ar, NULL);
    qn_json_tape_init(&tape, NULL);
    qn_buf_init(&out, SIZE_MAX);
    qn_buf_init(&text, SIZE_MAX);
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        const struct qn_query *q;
        struct qn_err err = {0};
        int rc = qn_query_parse_dsl(&q, &ar, read(&tape, padded(&text, rows[i].json)), &err);
        print(&out, rc, q, &err);
        if (!qn_str_is(qn_buf_str(&out), rows[i].want))
            fail_msg("%s\n  got  %.*s\n  want %s", rows[i].json, QN_STR_ARG(qn_buf_str(&out)),
                     rows[i].want);
        qn_arena_reset(&ar);
    }
    qn_arena_release(&ar);
    qn_json_tape_release(&tape);
    qn_buf_release(&out);
    qn_buf_release(&text);
}

/* Every tree of the table, written as AST JSON and read back, prints the same. */
static void test_ast_round_trip(void **state)
{
    (void)state;
    struct qn_arena ar;
    struct qn_json_tape tape, again;
    struct qn_buf json, first, second, text;
    size_t trees = 0;
    qn_arena_init(&ar, NULL);
    qn_json_tape_init(&tape, NULL);
    qn_json_tape_init(&again, NULL);
    qn_buf_init(&json, SIZE_MAX);
    qn_buf_init(&first, SIZE_MAX);
    qn_buf_init(&second, SIZE_MAX);
    qn_buf_init(&text, SIZE_MAX);
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        const struct qn_query *q;
        struct qn_err err = {0};
        struct qn_jw w;
        if (qn_query_parse_dsl(&q, &ar, read(&tape, padded(&text, rows[i].json)), &err) < 0)
            continue;
        qn_buf_clear(&json);
        qn_jw_init(&w, &json, NULL);
        qn_query_write_json(&w, q);
        assert_ok(qn_jw_finish(&w));
        print(&first, 0, q, &err);
        qn_buf_reserve(&json, 64);
        int rc = qn_query_read_json(&q, &ar, read(&again, qn_buf_str(&json)), &err);
        print(&second, rc, q, &err);
        if (!qn_str_eq(qn_buf_str(&first), qn_buf_str(&second)))
            fail_msg("%.*s\n  read  %.*s\n  wrote %.*s", QN_STR_ARG(qn_buf_str(&json)),
                     QN_STR_ARG(qn_buf_str(&second)), QN_STR_ARG(qn_buf_str(&first)));
        trees++;
        qn_arena_reset(&ar);
    }
    assert_true(trees > 70);
    qn_arena_release(&ar);
    qn_json_tape_release(&tape);
    qn_json_tape_release(&again);
    qn_buf_release(&json);
    qn_buf_release(&first);
    qn_buf_release(&second);
    qn_buf_release(&text);
}

/* What Quickwit writes (contract 5.7), from its own language and from the DSL. */
static const struct {
    const char *text, *json;
} quickwit_json[] = {
    {"", "{\"type\":\"bool\"}"},
    {"*", "{\"type\":\"match_all\"}"},
    {"f:a", "{\"type\":\"full_text\",\"field\":\"f\",\"text\":\"a\",\"params\":{\"mode\":{\"type\":"
            "\"phrase_fallback_to_intersection\"}},\"lenient\":false}"},
    {"f:'a b'", "{\"type\":\"full_text\",\"field\":\"f\",\"text\":\"a b\",\"params\":{\"mode\":{"
                "\"type\":\"bool\",\"operator\":\"And\"}},\"lenient\":false}"},
    {"f:\"a b\"~2", "{\"type\":\"full_text\",\"field\":\"f\",\"text\":\"a b\",\"params\":{\"mode\":"
                    "{\"type\":\"phrase\",\"slop\":2}},\"lenient\":false}"},
    {"f:\"a b\"*", "{\"type\":\"phrase_prefix\",\"field\":\"f\",\"phrase\":\"a b\","
                   "\"max_expansions\":50,\"params\":{\"mode\":{\"type\":\"phrase\"}},"
                   "\"lenient\":false}"},
    {"f:a* -g:b?", "{\"type\":\"bool\",\"must\":[{\"type\":\"wildcard\",\"field\":\"f\",\"value\":"
                   "\"a*\",\"lenient\":false,\"case_insensitive\":false}],\"must_not\":[{\"type\":"
                   "\"wildcard\",\"field\":\"g\",\"value\":\"b?\",\"lenient\":false,"
                   "\"case_insensitive\":false}]}"},
    {"f:/a/", "{\"type\":\"regex\",\"field\":\"f\",\"regex\":\"a\"}"},
    {"f:IN [b a]", "{\"type\":\"term_set\",\"terms_per_field\":{\"f\":[\"a\",\"b\"]}}"},
    {"f:[1 TO 2}", "{\"type\":\"range\",\"field\":\"f\",\"lower_bound\":{\"Included\":\"1\"},"
                   "\"upper_bound\":{\"Excluded\":\"2\"}}"},
    {"f:>1", "{\"type\":\"range\",\"field\":\"f\",\"lower_bound\":{\"Excluded\":\"1\"},"
             "\"upper_bound\":\"Unbounded\"}"},
    {"f:*", "{\"type\":\"field_presence\",\"field\":\"f\"}"},
    {"(f:* OR g:*)^2.5", "{\"type\":\"boost\",\"underlying\":{\"type\":\"bool\",\"should\":[{"
                         "\"type\":\"field_presence\",\"field\":\"f\"},{\"type\":"
                         "\"field_presence\",\"field\":\"g\"}]},\"boost\":2.5}"},
};

static void test_quickwit_json(void **state)
{
    (void)state;
    struct qn_arena ar;
    struct qn_buf json;
    struct qn_parse_options opt = {.op = QN_OPERATOR_AND};
    qn_arena_init(&ar, NULL);
    qn_buf_init(&json, SIZE_MAX);
    for (size_t i = 0; i < QN_COUNT_OF(quickwit_json); i++) {
        const struct qn_query *q;
        struct qn_jw w;
        qn_buf_clear(&json);
        assert_ok(qn_query_parse_quickwit(&q, &ar, qn_str_of(quickwit_json[i].text), &opt, NULL));
        qn_jw_init(&w, &json, NULL);
        qn_query_write_json(&w, q);
        assert_ok(qn_jw_finish(&w));
        assert_str(qn_buf_str(&json), quickwit_json[i].json);
        qn_arena_reset(&ar);
    }
    qn_arena_release(&ar);
    qn_buf_release(&json);
}

static const struct {
    const char *json, *want;
} ast_rows[] = {
    {"{\"type\":\"user_input\",\"user_text\":\"a\",\"default_operator\":\"AND\",\"lenient\":false}",
     "user_text(\"a\"){and}"},
    {"{\"type\":\"user_input\",\"user_text\":\"a\",\"default_fields\":[\"f\",\"g\"],"
     "\"default_operator\":\"Or\",\"lenient\":true}",
     "user_text(\"a\"){or, fields=f g}?"},
    {"{\"type\":\"cache\",\"inner\":{\"type\":\"match_all\"}}", "*"},
    {"{\"type\":\"term\",\"field\":\"f\",\"value\":\"v\"}", "f:term(\"v\")"},
    {"{\"type\":\"full_text\",\"field\":\"f\",\"text\":\"a\",\"params\":{\"tokenizer\":\"raw\","
     "\"mode\":{\"type\":\"bool_prefix\",\"operator\":\"and\",\"max_expansions\":7},"
     "\"zero_terms_query\":\"all\"},\"lenient\":true}",
     "f:all_prefix(\"a\"){analyzer=\"raw\", zero_terms=all, max_expansions=7}?"},
};

static void test_ast_rows(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "5",
        "{}",
        "{\"type\":\"nope\"}",
        "{\"type\":\"term\",\"field\":\"f\"}",
        "{\"type\":\"range\",\"field\":\"f\",\"lower_bound\":\"x\",\"upper_bound\":\"Unbounded\"}",
        "{\"type\":\"full_text\",\"field\":\"f\",\"text\":\"a\",\"params\":{\"mode\":{\"type\":"
        "\"x\"}}}",
        "{\"type\":\"user_input\",\"user_text\":\"a\",\"default_operator\":\"xor\"}",
        "{\"type\":\"bool\",\"must\":{}}",
        "{\"type\":\"boost\",\"underlying\":{\"type\":\"match_all\"},\"boost\":1e300}",
    };
    struct qn_arena ar;
    struct qn_json_tape tape;
    struct qn_buf out, text;
    const struct qn_query *q;
    qn_arena_init(&ar, NULL);
    qn_json_tape_init(&tape, NULL);
    qn_buf_init(&out, SIZE_MAX);
    qn_buf_init(&text, SIZE_MAX);
    for (size_t i = 0; i < QN_COUNT_OF(ast_rows); i++) {
        assert_ok(qn_query_read_json(&q, &ar, read(&tape, padded(&text, ast_rows[i].json)), NULL));
        print(&out, 0, q, NULL);
        assert_str(qn_buf_str(&out), ast_rows[i].want);
    }
    for (size_t i = 0; i < QN_COUNT_OF(bad); i++) {
        struct qn_err err = {0};
        assert_true(qn_query_read_json(&q, &ar, read(&tape, padded(&text, bad[i])), &err) < 0);
        assert_null(q);
        assert_true(strlen(err.msg) > 10);
    }
    qn_arena_release(&ar);
    qn_json_tape_release(&tape);
    qn_buf_release(&out);
    qn_buf_release(&text);
}

static void test_min_should_match(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        uint32_t n, want;
    } specs[] = {
        {"0", 4, 0},     {"2", 4, 2},           {"5", 4, 5},           {"9", 4, 5},
        {"-1", 4, 3},    {"-9", 4, 0},          {"75%", 4, 3},         {"70%", 4, 2},
        {"-25%", 4, 3},  {"-30%", 4, 3},        {"100%", 3, 3},        {"2<75%", 2, 2},
        {"2<75%", 4, 3}, {"2<-25% 9<-3", 2, 2}, {"2<-25% 9<-3", 8, 6}, {"2<-25% 9<-3", 12, 9},
        {" 2 ", 3, 2},   {"+2", 3, 2},          {"3<2", 3, 3},         {"3<2", 4, 2}};
    static const char *const bad[] = {"",   "x",  "1.5", "101%", "%",
                                      "2<", "<2", "2<x", "-",    "99999999999"};
    uint32_t got;
    for (size_t i = 0; i < QN_COUNT_OF(specs); i++) {
        assert_ok(qn_min_should_match(qn_str_of(specs[i].spec), specs[i].n, &got));
        if (got != specs[i].want)
            fail_msg("%s of %u: got %u, want %u", specs[i].spec, specs[i].n, got, specs[i].want);
    }
    for (size_t i = 0; i < QN_COUNT_OF(bad); i++)
        if (qn_min_should_match(qn_str_of(bad[i]), 3, &got) != QN_E_INVALID)
            fail_msg("\"%s\" was taken", bad[i]);
}

static void test_depth(void **state)
{
    (void)state;
    struct qn_arena ar;
    struct qn_json_tape tape;
    struct qn_buf text;
    const struct qn_query *q;
    struct qn_err err = {0};
    qn_arena_init(&ar, NULL);
    qn_json_tape_init(&tape, &(struct qn_json_options){.max_depth = 1000});
    qn_buf_init(&text, SIZE_MAX);
    for (int i = 0; i < 120; i++)
        qn_buf_put_z(&text, "{\"constant_score\":{\"filter\":");
    qn_buf_put_z(&text, "{\"match_all\":{}}");
    for (int i = 0; i < 120; i++)
        qn_buf_put_z(&text, "}}");
    qn_buf_reserve(&text, 64);
    assert_ok(qn_json_read(&tape, qn_buf_str(&text), &err));
    assert_int_equal(qn_query_parse_dsl(&q, &ar, qn_json_root(&tape), &err), QN_E_TOO_DEEP);
    qn_arena_release(&ar);
    qn_json_tape_release(&tape);
    qn_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_ast_round_trip),
        cmocka_unit_test(test_quickwit_json),
        cmocka_unit_test(test_ast_rows),
        cmocka_unit_test(test_min_should_match),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
