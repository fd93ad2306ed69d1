/* The order in which locks are taken: one table for the whole engine.
 *
 * A thread that holds a lock may take only locks that stand BELOW it in this table; two locks of
 * one row are never held together. Builds without NDEBUG check it at every qn_mutex_lock and stop
 * at the first violation with the names of both locks; they keep the locks a thread holds in
 * thread-local storage, the one exception to "no hidden state", which release builds do not
 * contain.
 *
 * Add a row where your lock belongs: above everything that is taken while it is held. */
#ifndef QN_OS_LOCK_ORDER_H
#define QN_OS_LOCK_ORDER_H

/*  XX(name, what it guards) */
#define QN_LOCK_MAP(XX)                                                                            \
    XX(SERVER, "server: life cycle of the process's parts")                                        \
    XX(HTTP, "http: the list of connections")                                                      \
    XX(HTTP_REQUEST, "http: one request")                                                          \
    XX(HTTP_LANE, "http: the queue of one lane of workers")                                        \
    XX(CATALOG, "ingest: the table of open indexes")                                               \
    XX(INDEX, "ingest: one index's state")                                                         \
    XX(COMMIT, "ingest: one index's commit in progress")                                           \
    XX(MERGE, "ingest: merge plans")                                                               \
    XX(SNAPSHOT, "ingest: the pointer to the current list of splits")                              \
    XX(JOURNAL, "journal: the queue of waiting appends")                                           \
    XX(JOURNAL_FILE, "journal: the segment being written")                                         \
    XX(METASTORE, "metastore: the writer's connection")                                            \
    XX(METASTORE_READ, "metastore: the list of idle reading connections")                          \
    XX(CACHE, "storage: one shard of a cache")                                                     \
    XX(STORAGE, "storage: a driver's table of objects")                                            \
    XX(FAULT, "os: the fault file system of tests")                                                \
    XX(POOL, "os: one lane of the thread pool")                                                    \
    XX(MAILBOX, "os: one mailbox")                                                                 \
    XX(ULID, "os: the last ULID given out")                                                        \
    XX(LOG, "obs: the log sink")                                                                   \
    XX(LEAF, "anything held for a few instructions, taking no other lock")

enum qn_lock {
#define XX(name, what) QN_LOCK_##name,
    QN_LOCK_MAP(XX)
#undef XX
        QN_LOCK_COUNT
};

const char *qn_lock_name(enum qn_lock lock);

/* Called by os/thread.c; no-ops with NDEBUG. */
#ifdef NDEBUG
static inline void qn_lock_order_take(enum qn_lock lock)
{
    (void)lock;
}
static inline void qn_lock_order_drop(enum qn_lock lock)
{
    (void)lock;
}
#else
void qn_lock_order_take(enum qn_lock lock);
void qn_lock_order_drop(enum qn_lock lock);
#endif

#endif
