/* Dictionaries with damaged bytes. The input says which dictionary to write and which of its bytes
 * to change; checksums are switched off, so that the damage reaches the readers. u8 style | u8
 * number of terms / 8 | u8 flags | u8 seed | edits: (u8 where, u16 offset, u8 value)
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "terms/terms_merge.h"
#include "terms/terms_reader.h"
#include "terms/terms_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t no_crc(uint32_t crc, const void *p, size_t n)
{
    (void)p;
    (void)n;
    return crc;
}

static uint64_t mix(uint64_t *s)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return *s * 2685821657736338717ull;
}

static size_t make_term(char *out, size_t cap, uint8_t style, unsigned i, uint64_t *s)
{
    switch (style % 4) {
    case 0:
        return (size_t)snprintf(out, cap, "term%05u/%.*s", i, (int)(mix(s) % 20),
                                "abcdefghijklmnopqrstuvwxyz");
    case 1:
        return (size_t)snprintf(out, cap, "%05x%03x", i, (unsigned)(mix(s) % 4096));
    case 2:
        return (size_t)snprintf(out, cap, "%08x-0000-4000-8000-%012llx", i,
                                (unsigned long long)(mix(s) & 0xffffffffffffull));
    default:
        return (size_t)snprintf(out, cap, "%05u%*s", i, (int)(mix(s) % 300), "x");
    }
}

static void add_terms(struct qn_terms_writer *wr, const uint8_t *p)
{
    static const uint8_t bytes[32] = {1, 2, 3};
    uint64_t s = 0x9e3779b97f4a7c15ull + p[3], at = 0;
    for (unsigned i = 0; i < p[1] * 8u; i++) {
        char z[400];
        size_t n = make_term(z, sizeof z, p[0], i, &s);
        struct qn_term_info ti = {.kind = QN_TERM_ONE, .df = 1, .doc = i, .aux = i & 3};
        uint64_t kind = mix(&s) % 8;
        if (kind == 6 && p[2] & 4)
            ti = (struct qn_term_info){
                .kind = QN_TERM_INLINE, .df = 3, .bytes = bytes, .len = mix(&s) % 32};
        if (kind == 7 && p[2] & 4) {
            ti = (struct qn_term_info){
                .kind = QN_TERM_LIST, .df = 300, .offset = at, .len = 16 + 16 * (mix(&s) % 90)};
            at += ti.len;
        }
        QN_ASSERT(qn_terms_writer_add(wr, qn_str_make(z, n), &ti) == 0);
    }
}

static void edit(struct qn_buf *const bufs[3], const uint8_t *p, size_t n)
{
    for (; n >= 4; p += 4, n -= 4) {
        struct qn_buf *b = bufs[p[0] % 3];
        size_t at = (size_t)p[1] | (size_t)p[2] << 8;
        if (b->n != 0)
            b->p[at % b->n] = (char)p[3];
    }
}

static uint64_t use(const struct qn_terms *td, const struct qn_section *absence)
{
    struct qn_err err = {0};
    struct qn_terms_iter *it = qn_terms_iter_new(td);
    struct qn_term_info ti;
    uint64_t sum = 0;
    int rc = qn_terms_seek(it, QN_STR(""), &err);
    for (int i = 0; rc == 0 && i < 5000; i++, rc = qn_terms_next(it, &err)) {
        for (size_t k = 0; k < it->term.n; k++)
            sum += (uint8_t)it->term.p[k];
        if (qn_terms_info(it, &ti, &err) == 0 && ti.kind == QN_TERM_INLINE)
            for (uint64_t k = 0; k < ti.len; k++)
                sum += ti.bytes[k];
    }
    static const char *const keys[] = {"term00100/abc", "00200", "00000010-0000-4000-8000-0", "zz",
                                       "0001f"};
    for (size_t i = 0; i < QN_COUNT_OF(keys); i++) {
        qn_ord lo, hi;
        bool may;
        if (qn_terms_lookup(it, qn_str_of(keys[i]), &err) == 0)
            sum += (uint64_t)qn_terms_info(it, &ti, &err) + (uint64_t)qn_terms_next(it, &err);
        if (qn_terms_prefix(it, qn_str_of(keys[i]), &lo, &hi, &err) == 0)
            sum += hi - lo;
        sum += (uint64_t)qn_terms_may_have(td, absence, qn_str_of(keys[i]), &may, &err);
    }
    if (qn_terms_seek_ord(it, qn_terms_count(td) / 2, &err) == 0)
        sum += it->term.n;
    const struct qn_terms *two[2] = {td, td};
    struct qn_terms_merge *mg;
    if (qn_terms_merge_new(&mg, two, 2, &err) == 0) {
        for (int i = 0; i < 5000 && qn_terms_merge_next(mg, &err) == 0; i++)
            sum += mg->term.n;
        qn_terms_merge_free(mg);
    }
    qn_terms_iter_free(it);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    struct qn_simd_ops ops = *qn_simd_pick("auto");
    ops.crc32c = no_crc;
    struct qn_buf bytes, hot, bloom;
    struct qn_buf *const bufs[3] = {&bytes, &hot, &bloom};
    struct qn_buf_sink sk, bloom_sk;
    for (int i = 0; i < 3; i++)
        qn_buf_init(bufs[i], SIZE_MAX);
    qn_buf_sink_init(&sk, &bytes);
    qn_buf_sink_init(&bloom_sk, &bloom);
    struct qn_terms_options opt = {.ops = &ops,
                                   .block_bytes = data[2] & 1 ? 500 : 0,
                                   .zstd_level = data[2] & 2 ? 1 : 0,
                                   .absence = data[2] & 8};
    struct qn_terms_writer *wr = qn_terms_writer_new(&sk.sink, &opt);
    add_terms(wr, data);
    QN_ASSERT(qn_terms_writer_finish(wr, &hot, &bloom_sk.sink, NULL) == 0);
    qn_terms_writer_free(wr);
    edit(bufs, data + 4, size - 4);

    struct qn_err err = {0};
    struct qn_section sc, bloom_sc;
    struct qn_terms *td;
    struct qn_object *ob = qn_object_from_memory(QN_STR("t"), bytes.p, bytes.n);
    struct qn_object *bloom_ob = qn_object_from_memory(QN_STR("b"), bloom.p, bloom.n);
    QN_ASSERT(qn_section_open(&sc, ob, 0, bytes.n, "terms", 6, &ops, &err) == 0);
    QN_ASSERT(qn_section_open(&bloom_sc, bloom_ob, 0, bloom.n, "absence", 6, &ops, &err) == 0);
    if (qn_terms_open(&td, qn_buf_str(&hot), &sc, &err) == 0) {
        volatile uint64_t sink = use(td, &bloom_sc);
        (void)sink;
        qn_terms_free(td);
    }
    qn_section_close(&sc);
    qn_section_close(&bloom_sc);
    qn_object_unref(ob);
    qn_object_unref(bloom_ob);
    for (int i = 0; i < 3; i++)
        qn_buf_release(bufs[i]);
    return 0;
}
