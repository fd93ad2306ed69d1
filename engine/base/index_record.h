/* How much an inverted index records of a term: which documents, how often, at which positions.
 * The mapping asks for it, the postings keep it. */
#ifndef QN_BASE_INDEX_RECORD_H
#define QN_BASE_INDEX_RECORD_H

enum qn_index_record { QN_RECORD_BASIC, QN_RECORD_FREQ, QN_RECORD_POSITION };

#endif
