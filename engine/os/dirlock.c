#include "os/dirlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "os/file.h"

static long owner_of(int fd)
{
    char text[24] = {0};
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    return n > 0 ? strtol(text, NULL, 10) : 0;
}

int qn_dirlock_take(const char *dir, struct qn_err *err)
{
    char *path = qn_path_join(dir, QN_STR("lock"));
    int rc;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        rc = qn_fs_error(-errno, "open", path, err);
        goto out;
    }
    do {
        rc = flock(fd, LOCK_EX | LOCK_NB);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0) {
        rc = errno == EWOULDBLOCK ? qn_fail(err, QN_E_BUSY,
                                            "data directory %s is in use by process %ld: give this "
                                            "server another one, or stop that process",
                                            dir, owner_of(fd))
                                  : qn_fs_error(-errno, "lock", path, err);
        close(fd);
        goto out;
    }
    char text[24];
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    /* The pid only serves another server's error message: a full disk is no reason not to start. */
    if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) != n)
        errno = 0;
    rc = fd;
out:
    free(path);
    return rc;
}

void qn_dirlock_drop(int lock)
{
    if (lock >= 0)
        close(lock);
}
