#include "ingest/ingest.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "engine_int.h"
#include "qn/ingest.h"

#define BATCH_BYTES (8u << 20)
#define FLUSH_PATIENCE_US 60000000u

/* The batches of one call: `done` after the last of them and after the call itself. */
struct job {
    _Atomic uint32_t n_open;
    _Atomic int rc; /* the first failure */
    qn_docs_done_fn done;
    void *arg;
};

static void leave(struct job *jb)
{
    if (atomic_fetch_sub(&jb->n_open, 1) != 1)
        return;
    jb->done(jb->arg, atomic_load(&jb->rc));
    free(jb);
}

static void note(struct job *jb, int rc)
{
    int none = 0;
    if (rc < 0)
        atomic_compare_exchange_strong(&jb->rc, &none, rc);
}

/* @thread the journal's committer */
static void appended(void *arg, struct qn_batch *b, int rc)
{
    struct job *jb = arg;
    (void)b;
    note(jb, rc);
    leave(jb);
}

/* One call while its body is read. */
struct intake {
    struct qn_engine *en;
    const struct qn_docs_ask *ask;
    struct qn_docs_report *report;
    struct qn_arena *ar;
    struct qn_origin origin;
    const struct qn_mapping *mapping;
    struct qn_doc_walker *dw;
    struct qn_record_writer wr;
    struct qn_parsed *parsed; /* of the batch being made; NULL: none */
    struct job *job;
    uint32_t n_batches;
};

static void begin_batch(struct intake *it)
{
    if (it->parsed != NULL)
        return;
    it->parsed = qn_parsed_new(it->mapping, it->en->opt.budget);
    qn_record_begin(&it->wr, QN_RECORD_DOCS, &it->origin);
}

/* Hands the batch to the journal. */
static int end_batch(struct intake *it)
{
    struct qn_batch *b;
    struct qn_parsed *pd = it->parsed;
    if (pd == NULL)
        return QN_OK;
    it->parsed = NULL;
    if (pd->docs.n == 0) {
        qn_parsed_free(pd);
        return QN_OK;
    }
    int rc = qn_batch_new(&b, &it->wr, it->en->simd, it->en->opt.budget);
    if (rc < 0) {
        qn_parsed_free(pd);
        return rc;
    }
    qn_parsed_bind(pd, &b->rec);
    b->user = pd;
    b->drop_user = qn_parsed_free;
    atomic_fetch_add(&it->job->n_open, 1);
    rc = qn_ingest_append(it->en->ingest, b, QN_ACK_DURABLE, appended, it->job);
    if (rc < 0)
        atomic_fetch_sub(&it->job->n_open, 1); /* the call itself holds one, too */
    else
        it->n_batches++;
    qn_batch_unref(b);
    return rc;
}

static void reject(struct intake *it, uint64_t line, struct qn_str text, bool not_json,
                   const char *why)
{
    struct qn_docs_report *rp = it->report;
    rp->n_rejected++;
    if (rp->n_faults >= it->ask->max_faults)
        return;
    if (rp->faults == NULL)
        rp->faults = qn_arena_array(it->ar, struct qn_docs_fault, it->ask->max_faults);
    if (rp->faults == NULL) /* the request's memory is used up: it is counted all the same */
        return;
    rp->faults[rp->n_faults++] = (struct qn_docs_fault){
        .line = line,
        .not_json = not_json,
        .document = text,
        .message = qn_arena_printf(it->ar, "line %llu: %s", (unsigned long long)line, why),
    };
}

static int take_line(struct intake *it, uint64_t line, struct qn_str text)
{
    struct qn_doc doc;
    struct qn_err why = {0};
    it->report->n_docs++;
    if (text.n > QN_RECORD_MAX / 2) {
        reject(it, line, text, false, "the document is too large");
        return QN_OK;
    }
    int rc = qn_doc_read(it->dw, text, &doc, &why);
    if (rc == QN_E_BUDGET)
        return rc;
    if (rc != QN_OK) {
        bool not_json = qn_doc_walker_fault(it->dw)->kind == QN_DOC_FAULT_NOT_OBJECT;
        reject(it, line, text, not_json, why.code != 0 ? why.msg : qn_err_text(rc));
        return QN_OK;
    }
    if (it->parsed != NULL && qn_record_bytes(&it->wr) + doc.text.n > BATCH_BYTES)
        rc = end_batch(it);
    if (rc < 0)
        return rc;
    begin_batch(it);
    rc = qn_parsed_add(it->parsed, it->dw, &doc);
    if (rc == QN_OK)
        qn_record_put_doc(&it->wr, doc.text);
    return rc;
}

static int take_body(struct intake *it)
{
    struct qn_str rest = it->ask->body, text;
    int rc = QN_OK;
    for (uint64_t line = 1; rc == QN_OK && rest.n != 0 && qn_str_split(&rest, '\n', &text);
         line++) {
        text = qn_str_trim(text);
        if (text.n != 0)
            rc = take_line(it, line, text);
    }
    return rc < 0 ? rc : end_batch(it);
}

static int take(struct qn_engine *en, const struct qn__index *ix, const struct qn_docs_ask *ask,
                struct qn_arena *ar, struct qn_docs_report *report, struct job *jb,
                uint32_t *n_batches)
{
    struct intake it = {.en = en,
                        .ask = ask,
                        .report = report,
                        .ar = ar,
                        .origin = {.index = ix->meta.index_uid},
                        .mapping = ix->mapping,
                        .job = jb};
    it.dw = qn_doc_walker_new(ix->mapping, en->simd);
    qn_doc_walker_set_now(it.dw, qn_wall_ns(en->opt.clock));
    qn_record_init(&it.wr);
    int rc = take_body(&it);
    qn_parsed_free(it.parsed);
    qn_record_release(&it.wr);
    qn_doc_walker_free(it.dw);
    *n_batches = it.n_batches;
    return rc;
}

/* ---- waiting */

struct wait {
    struct qn_mutex lock;
    struct qn_cond ended;
    bool done;
    int rc;
};

static void end_wait(void *arg, int rc)
{
    struct wait *wt = arg;
    qn_mutex_lock(&wt->lock);
    wt->rc = rc;
    wt->done = true;
    qn_cond_signal(&wt->ended);
    qn_mutex_unlock(&wt->lock);
}

static int wait_for(struct wait *wt)
{
    qn_mutex_lock(&wt->lock);
    while (!wt->done)
        qn_cond_wait(&wt->ended, &wt->lock);
    qn_mutex_unlock(&wt->lock);
    return wt->rc;
}

static int run(struct qn_engine *en, const struct qn__index *ix, const struct qn_docs_ask *ask,
               struct qn_arena *ar, struct qn_docs_report *report, qn_docs_done_fn done, void *arg)
{
    struct job *jb = qn_xcalloc(1, sizeof *jb);
    uint32_t n_batches;
    atomic_init(&jb->n_open, 1);
    jb->done = done;
    jb->arg = arg;
    int rc = take(en, ix, ask, ar, report, jb, &n_batches);
    if (n_batches == 0) {
        free(jb);
        return rc;
    }
    note(jb, rc);
    leave(jb);
    return QN_DOCS_LATER;
}

static int run_and_wait(struct qn_engine *en, const struct qn__index *ix,
                        const struct qn_docs_ask *ask, struct qn_arena *ar,
                        struct qn_docs_report *report, struct qn_err *err)
{
    struct wait wt = {0};
    qn_mutex_init(&wt.lock, QN_LOCK_LEAF);
    qn_cond_init(&wt.ended);
    int rc = run(en, ix, ask, ar, report, end_wait, &wt);
    if (rc == QN_DOCS_LATER)
        rc = wait_for(&wt);
    qn_cond_release(&wt.ended);
    qn_mutex_release(&wt.lock);
    if (rc < 0)
        return rc;
    return qn_ingest_flush(en->ingest, ix->meta.index_uid, ask->commit == QN_COMMIT_FORCE,
                           qn_mono_us(en->opt.clock) + FLUSH_PATIENCE_US, err);
}

int qn_engine_ingest(struct qn_engine *en, const struct qn_docs_ask *ask, struct qn_arena *ar,
                     struct qn_docs_report *report, qn_docs_done_fn done, void *arg,
                     struct qn_err *err)
{
    struct qn__index ix;
    *report = (struct qn_docs_report){0};
    int rc = qn__index_open(en, ask->index_id, ar, &ix, err);
    if (rc < 0)
        return rc;
    rc = ask->commit == QN_COMMIT_AUTO ? run(en, &ix, ask, ar, report, done, arg)
                                       : run_and_wait(en, &ix, ask, ar, report, err);
    qn__index_close(&ix);
    return rc;
}
