/* Fault: SIGTERM ends the parent, and its children go on serving. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHUNK = 16 * 1024,         /* bytes that one recv may bring */
    MAX_DROPPED = 1024 * 1024, /* bytes behind the line `close` that are read before we lose patience */
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

/* Reads once: the number of bytes, 0 at the client's end, -1 when it is gone. */
static ssize_t receive(int client, char *data, size_t size)
{
    ssize_t got;
    do
        got = recv(client, data, size, 0);
    while (got < 0 && errno == EINTR);
    return got;
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

/* Ends our side, then waits for the client's: a close() with bytes unread would destroy the echo on its way. */
static void drop_rest(int client)
{
    char data[CHUNK];
    ssize_t got;
    size_t dropped = 0;

    shutdown(client, SHUT_WR);
    while (dropped < MAX_DROPPED && (got = receive(client, data, sizeof data)) > 0)
        dropped += (size_t)got;
}

/* Sends back what comes, until the client ends its side or a line says `close`. */
static void echo(int client)
{
    char data[CHUNK];
    ssize_t got;
    int matched = 0;

    while ((got = receive(client, data, sizeof data)) > 0) {
        size_t end = find_close(&matched, data, (size_t)got);
        if (!send_all(client, data, end > 0 ? end : (size_t)got))
            return;
        if (end > 0) {
            drop_rest(client);
            return;
        }
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
            echo(client);
            close(client);
            _exit(0);
        }
        if (child < 0)
            perror("fork");
        /* The child has its own copy; the connection ends when both are closed. */
        close(client);
    }
}
