/*
 * TCP chat server, two threads per client: one reads, one writes.
 *
 * Nobody writes to a client but its own writer, so a client that does not read holds up nobody else.  One lock
 * guards the list of members and what waits for each of them; nobody holds it while it waits for a client.
 *
 * Usage: ./server PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_LINE = 64 * 1024,          /* bytes of a line, its end included */
    MAX_WAITING = 4 * 1024 * 1024, /* bytes that may wait for a member that does not read */
};

struct member {
    int fd;
    char *waiting; /* what its writer has still to send */
    size_t size, capacity;
    bool ending;  /* nothing more will be told */
    bool put_out; /* for having read too little */
    pthread_cond_t changed;
    struct member *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct member *room;

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

/* Hands `size` bytes to a member's writer.  The lock is held. */
static void tell(struct member *member, const void *data, size_t size)
{
    if (member->put_out)
        return;
    size_t needed = member->size + size;
    char *larger = member->waiting;
    if (needed > member->capacity)
        larger = needed <= MAX_WAITING ? realloc(member->waiting, 2 * needed) : NULL;
    if (larger == NULL) {
        member->put_out = true;
        shutdown(member->fd, SHUT_RDWR); /* wakes its reader and its writer */
        return;
    }
    if (needed > member->capacity)
        member->capacity = 2 * needed;
    member->waiting = larger;
    memcpy(member->waiting + member->size, data, size);
    member->size = needed;
    pthread_cond_signal(&member->changed);
}

/* Sends a line of one that is still in the room to all, if it is a line to be sent. */
static void say(const struct member *speaker, const unsigned char *line, size_t size)
{
    size = stripped(line, size);
    if (size == 0 || !is_utf8(line, size))
        return;
    pthread_mutex_lock(&lock);
    if (!speaker->put_out) {
        for (struct member *member = room; member != NULL; member = member->next) {
            tell(member, line, size);
            tell(member, "\n", 1);
        }
    }
    pthread_mutex_unlock(&lock);
}

static bool send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        /* MSG_NOSIGNAL: a member that has left is an error to handle, not a SIGPIPE that ends us. */
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* A member's writer: sends what is told until nothing more will be. */
static void *write_lines(void *argument)
{
    struct member *member = argument;
    bool alive = true;
    while (alive) {
        pthread_mutex_lock(&lock);
        while (member->size == 0 && !member->ending)
            pthread_cond_wait(&member->changed, &lock);
        /* It takes all that waits, and lets the next collect in a new buffer. */
        char *data = member->waiting;
        size_t size = member->size;
        member->waiting = NULL;
        member->size = member->capacity = 0;
        pthread_mutex_unlock(&lock);
        alive = size > 0 && send_all(member->fd, data, size);
        free(data);
    }
    return NULL;
}

/*
 * Is the connection gone, and not only the client's side ended?  recv() can't always tell: when the writer has met
 * the error first, recv() returns 0 as at an end.
 */
static bool is_broken(int fd)
{
    struct pollfd errors = {.fd = fd}; /* they are told unasked */
    return poll(&errors, 1, 0) != 0;
}

/* Says every line of a member, until it ends its side, is gone, or is put out. */
static void read_lines(struct member *member)
{
    unsigned char line[MAX_LINE], chunk[4096];
    size_t size = 0;
    for (;;) {
        ssize_t got = recv(member->fd, chunk, sizeof chunk, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0 && !is_broken(member->fd))
            say(member, line, size);
        if (got <= 0)
            return;
        for (ssize_t i = 0; i < got; i++) {
            if (size == MAX_LINE)
                return;
            line[size++] = chunk[i];
            if (chunk[i] == '\n') {
                say(member, line, size);
                size = 0;
            }
        }
    }
}

static void enter(struct member *member)
{
    pthread_mutex_lock(&lock);
    tell(member, "Welcome\n", strlen("Welcome\n"));
    member->next = room;
    room = member;
    pthread_mutex_unlock(&lock);
}

static void leave(struct member *member)
{
    pthread_mutex_lock(&lock);
    struct member **link = &room;
    while (*link != member)
        link = &(*link)->next;
    *link = member->next;
    member->ending = true;
    pthread_cond_signal(&member->changed);
    pthread_mutex_unlock(&lock);
}

/* A member's reader, and all of its life. */
static void *serve(void *argument)
{
    struct member *member = argument;
    pthread_t writer;
    if (pthread_create(&writer, NULL, write_lines, member) == 0) {
        enter(member);
        read_lines(member);
        leave(member);
        pthread_join(writer, NULL);
    }
    close(member->fd);
    pthread_cond_destroy(&member->changed);
    free(member->waiting);
    free(member);
    return NULL;
}

static void add_member(int fd)
{
    struct member *member = calloc(1, sizeof *member);
    pthread_t reader;
    if (member == NULL) {
        perror("calloc");
        close(fd);
        return;
    }
    member->fd = fd;
    pthread_cond_init(&member->changed, NULL);
    if (pthread_create(&reader, NULL, serve, member) != 0) {
        fprintf(stderr, "no thread for a new client\n");
        close(fd);
        free(member);
        return;
    }
    pthread_detach(reader);
}

/* Serves until an error that can't be mended. */
static void serve_forever(int listener)
{
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0)
            add_member(fd);
        else if (errno != EINTR && errno != ECONNABORTED) {
            perror("accept");
            return;
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
