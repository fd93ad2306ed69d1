#include "http/error.h"

#include "json/writer.h"

int qn_http_status(int code)
{
    switch (code) {
    case QN_E_EXISTS:
        return 400;
    case QN_E_ACCESS:
        return 403;
    case QN_E_NO_SPACE:
        return 429;
    case QN_E_TIMEOUT:
        return 408;
    default:
        break;
    }
    switch (qn_err_class(code)) {
    case QN_CLASS_NONE:
        return 200;
    case QN_CLASS_INPUT:
        return 400;
    case QN_CLASS_NOT_FOUND:
        return 404;
    case QN_CLASS_CONFLICT:
        return 409;
    case QN_CLASS_TOO_LARGE:
        return 413;
    case QN_CLASS_BUDGET:
        return 429;
    case QN_CLASS_UNSUPPORTED:
        return 501;
    case QN_CLASS_CANCELLED:
    case QN_CLASS_IO:
        return 503;
    case QN_CLASS_CORRUPT:
    case QN_CLASS_BUG:
        break;
    }
    return 500;
}

const char *qn_elastic_type(int code)
{
    switch (code) {
    case QN_E_PARSE:
    case QN_E_TOO_DEEP:
        return "x_content_parse_exception";
    case QN_E_MISSING:
        return "action_request_validation_exception";
    case QN_E_NOT_FOUND:
        return "resource_not_found_exception";
    case QN_E_EXISTS:
        return "resource_already_exists_exception";
    case QN_E_CONFLICT:
        return "version_conflict_engine_exception";
    case QN_E_TOO_LARGE:
        return "content_too_long_exception";
    case QN_E_BUDGET:
        return "circuit_breaking_exception";
    case QN_E_BUSY:
        return "es_rejected_execution_exception";
    case QN_E_CANCELLED:
        return "task_cancelled_exception";
    case QN_E_TIMEOUT:
        return "timeout_exception";
    case QN_E_SHUTDOWN:
        return "node_closed_exception";
    case QN_E_NO_SPACE:
        return "cluster_block_exception";
    case QN_E_ACCESS:
        return "security_exception";
    case QN_E_IO:
        return "i_o_exception";
    case QN_E_UNAVAILABLE:
        return "unavailable_shards_exception";
    case QN_E_CORRUPT:
    case QN_E_TRUNCATED:
    case QN_E_FORMAT_VERSION:
        return "corrupt_index_exception";
    case QN_E_BUG:
        return "exception";
    default:
        return "illegal_argument_exception";
    }
}

void qn_problem_of(struct qn_problem *out, const struct qn_err *err, int rc)
{
    int code = err != NULL && err->code != 0 ? err->code : rc;
    *out = (struct qn_problem){.status = qn_http_status(code), .type = qn_elastic_type(code)};
    if (qn_err_class(code) == QN_CLASS_BUG)
        out->reason = QN_STR("internal server error");
    else if (err != NULL && err->code != 0 && err->msg[0] != '\0')
        out->reason = qn_str_of(err->msg);
    else
        out->reason = qn_str_of(qn_err_text(code));
}

static void put_cause(struct qn_buf *out, const char *type, struct qn_str reason,
                      struct qn_str extra)
{
    qn_buf_put_z(out, "\"type\":");
    qn_json_quote(out, qn_str_of(type != NULL ? type : "exception"));
    qn_buf_put_z(out, ",\"reason\":");
    qn_json_quote(out, reason);
    if (extra.n > 0) {
        qn_buf_put_u8(out, ',');
        qn_buf_put_str(out, extra);
    }
}

void qn_problem_render(const struct qn_problem *pb, enum qn_dialect dialect, struct qn_buf *out)
{
    if (dialect != QN_DIALECT_ELASTIC) {
        qn_buf_put_z(out, "{\"message\":");
        qn_json_quote(out, pb->reason);
        qn_buf_put_u8(out, '}');
        return;
    }
    qn_buf_put_z(out, "{\"error\":");
    if (pb->plain) {
        qn_json_quote(out, pb->reason);
    } else {
        qn_buf_put_z(out, "{\"root_cause\":[{");
        put_cause(out, pb->type, pb->reason, pb->extra);
        qn_buf_put_z(out, "}],");
        put_cause(out, pb->type, pb->reason, pb->extra);
        if (pb->caused_by_type != NULL) {
            qn_buf_put_z(out, ",\"caused_by\":{");
            put_cause(out, pb->caused_by_type, pb->caused_by_reason, QN_STR_NONE);
            qn_buf_put_u8(out, '}');
        }
        qn_buf_put_u8(out, '}');
    }
    if (!pb->no_status)
        qn_buf_printf(out, ",\"status\":%d", pb->status);
    qn_buf_put_u8(out, '}');
}
