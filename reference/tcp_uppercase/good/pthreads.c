/*
 * TCP upper case server, one thread per client, each with a stdio stream of its own.
 *
 * Usage: ./server PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_LINE = 1024 * 1024, /* bytes, the LF not counted */
    FIRST_CAPACITY = 4096,
};

/* A line that grows; `size` counts its LF. */
struct line {
    char *data;
    size_t size, capacity;
};

static bool append(struct line *line, char byte)
{
    if (line->size == line->capacity) {
        if (line->capacity > MAX_LINE)
            return false;
        size_t capacity = line->capacity > 0 ? line->capacity * 2 : FIRST_CAPACITY;
        char *data = realloc(line->data, capacity);
        if (data == NULL)
            return false;
        line->data = data;
        line->capacity = capacity;
    }
    line->data[line->size++] = byte;
    return true;
}

/* Reads the next line, in upper case; false when there is no whole one any more. */
static bool read_upper_case(FILE *stream, struct line *line)
{
    int byte;
    line->size = 0;
    while ((byte = getc_unlocked(stream)) != EOF) {
        if (byte >= 'a' && byte <= 'z')
            byte += 'A' - 'a';
        if (!append(line, (char)byte))
            return false;
        if (byte == '\n')
            return true;
    }
    return false;
}

/* Sends all `size` bytes; false when the client is gone. */
static bool send_all(int client, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(client, data, size, 0);
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
    struct line line = {.data = NULL};
    FILE *stream = fdopen(client, "r"); /* for reading only: a stream for both needs a flush at each change */
    if (stream == NULL) {
        perror("fdopen");
        close(client);
        return NULL;
    }
    while (read_upper_case(stream, &line) && send_all(client, line.data, line.size))
        ;
    free(line.data);
    fclose(stream); /* closes the socket too */
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
    /* A client that has left is an error of send to handle, not a signal that ends every thread. */
    signal(SIGPIPE, SIG_IGN);
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
        pthread_t thread;
        int error = pthread_create(&thread, NULL, serve, (void *)(intptr_t)client);
        if (error != 0) {
            fprintf(stderr, "pthread_create: %s\n", strerror(error));
            close(client);
            continue;
        }
        pthread_detach(thread); /* nobody will join it */
    }
}
