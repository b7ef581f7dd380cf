#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void *serve(void *argument) {
    int client = (int)(long)argument;
    char buffer[8192];
    ssize_t got;
    while ((got = recv(client, buffer, sizeof buffer, 0)) > 0)
        for (ssize_t sent = 0, now; sent < got; sent += now)
            if ((now = send(client, buffer + sent, got - sent, MSG_NOSIGNAL)) < 0) {
                close(client);
                return NULL;
            }
    close(client);
    return NULL;
}

int main(int argc, char **argv) {
    char *end;
    long port = argc == 3 ? strtol(argv[1], &end, 10) : 0;
    if (port < 1 || port > 65535 || *end != '\0') {
        fprintf(stderr, "usage: %s PORT LOG\n", argv[0]);
        return EXIT_FAILURE;
    }
    FILE *log = fopen(argv[2], "a");
    if (log == NULL) {
        perror(argv[2]);
        return EXIT_FAILURE;
    }
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0 || listen(listener, 128) < 0) {
        perror("bind");
        return EXIT_FAILURE;
    }
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client >= 0) {
            fprintf(log, "a client\n");
            serve((void *)(long)client);
        }
    }
}
