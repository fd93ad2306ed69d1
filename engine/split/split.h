/* A split, opened: fields, columns, postings and documents of one immutable file.
 *
 *     rc = qn_split_open(&sp, object, hot_offset, simd, err);
 *     fd = qn_split_find(sp, QN_STR("level"), QN_SPLIT_STR);
 *     rc = qn_split_use(fd, err);           -- opens its parts once; then fd->terms, fd->column ..
 *
 * Opening verifies footer, hot section and its directories. Parts of fields are checked when the
 * field is first used; blocks when they are first read. The bytes of the hot section stay in memory
 * (or mapped) as long as the split is open; nothing else does.
 *
 * Life: a split is shared by reference count and immutable. @thread any */
#ifndef QN_SPLIT_SPLIT_H
#define QN_SPLIT_SPLIT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "columns/columns.h"
#include "docs/docs.h"
#include "postings/norms.h"
#include "postings/postings_reader.h"
#include "split/format.h"
#include "storage/object.h"
#include "terms/terms_reader.h"

struct qn_split;

struct qn_split_field {
    struct qn_str name;
    enum qn_split_type type;
    unsigned flags;
    unsigned parts; /* bit QN_PART_x: the field has it */

    /* After qn_split_use. NULL: the field has no such part. */
    const struct qn_terms *terms;
    const struct qn_postings *postings;
    const struct qn_norms *norms;
    const struct qn_column *column;
    const struct qn_terms *column_terms; /* of the column's ordinals: own, or `terms` */

    struct qn_split *sp;
    struct qn__split_field *priv;
};
static inline bool qn_split_field_has(const struct qn_split_field *fd, enum qn_split_part part)
{
    return fd->parts >> part & 1;
}

/* hot_offset: where the hot section starts, 0 when unknown. Shares ob. Gives *out. */
QN_MUST_CHECK int qn_split_open(struct qn_split **out, struct qn_object *ob, uint64_t hot_offset,
                                const struct qn_simd_ops *simd, struct qn_err *err);
struct qn_split *qn_split_ref(struct qn_split *sp);
void qn_split_unref(struct qn_split *sp); /* NULL is fine */

uint32_t qn_split_doc_count(const struct qn_split *sp);
int64_t qn_split_min_time(const struct qn_split *sp); /* ns; INT64_MAX: no timestamps */
int64_t qn_split_max_time(const struct qn_split *sp);
uint64_t qn_split_raw_bytes(const struct qn_split *sp);
struct qn_str qn_split_meta_json(const struct qn_split *sp);
const struct qn_simd_ops *qn_split_simd(const struct qn_split *sp);
struct qn_object *qn_split_object(const struct qn_split *sp); /* borrow */
/* Offset and length of a section; length 0: it has none. */
struct qn_range qn_split_section_range(const struct qn_split *sp, enum qn_split_section kind);

uint32_t qn_split_section_crc(const struct qn_split *sp, enum qn_split_section kind);

/* The document store: opened with the split. */
struct qn_docs_reader *qn_split_docs(struct qn_split *sp);

uint32_t qn_split_field_count(const struct qn_split *sp);
struct qn_split_field *qn_split_field_at(struct qn_split *sp, uint32_t i); /* by name, then type */
struct qn_split_field *qn_split_find(struct qn_split *sp, struct qn_str name,
                                     enum qn_split_type type); /* NULL: not here */
/* The fields named `name`, whatever their type: *first and how many. */
uint32_t qn_split_find_all(struct qn_split *sp, struct qn_str name, struct qn_split_field **first);
/* Opens the parts of a field, once. */
QN_MUST_CHECK int qn_split_use(struct qn_split_field *fd, struct qn_err *err);
/* The absence filters' section, NULL when the split has none. */
const struct qn_section *qn_split_absence(const struct qn_split *sp);

/* Reads every byte: section checksums, every block of every part, every document. Slow. Fails with
 * the first damage found, naming section and offset. */
QN_MUST_CHECK int qn_split_verify(struct qn_split *sp, struct qn_err *err);

#endif
