#include "ingest/memindex.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "memindex_int.h"
#include "postings/norms.h"

enum {
    VALUE_GAP = 1, /* positions between the values of one document, as Tantivy counts */
    KEEP_ARENA = 256 << 20,
};

struct qn_memindex *qn_memindex_new(const struct qn_memindex_options *opt)
{
    struct qn_memindex *mx = qn_xcalloc(1, sizeof *mx);
    mx->op = *opt;
    qn_termtable_init(&mx->terms);
    qn_arena_init(&mx->names, NULL);
    qn_map_init(&mx->by_name, &mx->names);
    return mx;
}

static void forget(struct qn_memindex *mx)
{
    for (size_t i = 0; i < mx->fields.n; i++) {
        struct qn__memfield *f = &mx->fields.p[i];
        qn_vec_release(&f->column.values);
        qn_vec_release(&f->column.docs);
        qn_vec_release(&f->norms);
    }
    qn_vec_clear(&mx->fields);
    qn_vec_clear(&mx->times);
    qn_vec_clear(&mx->dead);
    qn_map_release(&mx->by_name);
    qn_arena_reset(&mx->names);
    qn_split_writer_free(mx->writer);
    mx->writer = NULL;
    mx->raw_bytes = mx->column_bytes = 0;
    mx->sorted = true;
    mx->n_queue = 0;
}

void qn_memindex_free(struct qn_memindex *mx)
{
    if (mx == NULL)
        return;
    forget(mx);
    qn_vec_release(&mx->fields);
    qn_vec_release(&mx->times);
    qn_vec_release(&mx->dead);
    qn_arena_release(&mx->names);
    qn_termtable_release(&mx->terms);
    free(mx);
}

void qn_memindex_start(struct qn_memindex *mx, struct qn_sink *sk)
{
    forget(mx);
    qn_termtable_reset(&mx->terms, KEEP_ARENA);
    mx->writer = qn_split_writer_new(&mx->op.split, sk);
}

uint32_t qn_memindex_field(struct qn_memindex *mx, const struct qn_memfield_spec *spec)
{
    struct qn_str key = qn_arena_printf(&mx->names, QN_STR_FMT "%c", QN_STR_ARG(spec->name),
                                        (char)(spec->type + 1));
    bool made;
    struct qn_map_entry *e = qn_map_put(&mx->by_name, key, &made);
    if (made) {
        struct qn__memfield f = {.spec = *spec, .doc = UINT32_MAX};
        f.spec.name = qn_str_first(e->key, spec->name.n);
        e->u64 = mx->fields.n;
        qn_vec_push(&mx->fields, f);
    }
    return (uint32_t)e->u64;
}

/* The document being built. */
static uint32_t current(const struct qn_memindex *mx)
{
    return (uint32_t)mx->times.n - 1;
}

static void put_column(struct qn_memindex *mx, struct qn__memcolumn *c, uint64_t value)
{
    uint32_t doc = current(mx);
    if (!c->gaps && c->values.n != doc) {
        /* The first gap, or second value: from now on documents are written down. */
        c->gaps = true;
        qn_vec_reserve(&c->docs, c->values.n + 1);
        for (uint32_t i = 0; i < c->values.n; i++)
            qn_vec_push(&c->docs, i);
        mx->column_bytes += c->values.n * sizeof(uint32_t);
    }
    qn_vec_push(&c->values, value);
    if (c->gaps)
        qn_vec_push(&c->docs, doc);
    mx->column_bytes += sizeof value + (c->gaps ? sizeof doc : 0);
}

static void run_queue(struct qn_memindex *mx)
{
    uint32_t n = mx->n_queue;
    mx->n_queue = 0;
    qn_termtable_add(&mx->terms, mx->queue, n);
    for (uint32_t i = 0; i < n; i++)
        if (mx->queue_column[i] != QN__NO_COLUMN)
            put_column(mx, &mx->fields.p[mx->queue_column[i]].column, mx->queue[i].addr);
}

static void enqueue(struct qn_memindex *mx, uint32_t column, uint32_t space,
                    enum qn_index_record record, struct qn_str term, uint32_t pos)
{
    mx->queue_column[mx->n_queue] = column;
    mx->queue[mx->n_queue++] = (struct qn_occurrence){
        .term = term, .field = space, .record = record, .doc = current(mx), .pos = pos};
    if (mx->n_queue == QN__OCCURRENCES)
        run_queue(mx);
}

static struct qn_str clip(struct qn_str term)
{
    return qn_str_first(term, QN_TERM_MAX_BYTES);
}

/* Notes n more tokens of the current document; gives the position of the first. */
static uint32_t lengthen(struct qn_memindex *mx, struct qn__memfield *f, size_t n, uint32_t last)
{
    uint32_t doc = current(mx);
    if (f->doc != doc) {
        f->doc = doc;
        f->length = f->value_pos = f->next_pos = 0;
    }
    f->length += (uint32_t)n;
    f->next_pos = f->value_pos + last + 1;
    if (f->spec.norms) {
        mx->column_bytes += doc + 1 - f->norms.n;
        while (f->norms.n <= doc)
            qn_vec_push(&f->norms, (uint8_t)0);
        f->norms.p[doc] = qn_norm_encode(f->length);
    }
    return f->value_pos;
}

static void end_value(struct qn__memfield *f)
{
    f->value_pos = f->next_pos + VALUE_GAP;
}

void qn_memindex_value_end(struct qn_memindex *mx, uint32_t field)
{
    struct qn__memfield *f = &mx->fields.p[field];
    if (f->doc == current(mx))
        end_value(f);
}

void qn_memindex_take(struct qn_memindex *mx)
{
    run_queue(mx);
}

void qn_memindex_term(struct qn_memindex *mx, uint32_t field, struct qn_str term)
{
    struct qn__memfield *f = &mx->fields.p[field];
    bool shared = f->spec.column && !f->spec.own_column_terms;
    if (!f->spec.indexed && !shared)
        return;
    uint32_t pos = lengthen(mx, f, 1, 0);
    end_value(f);
    enqueue(mx, shared ? field : QN__NO_COLUMN, qn__term_space(field, false), f->spec.record,
            clip(term), pos);
}

void qn_memindex_tokens(struct qn_memindex *mx, uint32_t field, const struct qn_token *tokens,
                        size_t n)
{
    struct qn__memfield *f = &mx->fields.p[field];
    if (n == 0 || !f->spec.indexed)
        return;
    uint32_t from = lengthen(mx, f, n, tokens[n - 1].position);
    uint32_t space = qn__term_space(field, false);
    for (size_t i = 0; i < n; i++)
        enqueue(mx, QN__NO_COLUMN, space, f->spec.record,
                clip(qn_str_make(tokens[i].text, tokens[i].len)), from + tokens[i].position);
    run_queue(mx); /* the tokens' text lives in the analyzer's scratch */
}

void qn_memindex_text(struct qn_memindex *mx, uint32_t field, struct qn_str value)
{
    enqueue(mx, field, qn__term_space(field, true), QN_RECORD_BASIC, clip(value), 0);
}

void qn_memindex_value(struct qn_memindex *mx, uint32_t field, uint64_t value)
{
    put_column(mx, &mx->fields.p[field].column, value);
}

void qn_memindex_present(struct qn_memindex *mx, uint32_t field)
{
    struct qn__memcolumn *c = &mx->fields.p[field].column;
    uint32_t doc = current(mx);
    bool known = c->gaps ? c->docs.n > 0 && c->docs.p[c->docs.n - 1] == doc : c->values.n > doc;
    if (!known)
        put_column(mx, c, 0);
}

void qn_memindex_begin(struct qn_memindex *mx, int64_t time_ns)
{
    if (mx->times.n > 0) {
        int64_t last = mx->times.p[mx->times.n - 1];
        /* Documents without a time go last. */
        mx->sorted =
            mx->sorted && (time_ns == QN_NO_TIME || (last != QN_NO_TIME && last <= time_ns));
    }
    qn_vec_push(&mx->times, time_ns);
}

int qn_memindex_end(struct qn_memindex *mx, struct qn_str source)
{
    run_queue(mx);
    mx->raw_bytes += source.n;
    return qn_docs_writer_add(qn_split_writer_docs(mx->writer), source);
}

/* Postings and values of the document stay where they are and are skipped at flush. */
void qn_memindex_abort(struct qn_memindex *mx)
{
    run_queue(mx);
    qn_vec_push(&mx->dead, current(mx));
}

uint32_t qn_memindex_docs(const struct qn_memindex *mx)
{
    return (uint32_t)(mx->times.n - mx->dead.n);
}

uint64_t qn_memindex_raw_bytes(const struct qn_memindex *mx)
{
    return mx->raw_bytes;
}

uint64_t qn_memindex_bytes(const struct qn_memindex *mx)
{
    return qn_termtable_bytes(&mx->terms) + mx->column_bytes + mx->times.n * sizeof(int64_t);
}

bool qn_memindex_full(const struct qn_memindex *mx)
{
    return qn_termtable_full(&mx->terms) || mx->times.n >= UINT32_MAX / 2;
}
