/* Analyzers: text to tokens, for indexing, querying, highlighting and the analyze endpoints.
 *
 *   text ──► tokenizer ──► filter ──► filter ──► batches of {text, position, byte offsets}
 *            one of        in the order given: drop long ones, lower-case, fold, stop, stem ...
 *
 * An analyzer is a tokenizer and its filters: immutable, shared by all threads. Everything that
 * changes while analyzing (token array, rewritten texts, stemmer handles, stem cache, regex match
 * data) lives in a scratch that belongs to one thread and is reused from text to text.
 *
 *     qn_analyze_begin(scr, an, text);
 *     while ((n = qn_analyze_next(scr, &tokens)) > 0)
 *         ... tokens[0..n) ...                    // n < 0: an error, only from regex tokenizers
 *
 * Guarantees:
 * - Tokens come in text order. `position` counts the tokens before filters drop any, so a dropped
 *   token leaves a gap; n-grams of a tokenizer all have position 0, as Quickwit has them.
 * - [from, to) are the bytes of the input that made the token: whole code points, whatever filters
 *   did to its text.
 * - A token's text lies in the input when no filter had to change it, else in the scratch; texts
 *   and the array are valid until the next call with the same scratch. 16 bytes after a text are
 *   readable, provided that the input has 16 readable bytes after its end.
 * - Bytes that are not UTF-8 never fail: each counts as a character that belongs to no word.
 * - The same text gives the same tokens on every machine, instruction set and distribution: the
 *   character tables are Unicode 15.0, generated once and committed (tables/gen.py).
 *
 * Cost: linear in the text; regex tokenizers have a match limit. A batch holds at most
 * QN_TOKEN_BATCH tokens, so memory does not grow with the text except for single long tokens. */
#ifndef QN_TEXT_TOKENIZER_H
#define QN_TEXT_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct qn_simd_ops;
struct qn_analyzer;
struct qn_text_scratch;

#define QN_TOKEN_BATCH 512
#define QN_TOKEN_LONG 255 /* bytes: remove_long keeps tokens up to this length */

struct qn_token {
    const char *text;
    uint32_t len;
    uint32_t position;
    uint32_t from, to; /* byte offsets in the analyzed text */
};

enum qn_tokenizer_kind {
    QN_TOKENIZER_RAW,         /* the whole text, even when it is empty */
    QN_TOKENIZER_ALNUM,       /* runs of alphanumeric characters */
    QN_TOKENIZER_WHITESPACE,  /* between ASCII white space */
    QN_TOKENIZER_CJK,         /* ALNUM, but each CJK ideograph alone */
    QN_TOKENIZER_CODE,        /* camelCase, digits and symbols separate */
    QN_TOKENIZER_CODE_HEX,    /* the same, keeping even-length runs of hex digits together */
    QN_TOKENIZER_NGRAM,       /* all n-grams of min_gram..max_gram characters, or only prefixes */
    QN_TOKENIZER_REGEX,       /* each match of `pattern` */
    QN_TOKENIZER_WORDS,       /* UAX #29 words that hold something alphanumeric */
    QN_TOKENIZER_STANDARD,    /* the same as Lucene has it: long words cut, scripts kept apart */
    QN_TOKENIZER_LETTER,      /* runs of letters */
    QN_TOKENIZER_SPACE,       /* between Unicode white space, long words cut */
    QN_TOKENIZER_NON_WORD,    /* runs of [A-Za-z0-9_] */
    QN_TOKENIZER_REGEX_SPLIT, /* what lies between matches of `pattern` */
};

enum qn_filter_kind {
    QN_FILTER_REMOVE_LONG, /* drops tokens over `max` bytes */
    QN_FILTER_LOWER,       /* to_lowercase of each character */
    QN_FILTER_ASCII_FOLD,  /* "é" to "e", "ß" to "ss"; what has no ASCII likeness stays */
    QN_FILTER_STOP,        /* drops the words given, or the 33 English ones of Lucene */
    QN_FILTER_STEM,        /* libstemmer's algorithm `language` */
    QN_FILTER_POSSESSIVE,  /* cuts "'s" off the end */
    QN_FILTER_LENGTH,      /* keeps tokens of min..max characters */
    QN_FILTER_TRUNCATE,    /* cuts tokens to `max` characters */
    QN_FILTER_TRIM,        /* white space off both ends */
    QN_FILTER_EDGE_NGRAM,  /* each token's prefixes of min..max characters, same position */
};

struct qn_filter_config {
    enum qn_filter_kind kind;
    uint32_t min, max;
    struct qn_str language;     /* STEM: libstemmer's name or ISO code: "english", "de" */
    const struct qn_str *words; /* STOP; n_words 0: the English list */
    size_t n_words;
};

#define QN_FILTERS_MAX 8

struct qn_analyzer_config {
    enum qn_tokenizer_kind kind;
    uint32_t min_gram, max_gram; /* NGRAM: 1 <= min <= max <= 256 */
    bool prefix_only;
    uint32_t max_token;    /* STANDARD, SPACE, LETTER: cut longer words into pieces; 0: 255 */
    struct qn_str pattern; /* REGEX, REGEX_SPLIT: PCRE2 syntax, Unicode classes */
    bool case_insensitive; /* REGEX, REGEX_SPLIT */
    struct qn_filter_config filters[QN_FILTERS_MAX];
    size_t n_filters;
};

/* ---- analyzers ------------------------------------------------------------------------------ */

/* The built-in analyzer of that name, or NULL. Quickwit's: raw, raw_lowercase, lowercase, default,
 * whitespace, chinese_compatible, source_code_default, source_code_with_hex, unicode_segmenter,
 * datadog; <language>_stem for each language of libstemmer (en_stem, de_stem, ...: `default` and a
 * stemmer); Elasticsearch's: standard, simple, keyword, stop, english, pattern. Lives for ever.
 * @thread any */
const struct qn_analyzer *qn_analyzer_find(struct qn_str name);
/* The same by the names of Elasticsearch, where `whitespace` splits at Unicode white space. */
const struct qn_analyzer *qn_analyzer_find_elastic(struct qn_str name);
/* Name i of the built-in analyzers, NULL after the last: for error messages and completion. */
const char *qn_analyzer_name(size_t i);

/* Gives an analyzer made of parts; copies what cfg points at. Errors name the offending value;
 * for a regular expression pos is the offset in the pattern. @thread any */
QN_MUST_CHECK int qn_analyzer_new(struct qn_analyzer **out, const struct qn_analyzer_config *cfg,
                                  struct qn_err *err);
void qn_analyzer_free(struct qn_analyzer *an); /* NULL is fine; not for built-in ones */

/* Does it lower-case? Decides how the literals of wildcards and term ranges are normalized. */
bool qn_analyzer_lowercases(const struct qn_analyzer *an);
/* `raw` or `raw_lowercase`: what wildcards, prefixes and ranges on a field with `an` go through. */
const struct qn_analyzer *qn_analyzer_normalizer(const struct qn_analyzer *an);
/* True when every text gives at most one token, the whole of it (raw, lowercase, keyword). */
bool qn_analyzer_is_keyword(const struct qn_analyzer *an);

/* The filter or tokenizer kind of a name as Quickwit ("lower_caser") or Elasticsearch ("lowercase",
 * "asciifolding", "porter_stem") writes it, or -1. Parameters get their usual defaults in *cfg. */
int qn_filter_kind_of(struct qn_str name, struct qn_filter_config *cfg);
int qn_tokenizer_kind_of_elastic(struct qn_str name, struct qn_analyzer_config *cfg);

/* ---- scratch -------------------------------------------------------------------------------- */

/* Gives a scratch for one thread. `ops` (NULL: scalar) chooses the kernels and outlives it. */
struct qn_text_scratch *qn_text_scratch_new(const struct qn_simd_ops *ops);
void qn_text_scratch_free(struct qn_text_scratch *scr);

/* ---- analyzing ------------------------------------------------------------------------------ */

/* Borrows text (under 4 GiB; the rest of a longer one is ignored) and an until the last batch. */
void qn_analyze_begin(struct qn_text_scratch *scr, const struct qn_analyzer *an,
                      struct qn_str text);
/* Number of tokens in *out (1..QN_TOKEN_BATCH), 0 at the end, QN_E_TOO_LARGE when a regular
 * expression exceeds its match limit on this text. Borrows from scr until the next call. */
QN_MUST_CHECK int qn_analyze_next(struct qn_text_scratch *scr, const struct qn_token **out);

/* One-token analyzers (normalizers): the token's text in *out, or .p == NULL when the text gives
 * none (too long). Borrows from scr or s. */
void qn_normalize(struct qn_text_scratch *scr, const struct qn_analyzer *an, struct qn_str s,
                  struct qn_str *out);

/* Elasticsearch's name for what a token is ("<ALPHANUM>", "<NUM>", "word", ...). */
const char *qn_token_type(const struct qn_analyzer *an, struct qn_str text,
                          const struct qn_token *token);

#endif
