#include "ingest/hot.h"

#include <stdlib.h>

#include "base/mem.h"

enum { CHARGE_STEP = 1 << 20 };

struct hot_split {
    uint64_t id; /* in the visible list */
    struct qn_split *sp;
    uint64_t end, bytes;
};

struct qn_hot {
    struct qn_hot_options op;
    struct qn_visible *vi;
    struct qn_indexer *ix;
    struct qn_buf file; /* the split being written by the memory index */
    struct qn_buf_sink sink;
    bool started;
    const struct qn_parsed *batch;
    uint64_t end;     /* after the last operation added */
    uint64_t charged; /* for the memory index */
    QN_VEC(struct hot_split) splits;
    size_t n_gathered; /* the first ones, in the split being published */
    int failed;        /* why sealing failed; 0: it did not */
};

struct qn_hot *qn_hot_new(const struct qn_hot_options *opt, struct qn_visible *vi)
{
    struct qn_hot *ho = qn_xcalloc(1, sizeof *ho);
    struct qn_memindex_options mo = {.split = opt->split};
    ho->op = *opt;
    ho->vi = vi;
    ho->ix = qn_indexer_new(&mo);
    qn_buf_init(&ho->file, SIZE_MAX);
    return ho;
}

static void drop_splits(struct qn_hot *ho, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        qn_budget_give(ho->op.budget, ho->splits.p[i].bytes);
        qn_split_unref(ho->splits.p[i].sp);
    }
    for (size_t i = n; i < ho->splits.n; i++)
        ho->splits.p[i - n] = ho->splits.p[i];
    ho->splits.n -= n;
}

void qn_hot_free(struct qn_hot *ho)
{
    if (ho == NULL)
        return;
    drop_splits(ho, ho->splits.n);
    qn_vec_release(&ho->splits);
    qn_budget_give(ho->op.budget, ho->charged);
    qn_indexer_free(ho->ix);
    qn_buf_release(&ho->file);
    free(ho);
}

static uint64_t memory_bytes(const struct qn_hot *ho)
{
    return ho->started ? qn_memindex_bytes(qn_indexer_memory(ho->ix)) + ho->file.cap : 0;
}

/* Charges ahead, so that what one more document of n bytes may add is paid for. */
static int charge(struct qn_hot *ho, size_t n)
{
    uint64_t need = memory_bytes(ho) + 4 * (uint64_t)n + 4096;
    if (need <= ho->charged)
        return 0;
    uint64_t more = need - ho->charged;
    if (qn_budget_take(ho->op.budget, more + CHARGE_STEP) == 0)
        more += CHARGE_STEP;
    else if (qn_budget_take(ho->op.budget, more) < 0)
        return QN_E_BUDGET;
    ho->charged += more;
    return 0;
}

static void start(struct qn_hot *ho)
{
    qn_buf_clear(&ho->file);
    qn_buf_sink_init(&ho->sink, &ho->file);
    qn_indexer_start(ho->ix, &ho->sink.sink);
    ho->started = true;
    ho->batch = NULL;
}

bool qn_hot_wants_seal(const struct qn_hot *ho)
{
    return ho->started && (qn_memindex_full(qn_indexer_memory(ho->ix)) ||
                           (ho->op.seal_bytes != 0 && memory_bytes(ho) >= ho->op.seal_bytes));
}

int qn_hot_add(struct qn_hot *ho, const struct qn_parsed *pd, uint32_t from, uint64_t seq,
               uint32_t *taken, uint32_t *refused)
{
    *taken = *refused = 0;
    if (ho->failed < 0)
        return ho->failed;
    for (uint32_t i = from; i < pd->docs.n; i++) {
        if (qn_hot_wants_seal(ho))
            return 0;
        int rc = charge(ho, pd->docs.p[i].text.n);
        if (rc < 0)
            return *taken > 0 ? 0 : rc;
        if (!ho->started)
            start(ho);
        if (ho->batch != pd) {
            qn_indexer_batch(ho->ix, pd);
            ho->batch = pd;
        }
        if (pd->docs.p[i].text.p != NULL)
            *refused += qn_indexer_add(ho->ix, i, NULL) < 0;
        ++*taken;
        ho->end = seq + i + 1;
    }
    /* The batch may go away now, and another may come to lie where it was. */
    ho->batch = NULL;
    return 0;
}

void qn_hot_advance(struct qn_hot *ho, uint64_t end)
{
    ho->end = end > ho->end ? end : ho->end;
}

static int open_sealed(struct qn_hot *ho, const struct qn_split_info *info, struct qn_err *err)
{
    struct hot_split hs = {.end = ho->end, .bytes = info->file_bytes};
    struct qn_object *ob = qn_object_from_memory(QN_STR("hot split"), ho->file.p, ho->file.n);
    int rc = qn_split_open(&hs.sp, ob, info->hot_offset, ho->op.split.simd, err);
    qn_object_unref(ob);
    if (rc < 0)
        return rc;
    struct qn_visible_split entry = {.sp = qn_split_ref(hs.sp), .end = hs.end, .hot = true};
    rc = qn_visible_swap(ho->vi, NULL, 0, &entry, 1);
    QN_ASSERT(rc == 0); /* nothing was to go */
    hs.id = entry.id;
    /* The split was paid for as memory of the index; it keeps its own part of that. */
    uint64_t keep = hs.bytes < ho->charged ? hs.bytes : ho->charged;
    hs.bytes = keep;
    ho->charged -= keep;
    qn_vec_push(&ho->splits, hs);
    return 0;
}

int qn_hot_seal(struct qn_hot *ho, struct qn_err *err)
{
    if (ho->failed < 0)
        return qn_fail(err, ho->failed, "sealing failed before: %s", qn_err_text(ho->failed));
    if (!ho->started || qn_memindex_docs(qn_indexer_memory(ho->ix)) == 0)
        return 0;
    struct qn_split_meta meta = {.json = QN_STR("{}")};
    struct qn_split_info info;
    int rc = qn_indexer_flush(ho->ix, &meta, &info);
    if (rc == 0)
        rc = open_sealed(ho, &info, err);
    else
        qn_fail(err, rc, "sealing a hot split: %s", qn_err_text(rc));
    ho->started = false;
    qn_buf_release(&ho->file);
    qn_budget_give(ho->op.budget, ho->charged);
    ho->charged = 0;
    ho->failed = rc;
    return rc;
}

uint32_t qn_hot_unsealed(const struct qn_hot *ho)
{
    return ho->started ? qn_memindex_docs(qn_indexer_memory(ho->ix)) : 0;
}

uint64_t qn_hot_bytes(const struct qn_hot *ho)
{
    uint64_t n = memory_bytes(ho);
    for (size_t i = 0; i < ho->splits.n; i++)
        n += ho->splits.p[i].bytes;
    return n;
}

uint32_t qn_hot_split_count(const struct qn_hot *ho)
{
    return (uint32_t)ho->splits.n;
}

uint64_t qn_hot_end(const struct qn_hot *ho)
{
    return ho->end;
}

int qn_hot_gather(struct qn_hot *ho, struct qn_str time_field, struct qn_sink *sk,
                  struct qn_split_meta *meta, struct qn_split_info *info, uint64_t *end,
                  struct qn_err *err)
{
    size_t n = ho->splits.n;
    if (ho->failed < 0)
        return qn_fail(err, ho->failed, "sealing failed before: %s", qn_err_text(ho->failed));
    if (n == 0)
        return QN_END;
    struct qn_merge_input *in = qn_xcalloc(n, sizeof *in);
    for (size_t i = 0; i < n; i++)
        in[i].sp = ho->splits.p[i].sp;
    struct qn_merge_options op = {
        .split = ho->op.split, .inputs = in, .n_inputs = (uint32_t)n, .time_field = time_field};
    struct qn_merge_stats stats;
    int rc = qn_split_merge(&op, sk, meta, info, &stats, err);
    free(in);
    if (rc < 0)
        return rc;
    ho->n_gathered = n;
    *end = ho->splits.p[n - 1].end;
    return 0;
}

int qn_hot_adopt(struct qn_hot *ho, struct qn_split *sp)
{
    size_t n = ho->n_gathered;
    uint64_t *gone = qn_xmalloc((n + 1) * sizeof *gone);
    for (size_t i = 0; i < n; i++)
        gone[i] = ho->splits.p[i].id;
    struct qn_visible_split entry = {.sp = sp};
    int rc = qn_visible_swap(ho->vi, gone, (uint32_t)n, &entry, 1);
    free(gone);
    if (rc < 0) {
        qn_split_unref(sp);
        return rc;
    }
    drop_splits(ho, n);
    ho->n_gathered = 0;
    return 0;
}
