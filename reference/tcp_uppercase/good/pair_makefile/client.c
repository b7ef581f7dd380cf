/*
 * TCP upper case client.
 *
 * Usage: ./client HOST PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stream.h"

/* A connected socket, or -1 after a message. */
static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error != 0) {
        fprintf(stderr, "client: %s: %s\n", host, gai_strerror(error));
        return -1;
    }
    int server = -1;
    for (struct addrinfo *at = found; at != NULL && server < 0; at = at->ai_next) {
        server = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
        if (server < 0 || connect(server, at->ai_addr, at->ai_addrlen) < 0) {
            error = errno;
            if (server >= 0)
                close(server);
            server = -1;
        }
    }
    freeaddrinfo(found);
    if (server < 0)
        fprintf(stderr, "client: %s port %s: %s\n", host, port, strerror(error));
    return server;
}

/* Sends each line and shows its reply; false when the server is gone before. */
static bool converse(struct stream *server)
{
    char *line = NULL;
    size_t capacity = 0;
    bool answered = true;
    ssize_t size;
    while (answered && (size = getline(&line, &capacity, stdin)) > 0) {
        if (line[size - 1] == '\n')
            line[--size] = '\0'; /* the last line of a file may have none */
        if (strcmp(line, "quit") == 0)
            break;
        size_t reply_size = stream_write_line(server, line, (size_t)size) ? stream_read_line(server) : 0;
        answered = reply_size > 0;
        fwrite(server->line, 1, reply_size, stdout);
        fflush(stdout);
    }
    free(line);
    return answered;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s HOST PORT\n", argc > 0 ? argv[0] : "client");
        return EXIT_FAILURE;
    }
    signal(SIGPIPE, SIG_IGN); /* a server that is gone is an error of fflush, not our end */
    int server = connect_to(argv[1], argv[2]);
    if (server < 0)
        return EXIT_FAILURE;
    struct stream stream;
    if (!stream_open(&stream, server)) {
        perror("client");
        return EXIT_FAILURE;
    }
    bool answered = converse(&stream);
    stream_close(&stream);
    if (!answered)
        fprintf(stderr, "client: the connection to the server is lost\n");
    return answered ? EXIT_SUCCESS : EXIT_FAILURE;
}
