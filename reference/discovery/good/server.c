#include <arpa/inet.h>
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

/* The id in a query that begins as one for this server must; NULL: it is no such query. */
static const char *id_in(const char *datagram, size_t length, const char *head) {
    size_t head_length = strlen(head);
    if (length <= head_length || memcmp(datagram, head, head_length))
        return NULL;
    const char *id = datagram + head_length;
    size_t id_length = length - head_length;
    return id_length > 32 || memchr(id, ' ', id_length) || memchr(id, 0, id_length) ? NULL : id;
}

int main(int argc, char **argv) {
    char *end;
    long port = argc == 5 ? strtol(argv[1], &end, 10) : 0;
    if (argc != 5 || *end || port < 1 || port > 65535) {
        fprintf(stderr, "usage: server PORT SERVICE SERVICEPORT NAME\n");
        return 1;
    }
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int server = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = INADDR_ANY};
    if (bind(server, (struct sockaddr *)&here, sizeof here)) {
        perror("server: bind");
        return 1;
    }
    char head[128];
    snprintf(head, sizeof head, "FIND 1 %s ", argv[2]);
    while (!stopped) {
        char datagram[65536], answer[512];
        struct sockaddr_in client;
        socklen_t size = sizeof client;
        ssize_t got = recvfrom(server, datagram, sizeof datagram, 0, (struct sockaddr *)&client, &size);
        if (got < 0) {
            if (errno != EINTR)
                perror("server: recvfrom");
            continue;
        }
        const char *id = id_in(datagram, got, head);
        if (!id)
            continue;
        int id_length = got - (id - datagram);
        int length = snprintf(answer, sizeof answer, "HERE 1 %s %.*s %s %s", argv[2], id_length, id, argv[3], argv[4]);
        if (sendto(server, answer, length, 0, (struct sockaddr *)&client, size) < 0)
            perror("server: sendto");
    }
    close(server);
    return 0;
}
