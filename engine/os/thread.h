/* Threads, mutexes and condition variables: pthreads with names, ranks and monotonic deadlines.
 *
 * A mutex is born with its row of os/lock_order.h. Waits take a deadline on the monotonic clock (0
 * = none) and may wake for no reason: loop over the condition. Failures of pthread calls are bugs
 * and panic, except for making a thread (QN_E_BUSY: the system has no more).
 * @thread any */
#ifndef QN_OS_THREAD_H
#define QN_OS_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/assert.h"
#include "base/err.h"
#include "os/clock.h"
#include "os/lock_order.h"

struct qn_mutex {
    pthread_mutex_t m;
    enum qn_lock rank;
};
struct qn_cond {
    pthread_cond_t c;
};

void qn_mutex_init(struct qn_mutex *mu, enum qn_lock rank);
void qn_mutex_release(struct qn_mutex *mu);
void qn_mutex_lock(struct qn_mutex *mu);
void qn_mutex_unlock(struct qn_mutex *mu);

void qn_cond_init(struct qn_cond *cv);
void qn_cond_release(struct qn_cond *cv);
void qn_cond_wait(struct qn_cond *cv, struct qn_mutex *mu);
/* 0, or QN_E_TIMEOUT once deadline_us (0 = none) has passed. The mutex is held again either way. */
QN_MUST_CHECK int qn_cond_wait_until(struct qn_cond *cv, struct qn_mutex *mu, qn_usec deadline_us);
void qn_cond_signal(struct qn_cond *cv);
void qn_cond_broadcast(struct qn_cond *cv);

/* What a thread is for; QN_ASSERT_THREAD at the entry points where it matters. */
enum qn_thread_kind {
    QN_THREAD_OTHER = 0, /* main, tests, threads of libraries: passes every check */
    QN_THREAD_IO,
    QN_THREAD_SEARCH,
    QN_THREAD_INDEX,
    QN_THREAD_MERGE,
    QN_THREAD_JOBS,
};

struct qn_thread_options {
    const char *name;         /* 15 bytes are shown by ps and gdb */
    size_t stack_bytes;       /* 0: 8 MiB (more in sanitizer builds) */
    enum qn_thread_kind kind; /* for QN_ASSERT_THREAD */
    int nice;                 /* 0 as the process; up to 19: yields to everything else */
};

struct qn_thread {
    pthread_t id;
    bool running;
};

/* Signals are blocked in the new thread: they arrive by os/signals.h. */
QN_MUST_CHECK int qn_thread_start(struct qn_thread *th, const struct qn_thread_options *opt,
                                  void (*run)(void *arg), void *arg);
void qn_thread_join(struct qn_thread *th); /* not started or already joined is fine */
/* Gives the calling thread, which a library made, its name and kind. */
void qn_thread_adopt(const char *name, enum qn_thread_kind kind);

#ifdef NDEBUG
#define QN_ASSERT_THREAD(kind) ((void)(kind))
#else
void qn_thread_check(enum qn_thread_kind kind, const char *file, int line);
#define QN_ASSERT_THREAD(kind) qn_thread_check((kind), __FILE__, __LINE__)
#endif

#endif
