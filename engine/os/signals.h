/* Signals as readable events: blocked in every thread and read from a descriptor, so that no code
 * ever runs in a handler and no global flag is needed. Open before the first thread is started. */
#ifndef QN_OS_SIGNALS_H
#define QN_OS_SIGNALS_H

#include "base/err.h"
#include "os/clock.h"

/* Blocks TERM, INT, HUP and USR1 and ignores PIPE in the calling thread (and all it starts).
 * A descriptor to poll (>= 0), or QN_E_*. close() it at the end. */
QN_MUST_CHECK int qn_signals_open(struct qn_err *err);
/* The number of the next signal, or 0 when deadline_us passed first (0 = no deadline). */
QN_MUST_CHECK int qn_signals_wait(int fd, qn_usec deadline_us);

#endif
