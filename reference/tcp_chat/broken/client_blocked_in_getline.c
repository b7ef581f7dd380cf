/* Fault: takes turns: it hears nothing while it waits in getline().
 *
 * Usage: ./client HOST PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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

static int chat(int sock)
{
    FILE *to_server = fdopen(dup(sock), "w"), *from_server = fdopen(dup(sock), "r");
    char *line = NULL, *heard = NULL;
    size_t line_room = 0, heard_room = 0;
    ssize_t size;

    while ((size = getline(&line, &line_room, stdin)) > 0) {
        fwrite(line, 1, (size_t)size, to_server);
        if (line[size - 1] != '\n')
            putc('\n', to_server);
        fflush(to_server);
        size = getline(&heard, &heard_room, from_server);
        if (size <= 0 || heard[size - 1] != '\n') {
            fprintf(stderr, "client: the server has ended the connection\n");
            return 1;
        }
        fwrite(heard, 1, (size_t)size, stdout);
        fflush(stdout);
    }
    fclose(to_server);
    fclose(from_server);
    free(line);
    free(heard);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s HOST PORT\n", argc > 0 ? argv[0] : "client");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int sock = connect_to(argv[1], argv[2]);
    if (sock < 0)
        return 1;
    int status = chat(sock);
    close(sock);
    return status;
}
