/* The tokenizers that need no more than a predicate on characters, and n-grams. */
#include "text_int.h"

int qn__fill_raw(struct qn_text_scratch *scr)
{
    qn__token_add(scr, 0, scr->text.n);
    scr->at = scr->text.n;
    return 0;
}

void qn__token_add_cut(struct qn_text_scratch *scr, size_t from, size_t to)
{
    size_t max = scr->an->max_token;
    if (to - from <= max) {
        qn__token_add(scr, from, to);
        return;
    }
    size_t start = from, chars = 0;
    for (size_t at = from; at < to;) {
        qn__next_cp(scr->text, &at);
        if (++chars == max || at >= to) {
            qn__token_add(scr, start, at < to ? at : to);
            start = at;
            chars = 0;
        }
    }
}

static inline bool in_run(enum qn_tokenizer_kind kind, uint32_t cp)
{
    switch (kind) {
    case QN_TOKENIZER_WHITESPACE: /* Rust's is_ascii_whitespace: no vertical tab */
        return !(cp == ' ' || (cp >= '\t' && cp <= '\r' && cp != '\v'));
    case QN_TOKENIZER_LETTER:
        return (qn__uc_kind(cp)->flags & QN_UC_LETTER) != 0;
    case QN_TOKENIZER_SPACE:
        return !(qn__uc_kind(cp)->flags & QN_UC_SPACE);
    default:
        return cp < 0x80 && (cp == '_' || (qn__uc_kind(cp)->flags & (QN_UC_ALPHA | QN_UC_NUM)));
    }
}

int qn__fill_runs(struct qn_text_scratch *scr)
{
    enum qn_tokenizer_kind kind = scr->an->kind;
    size_t at = scr->at, n = scr->text.n;
    while (at < n && scr->tokens.n < QN_TOKEN_BATCH) {
        size_t from = at;
        if (!in_run(kind, qn__next_cp(scr->text, &at)))
            continue;
        size_t to = at;
        while (at < n && in_run(kind, qn__next_cp(scr->text, &at)))
            to = at;
        if (kind == QN_TOKENIZER_LETTER || kind == QN_TOKENIZER_SPACE)
            qn__token_add_cut(scr, from, to);
        else
            qn__token_add(scr, from, to);
    }
    scr->at = at;
    return 0;
}

int qn__fill_ngram(struct qn_text_scratch *scr)
{
    const struct qn_analyzer *an = scr->an;
    size_t at = scr->at, n = scr->text.n;
    size_t per_start = an->max_gram - an->min_gram + 1;
    while (at < n && scr->tokens.n + per_start <= QN_TOKEN_BATCH) {
        size_t end = at, next = n, chars = 0;
        while (end < n && chars < an->max_gram) {
            qn__next_cp(scr->text, &end);
            next = chars == 0 ? end : next;
            if (++chars >= an->min_gram) {
                qn__token_add(scr, at, end);
                scr->position = 0;
            }
        }
        at = an->prefix_only || chars < an->min_gram ? n : next;
    }
    scr->at = at;
    return 0;
}
