#include "query_int.h"

struct qn_query *qn_query_new(struct qn_arena *ar, enum qn_query_kind kind, uint32_t pos)
{
    struct qn_query *q = qn_arena_new(ar, struct qn_query);
    if (q == NULL)
        return NULL;
    q->kind = (uint8_t)kind;
    q->boost = 1;
    q->pos = pos;
    if (kind == QN_QUERY_BOOL)
        q->bools.min_should = -1;
    return q;
}

void qn_query_list_add(struct qn_arena *ar, struct qn_query_list *list, const struct qn_query *q)
{
    if (q == NULL)
        return;
    if (list->n == list->cap) {
        uint32_t cap = list->cap ? 2 * list->cap : 4;
        const struct qn_query **p = qn_arena_array(ar, const struct qn_query *, cap);
        if (p == NULL)
            return;
        if (list->n > 0)
            memcpy(p, list->p, list->n * sizeof *p);
        list->p = p;
        list->cap = cap;
    }
    list->p[list->n++] = q;
}

struct qn_query *qn__query_copy(struct qn_arena *ar, const struct qn_query *q)
{
    struct qn_query *copy = q ? qn_query_new(ar, QN_QUERY_ALL, 0) : NULL;
    if (copy != NULL)
        *copy = *q;
    return copy;
}

struct qn_query *qn__query_text_new(struct qn_arena *ar, uint32_t pos, struct qn_query_where where,
                                    struct qn_str text, enum qn_text_mode mode)
{
    struct qn_query *q = qn_query_new(ar, QN_QUERY_TEXT, pos);
    if (q == NULL)
        return NULL;
    q->text.where = where;
    q->text.text = text;
    q->text.mode = mode;
    q->text.max_expansions = 50;
    return q;
}

const struct qn_query *qn__query_join(struct qn_arena *ar, struct qn_query_list *list,
                                      enum qn_operator op, uint32_t pos)
{
    if (list->n == 1)
        return list->p[0];
    if (list->n == 0)
        return qn_query_new(ar, QN_QUERY_NONE, pos);
    struct qn_query *q = qn_query_new(ar, QN_QUERY_BOOL, pos);
    if (q != NULL)
        *(op == QN_OPERATOR_AND ? &q->bools.must : &q->bools.should) = *list;
    return q;
}

const struct qn_query *qn__query_not(struct qn_arena *ar, const struct qn_query *q)
{
    struct qn_query *not = q ? qn_query_new(ar, QN_QUERY_BOOL, q->pos) : NULL;
    if (not != NULL)
        qn_query_list_add(ar, &not ->bools.must_not, q);
    return not ;
}

const struct qn_query *qn__query_boost(struct qn_arena *ar, const struct qn_query *q, float boost)
{
    if (q == NULL || boost == 1)
        return q;
    struct qn_query *copy = qn__query_copy(ar, q);
    if (copy != NULL)
        copy->boost *= boost;
    return copy;
}

size_t qn__query_char_count(struct qn_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((uint8_t)s.p[i] & 0xC0) != 0x80;
    return n;
}

bool qn__query_fuzziness_read(struct qn_str s, struct qn_fuzziness *out)
{
    out->set = true;
    out->automatic = false;
    struct qn_str rest = s, low, high = QN_STR_NONE;
    if (s.n >= 4 && qn_str_eq_nocase(qn_str_first(s, 4), QN_STR("AUTO"))) {
        uint64_t a = 3, b = 6;
        out->automatic = true;
        rest = qn_str_from(s, 4);
        if (rest.n > 0) {
            if (rest.p[0] != ':')
                return false;
            rest = qn_str_from(rest, 1);
            if (!qn_str_split(&rest, ',', &low) || !qn_str_split(&rest, ',', &high) ||
                rest.p != NULL || qn_str_to_u64(low, &a) < 0 || qn_str_to_u64(high, &b) < 0 ||
                a > b || b > 255)
                return false;
        }
        out->low = (uint8_t)a;
        out->high = (uint8_t)b;
        return true;
    }
    double edits;
    if (qn_str_to_f64(s, &edits) < 0 || edits < 0 || edits > 2 || edits != (int)edits)
        return false;
    out->edits = (uint8_t)edits;
    return true;
}

uint8_t qn__query_fuzziness_edits(const struct qn_fuzziness *f, size_t chars)
{
    if (!f->automatic)
        return f->edits;
    return chars < f->low ? 0 : chars < f->high ? 1 : 2;
}

static int visit_list(const struct qn_query_list *list,
                      int (*visit)(void *ctx, const struct qn_query *q), void *ctx)
{
    for (uint32_t i = 0; i < list->n; i++) {
        int rc = qn_query_visit(list->p[i], visit, ctx);
        if (rc < 0)
            return rc;
    }
    return QN_OK;
}

static int visit_function(const struct qn_query_function *f,
                          int (*visit)(void *ctx, const struct qn_query *q), void *ctx)
{
    int rc = qn_query_visit(f->child, visit, ctx);
    for (uint32_t i = 0; rc >= 0 && i < f->n; i++)
        if (f->functions[i].filter != NULL)
            rc = qn_query_visit(f->functions[i].filter, visit, ctx);
    return rc;
}

int qn_query_visit(const struct qn_query *q, int (*visit)(void *ctx, const struct qn_query *q),
                   void *ctx)
{
    int rc = visit(ctx, q);
    if (rc < 0)
        return rc;
    switch (q->kind) {
    case QN_QUERY_BOOL:
        rc = visit_list(&q->bools.must, visit, ctx);
        rc = rc < 0 ? rc : visit_list(&q->bools.filter, visit, ctx);
        rc = rc < 0 ? rc : visit_list(&q->bools.should, visit, ctx);
        return rc < 0 ? rc : visit_list(&q->bools.must_not, visit, ctx);
    case QN_QUERY_CONSTANT:
        return qn_query_visit(q->child, visit, ctx);
    case QN_QUERY_DIS_MAX:
        return visit_list(&q->dis_max.any, visit, ctx);
    case QN_QUERY_BOOSTING:
        rc = qn_query_visit(q->boosting.positive, visit, ctx);
        return rc < 0 ? rc : qn_query_visit(q->boosting.negative, visit, ctx);
    case QN_QUERY_FUNCTION:
        return visit_function(&q->function, visit, ctx);
    case QN_QUERY_NESTED:
        return qn_query_visit(q->nested.child, visit, ctx);
    default:
        return QN_OK;
    }
}

bool qn_query_equal(const struct qn_query *a, const struct qn_query *b)
{
    /* The printed form holds all that matters. */
    struct qn_buf x, y;
    if (a == b)
        return true;
    if (a->kind != b->kind || a->boost != b->boost)
        return false;
    qn_buf_init(&x, SIZE_MAX);
    qn_buf_init(&y, SIZE_MAX);
    qn_query_print(&x, a);
    qn_query_print(&y, b);
    bool equal = qn_str_eq(qn_buf_str(&x), qn_buf_str(&y));
    qn_buf_release(&x);
    qn_buf_release(&y);
    return equal;
}

const char *qn_query_kind_name(enum qn_query_kind kind)
{
    static const char *const names[] = {
        [QN_QUERY_ALL] = "all",
        [QN_QUERY_NONE] = "none",
        [QN_QUERY_BOOL] = "bool",
        [QN_QUERY_CONSTANT] = "constant",
        [QN_QUERY_DIS_MAX] = "dis_max",
        [QN_QUERY_BOOSTING] = "boosting",
        [QN_QUERY_FUNCTION] = "function",
        [QN_QUERY_NESTED] = "nested",
        [QN_QUERY_USER_TEXT] = "user_text",
        [QN_QUERY_TEXT] = "text",
        [QN_QUERY_TERM] = "term",
        [QN_QUERY_TERM_SET] = "term_set",
        [QN_QUERY_RANGE] = "range",
        [QN_QUERY_EXISTS] = "exists",
        [QN_QUERY_PREFIX] = "prefix",
        [QN_QUERY_WILDCARD] = "wildcard",
        [QN_QUERY_REGEX] = "regex",
        [QN_QUERY_FUZZY] = "fuzzy",
        [QN_QUERY_IDS] = "ids",
        [QN_QUERY_HAS_TERM] = "has_term",
        [QN_QUERY_HAS_ANY] = "has_any",
        [QN_QUERY_HAS_PHRASE] = "has_phrase",
        [QN_QUERY_IN_RANGE] = "in_range",
        [QN_QUERY_HAS_FIELD] = "has_field",
        [QN_QUERY_HAS_PATTERN] = "has_pattern",
        [QN_QUERY_HAS_ID] = "has_id",
    };
    return (size_t)kind < QN_COUNT_OF(names) ? names[kind] : "unknown";
}

/* One form: "3", "-2", "75%", "-25%" of n. False when it is none. */
static bool min_should_simple(struct qn_str s, uint32_t n, int64_t *out)
{
    bool percent = s.n > 0 && s.p[s.n - 1] == '%';
    int64_t v;
    s = qn_str_trim(qn_str_first(s, s.n - percent));
    if (s.n > 0 && s.p[0] == '+')
        s = qn_str_from(s, 1);
    if (qn_str_to_i64(s, &v) < 0 || v > INT32_MAX || v < -(int64_t)INT32_MAX)
        return false;
    if (percent) {
        if (v > 100 || v < -100)
            return false;
        v = v < 0 ? -(-v * (int64_t)n / 100) : v * (int64_t)n / 100;
        if (s.p[0] == '-' && v == 0)
            v = n; /* nothing may be missing */
        else if (v < 0)
            v = n + v;
    } else if (v < 0) {
        v = n + v;
    }
    *out = v;
    return true;
}

int qn_min_should_match(struct qn_str spec, uint32_t n, uint32_t *out)
{
    int64_t v = n;
    spec = qn_str_trim(spec);
    if (qn_str_find_byte(spec, '<') == SIZE_MAX) {
        if (!min_should_simple(spec, n, &v))
            return QN_E_INVALID;
    } else {
        /* "2<75% 9<-3": the last condition that n is over decides; n over none: all. */
        struct qn_str rest = spec, part;
        while (qn_str_split(&rest, ' ', &part)) {
            uint64_t over;
            int64_t then;
            size_t lt = qn_str_find_byte(part, '<');
            if (part.n == 0)
                continue;
            if (lt == SIZE_MAX || qn_str_to_u64(qn_str_first(part, lt), &over) < 0 ||
                !min_should_simple(qn_str_from(part, lt + 1), n, &then))
                return QN_E_INVALID;
            if (n > over)
                v = then;
        }
    }
    *out = v < 0 ? 0 : v > n ? n + 1 : (uint32_t)v;
    return QN_OK;
}
