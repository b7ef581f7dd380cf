/*
 * UDP upper case server, an event loop around poll() with a socket that never blocks.
 *
 * A reply that can't go out at once is kept until it can; no other datagram is read meanwhile, they wait in the kernel.
 *
 * Usage: ./server PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LARGEST = 65535 }; /* bytes: no UDP datagram is longer */

/* The reply that is being made, or that still has to go out when `waiting`. */
static struct {
    char bytes[LARGEST];
    size_t size;
    struct sockaddr_in client;
    socklen_t length;
    bool waiting;
} reply;

/* bytes.upper() of Python: only the letters a to z of ASCII, whatever the language of the machine. */
static void to_upper_case(char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] >= 'a' && bytes[i] <= 'z')
            bytes[i] -= 'a' - 'A';
}

/* Receives one datagram and makes its reply; false when the socket has none. */
static bool receive(int server)
{
    reply.length = sizeof reply.client;
    ssize_t got =
        recvfrom(server, reply.bytes, sizeof reply.bytes, 0, (struct sockaddr *)&reply.client, &reply.length);
    if (got < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            perror("recvfrom");
        return false;
    }
    reply.size = (size_t)got;
    to_upper_case(reply.bytes, reply.size);
    reply.waiting = true;
    return true;
}

/* Sends the reply, or gives it up; false when the socket has no room for it yet. */
static bool transmit(int server)
{
    if (sendto(server, reply.bytes, reply.size, 0, (struct sockaddr *)&reply.client, reply.length) < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
            return false;
        perror("sendto");
    }
    reply.waiting = false;
    return true;
}

static int serve_forever(int server)
{
    struct pollfd watched = {.fd = server};
    for (;;) {
        while ((reply.waiting || receive(server)) && transmit(server))
            continue;
        watched.events = reply.waiting ? POLLOUT : POLLIN;
        if (poll(&watched, 1, -1) < 0 && errno != EINTR) {
            perror("poll");
            return 1;
        }
    }
}

/* A UDP socket on every IPv4 address; -1 and errno on failure. */
static int open_socket(int port)
{
    int server = socket(AF_INET, SOCK_DGRAM, 0);
    if (server < 0)
        return -1;

    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((in_port_t)port),
        .sin_addr.s_addr = htonl(INADDR_ANY),
    };
    /* No SO_REUSEADDR: with UDP it would let two servers share the port. */
    if (bind(server, (struct sockaddr *)&address, sizeof address) < 0) {
        int saved_errno = errno;
        close(server);
        errno = saved_errno;
        return -1;
    }
    return server;
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
    int server = open_socket(port);
    if (server < 0) {
        fprintf(stderr, "%s: port %d: %s\n", argv[0], port, strerror(errno));
        return 1;
    }
    if (fcntl(server, F_SETFL, O_NONBLOCK) < 0) {
        perror("fcntl");
        return 1;
    }
    return serve_forever(server);
}
