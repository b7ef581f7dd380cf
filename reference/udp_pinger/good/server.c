#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;

static void stop(int number) {
    (void)number;
    stopped = 1;
}

/* Whether it is a ping that is to be answered. */
static int wants_answer(const char *datagram, size_t length) {
    if (length < 8 || memcmp(datagram, "PING ", 5))
        return 0;
    size_t at = 5;
    while (at < length && isdigit((unsigned char)datagram[at]))
        at++;
    if (at == 5 || at + 1 >= length || datagram[at] != ' ' || memchr(datagram + at + 1, ' ', length - at - 1))
        return 0;
    return (datagram[at - 1] - '0') % 5 != 0;
}

int main(int argc, char **argv) {
    char *end;
    long port = argc == 2 ? strtol(argv[1], &end, 10) : 0;
    if (argc != 2 || *end || port < 1 || port > 65535) {
        fprintf(stderr, "usage: server PORT\n");
        return 1;
    }
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int server = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = INADDR_ANY};
    if (bind(server, (struct sockaddr *)&here, sizeof here)) {
        perror("server: bind");
        return 1;
    }
    while (!stopped) {
        char datagram[65536];
        struct sockaddr_in client;
        socklen_t size = sizeof client;
        ssize_t got = recvfrom(server, datagram, sizeof datagram, 0, (struct sockaddr *)&client, &size);
        if (got < 0) {
            if (errno != EINTR)
                perror("server: recvfrom");
            continue;
        }
        if (wants_answer(datagram, got) && sendto(server, datagram, got, 0, (struct sockaddr *)&client, size) < 0)
            perror("server: sendto");
    }
    close(server);
    return 0;
}
