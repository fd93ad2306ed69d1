/* One server per data directory: an flock on `<dir>/lock`, which the kernel drops when the process
 * ends, however it ends. The file holds the owner's pid for the error message and is left in place.
 * Two locks in one process exclude each other too. @thread any */
#ifndef QN_OS_DIRLOCK_H
#define QN_OS_DIRLOCK_H

#include "base/err.h"

/* A descriptor (>= 0) to give to qn_dirlock_drop; QN_E_BUSY when another process holds it. */
QN_MUST_CHECK int qn_dirlock_take(const char *dir, struct qn_err *err);
void qn_dirlock_drop(int lock); /* < 0 is fine */

#endif
