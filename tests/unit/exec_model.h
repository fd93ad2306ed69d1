/* A random split with every kind of field, random bound queries on it, and an evaluator that looks
 * at documents one by one: what they match and how they score. Shared by the tests of exec. */
#ifndef QN_TEST_EXEC_MODEL_H
#define QN_TEST_EXEC_MODEL_H

#include <math.h>

#include "exec/search.h"
#include "ingest/memindex.h"
#include "query/query.h"
#include "test.h"

enum { WORDS_MAX = 60, VOCABULARY = 40, LEVELS = 5, TAGS = 30 };
enum { BODY, LEVEL, TAG, N, F, TS, FIELDS };

struct model_doc {
    int64_t time;
    uint8_t words[WORDS_MAX], n_words;
    int8_t level, tag; /* -1: none */
    uint8_t n_n;       /* values of n */
    int32_t n[2];
    bool has_f;
    double f;
};

struct model {
    struct model_doc *docs;
    uint32_t n;
    uint64_t *deleted;
    struct qn_split *sp;
    /* Of the whole index: of this split here. */
    uint32_t df[VOCABULARY + 10], n_with_body;
    uint64_t sum_words;
    bool no_slop; /* random phrases are exact */
};

static const struct qn_simd_ops *simd(void)
{
    const char *z = getenv("QN_TEST_SIMD");
    return qn_simd_pick(z ? z : "auto");
}

/* The mapped fields; f is a path of a JSON field. */
static const struct qn_field model_fields[FIELDS] = {
    [BODY] = {.path = {"body", 4}, .type = QN_FIELD_TEXT, .record = QN_RECORD_POSITION},
    [LEVEL] = {.path = {"level", 5}, .type = QN_FIELD_TEXT},
    [TAG] = {.path = {"tag", 3}, .type = QN_FIELD_TEXT},
    [N] = {.path = {"n", 1}, .type = QN_FIELD_I64},
    [F] = {.path = {"attrs", 5}, .type = QN_FIELD_JSON},
    [TS] = {.path = {"ts", 2}, .type = QN_FIELD_DATETIME},
};
static const uint8_t model_types[FIELDS] = {
    [BODY] = QN_VALUE_STR, [LEVEL] = QN_VALUE_STR, [TAG] = QN_VALUE_STR,
    [N] = QN_VALUE_I64,    [F] = QN_VALUE_F64,     [TS] = QN_VALUE_DATE};

static inline struct qn_query_target model_target(int field)
{
    return (struct qn_query_target){&model_fields[field], field == F ? QN_STR("x.f") : QN_STR(""),
                                    model_types[field]};
}

static inline struct qn_str word_of(unsigned w, char out[16])
{
    return qn_str_make(out, (size_t)snprintf(out, 16, "w%u", w));
}

/* Word 0 is nearly everywhere, later ones are rarer and rarer; 39 is in a handful of documents. */
static inline uint8_t pick_word(struct qn_rng *r)
{
    uint64_t x = qn_rng_below(r, 1000);
    if (x == 0 && qn_rng_below(r, 200) == 0)
        return VOCABULARY - 1;
    return (uint8_t)(x < 300 ? qn_rng_below(r, 3) : qn_rng_below(r, VOCABULARY - 1));
}

static inline void random_doc(struct model_doc *d, struct qn_rng *r, uint32_t i, int64_t time)
{
    d->time = time;
    d->n_words = (uint8_t)qn_rng_below(r, qn_rng_below(r, 50) ? 9 : WORDS_MAX + 1);
    for (int k = 0; k < d->n_words; k++)
        d->words[k] = k > 0 && qn_rng_below(r, 6) == 0 ? d->words[k - 1] : pick_word(r);
    d->level = (int8_t)((int)qn_rng_below(r, LEVELS + 1) - 1);
    d->tag = (int8_t)((int)qn_rng_below(r, TAGS + 1) - 1);
    d->n_n = (uint8_t)qn_rng_below(r, 3);
    for (int k = 0; k < 2; k++)
        d->n[k] = (int32_t)(i / 50) + (int32_t)qn_rng_below(r, 1000);
    d->has_f = qn_rng_below(r, 4) != 0;
    d->f = (double)((int64_t)qn_rng_below(r, 41) - 20) / 4;
    if (d->f == 0 && qn_rng_below(r, 2))
        d->f = -0.0;
}

static inline void index_model_doc(struct qn_memindex *mx, const uint32_t *f,
                                   const struct model_doc *d)
{
    static char room[WORDS_MAX][16], level[16], tag[16];
    struct qn_token tokens[WORDS_MAX];
    qn_memindex_begin(mx, d->time);
    for (uint32_t k = 0; k < d->n_words; k++) {
        struct qn_str w = word_of(d->words[k], room[k]);
        tokens[k] = (struct qn_token){w.p, (uint32_t)w.n, k, 0, 0};
    }
    if (d->n_words > 0) {
        qn_memindex_present(mx, f[BODY]);
        qn_memindex_tokens(mx, f[BODY], tokens, d->n_words);
    }
    if (d->level >= 0)
        qn_memindex_term(mx, f[LEVEL], word_of((unsigned)d->level, level));
    if (d->tag >= 0)
        qn_memindex_term(mx, f[TAG], word_of((unsigned)d->tag, tag));
    for (int k = 0; k < d->n_n; k++)
        qn_memindex_value(mx, f[N], qn_i64_to_ord(d->n[k]));
    if (d->has_f)
        qn_memindex_value(mx, f[F], qn_f64_to_ord(d->f));
    qn_memindex_value(mx, f[TS], qn_i64_to_ord(d->time));
    assert_ok(qn_memindex_end(mx, QN_STR("{}                                                  "
                                         "                                            ")));
}

static inline void count_words(struct model *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        const struct model_doc *d = &m->docs[i];
        bool seen[VOCABULARY] = {false};
        for (int k = 0; k < d->n_words; k++)
            if (!seen[d->words[k]]) {
                seen[d->words[k]] = true;
                m->df[d->words[k]]++;
            }
        m->n_with_body += d->n_words > 0;
        m->sum_words += d->n_words;
    }
}

static inline void make_model(struct model *m, struct qn_rng *r, uint32_t n)
{
    struct qn_memindex_options op = {.split = {.simd = simd()}};
    struct qn_memindex *mx = qn_memindex_new(&op);
    struct qn_buf file;
    struct qn_buf_sink bs;
    struct qn_split_meta meta = {.json = QN_STR("{}")};
    struct qn_split_info info;
    struct qn_memfield_spec specs[FIELDS] = {
        [BODY] = {.name = QN_STR("body"),
                  .record = QN_RECORD_POSITION,
                  .indexed = true,
                  .norms = true,
                  .presence = true},
        [LEVEL] = {.name = QN_STR("level"), .indexed = true, .column = true},
        [TAG] = {.name = QN_STR("tag"), .column = true},
        [N] = {.name = QN_STR("n"), .type = QN_SPLIT_I64, .column = true},
        [F] = {.name = QN_STR("attrs.x.f"), .type = QN_SPLIT_F64, .column = true},
        [TS] = {.name = QN_STR("ts"), .type = QN_SPLIT_DATE, .column = true}};
    uint32_t fields[FIELDS];
    qn_buf_init(&file, SIZE_MAX);
    qn_buf_sink_init(&bs, &file);
    qn_memindex_start(mx, &bs.sink);
    for (int i = 0; i < FIELDS; i++)
        fields[i] = qn_memindex_field(mx, &specs[i]);
    *m = (struct model){.n = n, .docs = calloc(n + 1, sizeof *m->docs)};
    int64_t t = 0;
    for (uint32_t i = 0; i < n; i++) {
        random_doc(&m->docs[i], r, i, t += (int64_t)qn_rng_below(r, 3) * 1000);
        index_model_doc(mx, fields, &m->docs[i]);
    }
    assert_ok(qn_memindex_flush(mx, &meta, &info));
    struct qn_object *ob = qn_object_from_memory(QN_STR("exec"), file.p, file.n);
    assert_ok(qn_split_open(&m->sp, ob, info.hot_offset, simd(), NULL));
    qn_object_unref(ob);
    qn_buf_release(&file);
    qn_memindex_free(mx);
    count_words(m);
    if (qn_rng_below(r, 2)) {
        m->deleted = calloc(n / 64 + 1 + QN_PAD, 8);
        for (uint32_t i = 0; i < n; i += 1 + (uint32_t)qn_rng_below(r, 20))
            qn_bit_set(m->deleted, i);
    }
}

static inline void drop_model(struct model *m)
{
    qn_split_unref(m->sp);
    free(m->docs);
    free(m->deleted);
}

static inline bool is_live(const struct model *m, uint32_t i)
{
    return m->deleted == NULL || !qn_bit_get(m->deleted, i);
}

static inline struct qn_exec model_exec(const struct model *m, struct qn_arena *ar, bool by_time)
{
    return (struct qn_exec){.sp = m->sp,
                            .simd = simd(),
                            .ar = ar,
                            .n_docs = m->n,
                            .time_field = by_time ? QN_STR("ts") : QN_STR_NONE,
                            .deleted = m->deleted};
}

/* ---- random queries */

static inline struct qn_str arena_word(struct qn_arena *ar, unsigned w)
{
    char room[16];
    return qn_arena_str(ar, word_of(w, room));
}

static inline struct qn_value random_value(struct qn_arena *ar, struct qn_rng *r,
                                           const struct model *m, int field)
{
    struct qn_value v = {.type = model_types[field]};
    if (field == BODY)
        v.str = arena_word(ar, pick_word(r));
    else if (field == LEVEL || field == TAG)
        v.str = arena_word(ar, (unsigned)qn_rng_below(r, field == TAG ? TAGS + 5 : LEVELS + 1));
    else if (field == N)
        v.i64 = (int64_t)qn_rng_below(r, 4000) - 200;
    else if (field == F)
        v.f64 = (double)((int64_t)qn_rng_below(r, 45) - 22) / 4;
    else
        v.i64 = m->docs[qn_rng_below(r, m->n)].time + (int64_t)qn_rng_below(r, 3) - 1;
    return v;
}

static inline int value_cmp(const struct qn_value *a, const struct qn_value *b)
{
    if (a->type == QN_VALUE_STR)
        return qn_str_cmp(a->str, b->str);
    if (a->type == QN_VALUE_F64)
        return a->f64 < b->f64 ? -1 : a->f64 > b->f64;
    return a->i64 < b->i64 ? -1 : a->i64 > b->i64;
}

static inline int value_order(const void *a, const void *b)
{
    return value_cmp(a, b);
}

static inline void random_any(struct qn_query *q, struct qn_arena *ar, struct qn_rng *r,
                              const struct model *m, int field)
{
    uint32_t n = 1 + (uint32_t)qn_rng_below(r, qn_rng_below(r, 2) ? 4 : 40), k = 0;
    struct qn_value *v = qn_arena_array(ar, struct qn_value, n);
    for (uint32_t i = 0; i < n; i++)
        v[i] = random_value(ar, r, m, field);
    qsort(v, n, sizeof *v, value_order);
    for (uint32_t i = 0; i < n; i++)
        if (k == 0 || value_cmp(&v[k - 1], &v[i]) != 0)
            v[k++] = v[i];
    q->has_any = (struct qn_query_has_any){model_target(field), v, k, qn_rng_below(r, 2)};
}

static inline void random_range(struct qn_query *q, struct qn_arena *ar, struct qn_rng *r,
                                const struct model *m, int field)
{
    struct qn_query_in_range *x = &q->in_range;
    x->target = model_target(field);
    if (qn_rng_below(r, 4))
        x->lower = random_value(ar, r, m, field);
    if (qn_rng_below(r, 4))
        x->upper = random_value(ar, r, m, field);
    if (field == F || field == LEVEL || field == TAG || field == BODY) {
        x->exclude_lower = qn_rng_below(r, 2);
        x->exclude_upper = qn_rng_below(r, 2);
    }
    x->on_terms = field == BODY;
}

static inline const struct qn_query *random_query(struct qn_arena *ar, struct qn_rng *r,
                                                  const struct model *m, int depth);

static inline void random_list(struct qn_query_list *list, struct qn_arena *ar, struct qn_rng *r,
                               const struct model *m, int depth, uint64_t most)
{
    uint32_t n = (uint32_t)qn_rng_below(r, most + 1);
    list->p = qn_arena_zalloc(ar, (n + 1) * sizeof *list->p);
    for (list->n = 0; list->n < n; list->n++)
        list->p[list->n] = random_query(ar, r, m, depth + 1);
}

static inline void random_leaf(struct qn_query *q, struct qn_arena *ar, struct qn_rng *r,
                               const struct model *m)
{
    static const char *const patterns[] = {"w1*", "w?", "*3", "w*2*", "x*"};
    int field = (int)qn_rng_below(r, FIELDS);
    if (qn_rng_below(r, 2))
        field = BODY;
    if (q->kind == QN_QUERY_HAS_TERM) {
        field = field == TS ? N : field;
        q->has_term =
            (struct qn_query_has_term){model_target(field), random_value(ar, r, m, field)};
    } else if (q->kind == QN_QUERY_HAS_ANY) {
        random_any(q, ar, r, m, field == TS ? N : field);
    } else if (q->kind == QN_QUERY_IN_RANGE) {
        random_range(q, ar, r, m, field);
    } else if (q->kind == QN_QUERY_HAS_PHRASE) {
        struct qn_phrase_term *t = qn_arena_array(ar, struct qn_phrase_term, 2);
        t[0] = (struct qn_phrase_term){arena_word(ar, pick_word(r)), 0};
        t[1] = (struct qn_phrase_term){arena_word(ar, pick_word(r)), 1};
        q->has_phrase = (struct qn_query_has_phrase){model_target(BODY), t, 2, 0, false, 0};
        if (qn_rng_below(r, 3) == 0 && !m->no_slop)
            q->has_phrase.slop = (uint32_t)qn_rng_below(r, 3);
        else if (qn_rng_below(r, 3) == 0)
            q->has_phrase.last_is_prefix = true, q->has_phrase.max_expansions = 1000;
    } else if (q->kind == QN_QUERY_HAS_FIELD) {
        struct qn_query_target *t = qn_arena_new(ar, struct qn_query_target);
        *t = model_target(field);
        q->has_field = (struct qn_query_has_field){t, 1, false};
        if (field == F && qn_rng_below(r, 2)) {
            t->path = QN_STR("x");
            t->type = QN_VALUE_NONE;
            q->has_field.subtree = true;
        }
    } else {
        q->has_pattern =
            (struct qn_query_has_pattern){.target = model_target((int)qn_rng_below(r, 3)),
                                          .kind = QN_PATTERN_WILDCARD,
                                          .text = qn_str_of(patterns[qn_rng_below(r, 5)]),
                                          .max_expansions = UINT32_MAX};
    }
}

static inline const struct qn_query *random_query(struct qn_arena *ar, struct qn_rng *r,
                                                  const struct model *m, int depth)
{
    static const uint8_t kinds[] = {
        QN_QUERY_HAS_TERM,   QN_QUERY_HAS_TERM, QN_QUERY_HAS_TERM,  QN_QUERY_HAS_ANY,
        QN_QUERY_HAS_PHRASE, QN_QUERY_IN_RANGE, QN_QUERY_HAS_FIELD, QN_QUERY_HAS_PATTERN,
        QN_QUERY_ALL,        QN_QUERY_BOOL,     QN_QUERY_BOOL,      QN_QUERY_BOOL,
        QN_QUERY_BOOL,       QN_QUERY_DIS_MAX,  QN_QUERY_CONSTANT,  QN_QUERY_BOOSTING,
    };
    struct qn_query *q = qn_arena_new(ar, struct qn_query);
    q->kind = kinds[qn_rng_below(r, depth < 3 ? 16 : 9)];
    q->boost = qn_rng_below(r, 3) ? 1 : 0.5f + (float)qn_rng_below(r, 6) / 2;
    switch (q->kind) {
    case QN_QUERY_ALL:
        break;
    case QN_QUERY_BOOL:
        random_list(&q->bools.must, ar, r, m, depth, 2);
        random_list(&q->bools.should, ar, r, m, depth, 3);
        random_list(&q->bools.filter, ar, r, m, depth, 1);
        random_list(&q->bools.must_not, ar, r, m, depth, 1);
        q->bools.min_should = qn_rng_below(r, 3) ? -1 : (int32_t)qn_rng_below(r, 4);
        break;
    case QN_QUERY_DIS_MAX:
        random_list(&q->dis_max.any, ar, r, m, depth, 3);
        q->dis_max.tie_breaker = qn_rng_below(r, 2) ? 0 : 0.3f;
        break;
    case QN_QUERY_CONSTANT:
        q->child = random_query(ar, r, m, depth + 1);
        break;
    case QN_QUERY_BOOSTING:
        q->boosting.positive = random_query(ar, r, m, depth + 1);
        q->boosting.negative = random_query(ar, r, m, depth + 1);
        q->boosting.negative_boost = 0.25f;
        break;
    default:
        random_leaf(q, ar, r, m);
    }
    return q;
}

/* ---- looking at documents */

/* The values of a field of a document. */
static inline int values_of(const struct model_doc *d, int field, struct qn_value v[WORDS_MAX],
                            char room[WORDS_MAX][16])
{
    int n = 0;
    for (int k = 0; field == BODY && k < d->n_words; k++)
        v[n++] = (struct qn_value){.type = QN_VALUE_STR, .str = word_of(d->words[k], room[k])};
    int one = field == LEVEL ? d->level : field == TAG ? d->tag : -1;
    if (one >= 0)
        v[n++] = (struct qn_value){.type = QN_VALUE_STR, .str = word_of((unsigned)one, room[0])};
    for (int k = 0; field == N && k < d->n_n; k++)
        v[n++] = (struct qn_value){.type = QN_VALUE_I64, .i64 = d->n[k]};
    if (field == F && d->has_f)
        v[n++] = (struct qn_value){.type = QN_VALUE_F64, .f64 = d->f};
    if (field == TS)
        v[n++] = (struct qn_value){.type = QN_VALUE_DATE, .i64 = d->time};
    return n;
}

static inline bool value_matches(const struct qn_query *q, const struct qn_value *v)
{
    if (q->kind == QN_QUERY_HAS_TERM)
        return value_cmp(v, &q->has_term.value) == 0;
    if (q->kind == QN_QUERY_HAS_FIELD)
        return true;
    if (q->kind == QN_QUERY_HAS_PATTERN)
        return qn_str_glob(q->has_pattern.text, v->str);
    if (q->kind == QN_QUERY_HAS_ANY) {
        for (uint32_t i = 0; i < q->has_any.n; i++)
            if (value_cmp(v, &q->has_any.values[i]) == 0)
                return true;
        return false;
    }
    const struct qn_query_in_range *x = &q->in_range;
    int lo = x->lower.type ? value_cmp(v, &x->lower) : 1;
    int hi = x->upper.type ? value_cmp(v, &x->upper) : -1;
    return (x->exclude_lower ? lo > 0 : lo >= 0) && (x->exclude_upper ? hi < 0 : hi <= 0);
}

/* How often the phrase is in the document; with slop 1 / (1 + distance) for each pair within it. */
static inline float phrase_frequency(const struct qn_query_has_phrase *ph,
                                     const struct model_doc *d)
{
    float freq = 0;
    char room[2][16];
    for (int p = 0; p < d->n_words; p++)
        for (int k = 0; k < d->n_words; k++) {
            uint32_t away = (uint32_t)abs(k - 1 - p);
            if (p == k || away > ph->slop ||
                !qn_str_eq(word_of(d->words[p], room[0]), ph->terms[0].text))
                continue;
            struct qn_str w = word_of(d->words[k], room[1]);
            if (ph->last_is_prefix ? qn_str_starts(w, ph->terms[1].text)
                                   : qn_str_eq(w, ph->terms[1].text))
                freq += 1 / (1 + (float)away);
        }
    return freq;
}

static inline int field_of(const struct qn_query_target *t)
{
    return (int)(t->field - model_fields);
}

static inline bool model_leaf(const struct qn_query *q, const struct model_doc *d)
{
    static char room[WORDS_MAX][16];
    struct qn_value v[WORDS_MAX];
    if (q->kind == QN_QUERY_HAS_PHRASE)
        return phrase_frequency(&q->has_phrase, d) > 0;
    const struct qn_query_target *t = q->kind == QN_QUERY_HAS_TERM    ? &q->has_term.target
                                      : q->kind == QN_QUERY_HAS_ANY   ? &q->has_any.target
                                      : q->kind == QN_QUERY_IN_RANGE  ? &q->in_range.target
                                      : q->kind == QN_QUERY_HAS_FIELD ? q->has_field.targets
                                                                      : &q->has_pattern.target;
    int n = values_of(d, field_of(t), v, room);
    for (int i = 0; i < n; i++)
        if (value_matches(q, &v[i]))
            return true;
    return false;
}

static inline bool model_matches(const struct qn_query *q, const struct model_doc *d);

static inline uint32_t how_many(const struct qn_query_list *list, const struct model_doc *d)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < list->n; i++)
        n += model_matches(list->p[i], d);
    return n;
}

static inline bool model_matches(const struct qn_query *q, const struct model_doc *d)
{
    switch (q->kind) {
    case QN_QUERY_ALL:
        return true;
    case QN_QUERY_CONSTANT:
        return model_matches(q->child, d);
    case QN_QUERY_BOOSTING:
        return model_matches(q->boosting.positive, d);
    case QN_QUERY_DIS_MAX:
        return how_many(&q->dis_max.any, d) > 0;
    case QN_QUERY_BOOL: {
        const struct qn_query_bool *b = &q->bools;
        uint32_t least = b->min_should >= 0 ? (uint32_t)b->min_should
                                            : b->must.n + b->filter.n == 0 && b->should.n > 0;
        return how_many(&b->must, d) == b->must.n && how_many(&b->filter, d) == b->filter.n &&
               how_many(&b->must_not, d) == 0 && how_many(&b->should, d) >= least;
    }
    default:
        return model_leaf(q, d);
    }
}

/* ---- scores, as the definition says */

static inline float model_bm25(float boost, double idf, float tf, uint32_t length, double average)
{
    return (float)(boost * 2.2 * idf * tf /
                   (tf + 1.2 * (1 - 0.75 + 0.75 * length / (double)(float)average)));
}

static inline double model_idf(double n, double df)
{
    return log(1 + (n - df + 0.5) / (df + 0.5));
}

static inline uint32_t model_length(const struct model_doc *d)
{
    return qn_norm_decode(qn_norm_encode(d->n_words));
}

/* Of a word of the body, or of a level. */
static inline float model_term_score(const struct model *m, const struct model_doc *d, int field,
                                     struct qn_str term, float boost)
{
    char room[16];
    uint32_t tf = 0, df = 0, n = 0;
    if (field == BODY) {
        for (int k = 0; k < d->n_words; k++)
            tf += qn_str_eq(word_of(d->words[k], room), term);
        for (unsigned w = 0; w < VOCABULARY; w++)
            if (qn_str_eq(word_of(w, room), term))
                df = m->df[w];
        double average = (double)m->sum_words / m->n_with_body;
        return tf == 0 ? 0
                       : model_bm25(boost, model_idf(m->n_with_body, df), (float)tf,
                                    model_length(d), average);
    }
    for (uint32_t i = 0; i < m->n; i++) {
        n += m->docs[i].level >= 0;
        df += m->docs[i].level >= 0 && qn_str_eq(word_of((unsigned)m->docs[i].level, room), term);
    }
    return d->level >= 0 && qn_str_eq(word_of((unsigned)d->level, room), term)
               ? model_bm25(boost, model_idf(n, df), 1, 1, 1)
               : 0;
}

static inline float model_phrase_score(const struct model *m, const struct model_doc *d,
                                       const struct qn_query_has_phrase *ph, float boost)
{
    char room[16];
    double idf = 0;
    for (uint32_t i = 0; i < 2; i++)
        for (unsigned w = 0; w < VOCABULARY; w++) {
            struct qn_str word = word_of(w, room);
            if (m->df[w] > 0 &&
                (i == 1 && ph->last_is_prefix ? qn_str_starts(word, ph->terms[i].text)
                                              : qn_str_eq(word, ph->terms[i].text)))
                idf += model_idf(m->n_with_body, m->df[w]);
        }
    return model_bm25(boost, idf, phrase_frequency(ph, d), model_length(d),
                      (double)m->sum_words / m->n_with_body);
}

/* Of a document that matches. */
static inline float model_score(const struct model *m, const struct qn_query *q,
                                const struct model_doc *d, float boost)
{
    float sum = 0, best = 0;
    boost *= q->boost;
    switch (q->kind) {
    case QN_QUERY_BOOL:
        for (uint32_t i = 0; i < q->bools.must.n; i++)
            sum += model_score(m, q->bools.must.p[i], d, boost);
        for (uint32_t i = 0; i < q->bools.should.n; i++)
            if (model_matches(q->bools.should.p[i], d))
                sum += model_score(m, q->bools.should.p[i], d, boost);
        return sum;
    case QN_QUERY_DIS_MAX:
        for (uint32_t i = 0; i < q->dis_max.any.n; i++) {
            if (!model_matches(q->dis_max.any.p[i], d))
                continue;
            float one = model_score(m, q->dis_max.any.p[i], d, boost);
            sum += one;
            best = one > best ? one : best;
        }
        return best + q->dis_max.tie_breaker * (sum - best);
    case QN_QUERY_BOOSTING:
        sum = model_score(m, q->boosting.positive, d, boost);
        return model_matches(q->boosting.negative, d) ? sum * q->boosting.negative_boost : sum;
    case QN_QUERY_HAS_PHRASE:
        return model_phrase_score(m, d, &q->has_phrase, boost);
    case QN_QUERY_HAS_TERM: {
        int field = field_of(&q->has_term.target);
        return field == BODY || field == LEVEL
                   ? model_term_score(m, d, field, q->has_term.value.str, boost)
                   : boost;
    }
    case QN_QUERY_HAS_ANY: {
        int field = field_of(&q->has_any.target);
        if (!q->has_any.scored || (field != BODY && field != LEVEL))
            return boost;
        for (uint32_t i = 0; i < q->has_any.n; i++)
            sum += model_term_score(m, d, field, q->has_any.values[i].str, boost);
        return sum;
    }
    default:
        return boost;
    }
}

#endif
