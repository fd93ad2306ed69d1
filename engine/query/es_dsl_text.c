/* match, match_phrase, match_phrase_prefix, match_bool_prefix, multi_match, query_string,
 * simple_query_string. */
#include "es_dsl_int.h"

/* Everything a text clause may say; each clause's table names what it allows. */
struct text_params {
    struct qn_query_text text;
    struct qn_json_val fields;
    struct qn_str type, default_field, time_zone, quote_suffix;
    enum qn_operator op;
    float tie_breaker;
    bool lenient, no_leading_wildcard, escape;
    uint32_t phrase_slop;
};

#define T(name, kind, field) DSL_PARAM(struct text_params, name, kind, field)
#define QUERY T("query", DSL_TEXT, text.text), T("analyzer", DSL_STR, text.analyzer)
#define ZERO T("zero_terms_query", DSL_ZERO_TERMS, text.zero_terms_all)
#define LENIENT T("lenient", DSL_BOOL, lenient)
#define WORDS                                                                                      \
    T("operator", DSL_OPERATOR, text.op),                                                          \
        T("minimum_should_match", DSL_COUNT_TEXT, text.min_should),                                \
        T("fuzziness", DSL_FUZZINESS, text.fuzzy),                                                 \
        T("prefix_length", DSL_U32, text.fuzzy.prefix_length),                                     \
        T("max_expansions", DSL_U32, text.max_expansions),                                         \
        T("fuzzy_transpositions", DSL_FLAG_OFF, text.fuzzy.no_transpositions),                     \
        T("fuzzy_rewrite", DSL_IGNORE, text),                                                      \
        T("auto_generate_synonyms_phrase_query", DSL_IGNORE, text),                                \
        T("cutoff_frequency", DSL_IGNORE, text)
#define SLOP T("slop", DSL_U32, text.slop)
#define EXPANSIONS T("max_expansions", DSL_U32, text.max_expansions)

static const struct dsl_param match_params[] = {QUERY, WORDS, ZERO, LENIENT};
static const struct dsl_param phrase_params[] = {QUERY, SLOP, ZERO, LENIENT};
static const struct dsl_param phrase_prefix_params[] = {QUERY, SLOP, EXPANSIONS, ZERO, LENIENT};
static const struct dsl_param multi_params[] = {
    QUERY,
    T("fields", DSL_VALUE, fields),
    T("type", DSL_STR, type),
    T("tie_breaker", DSL_F32, tie_breaker),
    SLOP,
    WORDS,
    ZERO,
    LENIENT,
};

static void finish_text(struct qn_query *q, struct text_params *p)
{
    q->text = p->text;
    q->text.fuzzy.max_expansions = p->text.max_expansions;
    q->lenient = p->lenient;
}

static int check_text(struct dsl *d, const char *clause, struct qn_json_val v,
                      const struct text_params *p)
{
    uint32_t ignored;
    if (!qn__query_is_set(p->text.text))
        return qn__dsl_fail(d, v, QN_E_MISSING, "[%s] no text specified for query", clause);
    if (qn__query_is_set(p->text.min_should) &&
        qn_min_should_match(p->text.min_should, 1, &ignored) < 0)
        return qn__dsl_fail(d, v, QN_E_INVALID,
                            "[%s] invalid minimum_should_match `" QN_STR_FMT "`", clause,
                            QN_STR_ARG(qn_str_first(p->text.min_should, 60)));
    return QN_OK;
}

int qn__dsl_match(struct dsl *d, const char *clause, struct qn_json_val v, struct qn_query **out)
{
    static const struct {
        const char *clause;
        enum qn_text_mode mode;
        const struct dsl_param *params;
        size_t n;
    } kinds[] = {
        {"match", QN_TEXT_BOOL, match_params, QN_COUNT_OF(match_params)},
        {"match_bool_prefix", QN_TEXT_BOOL_PREFIX, match_params, QN_COUNT_OF(match_params)},
        {"match_phrase", QN_TEXT_PHRASE, phrase_params, QN_COUNT_OF(phrase_params)},
        {"match_phrase_prefix", QN_TEXT_PHRASE_PREFIX, phrase_prefix_params,
         QN_COUNT_OF(phrase_prefix_params)},
    };
    struct text_params p = {.text.max_expansions = 50};
    struct qn_json_val value;
    struct qn_str field;
    size_t kind = 0;
    int rc = qn__dsl_new(d, QN_QUERY_TEXT, v, out);
    if (rc == QN_OK)
        rc = qn__dsl_one_field(d, clause, v, &field, &value);
    if (rc < 0)
        return rc;
    while (strcmp(kinds[kind].clause, clause) != 0)
        kind++;
    if (qn_json_is_obj(value))
        rc = qn__dsl_params(d, clause, value, kinds[kind].params, kinds[kind].n, &p, *out);
    else
        rc = qn__dsl_value(d, clause, &match_params[0], value, &p);
    if (rc == QN_OK)
        rc = check_text(d, clause, value, &p);
    (*out)->pos = (uint32_t)qn_json_pos(value);
    p.text.where = qn__query_where_field(field);
    p.text.mode = kinds[kind].mode;
    finish_text(*out, &p);
    return rc;
}

/* `fields`, with "^boost" taken apart. */
static int read_fields(struct dsl *d, const char *clause, const struct text_params *p,
                       struct qn_parse_options *opt)
{
    if (p->fields.t == NULL || qn_json_is_null(p->fields))
        return QN_OK;
    return qn__dsl_strings(d, clause, "fields", p->fields, &opt->default_fields,
                           &opt->n_default_fields);
}

static const struct {
    const char *name;
    enum qn_text_mode mode;
    enum qn_fields_mode fields;
} multi_types[] = {
    {"best_fields", QN_TEXT_BOOL, QN_FIELDS_BEST},
    {"most_fields", QN_TEXT_BOOL, QN_FIELDS_SUM},
    {"cross_fields", QN_TEXT_BOOL, QN_FIELDS_CROSS},
    {"phrase", QN_TEXT_PHRASE, QN_FIELDS_BEST},
    {"phrase_prefix", QN_TEXT_PHRASE_PREFIX, QN_FIELDS_BEST},
    {"bool_prefix", QN_TEXT_BOOL_PREFIX, QN_FIELDS_SUM},
};

static int find_type(struct dsl *d, const char *clause, struct qn_json_val v, struct qn_str type,
                     size_t *out)
{
    *out = 0;
    if (!qn__query_is_set(type))
        return QN_OK;
    for (size_t i = 0; i < QN_COUNT_OF(multi_types); i++)
        if (qn_str_is(type, multi_types[i].name)) {
            *out = i;
            return QN_OK;
        }
    return qn__dsl_fail(d, v, QN_E_INVALID,
                        "[%s] failed to parse type [" QN_STR_FMT "]; known: best_fields, "
                        "most_fields, cross_fields, phrase, phrase_prefix, bool_prefix",
                        clause, QN_STR_ARG(qn_str_first(type, 40)));
}

int qn__dsl_multi_match(struct dsl *d, const char *clause, struct qn_json_val v,
                        struct qn_query **out)
{
    struct text_params p = {.text.max_expansions = 50};
    struct qn_parse_options opt = {0};
    size_t type = 0;
    int rc = qn__dsl_new(d, QN_QUERY_TEXT, v, out);
    if (rc == QN_OK)
        rc = qn__dsl_params(d, clause, v, multi_params, QN_COUNT_OF(multi_params), &p, *out);
    if (rc == QN_OK)
        rc = check_text(d, clause, v, &p);
    if (rc == QN_OK)
        rc = read_fields(d, clause, &p, &opt);
    if (rc == QN_OK)
        rc = find_type(d, clause, v, p.type, &type);
    if (rc < 0)
        return rc;
    opt.fields_mode = multi_types[type].fields;
    opt.tie_breaker = p.tie_breaker;
    opt.lenient = p.lenient || opt.n_default_fields == 0;
    p.text.mode = multi_types[type].mode;
    p.text.where.fields = qn__query_fields_of(d->ar, &opt);
    finish_text(*out, &p);
    return p.text.where.fields ? QN_OK : QN_E_BUDGET;
}

/* ---- query strings */

#define STRING_PARAMS                                                                              \
    QUERY, T("fields", DSL_VALUE, fields), T("default_operator", DSL_OPERATOR, op), LENIENT,       \
        T("minimum_should_match", DSL_COUNT_TEXT, text.min_should),                                \
        T("analyze_wildcard", DSL_IGNORE, text),                                                   \
        T("fuzzy_max_expansions", DSL_U32, text.max_expansions),                                   \
        T("fuzzy_prefix_length", DSL_U32, text.fuzzy.prefix_length),                               \
        T("fuzzy_transpositions", DSL_FLAG_OFF, text.fuzzy.no_transpositions),                     \
        T("quote_field_suffix", DSL_STR, quote_suffix),                                            \
        T("auto_generate_synonyms_phrase_query", DSL_IGNORE, text)

static const struct dsl_param query_string_params[] = {
    STRING_PARAMS,
    T("default_field", DSL_STR, default_field),
    T("type", DSL_STR, type),
    T("tie_breaker", DSL_F32, tie_breaker),
    T("phrase_slop", DSL_U32, phrase_slop),
    T("fuzziness", DSL_FUZZINESS, text.fuzzy),
    T("time_zone", DSL_STR, time_zone),
    T("escape", DSL_BOOL, escape),
    T("allow_leading_wildcard", DSL_FLAG_OFF, no_leading_wildcard),
    T("rewrite", DSL_IGNORE, text),
    T("fuzzy_rewrite", DSL_IGNORE, text),
    T("quote_analyzer", DSL_IGNORE, text),
    T("max_determinized_states", DSL_IGNORE, text),
    T("enable_position_increments", DSL_IGNORE, text),
    T("auto_generate_phrase_queries", DSL_IGNORE, text),
};

static const struct dsl_param simple_string_params[] = {
    STRING_PARAMS,
    T("flags", DSL_IGNORE, text),
};

static void string_options(struct text_params *p, struct qn_parse_options *opt,
                           struct qn_json_val v)
{
    opt->op = p->op;
    opt->lenient = p->lenient;
    struct qn_json_val text;
    opt->base_pos = (uint32_t)qn_json_pos(qn_json_get(v, "query", &text) ? text : v) + 1;
    opt->tie_breaker = p->tie_breaker;
    opt->no_leading_wildcard = p->no_leading_wildcard;
    opt->escape = p->escape;
    opt->phrase_slop = p->phrase_slop;
    opt->fuzzy = p->text.fuzzy;
    opt->fuzzy.max_expansions = p->text.max_expansions;
    opt->min_should = p->text.min_should;
    opt->analyzer = p->text.analyzer;
    opt->time_zone = p->time_zone;
    opt->quote_suffix = p->quote_suffix;
    if (qn__query_is_set(p->default_field) && opt->n_default_fields == 0) {
        opt->default_fields = &p->default_field;
        opt->n_default_fields = 1;
    }
    if (opt->n_default_fields == 1 && qn_str_is(opt->default_fields[0], "*"))
        opt->n_default_fields = 0;
    if (opt->n_default_fields == 0)
        opt->lenient = true; /* all fields, whatever their type */
}

/* Quickwit's own language, when the text is that and no Lucene syntax. */
static int try_quickwit(struct dsl *d, struct qn_str text, const struct qn_parse_options *opt,
                        struct qn_query *shell)
{
    static const struct qn_str any = {"*", 1};
    struct qn_parse_options strict = *opt;
    const struct qn_query *parsed;
    strict.default_fields = opt->n_default_fields ? opt->default_fields : &any;
    strict.n_default_fields = opt->n_default_fields ? opt->n_default_fields : 1;
    int rc = qn_query_parse_quickwit(&parsed, d->ar, text, &strict, NULL);
    if (rc < 0)
        return rc;
    struct qn_str *names = qn_arena_array(d->ar, struct qn_str, opt->n_default_fields + 1);
    if (names == NULL)
        return QN_E_BUDGET;
    for (uint32_t i = 0; i < opt->n_default_fields; i++)
        names[i] = opt->default_fields[i];
    shell->kind = QN_QUERY_USER_TEXT;
    shell->lenient = opt->lenient;
    shell->user_text = (struct qn_query_user_text){text, opt->n_default_fields ? names : NULL,
                                                   opt->n_default_fields, opt->op};
    return QN_OK;
}

static int finish_string(struct dsl *d, int rc, const struct qn_query *parsed,
                         struct qn_query *shell)
{
    if (rc < 0)
        return rc;
    struct qn_query *q = qn__query_copy(d->ar, parsed);
    if (q == NULL)
        return QN_E_BUDGET;
    if (qn__query_is_set(shell->name) || shell->boost != 1) {
        /* The name and boost of the clause belong to all of it. */
        q->boost *= shell->boost;
        q->name = shell->name;
    }
    *shell = *q;
    return QN_OK;
}

int qn__dsl_query_string(struct dsl *d, const char *clause, struct qn_json_val v,
                         struct qn_query **out)
{
    struct text_params p = {.text.max_expansions = 50};
    struct qn_parse_options opt = {0};
    const struct qn_query *parsed = NULL;
    struct qn_err err = {0};
    size_t type = 0;
    int rc = qn__dsl_new(d, QN_QUERY_ALL, v, out);
    if (rc == QN_OK)
        rc = qn__dsl_params(d, clause, v, query_string_params, QN_COUNT_OF(query_string_params), &p,
                            *out);
    if (rc == QN_OK)
        rc = check_text(d, clause, v, &p);
    if (rc == QN_OK)
        rc = read_fields(d, clause, &p, &opt);
    if (rc == QN_OK)
        rc = find_type(d, clause, v, p.type, &type);
    if (rc < 0)
        return rc;
    if (qn__query_is_set(p.default_field) && opt.n_default_fields > 0)
        return qn__dsl_fail(d, v, QN_E_INVALID,
                            "[query_string] `fields` and `default_field` cannot both be set");
    string_options(&p, &opt, v);
    opt.fields_mode = multi_types[type].fields;
    rc = qn_query_parse_lucene(&parsed, d->ar, p.text.text, &opt, &err);
    if (rc == QN_E_PARSE && try_quickwit(d, p.text.text, &opt, *out) == QN_OK)
        return QN_OK;
    if (rc < 0 && d->err != NULL && d->err->code == 0)
        *d->err = err;
    return finish_string(d, rc, parsed, *out);
}

static int read_flags(struct dsl *d, struct qn_json_val v, uint32_t *out)
{
    static const struct {
        const char *name;
        uint32_t flag;
    } rows[] = {
        {"ALL", 0},
        {"NONE", QN_SIMPLE_NONE},
        {"AND", QN_SIMPLE_AND},
        {"OR", QN_SIMPLE_OR},
        {"NOT", QN_SIMPLE_NOT},
        {"PREFIX", QN_SIMPLE_PREFIX},
        {"PHRASE", QN_SIMPLE_PHRASE},
        {"PRECEDENCE", QN_SIMPLE_PRECEDENCE},
        {"ESCAPE", QN_SIMPLE_ESCAPE},
        {"WHITESPACE", QN_SIMPLE_WHITESPACE},
        {"FUZZY", QN_SIMPLE_FUZZY},
        {"NEAR", QN_SIMPLE_NEAR},
        {"SLOP", QN_SIMPLE_NEAR},
    };
    struct qn_str rest = qn_json_str(v), part;
    *out = 0;
    if (!qn_json_is_str(v) || rest.n == 0)
        return QN_OK; /* -1 and the like: all */
    while (qn_str_split(&rest, '|', &part)) {
        size_t i = 0;
        part = qn_str_trim(part);
        while (i < QN_COUNT_OF(rows) && !qn_str_eq_nocase(part, qn_str_of(rows[i].name)))
            i++;
        if (i == QN_COUNT_OF(rows))
            return qn__dsl_fail(d, v, QN_E_INVALID,
                                "[simple_query_string] unknown flag [" QN_STR_FMT "]",
                                QN_STR_ARG(qn_str_first(part, 40)));
        if (rows[i].flag == 0) {
            *out = 0;
            return QN_OK;
        }
        *out |= rows[i].flag;
    }
    return QN_OK;
}

int qn__dsl_simple_query_string(struct dsl *d, const char *clause, struct qn_json_val v,
                                struct qn_query **out)
{
    struct text_params p = {.text.max_expansions = 50};
    struct qn_parse_options opt = {0};
    const struct qn_query *parsed = NULL;
    struct qn_json_val flags;
    int rc = qn__dsl_new(d, QN_QUERY_ALL, v, out);
    if (rc == QN_OK)
        rc = qn__dsl_params(d, clause, v, simple_string_params, QN_COUNT_OF(simple_string_params),
                            &p, *out);
    if (rc == QN_OK)
        rc = check_text(d, clause, v, &p);
    if (rc == QN_OK)
        rc = read_fields(d, clause, &p, &opt);
    if (rc == QN_OK && qn_json_get(v, "flags", &flags))
        rc = read_flags(d, flags, &opt.simple_flags);
    if (rc < 0)
        return rc;
    string_options(&p, &opt, v);
    opt.fields_mode = QN_FIELDS_BEST;
    opt.tie_breaker = 1;
    rc = qn_query_parse_simple(&parsed, d->ar, p.text.text, &opt, d->err);
    return finish_string(d, rc, parsed, *out);
}
