/*
 * TCP upper case client with standard I/O on both sides: getline collects pieces until a line is whole, and keeps what
 * came too early for the next one.
 *
 * Usage: ./client HOST PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* Sends each line and shows its reply; the exit status. */
static int converse(FILE *from_server, FILE *to_server)
{
    char *line = NULL, *reply = NULL;
    size_t line_capacity = 0, reply_capacity = 0;
    int status = EXIT_SUCCESS;
    ssize_t size;
    while ((size = getline(&line, &line_capacity, stdin)) > 0) {
        if (line[size - 1] == '\n')
            line[--size] = '\0'; /* the last line of a file may have none */
        if (strcmp(line, "quit") == 0)
            break;
        fwrite(line, 1, (size_t)size, to_server);
        putc('\n', to_server);
        if (fflush(to_server) == EOF) {
            perror("client: send");
            status = EXIT_FAILURE;
            break;
        }
        ssize_t got = getline(&reply, &reply_capacity, from_server);
        if (got <= 0 || reply[got - 1] != '\n') {
            const char *why = ferror(from_server) ? strerror(errno) : "the server has ended the connection";
            fprintf(stderr, "client: %s\n", why);
            status = EXIT_FAILURE;
            break;
        }
        fwrite(reply, 1, (size_t)got, stdout);
        fflush(stdout);
    }
    free(line);
    free(reply);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s HOST PORT\n", argv[0]);
        return EXIT_FAILURE;
    }
    signal(SIGPIPE, SIG_IGN); /* a server that is gone is an error of fflush, not our end */
    int server = connect_to(argv[1], argv[2]);
    if (server < 0)
        return EXIT_FAILURE;
    /* Two streams, since one must not go from reading to writing without a seek, which sockets can't do. */
    FILE *from_server = fdopen(server, "r"), *to_server = fdopen(dup(server), "w");
    if (from_server == NULL || to_server == NULL) {
        perror("client");
        return EXIT_FAILURE;
    }
    int status = converse(from_server, to_server);
    fclose(to_server);
    fclose(from_server);
    return status;
}
