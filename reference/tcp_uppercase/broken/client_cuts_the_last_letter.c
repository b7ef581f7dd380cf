/* Fault: takes the last byte of a line for its LF, also at the end of a file without one. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error != 0) {
        fprintf(stderr, "client: %s: %s\n", host, gai_strerror(error));
        exit(1);
    }
    for (struct addrinfo *at = found; at != NULL; at = at->ai_next) {
        int server = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
        if (server >= 0 && connect(server, at->ai_addr, at->ai_addrlen) == 0) {
            freeaddrinfo(found);
            return server;
        }
        error = errno;
        close(server);
    }
    fprintf(stderr, "client: %s port %s: %s\n", host, port, strerror(error));
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s HOST PORT\n", argv[0]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int server = connect_to(argv[1], argv[2]);
    FILE *in = fdopen(server, "r"), *out = fdopen(dup(server), "w");
    char *line = NULL, *reply = NULL;
    size_t line_capacity = 0, reply_capacity = 0;
    ssize_t size;
    while ((size = getline(&line, &line_capacity, stdin)) > 0) {
        line[--size] = '\0';
        if (strcmp(line, "quit") == 0)
            break;
        fprintf(out, "%s\n", line);
        if (fflush(out) == EOF) {
            perror("client: send");
            return 1;
        }
        ssize_t got = getline(&reply, &reply_capacity, in);
        if (got <= 0 || reply[got - 1] != '\n') {
            fprintf(stderr, "client: the connection is lost\n");
            return 1;
        }
        reply[got - 1] = '\0';
        printf("%s\n", reply);
        fflush(stdout);
    }
    fclose(out);
    fclose(in);
    return 0;
}
