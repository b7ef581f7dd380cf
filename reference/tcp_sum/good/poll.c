/*
 * TCP sum server, one thread for all clients: an event loop around poll().
 *
 * A frame is added up while it comes, byte by byte, so a client costs the same memory however long its frames are.
 * No call on a client's socket may block, and a client whose answers don't go out is not read either.
 *
 * Usage: ./server PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_LENGTH = 1024 * 1024, /* bytes of numbers in a frame */
    ANSWER = 12,              /* bytes of an answer */
    CHUNK = 64 * 1024,        /* bytes that one recv may bring */
    MAX_CLIENTS = 500,        /* more wait in the backlog; the usual limit is 1024 open files */
};

/* Where a client is in its frame, and the answers that still have to go out. */
struct client {
    uint32_t word;   /* the bytes of the length or number that is coming */
    unsigned have;   /* how many of its 4 bytes are there */
    bool in_body;    /* the length is known; else it is what comes */
    uint32_t left;   /* bytes of the frame's numbers that are still to come */
    int64_t sum;     /* of the numbers so far */
    unsigned char answers[ANSWER * (CHUNK / 4 + 1)]; /* the shortest frame has 4 bytes */
    size_t used, sent;
};

/* Entry 0 is the listening socket; entry i of both tables belongs to the same client. */
static struct pollfd watched[1 + MAX_CLIENTS];
static struct client *clients[1 + MAX_CLIENTS];
static nfds_t entries = 1;

/* Is an error of a non-blocking call only "not now"? */
static bool is_temporary(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* The frame is complete: its answer goes to the others, and the next frame begins. */
static void answer(struct client *client)
{
    uint64_t bits = (uint64_t)client->sum;
    unsigned char *to = client->answers + client->used;
    memcpy(to, (unsigned char[]){0, 0, 0, 8}, 4);
    for (int i = 0; i < 8; i++)
        to[4 + i] = (unsigned char)(bits >> (56 - 8 * i));
    client->used += ANSWER;
    client->in_body = false;
    client->sum = 0;
}

/* Takes the next byte of a client; false when it breaks the protocol. */
static bool take(struct client *client, unsigned char byte)
{
    client->word = client->word << 8 | byte;
    if (++client->have < 4)
        return true;
    client->have = 0;
    if (client->in_body) {
        client->sum += (int32_t)client->word;
        client->left -= 4;
    } else {
        if (client->word > MAX_LENGTH || client->word % 4 != 0)
            return false;
        client->left = client->word;
        client->in_body = true;
    }
    if (client->left == 0)
        answer(client);
    return true;
}

/* Reads once; false when the connection is over. */
static bool receive(int fd, struct client *client)
{
    unsigned char chunk[CHUNK];
    ssize_t got = recv(fd, chunk, sizeof chunk, 0);
    if (got < 0)
        return is_temporary(errno);
    for (ssize_t i = 0; i < got; i++)
        if (!take(client, chunk[i]))
            return false;
    return got > 0;
}

/* Sends once; false when the connection is over. */
static bool transmit(int fd, struct client *client)
{
    /* MSG_NOSIGNAL: a client that has left is an error to handle, not a SIGPIPE that ends us. */
    ssize_t sent = send(fd, client->answers + client->sent, client->used - client->sent, MSG_NOSIGNAL);
    if (sent < 0)
        return is_temporary(errno);
    client->sent += (size_t)sent;
    if (client->sent == client->used)
        client->sent = client->used = 0;
    return true;
}

static void add_client(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        perror("new client");
        free(client);
        close(fd);
        return;
    }
    watched[entries] = (struct pollfd){.fd = fd, .events = POLLIN};
    clients[entries] = client;
    entries++;
}

/* Closes client i; the last entry takes its place. */
static void remove_client(nfds_t i)
{
    close(watched[i].fd);
    free(clients[i]);
    entries--;
    watched[i] = watched[entries];
    clients[i] = clients[entries];
}

/* Does for client i what poll() has announced; false when the connection is over. */
static bool attend(nfds_t i)
{
    struct client *client = clients[i];
    int fd = watched[i].fd;
    bool alive = client->used > 0 ? transmit(fd, client) : receive(fd, client);
    watched[i].events = client->used > 0 ? POLLOUT : POLLIN;
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

/* A socket that listens on every IPv4 address; -1 and errno on failure. */
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
