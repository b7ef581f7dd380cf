/*
 * UDP upper case client on system calls alone: read() and write() for its user, SO_RCVTIMEO for answers that don't come.
 *
 * Usage: ./client HOST PORT
 */
#define _DEFAULT_SOURCE

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 3, PATIENCE_MS = 1000, LARGEST = 65507 };

/* What has been read and not been sent yet; room for the longest line and its end. */
static char input[LARGEST + 1];
static size_t held;

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

static void write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0)
            return;
        bytes += written;
        size -= (size_t)written;
    }
}

static bool is_answer(const char *datagram, const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (datagram[i] != upper(line[i]))
            return false;
    return true;
}

/* Waits for the server's answer, and writes it; false if it does not come in time. */
static bool receive(int sock, const struct sockaddr_in *server, const char *line, size_t size)
{
    static char datagram[LARGEST + 1];
    long deadline = now_ms() + PATIENCE_MS, left;
    while ((left = deadline - now_ms()) > 0) {
        struct timeval patience = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
        setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        struct sockaddr_in source;
        socklen_t length = sizeof source;
        ssize_t got = recvfrom(sock, datagram, LARGEST, 0, (struct sockaddr *)&source, &length);
        if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            perror("client");
        if (got != (ssize_t)size || source.sin_addr.s_addr != server->sin_addr.s_addr ||
            source.sin_port != server->sin_port || !is_answer(datagram, line, size))
            continue;
        datagram[got] = '\n';
        write_all(STDOUT_FILENO, datagram, (size_t)got + 1);
        return true;
    }
    return false;
}

static void ask(int sock, const struct sockaddr_in *server, const char *line, size_t size)
{
    for (int i = 0; i < TRIES; i++) {
        if (sendto(sock, line, size, 0, (const struct sockaddr *)server, sizeof *server) < 0)
            perror("client");
        if (receive(sock, server, line, size))
            return;
    }
    fprintf(stderr, "client: no answer\n");
}

/* Asks about every line until the input ends, or `quit` comes. */
static int talk(int sock, const struct sockaddr_in *server)
{
    ssize_t got;
    do {
        got = read(STDIN_FILENO, input + held, sizeof input - held);
        if (got > 0)
            held += (size_t)got;
        else if (held > 0)
            input[held++] = '\n'; /* the last line has no end of its own */
        char *end;
        while ((end = memchr(input, '\n', held)) != NULL) {
            size_t size = (size_t)(end - input);
            if (size == 4 && memcmp(input, "quit", 4) == 0)
                return 0;
            ask(sock, server, input, size);
            held -= size + 1;
            memmove(input, end + 1, held);
        }
        if (held == sizeof input) {
            fprintf(stderr, "client: this line does not fit into a datagram\n");
            return 1;
        }
    } while (got > 0);
    return got < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: client HOST PORT\n");
        return 2;
    }
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM}, *found;
    int error = getaddrinfo(argv[1], argv[2], &hints, &found);
    if (error != 0) {
        fprintf(stderr, "client: %s port %s: %s\n", argv[1], argv[2], gai_strerror(error));
        return 1;
    }
    struct sockaddr_in server;
    memcpy(&server, found->ai_addr, sizeof server);
    freeaddrinfo(found);
    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (sock < 0) {
        perror("client");
        return 1;
    }
    int status = talk(sock, &server);
    close(sock);
    return status;
}
