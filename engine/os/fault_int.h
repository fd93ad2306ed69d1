/* The undo log of the fault file system: fault.c records, fault_crash.c plays it backwards. */
#ifndef QN_OS_FAULT_INT_H
#define QN_OS_FAULT_INT_H

#include "os/fault.h"

struct qn_fault_file {
    int fd;
    char *path;
    struct qn_fault_node *node; /* NULL: opened for reading, or before tracking */
    struct qn_fault_file *next;
};

/* Kept open until the next crash or release, so that the inode's number is not used again. */
struct qn_fault_node {
    uint64_t device, inode;
    int fd;                     /* read and write, without O_APPEND */
    uint64_t n_entries, n_keep; /* of a crash with a seed */
    struct qn_fault_node *next;
};

enum qn_fault_undo_kind {
    QN_UNDO_DATA,    /* bytes were written or cut off */
    QN_UNDO_CREATED, /* name is new */
    QN_UNDO_RENAMED, /* name was `from`; the file it replaced is `backup` */
    QN_UNDO_REMOVED, /* name was removed; the file is `backup` */
    QN_UNDO_MKDIR,
    QN_UNDO_RMDIR,
};

struct qn_fault_undo {
    enum qn_fault_undo_kind kind;
    struct qn_fault_undo *next; /* older */

    struct qn_fault_node *node; /* DATA */
    uint64_t offset, n_new;     /* what was written; n_new == 0: a truncation */
    uint64_t old_size;
    char *old; /* the n_old bytes that were at offset */
    size_t n_old;
    bool lost; /* a sync of it failed */

    char *name, *from, *backup; /* names */
    char *dir;                  /* whose sync settles a name */
};

/* Removes *at from the list and frees it. A backup that is no longer needed is unlinked. */
void qn__fault_undo_drop(struct qn_fault_fs *ft, struct qn_fault_undo **at);
void qn__fault_nodes_free(struct qn_fault_fs *ft);

#endif
