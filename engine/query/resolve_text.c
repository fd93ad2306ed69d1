/* Texts on a field: cut into terms by its analyzer, then a term, a disjunction, a conjunction or a
 * phrase; and prefixes, wildcards, regexes and fuzzy words. */
#include "resolve_int.h"

#include "base/vec.h"

struct word {
    struct qn_str text;
    uint32_t position;
};
struct words {
    struct word *p;
    uint32_t n;
};

/* ---- analyzing */

/* The analyzer of a text: the query's own, the field's, or none because the text is one value. */
static int choose_analyzer(struct resolver *r, const struct on_field *on,
                           const struct qn_analyzer **out)
{
    const struct qn_field *f = on->field;
    struct qn_str name = on->q->kind == QN_QUERY_TEXT ? on->q->text.analyzer : QN_STR_NONE;
    *out = f->analyzer;
    if (qn__query_is_set(name)) {
        *out = qn_mapping_analyzer(r->m, name);
        if (*out == NULL)
            return r->quickwit
                       ? qn__query_mistake(r, on->q, QN_E_INVALID,
                                           "no tokenizer named `" QN_STR_FMT "` is registered",
                                           QN_STR_ARG(qn_str_first(name, 80)))
                       : qn__query_mistake(r, on->q, QN_E_INVALID,
                                           "analyzer [" QN_STR_FMT "] not found",
                                           QN_STR_ARG(qn_str_first(name, 80)));
        return QN_OK;
    }
    if (!f->indexed || *out == NULL) { /* a column holds whole values */
        if (!f->columnar)
            return qn__query_mistake(r, on->q, QN_E_INVALID,
                                     "query is incompatible with schema. field " QN_STR_FMT
                                     " is not full-text searchable)",
                                     QN_STR_ARG(qn_str_first(f->path, 100)));
        *out = qn_analyzer_find(QN_STR("raw"));
    }
    return QN_OK;
}

static int analyze(struct resolver *r, const struct on_field *on, struct qn_str text,
                   struct words *out)
{
    const struct qn_analyzer *an;
    const struct qn_token *t;
    QN_VEC(struct word) words = {0};
    int n, rc = choose_analyzer(r, on, &an);
    *out = (struct words){0};
    if (rc < 0)
        return rc;
    qn_analyze_begin(r->opt->scratch, an, text);
    while (rc == QN_OK && (n = qn_analyze_next(r->opt->scratch, &t)) != 0) {
        if (n < 0)
            rc = qn__query_mistake(r, on->q, n, "the text is too expensive for its tokenizer");
        else if (words.n + (uint32_t)n > r->max_terms)
            rc = qn__query_mistake(r, on->q, QN_E_TOO_LARGE, "the text has more than %u terms",
                                   r->max_terms);
        for (int i = 0; rc == QN_OK && i < n; i++) {
            struct word w = {qn_arena_str(r->ar, qn_str_make(t[i].text, t[i].len)), t[i].position};
            if (w.text.p == NULL)
                rc = QN_E_BUDGET;
            qn_vec_push(&words, w);
        }
    }
    if (rc == QN_OK && words.n > 0) {
        out->n = (uint32_t)words.n;
        out->p = qn_arena_array(r->ar, struct word, words.n);
        if (out->p != NULL)
            memcpy(out->p, words.p, words.n * sizeof *words.p);
        else
            rc = QN_E_BUDGET;
    }
    qn_vec_release(&words);
    return rc;
}

/* ---- leaves of words */

static const struct qn_query *pattern(struct resolver *r, const struct on_field *on,
                                      enum qn_pattern_kind kind, struct qn_str text,
                                      uint32_t max_expansions)
{
    struct qn_query *q = qn__query_bound_new(r, on, QN_QUERY_HAS_PATTERN);
    if (q == NULL)
        return NULL;
    q->has_pattern.target = qn__query_target(on, QN_VALUE_STR);
    q->has_pattern.kind = kind;
    q->has_pattern.text = text;
    q->has_pattern.max_expansions = max_expansions;
    return q;
}

static const struct qn_query *word_term(struct resolver *r, const struct on_field *on,
                                        struct qn_str text)
{
    struct qn_value v = {.type = QN_VALUE_STR, .str = text};
    return qn__query_has_term(r, on, &v);
}

static const struct qn_query *fuzzy_word(struct resolver *r, const struct on_field *on,
                                         struct qn_str text, const struct qn_fuzziness *f)
{
    uint8_t edits = qn__query_fuzziness_edits(f, qn__query_char_count(text));
    if (edits == 0)
        return word_term(r, on, text);
    struct qn_query *q = qn__query_copy(
        r->ar, pattern(r, on, QN_PATTERN_FUZZY, text, f->max_expansions ? f->max_expansions : 50));
    if (q == NULL)
        return NULL;
    q->has_pattern.edits = edits;
    q->has_pattern.no_transpositions = f->no_transpositions;
    q->has_pattern.prefix_chars = f->prefix_length;
    return q;
}

/* OR or AND of the words, the last one perhaps a prefix. */
static int bool_of_words(struct resolver *r, const struct on_field *on, const struct words *w,
                         enum qn_operator op, bool last_is_prefix, const struct qn_query **out)
{
    const struct qn_query_text *t = &on->q->text;
    struct qn_query_list list = {0};
    for (uint32_t i = 0; i < w->n; i++) {
        bool prefix = last_is_prefix && i == w->n - 1;
        qn_query_list_add(r->ar, &list,
                          prefix         ? pattern(r, on, QN_PATTERN_PREFIX, w->p[i].text,
                                           w->n == 1 ? UINT32_MAX : t->max_expansions)
                          : t->fuzzy.set ? fuzzy_word(r, on, w->p[i].text, &t->fuzzy)
                                         : word_term(r, on, w->p[i].text));
    }
    struct qn_query *q = qn__query_copy(r->ar, qn__query_join(r->ar, &list, op, on->q->pos));
    if (q == NULL)
        return QN_E_BUDGET;
    if (qn__query_is_set(t->min_should) && op == QN_OPERATOR_OR) {
        uint32_t least;
        int rc = qn_min_should_match(t->min_should, w->n, &least);
        if (rc < 0)
            return qn__query_mistake(r, on->q, rc, "invalid minimum_should_match `" QN_STR_FMT "`",
                                     QN_STR_ARG(qn_str_first(t->min_should, 60)));
        if (least > w->n)
            q = qn_query_new(r->ar, QN_QUERY_NONE, on->q->pos);
        else if (q->kind == QN_QUERY_BOOL && least > 0)
            q->bools.min_should = (int32_t)least;
    }
    *out = q;
    return q ? QN_OK : QN_E_BUDGET;
}

static bool has_positions(const struct on_field *on)
{
    return on->field->indexed && on->field->record == QN_RECORD_POSITION;
}

static int phrase_of_words(struct resolver *r, const struct on_field *on, const struct words *w,
                           bool last_is_prefix, const struct qn_query **out)
{
    const struct qn_query_text *t = &on->q->text;
    bool spread = w->p[w->n - 1].position != w->p[0].position;
    if (!has_positions(on)) {
        if (r->quickwit && t->mode != QN_TEXT_PHRASE_OR_AND)
            return qn__query_mistake(
                r, on->q, QN_E_INVALID, "query is incompatible with schema. %s)",
                last_is_prefix ? "trying to run a PhrasePrefix query on a field which does not "
                                 "have positions indexed"
                               : "Applied phrase query on field which does not have positions "
                                 "indexed");
        return bool_of_words(r, on, w, QN_OPERATOR_AND, last_is_prefix, out);
    }
    if (!spread) /* n-grams of one word: all at one position */
        return bool_of_words(r, on, w, QN_OPERATOR_AND, last_is_prefix, out);
    struct qn_query *q = qn__query_bound_new(r, on, QN_QUERY_HAS_PHRASE);
    struct qn_phrase_term *terms = qn_arena_array(r->ar, struct qn_phrase_term, w->n);
    if (q == NULL || terms == NULL)
        return QN_E_BUDGET;
    for (uint32_t i = 0; i < w->n; i++)
        terms[i] = (struct qn_phrase_term){w->p[i].text, w->p[i].position - w->p[0].position};
    q->has_phrase = (struct qn_query_has_phrase){qn__query_target(on, QN_VALUE_STR),
                                                 terms,
                                                 w->n,
                                                 t->slop,
                                                 last_is_prefix,
                                                 t->max_expansions};
    *out = q;
    return QN_OK;
}

static int words_on(struct resolver *r, const struct on_field *on, const struct qn_query **out)
{
    const struct qn_query_text *t = &on->q->text;
    struct words w;
    int rc = analyze(r, on, t->text, &w);
    if (rc < 0)
        return rc;
    if (w.n == 0) {
        *out = qn_query_new(r->ar, t->zero_terms_all ? QN_QUERY_ALL : QN_QUERY_NONE, on->q->pos);
        return QN_OK;
    }
    switch (t->mode) {
    case QN_TEXT_BOOL:
        return bool_of_words(r, on, &w, t->op, false, out);
    case QN_TEXT_BOOL_PREFIX:
        return bool_of_words(r, on, &w, t->op, true, out);
    case QN_TEXT_PHRASE:
    case QN_TEXT_PHRASE_OR_AND:
    case QN_TEXT_PHRASE_PREFIX:
        if (w.n == 1)
            return bool_of_words(r, on, &w, QN_OPERATOR_AND, t->mode == QN_TEXT_PHRASE_PREFIX, out);
        return phrase_of_words(r, on, &w, t->mode == QN_TEXT_PHRASE_PREFIX, out);
    }
    return QN_E_BUG;
}

int qn__resolve_text(struct resolver *r, const struct on_field *on, const struct qn_query **out)
{
    const struct qn_query_text *t = &on->q->text;
    if (on->field->type == QN_FIELD_TEXT)
        return words_on(r, on, out);
    if (on->field->type != QN_FIELD_JSON) {
        if (t->mode == QN_TEXT_PHRASE_PREFIX && r->quickwit)
            return qn__query_mismatch(
                r, on, out, QN_E_INVALID,
                "query is incompatible with schema. trying to run a PhrasePrefix "
                "query on a non-text field)");
        return qn__resolve_text_value(r, on, t->text, out);
    }
    struct qn_query_list list = {0};
    struct qn_literal v = qn__query_literal_str(t->text);
    const struct qn_query *text = NULL;
    int rc = t->mode == QN_TEXT_PHRASE_PREFIX ? QN_OK : qn__query_json_variants(r, on, &v, &list);
    if (rc == QN_OK && (on->field->indexed || list.n == 0)) {
        rc = words_on(r, on, &text);
        if (rc == QN_OK && text != NULL && (text->kind != QN_QUERY_NONE || list.n == 0))
            qn_query_list_add(r->ar, &list, text);
    }
    if (rc == QN_OK)
        *out = qn__query_or(r, on->q, &list);
    return rc;
}

/* ---- cross fields */

/* Term by term over the fields: a document may have one word in one field and the next in another.
 * That needs the same words in each, so fields with other words are left to match alone. */
int qn__resolve_cross_fields(struct resolver *r, const struct qn_query *q,
                             const struct qn_query **out)
{
    const struct qn_query_text *t = &q->text;
    struct qn__names names = {0};
    struct qn_query_list terms = {0};
    struct words first = {0};
    QN_VEC(struct on_field) fields = {0};
    QN_VEC(float) boosts = {0};
    bool alike = true;
    int rc = qn__query_expand_names(r, q, t->where.fields, &names);
    for (uint32_t i = 0; rc == QN_OK && i < names.n; i++) {
        struct on_field on = {.q = q, .lenient = true};
        struct words w;
        rc = qn__query_find_field(r, names.names[i], &on);
        if (rc <= 0)
            continue;
        rc = QN_OK;
        if (on.field->type != QN_FIELD_TEXT) {
            alike = false;
            continue;
        }
        rc = analyze(r, &on, t->text, &w);
        if (rc < 0)
            break;
        alike &= fields.n == 0 || w.n == first.n;
        for (uint32_t k = 0; alike && fields.n > 0 && k < w.n; k++)
            alike &= qn_str_eq(w.p[k].text, first.p[k].text);
        first = fields.n == 0 ? w : first;
        qn_vec_push(&fields, on);
        qn_vec_push(&boosts, names.boosts[i]);
    }
    if (rc == QN_OK && (!alike || first.n == 0 || fields.n == 0)) {
        rc = qn__query_on_fields(r, q, &t->where, qn__resolve_text, out);
        goto out;
    }
    for (uint32_t k = 0; rc == QN_OK && k < first.n; k++) {
        struct qn_query *any = qn_query_new(r->ar, QN_QUERY_DIS_MAX, q->pos);
        if (any == NULL) {
            rc = QN_E_BUDGET;
            break;
        }
        any->dis_max.tie_breaker = t->where.fields->tie_breaker;
        for (size_t i = 0; i < fields.n; i++)
            qn_query_list_add(
                r->ar, &any->dis_max.any,
                qn__query_boost(r->ar, word_term(r, &fields.p[i], first.p[k].text), boosts.p[i]));
        qn_query_list_add(r->ar, &terms, any);
    }
    if (rc == QN_OK) {
        struct qn_query *all = qn__query_copy(r->ar, qn__query_join(r->ar, &terms, t->op, q->pos));
        uint32_t least;
        if (all != NULL && all->kind == QN_QUERY_BOOL && t->op == QN_OPERATOR_OR &&
            qn__query_is_set(t->min_should) &&
            qn_min_should_match(t->min_should, first.n, &least) == QN_OK && least > 0)
            all->bools.min_should = (int32_t)least;
        *out = all;
        rc = all ? QN_OK : QN_E_BUDGET;
    }
out:
    qn_vec_release(&fields);
    qn_vec_release(&boosts);
    return rc;
}

/* ---- patterns */

struct qn_str qn__query_normalize_literal(struct resolver *r, const struct qn_field *f,
                                          struct qn_str s)
{
    const struct qn_analyzer *an = f->analyzer ? qn_analyzer_normalizer(f->analyzer) : NULL;
    struct qn_str out;
    if (an == NULL || s.n == 0)
        return s;
    qn_normalize(r->opt->scratch, an, s, &out);
    return out.p ? qn_arena_str(r->ar, out) : out;
}

/* The literal pieces of a wildcard normalized, wildcards and escapes kept. False: a piece has no
 * token. */
static bool normalize_wildcard(struct resolver *r, const struct qn_field *f, struct qn_str s,
                               struct qn_buf *out)
{
    struct qn_buf piece;
    bool ok = true;
    qn_buf_init(&piece, SIZE_MAX);
    for (size_t i = 0; ok && i <= s.n; i++) {
        bool wild = i < s.n && (s.p[i] == '*' || s.p[i] == '?');
        if (i < s.n && !wild) {
            if (s.p[i] == '\\' && ++i >= s.n)
                break; /* a backslash at the end means nothing */
            qn_buf_put_u8(&piece, (uint8_t)s.p[i]);
            continue;
        }
        if (piece.n > 0) {
            struct qn_str term = qn__query_normalize_literal(r, f, qn_buf_str(&piece));
            ok = term.p != NULL;
            for (size_t k = 0; ok && k < term.n; k++) {
                if (term.p[k] == '*' || term.p[k] == '?' || term.p[k] == '\\')
                    qn_buf_put_u8(out, '\\');
                qn_buf_put_u8(out, (uint8_t)term.p[k]);
            }
            qn_buf_clear(&piece);
        }
        if (wild)
            qn_buf_put_u8(out, (uint8_t)s.p[i]);
    }
    if (ok && piece.n > 0) { /* only after a trailing backslash */
        struct qn_str term = qn__query_normalize_literal(r, f, qn_buf_str(&piece));
        ok = term.p != NULL;
        if (ok)
            qn_buf_put_str(out, term);
    }
    qn_buf_release(&piece);
    return ok;
}

static int wildcard(struct resolver *r, const struct on_field *on, const struct qn_query **out)
{
    struct qn_buf text;
    struct qn_str copy = QN_STR_NONE;
    qn_buf_init(&text, SIZE_MAX);
    bool ok = normalize_wildcard(r, on->field, on->q->pattern.text, &text);
    if (ok)
        copy = qn_arena_str(r->ar, text.n ? qn_buf_str(&text) : QN_STR(""));
    qn_buf_release(&text);
    if (!ok)
        return qn__query_mismatch(r, on, out, QN_E_INVALID, "normalizer generated no content");
    if (copy.p == NULL)
        return QN_E_BUDGET;
    struct qn_query *q =
        qn__query_copy(r->ar, pattern(r, on, QN_PATTERN_WILDCARD, copy, UINT32_MAX));
    if (q == NULL)
        return QN_E_BUDGET;
    q->has_pattern.case_insensitive = on->q->pattern.case_insensitive;
    *out = q;
    return QN_OK;
}

static const char *pattern_name(const struct qn_query *q)
{
    switch (q->kind) {
    case QN_QUERY_PREFIX:
        return "prefix";
    case QN_QUERY_WILDCARD:
        return "wildcard";
    case QN_QUERY_REGEX:
        return "regexp";
    default:
        return "fuzzy";
    }
}

static int not_text(struct resolver *r, const struct on_field *on, const struct qn_query **out)
{
    if (r->quickwit)
        return qn__query_mismatch(
            r, on, out, QN_E_INVALID,
            "query is incompatible with schema. trying to run a %s query on a "
            "non-text field)",
            on->q->kind == QN_QUERY_REGEX ? "Regex" : "Wildcard");
    return qn__query_mismatch(
        r, on, out, QN_E_INVALID,
        "Can only use %s queries on keyword, text and wildcard fields - not on "
        "[" QN_STR_FMT "] which is of type [%s]",
        pattern_name(on->q), QN_STR_ARG(qn_str_first(on->name, 60)), qn_field_es_name(on->field));
}

int qn__resolve_pattern(struct resolver *r, const struct on_field *on, const struct qn_query **out)
{
    const struct qn_query_pattern *p = &on->q->pattern;
    struct qn_query *q = NULL;
    struct qn_str text;
    if (on->field->type != QN_FIELD_TEXT && on->field->type != QN_FIELD_JSON) {
        /* Elasticsearch: a fuzzy number is the number. */
        if (on->q->kind == QN_QUERY_FUZZY && !r->quickwit)
            return qn__resolve_text_value(r, on, p->text, out);
        return not_text(r, on, out);
    }
    if (!on->field->indexed && !on->field->columnar)
        return qn__query_mismatch(r, on, out, QN_E_INVALID,
                                  "query is incompatible with schema. field " QN_STR_FMT
                                  " is not full-text searchable)",
                                  QN_STR_ARG(qn_str_first(on->field->path, 100)));
    switch (on->q->kind) {
    case QN_QUERY_WILDCARD:
        return wildcard(r, on, out);
    case QN_QUERY_PREFIX:
        text = qn__query_normalize_literal(r, on->field, p->text);
        q = text.p ? qn__query_copy(r->ar, pattern(r, on, QN_PATTERN_PREFIX, text, UINT32_MAX))
                   : qn_query_new(r->ar, QN_QUERY_NONE, on->q->pos);
        if (q != NULL && q->kind == QN_QUERY_HAS_PATTERN)
            q->has_pattern.case_insensitive = p->case_insensitive;
        break;
    case QN_QUERY_REGEX:
        q = qn__query_copy(r->ar, pattern(r, on, QN_PATTERN_REGEX, p->text, UINT32_MAX));
        if (q == NULL)
            return QN_E_BUDGET;
        q->has_pattern.syntax = p->syntax;
        q->has_pattern.case_insensitive =
            p->case_insensitive || (p->syntax == QN_REGEX_RUST && on->field->analyzer != NULL &&
                                    qn_analyzer_lowercases(on->field->analyzer));
        break;
    default:
        text = qn__query_normalize_literal(r, on->field, p->text);
        *out = text.p ? fuzzy_word(r, on, text, &p->fuzzy)
                      : qn_query_new(r->ar, QN_QUERY_NONE, on->q->pos);
        return *out ? QN_OK : QN_E_BUDGET;
    }
    *out = q;
    return q ? QN_OK : QN_E_BUDGET;
}
