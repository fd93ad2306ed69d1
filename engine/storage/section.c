#include "storage/section.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"

int qn_section_open(struct qn_section *sc, struct qn_object *ob, uint64_t offset, uint64_t n,
                    const char *name, unsigned shift, const struct qn_simd_ops *ops,
                    struct qn_err *err)
{
    *sc = (struct qn_section){0};
    if (offset > ob->size_bytes || n > ob->size_bytes - offset)
        return qn_corrupt(err, "section %s: [%" PRIu64 ", +%" PRIu64 ") is outside the file", name,
                          offset, n);
    *sc = (struct qn_section){qn_object_ref(ob), ops, offset, n, name, NULL, shift};
    /* Zeroed pages cost nothing until a bit in them is set. */
    sc->good = qn_xcalloc((size_t)(n >> shift) / 64 + 1, 8);
    return 0;
}

void qn_section_close(struct qn_section *sc)
{
    qn_object_unref(sc->ob);
    free(sc->good);
    *sc = (struct qn_section){0};
}

int qn_section_read(const struct qn_section *sc, uint64_t at, size_t n, struct qn_slice *out,
                    struct qn_err *err)
{
    *out = (struct qn_slice){0};
    if (at > sc->n || n > sc->n - at)
        return qn_corrupt(err, "section %s: [%" PRIu64 ", +%zu) is outside its %" PRIu64 " bytes",
                          sc->name, at, n, sc->n);
    int rc = qn_object_read(sc->ob, sc->offset + at, n, out, err);
    if (rc < 0)
        qn_err_prefix(err, "section %s: ", sc->name);
    return rc;
}

void qn_section_prefetch(const struct qn_section *sc, uint64_t at, uint64_t n)
{
    if (at >= sc->n)
        return;
    struct qn_range r = {sc->offset + at, n < sc->n - at ? n : sc->n - at};
    qn_object_prefetch(sc->ob, &r, 1);
}

bool qn_section_is_good(const struct qn_section *sc, uint64_t at, const struct qn_slice *sl)
{
    uint64_t bit = at >> sc->shift;
    /* Relaxed: the bit guards immutable bytes, and a missed one only costs a second check. */
    return sl->hold == NULL &&
           (atomic_load_explicit(&sc->good[bit / 64], memory_order_relaxed) >> (bit % 64) & 1);
}

void qn_section_mark_good(const struct qn_section *sc, uint64_t at, const struct qn_slice *sl)
{
    uint64_t bit = at >> sc->shift;
    if (sl->hold == NULL)
        atomic_fetch_or_explicit(&sc->good[bit / 64], 1ull << (bit % 64), memory_order_relaxed);
}

int qn_section_verify(const struct qn_section *sc, uint64_t at, const void *p, size_t n,
                      uint32_t crc, struct qn_err *err)
{
    if (QN_LIKELY(sc->ops->crc32c(0, p, n) == crc))
        return 0;
    return qn_corrupt(err, "section %s: wrong checksum of %zu bytes at %" PRIu64, sc->name, n, at);
}
