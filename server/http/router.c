#include "http/router.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/vec.h"
#include "router_int.h"

struct node {
    struct qn_str literal;
    QN_VEC(struct node *) literals;
    struct node *one, *rest; /* "{name}", "{name*}" */
    QN_VEC(struct qn__row *) rows;
};

/* A mount point: its own trie for what follows the prefix. */
struct mount {
    struct qn_str prefix;
    struct qn_str segments[QN_TARGET_SEGMENTS];
    size_t n_segments;
    enum qn_dialect dialect; /* of the first table here */
    struct node *root;
};

struct qn_router {
    QN_VEC(struct mount *) mounts;
    QN_VEC(struct qn__row *) rows;
    bool frozen;
};

static struct node *node_new(struct qn_str literal)
{
    struct node *nd = qn_xcalloc(1, sizeof *nd);
    nd->literal = literal;
    return nd;
}

static void node_free(struct node *nd)
{
    if (nd == NULL)
        return;
    for (size_t i = 0; i < nd->literals.n; i++)
        node_free(nd->literals.p[i]);
    node_free(nd->one);
    node_free(nd->rest);
    qn_vec_release(&nd->literals);
    qn_vec_release(&nd->rows);
    free(nd);
}

struct qn_router *qn_router_new(void)
{
    return qn_xcalloc(1, sizeof(struct qn_router));
}

void qn_router_free(struct qn_router *rt)
{
    if (rt == NULL)
        return;
    for (size_t i = 0; i < rt->mounts.n; i++) {
        node_free(rt->mounts.p[i]->root);
        free(rt->mounts.p[i]);
    }
    for (size_t i = 0; i < rt->rows.n; i++) {
        free(rt->rows.p[i]->pattern_z);
        free(rt->rows.p[i]->defaults);
        free(rt->rows.p[i]);
    }
    qn_vec_release(&rt->mounts);
    qn_vec_release(&rt->rows);
    free(rt);
}

static bool is_wildcard(struct qn_str segment)
{
    return segment.n >= 2 && segment.p[0] == '{' && segment.p[segment.n - 1] == '}';
}

static bool is_rest(struct qn_str segment)
{
    return is_wildcard(segment) && segment.n > 2 && segment.p[segment.n - 2] == '*';
}

/* "{name}" and "{name*}" to "name". */
static struct qn_str wildcard_name(struct qn_str segment)
{
    return qn_str_make(segment.p + 1, segment.n - 2 - is_rest(segment));
}

/* The next segment of a pattern; false at its end. */
static bool next_segment(struct qn_str *rest, struct qn_str *segment)
{
    while (qn_str_split(rest, '/', segment))
        if (segment->n != 0)
            return true;
    return false;
}

static struct node *child_of(struct node *nd, struct qn_str segment)
{
    if (is_rest(segment))
        return nd->rest != NULL ? nd->rest : (nd->rest = node_new(QN_STR_NONE));
    if (is_wildcard(segment))
        return nd->one != NULL ? nd->one : (nd->one = node_new(QN_STR_NONE));
    for (size_t i = 0; i < nd->literals.n; i++)
        if (qn_str_eq(nd->literals.p[i]->literal, segment))
            return nd->literals.p[i];
    struct node *made = node_new(segment);
    qn_vec_push(&nd->literals, made);
    return made;
}

static int check_pattern(const struct qn_route *route, struct qn_err *err)
{
    if (route->pattern == NULL || route->handler == NULL || route->methods == 0)
        return qn_fail(err, QN_E_INVALID, "a route lacks its pattern, handler or methods");
    struct qn_str rest = qn_str_of(route->pattern), segment;
    size_t n_wildcards = 0, n = 0;
    bool ended = false;
    while (next_segment(&rest, &segment)) {
        bool braces = qn_str_find_byte(segment, '{') != SIZE_MAX ||
                      qn_str_find_byte(segment, '}') != SIZE_MAX;
        if (ended || (braces && (!is_wildcard(segment) || wildcard_name(segment).n == 0)))
            return qn_fail(err, QN_E_INVALID, "malformed route pattern %s", route->pattern);
        n_wildcards += is_wildcard(segment);
        ended = is_rest(segment);
        n++;
    }
    if (n_wildcards > QN_PATH_PARAMS || n > QN_TARGET_SEGMENTS)
        return qn_fail(err, QN_E_INVALID, "route pattern %s is too long", route->pattern);
    if (route->body == QN_BODY_STREAM && route->on_chunk == NULL)
        return qn_fail(err, QN_E_INVALID, "route %s streams its body to nobody", route->pattern);
    return 0;
}

static struct mount *mount_of(struct qn_router *rt, struct qn_str prefix, enum qn_dialect dialect)
{
    for (size_t i = 0; i < rt->mounts.n; i++)
        if (qn_str_eq(rt->mounts.p[i]->prefix, prefix))
            return rt->mounts.p[i];
    struct mount *mt = qn_xcalloc(1, sizeof *mt);
    mt->prefix = prefix;
    mt->dialect = dialect;
    mt->root = node_new(QN_STR_NONE);
    struct qn_str rest = prefix, segment;
    while (next_segment(&rest, &segment)) {
        QN_ASSERT(mt->n_segments < QN_TARGET_SEGMENTS);
        mt->segments[mt->n_segments++] = segment;
    }
    qn_vec_push(&rt->mounts, mt);
    return mt;
}

static int add_row(struct qn_router *rt, struct mount *mt, const struct qn_route_table *table,
                   const struct qn_route *route, void *ctx, struct qn_err *err)
{
    struct node *nd = mt->root;
    struct qn_str rest = qn_str_of(route->pattern), segment;
    while (next_segment(&rest, &segment))
        nd = child_of(nd, segment);
    for (size_t i = 0; i < nd->rows.n; i++)
        if (nd->rows.p[i]->pub.route->methods & route->methods)
            return qn_fail(err, QN_E_EXISTS, "route %s%s is already taken by %s", mt->prefix.p,
                           route->pattern, nd->rows.p[i]->pattern_z);
    struct qn__row *row = qn_xcalloc(1, sizeof *row);
    size_t n = mt->prefix.n + strlen(route->pattern);
    row->pattern_z = qn_xmalloc(n + 1);
    memcpy(row->pattern_z, mt->prefix.p, mt->prefix.n);
    memcpy(row->pattern_z + mt->prefix.n, route->pattern, n - mt->prefix.n + 1);
    row->pub = (struct qn_mounted){.route = route,
                                   .table = table,
                                   .ctx = ctx,
                                   .pattern = qn_str_make(row->pattern_z, n),
                                   .index = rt->rows.n};
    qn_vec_push(&rt->rows, row);
    qn_vec_push(&nd->rows, row);
    return qn__params_defaults(row, err);
}

int qn_router_mount(struct qn_router *rt, const struct qn_route_table *table, const char *prefix,
                    void *ctx, struct qn_err *err)
{
    QN_ASSERT(!rt->frozen);
    struct mount *mt = mount_of(rt, qn_str_of(prefix), table->dialect);
    for (size_t i = 0; i < table->n_routes; i++) {
        int rc = check_pattern(&table->routes[i], err);
        if (rc < 0)
            return rc;
        rc = add_row(rt, mt, table, &table->routes[i], ctx, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Longest prefixes first, so that the first that fits owns a path. */
static int by_length(const void *a, const void *b)
{
    const struct mount *x = *(struct mount *const *)a, *y = *(struct mount *const *)b;
    return x->n_segments < y->n_segments ? 1 : x->n_segments > y->n_segments ? -1 : 0;
}

void qn_router_freeze(struct qn_router *rt)
{
    if (rt->mounts.n > 1)
        qsort(rt->mounts.p, rt->mounts.n, sizeof rt->mounts.p[0], by_length);
    rt->frozen = true;
}

const struct qn_mounted *qn_router_next(const struct qn_router *rt, const struct qn_mounted *prev)
{
    size_t i = prev == NULL ? 0 : prev->index + 1;
    return i < rt->rows.n ? &rt->rows.p[i]->pub : NULL;
}

size_t qn_router_count(const struct qn_router *rt)
{
    return rt->rows.n;
}

static const struct mount *owner_of(const struct qn_router *rt, const struct qn_target *tg)
{
    for (size_t i = 0; i < rt->mounts.n; i++) {
        const struct mount *mt = rt->mounts.p[i];
        size_t k = 0;
        while (k < mt->n_segments && k < tg->n_segments &&
               qn_str_eq(mt->segments[k], tg->segments[k]))
            k++;
        if (k == mt->n_segments)
            return mt;
    }
    return NULL;
}

struct search {
    enum qn_method method;
    const struct qn_str *segments; /* after the prefix */
    size_t n;
    unsigned allowed;
    const struct qn__row *found;
};

/* An index name never starts with '_': what does is an API, known or not. */
static bool takes(const struct qn__row *row, const struct search *se)
{
    if (row->pub.table->dialect != QN_DIALECT_ELASTIC || se->n == 0)
        return true;
    struct qn_str rest = qn_str_of(row->pub.route->pattern), first;
    if (!next_segment(&rest, &first) || !is_wildcard(first))
        return true;
    return se->segments[0].n == 0 || se->segments[0].p[0] != '_' ||
           qn_str_is(se->segments[0], "_all");
}

static void accept_rows(const struct node *nd, struct search *se)
{
    for (size_t i = 0; i < nd->rows.n && se->found == NULL; i++) {
        const struct qn__row *row = nd->rows.p[i];
        if (!takes(row, se))
            continue;
        unsigned methods = row->pub.route->methods;
        se->allowed |= methods;
        if (methods & QN_GET)
            methods |= QN_HEAD;
        if (methods & se->method)
            se->found = row;
    }
}

/* Visits each node of the trie at most once: depth decides which segment it is compared with. */
static void descend(const struct node *nd, size_t depth, struct search *se)
{
    if (depth == se->n) {
        accept_rows(nd, se);
    } else {
        for (size_t i = 0; i < nd->literals.n && se->found == NULL; i++)
            if (qn_str_eq(nd->literals.p[i]->literal, se->segments[depth]))
                descend(nd->literals.p[i], depth + 1, se);
        if (nd->one != NULL && se->found == NULL)
            descend(nd->one, depth + 1, se);
    }
    if (nd->rest != NULL && se->found == NULL)
        accept_rows(nd->rest, se);
}

/* The raw path behind its first n segments, without a leading slash. */
static struct qn_str raw_rest(struct qn_str path, size_t n)
{
    struct qn_str rest = path;
    while (n > 0 && rest.n > 0) {
        while (rest.n > 0 && rest.p[0] == '/')
            rest = qn_str_from(rest, 1);
        rest = qn_str_from(rest, qn_str_find_byte(rest, '/'));
        n--;
    }
    while (rest.n > 0 && rest.p[0] == '/')
        rest = qn_str_from(rest, 1);
    return rest;
}

static void bind_names(struct qn_match *m, const struct qn_target *tg, size_t n_prefix)
{
    struct qn_str rest = qn_str_of(m->mounted->route->pattern), segment;
    for (size_t at = n_prefix; next_segment(&rest, &segment); at++) {
        if (!is_wildcard(segment))
            continue;
        m->names[m->n_values] = wildcard_name(segment);
        m->values[m->n_values++] = is_rest(segment) ? raw_rest(tg->path, at) : tg->segments[at];
    }
}

void qn_router_match(const struct qn_router *rt, enum qn_method method,
                     const struct qn_target *target, struct qn_match *out)
{
    QN_ASSERT(rt->frozen);
    out->mounted = NULL;
    out->dialect = QN_DIALECT_NATIVE;
    out->under_prefix = false;
    out->allowed = 0;
    out->n_values = 0;
    const struct mount *mt = owner_of(rt, target);
    if (mt == NULL)
        return;
    out->dialect = mt->dialect;
    out->under_prefix = mt->n_segments > 0;
    struct search se = {.method = method,
                        .segments = target->segments + mt->n_segments,
                        .n = target->n_segments - mt->n_segments};
    descend(mt->root, 0, &se);
    out->allowed = se.allowed;
    if (se.found == NULL)
        return;
    out->mounted = &se.found->pub;
    out->dialect = se.found->pub.table->dialect;
    bind_names(out, target, mt->n_segments);
}
