/* The tree as text. Complete: two trees that print alike mean the same, which qn_query_equal and
 * the removal of duplicates rely on. */
#include "query_int.h"

#include "base/time.h"
#include "json/number.h"

static void put_z(struct qn_buf *b, const char *z)
{
    qn_buf_put_z(b, z);
}

static void put_quoted(struct qn_buf *b, struct qn_str s)
{
    qn_json_quote(b, s);
}

static void put_f64(struct qn_buf *b, double v)
{
    char num[QN_F64_MAX];
    if (v - v != 0) {
        put_z(b, v > 0 ? "inf" : v < 0 ? "-inf" : "nan");
        return;
    }
    qn_buf_put(b, num, qn_f64_print(num, v, QN_F64_SERDE));
}

static void put_f32(struct qn_buf *b, float v)
{
    char num[QN_F64_MAX];
    qn_buf_put(b, num, qn_f32_print(num, v, QN_F64_SERDE));
}

static void put_literal(struct qn_buf *b, const struct qn_literal *v)
{
    if (v->kind == QN_LITERAL_STR)
        put_quoted(b, v->text);
    else
        qn_buf_put_str(b, v->text);
}

static void put_where(struct qn_buf *b, const struct qn_query_where *w)
{
    static const char *const modes[] = {"best", "sum", "cross"};
    if (qn__query_is_set(w->field)) {
        qn_buf_put_str(b, w->field);
    } else if (w->fields != NULL) {
        qn_buf_printf(b, "%s(", modes[w->fields->mode]);
        for (uint32_t i = 0; i < w->fields->n; i++) {
            if (i > 0)
                qn_buf_put_u8(b, ' ');
            qn_buf_put_str(b, w->fields->names[i]);
            if (w->fields->boosts[i] != 1) {
                qn_buf_put_u8(b, '^');
                put_f32(b, w->fields->boosts[i]);
            }
        }
        qn_buf_put_u8(b, ')');
        if (w->fields->tie_breaker != 0) {
            qn_buf_put_u8(b, '~');
            put_f32(b, w->fields->tie_breaker);
        }
        if (w->fields->lenient)
            qn_buf_put_u8(b, '?');
    }
    qn_buf_put_u8(b, ':');
}

/* Optional parts come as {key=value, ...} behind a leaf. */
struct extras {
    struct qn_buf *b;
    bool open;
};

static void extra(struct extras *x, const char *key)
{
    put_z(x->b, x->open ? ", " : "{");
    put_z(x->b, key);
    x->open = true;
}

static void extra_str(struct extras *x, const char *key, struct qn_str v)
{
    if (!qn__query_is_set(v))
        return;
    extra(x, key);
    put_quoted(x->b, v);
}

static void extra_fuzzy(struct extras *x, const struct qn_fuzziness *f)
{
    if (!f->set)
        return;
    extra(x, "fuzzy=");
    if (f->automatic)
        qn_buf_printf(x->b, "auto:%u,%u", f->low, f->high);
    else
        qn_buf_printf(x->b, "%u", f->edits);
    if (f->prefix_length != 0)
        qn_buf_printf(x->b, "/prefix %u", f->prefix_length);
    if (f->max_expansions != 50)
        qn_buf_printf(x->b, "/max %u", f->max_expansions);
    if (f->no_transpositions)
        put_z(x->b, "/no transpositions");
}

static void extras_end(struct extras *x)
{
    if (x->open)
        qn_buf_put_u8(x->b, '}');
}

static bool is_plain(struct qn_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '_' || c == '-' || c == '.' || (uint8_t)c >= 0x80))
            return false;
    }
    return s.n > 0;
}

static void print_text(struct qn_buf *b, const struct qn_query_text *t)
{
    struct extras x = {b, false};
    put_where(b, &t->where);
    if (t->mode == QN_TEXT_BOOL || t->mode == QN_TEXT_BOOL_PREFIX) {
        put_z(b, t->op == QN_OPERATOR_AND ? "all" : "any");
        put_z(b, t->mode == QN_TEXT_BOOL_PREFIX ? "_prefix(" : "(");
        put_quoted(b, t->text);
        qn_buf_put_u8(b, ')');
    } else if (t->mode == QN_TEXT_PHRASE_OR_AND && is_plain(t->text)) {
        qn_buf_put_str(b, t->text);
    } else if (t->mode == QN_TEXT_PHRASE_OR_AND) {
        put_z(b, "words(");
        put_quoted(b, t->text);
        qn_buf_put_u8(b, ')');
    } else {
        put_quoted(b, t->text);
        if (t->mode == QN_TEXT_PHRASE_PREFIX)
            qn_buf_put_u8(b, '*');
        if (t->slop != 0)
            qn_buf_printf(b, "~%u", t->slop);
    }
    extra_str(&x, "analyzer=", t->analyzer);
    extra_str(&x, "min_should=", t->min_should);
    if (t->zero_terms_all)
        extra(&x, "zero_terms=all");
    bool expands = t->mode == QN_TEXT_BOOL_PREFIX || t->mode == QN_TEXT_PHRASE_PREFIX;
    if (expands && t->max_expansions != 50) {
        extra(&x, "max_expansions=");
        qn_buf_printf(b, "%u", t->max_expansions);
    }
    extra_fuzzy(&x, &t->fuzzy);
    extras_end(&x);
}

static void print_term_set(struct qn_buf *b, const struct qn_query_term_set *set)
{
    if (set->n != 1)
        qn_buf_put_u8(b, '(');
    for (uint32_t g = 0; g < set->n; g++) {
        if (g > 0)
            qn_buf_put_u8(b, ' ');
        qn_buf_put_str(b, set->groups[g].field);
        put_z(b, ":IN [");
        for (uint32_t i = 0; i < set->groups[g].n; i++) {
            if (i > 0)
                qn_buf_put_u8(b, ' ');
            put_literal(b, &set->groups[g].values[i]);
        }
        qn_buf_put_u8(b, ']');
    }
    if (set->n != 1)
        qn_buf_put_u8(b, ')');
}

static void put_bound(struct qn_buf *b, const struct qn_query_bound *v)
{
    if (v->kind == QN_BOUND_NONE)
        qn_buf_put_u8(b, '*');
    else
        put_literal(b, &v->value);
}

static void print_range(struct qn_buf *b, const struct qn_query_range *r)
{
    struct extras x = {b, false};
    put_where(b, &r->where);
    qn_buf_put_u8(b, r->lower.kind == QN_BOUND_EXCLUDED ? '{' : '[');
    put_bound(b, &r->lower);
    put_z(b, " TO ");
    put_bound(b, &r->upper);
    qn_buf_put_u8(b, r->upper.kind == QN_BOUND_EXCLUDED ? '}' : ']');
    extra_str(&x, "format=", r->format);
    extra_str(&x, "time_zone=", r->time_zone);
    extras_end(&x);
}

static void print_pattern(struct qn_buf *b, const struct qn_query *q)
{
    struct extras x = {b, false};
    const struct qn_query_pattern *p = &q->pattern;
    put_where(b, &p->where);
    qn_buf_printf(b, "%s(", qn_query_kind_name((enum qn_query_kind)q->kind));
    put_quoted(b, p->text);
    qn_buf_put_u8(b, ')');
    if (p->case_insensitive)
        extra(&x, "case_insensitive");
    if (q->kind == QN_QUERY_REGEX && p->syntax == QN_REGEX_LUCENE)
        extra(&x, "lucene");
    if (q->kind == QN_QUERY_FUZZY)
        extra_fuzzy(&x, &p->fuzzy);
    extras_end(&x);
}

static void print_user_text(struct qn_buf *b, const struct qn_query_user_text *u)
{
    struct extras x = {b, false};
    put_z(b, "user_text(");
    put_quoted(b, u->text);
    qn_buf_put_u8(b, ')');
    extra(&x, u->op == QN_OPERATOR_AND ? "and" : "or");
    if (u->default_fields != NULL) {
        extra(&x, "fields=");
        for (uint32_t i = 0; i < u->n_default_fields; i++) {
            if (i > 0)
                qn_buf_put_u8(b, ' ');
            qn_buf_put_str(b, u->default_fields[i]);
        }
    }
    extras_end(&x);
}

static void print_strings(struct qn_buf *b, const char *head, const struct qn_str *p, uint32_t n)
{
    put_z(b, head);
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0)
            put_z(b, ", ");
        put_quoted(b, p[i]);
    }
    qn_buf_put_u8(b, '}');
}

/* ---- bound leaves */

static void put_value(struct qn_buf *b, const struct qn_value *v)
{
    char text[QN_IP_MAX];
    switch (v->type) {
    case QN_VALUE_NONE:
        qn_buf_put_u8(b, '*');
        break;
    case QN_VALUE_STR:
        put_quoted(b, v->str);
        break;
    case QN_VALUE_I64:
        qn_buf_printf(b, "%lld", (long long)v->i64);
        break;
    case QN_VALUE_U64:
        qn_buf_printf(b, "%lluu", (unsigned long long)v->u64);
        break;
    case QN_VALUE_F64:
        put_f64(b, v->f64);
        break;
    case QN_VALUE_BOOL:
        put_z(b, v->b ? "true" : "false");
        break;
    case QN_VALUE_DATE: {
        char date[40];
        qn_buf_put(b, date, qn_rfc3339_print(date, v->i64, v->i64 % 1000000000 == 0 ? 0 : 9));
        break;
    }
    case QN_VALUE_IP:
        qn_buf_put(b, text, qn_ip_print(text, v->ip));
        break;
    case QN_VALUE_BYTES:
        put_z(b, "0x");
        qn_hex_print(b, v->str);
        break;
    }
}

static void put_target(struct qn_buf *b, const struct qn_query_target *t)
{
    qn_buf_put_str(b, t->field->path);
    if (t->path.n > 0) {
        qn_buf_put_u8(b, '/');
        qn_buf_put_str(b, t->path);
    }
}

static void print_has_any(struct qn_buf *b, const struct qn_query_has_any *h)
{
    put_target(b, &h->target);
    put_z(b, h->scored ? " in scored {" : " in {");
    for (uint32_t i = 0; i < h->n; i++) {
        if (i > 0)
            put_z(b, ", ");
        put_value(b, &h->values[i]);
    }
    qn_buf_put_u8(b, '}');
}

static void print_has_phrase(struct qn_buf *b, const struct qn_query_has_phrase *h)
{
    put_target(b, &h->target);
    put_z(b, "=[");
    for (uint32_t i = 0; i < h->n; i++) {
        if (i > 0)
            qn_buf_put_u8(b, ' ');
        put_quoted(b, h->terms[i].text);
        if (h->terms[i].position != i)
            qn_buf_printf(b, "@%u", h->terms[i].position);
    }
    put_z(b, h->last_is_prefix ? "*]" : "]");
    if (h->slop != 0)
        qn_buf_printf(b, "~%u", h->slop);
    if (h->last_is_prefix && h->max_expansions != 50)
        qn_buf_printf(b, "{max_expansions=%u}", h->max_expansions);
}

static void print_in_range(struct qn_buf *b, const struct qn_query_in_range *r)
{
    put_target(b, &r->target);
    put_z(b, r->on_terms ? " in terms " : " in ");
    qn_buf_put_u8(b, r->exclude_lower ? '(' : '[');
    put_value(b, &r->lower);
    put_z(b, ", ");
    put_value(b, &r->upper);
    qn_buf_put_u8(b, r->exclude_upper ? ')' : ']');
    if (r->target.path.n > 0)
        qn_buf_printf(b, " as %s", qn_value_type_name((enum qn_value_type)r->target.type));
}

static void print_has_field(struct qn_buf *b, const struct qn_query_has_field *h)
{
    put_z(b, "has(");
    for (uint32_t i = 0; i < h->n; i++) {
        if (i > 0)
            qn_buf_put_u8(b, '|');
        put_target(b, &h->targets[i]);
    }
    put_z(b, h->subtree ? ")*" : ")");
}

static void print_has_pattern(struct qn_buf *b, const struct qn_query_has_pattern *h)
{
    static const char *const names[] = {"prefix", "wildcard", "regex", "fuzzy"};
    struct extras x = {b, false};
    put_target(b, &h->target);
    qn_buf_printf(b, "~%s(", names[h->kind]);
    put_quoted(b, h->text);
    qn_buf_put_u8(b, ')');
    if (h->kind == QN_PATTERN_FUZZY) {
        extra(&x, "edits=");
        qn_buf_printf(b, "%u", h->edits);
        if (h->prefix_chars != 0)
            qn_buf_printf(b, "/prefix %u", h->prefix_chars);
        if (h->no_transpositions)
            put_z(b, "/no transpositions");
    }
    if (h->case_insensitive)
        extra(&x, "case_insensitive");
    if (h->kind == QN_PATTERN_REGEX && h->syntax == QN_REGEX_LUCENE)
        extra(&x, "lucene");
    if (h->max_expansions != UINT32_MAX) {
        extra(&x, "max_expansions=");
        qn_buf_printf(b, "%u", h->max_expansions);
    }
    extras_end(&x);
}

/* ---- combinators */

static void print_list(struct qn_buf *b, const struct qn_query_list *list, const char *sign,
                       bool *first)
{
    for (uint32_t i = 0; i < list->n; i++) {
        if (!*first)
            qn_buf_put_u8(b, ' ');
        *first = false;
        put_z(b, sign);
        qn_query_print(b, list->p[i]);
    }
}

static void print_bool(struct qn_buf *b, const struct qn_query_bool *q)
{
    bool first = true;
    qn_buf_put_u8(b, '(');
    print_list(b, &q->must, "+", &first);
    print_list(b, &q->filter, "#", &first);
    print_list(b, &q->should, "", &first);
    print_list(b, &q->must_not, "-", &first);
    qn_buf_put_u8(b, ')');
    if (q->min_should >= 0)
        qn_buf_printf(b, "~%d", q->min_should);
}

static const char *const score_modes[] = {"multiply", "sum", "avg",    "first",
                                          "max",      "min", "replace"};

static void print_score_function(struct qn_buf *b, const struct qn_score_function *f)
{
    static const char *const kinds[] = {"weight", "field", "random", "gauss", "exp", "linear"};
    static const char *const modifiers[] = {"none", "log",  "log1p",  "log2p", "ln",
                                            "ln1p", "ln2p", "square", "sqrt",  "reciprocal"};
    qn_buf_printf(b, ", %s(", kinds[f->kind]);
    qn_buf_put_str(b, f->field);
    if (f->kind == QN_FUNCTION_FIELD_FACTOR) {
        put_z(b, " factor ");
        put_f64(b, f->factor);
        qn_buf_printf(b, " %s", modifiers[f->modifier]);
        if (f->has_missing) {
            put_z(b, " missing ");
            put_f64(b, f->missing);
        }
    } else if (f->kind == QN_FUNCTION_RANDOM && f->has_seed) {
        qn_buf_printf(b, " seed %llu", (unsigned long long)f->seed);
    } else if (f->kind >= QN_FUNCTION_GAUSS) {
        put_z(b, " origin ");
        put_literal(b, &f->origin);
        put_z(b, " scale ");
        put_literal(b, &f->scale);
        put_z(b, " offset ");
        put_literal(b, &f->offset);
        put_z(b, " decay ");
        put_f64(b, f->decay);
        qn_buf_printf(b, " %s", score_modes[f->multi_value]);
    }
    qn_buf_put_u8(b, ')');
    if (f->weight != 1) {
        qn_buf_put_u8(b, '*');
        put_f64(b, f->weight);
    }
    if (f->filter != NULL) {
        put_z(b, " if ");
        qn_query_print(b, f->filter);
    }
}

static void print_function(struct qn_buf *b, const struct qn_query_function *f)
{
    put_z(b, "function(");
    qn_query_print(b, f->child);
    for (uint32_t i = 0; i < f->n; i++)
        print_score_function(b, &f->functions[i]);
    qn_buf_printf(b, ", %s, %s", score_modes[f->score_mode], score_modes[f->boost_mode]);
    if (f->max_boost < 3.4e38) {
        put_z(b, ", max ");
        put_f64(b, f->max_boost);
    }
    if (f->has_min_score) {
        put_z(b, ", min_score ");
        put_f64(b, f->min_score);
    }
    qn_buf_put_u8(b, ')');
}

static void print_combinator(struct qn_buf *b, const struct qn_query *q)
{
    switch (q->kind) {
    case QN_QUERY_BOOL:
        print_bool(b, &q->bools);
        break;
    case QN_QUERY_CONSTANT:
        put_z(b, "constant(");
        qn_query_print(b, q->child);
        qn_buf_put_u8(b, ')');
        break;
    case QN_QUERY_DIS_MAX: {
        bool first = true;
        put_z(b, "max(");
        print_list(b, &q->dis_max.any, "", &first);
        qn_buf_put_u8(b, ')');
        if (q->dis_max.tie_breaker != 0) {
            qn_buf_put_u8(b, '~');
            put_f32(b, q->dis_max.tie_breaker);
        }
        break;
    }
    case QN_QUERY_BOOSTING:
        put_z(b, "demote(");
        qn_query_print(b, q->boosting.positive);
        put_z(b, ", ");
        qn_query_print(b, q->boosting.negative);
        put_z(b, ", ");
        put_f32(b, q->boosting.negative_boost);
        qn_buf_put_u8(b, ')');
        break;
    case QN_QUERY_FUNCTION:
        print_function(b, &q->function);
        break;
    default:
        put_z(b, "nested(");
        qn_buf_put_str(b, q->nested.path);
        put_z(b, ", ");
        qn_query_print(b, q->nested.child);
        qn_buf_printf(b, ", %s%s)", score_modes[q->nested.score_mode],
                      q->nested.ignore_unmapped ? ", ignore_unmapped" : "");
        break;
    }
}

static void print_meant(struct qn_buf *b, const struct qn_query *q)
{
    switch (q->kind) {
    case QN_QUERY_USER_TEXT:
        print_user_text(b, &q->user_text);
        break;
    case QN_QUERY_TEXT:
        print_text(b, &q->text);
        break;
    case QN_QUERY_TERM:
        put_where(b, &q->term.where);
        put_z(b, q->term.case_insensitive ? "term_nocase(" : "term(");
        put_literal(b, &q->term.value);
        qn_buf_put_u8(b, ')');
        break;
    case QN_QUERY_TERM_SET:
        print_term_set(b, &q->term_set);
        break;
    case QN_QUERY_RANGE:
        print_range(b, &q->range);
        break;
    case QN_QUERY_EXISTS:
        put_where(b, &q->exists);
        qn_buf_put_u8(b, '*');
        break;
    case QN_QUERY_IDS:
        print_strings(b, "ids {", q->ids.ids, q->ids.n);
        break;
    default:
        print_pattern(b, q);
        break;
    }
}

static void print_bound(struct qn_buf *b, const struct qn_query *q)
{
    switch (q->kind) {
    case QN_QUERY_HAS_TERM:
        put_target(b, &q->has_term.target);
        qn_buf_put_u8(b, '=');
        put_value(b, &q->has_term.value);
        break;
    case QN_QUERY_HAS_ANY:
        print_has_any(b, &q->has_any);
        break;
    case QN_QUERY_HAS_PHRASE:
        print_has_phrase(b, &q->has_phrase);
        break;
    case QN_QUERY_IN_RANGE:
        print_in_range(b, &q->in_range);
        break;
    case QN_QUERY_HAS_FIELD:
        print_has_field(b, &q->has_field);
        break;
    case QN_QUERY_HAS_PATTERN:
        print_has_pattern(b, &q->has_pattern);
        break;
    default:
        print_strings(b, "id in {", q->ids.ids, q->ids.n);
        break;
    }
}

void qn_query_print(struct qn_buf *out, const struct qn_query *q)
{
    if (q->kind == QN_QUERY_ALL)
        qn_buf_put_u8(out, '*');
    else if (q->kind == QN_QUERY_NONE)
        put_z(out, "nothing");
    else if (q->kind <= QN_QUERY_NESTED)
        print_combinator(out, q);
    else if (q->kind <= QN_QUERY_IDS)
        print_meant(out, q);
    else
        print_bound(out, q);
    if (q->lenient && q->kind >= QN_QUERY_USER_TEXT && q->kind < QN_QUERY_IDS)
        qn_buf_put_u8(out, '?');
    if (q->boost != 1) {
        qn_buf_put_u8(out, '^');
        put_f32(out, q->boost);
    }
    if (qn__query_is_set(q->name)) {
        qn_buf_put_u8(out, '@');
        put_quoted(out, q->name);
    }
}
