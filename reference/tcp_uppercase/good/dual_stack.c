/*
 * TCP upper case server for IPv4 and IPv6, one client after another.
 *
 * One IPv6 socket serves both: a client that comes by IPv4 has an address like ::ffff:192.0.2.7.
 *
 * Usage: ./server PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_LINE = 1024 * 1024, /* bytes, the LF not counted */
    CHUNK = 64 * 1024,      /* bytes that one recv may bring */
};

/* Sends all `size` bytes; false when the client is gone. */
static bool send_all(int client, const char *data, size_t size)
{
    while (size > 0) {
        /* MSG_NOSIGNAL: a client that has left is an error to handle, not a SIGPIPE that ends us. */
        ssize_t sent = send(client, data, size, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Changes a-z to A-Z in place; returns the number of bytes up to and with the last LF, 0 if there is none. */
static size_t upper_case(char *data, size_t size)
{
    size_t end = 0;
    for (size_t i = 0; i < size; i++) {
        if (data[i] >= 'a' && data[i] <= 'z')
            data[i] = (char)(data[i] - 'a' + 'A');
        else if (data[i] == '\n')
            end = i + 1;
    }
    return end;
}

/* Answers every whole line until the client ends its side; what follows the last LF gets no answer. */
static void answer_lines(int client)
{
    static char pending[MAX_LINE + CHUNK]; /* one client at a time: one buffer */
    size_t used = 0;

    while (used <= MAX_LINE) {
        ssize_t got = recv(client, pending + used, CHUNK, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return;
        /* Each byte is looked at once, when it comes: also a line of 1 MiB takes linear time. */
        size_t whole = upper_case(pending + used, (size_t)got);
        if (whole > 0)
            whole += used;
        used += (size_t)got;
        if (!send_all(client, pending, whole))
            return;
        used -= whole;
        memmove(pending, pending + whole, used);
    }
}

/* A socket that listens on every address; -1 and errno on failure. */
static int open_listener(int port)
{
    int listener = socket(AF_INET6, SOCK_STREAM, 0);
    if (listener < 0)
        return -1;

    int on = 1, off = 0;
    struct sockaddr_in6 address = {
        .sin6_family = AF_INET6,
        .sin6_port = htons((in_port_t)port),
        .sin6_addr = in6addr_any,
    };
    /* IPV6_V6ONLY: whether it is on at first is a setting of the machine. */
    /* SO_REUSEADDR: connections of an earlier run, still in TIME_WAIT, must not keep us from the port. */
    if (setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0 ||
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, SOMAXCONN) < 0) {
        int saved_errno = errno;
        close(listener);
        errno = saved_errno;
        return -1;
    }
    return listener;
}

/* The port that `text` names, or -1 if it is none from 1 to 65535. */
static int parse_port(const char *text)
{
    char *end;
    errno = 0;
    long port = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || port < 1 || port > 65535)
        return -1;
    return (int)port;
}

int main(int argc, char **argv)
{
    int port = argc == 2 ? parse_port(argv[1]) : -1;
    if (port < 0) {
        fprintf(stderr, "usage: %s PORT   (1 to 65535)\n", argc > 0 ? argv[0] : "server");
        return 2;
    }
    int listener = open_listener(port);
    if (listener < 0) {
        fprintf(stderr, "%s: port %d: %s\n", argv[0], port, strerror(errno));
        return 1;
    }
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            perror("accept");
            return 1;
        }
        answer_lines(client);
        close(client);
    }
}
