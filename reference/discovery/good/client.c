#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#define TRIES 3
#define MOST 1024

static char listed[MOST][128];
static int count;

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Lists a server, if what it has sent is an answer, and if it is not listed yet. */
static void look_at(const char *datagram, const char *head, const struct sockaddr_in *from) {
    char line[128], name[64], after;
    unsigned port;
    if (strncmp(datagram, head, strlen(head)))
        return;
    if (sscanf(datagram + strlen(head), "%5u %63[A-Za-z0-9-]%c", &port, name, &after) != 2 || port < 1 || port > 65535)
        return;
    snprintf(line, sizeof line, "%s %u %s", inet_ntoa(from->sin_addr), port, name);
    for (int number = 0; number < count; number++)
        if (!strcmp(listed[number], line))
            return;
    if (count < MOST)
        strcpy(listed[count++], line);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: client ADDRESS PORT SERVICE\n");
        return 1;
    }
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM}, *there;
    int why = getaddrinfo(argv[1], argv[2], &hints, &there);
    if (why) {
        fprintf(stderr, "client: %s: %s\n", argv[1], gai_strerror(why));
        return 1;
    }
    unsigned char drawn[8];
    if (getrandom(drawn, sizeof drawn, 0) != sizeof drawn) {
        perror("client: getrandom");
        return 1;
    }
    char query[128], head[128];
    int length = snprintf(query, sizeof query - 17, "FIND 1 %s ", argv[3]);
    for (size_t number = 0; number < sizeof drawn; number++)
        length += sprintf(query + length, "%02x", drawn[number]);
    snprintf(head, sizeof head, "HERE%.100s ", query + 4);
    int sock = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
    setsockopt(sock, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
    for (int try = 0; try < TRIES && !count; try++) {
        if (sendto(sock, query, length, 0, there->ai_addr, there->ai_addrlen) < 0) {
            perror("client: sendto");
            return 1;
        }
        long long until = now_ms() + 1000, left;
        while ((left = until - now_ms()) > 0) {
            struct pollfd ready = {sock, POLLIN, 0};
            if (poll(&ready, 1, left) <= 0)
                continue;
            char datagram[2048];
            struct sockaddr_in from;
            socklen_t size = sizeof from;
            ssize_t got = recvfrom(sock, datagram, sizeof datagram - 1, 0, (struct sockaddr *)&from, &size);
            if (got < 0)
                continue;
            datagram[got] = 0;
            look_at(datagram, head, &from);
        }
    }
    for (int number = 0; number < count; number++)
        puts(listed[number]);
    if (!count) {
        fprintf(stderr, "client: nobody offers %s\n", argv[3]);
        return 1;
    }
    return 0;
}
