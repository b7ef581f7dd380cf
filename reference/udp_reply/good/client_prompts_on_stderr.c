/* UDP reply client whose prompt stands on standard error, so that its output holds replies only.
 * Usage: client_prompts_on_stderr HOST PORT */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static char line[65536], wanted[65536 + 5], reply[65536];

/* A socket that hears of the server only. */
static int connected(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM}, *found;
    if (getaddrinfo(host, port, &hints, &found))
        return -1;
    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (sock >= 0 && connect(sock, found->ai_addr, found->ai_addrlen) < 0) {
        close(sock);
        sock = -1;
    }
    freeaddrinfo(found);
    return sock;
}

static long now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* 0: the reply that is wanted has come, within a second from now, whatever else comes. */
static int ask(int sock, ssize_t length)
{
    ssize_t got = send(sock, line, strlen(line), 0);
    long left, end = now_us() + 1000000;
    while (got >= 0 && (left = end - now_us()) > 0) {
        struct timeval patience = {left / 1000000, left % 1000000};
        setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        got = recv(sock, reply, sizeof reply, 0);
        if (got == length && !memcmp(reply, wanted, (size_t)length))
            return 0;
    }
    if (got >= 0)
        errno = EAGAIN;
    return -1;
}

int main(int argc, char **argv)
{
    int sock = argc == 3 ? connected(argv[1], argv[2]) : -1;
    if (sock < 0) {
        fprintf(stderr, "usage: client HOST PORT\n");
        return EXIT_FAILURE;
    }
    while (fputs("> ", stderr), fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (!strcmp(line, "quit"))
            break;
        int length = snprintf(wanted, sizeof wanted, "OK...%s", line);
        if (ask(sock, length) < 0)
            fprintf(stderr, "%s\n", errno == EAGAIN ? "no reply came" : strerror(errno));
        else
            puts(wanted);
        fflush(stdout);
    }
    close(sock);
    return EXIT_SUCCESS;
}
