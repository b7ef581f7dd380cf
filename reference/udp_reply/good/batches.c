/*
 * UDP reply server that receives and sends many datagrams with one system call: recvmmsg and sendmmsg.
 *
 * Usage: ./server PORT
 */
#define _GNU_SOURCE

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BATCH = 32,      /* datagrams */
    PREFIX = 5,      /* bytes of "OK..." */
    LARGEST = 65535, /* bytes: no UDP datagram is longer */
};

/* Entry i of all tables belongs to the same datagram. */
static char replies[BATCH][PREFIX + LARGEST];
static struct sockaddr_in clients[BATCH];
static struct iovec places[BATCH];
static struct mmsghdr messages[BATCH];

static void prepare(void)
{
    for (int i = 0; i < BATCH; i++) {
        memcpy(replies[i], "OK...", PREFIX);
        places[i] = (struct iovec){.iov_base = replies[i] + PREFIX, .iov_len = LARGEST};
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = &clients[i],
            .msg_namelen = sizeof clients[i],
            .msg_iov = &places[i],
            .msg_iovlen = 1,
        };
    }
}

static void send_replies(int server, int count)
{
    int done = 0;
    for (int i = 0; i < count; i++)
        places[i] = (struct iovec){.iov_base = replies[i], .iov_len = PREFIX + messages[i].msg_len};
    while (done < count) {
        int sent = sendmmsg(server, messages + done, (unsigned)(count - done), 0);
        if (sent < 0) {
            if (errno == EINTR)
                continue;
            perror("sendmmsg");
            sent = 1; /* the first one can't be sent (too long, for instance): go on with the next */
        }
        done += sent;
    }
}

static void serve_forever(int server)
{
    for (;;) {
        prepare();
        /* Waits for one datagram, and takes all that are there then. */
        int count = recvmmsg(server, messages, BATCH, MSG_WAITFORONE, NULL);
        if (count < 0)
            perror("recvmmsg");
        else
            send_replies(server, count);
    }
}

/* A UDP socket on every IPv4 address; -1 and errno on failure. */
static int open_socket(int port)
{
    int server = socket(AF_INET, SOCK_DGRAM, 0);
    if (server < 0)
        return -1;

    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((in_port_t)port),
        .sin_addr.s_addr = htonl(INADDR_ANY),
    };
    /* No SO_REUSEADDR: with UDP it would let two servers share the port. */
    if (bind(server, (struct sockaddr *)&address, sizeof address) < 0) {
        int saved_errno = errno;
        close(server);
        errno = saved_errno;
        return -1;
    }
    return server;
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
    int server = open_socket(port);
    if (server < 0) {
        fprintf(stderr, "%s: port %d: %s\n", argv[0], port, strerror(errno));
        return 1;
    }
    serve_forever(server);
}
