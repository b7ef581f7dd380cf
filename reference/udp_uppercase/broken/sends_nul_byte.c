/* Fault: sends the NUL byte that ends a C string along with every reply. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static char text[65535 + 1];

static void to_upper_case(char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] >= 'a' && bytes[i] <= 'z')
            bytes[i] -= 'a' - 'A';
}

static void serve_forever(int server)
{
    while (1) {
        struct sockaddr_in client;
        socklen_t length = sizeof client;
        ssize_t n = recvfrom(server, text, sizeof text - 1, 0, (struct sockaddr *)&client, &length);
        if (n < 0) {
            perror("recvfrom");
            continue;
        }
        to_upper_case(text, n);
        text[n] = '\0';
        if (sendto(server, text, n + 1, 0, (struct sockaddr *)&client, length) < 0)
            perror("sendto");
    }
}

int main(int argc, char *argv[])
{
    char *rest = "";
    long port = argc == 2 ? strtol(argv[1], &rest, 10) : 0;
    if (port < 1 || port > 65535 || *rest != '\0') {
        fprintf(stderr, "usage: server PORT\n");
        return 2;
    }

    int server = socket(AF_INET, SOCK_DGRAM, 0);
    if (server < 0) {
        perror("socket");
        return 1;
    }
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    if (bind(server, (struct sockaddr *)&address, sizeof address) < 0) {
        perror("bind");
        return 1;
    }

    serve_forever(server);
}
