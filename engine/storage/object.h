/* An object: immutable bytes under a name, read by ranges. Memory, a mapped file and an object
 * store look the same to every reader above.
 *
 *     rc = qn_object_read(ob, offset, n, &sl, err);   ... use sl.p[0..n) ... qn_slice_release(&sl);
 *
 * A slice is a view that stays valid until it is released: straight into the mapping for local
 * files and memory, a reference-counted block for caches. Reading is all or nothing: fewer bytes
 * than asked for is QN_E_TRUNCATED. QN_PAD bytes after the slice are readable (their value is
 * anything), so that SIMD readers need no tail code.
 *
 * qn_object_prefetch announces ranges that will be read soon; drivers with latency fetch them
 * together (coalesced), the others ignore it. It never fails: errors appear at the read.
 *
 * Objects are shared by reference count. @thread any  @locks none held across I/O */
#ifndef QN_STORAGE_OBJECT_H
#define QN_STORAGE_OBJECT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct qn_slice {
    const uint8_t *p;
    size_t n;
    void *hold; /* what keeps p alive; NULL: the object itself does */
    void (*drop)(void *hold);
};

struct qn_range {
    uint64_t offset;
    uint64_t n;
};

struct qn_object;

struct qn_object_ops {
    int (*read)(struct qn_object *ob, uint64_t offset, size_t n, struct qn_slice *out,
                struct qn_err *err);
    void (*prefetch)(struct qn_object *ob, const struct qn_range *ranges, size_t n); /* or NULL */
    void (*free)(struct qn_object *ob); /* the last reference went away */
};

/* Drivers embed this as their first member. */
struct qn_object {
    const struct qn_object_ops *ops;
    struct qn_str name; /* for messages; owned by the driver */
    uint64_t size_bytes;
    _Atomic uint32_t refs;
};

static inline struct qn_object *qn_object_ref(struct qn_object *ob)
{
    atomic_fetch_add_explicit(&ob->refs, 1, memory_order_relaxed); /* caller holds one already */
    return ob;
}
void qn_object_unref(struct qn_object *ob); /* NULL is fine */

/* Borrows ob; *out is valid until qn_slice_release. Checks the range against size_bytes. */
QN_MUST_CHECK int qn_object_read(struct qn_object *ob, uint64_t offset, size_t n,
                                 struct qn_slice *out, struct qn_err *err);
void qn_object_prefetch(struct qn_object *ob, const struct qn_range *ranges, size_t n);
static inline void qn_slice_release(struct qn_slice *sl)
{
    if (sl->hold != NULL)
        sl->drop(sl->hold);
    *sl = (struct qn_slice){0};
}

/* An object over bytes in memory. Copies p (with padding). Gives; free by unref. */
struct qn_object *qn_object_from_memory(struct qn_str name, const void *p, size_t n);
/* An object over a local file, mapped read-only (with the padding). Gives *out. */
QN_MUST_CHECK int qn_object_open_file(struct qn_object **out, const char *path, struct qn_err *err);

#endif
