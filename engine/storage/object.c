#include "storage/object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/mmap.h"

void qn_object_unref(struct qn_object *ob)
{
    /* The last holder must see what the others did before they let go. */
    if (ob != NULL && atomic_fetch_sub_explicit(&ob->refs, 1, memory_order_acq_rel) == 1)
        ob->ops->free(ob);
}

int qn_object_read(struct qn_object *ob, uint64_t offset, size_t n, struct qn_slice *out,
                   struct qn_err *err)
{
    *out = (struct qn_slice){0};
    if (offset > ob->size_bytes || n > ob->size_bytes - offset)
        return qn_fail(err, QN_E_TRUNCATED,
                       QN_STR_FMT ": bytes %llu..%llu were asked for, it has %llu",
                       QN_STR_ARG(ob->name), (unsigned long long)offset,
                       (unsigned long long)(offset + n), (unsigned long long)ob->size_bytes);
    return ob->ops->read(ob, offset, n, out, err);
}

void qn_object_prefetch(struct qn_object *ob, const struct qn_range *ranges, size_t n)
{
    if (n != 0 && ob->ops->prefetch != NULL)
        ob->ops->prefetch(ob, ranges, n);
}

/* Memory and mapped files alike: all bytes are at hand. */
struct flat_object {
    struct qn_object ob;
    const uint8_t *p;
    void *heap;
    char *name; /* what ob.name shows */
    struct qn_mmap mm;
};

static int flat_read(struct qn_object *ob, uint64_t offset, size_t n, struct qn_slice *out,
                     struct qn_err *err)
{
    (void)err;
    out->p = ((struct flat_object *)ob)->p + offset;
    out->n = n;
    return 0;
}

static void flat_free(struct qn_object *ob)
{
    struct flat_object *fo = (struct flat_object *)ob;
    qn_mmap_close(&fo->mm);
    free(fo->heap);
    free(fo->name);
    free(fo);
}

static void flat_prefetch(struct qn_object *ob, const struct qn_range *ranges, size_t n)
{
    const struct flat_object *fo = (const struct flat_object *)ob;
    for (size_t i = 0; i < n; i++) /* memory has no mapping: nothing happens */
        qn_mmap_advise(&fo->mm, ranges[i].offset, ranges[i].n, QN_MMAP_WILLNEED);
}

static const struct qn_object_ops flat_ops = {flat_read, flat_prefetch, flat_free};

static struct flat_object *flat_new(struct qn_str name, uint64_t n)
{
    struct flat_object *fo = qn_xcalloc(1, sizeof *fo);
    fo->ob.ops = &flat_ops;
    fo->name = qn_xstrndup(name.p, name.n);
    fo->ob.name = (struct qn_str){fo->name, name.n};
    fo->ob.size_bytes = n;
    atomic_init(&fo->ob.refs, 1);
    return fo;
}

struct qn_object *qn_object_from_memory(struct qn_str name, const void *p, size_t n)
{
    struct flat_object *fo = flat_new(name, n);
    fo->heap = qn_xaligned(n);
    if (n != 0)
        memcpy(fo->heap, p, n);
    fo->p = fo->heap;
    return &fo->ob;
}

int qn_object_open_file(struct qn_object **out, const char *path, struct qn_err *err)
{
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return qn_fail(err, qn_err_from_errno(errno), "%s: %m", path);
    struct stat st;
    struct qn_mmap mm = {0};
    int rc = fstat(fd, &st) < 0 ? qn_err_from_errno(errno) : 0;
    if (rc == 0)
        rc = qn_mmap_open(&mm, fd, (size_t)st.st_size);
    close(fd);
    if (rc < 0)
        return qn_fail(err, rc, "%s cannot be mapped: %s", path, qn_err_text(rc));
    struct flat_object *fo = flat_new(qn_str_of(path), (uint64_t)st.st_size);
    fo->mm = mm;
    fo->p = mm.p;
    *out = &fo->ob;
    return 0;
}
