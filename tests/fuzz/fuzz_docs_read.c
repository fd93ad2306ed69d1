/* The document store on any bytes: as a document to keep, and as a damaged payload to read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "docs/shred.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_payload(struct qn_str payload, uint32_t n_docs)
{
    struct qn_unshredder *un = qn_unshredder_new();
    struct qn_buf out;
    qn_buf_init(&out, 1 << 20);
    if (qn_unshredder_begin(un, payload, n_docs, NULL) == 0)
        while (qn_unshredder_at(un) < n_docs && qn_unshredder_next(un, &out, NULL) == 0)
            qn_buf_clear(&out);
    qn_buf_release(&out);
    qn_unshredder_free(un);
}

/* Lines of the input are documents; they must come back as they were. */
static void keep_and_read(struct qn_str all)
{
    struct qn_shredder *sh = qn_shredder_new();
    struct qn_unshredder *un = qn_unshredder_new();
    struct qn_buf payload, out;
    qn_buf_init(&payload, SIZE_MAX);
    qn_buf_init(&out, SIZE_MAX);
    struct qn_str rest = all, doc;
    while (qn_str_split(&rest, '\n', &doc) && qn_shredder_docs(sh) < 4096)
        qn_shredder_add(sh, doc);
    uint32_t n = qn_shredder_docs(sh);
    qn_shredder_finish(sh, &payload);
    QN_ASSERT(qn_unshredder_begin(un, qn_buf_str(&payload), n, NULL) == 0);
    rest = all;
    for (uint32_t i = 0; i < n && qn_str_split(&rest, '\n', &doc); i++) {
        qn_buf_clear(&out);
        QN_ASSERT(qn_unshredder_next(un, &out, NULL) == 0);
        QN_ASSERT(qn_str_eq(qn_buf_str(&out), doc));
    }
    qn_buf_release(&payload);
    qn_buf_release(&out);
    qn_unshredder_free(un);
    qn_shredder_free(sh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *padded = qn_xaligned(size);
    memcpy(padded, data, size);
    read_payload(qn_str_make(padded + 1, size - 1), 1 + data[0]);
    keep_and_read(qn_str_make(padded, size));
    free(padded);
    return 0;
}
