/* Any bytes through any analyzer. The first byte chooses: a built-in analyzer, or one made of parts
 * by the next bytes (n-grams; a regular expression ended by a newline). Spans must lie in the text,
 * positions must not fall, and the built-in fast paths must agree between instruction sets. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "simd/ops.h"
#include "tokenizer.h"

static uint64_t run(struct qn_text_scratch *scr, const struct qn_analyzer *an, struct qn_str text)
{
    const struct qn_token *t;
    uint64_t sum = 0;
    uint32_t position = 0;
    int n;
    qn_analyze_begin(scr, an, text);
    while ((n = qn_analyze_next(scr, &t)) > 0) {
        QN_ASSERT(n <= QN_TOKEN_BATCH);
        for (int i = 0; i < n; i++) {
            QN_ASSERT(t[i].from <= t[i].to && t[i].to <= text.n);
            QN_ASSERT(t[i].position >= position);
            position = t[i].position;
            for (uint32_t k = 0; k < t[i].len; k++)
                sum = sum * 31 + (uint8_t)t[i].text[k];
            sum = sum * 31 + t[i].from + t[i].to;
        }
    }
    QN_ASSERT(n == 0 || n == QN_E_TOO_LARGE);
    return sum;
}

static int make(struct qn_analyzer **out, const uint8_t **p, size_t *n)
{
    struct qn_analyzer_config cfg = {0};
    uint8_t a = (*p)[0], b = (*p)[1], f = (*p)[2];
    *p += 3;
    *n -= 3;
    cfg.kind = (enum qn_tokenizer_kind)(a % (QN_TOKENIZER_REGEX_SPLIT + 1));
    cfg.min_gram = b % 16;
    cfg.max_gram = b / 16;
    cfg.prefix_only = f & 1;
    cfg.case_insensitive = f & 1;
    cfg.max_token = b;
    cfg.filters[0].kind = (enum qn_filter_kind)(f % (QN_FILTER_EDGE_NGRAM + 1));
    cfg.filters[0].min = 1;
    cfg.filters[0].max = 1 + b % 8;
    cfg.filters[0].language = QN_STR("fr");
    cfg.filters[1].kind = QN_FILTER_LOWER;
    cfg.n_filters = f % 3;
    const uint8_t *end = memchr(*p, '\n', *n);
    if (end != NULL) {
        cfg.pattern = qn_str_make(*p, (size_t)(end - *p));
        *n -= (size_t)(end - *p) + 1;
        *p = end + 1;
    }
    return qn_analyzer_new(out, &cfg, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    uint8_t choice = *data++;
    size--;
    size_t builtin = 0;
    while (qn_analyzer_name(builtin) != NULL)
        builtin++;
    struct qn_text_scratch *scr = qn_text_scratch_new(qn_simd_pick("auto"));
    struct qn_analyzer *made = NULL;
    const struct qn_analyzer *an = NULL;
    if (choice < builtin)
        an = qn_analyzer_find(qn_str_of(qn_analyzer_name(choice)));
    else if (make(&made, &data, &size) == QN_OK)
        an = made;
    if (an != NULL) {
        char *text = malloc(size + 16);
        memcpy(text, data, size);
        memset(text + size, 'x', 16);
        uint64_t sum = run(scr, an, qn_str_make(text, size));
        struct qn_text_scratch *scalar = qn_text_scratch_new(NULL);
        QN_ASSERT(run(scalar, an, qn_str_make(text, size)) == sum);
        qn_text_scratch_free(scalar);
        free(text);
    }
    qn_text_scratch_free(scr);
    qn_analyzer_free(made);
    return 0;
}
