/*
 * UDP upper case client: lines by getline(), a connected socket, and poll() to wait for answers.
 *
 * Usage: ./client HOST PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 3, PATIENCE_MS = 1000, LARGEST = 65535 };

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

/* Only the letters a to z of ASCII, whatever the language of the machine. */
static void to_upper_case(char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] >= 'a' && bytes[i] <= 'z')
            bytes[i] -= 'a' - 'A';
}

/* Waits for the answer that is wanted and drops all others: 1 it came, 0 it did not come in time, -1 errno. */
static int receive(int sock, const char *wanted, size_t size)
{
    static char datagram[LARGEST];
    struct pollfd watched = {.fd = sock, .events = POLLIN};
    long deadline = now_ms() + PATIENCE_MS, left;
    while ((left = deadline - now_ms()) > 0) {
        int ready = poll(&watched, 1, (int)left);
        if (ready <= 0)
            return ready;
        ssize_t got = recv(sock, datagram, sizeof datagram, 0);
        if (got < 0)
            return -1;
        if ((size_t)got == size && memcmp(datagram, wanted, size) == 0)
            return 1;
    }
    return 0;
}

/* Sends the line until it is answered; turns it into its answer.  False, and a message, if there is none. */
static bool ask(int sock, char *line, size_t size)
{
    char *wanted = malloc(size + 1);
    if (wanted == NULL) {
        perror("malloc");
        return false;
    }
    memcpy(wanted, line, size);
    to_upper_case(wanted, size);
    int came = 0;
    for (int i = 0; i < TRIES && came == 0; i++)
        came = send(sock, line, size, 0) < 0 ? -1 : receive(sock, wanted, size);
    if (came < 0)
        perror("client"); /* nobody receives there, for instance */
    else if (came == 0)
        fprintf(stderr, "client: no answer\n");
    memcpy(line, wanted, size);
    free(wanted);
    return came > 0;
}

/* A socket that sends to the server and hears nobody else, or -1 after a message. */
static int open_socket(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error != 0) {
        fprintf(stderr, "client: %s port %s: %s\n", host, port, gai_strerror(error));
        return -1;
    }
    int sock = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (sock >= 0 && connect(sock, found->ai_addr, found->ai_addrlen) < 0) {
        close(sock);
        sock = -1;
    }
    if (sock < 0)
        perror("client");
    freeaddrinfo(found);
    return sock;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: client HOST PORT\n");
        return 2;
    }
    int sock = open_socket(argv[1], argv[2]);
    if (sock < 0)
        return 1;

    char *line = NULL;
    size_t room = 0;
    for (;;) {
        printf("> ");
        fflush(stdout);
        ssize_t size = getline(&line, &room, stdin);
        if (size < 0)
            break;
        if (size > 0 && line[size - 1] == '\n')
            size--;
        if (size == 4 && memcmp(line, "quit", 4) == 0)
            break;
        if (ask(sock, line, (size_t)size)) {
            fwrite(line, 1, (size_t)size, stdout);
            putchar('\n');
            fflush(stdout);
        }
    }
    free(line);
    close(sock);
    return 0;
}
