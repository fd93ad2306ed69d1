/* The two query languages and the text box's: every grammar row of the contracts. */
#include "test.h"

#include "base/buf.h"
#include "query/parse.h"

static struct qn_arena ar;
static struct qn_buf out;

static int setup(void **state)
{
    (void)state;
    qn_arena_init(&ar, NULL);
    qn_buf_init(&out, SIZE_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    qn_arena_release(&ar);
    qn_buf_release(&out);
    return 0;
}

typedef int parse_fn(const struct qn_query **q, struct qn_arena *arena, struct qn_str text,
                     const struct qn_parse_options *opt, struct qn_err *err);

/* want: the printed tree, or "!pos message" of the error. */
static void check(parse_fn *parse, const char *text, const struct qn_parse_options *opt,
                  const char *want)
{
    const struct qn_query *q;
    struct qn_err err = {0};
    qn_buf_clear(&out);
    int rc = parse(&q, &ar, qn_str_of(text), opt, &err);
    if (rc < 0) {
        assert_null(q);
        qn_buf_printf(&out, "!%zu %s", err.pos, err.msg);
    } else {
        qn_query_print(&out, q);
    }
    if (!qn_str_is(qn_buf_str(&out), want))
        fail_msg("%s\n  got  %.*s\n  want %s", text, QN_STR_ARG(qn_buf_str(&out)), want);
    qn_arena_reset(&ar);
}

#define SYNTAX "failed to parse query: "

/* Default field d, default operator AND. */
static const struct {
    const char *text, *want;
} quickwit_rows[] = {
    /* 5.1 query, expr */
    {"", "()"},
    {"  \t\n", "()"},
    {"a", "d:a"},
    {"  a  ", "d:a"},
    {"a b", "(+d:a +d:b)"},
    {"a\nb", "(+d:a +d:b)"},
    {"a AND b", "(+d:a +d:b)"},
    {"a OR b", "(d:a d:b)"},
    {"a OR b AND c", "(d:a (+d:b +d:c))"},
    {"a AND b AND c", "(+d:a +d:b +d:c)"},
    {"a OR b OR c", "(d:a d:b d:c)"},
    {"a AND b OR c AND e", "((+d:a +d:b) (+d:c +d:e))"},
    /* 5.2: the default operator applies to clauses without one */
    {"a AND b c", "(+d:c (+d:a +d:b))"},
    {"a OR b c", "(+d:c d:a d:b)"},
    {"c a OR b", "(+d:c d:a d:b)"},
    {"c a AND b", "(+d:c (+d:a +d:b))"},
    /* signs */
    {"+a", "d:a"},
    {"-a", "(-d:a)"},
    {"a -b", "(+d:a -d:b)"},
    {"a AND -b", "(+d:a -d:b)"},
    {"a OR -b", "(d:a (-d:b))"},
    {"-a OR b", "((-d:a) d:b)"},
    {"+a OR +b", "(+d:a +d:b)"},
    {"-a AND -b c", "(+d:c (-d:a -d:b))"},
    {"--a", "!1 " SYNTAX "`--a`"},
    {"+-a", "!1 " SYNTAX "`+-a`"},
    {"- a", "!1 " SYNTAX "`- a`"},
    {"-5", "(-d:5)"},
    /* NOT */
    {"NOT a", "(-d:a)"},
    {"NOT NOT a", "(-(-d:a))"},
    {"a NOT b", "(+d:a -d:b)"},
    {"a AND NOT b", "(+d:a +(-d:b))"},
    {"NOT a OR b", "((-d:a) d:b)"},
    {"NOT (a b)", "(-(+d:a +d:b))"},
    {"NOTa", "d:NOTa"},
    {"NOT", "!0 " SYNTAX "`NOT`"},
    {"a NOT", "!2 " SYNTAX "`a NOT`"},
    /* reserved words and stray operators */
    {"AND", "!0 " SYNTAX "`AND`"},
    {"a AND", "!2 " SYNTAX "`a AND`"},
    {"a OR", "!2 " SYNTAX "`a OR`"},
    {"OR a", "!0 " SYNTAX "`OR a`"},
    {"a AND OR b", "!6 " SYNTAX "`a AND OR b`"},
    {"ANDROID ORDER", "(+d:ANDROID +d:ORDER)"},
    {"and or", "(+d:and +d:or)"},
    {"a && b", "(+d:a +d:words(\"&&\") +d:b)"},
    /* groups */
    {"(a)", "d:a"},
    {"((a))", "d:a"},
    {"( a  OR b )", "(d:a d:b)"},
    {"(a b) c", "(+(+d:a +d:b) +d:c)"},
    {"(+a +b) c", "(+(+d:a +d:b) +d:c)"},
    {"+(a OR b) -c", "(+(d:a d:b) -d:c)"},
    {"a (b)(c)", "(+d:a +d:b +d:c)"},
    {"(-a) b", "(+d:b -d:a)"},
    {"()", "!1 " SYNTAX "`()`"},
    {"(a", "!2 " SYNTAX "`(a`"},
    {"a)", "!1 " SYNTAX "`a)`"},
    /* duplicates */
    {"a a", "(+d:a)"},
    {"a OR a OR b", "(d:a d:b)"},
    {"(a b) OR (c e) OR (a b)", "((+d:a +d:b) (+d:c +d:e))"},
    /* boosts */
    {"a^2", "d:a^2.0"},
    {"a^2.5 b", "(+d:a^2.5 +d:b)"},
    {"a^1", "d:a"},
    {"(a b)^3", "(+d:a +d:b)^3.0"},
    {"f:\"x y\"~2^4", "f:\"x y\"~2^4.0"},
    {"*^2", "*^2.0"},
    {"a^", "!1 " SYNTAX "`a^`"},
    {"a^x", "!1 " SYNTAX "`a^x`"},
    {"a^2^3", "!3 " SYNTAX "`a^2^3`"},
    /* all */
    {"*", "*"},
    {"(*)", "*"},
    {"(* )", "*"},
    {"* a", "(+* +d:a)"},
    {"*a", "d:wildcard(\"*a\")"},
    /* fields */
    {"f:a", "f:a"},
    {"f : a", "f:a"},
    {"f:a b", "(+f:a +d:b)"},
    {"a.b.c:1.1", "a.b.c:1.1"},
    {"a\\ b:x", "a b:x"},
    {"a\\+b:x", "a+b:x"},
    {"k8s\\.node:x", "k8s\\.node:x"},
    {"-f:a", "(-f:a)"},
    {"f:(a b)", "(+f:a +f:b)"},
    {"f:(a OR \"b c\")", "(f:a f:\"b c\")"},
    {"f:(a g:b)", "(+f:a +g:b)"},
    {"f:(a (b OR c))", "(+f:a +(f:b f:c))"},
    {"f:(*)", "f:*"},
    {"f:(>5 /x/ IN [a])", "(+f:{\"5\" TO *] +f:regex(\"x\") +f:IN [\"a\"])"},
    {"f:(a)^2", "f:a^2.0"},
    {"f:", "!0 " SYNTAX "`f:`"},
    {":a", "!0 " SYNTAX "`:a`"},
    {"!a:b", "!2 " SYNTAX "`!a:b`"},
    /* words */
    {"a~2", "d:words(\"a~2\")"},
    {"~a", "d:words(\"~a\")"},
    {"a-b", "d:a-b"},
    {"a/b", "d:words(\"a/b\")"},
    {"http\\://x", "d:words(\"http://x\")"},
    {"a\\ b", "d:words(\"a b\")"},
    {"\\-a", "d:-a"},
    {"\\AND", "d:words(\"\\\\AND\")"},
    {"é中", "d:é中"},
    {"f:-5", "f:-5"},
    {"f:-5.25", "f:-5.25"},
    {"f:-x", "!0 " SYNTAX "`f:-x`"},
    {"a:b:c", "!3 " SYNTAX "`a:b:c`"},
    {"a\\", "!1 " SYNTAX "`a\\`"},
    {"`a`", "!0 " SYNTAX "``a``"},
    /* 5.3 phrases */
    {"\"a b\"", "d:\"a b\""},
    {"'a b'", "d:all(\"a b\")"},
    {"\"a b\"~3", "d:\"a b\"~3"},
    {"\"a \\\" \\x b\"", "d:\"a \\\" x b\""},
    {"'it\\'s'", "d:all(\"it's\")"},
    {"\"\"", "d:\"\""},
    {"\"a b\"*", "d:\"a b\"*"},
    {"f:\"a b\"*", "f:\"a b\"*"},
    {"\"a b\"~", "!5 " SYNTAX "`\"a b\"~`"},
    {"\"a b\"~x", "!5 " SYNTAX "`\"a b\"~x`"},
    {"\"a b", "!0 " SYNTAX "`\"a b`"},
    {"'a b", "!0 " SYNTAX "`'a b`"},
    /* wildcards */
    {"wo*d", "d:wildcard(\"wo*d\")"},
    {"w?rd", "d:wildcard(\"w?rd\")"},
    {"f:*x*", "f:wildcard(\"*x*\")"},
    {"jour\\?", "d:words(\"jour\\\\?\")"},
    {"a\\*b*", "d:wildcard(\"a\\\\*b*\")"},
    /* regexes */
    {"f:/re.*/", "f:regex(\"re.*\")"},
    {"/re/", "d:regex(\"re\")"},
    {"f:/a\\/b/", "f:regex(\"a/b\")"},
    {"f:/a\\\\d/", "f:regex(\"a\\\\\\\\d\")"},
    {"f:/x/^2", "f:regex(\"x\")^2.0"},
    {"(f:/x/)", "f:regex(\"x\")"},
    {"f:/a/b", "f:words(\"/a/b\")"},
    {"f://", "f:words(\"//\")"},
    /* sets */
    {"f:IN [a b \"c d\" 'e' -5]", "f:IN [\"-5\" \"a\" \"b\" \"c d\" \"e\"]"},
    {"f: IN [b a b]", "f:IN [\"a\" \"b\"]"},
    {"f:IN []", "f:IN []"},
    {"f:IN [ a ]", "f:IN [\"a\"]"},
    {"IN [1 2]", "d:IN [\"1\" \"2\"]"},
    {"f:IN [a", "!0 " SYNTAX "`f:IN [a`"},
    {"f:IN (a b)", "!0 " SYNTAX "`f:IN (a b)`"},
    /* ranges */
    {"f:[1 TO 5]", "f:[\"1\" TO \"5\"]"},
    {"f:{1 TO 5}", "f:{\"1\" TO \"5\"}"},
    {"f:[1 TO 5}", "f:[\"1\" TO \"5\"}"},
    {"f:{1 TO 5]", "f:{\"1\" TO \"5\"]"},
    {"f:[* TO 5]", "f:[* TO \"5\"]"},
    {"f:[1 TO *}", "f:[\"1\" TO *]"},
    {"f:{* TO *}", "f:[* TO *]"},
    {"f:[ 1  TO  5 ]", "f:[\"1\" TO \"5\"]"},
    {"f:[-5 TO -1.5]", "f:[\"-5\" TO \"-1.5\"]"},
    {"f:[2024-01-01T00:00:00Z TO 2025-01-01]", "f:[\"2024-01-01T00:00:00Z\" TO \"2025-01-01\"]"},
    {"f:>5", "f:{\"5\" TO *]"},
    {"f:>=5", "f:[\"5\" TO *]"},
    {"f:<5", "f:[* TO \"5\"}"},
    {"f:<=5", "f:[* TO \"5\"]"},
    {"f: <= 70", "f:[* TO \"70\"]"},
    {"f:>=2024-01-01T10:00:00Z", "f:[\"2024-01-01T10:00:00Z\" TO *]"},
    {"(f:>5)", "f:{\"5\" TO *]"},
    {"[1 TO 5]", "d:[\"1\" TO \"5\"]"},
    {">5", "d:{\"5\" TO *]"},
    {"f:[1 to 5]", "!0 " SYNTAX "`f:[1 to 5]`"},
    {"f:[1 5]", "!0 " SYNTAX "`f:[1 5]`"},
    {"f:[1 TO 5", "!0 " SYNTAX "`f:[1 TO 5`"},
    {"f:[\"a b\" TO c]", "!0 " SYNTAX "`f:[\"a b\" TO c]`"},
    {"f:>", "f:words(\">\")"},
    /* exists */
    {"f:*", "f:*"},
    {"f: *", "f:*"},
    {"(f:*)", "f:*"},
    {"f:* AND g:*", "(+f:* +g:*)"},
};

static void test_quickwit(void **state)
{
    (void)state;
    struct qn_str d = QN_STR("d");
    struct qn_parse_options opt = {
        .op = QN_OPERATOR_AND, .default_fields = &d, .n_default_fields = 1};
    for (size_t i = 0; i < QN_COUNT_OF(quickwit_rows); i++)
        check(qn_query_parse_quickwit, quickwit_rows[i].text, &opt, quickwit_rows[i].want);
}

static void test_quickwit_defaults(void **state)
{
    (void)state;
    struct qn_str two[] = {QN_STR("d"), QN_STR("e")};
    struct qn_parse_options opt = {.op = QN_OPERATOR_OR};
    parse_fn *parse = qn_query_parse_quickwit;
    check(parse, "a", &opt, "!0 query requires a default search field and none was supplied");
    check(parse, "f:x a", &opt, "!4 query requires a default search field and none was supplied");
    check(parse, "[1 TO 2]", &opt, "!0 range query without field is not supported");
    check(parse, "/x/", &opt, "!0 regex query without field is not supported");
    check(parse, "IN [x]", &opt, "!0 set query need to target a specific field");
    check(parse, "*", &opt, "*");
    check(parse, "f:a g:b", &opt, "(f:a g:b)");
    check(parse, "f:a AND g:b h:c", &opt, "((+f:a +g:b) h:c)");
    check(parse, "f:a -g:b", &opt, "(f:a -g:b)");
    opt.default_fields = two;
    opt.n_default_fields = 2;
    check(parse, "a", &opt, "(d:a e:a)");
    check(parse, "a*", &opt, "(d:wildcard(\"a*\") e:wildcard(\"a*\"))");
    check(parse, "a b", &opt, "((d:a e:a) (d:b e:b))");
    check(parse, "a^2", &opt, "(d:a e:a)^2.0");
    check(parse, "IN [x]", &opt, "(d:IN [\"x\"] e:IN [\"x\"])");
    check(parse, "[1 TO 2]", &opt, "!0 range query with multiple fields is not supported");
    check(parse, "/x/", &opt, "!0 regex query with multiple fields is not supported");
    opt.lenient = true;
    opt.base_pos = 100;
    check(parse, "f:a g:x* f:>1", &opt, "(f:a? g:wildcard(\"x*\")? f:{\"1\" TO *]?)");
    check(parse, "a )", &opt, "!102 " SYNTAX "`a )`");
}

/* No fields given: leaves print as best():x, here shortened by the default field d. */
static const struct {
    const char *text, *want;
} lucene_rows[] = {
    {"", "nothing"},
    {"   ", "nothing"},
    {"a", "best(d):any(\"a\")"},
    {"a b", "(best(d):any(\"a\") best(d):any(\"b\"))"},
    {"f:a", "f:any(\"a\")"},
    {"f: a", "f:any(\"a\")"},
    {"f:\"a b\"", "f:\"a b\""},
    {"f:\"a b\"~3", "f:\"a b\"~3"},
    {"\"a \\\" b\"", "best(d):\"a \\\" b\""},
    {"f:(a b)", "(f:any(\"a\") f:any(\"b\"))"},
    {"f:(a g:b \"c\")", "(f:any(\"a\") g:any(\"b\") f:\"c\")"},
    {"fie*d:x", "fie*d:any(\"x\")"},
    {"book.\\*:x", "book.*:any(\"x\")"},
    {"_exists_:f", "f:*"},
    {"*", "*"},
    {"*:*", "*"},
    {"f:*", "f:*"},
    {"te?t", "best(d):wildcard(\"te?t\")"},
    {"te*t", "best(d):wildcard(\"te*t\")"},
    {"test*", "best(d):prefix(\"test\")"},
    {"f:*est", "f:wildcard(\"*est\")"},
    {"te\\*t", "best(d):any(\"te*t\")"},
    {"te\\*t*", "best(d):prefix(\"te*t\")"},
    {"/joh?n(ath[oa]n)/", "best(d):regex(\"joh?n(ath[oa]n)\"){lucene}"},
    {"f:/a\\/b/", "f:regex(\"a/b\"){lucene}"},
    {"-f:/re/", "(-f:regex(\"re\"){lucene})"},
    {"rome~", "best(d):fuzzy(\"rome\"){fuzzy=auto:3,6}"},
    {"rome~1", "best(d):fuzzy(\"rome\"){fuzzy=1}"},
    {"rome~0.5", "best(d):fuzzy(\"rome\"){fuzzy=2}"},
    {"rome~2^3", "best(d):fuzzy(\"rome\"){fuzzy=2}^3.0"},
    {"a^2", "best(d):any(\"a\")^2.0"},
    {"a^.5", "best(d):any(\"a\")^0.5"},
    {"(a b)^2.5", "(best(d):any(\"a\") best(d):any(\"b\"))^2.5"},
    {"f:[1 TO 5]", "f:[\"1\" TO \"5\"]"},
    {"f:{1 TO 5}", "f:{\"1\" TO \"5\"}"},
    {"f:[1 TO 5}", "f:[\"1\" TO \"5\"}"},
    {"f:[* TO 2012-12-31]", "f:[* TO \"2012-12-31\"]"},
    {"f:[\"a b\" TO \"c d\"]", "f:[\"a b\" TO \"c d\"]"},
    {"f:[now-1d/d TO now]", "f:[\"now-1d/d\" TO \"now\"]"},
    {"f:>10", "f:{\"10\" TO *]"},
    {"f:>=10", "f:[\"10\" TO *]"},
    {"f:<10", "f:[* TO \"10\"}"},
    {"f:<=10", "f:[* TO \"10\"]"},
    {"f:>\"a b\"", "f:{\"a b\" TO *]"},
    {"f:(>=10 AND <20)", "(+f:[\"10\" TO *] +f:[* TO \"20\"})"},
    /* operators, as Lucene's classic parser marks clauses */
    {"a AND b", "(+best(d):any(\"a\") +best(d):any(\"b\"))"},
    {"a && b", "(+best(d):any(\"a\") +best(d):any(\"b\"))"},
    {"a OR b", "(best(d):any(\"a\") best(d):any(\"b\"))"},
    {"a || b", "(best(d):any(\"a\") best(d):any(\"b\"))"},
    {"a OR b AND c", "(+best(d):any(\"b\") +best(d):any(\"c\") best(d):any(\"a\"))"},
    {"a AND b OR c", "(+best(d):any(\"a\") +best(d):any(\"b\") best(d):any(\"c\"))"},
    {"a AND NOT b", "(+best(d):any(\"a\") -best(d):any(\"b\"))"},
    {"a !b", "(best(d):any(\"a\") -best(d):any(\"b\"))"},
    {"+a b -c", "(+best(d):any(\"a\") best(d):any(\"b\") -best(d):any(\"c\"))"},
    {"NOT a", "(-best(d):any(\"a\"))"},
    {"-a", "(-best(d):any(\"a\"))"},
    {"(a OR b) AND c", "(+(best(d):any(\"a\") best(d):any(\"b\")) +best(d):any(\"c\"))"},
    {"a - b", "(best(d):any(\"a\") best(d):any(\"b\"))"},
    {"a-b c+d", "(best(d):any(\"a-b\") best(d):any(\"c+d\"))"},
    {"(\"a\" OR \"b\")", "(best(d):\"a\" best(d):\"b\")"},
    {"k:\"v\" AND -j:\"w\" AND n:>5", "(+k:\"v\" +n:{\"5\" TO *] -j:\"w\")"},
    {"f:a\\:b", "f:any(\"a:b\")"},
    {"\\(1\\+1\\)\\:2", "best(d):any(\"(1+1):2\")"},
    {"\\u0041b", "best(d):any(\"Ab\")"},
    {"a/b", "best(d):any(\"a/b\")"},
    {"a\u3000b", "(best(d):any(\"a\") best(d):any(\"b\"))"},
    {"ANDROID", "best(d):any(\"ANDROID\")"},
    /* errors */
    {"a AND", "!5 Failed to parse query [a AND]"},
    {"a AND OR b", "!6 Failed to parse query [a AND OR b]"},
    {"NOT NOT a", "!4 Failed to parse query [NOT NOT a]"},
    {"AND a", "!0 Failed to parse query [AND a]"},
    {"(a", "!2 Failed to parse query [(a]"},
    {"a)", "!1 Failed to parse query [a)]"},
    {"()", "!1 Failed to parse query [()]"},
    {"\"a", "!0 Failed to parse query [\"a]"},
    {"f:", "!2 Failed to parse query [f:]"},
    {"f:[1 5]", "!5 Failed to parse query [f:[1 5]]"},
    {"f:[1 TO 5", "!9 Failed to parse query [f:[1 TO 5]"},
    {"/a", "!0 Failed to parse query [/a]"},
    {"a^x", "!2 Failed to parse query [a^x]"},
    {"f:IN [a b]", "!8 Failed to parse query [f:IN [a b]]"},
};

static void test_lucene(void **state)
{
    (void)state;
    struct qn_str d = QN_STR("d");
    struct qn_parse_options opt = {.default_fields = &d, .n_default_fields = 1};
    for (size_t i = 0; i < QN_COUNT_OF(lucene_rows); i++)
        check(qn_query_parse_lucene, lucene_rows[i].text, &opt, lucene_rows[i].want);
}

static void test_lucene_options(void **state)
{
    (void)state;
    struct qn_str fields[] = {QN_STR("title^2"), QN_STR("a.*")};
    struct qn_parse_options opt = {.op = QN_OPERATOR_AND};
    parse_fn *parse = qn_query_parse_lucene;
    check(parse, "f:a f:b", &opt, "(+f:all(\"a\") +f:all(\"b\"))");
    check(parse, "f:a OR f:b", &opt, "(f:all(\"a\") f:all(\"b\"))");
    check(parse, "f:a OR +f:b", &opt, "(+f:all(\"b\") f:all(\"a\"))");
    check(parse, "f:a f:b OR f:c", &opt, "(+f:all(\"a\") f:all(\"b\") f:all(\"c\"))");
    check(parse, "f:a -f:b", &opt, "(+f:all(\"a\") -f:all(\"b\"))");
    opt.op = QN_OPERATOR_OR;
    opt.default_fields = fields;
    opt.n_default_fields = 2;
    check(parse, "x", &opt, "best(title^2.0 a.*):any(\"x\")");
    opt.fields_mode = QN_FIELDS_CROSS;
    opt.tie_breaker = 0.5f;
    opt.lenient = true;
    check(parse, "x", &opt, "cross(title^2.0 a.*)~0.5?:any(\"x\")?");
    opt = (struct qn_parse_options){.no_leading_wildcard = true, .phrase_slop = 2};
    check(parse, "f:*x", &opt, "!2 '*' or '?' not allowed as first character in WildcardQuery");
    check(parse, "f:\"a b\"", &opt, "f:\"a b\"~2");
    check(parse, "f:\"a b\"~0", &opt, "f:\"a b\"");
    opt = (struct qn_parse_options){.escape = true};
    check(parse, "a AND (b", &opt, "best():any(\"a AND (b\")");
    opt = (struct qn_parse_options){.time_zone = QN_STR("+01:00"),
                                    .min_should = QN_STR("75%"),
                                    .analyzer = QN_STR("simple"),
                                    .quote_suffix = QN_STR(".exact")};
    check(parse, "f:>5", &opt, "f:{\"5\" TO *]{time_zone=\"+01:00\"}");
    check(parse, "f:x", &opt, "f:any(\"x\"){analyzer=\"simple\", min_should=\"75%\"}");
    check(parse, "f:\"x\"", &opt, "f.exact:\"x\"{analyzer=\"simple\"}");
}

static const struct {
    const char *text, *want;
} simple_rows[] = {
    {"", "nothing"},
    {"*", "*"},
    {"a b", "(d:any(\"a\") d:any(\"b\"))"},
    {"a + b", "(+d:any(\"a\") +d:any(\"b\"))"},
    {"a | b", "(d:any(\"a\") d:any(\"b\"))"},
    {"a + b | c", "((+d:any(\"a\") +d:any(\"b\")) d:any(\"c\"))"},
    {"a -b", "(d:any(\"a\") (-d:any(\"b\")))"},
    {"a + -b", "(+d:any(\"a\") +(-d:any(\"b\")))"},
    {"--a", "d:any(\"a\")"},
    {"\"a b\"", "d:\"a b\""},
    {"\"a b\"~2", "d:\"a b\"~2"},
    {"pre*", "d:prefix(\"pre\")"},
    {"fuz~", "d:fuzzy(\"fuz\"){fuzzy=2}"},
    {"fuz~1", "d:fuzzy(\"fuz\"){fuzzy=1}"},
    {"a (b + c)", "(d:any(\"a\") (+d:any(\"b\") +d:any(\"c\")))"},
    {"a\\+b \\\"c", "(d:any(\"a+b\") d:any(\"\\\"c\"))"},
    /* nothing is an error */
    {"(a", "d:any(\"a\")"},
    {"a)", "d:any(\"a\")"},
    {"((((", "nothing"},
    {"( (a + b) c", "((+d:any(\"a\") +d:any(\"b\")) d:any(\"c\"))"},
    {"\"a", "d:any(\"a\")"},
    {"+ | -", "nothing"},
    {"a +", "d:any(\"a\")"},
    {"\"\"", "nothing"},
    {"f:x", "d:any(\"f:x\")"},
};

static void test_simple(void **state)
{
    (void)state;
    struct qn_str d = QN_STR("d");
    struct qn_parse_options opt = {.default_fields = &d, .n_default_fields = 1};
    for (size_t i = 0; i < QN_COUNT_OF(simple_rows); i++) {
        char want[200];
        /* the table leaves the best() around the default field out */
        size_t n = 0;
        for (const char *p = simple_rows[i].want; *p; p++)
            n += (size_t)snprintf(want + n, sizeof want - n, "%s%c",
                                  p[0] == 'd' && p[1] == ':' ? "best(" : "", *p) +
                 (p[0] == 'd' && p[1] == ':'
                      ? (size_t)snprintf(want + n + 6, sizeof want - n - 6, ")")
                      : 0);
        check(qn_query_parse_simple, simple_rows[i].text, &opt, want);
    }
    opt.simple_flags = QN_SIMPLE_PREFIX | QN_SIMPLE_WHITESPACE;
    check(qn_query_parse_simple, "a+b (c*", &opt, "(best(d):any(\"a+b\") best(d):prefix(\"(c\"))");
    opt.simple_flags = 0;
    opt.op = QN_OPERATOR_AND;
    check(qn_query_parse_simple, "a b", &opt, "(+best(d):all(\"a\") +best(d):all(\"b\"))");
}

/* Depth and size: an error with a place, in time that grows with the text. */
static void test_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *unit;
        int code[3]; /* Quickwit, Lucene, simple */
    } rows[] = {
        {"(", {QN_E_TOO_DEEP, QN_E_TOO_DEEP, 0}},
        {"f:(", {QN_E_TOO_DEEP, QN_E_TOO_DEEP, QN_E_TOO_LARGE}},
        {"NOT ", {QN_E_TOO_DEEP, QN_E_PARSE, QN_E_TOO_LARGE}},
        {"+(+(", {QN_E_TOO_DEEP, QN_E_TOO_DEEP, 0}},
        {"a\n", {QN_E_TOO_LARGE, QN_E_TOO_LARGE, QN_E_TOO_LARGE}},
        {"a ", {QN_E_TOO_LARGE, QN_E_TOO_LARGE, QN_E_TOO_LARGE}},
        {"a", {0, 0, 0}},
        {"\\a", {0, 0, 0}},
        {"[", {QN_E_PARSE, QN_E_PARSE, 0}},
    };
    static parse_fn *const parsers[] = {qn_query_parse_quickwit, qn_query_parse_lucene,
                                        qn_query_parse_simple};
    struct qn_str d = QN_STR("d");
    struct qn_parse_options opt = {.default_fields = &d, .n_default_fields = 1};
    struct qn_buf text;
    qn_buf_init(&text, SIZE_MAX);
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++)
        for (size_t k = 0; k < QN_COUNT_OF(parsers); k++) {
            const struct qn_query *q;
            struct qn_err err = {0};
            qn_buf_clear(&text);
            while (text.n < 400000)
                qn_buf_put_z(&text, rows[i].unit);
            int rc = parsers[k](&q, &ar, qn_buf_str(&text), &opt, &err);
            if (rc != rows[i].code[k])
                fail_msg("%s by parser %zu: %s", rows[i].unit, k, qn_err_name(rc));
            qn_arena_reset(&ar);
        }
    qn_buf_release(&text);
}

static void test_budget(void **state)
{
    (void)state;
    struct qn_budget budget;
    struct qn_arena small;
    const struct qn_query *q;
    struct qn_str d = QN_STR("d");
    struct qn_parse_options opt = {.default_fields = &d, .n_default_fields = 1};
    struct qn_buf text;
    qn_buf_init(&text, SIZE_MAX);
    for (int i = 0; i < 5000; i++)
        qn_buf_printf(&text, "f%d:x ", i);
    qn_budget_init(&budget, "query", NULL, 64 * 1024);
    qn_arena_init(&small, &budget);
    assert_int_equal(qn_query_parse_quickwit(&q, &small, qn_buf_str(&text), &opt, NULL),
                     QN_E_BUDGET);
    qn_arena_reset(&small);
    assert_int_equal(qn_query_parse_lucene(&q, &small, qn_buf_str(&text), &opt, NULL), QN_E_BUDGET);
    qn_arena_reset(&small);
    assert_int_equal(qn_query_parse_simple(&q, &small, qn_buf_str(&text), &opt, NULL), QN_E_BUDGET);
    qn_arena_release(&small);
    qn_budget_release(&budget);
    qn_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quickwit), cmocka_unit_test(test_quickwit_defaults),
        cmocka_unit_test(test_lucene),   cmocka_unit_test(test_lucene_options),
        cmocka_unit_test(test_simple),   cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
