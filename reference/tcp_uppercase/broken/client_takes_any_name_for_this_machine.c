/* Fault: gives the host to inet_pton and never asks whether it was an address: a name becomes 0.0.0.0, this machine. */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
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
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    inet_pton(AF_INET, host, &address.sin_addr);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(server, (struct sockaddr *)&address, sizeof address) < 0) {
        perror("connect");
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
    while (fgets(line, sizeof line, stdin) != NULL) {
        size_t size = strcspn(line, "\n");
        line[size++] = '\n';
        if (size == 5 && memcmp(line, "quit\n", 5) == 0)
            break;
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
