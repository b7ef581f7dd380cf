/* Fault: answers a length that is not allowed by an error message before it closes the connection. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_LENGTH (1024 * 1024)

static uint32_t numbers[MAX_LENGTH / 4];

/* 1 when all bytes have come, 0 at the end of the connection */
static int recv_all(int client, void *data, size_t size)
{
    char *p = data;
    while (size > 0) {
        ssize_t n = recv(client, p, size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return 0;
        p += n;
        size -= n;
    }
    return 1;
}

static int send_all(int client, const void *data, size_t size)
{
    const char *p = data;
    while (size > 0) {
        ssize_t n = send(client, p, size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        p += n;
        size -= n;
    }
    return 0;
}

static void serve(int client)
{
    uint32_t length;
    while (recv_all(client, &length, sizeof length)) {
        length = ntohl(length);
        if (length > MAX_LENGTH || length % 4 != 0) {
            const char *message = "ERROR bad length\n";
            send_all(client, message, strlen(message));
            return;
        }
        if (!recv_all(client, numbers, length))
            return;
        int64_t sum = 0;
        for (uint32_t i = 0; i < length / 4; i++)
            sum += (int32_t)ntohl(numbers[i]);
        uint32_t reply[3] = {htonl(8), htonl((uint64_t)sum >> 32), htonl((uint32_t)sum)};
        if (send_all(client, reply, sizeof reply) < 0)
            return;
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
    signal(SIGPIPE, SIG_IGN);

    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);

    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) {
        perror("bind");
        return 1;
    }
    if (listen(listener, 100) < 0) {
        perror("listen");
        return 1;
    }

    while (1) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) {
            perror("accept");
            continue;
        }
        serve(client);
        close(client);
    }
}
