/* Token filters: each takes the whole batch, rewrites texts or squeezes tokens out in place. Only
 * edge n-grams make more tokens than they get. */
#include "text_int.h"

/* Lucene's English stop words, sorted. */
static const char *const english_stop[] = {
    "a",   "an",    "and",  "are",   "as",    "at",   "be",   "but", "by",  "for",  "if",
    "in",  "into",  "is",   "it",    "no",    "not",  "of",   "on",  "or",  "such", "that",
    "the", "their", "then", "there", "these", "they", "this", "to",  "was", "will", "with",
};

static bool is_english_stop(struct qn_str word)
{
    if (word.n > 5)
        return false;
    size_t lo = 0, hi = QN_COUNT_OF(english_stop);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int c = qn_str_cmp(word, qn_str_of(english_stop[mid]));
        if (c == 0)
            return true;
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return false;
}

static size_t char_count(const char *p, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += ((uint8_t)p[i] & 0xC0) != 0x80;
    return count;
}

/* Byte length of the first `chars` characters. */
static size_t char_prefix(const char *p, size_t n, size_t chars)
{
    for (size_t i = 0; i < n; i++)
        if (((uint8_t)p[i] & 0xC0) != 0x80 && chars-- == 0)
            return i;
    return n;
}

static bool keeps(const struct qn__filter *f, const struct qn_token *t)
{
    struct qn_str word = {t->text, t->len};
    switch (f->kind) {
    case QN_FILTER_REMOVE_LONG:
        return t->len <= f->max;
    case QN_FILTER_STOP:
        return f->stop ? qn_map_find(f->stop, word) == NULL : !is_english_stop(word);
    case QN_FILTER_LENGTH: {
        size_t n = char_count(t->text, t->len);
        return n >= f->min && n <= f->max;
    }
    default:
        return true;
    }
}

static void drop(struct qn_text_scratch *scr, const struct qn__filter *f)
{
    size_t n = 0;
    for (size_t i = 0; i < scr->tokens.n; i++)
        if (keeps(f, &scr->tokens.p[i]))
            scr->tokens.p[n++] = scr->tokens.p[i];
    scr->tokens.n = n;
}

void qn__token_lower(struct qn_text_scratch *scr, struct qn_token *t)
{
    struct qn_str s = {t->text, t->len};
    char *out = qn__text_room(scr, s.n + s.n / 2 + 3);
    t->len = (uint32_t)qn_uc_lower_str(out, s);
    t->text = out;
}

static void fold(struct qn_text_scratch *scr, struct qn_token *t)
{
    if (qn__ascii(t->text, t->len))
        return;
    struct qn_str s = {t->text, t->len};
    char *out = qn__text_room(scr, 2 * s.n);
    size_t n = 0;
    for (size_t at = 0; at < s.n;) {
        size_t from = at;
        size_t k = qn_uc_fold(qn__next_cp(s, &at), out + n);
        if (k == 0) {
            memcpy(out + n, s.p + from, at - from);
            k = at - from;
        }
        n += k;
    }
    t->text = out;
    t->len = (uint32_t)n;
}

/* "dog's" loses its end, with any of the three apostrophes. */
static void possessive(struct qn_token *t)
{
    static const char *const ends[] = {"'s", "'S", "\u2019s", "\u2019S", "\uFF07s", "\uFF07S"};
    struct qn_str s = {t->text, t->len};
    for (size_t i = 0; i < QN_COUNT_OF(ends); i++)
        if (qn_str_ends(s, qn_str_of(ends[i]))) {
            t->len -= (uint32_t)strlen(ends[i]);
            return;
        }
}

static void trim(struct qn_token *t)
{
    struct qn_str s = {t->text, t->len};
    size_t first = s.n, end = 0;
    for (size_t at = 0; at < s.n;) {
        size_t from = at;
        if (!(qn_uc_flags(qn__next_cp(s, &at)) & QN_UC_SPACE)) {
            first = from < first ? from : first;
            end = at;
        }
    }
    t->len = (uint32_t)(end > first ? end - first : 0);
    t->text += t->len == 0 ? 0 : first;
}

static void edge_ngrams(struct qn_text_scratch *scr, const struct qn__filter *f)
{
    size_t n = scr->tokens.n;
    struct qn_token *whole = qn_xmalloc((n + 1) * sizeof *whole);
    memcpy(whole, scr->tokens.p, n * sizeof *whole);
    qn_vec_clear(&scr->tokens);
    for (size_t i = 0; i < n; i++) {
        struct qn_token t = whole[i];
        size_t chars = char_count(t.text, t.len);
        for (size_t k = f->min; k <= f->max && k <= chars; k++) {
            t.len = (uint32_t)char_prefix(whole[i].text, whole[i].len, k);
            qn_vec_push(&scr->tokens, t);
        }
    }
    free(whole);
}

void qn__filter_run(struct qn_text_scratch *scr, const struct qn__filter *f)
{
    struct qn_token *t = scr->tokens.p, *end = t + scr->tokens.n;
    switch (f->kind) {
    case QN_FILTER_REMOVE_LONG:
    case QN_FILTER_STOP:
    case QN_FILTER_LENGTH:
        drop(scr, f);
        break;
    case QN_FILTER_LOWER:
        for (; t < end; t++)
            qn__token_lower(scr, t);
        break;
    case QN_FILTER_ASCII_FOLD:
        for (; t < end; t++)
            fold(scr, t);
        break;
    case QN_FILTER_POSSESSIVE:
        for (; t < end; t++)
            possessive(t);
        break;
    case QN_FILTER_TRUNCATE:
        for (; t < end; t++)
            t->len = (uint32_t)char_prefix(t->text, t->len, f->max);
        break;
    case QN_FILTER_TRIM:
        for (; t < end; t++)
            trim(t);
        break;
    case QN_FILTER_STEM:
        qn__filter_stem(scr, f);
        break;
    case QN_FILTER_EDGE_NGRAM:
        edge_ngrams(scr, f);
        break;
    }
}
