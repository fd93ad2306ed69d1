#include "poll_int.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

int qn__poll_readable(int fd, qn_usec deadline_us)
{
    for (;;) {
        struct pollfd pf = {.fd = fd, .events = POLLIN};
        struct timespec left = {0};
        if (deadline_us != 0) {
            qn_usec now = qn_now_us(), us = now < deadline_us ? deadline_us - now : 0;
            left = (struct timespec){.tv_sec = (time_t)(us / 1000000),
                                     .tv_nsec = (long)(us % 1000000) * 1000};
        }
        int rc = ppoll(&pf, 1, deadline_us != 0 ? &left : NULL, NULL);
        if (rc > 0)
            return QN_OK;
        if (rc == 0)
            return QN_E_TIMEOUT;
        if (errno != EINTR)
            return qn_err_from_errno(errno);
    }
}
