/* Waiting for one descriptor with a monotonic deadline. */
#ifndef QN_OS_POLL_INT_H
#define QN_OS_POLL_INT_H

#include "os/clock.h"

/* 0 when fd can be read, QN_E_TIMEOUT at deadline_us (0 = none). */
QN_MUST_CHECK int qn__poll_readable(int fd, qn_usec deadline_us);

#endif
