#include "score_int.h"

/* More terms than this in one HAS_ANY score as one: a cursor each would be too much. */
enum { SCORED_TERMS = 1024 };

static int build(struct qn__score **out, struct qn_scorer *sc, const struct qn_query *q,
                 float boost, bool root, struct qn_err *err);

static struct qn__score *new_node(struct qn_scorer *sc, int kind, uint32_t children, uint32_t rooms)
{
    struct qn__score *x = qn_arena_new(sc->ex->ar, struct qn__score);
    if (x == NULL)
        return NULL;
    x->kind = kind;
    x->child = qn_arena_zalloc(sc->ex->ar, (children + 1) * sizeof *x->child);
    if (rooms > 0)
        x->room =
            qn_arena_alloc_aligned(sc->ex->ar, (size_t)rooms * QN_SCORE_WINDOW * sizeof(float), 64);
    return x->child == NULL || (rooms > 0 && x->room == NULL) ? NULL : x;
}

static void free_node(struct qn__score *x)
{
    if (x == NULL)
        return;
    for (uint32_t i = 0; i < x->n; i++)
        free_node(x->child[i]);
    qn_op_free(x->gate);
    qn_cursor_close(x->cu);
    qn__op_list_free(&x->phrases);
}

/* ---- leaves */

static int constant(struct qn__score **out, struct qn_scorer *sc, const struct qn_query *q,
                    float boost, struct qn_err *err)
{
    struct qn__score *x = new_node(sc, QN__SCORE_CONSTANT, 0, 0);
    if (x == NULL)
        return QN_E_BUDGET;
    x->value = x->boost = boost;
    sc->signed_weights |= boost < 0;
    *out = x;
    return qn_compile(&x->gate, sc->ex, q, err);
}

static void make_tables(struct qn__score *x)
{
    const struct qn_postings *ps = x->fd->postings;
    const struct qn_impacts *im = &ps->impacts;
    float most = 0;
    bool basic = ps->record == QN_RECORD_BASIC;
    for (uint32_t c = 0; c < 256; c++) {
        float s = 0;
        if (basic)
            s = qn_bm25_score(x->weight, 1, qn_norm_decode(1), x->average);
        else if (c < im->n || (c == QN_IMPACT_ESCAPE && im->tf[c] != 0))
            s = qn_bm25_score(x->weight, (float)im->tf[c], qn_norm_decode(im->norm[c]), x->average);
        most = s > most ? s : most;
        x->lut[c] = c == QN_IMPACT_ESCAPE && !basic ? 0 : s;
        x->bound[c] = most;
    }
}

/* Weight and average of a field; false: the statistics know nothing of it. */
static bool weigh(struct qn_scorer *sc, struct qn__score *x, struct qn_split_field *fd, float boost)
{
    const struct qn_field_stats *fs = qn__stats_field(sc->st, fd);
    if (fs == NULL || fs->docs == 0)
        return false;
    x->fd = fd;
    x->boost = boost;
    x->n_docs = fs->docs;
    x->average = (float)((double)fs->lengths / (double)fs->docs);
    x->weight = boost * sc->factor * x->idf;
    sc->signed_weights |= boost < 0;
    return true;
}

/* *out stays NULL when no document of the split has the term. */
static int term(struct qn__score **out, struct qn_scorer *sc, struct qn_split_field *fd,
                struct qn_str text, float boost, struct qn_err *err)
{
    struct qn_terms_iter *it = qn_terms_iter_new(fd->terms);
    struct qn_term_info info;
    struct qn_cursor *cu = NULL;
    int rc = qn_terms_lookup(it, text, err);
    if (rc == 0)
        rc = qn_terms_info(it, &info, err);
    if (rc == 0)
        rc = qn_cursor_open(&cu, fd->postings, &info, err);
    qn_terms_iter_free(it);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    struct qn__score *x = new_node(sc, QN__SCORE_TERM, 0, 0);
    float *tables = qn_arena_alloc_aligned(sc->ex->ar, 512 * sizeof *tables, 64);
    const struct qn_field_stats *fs = qn__stats_field(sc->st, fd);
    if (x == NULL || tables == NULL || fs == NULL) {
        qn_cursor_close(cu);
        return fs ? QN_E_BUDGET : 0;
    }
    x->cu = cu;
    x->text = qn_arena_str(sc->ex->ar, text);
    x->df = qn__stats_df(sc->st, fd, text);
    x->idf = qn_bm25_idf(fs->docs, x->df);
    x->lut = tables;
    x->bound = tables + 256;
    weigh(sc, x, fd, boost);
    make_tables(x);
    *out = x;
    return 0;
}

static int phrase(struct qn__score **out, struct qn_scorer *sc,
                  const struct qn_query_has_phrase *ph, float boost, struct qn_err *err)
{
    struct qn__op_list list;
    int rc = qn__compile_phrases(&list, sc->ex, ph, err);
    struct qn_split_field *fd = qn_compile_field(sc->ex, &ph->target);
    struct qn__score *x = rc == 0 && list.n > 0 ? new_node(sc, QN__SCORE_PHRASE, 0, 1) : NULL;
    if (x == NULL) {
        qn__op_list_free(&list);
        return rc < 0 ? rc : qn_arena_failed(sc->ex->ar) ? QN_E_BUDGET : 0;
    }
    x->phrases = list;
    x->idf = qn__stats_phrase_idf(sc->st, fd, ph);
    *out = x;
    if (!weigh(sc, x, fd, boost))
        x->weight = 0, x->fd = fd;
    return 0;
}

static int any(struct qn__score **out, struct qn_scorer *sc, struct qn_split_field *fd,
               const struct qn_query_has_any *a, float boost, struct qn_err *err)
{
    struct qn__score *x = *out = new_node(sc, QN__SCORE_SUM, a->n, 0);
    int rc = x ? 0 : QN_E_BUDGET;
    for (uint32_t i = 0; i < a->n && rc == 0; i++) {
        rc = term(&x->child[x->n], sc, fd, a->values[i].str, boost, err);
        x->n += x->child[x->n] != NULL;
    }
    return rc;
}

/* The field of a leaf that BM25 scores, or NULL. */
static int scored_field(struct qn_split_field **fd, struct qn_scorer *sc, const struct qn_query *q,
                        struct qn_err *err)
{
    *fd = NULL;
    const struct qn_query_target *t =
        q->kind == QN_QUERY_HAS_TERM ? &q->has_term.target : &q->has_any.target;
    if (q->kind == QN_QUERY_HAS_ANY && (!q->has_any.scored || q->has_any.n > SCORED_TERMS))
        return 0;
    struct qn_split_field *f = qn_compile_field(sc->ex, t);
    int rc = f ? qn_split_use(f, err) : 0;
    if (rc == 0 && f != NULL && f->type == QN_SPLIT_STR && f->postings != NULL)
        *fd = f;
    return rc;
}

static int leaf(struct qn__score **out, struct qn_scorer *sc, const struct qn_query *q, float boost,
                struct qn_err *err)
{
    struct qn_split_field *fd;
    if (q->kind == QN_QUERY_HAS_PHRASE)
        return phrase(out, sc, &q->has_phrase, boost, err);
    if (q->kind != QN_QUERY_HAS_TERM && q->kind != QN_QUERY_HAS_ANY)
        return constant(out, sc, q, boost, err);
    int rc = scored_field(&fd, sc, q, err);
    if (rc < 0)
        return rc;
    if (fd == NULL)
        return constant(out, sc, q, boost, err);
    return q->kind == QN_QUERY_HAS_TERM ? term(out, sc, fd, q->has_term.value.str, boost, err)
                                        : any(out, sc, fd, &q->has_any, boost, err);
}

/* ---- combinators */

static int add_children(struct qn__score *x, struct qn_scorer *sc, const struct qn_query_list *list,
                        float boost, struct qn_err *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < list->n && rc == 0; i++) {
        rc = build(&x->child[x->n], sc, list->p[i], boost, false, err);
        x->n += x->child[x->n] != NULL;
    }
    return rc;
}

/* Whether a bool matches whenever a clause of it that scores does. */
static bool is_plain_or(const struct qn_query_bool *b)
{
    return b->must.n + b->filter.n + b->must_not.n == 0 && b->min_should <= 1;
}

static bool is_single_must(const struct qn_query_bool *b)
{
    return b->must.n == 1 && b->filter.n + b->must_not.n + b->should.n == 0 && b->min_should <= 0;
}

static int sum(struct qn__score **out, struct qn_scorer *sc, const struct qn_query *q, float boost,
               bool root, struct qn_err *err)
{
    const struct qn_query_bool *b = &q->bools;
    bool gated = !root && !is_plain_or(b) && !is_single_must(b);
    struct qn__score *x = *out = new_node(sc, QN__SCORE_SUM, b->must.n + b->should.n, gated);
    int rc = x ? 0 : QN_E_BUDGET;
    if (rc == 0 && gated)
        rc = qn_compile(&x->gate, sc->ex, q, err);
    if (rc == 0)
        rc = add_children(x, sc, &b->must, boost, err);
    if (rc == 0)
        rc = add_children(x, sc, &b->should, boost, err);
    return rc;
}

static int build(struct qn__score **out, struct qn_scorer *sc, const struct qn_query *q,
                 float boost, bool root, struct qn_err *err)
{
    struct qn__score *x;
    int rc;
    boost *= q->boost;
    switch ((enum qn_query_kind)q->kind) {
    case QN_QUERY_NONE:
        return 0;
    case QN_QUERY_BOOL:
        return sum(out, sc, q, boost, root, err);
    case QN_QUERY_DIS_MAX:
        x = *out = new_node(sc, QN__SCORE_MAX, q->dis_max.any.n, 3);
        if (x == NULL)
            return QN_E_BUDGET;
        x->value = q->dis_max.tie_breaker;
        return add_children(x, sc, &q->dis_max.any, boost, err);
    case QN_QUERY_BOOSTING:
        x = *out = new_node(sc, QN__SCORE_BOOSTING, 1, 1);
        if (x == NULL)
            return QN_E_BUDGET;
        x->value = q->boosting.negative_boost;
        sc->signed_weights |= x->value < 0 || x->value > 1;
        rc = build(&x->child[0], sc, q->boosting.positive, boost, false, err);
        x->n = x->child[0] != NULL;
        return rc < 0 ? rc : qn_compile(&x->gate, sc->ex, q->boosting.negative, err);
    case QN_QUERY_FUNCTION:
        return qn_fail_at(err, QN_E_UNSUPPORTED, q->pos, "function_score is not supported");
    default:
        return leaf(out, sc, q, boost, err);
    }
}

/* ---- the scorer */

/* The terms of a disjunction without conditions: those may be skipped one by one. */
static void find_terms(struct qn_scorer *sc, const struct qn_query *q)
{
    struct qn__score *x = sc->root;
    if (x == NULL || sc->signed_weights)
        return;
    bool plain = q->kind == QN_QUERY_HAS_TERM || q->kind == QN_QUERY_HAS_ANY ||
                 (q->kind == QN_QUERY_BOOL && is_plain_or(&q->bools) && q->bools.should.n > 0 &&
                  q->bools.min_should != 0);
    if (x->kind == QN__SCORE_TERM) {
        sc->terms = &sc->root;
        sc->n_terms = 1;
    } else if (x->kind == QN__SCORE_SUM) {
        sc->terms = x->child;
        sc->n_terms = x->n;
    }
    sc->is_terms = plain && sc->n_terms > 0;
    for (uint32_t i = 0; i < sc->n_terms; i++)
        sc->is_terms &= sc->terms[i]->kind == QN__SCORE_TERM && sc->terms[i]->weight > 0;
}

int qn_scorer_new(struct qn_scorer **out, struct qn_exec *ex, const struct qn_query *q,
                  const struct qn_stats *st, float factor, struct qn_err *err)
{
    *out = NULL;
    struct qn_scorer *sc = qn_arena_new(ex->ar, struct qn_scorer);
    uint32_t *ids = qn_arena_array(ex->ar, uint32_t, QN_SCORE_WINDOW + 64);
    if (sc == NULL || ids == NULL)
        return QN_E_BUDGET;
    sc->ex = ex;
    sc->st = st;
    sc->ids = ids;
    sc->factor = factor == 0 ? QN_BM25_K1 + 1 : factor;
    int rc = build(&sc->root, sc, q, 1, true, err);
    if (rc < 0) {
        qn_scorer_free(sc);
        return rc;
    }
    find_terms(sc, q);
    *out = sc;
    return 0;
}

void qn_scorer_free(struct qn_scorer *sc)
{
    if (sc != NULL)
        free_node(sc->root);
}

bool qn_scorer_is_terms(const struct qn_scorer *sc)
{
    return sc->is_terms;
}
