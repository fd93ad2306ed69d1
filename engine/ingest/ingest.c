#include "ingest/ingest.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

enum { STALL_US = 200000 };

/* Someone waits for an index to have come somewhere. */
struct waiter {
    struct waiter *next;
    struct qn_str uid;
    uint64_t position; /* all below it */
    bool publish;
    bool done;
    int rc;
    struct qn_err err;
};

struct qn_ingest {
    struct qn_ingest_options op;
    struct qn_mutex lock; /* guards what follows, up to the thread's own */
    struct qn_cond wake;  /* the thread: there is something to do */
    struct qn_cond moved; /* waiters: their answer is there */
    struct qn_map by_uid; /* -> struct qn_live */
    struct qn_arena names;
    struct waiter *waiters;
    struct qn_live **gone; /* dropped indexes, closed by the thread */
    uint32_t n_gone;
    bool stop, kicked;
    uint32_t n_flushing; /* calls of qn_ingest_flush under way */
    uint64_t taken;
    int stalled;

    struct qn_thread thread;
    struct qn_journal_reader *reader; /* the thread's own from here on */
    struct qn_batch *held;            /* read, but not taken yet */
};

/* ---- the table of indexes; with the lock held */

static struct qn_live *find(struct qn_ingest *in, struct qn_str uid)
{
    return qn_map_get_ptr(&in->by_uid, uid);
}

static void kick(struct qn_ingest *in)
{
    qn_mutex_lock(&in->lock);
    in->kicked = true;
    qn_cond_signal(&in->wake);
    qn_mutex_unlock(&in->lock);
}

/* ---- the thread */

/* Indexes stay open while the thread works on them: only it closes dropped ones. */
static struct qn_live **list_indexes(struct qn_ingest *in, uint32_t *n)
{
    qn_mutex_lock(&in->lock);
    struct qn_live **all = qn_xcalloc(in->by_uid.count + 1, sizeof *all);
    *n = 0;
    for (struct qn_map_entry *e = NULL; (e = qn_map_next(&in->by_uid, e)) != NULL;)
        all[(*n)++] = e->ptr;
    qn_mutex_unlock(&in->lock);
    return all;
}

static void close_gone(struct qn_ingest *in)
{
    qn_mutex_lock(&in->lock);
    struct qn_live **gone = in->gone;
    uint32_t n = in->n_gone;
    in->gone = NULL;
    in->n_gone = 0;
    qn_mutex_unlock(&in->lock);
    for (uint32_t i = 0; i < n; i++)
        qn_live_close(gone[i]);
    free(gone);
}

static void set_state(struct qn_ingest *in, int stalled)
{
    uint64_t at = in->held ? in->held->rec.seq : qn_journal_reader_at(in->reader);
    qn_mutex_lock(&in->lock);
    in->taken = at;
    in->stalled = stalled;
    qn_mutex_unlock(&in->lock);
}

/* Takes one batch. QN_END: the journal has no more for now. */
static int take_next(struct qn_ingest *in, struct qn_err *err)
{
    if (in->held == NULL) {
        int rc = qn_journal_reader_next(in->reader, &in->held, err);
        if (rc != 0)
            return rc;
    }
    qn_mutex_lock(&in->lock);
    struct qn_live *li = find(in, in->held->rec.origin.index);
    qn_mutex_unlock(&in->lock);
    /* Documents of an index that was deleted meanwhile are nobody's. */
    int rc = li ? qn_live_take(li, in->held, err) : 0;
    if (rc < 0)
        return rc;
    qn_batch_unref(in->held);
    in->held = NULL;
    return 0;
}

/* Answers waiters that are where they want to be. */
static void serve_waiters(struct qn_ingest *in)
{
    uint64_t at = in->held ? in->held->rec.seq : qn_journal_reader_at(in->reader);
    qn_mutex_lock(&in->lock);
    struct waiter *all = in->waiters, *later = NULL;
    in->waiters = NULL;
    qn_mutex_unlock(&in->lock);
    while (all != NULL) {
        struct waiter *w = all;
        all = w->next;
        qn_mutex_lock(&in->lock);
        struct qn_live *li = find(in, w->uid);
        qn_mutex_unlock(&in->lock);
        if (w->position > at && li != NULL) {
            w->next = later;
            later = w;
            continue;
        }
        int rc = li == NULL   ? qn_fail(&w->err, QN_E_NOT_FOUND, "the index was deleted")
                 : w->publish ? qn_live_commit(li, &w->err)
                              : qn_live_refresh(li, &w->err);
        qn_mutex_lock(&in->lock);
        w->rc = rc;
        w->done = true;
        qn_cond_broadcast(&in->moved);
        qn_mutex_unlock(&in->lock);
    }
    qn_mutex_lock(&in->lock);
    while (later != NULL) {
        struct waiter *w = later;
        later = w->next;
        w->next = in->waiters;
        in->waiters = w;
    }
    qn_cond_broadcast(&in->moved); /* some may have given up meanwhile */
    qn_mutex_unlock(&in->lock);
}

/* What is due in every index; then the journal drops what none of them needs. */
static qn_usec tick_all(struct qn_ingest *in)
{
    uint32_t n;
    struct qn_live **all = list_indexes(in, &n);
    qn_usec now = qn_mono_us(in->op.live.clock), next = 0;
    uint64_t at = in->held ? in->held->rec.seq : qn_journal_reader_at(in->reader), need = at;
    for (uint32_t i = 0; i < n; i++) {
        qn_usec due = qn_live_tick(all[i], now);
        next = next == 0 || (due != 0 && due < next) ? due : next;
        uint64_t from = qn_live_needs_from(all[i], at);
        need = from < need ? from : need;
    }
    free(all);
    struct qn_err err = {0};
    if (need > qn_journal_first(in->op.journal) &&
        qn_journal_truncate(in->op.journal, need, &err) < 0)
        QN_LOG(in->op.live.log, QN_LOG_ERROR, "journal_truncate_failed", QN_KV_Z("error", err.msg));
    return next;
}

static bool sleep_until(struct qn_ingest *in, qn_usec due)
{
    qn_mutex_lock(&in->lock);
    while (!in->stop && !in->kicked && qn_cond_wait_until(&in->wake, &in->lock, due) == 0) {
    }
    in->kicked = false;
    bool stop = in->stop;
    qn_mutex_unlock(&in->lock);
    return !stop;
}

static bool stopping(struct qn_ingest *in)
{
    qn_mutex_lock(&in->lock);
    bool stop = in->stop;
    qn_mutex_unlock(&in->lock);
    return stop;
}

static void run(void *arg)
{
    struct qn_ingest *in = arg;
    enum { BATCHES = 16 }; /* between looks at what else is due */
    for (;;) {
        struct qn_err err = {0};
        int rc = 0, was = in->stalled;
        for (int i = 0; i < BATCHES && rc == 0 && !stopping(in); i++)
            rc = take_next(in, &err);
        set_state(in, rc < 0 ? rc : 0);
        if (rc < 0 && was != rc)
            QN_LOG(in->op.live.log, QN_LOG_ERROR, "indexing_stalled", QN_KV_Z("error", err.msg));
        close_gone(in);
        serve_waiters(in);
        qn_usec due = tick_all(in);
        if (rc < 0) {
            qn_usec again = qn_mono_us(in->op.live.clock) + STALL_US;
            due = due == 0 || again < due ? again : due;
        }
        if (rc == 0 ? stopping(in) : !sleep_until(in, due))
            return;
    }
}

/* ---- life */

static int open_index(struct qn_ingest *in, struct qn_str uid, struct qn_str config_json,
                      struct qn_live **out, struct qn_err *err)
{
    struct qn_live_config config = {0};
    *out = NULL;
    int rc = in->op.read_config(in->op.read_config_arg, uid, config_json, &config, err);
    return rc < 0 ? rc : qn_live_open(out, &in->op.live, uid, &config, err);
}

static int open_all(struct qn_ingest *in, struct qn_err *err)
{
    struct qn_arena ar;
    struct qn_meta_index *all;
    size_t n;
    uint64_t from = UINT64_MAX;
    qn_arena_init(&ar, NULL);
    int rc = qn_meta_list_indexes(in->op.live.ms, &ar, &all, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct qn_live *li;
        rc = open_index(in, all[i].index_uid, all[i].config, &li, err);
        if (rc == 0) {
            qn_map_put(&in->by_uid, li->uid, NULL)->ptr = li;
            from = li->published < from ? li->published : from;
        }
    }
    qn_arena_release(&ar);
    /* What lies below was dropped by the journal because no index needed it. */
    uint64_t first = qn_journal_first(in->op.journal), end = qn_journal_end(in->op.journal);
    from = from < first ? first : from > end ? end : from;
    return rc < 0 ? rc : qn_journal_reader_open(&in->reader, in->op.journal, from, err);
}

int qn_ingest_open(struct qn_ingest **out, const struct qn_ingest_options *opt, struct qn_err *err)
{
    struct qn_ingest *in = qn_xcalloc(1, sizeof *in);
    *out = NULL;
    in->op = *opt;
    qn_mutex_init(&in->lock, QN_LOCK_CATALOG);
    qn_cond_init(&in->wake);
    qn_cond_init(&in->moved);
    qn_arena_init(&in->names, NULL);
    qn_map_init(&in->by_uid, &in->names);
    int rc = open_all(in, err);
    if (rc == 0) {
        struct qn_thread_options to = {
            .name = "indexer", .stack_bytes = 1 << 20, .kind = QN_THREAD_INDEX};
        in->taken = qn_journal_reader_at(in->reader);
        rc = qn_thread_start(&in->thread, &to, run, in);
        if (rc < 0)
            qn_fail(err, rc, "cannot start the indexer's thread");
    }
    if (rc < 0) {
        qn_ingest_close(in);
        return rc;
    }
    *out = in;
    return 0;
}

void qn_ingest_close(struct qn_ingest *in)
{
    if (in == NULL)
        return;
    qn_mutex_lock(&in->lock);
    in->stop = true;
    qn_cond_signal(&in->wake);
    qn_mutex_unlock(&in->lock);
    qn_thread_join(&in->thread);
    qn_mutex_lock(&in->lock);
    for (struct waiter *w = in->waiters; w != NULL; w = w->next) {
        w->rc = QN_E_SHUTDOWN;
        w->done = true;
    }
    qn_cond_broadcast(&in->moved);
    while (in->n_flushing > 0)
        qn_cond_wait(&in->moved, &in->lock);
    qn_mutex_unlock(&in->lock);
    close_gone(in);
    qn_batch_unref(in->held);
    qn_journal_reader_close(in->reader);
    for (struct qn_map_entry *e = NULL; (e = qn_map_next(&in->by_uid, e)) != NULL;)
        qn_live_close(e->ptr);
    qn_map_release(&in->by_uid);
    qn_arena_release(&in->names);
    qn_cond_release(&in->wake);
    qn_cond_release(&in->moved);
    qn_mutex_release(&in->lock);
    free(in);
}

int qn_ingest_add_index(struct qn_ingest *in, struct qn_str index_uid, struct qn_str config_json,
                        struct qn_err *err)
{
    struct qn_live *li;
    int rc = open_index(in, index_uid, config_json, &li, err);
    if (rc < 0)
        return rc;
    qn_mutex_lock(&in->lock);
    bool made;
    struct qn_map_entry *e = qn_map_put(&in->by_uid, li->uid, &made);
    if (made)
        e->ptr = li;
    qn_mutex_unlock(&in->lock);
    if (made)
        return 0;
    qn_live_close(li);
    return qn_fail(err, QN_E_EXISTS, "index " QN_STR_FMT " is open", QN_STR_ARG(index_uid));
}

void qn_ingest_drop_index(struct qn_ingest *in, struct qn_str index_uid)
{
    qn_mutex_lock(&in->lock);
    struct qn_live *li = find(in, index_uid);
    if (li != NULL) {
        qn_map_remove(&in->by_uid, index_uid);
        in->gone = qn_xrealloc(in->gone, (in->n_gone + 1) * sizeof(struct qn_live *));
        in->gone[in->n_gone++] = li;
        in->kicked = true;
        qn_cond_signal(&in->wake);
    }
    qn_mutex_unlock(&in->lock);
}

/* ---- requests */

struct qn_snapshot *qn_ingest_snapshot(struct qn_ingest *in, struct qn_str index_uid)
{
    qn_mutex_lock(&in->lock);
    struct qn_live *li = find(in, index_uid);
    struct qn_snapshot *sn = li ? qn_visible_get(&li->visible) : NULL;
    qn_mutex_unlock(&in->lock);
    return sn;
}

struct qn_mapping *qn_ingest_mapping(struct qn_ingest *in, struct qn_str index_uid)
{
    qn_mutex_lock(&in->lock);
    struct qn_live *li = find(in, index_uid);
    struct qn_mapping *m = li ? qn_mapping_ref(li->config.mapping) : NULL;
    qn_mutex_unlock(&in->lock);
    return m;
}

struct append {
    struct qn_ingest *in;
    qn_append_fn done;
    void *arg;
};

/* @thread the journal's committer */
static void appended(void *arg, struct qn_batch *b, int rc)
{
    struct append ap = *(struct append *)arg;
    free(arg);
    if (rc == 0)
        kick(ap.in);
    if (ap.done != NULL)
        ap.done(ap.arg, b, rc);
}

int qn_ingest_append(struct qn_ingest *in, struct qn_batch *b, enum qn_ack ack, qn_append_fn done,
                     void *arg)
{
    qn_mutex_lock(&in->lock);
    bool open = find(in, b->rec.origin.index) != NULL;
    qn_mutex_unlock(&in->lock);
    if (!open)
        return QN_E_NOT_FOUND;
    struct append *ap = qn_xmalloc(sizeof *ap);
    *ap = (struct append){in, done, arg};
    int rc = qn_journal_submit(in->op.journal, b, ack, appended, ap);
    if (rc < 0)
        free(ap);
    return rc;
}

int qn_ingest_flush(struct qn_ingest *in, struct qn_str index_uid, bool publish,
                    qn_usec deadline_us, struct qn_err *err)
{
    struct waiter w = {
        .uid = index_uid, .publish = publish, .position = qn_journal_end(in->op.journal)};
    qn_mutex_lock(&in->lock);
    if (in->stop || find(in, index_uid) == NULL) {
        int rc = in->stop ? QN_E_SHUTDOWN : QN_E_NOT_FOUND;
        qn_mutex_unlock(&in->lock);
        return rc;
    }
    in->n_flushing++;
    w.next = in->waiters;
    in->waiters = &w;
    in->kicked = true;
    qn_cond_signal(&in->wake);
    while (!w.done && qn_cond_wait_until(&in->moved, &in->lock, deadline_us) == 0) {
    }
    while (!w.done) {
        /* Too late. The thread may be serving us right now, off the list: then its answer comes. */
        struct waiter **at = &in->waiters;
        while (*at != NULL && *at != &w)
            at = &(*at)->next;
        if (*at == &w) {
            *at = w.next;
            w.rc = QN_E_TIMEOUT;
            break;
        }
        qn_cond_wait(&in->moved, &in->lock);
    }
    if (--in->n_flushing == 0)
        qn_cond_broadcast(&in->moved);
    qn_mutex_unlock(&in->lock);
    return w.rc < 0 ? qn_fail(err, w.rc, "%s", w.err.code ? w.err.msg : qn_err_text(w.rc)) : 0;
}

void qn_ingest_stats(struct qn_ingest *in, struct qn_ingest_stats *out)
{
    uint64_t end = qn_journal_end(in->op.journal);
    qn_mutex_lock(&in->lock);
    *out = (struct qn_ingest_stats){.taken = in->taken,
                                    .pending = end > in->taken ? end - in->taken : 0,
                                    .n_indexes = in->by_uid.count,
                                    .stalled = in->stalled};
    qn_mutex_unlock(&in->lock);
}
