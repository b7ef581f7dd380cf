/*
 * TCP echo server, one thread for all clients: an event loop around epoll.
 *
 * No call on a client's socket may block.  A client whose echo does not go out is not read either, so that a client
 * that never reads costs one buffer and nobody's time.
 *
 * Usage: ./server PORT
 */
#define _GNU_SOURCE /* accept4 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CHUNK = 16 * 1024,         /* bytes that one recv may bring */
    MAX_DROPPED = 1024 * 1024, /* bytes behind the line `close` that are read before we lose patience */
    MAX_EVENTS = 64,           /* that one epoll_wait may bring */
};

/* data[sent .. used) still has to go out. */
struct client {
    int fd, matched;
    bool closing;
    size_t used, sent, dropped;
    char data[CHUNK];
};

/* Is an error of a non-blocking call only "not now"? */
static bool is_temporary(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/*
 * The number of bytes up to and with the end of a line `close`, 0 if there is none.
 * `*matched` says how much of "close\r" the line so far is, -1 if it is something else; it lives from call to call,
 * since a line may come in pieces.
 */
static size_t find_close(int *matched, const char *data, size_t size)
{
    static const char word[] = "close\r";

    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n') {
            if (*matched >= 5)
                return i + 1;
            *matched = 0;
        } else if (*matched >= 0 && *matched < 6 && data[i] == word[*matched]) {
            ++*matched;
        } else {
            *matched = -1;
        }
    }
    return 0;
}

/* Sends once; false when the connection is over. */
static bool transmit(struct client *client)
{
    /* MSG_NOSIGNAL: a client that has left is an error to handle, not a SIGPIPE that ends us. */
    ssize_t sent = send(client->fd, client->data + client->sent, client->used - client->sent, MSG_NOSIGNAL);
    if (sent < 0)
        return is_temporary(errno);
    client->sent += (size_t)sent;
    if (client->sent == client->used) {
        client->sent = client->used = 0;
        if (client->closing)
            shutdown(client->fd, SHUT_WR);
    }
    return true;
}

/* Reads once; false when the connection is over. */
static bool receive(struct client *client)
{
    ssize_t got = recv(client->fd, client->data, sizeof client->data, 0);
    if (got < 0)
        return is_temporary(errno);
    if (got == 0)
        return false;
    if (client->closing) {
        /* A close() with bytes unread would destroy the echo on its way: read on until the client's end. */
        client->dropped += (size_t)got;
        return client->dropped < MAX_DROPPED;
    }
    size_t end = find_close(&client->matched, client->data, (size_t)got);
    client->closing = end > 0;
    client->used = end > 0 ? end : (size_t)got;
    return transmit(client);
}

/* Does for a client what epoll has announced, and says what to announce next; closes it when it is over. */
static bool attend(int events, struct client *client)
{
    if (!(client->used > 0 ? transmit(client) : receive(client))) {
        close(client->fd); /* which takes it out of epoll, too */
        free(client);
        return false;
    }
    struct epoll_event event = {.events = client->used > 0 ? EPOLLOUT : EPOLLIN, .data.ptr = client};
    epoll_ctl(events, EPOLL_CTL_MOD, client->fd, &event);
    return true;
}

/* Takes a new client; false when there is no room for one. */
static bool add_client(int events, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0)
        return errno != EMFILE && errno != ENFILE;
    struct client *client = calloc(1, sizeof *client);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    if (client == NULL || epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) < 0) {
        perror("a client is turned away");
        free(client);
        close(fd);
        return true;
    }
    client->fd = fd;
    return true;
}

/* Announces new clients, or not: while there is no room they wait in the backlog. */
static void announce_clients(int events, int listener, bool wanted)
{
    struct epoll_event event = {.events = wanted ? EPOLLIN : 0, .data.ptr = NULL};
    epoll_ctl(events, EPOLL_CTL_MOD, listener, &event);
}

/* Serves until an error that can't be mended. */
static void serve_forever(int events, int listener)
{
    struct epoll_event happened[MAX_EVENTS];
    for (;;) {
        /* EINTR: after SIGSTOP and SIGCONT epoll_wait does not go on by itself. */
        int count = epoll_wait(events, happened, MAX_EVENTS, -1);
        if (count < 0 && errno != EINTR) {
            perror("epoll_wait");
            return;
        }
        for (int i = 0; i < count; i++) {
            if (happened[i].data.ptr == NULL) {
                if (!add_client(events, listener))
                    announce_clients(events, listener, false);
            } else if (!attend(events, happened[i].data.ptr)) {
                announce_clients(events, listener, true);
            }
        }
    }
}

/* A non-blocking socket that listens on every IPv4 address; -1 and errno on failure. */
static int open_listener(int port)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0)
        return -1;

    int on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((in_port_t)port),
        .sin_addr.s_addr = htonl(INADDR_ANY),
    };
    /* SO_REUSEADDR: connections of an earlier run, still in TIME_WAIT, must not keep us from the port. */
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, SOMAXCONN) < 0 ||
        fcntl(listener, F_SETFL, O_NONBLOCK) < 0) {
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
    int events = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (events < 0 || epoll_ctl(events, EPOLL_CTL_ADD, listener, &event) < 0) {
        perror("epoll");
        return 1;
    }
    serve_forever(events, listener);
    return 1;
}
