/*
 * UDP upper case server, one loop.
 *
 * Usage: ./server PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LARGEST = 65535 }; /* bytes: no UDP datagram is longer */

static char datagram[LARGEST];

/* bytes.upper() of Python: only the letters a to z of ASCII, whatever the language of the machine. */
static void to_upper_case(char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] >= 'a' && bytes[i] <= 'z')
            bytes[i] -= 'a' - 'A';
}

static void serve_forever(int server)
{
    for (;;) {
        struct sockaddr_in client;
        socklen_t length = sizeof client;
        ssize_t got = recvfrom(server, datagram, sizeof datagram, 0, (struct sockaddr *)&client, &length);
        if (got < 0) {
            perror("recvfrom");
            continue;
        }
        to_upper_case(datagram, (size_t)got);
        /* May fail, for a client that can't be reached; the next one must not suffer for it. */
        if (sendto(server, datagram, (size_t)got, 0, (struct sockaddr *)&client, length) < 0)
            perror("sendto");
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
    serve_forever(server);
}
