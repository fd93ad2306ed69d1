/* A qn_fs for tests: the real file system with programmable faults and crashes.
 *
 *     qn_fault_init(&ft, qn_fs_posix());
 *     qn_fault_add(&ft, (struct qn_fault){QN_FAULT_SYNC, .after = 3, .count = 1, .errnum = EIO});
 *     ... run code on &ft.fs ...          -- the fourth fsync fails
 *     qn_fault_crash(&ft, seed);          -- forgets what was not synced; open files are dead
 *
 * Faults: each rule matches operations of one kind (and, with `path_part`, only names that contain
 * it), lets `after` of them pass and then fails `count` (0 = for ever). A rule without an
 * errnum cuts reads and writes short instead. Space: with a limit, writes fail with ENOSPC once so
 * many bytes were written, and an unlink does not give any back: the test raises the limit.
 *
 * Crash: an undo log is kept of everything since the last sync of each file and directory; a crash
 * plays it backwards, so that what remains is what a power cut may leave. With seed 0 everything
 * unsynced is lost; otherwise each file keeps a random prefix of its unsynced writes, the last one
 * possibly torn, and each directory a random prefix of its unsynced names. What was unsynced when
 * an injected sync failure hit is lost (old bytes, or zeros) whatever is synced later, as on Linux.
 *
 * @thread any  @locks takes its own leaf lock */
#ifndef QN_OS_FAULT_H
#define QN_OS_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "os/file.h"
#include "os/thread.h"

enum qn_fault_op {
    QN_FAULT_OPEN,
    QN_FAULT_READ,
    QN_FAULT_WRITE,    /* pwrite and append */
    QN_FAULT_SYNC,     /* fsync and fdatasync */
    QN_FAULT_SYNC_DIR, /* fsync of a directory */
    QN_FAULT_TRUNCATE,
    QN_FAULT_RENAME,
    QN_FAULT_UNLINK, /* and rmdir */
    QN_FAULT_MKDIR,
    QN_FAULT_LIST,
    QN_FAULT_OP_COUNT
};

struct qn_fault {
    enum qn_fault_op op;
    const char *path_part; /* NULL: every path; borrowed until cleared */
    uint64_t after;        /* matching operations that pass first */
    uint64_t count;        /* then so many fail; 0 = all that follow */
    int errnum;            /* what they fail with; 0: a READ or WRITE is cut short instead */
};

#define QN_FAULT_RULES 16

struct qn_fault_file; /* an open descriptor: its name */
struct qn_fault_node; /* a file that has entries in the undo log */
struct qn_fault_undo; /* one entry of the undo log */

struct qn_fault_fs {
    struct qn_fs fs; /* hand this to the code under test; first member */
    struct qn_fs *inner;
    struct qn_mutex lock;
    struct qn_fault rules[QN_FAULT_RULES];
    unsigned n_rules;
    uint64_t seen[QN_FAULT_OP_COUNT]; /* operations of each kind so far, failed ones too */
    uint64_t space_bytes;             /* what can still be written; UINT64_MAX: no limit */
    uint64_t halt_after;              /* changing operations that still work; UINT64_MAX: all */
    struct qn_fault_file *files;
    struct qn_fault_node *nodes;
    struct qn_fault_undo *undo; /* newest first */
    bool track;                 /* keep the undo log */
    uint64_t n_backups;
};

void qn_fault_init(struct qn_fault_fs *ft, struct qn_fs *inner);
void qn_fault_release(struct qn_fault_fs *ft);
void qn_fault_add(struct qn_fault_fs *ft, struct qn_fault rule);
void qn_fault_clear(struct qn_fault_fs *ft); /* rules, space and halt; the undo log stays */
/* From now on `bytes` more can be written; UINT64_MAX lifts the limit. */
void qn_fault_set_space(struct qn_fault_fs *ft, uint64_t bytes);
/* After so many more changing operations all of them fail with EIO, as if the process had died
 * there: looping over `after` visits every crash point of a piece of code. */
void qn_fault_halt(struct qn_fault_fs *ft, uint64_t after);
uint64_t qn_fault_seen(struct qn_fault_fs *ft, enum qn_fault_op op);
/* Starts keeping the undo log. Call it before the code under test writes. */
void qn_fault_track(struct qn_fault_fs *ft);
/* Power cut. Descriptors that are open must only be closed afterwards. */
void qn_fault_crash(struct qn_fault_fs *ft, uint64_t seed);

#endif
