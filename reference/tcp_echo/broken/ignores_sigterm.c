/* Fault: ignores SIGTERM. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CLIENTS 1000

struct client {
    int matched, closing;
    size_t used, sent, dropped;
    char data[4096];
};

/* Entry 0 is the listening socket. */
static struct pollfd watched[1 + MAX_CLIENTS];
static struct client clients[1 + MAX_CLIENTS];
static int entries = 1;

/* How many bytes it is to the end of a line "close"; 0 if there is none. */
static size_t find_close(int *matched, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n' && *matched >= 5)
            return i + 1;
        if (data[i] == '\n')
            *matched = 0;
        else if (*matched >= 0 && *matched < 6 && data[i] == "close\r"[*matched])
            ++*matched;
        else
            *matched = -1;
    }
    return 0;
}

/* Both return 0 when the connection is over. */
static int transmit(int fd, struct client *client)
{
    ssize_t n = send(fd, client->data + client->sent, client->used - client->sent, 0);
    if (n < 0)
        return errno == EAGAIN;
    client->sent += n;
    if (client->sent == client->used) {
        client->sent = client->used = 0;
        if (client->closing)
            shutdown(fd, SHUT_WR);
    }
    return 1;
}

static int receive(int fd, struct client *client)
{
    ssize_t n = recv(fd, client->data, sizeof client->data, 0);
    if (n < 0)
        return errno == EAGAIN;
    if (n == 0)
        return 0;
    if (client->closing) {
        client->dropped += n;
        return client->dropped < 1 << 20;
    }
    size_t end = find_close(&client->matched, client->data, n);
    client->closing = end > 0;
    client->used = end > 0 ? end : n;
    return transmit(fd, client);
}

static int attend(int i)
{
    struct client *client = &clients[i];
    int fd = watched[i].fd;
    int alive = client->used > 0 ? transmit(fd, client) : receive(fd, client);
    watched[i].events = client->used > 0 ? POLLOUT : POLLIN;
    return alive;
}

static void add_client(int fd)
{
    fcntl(fd, F_SETFL, O_NONBLOCK);
    watched[entries].fd = fd;
    watched[entries].events = POLLIN;
    memset(&clients[entries], 0, sizeof clients[entries]);
    entries++;
}

static void remove_client(int i)
{
    close(watched[i].fd);
    entries--;
    watched[i] = watched[entries];
    clients[i] = clients[entries];
}

static void serve_forever(int listener)
{
    watched[0].events = POLLIN;
    while (1) {
        watched[0].fd = entries < 1 + MAX_CLIENTS ? listener : -1;
        watched[0].revents = 0;
        if (poll(watched, entries, -1) < 0) {
            if (errno == EINTR)
                continue;
            perror("poll");
            exit(1);
        }
        for (int i = entries - 1; i >= 1; i--)
            if (watched[i].revents != 0 && !attend(i))
                remove_client(i);
        if (watched[0].revents != 0) {
            int fd = accept(listener, NULL, NULL);
            if (fd < 0)
                perror("accept");
            else
                add_client(fd);
        }
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
    signal(SIGTERM, SIG_IGN);

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
    if (listen(listener, 128) < 0) {
        perror("listen");
        return 1;
    }
    serve_forever(listener);
}
