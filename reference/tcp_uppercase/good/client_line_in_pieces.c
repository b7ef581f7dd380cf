/* TCP upper case client that sends a long line piece by piece, as fgets gives it.  Usage: ./client HOST PORT */
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

static char piece[1024], pending[MAX_LINE + 4096];
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
    char *end;
    size_t searched = 0;
    while ((end = memchr(pending + searched, '\n', used - searched)) == NULL) {
        searched = used;
        if (used == sizeof pending) {
            errno = EMSGSIZE;
            return -1;
        }
        ssize_t got = recv(server, pending + used, sizeof pending - used, 0);
        if (got <= 0)
            return (int)got;
        used += (size_t)got;
    }
    size_t size = (size_t)(end - pending) + 1;
    fwrite(pending, 1, size, stdout);
    fflush(stdout);
    used -= size;
    memmove(pending, pending + size, used);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: client HOST PORT\n");
        return EXIT_FAILURE;
    }
    int server = connect_to(argv[1], argv[2]);
    int inside = 0; /* whether the piece before ended inside a line */
    while (fgets(piece, sizeof piece, stdin) != NULL) {
        size_t size = strlen(piece);
        if (!inside && (strcmp(piece, "quit") == 0 || strcmp(piece, "quit\n") == 0))
            break;
        inside = piece[size - 1] != '\n';
        if (inside && feof(stdin)) { /* the last line has no end */
            piece[size++] = '\n';
            inside = 0;
        }
        if (send_all(server, piece, size) < 0) {
            perror("send");
            return EXIT_FAILURE;
        }
        if (inside)
            continue;
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
