#include "schema/analysis.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"

struct named {
    struct named *next;
    struct qn_str name, json; /* json: the definition, canonical */
    struct qn_analyzer *analyzer;
    bool normalizer;
};

struct qn_analysis {
    _Atomic uint32_t refs;
    struct qn_arena ar;
    bool elastic;
    struct named *first, **last;
    struct qn_str json; /* elastic: the whole object */
};

static struct qn_analysis *analysis_new(bool elastic)
{
    struct qn_analysis *an = qn_xcalloc(1, sizeof *an);
    atomic_init(&an->refs, 1);
    qn_arena_init(&an->ar, NULL);
    an->elastic = elastic;
    an->last = &an->first;
    return an;
}

struct qn_analysis *qn_analysis_ref(struct qn_analysis *an)
{
    if (an != NULL) /* relaxed: the caller holds a reference already */
        atomic_fetch_add_explicit(&an->refs, 1, memory_order_relaxed);
    return an;
}

void qn_analysis_unref(struct qn_analysis *an)
{
    /* acq_rel: the last one sees what all others did before they let go */
    if (an == NULL || atomic_fetch_sub_explicit(&an->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (struct named *nm = an->first; nm != NULL; nm = nm->next)
        qn_analyzer_free(nm->analyzer);
    qn_arena_release(&an->ar);
    free(an);
}

static struct named *find(const struct qn_analysis *an, struct qn_str name, bool normalizer)
{
    for (struct named *nm = an ? an->first : NULL; nm != NULL; nm = nm->next)
        if (nm->normalizer == normalizer && qn_str_eq(nm->name, name))
            return nm;
    return NULL;
}

const struct qn_analyzer *qn_analysis_find(const struct qn_analysis *an, struct qn_str name,
                                           bool elastic)
{
    const struct named *nm = find(an, name, false);
    if (nm != NULL)
        return nm->analyzer;
    return elastic ? qn_analyzer_find_elastic(name) : qn_analyzer_find(name);
}

const struct qn_analyzer *qn_analysis_normalizer(const struct qn_analysis *an, struct qn_str name)
{
    const struct named *nm = find(an, name, true);
    if (nm != NULL)
        return nm->analyzer;
    return qn_str_is(name, "lowercase") ? qn_analyzer_find(QN_STR("raw_lowercase")) : NULL;
}

static int add(struct qn_analysis *an, struct qn_json_val at, struct qn_str name, bool normalizer,
               const struct qn_analyzer_config *cfg, struct qn_str json, struct qn_err *err)
{
    struct qn_err inner = {0};
    struct named *nm = qn_arena_new(&an->ar, struct named);
    int rc = qn_analyzer_new(&nm->analyzer, cfg, &inner);
    if (rc < 0)
        return qn_json_fail(at, err, QN_E_INVALID, "failed to build tokenizer `" QN_STR_FMT "`: %s",
                            QN_STR_ARG(name), inner.msg);
    nm->name = qn_arena_str(&an->ar, name);
    nm->json = qn_arena_str(&an->ar, json);
    nm->normalizer = normalizer;
    *an->last = nm;
    an->last = &nm->next;
    return 0;
}

/* ---- Quickwit */

static int read_gram(struct qn_json_val v, const char *key, uint32_t *out, struct qn_err *err)
{
    struct qn_json_val n;
    uint64_t u;
    if (!qn_json_get(v, key, &n))
        return qn_json_fail(v, err, QN_E_MISSING, "missing field `%s`", key);
    int rc = qn_json_to_u64(n, &u, err);
    if (rc == 0 && (u < 1 || u > 256))
        rc =
            qn_json_fail(n, err, QN_E_RANGE, "invalid ngram tokenizer: `%s` is not in 1..256", key);
    *out = rc == 0 ? (uint32_t)u : 0;
    return rc;
}

static int read_filters(struct qn_json_val v, struct qn_analyzer_config *cfg, struct qn_err *err)
{
    static const char *const known[] = {"remove_long", "lower_caser", "ascii_folding"};
    struct qn_json_val list;
    struct qn_str name;
    if (!qn_json_get(v, "filters", &list))
        return 0;
    int rc = qn_json_to_arr(list, err);
    for (struct qn_json_iter it = qn_json_iter(list); rc == 0 && qn_json_each(&it);) {
        rc = qn_json_to_str(it.val, &name, err);
        if (rc < 0)
            return rc;
        bool ok = false;
        for (size_t i = 0; i < QN_COUNT_OF(known); i++)
            ok = ok || qn_str_is(name, known[i]);
        if (!ok || cfg->n_filters == QN_FILTERS_MAX)
            return qn_json_fail(it.val, err, QN_E_INVALID,
                                "unknown variant `" QN_STR_FMT "`, expected one of `remove_long`, "
                                "`lower_caser`, `ascii_folding`",
                                QN_STR_ARG(name));
        qn_filter_kind_of(name, &cfg->filters[cfg->n_filters++]);
    }
    return rc;
}

static void write_quickwit(struct qn_jw *w, struct qn_str name, struct qn_str type,
                           const struct qn_analyzer_config *cfg, struct qn_json_val v)
{
    struct qn_json_val filters;
    qn_jw_obj(w);
    qn_jw_kv_str(w, "name", name);
    qn_jw_kv_str(w, "type", type);
    if (cfg->kind == QN_TOKENIZER_NGRAM) {
        qn_jw_kv_u64(w, "min_gram", cfg->min_gram);
        qn_jw_kv_u64(w, "max_gram", cfg->max_gram);
        qn_jw_kv_bool(w, "prefix_only", cfg->prefix_only);
    }
    if (cfg->kind == QN_TOKENIZER_REGEX)
        qn_jw_kv_str(w, "pattern", cfg->pattern);
    qn_jw_key(w, "filters");
    if (qn_json_get(v, "filters", &filters)) {
        qn_jw_value(w, filters);
    } else {
        qn_jw_arr(w);
        qn_jw_end(w);
    }
    qn_jw_end(w);
}

static int read_quickwit_kind(struct qn_json_val v, struct qn_str type,
                              struct qn_analyzer_config *cfg, struct qn_err *err)
{
    static const char *const ngram[] = {"name",     "type",     "filters",
                                        "min_gram", "max_gram", "prefix_only"};
    static const char *const regex[] = {"name", "type", "filters", "pattern"};
    struct qn_json_val p;
    if (qn_str_is(type, "simple") || qn_str_is(type, "source_code")) {
        cfg->kind = qn_str_is(type, "simple") ? QN_TOKENIZER_ALNUM : QN_TOKENIZER_CODE;
        return qn_json_check_keys(v, regex, 3, err);
    }
    if (qn_str_is(type, "ngram")) {
        cfg->kind = QN_TOKENIZER_NGRAM;
        int rc = qn_json_check_keys(v, ngram, QN_COUNT_OF(ngram), err);
        if (rc == 0)
            rc = read_gram(v, "min_gram", &cfg->min_gram, err);
        if (rc == 0)
            rc = read_gram(v, "max_gram", &cfg->max_gram, err);
        if (rc == 0 && qn_json_get(v, "prefix_only", &p))
            rc = qn_json_to_bool(p, &cfg->prefix_only, err);
        return rc;
    }
    if (qn_str_is(type, "regex")) {
        cfg->kind = QN_TOKENIZER_REGEX;
        int rc = qn_json_check_keys(v, regex, QN_COUNT_OF(regex), err);
        if (rc == 0 && !qn_json_get(v, "pattern", &p))
            rc = qn_json_fail(v, err, QN_E_MISSING, "missing field `pattern`");
        return rc < 0 ? rc : qn_json_to_str(p, &cfg->pattern, err);
    }
    return qn_json_fail(v, err, QN_E_INVALID,
                        "unknown variant `" QN_STR_FMT "`, expected one of `ngram`, `regex`, "
                        "`simple`, `source_code`",
                        QN_STR_ARG(type));
}

static int parse_one(struct qn_analysis *an, struct qn_json_val v, struct qn_err *err)
{
    struct qn_json_val member;
    struct qn_str name, type;
    int rc = qn_json_to_obj(v, err);
    if (rc < 0)
        return rc;
    if (!qn_json_get(v, "name", &member))
        return qn_json_fail(v, err, QN_E_MISSING, "missing field `name`");
    rc = qn_json_to_str(member, &name, err);
    if (rc < 0)
        return rc;
    if (find(an, name, false) != NULL)
        return qn_json_fail(member, err, QN_E_INVALID,
                            "duplicated custom tokenizer: `" QN_STR_FMT "`", QN_STR_ARG(name));
    if (qn_analyzer_find(name) != NULL)
        return qn_json_fail(member, err, QN_E_INVALID,
                            "custom tokenizer name `" QN_STR_FMT
                            "` should be different from built-in tokenizer's names",
                            QN_STR_ARG(name));
    if (!qn_json_get(v, "type", &member))
        return qn_json_fail(v, err, QN_E_MISSING, "missing field `type`");
    rc = qn_json_to_str(member, &type, err);
    struct qn_analyzer_config cfg = {0};
    if (rc == 0)
        rc = read_quickwit_kind(v, type, &cfg, err);
    if (rc == 0)
        rc = read_filters(v, &cfg, err);
    if (rc < 0)
        return rc;
    struct qn_buf json;
    struct qn_jw w;
    qn_buf_init(&json, SIZE_MAX);
    qn_jw_init(&w, &json, NULL);
    write_quickwit(&w, name, type, &cfg, v);
    rc = qn_jw_finish(&w);
    if (rc == 0)
        rc = add(an, v, name, false, &cfg, qn_buf_str(&json), err);
    qn_buf_release(&json);
    return rc;
}

int qn_analysis_parse_quickwit(struct qn_analysis **out, struct qn_json_val list,
                               struct qn_err *err)
{
    struct qn_analysis *an = analysis_new(false);
    *out = NULL;
    int rc = qn_json_to_arr(list, err);
    for (struct qn_json_iter it = qn_json_iter(list); rc == 0 && qn_json_each(&it);)
        rc = parse_one(an, it.val, err);
    if (rc == 0) {
        *out = an;
        return 0;
    }
    qn_analysis_unref(an);
    return rc;
}

/* ---- Elasticsearch */

/* A member as a number, which settings may write as a string. */
static int read_number(struct qn_json_val v, const char *key, uint32_t *out, struct qn_err *err)
{
    struct qn_json_val n;
    uint64_t u = 0;
    if (!qn_json_get(v, key, &n))
        return 0;
    int rc = qn_json_is_str(n) ? qn_str_to_u64(qn_json_str(n), &u) : qn_json_to_u64(n, &u, err);
    if (rc < 0 || u > UINT32_MAX)
        return qn_json_fail(n, err, QN_E_TYPE, "expected a number");
    *out = (uint32_t)u;
    return 0;
}

static bool read_text(struct qn_json_val v, const char *key, struct qn_str *out)
{
    struct qn_json_val s;
    if (!qn_json_get(v, key, &s) || !qn_json_is_str(s))
        return false;
    *out = qn_json_str(s);
    return true;
}

static int read_elastic_filter(struct qn_json_val analysis, struct qn_json_val at,
                               struct qn_str name, struct qn_filter_config *cfg,
                               struct qn_str words[64], struct qn_err *err)
{
    struct qn_json_val group, def;
    if (qn_json_get(analysis, "filter", &group) && qn_json_get_str(group, name, &def)) {
        struct qn_str type;
        if (!read_text(def, "type", &type) || qn_filter_kind_of(type, cfg) < 0)
            return qn_json_fail(def, err, QN_E_INVALID, "Unknown filter type for [" QN_STR_FMT "]",
                                QN_STR_ARG(name));
        bool edge = cfg->kind == QN_FILTER_EDGE_NGRAM;
        int rc = read_number(def, edge ? "min_gram" : "min", &cfg->min, err);
        if (rc == 0)
            rc = read_number(def, edge ? "max_gram" : "max", &cfg->max, err);
        if (rc == 0 && cfg->kind == QN_FILTER_TRUNCATE)
            rc = read_number(def, "length", &cfg->max, err);
        if (!read_text(def, "language", &cfg->language))
            read_text(def, "name", &cfg->language);
        struct qn_json_val stop;
        if (rc == 0 && cfg->kind == QN_FILTER_STOP && qn_json_get(def, "stopwords", &stop) &&
            qn_json_is_arr(stop)) {
            for (struct qn_json_iter it = qn_json_iter(stop);
                 cfg->n_words < 64 && qn_json_each(&it);)
                words[cfg->n_words++] = qn_json_str(it.val);
            cfg->words = words;
        }
        return rc;
    }
    if (qn_filter_kind_of(name, cfg) < 0)
        return qn_json_fail(at, err, QN_E_INVALID,
                            "Custom Analyzer failed to find filter under name [" QN_STR_FMT "]",
                            QN_STR_ARG(name));
    return 0;
}

static int read_elastic_tokenizer(struct qn_json_val analysis, struct qn_json_val at,
                                  struct qn_str name, struct qn_analyzer_config *cfg,
                                  struct qn_err *err)
{
    struct qn_json_val group, def;
    if (qn_json_get(analysis, "tokenizer", &group) && qn_json_get_str(group, name, &def)) {
        struct qn_str type;
        if (!read_text(def, "type", &type) || qn_tokenizer_kind_of_elastic(type, cfg) < 0)
            return qn_json_fail(def, err, QN_E_INVALID,
                                "Unknown tokenizer type for [" QN_STR_FMT "]", QN_STR_ARG(name));
        int rc = read_number(def, "min_gram", &cfg->min_gram, err);
        if (rc == 0)
            rc = read_number(def, "max_gram", &cfg->max_gram, err);
        if (rc == 0)
            rc = read_number(def, "max_token_length", &cfg->max_token, err);
        read_text(def, "pattern", &cfg->pattern);
        return rc;
    }
    if (qn_tokenizer_kind_of_elastic(name, cfg) < 0)
        return qn_json_fail(at, err, QN_E_INVALID,
                            "Custom Analyzer failed to find tokenizer under name [" QN_STR_FMT "]",
                            QN_STR_ARG(name));
    return 0;
}

/* A name or a list of names in `key`; calls of read_elastic_filter for each. */
static int read_elastic_filters(struct qn_json_val analysis, struct qn_json_val def,
                                struct qn_analyzer_config *cfg, struct qn_str words[][64],
                                struct qn_err *err)
{
    struct qn_json_val list;
    if (!qn_json_get(def, "filter", &list))
        return 0;
    bool single = qn_json_is_str(list);
    struct qn_json_iter it = qn_json_iter(list);
    int rc = 0;
    while (rc == 0 && (single || qn_json_each(&it))) {
        struct qn_json_val at = single ? list : it.val;
        struct qn_str name;
        rc = qn_json_to_str(at, &name, err);
        if (rc == 0 && cfg->n_filters == QN_FILTERS_MAX)
            rc = qn_json_fail(at, err, QN_E_TOO_LARGE, "more than %d filters", QN_FILTERS_MAX);
        if (rc == 0) {
            rc = read_elastic_filter(analysis, at, name, &cfg->filters[cfg->n_filters],
                                     words[cfg->n_filters], err);
            cfg->n_filters++;
        }
        if (single)
            break;
    }
    return rc;
}

static int parse_elastic_one(struct qn_analysis *an, struct qn_json_val analysis,
                             struct qn_json_val def, struct qn_str name, bool normalizer,
                             struct qn_err *err)
{
    struct qn_str words[QN_FILTERS_MAX][64];
    struct qn_analyzer_config cfg = {.kind = QN_TOKENIZER_RAW};
    struct qn_str type = QN_STR("custom"), tokenizer;
    struct qn_json_val chars;
    int rc = qn_json_to_obj(def, err);
    if (rc < 0)
        return rc;
    read_text(def, "type", &type);
    if (qn_json_get(def, "char_filter", &chars) && qn_json_count(chars) > 0)
        return qn_json_fail(chars, err, QN_E_UNSUPPORTED, "character filters are not supported");
    bool has_tokenizer = read_text(def, "tokenizer", &tokenizer);
    if (!normalizer && qn_str_is(type, "custom") && !has_tokenizer)
        return qn_json_fail(def, err, QN_E_INVALID,
                            "analyzer [" QN_STR_FMT "] must specify either an analyzer type, or a "
                            "tokenizer",
                            QN_STR_ARG(name));
    if (!normalizer && !qn_str_is(type, "custom")) {
        if (qn_str_is(type, "pattern"))
            tokenizer = QN_STR("pattern");
        else
            tokenizer =
                qn_str_is(type, "simple") || qn_str_is(type, "stop") ? QN_STR("lowercase") : type;
        rc = read_elastic_tokenizer(analysis, def, tokenizer, &cfg, err);
        read_text(def, "pattern", &cfg.pattern);
        if (rc == 0)
            rc = read_number(def, "max_token_length", &cfg.max_token, err);
        if (qn_str_is(type, "standard") || qn_str_is(type, "pattern"))
            qn_filter_kind_of(QN_STR("lowercase"), &cfg.filters[cfg.n_filters++]);
    } else if (!normalizer) {
        rc = read_elastic_tokenizer(analysis, def, tokenizer, &cfg, err);
    }
    if (rc == 0)
        rc = read_elastic_filters(analysis, def, &cfg, words, err);
    return rc < 0 ? rc : add(an, def, name, normalizer, &cfg, qn_json_raw(def), err);
}

int qn_analysis_parse_elastic(struct qn_analysis **out, struct qn_json_val v, struct qn_err *err)
{
    static const char *const groups[] = {"analyzer", "normalizer"};
    static const char *const keys[] = {"analyzer", "normalizer", "tokenizer", "filter",
                                       "char_filter"};
    *out = NULL;
    int rc = qn_json_check_keys(v, keys, QN_COUNT_OF(keys), err);
    if (rc < 0)
        return rc;
    struct qn_analysis *an = analysis_new(true);
    an->json = qn_arena_str(&an->ar, qn_json_raw(v));
    for (size_t i = 0; i < QN_COUNT_OF(groups) && rc == 0; i++) {
        struct qn_json_val group;
        if (!qn_json_get(v, groups[i], &group))
            continue;
        rc = qn_json_to_obj(group, err);
        for (struct qn_json_iter it = qn_json_iter(group); rc == 0 && qn_json_each(&it);)
            rc = parse_elastic_one(an, v, it.val, it.key, i == 1, err);
    }
    if (rc == 0) {
        *out = an;
        return 0;
    }
    qn_analysis_unref(an);
    return rc;
}

void qn_analysis_write(const struct qn_analysis *an, struct qn_jw *w)
{
    if (an != NULL && an->elastic) {
        qn_jw_raw(w, an->json);
        return;
    }
    qn_jw_arr(w);
    for (const struct named *nm = an ? an->first : NULL; nm != NULL; nm = nm->next)
        qn_jw_raw(w, nm->json);
    qn_jw_end(w);
}

struct qn_str qn_analysis_missing(const struct qn_analysis *old, const struct qn_analysis *next)
{
    for (const struct named *nm = old ? old->first : NULL; nm != NULL; nm = nm->next) {
        const struct named *now = find(next, nm->name, nm->normalizer);
        if (now == NULL || !qn_str_eq(now->json, nm->json))
            return nm->name;
    }
    return QN_STR_NONE;
}
