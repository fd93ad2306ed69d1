/* Analyzers: every tokenizer and filter by table, offsets, and that the fast ways equal the slow.
 */
#include "test.h"

#include "base/buf.h"
#include "text_int.h"
#include "tokenizer.h"
#include "unicode.h"

static const struct qn_simd_ops *test_ops(void)
{
    const char *name = getenv("QN_TEST_SIMD");
    const struct qn_simd_ops *ops = qn_simd_pick(name ? name : "auto");
    return ops ? ops : qn_simd_level(QN_SIMD_SCALAR);
}

/* "text@position[from,to) ..." of all tokens; positions and offsets only when asked. */
static void show(struct qn_buf *out, struct qn_text_scratch *scr, const struct qn_analyzer *an,
                 struct qn_str text, bool details)
{
    const struct qn_token *t;
    int n;
    qn_buf_clear(out);
    qn_analyze_begin(scr, an, text);
    while ((n = qn_analyze_next(scr, &t)) > 0)
        for (int i = 0; i < n; i++) {
            if (out->n > 0)
                qn_buf_put_u8(out, '|');
            qn_buf_put(out, t[i].text, t[i].len);
            if (details)
                qn_buf_printf(out, "@%u[%u,%u)", t[i].position, t[i].from, t[i].to);
        }
    assert_ok(n);
}

static const struct {
    const char *analyzer, *text, *want;
    bool details;
} rows[] = {
    /* default */
    {"default", "", ""},
    {"default", "Hello, happy tax payer!", "hello@0[0,5)|happy@1[7,12)|tax@2[13,16)|payer@3[17,22)",
     true},
    {"default", "a-b_c", "a|b|c"},
    {"default", "ÉTÉ Straße ÇA", "été@0[0,5)|straße@1[6,13)|ça@2[14,17)", true},
    {"default", "ΟΔΟΣ", "οδοσ"},
    {"default", "İstanbul", "i̇stanbul@0[0,9)", true},
    {"default", "中文 日本語", "中文|日本語"},
    {"default", "½ ² ⅷ ٣", "½|²|ⅷ|٣"},
    {"default", "x\xff\xfey\xe4\xb8z", "x|y|z"},
    {"default", "हिन्दी", "हिन|दी"}, /* the virama is no alphanumeric character in Rust */
    /* raw and its kin */
    {"raw", "Hello World ", "Hello World @0[0,12)", true},
    {"raw", "", "@0[0,0)", true},
    {"raw_lowercase", "Hello Ö", "hello ö"},
    {"lowercase", "Hello Ö", "hello ö"},
    {"keyword", "Hello Ö", "Hello Ö"},
    /* whitespace */
    {"whitespace", " a,b\tC\nd\r\fE\vf ", "a,b|C|d|E\vf"},
    {"whitespace", "a\u3000b", "a\u3000b"},
    /* chinese_compatible */
    {"chinese_compatible", "Hello 中文字!abc中d",
     "hello@0[0,5)|中@1[6,9)|文@2[9,12)|字@3[12,15)|abc@4[16,19)|中@5[19,22)|d@6[22,23)", true},
    {"chinese_compatible", "日本語カタカナ", "日|本|語|カタカナ"},
    {"chinese_compatible", "𠀀𠀁x", "𠀀|𠀁|x"},
    {"chinese_compatible", "中", "中@0[0,3)", true},
    {"chinese_compatible", "a中", "a|中"},
    /* source_code */
    {"source_code_default", "PigCaféFactory2", "pig@0[0,3)|cafe@1[3,8)|factory@2[8,15)|2@3[15,16)",
     true},
    {"source_code_default", "RPCResult", "rpc|result"},
    {"source_code_default", "PIG-pig_Pig", "pig|pig|pig"},
    {"source_code_default", "ABCa aBC A1b aB", "ab|ca|a|bc|a|1|b|a|b"},
    {"source_code_default", "301b2d5a", "301|b|2|d|5|a"},
    {"source_code_default", "éÀ", "e|a"},
    {"source_code_with_hex", "301b2d5a", "301b2d5a"},
    {"source_code_with_hex", "301b2d5", "301|b|2|d|5"},
    {"source_code_with_hex", "5f-ab AB Ab aBc deadbeefx", "5f|ab|ab|ab|a|bc|deadbeefx"},
    {"source_code_with_hex", "1e9d8a21-88c3-4b2e-9c1b-5f0c7fafb8d1 x12ab",
     "1e9d8a21|88c3|4b2e|9c1b|5f0c7fafb8d1|x|12|ab"},
    {"source_code_with_hex", "abc 123 ABC", "abc|123|abc"},
    {"source_code_with_hex", "aa中 中aa", "aa中|中aa"},
    /* words */
    {"unicode_segmenter", "The quick (\"brown\") fox can't jump 32.3 feet, right?",
     "the@0[0,3)|quick@1[4,9)|brown@2[12,17)|fox@3[20,23)|can't@4[24,29)|jump@5[30,34)|32.3@6[35,"
     "39)|feet@7[40,44)|right@8[46,51)",
     true},
    {"datadog", "a.b.c 1,234.5 a:b a,b 1:2 x_y _ __a 'q' don''t",
     "a.b.c|1,234.5|a:b|a|b|1|2|x_y|__a|q|don|t"},
    {"unicode_segmenter", "中文 ひら カタカナ 한국어", "中|文|ひ|ら|カタカナ|한국어"},
    {"unicode_segmenter", "שו\"ת ש'", "שו\"ת|ש'"},
    {"standard", "The 2 QUICK Brown-Foxes jumped over the lazy dog's bone.",
     "the|2|quick|brown|foxes|jumped|over|the|lazy|dog's|bone"},
    {"standard", "http://a.b.com/x_y?z=1", "http|a.b.com|x_y|z|1"},
    {"standard", "สวัสดีครับ x", "สวัสดีครับ|x"},
    {"standard", "👍🏽 🇫🇷🇩🇪 © x", "👍🏽|🇫🇷|🇩🇪|x"},
    {"standard", "e\u0301te\u0301", "e\u0301te\u0301"},
    /* Elasticsearch's others */
    {"simple", "The 2 QUICK Brown-Foxes dog's", "the|quick|brown|foxes|dog|s"},
    {"stop", "The quick fox and THE dog", "quick@1[4,9)|fox@2[10,13)|dog@5[22,25)", true},
    {"pattern", "foo_bar baz-1 é", "foo_bar|baz|1"},
    {"english", "The Running dogs' dog\u2019s cats are flies",
     "run@1[4,11)|dog@2[12,16)|dog@3[18,25)|cat@4[26,30)|fli@6[35,40)", true},
    /* stemmers */
    {"en_stem", "Running runs easily", "run|run|easili"},
    {"de_stem", "Häuser laufen", "haus|lauf"},
    {"fr_stem", "continuellement chevaux", "continuel|cheval"},
    {"ru_stem", "важными Вещи", "важн|вещ"},
};

static void test_tables(void **state)
{
    (void)state;
    struct qn_text_scratch *scr = qn_text_scratch_new(test_ops());
    struct qn_buf out;
    qn_buf_init(&out, SIZE_MAX);
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        const struct qn_analyzer *an = qn_analyzer_find(qn_str_of(rows[i].analyzer));
        assert_non_null(an);
        show(&out, scr, an, qn_str_of(rows[i].text), rows[i].details);
        if (!qn_str_is(qn_buf_str(&out), rows[i].want))
            fail_msg("%s of \"%s\": got %.*s, want %s", rows[i].analyzer, rows[i].text,
                     QN_STR_ARG(qn_buf_str(&out)), rows[i].want);
    }
    qn_buf_release(&out);
    qn_text_scratch_free(scr);
}

static const struct {
    struct qn_analyzer_config cfg;
    const char *text, *want;
} configs[] = {
    {{QN_TOKENIZER_NGRAM, 2, 3},
     "hello",
     "he@0[0,2)|hel@0[0,3)|el@0[1,3)|ell@0[1,4)|ll@0[2,4)|llo@0[2,5)|lo@0[3,5)"},
    {{QN_TOKENIZER_NGRAM, 2, 5, true}, "hεllo", "hε@0[0,3)|hεl@0[0,4)|hεll@0[0,5)|hεllo@0[0,6)"},
    {{QN_TOKENIZER_NGRAM, 3, 3}, "ab", ""},
    {{QN_TOKENIZER_NGRAM, 1, 1}, "aé", "a@0[0,1)|é@0[1,3)"},
    {{QN_TOKENIZER_REGEX, .pattern = {"'(?:\\w*)'", 9}},
     "'aaa' bbb 'ccc' 'ddd'",
     "'aaa'@0[0,5)|'ccc'@1[10,15)|'ddd'@2[16,21)"},
    {{QN_TOKENIZER_REGEX, .pattern = {"\\w+", 3}},
     "né 中x\xff"
     "b",
     "né@0[0,3)|中x@1[4,8)|b@2[9,10)"},
    {{QN_TOKENIZER_REGEX, .pattern = {"a*", 2}}, "aab", "aa@0[0,2)"},
    {{QN_TOKENIZER_REGEX, .pattern = {"X", 1}, .case_insensitive = true},
     "xX",
     "x@0[0,1)|X@1[1,2)"},
    {{QN_TOKENIZER_REGEX_SPLIT, .pattern = {"\\W+", 3}}, "--a, b-", "a@0[2,3)|b@1[5,6)"},
    {{QN_TOKENIZER_REGEX_SPLIT, .pattern = {"x*", 2}}, "aaxb", "a@0[0,1)|a@1[1,2)|b@2[3,4)"},
    {{QN_TOKENIZER_REGEX_SPLIT, .pattern = {",", 1}}, "é,\xff,b", "é@0[0,2)|b@1[5,6)"},
    {{QN_TOKENIZER_STANDARD, .max_token = 3},
     "abcdefg éé",
     "abc@0[0,3)|def@1[3,6)|g@2[6,7)|éé@3[8,12)"},
    {{QN_TOKENIZER_SPACE}, "a\u3000b\u00a0c", "a@0[0,1)|b\u00a0c@1[4,8)"},
    {{QN_TOKENIZER_ALNUM, .filters = {{QN_FILTER_LENGTH, 2, 3}}, .n_filters = 1},
     "a éé bbb cccc",
     "éé@1[2,6)|bbb@2[7,10)"},
    {{QN_TOKENIZER_ALNUM, .filters = {{QN_FILTER_TRUNCATE, 0, 2}}, .n_filters = 1},
     "ééé A",
     "éé@0[0,6)|A@1[7,8)"},
    {{QN_TOKENIZER_RAW, .filters = {{QN_FILTER_TRIM}}, .n_filters = 1}, " a b\u3000", "a b@0[0,7)"},
    {{QN_TOKENIZER_RAW, .filters = {{QN_FILTER_TRIM}}, .n_filters = 1}, "  ", "@0[0,2)"},
    {{QN_TOKENIZER_ALNUM, .filters = {{QN_FILTER_EDGE_NGRAM, 1, 2}}, .n_filters = 1},
     "éa b",
     "é@0[0,3)|éa@0[0,3)|b@1[4,5)"},
    {{QN_TOKENIZER_ALNUM, .filters = {{QN_FILTER_ASCII_FOLD}, {QN_FILTER_LOWER}}, .n_filters = 2},
     "Ærø ﬁ Ǆ ①",
     "aero@0[0,5)|fi@1[6,9)|dz@2[10,12)|1@3[13,16)"},
    {{QN_TOKENIZER_ALNUM,
      .filters = {{QN_FILTER_STOP, .words = (const struct qn_str[]){{"b", 1}, {"c", 1}},
                   .n_words = 2}},
      .n_filters = 1},
     "a b c the",
     "a@0[0,1)|the@3[6,9)"},
};

static void test_configs(void **state)
{
    (void)state;
    struct qn_text_scratch *scr = qn_text_scratch_new(test_ops());
    struct qn_buf out;
    qn_buf_init(&out, SIZE_MAX);
    for (size_t i = 0; i < QN_COUNT_OF(configs); i++) {
        struct qn_analyzer *an;
        assert_ok(qn_analyzer_new(&an, &configs[i].cfg, NULL));
        show(&out, scr, an, qn_str_of(configs[i].text), true);
        if (!qn_str_is(qn_buf_str(&out), configs[i].want))
            fail_msg("config %zu of \"%s\": got %.*s, want %s", i, configs[i].text,
                     QN_STR_ARG(qn_buf_str(&out)), configs[i].want);
        qn_analyzer_free(an);
    }
    qn_buf_release(&out);
    qn_text_scratch_free(scr);
}

static void test_bad_configs(void **state)
{
    (void)state;
    static const struct {
        struct qn_analyzer_config cfg;
        int code;
        const char *msg;
    } bad[] = {
        {{QN_TOKENIZER_NGRAM, 0, 3},
         QN_E_INVALID,
         "invalid ngram tokenizer: min_gram must be greater than 0"},
        {{QN_TOKENIZER_NGRAM, 4, 3},
         QN_E_INVALID,
         "invalid ngram tokenizer: min_gram must not be greater than max_gram"},
        {{QN_TOKENIZER_NGRAM, 4, 300},
         QN_E_RANGE,
         "invalid ngram tokenizer: max_gram must not be over 256"},
        {{QN_TOKENIZER_REGEX, .pattern = {"a(b", 3}},
         QN_E_PARSE,
         "invalid regex at offset 3: missing closing parenthesis"},
        {{QN_TOKENIZER_REGEX}, QN_E_INVALID, "the pattern of a regex tokenizer must not be empty"},
        {{QN_TOKENIZER_RAW, .filters = {{QN_FILTER_STEM, .language = {"klingon", 7}}},
          .n_filters = 1},
         QN_E_INVALID,
         "unknown stemmer language `klingon`"},
    };
    for (size_t i = 0; i < QN_COUNT_OF(bad); i++) {
        struct qn_analyzer *an;
        struct qn_err err = {0};
        assert_int_equal(qn_analyzer_new(&an, &bad[i].cfg, &err), bad[i].code);
        assert_null(an);
        assert_string_equal(err.msg, bad[i].msg);
    }
}

/* 255 bytes stay, 256 go, whatever makes the token; gaps stay in the positions. */
static void test_long(void **state)
{
    (void)state;
    static const char *const names[] = {
        "default",           "raw",    "lowercase", "chinese_compatible", "source_code_default",
        "unicode_segmenter", "en_stem"};
    struct qn_text_scratch *scr = qn_text_scratch_new(test_ops());
    char text[600];
    for (size_t i = 0; i < QN_COUNT_OF(names); i++)
        for (size_t n = 254; n <= 257; n++) {
            const struct qn_analyzer *an = qn_analyzer_find(qn_str_of(names[i]));
            const struct qn_token *t;
            memset(text, 'a', n);
            qn_analyze_begin(scr, an, qn_str_make(text, n));
            assert_int_equal(qn_analyze_next(scr, &t), n <= 255);
        }
    memset(text, 'a', 600);
    text[300] = ' ';
    text[598] = ' ';
    const struct qn_token *t;
    qn_analyze_begin(scr, qn_analyzer_find(QN_STR("default")), qn_str_make(text, 600));
    assert_int_equal(qn_analyze_next(scr, &t), 1);
    assert_int_equal(t->position, 2);
    /* Elasticsearch cuts instead. */
    qn_analyze_begin(scr, qn_analyzer_find(QN_STR("standard")), qn_str_make(text, 600));
    assert_int_equal(qn_analyze_next(scr, &t), 5);
    assert_int_equal(t[0].len, 255);
    assert_int_equal(t[1].len, 45);
    qn_text_scratch_free(scr);
}

/* Characters that matter to some tokenizer, weighted towards ASCII. */
static size_t random_text(struct qn_rng *rng, char *out, size_t max)
{
    static const char *const bits[] = {
        "a",        "B",      "z9",       "Q",    "7",       "0",          "f",      "_",
        ".",        "'",      ":",        ",",    ";",       " ",          "  ",     "\n",
        "\r\n",     "-",      "\"",       "\t",   "é",       "É",          "ß",      "İ",
        "Ⱥ",        "ﬁ",      "Σ",        "中",   "文",      "\U00020000", "カ",     "ー",
        "ひ",       "한",     "ש",        "ท",    "\u0301",  "\u200d",     "\u200b", "👍",
        "🏽",     "🇫",      "①",        "٣",    "\u00a0",  "\u3000",     "\u2028", "\xff",
        "\xe4\xb8", "\xc3",   "\xf0\x9f", "word", "Running", "deadbeef",   "the",    "CamelCase",
        "1,234.5",  "\u0345", "\u093e",
    };
    size_t n = 0, want = qn_rng_below(rng, max - 16);
    bool ascii = qn_rng_below(rng, 4) == 0;
    size_t runs = qn_rng_below(rng, 8) == 0;
    while (n < want) {
        const char *b = bits[qn_rng_below(rng, ascii ? 20 : QN_COUNT_OF(bits))];
        size_t times = runs ? 1 + qn_rng_below(rng, 400) : 1;
        for (; times > 0 && n < want; times--) {
            memcpy(out + n, b, strlen(b));
            n += strlen(b);
        }
    }
    return n;
}

/* The definition of the alphanumeric tokenizers, one character at a time. */
static void reference_alnum(struct qn_buf *out, struct qn_str s, bool cjk)
{
    uint32_t position = 0;
    qn_buf_clear(out);
    for (size_t at = 0; at < s.n;) {
        size_t from = at, to;
        uint32_t cp = qn_utf8_next(s, &at);
        if (!qn_uc_is_alnum(cp))
            continue;
        to = at;
        while (!(cjk && (qn_uc_flags(cp) & QN_UC_CJK)) && at < s.n) {
            uint32_t next = qn_utf8_next(s, &at);
            if (!qn_uc_is_alnum(next) || (cjk && (qn_uc_flags(next) & QN_UC_CJK)))
                break;
            to = at;
        }
        at = to;
        if (to - from <= 255) {
            char low[600];
            size_t n = qn_uc_lower_str(low, qn_str_make(s.p + from, to - from));
            if (out->n > 0)
                qn_buf_put_u8(out, '|');
            qn_buf_put(out, low, n);
            qn_buf_printf(out, "@%u[%zu,%zu)", position, from, to);
        }
        position++;
    }
}

static void reference_words(struct qn_buf *out, struct qn_str s)
{
    uint32_t position = 0;
    qn_buf_clear(out);
    for (size_t at = 0; at < s.n;) {
        size_t to = qn__word_boundary(s, at);
        bool word = false;
        for (size_t i = at; i < to;)
            word |= qn_uc_is_alnum(qn_utf8_next(s, &i));
        char *low = malloc((to - at) * 3 / 2 + 3);
        size_t n = qn_uc_lower_str(low, qn_str_make(s.p + at, to - at));
        if (word && n <= 255) {
            if (out->n > 0)
                qn_buf_put_u8(out, '|');
            qn_buf_put(out, low, n);
            qn_buf_printf(out, "@%u[%zu,%zu)", position, at, to);
        }
        position += word;
        free(low);
        at = to;
    }
}

static void assert_same(const struct qn_buf *a, const struct qn_buf *b)
{
    size_t i = 0;
    while (i < a->n && i < b->n && a->p[i] == b->p[i])
        i++;
    if (a->n != b->n || i != a->n) {
        size_t from = i > 40 ? i - 40 : 0;
        fail_msg("differ at %zu: got %.*s, want %.*s", i,
                 (int)(a->n - from > 120 ? 120 : a->n - from), a->p + from,
                 (int)(b->n - from > 120 ? 120 : b->n - from), b->p + from);
    }
}

static void test_fast_equals_slow(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(11);
    struct qn_buf fast, slow;
    qn_buf_init(&fast, SIZE_MAX);
    qn_buf_init(&slow, SIZE_MAX);
    struct qn_text_scratch *scr[QN_SIMD_LEVELS + 1] = {qn_text_scratch_new(test_ops())};
    for (int l = 0; l < QN_SIMD_LEVELS; l++)
        if (qn_simd_level((enum qn_simd_level)l) != NULL)
            scr[l + 1] = qn_text_scratch_new(qn_simd_level((enum qn_simd_level)l));
    for (int round = 0; round < 1200; round++) {
        size_t max = round % 8 == 0 ? 6000 : 200;
        char big[6100];
        size_t n = random_text(&rng, big, max);
        char *exact = malloc(n + 16); /* ASAN watches the 16 readable bytes */
        memcpy(exact, big, n);
        memset(exact + n, 'x', 16);
        struct qn_str s = {exact, n};
        for (size_t l = 0; l < QN_COUNT_OF(scr); l++) {
            if (scr[l] == NULL)
                continue;
            show(&fast, scr[l], qn_analyzer_find(QN_STR("default")), s, true);
            reference_alnum(&slow, s, false);
            assert_same(&fast, &slow);
            show(&fast, scr[l], qn_analyzer_find(QN_STR("chinese_compatible")), s, true);
            reference_alnum(&slow, s, true);
            assert_same(&fast, &slow);
            show(&fast, scr[l], qn_analyzer_find(QN_STR("unicode_segmenter")), s, true);
            reference_words(&slow, s);
            assert_same(&fast, &slow);
        }
        free(exact);
    }
    for (size_t l = 0; l < QN_COUNT_OF(scr); l++)
        qn_text_scratch_free(scr[l]);
    qn_buf_release(&fast);
    qn_buf_release(&slow);
}

/* Fused lower-casing is the same as an analyzer put together so that it cannot be fused. */
static void test_fused_equals_filters(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(12);
    struct qn_analyzer_config cfg = {QN_TOKENIZER_CJK,
                                     .filters = {{QN_FILTER_TRUNCATE, 0, UINT32_MAX},
                                                 {QN_FILTER_REMOVE_LONG, 0, 255},
                                                 {QN_FILTER_LOWER}},
                                     .n_filters = 3};
    struct qn_analyzer *an;
    assert_ok(qn_analyzer_new(&an, &cfg, NULL));
    assert_int_equal(an->fused_filters, 0);
    assert_int_equal(qn_analyzer_find(QN_STR("chinese_compatible"))->fused_filters, 2);
    struct qn_text_scratch *scr = qn_text_scratch_new(test_ops());
    struct qn_buf a, b;
    qn_buf_init(&a, SIZE_MAX);
    qn_buf_init(&b, SIZE_MAX);
    for (int round = 0; round < 500; round++) {
        char text[3000];
        struct qn_str s = {text, random_text(&rng, text, sizeof text)};
        show(&a, scr, an, s, true);
        show(&b, scr, qn_analyzer_find(QN_STR("chinese_compatible")), s, true);
        assert_same(&a, &b);
    }
    qn_buf_release(&a);
    qn_buf_release(&b);
    qn_text_scratch_free(scr);
    qn_analyzer_free(an);
}

/* Long and hostile texts: batches stay bounded, spans lie in the text and on characters. */
static void test_all_on_random(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(13);
    struct qn_text_scratch *scr = qn_text_scratch_new(test_ops());
    for (int round = 0; round < 300; round++) {
        char text[5000];
        struct qn_str s = {text, random_text(&rng, text, sizeof text)};
        for (size_t i = 0; qn_analyzer_name(i) != NULL; i++) {
            const struct qn_token *t;
            uint32_t position = 0;
            int n;
            qn_analyze_begin(scr, qn_analyzer_find(qn_str_of(qn_analyzer_name(i))), s);
            while ((n = qn_analyze_next(scr, &t)) > 0) {
                assert_in_range(n, 1, QN_TOKEN_BATCH);
                for (int k = 0; k < n; k++) {
                    assert_true(t[k].from <= t[k].to && t[k].to <= s.n);
                    assert_true(t[k].position >= position);
                    position = t[k].position;
                }
            }
            assert_int_equal(n, 0);
        }
    }
    qn_text_scratch_free(scr);
}

static void test_regex_limits(void **state)
{
    (void)state;
    static const char *const patterns[] = {"(a+)+$", "(a|aa)+$", "(.*)*x", "([a-z]+)*[0-9]"};
    struct qn_text_scratch *scr = qn_text_scratch_new(test_ops());
    char text[4096];
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < QN_COUNT_OF(patterns); i++) {
        struct qn_analyzer_config cfg = {QN_TOKENIZER_REGEX, .pattern = qn_str_of(patterns[i])};
        struct qn_analyzer *an;
        const struct qn_token *t;
        int n;
        assert_ok(qn_analyzer_new(&an, &cfg, NULL));
        text[sizeof text - 1] = '!';
        qn_analyze_begin(scr, an, qn_str_make(text, sizeof text));
        while ((n = qn_analyze_next(scr, &t)) > 0)
            assert_true(n <= QN_TOKEN_BATCH);
        assert_true(n == 0 || n == QN_E_TOO_LARGE);
        assert_int_equal(qn_analyze_next(scr, &t), 0); /* an error ends the text */
        qn_analyzer_free(an);
    }
    qn_text_scratch_free(scr);
}

static void test_names(void **state)
{
    (void)state;
    assert_null(qn_analyzer_find(QN_STR("nope")));
    for (size_t i = 0; qn_analyzer_name(i) != NULL; i++)
        assert_non_null(qn_analyzer_find(qn_str_of(qn_analyzer_name(i))));
    assert_true(qn_analyzer_lowercases(qn_analyzer_find(QN_STR("default"))));
    assert_false(qn_analyzer_lowercases(qn_analyzer_find(QN_STR("whitespace"))));
    assert_ptr_equal(qn_analyzer_normalizer(qn_analyzer_find(QN_STR("default"))),
                     qn_analyzer_find(QN_STR("raw_lowercase")));
    assert_ptr_equal(qn_analyzer_normalizer(qn_analyzer_find(QN_STR("whitespace"))),
                     qn_analyzer_find(QN_STR("raw")));
    assert_true(qn_analyzer_is_keyword(qn_analyzer_find(QN_STR("keyword"))));
    assert_false(qn_analyzer_is_keyword(qn_analyzer_find(QN_STR("default"))));
    assert_ptr_equal(qn_analyzer_find_elastic(QN_STR("default")),
                     qn_analyzer_find(QN_STR("standard")));
    assert_int_equal(qn_analyzer_find_elastic(QN_STR("whitespace"))->kind, QN_TOKENIZER_SPACE);
    struct qn_filter_config f;
    struct qn_analyzer_config c;
    assert_int_equal(qn_filter_kind_of(QN_STR("lower_caser"), &f), QN_FILTER_LOWER);
    assert_int_equal(qn_filter_kind_of(QN_STR("nope"), &f), -1);
    assert_int_equal(qn_tokenizer_kind_of_elastic(QN_STR("letter"), &c), QN_TOKENIZER_LETTER);
    assert_int_equal(qn_tokenizer_kind_of_elastic(QN_STR("nope"), &c), -1);
}

static void test_normalize_and_types(void **state)
{
    (void)state;
    struct qn_text_scratch *scr = qn_text_scratch_new(test_ops());
    struct qn_str out;
    char big[300];
    memset(big, 'x', sizeof big);
    qn_normalize(scr, qn_analyzer_find(QN_STR("lowercase")), QN_STR("Hello Ä"), &out);
    assert_str(out, "hello ä");
    qn_normalize(scr, qn_analyzer_find(QN_STR("raw")), qn_str_make(big, sizeof big), &out);
    assert_null(out.p);
    qn_normalize(scr, qn_analyzer_find(QN_STR("raw")), QN_STR(""), &out);
    assert_non_null(out.p);

    static const char *const types[] = {"<ALPHANUM>", "<NUM>",    "<IDEOGRAPHIC>",     "<HIRAGANA>",
                                        "<KATAKANA>", "<HANGUL>", "<SOUTHEAST_ASIAN>", "<EMOJI>"};
    struct qn_str text = QN_STR("ab1 12 中 ひ カ 한 ไทย 👍");
    const struct qn_token *t;
    const struct qn_analyzer *standard = qn_analyzer_find(QN_STR("standard"));
    qn_analyze_begin(scr, standard, text);
    assert_int_equal(qn_analyze_next(scr, &t), QN_COUNT_OF(types));
    for (size_t i = 0; i < QN_COUNT_OF(types); i++)
        assert_string_equal(qn_token_type(standard, text, &t[i]), types[i]);
    assert_string_equal(qn_token_type(qn_analyzer_find(QN_STR("default")), text, &t[0]), "word");
    qn_text_scratch_free(scr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_configs),
        cmocka_unit_test(test_bad_configs),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_fast_equals_slow),
        cmocka_unit_test(test_fused_equals_filters),
        cmocka_unit_test(test_all_on_random),
        cmocka_unit_test(test_regex_limits),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_normalize_and_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
