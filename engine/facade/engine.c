#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine_int.h"
#include "index_config_int.h"
#include "ingest/ingest.h"
#include "os/dirlock.h"
#include "os/file.h"

static int open_storage(struct qn_engine *en, struct qn_err *err)
{
    char *path = qn_path_join(en->data_dir, QN_STR("indexes"));
    struct qn_str uri = en->opt.index_root_uri.n != 0 ? en->opt.index_root_uri : qn_str_of(path);
    int rc = qn_storage_open_uri(&en->indexes, uri, qn_fs_posix(), err);
    free(path);
    return rc;
}

static int open_metastore(struct qn_engine *en, struct qn_err *err)
{
    char *path = qn_path_join(en->data_dir, QN_STR("metastore.sqlite"));
    struct qn_str uri = en->opt.metastore_uri.n != 0 ? en->opt.metastore_uri : qn_str_of(path);
    const struct qn_meta_options opt = {.clock = en->opt.clock, .log = en->opt.log};
    int rc = qn_meta_open(&en->metastore, uri, &opt, err);
    free(path);
    return rc;
}

static int open_journal(struct qn_engine *en, struct qn_err *err)
{
    char *path = qn_path_join(en->data_dir, QN_STR("journal"));
    struct qn_journal_options opt;
    struct qn_journal_report report = {0};
    qn_journal_options_default(&opt);
    opt.dir = path;
    opt.clock = en->opt.clock;
    opt.simd = en->simd;
    opt.log = en->opt.log;
    opt.max_bytes = en->opt.journal_max_bytes;
    if (en->opt.journal_queue_bytes != 0)
        opt.queue_bytes = en->opt.journal_queue_bytes;
    if (en->opt.journal_segment_bytes != 0)
        opt.segment_bytes = en->opt.journal_segment_bytes;
    int rc = qn_journal_open(&en->journal, &opt, &report, err);
    if (rc == QN_OK)
        QN_LOG(en->opt.log, QN_LOG_INFO, "journal_opened", QN_KV_U64("segments", report.n_segments),
               QN_KV_U64("first", report.first), QN_KV_U64("end", report.end),
               QN_KV_U64("cut_bytes", report.cut_bytes));
    free(path);
    return rc;
}

enum {
    REFRESH_US = 1000000,     /* documents are found so soon */
    COMMIT_BYTES = 256 << 20, /* and published when so much waits */
    UNPUBLISHED_SHARE = 3,    /* one part in so many of the process's memory */
};

static int read_config(void *arg, struct qn_str uid, struct qn_str json, struct qn_live_config *out,
                       struct qn_err *err)
{
    struct qn__index_config cfg;
    (void)arg;
    int rc = qn__index_config_read(&cfg, json, err);
    if (rc == QN_OK)
        *out = (struct qn_live_config){.mapping = qn_mapping_ref(cfg.mapping),
                                       .refresh_us = REFRESH_US,
                                       .commit_us = cfg.commit_secs * 1000000,
                                       .commit_bytes = COMMIT_BYTES};
    else
        qn_err_prefix(err, "index " QN_STR_FMT, QN_STR_ARG(uid));
    qn__index_config_release(&cfg);
    return rc;
}

static int open_ingest(struct qn_engine *en, struct qn_err *err)
{
    en->spool_dir = qn_path_join(en->data_dir, QN_STR("spool"));
    const struct qn_ingest_options opt = {.live = {.ms = en->metastore,
                                                   .storage = en->indexes,
                                                   .simd = en->simd,
                                                   .clock = en->opt.clock,
                                                   .log = en->opt.log,
                                                   .budget = &en->unpublished,
                                                   .ulids = &en->ulids,
                                                   .spool_dir = en->spool_dir,
                                                   .node_id = qn_str_of(en->node_id)},
                                          .journal = en->journal,
                                          .read_config = read_config};
    int rc = qn_fs_mkdirs(qn_fs_posix(), en->spool_dir, err);
    return rc < 0 ? rc : qn_ingest_open(&en->ingest, &opt, err);
}

static int open_parts(struct qn_engine *en, struct qn_err *err)
{
    en->simd = qn_simd_pick(en->opt.simd);
    if (en->simd == NULL)
        return qn_fail(err, QN_E_UNSUPPORTED, "this machine has no instruction set %s",
                       en->opt.simd);
    int rc = qn_fs_mkdirs(qn_fs_posix(), en->data_dir, err);
    if (rc < 0)
        return rc;
    en->lock = qn_dirlock_take(en->data_dir, err);
    if (en->lock < 0)
        return en->lock;
    rc = open_storage(en, err);
    if (rc == QN_OK)
        rc = open_metastore(en, err);
    if (rc == QN_OK)
        rc = open_journal(en, err);
    return rc < 0 ? rc : open_ingest(en, err);
}

int qn_engine_open(struct qn_engine **out, const struct qn_engine_options *opt, struct qn_err *err)
{
    *out = NULL;
    struct qn_engine *en = qn_xcalloc(1, sizeof *en);
    en->opt = *opt;
    en->data_dir = qn_xstrndup(opt->data_dir, strlen(opt->data_dir));
    en->node_id = qn_xstrndup(opt->node_id.n != 0 ? opt->node_id.p : "quern",
                              opt->node_id.n != 0 ? opt->node_id.n : 5);
    en->lock = -1;
    uint64_t limit = opt->budget != NULL ? opt->budget->limit_bytes : 0;
    qn_budget_init(&en->unpublished, "documents that are not published", opt->budget,
                   limit / UNPUBLISHED_SHARE);
    qn_ulid_gen_init(&en->ulids, opt->clock);
    int rc = open_parts(en, err);
    if (rc < 0) {
        qn_engine_close(en);
        return rc;
    }
    *out = en;
    return QN_OK;
}

void qn_engine_close(struct qn_engine *en)
{
    if (en == NULL)
        return;
    qn_ingest_close(en->ingest);
    qn_journal_close(en->journal);
    qn_meta_close(en->metastore);
    qn_storage_unref(en->indexes);
    qn_dirlock_drop(en->lock);
    qn_ulid_gen_release(&en->ulids);
    qn_budget_release(&en->unpublished);
    free(en->spool_dir);
    free(en->node_id);
    free(en->data_dir);
    free(en);
}

const char *qn_engine_simd(const struct qn_engine *en)
{
    return en->simd->name;
}

void qn_engine_health(struct qn_engine *en, struct qn_engine_health *out)
{
    struct qn_journal_health journal;
    qn_journal_health(en->journal, &journal);
    *out = (struct qn_engine_health){.code = journal.code};
    snprintf(out->reason, sizeof out->reason, "%s", journal.reason);
}
