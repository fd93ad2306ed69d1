#include "qn/search.h"

#include <stdlib.h>

#include "engine_int.h"
#include "exec/compile.h"
#include "exec/search.h"
#include "index_config_int.h"
#include "query/parse.h"
#include "query/resolve.h"
#include "text/tokenizer.h"

#define NS_PER_S INT64_C(1000000000)

/* A document that may be among the hits. */
struct candidate {
    uint64_t time;  /* of the column, ordered; 0 without a timestamp */
    uint32_t split; /* of the snapshot */
    uint32_t doc;
};

struct search {
    struct qn_engine *en;
    const struct qn_search_ask *ask;
    struct qn_mapping *mapping;
    struct qn_str time_field; /* .p == NULL: the index has none */
    const struct qn_query *query;
    uint32_t limit; /* candidates of one split */
    bool oldest_first;
    struct qn_group *group;
};

/* One split's part, a task. */
struct part {
    const struct search *se;
    const struct qn_visible_split *vs;
    uint32_t index;
    uint64_t count;
    struct candidate *found;
    uint32_t n_found;
    struct qn_err err;
};

/* ---- what is asked */

static const struct qn_query *time_filter(const struct search *se, struct qn_arena *ar,
                                          const struct qn_query *q)
{
    const struct qn_search_ask *ask = se->ask;
    if (!ask->has_start && !ask->has_end)
        return q;
    struct qn_query *range = qn_query_new(ar, QN_QUERY_IN_RANGE, QN_QUERY_NO_POS);
    struct qn_query *both = qn_query_new(ar, QN_QUERY_BOOL, QN_QUERY_NO_POS);
    if (range == NULL || both == NULL)
        return NULL;
    int64_t max = INT64_MAX / NS_PER_S, min = -max;
    int64_t start = ask->start_s < min ? min : ask->start_s > max ? max : ask->start_s;
    int64_t end = ask->end_s < min ? min : ask->end_s > max ? max : ask->end_s;
    range->in_range.target = (struct qn_query_target){
        .field = &se->mapping->fields[se->mapping->timestamp_field], .type = QN_VALUE_DATE};
    if (ask->has_start)
        range->in_range.lower = (struct qn_value){.type = QN_VALUE_DATE, .i64 = start * NS_PER_S};
    if (ask->has_end)
        range->in_range.upper = (struct qn_value){.type = QN_VALUE_DATE, .i64 = end * NS_PER_S - 1};
    both->bools.min_should = -1;
    qn_query_list_add(ar, &both->bools.must, q);
    qn_query_list_add(ar, &both->bools.filter, range);
    return both;
}

/* Quickwit sorts descending by `f` and `+f`, ascending by `-f`. */
static int read_sort(struct search *se, struct qn_err *err)
{
    struct qn_str by = qn_str_trim(se->ask->sort_by);
    if (by.n == 0)
        return QN_OK;
    se->oldest_first = by.p[0] == '-';
    if (by.p[0] == '-' || by.p[0] == '+')
        by = qn_str_from(by, 1);
    if (se->time_field.p != NULL && qn_str_eq(by, se->mapping->timestamp_path))
        return QN_OK;
    return qn_fail(err, QN_E_INVALID,
                   "sort_by: hits are sorted by the timestamp field only, not by `" QN_STR_FMT "`",
                   QN_STR_ARG(by));
}

/* The query text as a tree that is bound to the index's mapping. */
static int bind_query(struct search *se, struct qn_str config, struct qn_arena *ar,
                      struct qn_err *err)
{
    struct qn__index_config cfg;
    const struct qn_query *meant;
    int rc = qn__index_config_read(&cfg, config, err);
    struct qn_parse_options po = {.op = QN_OPERATOR_AND,
                                  .default_fields = se->ask->fields,
                                  .n_default_fields = se->ask->n_fields};
    if (rc == QN_OK && po.default_fields == NULL)
        po.default_fields = qn__index_config_fields(&cfg, ar, &po.n_default_fields);
    if (rc == QN_OK)
        rc = qn_query_parse_quickwit(&meant, ar, se->ask->query, &po, err);
    if (rc == QN_OK) {
        struct qn_text_scratch *scratch = qn_text_scratch_new(se->en->simd);
        const struct qn_resolve_options ro = {.mapping = se->mapping,
                                              .scratch = scratch,
                                              .dialect = QN_DIALECT_QUICKWIT,
                                              .default_fields = po.default_fields,
                                              .n_default_fields = po.n_default_fields,
                                              .now_ns = qn_wall_ns(se->en->opt.clock)};
        rc = qn_query_resolve(&se->query, ar, meant, &ro, err);
        qn_text_scratch_free(scratch);
    }
    if (rc == QN_OK)
        se->query = time_filter(se, ar, se->query);
    qn__index_config_release(&cfg);
    if (rc == QN_OK && (se->query == NULL || qn_arena_failed(ar)))
        rc = qn_fail(err, QN_E_BUDGET, "the query is too large");
    return rc;
}

/* ---- one split */

static int check_group(void *arg)
{
    return qn_group_check(arg);
}

/* The timestamps of the documents found, which ascend or descend. */
static int add_times(struct part *pt, struct qn_exec *ex, uint32_t *ids, uint32_t n,
                     struct qn_err *err)
{
    struct qn_split_field *fd =
        ex->time_field.p != NULL ? qn_split_find(ex->sp, ex->time_field, QN_SPLIT_DATE) : NULL;
    int rc = fd != NULL ? qn_split_use(fd, err) : QN_OK;
    if (rc < 0 || fd == NULL || fd->column == NULL || n == 0)
        return rc;
    uint64_t *times = qn_arena_array(ex->ar, uint64_t, n);
    uint64_t *present = qn_arena_array(ex->ar, uint64_t, n / 64 + 1);
    uint32_t *up = qn_arena_array(ex->ar, uint32_t, n);
    if (times == NULL || present == NULL || up == NULL)
        return QN_E_BUDGET;
    bool down = n > 1 && ids[0] > ids[1];
    for (uint32_t i = 0; i < n; i++)
        up[i] = ids[down ? n - 1 - i : i];
    struct qn_column_cursor *cu = qn_column_cursor_new(fd->column);
    rc = qn_column_gather(cu, up, n, QN_COLUMN_FIRST, times, present, err);
    qn_column_cursor_free(cu);
    for (uint32_t i = 0; i < n && rc == QN_OK; i++)
        pt->found[i].time = times[down ? n - 1 - i : i];
    return rc;
}

static int walk(struct part *pt, struct qn_exec *ex, struct qn_op *op, struct qn_err *err)
{
    const struct search *se = pt->se;
    const struct qn_stop stop = {check_group, se->group};
    uint32_t limit = se->limit < ex->n_docs ? se->limit : ex->n_docs;
    if (limit == 0)
        return qn_search_count(ex, op, stop, &pt->count, err);
    const struct qn_search_edge edge = {.newest = !se->oldest_first,
                                        .limit = limit,
                                        .count_all = true,
                                        .skip_to = se->oldest_first ? 0 : UINT32_MAX};
    struct qn_search_hits hits = {.ids = qn_arena_array(ex->ar, uint32_t, limit)};
    if (hits.ids == NULL)
        return QN_E_BUDGET;
    int rc = qn_search_edge(ex, op, &edge, stop, &hits, err);
    if (rc < 0)
        return rc;
    pt->count = hits.count;
    pt->n_found = hits.n;
    pt->found = qn_xcalloc(hits.n + 1, sizeof *pt->found);
    for (uint32_t i = 0; i < hits.n; i++)
        pt->found[i] = (struct candidate){.split = pt->index, .doc = hits.ids[i]};
    return add_times(pt, ex, hits.ids, hits.n, err);
}

static int run_part(struct qn_group *group, void *arg)
{
    struct part *pt = arg;
    struct qn_arena ar;
    struct qn_op *op = NULL;
    (void)group;
    qn_arena_init(&ar, pt->se->en->opt.budget);
    struct qn_exec ex = {.sp = pt->vs->sp,
                         .simd = pt->se->en->simd,
                         .ar = &ar,
                         .n_docs = qn_split_doc_count(pt->vs->sp),
                         .time_field = pt->se->time_field,
                         .deleted = pt->vs->deletes != NULL ? pt->vs->deletes->bits : NULL};
    int rc = qn_compile(&op, &ex, pt->se->query, &pt->err);
    if (rc == QN_OK)
        rc = walk(pt, &ex, op, &pt->err);
    qn_op_free(op);
    qn_arena_release(&ar);
    return rc < 0 ? qn_fail(&pt->err, rc, "%s", qn_err_text(rc)) : QN_OK;
}

/* ---- all of them */

/* Newest first; of one moment the later split and the later document first. */
static int newest_first(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->time != y->time)
        return x->time > y->time ? -1 : 1;
    if (x->split != y->split)
        return x->split > y->split ? -1 : 1;
    return x->doc > y->doc ? -1 : x->doc < y->doc;
}

static int oldest_first(const void *a, const void *b)
{
    return newest_first(b, a);
}

static int fetch(const struct qn_snapshot *sn, const struct candidate *at, uint32_t n,
                 struct qn_arena *ar, struct qn_search_answer *out, struct qn_err *err)
{
    struct qn_docs_cursor **open = qn_xcalloc(sn->n + 1, sizeof(struct qn_docs_cursor *));
    struct qn_buf text;
    int rc = QN_OK;
    qn_buf_init(&text, SIZE_MAX);
    out->hits = qn_arena_array(ar, struct qn_str, n + 1);
    if (out->hits == NULL)
        rc = qn_fail(err, QN_E_BUDGET, "the answer is too large");
    for (uint32_t i = 0; i < n && rc == QN_OK; i++) {
        struct qn_docs_cursor **cu = &open[at[i].split];
        if (*cu == NULL)
            *cu = qn_docs_cursor_new(qn_split_docs(sn->splits[at[i].split].sp));
        qn_buf_clear(&text);
        rc = qn_docs_get(*cu, at[i].doc, &text, err);
        out->hits[i] = qn_arena_str(ar, qn_buf_str(&text));
        if (rc == QN_OK && out->hits[i].p == NULL)
            rc = qn_fail(err, QN_E_BUDGET, "the answer is too large");
        out->n_hits += rc == QN_OK;
    }
    for (uint32_t i = 0; i < sn->n; i++)
        qn_docs_cursor_free(open[i]);
    qn_buf_release(&text);
    free(open);
    return rc;
}

static int merge(const struct search *se, const struct qn_snapshot *sn, const struct part *parts,
                 struct qn_arena *ar, struct qn_search_answer *out, struct qn_err *err)
{
    size_t n = 0;
    for (uint32_t i = 0; i < sn->n; i++) {
        out->num_hits += parts[i].count;
        n += parts[i].n_found;
    }
    struct candidate *all = qn_xcalloc(n + 1, sizeof *all), *end = all;
    for (uint32_t i = 0; i < sn->n; i++)
        for (uint32_t k = 0; k < parts[i].n_found; k++)
            *end++ = parts[i].found[k];
    qsort(all, n, sizeof *all, se->oldest_first ? oldest_first : newest_first);
    size_t from = se->ask->start_offset < n ? se->ask->start_offset : n;
    size_t want = n - from < se->ask->max_hits ? n - from : se->ask->max_hits;
    int rc = fetch(sn, all + from, (uint32_t)want, ar, out, err);
    free(all);
    return rc;
}

static int run_all(struct search *se, const struct qn_snapshot *sn, struct qn_arena *ar,
                   struct qn_search_answer *out, struct qn_err *err)
{
    struct part *parts = qn_xcalloc(sn->n + 1, sizeof *parts);
    for (uint32_t i = 0; i < sn->n; i++) {
        parts[i] = (struct part){.se = se, .vs = &sn->splits[i], .index = i};
        qn_group_submit(se->group, run_part, &parts[i]);
    }
    int rc = qn_group_wait(se->group);
    for (uint32_t i = 0; i < sn->n && rc < 0; i++)
        if (parts[i].err.code == rc)
            *err = parts[i].err;
    if (rc == QN_OK)
        rc = merge(se, sn, parts, ar, out, err);
    for (uint32_t i = 0; i < sn->n; i++)
        free(parts[i].found);
    free(parts);
    return rc;
}

int qn_engine_search(struct qn_engine *en, const struct qn_search_ask *ask, struct qn_group *group,
                     struct qn_arena *ar, struct qn_search_answer *out, struct qn_err *err)
{
    struct qn__index ix;
    *out = (struct qn_search_answer){0};
    int rc = qn__index_open(en, ask->index_id, ar, &ix, err);
    if (rc < 0)
        return rc;
    struct search se = {.en = en,
                        .ask = ask,
                        .mapping = ix.mapping,
                        .limit = ask->max_hits == 0 ? 0 : ask->max_hits + ask->start_offset,
                        .group = group};
    if (ix.mapping->timestamp_field != QN_NO_FIELD)
        se.time_field = ix.mapping->fields[ix.mapping->timestamp_field].path;
    else if (ask->has_start || ask->has_end)
        rc = qn_fail(err, QN_E_INVALID,
                     "the index has no timestamp field: start_timestamp and end_timestamp cannot "
                     "be used");
    if (rc == QN_OK)
        rc = read_sort(&se, err);
    if (rc == QN_OK)
        rc = bind_query(&se, ix.meta.config, ar, err);
    struct qn_snapshot *sn = rc == QN_OK ? qn__index_snapshot(en, ix.meta.index_uid) : NULL;
    if (sn != NULL)
        rc = run_all(&se, sn, ar, out, err);
    else if (rc == QN_OK)
        rc = qn_fail(err, QN_E_NOT_FOUND, "index `" QN_STR_FMT "` not found",
                     QN_STR_ARG(ask->index_id));
    qn_snapshot_unref(sn);
    qn__index_close(&ix);
    return rc;
}

struct qn_executor *qn_engine_executor(struct qn_engine *en)
{
    return en->opt.executor;
}
