/* The leaves of Quickwit's language: words, quoted texts, ranges, sets, regexes, and field names.
 * Alternatives are tried in Quickwit's order, so that odd texts are read as it reads them; a failed
 * search for a field's colon is remembered, so that none takes quadratic time. */
#include "quickwit_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "base/vec.h"

bool qn__quickwit_is_separator(char c) /* nom's multispace */
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Rust's char::is_whitespace at `at`; gives the character's length, 0 when it is none. */
static size_t space_len(struct qn_str s, size_t at)
{
    size_t next = at;
    uint32_t c = qn_utf8_next(s, &next);
    bool space = (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 ||
                 (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
                 c == 0x205F || c == 0x3000;
    return space ? next - at : 0;
}

static bool is_special(char c) /* in words, unless escaped */
{
    return c != '\0' && strchr("^`:{}\"'[]()\\", c) != NULL;
}

static bool is_field_special(char c)
{
    return c != '\0' && strchr("+^`:{}\"'[]()!\\* ", c) != NULL;
}

bool qn__quickwit_ends(const struct qn__quickwit *p)
{
    return p->at >= p->s.n;
}

char qn__quickwit_peek(const struct qn__quickwit *p)
{
    return qn__quickwit_ends(p) ? '\0' : p->s.p[p->at];
}

size_t qn__quickwit_skip_spaces(struct qn__quickwit *p)
{
    size_t from = p->at;
    while (!qn__quickwit_ends(p) && qn__quickwit_is_separator(p->s.p[p->at]))
        p->at++;
    return p->at - from;
}

bool qn__quickwit_take(struct qn__quickwit *p, const char *z)
{
    size_t n = strlen(z);
    if (p->s.n - p->at < n || memcmp(p->s.p + p->at, z, n) != 0)
        return false;
    p->at += n;
    return true;
}

uint32_t qn__quickwit_pos(const struct qn__quickwit *p, size_t at)
{
    return p->opt->base_pos + (uint32_t)at;
}

int qn__quickwit_node(struct qn__quickwit *p, struct qn_query **out, enum qn_query_kind kind,
                      size_t at)
{
    if (++p->used.nodes > QN_QUERY_NODES)
        return qn_fail_at(p->err, QN_E_TOO_LARGE, qn__quickwit_pos(p, at),
                          "the query has more than %d clauses", QN_QUERY_NODES);
    *out = qn_query_new(p->ar, kind, qn__quickwit_pos(p, at));
    if (*out == NULL)
        return QN_E_BUDGET;
    (*out)->lenient = p->opt->lenient;
    return 1;
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* s without the backslashes that made special characters literal; others stay for the wildcard
 * layer, which has its own meaning for them. */
static struct qn_str unescape(struct qn__quickwit *p, struct qn_str s)
{
    if (qn_str_find_byte(s, '\\') == SIZE_MAX)
        return s;
    char *out = qn_arena_alloc_aligned(p->ar, s.n + 1, 1);
    size_t n = 0;
    if (out == NULL)
        return s;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n) {
            i++;
            if (!is_special(s.p[i]) && s.p[i] != '-' && space_len(s, i) == 0)
                out[n++] = '\\';
        }
        out[n++] = s.p[i];
    }
    return qn_str_make(out, n);
}

/* `"..."` or `'...'`: a backslash makes any character literal. */
static int parse_quoted(struct qn__quickwit *p, char quote, struct qn_str *out)
{
    size_t i = p->at + 1;
    while (i < p->s.n && p->s.p[i] != quote)
        i += p->s.p[i] == '\\' && i + 1 < p->s.n ? 2 : 1;
    if (i >= p->s.n)
        return 0;
    struct qn_str raw = {p->s.p + p->at + 1, i - p->at - 1};
    p->at = i + 1;
    *out = raw;
    if (qn_str_find_byte(raw, '\\') == SIZE_MAX)
        return 1;
    char *text = qn_arena_alloc_aligned(p->ar, raw.n + 1, 1);
    if (text == NULL)
        return QN_E_BUDGET;
    size_t n = 0;
    for (i = 0; i < raw.n; i++)
        text[n++] = raw.p[i] == '\\' && i + 1 < raw.n ? raw.p[++i] : raw.p[i];
    *out = qn_str_make(text, n);
    return 1;
}

/* "-5", "-5.25" */
static int parse_negative(struct qn__quickwit *p, struct qn_str *out)
{
    size_t i = p->at, digits;
    if (qn__quickwit_peek(p) != '-')
        return 0;
    for (digits = ++i; i < p->s.n && p->s.p[i] >= '0' && p->s.p[i] <= '9';)
        i++;
    if (i == digits)
        return 0;
    if (i + 1 < p->s.n && p->s.p[i] == '.' && p->s.p[i + 1] >= '0' && p->s.p[i + 1] <= '9')
        for (i++; i < p->s.n && p->s.p[i] >= '0' && p->s.p[i] <= '9';)
            i++;
    *out = qn_str_make(p->s.p + p->at, i - p->at);
    p->at = i;
    return 1;
}

static int parse_word(struct qn__quickwit *p, struct qn_str *out)
{
    size_t i = p->at;
    if (qn__quickwit_peek(p) == '-')
        return 0;
    while (i < p->s.n) {
        if (p->s.p[i] == '\\' && i + 1 < p->s.n) {
            i++;
            qn_utf8_next(p->s, &i);
        } else if (is_special(p->s.p[i]) || space_len(p->s, i) > 0) {
            break;
        } else {
            qn_utf8_next(p->s, &i);
        }
    }
    struct qn_str raw = {p->s.p + p->at, i - p->at};
    if (raw.n == 0 || qn_str_is(raw, "OR") || qn_str_is(raw, "AND") || qn_str_is(raw, "NOT") ||
        qn_str_is(raw, "IN"))
        return 0;
    p->at = i;
    *out = unescape(p, raw);
    return 1;
}

enum delimiter { DELIMITER_NONE, DELIMITER_SINGLE, DELIMITER_DOUBLE };

static int parse_simple_term(struct qn__quickwit *p, struct qn_str *out, enum delimiter *delimiter)
{
    *delimiter = DELIMITER_NONE;
    int rc = parse_negative(p, out);
    if (rc == 0 && qn__quickwit_peek(p) == '\'') {
        *delimiter = DELIMITER_SINGLE;
        rc = parse_quoted(p, '\'', out);
    } else if (rc == 0 && qn__quickwit_peek(p) == '"') {
        *delimiter = DELIMITER_DOUBLE;
        rc = parse_quoted(p, '"', out);
    } else if (rc == 0) {
        rc = parse_word(p, out);
    }
    return rc;
}

/* ---- leaves ---------------------------------------------------------------------------------- */

static int leaf_error(struct qn__quickwit *p, size_t at, const char *msg)
{
    return qn_fail_at(p->err, QN_E_INVALID, qn__quickwit_pos(p, at), "%s", msg);
}

/* The one field of a range or regex: its own, the group's, or the only default field. */
static int one_field(struct qn__quickwit *p, struct qn_str *field, const char *what, size_t at)
{
    char msg[80];
    if (!qn__query_is_set(*field))
        *field = p->field;
    if (qn__query_is_set(*field))
        return QN_OK;
    if (p->opt->n_default_fields == 1) {
        *field = p->opt->default_fields[0];
        return QN_OK;
    }
    snprintf(msg, sizeof msg, "%s query %s is not supported", what,
             p->opt->n_default_fields == 0 ? "without field" : "with multiple fields");
    return leaf_error(p, at, msg);
}

static int parse_bound(struct qn__quickwit *p, struct qn_str *out)
{
    int rc = parse_negative(p, out);
    if (rc != 0)
        return rc;
    size_t i = p->at;
    while (i < p->s.n && strchr("{}\"[]()", p->s.p[i]) == NULL && space_len(p->s, i) == 0 &&
           !(i == p->at && p->s.p[i] == '`'))
        qn_utf8_next(p->s, &i);
    *out = qn_str_make(p->s.p + p->at, i - p->at);
    rc = i > p->at;
    p->at = i;
    return rc;
}

static struct qn_query_bound bound_of(struct qn_str s, bool exclusive)
{
    struct qn_query_bound b = {QN_BOUND_NONE};
    if (!qn_str_is(s, "*")) {
        b.kind = exclusive ? QN_BOUND_EXCLUDED : QN_BOUND_INCLUDED;
        b.value = qn__query_literal_str(s);
    }
    return b;
}

/* ">= 5" and its three kin. */
static int parse_comparison(struct qn__quickwit *p, struct qn_query_range *r)
{
    struct qn_str v;
    bool greater = qn__quickwit_peek(p) == '>', exclusive;
    if (!greater && qn__quickwit_peek(p) != '<')
        return 0;
    p->at++;
    exclusive = !qn__quickwit_take(p, "=");
    qn__quickwit_skip_spaces(p);
    int rc = parse_bound(p, &v);
    if (rc > 0)
        *(greater ? &r->lower : &r->upper) = bound_of(v, exclusive);
    return rc;
}

static int parse_brackets(struct qn__quickwit *p, struct qn_query_range *r)
{
    struct qn_str v;
    bool exclusive = qn__quickwit_peek(p) == '{';
    if (!exclusive && qn__quickwit_peek(p) != '[')
        return 0;
    p->at++;
    qn__quickwit_skip_spaces(p);
    int rc = parse_bound(p, &v);
    if (rc <= 0)
        return rc;
    r->lower = bound_of(v, exclusive);
    if (qn__quickwit_skip_spaces(p) == 0 || !qn__quickwit_take(p, "TO") ||
        qn__quickwit_skip_spaces(p) == 0)
        return 0;
    rc = parse_bound(p, &v);
    if (rc <= 0)
        return rc;
    qn__quickwit_skip_spaces(p);
    if (qn__quickwit_peek(p) != ']' && qn__quickwit_peek(p) != '}')
        return 0;
    r->upper = bound_of(v, qn__quickwit_peek(p) == '}');
    p->at++;
    return 1;
}

int qn__quickwit_range(struct qn__quickwit *p, struct qn_str field, const struct qn_query **out)
{
    size_t from = p->at;
    struct qn_query_range r = {0};
    struct qn_query *q;
    qn__quickwit_skip_spaces(p);
    int rc = parse_comparison(p, &r);
    if (rc == 0) {
        p->at = from;
        rc = parse_brackets(p, &r);
    }
    if (rc <= 0) {
        p->at = from;
        return rc;
    }
    rc = one_field(p, &field, "range", p->leaf);
    if (rc < 0 || (rc = qn__quickwit_node(p, &q, QN_QUERY_RANGE, p->leaf)) < 0)
        return rc;
    r.where = qn__query_where_field(field);
    q->range = r;
    *out = q;
    return 1;
}

static int literal_cmp(const void *a, const void *b)
{
    const struct qn_literal *x = a, *y = b;
    return qn_str_cmp(x->text, y->text);
}

/* Fields the leaf applies to: its own, the group's, or the default ones. */
static uint32_t leaf_fields(struct qn__quickwit *p, const struct qn_str *field,
                            const struct qn_str **out)
{
    const struct qn_str *one = qn__query_is_set(*field)     ? field
                               : qn__query_is_set(p->field) ? &p->field
                                                            : NULL;
    *out = one ? one : p->opt->default_fields;
    return one ? 1 : p->opt->n_default_fields;
}

static int make_set(struct qn__quickwit *p, struct qn_str field, struct qn_literal *values,
                    uint32_t n, const struct qn_query **out)
{
    const struct qn_str *fields;
    struct qn_query *q;
    uint32_t n_fields = leaf_fields(p, &field, &fields), kept = 0;
    if (n_fields == 0)
        return leaf_error(p, p->leaf, "set query need to target a specific field");
    int rc = qn__quickwit_node(p, &q, QN_QUERY_TERM_SET, p->leaf);
    if (rc < 0)
        return rc;
    qsort(values, n, sizeof *values, literal_cmp);
    for (uint32_t i = 0; i < n; i++)
        if (kept == 0 || !qn_str_eq(values[i].text, values[kept - 1].text))
            values[kept++] = values[i];
    q->term_set.groups = qn_arena_array(p->ar, struct qn_query_term_group, n_fields);
    if (q->term_set.groups == NULL)
        return QN_E_BUDGET;
    q->term_set.n = n_fields;
    for (uint32_t i = 0; i < n_fields; i++)
        q->term_set.groups[i] = (struct qn_query_term_group){fields[i], values, kept};
    *out = q;
    return 1;
}

int qn__quickwit_set(struct qn__quickwit *p, struct qn_str field, const struct qn_query **out)
{
    size_t from = p->at;
    QN_VEC(struct qn_literal) values = {0};
    int rc = 0;
    qn__quickwit_skip_spaces(p);
    if (!qn__quickwit_take(p, "IN") || qn__quickwit_skip_spaces(p) == 0 ||
        !qn__quickwit_take(p, "["))
        goto out;
    qn__quickwit_skip_spaces(p);
    while (qn__quickwit_peek(p) != ']') {
        struct qn_str v;
        enum delimiter ignored;
        rc = parse_simple_term(p, &v, &ignored);
        if (rc <= 0)
            goto out;
        qn_vec_push(&values, qn__query_literal_str(v));
        rc = 0;
        if (values.n > QN_QUERY_NODES) {
            rc = qn_fail_at(p->err, QN_E_TOO_LARGE, qn__quickwit_pos(p, from),
                            "the set has more than %d values", QN_QUERY_NODES);
            goto out;
        }
        if (qn__quickwit_skip_spaces(p) == 0 && qn__quickwit_peek(p) != ']')
            goto out;
    }
    p->at++;
    struct qn_literal *kept = qn_arena_array(p->ar, struct qn_literal, values.n + 1);
    rc = QN_E_BUDGET;
    if (kept != NULL) {
        if (values.n > 0)
            memcpy(kept, values.p, values.n * sizeof *kept);
        rc = make_set(p, field, kept, (uint32_t)values.n, out);
    }
out:
    if (rc == 0)
        p->at = from;
    qn_vec_release(&values);
    return rc;
}

/* What follows a lone "*": the end, white space, or a special character. */
bool qn__quickwit_star_ends(const struct qn__quickwit *p, size_t at)
{
    return at >= p->s.n || (is_special(p->s.p[at]) && p->s.p[at] != '\\') ||
           space_len(p->s, at) > 0;
}

int qn__quickwit_exists(struct qn__quickwit *p, struct qn_str field, const struct qn_query **out)
{
    size_t from = p->at;
    struct qn_query *q;
    qn__quickwit_skip_spaces(p);
    if (!qn__query_is_set(field) || qn__quickwit_peek(p) != '*' ||
        !qn__quickwit_star_ends(p, p->at + 1)) {
        p->at = from;
        return 0;
    }
    p->at++;
    int rc = qn__quickwit_node(p, &q, QN_QUERY_EXISTS, p->leaf);
    if (rc < 0)
        return rc;
    q->exists = qn__query_where_field(field);
    *out = q;
    return 1;
}

int qn__quickwit_regex(struct qn__quickwit *p, struct qn_str field, const struct qn_query **out)
{
    size_t from = p->at, i = from + 1, n = 0;
    struct qn_query *q;
    if (qn__quickwit_peek(p) != '/')
        return 0;
    while (i < p->s.n && p->s.p[i] != '/')
        i += p->s.p[i] == '\\' && i + 1 < p->s.n && p->s.p[i + 1] == '/' ? 2 : 1;
    if (i >= p->s.n || i == from + 1)
        return 0;
    char after = i + 1 < p->s.n ? p->s.p[i + 1] : ' ';
    if (!qn__quickwit_is_separator(after) && after != ')' && after != '^')
        return 0;
    char *text = qn_arena_alloc_aligned(p->ar, i - from, 1);
    if (text == NULL)
        return QN_E_BUDGET;
    for (size_t k = from + 1; k < i; k++)
        if (!(p->s.p[k] == '\\' && p->s.p[k + 1] == '/'))
            text[n++] = p->s.p[k];
    p->at = i + 1;
    int rc = one_field(p, &field, "regex", p->leaf);
    if (rc < 0 || (rc = qn__quickwit_node(p, &q, QN_QUERY_REGEX, p->leaf)) < 0)
        return rc;
    q->pattern.where = qn__query_where_field(field);
    q->pattern.text = qn_str_make(text, n);
    *out = q;
    return 1;
}

static bool is_wildcard(struct qn_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '*' || s.p[i] == '?')
            return true;
        if (s.p[i] == '\\')
            i++;
    }
    return false;
}

struct literal {
    struct qn_str text;
    enum delimiter delimiter;
    bool prefix;
    uint32_t slop;
    size_t from;
};

static int literal_on(struct qn__quickwit *p, const struct literal *l, struct qn_str field,
                      const struct qn_query **out)
{
    static const enum qn_text_mode modes[] = {QN_TEXT_PHRASE_OR_AND, QN_TEXT_BOOL, QN_TEXT_PHRASE};
    bool wildcard = !l->prefix && l->delimiter == DELIMITER_NONE && is_wildcard(l->text);
    struct qn_query *q;
    int rc = qn__quickwit_node(p, &q, wildcard ? QN_QUERY_WILDCARD : QN_QUERY_TEXT, l->from);
    if (rc < 0)
        return rc;
    *out = q;
    if (wildcard) {
        q->pattern.where = qn__query_where_field(field);
        q->pattern.text = l->text;
        return 1;
    }
    q->text.where = qn__query_where_field(field);
    q->text.text = l->text;
    q->text.mode = l->prefix ? QN_TEXT_PHRASE_PREFIX : modes[l->delimiter];
    q->text.op = QN_OPERATOR_AND;
    q->text.slop = l->slop;
    q->text.max_expansions = 50;
    return 1;
}

/* "~3" of a phrase, if a number that fits in 32 bits follows. */
static void parse_slop(struct qn__quickwit *p, uint32_t *slop)
{
    size_t i = p->at + 1;
    uint64_t v = 0;
    while (i < p->s.n && p->s.p[i] >= '0' && p->s.p[i] <= '9' && v <= UINT32_MAX)
        v = v * 10 + (uint64_t)(p->s.p[i++] - '0');
    if (i > p->at + 1 && v <= UINT32_MAX) {
        *slop = (uint32_t)v;
        p->at = i;
    }
}

int qn__quickwit_term(struct qn__quickwit *p, struct qn_str field, const struct qn_query **out)
{
    struct literal l = {.from = p->leaf};
    const struct qn_str *fields;
    struct qn_query_list list = {0};
    int rc = parse_simple_term(p, &l.text, &l.delimiter);
    if (rc <= 0)
        return rc;
    l.prefix = qn__quickwit_take(p, "*");
    if (!l.prefix && qn__quickwit_peek(p) == '~')
        parse_slop(p, &l.slop);
    uint32_t n = leaf_fields(p, &field, &fields);
    if (n == 0)
        return leaf_error(p, l.from, "query requires a default search field and none was supplied");
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_query *q;
        rc = literal_on(p, &l, fields[i], &q);
        if (rc < 0)
            return rc;
        qn_query_list_add(p->ar, &list, q);
    }
    *out = qn__query_join(p->ar, &list, QN_OPERATOR_OR, qn__quickwit_pos(p, l.from));
    return *out ? 1 : QN_E_BUDGET;
}

/* Steps over "name ws* : ws*" and gives the name. */
int qn__quickwit_field(struct qn__quickwit *p, struct qn_str *out)
{
    size_t i = p->at;
    bool escapes = false;
    if (i < p->no_field_to || qn__quickwit_ends(p) || p->s.p[i] == '-' ||
        (p->s.p[i] == '\\' && !(i + 1 < p->s.n && is_field_special(p->s.p[i + 1]))) ||
        (is_field_special(p->s.p[i]) && p->s.p[i] != '\\'))
        return 0;
    while (i < p->s.n) {
        if (p->s.p[i] == '\\') {
            escapes = true;
            i += i + 1 < p->s.n && is_field_special(p->s.p[i + 1]) ? 2 : 1;
        } else if (is_field_special(p->s.p[i])) {
            break;
        } else {
            i++;
        }
    }
    struct qn_str name = {p->s.p + p->at, i - p->at};
    size_t colon = i;
    while (colon < p->s.n && qn__quickwit_is_separator(p->s.p[colon]))
        colon++;
    if (colon >= p->s.n || p->s.p[colon] != ':') {
        p->no_field_to = i;
        return 0;
    }
    p->at = colon + 1;
    qn__quickwit_skip_spaces(p);
    *out = name;
    if (!escapes)
        return 1;
    char *text = qn_arena_alloc_aligned(p->ar, name.n, 1);
    if (text == NULL)
        return QN_E_BUDGET;
    size_t n = 0;
    for (i = 0; i < name.n; i++) {
        if (name.p[i] == '\\' && i + 1 < name.n && is_field_special(name.p[i + 1]))
            i++;
        text[n++] = name.p[i];
    }
    *out = qn_str_make(text, n);
    return 1;
}
