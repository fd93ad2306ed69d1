/* The local driver: storage_local.c writes and reads, storage_local_list.c walks. */
#ifndef QN_STORAGE_STORAGE_LOCAL_INT_H
#define QN_STORAGE_STORAGE_LOCAL_INT_H

#include "storage_int.h"

struct local_storage {
    struct qn_storage st; /* first member */
    struct qn_fs *fs;
    char *root;
    uint64_t device; /* files of it can be moved in */
    uint64_t token;  /* in the names of this process's temporary files */
    _Atomic uint64_t seq;
};

int qn__local_list(struct qn_storage *st, struct qn_str prefix, struct qn_str after, size_t max,
                   struct qn_storage_listing *out, struct qn_err *err);

#endif
