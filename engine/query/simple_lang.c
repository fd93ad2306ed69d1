/* simple_query_string: a text box's language in which nothing is an error.
 *
 *   +  and     |  or     -  not     "..."  phrase, ~n slop     word*  prefix     word~n  fuzzy
 *   (...)  group     \  the next character is nothing special
 *
 * Operators are applied as they come, left to right, as Lucene's SimpleQueryParser does. What does
 * not fit (a bracket or quote without its partner, an operator at the end) is skipped. */
#include "query_int.h"

#include "base/utf8.h"
#include "base/vec.h"

struct pair {
    size_t open, close; /* close SIZE_MAX: none */
};

struct parser {
    struct qn_str s;
    size_t at;
    struct qn_arena *ar;
    const struct qn_parse_options *opt;
    struct qn_query_where where;
    struct qn__limits used;
    QN_VEC(struct pair) pairs; /* by open */
};

enum op { OP_NONE, OP_AND, OP_OR };

struct state {
    const struct qn_query *top;
    struct qn_query *open; /* top, when it is a bool that takes more clauses */
    enum op current, previous;
    bool negated;
};

static bool has_flag(const struct parser *p, uint32_t flag)
{
    return p->opt->simple_flags == 0 || (p->opt->simple_flags & flag) != 0;
}

static uint32_t pos_of(const struct parser *p, size_t at)
{
    return p->opt->base_pos + (uint32_t)at;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Does the character end a word? */
static bool is_operator(const struct parser *p, char c)
{
    switch (c) {
    case '"':
        return has_flag(p, QN_SIMPLE_PHRASE);
    case '|':
        return has_flag(p, QN_SIMPLE_OR);
    case '+':
        return has_flag(p, QN_SIMPLE_AND);
    case '(':
    case ')':
        return has_flag(p, QN_SIMPLE_PRECEDENCE);
    case ' ':
    case '\t':
    case '\n':
    case '\r':
        return has_flag(p, QN_SIMPLE_WHITESPACE);
    default:
        return false;
    }
}

static void add_clause(struct parser *p, struct state *st, const struct qn_query *q)
{
    if (q == NULL)
        return;
    if (st->negated)
        q = qn__query_not(p->ar, q);
    if (st->top == NULL) {
        st->top = q;
    } else {
        if (st->current == OP_NONE)
            st->current = p->opt->op == QN_OPERATOR_AND ? OP_AND : OP_OR;
        if (st->open == NULL || st->previous != st->current) {
            struct qn_query *both = qn_query_new(p->ar, QN_QUERY_BOOL, st->top->pos);
            if (both == NULL)
                return;
            qn_query_list_add(
                p->ar, st->current == OP_AND ? &both->bools.must : &both->bools.should, st->top);
            st->top = st->open = both;
        }
        qn_query_list_add(
            p->ar, st->current == OP_AND ? &st->open->bools.must : &st->open->bools.should, q);
        st->previous = st->current;
    }
    st->negated = false;
    st->current = OP_NONE;
}

static struct qn_query *new_node(struct parser *p, enum qn_query_kind kind, size_t at)
{
    p->used.nodes++;
    struct qn_query *q = qn_query_new(p->ar, kind, pos_of(p, at));
    if (q != NULL)
        q->lenient = p->opt->lenient;
    return q;
}

/* "~2" or "~" behind a word or phrase; false when there is none. */
static bool take_tilde(struct parser *p, uint32_t flag, uint64_t *n, bool *given)
{
    if (p->at >= p->s.n || p->s.p[p->at] != '~' || !has_flag(p, flag))
        return false;
    size_t i = p->at + 1;
    uint64_t v = 0;
    while (i < p->s.n && p->s.p[i] >= '0' && p->s.p[i] <= '9' && v < INT32_MAX)
        v = v * 10 + (uint64_t)(p->s.p[i++] - '0');
    *given = i > p->at + 1;
    *n = v;
    p->at = i;
    return true;
}

static const struct qn_query *make_text(struct parser *p, struct qn_str text,
                                        enum qn_text_mode mode, size_t at)
{
    struct qn_query *q = new_node(p, QN_QUERY_TEXT, at);
    if (q == NULL)
        return NULL;
    q->text.where = p->where;
    q->text.text = text;
    q->text.mode = mode;
    q->text.op = p->opt->op;
    q->text.max_expansions = 50;
    q->text.analyzer = p->opt->analyzer;
    q->text.min_should = p->opt->min_should;
    return q;
}

static void parse_phrase(struct parser *p, struct state *st)
{
    size_t from = p->at, i = from + 1;
    uint64_t slop = 0;
    bool given;
    while (i < p->s.n && p->s.p[i] != '"')
        i += p->s.p[i] == '\\' && has_flag(p, QN_SIMPLE_ESCAPE) && i + 1 < p->s.n ? 2 : 1;
    if (i >= p->s.n) {
        p->at++; /* no partner */
        return;
    }
    struct qn_str text = qn__lucene_unescape(p->ar, qn_str_make(p->s.p + from + 1, i - from - 1));
    p->at = i + 1;
    take_tilde(p, QN_SIMPLE_NEAR, &slop, &given);
    if (text.n == 0)
        return;
    struct qn_query *q = qn__query_copy(p->ar, make_text(p, text, QN_TEXT_PHRASE, from));
    if (q != NULL)
        q->text.slop = (uint32_t)slop;
    add_clause(p, st, q);
}

static void parse_word(struct parser *p, struct state *st)
{
    size_t from = p->at, i = from;
    bool prefix = false, given = false;
    uint64_t edits = 0;
    while (i < p->s.n && !is_operator(p, p->s.p[i])) {
        if (p->s.p[i] == '\\' && has_flag(p, QN_SIMPLE_ESCAPE) && i + 1 < p->s.n) {
            i++;
            qn_utf8_next(p->s, &i);
        } else if (p->s.p[i] == '~' && i > from && has_flag(p, QN_SIMPLE_FUZZY)) {
            break;
        } else {
            qn_utf8_next(p->s, &i);
        }
    }
    struct qn_str word = {p->s.p + from, i - from};
    p->at = i;
    if (word.n > 1 && word.p[word.n - 1] == '*' && word.p[word.n - 2] != '\\' &&
        has_flag(p, QN_SIMPLE_PREFIX)) {
        prefix = true;
        word.n--;
    }
    word = qn__lucene_unescape(p->ar, word);
    if (take_tilde(p, QN_SIMPLE_FUZZY, &edits, &given) && !prefix) {
        struct qn_query *q = new_node(p, QN_QUERY_FUZZY, from);
        if (q == NULL)
            return;
        q->pattern.where = p->where;
        q->pattern.text = word;
        q->pattern.fuzzy = p->opt->fuzzy;
        q->pattern.fuzzy.set = true;
        q->pattern.fuzzy.automatic = false;
        q->pattern.fuzzy.max_expansions = p->opt->fuzzy.set ? p->opt->fuzzy.max_expansions : 50;
        q->pattern.fuzzy.edits = !given || edits > 2 ? 2 : (uint8_t)edits;
        add_clause(p, st, q);
    } else if (prefix) {
        struct qn_query *q = new_node(p, QN_QUERY_PREFIX, from);
        if (q == NULL)
            return;
        q->pattern.where = p->where;
        q->pattern.text = word;
        add_clause(p, st, q);
    } else {
        add_clause(p, st, make_text(p, word, QN_TEXT_BOOL, from));
    }
}

static const struct qn_query *parse_all(struct parser *p, size_t end);

/* Finds the partner of every bracket in one pass. */
static void pair_brackets(struct parser *p)
{
    QN_VEC(size_t) open = {0};
    for (size_t i = 0; i < p->s.n; i++) {
        if (p->s.p[i] == '\\' && has_flag(p, QN_SIMPLE_ESCAPE)) {
            i++;
        } else if (p->s.p[i] == '(') {
            struct pair pair = {i, SIZE_MAX};
            qn_vec_push(&open, p->pairs.n);
            qn_vec_push(&p->pairs, pair);
        } else if (p->s.p[i] == ')' && open.n > 0) {
            p->pairs.p[open.p[--open.n]].close = i;
        }
    }
    qn_vec_release(&open);
}

/* Offset of the bracket that closes the one at `from`, or SIZE_MAX. */
static size_t find_close(const struct parser *p, size_t from)
{
    size_t lo = 0, hi = p->pairs.n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (p->pairs.p[mid].open < from)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < p->pairs.n && p->pairs.p[lo].open == from ? p->pairs.p[lo].close : SIZE_MAX;
}

/* Brackets without partner, and those deeper than is read, are skipped. */
static void parse_group(struct parser *p, struct state *st, size_t end)
{
    size_t close = p->used.depth < QN_QUERY_DEPTH ? find_close(p, p->at) : SIZE_MAX;
    p->at++;
    if (close >= end)
        return;
    p->used.depth++;
    const struct qn_query *q = parse_all(p, close);
    p->used.depth--;
    p->at = close + 1;
    add_clause(p, st, q);
}

static const struct qn_query *parse_all(struct parser *p, size_t end)
{
    struct state st = {0};
    struct qn_str whole = p->s;
    p->s.n = end;
    while (p->at < end && p->used.nodes < QN_QUERY_NODES && !qn_arena_failed(p->ar)) {
        char c = p->s.p[p->at];
        if (c == '(' && has_flag(p, QN_SIMPLE_PRECEDENCE)) {
            parse_group(p, &st, end);
        } else if (c == ')' && has_flag(p, QN_SIMPLE_PRECEDENCE)) {
            p->at++;
        } else if (c == '"' && has_flag(p, QN_SIMPLE_PHRASE)) {
            parse_phrase(p, &st);
        } else if ((c == '+' && has_flag(p, QN_SIMPLE_AND)) ||
                   (c == '|' && has_flag(p, QN_SIMPLE_OR))) {
            if (st.current == OP_NONE && st.top != NULL)
                st.current = c == '+' ? OP_AND : OP_OR;
            p->at++;
        } else if (c == '-' && has_flag(p, QN_SIMPLE_NOT)) {
            st.negated = !st.negated;
            p->at++;
        } else if (is_space(c) && has_flag(p, QN_SIMPLE_WHITESPACE)) {
            st.negated = false;
            p->at++;
        } else {
            parse_word(p, &st);
        }
    }
    p->s = whole;
    return st.top;
}

int qn_query_parse_simple(const struct qn_query **out, struct qn_arena *ar, struct qn_str text,
                          const struct qn_parse_options *opt, struct qn_err *err)
{
    struct parser p = {.ar = ar, .opt = opt};
    *out = NULL;
    if (text.n >= UINT32_MAX / 2)
        return qn_fail(err, QN_E_TOO_LARGE, "the query is too long");
    p.s = qn_arena_str(ar, text);
    p.where = (struct qn_query_where){QN_STR_NONE, qn__query_fields_of(ar, opt)};
    if (p.s.p == NULL || p.where.fields == NULL)
        return QN_E_BUDGET;
    const struct qn_query *q;
    pair_brackets(&p);
    if (qn_str_is(qn_str_trim(p.s), "*"))
        q = qn_query_new(ar, QN_QUERY_ALL, opt->base_pos);
    else
        q = parse_all(&p, p.s.n);
    qn_vec_release(&p.pairs);
    if (p.used.nodes >= QN_QUERY_NODES)
        return qn_fail_at(err, QN_E_TOO_LARGE, pos_of(&p, p.at),
                          "the query has more than %d clauses", QN_QUERY_NODES);
    if (q == NULL)
        q = qn_query_new(ar, QN_QUERY_NONE, opt->base_pos);
    if (q == NULL || qn_arena_failed(ar))
        return QN_E_BUDGET;
    *out = q;
    return QN_OK;
}
