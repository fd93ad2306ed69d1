/* Analyzers and the driver that runs a tokenizer and its filters batch by batch. */
#include "text_int.h"

/* ---- making ---------------------------------------------------------------------------------- */

static bool tokenizer_can_lower(enum qn_tokenizer_kind kind)
{
    return kind == QN_TOKENIZER_ALNUM || kind == QN_TOKENIZER_CJK;
}

static void fuse(struct qn_analyzer *an)
{
    uint32_t i = 0;
    an->fused_max = UINT32_MAX;
    an->fused_filters = 0;
    if (!tokenizer_can_lower(an->kind))
        return;
    for (; i < an->n_filters && an->filters[i].kind == QN_FILTER_REMOVE_LONG; i++)
        if (an->filters[i].max < an->fused_max)
            an->fused_max = an->filters[i].max;
    if (i < an->n_filters && an->filters[i].kind == QN_FILTER_LOWER)
        an->fused_filters = i + 1;
    else
        an->fused_max = UINT32_MAX;
}

static int check_grams(uint32_t min, uint32_t max, const char *what, struct qn_err *err)
{
    if (min == 0)
        return qn_fail(err, QN_E_INVALID, "invalid %s: min_gram must be greater than 0", what);
    if (min > max)
        return qn_fail(err, QN_E_INVALID, "invalid %s: min_gram must not be greater than max_gram",
                       what);
    if (max > 256)
        return qn_fail(err, QN_E_RANGE, "invalid %s: max_gram must not be over 256", what);
    return QN_OK;
}

static int filter_new(struct qn_analyzer *an, const struct qn_filter_config *cfg,
                      struct qn_err *err)
{
    struct qn__filter *f = &an->filters[an->n_filters++];
    *f = (struct qn__filter){.kind = cfg->kind, .min = cfg->min, .max = cfg->max};
    if (cfg->kind == QN_FILTER_EDGE_NGRAM)
        return check_grams(cfg->min, cfg->max, "edge_ngram filter", err);
    if (cfg->kind == QN_FILTER_REMOVE_LONG && f->max == 0)
        f->max = QN_TOKEN_LONG;
    if (cfg->kind == QN_FILTER_STEM) {
        int row = qn__stem_algorithm(cfg->language);
        if (row < 0)
            return qn_fail(err, QN_E_INVALID, "unknown stemmer language `" QN_STR_FMT "`",
                           QN_STR_ARG(qn_str_first(cfg->language, 64)));
        f->algorithm = (uint32_t)row;
    }
    if (cfg->kind == QN_FILTER_STOP && cfg->n_words > 0) {
        if (an->stop_words.count != 0)
            return qn_fail(err, QN_E_INVALID, "more than one stop filter with its own words");
        for (size_t i = 0; i < cfg->n_words; i++)
            qn_map_put(&an->stop_words, cfg->words[i], NULL);
        f->stop = &an->stop_words;
    }
    return QN_OK;
}

int qn_analyzer_new(struct qn_analyzer **out, const struct qn_analyzer_config *cfg,
                    struct qn_err *err)
{
    *out = NULL;
    if (cfg->n_filters > QN_FILTERS_MAX)
        return qn_fail(err, QN_E_TOO_LARGE, "more than %d filters", QN_FILTERS_MAX);
    struct qn_analyzer *an = qn_xcalloc(1, sizeof *an);
    qn_arena_init(&an->arena, NULL);
    qn_map_init(&an->stop_words, &an->arena);
    an->kind = cfg->kind;
    an->min_gram = cfg->min_gram;
    an->max_gram = cfg->max_gram;
    an->prefix_only = cfg->prefix_only;
    an->max_token = cfg->max_token ? cfg->max_token : 255;
    int rc = QN_OK;
    if (cfg->kind == QN_TOKENIZER_NGRAM)
        rc = check_grams(cfg->min_gram, cfg->max_gram, "ngram tokenizer", err);
    if (rc == QN_OK && (cfg->kind == QN_TOKENIZER_REGEX || cfg->kind == QN_TOKENIZER_REGEX_SPLIT))
        rc = qn__regex_new(&an->regex, cfg->pattern, cfg->case_insensitive, err);
    for (size_t i = 0; rc == QN_OK && i < cfg->n_filters; i++)
        rc = filter_new(an, &cfg->filters[i], err);
    if (rc < 0) {
        qn_analyzer_free(an);
        return rc;
    }
    fuse(an);
    *out = an;
    return QN_OK;
}

void qn_analyzer_free(struct qn_analyzer *an)
{
    if (an == NULL)
        return;
    QN_ASSERT(an->name == NULL);
    qn__regex_free(an->regex);
    qn_map_release(&an->stop_words);
    qn_arena_release(&an->arena);
    free(an);
}

bool qn_analyzer_lowercases(const struct qn_analyzer *an)
{
    for (uint32_t i = 0; i < an->n_filters; i++)
        if (an->filters[i].kind == QN_FILTER_LOWER)
            return true;
    return false;
}

bool qn_analyzer_is_keyword(const struct qn_analyzer *an)
{
    for (uint32_t i = 0; i < an->n_filters; i++)
        if (an->filters[i].kind == QN_FILTER_EDGE_NGRAM)
            return false;
    return an->kind == QN_TOKENIZER_RAW;
}

/* ---- scratch --------------------------------------------------------------------------------- */

#define TEXT_BLOCK ((size_t)16 * 1024)

struct qn_text_scratch *qn_text_scratch_new(const struct qn_simd_ops *ops)
{
    struct qn_text_scratch *scr = qn_xcalloc(1, sizeof *scr);
    scr->ops = ops ? ops : qn_simd_level(QN_SIMD_SCALAR);
    scr->window.low = qn_xaligned(WINDOW_BYTES + QN_PAD);
    scr->window.tail = qn_xaligned(4 * QN_PAD);
    return scr;
}

char *qn__text_room_slow(struct qn__texts *texts, size_t n)
{
    size_t next = texts->blocks.n == 0 ? 0 : texts->block + 1;
    while (next < texts->blocks.n && texts->blocks.p[next].n < n + 16)
        next++;
    if (next == texts->blocks.n) {
        size_t size = n + 16 > TEXT_BLOCK ? n + 16 : TEXT_BLOCK;
        qn_vec_push(&texts->blocks, qn_str_make(qn_xmalloc(size), size));
    }
    texts->block = next;
    texts->used = n;
    return (char *)texts->blocks.p[next].p;
}

void qn_text_scratch_free(struct qn_text_scratch *scr)
{
    if (scr == NULL)
        return;
    qn_vec_release(&scr->tokens);
    for (size_t i = 0; i < scr->texts.blocks.n; i++)
        free((char *)scr->texts.blocks.p[i].p);
    qn_vec_release(&scr->texts.blocks);
    free(scr->window.low);
    free(scr->window.tail);
    qn__stemmers_free(scr);
    qn__regex_run_free(scr->regex);
    free(scr);
}

/* ---- analyzing ------------------------------------------------------------------------------- */

void qn_analyze_begin(struct qn_text_scratch *scr, const struct qn_analyzer *an, struct qn_str text)
{
    scr->an = an;
    scr->text = text.p ? qn_str_first(text, UINT32_MAX - 1) : QN_STR("");
    scr->at = 0;
    scr->position = 0;
    scr->in_run = false;
    scr->valid_end = 0;
    scr->done = scr->text.n == 0 && an->kind != QN_TOKENIZER_RAW;
    scr->given = 0;
    qn_vec_clear(&scr->tokens);
}

static int fill(struct qn_text_scratch *scr)
{
    switch (scr->an->kind) {
    case QN_TOKENIZER_RAW:
        return qn__fill_raw(scr);
    case QN_TOKENIZER_ALNUM:
    case QN_TOKENIZER_CJK:
        return qn__fill_alnum(scr);
    case QN_TOKENIZER_WHITESPACE:
    case QN_TOKENIZER_LETTER:
    case QN_TOKENIZER_SPACE:
    case QN_TOKENIZER_NON_WORD:
        return qn__fill_runs(scr);
    case QN_TOKENIZER_CODE:
    case QN_TOKENIZER_CODE_HEX:
        return qn__fill_code(scr);
    case QN_TOKENIZER_NGRAM:
        return qn__fill_ngram(scr);
    case QN_TOKENIZER_WORDS:
    case QN_TOKENIZER_STANDARD:
        return qn__fill_words(scr);
    case QN_TOKENIZER_REGEX:
    case QN_TOKENIZER_REGEX_SPLIT:
        return qn__fill_regex(scr);
    }
    return QN_E_BUG;
}

int qn_analyze_next(struct qn_text_scratch *scr, const struct qn_token **out)
{
    while (scr->given == scr->tokens.n) {
        if (scr->done)
            return 0;
        scr->given = 0;
        qn_vec_clear(&scr->tokens);
        scr->texts.block = scr->texts.used = 0;
        int rc = fill(scr);
        if (rc < 0) {
            scr->done = true;
            qn_vec_clear(&scr->tokens);
            return rc;
        }
        scr->done = scr->at >= scr->text.n;
        for (uint32_t i = scr->an->fused_filters; i < scr->an->n_filters && scr->tokens.n > 0; i++)
            qn__filter_run(scr, &scr->an->filters[i]);
    }
    size_t n = scr->tokens.n - scr->given;
    n = n > QN_TOKEN_BATCH ? QN_TOKEN_BATCH : n;
    *out = scr->tokens.p + scr->given;
    scr->given += n;
    return (int)n;
}

void qn_normalize(struct qn_text_scratch *scr, const struct qn_analyzer *an, struct qn_str s,
                  struct qn_str *out)
{
    const struct qn_token *t;
    qn_analyze_begin(scr, an, s);
    *out = qn_analyze_next(scr, &t) > 0 ? qn_str_make(t->text, t->len) : QN_STR_NONE;
}

static const char *standard_type(struct qn_str s)
{
    unsigned scripts = 0;
    bool letters = false, numbers = false;
    for (size_t at = 0; at < s.n;) {
        const struct qn__uc_kind *k = qn__uc_kind(qn__next_cp(s, &at));
        scripts |= 1u << k->script;
        letters |= (k->flags & QN_UC_ALPHA) != 0;
        numbers |= (k->flags & QN_UC_NUM) != 0;
    }
    if (scripts & 1u << SCRIPT_HAN)
        return "<IDEOGRAPHIC>";
    if (scripts & 1u << SCRIPT_HIRAGANA)
        return "<HIRAGANA>";
    if (scripts & 1u << SCRIPT_COMPLEX)
        return "<SOUTHEAST_ASIAN>";
    if (scripts & 1u << SCRIPT_KATAKANA)
        return "<KATAKANA>";
    if (scripts & 1u << SCRIPT_HANGUL)
        return "<HANGUL>";
    if (letters)
        return "<ALPHANUM>";
    return numbers ? "<NUM>" : "<EMOJI>";
}

const char *qn_token_type(const struct qn_analyzer *an, struct qn_str text,
                          const struct qn_token *token)
{
    if (an->kind != QN_TOKENIZER_STANDARD && an->kind != QN_TOKENIZER_WORDS)
        return "word";
    return standard_type(qn_str_first(qn_str_from(text, token->from), token->to - token->from));
}
