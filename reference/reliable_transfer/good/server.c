/* Writes each file under another name while it comes, and renames it at the end. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { START = 1, DATA, END, ACK };
enum { HEADER = 12, LONGEST_NAME = 100 };

struct transfer {
    struct sockaddr_in sender;
    uint32_t id, next;
    int complete;
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

static int append(const struct transfer *it, const uint8_t *data, size_t length) {
    FILE *file = fopen(part_of(it), "ab");
    if (!file)
        return -1;
    size_t written = fwrite(data, 1, length, file);
    return fclose(file) || written != length ? -1 : 0;
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

/* Whether the frame is to be acknowledged. */
static int take(const struct sockaddr_in *sender, const uint8_t *frame, size_t length) {
    if (length < HEADER || sum_of(frame, length) != 0xffff)
        return 0;
    uint32_t id = get(frame, 4), number = get(frame + 4, 4), kind = get(frame + 8, 2);
    struct transfer *it = find(sender, id);
    if (kind < START || kind > END)
        return 0;
    if (!it)
        return kind == START && number == 0 && begin(sender, id, frame + HEADER, length - HEADER);
    if (number < it->next)
        return 1;
    if (number > it->next || it->complete || kind == START)
        return 0;
    if (kind == DATA && append(it, frame + HEADER, length - HEADER))
        return 0;
    if (kind == END) {
        if (append(it, NULL, 0) || rename(part_of(it), it->name))
            return 0;
        it->complete = 1;
    }
    it->next++;
    return 1;
}

static void acknowledge(int server, const struct sockaddr_in *sender, const uint8_t *frame) {
    uint8_t ack[HEADER] = {0};
    memcpy(ack, frame, 8);
    ack[9] = ACK;
    uint16_t checksum = ~sum_of(ack, HEADER);
    ack[10] = checksum >> 8;
    ack[11] = checksum & 0xff;
    if (sendto(server, ack, HEADER, 0, (const struct sockaddr *)sender, sizeof *sender) < 0)
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
        if (take(&sender, frame, got))
            acknowledge(server, &sender, frame);
    }
    close(server);
    return 0;
}
