#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "fault_int.h"
#include "os/random.h"

/* Puts back what an entry's write or cut changed, but for the first `keep` bytes that were written.
 */
static void undo_data(struct qn_fault_fs *ft, const struct qn_fault_undo *u, uint64_t keep)
{
    struct qn_fs *in = ft->inner;
    int rc = QN_OK;
    if (u->n_old > keep)
        rc = qn_fs_write(in, u->node->fd, u->old + keep, u->n_old - keep, u->offset + keep);
    QN_ASSERT(rc == QN_OK);
    uint64_t end = u->offset + u->n_new;
    if (u->lost) { /* the size may have been synced since: what was new reads as zeros */
        uint64_t from = u->offset + (u->n_old > keep ? u->n_old : keep);
        if (from < end) {
            char *zeros = qn_xcalloc(1, (size_t)(end - from));
            rc = qn_fs_write(in, u->node->fd, zeros, (size_t)(end - from), from);
            QN_ASSERT(rc == QN_OK);
            free(zeros);
        }
        return;
    }
    uint64_t size = u->old_size;
    if (keep > 0 && u->offset + keep > size)
        size = u->offset + keep;
    if (u->n_new == 0 || end > u->old_size) {
        rc = qn_fs_truncate(in, u->node->fd, size);
        QN_ASSERT(rc == QN_OK);
    }
}

/* Failures are ignored: a later operation that was kept may have taken the name away. */
static void undo_name(struct qn_fault_fs *ft, struct qn_fault_undo *u)
{
    const struct qn_fs_ops *ops = ft->inner->ops;
    switch (u->kind) {
    case QN_UNDO_CREATED:
        ops->unlink(ft->inner, u->name);
        break;
    case QN_UNDO_RENAMED:
        ops->rename(ft->inner, u->name, u->from, true);
        break;
    case QN_UNDO_MKDIR:
        ops->rmdir(ft->inner, u->name);
        break;
    case QN_UNDO_RMDIR:
        ops->mkdir(ft->inner, u->name);
        break;
    case QN_UNDO_REMOVED:
    case QN_UNDO_DATA:
        break;
    }
    if (u->backup != NULL)
        ops->rename(ft->inner, u->backup, u->name, true);
}

static uint64_t count_dir(const struct qn_fault_fs *ft, const char *dir)
{
    uint64_t n = 0;
    for (const struct qn_fault_undo *u = ft->undo; u != NULL; u = u->next)
        n += u->dir != NULL && strcmp(u->dir, dir) == 0;
    return n;
}

/* How many of a directory's unsynced names survive: any number up to all, by seed and name. */
static uint64_t dir_keep(uint64_t seed, const char *dir, uint64_t n)
{
    struct qn_random rn;
    qn_random_seed(&rn, seed ^ qn_hash(dir, strlen(dir)));
    return qn_random_below(&rn, n + 1);
}

void qn_fault_crash(struct qn_fault_fs *ft, uint64_t seed)
{
    struct qn_random rn;
    qn_random_seed(&rn, seed);
    qn_mutex_lock(&ft->lock);
    for (struct qn_fault_undo *u = ft->undo; u != NULL; u = u->next)
        if (u->kind == QN_UNDO_DATA && !u->lost)
            u->node->n_entries++;
    for (struct qn_fault_node *node = ft->nodes; node != NULL; node = node->next)
        node->n_keep = seed != 0 ? qn_random_below(&rn, node->n_entries + 1) : 0;

    /* n_new of a name's entry: how many of its directory's entries survive. */
    for (struct qn_fault_undo *u = ft->undo; u != NULL; u = u->next) {
        if (u->dir != NULL) {
            u->n_new = seed != 0 ? dir_keep(seed, u->dir, count_dir(ft, u->dir)) : 0;
        }
    }
    /* From the newest entry back: the one just above those that are kept may be torn. */
    while (ft->undo != NULL) {
        struct qn_fault_undo *u = ft->undo;
        if (u->kind == QN_UNDO_DATA && u->lost) {
            undo_data(ft, u, 0);
        } else if (u->kind == QN_UNDO_DATA) {
            uint64_t left = u->node->n_entries--;
            if (left == u->node->n_keep + 1 && seed != 0)
                undo_data(ft, u, qn_random_below(&rn, u->n_new));
            else if (left > u->node->n_keep)
                undo_data(ft, u, 0);
        } else if (count_dir(ft, u->dir) > u->n_new) {
            undo_name(ft, u);
        }
        qn__fault_undo_drop(ft, &ft->undo);
    }
    qn__fault_nodes_free(ft);
    qn_mutex_unlock(&ft->lock);
}
