/* Documents in memory, on their way into one split: term table, columns and the document store.
 *
 *     mx = qn_memindex_new(&options);  qn_memindex_start(mx, sink);
 *     f = qn_memindex_field(mx, &spec);                 -- once per field, the caller remembers f
 *     qn_memindex_begin(mx, time_ns);
 *         qn_memindex_term / _tokens / _text / _value / _present ...     in any order of fields
 *     qn_memindex_end(mx, source);   or   qn_memindex_abort(mx);
 *     ...
 *     qn_memindex_flush(mx, &meta, &info);              -- the split is written; start again
 *
 * The source goes straight into the document store, which compresses and writes it; so memory holds
 * terms and columns only. Documents get their final numbers at flush: in the order of their times,
 * equal times in the order they came, documents without a time last; aborted ones are gone. (When
 * they came in that order, as logs do, nothing is moved.)
 *
 * Strings given to term and text are borrowed until the next tokens, take, end or abort. One owner
 * thread. */
#ifndef QN_INGEST_MEMINDEX_H
#define QN_INGEST_MEMINDEX_H

#include "postings/postings_writer.h"
#include "split/split_writer.h"
#include "text/tokenizer.h"

#define QN_NO_TIME INT64_MIN

struct qn_memindex;

struct qn_memindex_options {
    struct qn_split_options split;
};

struct qn_memfield_spec {
    struct qn_str name; /* copied */
    enum qn_split_type type;
    enum qn_index_record record; /* of the inverted index; types with terms */
    bool indexed;                /* types with terms: postings are kept */
    bool norms;
    bool column; /* types with terms: ordinals, of the indexed terms or, with
                    own_column_terms, of what qn_memindex_text gives */
    bool own_column_terms;
    bool presence; /* a column that only tells which documents have the field */
    bool absence;  /* build an absence filter: many distinct values */
};

struct qn_memindex *qn_memindex_new(const struct qn_memindex_options *opt);
void qn_memindex_free(struct qn_memindex *mx);
/* Begins a split on sk, which must be at 0. Forgets documents and fields. */
void qn_memindex_start(struct qn_memindex *mx, struct qn_sink *sk);

/* The number of the field with this name and type, made if new. */
uint32_t qn_memindex_field(struct qn_memindex *mx, const struct qn_memfield_spec *spec);

void qn_memindex_begin(struct qn_memindex *mx, int64_t time_ns);
/* One exact term; also the column's value if the column shares the dictionary. */
void qn_memindex_term(struct qn_memindex *mx, uint32_t field, struct qn_str term);
/* Some tokens of a value of a text; positions count from the value's start. */
void qn_memindex_tokens(struct qn_memindex *mx, uint32_t field, const struct qn_token *tokens,
                        size_t n);
/* No more tokens of this value: the document's next value of the field follows in position. */
void qn_memindex_value_end(struct qn_memindex *mx, uint32_t field);
/* A value of a column with its own terms. */
void qn_memindex_text(struct qn_memindex *mx, uint32_t field, struct qn_str value);
/* Uses what term and text borrowed: their strings may change. */
void qn_memindex_take(struct qn_memindex *mx);
/* A number, as the column orders it (columns.h). */
void qn_memindex_value(struct qn_memindex *mx, uint32_t field, uint64_t value);
void qn_memindex_present(struct qn_memindex *mx, uint32_t field);
/* The document is complete; QN_PAD readable bytes follow source. */
QN_MUST_CHECK int qn_memindex_end(struct qn_memindex *mx, struct qn_str source);
/* What was said of the document is taken back. */
void qn_memindex_abort(struct qn_memindex *mx);

uint32_t qn_memindex_docs(const struct qn_memindex *mx); /* without aborted ones */
uint64_t qn_memindex_raw_bytes(const struct qn_memindex *mx);
/* Memory held now. What one more document of n bytes may add is below 4 n + 4 KiB. */
uint64_t qn_memindex_bytes(const struct qn_memindex *mx);
/* Flush before the next document, whatever the budget says. */
bool qn_memindex_full(const struct qn_memindex *mx);

/* Writes the split. meta's times and raw bytes are filled in here. Then start again or free. */
QN_MUST_CHECK int qn_memindex_flush(struct qn_memindex *mx, struct qn_split_meta *meta,
                                    struct qn_split_info *info);

#endif
