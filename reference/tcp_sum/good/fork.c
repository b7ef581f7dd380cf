/*
 * TCP sum server, one process per client.
 *
 * Usage: ./server PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MAX_LENGTH = 1024 * 1024, /* bytes of numbers in a frame */
    BATCH = 4096,             /* numbers that are read at once */
};

/* Receives exactly `size` bytes; false when the connection ends before. */
static bool receive_all(int client, void *data, size_t size)
{
    char *next = data;
    while (size > 0) {
        ssize_t got = recv(client, next, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        next += got;
        size -= (size_t)got;
    }
    return true;
}

/* Sends all `size` bytes; false when the client is gone. */
static bool send_all(int client, const void *data, size_t size)
{
    const char *next = data;
    while (size > 0) {
        /* MSG_NOSIGNAL: a client that has left is an error to handle, not a SIGPIPE that ends us. */
        ssize_t sent = send(client, next, size, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        next += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Adds up `count` numbers as they come, so that no frame needs more memory than a batch. */
static bool receive_sum(int client, size_t count, int64_t *sum)
{
    uint32_t batch[BATCH];
    *sum = 0;
    while (count > 0) {
        size_t now = count < BATCH ? count : BATCH;
        if (!receive_all(client, batch, now * sizeof batch[0]))
            return false;
        for (size_t i = 0; i < now; i++)
            *sum += (int32_t)ntohl(batch[i]);
        count -= now;
    }
    return true;
}

/* Answers every whole frame until the client ends its side or breaks the protocol. */
static void answer_frames(int client)
{
    uint32_t length;
    while (receive_all(client, &length, sizeof length)) {
        length = ntohl(length);
        int64_t sum;
        if (length > MAX_LENGTH || length % 4 != 0 || !receive_sum(client, length / 4, &sum))
            return;
        uint32_t answer[] = {htonl(8), htonl((uint32_t)((uint64_t)sum >> 32)), htonl((uint32_t)sum)};
        if (!send_all(client, answer, sizeof answer))
            return;
    }
}

/* Takes leave of children that have ended; else each would stay as a zombie. */
static void reap_children(int signal_number)
{
    (void)signal_number;
    int saved_errno = errno;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    errno = saved_errno;
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

    struct sigaction on_child = {.sa_handler = reap_children, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
    sigemptyset(&on_child.sa_mask);
    if (sigaction(SIGCHLD, &on_child, NULL) < 0) {
        perror("sigaction");
        return 1;
    }

    int listener = open_listener(port);
    if (listener < 0) {
        fprintf(stderr, "%s: port %d: %s\n", argv[0], port, strerror(errno));
        return 1;
    }

    /* Ctrl-C goes to every process of the terminal's foreground group: to us and to all children. */
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            perror("accept");
            return 1;
        }
        pid_t child = fork();
        if (child == 0) {
            close(listener);
            answer_frames(client);
            close(client);
            _exit(0);
        }
        if (child < 0)
            perror("fork");
        /* The child has its own copy; the connection ends when both are closed. */
        close(client);
    }
}
