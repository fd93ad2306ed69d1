/* Private to engine/text: the character tables, the analyzer, the scratch, and the contract between
 * the driver (analyzer.c), the tokenizers (tok_*.c) and the filters (filter.c, stem.c).
 *
 * A tokenizer's `fill` appends tokens to scr->tokens, starting at byte scr->at of scr->text, until
 * the text ends or the batch is nearly full, and moves scr->at; scr->position is the position of
 * the next token. It is called again until scr->at reaches the end of the text. Token texts point
 * into the input, or into scr->window or scr->texts, which live until the next batch.
 *
 * Fused lower-casing: when the filters begin with [remove_long] lower_caser, tokenizers that set
 * `can_lower` deliver texts lower-cased already and drop tokens over an->fused_max bytes; the
 * driver then starts at filter an->fused_filters. The result is the same as running the filters. */
#ifndef QN_TEXT_INT_H
#define QN_TEXT_INT_H

#include <string.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "base/vec.h"
#include "simd/ops.h"
#include "tokenizer.h"
#include "unicode.h"

/* ---- character tables (unicode_tables.c) */

enum qn__word_break {
    WB_OTHER,
    WB_CR,
    WB_LF,
    WB_NEWLINE,
    WB_EXTEND,
    WB_ZWJ,
    WB_FORMAT,
    WB_KATAKANA,
    WB_HEBREW,
    WB_LETTER,
    WB_SINGLE_QUOTE,
    WB_DOUBLE_QUOTE,
    WB_MID_NUM_LET,
    WB_MID_LETTER,
    WB_MID_NUM,
    WB_NUMERIC,
    WB_EXTEND_NUM_LET,
    WB_REGIONAL,
    WB_SPACE,
};

enum qn__script {
    SCRIPT_NONE,
    SCRIPT_HAN,
    SCRIPT_HIRAGANA,
    SCRIPT_COMPLEX, /* Thai, Lao, Khmer, Burmese: written without spaces */
    SCRIPT_HANGUL,
    SCRIPT_KATAKANA,
    SCRIPT_PICTOGRAPHIC,
};

struct qn__uc_kind {
    uint8_t flags, word_break, script;
};
struct qn__uc_lower_run {
    uint32_t first;
    uint8_t count, stride;
    int32_t delta;
};
struct qn__uc_fold_run {
    uint32_t first;
    uint8_t count, stride;
    char text[5];
};

extern const struct qn__uc_kind qn__uc_kinds[128];
extern const uint8_t qn__uc_top[272];
extern const uint16_t qn__uc_mid[];
extern const char qn__uc_page[];
extern const size_t qn__uc_n_lower, qn__uc_n_fold;
extern const struct qn__uc_lower_run qn__uc_lower_runs[];
extern const struct qn__uc_fold_run qn__uc_fold_runs[];

static inline const struct qn__uc_kind *qn__uc_kind(uint32_t cp)
{
    if (cp >= 0x110000)
        return &qn__uc_kinds[0];
    size_t mid = qn__uc_mid[qn__uc_top[cp >> 12] * 64u + ((cp >> 6) & 63)];
    return &qn__uc_kinds[(unsigned char)qn__uc_page[mid * 64 + (cp & 63)]];
}

/* ---- analyzers */

struct qn__filter {
    enum qn_filter_kind kind;
    uint32_t min, max;
    uint32_t algorithm;        /* STEM: row of qn__stem_algorithms */
    const struct qn_map *stop; /* STOP; NULL: English */
};

struct qn__regex; /* regex.c: a compiled pattern */

struct qn_analyzer {
    const char *name; /* NULL for one made of parts */
    enum qn_tokenizer_kind kind;
    uint32_t min_gram, max_gram, max_token;
    bool prefix_only;
    struct qn__regex *regex;
    struct qn__filter filters[QN_FILTERS_MAX];
    uint32_t n_filters;
    uint32_t fused_filters; /* 0: not fused */
    uint32_t fused_max;     /* drop tokens over this many bytes; UINT32_MAX: none */
    struct qn_arena arena;  /* stop words of one made of parts */
    struct qn_map stop_words;
};

/* ---- scratch */

/* A window holds at most QN_TOKEN_BATCH tokens: at least one byte between any two. */
#define WINDOW_BYTES (2 * QN_TOKEN_BATCH)

#define STEM_SLOTS 2048
#define STEM_WORD_MAX 30

struct qn__stem_slot {
    uint8_t algorithm_plus_1, word_len, stem_len;
    char word[STEM_WORD_MAX];
    char stem[STEM_WORD_MAX + 1];
};

/* Blocks that are filled one after the other and kept from batch to batch. */
struct qn__texts {
    QN_VEC(struct qn_str) blocks; /* n: size */
    size_t block, used;           /* where the next text goes */
};

struct qn_text_scratch {
    const struct qn_simd_ops *ops;
    const struct qn_analyzer *an;
    struct qn_str text;
    size_t at;
    uint32_t position;
    bool done;
    bool in_run; /* tok_code.c: `at` is inside a run whose beginning was cut off */
    QN_VEC(struct qn_token) tokens;
    size_t given;           /* tokens handed out so far: filters may make more than one batch */
    struct qn__texts texts; /* rewritten token texts of this batch */
    struct {
        uint8_t *low;                        /* WINDOW_BYTES and padding, lower-cased */
        uint8_t *tail;                       /* a copy of the last block, padded */
        uint64_t word[WINDOW_BYTES / 64];    /* bytes of word characters */
        uint64_t cut[WINDOW_BYTES / 64 + 1]; /* boundaries inside words */
    } window;
    struct sb_stemmer **stemmers;     /* by algorithm, made when first used */
    struct qn__stem_slot *stem_cache; /* STEM_SLOTS, made when first used */
    struct qn__regex_run *regex;      /* match data, made when first used */
    size_t valid_end;                 /* regex.c: end of the valid UTF-8 that `at` lies in */
};

char *qn__text_room_slow(struct qn__texts *texts, size_t n);
/* Room for n bytes (and 16 readable ones) in the texts of this batch. */
static inline char *qn__text_room(struct qn_text_scratch *scr, size_t n)
{
    struct qn__texts *texts = &scr->texts;
    if (texts->blocks.n == 0 || n + 16 > texts->blocks.p[texts->block].n - texts->used)
        return qn__text_room_slow(texts, n);
    char *p = (char *)texts->blocks.p[texts->block].p + texts->used;
    texts->used += n;
    return p;
}

static inline void qn__token_add(struct qn_text_scratch *scr, size_t from, size_t to)
{
    struct qn_token t = {scr->text.p + from, (uint32_t)(to - from), scr->position++, (uint32_t)from,
                         (uint32_t)to};
    qn_vec_push(&scr->tokens, t);
}

static inline bool qn__ascii(const char *p, size_t n)
{
    uint8_t high = 0;
    for (size_t i = 0; i < n; i++)
        high |= (uint8_t)p[i];
    return high < 0x80;
}

/* Like qn_utf8_next, with the ASCII case inline. */
static inline uint32_t qn__next_cp(struct qn_str s, size_t *at)
{
    uint8_t c = (uint8_t)s.p[*at];
    if (c < 0x80) {
        (*at)++;
        return c;
    }
    return qn_utf8_next(s, at);
}

/* Token text lower-cased into scr->texts. */
void qn__token_lower(struct qn_text_scratch *scr, struct qn_token *t);

/* Loads the window at scr->at: masks, lower-cased bytes. Returns its length, which ends between two
 * characters; bits of `word` after it repeat the last one. *ascii says whether all of it is ASCII
 * (then `cut` is not filled). CJK ideographs are cut off from their neighbours when `cjk`. */
size_t qn__window_load(struct qn_text_scratch *scr, bool cjk, bool *ascii);

/* Tokenizers: 0 or an error. */
int qn__fill_raw(struct qn_text_scratch *scr);
int qn__fill_alnum(struct qn_text_scratch *scr); /* ALNUM and CJK */
int qn__fill_runs(struct qn_text_scratch *scr);  /* WHITESPACE, LETTER, SPACE, NON_WORD */
int qn__fill_code(struct qn_text_scratch *scr);
int qn__fill_ngram(struct qn_text_scratch *scr);
int qn__fill_words(struct qn_text_scratch *scr); /* WORDS and STANDARD */
int qn__fill_regex(struct qn_text_scratch *scr); /* REGEX and REGEX_SPLIT */

/* The end of the UAX #29 segment that begins at `at` (< s.n). */
size_t qn__word_boundary(struct qn_str s, size_t at);
/* Adds [from, to) in pieces of at most an->max_token characters. */
void qn__token_add_cut(struct qn_text_scratch *scr, size_t from, size_t to);

/* Runs filter f over scr->tokens. */
void qn__filter_run(struct qn_text_scratch *scr, const struct qn__filter *f);
void qn__filter_stem(struct qn_text_scratch *scr, const struct qn__filter *f);
void qn__stemmers_free(struct qn_text_scratch *scr);
/* Row of the algorithm by name or code, or -1. */
int qn__stem_algorithm(struct qn_str language);

QN_MUST_CHECK int qn__regex_new(struct qn__regex **out, struct qn_str pattern,
                                bool case_insensitive, struct qn_err *err);
void qn__regex_free(struct qn__regex *re);
void qn__regex_run_free(struct qn__regex_run *run);

#endif
