/* Words by UAX #29. ASCII windows go by masks: runs of [A-Za-z0-9_], joined over one "." "'" ":"
 * between letters and one "." "'" "," ";" between digits, which is what the rules come to there.
 * Everything else goes by the rules, character by character. */
#include "text_int.h"

static bool ignorable(unsigned wb)
{
    return wb == WB_EXTEND || wb == WB_FORMAT || wb == WB_ZWJ;
}

static bool is_letter(unsigned wb)
{
    return wb == WB_LETTER || wb == WB_HEBREW;
}

static bool is_mid_letter(unsigned wb)
{
    return wb == WB_MID_LETTER || wb == WB_MID_NUM_LET || wb == WB_SINGLE_QUOTE;
}

static bool is_mid_num(unsigned wb)
{
    return wb == WB_MID_NUM || wb == WB_MID_NUM_LET || wb == WB_SINGLE_QUOTE;
}

/* Class of the next character that counts; WB_OTHER at the end. */
static unsigned look_ahead(struct qn_str s, size_t at)
{
    while (at < s.n) {
        unsigned wb = qn__uc_kind(qn__next_cp(s, &at))->word_break;
        if (!ignorable(wb))
            return wb;
    }
    return WB_OTHER;
}

struct segment {
    unsigned before; /* class before a Mid* that was joined because of what follows it */
    unsigned last;   /* class of the last character that counts */
    unsigned n_regional;
};

/* Rules WB5 to WB16: does `wb` belong to the segment? `at` is after it. */
static bool joins(const struct segment *g, unsigned wb, struct qn_str s, size_t at)
{
    unsigned last = g->last;
    if (is_letter(last)) {
        if (is_letter(wb) || wb == WB_NUMERIC || wb == WB_EXTEND_NUM_LET)
            return true;
        if (last == WB_HEBREW && wb == WB_SINGLE_QUOTE)
            return true;
        if (is_mid_letter(wb))
            return is_letter(look_ahead(s, at));
        return last == WB_HEBREW && wb == WB_DOUBLE_QUOTE && look_ahead(s, at) == WB_HEBREW;
    }
    if (last == WB_NUMERIC) {
        if (is_mid_num(wb))
            return look_ahead(s, at) == WB_NUMERIC;
        return wb == WB_NUMERIC || is_letter(wb) || wb == WB_EXTEND_NUM_LET;
    }
    if (last == WB_EXTEND_NUM_LET)
        return is_letter(wb) || wb == WB_NUMERIC || wb == WB_KATAKANA || wb == WB_EXTEND_NUM_LET;
    if (last == WB_KATAKANA)
        return wb == WB_KATAKANA || wb == WB_EXTEND_NUM_LET;
    if (last == WB_REGIONAL)
        return wb == WB_REGIONAL && g->n_regional % 2 == 1;
    if (last == WB_DOUBLE_QUOTE)
        return g->before == WB_HEBREW && wb == WB_HEBREW;
    if (is_mid_letter(last) && is_letter(g->before))
        return is_letter(wb);
    return is_mid_num(last) && g->before == WB_NUMERIC && wb == WB_NUMERIC;
}

size_t qn__word_boundary(struct qn_str s, size_t at)
{
    const struct qn__uc_kind *k = qn__uc_kind(qn__next_cp(s, &at));
    unsigned raw = k->word_break;
    if (raw == WB_CR && at < s.n && s.p[at] == '\n')
        return at + 1;
    if (raw == WB_CR || raw == WB_LF || raw == WB_NEWLINE)
        return at;
    struct segment g = {WB_OTHER, raw, raw == WB_REGIONAL};
    while (at < s.n) {
        size_t from = at;
        k = qn__uc_kind(qn__next_cp(s, &at));
        unsigned wb = k->word_break;
        if (wb == WB_CR || wb == WB_LF || wb == WB_NEWLINE)
            return from;
        bool by_raw = (raw == WB_ZWJ && k->script == SCRIPT_PICTOGRAPHIC) ||
                      (raw == WB_SPACE && wb == WB_SPACE);
        raw = wb;
        if (ignorable(wb))
            continue;
        if (!by_raw && !joins(&g, wb, s, at))
            return from;
        g.n_regional += wb == WB_REGIONAL;
        g.before = g.last;
        g.last = wb;
    }
    return s.n;
}

/* Is the segment [from, to) a token? */
static bool is_word(const struct qn_text_scratch *scr, size_t from, size_t to)
{
    struct qn_str s = {scr->text.p, to};
    for (size_t at = from; at < to;) {
        uint32_t cp = qn__next_cp(s, &at);
        const struct qn__uc_kind *k = qn__uc_kind(cp);
        if (k->flags & (QN_UC_ALPHA | QN_UC_NUM))
            return true;
        if (scr->an->kind == QN_TOKENIZER_STANDARD &&
            ((k->script == SCRIPT_PICTOGRAPHIC && cp >= 0x2190) || k->word_break == WB_REGIONAL))
            return true;
    }
    return false;
}

static bool is_complex(struct qn_str s, size_t at)
{
    return at < s.n && qn__uc_kind(qn__next_cp(s, &at))->script == SCRIPT_COMPLEX;
}

static void add(struct qn_text_scratch *scr, size_t from, size_t to)
{
    if (scr->an->kind == QN_TOKENIZER_STANDARD)
        qn__token_add_cut(scr, from, to);
    else
        qn__token_add(scr, from, to);
}

static void fill_by_rules(struct qn_text_scratch *scr, size_t limit)
{
    while (scr->at < limit && scr->tokens.n < QN_TOKEN_BATCH) {
        size_t from = scr->at, to = qn__word_boundary(scr->text, from);
        if (scr->an->kind == QN_TOKENIZER_STANDARD && is_complex(scr->text, from))
            while (is_complex(scr->text, to))
                to = qn__word_boundary(scr->text, to);
        if (is_word(scr, from, to))
            add(scr, from, to);
        scr->at = to;
    }
}

/* Do the runs before and after the one byte at `at` form one word? */
static bool ascii_joins(const uint8_t *low, size_t at)
{
    unsigned mid = qn__uc_kind(low[at])->word_break;
    unsigned left = qn__uc_kind(low[at - 1])->word_break;
    unsigned right = qn__uc_kind(low[at + 1])->word_break;
    return (is_mid_letter(mid) && left == WB_LETTER && right == WB_LETTER) ||
           (is_mid_num(mid) && left == WB_NUMERIC && right == WB_NUMERIC);
}

static void fill_ascii(struct qn_text_scratch *scr, size_t n)
{
    const uint8_t *low = scr->window.low;
    uint64_t score[WINDOW_BYTES / 64], alnum[WINDOW_BYTES / 64];
    size_t words = qn_bits_words(n), base = scr->at;
    scr->ops->byte_bits(score, low, n, '_');
    memcpy(alnum, scr->window.word, words * sizeof *alnum);
    if (n % 64 != 0)
        alnum[words - 1] &= (1ull << n % 64) - 1; /* the window was loaded further than n */
    uint64_t carry = 0;
    size_t from = n, to = 0; /* the word so far, n: none */
    size_t open = n;
    bool has_alnum = false;
    for (size_t w = 0; w <= words; w++) {
        uint64_t m = w < words ? alnum[w] | score[w] : 0, edges = m ^ (m << 1 | carry);
        carry = m >> 63;
        for (; edges != 0; edges &= edges - 1) {
            size_t at = w * 64 + (size_t)__builtin_ctzll(edges);
            if (open == n) {
                open = at;
                continue;
            }
            if (from != n && !(open == to + 1 && ascii_joins(low, to))) {
                if (has_alnum)
                    add(scr, base + from, base + to);
                from = n;
            }
            if (from == n) {
                from = open;
                has_alnum = false;
            }
            for (size_t i = open; i < at && !has_alnum; i++)
                has_alnum = qn_bit_get(alnum, i);
            to = at;
            open = n;
        }
    }
    if (from != n && has_alnum)
        add(scr, base + from, base + to);
    scr->at = base + n;
}

/* Whatever follows: is there a boundary of segments before p, and none of them a word? */
static bool is_safe_end(const char *p)
{
    return p[-1] == '\n' || (p[-1] == ' ' && *p != ' ' && (uint8_t)*p < 0x80);
}

int qn__fill_words(struct qn_text_scratch *scr)
{
    bool ascii;
    size_t n = qn__window_load(scr, false, &ascii), base = scr->at;
    if (base + n < scr->text.n) {
        /* Nothing joins over a space or line end: the window ends after its last one. */
        size_t end = n;
        while (end > 0 && !is_safe_end(scr->text.p + base + end))
            end--;
        ascii = ascii && end > 0;
        n = end > 0 ? end : n;
    }
    if (ascii)
        fill_ascii(scr, n);
    else
        fill_by_rules(scr, base + n);
    return 0;
}
