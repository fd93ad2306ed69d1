#include "api/api_ingest.h"

#include "http/request.h"
#include "qn/ingest.h"
#include "json/writer.h"

#define FAULTS_MAX 1000u

static enum qn_commit commit_of(const struct qn_request *rq)
{
    const char *name = qn_request_given(rq, "commit_type") ? "commit_type" : "commit";
    struct qn_str word = qn_request_str(rq, name);
    return qn_str_is(word, "force")      ? QN_COMMIT_FORCE
           : qn_str_is(word, "wait_for") ? QN_COMMIT_WAIT_FOR
                                         : QN_COMMIT_AUTO;
}

static int answer(struct qn_request *rq, const struct qn_docs_report *rp, bool detailed)
{
    struct qn_jw w;
    qn_answer_begin(rq, 200, &w);
    qn_jw_obj(&w);
    qn_jw_kv_u64(&w, "num_docs_for_processing", rp->n_docs);
    if (rp->n_docs != 0) {
        qn_jw_kv_u64(&w, "num_ingested_docs", rp->n_docs - rp->n_rejected);
        qn_jw_kv_u64(&w, "num_rejected_docs", rp->n_rejected);
    }
    if (detailed && rp->n_docs != 0) {
        qn_jw_key(&w, "parse_failures");
        qn_jw_arr(&w);
        for (uint32_t i = 0; i < rp->n_faults; i++) {
            const struct qn_docs_fault *ft = &rp->faults[i];
            qn_jw_obj(&w);
            qn_jw_kv_str(&w, "message", ft->message);
            qn_jw_kv_str(&w, "document", ft->document);
            qn_jw_kv_z(&w, "reason", ft->not_json ? "invalid_json" : "invalid_schema");
            qn_jw_end(&w);
        }
        qn_jw_end(&w);
    }
    qn_jw_end(&w);
    return qn_jw_finish(&w);
}

/* @thread the journal's, or this request's own while its handler still runs */
static void ended(void *arg, int rc)
{
    qn_request_finish(arg, rc);
}

/* A request that is finished while its handler still runs stays the handler's until it returns, so
 * the answer may be made after the documents were handed over. */
static int ingest(struct qn_request *rq)
{
    struct qn_docs_report report;
    bool detailed = qn_request_flag(rq, "detailed_response");
    const struct qn_docs_ask ask = {.index_id = qn_request_path(rq, "index"),
                                    .body = rq->body,
                                    .commit = commit_of(rq),
                                    .max_faults = detailed ? FAULTS_MAX : 0};
    int rc = qn_engine_ingest(rq->ctx, &ask, &rq->arena, &report, ended, rq, &rq->err);
    int made = rc < 0 ? rc : answer(rq, &report, detailed);
    if (rc != QN_DOCS_LATER)
        return made;
    if (made < 0)
        qn_answer_error(rq, made);
    return QN_LATER;
}

static const struct qn_param params[] = {
    {"commit", QN_PARAM_ENUM, .choices = "auto|wait_for|force", .def = "auto",
     .help = "answer when documents are durable, found by searches, or published"},
    {"commit_type", QN_PARAM_ENUM, .choices = "auto|wait_for|force", .help = "the same as commit"},
    {"detailed_response", QN_PARAM_BOOL, .def = "false",
     .help = "say which documents were refused, and why"},
    {0}};

static const struct qn_route routes[] = {
    {QN_POST, "/{index}/ingest", ingest, params, .lane = QN_HTTP_INGEST, .body = QN_BODY_WHOLE,
     .help = "Takes documents, one a line"},
};

const struct qn_route_table qn_api_ingest_routes = {
    .name = "ingest",
    .dialect = QN_DIALECT_NATIVE,
    .routes = routes,
    .n_routes = QN_COUNT_OF(routes),
};
