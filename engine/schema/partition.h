/* Partition keys: which partition a document belongs to.
 *
 *     expr := sub (',' sub)*        sub := field.path | hash_mod(sub | '(' expr ')', N)
 *
 * The partition is SipHash-2-4 (key 0) over the expression tree (the salt) and then over a
 * type-tagged encoding of the values it names, exactly as Quickwit computes it, so partition ids
 * agree with splits made there. A missing field is a value of its own. No expression: partition 0.
 * Dots inside a key are written "\.". Immutable; allocated in the arena it was parsed into.
 * @thread any */
#ifndef QN_SCHEMA_PARTITION_H
#define QN_SCHEMA_PARTITION_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "json/dom.h"

struct qn_partition;

/* Blank text gives *out = NULL: no partitioning. QN_E_INVALID with the place in the text. */
QN_MUST_CHECK int qn_partition_parse(const struct qn_partition **out, struct qn_arena *ar,
                                     struct qn_str text, struct qn_err *err);
/* doc is an object. */
uint64_t qn_partition_eval(const struct qn_partition *pt, struct qn_json_val doc);
/* The expression in its canonical spelling: "hash_mod((a,b\.c), 8),d". */
void qn_partition_print(const struct qn_partition *pt, struct qn_buf *out);
/* Path i of the fields it uses (dots in keys unescaped, as tag fields are named); QN_STR_NONE after
 * the last. */
struct qn_str qn_partition_field(const struct qn_partition *pt, size_t i);

#endif
