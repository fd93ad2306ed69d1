#include "json/dom.h"

#include <stdarg.h>
#include <stdio.h>

const char *qn_json_type_name(enum qn_json_type type)
{
    switch (type) {
    case QN_JSON_NULL:
        return "null";
    case QN_JSON_FALSE:
    case QN_JSON_TRUE:
        return "a boolean";
    case QN_JSON_NUMBER:
        return "a number";
    case QN_JSON_STRING:
        return "a string";
    case QN_JSON_ARRAY:
        return "an array";
    case QN_JSON_OBJECT:
        return "an object";
    case QN_JSON_KEY:
        return "a key";
    }
    return "?";
}

struct qn_json_iter qn_json_iter(struct qn_json_val v)
{
    struct qn_json_iter it = {.val = {v.t, 0}, .key = QN_STR_NONE, .index = UINT32_MAX};
    if (qn_json_is_obj(v) || qn_json_is_arr(v)) {
        it.at = v.i + 1;
        it.end = v.t->nodes[v.i].link;
        it.keyed = qn_json_is_obj(v);
    }
    return it;
}

bool qn_json_each(struct qn_json_iter *it)
{
    if (it->at >= it->end)
        return false;
    if (it->keyed)
        it->key = qn_json_node_str(it->val.t, it->at++);
    it->val.i = it->at;
    it->at = qn_json_next(it->val.t, it->at);
    it->index++;
    return true;
}

uint32_t qn_json_count(struct qn_json_val v)
{
    struct qn_json_iter it = qn_json_iter(v);
    uint32_t n = 0;
    while (qn_json_each(&it))
        n++;
    return n;
}

bool qn_json_get_str(struct qn_json_val obj, struct qn_str key, struct qn_json_val *out)
{
    bool found = false;
    if (!qn_json_is_obj(obj))
        return false;
    for (struct qn_json_iter it = qn_json_iter(obj); qn_json_each(&it);)
        if (qn_str_eq(it.key, key)) {
            *out = it.val;
            found = true;
        }
    return found;
}

bool qn_json_get(struct qn_json_val obj, const char *key, struct qn_json_val *out)
{
    return qn_json_get_str(obj, qn_str_of(key), out);
}

bool qn_json_at(struct qn_json_val arr, uint32_t index, struct qn_json_val *out)
{
    if (!qn_json_is_arr(arr))
        return false;
    for (struct qn_json_iter it = qn_json_iter(arr); qn_json_each(&it);)
        if (it.index == index) {
            *out = it.val;
            return true;
        }
    return false;
}

struct qn_str qn_json_str(struct qn_json_val v)
{
    return qn_json_is_str(v) ? qn_json_node_str(v.t, v.i) : QN_STR_NONE;
}

/* A key as a step of a path: quoted when it would read as something else. */
static void put_step(struct qn_buf *out, struct qn_str key, bool first)
{
    bool plain = key.n != 0;
    for (size_t i = 0; i < key.n; i++)
        plain = plain && key.p[i] != '.' && key.p[i] != '[' && key.p[i] != '"' && key.p[i] > ' ';
    if (!plain) {
        qn_buf_put_z(out, "[\"");
        qn_buf_put_str(out, key);
        qn_buf_put_z(out, "\"]");
        return;
    }
    if (!first)
        qn_buf_put_u8(out, '.');
    qn_buf_put_str(out, key);
}

/* Walks down from the root: at each level the member or element whose subtree holds v. */
void qn_json_path_of(struct qn_json_val v, struct qn_buf *out)
{
    struct qn_json_val at = qn_json_root(v.t);
    bool first = true;
    while (at.i < v.i) {
        struct qn_json_iter it = qn_json_iter(at);
        while (qn_json_each(&it) && it.at <= v.i)
            ;
        if (it.keyed)
            put_step(out, it.key, first);
        else
            qn_buf_printf(out, "[%u]", it.index);
        first = false;
        if (it.val.i > v.i) /* v is the key itself */
            return;
        at = it.val;
    }
}

int qn_json_fail(struct qn_json_val v, struct qn_err *err, int code, const char *fmt, ...)
{
    if (err == NULL)
        return code;
    char msg[sizeof err->msg];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    size_t line, column, pos = qn_json_pos(v);
    qn_json_where(qn_str_make(v.t->text, v.t->text_len), pos, &line, &column);
    struct qn_buf path;
    qn_buf_init(&path, SIZE_MAX);
    qn_json_path_of(v, &path);
    struct qn_str p = qn_str_first(qn_buf_str(&path), 120);
    if (path.n == 0)
        qn_fail_at(err, code, pos, "at line %zu column %zu: %s", line, column, msg);
    else
        qn_fail_at(err, code, pos, "at line %zu column %zu, `" QN_STR_FMT "`: %s", line, column,
                   QN_STR_ARG(p), msg);
    qn_buf_release(&path);
    return code;
}

/* What was found, as it stands in the text, cut short on a character's boundary. */
static int fail_type(struct qn_json_val v, struct qn_err *err, int code, const char *expected)
{
    struct qn_str raw = qn_json_raw(v);
    bool cut = raw.n > 40;
    if (cut) {
        raw.n = 40;
        while (raw.n > 0 && ((unsigned char)raw.p[raw.n] & 0xC0) == 0x80)
            raw.n--;
    }
    if (qn_json_is_obj(v) || qn_json_is_arr(v))
        return qn_json_fail(v, err, code, "expected %s, found %s", expected,
                            qn_json_type_name(qn_json_type(v)));
    return qn_json_fail(v, err, code, "expected %s, found " QN_STR_FMT "%s", expected,
                        QN_STR_ARG(raw), cut ? "..." : "");
}

int qn_json_to_str(struct qn_json_val v, struct qn_str *out, struct qn_err *err)
{
    if (!qn_json_is_str(v))
        return fail_type(v, err, QN_E_TYPE, "a string");
    *out = qn_json_node_str(v.t, v.i);
    return 0;
}

int qn_json_to_bool(struct qn_json_val v, bool *out, struct qn_err *err)
{
    if (!qn_json_is_bool(v))
        return fail_type(v, err, QN_E_TYPE, "a boolean");
    *out = qn_json_type(v) == QN_JSON_TRUE;
    return 0;
}

int qn_json_to_i64(struct qn_json_val v, int64_t *out, struct qn_err *err)
{
    int rc = qn_json_is_num(v) ? qn_json_parse_i64(qn_json_raw(v), out) : QN_E_TYPE;
    return rc < 0 ? fail_type(v, err, rc, "an integer of 64 bits") : 0;
}

int qn_json_to_u64(struct qn_json_val v, uint64_t *out, struct qn_err *err)
{
    int rc = qn_json_is_num(v) ? qn_json_parse_u64(qn_json_raw(v), out) : QN_E_TYPE;
    return rc < 0 ? fail_type(v, err, rc, "an unsigned integer of 64 bits") : 0;
}

int qn_json_to_f64(struct qn_json_val v, double *out, struct qn_err *err)
{
    int rc = qn_json_is_num(v) ? qn_json_parse_f64(qn_json_raw(v), out) : QN_E_TYPE;
    return rc < 0 ? fail_type(v, err, rc, "a number that a double can hold") : 0;
}

int qn_json_to_obj(struct qn_json_val v, struct qn_err *err)
{
    return qn_json_is_obj(v) ? 0 : fail_type(v, err, QN_E_TYPE, "an object");
}

int qn_json_to_arr(struct qn_json_val v, struct qn_err *err)
{
    return qn_json_is_arr(v) ? 0 : fail_type(v, err, QN_E_TYPE, "an array");
}

int qn_json_check_keys(struct qn_json_val obj, const char *const *names, size_t n,
                       struct qn_err *err)
{
    QN_ASSERT(n <= 256);
    bool seen[256] = {false};
    int rc = qn_json_to_obj(obj, err);
    if (rc < 0)
        return rc;
    for (struct qn_json_iter it = qn_json_iter(obj); qn_json_each(&it);) {
        size_t at = 0;
        while (at < n && !qn_str_is(it.key, names[at]))
            at++;
        if (at == n) {
            const char *near = qn_str_nearest(it.key, names, n);
            return qn_json_fail(it.val, err, QN_E_UNKNOWN_KEY,
                                near ? "unknown key, did you mean `%s`?" : "unknown key%s",
                                near ? near : "");
        }
        if (seen[at])
            return qn_json_fail(it.val, err, QN_E_INVALID, "the key comes twice");
        seen[at] = true;
    }
    return 0;
}

static bool numbers_equal(struct qn_str a, struct qn_str b)
{
    struct qn_json_num x, y;
    if (qn_str_eq(a, b))
        return true;
    if (qn_json_parse_num(a, &x) < 0 || qn_json_parse_num(b, &y) < 0)
        return false;
    if (x.kind == y.kind)
        return x.kind == QN_JSON_NUM_F64 ? x.f64 == y.f64 : x.u64 == y.u64;
    /* 1 and 1.0: exactly one is a double, which must be the integer without rounding */
    if (x.kind != QN_JSON_NUM_F64 && y.kind != QN_JSON_NUM_F64)
        return false;
    struct qn_json_num whole = x.kind == QN_JSON_NUM_F64 ? y : x;
    double v = x.kind == QN_JSON_NUM_F64 ? x.f64 : y.f64;
    __int128 i = whole.kind == QN_JSON_NUM_I64 ? (__int128)whole.i64 : (__int128)whole.u64;
    return v == (double)i && (__int128)v == i;
}

bool qn_json_equal(struct qn_json_val a, struct qn_json_val b)
{
    if (qn_json_type(a) != qn_json_type(b))
        return false;
    switch (qn_json_type(a)) {
    case QN_JSON_NUMBER:
        return numbers_equal(qn_json_raw(a), qn_json_raw(b));
    case QN_JSON_STRING:
        return qn_str_eq(qn_json_str(a), qn_json_str(b));
    case QN_JSON_ARRAY:
    case QN_JSON_OBJECT: {
        struct qn_json_iter x = qn_json_iter(a), y = qn_json_iter(b);
        if (qn_json_count(a) != qn_json_count(b))
            return false;
        while (qn_json_each(&x)) {
            struct qn_json_val other;
            if (x.keyed ? !qn_json_get_str(b, x.key, &other) : !qn_json_each(&y))
                return false;
            if (!qn_json_equal(x.val, x.keyed ? other : y.val))
                return false;
        }
        return true;
    }
    default:
        return true;
    }
}
