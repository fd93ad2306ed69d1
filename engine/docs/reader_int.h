/* The reader's insides, shared by reader.c (fetching) and writer.c (copying blocks in merges). */
#ifndef QN_DOCS_READER_INT_H
#define QN_DOCS_READER_INT_H

#include "docs/docs.h"

struct qn_docs_reader {
    struct qn_object *ob;
    const struct qn_simd_ops *simd;
    uint64_t start, n_bytes; /* the section */
    uint64_t blocks_end;     /* where the last block ends and the row map starts */
    bool mapped;             /* else documents are rows */
    uint32_t n_blocks, n_rows, n_docs, n_map_blocks;
    const uint8_t *first_row;  /* u32[n_blocks], in the hot part */
    const uint8_t *offset;     /* u64[n_blocks] */
    const uint8_t *map_offset; /* u64[n_map_blocks] */
};

uint32_t qn__docs_block_docs(const struct qn_docs_reader *rd, uint32_t block);
/* Reads and verifies one block, header included. */
QN_MUST_CHECK int qn__docs_read_block(struct qn_docs_reader *rd, uint32_t block,
                                      struct qn_slice *out, struct qn_err *err);

#endif
