#include "os/signals.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "os/file.h"
#include "poll_int.h"

int qn_signals_open(struct qn_err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    int rc = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (rc != 0)
        return qn_fs_error(-rc, "block", "signals", err);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    if (sigaction(SIGPIPE, &ignore, NULL) < 0)
        return qn_fs_error(-errno, "ignore", "SIGPIPE", err);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? qn_fs_error(-errno, "open", "signalfd", err) : fd;
}

int qn_signals_wait(int fd, qn_usec deadline_us)
{
    for (;;) {
        struct signalfd_siginfo info;
        ssize_t n = read(fd, &info, sizeof info);
        if (n == (ssize_t)sizeof info)
            return (int)info.ssi_signo;
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return qn_err_from_errno(errno);
        int rc = qn__poll_readable(fd, deadline_us);
        if (rc == QN_E_TIMEOUT)
            return 0;
        if (rc < 0)
            return rc;
    }
}
