/* Reading a tape as people think of JSON: requests, configuration, mappings, the query DSL.
 *
 *     struct qn_json_val v = qn_json_root(&tape), q;
 *     if (qn_json_get(v, "query", &q)) ...
 *     struct qn_json_iter it = qn_json_iter(v);
 *     while (qn_json_each(&it)) use(it.key, it.val);
 *
 * A value is a (tape, node) pair passed by value; it is valid as long as the tape is. Key order,
 * duplicates and number texts are those of the text. Errors name the place:
 *     at line 3 column 17, `query.bool.must[2].size`: expected an unsigned integer, found "ten"
 *
 * get is linear in the members of the object, and the last of duplicate keys wins. @thread any */
#ifndef QN_JSON_DOM_H
#define QN_JSON_DOM_H

#include "json/number.h"
#include "json/reader.h"

struct qn_json_val {
    const struct qn_json_tape *t;
    uint32_t i;
};

static inline struct qn_json_val qn_json_root(const struct qn_json_tape *t)
{
    return (struct qn_json_val){t, 0};
}
static inline enum qn_json_type qn_json_type(struct qn_json_val v)
{
    return (enum qn_json_type)v.t->nodes[v.i].type;
}
static inline bool qn_json_is_obj(struct qn_json_val v)
{
    return qn_json_type(v) == QN_JSON_OBJECT;
}
static inline bool qn_json_is_arr(struct qn_json_val v)
{
    return qn_json_type(v) == QN_JSON_ARRAY;
}
static inline bool qn_json_is_str(struct qn_json_val v)
{
    return qn_json_type(v) == QN_JSON_STRING;
}
static inline bool qn_json_is_num(struct qn_json_val v)
{
    return qn_json_type(v) == QN_JSON_NUMBER;
}
static inline bool qn_json_is_null(struct qn_json_val v)
{
    return qn_json_type(v) == QN_JSON_NULL;
}
static inline bool qn_json_is_bool(struct qn_json_val v)
{
    return qn_json_type(v) == QN_JSON_TRUE || qn_json_type(v) == QN_JSON_FALSE;
}
/* Offset in the text, and the value's own bytes: numbers as written, strings with their quotes. */
static inline size_t qn_json_pos(struct qn_json_val v)
{
    return v.t->nodes[v.i].at;
}
static inline struct qn_str qn_json_raw(struct qn_json_val v)
{
    return qn_json_node_raw(v.t, v.i);
}
/* "null", "a boolean", "a number", "a string", "an array", "an object" */
const char *qn_json_type_name(enum qn_json_type type);

/* Members of an object or elements of an array, in order. Of anything else: nothing. */
struct qn_json_iter {
    struct qn_json_val val;
    struct qn_str key; /* decoded; QN_STR_NONE in arrays */
    uint32_t index;    /* of the current one, from 0 */
    uint32_t at, end;
    bool keyed;
};
struct qn_json_iter qn_json_iter(struct qn_json_val v);
bool qn_json_each(struct qn_json_iter *it);
uint32_t qn_json_count(struct qn_json_val v);

bool qn_json_get(struct qn_json_val obj, const char *key, struct qn_json_val *out);
bool qn_json_get_str(struct qn_json_val obj, struct qn_str key, struct qn_json_val *out);
bool qn_json_at(struct qn_json_val arr, uint32_t index, struct qn_json_val *out);

/* The decoded string of a STRING; QN_STR_NONE of anything else. */
struct qn_str qn_json_str(struct qn_json_val v);
/* The value as a type, or QN_E_TYPE / QN_E_RANGE with place, expected and found in err. */
QN_MUST_CHECK int qn_json_to_str(struct qn_json_val v, struct qn_str *out, struct qn_err *err);
QN_MUST_CHECK int qn_json_to_bool(struct qn_json_val v, bool *out, struct qn_err *err);
QN_MUST_CHECK int qn_json_to_i64(struct qn_json_val v, int64_t *out, struct qn_err *err);
QN_MUST_CHECK int qn_json_to_u64(struct qn_json_val v, uint64_t *out, struct qn_err *err);
QN_MUST_CHECK int qn_json_to_f64(struct qn_json_val v, double *out, struct qn_err *err);
QN_MUST_CHECK int qn_json_to_obj(struct qn_json_val v, struct qn_err *err); /* checks only */
QN_MUST_CHECK int qn_json_to_arr(struct qn_json_val v, struct qn_err *err);

/* Refuses members of obj that are not among names (QN_E_UNKNOWN_KEY, with a suggestion) or come
 * twice (QN_E_INVALID). */
QN_MUST_CHECK int qn_json_check_keys(struct qn_json_val obj, const char *const *names, size_t n,
                                     struct qn_err *err);

/* Fails with "at line L column C, `path`: message". */
int qn_json_fail(struct qn_json_val v, struct qn_err *err, int code, const char *fmt, ...)
    QN_PRINTF(4, 5);
/* Appends the path of v from the root: a.b[2].c; nothing for the root itself. */
void qn_json_path_of(struct qn_json_val v, struct qn_buf *out);
/* Same JSON value: numbers by value, objects regardless of key order. For tests and change checks;
 * quadratic in the members of an object. */
bool qn_json_equal(struct qn_json_val a, struct qn_json_val b);

#endif
