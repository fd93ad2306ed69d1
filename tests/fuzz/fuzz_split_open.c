/* Splits from arbitrary bytes. Every input is read twice: as it is, and with the checksums of
 * footer, hot section and sections made right, so that damage reaches the readers behind them. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "split/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const uint8_t *p, size_t n)
{
    const struct qn_simd_ops *simd = qn_simd_pick("auto");
    struct qn_object *ob = qn_object_from_memory(QN_STR("fuzz"), p, n);
    struct qn_split *sp;
    struct qn_err err = {0};
    int rc = qn_split_open(&sp, ob, 0, simd, &err);
    if (rc == 0) {
        for (uint32_t i = 0; i < qn_split_field_count(sp); i++) {
            struct qn_split_field *fd = qn_split_field_at(sp, i), *first;
            QN_ASSERT(qn_split_find(sp, fd->name, fd->type) == fd);
            QN_ASSERT(qn_split_find_all(sp, fd->name, &first) > 0);
            if (qn_split_use(fd, NULL) == 0)
                QN_ASSERT(fd->terms != NULL || !qn_split_field_has(fd, QN_PART_TERMS));
        }
        rc = qn_split_verify(sp, &err);
        qn_split_unref(sp);
    }
    QN_ASSERT(rc == 0 || strstr(err.msg, "split fuzz") != NULL);
    qn_object_unref(ob);
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static void set32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, sizeof v);
}

static void set64(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, sizeof v);
}

/* Checksums of the sections that lie in the file. */
static void repair_sections(uint8_t *p, uint64_t hot, uint64_t hot_n)
{
    const struct qn_simd_ops *simd = qn_simd_pick("auto");
    uint32_t n;
    memcpy(&n, p + hot + 32, sizeof n);
    for (uint32_t i = 0; i < n && 48 + 24ull * (i + 1) <= hot_n; i++) {
        uint8_t *e = p + hot + 48 + 24 * (size_t)i;
        uint64_t at = get64(e + 8), len = get64(e + 16);
        if (at <= hot && len <= hot - at)
            set32(e + 4, simd->crc32c(0, p + at, len));
    }
}

static void repair(uint8_t *p, size_t n)
{
    uint8_t *f = p + n - QN_SPLIT_FOOTER;
    uint64_t end = n - QN_SPLIT_FOOTER, hot = get64(f + 16);
    if (hot > end || end - hot < 48)
        return;
    repair_sections(p, hot, end - hot);
    set64(f + 24, end - hot);
    set64(f + 32, qn_hash(p + hot, end - hot));
    set64(f + 40, n);
    set32(f + 60, qn_simd_pick("auto")->crc32c(0, f, 60));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_all(data, size);
    if (size < QN_SPLIT_FOOTER)
        return 0;
    uint8_t *p = malloc(size);
    memcpy(p, data, size);
    repair(p, size);
    read_all(p, size);
    free(p);
    return 0;
}
