/* Fault: takes the last byte of every line for its end, also where the last line has none.
 *
 * Usage: ./client HOST PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A socket connected to the host, by whichever of its addresses works; says why and gives -1 if none does. */
static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error != 0) {
        fprintf(stderr, "client: %s: %s\n", host, gai_strerror(error));
        return -1;
    }
    int sock = -1;
    for (struct addrinfo *address = found; address != NULL && sock < 0; address = address->ai_next) {
        sock = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
        if (sock >= 0 && connect(sock, address->ai_addr, address->ai_addrlen) < 0) {
            perror("client: connect");
            close(sock);
            sock = -1;
        }
    }
    freeaddrinfo(found);
    return sock;
}

/* Sends each line and shows its echo, until the input ends or a line says `close`; the program's exit status. */
static int converse(FILE *to_server, FILE *from_server)
{
    char *line = NULL, *echo = NULL;
    size_t line_room = 0, echo_room = 0;
    ssize_t size, got;

    while (fputs("message: ", stdout), fflush(stdout), (size = getline(&line, &line_room, stdin)) > 0) {
        size--; /* the line end */
        fwrite(line, 1, (size_t)size, to_server);
        putc('\n', to_server);
        if (fflush(to_server) != 0) {
            perror("client: send");
            return 1;
        }
        got = getline(&echo, &echo_room, from_server);
        if (got <= 0 || echo[got - 1] != '\n') {
            fprintf(stderr, "client: the connection ended before the echo was complete\n");
            return 1;
        }
        fputs("response: ", stdout);
        fwrite(echo, 1, (size_t)got, stdout);
        fflush(stdout);
        if (size == 5 && memcmp(line, "close", 5) == 0)
            break;
    }
    free(line);
    free(echo);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s HOST PORT\n", argc > 0 ? argv[0] : "client");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN); /* a server that has gone is an error to report, not the end of us */
    int sock = connect_to(argv[1], argv[2]);
    if (sock < 0)
        return 1;

    /* One FILE for each direction: stdio can't switch between reading and writing on a socket. */
    FILE *from_server = fdopen(sock, "r"), *to_server = fdopen(dup(sock), "w");
    if (from_server == NULL || to_server == NULL) {
        perror("client");
        return 1;
    }
    int status = converse(to_server, from_server);
    fclose(to_server);
    fclose(from_server);
    return status;
}
