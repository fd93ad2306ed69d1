#include "os/mailbox.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "poll_int.h"

int qn_mailbox_init(struct qn_mailbox *mb, size_t max)
{
    *mb = (struct qn_mailbox){.max = max, .fd = -1};
    mb->tail = &mb->head;
    mb->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mb->fd < 0)
        return qn_err_from_errno(errno);
    qn_mutex_init(&mb->lock, QN_LOCK_MAILBOX);
    return QN_OK;
}

void qn_mailbox_release(struct qn_mailbox *mb)
{
    if (mb->fd < 0)
        return;
    QN_ASSERT(mb->head == NULL);
    close(mb->fd);
    mb->fd = -1;
    qn_mutex_release(&mb->lock);
}

/* The counter is above zero exactly while the box is not empty or is closed. Both calls are made
 * under the lock, so it cannot drift, and neither can block. */
static void raise_event(struct qn_mailbox *mb)
{
    uint64_t one = 1;
    ssize_t n = write(mb->fd, &one, sizeof one);
    QN_ASSERT(n == (ssize_t)sizeof one || errno == EAGAIN); /* already as high as it can be */
}

static void lower_event(struct qn_mailbox *mb)
{
    uint64_t count;
    ssize_t n = read(mb->fd, &count, sizeof count);
    QN_ASSERT(n == (ssize_t)sizeof count || errno == EAGAIN);
}

int qn_mailbox_put(struct qn_mailbox *mb, struct qn_letter *lt)
{
    int rc = QN_OK;
    qn_mutex_lock(&mb->lock);
    if (mb->closed) {
        rc = QN_E_SHUTDOWN;
    } else if (mb->max != 0 && mb->n >= mb->max) {
        rc = QN_E_BUSY;
    } else {
        lt->next = NULL;
        *mb->tail = lt;
        mb->tail = &lt->next;
        if (mb->n++ == 0)
            raise_event(mb);
    }
    qn_mutex_unlock(&mb->lock);
    return rc;
}

struct qn_letter *qn_mailbox_take_all(struct qn_mailbox *mb)
{
    qn_mutex_lock(&mb->lock);
    struct qn_letter *all = mb->head;
    mb->head = NULL;
    mb->tail = &mb->head;
    if (mb->n != 0 && !mb->closed)
        lower_event(mb);
    mb->n = 0;
    qn_mutex_unlock(&mb->lock);
    return all;
}

struct qn_letter *qn_mailbox_take(struct qn_mailbox *mb)
{
    qn_mutex_lock(&mb->lock);
    struct qn_letter *lt = mb->head;
    if (lt != NULL) {
        mb->head = lt->next;
        if (mb->head == NULL)
            mb->tail = &mb->head;
        if (--mb->n == 0 && !mb->closed)
            lower_event(mb);
        lt->next = NULL;
    }
    qn_mutex_unlock(&mb->lock);
    return lt;
}

int qn_mailbox_wait(struct qn_mailbox *mb, qn_usec deadline_us)
{
    return qn__poll_readable(mb->fd, deadline_us);
}

void qn_mailbox_close(struct qn_mailbox *mb)
{
    qn_mutex_lock(&mb->lock);
    if (!mb->closed) {
        mb->closed = true;
        raise_event(mb); /* and it stays raised: a closed box never makes anybody wait */
    }
    qn_mutex_unlock(&mb->lock);
}

bool qn_mailbox_closed(struct qn_mailbox *mb)
{
    qn_mutex_lock(&mb->lock);
    bool closed = mb->closed;
    qn_mutex_unlock(&mb->lock);
    return closed;
}
