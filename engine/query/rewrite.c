/* Rewriting bound trees. Each function takes a node whose children are as they came and gives an
 * equal one; `scored` says whether anyone will look at its score. */
#include "query/rewrite.h"

#include "base/map.h"
#include "base/vec.h"
#include "rewrite_int.h"

struct rewriter {
    struct qn_arena *ar;
    struct qn_err *err;
};

static int rewrite(struct rewriter *w, const struct qn_query *q, bool scored,
                   const struct qn_query **out);

static const struct qn_query *constant(struct rewriter *w, const struct qn_query *q,
                                       enum qn_query_kind kind)
{
    struct qn_query *c = qn_query_new(w->ar, kind, q->pos);
    if (c != NULL)
        c->boost = q->boost;
    return c;
}

/* ---- leaves */

static const struct qn_query *has_values(struct rewriter *w, const struct qn_query *q,
                                         const struct qn_query_target *target)
{
    struct qn_query *has = qn_query_new(w->ar, QN_QUERY_HAS_FIELD, q->pos);
    struct qn_query_target *copy = qn_arena_new(w->ar, struct qn_query_target);
    if (has == NULL || copy == NULL)
        return NULL;
    *copy = *target;
    has->boost = q->boost;
    has->has_field = (struct qn_query_has_field){copy, 1, false};
    return has;
}

static bool only_stars(struct qn_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '*')
            return false;
    return true;
}

/* Wildcards that are something simpler: everything, a prefix, or (when nobody scores) a term. */
static const struct qn_query *rewrite_wildcard(struct rewriter *w, const struct qn_query *q,
                                               bool scored)
{
    struct qn_str s = q->has_pattern.text;
    size_t wild = 0, first = SIZE_MAX, n = 0;
    bool stars = true;
    if (s.n > 0 && only_stars(s))
        return has_values(w, q, &q->has_pattern.target);
    char *text = qn_arena_alloc_aligned(w->ar, s.n + 1, 1);
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '*' || s.p[i] == '?') {
            stars &= s.p[i] == '*';
            first = first == SIZE_MAX ? n : first;
            wild++;
            continue;
        }
        if (s.p[i] == '\\' && i + 1 < s.n)
            i++;
        text[n++] = s.p[i];
    }
    bool prefix = wild > 0 && stars && first == n;
    bool term = wild == 0 && !scored && !q->has_pattern.case_insensitive;
    if (!prefix && !term)
        return q;
    struct qn_query *simple = qn__query_copy(w->ar, q);
    if (simple == NULL)
        return NULL;
    if (prefix) {
        simple->has_pattern.kind = QN_PATTERN_PREFIX;
        simple->has_pattern.text = qn_str_make(text, n);
    } else {
        simple->kind = QN_QUERY_HAS_TERM;
        simple->has_term.target = q->has_pattern.target;
        simple->has_term.value = (struct qn_value){.type = QN_VALUE_STR, .str = {text, n}};
    }
    return simple;
}

static const struct qn_query *rewrite_leaf(struct rewriter *w, const struct qn_query *q,
                                           bool scored)
{
    switch (q->kind) {
    case QN_QUERY_IN_RANGE:
        if (qn__query_range_is_empty(&q->in_range))
            return constant(w, q, QN_QUERY_NONE);
        if (q->in_range.lower.type == QN_VALUE_NONE && q->in_range.upper.type == QN_VALUE_NONE)
            return has_values(w, q, &q->in_range.target);
        return q;
    case QN_QUERY_HAS_ANY:
        return q->has_any.n == 0 ? constant(w, q, QN_QUERY_NONE) : q;
    case QN_QUERY_HAS_ID:
        return q->ids.n == 0 ? constant(w, q, QN_QUERY_NONE) : q;
    case QN_QUERY_HAS_PATTERN:
        if (q->has_pattern.kind == QN_PATTERN_WILDCARD)
            return rewrite_wildcard(w, q, scored);
        if (q->has_pattern.kind == QN_PATTERN_PREFIX && q->has_pattern.text.n == 0 &&
            q->has_pattern.max_expansions == UINT32_MAX)
            return has_values(w, q, &q->has_pattern.target);
        return q;
    default:
        return q;
    }
}

/* ---- lists */

static int rewrite_list(struct rewriter *w, const struct qn_query_list *from, bool scored,
                        struct qn_query_list *to)
{
    *to = (struct qn_query_list){0};
    for (uint32_t i = 0; i < from->n; i++) {
        const struct qn_query *q = NULL;
        int rc = rewrite(w, from->p[i], scored, &q);
        if (rc < 0)
            return rc;
        qn_query_list_add(w->ar, to, q);
    }
    return QN_OK;
}

static void add_all(struct rewriter *w, struct qn_query_list *to, const struct qn_query_list *from)
{
    for (uint32_t i = 0; i < from->n; i++)
        qn_query_list_add(w->ar, to, from->p[i]);
}

static bool is_plain(const struct qn_query *q)
{
    return q->boost == 1 && !qn__query_is_set(q->name);
}

static void drop(struct qn_query_list *list, enum qn_query_kind kind)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < list->n; i++)
        if (list->p[i]->kind != kind || qn__query_is_set(list->p[i]->name))
            list->p[n++] = list->p[i];
    list->n = n;
}

static bool holds(const struct qn_query_list *list, enum qn_query_kind kind)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (list->p[i]->kind == kind)
            return true;
    return false;
}

/* Keeps the first of equal clauses. `seen` is shared by lists that exclude each other's clauses. */
static void drop_repeated(struct qn_query_list *list, struct qn_map *seen, bool only_look)
{
    struct qn_buf text;
    uint32_t n = 0;
    qn_buf_init(&text, SIZE_MAX);
    for (uint32_t i = 0; i < list->n; i++) {
        bool fresh;
        qn_buf_clear(&text);
        qn_query_print(&text, list->p[i]);
        if (only_look)
            fresh = qn_map_find(seen, qn_buf_str(&text)) == NULL;
        else
            qn_map_put(seen, qn_buf_str(&text), &fresh);
        if (fresh || qn__query_is_set(list->p[i]->name))
            list->p[n++] = list->p[i];
    }
    list->n = n;
    qn_buf_release(&text);
}

/* ---- bool */

static bool is_only_not(const struct qn_query *q)
{
    const struct qn_query_bool *b = &q->bools;
    return q->kind == QN_QUERY_BOOL && is_plain(q) && b->must.n + b->filter.n + b->should.n == 0 &&
           b->must_not.n > 0;
}

static bool is_only_should(const struct qn_query *q)
{
    const struct qn_query_bool *b = &q->bools;
    return q->kind == QN_QUERY_BOOL && is_plain(q) &&
           b->must.n + b->filter.n + b->must_not.n == 0 && b->should.n > 0 &&
           qn__query_least_should(b) == 1;
}

/* Conjunctions inside must and filter become part of this one. */
static void flatten_and(struct rewriter *w, struct qn_query_bool *b)
{
    struct qn_query_list must = b->must, filter = b->filter;
    b->must = b->filter = (struct qn_query_list){0};
    for (uint32_t i = 0; i < must.n; i++) {
        const struct qn_query *q = must.p[i];
        if (q->kind != QN_QUERY_BOOL || !is_plain(q) || q->bools.should.n > 0) {
            qn_query_list_add(w->ar, &b->must, q);
            continue;
        }
        add_all(w, &b->must, &q->bools.must);
        add_all(w, &b->filter, &q->bools.filter);
        add_all(w, &b->must_not, &q->bools.must_not);
    }
    for (uint32_t i = 0; i < filter.n; i++) {
        const struct qn_query *q = filter.p[i];
        if (q->kind != QN_QUERY_BOOL || qn__query_is_set(q->name) ||
            (q->bools.should.n > 0 && qn__query_least_should(&q->bools) > 0)) {
            qn_query_list_add(w->ar, &b->filter, q);
            continue;
        }
        add_all(w, &b->filter, &q->bools.must);
        add_all(w, &b->filter, &q->bools.filter);
        add_all(w, &b->must_not, &q->bools.must_not);
    }
}

/* not (a or b) is not a, not b; not not x is x, without its score. */
static void flatten_not(struct rewriter *w, struct qn_query_bool *b)
{
    struct qn_query_list nots = b->must_not;
    b->must_not = (struct qn_query_list){0};
    for (uint32_t i = 0; i < nots.n; i++) {
        const struct qn_query *q = nots.p[i];
        if (is_only_should(q))
            add_all(w, &b->must_not, &q->bools.should);
        else if (is_only_not(q) && q->bools.must_not.n == 1)
            qn_query_list_add(w->ar, &b->filter, q->bools.must_not.p[0]);
        else
            qn_query_list_add(w->ar, &b->must_not, q);
    }
}

static void flatten_or(struct rewriter *w, struct qn_query_bool *b)
{
    struct qn_query_list should = b->should;
    if (b->min_should > 1)
        return;
    b->should = (struct qn_query_list){0};
    for (uint32_t i = 0; i < should.n; i++) {
        if (is_only_should(should.p[i]))
            add_all(w, &b->should, &should.p[i]->bools.should);
        else
            qn_query_list_add(w->ar, &b->should, should.p[i]);
    }
}

/* What the constants among the clauses come to. False: nothing can match. */
static bool fold_constants(struct qn_query_bool *b, bool scored)
{
    if (holds(&b->must, QN_QUERY_NONE) || holds(&b->filter, QN_QUERY_NONE))
        return false;
    for (uint32_t i = 0; i < b->must_not.n; i++)
        if (b->must_not.p[i]->kind == QN_QUERY_ALL)
            return false;
    drop(&b->filter, QN_QUERY_ALL);
    drop(&b->must_not, QN_QUERY_NONE);
    drop(&b->should, QN_QUERY_NONE);
    if (!scored) {
        uint32_t before = b->should.n;
        drop(&b->should, QN_QUERY_ALL);
        b->min_should -= (int32_t)(before - b->should.n);
        b->min_should = b->min_should < 0 ? 0 : b->min_should;
    }
    return b->min_should <= (int32_t)b->should.n;
}

/* Fields that have one value a document: only there are two ranges the same as their common part.
 */
static bool is_single_valued(const struct qn_query_target *t)
{
    const struct qn_field *f = t->field;
    return f->es_type == QN_ES_NONE && !f->array && !f->concatenate && f->type != QN_FIELD_JSON &&
           f->type != QN_FIELD_TEXT;
}

/* Ranges of one target in a conjunction become one. */
static int merge_ranges(struct rewriter *w, struct qn_query_list *list)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        const struct qn_query *q = list->p[i];
        uint32_t k = 0;
        if (q->kind != QN_QUERY_IN_RANGE || qn__query_is_set(q->name) ||
            !is_single_valued(&q->in_range.target)) {
            list->p[n++] = q;
            continue;
        }
        while (k < n &&
               (list->p[k]->kind != QN_QUERY_IN_RANGE || qn__query_is_set(list->p[k]->name) ||
                list->p[k]->in_range.target.field != q->in_range.target.field))
            k++;
        if (k == n) {
            list->p[n++] = q;
            continue;
        }
        struct qn_query *both = qn__query_copy(w->ar, list->p[k]);
        if (both == NULL)
            return QN_E_BUDGET;
        qn__query_range_intersect(&both->in_range, &q->in_range);
        list->p[k] =
            qn__query_range_is_empty(&both->in_range) ? constant(w, both, QN_QUERY_NONE) : both;
    }
    list->n = n;
    return QN_OK;
}

static bool same_target(const struct qn_query_target *a, const struct qn_query_target *b)
{
    return a->field == b->field && a->type == b->type && qn_str_eq(a->path, b->path);
}

static const struct qn_query_target *term_target(const struct qn_query *q)
{
    if (qn__query_is_set(q->name))
        return NULL;
    return q->kind == QN_QUERY_HAS_TERM                        ? &q->has_term.target
           : q->kind == QN_QUERY_HAS_ANY && !q->has_any.scored ? &q->has_any.target
                                                               : NULL;
}

/* All values that clauses [i, n) give for one target, which are then cleared from the list. */
static const struct qn_query *gather(struct rewriter *w, struct qn_query_list *list, uint32_t from)
{
    struct qn_query_target target = *term_target(list->p[from]);
    QN_VEC(struct qn_value) values = {0};
    const struct qn_query *any = NULL;
    uint32_t pos = list->p[from]->pos;
    for (uint32_t i = from; i < list->n; i++) {
        const struct qn_query *q = list->p[i];
        const struct qn_query_target *t = q ? term_target(q) : NULL;
        if (t == NULL || !same_target(t, &target))
            continue;
        if (q->kind == QN_QUERY_HAS_TERM)
            qn_vec_push(&values, q->has_term.value);
        for (uint32_t k = 0; q->kind == QN_QUERY_HAS_ANY && k < q->has_any.n; k++)
            qn_vec_push(&values, q->has_any.values[k]);
        list->p[i] = NULL;
    }
    struct qn_value *copy = qn_arena_array(w->ar, struct qn_value, values.n);
    if (copy != NULL) {
        memcpy(copy, values.p, values.n * sizeof *copy);
        any = qn__query_has_any(w->ar, pos, &target, copy, (uint32_t)values.n, false);
    }
    qn_vec_release(&values);
    return any;
}

/* Terms of one target in a disjunction that nobody scores become one set. */
static int merge_terms(struct rewriter *w, struct qn_query_list *list)
{
    uint32_t n = 0, terms = 0;
    for (uint32_t i = 0; i < list->n; i++)
        terms += term_target(list->p[i]) != NULL;
    if (terms < 2)
        return QN_OK;
    for (uint32_t i = 0; i < list->n; i++) {
        const struct qn_query *q = list->p[i];
        if (q == NULL)
            continue;
        if (term_target(q) != NULL && (q = gather(w, list, i)) == NULL)
            return QN_E_BUDGET;
        list->p[n++] = q;
    }
    list->n = n;
    return QN_OK;
}

/* Clauses that say the same, or the opposite. False: nothing can match. */
static bool compare_clauses(struct qn_query_bool *b, bool scored)
{
    struct qn_arena keys;
    struct qn_map required, refused;
    bool possible = true;
    uint32_t total = b->must.n + b->filter.n + b->should.n + b->must_not.n;
    if (total < 2)
        return true;
    qn_arena_init(&keys, NULL);
    qn_map_init(&required, &keys);
    qn_map_init(&refused, &keys);
    drop_repeated(&b->filter, &required, false);
    drop_repeated(&b->must_not, &refused, false);
    for (uint32_t i = 0; i < b->filter.n && possible && refused.count > 0; i++) {
        struct qn_query_list one = {&b->filter.p[i], 1, 1};
        drop_repeated(&one, &refused, true);
        possible = one.n == 1 || qn__query_is_set(b->filter.p[i]->name);
    }
    if (!scored && b->min_should <= 1) {
        struct qn_map optional;
        qn_map_init(&optional, &keys);
        drop_repeated(&b->should, &optional, false);
        qn_map_release(&optional);
    }
    qn_map_release(&required);
    qn_map_release(&refused);
    qn_arena_release(&keys);
    return possible;
}

/* min_should is said only when it is not what the lists say by themselves. */
static void forget_default(struct qn_query_bool *b)
{
    int32_t usual = b->must.n + b->filter.n == 0 && b->should.n > 0;
    if (b->min_should == usual)
        b->min_should = -1;
}

/* A bool of one clause is that clause. */
static const struct qn_query *unwrap(struct rewriter *w, struct qn_query *q, bool scored)
{
    const struct qn_query_bool *b = &q->bools;
    uint32_t total = b->must.n + b->filter.n + b->should.n + b->must_not.n;
    if (total == 0) {
        /* Only filters that match everything were there: no score; nothing at all scores 1. */
        q->kind = QN_QUERY_ALL;
        return q;
    }
    if (total != 1 || b->must_not.n == 1 || (b->filter.n == 1 && scored) ||
        (b->should.n == 1 && b->min_should != 1))
        return q;
    const struct qn_query *child = b->must.n     ? b->must.p[0]
                                   : b->filter.n ? b->filter.p[0]
                                                 : b->should.p[0];
    return scored ? qn__query_boost(w->ar, child, q->boost) : child;
}

static int rewrite_bool(struct rewriter *w, const struct qn_query *q, bool scored,
                        const struct qn_query **out)
{
    struct qn_query *to = qn__query_copy(w->ar, q);
    struct qn_query_bool *b = to ? &to->bools : NULL;
    if (to == NULL)
        return QN_E_BUDGET;
    bool was_empty = b->must.n + b->filter.n + b->should.n + b->must_not.n == 0;
    int rc = rewrite_list(w, &q->bools.must, scored, &b->must);
    rc = rc < 0 ? rc : rewrite_list(w, &q->bools.filter, false, &b->filter);
    rc = rc < 0 ? rc : rewrite_list(w, &q->bools.should, scored, &b->should);
    rc = rc < 0 ? rc : rewrite_list(w, &q->bools.must_not, false, &b->must_not);
    if (rc < 0)
        return rc;
    if (b->min_should < 0)
        b->min_should = q->bools.must.n + q->bools.filter.n == 0 && q->bools.should.n > 0;
    if (!scored) {
        add_all(w, &b->must, &b->filter);
        b->filter = b->must;
        b->must = (struct qn_query_list){0};
    }
    flatten_and(w, b);
    flatten_or(w, b);
    flatten_not(w, b);
    *out = constant(w, q, QN_QUERY_NONE);
    if (!fold_constants(b, scored))
        return *out ? QN_OK : QN_E_BUDGET;
    if (b->min_should == (int32_t)b->should.n) { /* all of them are needed */
        add_all(w, scored ? &b->must : &b->filter, &b->should);
        b->should.n = 0;
        b->min_should = 0;
    }
    if (!scored) {
        if (b->min_should == 0)
            b->should.n = 0;
        drop(&b->filter, QN_QUERY_ALL);
        if (b->min_should == 1)
            rc = merge_terms(w, &b->should);
    }
    rc = rc < 0 ? rc : merge_terms(w, &b->must_not);
    rc = rc < 0 ? rc : merge_ranges(w, &b->filter);
    if (rc < 0)
        return rc;
    if (holds(&b->filter, QN_QUERY_NONE) || !compare_clauses(b, scored))
        return *out ? QN_OK : QN_E_BUDGET;
    *out = unwrap(w, to, scored);
    if (*out == to && to->kind == QN_QUERY_BOOL)
        forget_default(b);
    if (to->kind == QN_QUERY_ALL && !was_empty)
        to->boost = 0;
    return *out ? QN_OK : QN_E_BUDGET;
}

/* ---- the others */

static int rewrite_constant(struct rewriter *w, const struct qn_query *q, bool scored,
                            const struct qn_query **out)
{
    const struct qn_query *child = NULL;
    int rc = rewrite(w, q->child, false, &child);
    if (rc < 0)
        return rc;
    if (!scored) {
        *out = child;
        return QN_OK;
    }
    if ((child->kind == QN_QUERY_ALL || child->kind == QN_QUERY_NONE) &&
        !qn__query_is_set(child->name)) {
        *out = constant(w, q, (enum qn_query_kind)child->kind);
        return *out ? QN_OK : QN_E_BUDGET;
    }
    struct qn_query *to = qn__query_copy(w->ar, q);
    if (to != NULL)
        to->child = child;
    *out = to;
    return to ? QN_OK : QN_E_BUDGET;
}

static int rewrite_dis_max(struct rewriter *w, const struct qn_query *q, bool scored,
                           const struct qn_query **out)
{
    struct qn_query *to = qn__query_copy(w->ar, q);
    if (to == NULL)
        return QN_E_BUDGET;
    if (!scored) {
        to->kind = QN_QUERY_BOOL;
        to->bools = (struct qn_query_bool){.should = q->dis_max.any, .min_should = 1};
        if (q->dis_max.any.n == 0)
            to->kind = QN_QUERY_NONE;
        to->boost = 1;
        return q->dis_max.any.n ? rewrite_bool(w, to, false, out) : (*out = to, QN_OK);
    }
    int rc = rewrite_list(w, &q->dis_max.any, true, &to->dis_max.any);
    if (rc < 0)
        return rc;
    drop(&to->dis_max.any, QN_QUERY_NONE);
    if (to->dis_max.any.n == 0)
        *out = constant(w, q, QN_QUERY_NONE);
    else if (to->dis_max.any.n == 1)
        *out = qn__query_boost(w->ar, to->dis_max.any.p[0], q->boost);
    else
        *out = to;
    return *out ? QN_OK : QN_E_BUDGET;
}

static int rewrite_boosting(struct rewriter *w, const struct qn_query *q, bool scored,
                            const struct qn_query **out)
{
    const struct qn_query *positive = NULL, *negative = NULL;
    int rc = rewrite(w, q->boosting.positive, scored, &positive);
    rc = rc < 0 ? rc : rewrite(w, q->boosting.negative, false, &negative);
    if (rc < 0)
        return rc;
    if (!scored || positive->kind == QN_QUERY_NONE || negative->kind == QN_QUERY_NONE) {
        *out = qn__query_boost(w->ar, positive, scored ? q->boost : 1);
        return *out ? QN_OK : QN_E_BUDGET;
    }
    struct qn_query *to = qn__query_copy(w->ar, q);
    if (to != NULL) {
        to->boosting.positive = positive;
        to->boosting.negative = negative;
    }
    *out = to;
    return to ? QN_OK : QN_E_BUDGET;
}

static int rewrite_function(struct rewriter *w, const struct qn_query *q, bool scored,
                            const struct qn_query **out)
{
    bool counts = scored || q->function.has_min_score; /* min_score decides what matches */
    struct qn_query *to = qn__query_copy(w->ar, q);
    struct qn_score_function *functions =
        qn_arena_array(w->ar, struct qn_score_function, q->function.n + 1);
    if (to == NULL || functions == NULL)
        return QN_E_BUDGET;
    int rc = rewrite(w, q->function.child, counts, &to->function.child);
    for (uint32_t i = 0; rc == QN_OK && i < q->function.n; i++) {
        functions[i] = q->function.functions[i];
        if (functions[i].filter != NULL)
            rc = rewrite(w, functions[i].filter, false, &functions[i].filter);
    }
    if (rc < 0)
        return rc;
    to->function.functions = functions;
    *out = !counts || to->function.child->kind == QN_QUERY_NONE ? to->function.child : to;
    return QN_OK;
}

static int rewrite(struct rewriter *w, const struct qn_query *q, bool scored,
                   const struct qn_query **out)
{
    int rc = QN_OK;
    switch (q->kind) {
    case QN_QUERY_BOOL:
        rc = rewrite_bool(w, q, scored, out);
        break;
    case QN_QUERY_CONSTANT:
        rc = rewrite_constant(w, q, scored, out);
        break;
    case QN_QUERY_DIS_MAX:
        rc = rewrite_dis_max(w, q, scored, out);
        break;
    case QN_QUERY_BOOSTING:
        rc = rewrite_boosting(w, q, scored, out);
        break;
    case QN_QUERY_FUNCTION:
        rc = rewrite_function(w, q, scored, out);
        break;
    default:
        *out = rewrite_leaf(w, q, scored);
        break;
    }
    if (rc < 0 || *out == NULL)
        return rc < 0 ? rc : QN_E_BUDGET;
    bool reset = !scored && (*out)->boost != 1 && (*out)->kind != QN_QUERY_FUNCTION;
    bool rename = qn__query_is_set(q->name) && !qn_str_eq((*out)->name, q->name);
    if (reset || rename) {
        struct qn_query *copy = qn__query_copy(w->ar, *out);
        if (copy == NULL)
            return QN_E_BUDGET;
        copy->boost = reset ? 1 : copy->boost;
        copy->name = rename ? q->name : copy->name;
        *out = copy;
    }
    return QN_OK;
}

int qn_query_rewrite(const struct qn_query **out, struct qn_arena *ar, const struct qn_query *q,
                     bool scored, struct qn_err *err)
{
    struct rewriter w = {ar, err};
    const struct qn_query *simple = NULL;
    *out = NULL;
    int rc = rewrite(&w, q, scored, &simple);
    if (rc == QN_OK && qn_arena_failed(ar))
        rc = QN_E_BUDGET;
    if (rc == QN_OK)
        *out = simple;
    return rc;
}
