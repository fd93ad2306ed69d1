/* Streaming JSON writer into a buffer, with optional flushing and optional filtering.
 *
 *     struct qn_jw w;
 *     qn_jw_init(&w, &buf, &(struct qn_jw_options){.style = QN_JW_COMPACT});
 *     qn_jw_obj(&w);
 *     qn_jw_key(&w, "took"), qn_jw_u64(&w, 7);
 *     qn_jw_key(&w, "hits"), qn_jw_arr(&w); ... qn_jw_end(&w);
 *     qn_jw_end(&w);
 *     rc = qn_jw_finish(&w);
 *
 * Styles:  COMPACT      {"a":1,"b":[]}
 *          PRETTY       serde_json: two spaces, `"a": 1`, `{}`, `[]`
 *          PRETTY_ES    Elasticsearch's ?pretty: two spaces, `"a" : 1`, `{ }`, `[ ]`, final newline
 *
 * Strings are escaped minimally: quote, backslash, control characters (\n \r \t \b \f, else
 * \u00xx). A string that is not UTF-8 is written with U+FFFD for each bad byte. Doubles that are
 * not finite are written as null, as serde_json does.
 *
 * With a filter, what is dropped costs nothing but its calls: containers are opened when their
 * first kept value comes. Misuse of nesting (a value without its key, an end too many) is a bug of
 * the caller and asserts. A full buffer is the buffer's `failed`, answered by qn_jw_finish. One
 * owner thread. */
#ifndef QN_JSON_WRITER_H
#define QN_JSON_WRITER_H

#include "base/buf.h"
#include "json/dom.h"
#include "json/filter.h"
#include "json/number.h"

enum qn_jw_style { QN_JW_COMPACT, QN_JW_PRETTY, QN_JW_PRETTY_ES };

struct qn_jw_options {
    enum qn_jw_style style;
    enum qn_f64_style f64_style;
    const struct qn_json_filter *filter; /* borrowed; NULL: all */
    /* Called with the bytes so far when flush_bytes (0: 64 KiB) are there, and at the end; the
     * buffer is empty afterwards. A negative answer stops the writing and is finish's answer. */
    int (*flush)(void *ctx, struct qn_str bytes);
    void *flush_ctx;
    size_t flush_bytes;
};

struct qn_jw_level;
struct qn_jw {
    struct qn_buf *out;
    struct qn_jw_options opt;
    QN_VEC(struct qn_jw_level) levels; /* open containers, outermost first */
    size_t n_opened;                   /* how many of them stand in the output */
    struct qn_json_filter_walk walk;
    struct qn_buf keys; /* texts of keys not written yet: of unopened containers and the last one */
    size_t key_at;      /* where the last one starts */
    bool has_key, done;
    int rc;
    struct qn_json_tape *tape; /* for raw values that must be cut or laid out; made when needed */
};

/* NULL options: compact, serde numbers. */
void qn_jw_init(struct qn_jw *w, struct qn_buf *out, const struct qn_jw_options *opt);
/* Checks that all is closed, flushes, releases. QN_E_BUDGET when the buffer was full. */
QN_MUST_CHECK int qn_jw_finish(struct qn_jw *w);
/* Releases without checks: for error paths. Harmless after finish. */
void qn_jw_release(struct qn_jw *w);
/* True when what comes next would be dropped: lets a caller skip the work of making it. */
bool qn_jw_dropping(const struct qn_jw *w);

void qn_jw_obj(struct qn_jw *w);
void qn_jw_arr(struct qn_jw *w);
void qn_jw_end(struct qn_jw *w); /* of the innermost object or array */
void qn_jw_key(struct qn_jw *w, const char *key);
void qn_jw_key_str(struct qn_jw *w, struct qn_str key);

void qn_jw_str(struct qn_jw *w, struct qn_str s);
void qn_jw_z(struct qn_jw *w, const char *z);
void qn_jw_printf(struct qn_jw *w, const char *fmt, ...) QN_PRINTF(2, 3); /* as a string */
void qn_jw_i64(struct qn_jw *w, int64_t v);
void qn_jw_u64(struct qn_jw *w, uint64_t v);
void qn_jw_f64(struct qn_jw *w, double v);
void qn_jw_bool(struct qn_jw *w, bool v);
void qn_jw_null(struct qn_jw *w);
/* Bytes that are one JSON value already. Compact: spliced unchanged, unless a filter cuts into it.
 * Pretty: read and laid out anew. Bytes that cannot be read are spliced unchanged. */
void qn_jw_raw(struct qn_jw *w, struct qn_str json);
/* A value of a tape, number and string texts unchanged, filtered and laid out like the rest. */
void qn_jw_value(struct qn_jw *w, struct qn_json_val v);

/* key and value in one call */
static inline void qn_jw_kv_str(struct qn_jw *w, const char *key, struct qn_str v)
{
    qn_jw_key(w, key);
    qn_jw_str(w, v);
}
static inline void qn_jw_kv_z(struct qn_jw *w, const char *key, const char *v)
{
    qn_jw_key(w, key);
    qn_jw_z(w, v);
}
static inline void qn_jw_kv_i64(struct qn_jw *w, const char *key, int64_t v)
{
    qn_jw_key(w, key);
    qn_jw_i64(w, v);
}
static inline void qn_jw_kv_u64(struct qn_jw *w, const char *key, uint64_t v)
{
    qn_jw_key(w, key);
    qn_jw_u64(w, v);
}
static inline void qn_jw_kv_f64(struct qn_jw *w, const char *key, double v)
{
    qn_jw_key(w, key);
    qn_jw_f64(w, v);
}
static inline void qn_jw_kv_bool(struct qn_jw *w, const char *key, bool v)
{
    qn_jw_key(w, key);
    qn_jw_bool(w, v);
}

/* Appends s as a JSON string with its quotes; for places that need no writer. */
void qn_json_quote(struct qn_buf *out, struct qn_str s);

#endif
