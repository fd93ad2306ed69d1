#include "ui/ui.h"

#include "http/request.h"
#include "ui/assets.h"

#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "              \
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "                  \
    "form-action 'none'; frame-ancestors 'none'"

static const struct qn_asset *find(struct qn_str path)
{
    for (size_t i = 0; i < qn_assets_count; i++)
        if (qn_str_is(path, qn_assets[i].path))
            return &qn_assets[i];
    return NULL;
}

/* "search", "indexes/logs.web": not in a folder of files, and no file of the top level either. */
static bool is_place(struct qn_str path)
{
    size_t first = qn_str_find_byte(path, '/');
    if (first == SIZE_MAX)
        return qn_str_find_byte(path, '.') == SIZE_MAX;
    for (size_t i = 0; i < qn_assets_count; i++)
        if (qn_str_starts(qn_str_of(qn_assets[i].path), qn_str_first(path, first + 1)))
            return false;
    return true;
}

static int serve(struct qn_request *rq)
{
    struct qn_str path = qn_request_path(rq, "path");
    const struct qn_asset *as = find(path);
    if (as == NULL && is_place(path))
        as = find(QN_STR("index.html"));
    if (as == NULL)
        return qn_fail(&rq->err, QN_E_NOT_FOUND, "the page has no file \"" QN_STR_FMT "\"",
                       QN_STR_ARG(path));
    qn_answer_type(rq, as->type);
    qn_answer_etag(rq, qn_str_of(as->etag));
    qn_answer_header(rq, "Cache-Control", QN_STR("no-cache"));
    qn_answer_header(rq, "Content-Security-Policy", QN_STR(POLICY));
    qn_answer_header(rq, "X-Content-Type-Options", QN_STR("nosniff"));
    qn_answer_header(rq, "Referrer-Policy", QN_STR("no-referrer"));
    qn_answer_borrow(rq, qn_str_make(as->bytes, as->n));
    return 0;
}

static const struct qn_route routes[] = {
    {.methods = QN_GET,
     .pattern = "/{path*}",
     .handler = serve,
     .flags = QN_ROUTE_OPEN | QN_ROUTE_ANYTIME | QN_ROUTE_HIDDEN,
     .help = "The page"},
};

const struct qn_route_table qn_ui_routes = {
    .name = "ui",
    .dialect = QN_DIALECT_OPS,
    .routes = routes,
    .n_routes = QN_COUNT_OF(routes),
};
