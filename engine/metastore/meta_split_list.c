/* Listing splits: the conditions become one SELECT; tags are looked at row by row, because clauses
 * of tags are no SQL that two databases share. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/vec.h"
#include "meta_split_int.h"

#define MAX_IDS 30000 /* what databases allow as parameters of one statement */

#define HAS_TIME "max_time_ns < 9223372036854775807"

/* A statement under construction: its text and its parameters. */
struct select {
    struct qn_buf sql;
    QN_VEC(struct qn_db_value) params;
    bool any; /* a condition is there already */
};

static void param(struct select *se, struct qn_db_value v)
{
    qn_vec_push(&se->params, v);
    qn_buf_printf(&se->sql, "$%zu", se->params.n);
}

static void condition(struct select *se, const char *text)
{
    qn_buf_put_z(&se->sql, se->any ? " AND " : " WHERE ");
    qn_buf_put_z(&se->sql, text);
    se->any = true;
}

static void condition_i(struct select *se, const char *text, int64_t v)
{
    condition(se, text);
    param(se, QN_DB_I(v));
}

static void condition_s(struct select *se, const char *text, struct qn_str s)
{
    if (s.n == 0)
        return;
    condition(se, text);
    param(se, QN_DB_S(s));
}

static void condition_in(struct select *se, const char *column, const struct qn_str *ids, size_t n)
{
    if (n == 0)
        return;
    condition(se, column);
    qn_buf_put_z(&se->sql, " IN (");
    for (size_t i = 0; i < n; i++) {
        if (i != 0)
            qn_buf_put_z(&se->sql, ", ");
        param(se, QN_DB_S(ids[i]));
    }
    qn_buf_put_z(&se->sql, ")");
}

static void condition_states(struct select *se, unsigned states)
{
    states &= QN_META_ANY_STATE;
    if (states == 0 || states == QN_META_ANY_STATE)
        return;
    condition(se, "state IN (");
    const char *comma = "";
    for (unsigned s = QN_META_STAGED; s <= QN_META_MARKED; s *= 2) {
        if (!(states & s))
            continue;
        qn_buf_printf(&se->sql, "%s%u", comma, s);
        comma = ", ";
    }
    qn_buf_put_z(&se->sql, ")");
}

static void conditions(struct select *se, const struct qn_meta_split_query *q, int64_t now)
{
    condition_in(se, "index_uid", q->index_uids, q->n_index_uids);
    condition_in(se, "split_id", q->split_ids, q->n_split_ids);
    condition_states(se, q->states);
    if (q->time != NULL) {
        condition_i(se,
                    "max_time_ns >= ", q->time->from); /* splits without time reach everywhere */
        condition_i(se, "min_time_ns <= ", q->time->to);
    }
    if (q->created != NULL) {
        condition_i(se, "created_us >= ", q->created->from);
        condition_i(se, "created_us <= ", q->created->to);
    }
    if (q->updated != NULL) {
        condition_i(se, "updated_us >= ", q->updated->from);
        condition_i(se, "updated_us <= ", q->updated->to);
    }
    if (q->maturity == QN_META_MATURE)
        condition_i(se, "mature_us <= ", now);
    if (q->maturity == QN_META_IMMATURE)
        condition_i(se, "mature_us > ", now);
    if (q->delete_opstamp_below != 0)
        condition_i(se, "delete_opstamp < ", (int64_t)q->delete_opstamp_below);
    condition_s(se, "node_id = ", q->node_id);
    condition_s(se, "source_id = ", q->source_id);
    condition_s(se, "tier = ", q->tier);
}

static const char *order_of(enum qn_meta_sort sort)
{
    switch (sort) {
    case QN_META_BY_TIME_DESC:
        return " ORDER BY CASE WHEN " HAS_TIME " THEN 0 ELSE 1 END, max_time_ns DESC, index_uid,"
               " split_id";
    case QN_META_BY_STALENESS:
        return " ORDER BY delete_opstamp, published_us, index_uid, split_id";
    case QN_META_BY_ID:
        break;
    }
    return " ORDER BY index_uid, split_id";
}

/* --- rows --- */

struct taking {
    const struct qn_meta_split_query *q;
    size_t to_skip, left;
};

static char unescape(char c)
{
    if (c == 'n')
        return '\n';
    return c;
}

static void get_tags(struct qn_str text, struct qn_arena *ar, struct qn_meta_split *sp)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    if (n == 0)
        return;
    struct qn_str *tags = qn_arena_array(ar, struct qn_str, n);
    char *bytes = qn_arena_alloc(ar, text.n);
    if (tags == NULL || bytes == NULL)
        return; /* the arena has failed, which qn__meta_select reports */
    size_t at = 0;
    struct qn_str tag = {bytes, 0};
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '\n') {
            tags[at++] = tag;
            tag = (struct qn_str){tag.p + tag.n, 0};
            continue;
        }
        if (c == '\\' && i + 1 < text.n)
            c = unescape(text.p[++i]);
        bytes[(size_t)(tag.p - bytes) + tag.n++] = c;
    }
    sp->tags = tags;
    sp->n_tags = n;
}

static bool has_tag(const struct qn_meta_split *sp, struct qn_str tag)
{
    for (size_t i = 0; i < sp->n_tags; i++)
        if (qn_str_eq(sp->tags[i], tag))
            return true;
    return false;
}

static bool tags_hold(const struct qn_meta_split *sp, const struct qn_meta_split_query *q)
{
    for (size_t i = 0; i < q->n_tags; i++) {
        bool any = false;
        for (size_t k = 0; k < q->tags[i].n && !any; k++)
            any = has_tag(sp, q->tags[i].any[k].tag) != q->tags[i].any[k].absent;
        if (!any)
            return false;
    }
    return true;
}

#define SPLIT_COLUMNS                                                                              \
    "index_uid, split_id, state, min_time_ns, max_time_ns, doc_count, deleted_doc_count,"          \
    " size_bytes, raw_bytes, footer_start, footer_end, partition_id, delete_opstamp,"              \
    " delete_generation, merge_ops, mature_us, created_us, updated_us, published_us, source_id,"   \
    " node_id, tier, doc_mapping_uid, tags"

static int take_split(struct qn_db_rows *rows, struct qn_arena *ar, void *element, void *arg)
{
    struct taking *tk = arg;
    struct qn_meta_split *sp = element;
    if (tk->left == 0)
        return 2;
    struct qn_arena_mark mark = qn_arena_mark(ar); /* what a dropped row took is given back */
    get_tags(rows->ops->get_text(rows, 23), ar, sp);
    bool holds = tags_hold(sp, tk->q);
    if (!holds || tk->to_skip > 0) {
        tk->to_skip -= holds;
        qn_arena_rewind(ar, mark);
        return 0;
    }
    tk->left--;
    sp->index_uid = qn__db_str(rows, 0, ar);
    sp->split_id = qn__db_str(rows, 1, ar);
    sp->state = (enum qn_meta_state)qn__db_int(rows, 2);
    sp->min_time_ns = qn__db_int(rows, 3);
    sp->max_time_ns = qn__db_int(rows, 4);
    sp->has_time = sp->max_time_ns != INT64_MAX;
    if (!sp->has_time)
        sp->min_time_ns = sp->max_time_ns = 0;
    sp->doc_count = (uint64_t)qn__db_int(rows, 5);
    sp->deleted_doc_count = (uint64_t)qn__db_int(rows, 6);
    sp->size_bytes = (uint64_t)qn__db_int(rows, 7);
    sp->raw_bytes = (uint64_t)qn__db_int(rows, 8);
    sp->footer_start = (uint64_t)qn__db_int(rows, 9);
    sp->footer_end = (uint64_t)qn__db_int(rows, 10);
    sp->partition_id = (uint64_t)qn__db_int(rows, 11);
    sp->delete_opstamp = (uint64_t)qn__db_int(rows, 12);
    sp->delete_generation = (uint64_t)qn__db_int(rows, 13);
    sp->merge_ops = (uint32_t)qn__db_int(rows, 14);
    sp->mature_us = qn__db_int(rows, 15);
    sp->created_us = qn__db_int(rows, 16);
    sp->updated_us = qn__db_int(rows, 17);
    sp->published_us = qn__db_int(rows, 18);
    sp->source_id = qn__db_str(rows, 19, ar);
    sp->node_id = qn__db_str(rows, 20, ar);
    sp->tier = qn__db_str(rows, 21, ar);
    sp->doc_mapping_uid = qn__db_str(rows, 22, ar);
    if (!tk->q->without_json)
        sp->json = qn__db_str(rows, 24, ar);
    return 1;
}

int qn_meta_list_splits(struct qn_metastore *ms, const struct qn_meta_split_query *q,
                        struct qn_arena *ar, struct qn_meta_split **out, size_t *n,
                        struct qn_err *err)
{
    *out = NULL;
    *n = 0;
    if (q->n_index_uids + q->n_split_ids > MAX_IDS)
        return qn_fail(err, QN_E_TOO_LARGE, "splits of more than %d ids asked for at once",
                       MAX_IDS);
    struct select se = {0};
    qn_buf_init(&se.sql, SIZE_MAX);
    qn_buf_put_z(&se.sql, "SELECT " SPLIT_COLUMNS);
    qn_buf_put_z(&se.sql, q->without_json ? "" : ", json");
    qn_buf_put_z(&se.sql, " FROM splits");
    conditions(&se, q, qn__meta_now(ms));
    qn_buf_put_z(&se.sql, order_of(q->sort));
    /* Rows beyond the limit are not fetched: the statement is a cursor, closed early. */
    struct taking tk = {.q = q, .to_skip = q->offset, .left = q->limit != 0 ? q->limit : SIZE_MAX};
    struct qn__meta_list list = {.size = sizeof **out,
                                 .take = take_split,
                                 .arg = &tk,
                                 .ar = ar,
                                 .out = (void **)out,
                                 .n = n};
    qn_buf_put_u8(&se.sql, '\0');
    int rc = qn__meta_select(ms, se.sql.p, se.params.p, se.params.n, &list, err);
    qn_vec_release(&se.params);
    qn_buf_release(&se.sql);
    return rc;
}

#define SELECT_TOTALS                                                                              \
    "SELECT count(*), coalesce(sum(doc_count), 0), coalesce(sum(deleted_doc_count), 0),"           \
    " coalesce(sum(size_bytes), 0), coalesce(sum(raw_bytes), 0),"                                  \
    " min(CASE WHEN " HAS_TIME " THEN min_time_ns END),"                                           \
    " max(CASE WHEN " HAS_TIME " THEN max_time_ns END) FROM splits WHERE state = 2"

int qn_meta_totals(struct qn_metastore *ms, struct qn_str index_uid, struct qn_meta_totals *out,
                   struct qn_err *err)
{
    *out = (struct qn_meta_totals){0};
    struct qn_db *db;
    int rc = qn__meta_read(ms, &db, err);
    if (rc < 0)
        return rc;
    struct qn_db_rows *rows;
    rc = index_uid.n != 0 ? qn__db_query(db, SELECT_TOTALS " AND index_uid = $1",
                                         QN_DB_P(QN_DB_S(index_uid)), &rows, err)
                          : qn__db_query(db, SELECT_TOTALS, QN_DB_NONE, &rows, err);
    if (rc == QN_OK)
        rc = qn__db_next(rows, err);
    if (rc == 1) {
        *out = (struct qn_meta_totals){
            .splits = (uint64_t)qn__db_int(rows, 0),
            .docs = (uint64_t)qn__db_int(rows, 1),
            .deleted_docs = (uint64_t)qn__db_int(rows, 2),
            .size_bytes = (uint64_t)qn__db_int(rows, 3),
            .raw_bytes = (uint64_t)qn__db_int(rows, 4),
            .has_time = !qn__db_is_null(rows, 5),
            .min_time_ns = qn__db_int(rows, 5),
            .max_time_ns = qn__db_int(rows, 6),
        };
        rc = QN_OK;
    }
    qn__db_close_rows(rows);
    qn__meta_read_done(ms, db);
    return rc;
}
