/* Quickwit's query language, by recursive descent over the grammar of contract 5.1.
 *
 * Each parse function gives 1 when its construct was there (p->at is behind it), 0 when it was not
 * (p->at is where it was), or a negative code. The alternatives are tried in Quickwit's order, so
 * that odd texts are read as it reads them. Groups are entered once: no text takes exponential
 * time; and a failed search for a field's colon is remembered, so none takes quadratic time.
 *
 * Long because it is one grammar: its alternatives are tried in order and read side by side. */
#include "query_int.h"

#include "base/map.h"
#include "base/utf8.h"
#include "base/vec.h"

enum occur { OCCUR_NONE, OCCUR_MUST, OCCUR_SHOULD, OCCUR_MUST_NOT };
enum operand { OPERAND_NONE, OPERAND_AND, OPERAND_OR };

struct parser {
    struct qn_str s;
    size_t at;
    struct qn_arena *ar;
    const struct qn_parse_options *opt;
    struct qn_err *err;
    struct qn_str field; /* of the group we are in; .p == NULL: none */
    size_t no_field_to;  /* no field name begins before this offset */
    size_t furthest;     /* where a clause began or ended: errors point there */
    struct qn__limits used;
};

static bool is_separator(char c) /* nom's multispace */
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

static bool ends(const struct parser *p)
{
    return p->at >= p->s.n;
}

static char peek(const struct parser *p)
{
    return ends(p) ? '\0' : p->s.p[p->at];
}

static size_t skip_spaces(struct parser *p)
{
    size_t from = p->at;
    while (!ends(p) && is_separator(p->s.p[p->at]))
        p->at++;
    return p->at - from;
}

static bool take(struct parser *p, const char *z)
{
    size_t n = strlen(z);
    if (p->s.n - p->at < n || memcmp(p->s.p + p->at, z, n) != 0)
        return false;
    p->at += n;
    return true;
}

static uint32_t pos_of(const struct parser *p, size_t at)
{
    return p->opt->base_pos + (uint32_t)at;
}

static int count_node(struct parser *p, struct qn_query **out, enum qn_query_kind kind, size_t at)
{
    if (++p->used.nodes > QN_QUERY_NODES)
        return qn_fail_at(p->err, QN_E_TOO_LARGE, pos_of(p, at),
                          "the query has more than %d clauses", QN_QUERY_NODES);
    *out = qn_query_new(p->ar, kind, pos_of(p, at));
    if (*out == NULL)
        return QN_E_BUDGET;
    (*out)->lenient = p->opt->lenient;
    return 1;
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* s without the backslashes that made special characters literal; others stay for the wildcard
 * layer, which has its own meaning for them. */
static struct qn_str unescape(struct parser *p, struct qn_str s)
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
static int parse_quoted(struct parser *p, char quote, struct qn_str *out)
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
static int parse_negative(struct parser *p, struct qn_str *out)
{
    size_t i = p->at, digits;
    if (peek(p) != '-')
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

static int parse_word(struct parser *p, struct qn_str *out)
{
    size_t i = p->at;
    if (peek(p) == '-')
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

static int parse_simple_term(struct parser *p, struct qn_str *out, enum delimiter *delimiter)
{
    *delimiter = DELIMITER_NONE;
    int rc = parse_negative(p, out);
    if (rc == 0 && peek(p) == '\'') {
        *delimiter = DELIMITER_SINGLE;
        rc = parse_quoted(p, '\'', out);
    } else if (rc == 0 && peek(p) == '"') {
        *delimiter = DELIMITER_DOUBLE;
        rc = parse_quoted(p, '"', out);
    } else if (rc == 0) {
        rc = parse_word(p, out);
    }
    return rc;
}

/* ---- leaves ---------------------------------------------------------------------------------- */

static int leaf_error(struct parser *p, size_t at, const char *msg)
{
    return qn_fail_at(p->err, QN_E_INVALID, pos_of(p, at), "%s", msg);
}

/* The one field of a range or regex: its own, the group's, or the only default field. */
static int one_field(struct parser *p, struct qn_str *field, const char *what, size_t at)
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

static int parse_bound(struct parser *p, struct qn_str *out)
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
static int parse_comparison(struct parser *p, struct qn_query_range *r)
{
    struct qn_str v;
    bool greater = peek(p) == '>', exclusive;
    if (!greater && peek(p) != '<')
        return 0;
    p->at++;
    exclusive = !take(p, "=");
    skip_spaces(p);
    int rc = parse_bound(p, &v);
    if (rc > 0)
        *(greater ? &r->lower : &r->upper) = bound_of(v, exclusive);
    return rc;
}

static int parse_brackets(struct parser *p, struct qn_query_range *r)
{
    struct qn_str v;
    bool exclusive = peek(p) == '{';
    if (!exclusive && peek(p) != '[')
        return 0;
    p->at++;
    skip_spaces(p);
    int rc = parse_bound(p, &v);
    if (rc <= 0)
        return rc;
    r->lower = bound_of(v, exclusive);
    if (skip_spaces(p) == 0 || !take(p, "TO") || skip_spaces(p) == 0)
        return 0;
    rc = parse_bound(p, &v);
    if (rc <= 0)
        return rc;
    skip_spaces(p);
    if (peek(p) != ']' && peek(p) != '}')
        return 0;
    r->upper = bound_of(v, peek(p) == '}');
    p->at++;
    return 1;
}

static int parse_range(struct parser *p, struct qn_str field, const struct qn_query **out)
{
    size_t from = p->at;
    struct qn_query_range r = {0};
    struct qn_query *q;
    skip_spaces(p);
    int rc = parse_comparison(p, &r);
    if (rc == 0) {
        p->at = from;
        rc = parse_brackets(p, &r);
    }
    if (rc <= 0) {
        p->at = from;
        return rc;
    }
    rc = one_field(p, &field, "range", from);
    if (rc < 0 || (rc = count_node(p, &q, QN_QUERY_RANGE, from)) < 0)
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
static uint32_t leaf_fields(struct parser *p, const struct qn_str *field, const struct qn_str **out)
{
    const struct qn_str *one = qn__query_is_set(*field)     ? field
                               : qn__query_is_set(p->field) ? &p->field
                                                            : NULL;
    *out = one ? one : p->opt->default_fields;
    return one ? 1 : p->opt->n_default_fields;
}

static int make_set(struct parser *p, struct qn_str field, struct qn_literal *values, uint32_t n,
                    size_t from, const struct qn_query **out)
{
    const struct qn_str *fields;
    struct qn_query *q;
    uint32_t n_fields = leaf_fields(p, &field, &fields), kept = 0;
    if (n_fields == 0)
        return leaf_error(p, from, "set query need to target a specific field");
    int rc = count_node(p, &q, QN_QUERY_TERM_SET, from);
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

static int parse_set(struct parser *p, struct qn_str field, const struct qn_query **out)
{
    size_t from = p->at;
    QN_VEC(struct qn_literal) values = {0};
    int rc = 0;
    skip_spaces(p);
    if (!take(p, "IN") || skip_spaces(p) == 0 || !take(p, "["))
        goto out;
    skip_spaces(p);
    while (peek(p) != ']') {
        struct qn_str v;
        enum delimiter ignored;
        rc = parse_simple_term(p, &v, &ignored);
        if (rc <= 0)
            goto out;
        qn_vec_push(&values, qn__query_literal_str(v));
        rc = 0;
        if (values.n > QN_QUERY_NODES) {
            rc = qn_fail_at(p->err, QN_E_TOO_LARGE, pos_of(p, from),
                            "the set has more than %d values", QN_QUERY_NODES);
            goto out;
        }
        if (skip_spaces(p) == 0 && peek(p) != ']')
            goto out;
    }
    p->at++;
    struct qn_literal *kept = qn_arena_array(p->ar, struct qn_literal, values.n + 1);
    rc = QN_E_BUDGET;
    if (kept != NULL) {
        if (values.n > 0)
            memcpy(kept, values.p, values.n * sizeof *kept);
        rc = make_set(p, field, kept, (uint32_t)values.n, from, out);
    }
out:
    if (rc == 0)
        p->at = from;
    qn_vec_release(&values);
    return rc;
}

/* What follows a lone "*": the end, white space, or a special character. */
static bool star_ends(const struct parser *p, size_t at)
{
    return at >= p->s.n || (is_special(p->s.p[at]) && p->s.p[at] != '\\') ||
           space_len(p->s, at) > 0;
}

static int parse_exists(struct parser *p, struct qn_str field, const struct qn_query **out)
{
    size_t from = p->at;
    struct qn_query *q;
    skip_spaces(p);
    if (!qn__query_is_set(field) || peek(p) != '*' || !star_ends(p, p->at + 1)) {
        p->at = from;
        return 0;
    }
    p->at++;
    int rc = count_node(p, &q, QN_QUERY_EXISTS, from);
    if (rc < 0)
        return rc;
    q->exists = qn__query_where_field(field);
    *out = q;
    return 1;
}

static int parse_regex(struct parser *p, struct qn_str field, const struct qn_query **out)
{
    size_t from = p->at, i = from + 1, n = 0;
    struct qn_query *q;
    if (peek(p) != '/')
        return 0;
    while (i < p->s.n && p->s.p[i] != '/')
        i += p->s.p[i] == '\\' && i + 1 < p->s.n && p->s.p[i + 1] == '/' ? 2 : 1;
    if (i >= p->s.n || i == from + 1)
        return 0;
    char after = i + 1 < p->s.n ? p->s.p[i + 1] : ' ';
    if (!is_separator(after) && after != ')' && after != '^')
        return 0;
    char *text = qn_arena_alloc_aligned(p->ar, i - from, 1);
    if (text == NULL)
        return QN_E_BUDGET;
    for (size_t k = from + 1; k < i; k++)
        if (!(p->s.p[k] == '\\' && p->s.p[k + 1] == '/'))
            text[n++] = p->s.p[k];
    p->at = i + 1;
    int rc = one_field(p, &field, "regex", from);
    if (rc < 0 || (rc = count_node(p, &q, QN_QUERY_REGEX, from)) < 0)
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

static int literal_on(struct parser *p, const struct literal *l, struct qn_str field,
                      const struct qn_query **out)
{
    static const enum qn_text_mode modes[] = {QN_TEXT_PHRASE_OR_AND, QN_TEXT_BOOL, QN_TEXT_PHRASE};
    bool wildcard = !l->prefix && l->delimiter == DELIMITER_NONE && is_wildcard(l->text);
    struct qn_query *q;
    int rc = count_node(p, &q, wildcard ? QN_QUERY_WILDCARD : QN_QUERY_TEXT, l->from);
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
static void parse_slop(struct parser *p, uint32_t *slop)
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

static int parse_term(struct parser *p, struct qn_str field, const struct qn_query **out)
{
    struct literal l = {.from = p->at};
    const struct qn_str *fields;
    struct qn_query_list list = {0};
    int rc = parse_simple_term(p, &l.text, &l.delimiter);
    if (rc <= 0)
        return rc;
    l.prefix = take(p, "*");
    if (!l.prefix && peek(p) == '~')
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
    *out = qn__query_join(p->ar, &list, QN_OPERATOR_OR, pos_of(p, l.from));
    return *out ? 1 : QN_E_BUDGET;
}

static int parse_ast(struct parser *p, const struct qn_query **out);

/* Steps over "name ws* : ws*" and gives the name. */
static int parse_field(struct parser *p, struct qn_str *out)
{
    size_t i = p->at;
    bool escapes = false;
    if (i < p->no_field_to || ends(p) || p->s.p[i] == '-' ||
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
    while (colon < p->s.n && is_separator(p->s.p[colon]))
        colon++;
    if (colon >= p->s.n || p->s.p[colon] != ':') {
        p->no_field_to = i;
        return 0;
    }
    p->at = colon + 1;
    skip_spaces(p);
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

static int enter(struct parser *p)
{
    if (++p->used.depth > QN_QUERY_DEPTH)
        return qn_fail_at(p->err, QN_E_TOO_DEEP, pos_of(p, p->at),
                          "the query is nested more than %d levels deep", QN_QUERY_DEPTH);
    return QN_OK;
}

static int parse_group(struct parser *p, const struct qn_query **out)
{
    size_t from = p->at;
    int rc = enter(p);
    if (rc < 0)
        return rc;
    p->at++;
    rc = parse_ast(p, out);
    p->used.depth--;
    if (rc > 0 && !take(p, ")"))
        rc = 0;
    if (rc == 0)
        p->at = from;
    return rc;
}

static int parse_literal(struct parser *p, const struct qn_query **out)
{
    size_t from = p->at;
    struct qn_str field = QN_STR_NONE;
    int rc = parse_field(p, &field);
    if (rc < 0)
        return rc;
    rc = parse_range(p, field, out);
    if (rc == 0)
        rc = parse_set(p, field, out);
    if (rc == 0)
        rc = parse_exists(p, field, out);
    if (rc == 0)
        rc = parse_regex(p, field, out);
    if (rc == 0)
        rc = parse_term(p, field, out);
    if (rc == 0 && qn__query_is_set(field) && peek(p) == '(') {
        struct qn_str outer = p->field;
        p->field = field;
        rc = parse_group(p, out);
        p->field = outer;
    }
    if (rc == 0)
        p->at = from;
    return rc;
}

static int parse_leaf(struct parser *p, const struct qn_query **out)
{
    size_t from = p->at;
    if (peek(p) == '(')
        return parse_group(p, out);
    if (peek(p) == '*' && star_ends(p, p->at + 1)) {
        struct qn_query *q;
        p->at++;
        int rc =
            count_node(p, &q, qn__query_is_set(p->field) ? QN_QUERY_EXISTS : QN_QUERY_ALL, from);
        if (rc > 0 && qn__query_is_set(p->field))
            q->exists = qn__query_where_field(p->field);
        *out = rc > 0 ? q : NULL;
        return rc;
    }
    if (take(p, "NOT") && skip_spaces(p) > 0) {
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
static void parse_boost(struct parser *p, float *boost)
{
    size_t i = p->at + 1, digits = i;
    double v;
    if (peek(p) != '^')
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

static int parse_clause(struct parser *p, struct clause *c)
{
    size_t from = p->at;
    float boost = 1;
    c->occur = OCCUR_NONE;
    if (peek(p) == '-' || peek(p) == '+') {
        c->occur = peek(p) == '-' ? OCCUR_MUST_NOT : OCCUR_MUST;
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
static const struct qn_query *make_bool(struct parser *p, const struct clause *c, size_t n)
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
static void should_not(struct parser *p, struct clause *c)
{
    if (c->occur == OCCUR_MUST_NOT) {
        c->q = qn__query_not(p->ar, c->q);
        c->occur = OCCUR_SHOULD;
    } else if (c->occur == OCCUR_NONE) {
        c->occur = OCCUR_SHOULD;
    }
}

/* AND binds tighter: clauses joined by it make groups; the rest follows contract 5.2. */
static const struct qn_query *combine(struct parser *p, struct clause *c, size_t n)
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

static int parse_ast(struct parser *p, const struct qn_query **out)
{
    QN_VEC(struct clause) clauses = {0};
    size_t from = p->at;
    struct clause c = {0};
    skip_spaces(p);
    int rc = parse_clause(p, &c);
    if (rc <= 0)
        goto out;
    qn_vec_push(&clauses, c);
    size_t before = p->at;
    if (skip_spaces(p) == 0)
        goto combine;
    for (;;) {
        before = p->at;
        c = (struct clause){0};
        c.operand = take(p, "AND ") ? OPERAND_AND : take(p, "OR ") ? OPERAND_OR : OPERAND_NONE;
        skip_spaces(p);
        rc = parse_clause(p, &c);
        if (rc < 0)
            goto out;
        if (rc == 0)
            break;
        skip_spaces(p);
        qn_vec_push(&clauses, c);
    }
    p->at = before;
combine:
    skip_spaces(p);
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
    struct parser p = {.ar = ar, .opt = opt, .err = err};
    *out = NULL;
    p.s = qn_arena_str(ar, text);
    if (p.s.p == NULL || p.s.n >= UINT32_MAX / 2)
        return p.s.p ? qn_fail(err, QN_E_TOO_LARGE, "the query is too long") : QN_E_BUDGET;
    skip_spaces(&p);
    const struct qn_query *q = NULL;
    int rc = parse_ast(&p, &q);
    if (rc < 0)
        return rc;
    if (rc > 0 && !ends(&p))
        rc = 0;
    else if (rc == 0 && ends(&p)) {
        q = qn_query_new(ar, QN_QUERY_BOOL, opt->base_pos); /* no clause matches all */
        rc = q ? 1 : QN_E_BUDGET;
    }
    if (rc == 0)
        return qn_fail_at(err, QN_E_PARSE, pos_of(&p, p.furthest),
                          "failed to parse query: `%.*s%s`", (int)(text.n > 180 ? 180 : text.n),
                          text.p, text.n > 180 ? "..." : "");
    *out = q;
    return rc < 0 ? rc : qn_arena_failed(ar) ? QN_E_BUDGET : QN_OK;
}
