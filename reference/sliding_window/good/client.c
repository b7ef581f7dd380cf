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
enum { HEADER = 12, PAYLOAD = 1024, TRIES = 5, TIMEOUT_MS = 500, MOST = 64 };

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

/* The frames from base to next are not acknowledged; each has its place in a ring. */
static struct {
    uint8_t bytes[HEADER + PAYLOAD];
    size_t length;
} ring[MOST];
static uint32_t base, next;

static void put_out(uint32_t number) {
    if (send(server, ring[number % MOST].bytes, ring[number % MOST].length, 0) < 0 && errno != ECONNREFUSED) {
        perror("client: send");
        exit(1);
    }
}

static uint32_t get(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

/* Whether an ACK comes in time that acknowledges anything new. */
static int acknowledged(void) {
    long long end = now_ms() + TIMEOUT_MS, left;
    while ((left = end - now_ms()) >= 0) {
        struct pollfd ready = {server, POLLIN, 0};
        uint8_t came[2048], ack[HEADER];
        if (poll(&ready, 1, (int)left + 1) <= 0 || recv(server, came, sizeof came, 0) != HEADER)
            continue;
        uint32_t number = get(came + 4);
        finish(ack, number, ACK, 0);
        if (!memcmp(came, ack, HEADER) && number >= base && number < next) {
            base = number + 1;
            return 1;
        }
    }
    return 0;
}

/* Waits until at most so many frames are not acknowledged; goes back to the first of them when nothing comes. */
static void wait_for(uint32_t most) {
    int tries = 1;
    while (next - base > most) {
        if (acknowledged()) {
            tries = 1;
        } else if (tries++ < TRIES) {
            for (uint32_t number = base; number != next; number++)
                put_out(number);
        } else {
            fprintf(stderr, "client: frame %u was sent %d times, and no ACK came\n", base, TRIES);
            exit(1);
        }
    }
}

/* Sends the next frame, whose payload is already in its place. */
static void deliver(int kind, size_t payload) {
    ring[next % MOST].length = finish(ring[next % MOST].bytes, next, kind, payload);
    put_out(next++);
}

int main(int argc, char **argv) {
    int window = argc == 5 ? atoi(argv[4]) : 0;
    if (window < 1 || window > MOST) {
        fprintf(stderr, "usage: client HOST PORT FILE WINDOW\n");
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
    size_t size = 0, got = strlen(name);
    if (got > PAYLOAD) {
        fprintf(stderr, "client: the name is too long\n");
        return 1;
    }
    memcpy(ring[0].bytes + HEADER, name, got);
    deliver(START, got);
    wait_for(0);
    while ((got = fread(ring[next % MOST].bytes + HEADER, 1, PAYLOAD, file)) > 0) {
        deliver(DATA, got);
        size += got;
        wait_for(window - 1);
    }
    deliver(END, 0);
    wait_for(0);
    printf("sent %s, %zu bytes\n", name, size);
    fclose(file);
    close(server);
    return 0;
}
