/* Writing a split: the container around what the section writers produce.
 *
 *     wr = qn_split_writer_new(&options, sink);
 *     docs = qn_split_writer_docs(wr);          every document, in document order
 *     for each field, ascending by name and type:
 *         qn_split_field_begin(wr, name, type, flags);
 *         ... terms, postings and column writers on qn_split_writer_sink(wr, QN_SECTION_..),
 *             their hot parts into qn_split_field_part(wr, QN_PART_..) ...
 *         qn_split_field_end(wr);
 *     qn_split_writer_finish(wr, &meta, &info);
 *
 * The document store is written straight to the sink; the other sections are gathered beside it,
 * in memory up to `spool_bytes` each and then in an unnamed file in `spool_dir`, because they grow
 * at the same time. One owner thread. */
#ifndef QN_SPLIT_SPLIT_WRITER_H
#define QN_SPLIT_SPLIT_WRITER_H

#include "base/str.h"
#include "docs/docs.h"
#include "simd/ops.h"
#include "split/format.h"
#include "storage/sink.h"

struct qn_split_options {
    const struct qn_simd_ops *simd;
    const char *spool_dir; /* NULL: sections stay in memory */
    uint64_t spool_bytes;  /* 0 = 8 MiB */
    struct qn_docs_options docs;
};

struct qn_split_meta {
    int64_t min_time_ns, max_time_ns; /* INT64_MAX, INT64_MIN: no timestamps */
    uint64_t raw_bytes; /* of the documents as they came; 0: as the document store counted */
    struct qn_str json; /* metadata, opaque */
};

/* What the metastore keeps of a finished file. */
struct qn_split_info {
    uint32_t n_docs;
    uint64_t file_bytes, hot_offset, raw_bytes;
    uint64_t section_bytes[QN_SECTIONS_END];
};

struct qn_split_writer;

/* Borrows sk, which must be at 0, and opt's pointers. */
struct qn_split_writer *qn_split_writer_new(const struct qn_split_options *opt, struct qn_sink *sk);
void qn_split_writer_free(struct qn_split_writer *wr);

struct qn_docs_writer *qn_split_writer_docs(struct qn_split_writer *wr); /* borrow */
/* After the last document and before the first field. */
QN_MUST_CHECK int qn_split_writer_docs_done(struct qn_split_writer *wr, uint32_t n_docs);
/* Of any section but the documents; offsets in it count from the section's start. */
struct qn_sink *qn_split_writer_sink(struct qn_split_writer *wr, enum qn_split_section kind);

/* Copies the name. QN_E_BUG when fields are not ascending. */
QN_MUST_CHECK int qn_split_field_begin(struct qn_split_writer *wr, struct qn_str name,
                                       enum qn_split_type type, unsigned flags);
/* An empty buffer for the hot part; the field has the part if something was put into it. */
struct qn_buf *qn_split_field_part(struct qn_split_writer *wr, enum qn_split_part part);
void qn_split_field_end(struct qn_split_writer *wr);

QN_MUST_CHECK int qn_split_writer_finish(struct qn_split_writer *wr,
                                         const struct qn_split_meta *meta,
                                         struct qn_split_info *info);

#endif
