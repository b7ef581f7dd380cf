/* Takes the last byte of each line for its end, also where there is none. */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 65536, TIMEOUT_MS = 1000 };

static char reply[MOST];

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The length of the reply to a line, or -1: none has come in time, or nobody receives there. */
static ssize_t ask(int sock, const char *line, size_t length)
{
    if (send(sock, line, length, 0) < 0)
        return -1;
    long give_up_at = now_ms() + TIMEOUT_MS, left;
    while ((left = give_up_at - now_ms()) > 0) {
        struct timeval timeout = {left / 1000, left % 1000 * 1000};
        setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        ssize_t got = recv(sock, reply, sizeof reply, 0);
        if (got < 0)
            return -1;
        if ((size_t)got == length + 5 && !memcmp(reply, "OK...", 5) && !memcmp(reply + 5, line, length))
            return got;
    }
    return -1;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: client HOST PORT\n");
        return 1;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *server;
    int code = getaddrinfo(argv[1], argv[2], &hints, &server);
    if (code) {
        fprintf(stderr, "client: %s: %s\n", argv[1], gai_strerror(code));
        return 1;
    }
    int sock = socket(server->ai_family, server->ai_socktype, server->ai_protocol);
    if (sock < 0 || connect(sock, server->ai_addr, server->ai_addrlen) < 0) {
        perror("client");
        return 1;
    }
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    while ((length = getline(&line, &room, stdin)) > 0) {
        line[--length] = '\0';
        if (!strcmp(line, "quit"))
            break;
        ssize_t got = ask(sock, line, (size_t)length);
        if (got < 0) {
            perror("client: no reply");
            continue;
        }
        fwrite(reply, 1, (size_t)got, stdout);
        putchar('\n');
        fflush(stdout);
    }
    free(line);
    freeaddrinfo(server);
    close(sock);
    return 0;
}
