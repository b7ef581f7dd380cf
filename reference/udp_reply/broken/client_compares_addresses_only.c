/* Compares the sender's address with the server's, but not its port. */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char line[65536 + 2], reply[65536];

static int ms_since(const struct timespec *began)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int)((now.tv_sec - began->tv_sec) * 1000 + (now.tv_nsec - began->tv_nsec) / 1000000);
}

static int same(const struct sockaddr_in *one, const struct sockaddr_in *other)
{
    return one->sin_addr.s_addr == other->sin_addr.s_addr;
}

/* The length of the server's reply to a line, or -1: it has not come within a second. */
static ssize_t wait_reply(int sock, const struct sockaddr_in *server, size_t length)
{
    struct timespec began;
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (;;) {
        int left = 1000 - ms_since(&began);
        struct pollfd wanted = {.fd = sock, .events = POLLIN};
        if (poll(&wanted, 1, left > 0 ? left : 0) <= 0)
            return -1;
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        ssize_t got = recvfrom(sock, reply, sizeof reply, 0, (struct sockaddr *)&from, &size);
        if (got == (ssize_t)length + 5 && same(&from, server) && !memcmp(reply, "OK...", 5)
            && !memcmp(reply + 5, line, length))
            return got;
    }
}

static int find(const char *host, const char *port, struct sockaddr_in *server)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM}, *found;
    if (getaddrinfo(host, port, &hints, &found))
        return -1;
    memcpy(server, found->ai_addr, sizeof *server);
    freeaddrinfo(found);
    return 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_in server;
    if (argc != 3 || find(argv[1], argv[2], &server) < 0) {
        fprintf(stderr, "usage: client HOST PORT\n");
        return 1;
    }
    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (sock < 0) {
        perror("socket");
        return 1;
    }
    for (;;) {
        printf("> ");
        fflush(stdout);
        if (!fgets(line, sizeof line, stdin))
            break;
        size_t length = strcspn(line, "\n");
        line[length] = '\0';
        if (!strcmp(line, "quit"))
            break;
        if (sendto(sock, line, length, 0, (struct sockaddr *)&server, sizeof server) < 0) {
            perror("sendto");
            continue;
        }
        ssize_t got = wait_reply(sock, &server, length);
        if (got < 0)
            fprintf(stderr, "no reply from %s port %s\n", argv[1], argv[2]);
        else
            printf("%.*s\n", (int)got, reply);
    }
    close(sock);
    return 0;
}
