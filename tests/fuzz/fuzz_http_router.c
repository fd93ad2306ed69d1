/* Routing and parameters: "METHOD target" against tables of all dialects. What matches must agree
 * with its own pattern; what is refused must say why. */
#include <stdint.h>

#include "base/arena.h"
#include "http/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int handler(struct qn_request *rq)
{
    (void)rq;
    return 0;
}

static const struct qn_param params[] = {
    {"q", QN_PARAM_STR},
    {"size", QN_PARAM_U64, .def = "10"},
    {"from", QN_PARAM_I64},
    {"ratio", QN_PARAM_F64},
    {"flag", QN_PARAM_BOOL},
    {"mode", QN_PARAM_ENUM, .choices = "a|b", .def = "a"},
    {"keep", QN_PARAM_DURATION},
    {"mem", QN_PARAM_SIZE},
    {"tags", QN_PARAM_LIST, QN_PARAM_REPEATED},
    {0},
};
static const struct qn_route native_routes[] = {
    {QN_GET | QN_POST, "/{index}/search", handler, params},
    {QN_GET, "/indexes", handler},
    {QN_GET | QN_DELETE, "/indexes/{index}", handler},
    {QN_GET, "/indexes/{index}/splits/{split}", handler},
};
static const struct qn_route elastic_routes[] = {
    {QN_GET, "/", handler},
    {QN_GET | QN_POST, "/_search", handler, params},
    {QN_GET | QN_POST, "/{index}/_search", handler, params},
    {QN_PUT | QN_DELETE, "/{index}", handler},
    {QN_GET | QN_PUT, "/{index}/_doc/{id}", handler},
    {QN_GET, "/_cat/{what}", handler},
    {QN_GET, "/ui/{path*}", handler},
};
static const struct qn_route_table native = {"native", QN_DIALECT_NATIVE, native_routes,
                                             QN_COUNT_OF(native_routes)};
static const struct qn_route_table elastic = {"elastic", QN_DIALECT_ELASTIC, elastic_routes,
                                              QN_COUNT_OF(elastic_routes)};

static void check_match(const struct qn_match *m, enum qn_method method)
{
    if (m->mounted == NULL) {
        QN_ASSERT(m->n_values == 0);
        return;
    }
    unsigned methods = m->mounted->route->methods;
    QN_ASSERT((methods | ((methods & QN_GET) ? QN_HEAD : 0)) & method);
    QN_ASSERT(m->allowed & methods);
    size_t braces = 0;
    for (size_t i = 0; i < m->mounted->pattern.n; i++)
        braces += m->mounted->pattern.p[i] == '{';
    QN_ASSERT(m->n_values == braces);
    if (braces > 0 && qn_str_is(m->names[0], "index") && m->dialect == QN_DIALECT_ELASTIC)
        QN_ASSERT(m->values[0].p[0] != '_' || qn_str_is(m->values[0], "_all"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qn_str in = qn_str_make(data, size);
    size_t space = qn_str_find_byte(in, ' ');
    if (space == SIZE_MAX)
        return 0;
    enum qn_method method = qn_method_parse(qn_str_first(in, space));
    struct qn_router *rt = qn_router_new();
    QN_ASSERT(qn_router_mount(rt, &elastic, "", NULL, NULL) == 0);
    QN_ASSERT(qn_router_mount(rt, &native, "/api/v1", NULL, NULL) == 0);
    QN_ASSERT(qn_router_mount(rt, &elastic, "/api/v1/_elastic", NULL, NULL) == 0);
    qn_router_freeze(rt);
    struct qn_arena ar;
    struct qn_target tg;
    struct qn_match m;
    qn_arena_init(&ar, NULL);
    if (qn_target_parse(&tg, qn_str_from(in, space + 1), &ar, NULL) == 0) {
        qn_router_match(rt, method, &tg, &m);
        check_match(&m, method);
        struct qn_params ps;
        struct qn_err err = {0};
        if (m.mounted != NULL) {
            int rc = qn_params_read(&ps, m.mounted, &tg, data[0] & 1, &ar, &err);
            QN_ASSERT(rc >= 0 || (err.code == rc && err.msg[0] != '\0'));
            if (rc >= 0 && m.mounted->route->params == params) {
                struct qn_str mode = qn_params_get(&ps, "mode")->str;
                QN_ASSERT(qn_str_is(mode, "a") || qn_str_is(mode, "b"));
                QN_ASSERT(qn_params_get(&ps, "size")->str.p != NULL);
            }
        }
    }
    qn_arena_release(&ar);
    qn_router_free(rt);
    return 0;
}
