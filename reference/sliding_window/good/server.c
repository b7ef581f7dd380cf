/* Writes each frame to its place in a file with another name, which is renamed at the end. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { START = 1, DATA, END, ACK };
enum { HEADER = 12, PAYLOAD = 1024, LONGEST_NAME = 100 };
/* How far ahead of its turn a frame is kept. */
enum { AHEAD = 64 };

struct transfer {
    struct sockaddr_in sender;
    uint32_t id, next;
    int complete;
    uint8_t early[AHEAD + 1]; /* the kinds of the frames from next on that are here, in a ring */
    char name[LONGEST_NAME + 1];
    struct transfer *before;
};

static struct transfer *last;
static volatile sig_atomic_t stopped;

static void stop(int number) {
    (void)number;
    stopped = 1;
}

static uint32_t get(const uint8_t *at, int bytes) {
    uint32_t number = 0;
    while (bytes--)
        number = number << 8 | *at++;
    return number;
}

/* The sum of all words: of a frame with a right checksum it is ffff. */
static uint16_t sum_of(const uint8_t *frame, size_t length) {
    uint32_t sum = 0;
    for (size_t at = 0; at < length; at++)
        sum += at % 2 ? frame[at] : frame[at] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static int is_name(const uint8_t *name, size_t length) {
    static const char may[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    if (length < 1 || length > LONGEST_NAME || name[0] == '.')
        return 0;
    for (size_t at = 0; at < length; at++)
        if (!name[at] || !strchr(may, name[at]))
            return 0;
    return 1;
}

static struct transfer *find(const struct sockaddr_in *sender, uint32_t id) {
    struct transfer *each = last;
    while (each && (each->id != id || each->sender.sin_port != sender->sin_port ||
                    each->sender.sin_addr.s_addr != sender->sin_addr.s_addr))
        each = each->before;
    return each;
}

/* Where a file is kept until it is complete. */
static const char *part_of(const struct transfer *it) {
    static char path[64];
    snprintf(path, sizeof path, ".part-%08x-%d-%08x", it->sender.sin_addr.s_addr, it->sender.sin_port, it->id);
    return path;
}

static int put(const struct transfer *it, uint32_t number, const uint8_t *data, size_t length) {
    int file = open(part_of(it), O_WRONLY | O_CREAT, 0666);
    if (file < 0)
        return -1;
    ssize_t written = pwrite(file, data, length, (off_t)(number - 1) * PAYLOAD);
    return close(file) || written != (ssize_t)length ? -1 : 0;
}

static int begin(const struct sockaddr_in *sender, uint32_t id, const uint8_t *name, size_t length) {
    struct transfer *it = is_name(name, length) ? calloc(1, sizeof *it) : NULL;
    if (!it)
        return 0;
    it->sender = *sender;
    it->id = id;
    it->next = 1;
    memcpy(it->name, name, length);
    it->before = last;
    last = it;
    unlink(part_of(it));
    return 1;
}

/* Takes what has its turn now; stops at what can't be written. */
static void go_on(struct transfer *it) {
    uint8_t *kind;
    while (!it->complete && *(kind = &it->early[it->next % (AHEAD + 1)])) {
        if (*kind == END) {
            if (put(it, it->next, NULL, 0) || rename(part_of(it), it->name))
                return;
            it->complete = 1;
        }
        *kind = 0;
        it->next++;
    }
}

/* The transfer to which a frame belongs, once it was taken; NULL: none. */
static struct transfer *take(const struct sockaddr_in *sender, const uint8_t *frame, size_t length) {
    if (length < HEADER || sum_of(frame, length) != 0xffff)
        return NULL;
    uint32_t id = get(frame, 4), number = get(frame + 4, 4), kind = get(frame + 8, 2);
    struct transfer *it = find(sender, id);
    if (kind < START || kind > END)
        return NULL;
    if (!it)
        return kind == START && number == 0 && begin(sender, id, frame + HEADER, length - HEADER) ? last : NULL;
    if (it->complete || number < it->next || number > it->next + AHEAD || length > HEADER + PAYLOAD)
        return it;
    if (kind == END || (kind == DATA && !put(it, number, frame + HEADER, length - HEADER)))
        it->early[number % (AHEAD + 1)] = kind;
    go_on(it);
    return it;
}

static void acknowledge(int server, const struct transfer *it) {
    uint8_t ack[HEADER] = {0};
    for (int at = 0; at < 4; at++) {
        ack[at] = it->id >> (24 - 8 * at);
        ack[4 + at] = (it->next - 1) >> (24 - 8 * at);
    }
    ack[9] = ACK;
    uint16_t checksum = ~sum_of(ack, HEADER);
    ack[10] = checksum >> 8;
    ack[11] = checksum & 0xff;
    if (sendto(server, ack, HEADER, 0, (const struct sockaddr *)&it->sender, sizeof it->sender) < 0)
        perror("server: sendto");
}

int main(int argc, char **argv) {
    char *end;
    long port = argc == 3 ? strtol(argv[1], &end, 10) : 0;
    if (argc != 3 || *end || port < 1 || port > 65535) {
        fprintf(stderr, "usage: server PORT FOLDER\n");
        return 1;
    }
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int server = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = INADDR_ANY};
    if (bind(server, (struct sockaddr *)&here, sizeof here)) {
        perror("server: bind");
        return 1;
    }
    if ((mkdir(argv[2], 0777) && errno != EEXIST) || chdir(argv[2])) {
        perror(argv[2]);
        return 1;
    }
    while (!stopped) {
        uint8_t frame[65536];
        struct sockaddr_in sender;
        socklen_t size = sizeof sender;
        ssize_t got = recvfrom(server, frame, sizeof frame, 0, (struct sockaddr *)&sender, &size);
        if (got < 0) {
            if (errno != EINTR)
                perror("server: recvfrom");
            continue;
        }
        const struct transfer *it = take(&sender, frame, got);
        if (it)
            acknowledge(server, it);
    }
    close(server);
    return 0;
}
