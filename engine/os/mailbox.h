/* A mailbox: how threads hand things over. Any number put, one takes.
 *
 *     put ─► [ letter ─► letter ─► letter ]  ─► take_all        fd is readable while it is not
 * empty
 *
 * Letters are intrusive (embed a struct qn_letter) and owned by the mailbox between put and take.
 * The bound makes a slow taker visible to its senders. The eventfd can sit in an epoll set or be
 * waited for with qn_mailbox_wait. Closing refuses new letters; those inside can still be taken.
 * @thread any  @locks takes its own */
#ifndef QN_OS_MAILBOX_H
#define QN_OS_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "os/clock.h"
#include "os/thread.h"

struct qn_letter {
    struct qn_letter *next;
};

struct qn_mailbox {
    struct qn_mutex lock;
    struct qn_letter *head, **tail;
    size_t n, max;
    int fd;
    bool closed;
};

QN_MUST_CHECK int qn_mailbox_init(struct qn_mailbox *mb, size_t max); /* 0 = unbounded */
void qn_mailbox_release(struct qn_mailbox *mb);                       /* must be empty */
/* Takes the letter. QN_E_BUSY when full, QN_E_SHUTDOWN when closed: then the caller keeps it. */
QN_MUST_CHECK int qn_mailbox_put(struct qn_mailbox *mb, struct qn_letter *lt);
/* Gives everything inside, oldest first, linked by next; NULL when empty. */
struct qn_letter *qn_mailbox_take_all(struct qn_mailbox *mb);
struct qn_letter *qn_mailbox_take(struct qn_mailbox *mb); /* the oldest one, or NULL */
/* Until it is not empty or closed: 0; QN_E_TIMEOUT after deadline_us (0 = none). */
QN_MUST_CHECK int qn_mailbox_wait(struct qn_mailbox *mb, qn_usec deadline_us);
void qn_mailbox_close(struct qn_mailbox *mb); /* wakes the taker */
bool qn_mailbox_closed(struct qn_mailbox *mb);
static inline int qn_mailbox_fd(const struct qn_mailbox *mb)
{
    return mb->fd;
}

#endif
