#include "coding_int.h"

#include <stdlib.h>

#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"

#define WINDOW_LOG_MAX 23 /* 8 MiB: what `zstd -19` uses; --ultra and --long need more */
#define GZIP_LEVEL 4
#define ZSTD_LEVEL 3

static const struct {
    const char *name;
    enum qn__coding coding;
} names[] = {
    {"identity", CODING_IDENTITY}, {"gzip", CODING_GZIP},   {"zstd", CODING_ZSTD},
    {"deflate", CODING_DEFLATE},   {"x-gzip", CODING_GZIP}, {"x-deflate", CODING_DEFLATE},
};

enum qn__coding qn__coding_parse(struct qn_str s)
{
    s = qn_str_trim(s);
    if (s.n == 0)
        return CODING_IDENTITY;
    for (size_t i = 0; i < QN_COUNT_OF(names); i++)
        if (qn_str_eq_nocase(s, qn_str_of(names[i].name)))
            return names[i].coding;
    return CODING_UNKNOWN;
}

const char *qn__coding_name(enum qn__coding coding)
{
    for (size_t i = 0; i < QN_COUNT_OF(names); i++)
        if (names[i].coding == coding)
            return names[i].name;
    return "unknown";
}

void qn__inflater_init(struct qn__inflater *inf, enum qn__coding coding)
{
    *inf = (struct qn__inflater){.coding = coding};
    if (coding == CODING_GZIP || coding == CODING_DEFLATE) {
        z_stream *z = qn_xcalloc(1, sizeof *z);
        if (inflateInit2(z, coding == CODING_GZIP ? 15 + 16 : 15) != Z_OK)
            qn_panic(__FILE__, __LINE__, "zlib: out of memory");
        inf->state = z;
    } else if (coding == CODING_ZSTD) {
        ZSTD_DStream *z = ZSTD_createDStream();
        if (z == NULL ||
            ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
            qn_panic(__FILE__, __LINE__, "zstd: out of memory");
        inf->state = z;
    }
}

void qn__inflater_release(struct qn__inflater *inf)
{
    if (inf->state != NULL && inf->coding == CODING_ZSTD) {
        ZSTD_freeDStream(inf->state);
    } else if (inf->state != NULL) {
        inflateEnd(inf->state);
        free(inf->state);
    }
    *inf = (struct qn__inflater){0};
}

static int inflate_zlib(struct qn__inflater *inf, struct qn_str *in, char *out, size_t cap,
                        size_t *n)
{
    z_stream *z = inf->state;
    size_t take = in->n < (1u << 30) ? in->n : (1u << 30);
    z->next_in = (Bytef *)(uintptr_t)in->p;
    z->avail_in = (uInt)take;
    z->next_out = (Bytef *)out;
    z->avail_out = (uInt)cap;
    int rc = Z_OK;
    while (z->avail_out > 0 && (z->avail_in > 0 || inf->in_frame)) {
        if (!inf->in_frame) { /* the next member of several */
            if (inf->any && inflateReset(z) != Z_OK)
                return QN_E_INVALID;
            inf->in_frame = inf->any = true;
        }
        rc = inflate(z, Z_NO_FLUSH);
        if (rc == Z_STREAM_END)
            inf->in_frame = false;
        else if (rc != Z_OK)
            break;
    }
    *in = qn_str_from(*in, take - z->avail_in);
    *n = cap - z->avail_out;
    return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR ? 0 : QN_E_INVALID;
}

static int inflate_zstd(struct qn__inflater *inf, struct qn_str *in, char *out, size_t cap,
                        size_t *n)
{
    ZSTD_inBuffer from = {in->p, in->n, 0};
    ZSTD_outBuffer to = {out, cap, 0};
    bool stuck = false;
    while (to.pos < cap && !stuck && (from.pos < from.size || inf->in_frame)) {
        size_t in_before = from.pos, out_before = to.pos;
        size_t rc = ZSTD_decompressStream(inf->state, &to, &from);
        if (ZSTD_isError(rc))
            return QN_E_INVALID;
        inf->any = true;
        inf->in_frame = rc != 0;
        stuck = from.pos == in_before && to.pos == out_before;
    }
    *in = qn_str_from(*in, from.pos);
    *n = to.pos;
    return 0;
}

int qn__inflate(struct qn__inflater *inf, struct qn_str *in, char *out, size_t cap, size_t *n)
{
    *n = 0;
    QN_ASSERT(cap > 0 && cap <= (1u << 30));
    switch (inf->coding) {
    case CODING_GZIP:
    case CODING_DEFLATE:
        return inflate_zlib(inf, in, out, cap, n);
    case CODING_ZSTD:
        return inflate_zstd(inf, in, out, cap, n);
    default:
        *n = in->n < cap ? in->n : cap;
        if (*n > 0)
            memcpy(out, in->p, *n);
        *in = qn_str_from(*in, *n);
        return 0;
    }
}

int qn__inflater_end(const struct qn__inflater *inf)
{
    return inf->in_frame ? QN_E_INVALID : 0;
}

size_t qn__inflater_bytes(const struct qn__inflater *inf)
{
    if (inf->state == NULL)
        return 0;
    return inf->coding == CODING_ZSTD ? ZSTD_sizeof_DStream(inf->state) : 48 * 1024;
}

void qn__deflater_init(struct qn__deflater *def, enum qn__coding coding)
{
    *def = (struct qn__deflater){.coding = coding};
    if (coding == CODING_ZSTD) {
        ZSTD_CStream *z = ZSTD_createCStream();
        if (z == NULL ||
            ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, ZSTD_LEVEL)))
            qn_panic(__FILE__, __LINE__, "zstd: out of memory");
        def->state = z;
        return;
    }
    z_stream *z = qn_xcalloc(1, sizeof *z);
    if (deflateInit2(z, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        qn_panic(__FILE__, __LINE__, "zlib: out of memory");
    def->state = z;
}

void qn__deflater_release(struct qn__deflater *def)
{
    if (def->state != NULL && def->coding == CODING_ZSTD) {
        ZSTD_freeCStream(def->state);
    } else if (def->state != NULL) {
        deflateEnd(def->state);
        free(def->state);
    }
    *def = (struct qn__deflater){0};
}

static void deflate_zlib(z_stream *z, struct qn_str in, bool last, struct qn_buf *out)
{
    z->next_in = (Bytef *)(uintptr_t)in.p;
    z->avail_in = (uInt)in.n;
    int rc;
    do {
        if (!qn_buf_reserve(out, 16384))
            return;
        z->next_out = (Bytef *)out->p + out->n;
        z->avail_out = 16384;
        rc = deflate(z, last ? Z_FINISH : Z_SYNC_FLUSH);
        out->n += 16384 - z->avail_out;
    } while (rc == Z_OK && (z->avail_out == 0 || (last && rc != Z_STREAM_END)));
}

static void deflate_zstd(ZSTD_CStream *z, struct qn_str in, bool last, struct qn_buf *out)
{
    ZSTD_inBuffer from = {in.p, in.n, 0};
    size_t left;
    do {
        if (!qn_buf_reserve(out, 16384))
            return;
        ZSTD_outBuffer to = {out->p + out->n, 16384, 0};
        left = ZSTD_compressStream2(z, &to, &from, last ? ZSTD_e_end : ZSTD_e_flush);
        out->n += to.pos;
    } while (!ZSTD_isError(left) && left > 0);
}

void qn__deflate(struct qn__deflater *def, struct qn_str in, bool last, struct qn_buf *out)
{
    do {
        struct qn_str part = qn_str_first(in, 1u << 30);
        in = qn_str_from(in, part.n);
        if (def->coding == CODING_ZSTD)
            deflate_zstd(def->state, part, last && in.n == 0, out);
        else
            deflate_zlib(def->state, part, last && in.n == 0, out);
    } while (in.n > 0 && !out->failed);
}
