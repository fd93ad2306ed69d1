/* Stemming by libstemmer. Its handles are not thread safe: each scratch makes its own, when first
 * asked. A direct-mapped cache of short words keeps the common ones from being stemmed again:
 * 240 ns a word become 10. */
#include <libstemmer.h>

#include "base/hash.h"
#include "text_int.h"

/* Order is private to this process: nothing stored depends on it. */
static const struct {
    const char *code, *name;
} algorithms[] = {
    {"ar", "arabic"},     {"hy", "armenian"},   {"eu", "basque"},    {"ca", "catalan"},
    {"da", "danish"},     {"nl", "dutch"},      {"en", "english"},   {"fi", "finnish"},
    {"fr", "french"},     {"de", "german"},     {"el", "greek"},     {"hi", "hindi"},
    {"hu", "hungarian"},  {"id", "indonesian"}, {"ga", "irish"},     {"it", "italian"},
    {"lt", "lithuanian"}, {"ne", "nepali"},     {"no", "norwegian"}, {"pt", "portuguese"},
    {"ro", "romanian"},   {"ru", "russian"},    {"sr", "serbian"},   {"es", "spanish"},
    {"sv", "swedish"},    {"ta", "tamil"},      {"tr", "turkish"},   {"yi", "yiddish"},
    {"porter", "porter"},
};

int qn__stem_algorithm(struct qn_str language)
{
    for (size_t i = 0; i < QN_COUNT_OF(algorithms); i++)
        if (qn_str_eq_nocase(language, qn_str_of(algorithms[i].code)) ||
            qn_str_eq_nocase(language, qn_str_of(algorithms[i].name)))
            return (int)i;
    return -1;
}

void qn__stemmers_free(struct qn_text_scratch *scr)
{
    for (size_t i = 0; scr->stemmers && i < QN_COUNT_OF(algorithms); i++)
        sb_stemmer_delete(scr->stemmers[i]);
    free(scr->stemmers);
    free(scr->stem_cache);
}

/* The stem, valid until the next call; t's own text when libstemmer fails. */
static struct qn_str stem(struct qn_text_scratch *scr, uint32_t algorithm, struct qn_str word)
{
    if (scr->stemmers == NULL)
        scr->stemmers = qn_xcalloc(QN_COUNT_OF(algorithms), sizeof *scr->stemmers);
    struct sb_stemmer **s = &scr->stemmers[algorithm];
    if (*s == NULL)
        *s = sb_stemmer_new(algorithms[algorithm].name, "UTF_8");
    const sb_symbol *out = *s && word.n < INT32_MAX
                               ? sb_stemmer_stem(*s, (const sb_symbol *)word.p, (int)word.n)
                               : NULL;
    return out ? qn_str_make(out, (size_t)sb_stemmer_length(*s)) : word;
}

static struct qn_str stem_cached(struct qn_text_scratch *scr, uint32_t algorithm,
                                 struct qn_str word)
{
    if (word.n > STEM_WORD_MAX)
        return stem(scr, algorithm, word);
    if (scr->stem_cache == NULL)
        scr->stem_cache = qn_xcalloc(STEM_SLOTS, sizeof *scr->stem_cache);
    struct qn__stem_slot *slot =
        &scr->stem_cache[(qn_hash_str(word) + algorithm * 0x9e37u) % STEM_SLOTS];
    if (slot->algorithm_plus_1 != algorithm + 1 || slot->word_len != word.n ||
        memcmp(slot->word, word.p, word.n) != 0) {
        struct qn_str got = stem(scr, algorithm, word);
        if (got.n > sizeof slot->stem)
            return got;
        *slot = (struct qn__stem_slot){(uint8_t)(algorithm + 1), (uint8_t)word.n, (uint8_t)got.n};
        memcpy(slot->word, word.p, word.n);
        memcpy(slot->stem, got.p, got.n);
    }
    return qn_str_make(slot->stem, slot->stem_len);
}

void qn__filter_stem(struct qn_text_scratch *scr, const struct qn__filter *f)
{
    for (size_t i = 0; i < scr->tokens.n; i++) {
        struct qn_token *t = &scr->tokens.p[i];
        struct qn_str word = {t->text, t->len};
        if (word.n == 0)
            continue;
        struct qn_str got = stem_cached(scr, f->algorithm, word);
        t->len = (uint32_t)got.n;
        if (qn_str_starts(word, got))
            continue; /* most stems are beginnings of their words */
        char *copy = qn__text_room(scr, got.n);
        memcpy(copy, got.p, got.n);
        t->text = copy;
    }
}
