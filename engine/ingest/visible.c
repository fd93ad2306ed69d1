#include "ingest/visible.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct qn_deletes *qn_deletes_new(uint32_t n_docs)
{
    size_t words = qn_bits_words(n_docs) + QN_PAD / 8;
    struct qn_deletes *dl = qn_xcalloc(1, sizeof *dl + words * 8);
    atomic_init(&dl->refs, 1);
    return dl;
}

struct qn_deletes *qn_deletes_ref(struct qn_deletes *dl)
{
    atomic_fetch_add_explicit(&dl->refs, 1, memory_order_relaxed); /* caller holds one already */
    return dl;
}

void qn_deletes_unref(struct qn_deletes *dl)
{
    /* The last holder must see what the others did before they let go. */
    if (dl != NULL && atomic_fetch_sub_explicit(&dl->refs, 1, memory_order_acq_rel) == 1)
        free(dl);
}

static struct qn_snapshot *snapshot_new(uint32_t room)
{
    struct qn_snapshot *sn = qn_xcalloc(1, sizeof *sn + room * sizeof sn->splits[0]);
    atomic_init(&sn->refs, 1);
    return sn;
}

static void drop_entry(struct qn_visible_split *e)
{
    qn_split_unref(e->sp);
    qn_deletes_unref(e->deletes);
}

void qn_snapshot_unref(struct qn_snapshot *sn)
{
    if (sn == NULL || atomic_fetch_sub_explicit(&sn->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < sn->n; i++)
        drop_entry(&sn->splits[i]);
    free(sn);
}

void qn_visible_init(struct qn_visible *vi)
{
    *vi = (struct qn_visible){.now = snapshot_new(0)};
    qn_mutex_init(&vi->lock, QN_LOCK_SNAPSHOT);
}

void qn_visible_release(struct qn_visible *vi)
{
    qn_snapshot_unref(vi->now);
    qn_mutex_release(&vi->lock);
    vi->now = NULL;
}

struct qn_snapshot *qn_visible_get(struct qn_visible *vi)
{
    qn_mutex_lock(&vi->lock);
    struct qn_snapshot *sn = vi->now;
    atomic_fetch_add_explicit(&sn->refs, 1, memory_order_relaxed);
    qn_mutex_unlock(&vi->lock);
    return sn;
}

static bool is_among(uint64_t id, const uint64_t *ids, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static void keep_entry(struct qn_snapshot *sn, const struct qn_visible_split *e)
{
    sn->doc_count += qn_split_doc_count(e->sp) - (e->deletes ? e->deletes->n : 0);
    sn->splits[sn->n++] = *e;
}

int qn_visible_swap(struct qn_visible *vi, const uint64_t *gone, uint32_t n_gone,
                    struct qn_visible_split *fresh, uint32_t n_fresh)
{
    uint32_t found = 0;
    qn_mutex_lock(&vi->lock);
    struct qn_snapshot *old = vi->now, *sn = snapshot_new(old->n + n_fresh);
    for (uint32_t i = 0; i < old->n; i++) {
        if (is_among(old->splits[i].id, gone, n_gone))
            found++;
        else
            keep_entry(sn, &old->splits[i]);
    }
    bool good = found == n_gone;
    for (uint32_t i = 0; i < n_fresh && good; i++) {
        fresh[i].id = ++vi->last_id;
        keep_entry(sn, &fresh[i]);
    }
    if (good) {
        /* The new list owns what it took from the old one as well: references of its own. */
        for (uint32_t i = 0; i + n_fresh < sn->n; i++) {
            qn_split_ref(sn->splits[i].sp);
            if (sn->splits[i].deletes != NULL)
                qn_deletes_ref(sn->splits[i].deletes);
        }
        vi->now = sn;
    }
    qn_mutex_unlock(&vi->lock);
    if (!good) {
        free(sn);
        return QN_E_CONFLICT;
    }
    qn_snapshot_unref(old);
    return 0;
}
