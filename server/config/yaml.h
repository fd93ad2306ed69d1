/* YAML as people write it in configuration files, as a tree with positions, and as JSON text.
 *
 *     bytes ──qn_yaml_substitute──► bytes ──qn_yaml_parse──► tree ──qn_yaml_print_json──► JSON
 *
 * Scalars are typed by the YAML 1.2 core schema: `no`, `on` and `12:30` are strings, `0o17` is 15.
 * A quoted scalar is always a string. JSON documents are read as well, being YAML. Keys keep their
 * order; the same key twice in one mapping is an error, and so are complex keys, tags outside of
 * the core schema and a second document. Anchors and aliases work.
 *
 * Bounds: QN_YAML_MAX_BYTES of input, QN_YAML_MAX_DEPTH levels, QN_YAML_MAX_NODES nodes after
 * aliases are expanded. Every error says "<name>:<line>:<column>: ..." with both counted from 1, in
 * the text as the user wrote it (before substitution); columns count characters.
 *
 * The tree lives in the caller's arena. @thread any  @locks none
 * Not for documents to be indexed: those are JSON only. */
#ifndef QN_CONFIG_YAML_H
#define QN_CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define QN_YAML_MAX_BYTES (4u << 20)
#define QN_YAML_MAX_DEPTH 64
#define QN_YAML_MAX_NODES 200000

enum qn_yaml_kind {
    QN_YAML_NULL,
    QN_YAML_BOOL,
    QN_YAML_INT,
    QN_YAML_FLOAT,
    QN_YAML_STRING,
    QN_YAML_LIST,
    QN_YAML_MAP,
};

struct qn_yaml_node {
    enum qn_yaml_kind kind;
    size_t line, column; /* from 1, in the user's text */
    struct qn_str text;  /* scalars: the text, unquoted and unfolded */
    struct qn_str key;   /* of a member of a map */
    size_t key_line, key_column;
    struct qn_yaml_node *child; /* first member of a list or map, in order */
    struct qn_yaml_node *next;
    size_t n_children;
};

/* Where a substitution changed the length of a line, so that columns can be told in the user's
 * text. Opaque; zero-initialise. */
struct qn_yaml_shift;

struct qn_yaml_source {
    struct qn_str name; /* for messages: usually the file name */
    struct qn_str text;
    const struct qn_yaml_shift *shifts; /* NULL when nothing was substituted */
    size_t n_shifts;
};

/* Value of a variable, or .p == NULL when it is not set. */
typedef struct qn_str (*qn_yaml_lookup_fn)(void *ctx, struct qn_str name);

/* Replaces ${NAME} (an error when NAME is not set) and ${NAME:-default} (the default is taken when
 * NAME is not set; it holds neither white space nor '}') on every line that does not start with
 * '#'. src->text becomes the new text, in the arena, and src->shifts remember what moved. */
QN_MUST_CHECK int qn_yaml_substitute(struct qn_arena *ar, struct qn_yaml_source *src,
                                     qn_yaml_lookup_fn lookup, void *ctx, struct qn_err *err);

/* An empty document is a NULL node. */
QN_MUST_CHECK int qn_yaml_parse(struct qn_arena *ar, const struct qn_yaml_source *src,
                                struct qn_yaml_node **root, struct qn_err *err);

/* Compact JSON. Numbers keep their own digits where JSON allows them ("+07" becomes 7, ".5" 0.5,
 * 0x1F 31); .inf and .nan have no JSON form and are errors. */
QN_MUST_CHECK int qn_yaml_print_json(const struct qn_yaml_source *src,
                                     const struct qn_yaml_node *node, struct qn_buf *out,
                                     struct qn_err *err);

/* parse and print in one: YAML bytes in, JSON text out. */
QN_MUST_CHECK int qn_yaml_to_json(const struct qn_yaml_source *src, struct qn_buf *out,
                                  struct qn_err *err);

#endif
