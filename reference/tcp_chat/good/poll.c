/*
 * TCP chat server, one thread for all clients: an event loop around poll().
 *
 * No call on a client's socket may block.  What can't go out at once waits in the member's buffer; a member that
 * lets too much wait is put out.
 *
 * Usage: ./server PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_LINE = 64 * 1024,          /* bytes of a line, its end included */
    MAX_WAITING = 4 * 1024 * 1024, /* bytes that may wait for a member that does not read */
    MAX_MEMBERS = 500,             /* more wait in the backlog; the usual limit is 1024 open files */
};

struct member {
    unsigned char line[MAX_LINE]; /* the unfinished line */
    size_t line_size;
    char *waiting; /* what still has to go out */
    size_t waiting_size, waiting_capacity;
    bool ended; /* it has ended its side, and gets only what waits for it */
    bool gone;
};

/* Entry 0 is the listening socket; entry i of both tables belongs to the same member. */
static struct pollfd watched[1 + MAX_MEMBERS];
static struct member *members[1 + MAX_MEMBERS];
static nfds_t entries = 1;

/* Is an error of a non-blocking call only "not now"? */
static bool is_temporary(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* Is this UTF-8?  RFC 3629, section 4: neither overlong forms nor surrogates, and nothing above U+10FFFF. */
static bool is_utf8(const unsigned char *text, size_t size)
{
    size_t i = 0;
    while (i < size) {
        unsigned char first = text[i++];
        if (first < 0x80)
            continue;
        if (first < 0xC2 || first > 0xF4)
            return false;
        int more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
        /* After some first bytes the second has a smaller range. */
        unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
        unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
        for (; more > 0; more--, i++) {
            if (i == size || text[i] < low || text[i] > high)
                return false;
            low = 0x80;
            high = 0xBF;
        }
    }
    return true;
}

/* The size of a line without CR, LF, spaces and tabs at its end. */
static size_t stripped(const unsigned char *line, size_t size)
{
    while (size > 0 && memchr(" \t\r\n", line[size - 1], 4) != NULL)
        size--;
    return size;
}

/* Lets `size` bytes wait until they can go out to a member. */
static void tell(struct member *member, const void *data, size_t size)
{
    size_t needed = member->waiting_size + size;
    if (needed > MAX_WAITING) {
        member->gone = true;
        return;
    }
    if (needed > member->waiting_capacity) {
        char *larger = realloc(member->waiting, 2 * needed);
        if (larger == NULL) {
            member->gone = true;
            return;
        }
        member->waiting = larger;
        member->waiting_capacity = 2 * needed;
    }
    memcpy(member->waiting + member->waiting_size, data, size);
    member->waiting_size = needed;
}

/* Sends a member's line to all, if it is one to be sent, and begins the next. */
static void say_line(struct member *speaker)
{
    size_t size = stripped(speaker->line, speaker->line_size);
    speaker->line_size = 0;
    if (size == 0 || !is_utf8(speaker->line, size))
        return;
    for (nfds_t i = 1; i < entries; i++) {
        tell(members[i], speaker->line, size);
        tell(members[i], "\n", 1);
    }
}

static void receive(int fd, struct member *member)
{
    unsigned char chunk[4096];
    ssize_t got = recv(fd, chunk, sizeof chunk, 0);
    if (got < 0) {
        member->gone = member->gone || !is_temporary(errno);
        return;
    }
    if (got == 0) {
        say_line(member);
        member->ended = true;
        return;
    }
    for (ssize_t i = 0; i < got; i++) {
        if (member->line_size == MAX_LINE) {
            member->gone = true;
            return;
        }
        member->line[member->line_size++] = chunk[i];
        if (chunk[i] == '\n')
            say_line(member);
    }
}

static void transmit(int fd, struct member *member)
{
    /* MSG_NOSIGNAL: a member that has left is an error to handle, not a SIGPIPE that ends us. */
    ssize_t sent = send(fd, member->waiting, member->waiting_size, MSG_NOSIGNAL);
    if (sent < 0) {
        member->gone = member->gone || !is_temporary(errno);
        return;
    }
    member->waiting_size -= (size_t)sent;
    memmove(member->waiting, member->waiting + sent, member->waiting_size);
}

static void add_member(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    struct member *member = calloc(1, sizeof *member);
    if (member == NULL || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        perror("new member");
        free(member);
        close(fd);
        return;
    }
    watched[entries] = (struct pollfd){.fd = fd};
    members[entries] = member;
    entries++;
    tell(member, "Welcome\n", strlen("Welcome\n"));
}

/* Closes member i; the last entry takes its place. */
static void remove_member(nfds_t i)
{
    close(watched[i].fd);
    free(members[i]->waiting);
    free(members[i]);
    entries--;
    watched[i] = watched[entries];
    members[i] = members[entries];
}

/* Does for member i what poll() has announced. */
static void attend(nfds_t i)
{
    struct member *member = members[i];
    short events = watched[i].revents;
    if (events & POLLOUT)
        transmit(watched[i].fd, member);
    /* After a failed send() recv() would return 0, as if the member had only ended its side. */
    if (!member->gone && !member->ended && events & (POLLIN | POLLERR | POLLHUP))
        receive(watched[i].fd, member);
    else if (events & (POLLERR | POLLHUP))
        member->gone = true; /* nothing that waits can reach it any more */
}

/* Takes leave of those that are gone or done, and says what is to be waited for at the others. */
static void settle(void)
{
    for (nfds_t i = entries - 1; i >= 1; i--) {
        struct member *member = members[i];
        if (member->gone || (member->ended && member->waiting_size == 0))
            remove_member(i);
        else
            watched[i].events = (short)((member->ended ? 0 : POLLIN) | (member->waiting_size > 0 ? POLLOUT : 0));
    }
}

/* Serves until an error that can't be mended. */
static void serve_forever(int listener)
{
    watched[0].events = POLLIN;
    for (;;) {
        settle();
        /* poll() skips negative descriptors: while there is no room, newcomers wait in the backlog. */
        watched[0].fd = entries < 1 + MAX_MEMBERS ? listener : -1;
        watched[0].revents = 0;
        if (poll(watched, entries, -1) < 0) {
            if (errno == EINTR)
                continue;
            perror("poll");
            return;
        }
        for (nfds_t i = 1; i < entries; i++)
            if (!members[i]->gone)
                attend(i);
        if (watched[0].revents != 0) {
            int fd = accept(listener, NULL, NULL);
            if (fd >= 0)
                add_member(fd);
            else if (!is_temporary(errno) && errno != ECONNABORTED) {
                perror("accept");
                return;
            }
        }
    }
}

/* A socket that listens on every IPv4 address; -1 and errno on failure. */
static int open_listener(int port)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0)
        return -1;

    int on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((in_port_t)port),
        .sin_addr.s_addr = htonl(INADDR_ANY),
    };
    /* SO_REUSEADDR: connections of an earlier run, still in TIME_WAIT, must not keep us from the port. */
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, SOMAXCONN) < 0 ||
        fcntl(listener, F_SETFL, O_NONBLOCK) < 0) {
        int saved_errno = errno;
        close(listener);
        errno = saved_errno;
        return -1;
    }
    return listener;
}

/* The port that `text` names, or -1 if it is none from 1 to 65535. */
static int parse_port(const char *text)
{
    char *end;
    errno = 0;
    long port = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || port < 1 || port > 65535)
        return -1;
    return (int)port;
}

int main(int argc, char **argv)
{
    int port = argc == 2 ? parse_port(argv[1]) : -1;
    if (port < 0) {
        fprintf(stderr, "usage: %s PORT   (1 to 65535)\n", argc > 0 ? argv[0] : "server");
        return 2;
    }
    int listener = open_listener(port);
    if (listener < 0) {
        fprintf(stderr, "%s: port %d: %s\n", argv[0], port, strerror(errno));
        return 1;
    }
    serve_forever(listener);
    return 1;
}
