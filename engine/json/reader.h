/* JSON reading: one pass over the text gives a tape, an array of 16-byte nodes in text order.
 *
 *   text   { "a" : [ 1 , "x" ] , "b" : "\n" }
 *   node   0 OBJECT link=7 ─────────────────────┐    link of a container: the node after its
 * subtree 1 KEY "a"   2 ARRAY link=5 ─┐        │    link of a key: its path (paths.h) 3 NUMBER 1  4
 * STRING "x"    │        │    link of a string with escapes: where its decoded 5 KEY "b"
 * ◄─────────────────┘        │      bytes are (qn_json_node_str knows) 6 STRING "\n" (escaped) │ 7
 * ◄──────────────────────────────────┘
 *
 * Both documents and requests are read this way: a tape is cheap to walk twice, a subtree is
 * skipped in one step, every value knows its own bytes. Accessors for people (get by key, typed
 * values with errors, paths) are in dom.h.
 *
 * What is accepted is RFC 8259, strictly: no comments, trailing commas, leading zeros, raw control
 * characters or byte order mark; any value may be the root. Text must be valid UTF-8, and so must
 * what escapes decode to: a lone surrogate (\ud800) is an error, as in serde_json, because no UTF-8
 * string can hold it. \u0000 is allowed. Duplicate keys are kept, in order. Numbers keep their
 * text; their size is judged when they are asked for as a number.
 *
 * Invariants: at/len of every node lie inside the text; a KEY is always followed by its value;
 * subtrees are contiguous. Bounds: text < 4 GiB, nesting <= max_depth, nodes <= max_nodes (16 bytes
 * each; a text has at most one node per byte), decoded strings <= the text.
 * Speed: ASCII strings are checked for UTF-8 in the same loads that look for the quote.
 *
 * The text is borrowed and must stay until the tape's last use; QN_PAD bytes after it must be
 * readable, with any content. One owner thread; a tape is meant to be reused. */
#ifndef QN_JSON_READER_H
#define QN_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "simd/ops.h"
#include "json/paths.h"

enum qn_json_type {
    QN_JSON_NULL,
    QN_JSON_FALSE,
    QN_JSON_TRUE,
    QN_JSON_NUMBER,
    QN_JSON_STRING,
    QN_JSON_ARRAY,
    QN_JSON_OBJECT,
    QN_JSON_KEY,
};

enum {
    QN_JSON_ESCAPED = 1,   /* string or key: holds escapes, decoded bytes are in the scratch */
    QN_JSON_NEGATIVE = 2,  /* number: starts with '-' */
    QN_JSON_FRACTION = 4,  /* number: has '.' or an exponent */
    QN_JSON_NON_ASCII = 8, /* string or key: its text has bytes above 0x7f */
};

struct qn_json_node {
    uint32_t at;  /* offset of the value's first byte; for strings the opening quote */
    uint32_t len; /* bytes of the value in the text, quotes and brackets included */
    uint32_t link;
    uint8_t type; /* enum qn_json_type */
    uint8_t flags;
    uint16_t unused;
};

#define QN_JSON_MAX_DEPTH 1024
#define QN_JSON_DEFAULT_DEPTH 128

struct qn_json_options {
    const struct qn_simd_ops *simd; /* NULL: scalar */
    struct qn_json_paths *paths;    /* NULL: keys get no paths */
    uint32_t max_depth;             /* 0: QN_JSON_DEFAULT_DEPTH; at most QN_JSON_MAX_DEPTH */
    uint32_t max_nodes;             /* 0: no limit of its own */
};

struct qn_json_frame;
struct qn_json_tape {
    const char *text;
    size_t text_len;
    struct qn_json_node *nodes;
    uint32_t n, cap;
    struct qn_buf scratch; /* records of decoded strings: u32 length, u32 path, bytes */
    struct qn_json_options opt;
    uint32_t paths_generation; /* of opt.paths, that the paths of the keys belong to */
    struct qn_json_frame *frames;
    char *copy; /* of qn_json_read_copy */
    size_t copy_cap;
};

/* NULL options: all defaults. */
void qn_json_tape_init(struct qn_json_tape *t, const struct qn_json_options *opt);
void qn_json_tape_release(struct qn_json_tape *t);

/* Reads one value that fills the text but for white space. On error the tape is empty, err->pos is
 * the offset of the first byte that cannot be right, and the message names line and column:
 * QN_E_PARSE, QN_E_TOO_DEEP, QN_E_TOO_LARGE (text or nodes). */
QN_MUST_CHECK int qn_json_read(struct qn_json_tape *t, struct qn_str text, struct qn_err *err);
/* The same for a value with others behind it: *used is the offset just after it. A text of white
 * space only is QN_END. */
QN_MUST_CHECK int qn_json_read_prefix(struct qn_json_tape *t, struct qn_str text, size_t *used,
                                      struct qn_err *err);
/* The same as qn_json_read for text without readable bytes behind it: the tape keeps a copy. */
QN_MUST_CHECK int qn_json_read_copy(struct qn_json_tape *t, struct qn_str text, struct qn_err *err);

/* The node after node i and all that is below it. After a key: its value. */
static inline uint32_t qn_json_next(const struct qn_json_tape *t, uint32_t i)
{
    const struct qn_json_node *nd = &t->nodes[i];
    return nd->type == QN_JSON_ARRAY || nd->type == QN_JSON_OBJECT ? nd->link : i + 1;
}

/* The node's own bytes in the text. */
static inline struct qn_str qn_json_node_raw(const struct qn_json_tape *t, uint32_t i)
{
    return (struct qn_str){t->text + t->nodes[i].at, t->nodes[i].len};
}

/* The value of a string or key, decoded. Borrowed from the text or from the tape. At least QN_PAD
 * bytes after it are readable. */
static inline struct qn_str qn_json_node_str(const struct qn_json_tape *t, uint32_t i)
{
    const struct qn_json_node *nd = &t->nodes[i];
    if (QN_LIKELY(!(nd->flags & QN_JSON_ESCAPED)))
        return (struct qn_str){t->text + nd->at + 1, nd->len - 2};
    uint32_t n;
    memcpy(&n, t->scratch.p + nd->link, sizeof n);
    return (struct qn_str){t->scratch.p + nd->link + 8, n};
}

/* The path of a key, or QN_JSON_NO_PATH. */
static inline uint32_t qn_json_node_path(const struct qn_json_tape *t, uint32_t i)
{
    const struct qn_json_node *nd = &t->nodes[i];
    if (QN_LIKELY(!(nd->flags & QN_JSON_ESCAPED)))
        return nd->link;
    uint32_t path;
    memcpy(&path, t->scratch.p + nd->link + 4, sizeof path);
    return path;
}

/* Line and column (both from 1, columns in bytes) of an offset. */
void qn_json_where(struct qn_str text, size_t pos, size_t *line, size_t *column);

#endif
