#include "journal_segment_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const char segment_magic[8] = "QNJOURNL";

enum {
    AT_CRC = 8,
    AT_VERSION = 12,
    AT_ZERO16 = 14,
    AT_ID = 16,
    AT_ORDINAL = 32,
    AT_PREV_ORDINAL = 40,
    AT_PREV_END = 48,
    AT_BASE = 56,
    AT_STAMP = 64,
    AT_PREV_SUSPECT = 72,
    AT_ZERO = 73,
};

struct qn_segment *qn__segment_new(const struct qn_segment_head *head,
                                   const struct qn_simd_ops *simd)
{
    struct qn_segment *sg = qn_xcalloc(1, sizeof *sg);
    atomic_init(&sg->refs, 1);
    sg->head = *head;
    sg->salt = qn__segment_salt(head->id, head->ordinal, simd);
    sg->end = head->base;
    sg->bytes = QN_SEGMENT_HEAD_BYTES;
    qn__segment_name(sg->name, head->ordinal);
    return sg;
}

struct qn_segment *qn__segment_ref(struct qn_segment *sg)
{
    atomic_fetch_add_explicit(&sg->refs, 1, memory_order_relaxed); /* the caller holds one */
    return sg;
}

void qn__segment_unref(struct qn_segment *sg)
{
    if (sg != NULL && atomic_fetch_sub_explicit(&sg->refs, 1, memory_order_acq_rel) == 1)
        free(sg);
}

uint32_t qn__segment_salt(const uint8_t id[16], uint64_t ordinal, const struct qn_simd_ops *simd)
{
    return simd->crc32c(simd->crc32c(0, id, 16), &ordinal, sizeof ordinal);
}

void qn__segment_head_put(char *p, const struct qn_segment_head *h, const struct qn_simd_ops *simd)
{
    uint16_t version = QN_SEGMENT_VERSION;
    memset(p, 0, QN_SEGMENT_HEAD_BYTES);
    memcpy(p, segment_magic, sizeof segment_magic);
    memcpy(p + AT_VERSION, &version, 2);
    memcpy(p + AT_ID, h->id, 16);
    memcpy(p + AT_ORDINAL, &h->ordinal, 8);
    memcpy(p + AT_PREV_ORDINAL, &h->prev_ordinal, 8);
    memcpy(p + AT_PREV_END, &h->prev_end, 8);
    memcpy(p + AT_BASE, &h->base, 8);
    memcpy(p + AT_STAMP, &h->stamp, 8);
    p[AT_PREV_SUSPECT] = h->prev_suspect ? 1 : 0;
    uint32_t crc = simd->crc32c(0, p + AT_VERSION, QN_SEGMENT_HEAD_BYTES - AT_VERSION);
    memcpy(p + AT_CRC, &crc, 4);
}

int qn__segment_head_get(struct qn_segment_head *h, const char *p, const struct qn_simd_ops *simd,
                         struct qn_err *err)
{
    static const char zero[QN_SEGMENT_HEAD_BYTES - AT_ZERO];
    uint32_t crc;
    uint16_t version;
    memcpy(&crc, p + AT_CRC, 4);
    memcpy(&version, p + AT_VERSION, 2);
    if (memcmp(p, segment_magic, sizeof segment_magic) != 0)
        return qn_corrupt(err, "not a journal segment");
    if (simd->crc32c(0, p + AT_VERSION, QN_SEGMENT_HEAD_BYTES - AT_VERSION) != crc)
        return qn_corrupt(err, "segment head: wrong checksum");
    if (version != QN_SEGMENT_VERSION)
        return qn_fail(err, QN_E_FORMAT_VERSION, "journal format version %u", version);
    memcpy(h->id, p + AT_ID, 16);
    memcpy(&h->ordinal, p + AT_ORDINAL, 8);
    memcpy(&h->prev_ordinal, p + AT_PREV_ORDINAL, 8);
    memcpy(&h->prev_end, p + AT_PREV_END, 8);
    memcpy(&h->base, p + AT_BASE, 8);
    memcpy(&h->stamp, p + AT_STAMP, 8);
    h->prev_suspect = p[AT_PREV_SUSPECT] == 1;
    if (h->ordinal == 0 || h->prev_ordinal >= h->ordinal || h->prev_end > h->base || h->base == 0 ||
        (uint8_t)p[AT_PREV_SUSPECT] > 1 || p[AT_ZERO16] != 0 || p[AT_ZERO16 + 1] != 0 ||
        memcmp(p + AT_ZERO, zero, sizeof zero) != 0)
        return qn_corrupt(err, "segment head: fields do not fit together");
    return 0;
}

void qn__segment_name(char out[QN_SEGMENT_NAME_BYTES], uint64_t ordinal)
{
    snprintf(out, QN_SEGMENT_NAME_BYTES, "%016llx.qj", (unsigned long long)ordinal);
}

void qn__spare_name(char out[QN_SEGMENT_NAME_BYTES], uint64_t ordinal)
{
    snprintf(out, QN_SEGMENT_NAME_BYTES, "spare-%016llx.qj", (unsigned long long)ordinal);
}

void qn__tmp_name(char out[QN_SEGMENT_NAME_BYTES], uint64_t ordinal)
{
    snprintf(out, QN_SEGMENT_NAME_BYTES, "%016llx.tmp", (unsigned long long)ordinal);
}

bool qn__segment_parse(const char *name, const char *prefix, const char *suffix, uint64_t *ordinal)
{
    struct qn_str s = qn_str_of(name);
    size_t pn = strlen(prefix), sn = strlen(suffix);
    if (s.n != pn + 16 + sn || !qn_str_starts(s, qn_str_of(prefix)) ||
        !qn_str_ends(s, qn_str_of(suffix)))
        return false;
    uint64_t v = 0;
    for (size_t i = pn; i < pn + 16; i++) {
        char c = name[i];
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    *ordinal = v;
    return true;
}
