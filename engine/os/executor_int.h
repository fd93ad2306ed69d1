/* What executors share. */
#ifndef QN_OS_EXECUTOR_INT_H
#define QN_OS_EXECUTOR_INT_H

#include "os/executor.h"

/* Notes a failure; the first one wins. */
void qn__group_fail(struct qn_group *g, int rc);
/* Runs the task, unless the group is cancelled or late (then false), and notes its failure. */
bool qn__group_run(struct qn_group *g, qn_task_fn fn, void *arg);

#endif
