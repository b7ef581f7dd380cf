#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

/* Returns the time of the round trip, or a negative number if the ping was lost. */
static double ping(int server, const struct sockaddr_in *there, int number) {
    char sent[64], head[32], came[2048];
    int length = snprintf(sent, sizeof sent, "PING %d %.3f", number, now_ms(CLOCK_REALTIME) / 1e3);
    int head_length = snprintf(head, sizeof head, "PING %d ", number);
    double started = now_ms(CLOCK_MONOTONIC), left;
    if (sendto(server, sent, length, 0, (const struct sockaddr *)there, sizeof *there) < 0) {
        perror("client: sendto");
        exit(1);
    }
    while ((left = started + 1000 - now_ms(CLOCK_MONOTONIC)) > 0) {
        struct pollfd ready = {server, POLLIN, 0};
        if (poll(&ready, 1, (int)left + 1) <= 0)
            continue;
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        ssize_t got = recvfrom(server, came, sizeof came, 0, (struct sockaddr *)&from, &size);
        if (got <= head_length || memcmp(came, head, head_length))
            continue;
        if (from.sin_port != there->sin_port || from.sin_addr.s_addr != there->sin_addr.s_addr)
            continue;
        return now_ms(CLOCK_MONOTONIC) - started;
    }
    return -1;
}

int main(int argc, char **argv) {
    if (argc != 4 || atoi(argv[3]) < 1) {
        fprintf(stderr, "usage: client HOST PORT COUNT\n");
        return 1;
    }
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM}, *found;
    int why = getaddrinfo(argv[1], argv[2], &hints, &found);
    if (why) {
        fprintf(stderr, "client: %s: %s\n", argv[1], gai_strerror(why));
        return 1;
    }
    struct sockaddr_in there;
    memcpy(&there, found->ai_addr, sizeof there);
    freeaddrinfo(found);
    int server = socket(AF_INET, SOCK_DGRAM, 0), count = atoi(argv[3]), received = 0;
    double least = 0, most = 0, sum = 0;
    for (int number = 1; number <= count; number++) {
        double took = ping(server, &there, number);
        if (took < 0) {
            printf("%d: lost\n", number);
            continue;
        }
        printf("%d: %.3f ms\n", number, took);
        if (!received || took < least)
            least = took;
        if (took > most)
            most = took;
        sum += took;
        received++;
    }
    printf("%d sent, %d received, %.0f%% lost\n", count, received, 100.0 * (count - received) / count);
    if (!received) {
        fprintf(stderr, "client: no answer came\n");
        return 1;
    }
    printf("minimum %.3f ms, average %.3f ms, maximum %.3f ms\n", least, sum / received, most);
    return 0;
}
