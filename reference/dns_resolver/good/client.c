/* client HOST PORT NAME TYPE: asks a name server, and prints the records that it answers with. */

#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { A = 1, CNAME = 5, MX = 15, AAAA = 28, HEADER = 12, MOST_NAME = 256, TRIES = 3, MOST_POINTERS = 127 };

typedef unsigned char byte;

struct message {
    const byte *bytes;
    size_t size;
};

struct record {
    char name[MOST_NAME];
    int type;
    size_t data, size;
};

static const struct {
    const char *name;
    int number;
} TYPES[] = {{"A", A}, {"CNAME", CNAME}, {"MX", MX}, {"AAAA", AAAA}};

static const char *CODES[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};

static void fail(const char *why) {
    fprintf(stderr, "client: %s\n", why);
    exit(1);
}

static unsigned two(const byte *at) { return at[0] << 8 | at[1]; }

static const char *type_name(int number) {
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (TYPES[i].number == number)
            return TYPES[i].name;
    return NULL;
}

static int type_number(const char *name) {
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (strcmp(TYPES[i].name, name) == 0)
            return TYPES[i].number;
    return 0;
}

/* Writes a name in labels; returns its length, or 0 if it is no name. */
static size_t write_name(const char *name, byte *to) {
    size_t length = 0;
    while (1) {
        size_t label = strcspn(name, ".");
        if (label < 1 || label > 63 || length + label + 2 > 255)
            return 0;
        to[length++] = label;
        memcpy(to + length, name, label);
        length += label;
        if (!name[label])
            break;
        name += label + 1;
    }
    to[length++] = 0;
    return length;
}

/* Reads the name at a place, in small letters with dots; returns the place behind it, or 0 if there is none. */
static size_t read_name(const struct message *m, size_t at, char *name) {
    size_t behind = 0, length = 0;
    for (int pointers = 0; at < m->size;) {
        size_t size = m->bytes[at];
        if (size == 0) {
            name[length ? length - 1 : 0] = 0;
            return behind ? behind : at + 1;
        }
        if (size >= 0xc0) {
            if (at + 1 >= m->size || ++pointers > MOST_POINTERS)
                return 0;
            if (!behind)
                behind = at + 2;
            at = two(m->bytes + at) & 0x3fff;
            continue;
        }
        if (size > 63 || at + size >= m->size || length + size + 1 >= MOST_NAME)
            return 0;
        for (size_t i = 1; i <= size; i++)
            name[length++] = tolower(m->bytes[at + i]);
        name[length++] = '.';
        at += size + 1;
    }
    return 0;
}

/* Reads the record at a place; returns the place behind it, or 0 if it is not all there, or not as it must be. */
static size_t read_record(const struct message *m, size_t at, struct record *record) {
    at = read_name(m, at, record->name);
    if (!at || at + 10 > m->size)
        return 0;
    record->type = two(m->bytes + at);
    record->size = two(m->bytes + at + 8);
    record->data = at + 10;
    size_t end = record->data + record->size;
    char name[MOST_NAME];
    if (end > m->size)
        return 0;
    switch (record->type) {
    case A:
        return record->size == 4 ? end : 0;
    case AAAA:
        return record->size == 16 ? end : 0;
    case CNAME:
        return read_name(m, record->data, name) == end ? end : 0;
    case MX:
        return record->size > 2 && read_name(m, record->data + 2, name) == end ? end : 0;
    }
    return end;
}

/* Whether it is an answer to the query, and all its records can be read. */
static int answers(const struct message *m, const struct message *query) {
    char name[MOST_NAME], asked[MOST_NAME];
    if (m->size < HEADER || memcmp(m->bytes, query->bytes, 2) || !(m->bytes[2] & 0x80) || two(m->bytes + 4) != 1)
        return 0;
    size_t at = read_name(m, HEADER, name), its = read_name(query, HEADER, asked);
    if (!at || at + 4 > m->size || strcmp(name, asked) || memcmp(m->bytes + at, query->bytes + its, 4))
        return 0;
    at += 4;
    struct record record;
    for (unsigned left = two(m->bytes + 6); left; left--)
        if (!(at = read_record(m, at, &record)))
            return 0;
    return 1;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static size_t ask_udp(const struct sockaddr_in *there, const struct message *query, byte *answer, size_t most) {
    int server = socket(AF_INET, SOCK_DGRAM, 0);
    if (server < 0 || connect(server, (const struct sockaddr *)there, sizeof *there)) {
        perror("client: connect");
        exit(1);
    }
    for (int try = 0; try < TRIES; try++) {
        if (send(server, query->bytes, query->size, 0) < 0) {
            perror("client: send");
            exit(1);
        }
        double until = now() + 1, left;
        while ((left = until - now()) > 0) {
            struct pollfd ready = {server, POLLIN, 0};
            if (poll(&ready, 1, (int)(left * 1000) + 1) <= 0)
                continue;
            ssize_t got = recv(server, answer, most, 0);
            if (got < 0) {
                perror("client: recv");
                exit(1);
            }
            struct message m = {answer, got};
            if (answers(&m, query)) {
                close(server);
                return got;
            }
        }
    }
    fail("no answer came");
    return 0;
}

static void read_all(int server, byte *to, size_t size) {
    for (size_t got = 0; got < size;) {
        ssize_t more = read(server, to + got, size - got);
        if (more < 0) {
            perror("client: read");
            exit(1);
        }
        if (more == 0)
            fail("the connection ended before the answer");
        got += more;
    }
}

static size_t ask_tcp(const struct sockaddr_in *there, const struct message *query, byte *answer) {
    byte request[2 + 512] = {query->size >> 8, query->size & 255}, length[2];
    memcpy(request + 2, query->bytes, query->size);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (server < 0 || connect(server, (const struct sockaddr *)there, sizeof *there) ||
        send(server, request, query->size + 2, MSG_NOSIGNAL) != (ssize_t)query->size + 2) {
        perror("client: over TCP");
        exit(1);
    }
    read_all(server, length, 2);
    read_all(server, answer, two(length));
    close(server);
    struct message m = {answer, two(length)};
    if (!answers(&m, query))
        fail("over TCP came no answer");
    return m.size;
}

static void print_record(const struct message *m, const struct record *record) {
    char text[INET6_ADDRSTRLEN + MOST_NAME];
    const byte *data = m->bytes + record->data;
    printf("%s %s ", record->name, type_name(record->type));
    if (record->type == A || record->type == AAAA)
        inet_ntop(record->type == A ? AF_INET : AF_INET6, data, text, sizeof text);
    else
        read_name(m, record->data + (record->type == MX ? 2 : 0), text);
    if (record->type == MX)
        printf("%u ", two(data));
    puts(text);
}

/* Prints what answers the question, or only looks whether anything does. */
static int go_through(const struct message *m, int type, int prints) {
    char name[MOST_NAME];
    int found = 0;
    size_t at = read_name(m, HEADER, name) + 4;
    for (unsigned left = two(m->bytes + 6); left; left--) {
        struct record record;
        at = read_record(m, at, &record);
        if (strcmp(record.name, name) || (record.type != type && record.type != CNAME))
            continue;
        if (prints)
            print_record(m, &record);
        if (record.type == type)
            found = 1;
        else
            read_name(m, record.data, name);
    }
    return found;
}

int main(int argc, char **argv) {
    static byte asked[512], answer[65536];
    int type = argc == 5 ? type_number(argv[4]) : 0;
    if (!type)
        fail("usage: client HOST PORT NAME TYPE");
    if (getrandom(asked, 2, 0) != 2)
        fail("no random id");
    asked[2] = 1; /* RD */
    asked[5] = 1; /* QDCOUNT */
    size_t length = write_name(argv[3], asked + HEADER);
    if (!length)
        fail("that is no name");
    byte end[] = {0, type, 0, 1};
    memcpy(asked + HEADER + length, end, sizeof end);
    struct message query = {asked, HEADER + length + sizeof end};

    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM}, *found;
    int why = getaddrinfo(argv[1], argv[2], &hints, &found);
    if (why)
        fail(gai_strerror(why));
    struct sockaddr_in there;
    memcpy(&there, found->ai_addr, sizeof there);
    freeaddrinfo(found);

    struct message m = {answer, ask_udp(&there, &query, answer, sizeof answer)};
    if (answer[2] & 0x02)
        m.size = ask_tcp(&there, &query, answer);
    unsigned code = answer[3] & 0x0f;
    if (code && code < sizeof CODES / sizeof *CODES)
        fail(CODES[code]);
    if (code)
        fail("an RCODE without a name");
    if (!go_through(&m, type, 0))
        fail("NODATA");
    go_through(&m, type, 1);
    return 0;
}
