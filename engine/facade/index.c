#include "qn/index.h"

#include <stdio.h>

#include "engine_int.h"
#include "index_config_int.h"
#include "ingest/ingest.h"

/* Sources that Quickwit gives to every index. */
static const char *const source_ids[] = {"_ingest-api-source", "_ingest-source",
                                         "_ingest-cli-source"};
static const char *const source_types[] = {"ingest-api", "ingest", "ingest-cli"};

/* ---- requests of the other files */

static int find_index(struct qn_engine *en, struct qn_str index_id, struct qn_arena *ar,
                      struct qn_meta_index *out, struct qn_err *err)
{
    struct qn_err cause = {0};
    int rc = qn_meta_get_index(en->metastore, index_id, ar, out, &cause);
    if (rc == QN_E_NOT_FOUND)
        return qn_fail(err, rc, "index `" QN_STR_FMT "` not found", QN_STR_ARG(index_id));
    return rc < 0 ? qn_fail(err, rc, "%s", cause.code ? cause.msg : qn_err_text(rc)) : QN_OK;
}

int qn__index_open(struct qn_engine *en, struct qn_str index_id, struct qn_arena *ar,
                   struct qn__index *out, struct qn_err *err)
{
    *out = (struct qn__index){0};
    int rc = find_index(en, index_id, ar, &out->meta, err);
    if (rc < 0)
        return rc;
    out->mapping = qn_ingest_mapping(en->ingest, out->meta.index_uid);
    return out->mapping != NULL ? QN_OK
                                : qn_fail(err, QN_E_UNAVAILABLE, "index `" QN_STR_FMT "` is closed",
                                          QN_STR_ARG(index_id));
}

void qn__index_close(struct qn__index *ix)
{
    qn_mapping_unref(ix->mapping);
    ix->mapping = NULL;
}

struct qn_snapshot *qn__index_snapshot(struct qn_engine *en, struct qn_str index_uid)
{
    return qn_ingest_snapshot(en->ingest, index_uid);
}

/* ---- Quickwit's shapes */

/* Positions of one source after the other, as the metastore orders them. */
static void write_checkpoint(const struct qn_meta_position *at, size_t n, struct qn_jw *w)
{
    qn_jw_key(w, "checkpoint");
    qn_jw_obj(w);
    for (size_t i = 0; i < n; i++) {
        bool first = i == 0 || !qn_str_eq(at[i].source_id, at[i - 1].source_id);
        if (first) {
            qn_jw_key_str(w, at[i].source_id);
            qn_jw_obj(w);
        }
        qn_jw_key_str(w, at[i].partition_id);
        qn_jw_str(w, at[i].position);
        if (i + 1 == n || !qn_str_eq(at[i].source_id, at[i + 1].source_id))
            qn_jw_end(w);
    }
    qn_jw_end(w);
}

static void write_sources(struct qn_jw *w)
{
    qn_jw_key(w, "sources");
    qn_jw_arr(w);
    for (size_t i = 0; i < QN_COUNT_OF(source_ids); i++) {
        qn_jw_obj(w);
        qn_jw_kv_z(w, "version", "0.9");
        qn_jw_kv_z(w, "source_id", source_ids[i]);
        qn_jw_kv_u64(w, "num_pipelines", 1);
        qn_jw_kv_bool(w, "enabled", true);
        qn_jw_kv_z(w, "source_type", source_types[i]);
        qn_jw_key(w, "params");
        qn_jw_obj(w);
        qn_jw_end(w);
        qn_jw_kv_z(w, "input_format", "json");
        qn_jw_end(w);
    }
    qn_jw_end(w);
}

static int write_metadata(struct qn_engine *en, const struct qn_meta_index *ix, struct qn_arena *ar,
                          struct qn_jw *w, struct qn_err *err)
{
    struct qn_meta_position *at;
    size_t n;
    int rc = qn_meta_get_checkpoint(en->metastore, ix->index_uid, QN_STR_NONE, ar, &at, &n, err);
    if (rc < 0)
        return rc;
    qn_jw_obj(w);
    qn_jw_kv_z(w, "version", "0.9");
    qn_jw_kv_str(w, "index_uid", ix->index_uid);
    qn_jw_key(w, "index_config");
    qn_jw_raw(w, ix->config);
    write_checkpoint(at, n, w);
    qn_jw_kv_i64(w, "create_timestamp", ix->created_us / 1000000);
    write_sources(w);
    qn_jw_end(w);
    return QN_OK;
}

static void write_size(struct qn_jw *w, const char *key, uint64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double v = (double)bytes;
    size_t u = 0;
    for (; v >= 1000 && u + 1 < QN_COUNT_OF(units); u++)
        v /= 1000;
    qn_jw_key(w, key);
    qn_jw_printf(w, u == 0 ? "%.0f %s" : "%.1f %s", v, units[u]);
}

static void write_splits(const struct qn_meta_split *sp, size_t n, struct qn_jw *w)
{
    qn_jw_arr(w);
    for (size_t i = 0; i < n; i++) {
        qn_jw_obj(w);
        qn_jw_kv_str(w, "split_id", sp[i].split_id);
        qn_jw_kv_u64(w, "num_docs", sp[i].doc_count);
        write_size(w, "uncompressed_docs_size_bytes", sp[i].raw_bytes);
        qn_jw_key(w, "file_name");
        qn_jw_printf(w, QN_STR_FMT ".split", QN_STR_ARG(sp[i].split_id));
        write_size(w, "file_size_bytes", sp[i].size_bytes);
        qn_jw_end(w);
    }
    qn_jw_end(w);
}

/* ---- making */

/* The configuration as it is kept: complete, and with a uid for its mapping. */
static int complete(struct qn_engine *en, struct qn__index_config *cfg, struct qn_buf *out,
                    struct qn_err *err)
{
    struct qn_jw w;
    struct qn_str root = qn_storage_uri(en->indexes), uri = cfg->index_uri;
    bool own = uri.p == NULL || (uri.n == root.n + 1 + cfg->index_id.n &&
                                 qn_str_starts(uri, root) && qn_str_ends(uri, cfg->index_id));
    if (!own)
        return qn_fail(err, QN_E_INVALID,
                       "index_uri: indexes are kept in " QN_STR_FMT "/<index_id>",
                       QN_STR_ARG(root));
    if (cfg->mapping->uid.n == 0) {
        struct qn_ulid id = qn_ulid_next(&en->ulids);
        struct qn_mapping *named = qn_mapping_with_uid(cfg->mapping, qn_ulid_str(&id));
        qn_mapping_unref(cfg->mapping);
        cfg->mapping = named;
    }
    qn_jw_init(&w, out, NULL);
    qn__index_config_write(cfg, root, &w);
    int rc = qn_jw_finish(&w);
    return rc < 0 ? qn_fail(err, rc, "the configuration is too large") : QN_OK;
}

static int delete_index(struct qn_engine *en, const struct qn_meta_index *ix, struct qn_arena *ar,
                        struct qn_err *err);

static int remove_old(struct qn_engine *en, struct qn_str index_id, struct qn_arena *ar,
                      struct qn_err *err)
{
    struct qn_meta_index old;
    int rc = qn_meta_get_index(en->metastore, index_id, ar, &old, NULL);
    if (rc == QN_E_NOT_FOUND)
        return QN_OK;
    return rc < 0 ? qn_fail(err, rc, "%s", qn_err_text(rc)) : delete_index(en, &old, ar, err);
}

int qn_index_create(struct qn_engine *en, struct qn_str config_json, bool overwrite,
                    struct qn_jw *out, struct qn_err *err)
{
    struct qn__index_config cfg;
    struct qn_arena ar;
    struct qn_buf config;
    struct qn_meta_index ix;
    qn_arena_init(&ar, NULL);
    qn_buf_init(&config, 8 << 20);
    int rc = qn__index_config_read(&cfg, config_json, err);
    if (rc == QN_OK)
        rc = complete(en, &cfg, &config, err);
    if (rc == QN_OK && overwrite)
        rc = remove_old(en, cfg.index_id, &ar, err);
    if (rc == QN_OK)
        rc = qn_meta_create_index(en->metastore, cfg.index_id, qn_buf_str(&config), &ar, &ix, err);
    if (rc == QN_OK) {
        rc = qn_ingest_add_index(en->ingest, ix.index_uid, ix.config, err);
        if (rc < 0 && qn_meta_delete_index(en->metastore, ix.index_uid, NULL) < 0)
            QN_LOG(en->opt.log, QN_LOG_ERROR, "index_not_opened", QN_KV_STR("index", ix.index_uid));
    }
    if (rc == QN_OK)
        rc = write_metadata(en, &ix, &ar, out, err);
    qn__index_config_release(&cfg);
    qn_buf_release(&config);
    qn_arena_release(&ar);
    return rc;
}

/* ---- reading */

int qn_index_get(struct qn_engine *en, struct qn_str index_id, struct qn_jw *out,
                 struct qn_err *err)
{
    struct qn_arena ar;
    struct qn_meta_index ix;
    qn_arena_init(&ar, NULL);
    int rc = find_index(en, index_id, &ar, &ix, err);
    if (rc == QN_OK)
        rc = write_metadata(en, &ix, &ar, out, err);
    qn_arena_release(&ar);
    return rc;
}

static bool is_wanted(struct qn_str patterns, struct qn_str index_id)
{
    struct qn_str one;
    if (patterns.n == 0)
        return true;
    while (qn_str_split(&patterns, ',', &one))
        if (qn_str_glob(one, index_id))
            return true;
    return false;
}

int qn_index_list(struct qn_engine *en, struct qn_str patterns, struct qn_jw *out,
                  struct qn_err *err)
{
    struct qn_arena ar;
    struct qn_meta_index *all;
    size_t n = 0;
    qn_arena_init(&ar, NULL);
    int rc = qn_meta_list_indexes(en->metastore, &ar, &all, &n, err);
    if (rc == QN_OK)
        qn_jw_arr(out);
    for (size_t i = 0; i < n && rc == QN_OK; i++)
        if (is_wanted(patterns, all[i].index_id))
            rc = write_metadata(en, &all[i], &ar, out, err);
    if (rc == QN_OK)
        qn_jw_end(out);
    qn_arena_release(&ar);
    return rc;
}

static void write_time(struct qn_jw *w, const char *key, bool has, int64_t ns)
{
    qn_jw_key(w, key);
    if (has)
        qn_jw_i64(w, ns / 1000000000 - (ns % 1000000000 < 0));
    else
        qn_jw_null(w);
}

int qn_index_describe(struct qn_engine *en, struct qn_str index_id, struct qn_jw *out,
                      struct qn_err *err)
{
    struct qn_arena ar;
    struct qn__index ix;
    struct qn_meta_totals all;
    qn_arena_init(&ar, NULL);
    int rc = qn__index_open(en, index_id, &ar, &ix, err);
    if (rc == QN_OK)
        rc = qn_meta_totals(en->metastore, ix.meta.index_uid, &all, err);
    if (rc == QN_OK) {
        struct qn_str root = qn_storage_uri(en->indexes);
        qn_jw_obj(out);
        qn_jw_kv_str(out, "index_id", ix.meta.index_id);
        qn_jw_key(out, "index_uri");
        qn_jw_printf(out, QN_STR_FMT "/" QN_STR_FMT, QN_STR_ARG(root),
                     QN_STR_ARG(ix.meta.index_id));
        qn_jw_kv_u64(out, "num_published_splits", all.splits);
        qn_jw_kv_u64(out, "size_published_splits", all.size_bytes);
        qn_jw_kv_u64(out, "num_published_docs", all.docs - all.deleted_docs);
        qn_jw_kv_u64(out, "size_published_docs_uncompressed", all.raw_bytes);
        qn_jw_key(out, "timestamp_field_name");
        if (ix.mapping->timestamp_field != QN_NO_FIELD)
            qn_jw_str(out, ix.mapping->timestamp_path);
        else
            qn_jw_null(out);
        write_time(out, "min_timestamp", all.has_time, all.min_time_ns);
        write_time(out, "max_timestamp", all.has_time, all.max_time_ns);
        qn_jw_end(out);
    }
    qn__index_close(&ix);
    qn_arena_release(&ar);
    return rc;
}

/* ---- deleting */

static int list_published(struct qn_engine *en, struct qn_str uid, struct qn_arena *ar,
                          struct qn_meta_split **out, size_t *n, struct qn_err *err)
{
    const struct qn_meta_split_query q = {
        .index_uids = &uid, .n_index_uids = 1, .states = QN_META_PUBLISHED, .without_json = true};
    return qn_meta_list_splits(en->metastore, &q, ar, out, n, err);
}

/* The bytes of splits that are marked; a search that has them open goes on reading. What is staged
 * just now is left to the one who collects garbage. */
static int remove_splits(struct qn_engine *en, struct qn_str uid, const struct qn_meta_split *sp,
                         size_t n, struct qn_arena *ar, struct qn_err *err)
{
    struct qn_str *ids = qn_arena_array(ar, struct qn_str, n + 1);
    int rc = QN_OK;
    for (size_t i = 0; i < n && rc == QN_OK; i++) {
        struct qn_str key = qn_arena_printf(ar, QN_STR_FMT "/" QN_STR_FMT ".split", QN_STR_ARG(uid),
                                            QN_STR_ARG(sp[i].split_id));
        ids[i] = sp[i].split_id;
        rc = qn_storage_delete(en->indexes, key, err);
    }
    return rc < 0 || n == 0 ? rc : qn_meta_delete_splits(en->metastore, uid, ids, n, err);
}

static int delete_index(struct qn_engine *en, const struct qn_meta_index *ix, struct qn_arena *ar,
                        struct qn_err *err)
{
    struct qn_meta_split *sp;
    size_t n;
    qn_ingest_drop_index(en->ingest, ix->index_uid);
    int rc = list_published(en, ix->index_uid, ar, &sp, &n, err);
    if (rc == QN_OK)
        rc = qn_meta_delete_index(en->metastore, ix->index_uid, err);
    return rc < 0 ? rc : remove_splits(en, ix->index_uid, sp, n, ar, err);
}

int qn_index_delete(struct qn_engine *en, struct qn_str index_id, bool dry_run, struct qn_jw *out,
                    struct qn_err *err)
{
    struct qn_arena ar;
    struct qn_meta_index ix;
    struct qn_meta_split *sp;
    size_t n;
    qn_arena_init(&ar, NULL);
    int rc = find_index(en, index_id, &ar, &ix, err);
    if (rc == QN_OK)
        rc = list_published(en, ix.index_uid, &ar, &sp, &n, err);
    if (rc == QN_OK && !dry_run)
        rc = delete_index(en, &ix, &ar, err);
    if (rc == QN_OK)
        write_splits(sp, n, out);
    qn_arena_release(&ar);
    return rc;
}
