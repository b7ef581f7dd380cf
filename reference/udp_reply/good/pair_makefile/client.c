/*
 * UDP reply client, the other half of the pair: an unconnected socket, and poll.
 *
 * Usage: ./client HOST PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "reply.h"

enum { PATIENCE_MS = 1000 };

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Looks the server up; false after a message when there is no such host. */
static bool find(const char *host, const char *port, struct sockaddr_in *server)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error != 0) {
        fprintf(stderr, "client: %s: %s\n", host, gai_strerror(error));
        return false;
    }
    memcpy(server, found->ai_addr, sizeof *server);
    freeaddrinfo(found);
    return true;
}

/* Whether this reply comes from the server in time.  All else is late, a second copy, or a stranger's: dropped. */
static bool comes(int sock, const struct sockaddr_in *server, const struct reply *wanted)
{
    static char datagram[LARGEST];
    long deadline = now_ms() + PATIENCE_MS, left;
    while ((left = deadline - now_ms()) > 0) {
        struct pollfd ready = {.fd = sock, .events = POLLIN};
        if (poll(&ready, 1, (int)left) <= 0)
            continue;
        struct sockaddr_in from = {0};
        socklen_t length = sizeof from;
        ssize_t size = recvfrom(sock, datagram, sizeof datagram, 0, (struct sockaddr *)&from, &length);
        if (from.sin_addr.s_addr != server->sin_addr.s_addr || from.sin_port != server->sin_port)
            continue;
        if (size == (ssize_t)wanted->size && memcmp(datagram, wanted->bytes, wanted->size) == 0)
            return true;
    }
    return false;
}

/* Sends each line and shows its reply, until the end of the input or `quit`. */
static void converse(int sock, const struct sockaddr_in *server)
{
    static struct reply reply;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    while ((size = getline(&line, &capacity, stdin)) > 0) {
        if (line[size - 1] == '\n')
            line[--size] = '\0'; /* the last line of a file may have none */
        if (strcmp(line, "quit") == 0)
            break;
        if (sendto(sock, line, (size_t)size, 0, (const struct sockaddr *)server, sizeof *server) < 0) {
            perror("client: sendto");
            continue;
        }
        reply_make(&reply, line, (size_t)size);
        if (!comes(sock, server, &reply)) {
            fprintf(stderr, "client: no reply came\n");
            continue;
        }
        fwrite(reply.bytes, 1, reply.size, stdout);
        putchar('\n');
        fflush(stdout);
    }
    free(line);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s HOST PORT\n", argc > 0 ? argv[0] : "client");
        return 2;
    }
    struct sockaddr_in server;
    if (!find(argv[1], argv[2], &server))
        return EXIT_FAILURE;
    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (sock < 0) {
        perror("client: socket");
        return EXIT_FAILURE;
    }
    converse(sock, &server);
    close(sock);
    return EXIT_SUCCESS;
}
