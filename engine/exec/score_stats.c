#include <math.h>

#include "score_int.h"

void qn_stats_init(struct qn_stats *st, struct qn_arena *ar)
{
    *st = (struct qn_stats){.ar = ar};
    qn_map_init(&st->fields, ar);
    qn_map_init(&st->terms, ar);
}

void qn_stats_release(struct qn_stats *st)
{
    qn_map_release(&st->fields);
    qn_map_release(&st->terms);
}

float qn_bm25_idf(uint64_t n_docs, uint64_t df)
{
    return (float)log(1 + ((double)n_docs - (double)df + 0.5) / ((double)df + 0.5));
}

float qn_bm25_score(float weight, float tf, uint32_t length, float average)
{
    if (average <= 0)
        return 0;
    float inverse = 1.0f / (QN_BM25_K1 * ((1 - QN_BM25_B) + QN_BM25_B * (float)length / average));
    return weight - weight / (1.0f + tf * inverse);
}

/* name, zero, type; of terms: and the term */
static struct qn_buf key_of(const struct qn_split_field *fd, struct qn_str term)
{
    struct qn_buf b;
    qn_buf_init(&b, SIZE_MAX);
    qn_buf_put_str(&b, fd->name);
    qn_buf_put_u8(&b, 0);
    qn_buf_put_u8(&b, (uint8_t)fd->type);
    qn_buf_put_str(&b, term);
    return b;
}

static void *get(const struct qn_map *m, const struct qn_split_field *fd, struct qn_str term)
{
    struct qn_buf key = key_of(fd, term);
    void *p = qn_map_get_ptr(m, qn_buf_str(&key));
    qn_buf_release(&key);
    return p;
}

static void *make(struct qn_stats *st, struct qn_map *m, struct qn_str key, size_t size)
{
    bool made;
    struct qn_map_entry *e = qn_map_put(m, key, &made);
    if (e != NULL && e->ptr == NULL)
        e->ptr = qn_arena_zalloc(st->ar, size);
    return e ? e->ptr : NULL;
}

const struct qn_field_stats *qn__stats_field(const struct qn_stats *st,
                                             const struct qn_split_field *fd)
{
    return get(&st->fields, fd, QN_STR(""));
}

uint64_t qn__stats_df(const struct qn_stats *st, const struct qn_split_field *fd,
                      struct qn_str term)
{
    const struct qn__term_stats *t = get(&st->terms, fd, term);
    return t ? t->df : 0;
}

float qn__stats_phrase_idf(const struct qn_stats *st, const struct qn_split_field *fd,
                           const struct qn_query_has_phrase *ph)
{
    const struct qn_field_stats *fs = qn__stats_field(st, fd);
    uint32_t plain = ph->last_is_prefix ? ph->n - 1 : ph->n;
    double sum = 0;
    for (uint32_t i = 0; i < plain && fs; i++)
        sum += qn_bm25_idf(fs->docs, qn__stats_df(st, fd, ph->terms[i].text));
    if (!ph->last_is_prefix || fs == NULL)
        return (float)sum;
    struct qn_buf key = key_of(fd, ph->terms[plain].text);
    const struct qn_map_entry *e = NULL;
    while ((e = qn_map_next(&st->terms, e)) != NULL) {
        const struct qn__term_stats *t = e->ptr;
        if (t->df > 0 && qn_str_starts(e->key, qn_buf_str(&key)))
            sum += qn_bm25_idf(fs->docs, t->df);
    }
    qn_buf_release(&key);
    return (float)sum;
}

/* ---- collecting: numbers count once a split, however often the query names them */

struct collector {
    struct qn_stats *st;
    struct qn_exec *ex;
    uint32_t epoch;
    struct qn_err *err;
};

static int add_field(struct collector *co, struct qn_split_field *fd)
{
    struct qn_buf key = key_of(fd, QN_STR(""));
    struct qn_field_stats *fs = make(co->st, &co->st->fields, qn_buf_str(&key), sizeof *fs);
    qn_buf_release(&key);
    if (fs == NULL)
        return QN_E_BUDGET;
    if (fs->epoch == co->epoch)
        return 0;
    const struct qn_postings *ps = fd->postings;
    fs->epoch = co->epoch;
    fs->docs += ps->doc_count;
    fs->lengths += ps->record == QN_RECORD_BASIC ? ps->sum_df : ps->sum_tf;
    return 0;
}

static int add_df(struct collector *co, struct qn_split_field *fd, struct qn_str term, uint32_t df)
{
    struct qn_buf key = key_of(fd, term);
    struct qn__term_stats *t = make(co->st, &co->st->terms, qn_buf_str(&key), sizeof *t);
    qn_buf_release(&key);
    if (t == NULL)
        return QN_E_BUDGET;
    t->df += t->epoch == co->epoch ? 0 : df;
    t->epoch = co->epoch;
    return 0;
}

static int add_term(struct collector *co, struct qn_split_field *fd, struct qn_terms_iter *it,
                    struct qn_str term)
{
    struct qn_term_info info = {0};
    int rc = qn_terms_lookup(it, term, co->err);
    if (rc == 0)
        rc = qn_terms_info(it, &info, co->err);
    return rc < 0 ? rc : add_df(co, fd, term, rc == 0 ? info.df : 0);
}

static int add_expansions(struct collector *co, struct qn_split_field *fd, struct qn_terms_iter *it,
                          struct qn_str prefix, uint32_t most)
{
    qn_ord from, to;
    int rc = qn_terms_prefix(it, prefix, &from, &to, co->err);
    if (rc >= 0 && to - from > most)
        to = from + most;
    if (rc >= 0 && from < to)
        rc = qn_terms_seek_ord(it, from, co->err);
    while (rc == 0 && from < to && it->ord < to) {
        struct qn_term_info info;
        rc = qn_terms_info(it, &info, co->err);
        if (rc == 0)
            rc = add_df(co, fd, it->term, info.df);
        if (rc == 0)
            rc = qn_terms_next(it, co->err);
    }
    return rc < 0 ? rc : 0;
}

static int add_leaf(struct collector *co, const struct qn_query *q,
                    const struct qn_query_target *target)
{
    struct qn_split_field *fd = qn_compile_field(co->ex, target);
    int rc = fd ? qn_split_use(fd, co->err) : 0;
    if (rc < 0 || fd == NULL || fd->type != QN_SPLIT_STR || fd->postings == NULL)
        return rc;
    struct qn_terms_iter *it = qn_terms_iter_new(fd->terms);
    rc = add_field(co, fd);
    if (q->kind == QN_QUERY_HAS_TERM && rc == 0)
        rc = add_term(co, fd, it, q->has_term.value.str);
    for (uint32_t i = 0; q->kind == QN_QUERY_HAS_ANY && i < q->has_any.n && rc == 0; i++)
        rc = add_term(co, fd, it, q->has_any.values[i].str);
    const struct qn_query_has_phrase *ph = &q->has_phrase;
    for (uint32_t i = 0; q->kind == QN_QUERY_HAS_PHRASE && i < ph->n && rc == 0; i++)
        rc = i + 1 == ph->n && ph->last_is_prefix
                 ? add_expansions(co, fd, it, ph->terms[i].text, ph->max_expansions)
                 : add_term(co, fd, it, ph->terms[i].text);
    qn_terms_iter_free(it);
    return rc;
}

static int collect(struct collector *co, const struct qn_query *q);

static int collect_list(struct collector *co, const struct qn_query_list *list)
{
    int rc = 0;
    for (uint32_t i = 0; i < list->n && rc == 0; i++)
        rc = collect(co, list->p[i]);
    return rc;
}

static int collect(struct collector *co, const struct qn_query *q)
{
    int rc;
    switch ((enum qn_query_kind)q->kind) {
    case QN_QUERY_BOOL:
        rc = collect_list(co, &q->bools.must);
        return rc < 0 ? rc : collect_list(co, &q->bools.should);
    case QN_QUERY_DIS_MAX:
        return collect_list(co, &q->dis_max.any);
    case QN_QUERY_BOOSTING:
        return collect(co, q->boosting.positive);
    case QN_QUERY_HAS_TERM:
        return add_leaf(co, q, &q->has_term.target);
    case QN_QUERY_HAS_ANY:
        return q->has_any.scored ? add_leaf(co, q, &q->has_any.target) : 0;
    case QN_QUERY_HAS_PHRASE:
        return add_leaf(co, q, &q->has_phrase.target);
    default:
        return 0;
    }
}

int qn_stats_collect(struct qn_stats *st, struct qn_exec *ex, const struct qn_query *q,
                     struct qn_err *err)
{
    struct collector co = {st, ex, ++st->epoch, err};
    return collect(&co, q);
}

int qn_stats_merge(struct qn_stats *st, const struct qn_stats *more)
{
    const struct qn_map_entry *e = NULL;
    while ((e = qn_map_next(&more->fields, e)) != NULL) {
        const struct qn_field_stats *from = e->ptr;
        struct qn_field_stats *fs = make(st, &st->fields, e->key, sizeof *fs);
        if (fs == NULL)
            return QN_E_BUDGET;
        fs->docs += from->docs;
        fs->lengths += from->lengths;
    }
    while ((e = qn_map_next(&more->terms, e)) != NULL) {
        struct qn__term_stats *t = make(st, &st->terms, e->key, sizeof *t);
        if (t == NULL)
            return QN_E_BUDGET;
        t->df += ((const struct qn__term_stats *)e->ptr)->df;
    }
    return 0;
}
