/* Sorts terms of a table by their bytes: eight bytes at a time as big-endian numbers, by radix
 * while there are many, so that a term is touched once for each eight bytes that it shares. */
#ifndef QN_INGEST_SORT_TERMS_H
#define QN_INGEST_SORT_TERMS_H

#include "ingest/termtable.h"

void qn_sort_terms(const struct qn_termtable *tt, uint32_t *addrs, uint32_t n);

#endif
