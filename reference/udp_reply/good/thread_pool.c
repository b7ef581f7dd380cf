/*
 * UDP reply server, four threads that all receive from the one socket: the kernel gives each datagram to one of them.
 *
 * Usage: ./server PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    THREADS = 4,
    PREFIX = 5,      /* bytes of "OK..." */
    LARGEST = 65535, /* bytes: no UDP datagram is longer */
};

/* Every thread has a buffer of its own. */
static char replies[THREADS][PREFIX + LARGEST];

static int server;

static void *serve_forever(void *buffer)
{
    char *reply = buffer;
    memcpy(reply, "OK...", PREFIX);
    for (;;) {
        struct sockaddr_in client;
        socklen_t length = sizeof client;
        ssize_t got = recvfrom(server, reply + PREFIX, LARGEST, 0, (struct sockaddr *)&client, &length);
        if (got < 0) {
            perror("recvfrom");
            continue;
        }
        if (sendto(server, reply, PREFIX + (size_t)got, 0, (struct sockaddr *)&client, length) < 0)
            perror("sendto");
    }
    return NULL;
}

/* A UDP socket on every IPv4 address; -1 and errno on failure. */
static int open_socket(int port)
{
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    if (udp < 0)
        return -1;

    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((in_port_t)port),
        .sin_addr.s_addr = htonl(INADDR_ANY),
    };
    /* No SO_REUSEADDR: with UDP it would let two servers share the port. */
    if (bind(udp, (struct sockaddr *)&address, sizeof address) < 0) {
        int saved_errno = errno;
        close(udp);
        errno = saved_errno;
        return -1;
    }
    return udp;
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
    server = open_socket(port);
    if (server < 0) {
        fprintf(stderr, "%s: port %d: %s\n", argv[0], port, strerror(errno));
        return 1;
    }
    for (int i = 1; i < THREADS; i++) {
        pthread_t thread;
        int error = pthread_create(&thread, NULL, serve_forever, replies[i]);
        if (error != 0) {
            fprintf(stderr, "%s: thread: %s\n", argv[0], strerror(error));
            return 1;
        }
        pthread_detach(thread);
    }
    serve_forever(replies[0]);
}
