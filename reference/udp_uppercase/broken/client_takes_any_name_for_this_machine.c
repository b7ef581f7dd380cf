/* Fault: gives the host to inet_aton and never asks whether it was an address: a name stays 0.0.0.0, this machine. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static char reply[65536];

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int is_answer(const char *line, ssize_t size, ssize_t got)
{
    if (got != size)
        return 0;
    for (ssize_t i = 0; i < size; i++) {
        char c = line[i];
        if (c >= 'a' && c <= 'z')
            c -= 'a' - 'A';
        if (reply[i] != c)
            return 0;
    }
    return 1;
}

/* The size of the reply, or -1 when none has come within a second. */
static ssize_t receive(int sock, struct sockaddr_in *server, const char *line, ssize_t size)
{
    long end = now_ms() + 1000, left;
    while ((left = end - now_ms()) > 0) {
        struct timeval timeout = {left / 1000, left % 1000 * 1000};
        setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        struct sockaddr_in source;
        socklen_t length = sizeof source;
        ssize_t got = recvfrom(sock, reply, sizeof reply, 0, (struct sockaddr *)&source, &length);
        if (got < 0)
            return -1;
        if (source.sin_addr.s_addr == server->sin_addr.s_addr && source.sin_port == server->sin_port &&
            is_answer(line, size, got))
            return got;
    }
    return -1;
}

static ssize_t ask(int sock, struct sockaddr_in *server, const char *line, ssize_t size)
{
    for (int i = 0; i < 3; i++) {
        if (sendto(sock, line, size, 0, (struct sockaddr *)server, sizeof *server) < 0)
            perror("sendto");
        ssize_t got = receive(sock, server, line, size);
        if (got >= 0)
            return got;
    }
    return -1;
}

static void talk(int sock, struct sockaddr_in *server)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    while (printf("> "), fflush(stdout), (size = getline(&line, &room, stdin)) > 0) {
        if (line[size - 1] == '\n')
            line[--size] = '\0';
        if (strcmp(line, "quit") == 0)
            break;
        ssize_t got = ask(sock, server, line, size);
        if (got < 0) {
            fprintf(stderr, "no answer\n");
        } else {
            printf("%.*s\n", (int)got, reply);
            fflush(stdout);
        }
    }
    free(line);
}

static int find(const char *host, const char *port, struct sockaddr_in *server)
{
    *server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    inet_aton(host, &server->sin_addr);
    return 0;
}

int main(int argc, char *argv[])
{
    struct sockaddr_in server;
    if (argc != 3) {
        fprintf(stderr, "usage: client HOST PORT\n");
        return 2;
    }
    if (find(argv[1], argv[2], &server) < 0)
        return 1;
    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (sock < 0) {
        perror("socket");
        return 1;
    }
    talk(sock, &server);
    close(sock);
    return 0;
}
