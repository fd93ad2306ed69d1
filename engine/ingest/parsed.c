#include "ingest/parsed.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct qn_parsed *qn_parsed_new(const struct qn_mapping *m, struct qn_budget *budget)
{
    struct qn_parsed *pd = qn_xcalloc(1, sizeof *pd);
    pd->mapping = qn_mapping_ref(m);
    qn_arena_init(&pd->arena, budget);
    return pd;
}

void qn_parsed_free(void *arg)
{
    struct qn_parsed *pd = arg;
    if (pd == NULL)
        return;
    qn_mapping_unref(pd->mapping);
    qn_arena_release(&pd->arena);
    qn_vec_release(&pd->docs);
    qn_vec_release(&pd->paths);
    qn_vec_release(&pd->path_of);
    free(pd);
}

static uint32_t own_path(struct qn_parsed *pd, const struct qn_doc_walker *dw, uint32_t path)
{
    qn_vec_reserve(&pd->path_of, path + 1);
    while (pd->path_of.n <= path)
        pd->path_of.p[pd->path_of.n++] = QN_DOC_NO_PATH;
    if (pd->path_of.p[path] == QN_DOC_NO_PATH) {
        struct qn_parsed_path own;
        own.sub = qn_arena_str(&pd->arena, qn_doc_walker_path(dw, path, &own.field));
        pd->path_of.p[path] = (uint32_t)pd->paths.n;
        qn_vec_push(&pd->paths, own);
    }
    return pd->path_of.p[path];
}

static bool has_text(const struct qn_value *v)
{
    return v->type == QN_VALUE_STR || v->type == QN_VALUE_BYTES;
}

static bool lies_in(struct qn_str part, struct qn_str whole)
{
    return (uintptr_t)part.p >= (uintptr_t)whole.p &&
           (uintptr_t)part.p + part.n <= (uintptr_t)whole.p + whole.n;
}

int qn_parsed_add(struct qn_parsed *pd, const struct qn_doc_walker *dw, const struct qn_doc *doc)
{
    struct qn_doc_value *values = qn_arena_array(&pd->arena, struct qn_doc_value, doc->n);
    if (values == NULL)
        return QN_E_BUDGET;
    for (uint32_t i = 0; i < doc->n; i++) {
        values[i] = doc->values[i];
        if (values[i].path != QN_DOC_NO_PATH)
            values[i].path = own_path(pd, dw, values[i].path);
        if (has_text(&values[i].value) && !lies_in(values[i].value.str, doc->text))
            values[i].value.str = qn_arena_str(&pd->arena, values[i].value.str);
    }
    qn_vec_push(&pd->docs, ((struct qn_parsed_doc){values, doc->n, doc->has_timestamp,
                                                   doc->timestamp_ns, doc->partition, doc->text}));
    return qn_arena_failed(&pd->arena) ? QN_E_BUDGET : 0;
}

void qn_parsed_bind(struct qn_parsed *pd, const struct qn_record *rec)
{
    QN_ASSERT(rec->n_ops == pd->docs.n);
    for (uint32_t i = 0; i < rec->n_ops; i++) {
        struct qn_parsed_doc *doc = &pd->docs.p[i];
        struct qn_str body = qn_record_op(rec, i).body;
        /* The arena gave us these values; only outside are they const. */
        struct qn_doc_value *values = (struct qn_doc_value *)(uintptr_t)doc->values;
        QN_DASSERT(qn_str_eq(body, doc->text));
        for (uint32_t k = 0; k < doc->n; k++)
            if (has_text(&values[k].value) && lies_in(values[k].value.str, doc->text))
                values[k].value.str.p = body.p + (values[k].value.str.p - doc->text.p);
        doc->text = body;
    }
}
