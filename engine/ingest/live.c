#include "ingest/live.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { POSITION_DIGITS = 20, RETRY_US = 1000000, RETRY_MAX_US = 60000000 };

/* Positions in the metastore are opaque strings; ours sort like the numbers. "" is 0. */
static struct qn_str print_position(char out[POSITION_DIGITS + 1], uint64_t seq)
{
    if (seq == 0)
        return QN_STR("");
    snprintf(out, POSITION_DIGITS + 1, "%020" PRIu64, seq);
    return qn_str_make(out, POSITION_DIGITS);
}

static int read_checkpoint(struct qn_live *li, struct qn_err *err)
{
    struct qn_arena ar;
    struct qn_meta_position *ps;
    size_t n;
    qn_arena_init(&ar, NULL);
    int rc = qn_meta_get_checkpoint(li->cx->ms, li->uid, QN_JOURNAL_SOURCE, &ar, &ps, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (ps[i].position.n != 0)
            rc = qn_str_to_u64(ps[i].position, &li->published) < 0
                     ? qn_corrupt(err, "index " QN_STR_FMT ": its checkpoint is no position",
                                  QN_STR_ARG(li->uid))
                     : 0;
    qn_arena_release(&ar);
    return rc;
}

static struct qn_str object_key(struct qn_arena *ar, struct qn_str uid, struct qn_str split_id)
{
    return qn_arena_printf(ar, QN_STR_FMT "/" QN_STR_FMT ".split", QN_STR_ARG(uid),
                           QN_STR_ARG(split_id));
}

static int open_split(struct qn_live *li, struct qn_str key, uint64_t size, uint64_t hot_offset,
                      struct qn_split **out, struct qn_err *err)
{
    struct qn_object *ob;
    *out = NULL;
    int rc = qn_storage_open(li->cx->storage, key, size, &ob, err);
    if (rc < 0)
        return rc;
    rc = qn_split_open(out, ob, hot_offset, li->cx->simd, err);
    qn_object_unref(ob);
    return rc;
}

static int open_published(struct qn_live *li, struct qn_err *err)
{
    struct qn_arena ar;
    struct qn_meta_split *sps;
    size_t n;
    qn_arena_init(&ar, NULL);
    struct qn_meta_split_query q = {.index_uids = &li->uid,
                                    .n_index_uids = 1,
                                    .states = QN_META_PUBLISHED,
                                    .without_json = true};
    int rc = qn_meta_list_splits(li->cx->ms, &q, &ar, &sps, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct qn_visible_split entry = {0};
        rc = open_split(li, object_key(&ar, li->uid, sps[i].split_id), sps[i].size_bytes,
                        sps[i].footer_start, &entry.sp, err);
        if (rc == 0)
            rc = qn_visible_swap(&li->visible, NULL, 0, &entry, 1);
    }
    qn_arena_release(&ar);
    return rc;
}

static struct qn_hot *new_hot(struct qn_live *li)
{
    struct qn_hot_options op = {.split = {.simd = li->cx->simd, .spool_dir = li->cx->spool_dir},
                                .budget = li->cx->budget};
    return qn_hot_new(&op, &li->visible);
}

int qn_live_open(struct qn_live **out, const struct qn_live_context *cx, struct qn_str index_uid,
                 const struct qn_live_config *config, struct qn_err *err)
{
    struct qn_live *li = qn_xcalloc(1, sizeof *li);
    *out = NULL;
    li->uid = qn_str_make(qn_xstrndup(index_uid.p, index_uid.n), index_uid.n);
    li->cx = cx;
    li->config = *config;
    qn_visible_init(&li->visible);
    li->hot = new_hot(li);
    int rc = read_checkpoint(li, err);
    if (rc == 0)
        rc = open_published(li, err);
    if (rc < 0) {
        qn_live_close(li);
        return rc;
    }
    qn_hot_advance(li->hot, li->published);
    *out = li;
    return 0;
}

void qn_live_close(struct qn_live *li)
{
    if (li == NULL)
        return;
    qn_hot_free(li->hot);
    qn_visible_release(&li->visible);
    qn_mapping_unref(li->config.mapping);
    free((char *)(uintptr_t)li->uid.p);
    free(li);
}

/* ---- taking */

static void note_waiting(struct qn_live *li)
{
    qn_usec now = qn_mono_us(li->cx->clock);
    if (li->refresh_due == 0 && li->config.refresh_us != 0)
        li->refresh_due = now + li->config.refresh_us;
    if (li->commit_due == 0)
        li->commit_due = now + li->config.commit_us;
}

static int take_documents(struct qn_live *li, const struct qn_parsed *pd, uint64_t seq,
                          struct qn_err *err)
{
    /* Operations up to the checkpoint, or that were taken before the budget ran out, are done. */
    uint64_t done = qn_hot_end(li->hot);
    uint32_t at = done > seq ? (uint32_t)(done - seq) : 0, taken, refused;
    bool published = false;
    while (at < pd->docs.n) {
        int rc = qn_hot_add(li->hot, pd, at, seq, &taken, &refused);
        at += taken;
        if (taken > 0)
            note_waiting(li);
        if (refused > 0)
            QN_LOG(li->cx->log, QN_LOG_WARN, "documents_refused", QN_KV_STR("index", li->uid),
                   QN_KV_U64("documents", refused));
        if (rc == 0 && at < pd->docs.n)
            rc = qn_live_refresh(li, err); /* memory is full for one split */
        else if (rc == QN_E_BUDGET && !published) {
            published = true;
            rc = qn_live_commit(li, err);
        }
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A batch that comes from disk was read before a restart: its documents are walked again. */
static int reread(struct qn_live *li, const struct qn_record *rec, struct qn_parsed *pd,
                  struct qn_err *err)
{
    struct qn_doc_walker *dw = qn_doc_walker_new(li->config.mapping, li->cx->simd);
    int rc = 0;
    for (uint32_t i = 0; i < rec->n_ops && rc == 0; i++) {
        struct qn_doc doc = {.text = qn_record_op(rec, i).body};
        int bad = qn_doc_read(dw, doc.text, &doc, NULL);
        if (bad != 0) {
            /* It was good once; since then the mapping has changed. Its place stays, empty. */
            QN_LOG(li->cx->log, QN_LOG_WARN, "document_unreadable", QN_KV_STR("index", li->uid),
                   QN_KV_U64("position", rec->seq + i));
            doc = (struct qn_doc){.text = QN_STR_NONE};
        }
        rc = qn_parsed_add(pd, dw, &doc);
    }
    qn_doc_walker_free(dw);
    return rc < 0 ? qn_fail(err, rc, "reading a batch of " QN_STR_FMT " again: %s",
                            QN_STR_ARG(li->uid), qn_err_text(rc))
                  : 0;
}

int qn_live_take(struct qn_live *li, const struct qn_batch *b, struct qn_err *err)
{
    const struct qn_record *rec = &b->rec;
    if (qn_record_end(rec) <= qn_hot_end(li->hot))
        return 0;
    int rc = 0;
    if (rec->kind == QN_RECORD_DOCS && b->user != NULL) {
        rc = take_documents(li, b->user, rec->seq, err);
    } else if (rec->kind == QN_RECORD_DOCS) {
        struct qn_parsed *pd = qn_parsed_new(li->config.mapping, NULL);
        rc = reread(li, rec, pd, err);
        if (rc == 0)
            rc = take_documents(li, pd, rec->seq, err);
        qn_parsed_free(pd);
    } else {
        rc = qn_fail(err, QN_E_UNSUPPORTED, "the journal holds operations of kind %d", rec->kind);
    }
    if (rc == 0)
        qn_hot_advance(li->hot, qn_record_end(rec));
    return rc;
}

int qn_live_refresh(struct qn_live *li, struct qn_err *err)
{
    int rc = qn_hot_seal(li->hot, err);
    if (rc == 0)
        li->refresh_due = 0;
    return rc;
}

/* ---- committing */

struct commit {
    struct qn_arena ar;
    struct qn_ulid ulid;
    struct qn_str id, key;
    struct qn_split_meta meta;
    struct qn_split_info info;
    uint64_t end;
    struct qn_split *sp;
};

static int stage(struct qn_live *li, const struct commit *cm, struct qn_err *err)
{
    struct qn_meta_split row = {
        .split_id = cm->id,
        .has_time = cm->meta.min_time_ns <= cm->meta.max_time_ns,
        .min_time_ns = cm->meta.min_time_ns,
        .max_time_ns = cm->meta.max_time_ns,
        .doc_count = cm->info.n_docs,
        .size_bytes = cm->info.file_bytes,
        .raw_bytes = cm->info.raw_bytes,
        .footer_start = cm->info.hot_offset,
        .footer_end = cm->info.file_bytes,
        .source_id = QN_JOURNAL_SOURCE,
        .node_id = li->cx->node_id,
        .doc_mapping_uid = li->config.mapping->uid,
    };
    return qn_meta_stage(li->cx->ms, li->uid, &row, 1, err);
}

/* Staged first with nothing known but its name, so that no object is ever forgotten; then again
 * with its numbers. */
static int upload(struct qn_live *li, struct commit *cm, struct qn_err *err)
{
    struct qn_upload *up;
    int rc = stage(li, cm, err);
    if (rc == 0)
        rc = qn_storage_begin(li->cx->storage, cm->key, 0, &up, err);
    if (rc < 0)
        return rc;
    rc = qn_hot_gather(li->hot, li->config.mapping->timestamp_path, &up->sink, &cm->meta, &cm->info,
                       &cm->end, err);
    if (rc != 0) {
        qn_upload_abort(up);
        return rc;
    }
    rc = qn_upload_commit(up, err);
    return rc < 0 ? rc : stage(li, cm, err);
}

static int publish(struct qn_live *li, struct commit *cm, struct qn_err *err)
{
    char from[POSITION_DIGITS + 1], to[POSITION_DIGITS + 1];
    struct qn_meta_delta delta = {.source_id = QN_JOURNAL_SOURCE,
                                  .partition_id = QN_JOURNAL_PARTITION,
                                  .from = print_position(from, li->published),
                                  .to = print_position(to, cm->end)};
    struct qn_meta_publish pub = {
        .index_uid = li->uid, .staged = &cm->id, .n_staged = 1, .deltas = &delta, .n_deltas = 1};
    /* Opened before it is published: what cannot be read must not become the only copy. */
    int rc = open_split(li, cm->key, cm->info.file_bytes, cm->info.hot_offset, &cm->sp, err);
    if (rc == 0)
        rc = qn_meta_publish(li->cx->ms, &pub, err);
    if (rc < 0) {
        qn_split_unref(cm->sp);
        return rc;
    }
    li->published = cm->end;
    return qn_hot_adopt(li->hot, cm->sp);
}

int qn_live_commit(struct qn_live *li, struct qn_err *err)
{
    int rc = qn_live_refresh(li, err);
    if (rc < 0 || qn_hot_split_count(li->hot) == 0) {
        if (rc == 0)
            li->commit_due = 0;
        return rc;
    }
    struct commit cm = {.ulid = qn_ulid_next(li->cx->ulids)};
    qn_arena_init(&cm.ar, NULL);
    cm.id = qn_arena_str(&cm.ar, qn_ulid_str(&cm.ulid));
    cm.key = object_key(&cm.ar, li->uid, cm.id);
    cm.meta = (struct qn_split_meta){
        .min_time_ns = INT64_MAX, .max_time_ns = INT64_MIN, .json = QN_STR("{}")};
    rc = upload(li, &cm, err);
    /* Only what was surely not published may go: a publish that failed may still have happened, and
     * its split would then be the only copy. What it leaves STAGED is garbage for the janitor. */
    if (rc < 0 && qn_meta_mark_splits(li->cx->ms, li->uid, &cm.id, 1, NULL) < 0)
        QN_LOG(li->cx->log, QN_LOG_DEBUG, "staged_split_left", QN_KV_STR("split", cm.id));
    if (rc == 0)
        rc = publish(li, &cm, err);
    if (rc == 0) {
        li->commit_due = 0;
        QN_LOG(li->cx->log, QN_LOG_INFO, "split_published", QN_KV_STR("index", li->uid),
               QN_KV_STR("split", cm.id), QN_KV_U64("documents", cm.info.n_docs),
               QN_KV_U64("bytes", cm.info.file_bytes));
    }
    qn_arena_release(&cm.ar);
    return rc;
}

/* ---- time */

static void back_off(struct qn_live *li, qn_usec now, const char *what, const struct qn_err *err)
{
    uint64_t wait = (uint64_t)RETRY_US << (li->n_failures < 6 ? li->n_failures : 6);
    li->n_failures++;
    li->retry_at = now + (wait < RETRY_MAX_US ? wait : RETRY_MAX_US);
    QN_LOG(li->cx->log, QN_LOG_ERROR, what, QN_KV_STR("index", li->uid), QN_KV_Z("error", err->msg),
           QN_KV_U64("retry_in_us", li->retry_at - now));
}

static qn_usec earliest(qn_usec a, qn_usec b)
{
    return a == 0 ? b : b == 0 || a < b ? a : b;
}

qn_usec qn_live_tick(struct qn_live *li, qn_usec now)
{
    struct qn_err err = {0};
    if (li->retry_at > now)
        return li->retry_at;
    li->retry_at = 0;
    bool big = li->config.commit_bytes != 0 && qn_hot_bytes(li->hot) >= li->config.commit_bytes;
    if (li->commit_due != 0 && (li->commit_due <= now || big)) {
        if (qn_live_commit(li, &err) < 0)
            back_off(li, now, "commit_failed", &err);
        else
            li->n_failures = 0;
    } else if (li->refresh_due != 0 && li->refresh_due <= now) {
        if (qn_live_refresh(li, &err) < 0)
            back_off(li, now, "refresh_failed", &err);
    }
    return li->retry_at ? li->retry_at : earliest(li->refresh_due, li->commit_due);
}

uint64_t qn_live_needs_from(const struct qn_live *li, uint64_t at)
{
    bool waiting = qn_hot_unsealed(li->hot) > 0 || qn_hot_split_count(li->hot) > 0;
    return waiting ? li->published : at;
}
