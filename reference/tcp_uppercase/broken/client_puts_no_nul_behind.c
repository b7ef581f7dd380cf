/* Fault: prints the reply as a string, and puts no NUL behind it: what is left of a longer one before follows it. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_LINE (1024 * 1024)

static char line[MAX_LINE + 2], pending[MAX_LINE + 4096];
static size_t used;

static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error != 0) {
        fprintf(stderr, "%s: %s\n", host, gai_strerror(error));
        exit(EXIT_FAILURE);
    }
    int server = -1;
    for (struct addrinfo *at = found; at != NULL; at = at->ai_next) {
        server = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
        if (connect(server, at->ai_addr, at->ai_addrlen) == 0)
            break;
        error = errno;
        close(server);
        server = -1;
    }
    if (server < 0) {
        fprintf(stderr, "connect: %s\n", strerror(error));
        exit(EXIT_FAILURE);
    }
    return server;
}

static int send_all(int server, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(server, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -1;
        data += sent;
        size -= (size_t)sent;
    }
    return 0;
}

/* Prints one reply; 0 when the server is gone before its end, -1 on error. */
static int show_reply(int server)
{
    used = 0;
    do {
        if (used == sizeof pending - 1) {
            errno = EMSGSIZE;
            return -1;
        }
        ssize_t got = recv(server, pending + used, 1, 0); /* so that nothing of the next reply is taken */
        if (got <= 0)
            return (int)got;
    } while (pending[used++] != '\n');
    printf("%s\n", pending);
    fflush(stdout);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: client HOST PORT\n");
        return EXIT_FAILURE;
    }
    int server = connect_to(argv[1], argv[2]);
    while (fgets(line, sizeof line, stdin) != NULL) {
        size_t size = strcspn(line, "\n");
        line[size] = '\0';
        if (strcmp(line, "quit") == 0)
            break;
        line[size++] = '\n';
        if (send_all(server, line, size) < 0) {
            perror("send");
            return EXIT_FAILURE;
        }
        int shown = show_reply(server);
        if (shown == 0)
            fprintf(stderr, "the server has ended the connection\n");
        if (shown < 0)
            perror("recv");
        if (shown <= 0)
            return EXIT_FAILURE;
    }
    close(server);
    return EXIT_SUCCESS;
}
