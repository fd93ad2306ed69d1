/* General-purpose compression of one block of bytes: LZ4, or Zstandard with or without a trained
 * dictionary. What does not shrink is stored as it is.
 *
 *     OFFSET SIZE FIELD
 *     0      1    codec id: 0 raw, 1 lz4, 2 zstd, 3 zstd with the dictionary of the context
 *     1      ..   varint raw bytes, varint stored bytes
 *     ..     ..   stored bytes
 *
 * Checksums belong to the container. A dictionary is immutable after it is made and is shared by
 * any number of coders; it holds the digested forms for one level, so that small blocks do not pay
 * for loading it. A coder holds the working memory of both directions: one owner thread. */
#ifndef QN_CODEC_BLOCK_H
#define QN_CODEC_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum qn_block_codec {
    QN_BLOCK_RAW = 0,
    QN_BLOCK_LZ4 = 1,
    QN_BLOCK_ZSTD = 2,
    QN_BLOCK_ZSTD_DICT = 3, /* written when a dictionary is given with QN_BLOCK_ZSTD */
};

/* Bytes trained from samples, digested for compressing at `level` and for decompressing. */
struct qn_zdict;
/* Trains at most max_bytes from n samples laid end to end. NULL when the samples are too few or too
 * much alike to be worth a dictionary. Gives. */
struct qn_zdict *qn_zdict_train(const void *samples, const size_t *sizes, size_t n,
                                size_t max_bytes, int level);
/* From stored bytes (copied). Gives. NULL when they begin like a trained dictionary and are
 * damaged; other bytes serve as plain content. */
struct qn_zdict *qn_zdict_load(const void *p, size_t n, int level);
void qn_zdict_free(struct qn_zdict *zd);
struct qn_str qn_zdict_bytes(const struct qn_zdict *zd); /* what to store */

struct qn_coder;
struct qn_coder *qn_coder_new(void);
void qn_coder_free(struct qn_coder *co);

/* Appends the block of p, n up to 1 GiB. level is Zstandard's (1..19), or for LZ4 0 (fast) or 2..12
 * (LZ4 HC). zd may be NULL; with LZ4 it is not used. */
void qn_block_put(struct qn_coder *co, struct qn_buf *out, enum qn_block_codec codec, int level,
                  const struct qn_zdict *zd, const void *p, size_t n);

/* The head of a block: what a reader needs to reserve memory. */
struct qn_block_head {
    uint8_t codec;
    size_t raw_bytes, stored_bytes;
    size_t head_bytes; /* before the stored bytes */
};
/* Checks the head of the block in [p, p + left) and that it is whole; max_raw bounds raw_bytes. */
QN_MUST_CHECK int qn_block_open(struct qn_block_head *head, const void *p, size_t left,
                                size_t max_raw, struct qn_err *err);
/* Fills out with head->raw_bytes; p is the start of the block. Anything wrong in the stored bytes,
 * including another length, is QN_E_CORRUPT. */
QN_MUST_CHECK int qn_block_get(struct qn_coder *co, void *out, const struct qn_block_head *head,
                               const struct qn_zdict *zd, const void *p, struct qn_err *err);

#endif
