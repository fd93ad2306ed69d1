/* Absence filter: a blocked Bloom filter over the terms of a field, so that a cold search for an id
 * skips a split after reading 64 bytes.
 *
 * FORMAT: buckets of 64 bytes: 480 bits, then the CRC-32C of the 60 bytes before it. With h =
 * qn_hash(term): bucket = high 32 bits of h scaled to the number of buckets; then 6 bits, bit i =
 * (a + i * b) mod 480 with a, b = the low and the next 16 bits of h, b made odd. One bucket per 48
 * terms: 10 bits a term, about 1.5 % false positives. */
#ifndef QN_TERMS_ABSENCE_H
#define QN_TERMS_ABSENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "simd/ops.h"
#include "storage/section.h"
#include "storage/sink.h"

#define QN_ABSENCE_BUCKET 64u

uint32_t qn_absence_buckets(uint64_t n_terms);
/* Writes n_buckets buckets holding the n hashes. */
void qn_absence_write(struct qn_sink *sk, const struct qn_simd_ops *ops, const uint64_t *hashes,
                      size_t n, uint32_t n_buckets);
/* *may = false: no term with this hash was written to the filter at `offset`. */
QN_MUST_CHECK int qn_absence_test(const struct qn_section *sc, uint64_t offset, uint32_t n_buckets,
                                  uint64_t hash, bool *may, struct qn_err *err);

#endif
