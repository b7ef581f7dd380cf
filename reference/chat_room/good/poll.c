/*
 * Chat room server, one thread for all clients: a loop around poll().
 *
 * No call on a client's socket may block.  A client for which too much waits is dropped, so that one that does not read
 * costs some memory and nobody's time.
 *
 * Usage: ./server PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_LINE = 64 * 1024,          /* bytes of a line, its end included */
    MAX_WAITING = 4 * 1024 * 1024, /* bytes that may wait for a client */
    MAX_NAME = 16,
    MAX_CLIENTS = 500, /* more wait in the backlog; the usual limit is 1024 open files */
};

/*
 * pending: what has come of a line that is not complete.
 * waiting[0 .. size): what still has to go out.
 */
struct client {
    char name[MAX_NAME + 1]; /* empty until it is in the room */
    char pending[MAX_LINE];
    size_t pending_size;
    char *waiting;
    size_t size, capacity;
    bool leaving; /* it has ended its side or said /quit: it gets what waits for it, and what it sends is dropped */
    bool ended;   /* its side is closed */
    bool shut;    /* our side is closed */
    bool gone;
};

/* Entry 0 is the listening socket; entry i of both tables belongs to the same client. */
static struct pollfd watched[1 + MAX_CLIENTS];
static struct client *clients[1 + MAX_CLIENTS];
static nfds_t entries = 1;

static bool is_temporary(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* Is this UTF-8?  RFC 3629, section 4: neither overlong forms nor surrogates, and nothing above U+10FFFF. */
static bool is_utf8(const char *bytes, size_t size)
{
    const unsigned char *text = (const unsigned char *)bytes;
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

static void put(struct client *client, const char *data, size_t size)
{
    if (client->size + size > client->capacity) {
        size_t capacity = 2 * (client->size + size);
        char *larger = capacity <= 2 * MAX_WAITING ? realloc(client->waiting, capacity) : NULL;
        if (larger == NULL) {
            client->gone = true;
            return;
        }
        client->waiting = larger;
        client->capacity = capacity;
    }
    memcpy(client->waiting + client->size, data, size);
    client->size += size;
}

/* Tells a client a line of three parts, the last of which has a size. */
static void tell(struct client *client, const char *before, const char *name, const char *after, const char *text,
                 size_t size)
{
    put(client, before, strlen(before));
    put(client, name, strlen(name));
    put(client, after, strlen(after));
    put(client, text, size);
    put(client, "\n", 1);
}

static void notice(struct client *client, const char *before, const char *name, const char *after)
{
    tell(client, before, name, after, "", 0);
}

static void notice_all(const char *name, const char *after)
{
    for (nfds_t i = 1; i < entries; i++)
        if (clients[i]->name[0] != '\0')
            notice(clients[i], "* ", name, after);
}

/* The member of that name, or NULL. */
static struct client *find(const char *name, size_t size)
{
    for (nfds_t i = 1; i < entries; i++)
        if (size > 0 && strlen(clients[i]->name) == size && memcmp(clients[i]->name, name, size) == 0)
            return clients[i];
    return NULL;
}

static bool is_name(const char *text, size_t size)
{
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    for (size_t i = 0; i < size; i++)
        if (text[i] == '\0' || strchr(ALLOWED, text[i]) == NULL)
            return false;
    return size >= 1 && size <= MAX_NAME;
}

static void enter(struct client *client, const char *name, size_t size)
{
    if (!is_name(name, size)) {
        notice(client, "! a name has 1 to 16 letters, digits, _ and -", "", "");
    } else if (find(name, size) != NULL) {
        notice(client, "! this name is taken", "", "");
    } else {
        char given[MAX_NAME + 1] = "";
        memcpy(given, name, size);
        notice(client, "* welcome ", given, "");
        notice_all(given, " joined");
        memcpy(client->name, given, sizeof given);
    }
}

static void leave(struct client *client)
{
    char name[MAX_NAME + 1];
    memcpy(name, client->name, sizeof name);
    client->name[0] = '\0';
    client->leaving = true;
    if (name[0] != '\0')
        notice_all(name, " left");
}

static bool begins(const char *line, size_t size, const char *command)
{
    return size > strlen(command) && memcmp(line, command, strlen(command)) == 0;
}

static bool is(const char *line, size_t size, const char *command)
{
    return size == strlen(command) && memcmp(line, command, size) == 0;
}

/* `rest` is what follows "/msg ". */
static void say_to(struct client *client, const char *rest, size_t size)
{
    const char *space = memchr(rest, ' ', size);
    if (space == NULL || space + 1 == rest + size) {
        notice(client, "! /msg needs a name and a text", "", "");
        return;
    }
    struct client *member = find(rest, (size_t)(space - rest));
    if (member == NULL)
        notice(client, "! nobody here has that name", "", "");
    else
        tell(member, "[", client->name, "] ", space + 1, (size_t)(rest + size - space - 1));
}

static void answer_who(struct client *client)
{
    put(client, "* here:", 7);
    for (nfds_t i = 1; i < entries; i++)
        if (clients[i]->name[0] != '\0') {
            put(client, " ", 1);
            put(client, clients[i]->name, strlen(clients[i]->name));
        }
    put(client, "\n", 1);
}

static void obey(struct client *client, const char *line, size_t size)
{
    bool is_member = client->name[0] != '\0';
    if (is(line, size, "/quit")) {
        notice(client, "* bye", "", "");
        leave(client);
    } else if (begins(line, size, "/ping ")) {
        tell(client, "pong ", "", "", line + 6, size - 6);
    } else if (is(line, size, "/who") && is_member) {
        answer_who(client);
    } else if (begins(line, size, "/msg ") && is_member) {
        say_to(client, line + 5, size - 5);
    } else {
        notice(client, "! there is no such command, or not for you", "", "");
    }
}

/* Deals with one line, without its ending. */
static void take(struct client *client, const char *line, size_t size)
{
    if (size > 0 && line[size - 1] == '\r')
        size--;
    if (!is_utf8(line, size)) {
        notice(client, "! this line is not UTF-8", "", "");
    } else if (size > 0 && line[0] == '/') {
        obey(client, line, size);
    } else if (client->name[0] == '\0') {
        enter(client, line, size);
    } else {
        for (nfds_t i = 1; i < entries; i++)
            if (clients[i] != client && clients[i]->name[0] != '\0')
                tell(clients[i], "", client->name, ": ", line, size);
    }
}

static void receive(int fd, struct client *client)
{
    char dropped[4096];
    bool drop = client->leaving;
    char *to = drop ? dropped : client->pending + client->pending_size;
    ssize_t got = recv(fd, to, drop ? sizeof dropped : MAX_LINE - client->pending_size, 0);
    if (got < 0) {
        client->gone = client->gone || !is_temporary(errno);
        return;
    }
    if (got == 0) {
        client->ended = true;
        if (!client->leaving)
            leave(client);
        return;
    }
    if (drop)
        return;
    client->pending_size += (size_t)got;
    char *line = client->pending, *end = client->pending + client->pending_size, *lf;
    while (!client->leaving && (lf = memchr(line, '\n', (size_t)(end - line))) != NULL) {
        take(client, line, (size_t)(lf - line));
        line = lf + 1;
    }
    client->pending_size = (size_t)(end - line);
    memmove(client->pending, line, client->pending_size);
    if (client->pending_size == MAX_LINE)
        client->gone = true;
}

static void transmit(int fd, struct client *client)
{
    /* MSG_NOSIGNAL: a client that has left is an error to handle, not a SIGPIPE that ends us. */
    ssize_t sent = send(fd, client->waiting, client->size, MSG_NOSIGNAL);
    if (sent < 0) {
        client->gone = client->gone || !is_temporary(errno);
        return;
    }
    client->size -= (size_t)sent;
    memmove(client->waiting, client->waiting + sent, client->size);
}

/* Does for a client what poll() has announced. */
static void attend(nfds_t i)
{
    struct client *client = clients[i];
    if (watched[i].revents & POLLOUT)
        transmit(watched[i].fd, client);
    if (watched[i].revents & (POLLIN | POLLHUP) && !client->gone)
        receive(watched[i].fd, client);
    if (watched[i].revents & (POLLERR | POLLNVAL))
        client->gone = true;
}

static void remove_client(nfds_t i)
{
    struct client *client = clients[i];
    int fd = watched[i].fd;
    entries--;
    watched[i] = watched[entries];
    clients[i] = clients[entries];
    if (!client->leaving)
        leave(client);
    close(fd);
    free(client->waiting);
    free(client);
}

/* Takes leave of those that are gone, which may tell others; then says what is to be waited for. */
static void settle(void)
{
    for (nfds_t i = 1; i < entries;) {
        if (clients[i]->gone || (clients[i]->ended && clients[i]->size == 0)) {
            remove_client(i);
            i = 1;
        } else {
            i++;
        }
    }
    for (nfds_t i = 1; i < entries; i++) {
        if (clients[i]->leaving && clients[i]->size == 0 && !clients[i]->shut) {
            /* Not close(): with bytes unread that would reset the last answer.  The client's own end comes next. */
            shutdown(watched[i].fd, SHUT_WR);
            clients[i]->shut = true;
        }
        watched[i].events = (short)((clients[i]->ended ? 0 : POLLIN) | (clients[i]->size > 0 ? POLLOUT : 0));
    }
}

static void add_client(int listener)
{
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) {
        if (!is_temporary(errno) && errno != ECONNABORTED)
            perror("accept");
        return;
    }
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
        perror("new client");
        free(client);
        close(fd);
        return;
    }
    watched[entries] = (struct pollfd){.fd = fd, .events = POLLIN};
    clients[entries] = client;
    entries++;
}

static void serve_forever(int listener)
{
    watched[0].events = POLLIN;
    for (;;) {
        /* poll() skips negative descriptors: while there is no room, newcomers wait in the backlog. */
        watched[0].fd = entries < 1 + MAX_CLIENTS ? listener : -1;
        if (poll(watched, entries, -1) < 0) {
            if (errno == EINTR)
                continue;
            perror("poll");
            return;
        }
        for (nfds_t i = 1; i < entries; i++)
            attend(i);
        if (watched[0].revents & POLLIN)
            add_client(listener);
        settle();
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

int main(int argc, char **argv)
{
    char *end = NULL;
    long port = argc == 2 ? strtol(argv[1], &end, 10) : 0;
    if (end == NULL || *end != '\0' || port < 1 || port > 65535) {
        fprintf(stderr, "usage: %s PORT   (1 to 65535)\n", argc > 0 ? argv[0] : "server");
        return 2;
    }
    int listener = open_listener((int)port);
    if (listener < 0) {
        fprintf(stderr, "%s: port %ld: %s\n", argv[0], port, strerror(errno));
        return 1;
    }
    serve_forever(listener);
    return 1;
}
