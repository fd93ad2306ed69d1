#include "terms/absence.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"

enum { BUCKET_BITS = 480, BUCKET_TERMS = 48, PROBES = 6 };

uint32_t qn_absence_buckets(uint64_t n_terms)
{
    uint64_t n = (n_terms + BUCKET_TERMS - 1) / BUCKET_TERMS;
    return n == 0 ? 1 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static uint32_t bucket_of(uint64_t hash, uint32_t n_buckets)
{
    return (uint32_t)((hash >> 32) * n_buckets >> 32);
}

static uint32_t probe(uint64_t hash, uint32_t i)
{
    uint32_t a = (uint32_t)hash & 0xffff, b = ((uint32_t)hash >> 16) | 1;
    return (a + i * b) % BUCKET_BITS;
}

void qn_absence_write(struct qn_sink *sk, const struct qn_simd_ops *ops, const uint64_t *hashes,
                      size_t n, uint32_t n_buckets)
{
    uint8_t *p = qn_xcalloc(n_buckets, QN_ABSENCE_BUCKET);
    for (size_t i = 0; i < n; i++) {
        uint8_t *bucket = p + (size_t)bucket_of(hashes[i], n_buckets) * QN_ABSENCE_BUCKET;
        for (uint32_t k = 0; k < PROBES; k++) {
            uint32_t bit = probe(hashes[i], k);
            bucket[bit / 8] |= (uint8_t)(1u << (bit % 8));
        }
    }
    for (uint32_t b = 0; b < n_buckets; b++) {
        uint8_t *bucket = p + (size_t)b * QN_ABSENCE_BUCKET;
        uint32_t crc = ops->crc32c(0, bucket, BUCKET_BITS / 8);
        memcpy(bucket + BUCKET_BITS / 8, &crc, 4);
    }
    qn_sink_put(sk, p, (size_t)n_buckets * QN_ABSENCE_BUCKET);
    free(p);
}

int qn_absence_test(const struct qn_section *sc, uint64_t offset, uint32_t n_buckets, uint64_t hash,
                    bool *may, struct qn_err *err)
{
    *may = true;
    struct qn_slice sl;
    uint64_t at = offset + (uint64_t)bucket_of(hash, n_buckets) * QN_ABSENCE_BUCKET;
    int rc = qn_section_read(sc, at, QN_ABSENCE_BUCKET, &sl, err);
    if (rc < 0)
        return rc;
    uint32_t crc;
    memcpy(&crc, sl.p + BUCKET_BITS / 8, 4);
    rc = qn_section_verify(sc, at, sl.p, BUCKET_BITS / 8, crc, err);
    for (uint32_t k = 0; rc == 0 && k < PROBES; k++) {
        uint32_t bit = probe(hash, k);
        *may &= sl.p[bit / 8] >> (bit % 8) & 1;
    }
    qn_slice_release(&sl);
    return rc;
}
