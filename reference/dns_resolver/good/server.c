/* server PORT ZONEFILE: answers queries for one zone, over UDP and TCP, in one loop around poll. */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { A = 1, CNAME = 5, MX = 15, AAAA = 28, HEADER = 12, UDP_BYTES = 512, TCP_BYTES = 65535 };
enum { FORMERR = 1, NXDOMAIN = 3, NOTIMP = 4, REFUSED = 5 };
enum { MOST_RECORDS = 1000, MOST_CLIENTS = 200 };

typedef unsigned char byte;

struct record {
    char name[256];   /* with a dot at the end */
    char target[256]; /* of a CNAME */
    int type;
    unsigned ttl;
    byte data[260];
    size_t size;
};

struct client {
    int fd;
    byte *in;
    size_t held;
};

static struct record records[MOST_RECORDS];
static size_t record_count;
static char origin[256];
static struct client clients[MOST_CLIENTS];
static int client_count;
static volatile sig_atomic_t stopped;

static void stop(int number) {
    (void)number;
    stopped = 1;
}

static unsigned two(const byte *at) { return at[0] << 8 | at[1]; }

static size_t put_two(byte *to, unsigned number) {
    to[0] = number >> 8;
    to[1] = number & 255;
    return 2;
}

/* Writes a name that ends with a dot in labels; returns how many bytes these are. */
static size_t put_name(byte *to, const char *name) {
    size_t length = 0;
    while (*name && *name != '.') {
        size_t label = strcspn(name, ".");
        to[length++] = label;
        memcpy(to + length, name, label);
        length += label;
        name += label + (name[label] == '.');
    }
    to[length++] = 0;
    return length;
}

static void read_line(char *line) {
    char kind[16], first[256], second[256] = "";
    struct record *r = &records[record_count];
    if (line[0] == ';' || sscanf(line, "$ORIGIN %255s", origin) == 1 || record_count == MOST_RECORDS)
        return;
    if (sscanf(line, "%255s %u IN %15s %255s %255s", r->name, &r->ttl, kind, first, second) < 4)
        return;
    if (strcmp(kind, "A") == 0) {
        r->type = A;
        r->size = 4;
        inet_pton(AF_INET, first, r->data);
    } else if (strcmp(kind, "AAAA") == 0) {
        r->type = AAAA;
        r->size = 16;
        inet_pton(AF_INET6, first, r->data);
    } else if (strcmp(kind, "MX") == 0) {
        r->type = MX;
        r->size = put_two(r->data, atoi(first)) + put_name(r->data + 2, second);
    } else {
        r->type = CNAME;
        r->size = put_name(r->data, first);
        strcpy(r->target, first);
    }
    record_count++;
}

static int read_zone(const char *path) {
    char line[1024];
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    while (fgets(line, sizeof line, file))
        read_line(line);
    fclose(file);
    return 0;
}

static int in_zone(const char *name) {
    size_t length = strlen(name), its = strlen(origin);
    if (length < its || strcmp(name + length - its, origin))
        return 0;
    return length == its || name[length - its - 1] == '.';
}

static int is_there(const char *name) {
    for (size_t i = 0; i < record_count; i++)
        if (strcmp(records[i].name, name) == 0)
            return 1;
    return 0;
}

static size_t put_record(byte *to, const struct record *r) {
    size_t length = put_name(to, r->name);
    length += put_two(to + length, r->type);
    length += put_two(to + length, 1);
    length += put_two(to + length, r->ttl >> 16);
    length += put_two(to + length, r->ttl & 0xffff);
    length += put_two(to + length, r->size);
    memcpy(to + length, r->data, r->size);
    return length + r->size;
}

/* Adds the records that answer a question; returns how many they are, or -1 if they have no room. */
static int put_answers(byte *to, size_t *length, size_t most, const char *name, unsigned type) {
    byte one[600];
    int count = 0;
    for (size_t i = 0; i < record_count; i++) {
        const struct record *r = &records[i];
        int alias = r->type == CNAME && type != CNAME;
        if (strcmp(r->name, name) || (r->type != (int)type && !alias))
            continue;
        size_t size = put_record(one, r);
        if (*length + size > most)
            return -1;
        memcpy(to + *length, one, size);
        *length += size;
        count++;
        if (alias) {
            name = r->target;
            i = -1;
        }
    }
    return count;
}

/* Reads the question's name, in small letters with a dot at the end; returns the place behind it, or 0. */
static size_t read_name(const byte *query, size_t size, char *name) {
    size_t at = HEADER, length = 0;
    while (at < size && query[at]) {
        size_t label = query[at];
        if (label > 63 || at + label >= size || length + label + 2 > 255)
            return 0;
        for (size_t i = 1; i <= label; i++)
            name[length++] = tolower(query[at + i]);
        name[length++] = '.';
        at += label + 1;
    }
    name[length] = 0;
    return at < size ? at + 1 : 0;
}

/* Writes the answer to a query; returns its length, 0 if there is none. */
static size_t answer(const byte *query, size_t size, byte *to, size_t most) {
    char name[512];
    if (size < HEADER || query[2] & 0x80)
        return 0;
    memset(to, 0, HEADER);
    memcpy(to, query, 2);
    to[2] = 0x80 | (query[2] & 0x79); /* QR, and OPCODE and RD of the query */
    if (query[2] & 0x78) {
        to[3] = NOTIMP;
        return HEADER;
    }
    size_t end = two(query + 4) == 1 ? read_name(query, size, name) : 0;
    if (!end || end + 4 > size) {
        to[3] = FORMERR;
        return HEADER;
    }
    size_t length = end + 4;
    memcpy(to + HEADER, query + HEADER, length - HEADER);
    to[5] = 1;
    if (!in_zone(name)) {
        to[3] = REFUSED;
        return length;
    }
    to[2] |= 0x04; /* AA */
    if (!is_there(name)) {
        to[3] = NXDOMAIN;
        return length;
    }
    int count = put_answers(to, &length, most, name, two(query + end));
    if (count < 0) {
        to[2] |= 0x02; /* TC */
        return end + 4;
    }
    put_two(to + 6, count);
    return length;
}

static void serve_udp(int server) {
    byte query[65536], to[UDP_BYTES];
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t got = recvfrom(server, query, sizeof query, 0, (struct sockaddr *)&from, &length);
    if (got < 0)
        return;
    size_t size = answer(query, got, to, sizeof to);
    if (size && sendto(server, to, size, 0, (struct sockaddr *)&from, length) < 0)
        perror("server: sendto");
}

static int send_all(int fd, const byte *from, size_t size) {
    while (size) {
        ssize_t sent = send(fd, from, size, MSG_NOSIGNAL);
        if (sent < 0)
            return -1;
        from += sent;
        size -= sent;
    }
    return 0;
}

/* Answers what has come of a client's queries; returns -1 if it has left. */
static int serve_tcp(struct client *client) {
    static byte to[2 + TCP_BYTES];
    ssize_t got = recv(client->fd, client->in + client->held, 2 + TCP_BYTES - client->held, 0);
    if (got <= 0)
        return -1;
    client->held += got;
    while (client->held >= 2 && client->held >= 2 + two(client->in)) {
        size_t size = two(client->in), length = answer(client->in + 2, size, to + 2, TCP_BYTES);
        put_two(to, length);
        if (length && send_all(client->fd, to, length + 2))
            return -1;
        client->held -= size + 2;
        memmove(client->in, client->in + size + 2, client->held);
    }
    return 0;
}

static void take_client(int listener) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
        return;
    byte *in = client_count < MOST_CLIENTS ? malloc(2 + TCP_BYTES) : NULL;
    if (!in) {
        close(fd);
        return;
    }
    clients[client_count++] = (struct client){fd, in, 0};
}

static void leave(int number) {
    close(clients[number].fd);
    free(clients[number].in);
    clients[number] = clients[--client_count];
}

static int bound(int kind, int port) {
    int fd = socket(AF_INET, kind, 0), on = 1;
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = INADDR_ANY};
    if (kind == SOCK_STREAM)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof here) || (kind == SOCK_STREAM && listen(fd, 64))) {
        perror("server: bind");
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv) {
    char *end;
    long port = argc == 3 ? strtol(argv[1], &end, 10) : 0;
    if (argc != 3 || *end || port < 1 || port > 65535) {
        fprintf(stderr, "usage: server PORT ZONEFILE\n");
        return 1;
    }
    if (read_zone(argv[2])) {
        perror(argv[2]);
        return 1;
    }
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int listener = bound(SOCK_STREAM, port), server = bound(SOCK_DGRAM, port);
    while (!stopped) {
        struct pollfd ready[2 + MOST_CLIENTS] = {{server, POLLIN, 0}, {listener, POLLIN, 0}};
        int count = client_count;
        for (int i = 0; i < count; i++)
            ready[2 + i] = (struct pollfd){clients[i].fd, POLLIN, 0};
        if (poll(ready, 2 + count, -1) < 0)
            continue;
        for (int i = count - 1; i >= 0; i--)
            if (ready[2 + i].revents && serve_tcp(&clients[i]))
                leave(i);
        if (ready[0].revents)
            serve_udp(server);
        if (ready[1].revents)
            take_client(listener);
    }
    return 0;
}
