/*
 * TCP upper case client with nothing but read and write: one function takes lines out of the keyboard's bytes and the
 * server's.
 *
 * Usage: ./client HOST PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 4096 };

/* What was read from a descriptor: data[0 .. used), of which the first `taken` bytes were given away. */
struct reader {
    int fd;
    char *data;
    size_t capacity, used, taken;
};

/* The next line; its size with the LF in *size, or without one at the end, where 0 says that nothing is left. */
static char *read_line(struct reader *in, size_t *size)
{
    if (in->taken > 0)
        memmove(in->data, in->data + in->taken, in->used - in->taken);
    in->used -= in->taken;
    in->taken = 0;
    size_t searched = 0;
    for (;;) {
        char *end = in->used > searched ? memchr(in->data + searched, '\n', in->used - searched) : NULL;
        if (end != NULL) {
            *size = in->taken = (size_t)(end - in->data) + 1;
            return in->data;
        }
        searched = in->used;
        if (in->capacity - in->used < PIECE) {
            in->capacity = 2 * in->capacity + PIECE;
            in->data = realloc(in->data, in->capacity);
            if (in->data == NULL) {
                perror("client");
                exit(EXIT_FAILURE);
            }
        }
        ssize_t got = read(in->fd, in->data + in->used, PIECE);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            if (got < 0)
                perror("client: read");
            *size = in->taken = in->used;
            return in->data;
        }
        in->used += (size_t)got;
    }
}

/* Writes all of it; -1 on error.  MSG_NOSIGNAL: a server that is gone is an error, and no SIGPIPE. */
static int send_all(int server, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(server, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -1;
        data += sent;
        size -= (size_t)sent;
    }
    return 0;
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

/* Sends each line and shows its reply; the exit status. */
static int converse(int server)
{
    struct reader keyboard = {.fd = STDIN_FILENO}, replies = {.fd = server};
    for (;;) {
        size_t size;
        if (isatty(STDIN_FILENO))
            write_all(STDOUT_FILENO, "> ", 2);
        char *line = read_line(&keyboard, &size);
        if (size == 0)
            return EXIT_SUCCESS;
        if (line[size - 1] == '\n')
            size--; /* the last line of a file may have none */
        if (size == 4 && memcmp(line, "quit", 4) == 0)
            return EXIT_SUCCESS;
        if (send_all(server, line, size) < 0 || send_all(server, "\n", 1) < 0) {
            perror("client: send");
            return EXIT_FAILURE;
        }
        char *reply = read_line(&replies, &size);
        if (size == 0 || reply[size - 1] != '\n') {
            fprintf(stderr, "client: the connection ended before the reply was complete\n");
            return EXIT_FAILURE;
        }
        write_all(STDOUT_FILENO, reply, size);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s HOST PORT\n", argv[0]);
        return EXIT_FAILURE;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(argv[1], argv[2], &hints, &found);
    if (error != 0) {
        fprintf(stderr, "client: %s: %s\n", argv[1], gai_strerror(error));
        return EXIT_FAILURE;
    }
    for (struct addrinfo *at = found; at != NULL; at = at->ai_next) {
        int server = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
        if (server < 0)
            continue;
        if (connect(server, at->ai_addr, at->ai_addrlen) == 0) {
            int status = converse(server);
            close(server);
            return status;
        }
        error = errno;
        close(server);
    }
    fprintf(stderr, "client: %s port %s: %s\n", argv[1], argv[2], strerror(error));
    return EXIT_FAILURE;
}
