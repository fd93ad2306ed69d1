/* The analyzers that have names: constant data. */
#include "text_int.h"

#define LONG                                                                                       \
    {                                                                                              \
        QN_FILTER_REMOVE_LONG, 0, QN_TOKEN_LONG, 0, NULL                                           \
    }
#define LOWER                                                                                      \
    {                                                                                              \
        QN_FILTER_LOWER, 0, 0, 0, NULL                                                             \
    }
#define FOLD                                                                                       \
    {                                                                                              \
        QN_FILTER_ASCII_FOLD, 0, 0, 0, NULL                                                        \
    }
#define STOP                                                                                       \
    {                                                                                              \
        QN_FILTER_STOP, 0, 0, 0, NULL                                                              \
    }
#define POSSESSIVE                                                                                 \
    {                                                                                              \
        QN_FILTER_POSSESSIVE, 0, 0, 0, NULL                                                        \
    }
#define STEM(row)                                                                                  \
    {                                                                                              \
        QN_FILTER_STEM, 0, 0, row, NULL                                                            \
    }
#define ROW(nm, tokenizer, n, ...)                                                                 \
    {                                                                                              \
        .name = nm, .kind = QN_TOKENIZER_##tokenizer, .max_token = 255, .filters = {__VA_ARGS__},  \
        .n_filters = n, .fused_max = UINT32_MAX                                                    \
    }
#define FUSED(nm, tokenizer, n, ...)                                                               \
    {                                                                                              \
        .name = nm, .kind = QN_TOKENIZER_##tokenizer, .max_token = 255, .filters = {__VA_ARGS__},  \
        .n_filters = n, .fused_max = QN_TOKEN_LONG, .fused_filters = 2                             \
    }
#define STEMMED(code, row) FUSED(code "_stem", ALNUM, 3, LONG, LOWER, STEM(row))

static const struct qn_analyzer builtin[] = {
    FUSED("default", ALNUM, 2, LONG, LOWER),
    ROW("raw", RAW, 1, LONG),
    ROW("raw_lowercase", RAW, 2, LOWER, LONG),
    ROW("lowercase", RAW, 2, LOWER, LONG),
    ROW("whitespace", WHITESPACE, 0, LONG),
    FUSED("chinese_compatible", CJK, 2, LONG, LOWER),
    ROW("source_code_default", CODE, 3, LONG, LOWER, FOLD),
    ROW("source_code_with_hex", CODE_HEX, 3, LONG, LOWER, FOLD),
    ROW("unicode_segmenter", WORDS, 2, LOWER, LONG),
    ROW("datadog", WORDS, 2, LOWER, LONG),
    ROW("standard", STANDARD, 1, LOWER),
    ROW("simple", LETTER, 1, LOWER),
    ROW("keyword", RAW, 0, LONG),
    ROW("stop", LETTER, 2, LOWER, STOP),
    ROW("pattern", NON_WORD, 1, LOWER),
    ROW("english", STANDARD, 4, POSSESSIVE, LOWER, STOP, STEM(28)),
    /* The numbers are rows of the table in stem.c. */
    STEMMED("ar", 0),
    STEMMED("hy", 1),
    STEMMED("eu", 2),
    STEMMED("ca", 3),
    STEMMED("da", 4),
    STEMMED("nl", 5),
    STEMMED("en", 6),
    STEMMED("fi", 7),
    STEMMED("fr", 8),
    STEMMED("de", 9),
    STEMMED("el", 10),
    STEMMED("hi", 11),
    STEMMED("hu", 12),
    STEMMED("id", 13),
    STEMMED("ga", 14),
    STEMMED("it", 15),
    STEMMED("lt", 16),
    STEMMED("ne", 17),
    STEMMED("no", 18),
    STEMMED("pt", 19),
    STEMMED("ro", 20),
    STEMMED("ru", 21),
    STEMMED("sr", 22),
    STEMMED("es", 23),
    STEMMED("sv", 24),
    STEMMED("ta", 25),
    STEMMED("tr", 26),
    STEMMED("yi", 27),
};

static const struct qn_analyzer space = ROW("whitespace", SPACE, 0, LONG);

const struct qn_analyzer *qn_analyzer_find(struct qn_str name)
{
    for (size_t i = 0; i < QN_COUNT_OF(builtin); i++)
        if (qn_str_is(name, builtin[i].name))
            return &builtin[i];
    return NULL;
}

const struct qn_analyzer *qn_analyzer_find_elastic(struct qn_str name)
{
    if (qn_str_is(name, "whitespace"))
        return &space;
    return qn_analyzer_find(qn_str_is(name, "default") ? QN_STR("standard") : name);
}

const char *qn_analyzer_name(size_t i)
{
    return i < QN_COUNT_OF(builtin) ? builtin[i].name : NULL;
}

const struct qn_analyzer *qn_analyzer_normalizer(const struct qn_analyzer *an)
{
    return qn_analyzer_find(qn_analyzer_lowercases(an) ? QN_STR("raw_lowercase") : QN_STR("raw"));
}

int qn_filter_kind_of(struct qn_str name, struct qn_filter_config *cfg)
{
    static const struct {
        const char *name;
        struct qn_filter_config cfg;
    } rows[] = {
        {"remove_long", {QN_FILTER_REMOVE_LONG, 0, QN_TOKEN_LONG}},
        {"lower_caser", {QN_FILTER_LOWER}},
        {"ascii_folding", {QN_FILTER_ASCII_FOLD}},
        {"lowercase", {QN_FILTER_LOWER}},
        {"asciifolding", {QN_FILTER_ASCII_FOLD}},
        {"stop", {QN_FILTER_STOP}},
        {"stemmer", {QN_FILTER_STEM, .language = {"english", 7}}},
        {"snowball", {QN_FILTER_STEM, .language = {"english", 7}}},
        {"porter_stem", {QN_FILTER_STEM, .language = {"porter", 6}}},
        {"porterStem", {QN_FILTER_STEM, .language = {"porter", 6}}},
        {"possessive_english", {QN_FILTER_POSSESSIVE}},
        {"length", {QN_FILTER_LENGTH, 0, UINT32_MAX}},
        {"truncate", {QN_FILTER_TRUNCATE, 0, 10}},
        {"trim", {QN_FILTER_TRIM}},
        {"edge_ngram", {QN_FILTER_EDGE_NGRAM, 1, 2}},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++)
        if (qn_str_is(name, rows[i].name)) {
            *cfg = rows[i].cfg;
            return (int)cfg->kind;
        }
    return -1;
}

int qn_tokenizer_kind_of_elastic(struct qn_str name, struct qn_analyzer_config *cfg)
{
    static const struct {
        const char *name;
        struct qn_analyzer_config cfg;
    } rows[] = {
        {"standard", {QN_TOKENIZER_STANDARD}},
        {"keyword", {QN_TOKENIZER_RAW}},
        {"whitespace", {QN_TOKENIZER_SPACE}},
        {"letter", {QN_TOKENIZER_LETTER}},
        {"lowercase", {QN_TOKENIZER_LETTER, .filters = {{QN_FILTER_LOWER}}, .n_filters = 1}},
        {"classic", {QN_TOKENIZER_STANDARD}},
        {"pattern", {QN_TOKENIZER_REGEX_SPLIT, .pattern = {"[^A-Za-z0-9_]+", 14}}},
        {"simple_pattern", {QN_TOKENIZER_REGEX}},
        {"ngram", {QN_TOKENIZER_NGRAM, 1, 2}},
        {"edge_ngram", {QN_TOKENIZER_NGRAM, 1, 2, true}},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++)
        if (qn_str_is(name, rows[i].name)) {
            *cfg = rows[i].cfg;
            return (int)cfg->kind;
        }
    return -1;
}
