/*
 * Chat room client of one thread, which waits for the keyboard and the server together, by poll().  It passes on bytes
 * as they come, in both directions, so that it need not know where a line or a character ends.
 *
 * Usage: ./client HOST PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A socket connected to the host, by whichever of its addresses works; says why and gives -1 if none does. */
static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error != 0) {
        fprintf(stderr, "client: %s: %s\n", host, gai_strerror(error));
        return -1;
    }
    int sock = -1;
    for (struct addrinfo *address = found; address != NULL && sock < 0; address = address->ai_next) {
        sock = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
        if (sock >= 0 && connect(sock, address->ai_addr, address->ai_addrlen) < 0) {
            perror("client: connect");
            close(sock);
            sock = -1;
        }
    }
    freeaddrinfo(found);
    return sock;
}

/* What was typed and not sent yet. */
struct typed {
    char data[4096];
    size_t start, end;
    bool ended;     /* no more will be typed */
    bool line_open; /* the last line has no end yet */
};

static void read_keyboard(struct typed *typed)
{
    ssize_t got = read(STDIN_FILENO, typed->data, sizeof typed->data);
    if (got < 0 && errno == EINTR)
        return;
    typed->ended = got <= 0;
    typed->start = 0;
    typed->end = got > 0 ? (size_t)got : 0;
    if (typed->ended && typed->line_open)
        typed->data[typed->end++] = '\n';
    typed->line_open = typed->end > 0 && typed->data[typed->end - 1] != '\n';
}

/* Sends as much as goes without waiting; false when the server has gone. */
static bool send_typed(int sock, struct typed *typed)
{
    /* MSG_NOSIGNAL: a server that has gone is an error to report, not a SIGPIPE that ends us. */
    ssize_t sent = send(sock, typed->data + typed->start, typed->end - typed->start, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    typed->start += (size_t)sent;
    return true;
}

/* What would control the terminal becomes something else: no byte of a character that is not ASCII is below 128. */
static void make_harmless(char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (((unsigned char)data[i] < 32 && data[i] != '\n' && data[i] != '\t') || data[i] == 127)
            data[i] = '?';
}

/* Shows what has come: how many bytes that were, 0 when the server has ended its side, -1 on an error. */
static ssize_t show_heard(int sock)
{
    char data[4096];
    ssize_t got = recv(sock, data, sizeof data, 0);
    make_harmless(data, got > 0 ? (size_t)got : 0);
    for (ssize_t shown = 0; shown < got;) {
        ssize_t more = write(STDOUT_FILENO, data + shown, (size_t)(got - shown));
        if (more < 0 && errno != EINTR)
            return -1;
        shown += more > 0 ? more : 0;
    }
    return got;
}

/* Until the input has ended, and then the server's side; the program's exit status. */
static int chat(int sock)
{
    struct typed typed = {.ended = false};
    for (;;) {
        bool all_sent = typed.start == typed.end;
        struct pollfd watched[] = {
            /* poll() takes no notice of a negative descriptor. */
            {.fd = typed.ended || !all_sent ? -1 : STDIN_FILENO, .events = POLLIN},
            {.fd = sock, .events = (short)(all_sent ? POLLIN : POLLIN | POLLOUT)},
        };
        if (poll(watched, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            perror("client: poll");
            return 1;
        }
        if (watched[0].revents != 0)
            read_keyboard(&typed);
        if (typed.start < typed.end && !send_typed(sock, &typed)) {
            perror("client: send");
            return 1;
        }
        if (typed.ended && typed.start == typed.end)
            shutdown(sock, SHUT_WR); /* once more does no harm */
        if (watched[1].revents & (POLLIN | POLLERR | POLLHUP)) {
            ssize_t got = show_heard(sock);
            if (got == 0 && typed.ended)
                return 0;
            if (got <= 0) {
                fprintf(stderr, "client: %s\n", got < 0 ? strerror(errno) : "the server has ended the connection");
                return 1;
            }
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s HOST PORT\n", argc > 0 ? argv[0] : "client");
        return 2;
    }
    int sock = connect_to(argv[1], argv[2]);
    if (sock < 0)
        return 1;
    int status = chat(sock);
    close(sock);
    return status;
}
