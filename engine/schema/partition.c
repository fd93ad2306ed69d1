#include "schema/partition.h"

#include <stdlib.h>

#include "base/vec.h"
#include "json/number.h"

#define MAX_DEPTH 16

enum node_kind { NODE_FIELD, NODE_COMPOSITE, NODE_MODULO };

struct node {
    enum node_kind kind;
    const struct qn_str *steps; /* FIELD: unescaped */
    uint32_t n_steps;
    const struct node *const *children; /* COMPOSITE; MODULO: one */
    uint32_t n_children;
    uint64_t modulo;
};

/* SipHash-2-4 with key 0, fed with bytes. */
struct sip {
    uint64_t v0, v1, v2, v3;
    uint64_t tail;
    size_t n;
};

struct qn_partition {
    const struct node *root;
    struct sip salted; /* after the expression tree */
    const struct qn_str *fields;
    size_t n_fields;
};

static struct sip sip_new(void)
{
    return (struct sip){0x736f6d6570736575ull,
                        0x646f72616e646f6dull,
                        0x6c7967656e657261ull,
                        0x7465646279746573ull,
                        0,
                        0};
}

static inline uint64_t rotate(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

static void sip_round(struct sip *h)
{
    h->v0 += h->v1;
    h->v1 = rotate(h->v1, 13) ^ h->v0;
    h->v0 = rotate(h->v0, 32);
    h->v2 += h->v3;
    h->v3 = rotate(h->v3, 16) ^ h->v2;
    h->v0 += h->v3;
    h->v3 = rotate(h->v3, 21) ^ h->v0;
    h->v2 += h->v1;
    h->v1 = rotate(h->v1, 17) ^ h->v2;
    h->v2 = rotate(h->v2, 32);
}

static void sip_word(struct sip *h, uint64_t w)
{
    h->v3 ^= w;
    sip_round(h);
    sip_round(h);
    h->v0 ^= w;
}

static void sip_put(struct sip *h, const void *p, size_t n)
{
    const unsigned char *c = p;
    for (size_t i = 0; i < n; i++) {
        h->tail |= (uint64_t)c[i] << (8 * (h->n++ & 7));
        if ((h->n & 7) == 0) {
            sip_word(h, h->tail);
            h->tail = 0;
        }
    }
}

static void sip_u8(struct sip *h, uint8_t v)
{
    sip_put(h, &v, 1);
}

static void sip_u64(struct sip *h, uint64_t v)
{
    sip_put(h, &v, sizeof v);
}

static void sip_str(struct sip *h, struct qn_str s)
{
    sip_u64(h, s.n);
    sip_put(h, s.p, s.n);
}

static uint64_t sip_end(struct sip h)
{
    sip_word(&h, h.tail | (uint64_t)h.n << 56);
    h.v2 ^= 0xFF;
    for (int i = 0; i < 4; i++)
        sip_round(&h);
    return h.v0 ^ h.v1 ^ h.v2 ^ h.v3;
}

/* ---- parsing */

struct parser {
    struct qn_str s;
    size_t at;
    struct qn_arena *ar;
    struct qn_err *err;
    int depth;
};

typedef QN_VEC(const struct node *) nodes_vec;

static int parse_expr(struct parser *ps, const struct node **out);
static int parse_sub(struct parser *ps, const struct node **out);

static void skip_space(struct parser *ps)
{
    while (ps->at < ps->s.n && strchr(" \t\r\n", ps->s.p[ps->at]) != NULL)
        ps->at++;
}

static bool take(struct parser *ps, char c)
{
    size_t before = ps->at;
    skip_space(ps);
    if (ps->at < ps->s.n && ps->s.p[ps->at] == c) {
        ps->at++;
        skip_space(ps);
        return true;
    }
    ps->at = before;
    return false;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != 0 && strchr("_-.\\/@$", c) != NULL);
}

static int fail(struct parser *ps, size_t at, const char *what)
{
    return qn_fail_at(ps->err, QN_E_INVALID, at,
                      "failed to interpret the partition key: `" QN_STR_FMT "`: %s at byte %zu",
                      QN_STR_ARG(ps->s), what, at);
}

/* Cuts a path at its dots; a backslash must stand before a dot, which then belongs to the key. */
static int parse_field(struct parser *ps, struct qn_str name, size_t at, const struct node **out)
{
    QN_VEC(struct qn_str) steps = {0};
    char *p = qn_arena_alloc(ps->ar, name.n + 1);
    size_t n = 0;
    int rc = 0;
    for (size_t i = 0; i <= name.n && rc == 0; i++) {
        if (i < name.n && name.p[i] == '\\') {
            if (i + 1 == name.n || name.p[i + 1] != '.')
                rc = fail(ps, at + i, "expected a dot after the backslash");
            else
                p[n++] = name.p[++i];
        } else if (i < name.n && name.p[i] != '.') {
            p[n++] = name.p[i];
        } else if (n == 0) {
            rc = fail(ps, at + i, "empty key in a path");
        } else {
            qn_vec_push(&steps, qn_str_make(p, n));
            p += n;
            n = 0;
        }
    }
    if (rc == 0) {
        struct node *nd = qn_arena_new(ps->ar, struct node);
        struct qn_str *copy = qn_arena_array(ps->ar, struct qn_str, steps.n);
        memcpy(copy, steps.p, steps.n * sizeof *copy);
        nd->kind = NODE_FIELD;
        nd->steps = copy;
        nd->n_steps = (uint32_t)steps.n;
        *out = nd;
    }
    qn_vec_release(&steps);
    return rc;
}

/* After "hash_mod(": the expression, the number, and the closing bracket. */
static int parse_modulo(struct parser *ps, const struct node **out)
{
    const struct node *inner = NULL;
    int rc;
    if (take(ps, '(')) {
        rc = parse_expr(ps, &inner);
        if (rc == 0 && !take(ps, ')'))
            rc = fail(ps, ps->at, "expected `)`");
    } else {
        rc = parse_sub(ps, &inner);
    }
    if (rc < 0)
        return rc;
    if (!take(ps, ','))
        return fail(ps, ps->at, "invalid arguments for `hash_mod`: expected 2 arguments");
    size_t from = ps->at;
    while (ps->at < ps->s.n && ps->s.p[ps->at] >= '0' && ps->s.p[ps->at] <= '9')
        ps->at++;
    struct node *nd = qn_arena_new(ps->ar, struct node);
    const struct node **child = qn_arena_array(ps->ar, const struct node *, 1);
    child[0] = inner;
    nd->kind = NODE_MODULO;
    nd->children = child;
    nd->n_children = 1;
    if (qn_str_to_u64(qn_str_make(ps->s.p + from, ps->at - from), &nd->modulo) < 0 ||
        nd->modulo == 0)
        return fail(ps, from, "invalid 2nd argument for `hash_mod`: expected a positive number");
    if (!take(ps, ')'))
        return fail(ps, ps->at, "expected `)`");
    *out = nd;
    return 0;
}

static int parse_sub(struct parser *ps, const struct node **out)
{
    size_t from = ps->at;
    while (ps->at < ps->s.n && is_name_char(ps->s.p[ps->at]))
        ps->at++;
    struct qn_str name = {ps->s.p + from, ps->at - from};
    if (name.n == 0)
        return fail(ps, from, "expected a field or a function");
    if (!take(ps, '('))
        return parse_field(ps, name, from, out);
    if (!qn_str_is(name, "hash_mod"))
        return fail(ps, from, "unknown function");
    if (++ps->depth > MAX_DEPTH)
        return fail(ps, from, "nested too deeply");
    int rc = parse_modulo(ps, out);
    ps->depth--;
    return rc;
}

static int parse_expr(struct parser *ps, const struct node **out)
{
    nodes_vec list = {0};
    int rc = 0;
    if (++ps->depth > MAX_DEPTH)
        return fail(ps, ps->at, "nested too deeply");
    do {
        const struct node *nd = NULL;
        rc = parse_sub(ps, &nd);
        if (rc == 0)
            qn_vec_push(&list, nd);
    } while (rc == 0 && take(ps, ','));
    ps->depth--;
    if (rc == 0 && list.n == 1) {
        *out = list.p[0];
    } else if (rc == 0) {
        struct node *nd = qn_arena_new(ps->ar, struct node);
        const struct node **children = qn_arena_array(ps->ar, const struct node *, list.n);
        memcpy(children, list.p, list.n * sizeof *children);
        nd->kind = NODE_COMPOSITE;
        nd->children = children;
        nd->n_children = (uint32_t)list.n;
        *out = nd;
    }
    qn_vec_release(&list);
    return rc;
}

/* The tree itself, so that two expressions do not share partitions by chance. */
static void hash_tree(struct sip *h, const struct node *nd)
{
    sip_u8(h, (uint8_t)nd->kind);
    if (nd->kind == NODE_FIELD) {
        sip_u64(h, nd->n_steps);
        for (uint32_t i = 0; i < nd->n_steps; i++) {
            if (i > 0)
                sip_u8(h, '.');
            sip_put(h, nd->steps[i].p, nd->steps[i].n);
        }
        return;
    }
    for (uint32_t i = 0; i < nd->n_children; i++)
        hash_tree(h, nd->children[i]);
    if (nd->kind == NODE_MODULO)
        sip_u64(h, nd->modulo);
}

typedef QN_VEC(struct qn_str) strs_vec;

static void collect_fields(struct qn_arena *ar, const struct node *nd, strs_vec *out)
{
    for (uint32_t i = 0; i < nd->n_children; i++)
        collect_fields(ar, nd->children[i], out);
    if (nd->kind != NODE_FIELD)
        return;
    struct qn_buf b;
    qn_buf_init(&b, SIZE_MAX);
    for (uint32_t i = 0; i < nd->n_steps; i++) {
        if (i > 0)
            qn_buf_put_u8(&b, '.');
        qn_buf_put_str(&b, nd->steps[i]);
    }
    qn_vec_push(out, qn_arena_str(ar, qn_buf_str(&b)));
    qn_buf_release(&b);
}

int qn_partition_parse(const struct qn_partition **out, struct qn_arena *ar, struct qn_str text,
                       struct qn_err *err)
{
    *out = NULL;
    text = qn_str_trim(text);
    if (text.n == 0)
        return 0;
    struct parser ps = {.s = text, .ar = ar, .err = err};
    const struct node *root;
    int rc = parse_expr(&ps, &root);
    if (rc == 0 && ps.at != text.n)
        rc = fail(&ps, ps.at, "unexpected character");
    if (rc < 0)
        return rc;
    struct qn_partition *pt = qn_arena_new(ar, struct qn_partition);
    strs_vec fields = {0};
    pt->root = root;
    pt->salted = sip_new();
    hash_tree(&pt->salted, root);
    collect_fields(ar, root, &fields);
    struct qn_str *copy = qn_arena_array(ar, struct qn_str, fields.n + 1);
    memcpy(copy, fields.p, fields.n * sizeof *copy);
    pt->fields = copy;
    pt->n_fields = fields.n;
    qn_vec_release(&fields);
    *out = pt;
    return 0;
}

struct qn_str qn_partition_field(const struct qn_partition *pt, size_t i)
{
    return pt != NULL && i < pt->n_fields ? pt->fields[i] : QN_STR_NONE;
}

/* ---- evaluation */

static void hash_number(struct sip *h, struct qn_str raw)
{
    struct qn_json_num num;
    if (qn_json_parse_num(raw, &num) < 0)
        return;
    if (qn_str_is(raw, "-0"))
        num.u64 = 0;
    if (num.kind == QN_JSON_NUM_F64 && num.f64 == 0)
        num.f64 = 0;
    sip_u64(h, num.u64);
}

static void hash_json(struct sip *h, struct qn_json_val v);

struct member {
    struct qn_str key;
    struct qn_json_val val;
    uint32_t index;
};

static int member_order(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int d = qn_str_cmp(x->key, y->key);
    return d != 0 ? d : (x->index > y->index) - (x->index < y->index);
}

/* Members in the order of their keys, the last of equal ones alone: the object as a sorted map. */
static void hash_object(struct sip *h, struct qn_json_val v)
{
    QN_VEC(struct member) list = {0};
    for (struct qn_json_iter it = qn_json_iter(v); qn_json_each(&it);)
        qn_vec_push(&list, ((struct member){it.key, it.val, it.index}));
    if (list.n > 1)
        qsort(list.p, list.n, sizeof *list.p, member_order);
    size_t n = 0;
    for (size_t i = 0; i < list.n; i++)
        if (i + 1 == list.n || !qn_str_eq(list.p[i].key, list.p[i + 1].key))
            list.p[n++] = list.p[i];
    sip_u64(h, n);
    for (size_t i = 0; i < n; i++) {
        sip_str(h, list.p[i].key);
        hash_json(h, list.p[i].val);
    }
    qn_vec_release(&list);
}

static void hash_json(struct sip *h, struct qn_json_val v)
{
    switch (qn_json_type(v)) {
    case QN_JSON_NULL:
        sip_u8(h, 0);
        return;
    case QN_JSON_FALSE:
    case QN_JSON_TRUE:
        sip_u8(h, 1);
        sip_u8(h, qn_json_type(v) == QN_JSON_TRUE);
        return;
    case QN_JSON_NUMBER:
        sip_u8(h, 2);
        hash_number(h, qn_json_raw(v));
        return;
    case QN_JSON_STRING:
        sip_u8(h, 3);
        sip_str(h, qn_json_str(v));
        return;
    case QN_JSON_ARRAY:
        sip_u8(h, 4);
        sip_u64(h, qn_json_count(v));
        for (struct qn_json_iter it = qn_json_iter(v); qn_json_each(&it);)
            hash_json(h, it.val);
        return;
    default:
        sip_u8(h, 5);
        hash_object(h, v);
        return;
    }
}

static void eval(struct sip *h, const struct node *nd, struct qn_json_val doc)
{
    sip_u8(h, (uint8_t)nd->kind);
    if (nd->kind == NODE_FIELD) {
        struct qn_json_val v = doc;
        bool found = true;
        for (uint32_t i = 0; i < nd->n_steps && found; i++)
            found = qn_json_get_str(v, nd->steps[i], &v);
        sip_u8(h, found);
        if (found)
            hash_json(h, v);
    } else if (nd->kind == NODE_COMPOSITE) {
        for (uint32_t i = 0; i < nd->n_children; i++)
            eval(h, nd->children[i], doc);
    } else {
        struct sip sub = sip_new();
        eval(&sub, nd->children[0], doc);
        sip_u64(h, sip_end(sub) % nd->modulo);
    }
}

uint64_t qn_partition_eval(const struct qn_partition *pt, struct qn_json_val doc)
{
    if (pt == NULL)
        return 0;
    struct sip h = pt->salted;
    eval(&h, pt->root, doc);
    return sip_end(h);
}

static void print(const struct node *nd, struct qn_buf *out)
{
    if (nd->kind == NODE_MODULO) {
        qn_buf_put_z(out, "hash_mod((");
        print(nd->children[0], out);
        qn_buf_printf(out, "), %llu)", (unsigned long long)nd->modulo);
        return;
    }
    for (uint32_t i = 0; i < nd->n_children; i++) {
        if (i > 0)
            qn_buf_put_u8(out, ',');
        print(nd->children[i], out);
    }
    for (uint32_t i = 0; i < nd->n_steps; i++) {
        if (i > 0)
            qn_buf_put_u8(out, '.');
        for (size_t k = 0; k < nd->steps[i].n; k++) {
            if (nd->steps[i].p[k] == '.')
                qn_buf_put_u8(out, '\\');
            qn_buf_put_u8(out, (uint8_t)nd->steps[i].p[k]);
        }
    }
}

void qn_partition_print(const struct qn_partition *pt, struct qn_buf *out)
{
    if (pt != NULL)
        print(pt->root, out);
}
