/*
 * TCP upper case server, one thread for all clients: an event loop around poll().
 *
 * No call on a client's socket may block.  A client whose replies don't go out is not read either, so that a
 * client that never reads costs one buffer and nobody's time.
 *
 * Usage: ./server PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_LINE = 1024 * 1024, /* bytes, the LF not counted */
    FIRST_CAPACITY = 4096,
    MAX_CLIENTS = 500, /* more wait in the backlog; the usual limit is 1024 open files */
};

/*
 * The bytes of one client, already in upper case:
 *   data[0 .. sent)       gone out
 *   data[sent .. whole)   whole lines that still have to go out
 *   data[whole .. used)   the unfinished line
 */
struct client {
    char *data;
    size_t capacity, used, whole, sent;
};

/* Entry 0 is the listening socket; entry i of both tables belongs to the same client. */
static struct pollfd watched[1 + MAX_CLIENTS];
static struct client clients[1 + MAX_CLIENTS];
static nfds_t entries = 1;

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
static bool receive(int fd, struct client *client)
{
    if (!make_room(client))
        return false;
    ssize_t got = recv(fd, client->data + client->used, client->capacity - client->used, 0);
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
static bool transmit(int fd, struct client *client)
{
    /* MSG_NOSIGNAL: a client that has left is an error to handle, not a SIGPIPE that ends us. */
    ssize_t sent = send(fd, client->data + client->sent, client->whole - client->sent, MSG_NOSIGNAL);
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

static void add_client(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        perror("fcntl");
        close(fd);
        return;
    }
    watched[entries] = (struct pollfd){.fd = fd, .events = POLLIN};
    clients[entries] = (struct client){.data = NULL};
    entries++;
}

/* Closes client i; the last entry takes its place. */
static void remove_client(nfds_t i)
{
    close(watched[i].fd);
    free(clients[i].data);
    entries--;
    watched[i] = watched[entries];
    clients[i] = clients[entries];
}

/* Does for client i what poll() has announced; false when the connection is over. */
static bool attend(nfds_t i)
{
    struct client *client = &clients[i];
    int fd = watched[i].fd;
    bool alive = client->sent < client->whole ? transmit(fd, client) : receive(fd, client);
    watched[i].events = client->sent < client->whole ? POLLOUT : POLLIN;
    return alive;
}

/* Serves until an error that can't be mended. */
static void serve_forever(int listener)
{
    bool accepting = true;
    watched[0].events = POLLIN;
    for (;;) {
        /* poll() skips negative descriptors: while there is no room, newcomers wait in the backlog. */
        watched[0].fd = accepting && entries < 1 + MAX_CLIENTS ? listener : -1;
        watched[0].revents = 0;
        if (poll(watched, entries, -1) < 0) {
            if (errno == EINTR)
                continue;
            perror("poll");
            return;
        }
        /* Backwards, because removing one moves the last one, which has had its turn, to its place. */
        for (nfds_t i = entries - 1; i >= 1; i--) {
            if (watched[i].revents != 0 && !attend(i)) {
                remove_client(i);
                accepting = true;
            }
        }
        if (watched[0].revents != 0) {
            int fd = accept(listener, NULL, NULL);
            if (fd >= 0)
                add_client(fd);
            else if (errno == EMFILE || errno == ENFILE)
                accepting = false; /* until somebody leaves; else we would spin */
            else if (!is_temporary(errno) && errno != ECONNABORTED) {
                perror("accept");
                return;
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
    serve_forever(listener);
    return 1;
}
