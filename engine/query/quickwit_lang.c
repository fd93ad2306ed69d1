/* Quickwit's query language, by recursive descent over the grammar of contract 5.1: clauses and how
 * they combine. Groups are entered once: no text takes exponential time. */
#include "quickwit_int.h"

#include "base/map.h"
#include "base/vec.h"

enum occur { OCCUR_NONE, OCCUR_MUST, OCCUR_SHOULD, OCCUR_MUST_NOT };
enum operand { OPERAND_NONE, OPERAND_AND, OPERAND_OR };

static int parse_ast(struct qn__quickwit *p, const struct qn_query **out);

static int enter(struct qn__quickwit *p)
{
    if (++p->used.depth > QN_QUERY_DEPTH)
        return qn_fail_at(p->err, QN_E_TOO_DEEP, qn__quickwit_pos(p, p->at),
                          "the query is nested more than %d levels deep", QN_QUERY_DEPTH);
    return QN_OK;
}

static int parse_group(struct qn__quickwit *p, const struct qn_query **out)
{
    size_t from = p->at;
    int rc = enter(p);
    if (rc < 0)
        return rc;
    p->at++;
    rc = parse_ast(p, out);
    p->used.depth--;
    if (rc > 0 && !qn__quickwit_take(p, ")"))
        rc = 0;
    if (rc == 0)
        p->at = from;
    return rc;
}

static int parse_literal(struct qn__quickwit *p, const struct qn_query **out)
{
    size_t from = p->at;
    struct qn_str field = QN_STR_NONE;
    p->leaf = from;
    int rc = qn__quickwit_field(p, &field);
    if (rc < 0)
        return rc;
    rc = qn__quickwit_range(p, field, out);
    if (rc == 0)
        rc = qn__quickwit_set(p, field, out);
    if (rc == 0)
        rc = qn__quickwit_exists(p, field, out);
    if (rc == 0)
        rc = qn__quickwit_regex(p, field, out);
    if (rc == 0)
        rc = qn__quickwit_term(p, field, out);
    if (rc == 0 && qn__query_is_set(field) && qn__quickwit_peek(p) == '(') {
        struct qn_str outer = p->field;
        p->field = field;
        rc = parse_group(p, out);
        p->field = outer;
    }
    if (rc == 0)
        p->at = from;
    return rc;
}

static int parse_leaf(struct qn__quickwit *p, const struct qn_query **out)
{
    size_t from = p->at;
    if (qn__quickwit_peek(p) == '(')
        return parse_group(p, out);
    if (qn__quickwit_peek(p) == '*' && qn__quickwit_star_ends(p, p->at + 1)) {
        struct qn_query *q;
        p->at++;
        int rc = qn__quickwit_node(
            p, &q, qn__query_is_set(p->field) ? QN_QUERY_EXISTS : QN_QUERY_ALL, from);
        if (rc > 0 && qn__query_is_set(p->field))
            q->exists = qn__query_where_field(p->field);
        *out = rc > 0 ? q : NULL;
        return rc;
    }
    if (qn__quickwit_take(p, "NOT") && qn__quickwit_skip_spaces(p) > 0) {
        int rc = enter(p);
        rc = rc < 0 ? rc : parse_leaf(p, out);
        p->used.depth--;
        if (rc < 0)
            return rc;
        if (rc > 0) {
            *out = qn__query_not(p->ar, *out);
            return *out ? 1 : QN_E_BUDGET;
        }
    }
    p->at = from;
    return parse_literal(p, out);
}

/* "^2.5", if digits follow. */
static void parse_boost(struct qn__quickwit *p, float *boost)
{
    size_t i = p->at + 1, digits = i;
    double v;
    if (qn__quickwit_peek(p) != '^')
        return;
    while (i < p->s.n && p->s.p[i] >= '0' && p->s.p[i] <= '9')
        i++;
    if (i == digits)
        return;
    if (i + 1 < p->s.n && p->s.p[i] == '.' && p->s.p[i + 1] >= '0' && p->s.p[i + 1] <= '9')
        for (i++; i < p->s.n && p->s.p[i] >= '0' && p->s.p[i] <= '9';)
            i++;
    struct qn_str text = {p->s.p + digits, i - digits};
    while (text.n > 1 && text.p[0] == '0' && text.p[1] != '.')
        text = qn_str_from(text, 1);
    if (qn_str_to_f64(text, &v) == QN_OK && v <= 3e38) {
        *boost = (float)v;
        p->at = i;
    }
}

/* ---- clauses --------------------------------------------------------------------------------- */

struct clause {
    enum operand operand; /* before it */
    enum occur occur;
    const struct qn_query *q;
};

static int parse_clause(struct qn__quickwit *p, struct clause *c)
{
    size_t from = p->at;
    float boost = 1;
    c->occur = OCCUR_NONE;
    if (qn__quickwit_peek(p) == '-' || qn__quickwit_peek(p) == '+') {
        c->occur = qn__quickwit_peek(p) == '-' ? OCCUR_MUST_NOT : OCCUR_MUST;
        p->at++;
    }
    p->furthest = p->at > p->furthest ? p->at : p->furthest;
    int rc = parse_leaf(p, &c->q);
    if (rc <= 0) {
        p->at = from;
        return rc;
    }
    parse_boost(p, &boost);
    p->furthest = p->at > p->furthest ? p->at : p->furthest;
    c->q = qn__query_boost(p->ar, c->q, boost);
    return c->q ? 1 : QN_E_BUDGET;
}

/* The only child of an unboosted bool, and in which list it is. */
static const struct qn_query *only_child(const struct qn_query *q, enum occur *occur)
{
    if (q->kind != QN_QUERY_BOOL || q->boost != 1 ||
        q->bools.must.n + q->bools.should.n + q->bools.must_not.n != 1)
        return NULL;
    *occur = q->bools.must.n ? OCCUR_MUST : q->bools.should.n ? OCCUR_SHOULD : OCCUR_MUST_NOT;
    return q->bools.must.n     ? q->bools.must.p[0]
           : q->bools.should.n ? q->bools.should.p[0]
                               : q->bools.must_not.p[0];
}

/* A bool of clauses [0, n): duplicates dropped, single-clause bools without sign unwrapped. */
static const struct qn_query *make_bool(struct qn__quickwit *p, const struct clause *c, size_t n)
{
    struct qn_arena keys;
    struct qn_map seen;
    struct qn_buf text;
    struct qn_query *q = qn_query_new(p->ar, QN_QUERY_BOOL, c->q->pos);
    qn_arena_init(&keys, NULL);
    qn_map_init(&seen, &keys);
    qn_buf_init(&text, SIZE_MAX);
    for (size_t i = 0; q != NULL && i < n; i++) {
        enum occur occur = c[i].occur, inner;
        const struct qn_query *child = c[i].q, *only;
        bool fresh = true;
        if (n > 1) {
            qn_buf_clear(&text);
            qn_buf_put_u8(&text, (uint8_t)occur);
            qn_query_print(&text, child);
            qn_map_put(&seen, qn_buf_str(&text), &fresh);
        }
        if (!fresh)
            continue;
        if (occur == OCCUR_NONE && (only = only_child(child, &inner)) != NULL) {
            occur = inner;
            child = only;
        }
        if (occur == OCCUR_NONE)
            occur = p->opt->op == QN_OPERATOR_AND ? OCCUR_MUST : OCCUR_SHOULD;
        qn_query_list_add(p->ar,
                          occur == OCCUR_MUST     ? &q->bools.must
                          : occur == OCCUR_SHOULD ? &q->bools.should
                                                  : &q->bools.must_not,
                          child);
    }
    qn_map_release(&seen);
    qn_arena_release(&keys);
    qn_buf_release(&text);
    return q;
}

/* A must_not that is one side of an OR becomes should(not x). */
static void should_not(struct qn__quickwit *p, struct clause *c)
{
    if (c->occur == OCCUR_MUST_NOT) {
        c->q = qn__query_not(p->ar, c->q);
        c->occur = OCCUR_SHOULD;
    } else if (c->occur == OCCUR_NONE) {
        c->occur = OCCUR_SHOULD;
    }
}

/* AND binds tighter: clauses joined by it make groups; the rest follows contract 5.2. */
static const struct qn_query *combine(struct qn__quickwit *p, struct clause *c, size_t n)
{
    QN_VEC(struct clause) out = {0};
    const struct qn_query *q = NULL;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && c[end].operand == OPERAND_AND;)
            end++;
        if (end - i > 1) {
            for (size_t k = i; k < end; k++)
                c[k].occur = c[k].occur == OCCUR_NONE ? OCCUR_MUST : c[k].occur;
            if (end - i == n) {
                q = make_bool(p, c, n);
                goto out;
            }
            struct clause group = {OPERAND_NONE, OCCUR_SHOULD, make_bool(p, c + i, end - i)};
            qn_vec_push(&out, group);
            continue;
        }
        if (c[i].operand == OPERAND_OR || (end < n && c[end].operand == OPERAND_OR))
            should_not(p, &c[i]);
        qn_vec_push(&out, c[i]);
    }
    for (size_t i = 0; i < out.n; i++)
        if (out.p[i].q == NULL)
            goto out;
    q = out.n == 1 && out.p[0].occur != OCCUR_MUST_NOT ? out.p[0].q : make_bool(p, out.p, out.n);
out:
    qn_vec_release(&out);
    return q;
}

static int parse_ast(struct qn__quickwit *p, const struct qn_query **out)
{
    QN_VEC(struct clause) clauses = {0};
    size_t from = p->at;
    struct clause c = {0};
    qn__quickwit_skip_spaces(p);
    int rc = parse_clause(p, &c);
    if (rc <= 0)
        goto out;
    qn_vec_push(&clauses, c);
    size_t before = p->at;
    if (qn__quickwit_skip_spaces(p) == 0)
        goto combine;
    for (;;) {
        before = p->at;
        c = (struct clause){0};
        c.operand = qn__quickwit_take(p, "AND ")  ? OPERAND_AND
                    : qn__quickwit_take(p, "OR ") ? OPERAND_OR
                                                  : OPERAND_NONE;
        qn__quickwit_skip_spaces(p);
        rc = parse_clause(p, &c);
        if (rc < 0)
            goto out;
        if (rc == 0)
            break;
        qn__quickwit_skip_spaces(p);
        qn_vec_push(&clauses, c);
    }
    p->at = before;
combine:
    qn__quickwit_skip_spaces(p);
    *out = combine(p, clauses.p, clauses.n);
    rc = *out ? 1 : QN_E_BUDGET;
out:
    if (rc == 0)
        p->at = from;
    qn_vec_release(&clauses);
    return rc;
}

int qn_query_parse_quickwit(const struct qn_query **out, struct qn_arena *ar, struct qn_str text,
                            const struct qn_parse_options *opt, struct qn_err *err)
{
    struct qn__quickwit p = {.ar = ar, .opt = opt, .err = err};
    *out = NULL;
    p.s = qn_arena_str(ar, text);
    if (p.s.p == NULL || p.s.n >= UINT32_MAX / 2)
        return p.s.p ? qn_fail(err, QN_E_TOO_LARGE, "the query is too long") : QN_E_BUDGET;
    qn__quickwit_skip_spaces(&p);
    const struct qn_query *q = NULL;
    int rc = parse_ast(&p, &q);
    if (rc < 0)
        return rc;
    if (rc > 0 && !qn__quickwit_ends(&p))
        rc = 0;
    else if (rc == 0 && qn__quickwit_ends(&p)) {
        q = qn_query_new(ar, QN_QUERY_BOOL, opt->base_pos); /* no clause matches all */
        rc = q ? 1 : QN_E_BUDGET;
    }
    if (rc == 0)
        return qn_fail_at(err, QN_E_PARSE, qn__quickwit_pos(&p, p.furthest),
                          "failed to parse query: `%.*s%s`", (int)(text.n > 180 ? 180 : text.n),
                          text.p, text.n > 180 ? "..." : "");
    *out = q;
    return rc < 0 ? rc : qn_arena_failed(ar) ? QN_E_BUDGET : QN_OK;
}
