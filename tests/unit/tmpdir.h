/* A fresh directory for a test: in memory where the system has such a place, because tests sync a
 * lot and disks are slow, else in /tmp. The test removes it. */
#ifndef QN_TMPDIR_H
#define QN_TMPDIR_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static inline bool qn_test_dir(char out[64])
{
    snprintf(out, 64, "/dev/shm/qn_test_XXXXXX");
    if (mkdtemp(out) != NULL)
        return true;
    snprintf(out, 64, "/tmp/qn_test_XXXXXX");
    return mkdtemp(out) != NULL;
}

#endif
