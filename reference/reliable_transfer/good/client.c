#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { START = 1, DATA, END, ACK };
enum { HEADER = 12, PAYLOAD = 1024, TRIES = 5, TIMEOUT_MS = 500 };

static int server;
static uint32_t transfer;

static void put(uint8_t *at, uint32_t number, int bytes) {
    while (bytes--) {
        at[bytes] = number;
        number >>= 8;
    }
}

/* The checksum of a frame, whose own place holds 0. */
static uint16_t checksum(const uint8_t *frame, size_t length) {
    uint32_t sum = 0;
    for (size_t at = 0; at < length; at++)
        sum += at % 2 ? frame[at] : frame[at] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum;
}

/* Writes a frame's header before its payload; returns the frame's length. */
static size_t finish(uint8_t *frame, uint32_t number, int kind, size_t payload) {
    put(frame, transfer, 4);
    put(frame + 4, number, 4);
    put(frame + 8, kind, 2);
    put(frame + 10, 0, 2);
    put(frame + 10, checksum(frame, HEADER + payload), 2);
    return HEADER + payload;
}

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Whether the ACK comes in time. */
static int acknowledged(const uint8_t *ack) {
    long long end = now_ms() + TIMEOUT_MS, left;
    while ((left = end - now_ms()) >= 0) {
        struct pollfd ready = {server, POLLIN, 0};
        uint8_t came[2048];
        if (poll(&ready, 1, (int)left + 1) > 0 && recv(server, came, sizeof came, 0) == HEADER &&
            !memcmp(came, ack, HEADER))
            return 1;
    }
    return 0;
}

/* Sends a frame until it is acknowledged; its payload is already there. */
static void deliver(uint8_t *frame, uint32_t number, int kind, size_t payload) {
    uint8_t ack[HEADER];
    finish(ack, number, ACK, 0);
    size_t length = finish(frame, number, kind, payload);
    for (int tries = 0; tries < TRIES; tries++) {
        if (send(server, frame, length, 0) < 0 && errno != ECONNREFUSED) {
            perror("client: send");
            exit(1);
        }
        if (acknowledged(ack))
            return;
    }
    fprintf(stderr, "client: frame %u was sent %d times, and no ACK came\n", number, TRIES);
    exit(1);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: client HOST PORT FILE\n");
        return 1;
    }
    FILE *file = fopen(argv[3], "rb");
    if (!file) {
        perror(argv[3]);
        return 1;
    }
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM}, *found;
    int why = getaddrinfo(argv[1], argv[2], &hints, &found);
    if (why) {
        fprintf(stderr, "client: %s: %s\n", argv[1], gai_strerror(why));
        return 1;
    }
    server = socket(AF_INET, SOCK_DGRAM, 0);
    if (server < 0 || connect(server, found->ai_addr, found->ai_addrlen) ||
        getrandom(&transfer, sizeof transfer, 0) != sizeof transfer) {
        perror("client");
        return 1;
    }
    freeaddrinfo(found);

    const char *slash = strrchr(argv[3], '/'), *name = slash ? slash + 1 : argv[3];
    uint8_t frame[HEADER + PAYLOAD];
    uint32_t number = 0;
    size_t size = 0, got = strlen(name);
    if (got > PAYLOAD) {
        fprintf(stderr, "client: the name is too long\n");
        return 1;
    }
    memcpy(frame + HEADER, name, got);
    deliver(frame, number++, START, got);
    while ((got = fread(frame + HEADER, 1, PAYLOAD, file)) > 0) {
        deliver(frame, number++, DATA, got);
        size += got;
    }
    deliver(frame, number, END, 0);
    printf("sent %s, %zu bytes\n", name, size);
    fclose(file);
    close(server);
    return 0;
}
