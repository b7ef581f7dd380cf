#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static int connected(const char *host, const char *port) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    int why = getaddrinfo(host, port, &hints, &found);
    if (why) {
        fprintf(stderr, "%s: %s\n", host, gai_strerror(why));
        exit(1);
    }
    int server = socket(found->ai_family, found->ai_socktype, 0);
    if (connect(server, found->ai_addr, found->ai_addrlen)) {
        perror(host);
        exit(1);
    }
    freeaddrinfo(found);
    return server;
}

static void send_all(int server, const char *data, size_t length) {
    while (length) {
        ssize_t sent = send(server, data, length, MSG_NOSIGNAL);
        if (sent < 0) {
            perror("send");
            exit(1);
        }
        data += sent;
        length -= sent;
    }
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: upload HOST PORT FILE\n");
        return 2;
    }
    FILE *file = fopen(argv[3], "rb");
    if (!file) {
        perror(argv[3]);
        return 1;
    }
    static char content[1 << 20];
    size_t length = fread(content, 1, sizeof content, file);
    int server = connected(argv[1], argv[2]);
    uint32_t head = htonl(length);
    send_all(server, (char *)&head, sizeof head);
    send_all(server, content, length);
    char piece[512];
    for (;;) {
        ssize_t got = recv(server, piece, sizeof piece, 0);
        if (got <= 0) {
            if (got < 0)
                perror("recv");
            else
                fprintf(stderr, "the server closed the connection too early\n");
            return 1;
        }
        char *end = memchr(piece, '\n', got);
        fwrite(piece, 1, end ? end - piece + 1 : got, stdout);
        if (end)
            break;
    }
    close(server);
    return 0;
}
