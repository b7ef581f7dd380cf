/*
 * TCP upper case server, one client after another.
 *
 * Usage: ./server PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stream.h"

/* Changes a-z to A-Z in place; every other byte stays. */
static void upper_case(char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] >= 'a' && data[i] <= 'z')
            data[i] = (char)(data[i] - 'a' + 'A');
}

/* Answers every whole line of one client until it ends its side, or is gone. */
static void serve(int client)
{
    struct stream stream;
    if (!stream_open(&stream, client))
        return;
    size_t size;
    while ((size = stream_read_line(&stream)) > 0) {
        upper_case(stream.line, size - 1);
        if (!stream_write_line(&stream, stream.line, size - 1))
            break;
    }
    stream_close(&stream);
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
    signal(SIGPIPE, SIG_IGN); /* a client that is gone is an error of fflush, not our end */
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((in_port_t)port),
        .sin_addr.s_addr = htonl(INADDR_ANY),
    };
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    /* SO_REUSEADDR: connections of an earlier run, still in TIME_WAIT, must not keep us from the port. */
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, SOMAXCONN) < 0) {
        fprintf(stderr, "%s: port %d: %s\n", argv[0], port, strerror(errno));
        return 1;
    }
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client >= 0) {
            serve(client);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            perror("accept");
            return 1;
        }
    }
}
