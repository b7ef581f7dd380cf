/* Fault: has room for eight answers to a client that does not read, and drops those that come after. */
#define _GNU_SOURCE

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_LINE (1024 * 1024)
#define CHUNK 65536
#define MAX_ANSWERS 8

struct answer {
    char *data;
    size_t size;
};

static char line[MAX_LINE + CHUNK];
static struct answer answers[MAX_ANSWERS];
static int waiting;
static size_t sent; /* of the first answer */

static size_t upper_case(char *data, size_t size)
{
    size_t end = 0;
    for (size_t i = 0; i < size; i++) {
        if (data[i] >= 'a' && data[i] <= 'z')
            data[i] -= 'a' - 'A';
        if (data[i] == '\n')
            end = i + 1;
    }
    return end;
}

static bool is_temporary(int error)
{
    return error == EAGAIN || error == EINTR;
}

static void add_answer(const char *data, size_t size)
{
    if (waiting == MAX_ANSWERS)
        return;
    char *copy = malloc(size);
    if (copy == NULL)
        return;
    memcpy(copy, data, size);
    answers[waiting++] = (struct answer){copy, size};
}

static void drop_first_answer(void)
{
    free(answers[0].data);
    waiting--;
    memmove(answers, answers + 1, waiting * sizeof answers[0]);
    sent = 0;
}

static bool send_first_answer(int client)
{
    ssize_t n = send(client, answers[0].data + sent, answers[0].size - sent, 0);
    if (n < 0)
        return is_temporary(errno);
    sent += n;
    if (sent == answers[0].size)
        drop_first_answer();
    return true;
}

/* Reads and sends, whatever is possible, without waiting for one of them only. */
static void serve(int client)
{
    size_t used = 0;
    bool ended = false;
    while (used <= MAX_LINE && (!ended || waiting > 0)) {
        struct pollfd ready = {.fd = client, .events = (ended ? 0 : POLLIN) | (waiting > 0 ? POLLOUT : 0)};
        if (poll(&ready, 1, -1) < 0 && errno != EINTR)
            return;
        if (waiting > 0 && !send_first_answer(client))
            return;
        if (ended)
            continue;
        ssize_t n = recv(client, line + used, CHUNK, 0);
        if (n < 0) {
            if (is_temporary(errno))
                continue;
            return;
        }
        ended = n == 0;
        size_t end = upper_case(line + used, n);
        if (end > 0) {
            end += used;
            add_answer(line, end);
            memmove(line, line + end, used + n - end);
            used = used + n - end;
        } else {
            used += n;
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

    while (1) {
        int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (client < 0) {
            perror("accept");
            continue;
        }
        serve(client);
        while (waiting > 0)
            drop_first_answer();
        close(client);
    }
}
