/* Integer, float and byte blocks from arbitrary bytes: opening refuses them, or every reader stays
 * inside. At all levels the machine has, which must agree. The first byte chooses the kind. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/bitpack.h"
#include "codec/block.h"
#include "codec/floats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const uint64_t *a, const uint64_t *b, size_t n)
{
    if (memcmp(a, b, n * 8) != 0)
        abort();
}

static void read_ints(const struct qn_simd_ops *ops, const uint8_t *p, size_t n, uint64_t *v,
                      bool *first)
{
    struct qn_ints in;
    if (qn_ints_open(&in, ops, p, n, NULL) < 0)
        return;
    uint64_t got[QN_INTS_MAX], bits[QN_INTS_MAX / 64];
    qn_ints_decode(&in, ops, got);
    if (*first)
        memcpy(v, got, in.n * 8u);
    *first = false;
    same(got, v, in.n);
    qn_ints_range(&in, ops, v[in.n / 2], v[in.n - 1], bits);
    struct qn_simd_stats st = {.min = UINT64_MAX};
    qn_ints_stats(&in, ops, &st);
    uint32_t last = in.n - 1u;
    qn_ints_gather(&in, ops, &last, 1, got);
    if (got[0] != v[last] || qn_ints_at(&in, ops, 0) != v[0])
        abort();
}

static void read_floats(const struct qn_simd_ops *ops, const uint8_t *p, size_t n, uint64_t *v,
                        bool *first)
{
    struct qn_floats in;
    if (qn_floats_open(&in, ops, p, n, NULL) < 0)
        return;
    uint64_t got[QN_INTS_MAX], bits[QN_INTS_MAX / 64];
    qn_floats_decode(&in, ops, got);
    if (*first)
        memcpy(v, got, in.n * 8u);
    *first = false;
    same(got, v, in.n);
    qn_floats_range(&in, ops, v[in.n / 2], v[in.n - 1], bits);
    uint32_t last = in.n - 1u;
    qn_floats_gather(&in, ops, &last, 1, got);
    if (got[0] != v[last])
        abort();
}

static void read_block(const uint8_t *p, size_t n)
{
    struct qn_block_head head;
    if (qn_block_open(&head, p, n, 1u << 16, NULL) < 0)
        return;
    struct qn_coder *co = qn_coder_new();
    uint8_t *out = malloc(head.raw_bytes + 1);
    if (qn_block_get(co, out, &head, NULL, p, NULL) == 0) { /* what decodes can be stored again */
        struct qn_buf again;
        qn_buf_init(&again, SIZE_MAX);
        qn_block_put(co, &again, QN_BLOCK_LZ4, 0, NULL, out, head.raw_bytes);
        struct qn_block_head head2;
        uint8_t *back = malloc(head.raw_bytes + 1);
        if (qn_block_open(&head2, again.p, again.n, head.raw_bytes, NULL) < 0 ||
            qn_block_get(co, back, &head2, NULL, again.p, NULL) < 0 ||
            memcmp(back, out, head.raw_bytes) != 0)
            abort();
        free(back);
        qn_buf_release(&again);
    }
    free(out);
    qn_coder_free(co);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    unsigned kind = data[0] % 4;
    size_t n = size - 1;
    uint8_t *p = qn_xcalloc(1, n + QN_PAD);
    memcpy(p, data + 1, n);
    uint64_t v[QN_INTS_MAX];
    bool first = true;
    if (kind == 2)
        read_block(p, n);
    for (int level = 0; level < QN_SIMD_LEVELS && kind != 2; level++) {
        const struct qn_simd_ops *ops = qn_simd_level((enum qn_simd_level)level);
        if (ops == NULL)
            continue;
        if (kind == 0)
            read_ints(ops, p, n, v, &first);
        else if (kind == 1)
            read_floats(ops, p, n, v, &first);
        else
            qn_bitpack_get_ids((uint32_t *)v, ops, p, p + n, 300, 5);
    }
    free(p);
    return 0;
}
