#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "merge_int.h"

static bool is_deleted(const struct qn__merge_part *pt, uint32_t doc)
{
    return pt->deleted != NULL && qn_bit_get(pt->deleted, doc);
}

static void count_live(struct qn__merge *mg)
{
    for (uint32_t k = 0; k < mg->n_parts; k++) {
        struct qn__merge_part *pt = &mg->parts[k];
        pt->n_live = pt->n_docs;
        for (uint32_t d = 0; pt->deleted != NULL && d < pt->n_docs; d++)
            pt->n_live -= qn_bit_get(pt->deleted, d);
        mg->stats->n_deleted += pt->n_docs - pt->n_live;
        mg->n_docs += pt->n_live;
    }
}

static const struct qn_column *times_of(struct qn__merge *mg, uint32_t k, int *rc,
                                        struct qn_err *err)
{
    struct qn_str name = mg->op->time_field;
    struct qn_split_field *fd = name.p ? qn_split_find(mg->parts[k].sp, name, QN_SPLIT_DATE) : NULL;
    if (fd == NULL)
        return NULL;
    *rc = qn_split_use(fd, err);
    return *rc == 0 ? fd->column : NULL;
}

/* Do the parts follow each other in time, with nothing missing? Then numbers only shift. */
static int disjoint(struct qn__merge *mg, bool *yes, struct qn_err *err)
{
    *yes = mg->stats->n_deleted == 0;
    uint64_t last = 0;
    for (uint32_t k = 0; k < mg->n_parts && *yes && mg->op->time_field.p != NULL; k++) {
        int rc = 0;
        const struct qn_column *col = times_of(mg, k, &rc, err);
        if (rc < 0)
            return rc;
        if (mg->parts[k].n_docs == 0)
            continue;
        bool is_last = k + 1 == mg->n_parts;
        if (col == NULL || col->doc_count == 0) {
            last = UINT64_MAX; /* documents without a time stay at the end */
            continue;
        }
        *yes = col->min >= last && (is_last || col->doc_count == col->n_docs);
        last = col->max;
    }
    return 0;
}

/* ---- interleaving */

/* Where one part stands: its next live document and that document's time. */
struct head {
    struct qn_column_cursor *cu;
    uint32_t doc;
    uint64_t time; /* ordered; UINT64_MAX: none */
};

static int load_time(struct head *h, const struct qn__merge_part *pt, struct qn_err *err)
{
    while (h->doc < pt->n_docs && is_deleted(pt, h->doc))
        pt->map[h->doc++] = QN_DOC_END;
    h->time = UINT64_MAX;
    if (h->doc == pt->n_docs || h->cu == NULL)
        return 0;
    const uint64_t *v;
    uint32_t n;
    int rc = qn_column_of(h->cu, h->doc, &v, &n, err);
    if (rc == 0 && n > 0)
        h->time = v[0];
    return rc;
}

static bool earlier(const struct qn__merge *mg, const struct head *heads, uint32_t a, uint32_t b)
{
    bool end_a = heads[a].doc == mg->parts[a].n_docs, end_b = heads[b].doc == mg->parts[b].n_docs;
    if (end_a != end_b)
        return end_b;
    return heads[a].time != heads[b].time ? heads[a].time < heads[b].time : a < b;
}

/* Restores the heap whose root may be too late. */
static void sift(const struct qn__merge *mg, const struct head *heads, uint32_t *heap, uint32_t n,
                 uint32_t at)
{
    for (;;) {
        uint32_t best = at;
        for (uint32_t c = 2 * at + 1; c <= 2 * at + 2 && c < n; c++)
            if (earlier(mg, heads, heap[c], heap[best]))
                best = c;
        if (best == at)
            return;
        uint32_t t = heap[at];
        heap[at] = heap[best];
        heap[best] = t;
        at = best;
    }
}

static void note_time(struct qn__merge *mg, uint64_t ordered)
{
    if (ordered == UINT64_MAX)
        return;
    int64_t t = qn_i64_from_ord(ordered);
    mg->min_time = t < mg->min_time ? t : mg->min_time;
    mg->max_time = t > mg->max_time ? t : mg->max_time;
}

static int interleave(struct qn__merge *mg, struct head *heads, uint32_t *heap, struct qn_err *err)
{
    int rc = 0;
    for (uint32_t k = 0; k < mg->n_parts && rc == 0; k++) {
        const struct qn_column *col = times_of(mg, k, &rc, err);
        if (rc == 0 && col != NULL)
            heads[k].cu = qn_column_cursor_new(col);
        if (rc == 0)
            rc = load_time(&heads[k], &mg->parts[k], err);
        heap[k] = k;
    }
    if (rc < 0)
        return rc;
    if (mg->op->time_field.p != NULL) {
        /* Deleted documents may have been the first and the last. */
        mg->min_time = INT64_MAX;
        mg->max_time = INT64_MIN;
    }
    for (uint32_t i = mg->n_parts; i-- > 0;)
        sift(mg, heads, heap, mg->n_parts, i);
    for (uint32_t doc = 0; doc < mg->n_docs && rc == 0; doc++) {
        uint32_t k = heap[0];
        note_time(mg, heads[k].time);
        mg->source[doc] = (uint16_t)k;
        mg->parts[k].map[heads[k].doc++] = doc;
        rc = load_time(&heads[k], &mg->parts[k], err);
        sift(mg, heads, heap, mg->n_parts, 0);
    }
    return rc;
}

int qn__merge_order(struct qn__merge *mg, struct qn_err *err)
{
    count_live(mg);
    bool shift;
    int rc = disjoint(mg, &shift, err);
    if (rc < 0)
        return rc;
    mg->stats->concatenated = shift;
    if (shift) {
        uint32_t base = 0;
        for (uint32_t k = 0; k < mg->n_parts; k++) {
            mg->parts[k].base = base;
            base += mg->parts[k].n_docs;
        }
        return 0;
    }
    struct head *heads = qn_xcalloc(mg->n_parts, sizeof *heads);
    uint32_t *heap = qn_xcalloc(mg->n_parts, sizeof *heap);
    mg->source = qn_xmalloc(((size_t)mg->n_docs + 1) * sizeof *mg->source);
    for (uint32_t k = 0; k < mg->n_parts; k++)
        mg->parts[k].map = qn_xmalloc(((size_t)mg->parts[k].n_docs + 1) * sizeof(uint32_t));
    rc = interleave(mg, heads, heap, err);
    for (uint32_t k = 0; k < mg->n_parts; k++)
        qn_column_cursor_free(heads[k].cu);
    free(heads);
    free(heap);
    return rc;
}

/* ---- documents */

/* Copying keeps holes and short blocks; too many of either and the documents are written anew. */
static bool should_rewrite(const struct qn__merge *mg)
{
    uint64_t rows = 0, bytes = 0, blocks = 0;
    for (uint32_t k = 0; k < mg->n_parts; k++) {
        struct qn_docs_reader *rd = qn_split_docs(mg->parts[k].sp);
        rows += qn_docs_row_count(rd);
        blocks += qn_docs_block_count(rd);
        bytes += qn_split_raw_bytes(mg->parts[k].sp);
    }
    uint32_t full_docs = mg->op->split.docs.block_docs ? mg->op->split.docs.block_docs : 512;
    uint32_t full_bytes = mg->op->split.docs.block_bytes ? mg->op->split.docs.block_bytes : 262144;
    uint64_t ideal = rows / full_docs > bytes / full_bytes ? rows / full_docs : bytes / full_bytes;
    return blocks > 2 * ideal + 2 || rows - mg->n_docs > rows / 4;
}

static int rewrite(struct qn__merge *mg, struct qn_err *err)
{
    struct qn_docs_writer *dw = qn_split_writer_docs(mg->wr);
    struct qn_docs_cursor **cus = qn_xcalloc(mg->n_parts, sizeof *cus);
    uint32_t *at = qn_xcalloc(mg->n_parts, sizeof *at), part = 0;
    struct qn_buf doc;
    int rc = 0;
    qn_buf_init(&doc, SIZE_MAX);
    for (uint32_t k = 0; k < mg->n_parts; k++)
        cus[k] = qn_docs_cursor_new(qn_split_docs(mg->parts[k].sp));
    for (uint32_t i = 0; i < mg->n_docs && rc == 0; i++) {
        while (mg->source == NULL && at[part] == mg->parts[part].n_docs)
            part++;
        uint32_t k = mg->source ? mg->source[i] : part;
        while (mg->parts[k].map != NULL && mg->parts[k].map[at[k]] == QN_DOC_END)
            at[k]++;
        qn_buf_clear(&doc);
        rc = qn_docs_get(cus[k], at[k]++, &doc, err);
        if (rc == 0)
            rc = qn_docs_writer_add(dw, qn_buf_str(&doc));
        if (rc == 0 && i % 65536 == 0)
            rc = qn__merge_poll(mg, 65536);
    }
    for (uint32_t k = 0; k < mg->n_parts; k++)
        qn_docs_cursor_free(cus[k]);
    qn_buf_release(&doc);
    free(cus);
    free(at);
    return rc;
}

/* New documents of part k take the rows of its old ones, after those of the parts before. */
static int map_part(struct qn__merge *mg, uint32_t k, uint32_t row_base, uint32_t *rows,
                    struct qn_err *err)
{
    struct qn__merge_part *pt = &mg->parts[k];
    struct qn_docs_reader *rd = qn_split_docs(pt->sp);
    enum { STEP = 1024 };
    uint32_t docs[STEP], old[STEP];
    for (uint32_t from = 0; from < pt->n_docs; from += STEP) {
        uint32_t n = pt->n_docs - from < STEP ? pt->n_docs - from : STEP;
        for (uint32_t i = 0; i < n; i++)
            docs[i] = from + i;
        int rc = qn_docs_rows(rd, docs, n, old, err);
        if (rc < 0)
            return rc;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t to = pt->map ? pt->map[from + i] : pt->base + from + i;
            if (to != QN_DOC_END)
                rows[to] = row_base + old[i];
        }
    }
    return 0;
}

static int copy(struct qn__merge *mg, struct qn_err *err)
{
    struct qn_docs_writer *dw = qn_split_writer_docs(mg->wr);
    uint32_t *rows = qn_xmalloc(((size_t)mg->n_docs + 1) * sizeof *rows), base = 0;
    bool moved = mg->source != NULL;
    int rc = 0;
    for (uint32_t k = 0; k < mg->n_parts && rc == 0; k++) {
        struct qn_docs_reader *rd = qn_split_docs(mg->parts[k].sp);
        moved = moved || qn_docs_mapped(rd);
        rc = qn_docs_writer_copy(dw, rd, err);
        if (rc == 0)
            rc = map_part(mg, k, base, rows, err);
        if (rc == 0)
            rc = qn__merge_poll(mg, mg->parts[k].n_docs);
        base += qn_docs_row_count(rd);
    }
    if (rc == 0 && moved)
        qn_docs_writer_map(dw, rows, mg->n_docs);
    free(rows);
    return rc;
}

int qn__merge_docs(struct qn__merge *mg, struct qn_err *err)
{
    mg->stats->docs_rewritten = should_rewrite(mg);
    int rc = mg->stats->docs_rewritten ? rewrite(mg, err) : copy(mg, err);
    return rc < 0 ? rc : qn_split_writer_docs_done(mg->wr, mg->n_docs);
}
