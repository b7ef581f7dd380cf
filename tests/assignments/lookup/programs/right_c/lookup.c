#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int connected(const char *host, const char *port) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM}, *found;
    int why = getaddrinfo(host, port, &hints, &found);
    if (why) {
        fprintf(stderr, "%s: %s\n", host, gai_strerror(why));
        exit(1);
    }
    int server = socket(found->ai_family, found->ai_socktype, 0);
    if (connect(server, found->ai_addr, found->ai_addrlen)) {
        perror(host);
        exit(1);
    }
    freeaddrinfo(found);
    return server;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: lookup NAME HOST PORT\n");
        return 2;
    }
    int server = connected(argv[2], argv[3]);
    unsigned char question[258], answer[512];
    size_t length = strlen(argv[1]);
    if (length > 255)
        return 2;
    memcpy(question + 2, argv[1], length);
    srand(getpid());
    for (int tries = 0; tries < 3; tries++) {
        question[0] = rand();
        question[1] = rand();
        if (send(server, question, length + 2, 0) < 0) {
            perror("send");
            return 1;
        }
        int until = now_ms() + 1000, left;
        while ((left = until - now_ms()) > 0) {
            struct pollfd ready = {server, POLLIN, 0};
            if (poll(&ready, 1, left) == 0)
                break;
            ssize_t got = recv(server, answer, sizeof answer, 0);
            if (got < 0) {
                perror("recv");
                return 1;
            }
            if (got < 2 || memcmp(answer, question, 2))
                continue;
            if (got == 2) {
                fprintf(stderr, "there is no %s\n", argv[1]);
                return 1;
            }
            printf("%d.%d.%d.%d\n", answer[2], answer[3], answer[4], answer[5]);
            return 0;
        }
    }
    fprintf(stderr, "no answer\n");
    return 1;
}
