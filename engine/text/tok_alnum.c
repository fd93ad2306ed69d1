/* Runs of alphanumeric characters (Quickwit's `default`), and the same with CJK ideographs apart
 * (`chinese_compatible`): boundaries are the changes in the window's bit mask. */
#include "text_int.h"

static bool is_cjk(const struct qn_text_scratch *scr)
{
    return scr->an->kind == QN_TOKENIZER_CJK;
}

static void add(struct qn_text_scratch *scr, size_t base, size_t from, size_t to, bool ascii)
{
    uint32_t len = (uint32_t)(to - from);
    uint32_t position = scr->position++;
    if (len > scr->an->fused_max)
        return;
    struct qn_token *t = &scr->tokens.p[scr->tokens.n++];
    *t = (struct qn_token){scr->text.p + base + from, len, position, (uint32_t)(base + from),
                           (uint32_t)(base + to)};
    if (scr->an->fused_filters == 0)
        return;
    if (ascii || qn__ascii(t->text, len))
        t->text = (const char *)scr->window.low + from;
    else
        qn__token_lower(scr, t);
}

/* A word that fills the window: found by characters, and rare. */
static void add_long(struct qn_text_scratch *scr, size_t base, size_t end)
{
    size_t at = end;
    while (at < scr->text.n) {
        size_t before = at;
        unsigned flags = qn_uc_flags(qn__next_cp(scr->text, &at));
        if (!(flags & (QN_UC_ALPHA | QN_UC_NUM)) || (is_cjk(scr) && (flags & QN_UC_CJK))) {
            at = before;
            break;
        }
    }
    scr->at = at;
    uint32_t position = scr->position++;
    if (at - base > scr->an->fused_max)
        return;
    struct qn_token *t = &scr->tokens.p[scr->tokens.n++];
    *t = (struct qn_token){scr->text.p + base, (uint32_t)(at - base), position, (uint32_t)base,
                           (uint32_t)at};
    if (scr->an->fused_filters != 0)
        qn__token_lower(scr, t);
}

/* Adds the words of the window; gives where an unfinished one at its end begins, or n. */
static size_t add_ascii(struct qn_text_scratch *scr, size_t base, size_t n)
{
    uint64_t carry = 0;
    size_t open = n; /* start of the word being read, n: none */
    for (size_t w = 0; w * 64 < n; w++) {
        uint64_t m = scr->window.word[w], edges = m ^ (m << 1 | carry);
        carry = m >> 63;
        if (edges != 0 && open != n) {
            add(scr, base, open, w * 64 + (size_t)__builtin_ctzll(edges), true);
            edges &= edges - 1;
            open = n;
        }
        while (edges != 0) {
            size_t from = w * 64 + (size_t)__builtin_ctzll(edges);
            edges &= edges - 1;
            if (edges == 0) {
                open = from;
                break;
            }
            add(scr, base, from, w * 64 + (size_t)__builtin_ctzll(edges), true);
            edges &= edges - 1;
        }
    }
    return open;
}

static size_t add_unicode(struct qn_text_scratch *scr, size_t base, size_t n)
{
    uint64_t carry = 0;
    size_t open = n;
    for (size_t w = 0; w * 64 < n; w++) {
        uint64_t m = scr->window.word[w];
        uint64_t edges = (m ^ (m << 1 | carry)) | (scr->window.cut[w] & m);
        carry = m >> 63;
        for (; edges != 0; edges &= edges - 1) {
            size_t at = w * 64 + (size_t)__builtin_ctzll(edges);
            if (open != n)
                add(scr, base, open, at, false);
            open = at < n && qn_bit_get(scr->window.word, at) ? at : n;
        }
    }
    return open;
}

int qn__fill_alnum(struct qn_text_scratch *scr)
{
    bool ascii;
    size_t base = scr->at;
    qn_vec_reserve(&scr->tokens, (size_t)QN_TOKEN_BATCH + 1);
    size_t n = qn__window_load(scr, is_cjk(scr), &ascii);
    size_t open = ascii ? add_ascii(scr, base, n) : add_unicode(scr, base, n);
    bool last = base + n == scr->text.n;
    scr->at = base + n;
    if (open == n)
        return 0;
    if (last)
        add(scr, base, open, n, ascii);
    else if (open > 0)
        scr->at = base + open;
    else
        add_long(scr, base, base + n);
    return 0;
}
