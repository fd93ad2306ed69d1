#include "score_int.h"

struct explanation {
    struct qn_scorer *sc;
    uint32_t doc;
    struct qn_buf *out;
    struct qn_err *err;
};

/* The document's score under a node. */
static int score_of(struct explanation *ex, struct qn__score *x, float *score)
{
    uint32_t lo = ex->doc / QN_SCORE_WINDOW * QN_SCORE_WINDOW;
    uint32_t end = lo + QN_SCORE_WINDOW, n = ex->sc->ex->n_docs;
    float *window = qn_arena_zalloc(ex->sc->ex->ar, QN_SCORE_WINDOW * sizeof *window);
    if (window == NULL)
        return QN_E_BUDGET;
    int rc = qn__score_add(ex->sc, x, lo, end < n ? end : n, window, ex->err);
    *score = window[ex->doc - lo];
    return rc;
}

static void indent(struct explanation *ex, unsigned depth)
{
    qn_buf_fill(ex->out, ' ', depth * (size_t)2);
}

static int explain_term(struct explanation *ex, struct qn__score *x, unsigned depth)
{
    bool found;
    uint32_t tf, length;
    int rc = qn__score_posting(x, ex->doc, &found, &tf, &length, ex->err);
    if (rc < 0 || !found)
        return rc;
    float score = qn_bm25_score(x->weight, (float)tf, length, x->average);
    indent(ex, depth);
    qn_buf_printf(ex->out,
                  "%.7g = " QN_STR_FMT ":" QN_STR_FMT
                  ": %.7g * tf %u / (tf + %.7g * (1 - %.7g + %.7g * length %u / average %.7g))\n",
                  (double)score, QN_STR_ARG(x->fd->name), QN_STR_ARG(x->text), (double)x->weight,
                  tf, (double)QN_BM25_K1, (double)QN_BM25_B, (double)QN_BM25_B, length,
                  (double)x->average);
    indent(ex, depth + 1);
    qn_buf_printf(ex->out, "%.7g = boost %.7g * factor %.7g * idf %.7g\n", (double)x->weight,
                  (double)x->boost, (double)ex->sc->factor, (double)x->idf);
    indent(ex, depth + 1);
    qn_buf_printf(ex->out, "idf = ln(1 + (N %llu - n %llu + 0.5) / (n + 0.5))\n",
                  (unsigned long long)x->n_docs, (unsigned long long)x->df);
    return 0;
}

static int explain(struct explanation *ex, struct qn__score *x, unsigned depth)
{
    static const char *const names[] = {
        [QN__SCORE_PHRASE] = "phrase",     [QN__SCORE_CONSTANT] = "constant",
        [QN__SCORE_SUM] = "sum of",        [QN__SCORE_MAX] = "best of",
        [QN__SCORE_BOOSTING] = "boosting",
    };
    float score;
    if (x->kind == QN__SCORE_TERM)
        return explain_term(ex, x, depth);
    int rc = score_of(ex, x, &score);
    if (rc < 0 || (score == 0 && depth > 0))
        return rc;
    indent(ex, depth);
    qn_buf_printf(ex->out, "%.7g = %s", (double)score, names[x->kind]);
    if (x->kind == QN__SCORE_PHRASE)
        qn_buf_printf(ex->out,
                      " in " QN_STR_FMT ", weight %.7g = boost %.7g * factor %.7g * idf %.7g",
                      QN_STR_ARG(x->fd->name), (double)x->weight, (double)x->boost,
                      (double)ex->sc->factor, (double)x->idf);
    else if (x->kind == QN__SCORE_MAX)
        qn_buf_printf(ex->out, " (plus %.7g of the others)", (double)x->value);
    else if (x->kind == QN__SCORE_BOOSTING)
        qn_buf_printf(ex->out, " (times %.7g where the negative matches)", (double)x->value);
    qn_buf_put_u8(ex->out, '\n');
    for (uint32_t i = 0; i < x->n && rc == 0; i++)
        rc = explain(ex, x->child[i], depth + 1);
    return rc;
}

int qn_scorer_explain(struct qn_scorer *sc, uint32_t doc, struct qn_buf *out, struct qn_err *err)
{
    struct explanation ex = {sc, doc, out, err};
    if (sc->root == NULL) {
        qn_buf_put_z(out, "0 = nothing scores\n");
        return 0;
    }
    return explain(&ex, sc->root, 0);
}
