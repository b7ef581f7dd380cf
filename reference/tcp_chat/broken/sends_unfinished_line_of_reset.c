/* Fault: takes a reset for the client's end, and sends on the line that it had not finished. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_LINE 65536
#define MAX_WAITING (4 * 1024 * 1024)
#define MAX_CLIENTS 200

struct client {
    char line[MAX_LINE];
    size_t used;
    char *waiting;
    size_t size, room;
    int ended, gone;
};

static struct pollfd fds[1 + MAX_CLIENTS];
static struct client *clients[1 + MAX_CLIENTS];
static int count = 1;

static int is_utf8(const char *text, size_t size)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + size;
    while (p < end) {
        unsigned c = *p++;
        int more = c < 0x80 ? 0 : c < 0xC2 ? -1 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : c < 0xF5 ? 3 : -1;
        if (more < 0 || end - p < more)
            return 0;
        if ((c == 0xE0 && p[0] < 0xA0) || (c == 0xED && p[0] > 0x9F) || (c == 0xF0 && p[0] < 0x90) ||
            (c == 0xF4 && p[0] > 0x8F))
            return 0;
        for (; more > 0; more--)
            if ((*p++ & 0xC0) != 0x80)
                return 0;
    }
    return 1;
}

static void tell(struct client *to, const char *data, size_t size)
{
    if (to->size + size > MAX_WAITING) {
        to->gone = 1;
        return;
    }
    if (to->size + size > to->room) {
        to->room = 2 * (to->size + size);
        to->waiting = realloc(to->waiting, to->room);
        if (to->waiting == NULL) {
            perror("realloc");
            exit(1);
        }
    }
    memcpy(to->waiting + to->size, data, size);
    to->size += size;
}

static void say(const char *line, size_t size)
{
    while (size > 0 && memchr(" \t\r", line[size - 1], 3) != NULL)
        size--;
    if (size == 0 || !is_utf8(line, size))
        return;
    for (int i = 1; i < count; i++) {
        tell(clients[i], line, size);
        tell(clients[i], "\n", 1);
    }
}

static void receive(int fd, struct client *from)
{
    char data[65536];
    ssize_t n = recv(fd, data, sizeof data, 0);
    if (n < 0) {
        if (errno == EINTR)
            return;
        say(from->line, from->used);
        from->gone = 1;
        return;
    }
    if (n == 0) {
        say(from->line, from->used);
        from->ended = 1;
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (data[i] == '\n') {
            say(from->line, from->used);
            from->used = 0;
        } else if (from->used < MAX_LINE) {
            from->line[from->used++] = data[i];
        }
    }
}

static void transmit(int fd, struct client *to)
{
    ssize_t n = send(fd, to->waiting, to->size, MSG_DONTWAIT);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR)
            to->gone = 1;
        return;
    }
    to->size -= n;
    memmove(to->waiting, to->waiting + n, to->size);
}

static void add_client(int fd)
{
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        perror("calloc");
        exit(1);
    }
    fds[count].fd = fd;
    clients[count] = client;
    count++;
    tell(client, "Welcome\n", 8);
}

static void remove_client(int i)
{
    close(fds[i].fd);
    free(clients[i]->waiting);
    free(clients[i]);
    count--;
    fds[i] = fds[count];
    clients[i] = clients[count];
}

static void serve_forever(int listener)
{
    fds[0].events = POLLIN;
    while (1) {
        for (int i = count - 1; i > 0; i--) {
            struct client *c = clients[i];
            fds[i].events = (c->ended ? 0 : POLLIN) | (c->size > 0 ? POLLOUT : 0);
            if (c->gone || (c->ended && c->size == 0))
                remove_client(i);
        }
        fds[0].fd = count <= MAX_CLIENTS ? listener : -1;
        if (poll(fds, count, -1) < 0) {
            if (errno == EINTR)
                continue;
            perror("poll");
            exit(1);
        }
        for (int i = 1; i < count; i++) {
            if (fds[i].revents & POLLOUT)
                transmit(fds[i].fd, clients[i]);
            if (fds[i].revents & (POLLIN | POLLERR | POLLHUP) && !clients[i]->gone)
                receive(fds[i].fd, clients[i]);
        }
        if (fds[0].revents & POLLIN) {
            int fd = accept(listener, NULL, NULL);
            if (fd >= 0)
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
    serve_forever(listener);
}
