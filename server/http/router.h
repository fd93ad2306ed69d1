/* Routes: declarative tables, compiled into one trie.
 *
 *     static const struct qn_param search_params[] = {
 *         {"query", QN_PARAM_STR, QN_PARAM_REQUIRED, .help = "query in Quickwit's language"},
 *         {"max_hits", QN_PARAM_U64, .def = "20", .help = "hits to return"},
 *         {"format", QN_PARAM_ENUM, .choices = "json|pretty_json", .def = "pretty_json"},
 *         {0}};
 *     static const struct qn_route routes[] = {
 *         {QN_GET | QN_POST, "/{index}/search", search, search_params, .lane = QN_HTTP_SEARCH}, ...
 *
 * Patterns: literal segments, "{name}" for one segment, "{name*}" (last) for the rest, which may be
 * empty. At each level a literal goes before "{name}" before "{name*}"; among the rows that match
 * the path the first (in that order) that has the method wins, so that a wildcard row may serve
 * methods that the literal one does not. In tables of the elastic dialect a "{name}" in the first
 * segment never takes a segment that starts with '_', but for "_all".
 *
 * A table may be mounted at several prefixes, several tables at one. The longest mounted prefix of
 * a path owns it: what its tables do not match is unknown, and is answered in the dialect of the
 * first table that was mounted there. HEAD is served by GET rows; OPTIONS by the front itself.
 *
 * Parameters are checked and typed before a handler runs: unknown, repeated without leave, missing
 * or ill-typed ones are refused with the dialect's message. Those that every route of a dialect
 * takes (`pretty`, `filter_path`, ...) are added to each row by the router.
 *
 * Tables are static and borrowed. A router is built by one thread, then frozen: matching is
 * read-only and lock-free. @thread any after qn_router_freeze */
#ifndef QN_HTTP_ROUTER_H
#define QN_HTTP_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/target.h"

struct qn_request;

enum qn_method {
    QN_GET = 1,
    QN_HEAD = 2,
    QN_POST = 4,
    QN_PUT = 8,
    QN_DELETE = 16,
    QN_PATCH = 32,
    QN_OPTIONS = 64,
};

/* Whose manners: JSON shape of errors, statuses of the unknown, headers of every answer. */
enum qn_dialect { QN_DIALECT_NATIVE, QN_DIALECT_ELASTIC, QN_DIALECT_OPS };

/* Which workers run the handler: each lane has its own threads and its own bounded queue, so that
 * slow searches cannot keep documents (or an administrator) out. */
enum qn_http_lane { QN_HTTP_ADMIN, QN_HTTP_SEARCH, QN_HTTP_INGEST, QN_HTTP_LANES };

enum qn_param_type {
    QN_PARAM_STR,
    QN_PARAM_BOOL, /* true, false, or bare: true */
    QN_PARAM_I64,
    QN_PARAM_U64,
    QN_PARAM_F64,
    QN_PARAM_LIST,     /* comma list; split it with qn_str_split */
    QN_PARAM_ENUM,     /* one of `choices` */
    QN_PARAM_DURATION, /* "30s"; microseconds in u64; "-1" is UINT64_MAX */
    QN_PARAM_SIZE,     /* "10MiB"; read as bytes in u64 */
    QN_PARAM_IGNORED,  /* accepted, whatever it says, and without effect */
};

enum {
    QN_PARAM_REQUIRED = 1,
    QN_PARAM_REPEATED = 2, /* may come more than once: the last one counts */
};

struct qn_param {
    const char *name; /* NULL ends a table */
    enum qn_param_type type;
    unsigned flags;
    const char *def;     /* as a client would write it; NULL: absent */
    const char *choices; /* ENUM: "a|b|c" */
    const char *help;
};

struct qn_param_value {
    struct qn_str str; /* the text, decoded; .p is NULL when absent and without default */
    union {
        bool flag;
        int64_t i64;
        uint64_t u64;
        double f64;
    };
    bool given; /* by the client, not by default */
};

enum qn_body_mode {
    QN_BODY_NONE,   /* whatever comes is read and dropped */
    QN_BODY_WHOLE,  /* gathered, inflated, bounded; the handler runs when it is complete */
    QN_BODY_STREAM, /* on_chunk sees it piece by piece; the handler runs after the last */
};

enum {
    QN_ROUTE_TRIVIAL = 1, /* handler runs on the network thread: must not block, touch disk, lock */
    QN_ROUTE_JSON = 2,    /* elastic: body must be of a JSON media type (or have none) */
    QN_ROUTE_NDJSON = 4,  /* the same, NDJSON types allowed too */
    QN_ROUTE_OPEN = 8,    /* not asked for credentials */
    QN_ROUTE_HIDDEN = 16, /* not part of the documented interface */
    QN_ROUTE_ANYTIME = 32, /* answered while the server drains, too */
};

/* 0: the answer is set. QN_LATER: someone calls qn_request_finish later. < 0: QN_E_*, rq->err says
 * what; it is rendered in the route's dialect. */
typedef int (*qn_handler_fn)(struct qn_request *rq);
/* One piece of a streamed body, inflated; valid during the call. < 0 refuses the request: the rest
 * is read and dropped and the error is answered. @thread worker, one call at a time */
typedef int (*qn_chunk_fn)(struct qn_request *rq, struct qn_str chunk);

struct qn_route {
    unsigned methods; /* enum qn_method, or-ed */
    const char *pattern;
    qn_handler_fn handler;
    const struct qn_param *params; /* ends with a NULL name; NULL: none */
    enum qn_http_lane lane;
    enum qn_body_mode body;
    qn_chunk_fn on_chunk;      /* QN_BODY_STREAM */
    uint64_t body_limit_bytes; /* inflated; 0: the server's limit */
    unsigned flags;
    const char *help; /* one line, for --list-routes */
};

struct qn_route_table {
    const char *name;
    enum qn_dialect dialect;
    const struct qn_route *routes;
    size_t n_routes;
};

/* A row as it was mounted. */
struct qn_mounted {
    const struct qn_route *route;
    const struct qn_route_table *table;
    void *ctx;             /* the table's, for the handlers: rq->ctx */
    struct qn_str pattern; /* with the prefix */
    size_t index;          /* 0.. in the order of mounting */
};

struct qn_router;

struct qn_router *qn_router_new(void);
void qn_router_free(struct qn_router *rt); /* NULL is fine */
/* Borrows table and ctx. QN_E_INVALID for a malformed row, QN_E_EXISTS for a method and pattern
 * that are taken. `prefix` is "" or "/a/b". */
QN_MUST_CHECK int qn_router_mount(struct qn_router *rt, const struct qn_route_table *table,
                                  const char *prefix, void *ctx, struct qn_err *err);
/* Nothing can be mounted any more; matching may begin. */
void qn_router_freeze(struct qn_router *rt);
/* In the order of mounting: for (m = NULL; (m = qn_router_next(rt, m)) != NULL;) */
const struct qn_mounted *qn_router_next(const struct qn_router *rt, const struct qn_mounted *prev);
size_t qn_router_count(const struct qn_router *rt);

#define QN_PATH_PARAMS 8

struct qn_match {
    const struct qn_mounted *mounted; /* NULL: path unknown, or method not allowed */
    enum qn_dialect dialect;          /* whose manners, also when nothing matched */
    bool under_prefix;                /* the owning prefix is not "" */
    unsigned allowed;                 /* methods of the rows that match the path; 0: unknown path */
    struct qn_str names[QN_PATH_PARAMS];
    struct qn_str values[QN_PATH_PARAMS]; /* decoded segments; "{name*}": raw rest of the path */
    size_t n_values;
};

void qn_router_match(const struct qn_router *rt, enum qn_method method,
                     const struct qn_target *target, struct qn_match *out);

/* The values of one request's query arguments: own[i] belongs to route->params[i], common[i] to the
 * dialect's common table. */
struct qn_params {
    const struct qn_param *own_rows, *common_rows;
    const struct qn_param_value *own, *common;
};

/* Parameters that every route of the dialect accepts; ends with a NULL name. */
const struct qn_param *qn_common_params(enum qn_dialect dialect);
/* Types the arguments. Unknown names are refused in the native dialect, in the elastic one when
 * `strict`, and ignored by operations routes: probes of load balancers decorate their URLs.
 * QN_E_UNKNOWN_KEY, _MISSING, _TYPE, _RANGE, _INVALID with the message that the dialect's clients
 * expect. */
QN_MUST_CHECK int qn_params_read(struct qn_params *out, const struct qn_mounted *mounted,
                                 const struct qn_target *target, bool strict, struct qn_arena *ar,
                                 struct qn_err *err);
/* The value of a parameter that is in one of the tables; anything else is a bug and panics. */
const struct qn_param_value *qn_params_get(const struct qn_params *ps, const char *name);

const char *qn_method_name(enum qn_method method); /* "GET" */
/* 0 for a method we do not know. */
enum qn_method qn_method_parse(struct qn_str name);

#endif
