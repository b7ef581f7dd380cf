/* Fault: gives the reply to printf as its format, so that a % in it is no % any more. */
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static char line[65536 + 2], wanted[65536 + 2], reply[65536 + 2];

static int connected(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM}, *found;
    if (getaddrinfo(host, port, &hints, &found))
        return -1;
    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (sock >= 0 && connect(sock, found->ai_addr, found->ai_addrlen) < 0)
        sock = -1;
    freeaddrinfo(found);
    return sock;
}

static int ask(int sock, size_t length)
{
    for (size_t at = 0; at <= length; at++)
        wanted[at] = line[at] >= 'a' && line[at] <= 'z' ? line[at] - 'a' + 'A' : line[at];
    for (int tries = 0; tries < 3; tries++) {
        send(sock, line, length, 0);
        struct pollfd readable = {.fd = sock, .events = POLLIN};
        while (poll(&readable, 1, 1000) > 0) {
            ssize_t got = recv(sock, reply, sizeof reply - 1, 0);
            if (got < 0)
                break;
            reply[got] = '\0';
            if (got == (ssize_t)length && !strcmp(reply, wanted))
                return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    int sock = argc == 3 ? connected(argv[1], argv[2]) : -1;
    if (sock < 0) {
        fprintf(stderr, "usage: client HOST PORT\n");
        return 1;
    }
    while (fgets(line, sizeof line, stdin)) {
        size_t length = strcspn(line, "\n");
        line[length] = '\0';
        if (!strcmp(line, "quit"))
            break;
        if (ask(sock, length)) {
            printf(reply);
            putchar('\n');
            fflush(stdout);
        } else {
            fprintf(stderr, "no answer\n");
        }
    }
    return 0;
}
