#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    char *end, buffer[2048];
    long port = argc == 2 ? strtol(argv[1], &end, 10) : 0;
    if (port < 1 || port > 65535 || *end != '\0') {
        fprintf(stderr, "usage: %s PORT\n", argv[0]);
        return 1;
    }
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0 || listen(listener, 10) < 0) {
        perror("bind");
        return 1;
    }
    for (;;) {
        int client = accept(listener, NULL, NULL);
        ssize_t got;
        while (client >= 0 && (got = recv(client, buffer, sizeof buffer, 0)) > 0) {
            fwrite(buffer, 1, got, stdout);
            fflush(stdout);
            break;
        }
        close(client);
    }
}
