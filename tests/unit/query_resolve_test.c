/* Binding to mappings of both dialects, rewriting, and pruning.
 *
 * Long because it is tables: a row for each rule of the contracts. */
#include "test.h"

#include "base/buf.h"
#include "base/time.h"
#include "query/parse.h"
#include "query/resolve.h"
#include "query/rewrite.h"
#include "schema/mapping.h"
#include "text/tokenizer.h"

/* 2026-11-20T10:30:45.5Z, a Friday */
#define NOW 1795170645500000000ll

static struct {
    struct qn_arena ar;
    struct qn_buf out;
    struct qn_json_tape tape;
    struct qn_text_scratch *scr;
    struct qn_mapping *quickwit, *strict, *elastic;
} g;

static struct qn_mapping *mapping(const char *json, bool elastic)
{
    struct qn_mapping *m;
    struct qn_err err = {0};
    assert_ok(qn_json_read_copy(&g.tape, qn_str_of(json), &err));
    int rc = elastic ? qn_mapping_parse_elastic(&m, qn_json_root(&g.tape), NULL, &err)
                     : qn_mapping_parse_quickwit(&m, qn_json_root(&g.tape), &err);
    if (rc < 0)
        fail_msg("%s: %s", json, err.msg);
    return m;
}

#define FIELDS                                                                                     \
    "\"field_mappings\":["                                                                         \
    "{\"name\":\"body\",\"type\":\"text\",\"record\":\"position\"},"                               \
    "{\"name\":\"flat\",\"type\":\"text\"},"                                                       \
    "{\"name\":\"cjk\",\"type\":\"text\",\"tokenizer\":\"chinese_compatible\","                    \
    "\"record\":\"position\"},"                                                                    \
    "{\"name\":\"level\",\"type\":\"text\",\"tokenizer\":\"raw\",\"fast\":true},"                  \
    "{\"name\":\"fastonly\",\"type\":\"text\",\"indexed\":false,\"fast\":true},"                   \
    "{\"name\":\"stored\",\"type\":\"text\",\"indexed\":false},"                                   \
    "{\"name\":\"n\",\"type\":\"i64\",\"fast\":true},"                                             \
    "{\"name\":\"ns\",\"type\":\"array<i64>\",\"fast\":true},"                                     \
    "{\"name\":\"u\",\"type\":\"u64\",\"fast\":true},"                                             \
    "{\"name\":\"slow\",\"type\":\"u64\"},"                                                        \
    "{\"name\":\"x\",\"type\":\"f64\",\"fast\":true},"                                             \
    "{\"name\":\"b\",\"type\":\"bool\",\"fast\":true},"                                            \
    "{\"name\":\"ts\",\"type\":\"datetime\",\"fast\":true,\"fast_precision\":\"milliseconds\"},"   \
    "{\"name\":\"ip\",\"type\":\"ip\",\"fast\":true},"                                             \
    "{\"name\":\"bin\",\"type\":\"bytes\"},"                                                       \
    "{\"name\":\"j\",\"type\":\"json\",\"tokenizer\":\"default\",\"record\":\"position\","         \
    "\"fast\":true},"                                                                              \
    "{\"name\":\"jd\",\"type\":\"json\",\"expand_dots\":false},"                                   \
    "{\"name\":\"o\",\"type\":\"object\",\"field_mappings\":["                                     \
    "{\"name\":\"a\",\"type\":\"text\"},{\"name\":\"c\",\"type\":\"u64\",\"fast\":true}]}],"       \
    "\"timestamp_field\":\"ts\""

static int setup(void **state)
{
    (void)state;
    qn_arena_init(&g.ar, NULL);
    qn_buf_init(&g.out, SIZE_MAX);
    qn_json_tape_init(&g.tape, NULL);
    g.scr = qn_text_scratch_new(NULL);
    g.quickwit = mapping("{\"mode\":\"dynamic\"," FIELDS "}", false);
    g.strict = mapping("{\"mode\":\"strict\"," FIELDS "}", false);
    g.elastic = mapping(
        "{\"properties\":{\"title\":{\"type\":\"text\",\"fields\":{\"keyword\":{\"type\":"
        "\"keyword\"}}},\"status\":{\"type\":\"keyword\"},\"count\":{\"type\":\"long\"},"
        "\"price\":{\"type\":\"double\"},\"ok\":{\"type\":\"boolean\"},\"@timestamp\":{\"type\":"
        "\"date\"},\"day\":{\"type\":\"date\",\"format\":\"yyyy-MM-dd\"},\"addr\":{\"type\":\"ip\"}"
        ","
        "\"user\":{\"properties\":{\"name\":{\"type\":\"text\"},\"age\":{\"type\":\"integer\"}}},"
        "\"lines\":{\"type\":\"nested\",\"properties\":{\"sku\":{\"type\":\"keyword\"}}}}}",
        true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    qn_mapping_unref(g.quickwit);
    qn_mapping_unref(g.strict);
    qn_mapping_unref(g.elastic);
    qn_text_scratch_free(g.scr);
    qn_json_tape_release(&g.tape);
    qn_buf_release(&g.out);
    qn_arena_release(&g.ar);
    return 0;
}

/* Parses (Quickwit's language, or the DSL when it begins with a brace), binds, perhaps rewrites. */
enum step { BIND, REWRITE, REWRITE_SCORED };

static const struct qn_query *bound(const char *text, const struct qn_resolve_options *opt,
                                    enum step step, int *rc, struct qn_err *err)
{
    const struct qn_query *q = NULL;
    if (text[0] == '{') {
        assert_ok(qn_json_read_copy(&g.tape, qn_str_of(text), err));
        *rc = qn_query_parse_dsl(&q, &g.ar, qn_json_root(&g.tape), err);
    } else {
        struct qn_query *user = qn_query_new(&g.ar, QN_QUERY_USER_TEXT, 0);
        user->user_text.text = qn_str_of(text);
        user->user_text.op = QN_OPERATOR_AND;
        q = user;
        *rc = QN_OK;
    }
    if (*rc == QN_OK)
        *rc = qn_query_resolve(&q, &g.ar, q, opt, err);
    if (*rc == QN_OK && step != BIND)
        *rc = qn_query_rewrite(&q, &g.ar, q, step == REWRITE_SCORED, err);
    return q;
}

static void check(const char *text, const struct qn_resolve_options *opt, enum step step,
                  const char *want)
{
    struct qn_err err = {0};
    int rc;
    const struct qn_query *q = bound(text, opt, step, &rc, &err);
    qn_buf_clear(&g.out);
    if (rc < 0)
        qn_buf_printf(&g.out, "!%zu %s", err.pos, err.msg);
    else
        qn_query_print(&g.out, q);
    if (!qn_str_is(qn_buf_str(&g.out), want))
        fail_msg("%s\n  got  %.*s\n  want %s", text, QN_STR_ARG(qn_buf_str(&g.out)), want);
    qn_arena_reset(&g.ar);
}

static struct qn_resolve_options quickwit_options(void)
{
    static const struct qn_str body = {"body", 4};
    return (struct qn_resolve_options){.mapping = g.quickwit,
                                       .scratch = g.scr,
                                       .dialect = QN_DIALECT_QUICKWIT,
                                       .default_fields = &body,
                                       .n_default_fields = 1,
                                       .now_ns = NOW};
}

#define SCHEMA "query is incompatible with schema. "

static const struct {
    const char *text, *want;
} quickwit_rows[] = {
    /* 5.3 words: one token, several with and without positions */
    {"Hello", "body=\"hello\""},
    {"Hello-World", "body=[\"hello\" \"world\"]"},
    {"flat:Hello-World", "(+flat=\"hello\" +flat=\"world\")"},
    {"'hello big world'", "(+body=\"hello\" +body=\"big\" +body=\"world\")"},
    {"\"hello world\"", "body=[\"hello\" \"world\"]"},
    {"\"hello world\"~2", "body=[\"hello\" \"world\"]~2"},
    {"\"hello\"", "body=\"hello\""},
    {"flat:\"hello world\"",
     "!0 " SCHEMA "Applied phrase query on field which does not have positions indexed)"},
    {"cjk:中文", "cjk=[\"中\" \"文\"]"},
    {"level:ERROR-x", "level=\"ERROR-x\""},
    {"fastonly:\"Hello World\"", "fastonly=\"Hello World\""},
    {"stored:x", "!0 " SCHEMA "field stored is not full-text searchable)"},
    {"body:\"--\"", "nothing"},
    {"body:a^2", "body=\"a\"^2.0"},
    {"a b -c", "(+body=\"a\" +body=\"b\" -body=\"c\")"},
    /* wildcards, prefixes, regexes */
    {"HEL*o", "body~wildcard(\"hel*o\")"},
    {"level:ER*R", "level~wildcard(\"ER*R\")"},
    {"w?RD", "body~wildcard(\"w?rd\")"},
    {"A\\*b*", "body~wildcard(\"a\\\\*b*\")"},
    {"n:5*", "!0 " SCHEMA "trying to run a Wildcard query on a non-text field)"},
    {"\"big WOR\"*", "body=[\"big\" \"wor\"*]"},
    {"\"WOR\"*", "body~prefix(\"wor\")"},
    {"flat:\"big wor\"*",
     "!0 " SCHEMA "trying to run a PhrasePrefix query on a field which does not have positions "
     "indexed)"},
    {"body:/he.*o/", "body~regex(\"he.*o\"){case_insensitive}"},
    {"level:/E.*/", "level~regex(\"E.*\")"},
    /* sets: not tokenized */
    {"level:IN [b a A]", "constant(level in {\"A\", \"a\", \"b\"})"},
    {"n:IN [3 1 2 1]", "constant(n in {1, 2, 3})"},
    {"body:IN [Hello]", "constant(body=\"Hello\")"},
    /* typed fields */
    {"n:5", "n=5"},
    {"n:-5", "n=-5"},
    {"u:5", "u=5u"},
    {"x:1.5", "x=1.5"},
    {"x:2", "x=2.0"},
    {"b:true", "b=true"},
    {"ip:10.0.0.1", "ip=10.0.0.1"},
    {"ip:\"2001:db8::1\"", "ip=2001:db8::1"},
    {"bin:cafe", "bin=0xcafe"},
    {"bin:yv4", "bin=0xcafe"},
    {"bin:!cafe", "bin=0x71a7de"},
    {"u:abc", "!0 expected a `u64` search value for field `u`, got `abc`"},
    {"u:-1", "!0 expected a `u64` search value for field `u`, got `-1`"},
    {"n:1.5", "!0 expected a `i64` search value for field `n`, got `1.5`"},
    {"b:yes", "!0 expected a `bool` search value for field `b`, got `yes`"},
    {"ip:nope", "!0 expected a `ip` search value for field `ip`, got `nope`"},
    {"a n:x", "!2 expected a `i64` search value for field `n`, got `x`"},
    /* dates: the second they name; all text formats */
    {"ts:\"2024-01-02T03:04:05.678Z\"",
     "ts in [2024-01-02T03:04:05Z, 2024-01-02T03:04:05.999999999Z]"},
    {"ts:\"2024-01-02T03:04:05+01:00\"",
     "ts in [2024-01-02T02:04:05Z, 2024-01-02T02:04:05.999999999Z]"},
    {"ts:\"2024-01-02 03:04:05\"", "ts in [2024-01-02T03:04:05Z, 2024-01-02T03:04:05.999999999Z]"},
    {"ts:2024-01-02", "ts in [2024-01-02T00:00:00Z, 2024-01-02T00:00:00.999999999Z]"},
    {"ts:2024\\/01\\/02",
     "!0 expected a `datetime` search value for field `ts`, got `2024\\/01\\/02`"},
    {"ts:\"2024/01/02\"", "ts in [2024-01-02T00:00:00Z, 2024-01-02T00:00:00.999999999Z]"},
    {"ts:\"Tue, 02 Jan 2024 03:04:05 GMT\"",
     "ts in [2024-01-02T03:04:05Z, 2024-01-02T03:04:05.999999999Z]"},
    {"ts:1704164645", "ts in [2024-01-02T03:04:05Z, 2024-01-02T03:04:05.999999999Z]"},
    {"ts:1704164645000", "ts in [2024-01-02T03:04:05Z, 2024-01-02T03:04:05.999999999Z]"},
    {"ts:tomorrow", "!0 expected a `datetime` search value for field `ts`, got `tomorrow`"},
    /* ranges */
    {"n:[1 TO 5]", "n in [1, 5]"},
    {"n:{1 TO 5}", "n in [2, 4]"},
    {"n:>5", "n in [6, *]"},
    {"n:<=5", "n in [*, 5]"},
    {"u:>=-5", "u in [0u, *]"},
    {"u:<0", "nothing"},
    {"n:[1.5 TO 2.5]", "n in [2, 2]"},
    {"x:{1 TO 2.5]", "x in (1.0, 2.5]"},
    {"n:>9223372036854775807", "nothing"},
    {"n:>1e30", "nothing"},
    {"n:<1e30", "n in [*, 9223372036854775807]"},
    {"slow:>5", "!0 " SCHEMA
                "range queries are only supported for fast fields. (`slow` is not a fast field))"},
    {"n:[a TO 5]", "!0 expected `i64` boundary for field `n`"},
    {"b:[false TO true]", "!0 range query on `bool` field (`b`) forbidden"},
    {"level:[a TO f}", "level in [\"a\", \"f\")"},
    {"ip:[10.0.0.0 TO 10.0.0.255]", "ip in [10.0.0.0, 10.0.0.255]"},
    {"ip:{10.0.0.0 TO 10.0.1.0}", "ip in [10.0.0.1, 10.0.0.255]"},
    {"ip:10.0.0.0/24", "ip in [10.0.0.0, 10.0.0.255]"},
    {"ts:[2024-01-02 TO 2024-01-03}",
     "ts in [2024-01-02T00:00:00Z, 2024-01-02T23:59:59.999999999Z]"},
    {"ts:>2024-01-02T00:00:00.1234Z", "ts in [2024-01-02T00:00:00.123000001Z, *]"},
    {"ts:>=now-1h", "ts in [2026-11-20T09:30:45.500000000Z, *]"},
    /* json: every type that the text may be */
    {"j.k:5", "(j/k=5 j/k=5.0 j/k=\"5\")"},
    {"j.k:1.5", "(j/k=1.5 j/k=[\"1\" \"5\"])"},
    {"j.k:18446744073709551615", "(j/k=18446744073709551615u j/k=1.8446744073709552e19 "
                                 "j/k=\"18446744073709551615\")"},
    {"j.k:true", "(j/k=true j/k=\"true\")"},
    {"j.k:Hello", "j/k=\"hello\""},
    {"j.k:\"Hello World\"", "j/k=[\"hello\" \"world\"]"},
    {"j.k:\"2024-01-02T03:04:05Z\"",
     "(j/k in [2024-01-02T03:04:05Z, 2024-01-02T03:04:05.999999999Z] as date "
     "j/k=[\"2024\" \"01\" \"02t03\" \"04\" \"05z\"])"},
    {"j.k:[1 TO 5]",
     "(j/k in [1, 5] as i64 j/k in [1.0, 5.0] as f64 j/k in [\"1\", \"5\"] as str)"},
    {"j.k:>a", "j/k in (\"a\", *] as str"},
    {"j.k:wo*D", "j/k~wildcard(\"wo*d\")"},
    {"j.a\\.b:x", "j/a.b=\"x\""},
    {"jd.a\\.b:x", "jd/a\\.b=\"x\""},
    {"j:x", "!0 Json field root is not a valid search field: `j`"},
    {"other:x", "_dynamic/other=\"x\""},
    {"other.deep:5", "(_dynamic/other.deep=5 _dynamic/other.deep=5.0 _dynamic/other.deep=\"5\")"},
    /* exists */
    {"n:*", "has(n)*"},
    {"j:*", "has(j)*"},
    {"j.k:*", "has(j/k)*"},
    {"o:*", "has(_dynamic/o|o.a|o.c)*"},
    {"other:*", "has(_dynamic/other)*"},
    /* objects */
    {"o.a:x", "o.a=\"x\""},
    {"o.c:>1", "o.c in [2u, *]"},
    /* all */
    {"*", "*"},
    {"", "()"},
};

static void test_quickwit(void **state)
{
    (void)state;
    struct qn_resolve_options opt = quickwit_options();
    for (size_t i = 0; i < QN_COUNT_OF(quickwit_rows); i++)
        check(quickwit_rows[i].text, &opt, BIND, quickwit_rows[i].want);
}

static void test_quickwit_unmapped(void **state)
{
    (void)state;
    struct qn_resolve_options opt = quickwit_options();
    opt.mapping = g.strict;
    check("nope:x", &opt, BIND, "!0 field does not exist: `nope`");
    check("a nope:>1", &opt, BIND, "!2 field does not exist: `nope`");
    check("nope:IN [a]", &opt, BIND, "!0 field does not exist: `nope`");
    check("nope:*", &opt, BIND, "!0 field does not exist: `nope`");
    check("o:x", &opt, BIND, "!0 field does not exist: `o`");
    check("o:*", &opt, BIND, "has(o.a|o.c)*");
    opt.unmapped_matches_none = true;
    check("nope:x OR body:y", &opt, BIND, "(nothing body=\"y\")");
    check("nope:IN [a]", &opt, BIND, "nothing");
    check("nope:*", &opt, BIND, "nothing");
    opt.unmapped_matches_none = false;
    opt.lenient = true;
    check("nope:x", &opt, BIND, "nothing");
    check("n:x", &opt, BIND, "nothing");
    opt = quickwit_options();
    opt.n_default_fields = 0;
    check("x", &opt, BIND, "!0 query requires a default search field and none was supplied");
}

static const struct {
    const char *text, *want;
} elastic_rows[] = {
    /* term: as it is; numbers, booleans, dates, addresses coerced */
    {"{\"term\":{\"title\":\"Hello World\"}}", "title=\"Hello World\""},
    {"{\"term\":{\"status\":404}}", "status=\"404\""},
    {"{\"term\":{\"count\":\"5\"}}", "count=5"},
    {"{\"term\":{\"count\":5.0}}", "count=5"},
    {"{\"term\":{\"count\":5.5}}", "nothing"},
    {"{\"term\":{\"price\":1}}", "price=1.0"},
    {"{\"term\":{\"ok\":\"true\"}}", "ok=true"},
    {"{\"term\":{\"ok\":false}}", "ok=false"},
    {"{\"term\":{\"addr\":\"10.0.0.0/8\"}}", "addr in [10.0.0.0, 10.255.255.255]"},
    {"{\"term\":{\"addr\":\"2001:db8::/32\"}}",
     "addr in [2001:db8::, 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]"},
    {"{\"term\":{\"status\":{\"value\":\"Ab*\",\"case_insensitive\":true,\"boost\":2}}}",
     "status~wildcard(\"Ab\\\\*\"){case_insensitive}^2.0"},
    {"{\"term\":{\"@timestamp\":\"2026-01\"}}",
     "@timestamp in [2026-01-01T00:00:00Z, 2026-01-31T23:59:59.999999999Z]"},
    {"{\"term\":{\"_id\":\"7\"}}", "id in {\"7\"}"},
    {"{\"ids\":{\"values\":[\"1\",\"2\"]}}", "id in {\"1\", \"2\"}"},
    {"{\"term\":{\"count\":\"abc\"}}", "!17 failed to create query: For input string: \"abc\""},
    {"{\"term\":{\"ok\":\"maybe\"}}",
     "!14 failed to create query: Can't parse boolean value [maybe], expected [true] or [false]"},
    {"{\"term\":{\"addr\":\"x\"}}", "!16 failed to create query: 'x' is not an IP string literal."},
    {"{\"term\":{\"nope\":\"x\"}}", "nothing"},
    {"{\"terms\":{\"status\":[\"b\",\"a\"],\"boost\":2}}",
     "constant(status in {\"a\", \"b\"})^2.0"},
    {"{\"terms\":{\"count\":[3,\"1\"]}}", "constant(count in {1, 3})"},
    {"{\"terms\":{\"count\":[]}}", "nothing"},
    {"{\"terms\":{\"_id\":[\"a\",\"b\"]}}", "constant(id in {\"a\", \"b\"})"},
    {"{\"terms\":{\"@timestamp\":[\"2026-01-01\"]}}",
     "constant(@timestamp in [2026-01-01T00:00:00Z, 2026-01-01T23:59:59.999999999Z])"},
    /* match */
    {"{\"match\":{\"title\":\"Quick Brown\"}}", "(title=\"quick\" title=\"brown\")"},
    {"{\"match\":{\"title\":{\"query\":\"Quick Brown\",\"operator\":\"and\"}}}",
     "(+title=\"quick\" +title=\"brown\")"},
    {"{\"match\":{\"title\":{\"query\":\"a b c d\",\"minimum_should_match\":\"75%\"}}}",
     "(title=\"a\" title=\"b\" title=\"c\" title=\"d\")~3"},
    {"{\"match\":{\"title\":{\"query\":\"a b\",\"minimum_should_match\":3}}}", "nothing"},
    {"{\"match\":{\"title\":{\"query\":\"quikc ab\",\"fuzziness\":\"AUTO\"}}}",
     "(title~fuzzy(\"quikc\"){edits=1, max_expansions=50} title=\"ab\")"},
    {"{\"match\":{\"title\":{\"query\":\"!!\"}}}", "nothing"},
    {"{\"match\":{\"title\":{\"query\":\"!!\",\"zero_terms_query\":\"all\"}}}", "*"},
    {"{\"match\":{\"title\":{\"query\":\"A b\",\"analyzer\":\"keyword\"}}}", "title=\"A b\""},
    {"{\"match\":{\"title\":{\"query\":\"A\",\"analyzer\":\"nope\"}}}",
     "!18 analyzer [nope] not found"},
    {"{\"match\":{\"status\":\"A b\"}}", "status=\"A b\""},
    {"{\"match\":{\"count\":\"5\"}}", "count=5"},
    {"{\"match\":{\"count\":{\"query\":\"x\",\"lenient\":true}}}", "nothing"},
    {"{\"match_phrase\":{\"title\":\"quick brown\"}}", "title=[\"quick\" \"brown\"]"},
    {"{\"match_phrase\":{\"status\":\"a b\"}}", "status=\"a b\""},
    {"{\"match_phrase\":{\"count\":5}}", "count=5"},
    {"{\"match_phrase\":{\"addr\":\"10.0.0.1\"}}", "addr=10.0.0.1"},
    {"{\"match_phrase_prefix\":{\"title\":\"quick bro\"}}", "title=[\"quick\" \"bro\"*]"},
    {"{\"match_phrase_prefix\":{\"status\":\"ab\"}}", "status~prefix(\"ab\")"},
    {"{\"match_bool_prefix\":{\"title\":\"quick bro\"}}",
     "(title=\"quick\" title~prefix(\"bro\"){max_expansions=50})"},
    /* multi_match */
    {"{\"multi_match\":{\"query\":\"a\",\"fields\":[\"title^2\",\"status\"]}}",
     "max(title=\"a\"^2.0 status=\"a\")"},
    {"{\"multi_match\":{\"query\":\"a\",\"fields\":[\"title*\"]}}",
     "max(title=\"a\" title.keyword=\"a\")"},
    {"{\"multi_match\":{\"query\":\"a\",\"fields\":[\"title\",\"status\"],\"type\":\"most_fields\"}"
     "}",
     "(title=\"a\" status=\"a\")"},
    {"{\"multi_match\":{\"query\":\"a b\",\"fields\":[\"title\",\"user.name\"],\"type\":"
     "\"cross_fields\",\"operator\":\"and\"}}",
     "(+max(title=\"a\" user.name=\"a\") +max(title=\"b\" user.name=\"b\"))"},
    {"{\"multi_match\":{\"query\":\"a b\",\"fields\":[\"title\",\"status\"],\"type\":"
     "\"cross_fields\"}}",
     "max((title=\"a\" title=\"b\") status=\"a b\")"},
    {"{\"multi_match\":{\"query\":\"x\",\"lenient\":true}}",
     "max(title=\"x\" title.keyword=\"x\" status=\"x\" user.name=\"x\" lines.sku=\"x\")"},
    {"{\"multi_match\":{\"query\":\"x\",\"fields\":[\"nope\"]}}", "nothing"},
    /* query_string */
    {"{\"query_string\":{\"query\":\"title:Quick AND count:>5 AND -status:x\"}}",
     "(+title=\"quick\" +count in [6, *] -status=\"x\")"},
    {"{\"query_string\":{\"query\":\"7\"}}",
     "max(title=\"7\" title.keyword=\"7\" status=\"7\" count=7 price=7.0 @timestamp in "
     "[1970-01-01T00:00:00.007000000Z, 1970-01-01T00:00:00.007000000Z] user.name=\"7\" user.age=7 "
     "lines.sku=\"7\")"},
    {"{\"query_string\":{\"query\":\"tit*:quick\"}}",
     "max(title=\"quick\" title.keyword=\"quick\")"},
    {"{\"query_string\":{\"query\":\"title:QUI*\"}}", "title~prefix(\"qui\")"},
    {"{\"query_string\":{\"query\":\"title:quik~1\"}}",
     "title~fuzzy(\"quik\"){edits=1, max_expansions=50}"},
    {"{\"query_string\":{\"query\":\"status:IN [a b]\"}}", "constant(status in {\"a\", \"b\"})"},
    {"{\"query_string\":{\"query\":\"_exists_:user\"}}", "has(user.name|user.age)*"},
    {"{\"query_string\":{\"query\":\"_id:7\"}}", "id in {\"7\"}"},
    /* range */
    {"{\"range\":{\"count\":{\"gt\":1,\"lte\":\"5\"}}}", "count in [2, 5]"},
    {"{\"range\":{\"price\":{\"gt\":1}}}", "price in (1.0, *]"},
    {"{\"range\":{\"status\":{\"gte\":\"a\",\"lt\":\"b\"}}}", "status in [\"a\", \"b\")"},
    {"{\"range\":{\"title\":{\"gte\":\"A\"}}}", "title in terms [\"a\", *]"},
    {"{\"range\":{\"ok\":{\"gte\":false}}}", "(ok=false ok=true)"},
    {"{\"range\":{\"addr\":{\"gte\":\"10.0.0.1\",\"lt\":\"10.0.0.9\"}}}",
     "addr in [10.0.0.1, 10.0.0.8]"},
    {"{\"range\":{\"nope\":{\"gte\":1}}}", "nothing"},
    {"{\"range\":{\"count\":{\"gte\":\"x\"}}}",
     "!18 failed to create query: For input string: \"x\""},
    /* dates: rounding, math, formats, zones */
    {"{\"range\":{\"@timestamp\":{\"gte\":\"2026-01\",\"lte\":\"2026-01\"}}}",
     "@timestamp in [2026-01-01T00:00:00Z, 2026-01-31T23:59:59.999000000Z]"},
    {"{\"range\":{\"@timestamp\":{\"gt\":\"2026-01\",\"lt\":\"2026-03\"}}}",
     "@timestamp in [2026-01-31T23:59:59.999000001Z, 2026-02-28T23:59:59.999999999Z]"},
    {"{\"range\":{\"@timestamp\":{\"gte\":\"now-1d/d\",\"lt\":\"now/d\"}}}",
     "@timestamp in [2026-11-19T00:00:00Z, 2026-11-19T23:59:59.999999999Z]"},
    {"{\"range\":{\"@timestamp\":{\"gte\":\"now/w\",\"lte\":\"now/M\"}}}",
     "@timestamp in [2026-11-16T00:00:00Z, 2026-11-30T23:59:59.999000000Z]"},
    {"{\"range\":{\"@timestamp\":{\"gte\":\"2026-01-31||+1M/d\"}}}",
     "@timestamp in [2026-02-28T00:00:00Z, *]"},
    {"{\"range\":{\"@timestamp\":{\"gte\":1704164645678,\"lte\":\"1704164645678\",\"format\":"
     "\"epoch_millis\"}}}",
     "@timestamp in [2024-01-02T03:04:05.678000000Z, 2024-01-02T03:04:05.678000000Z]"},
    {"{\"range\":{\"@timestamp\":{\"gte\":\"2026-01-01\",\"time_zone\":\"+02:00\"}}}",
     "@timestamp in [2025-12-31T22:00:00Z, *]"},
    {"{\"range\":{\"@timestamp\":{\"gte\":\"2026-01-01T00:00:00Z\",\"time_zone\":\"+02:00\"}}}",
     "@timestamp in [2026-01-01T00:00:00Z, *]"},
    {"{\"range\":{\"@timestamp\":{\"gte\":\"now/d\",\"time_zone\":\"-05:00\"}}}",
     "@timestamp in [2026-11-20T05:00:00Z, *]"},
    {"{\"range\":{\"day\":{\"gte\":\"01/02/2026\",\"format\":\"dd/MM/yyyy\"}}}",
     "day in [2026-02-01T00:00:00Z, *]"},
    {"{\"range\":{\"day\":{\"gte\":\"2026-02-01\"}}}", "day in [2026-02-01T00:00:00Z, *]"},
    {"{\"range\":{\"day\":{\"gte\":\"yesterday\"}}}",
     "!16 failed to parse date field [yesterday] in [day]"},
    {"{\"range\":{\"day\":{\"gte\":\"2026-02-01\",\"time_zone\":\"Mars/Olympus\"}}}",
     "!16 unknown time zone `Mars/Olympus`: expected an offset like +02:00, or UTC"},
    /* exists, patterns */
    {"{\"exists\":{\"field\":\"user\"}}", "has(user.name|user.age)*"},
    {"{\"exists\":{\"field\":\"user.*\"}}", "has(user.name|user.age)*"},
    {"{\"exists\":{\"field\":\"_id\"}}", "*"},
    {"{\"exists\":{\"field\":\"nope\"}}", "nothing"},
    {"{\"prefix\":{\"status\":\"Ab\"}}", "status~prefix(\"Ab\")"},
    {"{\"prefix\":{\"count\":\"1\"}}",
     "!19 Can only use prefix queries on keyword, text and wildcard fields - not on [count] which "
     "is of type [long]"},
    {"{\"wildcard\":{\"status\":\"A*b?\"}}", "status~wildcard(\"A*b?\")"},
    {"{\"regexp\":{\"title\":\"q.*k\"}}", "title~regex(\"q.*k\"){lucene}"},
    {"{\"fuzzy\":{\"title\":{\"value\":\"QUIK\",\"fuzziness\":2}}}",
     "title~fuzzy(\"quik\"){edits=2, max_expansions=50}"},
    {"{\"fuzzy\":{\"title\":{\"value\":\"quik\",\"fuzziness\":0}}}", "title=\"quik\""},
    /* wrappers */
    {"{\"nested\":{\"path\":\"lines\",\"query\":{\"term\":{\"lines.sku\":\"x\"}}}}",
     "lines.sku=\"x\""},
    {"{\"nested\":{\"path\":\"lines\",\"query\":{\"match_all\":{}},\"score_mode\":\"none\"}}",
     "(#*)"},
    {"{\"nested\":{\"path\":\"nope\",\"query\":{\"match_all\":{}}}}",
     "!10 [nested] failed to find nested object under path [nope]"},
    {"{\"nested\":{\"path\":\"nope\",\"query\":{\"match_all\":{}},\"ignore_unmapped\":true}}",
     "nothing"},
    {"{\"constant_score\":{\"filter\":{\"term\":{\"count\":1}},\"boost\":2}}",
     "constant(count=1)^2.0"},
    {"{\"bool\":{\"should\":[{\"term\":{\"count\":1}},{\"match\":{\"title\":\"a\"}}],"
     "\"minimum_should_match\":1,\"_name\":\"n\"}}",
     "(count=1 title=\"a\")~1@\"n\""},
    {"{\"function_score\":{\"query\":{\"match\":{\"title\":\"a\"}},\"gauss\":{\"@timestamp\":{"
     "\"origin\":\"now\",\"scale\":\"1d\"}}}}",
     "function(title=\"a\", gauss(@timestamp origin \"now\" scale \"1d\" offset 0 decay 0.5 min), "
     "multiply, multiply)"},
    {"{\"function_score\":{\"field_value_factor\":{\"field\":\"nope\"}}}",
     "!18 Unable to find a field mapper for field [nope]. No 'missing' value defined."},
    {"{\"function_score\":{\"field_value_factor\":{\"field\":\"title\"}}}",
     "!18 function_score: field [title] of type [text] has no numbers"},
};

static struct qn_resolve_options elastic_options(void)
{
    return (struct qn_resolve_options){
        .mapping = g.elastic, .scratch = g.scr, .dialect = QN_DIALECT_ELASTIC, .now_ns = NOW};
}

static void test_elastic(void **state)
{
    (void)state;
    struct qn_resolve_options opt = elastic_options();
    for (size_t i = 0; i < QN_COUNT_OF(elastic_rows); i++)
        check(elastic_rows[i].text, &opt, BIND, elastic_rows[i].want);
}

static void test_decay_numbers(void **state)
{
    (void)state;
    struct qn_resolve_options opt = elastic_options();
    struct qn_err err = {0};
    int rc;
    const struct qn_query *q =
        bound("{\"function_score\":{\"functions\":[{\"exp\":{\"@timestamp\":{\"scale\":\"10d\","
              "\"offset\":\"12h\"}}},{\"linear\":{\"count\":{\"origin\":3,\"scale\":\"2.5\"}}}]}}",
              &opt, BIND, &rc, &err);
    if (rc < 0)
        fail_msg("%s", err.msg);
    const struct qn_score_function *f = q->function.functions;
    assert_true(f[0].origin_number == (double)NOW && f[0].scale_number == 10 * 86400e9);
    assert_true(f[0].offset_number == 12 * 3600e9);
    assert_true(f[1].origin_number == 3 && f[1].scale_number == 2.5 && f[1].offset_number == 0);
    assert_str(f[1].target->field->path, "count");
}

static const struct {
    const char *text, *unscored, *scored;
} rewrite_rows[] = {
    /* constants */
    {"", "*", "*"},
    {"* a", "body=\"a\"", "(+* +body=\"a\")"},
    {"* OR a", "*", "(* body=\"a\")"},
    {"a -*", "nothing", "nothing"},
    {"a u:<0", "nothing", "nothing"},
    {"a OR u:<0", "body=\"a\"", "body=\"a\""},
    {"a -u:<0", "body=\"a\"", "body=\"a\""},
    {"-*", "nothing", "nothing"},
    /* flattening */
    {"a AND (b AND (c AND d))", "(#body=\"a\" #body=\"b\" #body=\"c\" #body=\"d\")",
     "(+body=\"a\" +body=\"b\" +body=\"c\" +body=\"d\")"},
    {"a OR (b OR c)", "body in {\"a\", \"b\", \"c\"}", "(body=\"a\" body=\"b\" body=\"c\")"},
    {"((a))", "body=\"a\"", "body=\"a\""},
    {"((a)^2)^3", "body=\"a\"", "body=\"a\"^6.0"},
    {"{\"bool\":{\"must\":[{\"bool\":{\"filter\":{\"term\":{\"n\":1}}}},{\"term\":{\"u\":2}}]}}",
     "(#n=1 #u=2u)", "(+u=2u #n=1)"},
    {"{\"bool\":{\"filter\":[{\"bool\":{\"should\":[{\"term\":{\"n\":1}},{\"term\":{\"n\":2}}]}},"
     "{\"term\":{\"u\":2}}]}}",
     "(#n in {1, 2} #u=2u)", "(#n in {1, 2} #u=2u)"},
    {"{\"bool\":{\"must\":{\"term\":{\"n\":1}},\"should\":{\"term\":{\"u\":2}}}}", "n=1",
     "(+n=1 u=2u)"},
    {"{\"bool\":{\"filter\":{\"match_all\":{}}}}", "*", "*^0.0"},
    {"{\"bool\":{\"filter\":{\"term\":{\"n\":1}}}}", "n=1", "(#n=1)"},
    {"{\"bool\":{\"should\":[{\"term\":{\"n\":1}},{\"term\":{\"u\":2}}],"
     "\"minimum_should_match\":2}}",
     "(#n=1 #u=2u)", "(+n=1 +u=2u)"},
    {"{\"bool\":{\"should\":[{\"term\":{\"n\":1}}],\"minimum_should_match\":2}}", "nothing",
     "nothing"},
    /* negation */
    {"NOT NOT a", "body=\"a\"", "(#body=\"a\")"},
    {"NOT (a OR b)", "(-body in {\"a\", \"b\"})", "(-body in {\"a\", \"b\"})"},
    {"a NOT (b OR n:1)", "(#body=\"a\" -body=\"b\" -n=1)", "(+body=\"a\" -body=\"b\" -n=1)"},
    {"a -a", "nothing", "(+body=\"a\" -body=\"a\")"},
    /* ranges: of single values only */
    {"n:>1 n:<5 n:>2", "n in [3, 4]", "(+n in [2, *] +n in [*, 4] +n in [3, *])"},
    {"n:>5 n:<5", "nothing", "(+n in [6, *] +n in [*, 4])"},
    {"ns:>5 ns:<5", "(#ns in [6, *] #ns in [*, 4])", "(+ns in [6, *] +ns in [*, 4])"},
    {"n:[5 TO 1]", "nothing", "nothing"},
    {"n:[* TO *]", "has(n)", "has(n)"},
    {"j.k:>1 j.k:<2",
     "(#(j/k in [2, *] as i64 j/k in [2u, *] as u64 j/k in (1.0, *] as f64 j/k in (\"1\", *] as "
     "str) #(j/k in [*, 1] as i64 j/k in [*, 2.0) as f64 j/k in [*, \"2\") as str))",
     NULL},
    /* terms */
    {"level:a OR level:b OR n:1 OR level:a", "(level in {\"a\", \"b\"} n=1)",
     "(level=\"a\" level=\"b\" n=1)"},
    {"level:IN [a b] OR level:c", "level in {\"a\", \"b\", \"c\"}",
     "(constant(level in {\"a\", \"b\"}) level=\"c\")"},
    {"level:a -(level:b OR level:c)", "(#level=\"a\" -level in {\"b\", \"c\"})",
     "(+level=\"a\" -level in {\"b\", \"c\"})"},
    /* patterns */
    {"ab*", "body~prefix(\"ab\")", "body~prefix(\"ab\")"},
    {"level:a\\*b*", "level~prefix(\"a*b\")", "level~prefix(\"a*b\")"},
    {"level:**", "has(level)", "has(level)"},
    {"{\"wildcard\":{\"level\":\"abc\"}}", "level=\"abc\"", "level~wildcard(\"abc\")"},
    {"{\"prefix\":{\"level\":\"\"}}", "has(level)", "has(level)"},
    /* wrappers */
    {"{\"constant_score\":{\"filter\":{\"bool\":{\"must\":[{\"match_all\":{}},{\"term\":{\"n\":1}}"
     "]}}}}",
     "n=1", "constant(n=1)"},
    {"{\"constant_score\":{\"filter\":{\"match_all\":{}},\"boost\":3}}", "*", "*^3.0"},
    {"{\"dis_max\":{\"queries\":[{\"term\":{\"n\":1}},{\"match_none\":{}}],\"boost\":2}}", "n=1",
     "n=1^2.0"},
    {"{\"dis_max\":{\"queries\":[{\"term\":{\"n\":1}},{\"term\":{\"n\":2}}]}}", "n in {1, 2}",
     "max(n=1 n=2)"},
    {"{\"boosting\":{\"positive\":{\"term\":{\"n\":1}},\"negative\":{\"match_none\":{}},"
     "\"negative_boost\":0.5}}",
     "n=1", "n=1"},
    {"{\"function_score\":{\"query\":{\"term\":{\"n\":1}},\"weight\":2}}", "n=1",
     "function(n=1, weight()*2.0, multiply, multiply)"},
    {"{\"function_score\":{\"query\":{\"term\":{\"n\":1}},\"weight\":2,\"min_score\":1}}",
     "function(n=1, weight()*2.0, multiply, multiply, min_score 1.0)",
     "function(n=1, weight()*2.0, multiply, multiply, min_score 1.0)"},
    /* named nodes stay */
    {"{\"bool\":{\"filter\":[{\"bool\":{\"must\":{\"term\":{\"n\":1}},\"_name\":\"x\"}},"
     "{\"term\":{\"u\":{\"value\":2,\"_name\":\"y\"}}}]}}",
     "(#n=1@\"x\" #u=2u@\"y\")", "(#n=1@\"x\" #u=2u@\"y\")"},
};

static void test_rewrite(void **state)
{
    (void)state;
    struct qn_resolve_options opt = quickwit_options();
    for (size_t i = 0; i < QN_COUNT_OF(rewrite_rows); i++) {
        check(rewrite_rows[i].text, &opt, REWRITE, rewrite_rows[i].unscored);
        if (rewrite_rows[i].scored != NULL)
            check(rewrite_rows[i].text, &opt, REWRITE_SCORED, rewrite_rows[i].scored);
    }
}

/* ---- random trees: rewriting keeps what matches */

/* A document as the random trees see it: which of 16 leaves hold. */
static bool eval(const struct qn_query *q, unsigned doc);

static uint32_t count(const struct qn_query_list *list, unsigned doc)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < list->n; i++)
        n += eval(list->p[i], doc);
    return n;
}

static bool eval_bool(const struct qn_query_bool *b, unsigned doc)
{
    uint32_t least = b->min_should >= 0 ? (uint32_t)b->min_should
                                        : (b->must.n + b->filter.n == 0 && b->should.n > 0);
    return count(&b->must, doc) == b->must.n && count(&b->filter, doc) == b->filter.n &&
           count(&b->must_not, doc) == 0 && count(&b->should, doc) >= least;
}

/* Field n holds the document's number, field u too; body has the words w0.. of its set bits. */
static bool eval(const struct qn_query *q, unsigned doc)
{
    switch (q->kind) {
    case QN_QUERY_ALL:
        return true;
    case QN_QUERY_NONE:
        return false;
    case QN_QUERY_BOOL:
        return eval_bool(&q->bools, doc);
    case QN_QUERY_CONSTANT:
        return eval(q->child, doc);
    case QN_QUERY_DIS_MAX:
        return count(&q->dis_max.any, doc) > 0;
    case QN_QUERY_BOOSTING:
        return eval(q->boosting.positive, doc);
    case QN_QUERY_HAS_TERM:
        return doc >> (q->has_term.value.str.p[0] - 'a') & 1;
    case QN_QUERY_HAS_ANY:
        for (uint32_t i = 0; i < q->has_any.n; i++)
            if (doc >> (q->has_any.values[i].str.p[0] - 'a') & 1)
                return true;
        return false;
    case QN_QUERY_IN_RANGE:
        return (q->in_range.lower.type == QN_VALUE_NONE || q->in_range.lower.i64 <= (int64_t)doc) &&
               (q->in_range.upper.type == QN_VALUE_NONE || (int64_t)doc <= q->in_range.upper.i64);
    case QN_QUERY_HAS_FIELD:
        return true;
    default:
        fail_msg("unexpected node %s", qn_query_kind_name((enum qn_query_kind)q->kind));
        return false;
    }
}

static const struct qn_query *random_tree(struct qn_rng *rng, int depth)
{
    uint64_t pick = qn_rng_below(rng, depth > 0 ? 10 : 5);
    struct qn_query *q;
    if (pick < 2) {
        q = qn_query_new(&g.ar, QN_QUERY_HAS_TERM, 0);
        char *c = qn_arena_alloc(&g.ar, 1);
        *c = (char)('a' + qn_rng_below(rng, 6));
        q->has_term.target.field = qn_mapping_find(g.quickwit, QN_STR("level"));
        q->has_term.target.type = QN_VALUE_STR;
        q->has_term.value = (struct qn_value){.type = QN_VALUE_STR, .str = {c, 1}};
    } else if (pick == 2) {
        q = qn_query_new(&g.ar, QN_QUERY_IN_RANGE, 0);
        q->in_range.target.field = qn_mapping_find(g.quickwit, QN_STR("n"));
        q->in_range.target.type = QN_VALUE_I64;
        if (qn_rng_below(rng, 3) > 0)
            q->in_range.lower =
                (struct qn_value){.type = QN_VALUE_I64, .i64 = (int64_t)qn_rng_below(rng, 64)};
        if (qn_rng_below(rng, 3) > 0)
            q->in_range.upper =
                (struct qn_value){.type = QN_VALUE_I64, .i64 = (int64_t)qn_rng_below(rng, 64)};
    } else if (pick < 5) {
        q = qn_query_new(&g.ar, pick == 3 ? QN_QUERY_ALL : QN_QUERY_NONE, 0);
    } else if (pick == 5) {
        q = qn_query_new(&g.ar, QN_QUERY_CONSTANT, 0);
        q->child = random_tree(rng, depth - 1);
    } else if (pick == 6) {
        q = qn_query_new(&g.ar, QN_QUERY_DIS_MAX, 0);
        for (uint64_t n = 1 + qn_rng_below(rng, 3); n > 0; n--)
            qn_query_list_add(&g.ar, &q->dis_max.any, random_tree(rng, depth - 1));
    } else {
        q = qn_query_new(&g.ar, QN_QUERY_BOOL, 0);
        struct qn_query_list *lists[] = {&q->bools.must, &q->bools.filter, &q->bools.should,
                                         &q->bools.must_not};
        for (uint64_t n = qn_rng_below(rng, 6); n > 0; n--)
            qn_query_list_add(&g.ar, lists[qn_rng_below(rng, 4)], random_tree(rng, depth - 1));
        if (qn_rng_below(rng, 3) == 0)
            q->bools.min_should = (int32_t)qn_rng_below(rng, q->bools.should.n + 2);
    }
    if (qn_rng_below(rng, 8) == 0)
        q->boost = 2;
    if (qn_rng_below(rng, 12) == 0)
        q->name = QN_STR("named");
    return q;
}

static void test_rewrite_keeps_matches(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(21);
    for (int round = 0; round < 20000; round++) {
        const struct qn_query *q = random_tree(&rng, 4), *simple, *twice;
        bool scored = round & 1;
        assert_ok(qn_query_rewrite(&simple, &g.ar, q, scored, NULL));
        for (unsigned doc = 0; doc < 64; doc++)
            if (eval(q, doc) != eval(simple, doc)) {
                qn_buf_clear(&g.out);
                qn_query_print(&g.out, q);
                qn_buf_put_z(&g.out, "\n  became ");
                qn_query_print(&g.out, simple);
                fail_msg("round %d, doc %u: %.*s", round, doc, QN_STR_ARG(qn_buf_str(&g.out)));
            }
        /* Again changes nothing that matters. */
        assert_ok(qn_query_rewrite(&twice, &g.ar, simple, scored, NULL));
        for (unsigned doc = 0; doc < 64; doc++)
            assert_int_equal(eval(simple, doc), eval(twice, doc));
        qn_arena_reset(&g.ar);
    }
}

/* ---- pruning */

static bool tag_is(void *ctx, const struct qn_field *f, const struct qn_value *v)
{
    (void)ctx;
    return !qn_str_is(f->path, "level") || qn_str_is(v->str, "error");
}

static void test_prune(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool may;
    } rows[] = {
        {"*", true},
        {"level:error", true},
        {"level:info", false},
        {"level:info OR body:x", true},
        {"level:info OR level:warn", false},
        {"level:info body:x", false},
        {"-level:info", true},
        {"level:IN [info warn]", false},
        {"level:IN [info error]", true},
        {"ts:[2024-01-01 TO 2024-01-02]", true},
        {"ts:<2024-01-01", false},
        {"ts:>2024-02-01", false},
        {"ts:>=2024-01-31T00:00:00Z", true},
        {"body:x ts:>2025-01-01", false},
        {"body:x OR ts:>2025-01-01", true},
        {"{\"constant_score\":{\"filter\":{\"term\":{\"level\":\"info\"}}}}", false},
        {"{\"bool\":{\"should\":[{\"term\":{\"level\":\"error\"}},{\"term\":{\"level\":\"info\"}}],"
         "\"minimum_should_match\":2}}",
         false},
    };
    struct qn_resolve_options opt = quickwit_options();
    struct qn_prune_facts facts = {.timestamp_field = g.quickwit->timestamp_field,
                                   .may_have = tag_is};
    assert_ok(qn_rfc3339_parse(QN_STR("2024-01-01T00:00:00Z"), &facts.min_time_ns));
    assert_ok(qn_rfc3339_parse(QN_STR("2024-01-31T00:00:00Z"), &facts.max_time_ns));
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++)
        for (enum step step = BIND; step <= REWRITE_SCORED; step++) {
            struct qn_err err = {0};
            int rc;
            const struct qn_query *q = bound(rows[i].text, &opt, step, &rc, &err);
            assert_ok(rc);
            if (qn_query_may_match(q, &facts) != rows[i].may)
                fail_msg("%s: may match %d", rows[i].text, !rows[i].may);
            qn_arena_reset(&g.ar);
        }
}

static void test_time_range(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"*", "* *"},
        {"ts:>=2024-01-01", "2024-01-01T00:00:00Z *"},
        {"body:x ts:>=2024-01-01 ts:<2024-01-02",
         "2024-01-01T00:00:00Z 2024-01-01T23:59:59.999999999Z"},
        {"ts:<=2024-01-01 OR ts:[2024-03-01 TO 2024-04-01]", "* 2024-04-01T00:00:00Z"},
        {"body:x OR ts:>=2024-01-01", "* *"},
        {"ts:<2024-01-01 ts:>2024-01-02", "none"},
        {"-ts:<2024-01-01", "* *"},
        {"n:5", "* *"},
    };
    struct qn_resolve_options opt = quickwit_options();
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_err err = {0};
        int rc;
        int64_t from, to;
        char date[40];
        const struct qn_query *q = bound(rows[i].text, &opt, BIND, &rc, &err);
        assert_ok(rc);
        qn_query_time_range(q, g.quickwit->timestamp_field, &from, &to);
        qn_buf_clear(&g.out);
        if (from > to) {
            qn_buf_put_z(&g.out, "none");
        } else {
            qn_buf_put(&g.out, from == INT64_MIN ? "*" : date,
                       from == INT64_MIN ? 1 : qn_rfc3339_print(date, from, 0));
            qn_buf_put_u8(&g.out, ' ');
            qn_buf_put(&g.out, to == INT64_MAX ? "*" : date,
                       to == INT64_MAX ? 1 : qn_rfc3339_print(date, to, to % 1000000000 ? 9 : 0));
        }
        assert_str(qn_buf_str(&g.out), rows[i].want);
        qn_arena_reset(&g.ar);
    }
}

static void test_scores(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool scores;
    } rows[] = {{"*", false},
                {"body:a", true},
                {"n:5", false},
                {"n:5 body:a", true},
                {"n:5 OR u:5", true},
                {"body:a*", false},
                {"level:IN [a b]", false},
                {"-body:a", false},
                {"{\"bool\":{\"filter\":{\"match\":{\"body\":\"a\"}}}}", false}};
    struct qn_resolve_options opt = quickwit_options();
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_err err = {0};
        int rc;
        const struct qn_query *q = bound(rows[i].text, &opt, BIND, &rc, &err);
        assert_ok(rc);
        if (qn_query_scores(q) != rows[i].scores)
            fail_msg("%s: scores %d", rows[i].text, !rows[i].scores);
        qn_arena_reset(&g.ar);
    }
}

static void test_dates_and_zones(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int32_t offset;
    } zones[] = {{"Z", 0},     {"UTC", 0},      {"+02:00", 7200}, {"-0530", -19800},
                 {"+1", 3600}, {"GMT+1", 3600}, {"+18:00", 64800}};
    static const char *const bad[] = {"", "Europe/Paris", "+25:00", "+02:60", "02:00", "+2:0", "+"};
    int32_t offset;
    for (size_t i = 0; i < QN_COUNT_OF(zones); i++) {
        assert_ok(qn_time_zone_read(qn_str_of(zones[i].zone), &offset, NULL));
        assert_int_equal(offset, zones[i].offset);
    }
    for (size_t i = 0; i < QN_COUNT_OF(bad); i++)
        if (qn_time_zone_read(qn_str_of(bad[i]), &offset, NULL) != QN_E_INVALID)
            fail_msg("\"%s\" was taken", bad[i]);
    static const struct {
        const char *text;
        bool up;
        const char *want;
    } math[] = {
        {"now", false, "2026-11-20T10:30:45.500000000Z"},
        {"now+1s", false, "2026-11-20T10:30:46.500000000Z"},
        {"now-2h", false, "2026-11-20T08:30:45.500000000Z"},
        {"now-1w", false, "2026-11-13T10:30:45.500000000Z"},
        {"now+3M", false, "2027-02-20T10:30:45.500000000Z"},
        {"now-1y/y", false, "2025-01-01T00:00:00.000000000Z"},
        {"now/h", false, "2026-11-20T10:00:00.000000000Z"},
        {"now/m", true, "2026-11-20T10:30:59.999999999Z"},
        {"now/s", false, "2026-11-20T10:30:45.000000000Z"},
        {"now/w", true, "2026-11-22T23:59:59.999999999Z"},
        {"now+1d-1d", false, "2026-11-20T10:30:45.500000000Z"},
        {"2024-02-29||+1y", false, "2025-02-28T00:00:00.000000000Z"},
        {"2024-02-29||-1M/M", true, "2024-01-31T23:59:59.999999999Z"},
    };
    static const char *const bad_math[] = {"now+",    "now/",         "now+1",
                                           "now+1x",  "now*2d",       "now/2d",
                                           "now+d+",  "||+1d",        "now+99999999999y",
                                           "nowhere", "2024-02-29||", "now+9999y"};
    struct qn_date_formats formats;
    assert_ok(qn_date_formats_parse(&formats, &g.ar,
                                    QN_STR("strict_date_optional_time||epoch_millis"), NULL));
    struct qn_date_query dq = {.dialect = QN_DIALECT_ELASTIC, .formats = &formats, .now_ns = NOW};
    for (size_t i = 0; i < QN_COUNT_OF(math); i++) {
        int64_t ns;
        char date[40];
        struct qn_err err = {0};
        dq.round_up = math[i].up;
        if (qn_date_query_read(qn_str_of(math[i].text), &dq, &ns, &err) < 0)
            fail_msg("%s: %s", math[i].text, err.msg);
        qn_rfc3339_print(date, ns, 9);
        assert_string_equal(date, math[i].want);
    }
    for (size_t i = 0; i < QN_COUNT_OF(bad_math); i++) {
        int64_t ns;
        struct qn_err err = {0};
        int rc = qn_date_query_read(qn_str_of(bad_math[i]), &dq, &ns, &err);
        if (rc >= 0 && strcmp(bad_math[i], "2024-02-29||") != 0)
            fail_msg("%s was taken", bad_math[i]);
    }
}

static void test_parse_user_texts(void **state)
{
    (void)state;
    const struct qn_query *q;
    struct qn_err err = {0};
    struct qn_str defaults[] = {QN_STR("d"), QN_STR("e")};
    assert_ok(qn_json_read_copy(
        &g.tape,
        QN_STR("{\"type\":\"bool\",\"must\":[{\"type\":\"user_input\",\"user_text\":\"a OR f:b\","
               "\"default_operator\":\"And\",\"lenient\":true},{\"type\":\"match_all\"}]}"),
        &err));
    assert_ok(qn_query_read_json(&q, &g.ar, qn_json_root(&g.tape), &err));
    assert_ok(qn_query_parse_user_texts(&q, &g.ar, q, defaults, 2, &err));
    qn_buf_clear(&g.out);
    qn_query_print(&g.out, q);
    assert_str(qn_buf_str(&g.out), "(+((d:a? e:a?) f:b?) +*)");
    qn_arena_reset(&g.ar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quickwit),
        cmocka_unit_test(test_quickwit_unmapped),
        cmocka_unit_test(test_elastic),
        cmocka_unit_test(test_decay_numbers),
        cmocka_unit_test(test_rewrite),
        cmocka_unit_test(test_rewrite_keeps_matches),
        cmocka_unit_test(test_prune),
        cmocka_unit_test(test_time_range),
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_dates_and_zones),
        cmocka_unit_test(test_parse_user_texts),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
