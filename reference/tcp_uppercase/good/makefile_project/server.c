/*
 * TCP upper case server, one thread per client.
 *
 * Usage: ./server PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "line.h"

/* Changes a-z to A-Z in place; every other byte stays. */
static void upper_case(char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] >= 'a' && data[i] <= 'z')
            data[i] = (char)(data[i] - 'a' + 'A');
}

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

/* A thread's work: answers every whole line of one client until it ends its side. */
static void *serve(void *argument)
{
    int client = (int)(intptr_t)argument;
    struct line_reader reader;
    char *line;
    size_t size;

    /* Each line is sent by itself: without this, a small reply waits for the last one's acknowledgement. */
    int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

    line_reader_open(&reader, client);
    while ((line = line_reader_next(&reader, &size)) != NULL) {
        upper_case(line, size);
        if (!send_all(client, line, size))
            break;
    }
    line_reader_close(&reader);
    close(client);
    return NULL;
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
    int listener = open_listener(port);
    if (listener < 0) {
        fprintf(stderr, "%s: port %d: %s\n", argv[0], port, strerror(errno));
        return 1;
    }

    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            perror("accept");
            return 1;
        }
        pthread_t thread;
        int error = pthread_create(&thread, &detached, serve, (void *)(intptr_t)client);
        if (error != 0) {
            fprintf(stderr, "pthread_create: %s\n", strerror(error));
            close(client);
        }
    }
}
