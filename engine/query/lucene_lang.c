/* Lucene's classic query syntax, as Elasticsearch's query_string reads it (contract 3.12.1).
 *
 *   query  := clause*        clause := [AND|OR|&&|"||"] [+|-|!|NOT] [field ":"] unit ["^" boost]
 *   unit   := term [~[n]] | "phrase"[~n] | /regex/ | range | ">"["="]value ... | "(" query ")"
 *
 * AND and OR only mark the clauses beside them as Lucene does: "a OR b AND c" is "a +b +c". */
#include "query_int.h"

#include "base/utf8.h"
#include "base/vec.h"

struct parser {
    struct qn_str s;
    size_t at;
    struct qn_arena *ar;
    const struct qn_parse_options *opt;
    const struct qn_query_fields *fields;
    struct qn_err *err;
    struct qn_query_where where; /* of the group we are in */
    struct qn__limits used;
};

const struct qn_query_fields *qn__query_fields_of(struct qn_arena *ar,
                                                  const struct qn_parse_options *opt)
{
    struct qn_query_fields *f = qn_arena_new(ar, struct qn_query_fields);
    uint32_t n = opt->n_default_fields;
    struct qn_str *names = qn_arena_array(ar, struct qn_str, n + 1);
    float *boosts = qn_arena_array(ar, float, n + 1);
    if (f == NULL || names == NULL || boosts == NULL)
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        struct qn_str name = opt->default_fields[i];
        size_t hat = qn_str_find_byte(name, '^');
        double v;
        boosts[i] = 1;
        if (hat != SIZE_MAX && qn_str_to_f64(qn_str_from(name, hat + 1), &v) == QN_OK) {
            boosts[i] = (float)v;
            name = qn_str_first(name, hat);
        }
        names[i] = qn_arena_str(ar, name);
        if (names[i].p == NULL)
            return NULL;
    }
    *f = (struct qn_query_fields){names,       boosts, n, opt->fields_mode, opt->tie_breaker,
                                  opt->lenient};
    return f;
}

struct qn_str qn__lucene_unescape(struct qn_arena *ar, struct qn_str s)
{
    if (qn_str_find_byte(s, '\\') == SIZE_MAX)
        return s;
    char *out = qn_arena_alloc_aligned(ar, s.n + 1, 1);
    size_t n = 0;
    if (out == NULL)
        return s;
    for (size_t i = 0; i < s.n; i++) {
        uint32_t cp = 0;
        size_t k = 0;
        if (s.p[i] == '\\' && i + 1 < s.n) {
            i++;
            for (; s.p[i] == 'u' && k < 4 && i + 1 + k < s.n; k++) {
                char c = s.p[i + 1 + k];
                if (!((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f')))
                    break;
                cp = cp * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
            }
        }
        if (k == 4 && !(cp >= 0xD800 && cp <= 0xDFFF)) {
            n += qn_utf8_put(out + n, cp);
            i += 4;
        } else {
            out[n++] = s.p[i];
        }
    }
    return qn_str_make(out, n);
}

bool qn__query_has_wildcard(struct qn_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '*' || s.p[i] == '?')
            return true;
        if (s.p[i] == '\\')
            i++;
    }
    return false;
}

static char peek(const struct parser *p)
{
    return p->at < p->s.n ? p->s.p[p->at] : '\0';
}

/* Length of the white space at `at`: ASCII, or the ideographic space. */
static size_t space_len(const struct parser *p, size_t at)
{
    char c = at < p->s.n ? p->s.p[at] : 'x';
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
        return 1;
    return c == '\xe3' && qn_str_starts(qn_str_from(p->s, at), QN_STR("\u3000")) ? 3 : 0;
}

static void skip_spaces(struct parser *p)
{
    for (size_t n; (n = space_len(p, p->at)) > 0;)
        p->at += n;
}

static uint32_t pos_of(const struct parser *p, size_t at)
{
    return p->opt->base_pos + (uint32_t)at;
}

static int syntax_error(struct parser *p)
{
    return qn_fail_at(p->err, QN_E_PARSE, pos_of(p, p->at), "Failed to parse query [%.*s%s]",
                      (int)(p->s.n > 180 ? 180 : p->s.n), p->s.p, p->s.n > 180 ? "..." : "");
}

static int new_node(struct parser *p, struct qn_query **out, enum qn_query_kind kind, size_t at)
{
    if (++p->used.nodes > QN_QUERY_NODES)
        return qn_fail_at(p->err, QN_E_TOO_LARGE, pos_of(p, at),
                          "the query has more than %d clauses", QN_QUERY_NODES);
    *out = qn_query_new(p->ar, kind, pos_of(p, at));
    if (*out == NULL)
        return QN_E_BUDGET;
    (*out)->lenient = p->opt->lenient;
    return QN_OK;
}

/* ---- tokens */

static bool is_term_char(const struct parser *p, size_t at, bool first)
{
    char c = p->s.p[at];
    if ((c == '-' || c == '+') && !first)
        return true;
    return c != '\0' && strchr("+-!():^[]\"{}~\\/", c) == NULL && space_len(p, at) == 0;
}

/* A run of term characters, wildcards and escapes, as written; empty when there is none. */
static struct qn_str scan_term(struct parser *p)
{
    size_t i = p->at;
    while (i < p->s.n) {
        if (p->s.p[i] == '\\' && i + 1 < p->s.n) {
            i++;
            qn_utf8_next(p->s, &i);
        } else if (is_term_char(p, i, i == p->at) || (i > p->at && p->s.p[i] == '/')) {
            qn_utf8_next(p->s, &i);
        } else {
            break;
        }
    }
    return qn_str_make(p->s.p + p->at, i - p->at);
}

/* "..." with escapes; *out is the inside as written. */
static bool take_quoted(struct parser *p, struct qn_str *out)
{
    size_t i = p->at + 1;
    while (i < p->s.n && p->s.p[i] != '"')
        i += p->s.p[i] == '\\' && i + 1 < p->s.n ? 2 : 1;
    if (i >= p->s.n)
        return false;
    *out = qn_str_make(p->s.p + p->at + 1, i - p->at - 1);
    p->at = i + 1;
    return true;
}

/* A number without sign at p->at, or false. */
static bool take_number(struct parser *p, double *out)
{
    size_t i = p->at, start;
    while (i < p->s.n && p->s.p[i] >= '0' && p->s.p[i] <= '9')
        i++;
    if (i == p->at && peek(p) != '.')
        return false;
    if (i < p->s.n && p->s.p[i] == '.')
        for (i++; i < p->s.n && p->s.p[i] >= '0' && p->s.p[i] <= '9';)
            i++;
    for (start = p->at; start + 1 < i && p->s.p[start] == '0' && p->s.p[start + 1] != '.';)
        start++;
    char text[64];
    size_t n = i - start;
    if (n == 0 || n > sizeof text - 3)
        return false;
    bool bare = p->s.p[start] == '.';
    text[0] = '0';
    memcpy(text + bare, p->s.p + start, n);
    n += bare;
    if (text[n - 1] == '.')
        text[n++] = '0';
    if (qn_str_to_f64(qn_str_make(text, n), out) < 0)
        return false;
    p->at = i;
    return true;
}

/* ---- units */

static int make_range(struct parser *p, size_t from, struct qn_query_bound lower,
                      struct qn_query_bound upper, const struct qn_query **out)
{
    struct qn_query *q;
    int rc = new_node(p, &q, QN_QUERY_RANGE, from);
    if (rc < 0)
        return rc;
    q->range.where = p->where;
    q->range.lower = lower;
    q->range.upper = upper;
    q->range.time_zone = p->opt->time_zone;
    *out = q;
    return QN_OK;
}

static struct qn_query_bound bound_of(struct parser *p, struct qn_str raw, bool exclusive)
{
    struct qn_query_bound b = {QN_BOUND_NONE};
    if (!qn_str_is(raw, "*") && raw.n > 0) {
        b.kind = exclusive ? QN_BOUND_EXCLUDED : QN_BOUND_INCLUDED;
        b.value = qn__query_literal_str(qn__lucene_unescape(p->ar, raw));
    }
    return b;
}

static bool take_range_value(struct parser *p, struct qn_str *out)
{
    skip_spaces(p);
    if (peek(p) == '"')
        return take_quoted(p, out);
    size_t i = p->at;
    while (i < p->s.n && p->s.p[i] != ']' && p->s.p[i] != '}' && space_len(p, i) == 0)
        i += p->s.p[i] == '\\' && i + 1 < p->s.n ? 2 : 1;
    i = i > p->s.n ? p->s.n : i;
    *out = qn_str_make(p->s.p + p->at, i - p->at);
    p->at = i;
    return out->n > 0;
}

static int parse_range(struct parser *p, const struct qn_query **out)
{
    size_t from = p->at;
    struct qn_str lower, upper;
    bool exclude_lower = p->s.p[p->at++] == '{';
    if (!take_range_value(p, &lower))
        return syntax_error(p);
    skip_spaces(p);
    if (!qn_str_starts(qn_str_from(p->s, p->at), QN_STR("TO")) || space_len(p, p->at + 2) == 0)
        return syntax_error(p);
    p->at += 2;
    if (!take_range_value(p, &upper))
        return syntax_error(p);
    skip_spaces(p);
    if (peek(p) != ']' && peek(p) != '}')
        return syntax_error(p);
    bool exclude_upper = p->s.p[p->at++] == '}';
    return make_range(p, from, bound_of(p, lower, exclude_lower), bound_of(p, upper, exclude_upper),
                      out);
}

/* ">=5" and its kin: one term in Lucene's eyes; the value may stand apart or in quotes. */
static int parse_comparison(struct parser *p, struct qn_str term, const struct qn_query **out)
{
    size_t from = p->at;
    bool lower = term.p[0] == '>', exclusive = term.n < 2 || term.p[1] != '=';
    struct qn_str value = qn_str_from(term, exclusive ? 1 : 2);
    p->at += term.n;
    if (value.n == 0) {
        skip_spaces(p);
        if (peek(p) == '"') {
            if (!take_quoted(p, &value))
                return syntax_error(p);
        } else {
            value = scan_term(p);
            p->at += value.n;
        }
        if (value.n == 0)
            return syntax_error(p);
    }
    struct qn_query_bound b = bound_of(p, value, exclusive), open = {QN_BOUND_NONE};
    return make_range(p, from, lower ? b : open, lower ? open : b, out);
}

static int parse_regex(struct parser *p, const struct qn_query **out)
{
    size_t from = p->at, i = from + 1, n = 0;
    struct qn_query *q;
    while (i < p->s.n && p->s.p[i] != '/')
        i += p->s.p[i] == '\\' && i + 1 < p->s.n ? 2 : 1;
    if (i >= p->s.n)
        return syntax_error(p);
    int rc = new_node(p, &q, QN_QUERY_REGEX, from);
    char *text = qn_arena_alloc_aligned(p->ar, i - from, 1);
    if (rc < 0 || text == NULL)
        return rc < 0 ? rc : QN_E_BUDGET;
    for (size_t k = from + 1; k < i; k++)
        if (!(p->s.p[k] == '\\' && p->s.p[k + 1] == '/'))
            text[n++] = p->s.p[k];
    p->at = i + 1;
    q->pattern.where = p->where;
    q->pattern.text = qn_str_make(text, n);
    q->pattern.syntax = QN_REGEX_LUCENE;
    *out = q;
    return QN_OK;
}

static int parse_phrase(struct parser *p, const struct qn_query **out)
{
    size_t from = p->at;
    struct qn_str text;
    struct qn_query *q;
    double slop = p->opt->phrase_slop;
    if (!take_quoted(p, &text))
        return syntax_error(p);
    if (peek(p) == '~') {
        p->at++;
        if (take_number(p, &slop) && (slop < 0 || slop > INT32_MAX))
            return syntax_error(p);
    }
    int rc = new_node(p, &q, QN_QUERY_TEXT, from);
    if (rc < 0)
        return rc;
    q->text.where = p->where;
    q->text.text = qn__lucene_unescape(p->ar, text);
    q->text.mode = QN_TEXT_PHRASE;
    q->text.slop = (uint32_t)slop;
    q->text.max_expansions = 50;
    q->text.analyzer = p->opt->analyzer;
    if (qn__query_is_set(p->opt->quote_suffix) && qn__query_is_set(p->where.field))
        q->text.where.field =
            qn_arena_printf(p->ar, QN_STR_FMT QN_STR_FMT, QN_STR_ARG(p->where.field),
                            QN_STR_ARG(p->opt->quote_suffix));
    *out = q;
    return QN_OK;
}

static bool where_is_any(const struct parser *p)
{
    return !qn__query_is_set(p->where.field) || qn_str_is(p->where.field, "*");
}

/* "abc*" alone is a prefix; anything else with '*' or '?' a wildcard. */
static int parse_wildcard(struct parser *p, struct qn_str term, const struct qn_query **out)
{
    size_t from = p->at;
    struct qn_query *q;
    struct qn_str head = qn_str_first(term, term.n - 1);
    p->at += term.n;
    if (qn_str_is(term, "*")) {
        int rc = new_node(p, &q, where_is_any(p) ? QN_QUERY_ALL : QN_QUERY_EXISTS, from);
        if (rc == QN_OK && q->kind == QN_QUERY_EXISTS)
            q->exists = p->where;
        *out = q;
        return rc;
    }
    if (p->opt->no_leading_wildcard && (term.p[0] == '*' || term.p[0] == '?'))
        return qn_fail_at(p->err, QN_E_INVALID, pos_of(p, from),
                          "'*' or '?' not allowed as first character in WildcardQuery");
    bool prefix = term.p[term.n - 1] == '*' && !qn__query_has_wildcard(head);
    int rc = new_node(p, &q, prefix ? QN_QUERY_PREFIX : QN_QUERY_WILDCARD, from);
    if (rc < 0)
        return rc;
    q->pattern.where = p->where;
    q->pattern.text = prefix ? qn__lucene_unescape(p->ar, head) : term;
    *out = q;
    return QN_OK;
}

/* "~", "~2", or the old "~0.8": similarity. */
static int parse_fuzzy(struct parser *p, struct qn_str text, size_t from,
                       const struct qn_query **out)
{
    struct qn_query *q;
    double v;
    int rc = new_node(p, &q, QN_QUERY_FUZZY, from);
    if (rc < 0)
        return rc;
    q->pattern.where = p->where;
    q->pattern.text = text;
    q->pattern.fuzzy = p->opt->fuzzy;
    if (!q->pattern.fuzzy.set)
        q->pattern.fuzzy = (struct qn_fuzziness){true, true, 0, 3, 6, false, 0, 50};
    p->at++;
    if (take_number(p, &v)) {
        if (v < 1)
            v = (1 - v) * (double)qn__query_char_count(text);
        q->pattern.fuzzy.automatic = false;
        q->pattern.fuzzy.edits = v >= 2 ? 2 : (uint8_t)v;
    }
    *out = q;
    return QN_OK;
}

static int make_text(struct parser *p, struct qn_str text, size_t from, const struct qn_query **out)
{
    struct qn_query *q;
    int rc = new_node(p, &q, QN_QUERY_TEXT, from);
    if (rc < 0)
        return rc;
    q->text.where = p->where;
    q->text.text = text;
    q->text.mode = QN_TEXT_BOOL;
    q->text.op = p->opt->op;
    q->text.max_expansions = 50;
    q->text.analyzer = p->opt->analyzer;
    q->text.min_should = p->opt->min_should;
    *out = q;
    return QN_OK;
}

static bool is_reserved(struct qn_str term)
{
    return qn_str_is(term, "AND") || qn_str_is(term, "OR") || qn_str_is(term, "NOT") ||
           qn_str_is(term, "&&") || qn_str_is(term, "||");
}

static int parse_term(struct parser *p, const struct qn_query **out)
{
    size_t from = p->at;
    struct qn_str term = scan_term(p);
    if (term.n == 0 || is_reserved(term))
        return syntax_error(p);
    if (term.p[0] == '>' || term.p[0] == '<')
        return parse_comparison(p, term, out);
    if (qn__query_has_wildcard(term))
        return parse_wildcard(p, term, out);
    p->at += term.n;
    struct qn_str text = qn__lucene_unescape(p->ar, term);
    if (peek(p) == '~')
        return parse_fuzzy(p, text, from, out);
    if (qn_str_is(p->where.field, "_exists_")) {
        struct qn_query *q;
        int rc = new_node(p, &q, QN_QUERY_EXISTS, from);
        if (rc == QN_OK)
            q->exists = qn__query_where_field(text);
        *out = q;
        return rc;
    }
    return make_text(p, text, from, out);
}

/* ---- clauses */

static int parse_clauses(struct parser *p, const struct qn_query **out);

static int parse_group(struct parser *p, const struct qn_query **out)
{
    if (++p->used.depth > QN_QUERY_DEPTH)
        return qn_fail_at(p->err, QN_E_TOO_DEEP, pos_of(p, p->at),
                          "the query is nested more than %d levels deep", QN_QUERY_DEPTH);
    p->at++;
    int rc = parse_clauses(p, out);
    p->used.depth--;
    if (rc < 0)
        return rc;
    if (peek(p) != ')')
        return syntax_error(p);
    p->at++;
    return QN_OK;
}

/* "name:" in front of a unit; wildcards in names are allowed. */
static bool take_field(struct parser *p, struct qn_str *out)
{
    size_t from = p->at;
    struct qn_str name = scan_term(p);
    p->at += name.n;
    skip_spaces(p);
    if (name.n > 0 && peek(p) == ':' && name.p[0] != '>' && name.p[0] != '<') {
        p->at++;
        skip_spaces(p);
        *out = qn__lucene_unescape(p->ar, name);
        return true;
    }
    p->at = from;
    return false;
}

static int parse_unit(struct parser *p, const struct qn_query **out)
{
    char c = peek(p);
    if (c == '(')
        return parse_group(p, out);
    if (c == '"')
        return parse_phrase(p, out);
    if (c == '/')
        return parse_regex(p, out);
    if (c == '[' || c == '{')
        return parse_range(p, out);
    return parse_term(p, out);
}

static int parse_clause(struct parser *p, const struct qn_query **out)
{
    struct qn_query_where outer = p->where;
    struct qn_str name;
    double boost = 1;
    if (take_field(p, &name))
        p->where = qn__query_where_field(name);
    int rc = parse_unit(p, out);
    p->where = outer;
    if (rc < 0)
        return rc;
    if (peek(p) == '^') {
        p->at++;
        if (!take_number(p, &boost))
            return syntax_error(p);
    }
    *out = qn__query_boost(p->ar, *out, (float)boost);
    return *out ? QN_OK : QN_E_BUDGET;
}

enum occur { SHOULD, MUST, MUST_NOT };
enum conjunction { CONJ_NONE, CONJ_AND, CONJ_OR };

static enum conjunction take_conjunction(struct parser *p)
{
    static const struct {
        const char *word;
        enum conjunction conj;
    } words[] = {{"AND", CONJ_AND}, {"&&", CONJ_AND}, {"OR", CONJ_OR}, {"||", CONJ_OR}};
    struct qn_str term = scan_term(p);
    for (size_t i = 0; i < QN_COUNT_OF(words); i++)
        if (qn_str_is(term, words[i].word)) {
            p->at += term.n;
            skip_spaces(p);
            return words[i].conj;
        }
    return CONJ_NONE;
}

/* '+' -> MUST, '-', '!', NOT -> MUST_NOT; a sign before white space is a word of its own. */
static enum occur take_modifier(struct parser *p, bool *given)
{
    char c = peek(p);
    *given = true;
    if ((c == '+' || c == '-' || c == '!') && p->at + 1 < p->s.n && space_len(p, p->at + 1) == 0) {
        p->at++;
        return c == '+' ? MUST : MUST_NOT;
    }
    if (qn_str_is(scan_term(p), "NOT")) {
        p->at += 3;
        skip_spaces(p);
        return MUST_NOT;
    }
    *given = false;
    return SHOULD;
}

struct clause {
    enum occur occur;
    const struct qn_query *q;
};

/* How a clause occurs, by the conjunction before it, its sign and the default operator. */
static enum occur occur_of(const struct parser *p, enum conjunction conj, enum occur sign,
                           bool signed_)
{
    if (signed_ && sign == MUST_NOT)
        return MUST_NOT;
    if (p->opt->op == QN_OPERATOR_AND)
        return conj == CONJ_OR && !(signed_ && sign == MUST) ? SHOULD : MUST;
    return conj == CONJ_AND || (signed_ && sign == MUST) ? MUST : SHOULD;
}

static const struct qn_query *make_bool(struct parser *p, const struct clause *c, size_t n,
                                        size_t from)
{
    if (n == 1 && c[0].occur != MUST_NOT)
        return c[0].q;
    struct qn_query *q = qn_query_new(p->ar, QN_QUERY_BOOL, pos_of(p, from));
    for (size_t i = 0; q != NULL && i < n; i++)
        qn_query_list_add(p->ar,
                          c[i].occur == MUST       ? &q->bools.must
                          : c[i].occur == MUST_NOT ? &q->bools.must_not
                                                   : &q->bools.should,
                          c[i].q);
    return q;
}

/* The clauses up to the end or a ")". */
static int parse_clauses(struct parser *p, const struct qn_query **out)
{
    QN_VEC(struct clause) clauses = {0};
    size_t from = p->at;
    int rc = QN_OK;
    for (skip_spaces(p); p->at < p->s.n && peek(p) != ')'; skip_spaces(p)) {
        size_t before = p->at;
        struct clause c;
        bool given;
        enum conjunction conj = take_conjunction(p);
        if (conj != CONJ_NONE && clauses.n == 0) {
            p->at = before;
            rc = syntax_error(p);
            goto out;
        }
        enum occur sign = take_modifier(p, &given);
        if (p->at < p->s.n && strchr("+-!", peek(p)) != NULL) {
            p->at++; /* a bare sign: no tokens come of it */
            continue;
        }
        rc = parse_clause(p, &c.q);
        if (rc < 0)
            goto out;
        if (clauses.n > 0 && clauses.p[clauses.n - 1].occur != MUST_NOT) {
            if (conj == CONJ_AND)
                clauses.p[clauses.n - 1].occur = MUST;
            else if (conj == CONJ_OR && p->opt->op == QN_OPERATOR_AND)
                clauses.p[clauses.n - 1].occur = SHOULD;
        }
        c.occur = occur_of(p, conj, sign, given);
        qn_vec_push(&clauses, c);
    }
    if (clauses.n == 0 && p->used.depth > 0) {
        rc = syntax_error(p); /* "()" */
        goto out;
    }
    *out = clauses.n == 0 ? qn_query_new(p->ar, QN_QUERY_NONE, pos_of(p, from))
                          : make_bool(p, clauses.p, clauses.n, from);
    rc = *out ? QN_OK : QN_E_BUDGET;
out:
    qn_vec_release(&clauses);
    return rc;
}

int qn_query_parse_lucene(const struct qn_query **out, struct qn_arena *ar, struct qn_str text,
                          const struct qn_parse_options *opt, struct qn_err *err)
{
    struct parser p = {.ar = ar, .opt = opt, .err = err};
    const struct qn_query *q = NULL;
    int rc;
    *out = NULL;
    if (text.n >= UINT32_MAX / 2)
        return qn_fail(err, QN_E_TOO_LARGE, "the query is too long");
    p.s = qn_arena_str(ar, text);
    p.fields = qn__query_fields_of(ar, opt);
    if (p.s.p == NULL || p.fields == NULL)
        return QN_E_BUDGET;
    p.where.fields = p.fields;
    p.where.field = QN_STR_NONE;
    if (opt->escape && qn_str_trim(p.s).n > 0)
        rc = make_text(&p, p.s, 0, &q);
    else
        rc = parse_clauses(&p, &q);
    if (rc == QN_OK && !opt->escape && p.at < p.s.n)
        rc = syntax_error(&p); /* a ")" too many */
    if (rc == QN_OK && qn_arena_failed(ar))
        rc = QN_E_BUDGET;
    if (rc == QN_OK)
        *out = q;
    return rc;
}
