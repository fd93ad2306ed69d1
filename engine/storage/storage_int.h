/* What a storage driver is: storage.c checks keys and flags, counts and measures, then calls these.
 * Keys arrive checked. Messages of errors name the key; storage.c puts the storage in front. */
#ifndef QN_STORAGE_STORAGE_INT_H
#define QN_STORAGE_STORAGE_INT_H

#include "storage/storage.h"

struct qn_storage_ops {
    int (*open)(struct qn_storage *st, struct qn_str key, uint64_t size_bytes,
                struct qn_object **out, struct qn_err *err);
    int (*head)(struct qn_storage *st, struct qn_str key, struct qn_storage_info *out,
                struct qn_err *err);
    int (*put)(struct qn_storage *st, struct qn_str key, struct qn_str bytes, unsigned flags,
               struct qn_err *err);
    /* *bytes: the file's size. */
    int (*put_file)(struct qn_storage *st, struct qn_str key, const char *path, unsigned flags,
                    uint64_t *bytes, struct qn_err *err);
    int (*copy)(struct qn_storage *st, struct qn_str from, struct qn_str to, unsigned flags,
                uint64_t *bytes, struct qn_err *err);
    int (*remove)(struct qn_storage *st, const struct qn_str *keys, size_t n, int *rcs,
                  struct qn_err *err);
    int (*list)(struct qn_storage *st, struct qn_str prefix, struct qn_str after, size_t max,
                struct qn_storage_listing *out, struct qn_err *err);
    /* Fills a driver's own upload; storage.c sets key, flags and storage. */
    int (*begin)(struct qn_storage *st, struct qn_str key, unsigned flags, struct qn_upload **out,
                 struct qn_err *err);
    void (*free)(struct qn_storage *st);
    /* NULL: can_put_if_absent below says it. For drivers that must ask first. */
    bool (*can_put_if_absent)(struct qn_storage *st);
};

struct qn_upload_ops {
    /* Both free the driver's part: everything but key and storage, which storage.c drops. */
    int (*commit)(struct qn_upload *up, struct qn_err *err);
    void (*abort)(struct qn_upload *up);
};

/* Drivers embed this as their first member. */
struct qn_storage {
    const struct qn_storage_ops *ops;
    char *uri;
    bool can_put_if_absent;
    _Atomic uint32_t refs;
    struct qn_storage_account accounts[QN_STORAGE_OP_COUNT];
};

/* Takes uri. One reference. */
void qn__storage_init(struct qn_storage *st, const struct qn_storage_ops *ops, char *uri);
/* Drivers count READ and PART themselves; us = UINT64_MAX: not measured. */
void qn__storage_count(struct qn_storage *st, enum qn_storage_op op, int rc, uint64_t bytes,
                       uint64_t us);
/* Copies the key into the listing's arena. */
void qn__storage_list_add(struct qn_storage_listing *ls, struct qn_str key, uint64_t size_bytes,
                          int64_t mtime_ns);

#endif
