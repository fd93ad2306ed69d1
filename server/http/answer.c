#include "exchange_int.h"
#include "json/writer.h"

/* What handlers call to make their answer. */

struct qn_str qn_request_header(const struct qn_request *rq, const char *name)
{
    const struct qn__head *hd = &((const struct qn_exchange *)rq)->head;
    struct qn_str wanted = qn_str_of(name);
    for (size_t i = 0; i < hd->n_headers; i++)
        if (qn_str_eq_nocase(hd->headers[i].name, wanted))
            return hd->headers[i].value;
    return QN_STR_NONE;
}

struct qn_str qn_request_path(const struct qn_request *rq, const char *name)
{
    for (size_t i = 0; i < rq->match.n_values; i++)
        if (qn_str_is(rq->match.names[i], name))
            return rq->match.values[i];
    qn_panic(__FILE__, __LINE__, "the route has no path parameter \"%s\"", name);
}

void qn_answer_header(struct qn_request *rq, const char *name, struct qn_str value)
{
    struct qn_exchange *ex = qn__exchange_of(rq);
    struct qn_str copy = qn_arena_str(&rq->arena, value);
    if (copy.p == NULL)
        return;
    size_t i = 0;
    while (i < ex->n_headers && !qn_str_eq_nocase(qn_str_of(ex->headers[i].name), qn_str_of(name)))
        i++;
    QN_ASSERT(i < QN__ANSWER_HEADERS_MAX);
    ex->headers[i] = (struct qn__answer_header){name, copy.p};
    if (i == ex->n_headers)
        ex->n_headers++;
}

void qn_answer_type(struct qn_request *rq, const char *media_type)
{
    qn__exchange_of(rq)->type = media_type;
}

void qn_answer_borrow(struct qn_request *rq, struct qn_str body)
{
    qn__exchange_of(rq)->borrowed = body;
}

void qn_answer_etag(struct qn_request *rq, struct qn_str etag)
{
    qn__exchange_of(rq)->etag = qn_arena_str(&rq->arena, etag);
}

void qn_answer_stream(struct qn_request *rq, qn_produce_fn produce)
{
    qn__exchange_of(rq)->produce = produce;
}

static enum qn_jw_style style_of(const struct qn_request *rq)
{
    if (!rq->common.pretty)
        return QN_JW_COMPACT;
    return rq->dialect == QN_DIALECT_ELASTIC ? QN_JW_PRETTY_ES : QN_JW_PRETTY;
}

void qn_answer_begin(struct qn_request *rq, int status, struct qn_jw *w)
{
    rq->status = status;
    qn_buf_clear(&rq->out);
    qn_jw_init(
        w, &rq->out,
        &(struct qn_jw_options){.style = style_of(rq), .filter = qn__exchange_of(rq)->filter});
}

int qn_answer_json(struct qn_request *rq, int status, struct qn_str json)
{
    if (style_of(rq) == QN_JW_COMPACT && qn__exchange_of(rq)->filter == NULL) {
        rq->status = status;
        qn_buf_clear(&rq->out);
        qn_buf_put_str(&rq->out, json);
        return rq->out.failed ? QN_E_BUDGET : 0;
    }
    struct qn_jw w;
    qn_answer_begin(rq, status, &w);
    qn_jw_raw(&w, json);
    return qn_jw_finish(&w);
}

void qn_answer_problem(struct qn_request *rq, const struct qn_problem *pb)
{
    struct qn_exchange *ex = qn__exchange_of(rq);
    struct qn_buf json;
    qn_buf_init(&json, SIZE_MAX);
    qn_problem_render(pb, rq->dialect, &json);
    ex->produce = NULL;
    ex->type = NULL;
    ex->borrowed = ex->etag = QN_STR_NONE;
    if (qn_answer_json(rq, pb->status, qn_buf_str(&json)) < 0)
        qn_buf_clear(&rq->out); /* the status says it */
    qn_buf_release(&json);
    if (pb->status == 429 || pb->status == 503)
        qn_answer_header(rq, "Retry-After", QN_STR("1"));
}

void qn_answer_error(struct qn_request *rq, int rc)
{
    struct qn_problem pb;
    qn_problem_of(&pb, &rq->err, rc);
    qn_answer_problem(rq, &pb);
}
