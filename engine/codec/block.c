#include "codec/block.h"

#include <lz4.h>
#include <lz4hc.h>
#include <stdlib.h>
#include <string.h>
#include <zdict.h>
#include <zstd.h>

#include "base/mem.h"
#include "base/varint.h"

#define MAX_RAW ((size_t)1 << 30) /* LZ4 counts in int */

/* ---- dictionaries */

struct qn_zdict {
    char *p;
    size_t n;
    int level;
    ZSTD_CDict *compress;
    ZSTD_DDict *decompress;
};

struct qn_zdict *qn_zdict_load(const void *p, size_t n, int level)
{
    struct qn_zdict *zd = qn_xcalloc(1, sizeof *zd);
    zd->p = qn_xstrndup(p, n);
    zd->n = n;
    zd->level = level;
    zd->compress = ZSTD_createCDict(zd->p, n, level);
    zd->decompress = ZSTD_createDDict(zd->p, n);
    if (zd->compress == NULL || zd->decompress == NULL) {
        qn_zdict_free(zd);
        return NULL;
    }
    return zd;
}

struct qn_zdict *qn_zdict_train(const void *samples, const size_t *sizes, size_t n,
                                size_t max_bytes, int level)
{
    if (n > UINT32_MAX)
        return NULL;
    char *p = qn_xmalloc(max_bytes + 1);
    size_t used = ZDICT_trainFromBuffer(p, max_bytes, samples, sizes, (unsigned)n);
    struct qn_zdict *zd = ZDICT_isError(used) ? NULL : qn_zdict_load(p, used, level);
    free(p);
    return zd;
}

void qn_zdict_free(struct qn_zdict *zd)
{
    if (zd == NULL)
        return;
    ZSTD_freeCDict(zd->compress);
    ZSTD_freeDDict(zd->decompress);
    free(zd->p);
    free(zd);
}

struct qn_str qn_zdict_bytes(const struct qn_zdict *zd)
{
    return (struct qn_str){zd->p, zd->n};
}

/* ---- coders: each working memory is made at its first use */

struct qn_coder {
    ZSTD_CCtx *zc;
    ZSTD_DCtx *zd;
    void *lz4, *lz4hc;
};

struct qn_coder *qn_coder_new(void)
{
    return qn_xcalloc(1, sizeof(struct qn_coder));
}

void qn_coder_free(struct qn_coder *co)
{
    if (co == NULL)
        return;
    ZSTD_freeCCtx(co->zc);
    ZSTD_freeDCtx(co->zd);
    free(co->lz4);
    free(co->lz4hc);
    free(co);
}

/* Bytes written to out, or 0 when they would not fit in `room` or something else went wrong: the
 * caller then stores the bytes as they are. */
static size_t compress_zstd(struct qn_coder *co, void *out, size_t room, int level,
                            const struct qn_zdict *zd, const void *p, size_t n)
{
    if (co->zc == NULL)
        co->zc = ZSTD_createCCtx();
    if (co->zc == NULL)
        return 0;
    size_t used = zd != NULL ? ZSTD_compress_usingCDict(co->zc, out, room, p, n, zd->compress)
                             : ZSTD_compressCCtx(co->zc, out, room, p, n, level);
    return ZSTD_isError(used) ? 0 : used;
}

static size_t compress_lz4(struct qn_coder *co, void *out, size_t room, int level, const void *p,
                           size_t n)
{
    int used;
    if (level >= 2) {
        if (co->lz4hc == NULL)
            co->lz4hc = qn_xmalloc((size_t)LZ4_sizeofStateHC());
        used = LZ4_compress_HC_extStateHC(co->lz4hc, p, out, (int)n, (int)room, level);
    } else {
        if (co->lz4 == NULL)
            co->lz4 = qn_xmalloc((size_t)LZ4_sizeofState());
        used = LZ4_compress_fast_extState(co->lz4, p, out, (int)n, (int)room, 1);
    }
    return used <= 0 ? 0 : (size_t)used;
}

/* The sizes go before the stored bytes but are known after them: compress behind the longest head,
 * then close the gap. Only output that is shorter than the input counts. */
void qn_block_put(struct qn_coder *co, struct qn_buf *out, enum qn_block_codec codec, int level,
                  const struct qn_zdict *zd, const void *p, size_t n)
{
    const size_t longest = 1 + 2 * QN_VARINT_MAX;
    QN_ASSERT(n <= MAX_RAW);
    if (!qn_buf_reserve(out, longest + n))
        return;
    uint8_t *head = (uint8_t *)out->p + out->n, *body = head + longest;
    size_t stored = 0, room = n == 0 ? 0 : n - 1;
    if (codec == QN_BLOCK_LZ4 && room != 0)
        stored = compress_lz4(co, body, room, level, p, n);
    else if (codec != QN_BLOCK_RAW && room != 0)
        stored = compress_zstd(co, body, room, level, zd, p, n);
    if (stored == 0)
        codec = QN_BLOCK_RAW;
    else if (codec == QN_BLOCK_ZSTD && zd != NULL)
        codec = QN_BLOCK_ZSTD_DICT;
    *head++ = (uint8_t)codec;
    head += qn_varint_put(head, n);
    head += qn_varint_put(head, codec == QN_BLOCK_RAW ? n : stored);
    if (codec != QN_BLOCK_RAW) {
        memmove(head, body, stored);
    } else if (n != 0) {
        memcpy(head, p, n);
        stored = n;
    }
    out->n = (size_t)((char *)head + stored - out->p);
}

int qn_block_open(struct qn_block_head *head, const void *p, size_t left, size_t max_raw,
                  struct qn_err *err)
{
    const uint8_t *at = p, *end = at + left;
    uint64_t raw = 0, stored = 0;
    *head = (struct qn_block_head){0};
    if (left == 0)
        return qn_fail(err, QN_E_TRUNCATED, "compressed block: no bytes");
    head->codec = *at++;
    size_t used = qn_varint_get(at, end, &raw);
    at += used;
    size_t used2 = used == 0 ? 0 : qn_varint_get(at, end, &stored);
    at += used2;
    if (used2 == 0)
        return qn_fail(err, QN_E_TRUNCATED, "compressed block: its head is cut off");
    if (head->codec > QN_BLOCK_ZSTD_DICT)
        return qn_corrupt(err, "compressed block: unknown codec %u", head->codec);
    if (raw > max_raw || raw > MAX_RAW)
        return qn_corrupt(err, "compressed block: %llu bytes, at most %zu are possible",
                          (unsigned long long)raw, max_raw);
    if (head->codec == QN_BLOCK_RAW ? stored != raw : stored >= raw)
        return qn_corrupt(err, "compressed block: %llu bytes stored as %llu",
                          (unsigned long long)raw, (unsigned long long)stored);
    if (stored > (size_t)(end - at))
        return qn_fail(err, QN_E_TRUNCATED, "compressed block: %zu of %llu bytes",
                       (size_t)(end - at), (unsigned long long)stored);
    head->raw_bytes = (size_t)raw;
    head->stored_bytes = (size_t)stored;
    head->head_bytes = (size_t)(at - (const uint8_t *)p);
    return 0;
}

static size_t decompress_zstd(struct qn_coder *co, void *out, size_t room,
                              const struct qn_zdict *zd, const void *p, size_t n)
{
    if (co->zd == NULL)
        co->zd = ZSTD_createDCtx();
    if (co->zd == NULL)
        return SIZE_MAX;
    size_t got = zd != NULL ? ZSTD_decompress_usingDDict(co->zd, out, room, p, n, zd->decompress)
                            : ZSTD_decompressDCtx(co->zd, out, room, p, n);
    return ZSTD_isError(got) ? SIZE_MAX : got;
}

int qn_block_get(struct qn_coder *co, void *out, const struct qn_block_head *head,
                 const struct qn_zdict *zd, const void *p, struct qn_err *err)
{
    const char *body = (const char *)p + head->head_bytes;
    size_t got = SIZE_MAX;
    switch (head->codec) {
    case QN_BLOCK_RAW:
        if (head->raw_bytes != 0)
            memcpy(out, body, head->raw_bytes);
        return 0;
    case QN_BLOCK_LZ4: {
        int n = LZ4_decompress_safe(body, out, (int)head->stored_bytes, (int)head->raw_bytes);
        got = n < 0 ? SIZE_MAX : (size_t)n;
        break;
    }
    case QN_BLOCK_ZSTD:
        got = decompress_zstd(co, out, head->raw_bytes, NULL, body, head->stored_bytes);
        break;
    default:
        if (zd == NULL)
            return qn_corrupt(err, "compressed block: needs a dictionary and there is none");
        got = decompress_zstd(co, out, head->raw_bytes, zd, body, head->stored_bytes);
    }
    if (got != head->raw_bytes)
        return qn_corrupt(err, "compressed block: its %zu bytes do not decode to %zu",
                          head->stored_bytes, head->raw_bytes);
    return 0;
}
