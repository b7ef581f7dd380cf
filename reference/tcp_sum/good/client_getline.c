/*
 * TCP sum client: lines are read by getline, however long, and one reply is awaited after each.
 *
 * Usage: ./client HOST PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REPLY = 12 };                /* bytes of a reply: its length, and a sum of 8 bytes */
static const char BLANKS[] = " \t\r\n";

/* A frame that grows: its length, then the numbers, all in network byte order. */
struct frame {
    uint32_t *words;
    size_t used, capacity; /* in words */
};

static bool append(struct frame *frame, uint32_t word)
{
    if (frame->used == frame->capacity) {
        size_t capacity = frame->capacity > 0 ? 2 * frame->capacity : 64;
        uint32_t *larger = realloc(frame->words, capacity * sizeof *larger);
        if (larger == NULL)
            return false;
        frame->words = larger;
        frame->capacity = capacity;
    }
    frame->words[frame->used++] = htonl(word);
    return true;
}

/* Fills the frame with the numbers of a line; false when there is anything else in it. */
static bool fill(struct frame *frame, const char *line)
{
    frame->used = 0;
    if (!append(frame, 0))
        return false;
    for (line += strspn(line, BLANKS); *line != '\0'; line += strspn(line, BLANKS)) {
        char *end;
        errno = 0;
        long long number = strtoll(line, &end, 10);
        if (errno != 0 || end == line || (*end != '\0' && strchr(BLANKS, *end) == NULL))
            return false;
        if (number < INT32_MIN || number > INT32_MAX || !append(frame, (uint32_t)number))
            return false;
        line = end;
    }
    frame->words[0] = htonl((uint32_t)(4 * (frame->used - 1)));
    return true;
}

/* Sends all `size` bytes; false when the connection is gone. */
static bool send_all(int sock, const void *data, size_t size)
{
    const char *next = data;
    while (size > 0) {
        /* MSG_NOSIGNAL: a server that has gone is an error to report, not a SIGPIPE that ends us. */
        ssize_t sent = send(sock, next, size, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR)
                continue;
            perror("client: send");
            return false;
        }
        next += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Reads exactly `size` bytes, however many each recv brings; false when the connection ends before. */
static bool receive_all(int sock, unsigned char *data, size_t size)
{
    while (size > 0) {
        ssize_t got = recv(sock, data, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            fprintf(stderr, "client: %s\n", got < 0 ? strerror(errno) : "the server has closed the connection");
            return false;
        }
        data += got;
        size -= (size_t)got;
    }
    return true;
}

/* Reads a reply and prints its sum; false when there is none. */
static bool show_sum(int sock)
{
    unsigned char reply[REPLY];
    uint64_t bits = 0;
    if (!receive_all(sock, reply, 4))
        return false;
    if (memcmp(reply, (unsigned char[]){0, 0, 0, 8}, 4) != 0) {
        fprintf(stderr, "client: the reply has another length than 8\n");
        return false;
    }
    if (!receive_all(sock, reply + 4, REPLY - 4))
        return false;
    for (int i = 4; i < REPLY; i++)
        bits = bits << 8 | reply[i];
    printf("%" PRId64 "\n", (int64_t)bits);
    return fflush(stdout) == 0;
}

/* Sends each line's numbers and shows their sum, until the input ends; the program's exit status. */
static int converse(int sock)
{
    struct frame frame = {NULL, 0, 0};
    char *line = NULL;
    size_t capacity = 0;
    int status = 0;
    while (status == 0 && getline(&line, &capacity, stdin) >= 0) {
        if (!fill(&frame, line))
            fprintf(stderr, "not sent: a line has numbers of 32 bits, and white space between them\n");
        else if (!send_all(sock, frame.words, 4 * frame.used) || !show_sum(sock))
            status = 1;
    }
    free(line);
    free(frame.words);
    return status;
}

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

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s HOST PORT\n", argc > 0 ? argv[0] : "client");
        return 2;
    }
    int sock = connect_to(argv[1], argv[2]);
    if (sock < 0)
        return 1;
    int status = converse(sock);
    close(sock);
    return status;
}
