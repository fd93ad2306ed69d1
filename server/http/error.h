/* Errors for clients: the only place that maps error codes to HTTP statuses and JSON shapes.
 *
 *   native, ops   {"message":"..."}
 *   elastic       {"error":{"root_cause":[{"type":T,"reason":R}],"type":T,"reason":R},"status":S}
 *                 (with `plain`: {"error":"...","status":S}, for the routing layer's own answers)
 *
 * A struct qn_problem is what an answer says about a failure; struct qn_err is what the code says.
 * qn_problem_of goes from the second to the first. @thread any */
#ifndef QN_HTTP_ERROR_H
#define QN_HTTP_ERROR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "http/router.h"

struct qn_problem {
    int status;
    struct qn_str reason;
    const char *type; /* elastic exception type, e.g. "index_not_found_exception" */
    struct qn_str
        extra; /* elastic: more members for the error object, as `"a":1,"b":"x"`, or empty */
    const char *caused_by_type; /* elastic: NULL for none */
    struct qn_str caused_by_reason;
    bool plain;     /* elastic: `error` is a string */
    bool no_status; /* elastic: without the `status` member */
};

/* AlreadyExists is 400 in both dialects: their clients expect it. */
int qn_http_status(int code);
/* "illegal_argument_exception" and friends: the elastic type that fits a code best. */
const char *qn_elastic_type(int code);
/* Borrows the message of err. Broken invariants (class BUG) tell the client no more than that. */
void qn_problem_of(struct qn_problem *out, const struct qn_err *err, int rc);
/* Appends compact JSON. */
void qn_problem_render(const struct qn_problem *pb, enum qn_dialect dialect, struct qn_buf *out);
/* Makes the problem the answer of rq (status, type, body; pretty and filtered as asked). */
void qn_answer_problem(struct qn_request *rq, const struct qn_problem *pb);

#endif
