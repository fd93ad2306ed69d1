#include <math.h>
#include <stdlib.h>

#include "topk_int.h"

int qn__key_open(struct qn__key *k, struct qn_exec *ex, const struct qn_sort_key *key,
                 struct qn_err *err)
{
    *k = (struct qn__key){.key = key};
    k->ranks = qn_arena_array(ex->ar, struct qn__rank, QN__UNIT);
    if (k->ranks == NULL)
        return QN_E_BUDGET;
    struct qn_split_field *fd = key->by == QN_SORT_FIELD ? key->field : NULL;
    int rc = fd ? qn_split_use(fd, err) : 0;
    if (rc < 0 || fd == NULL || fd->column == NULL || (fd->flags & QN_FIELD_PRESENCE))
        return rc;
    if (qn_split_type_has_terms(fd->type)) {
        if (fd->column_terms == NULL)
            return 0;
        k->terms = fd->column_terms;
    }
    k->column = fd->column;
    k->cu = qn_column_cursor_new(fd->column);
    return 0;
}

void qn__key_close(struct qn__key *k)
{
    qn_column_cursor_free(k->cu);
}

static struct qn__rank missing(const struct qn__key *k)
{
    return (struct qn__rank){0, k->key->missing == QN_SORT_FIRST ? 0 : 2};
}

static struct qn__rank rank_of(const struct qn__key *k, uint64_t v)
{
    if (k->terms != NULL)
        v = 2 * v + 1;
    return (struct qn__rank){k->key->descending ? ~v : v, 1};
}

static uint64_t score_ord(float score)
{
    return qn_f64_to_ord((double)score);
}

/* ---- reading */

/* The mean of numbers as the column orders them; integers are rounded. */
static uint64_t mean(const struct qn__key *k, const uint64_t *v, uint32_t n)
{
    enum qn_split_type type = k->key->field->type;
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += type == QN_SPLIT_F64                            ? qn_f64_from_ord(v[i])
               : type == QN_SPLIT_I64 || type == QN_SPLIT_DATE ? (double)qn_i64_from_ord(v[i])
                                                               : (double)v[i];
    sum /= n;
    if (type == QN_SPLIT_F64)
        return qn_f64_to_ord(sum);
    if (type != QN_SPLIT_I64 && type != QN_SPLIT_DATE)
        return sum >= 0x1p64 ? UINT64_MAX : (uint64_t)floor(sum + 0.5);
    return qn_i64_to_ord(sum >= 0x1p63 ? INT64_MAX : (int64_t)floor(sum + 0.5));
}

static int read_means(struct qn__key *k, const uint32_t *ids, uint32_t n, struct qn__rank *out,
                      struct qn_err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t *v;
        uint32_t count;
        int rc = qn_column_of(k->cu, ids[i], &v, &count, err);
        if (rc < 0)
            return rc;
        out[i] = count == 0 ? missing(k) : rank_of(k, count == 1 ? v[0] : mean(k, v, count));
    }
    return 0;
}

static enum qn_column_pick pick_of(const struct qn_sort_key *key)
{
    if (key->mode == QN_SORT_AUTO)
        return key->descending ? QN_COLUMN_MAX : QN_COLUMN_MIN;
    return key->mode == QN_SORT_MAX ? QN_COLUMN_MAX : QN_COLUMN_MIN;
}

static int read_column(struct qn__key *k, struct qn__key_room *room, const uint32_t *ids,
                       uint32_t n, struct qn__rank *out, struct qn_err *err)
{
    if (k->column->many && k->key->mode == QN_SORT_AVG && k->terms == NULL)
        return read_means(k, ids, n, out, err);
    int rc = qn_column_gather(k->cu, ids, n, pick_of(k->key), room->values, room->present, err);
    for (uint32_t i = 0; i < n && rc == 0; i++)
        out[i] = qn_bit_get(room->present, i) ? rank_of(k, room->values[i]) : missing(k);
    return rc;
}

int qn__key_ranks(struct qn__key *k, struct qn__key_room *room, const uint32_t *ids,
                  const float *scores, uint32_t n, struct qn__rank *out, struct qn_err *err)
{
    if (k->key->by == QN_SORT_FIELD && k->column != NULL)
        return read_column(k, room, ids, n, out, err);
    for (uint32_t i = 0; i < n; i++)
        out[i] = k->key->by == QN_SORT_DOC     ? rank_of(k, ids[i])
                 : k->key->by == QN_SORT_SCORE ? rank_of(k, score_ord(scores[i]))
                                               : missing(k);
    return 0;
}

struct qn__rank qn__key_best(const struct qn__key *k, struct qn_scorer *sc, uint32_t lo,
                             uint32_t hi)
{
    const struct qn_sort_key *key = k->key;
    uint64_t min, max;
    if (key->by == QN_SORT_DOC)
        return rank_of(k, key->descending ? hi - 1 : lo);
    if (key->by == QN_SORT_SCORE)
        return key->descending ? rank_of(k, score_ord(qn_scorer_bound(sc, lo, hi)))
                               : (struct qn__rank){0, 1};
    bool some = k->column != NULL && qn_column_zone(k->column, lo, hi, &min, &max);
    bool holes = k->column == NULL || k->column->doc_count < k->column->n_docs;
    if (!some || (holes && key->missing == QN_SORT_FIRST))
        return missing(k);
    return rank_of(k, key->descending ? max : min);
}

/* ---- values outside the split */

int qn__key_rank_of(const struct qn__key *k, const struct qn_sort_value *v, struct qn__rank *out,
                    struct qn_err *err)
{
    *out = missing(k);
    switch (v->kind) {
    case QN_SORT_MISSING:
        return 0;
    case QN_SORT_FLOAT:
        *out = rank_of(k, score_ord(v->score));
        return 0;
    case QN_SORT_NUMBER:
        *out = (struct qn__rank){k->key->descending ? ~v->number : v->number, 1};
        return 0;
    case QN_SORT_TEXT:
        break;
    }
    out->class = 1; /* before the values, or behind: there are none when there is no dictionary */
    if (k->terms == NULL)
        return 0;
    struct qn_terms_iter *it = qn_terms_iter_new(k->terms);
    int rc = qn_terms_seek(it, v->str, err);
    uint64_t at = 2 * it->ord + (rc == 0 && qn_str_eq(it->term, v->str));
    qn_terms_iter_free(it);
    out->v = k->key->descending ? ~at : at;
    return rc < 0 ? rc : 0;
}

static int by_ord(const void *a, const void *b)
{
    qn_ord x = *(const qn_ord *)a, y = *(const qn_ord *)b;
    return x < y ? -1 : x > y;
}

static uint64_t plain(const struct qn__key *k, struct qn__rank r)
{
    uint64_t v = k->key->descending ? ~r.v : r.v;
    return k->terms ? (v - 1) / 2 : v;
}

/* The texts of the ranks' ordinals, each read once. */
static int read_texts(const struct qn__key *k, struct qn_arena *ar, const struct qn__rank *ranks,
                      struct qn_sort_value *out, uint32_t n, uint32_t stride, struct qn_err *err)
{
    qn_ord *ords = qn_arena_array(ar, qn_ord, n + 1);
    struct qn_str *texts = qn_arena_array(ar, struct qn_str, n + 1);
    size_t m = 0, u = 0;
    if (ords == NULL || texts == NULL)
        return QN_E_BUDGET;
    for (uint32_t i = 0; i < n; i++)
        if (ranks[i * stride].class == 1)
            ords[m++] = plain(k, ranks[i * stride]);
    qsort(ords, m, sizeof *ords, by_ord);
    for (size_t i = 0; i < m; i++)
        if (u == 0 || ords[u - 1] != ords[i])
            ords[u++] = ords[i];
    struct qn_terms_iter *it = qn_terms_iter_new(k->terms);
    int rc = u > 0 ? qn_terms_of_ords(it, ords, u, ar, texts, err) : 0;
    qn_terms_iter_free(it);
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        if (ranks[i * stride].class != 1)
            continue;
        qn_ord want = plain(k, ranks[i * stride]);
        const qn_ord *at = bsearch(&want, ords, u, sizeof *ords, by_ord);
        out[i * stride] = (struct qn_sort_value){.kind = QN_SORT_TEXT, .str = texts[at - ords]};
    }
    return rc;
}

int qn__key_values(const struct qn__key *k, struct qn_arena *ar, const struct qn__rank *ranks,
                   struct qn_sort_value *out, uint32_t n, uint32_t stride, struct qn_err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        struct qn_sort_value *v = &out[i * stride];
        *v = (struct qn_sort_value){.kind = QN_SORT_MISSING};
        if (ranks[i * stride].class != 1 || k->terms != NULL)
            continue;
        v->number = plain(k, ranks[i * stride]);
        v->kind = k->key->by == QN_SORT_SCORE ? QN_SORT_FLOAT : QN_SORT_NUMBER;
        if (v->kind == QN_SORT_FLOAT)
            v->score = (float)qn_f64_from_ord(v->number);
    }
    return k->terms ? read_texts(k, ar, ranks, out, n, stride, err) : 0;
}

int qn_sort_compare(const struct qn_sort_key *key, const struct qn_sort_value *a,
                    const struct qn_sort_value *b)
{
    int c;
    if (a->kind == QN_SORT_MISSING || b->kind == QN_SORT_MISSING) {
        if (a->kind == b->kind)
            return 0;
        return (a->kind == QN_SORT_MISSING) == (key->missing == QN_SORT_FIRST) ? -1 : 1;
    }
    if (a->kind != b->kind)
        c = a->kind < b->kind ? -1 : 1;
    else if (a->kind == QN_SORT_TEXT)
        c = qn_str_cmp(a->str, b->str);
    else if (a->kind == QN_SORT_FLOAT)
        c = a->score < b->score ? -1 : a->score > b->score;
    else
        c = a->number < b->number ? -1 : a->number > b->number;
    return key->descending ? -c : c;
}
