/* The tree as JSON text. */
#include "yaml_int.h"

#include "json/writer.h"

static int fail_node(const struct qn_yaml_source *src, const struct qn_yaml_node *node,
                     struct qn_err *err, int code, const char *what)
{
    return qn_fail(err, code, QN_STR_FMT ":%zu:%zu: " QN_STR_FMT ": %s", QN_STR_ARG(src->name),
                   node->line, node->column, QN_STR_ARG(node->text), what);
}

static int print_based(const struct qn_yaml_source *src, const struct qn_yaml_node *node,
                       struct qn_jw *w, struct qn_err *err)
{
    unsigned base = node->text.p[1] == 'x' ? 16 : 8;
    uint64_t v = 0;
    for (size_t i = 2; i < node->text.n; i++) {
        unsigned char c = (unsigned char)node->text.p[i];
        unsigned digit = c <= '9' ? c - (unsigned)'0' : (c | 32u) - 'a' + 10;
        if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit, &v))
            return fail_node(src, node, err, QN_E_RANGE, "does not fit in 64 bits");
    }
    qn_jw_u64(w, v);
    return QN_OK;
}

/* The user's digits in JSON's grammar: no '+', no leading zeros, digits around the point. */
static int print_number(const struct qn_yaml_source *src, const struct qn_yaml_node *node,
                        struct qn_jw *w, struct qn_err *err)
{
    struct qn_str s = node->text;
    if (s.n > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'o'))
        return print_based(src, node, w, err);
    struct qn_buf b;
    qn_buf_init(&b, SIZE_MAX);
    if (s.p[0] == '-')
        qn_buf_put_u8(&b, '-');
    if (s.p[0] == '-' || s.p[0] == '+')
        s = qn_str_from(s, 1);
    if (s.n > 1 && s.p[0] == '.' && (s.p[1] | 32) >= 'a') {
        qn_buf_release(&b);
        return fail_node(src, node, err, QN_E_TYPE, "infinity and NaN have no JSON form");
    }
    while (s.n > 1 && s.p[0] == '0' && s.p[1] >= '0' && s.p[1] <= '9')
        s = qn_str_from(s, 1);
    if (s.p[0] == '.')
        qn_buf_put_u8(&b, '0');
    for (size_t i = 0; i < s.n; i++) {
        qn_buf_put_u8(&b, (uint8_t)s.p[i]);
        bool bare = s.p[i] == '.' && (i + 1 == s.n || (s.p[i + 1] | 32) == 'e');
        if (bare)
            qn_buf_put_u8(&b, '0');
    }
    qn_jw_raw(w, qn_buf_str(&b));
    qn_buf_release(&b);
    return QN_OK;
}

/* Recursion is bounded by QN_YAML_MAX_DEPTH, which the parser checked. */
static int print_node(const struct qn_yaml_source *src, const struct qn_yaml_node *node,
                      struct qn_jw *w, struct qn_err *err)
{
    int rc = QN_OK;
    switch (node->kind) {
    case QN_YAML_NULL:
        qn_jw_null(w);
        break;
    case QN_YAML_BOOL:
        qn_jw_bool(w, (node->text.p[0] | 32) == 't');
        break;
    case QN_YAML_INT:
    case QN_YAML_FLOAT:
        return print_number(src, node, w, err);
    case QN_YAML_STRING:
        qn_jw_str(w, node->text);
        break;
    case QN_YAML_LIST:
        qn_jw_arr(w);
        for (const struct qn_yaml_node *it = node->child; it != NULL; it = it->next) {
            rc = print_node(src, it, w, err);
            if (rc < 0)
                return rc;
        }
        qn_jw_end(w);
        break;
    case QN_YAML_MAP:
        qn_jw_obj(w);
        for (const struct qn_yaml_node *it = node->child; it != NULL; it = it->next) {
            qn_jw_key_str(w, it->key);
            rc = print_node(src, it, w, err);
            if (rc < 0)
                return rc;
        }
        qn_jw_end(w);
        break;
    }
    return rc;
}

int qn_yaml_print_json(const struct qn_yaml_source *src, const struct qn_yaml_node *node,
                       struct qn_buf *out, struct qn_err *err)
{
    struct qn_jw w;
    qn_jw_init(&w, out, NULL);
    int rc = print_node(src, node, &w, err);
    if (rc < 0) {
        qn_jw_release(&w);
        return rc;
    }
    rc = qn_jw_finish(&w);
    return rc < 0 ? qn_fail(err, rc, QN_STR_FMT ": too large as JSON", QN_STR_ARG(src->name))
                  : QN_OK;
}

int qn_yaml_to_json(const struct qn_yaml_source *src, struct qn_buf *out, struct qn_err *err)
{
    struct qn_arena ar;
    qn_arena_init(&ar, NULL);
    struct qn_yaml_node *root;
    int rc = qn_yaml_parse(&ar, src, &root, err);
    if (rc == QN_OK)
        rc = qn_yaml_print_json(src, root, out, err);
    qn_arena_release(&ar);
    return rc;
}
