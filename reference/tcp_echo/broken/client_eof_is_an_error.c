/* Fault: takes the end of its input for an error, and ends with exit status 1.
 *
 * Usage: ./client HOST PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What was read and not used yet: the bytes from `start` to `end`. */
struct stream {
    int fd;
    char *data;
    size_t start, end, capacity;
};

/* Reads once, into a buffer that grows: the number of bytes, 0 at the end, -1 on an error. */
static ssize_t read_more(struct stream *in)
{
    if (in->start > 0) {
        memmove(in->data, in->data + in->start, in->end - in->start);
        in->end -= in->start;
        in->start = 0;
    }
    if (in->end == in->capacity) {
        size_t capacity = in->capacity > 0 ? 2 * in->capacity : 4096;
        char *larger = realloc(in->data, capacity);
        if (larger == NULL)
            return -1;
        in->data = larger;
        in->capacity = capacity;
    }
    ssize_t got;
    do
        got = read(in->fd, in->data + in->end, in->capacity - in->end);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        in->end += (size_t)got;
    return got;
}

/*
 * The next line and its size without LF; `*ended` says that it has none because the stream ended behind it.
 * NULL on an error.  The line is good until the next call.
 */
static const char *next_line(struct stream *in, size_t *size, bool *ended)
{
    size_t looked_at = 0;
    *ended = false;
    for (;;) {
        const char *end = in->end > in->start
                              ? memchr(in->data + in->start + looked_at, '\n', in->end - in->start - looked_at)
                              : NULL;
        if (end != NULL || *ended) {
            const char *line = in->data + in->start;
            *size = end != NULL ? (size_t)(end - line) : in->end - in->start;
            in->start += *size + (end != NULL);
            *ended = end == NULL;
            return line;
        }
        looked_at = in->end - in->start;
        ssize_t got = read_more(in);
        if (got < 0)
            return NULL;
        *ended = got == 0;
    }
}

/* Writes all of it to a file or, with send(), to a socket; false when that fails. */
static bool write_all(int fd, const char *data, size_t size, bool to_server)
{
    while (size > 0) {
        /* MSG_NOSIGNAL: a server that has gone is an error to report, not a SIGPIPE that ends us. */
        ssize_t written = to_server ? send(fd, data, size, MSG_NOSIGNAL) : write(fd, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        data += written;
        size -= (size_t)written;
    }
    return true;
}

static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error != 0) {
        fprintf(stderr, "client: %s: %s\n", host, gai_strerror(error));
        return -1;
    }
    int sock = -1;
    for (struct addrinfo *address = found; address != NULL && sock < 0; address = address->ai_next) {
        sock = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
        if (sock >= 0 && connect(sock, address->ai_addr, address->ai_addrlen) < 0) {
            perror("client: connect");
            close(sock);
            sock = -1;
        }
    }
    freeaddrinfo(found);
    return sock;
}

/* Sends each line and shows its echo, until the input ends or a line says `close`; the program's exit status. */
static int converse(int sock)
{
    struct stream keyboard = {.fd = STDIN_FILENO}, server = {.fd = sock};
    size_t size, echo_size;
    bool last, cut_short, leaving = false;
    const char *line, *echo;

    while (!leaving && (line = next_line(&keyboard, &size, &last)) != NULL) {
        if (last && size == 0) {
            fprintf(stderr, "client: the end of input\n");
            return 1;
        }
        leaving = size == 5 && memcmp(line, "close", 5) == 0;
        if (!write_all(sock, line, size, true) || !write_all(sock, "\n", 1, true)) {
            perror("client: send");
            return 1;
        }
        echo = next_line(&server, &echo_size, &cut_short);
        if (echo == NULL || cut_short) {
            fprintf(stderr, "client: %s\n", echo == NULL ? strerror(errno) : "the server has ended the connection");
            return 1;
        }
        if (!write_all(STDOUT_FILENO, echo, echo_size, false) || !write_all(STDOUT_FILENO, "\n", 1, false))
            return 1;
    }
    free(keyboard.data);
    free(server.data);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s HOST PORT\n", argc > 0 ? argv[0] : "client");
        return 2;
    }
    int sock = connect_to(argv[1], argv[2]);
    if (sock < 0)
        return 1;
    int status = converse(sock);
    close(sock);
    return status;
}
