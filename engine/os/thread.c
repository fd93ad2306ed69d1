#include "os/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

static void must(int rc, const char *what)
{
    if (QN_UNLIKELY(rc != 0))
        qn_panic(__FILE__, __LINE__, "%s: %s", what, strerrordesc_np(rc));
}

void qn_mutex_init(struct qn_mutex *mu, enum qn_lock rank)
{
    must(pthread_mutex_init(&mu->m, NULL), "mutex init");
    mu->rank = rank;
}

void qn_mutex_release(struct qn_mutex *mu)
{
    must(pthread_mutex_destroy(&mu->m), "mutex destroy");
}

void qn_mutex_lock(struct qn_mutex *mu)
{
    qn_lock_order_take(mu->rank);
    must(pthread_mutex_lock(&mu->m), "mutex lock");
}

void qn_mutex_unlock(struct qn_mutex *mu)
{
    enum qn_lock rank = mu->rank; /* mu may be freed by the next holder */
    must(pthread_mutex_unlock(&mu->m), "mutex unlock");
    qn_lock_order_drop(rank);
}

void qn_cond_init(struct qn_cond *cv)
{
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr), "condattr init");
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), "condattr clock");
    must(pthread_cond_init(&cv->c, &attr), "cond init");
    pthread_condattr_destroy(&attr);
}

void qn_cond_release(struct qn_cond *cv)
{
    must(pthread_cond_destroy(&cv->c), "cond destroy");
}

void qn_cond_wait(struct qn_cond *cv, struct qn_mutex *mu)
{
    must(pthread_cond_wait(&cv->c, &mu->m), "cond wait");
}

int qn_cond_wait_until(struct qn_cond *cv, struct qn_mutex *mu, qn_usec deadline_us)
{
    if (deadline_us == 0) {
        qn_cond_wait(cv, mu);
        return QN_OK;
    }
    struct timespec ts = {.tv_sec = (time_t)(deadline_us / 1000000),
                          .tv_nsec = (long)(deadline_us % 1000000) * 1000};
    int rc = pthread_cond_timedwait(&cv->c, &mu->m, &ts);
    if (rc == ETIMEDOUT)
        return QN_E_TIMEOUT;
    must(rc, "cond wait");
    return QN_OK;
}

void qn_cond_signal(struct qn_cond *cv)
{
    must(pthread_cond_signal(&cv->c), "cond signal");
}

void qn_cond_broadcast(struct qn_cond *cv)
{
    must(pthread_cond_broadcast(&cv->c), "cond broadcast");
}

#ifndef NDEBUG
static _Thread_local enum qn_thread_kind this_kind;

void qn_thread_check(enum qn_thread_kind kind, const char *file, int line)
{
    if (this_kind != QN_THREAD_OTHER && this_kind != kind)
        qn_panic(file, line, "called on a thread of kind %d, belongs on kind %d", (int)this_kind,
                 (int)kind);
}
#endif

void qn_thread_adopt(const char *name, enum qn_thread_kind kind)
{
    char shown[16];
    size_t n = strnlen(name, sizeof shown - 1);
    memcpy(shown, name, n);
    shown[n] = '\0';
    pthread_setname_np(pthread_self(), shown);
#ifndef NDEBUG
    this_kind = kind;
#else
    (void)kind;
#endif
}

struct thread_start {
    char name[16]; /* a copy: the options belong to the caller */
    enum qn_thread_kind kind;
    int nice;
    void (*run)(void *arg);
    void *arg;
};

static void *thread_main(void *p)
{
    struct thread_start st = *(struct thread_start *)p;
    free(p);
    qn_thread_adopt(st.name, st.kind);
    if (st.nice != 0) {
        /* On Linux niceness belongs to the thread. Failing to be polite is no error. */
        int rc = setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), st.nice);
        (void)rc;
    }
    st.run(st.arg);
    return NULL;
}

/* Address space, of which only what is touched is backed. The deepest user is a query of 100 nested
 * clauses: about 25 KB a level. */
static size_t default_stack(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 32u << 20;
#else
    return 8u << 20;
#endif
}

int qn_thread_start(struct qn_thread *th, const struct qn_thread_options *opt,
                    void (*run)(void *arg), void *arg)
{
    th->running = false;
    struct thread_start *st = qn_xmalloc(sizeof *st);
    *st = (struct thread_start){.kind = opt->kind, .nice = opt->nice, .run = run, .arg = arg};
    const char *name = opt->name != NULL ? opt->name : "quern";
    memcpy(st->name, name, strnlen(name, sizeof st->name - 1));
    pthread_attr_t attr;
    must(pthread_attr_init(&attr), "attr init");
    must(pthread_attr_setstacksize(&attr, opt->stack_bytes ? opt->stack_bytes : default_stack()),
         "attr stack size");
    sigset_t all, old;
    sigfillset(&all);
    must(pthread_sigmask(SIG_SETMASK, &all, &old), "sigmask");
    int rc = pthread_create(&th->id, &attr, thread_main, st);
    must(pthread_sigmask(SIG_SETMASK, &old, NULL), "sigmask");
    pthread_attr_destroy(&attr);
    if (rc != 0) {
        free(st);
        return QN_E_BUSY;
    }
    th->running = true;
    return QN_OK;
}

void qn_thread_join(struct qn_thread *th)
{
    if (!th->running)
        return;
    must(pthread_join(th->id, NULL), "join");
    th->running = false;
}
