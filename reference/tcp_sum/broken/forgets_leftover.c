/* Fault: after whole frames it empties its buffer, and the start of the next frame with it. */
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

static char buffer[2 * MAX_LENGTH];

static uint32_t word_at(size_t at)
{
    uint32_t word;
    memcpy(&word, buffer + at, sizeof word);
    return ntohl(word);
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
    size_t used = 0;
    while (1) {
        ssize_t n = recv(client, buffer + used, sizeof buffer - used, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        used += n;
        size_t at = 0;
        while (used - at >= 4) {
            uint32_t length = word_at(at);
            if (length > MAX_LENGTH || length % 4 != 0)
                return;
            if (used - at - 4 < length)
                break;
            int64_t sum = 0;
            for (uint32_t i = 0; i < length; i += 4)
                sum += (int32_t)word_at(at + 4 + i);
            uint32_t reply[3] = {htonl(8), htonl((uint64_t)sum >> 32), htonl((uint32_t)sum)};
            if (send_all(client, reply, sizeof reply) < 0)
                return;
            at += 4 + length;
        }
        if (at > 0)
            used = 0;
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
