/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as text, and the sockets that are made from them. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "rules/base/number.h"
#include "sidecar/wire/stream.h"

enum { HOST_BYTES = 64 };

static const struct sockaddr *any_of(const struct address *address)
{
    return (const struct sockaddr *)&address->at;
}

static bool parse_unix(struct span path, struct address *out)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (path.len == 0 || path.len >= sizeof un.sun_path || span_find_byte(path, '\0') != SPAN_NONE)
        return false;
    memcpy(un.sun_path, path.at, path.len);
    memcpy(&out->at, &un, sizeof un);
    out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
    return true;
}

static bool parse_ipv6(const char *host, in_port_t port, struct address *out)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = port};
    if (inet_pton(AF_INET6, host, &in6.sin6_addr) != 1)
        return false;
    memcpy(&out->at, &in6, sizeof in6);
    out->len = sizeof in6;
    return true;
}

static bool parse_ipv4(const char *host, in_port_t port, struct address *out)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};
    if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
        return false;
    memcpy(&out->at, &in, sizeof in);
    out->len = sizeof in;
    return true;
}

bool address_parse(struct span text, struct address *out)
{
    *out = (struct address){.len = 0};
    if (span_starts(text, SPAN("unix:")))
        return parse_unix(span_from(text, 5), out);
    size_t colon = span_find_last_byte(text, ':');
    if (colon == SPAN_NONE)
        return false;
    uint64_t port;
    if (!number_parse(span_from(text, colon + 1), &port) || port > 65535)
        return false;
    struct span host = span_first(text, colon);
    bool brackets = host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';
    if (brackets)
        host = span_make(host.at + 1, host.len - 2);
    if (span_is_nocase(host, SPAN("localhost")))
        host = SPAN("127.0.0.1");
    char terminated[HOST_BYTES];
    if (host.len >= sizeof terminated || span_find_byte(host, '\0') != SPAN_NONE)
        return false;
    if (host.len > 0)
        memcpy(terminated, host.at, host.len);
    terminated[host.len] = '\0';
    in_port_t network_port = htons((uint16_t)port);
    return brackets ? parse_ipv6(terminated, network_port, out)
                    : parse_ipv4(terminated, network_port, out);
}

/* An IPv4 client on an IPv6 socket is an IPv4 client to everybody who reads the address. */
static size_t write_ipv6(const struct in6_addr *at, char *to)
{
    if (IN6_IS_ADDR_V4MAPPED(at))
        inet_ntop(AF_INET, &at->s6_addr[12], to, HOST_BYTES);
    else
        inet_ntop(AF_INET6, at, to, HOST_BYTES);
    return strlen(to);
}

size_t address_write_host(const struct address *address, char *to)
{
    if (address->at.ss_family == AF_UNIX) {
        static const struct span scheme = SPAN_INIT("unix:");
        memcpy(to, scheme.at, scheme.len);
        return scheme.len;
    }
    if (address->at.ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, &address->at, sizeof in6);
        return write_ipv6(&in6.sin6_addr, to);
    }
    struct sockaddr_in in;
    memcpy(&in, &address->at, sizeof in);
    inet_ntop(AF_INET, &in.sin_addr, to, HOST_BYTES);
    return strlen(to);
}

unsigned address_port(const struct address *address)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    switch (address->at.ss_family) {
    case AF_INET: memcpy(&in, &address->at, sizeof in); return ntohs(in.sin_port);
    case AF_INET6: memcpy(&in6, &address->at, sizeof in6); return ntohs(in6.sin6_port);
    default: return 0;
    }
}

/* The path of a Unix socket. Who connected without binding has none. */
static size_t write_unix_path(const struct address *address, char *to)
{
    struct sockaddr_un un;
    memcpy(&un, &address->at, sizeof un);
    if (address->len <= offsetof(struct sockaddr_un, sun_path))
        return 0;
    size_t len = strnlen(un.sun_path, address->len - offsetof(struct sockaddr_un, sun_path));
    memcpy(to, un.sun_path, len);
    return len;
}

size_t address_write(const struct address *address, char *to)
{
    if (address->at.ss_family == AF_UNIX) {
        size_t scheme = address_write_host(address, to);
        return scheme + write_unix_path(address, to + scheme);
    }
    char host[HOST_BYTES];
    size_t host_bytes = address_write_host(address, host);
    bool brackets = memchr(host, ':', host_bytes) != NULL;
    size_t len = 0;
    if (brackets)
        to[len++] = '[';
    memcpy(to + len, host, host_bytes);
    len += host_bytes;
    if (brackets)
        to[len++] = ']';
    to[len++] = ':';
    return len + number_write(to + len, (int64_t)address_port(address));
}

/* ---- sockets ---- */

/* Closes the descriptor and keeps errno. */
static int give_up(int fd)
{
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static bool switch_on(int fd, int level, int option)
{
    const int on = 1;
    return setsockopt(fd, level, option, &on, sizeof on) == 0;
}

static int open_socket(const struct address *address)
{
    return socket(address->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Takes away a socket's file that nobody listens on any more. Anything else is left where it is,
 * and bind() will say so. */
static void remove_stale(const struct address *address)
{
    struct sockaddr_un un;
    struct stat about;
    memcpy(&un, &address->at, sizeof un);
    if (lstat(un.sun_path, &about) != 0 || !S_ISSOCK(about.st_mode))
        return;
    int fd = open_socket(address);
    if (fd < 0)
        return;
    if (connect(fd, any_of(address), address->len) != 0 && errno == ECONNREFUSED)
        unlink(un.sun_path);
    close(fd);
}

static bool prepare_listener(int fd, const struct address *address, bool reuse_port)
{
    if (address->at.ss_family == AF_UNIX) {
        remove_stale(address);
        return true;
    }
    if (!switch_on(fd, SOL_SOCKET, SO_REUSEADDR))
        return false;
    if (reuse_port && !switch_on(fd, SOL_SOCKET, SO_REUSEPORT))
        return false;
    if (address->at.ss_family == AF_INET6 && !switch_on(fd, IPPROTO_IPV6, IPV6_V6ONLY))
        return false;
    return switch_on(fd, IPPROTO_TCP, TCP_NODELAY); /* accepted sockets inherit it */
}

int address_listen(const struct address *address, int backlog, bool reuse_port)
{
    int fd = open_socket(address);
    if (fd < 0)
        return -1;
    if (!prepare_listener(fd, address, reuse_port) ||
        bind(fd, any_of(address), address->len) != 0 || listen(fd, backlog) != 0)
        return give_up(fd);
    return fd;
}

int address_connect(const struct address *address)
{
    int fd = open_socket(address);
    if (fd < 0)
        return -1;
    if (address->at.ss_family != AF_UNIX && !switch_on(fd, IPPROTO_TCP, TCP_NODELAY))
        return give_up(fd);
    if (connect(fd, any_of(address), address->len) != 0 && errno != EINPROGRESS)
        return give_up(fd);
    return fd;
}
