/*
 * TCP upper case server, one thread for all clients: an event loop around epoll.
 *
 * No call on a client's socket may block.  A client whose answers don't go out is not read either, so that a
 * client that never reads costs one buffer and nobody's time.
 *
 * Usage: ./server PORT
 */
#define _GNU_SOURCE /* accept4 */

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_LINE = 1024 * 1024, /* bytes, the LF not counted */
    FIRST_CAPACITY = 4096,
    EVENTS = 64, /* taken from the kernel at a time */
};

/*
 * The bytes of one client, already in upper case:
 *   data[0 .. sent)       gone out
 *   data[sent .. whole)   whole lines that still have to go out
 *   data[whole .. used)   the unfinished line
 */
struct client {
    int fd;
    uint32_t events; /* what it waits for */
    char *data;
    size_t capacity, used, whole, sent;
};

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

/* Is an error of a non-blocking call only "not now"? */
static bool is_temporary(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* Makes room behind data[used]; false when the line is too long, or memory at its end. */
static bool make_room(struct client *client)
{
    if (client->used < client->capacity)
        return true;
    if (client->capacity > MAX_LINE)
        return false;
    size_t capacity = client->capacity > 0 ? client->capacity * 2 : FIRST_CAPACITY;
    char *data = realloc(client->data, capacity);
    if (data == NULL)
        return false;
    client->data = data;
    client->capacity = capacity;
    return true;
}

/* Reads once; false when the connection is over. */
static bool receive(struct client *client)
{
    if (!make_room(client))
        return false;
    ssize_t got = recv(client->fd, client->data + client->used, client->capacity - client->used, 0);
    if (got < 0)
        return is_temporary(errno);
    if (got == 0)
        return false;
    /* Each byte is looked at once, when it comes: also a line of 1 MiB takes linear time. */
    size_t whole = upper_case(client->data + client->used, (size_t)got);
    if (whole > 0)
        client->whole = client->used + whole;
    client->used += (size_t)got;
    return true;
}

/* Sends once; false when the connection is over. */
static bool transmit(struct client *client)
{
    /* MSG_NOSIGNAL: a client that has left is an error to handle, not a SIGPIPE that ends us. */
    ssize_t sent = send(client->fd, client->data + client->sent, client->whole - client->sent, MSG_NOSIGNAL);
    if (sent < 0)
        return is_temporary(errno);
    client->sent += (size_t)sent;
    if (client->sent == client->whole) {
        client->used -= client->whole;
        memmove(client->data, client->data + client->whole, client->used);
        client->sent = client->whole = 0;
    }
    return true;
}

static void free_client(struct client *client)
{
    close(client->fd); /* epoll forgets it */
    free(client->data);
    free(client);
}

/* Accepts one client; false on an error that can't be mended. */
static bool add_client(int events, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) {
        if (is_temporary(errno) || errno == ECONNABORTED)
            return true;
        perror("accept");
        return false;
    }
    struct client *client = calloc(1, sizeof *client);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    if (client == NULL || epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) < 0) {
        perror("no room for a client");
        close(fd);
        free(client);
        return true;
    }
    client->fd = fd;
    client->events = EPOLLIN;
    return true;
}

/* Does for a client what epoll has announced; false when the connection is over. */
static bool attend(int events, struct client *client)
{
    if (!(client->sent < client->whole ? transmit(client) : receive(client)))
        return false;
    uint32_t wanted = client->sent < client->whole ? EPOLLOUT : EPOLLIN;
    if (wanted == client->events)
        return true;
    client->events = wanted;
    struct epoll_event event = {.events = wanted, .data.ptr = client};
    return epoll_ctl(events, EPOLL_CTL_MOD, client->fd, &event) == 0;
}

/* Serves until an error that can't be mended. */
static void serve_forever(int listener)
{
    int events = epoll_create1(0);
    struct epoll_event newcomer = {.events = EPOLLIN, .data.ptr = NULL};
    if (events < 0 || epoll_ctl(events, EPOLL_CTL_ADD, listener, &newcomer) < 0) {
        perror("epoll");
        return;
    }
    for (;;) {
        struct epoll_event ready[EVENTS];
        int count = epoll_wait(events, ready, EVENTS, -1);
        if (count < 0) {
            if (errno == EINTR)
                continue; /* a stopped program that is let go on comes here, without any handler */
            perror("epoll_wait");
            return;
        }
        for (int i = 0; i < count; i++) {
            struct client *client = ready[i].data.ptr;
            if (client == NULL) {
                if (!add_client(events, listener))
                    return;
            } else if (!attend(events, client)) {
                free_client(client);
            }
        }
    }
}

/* A non-blocking socket that listens on every IPv4 address; -1 and errno on failure. */
static int open_listener(int port)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
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
    serve_forever(listener);
    return 1;
}
