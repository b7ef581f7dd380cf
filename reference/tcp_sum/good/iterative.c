/*
 * TCP sum server, one client after another, read through stdio.
 *
 * Usage: ./server PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_LENGTH = 1024 * 1024 }; /* bytes of numbers in a frame */

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

/* Reads 32 bits in network byte order; false at the end of the connection. */
static bool read_word(FILE *in, uint32_t *word)
{
    /* fread() collects pieces until it has all 4 bytes. */
    if (fread(word, sizeof *word, 1, in) != 1)
        return false;
    *word = ntohl(*word);
    return true;
}

/* Answers every whole frame until the client ends its side or breaks the protocol. */
static void answer_frames(int client, FILE *in)
{
    uint32_t length, word;
    while (read_word(in, &length) && length <= MAX_LENGTH && length % 4 == 0) {
        int64_t sum = 0;
        for (uint32_t left = length; left > 0; left -= 4) {
            if (!read_word(in, &word))
                return;
            sum += (int32_t)word;
        }
        uint32_t answer[] = {htonl(8), htonl((uint32_t)((uint64_t)sum >> 32)), htonl((uint32_t)sum)};
        if (!send_all(client, answer, sizeof answer))
            return;
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

    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            perror("accept");
            return 1;
        }
        FILE *in = fdopen(client, "rb");
        if (in == NULL) {
            perror("fdopen");
            close(client);
            continue;
        }
        answer_frames(client, in);
        fclose(in); /* and the socket with it */
    }
}
