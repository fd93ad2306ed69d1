#include "ingest/indexer.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/vec.h"
#include "columns/columns.h"

#define UNKNOWN UINT32_MAX

struct qn_indexer {
    struct qn_memindex *mx;
    struct qn_text_scratch *scratch;
    const struct qn_parsed *batch;
    const struct qn_mapping *mapping; /* of the batches so far; shares */
    /* Fields of the memory index by mapped field, and by (path of the batch, type) of JSON fields:
     * UNKNOWN until a document has one. */
    QN_VEC(uint32_t) mapped;
    QN_VEC(uint32_t) paths;
    struct qn_buf name;
};

struct qn_indexer *qn_indexer_new(const struct qn_memindex_options *opt)
{
    struct qn_indexer *ix = qn_xcalloc(1, sizeof *ix);
    ix->mx = qn_memindex_new(opt);
    ix->scratch = qn_text_scratch_new(opt->split.simd);
    qn_buf_init(&ix->name, UINT16_MAX);
    return ix;
}

void qn_indexer_free(struct qn_indexer *ix)
{
    if (ix == NULL)
        return;
    qn_memindex_free(ix->mx);
    qn_mapping_unref(ix->mapping);
    qn_text_scratch_free(ix->scratch);
    qn_vec_release(&ix->mapped);
    qn_vec_release(&ix->paths);
    qn_buf_release(&ix->name);
    free(ix);
}

void qn_indexer_start(struct qn_indexer *ix, struct qn_sink *sk)
{
    qn_memindex_start(ix->mx, sk);
    qn_vec_clear(&ix->mapped);
    qn_vec_clear(&ix->paths);
}

void qn_indexer_batch(struct qn_indexer *ix, const struct qn_parsed *pd)
{
    ix->batch = pd;
    qn_vec_clear(&ix->paths);
    if (ix->mapping == pd->mapping)
        return;
    qn_mapping_unref(ix->mapping);
    ix->mapping = qn_mapping_ref(pd->mapping);
    qn_vec_clear(&ix->mapped);
}

struct qn_memindex *qn_indexer_memory(struct qn_indexer *ix)
{
    return ix->mx;
}

int qn_indexer_flush(struct qn_indexer *ix, struct qn_split_meta *meta, struct qn_split_info *info)
{
    return qn_memindex_flush(ix->mx, meta, info);
}

/* ---- fields */

static enum qn_split_type split_type(enum qn_value_type type)
{
    static const enum qn_split_type types[] = {
        [QN_VALUE_NONE] = QN_SPLIT_TYPES, [QN_VALUE_STR] = QN_SPLIT_STR,
        [QN_VALUE_I64] = QN_SPLIT_I64,    [QN_VALUE_U64] = QN_SPLIT_U64,
        [QN_VALUE_F64] = QN_SPLIT_F64,    [QN_VALUE_BOOL] = QN_SPLIT_BOOL,
        [QN_VALUE_DATE] = QN_SPLIT_DATE,  [QN_VALUE_IP] = QN_SPLIT_IP,
        [QN_VALUE_BYTES] = QN_SPLIT_BYTES};
    return types[type];
}

/* Is a column value the same text as the one indexed term? Then one dictionary serves both. */
static bool one_dictionary(const struct qn_field *f)
{
    const struct qn_analyzer *an = f->analyzer;
    return an == NULL || (qn_analyzer_is_keyword(an) &&
                          qn_analyzer_lowercases(an) == (f->normalizer == QN_NORMALIZER_LOWERCASE));
}

static struct qn_memfield_spec spec_of(const struct qn_field *f, enum qn_split_type type)
{
    struct qn_memfield_spec s = {.type = type};
    if (type >= QN_SPLIT_I64) {
        s.column = true;
        return s;
    }
    s.indexed = f->indexed;
    s.column = f->columnar;
    s.record = QN_RECORD_BASIC;
    if (type == QN_SPLIT_STR) {
        s.record = f->record;
        s.norms = f->fieldnorms && f->indexed;
        s.own_column_terms = f->columnar && f->indexed && !one_dictionary(f);
        s.presence = f->indexed && !f->columnar;
    }
    return s;
}

static uint32_t declare(struct qn_indexer *ix, const struct qn_field *f, struct qn_str name,
                        enum qn_split_type type)
{
    struct qn_memfield_spec s = spec_of(f, type);
    s.name = name;
    return qn_memindex_field(ix->mx, &s);
}

static uint32_t *slot(uint32_t need, uint32_t **p, size_t *n, size_t *cap)
{
    if (need >= *n) {
        if (need >= *cap)
            *p = qn_vec_grow(*p, cap, need + 1, sizeof **p);
        while (*n <= need)
            (*p)[(*n)++] = UNKNOWN;
    }
    return &(*p)[need];
}

static uint32_t mapped_field(struct qn_indexer *ix, const struct qn_field *f,
                             const struct qn_doc_value *v)
{
    uint32_t *at = slot(f->id, &ix->mapped.p, &ix->mapped.n, &ix->mapped.cap);
    if (*at == UNKNOWN)
        *at = declare(ix, f, f->path, split_type(v->value.type));
    return *at;
}

static uint32_t path_field(struct qn_indexer *ix, const struct qn_field *f,
                           const struct qn_doc_value *v)
{
    enum qn_split_type type = split_type(v->value.type);
    uint32_t *at =
        slot(v->path * QN_SPLIT_TYPES + type, &ix->paths.p, &ix->paths.n, &ix->paths.cap);
    if (*at != UNKNOWN)
        return *at;
    struct qn_str sub = ix->batch->paths.p[v->path].sub;
    qn_buf_clear(&ix->name);
    if (f->id != ix->mapping->dynamic_field)
        qn_buf_put_str(&ix->name, f->path);
    if (ix->name.n != 0 && sub.n != 0)
        qn_buf_put_u8(&ix->name, '.');
    qn_buf_put_str(&ix->name, sub);
    return *at = declare(ix, f, qn_buf_str(&ix->name), type);
}

/* ---- values */

static int add_tokens(struct qn_indexer *ix, uint32_t field, const struct qn_analyzer *an,
                      struct qn_str text)
{
    const struct qn_token *tokens;
    int n;
    qn_analyze_begin(ix->scratch, an, text);
    while ((n = qn_analyze_next(ix->scratch, &tokens)) > 0)
        qn_memindex_tokens(ix->mx, field, tokens, (size_t)n);
    qn_memindex_value_end(ix->mx, field);
    return n;
}

static void add_column_text(struct qn_indexer *ix, uint32_t field, const struct qn_field *f,
                            struct qn_str text)
{
    struct qn_str value = text;
    if (f->normalizer == QN_NORMALIZER_LOWERCASE)
        qn_normalize(ix->scratch, qn_analyzer_find(QN_STR("raw_lowercase")), text, &value);
    if (value.p != NULL)
        qn_memindex_text(ix->mx, field, value);
    if (value.p != text.p)
        qn_memindex_take(ix->mx); /* the value lives in the scratch */
}

/* A keyword that is indexed as it is needs no analyzer at all. */
static bool is_plain(const struct qn_field *f)
{
    return f->analyzer == NULL ||
           (qn_analyzer_is_keyword(f->analyzer) && !qn_analyzer_lowercases(f->analyzer));
}

static int add_text(struct qn_indexer *ix, uint32_t field, const struct qn_field *f,
                    struct qn_str text)
{
    if (one_dictionary(f)) {
        if (is_plain(f)) {
            if (text.n <= QN_TERM_MAX_BYTES)
                qn_memindex_term(ix->mx, field, text);
            return 0;
        }
        struct qn_str value;
        qn_normalize(ix->scratch, f->analyzer, text, &value);
        if (value.p != NULL)
            qn_memindex_term(ix->mx, field, value);
        qn_memindex_take(ix->mx); /* the value lives in the scratch */
        return 0;
    }
    if (f->columnar)
        add_column_text(ix, field, f, text);
    else
        qn_memindex_present(ix->mx, field);
    return f->indexed ? add_tokens(ix, field, f->analyzer, text) : 0;
}

static int add_value(struct qn_indexer *ix, const struct qn_field *f, const struct qn_doc_value *v)
{
    uint32_t field = v->path == QN_DOC_NO_PATH ? mapped_field(ix, f, v) : path_field(ix, f, v);
    switch ((enum qn_value_type)v->value.type) {
    case QN_VALUE_NONE:
        break;
    case QN_VALUE_STR:
        return add_text(ix, field, f, v->value.str);
    case QN_VALUE_BYTES:
        qn_memindex_term(ix->mx, field, v->value.str);
        break;
    case QN_VALUE_IP:
        qn_memindex_term(ix->mx, field, qn_str_make(v->value.ip, sizeof v->value.ip));
        break;
    case QN_VALUE_I64:
    case QN_VALUE_DATE:
        qn_memindex_value(ix->mx, field, qn_i64_to_ord(v->value.i64));
        break;
    case QN_VALUE_U64:
        qn_memindex_value(ix->mx, field, v->value.u64);
        break;
    case QN_VALUE_F64:
        qn_memindex_value(ix->mx, field, qn_f64_to_ord(v->value.f64));
        break;
    case QN_VALUE_BOOL:
        qn_memindex_value(ix->mx, field, v->value.b);
        break;
    }
    return 0;
}

int qn_indexer_add(struct qn_indexer *ix, uint32_t i, struct qn_err *err)
{
    const struct qn_parsed_doc *doc = &ix->batch->docs.p[i];
    qn_memindex_begin(ix->mx, doc->has_timestamp ? doc->timestamp_ns : QN_NO_TIME);
    for (uint32_t k = 0; k < doc->n; k++) {
        const struct qn_field *f = &ix->mapping->fields[doc->values[k].field];
        if (!f->indexed && !f->columnar)
            continue;
        int rc = add_value(ix, f, &doc->values[k]);
        if (rc < 0) {
            qn_memindex_abort(ix->mx);
            return qn_fail(err, rc, "field " QN_STR_FMT ": the text exceeds its tokenizer's limits",
                           QN_STR_ARG(f->path));
        }
    }
    return qn_memindex_end(ix->mx, doc->text);
}
