#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exchange_int.h"

#define BACKLOG 1024

/* "127.0.0.1:7280", "[::1]:7280", "localhost:0", ":7280" into host and port. */
static int split_address(struct qn_str listen, char host[64], char port[8], struct qn_err *err)
{
    size_t colon = SIZE_MAX;
    for (size_t i = 0; i < listen.n; i++)
        if (listen.p[i] == ':')
            colon = i;
    struct qn_str h = qn_str_first(listen, colon), p = QN_STR_NONE;
    uint64_t number = 0;
    if (colon != SIZE_MAX)
        p = qn_str_from(listen, colon + 1);
    if (h.n >= 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
        h = qn_str_make(h.p + 1, h.n - 2);
    if (qn_str_to_u64(p, &number) < 0 || number > 65535 || h.n >= 64)
        return qn_fail(err, QN_E_INVALID,
                       "listen address \"%.*s\" must be host:port, e.g. 127.0.0.1:7280",
                       QN_STR_ARG(qn_str_first(listen, 80)));
    snprintf(host, 64, "%.*s", QN_STR_ARG(h));
    snprintf(port, 8, "%u", (unsigned)number);
    return 0;
}

static int open_socket(const struct addrinfo *ai)
{
    int on = 1, off = 0;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (ai->ai_family == AF_INET6) /* "[::]:7280" takes IPv4, too */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static void note_address(struct qn_server *sv)
{
    union {
        struct sockaddr sa;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at = {0};
    socklen_t n = sizeof at;
    char text[INET6_ADDRSTRLEN] = "";
    if (getsockname(sv->listen_fd, &at.sa, &n) != 0)
        return;
    if (at.sa.sa_family == AF_INET6) {
        sv->port = ntohs(at.v6.sin6_port);
        inet_ntop(AF_INET6, &at.v6.sin6_addr, text, sizeof text);
        snprintf(sv->address, sizeof sv->address, "[%s]:%u", text, sv->port);
    } else {
        sv->port = ntohs(at.v4.sin_port);
        inet_ntop(AF_INET, &at.v4.sin_addr, text, sizeof text);
        snprintf(sv->address, sizeof sv->address, "%s:%u", text, sv->port);
    }
}

int qn__listen(struct qn_server *sv, struct qn_err *err)
{
    char host[64], port[8];
    int rc = split_address(sv->opt.listen, host, port, err);
    if (rc < 0)
        return rc;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
    bool any = host[0] == '\0' || strcmp(host, "*") == 0;
    int gai = getaddrinfo(any ? "::" : host, port, &hints, &list);
    if (gai != 0)
        return qn_fail(err, QN_E_INVALID, "listen address \"%s\": %s", host, gai_strerror(gai));
    for (const struct addrinfo *ai = list; ai != NULL && sv->listen_fd < 0; ai = ai->ai_next)
        sv->listen_fd = open_socket(ai);
    int saved = errno;
    freeaddrinfo(list);
    if (sv->listen_fd < 0 && any) { /* a machine without IPv6 */
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        v4.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
        sv->listen_fd = open_socket(&(struct addrinfo){
            .ai_family = AF_INET, .ai_addr = (struct sockaddr *)&v4, .ai_addrlen = sizeof v4});
    }
    if (sv->listen_fd < 0)
        return qn_fail(err, saved == EADDRINUSE ? QN_E_EXISTS : qn_err_from_errno(saved),
                       "cannot listen on %.*s: %s", QN_STR_ARG(sv->opt.listen),
                       saved == EADDRINUSE ? "the address is in use" : strerrordesc_np(saved));
    note_address(sv);
    return 0;
}
