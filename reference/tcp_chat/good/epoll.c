/*
 * TCP chat server, one thread for all clients: an event loop around epoll.
 *
 * No call on a client's socket may block.  A member whose own lines don't go out to it is not read meanwhile; one for
 * which the others have said too much is put out.
 *
 * Usage: ./server PORT
 */
#define _GNU_SOURCE

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_LINE = 64 * 1024,          /* bytes of a line, its end included */
    CHUNK = 16 * 1024,             /* bytes that one recv may bring */
    ENOUGH_WAITING = 256 * 1024,   /* bytes that wait for a member, above which it is not read */
    MAX_WAITING = 4 * 1024 * 1024, /* bytes that wait for a member, above which it is put out */
    EVENTS = 64,
};

/*
 * pending: what has come of lines that are not complete.
 * waiting[sent .. size): what still has to go out.
 */
struct member {
    int fd;
    uint32_t interest;
    unsigned char pending[MAX_LINE + CHUNK];
    size_t pending_size;
    unsigned char *waiting;
    size_t sent, size, capacity;
    bool ended; /* it has ended its side, and gets only what waits for it */
    bool gone;
    struct member *next;
};

static struct member *room;
static int events_of_all;

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

static void tell(struct member *member, const unsigned char *data, size_t size)
{
    if (member->sent > 0) {
        member->size -= member->sent;
        memmove(member->waiting, member->waiting + member->sent, member->size);
        member->sent = 0;
    }
    if (member->size + size > member->capacity) {
        size_t capacity = 2 * (member->size + size);
        unsigned char *larger = capacity <= 2 * MAX_WAITING ? realloc(member->waiting, capacity) : NULL;
        if (larger == NULL) {
            member->gone = true;
            return;
        }
        member->waiting = larger;
        member->capacity = capacity;
    }
    memcpy(member->waiting + member->size, data, size);
    member->size += size;
}

/* Sends a line to all, if it is one to be sent. */
static void say(const unsigned char *line, size_t size)
{
    size = stripped(line, size);
    if (size == 0 || !is_utf8(line, size))
        return;
    for (struct member *member = room; member != NULL; member = member->next) {
        tell(member, line, size);
        tell(member, (const unsigned char *)"\n", 1);
    }
}

static void receive(struct member *member)
{
    ssize_t got = recv(member->fd, member->pending + member->pending_size, CHUNK, 0);
    if (got < 0) {
        member->gone = member->gone || !is_temporary(errno);
        return;
    }
    if (got == 0) {
        say(member->pending, member->pending_size);
        member->ended = true;
        return;
    }
    member->pending_size += (size_t)got;
    unsigned char *line = member->pending, *end = member->pending + member->pending_size, *lf;
    while ((lf = memchr(line, '\n', (size_t)(end - line))) != NULL) {
        say(line, (size_t)(lf - line));
        line = lf + 1;
    }
    member->pending_size = (size_t)(end - line);
    memmove(member->pending, line, member->pending_size);
    if (member->pending_size > MAX_LINE)
        member->gone = true;
}

static void transmit(struct member *member)
{
    /* MSG_NOSIGNAL: a member that has left is an error to handle, not a SIGPIPE that ends us. */
    ssize_t sent = send(member->fd, member->waiting + member->sent, member->size - member->sent, MSG_NOSIGNAL);
    if (sent >= 0)
        member->sent += (size_t)sent;
    else if (!is_temporary(errno))
        member->gone = true;
}

static void attend(struct member *member, uint32_t events)
{
    if (events & EPOLLOUT)
        transmit(member);
    /* After a failed send() recv() would return 0, as if the member had only ended its side. */
    if (events & EPOLLIN && !member->gone)
        receive(member);
    if (events & EPOLLERR)
        member->gone = true;
}

/* Tells epoll what a member is waited for. */
static void watch(struct member *member, int operation)
{
    size_t waiting = member->size - member->sent;
    uint32_t interest = 0;
    if (!member->ended && waiting < ENOUGH_WAITING)
        interest |= EPOLLIN;
    if (waiting > 0)
        interest |= EPOLLOUT;
    if (operation == EPOLL_CTL_MOD && interest == member->interest)
        return;
    member->interest = interest;
    struct epoll_event event = {.events = interest, .data.ptr = member};
    if (epoll_ctl(events_of_all, operation, member->fd, &event) < 0)
        member->gone = true;
}

static void add_member(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (!is_temporary(errno) && errno != ECONNABORTED)
            perror("accept");
        return;
    }
    struct member *member = calloc(1, sizeof *member);
    if (member == NULL) {
        perror("calloc");
        close(fd);
        return;
    }
    member->fd = fd;
    member->next = room;
    room = member;
    tell(member, (const unsigned char *)"Welcome\n", strlen("Welcome\n"));
    watch(member, EPOLL_CTL_ADD);
}

/* Takes leave of those that are gone or done, and says what is to be waited for at the others. */
static void settle(void)
{
    struct member **link = &room;
    while (*link != NULL) {
        struct member *member = *link;
        if (member->gone || (member->ended && member->sent == member->size)) {
            *link = member->next;
            close(member->fd); /* epoll forgets it by itself */
            free(member->waiting);
            free(member);
        } else {
            watch(member, EPOLL_CTL_MOD);
            link = &member->next;
        }
    }
}

/* Serves until an error that can't be mended. */
static void serve_forever(int listener)
{
    struct epoll_event events[EVENTS] = {{.events = EPOLLIN, .data.ptr = NULL}};
    events_of_all = epoll_create1(EPOLL_CLOEXEC);
    if (events_of_all < 0 || epoll_ctl(events_of_all, EPOLL_CTL_ADD, listener, &events[0]) < 0) {
        perror("epoll");
        return;
    }
    for (;;) {
        int ready = epoll_wait(events_of_all, events, EVENTS, -1);
        if (ready < 0) {
            if (errno == EINTR) /* also after the program was stopped and continued: signal(7) */
                continue;
            perror("epoll_wait");
            return;
        }
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == NULL)
                add_member(listener);
            else
                attend(events[i].data.ptr, events[i].events);
        }
        settle();
    }
}

/* A socket that listens on every IPv4 address; -1 and errno on failure. */
static int open_listener(int port)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
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
        bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, SOMAXCONN) < 0) {
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
