/* Quickwit's query AST JSON (contract 5.7), written. Trees that Quickwit can make are written
 * exactly as it does; what it lacks has types and keys of our own, left out at their defaults. */
#include "query_int.h"

static void write_literal(struct qn_jw *w, const struct qn_literal *v)
{
    if (v->kind == QN_LITERAL_STR)
        qn_jw_str(w, v->text);
    else
        qn_jw_raw(w, v->text);
}

static void write_opt(struct qn_jw *w, const char *key, struct qn_str v)
{
    if (qn__query_is_set(v))
        qn_jw_kv_str(w, key, v);
}

static void write_flag(struct qn_jw *w, const char *key, bool v)
{
    if (v)
        qn_jw_kv_bool(w, key, true);
}

static void write_f32(struct qn_jw *w, float v)
{
    char text[QN_F64_MAX];
    qn_jw_raw(w, qn_str_make(text, qn_f32_print(text, v, QN_F64_SERDE)));
}

static const char *const fields_modes[] = {"best", "sum", "cross"};

static void write_where(struct qn_jw *w, const struct qn_query_where *where)
{
    if (qn__query_is_set(where->field)) {
        qn_jw_kv_str(w, "field", where->field);
        return;
    }
    qn_jw_key(w, "fields"), qn_jw_obj(w);
    qn_jw_key(w, "names"), qn_jw_arr(w);
    for (uint32_t i = 0; i < where->fields->n; i++)
        qn_jw_str(w, where->fields->names[i]);
    qn_jw_end(w);
    qn_jw_key(w, "boosts"), qn_jw_arr(w);
    for (uint32_t i = 0; i < where->fields->n; i++)
        write_f32(w, where->fields->boosts[i]);
    qn_jw_end(w);
    qn_jw_kv_z(w, "mode", fields_modes[where->fields->mode]);
    qn_jw_key(w, "tie_breaker"), write_f32(w, where->fields->tie_breaker);
    qn_jw_kv_bool(w, "lenient", where->fields->lenient);
    qn_jw_end(w);
}

static void write_fuzzy(struct qn_jw *w, const struct qn_fuzziness *f)
{
    if (!f->set)
        return;
    if (f->automatic)
        qn_jw_key(w, "fuzziness"), qn_jw_printf(w, "AUTO:%u,%u", f->low, f->high);
    else
        qn_jw_key(w, "fuzziness"), qn_jw_printf(w, "%u", f->edits);
    qn_jw_kv_u64(w, "prefix_length", f->prefix_length);
    qn_jw_kv_u64(w, "fuzzy_max_expansions", f->max_expansions);
    qn_jw_kv_bool(w, "transpositions", !f->no_transpositions);
}

static const char *operator_name(enum qn_operator op)
{
    return op == QN_OPERATOR_AND ? "And" : "Or";
}

static void write_mode(struct qn_jw *w, const struct qn_query_text *t)
{
    qn_jw_key(w, "mode"), qn_jw_obj(w);
    switch (t->mode) {
    case QN_TEXT_BOOL:
        qn_jw_kv_z(w, "type", "bool");
        qn_jw_kv_z(w, "operator", operator_name(t->op));
        break;
    case QN_TEXT_BOOL_PREFIX:
        qn_jw_kv_z(w, "type", "bool_prefix");
        qn_jw_kv_z(w, "operator", operator_name(t->op));
        qn_jw_kv_u64(w, "max_expansions", t->max_expansions);
        break;
    case QN_TEXT_PHRASE_OR_AND:
        qn_jw_kv_z(w, "type", "phrase_fallback_to_intersection");
        break;
    case QN_TEXT_PHRASE:
    case QN_TEXT_PHRASE_PREFIX:
        qn_jw_kv_z(w, "type", "phrase");
        if (t->slop != 0)
            qn_jw_kv_u64(w, "slop", t->slop);
        break;
    }
    qn_jw_end(w);
}

static void write_text(struct qn_jw *w, const struct qn_query *q)
{
    const struct qn_query_text *t = &q->text;
    bool prefix = t->mode == QN_TEXT_PHRASE_PREFIX;
    qn_jw_kv_z(w, "type", prefix ? "phrase_prefix" : "full_text");
    write_where(w, &t->where);
    qn_jw_kv_str(w, prefix ? "phrase" : "text", t->text);
    if (prefix)
        qn_jw_kv_u64(w, "max_expansions", t->max_expansions);
    qn_jw_key(w, "params"), qn_jw_obj(w);
    write_opt(w, "tokenizer", t->analyzer);
    write_mode(w, t);
    if (t->zero_terms_all)
        qn_jw_kv_z(w, "zero_terms_query", "all");
    qn_jw_end(w);
    write_opt(w, "minimum_should_match", t->min_should);
    write_fuzzy(w, &t->fuzzy);
    qn_jw_kv_bool(w, "lenient", q->lenient);
}

static void write_term_set(struct qn_jw *w, const struct qn_query_term_set *set)
{
    qn_jw_kv_z(w, "type", "term_set");
    qn_jw_key(w, "terms_per_field"), qn_jw_obj(w);
    for (uint32_t g = 0; g < set->n; g++) {
        qn_jw_key_str(w, set->groups[g].field), qn_jw_arr(w);
        for (uint32_t i = 0; i < set->groups[g].n; i++)
            write_literal(w, &set->groups[g].values[i]);
        qn_jw_end(w);
    }
    qn_jw_end(w);
}

static void write_bound(struct qn_jw *w, const char *key, const struct qn_query_bound *b)
{
    qn_jw_key(w, key);
    if (b->kind == QN_BOUND_NONE) {
        qn_jw_z(w, "Unbounded");
        return;
    }
    qn_jw_obj(w);
    qn_jw_key(w, b->kind == QN_BOUND_INCLUDED ? "Included" : "Excluded");
    write_literal(w, &b->value);
    qn_jw_end(w);
}

static void write_user_text(struct qn_jw *w, const struct qn_query *q)
{
    const struct qn_query_user_text *u = &q->user_text;
    qn_jw_kv_z(w, "type", "user_input");
    qn_jw_kv_str(w, "user_text", u->text);
    if (u->default_fields != NULL) {
        qn_jw_key(w, "default_fields"), qn_jw_arr(w);
        for (uint32_t i = 0; i < u->n_default_fields; i++)
            qn_jw_str(w, u->default_fields[i]);
        qn_jw_end(w);
    }
    qn_jw_kv_z(w, "default_operator", operator_name(u->op));
    qn_jw_kv_bool(w, "lenient", q->lenient);
}

static void write_pattern(struct qn_jw *w, const struct qn_query *q)
{
    const struct qn_query_pattern *p = &q->pattern;
    qn_jw_kv_z(w, "type", qn_query_kind_name((enum qn_query_kind)q->kind));
    write_where(w, &p->where);
    if (q->kind == QN_QUERY_REGEX) {
        qn_jw_kv_str(w, "regex", p->text);
        write_flag(w, "lucene", p->syntax == QN_REGEX_LUCENE);
        write_flag(w, "lenient", q->lenient);
        write_flag(w, "case_insensitive", p->case_insensitive);
        return;
    }
    qn_jw_kv_str(w, "value", p->text);
    if (q->kind == QN_QUERY_FUZZY)
        write_fuzzy(w, &p->fuzzy);
    qn_jw_kv_bool(w, "lenient", q->lenient);
    qn_jw_kv_bool(w, "case_insensitive", p->case_insensitive);
}

static void write_list(struct qn_jw *w, const char *key, const struct qn_query_list *list)
{
    if (list->n == 0)
        return;
    qn_jw_key(w, key), qn_jw_arr(w);
    for (uint32_t i = 0; i < list->n; i++)
        qn_query_write_json(w, list->p[i]);
    qn_jw_end(w);
}

static void write_child(struct qn_jw *w, const char *key, const struct qn_query *q)
{
    qn_jw_key(w, key);
    qn_query_write_json(w, q);
}

static void write_bool(struct qn_jw *w, const struct qn_query_bool *b)
{
    qn_jw_kv_z(w, "type", "bool");
    write_list(w, "must", &b->must);
    write_list(w, "must_not", &b->must_not);
    write_list(w, "should", &b->should);
    write_list(w, "filter", &b->filter);
    if (b->min_should >= 0)
        qn_jw_kv_i64(w, "minimum_should_match", b->min_should);
}

static void write_score_function(struct qn_jw *w, const struct qn_score_function *f)
{
    qn_jw_obj(w);
    qn_jw_kv_u64(w, "kind", f->kind);
    qn_jw_kv_f64(w, "weight", f->weight);
    if (f->filter != NULL)
        write_child(w, "filter", f->filter);
    write_opt(w, "field", f->field);
    if (f->kind == QN_FUNCTION_FIELD_FACTOR) {
        qn_jw_kv_f64(w, "factor", f->factor);
        qn_jw_kv_u64(w, "modifier", f->modifier);
        if (f->has_missing)
            qn_jw_kv_f64(w, "missing", f->missing);
    }
    if (f->has_seed)
        qn_jw_kv_u64(w, "seed", f->seed);
    if (f->kind >= QN_FUNCTION_GAUSS) {
        if (qn__query_is_set(f->origin.text))
            qn_jw_key(w, "origin"), write_literal(w, &f->origin);
        qn_jw_key(w, "scale"), write_literal(w, &f->scale);
        qn_jw_key(w, "offset"), write_literal(w, &f->offset);
        qn_jw_kv_f64(w, "decay", f->decay);
        qn_jw_kv_u64(w, "multi_value", f->multi_value);
    }
    qn_jw_end(w);
}

static void write_function(struct qn_jw *w, const struct qn_query_function *f)
{
    qn_jw_kv_z(w, "type", "function_score");
    write_child(w, "query", f->child);
    qn_jw_key(w, "functions"), qn_jw_arr(w);
    for (uint32_t i = 0; i < f->n; i++)
        write_score_function(w, &f->functions[i]);
    qn_jw_end(w);
    qn_jw_kv_u64(w, "score_mode", f->score_mode);
    qn_jw_kv_u64(w, "boost_mode", f->boost_mode);
    qn_jw_kv_f64(w, "max_boost", f->max_boost);
    if (f->has_min_score)
        qn_jw_kv_f64(w, "min_score", f->min_score);
}

static void write_combinator(struct qn_jw *w, const struct qn_query *q)
{
    switch (q->kind) {
    case QN_QUERY_BOOL:
        write_bool(w, &q->bools);
        break;
    case QN_QUERY_CONSTANT:
        qn_jw_kv_z(w, "type", "constant_score");
        write_child(w, "filter", q->child);
        break;
    case QN_QUERY_DIS_MAX:
        qn_jw_kv_z(w, "type", "dis_max");
        write_list(w, "queries", &q->dis_max.any);
        qn_jw_key(w, "tie_breaker"), write_f32(w, q->dis_max.tie_breaker);
        break;
    case QN_QUERY_BOOSTING:
        qn_jw_kv_z(w, "type", "boosting");
        write_child(w, "positive", q->boosting.positive);
        write_child(w, "negative", q->boosting.negative);
        qn_jw_key(w, "negative_boost"), write_f32(w, q->boosting.negative_boost);
        break;
    case QN_QUERY_FUNCTION:
        write_function(w, &q->function);
        break;
    default:
        qn_jw_kv_z(w, "type", "nested");
        qn_jw_kv_str(w, "path", q->nested.path);
        write_child(w, "query", q->nested.child);
        qn_jw_kv_u64(w, "score_mode", q->nested.score_mode);
        qn_jw_kv_bool(w, "ignore_unmapped", q->nested.ignore_unmapped);
        break;
    }
}

static void write_leaf(struct qn_jw *w, const struct qn_query *q)
{
    switch (q->kind) {
    case QN_QUERY_USER_TEXT:
        write_user_text(w, q);
        break;
    case QN_QUERY_TEXT:
        write_text(w, q);
        break;
    case QN_QUERY_TERM:
        qn_jw_kv_z(w, "type", "term");
        write_where(w, &q->term.where);
        qn_jw_key(w, "value"), write_literal(w, &q->term.value);
        write_flag(w, "case_insensitive", q->term.case_insensitive);
        write_flag(w, "lenient", q->lenient);
        break;
    case QN_QUERY_TERM_SET:
        write_term_set(w, &q->term_set);
        write_flag(w, "lenient", q->lenient);
        break;
    case QN_QUERY_RANGE:
        qn_jw_kv_z(w, "type", "range");
        write_where(w, &q->range.where);
        write_bound(w, "lower_bound", &q->range.lower);
        write_bound(w, "upper_bound", &q->range.upper);
        write_opt(w, "format", q->range.format);
        write_opt(w, "time_zone", q->range.time_zone);
        write_flag(w, "lenient", q->lenient);
        break;
    case QN_QUERY_EXISTS:
        qn_jw_kv_z(w, "type", "field_presence");
        write_where(w, &q->exists);
        write_flag(w, "lenient", q->lenient);
        break;
    case QN_QUERY_IDS:
        qn_jw_kv_z(w, "type", "ids");
        qn_jw_key(w, "values"), qn_jw_arr(w);
        for (uint32_t i = 0; i < q->ids.n; i++)
            qn_jw_str(w, q->ids.ids[i]);
        qn_jw_end(w);
        break;
    default:
        write_pattern(w, q);
        break;
    }
}

static void write_plain(struct qn_jw *w, const struct qn_query *q)
{
    qn_jw_obj(w);
    if (q->kind == QN_QUERY_ALL || q->kind == QN_QUERY_NONE)
        qn_jw_kv_z(w, "type", q->kind == QN_QUERY_ALL ? "match_all" : "match_none");
    else if (q->kind <= QN_QUERY_NESTED)
        write_combinator(w, q);
    else
        write_leaf(w, q);
    write_opt(w, "_name", q->name);
    qn_jw_end(w);
}

void qn_query_write_json(struct qn_jw *w, const struct qn_query *q)
{
    QN_ASSERT(q->kind <= QN_QUERY_IDS); /* bound trees stay where they were bound */
    if (q->boost == 1) {
        write_plain(w, q);
        return;
    }
    qn_jw_obj(w);
    qn_jw_kv_z(w, "type", "boost");
    qn_jw_key(w, "underlying");
    write_plain(w, q);
    qn_jw_key(w, "boost"), write_f32(w, q->boost);
    qn_jw_end(w);
}
