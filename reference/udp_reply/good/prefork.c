/*
 * UDP reply server, four processes that all receive from the one socket: the kernel gives each datagram to one of them.
 *
 * The parent only waits for its end, and takes its workers along.
 *
 * Usage: ./server PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    WORKERS = 4,
    PREFIX = 5,      /* bytes of "OK..." */
    LARGEST = 65535, /* bytes: no UDP datagram is longer */
};

static char reply[PREFIX + LARGEST] = "OK...";

static void serve_forever(int server)
{
    for (;;) {
        struct sockaddr_in client;
        socklen_t length = sizeof client;
        ssize_t got = recvfrom(server, reply + PREFIX, LARGEST, 0, (struct sockaddr *)&client, &length);
        if (got < 0) {
            perror("recvfrom");
            continue;
        }
        if (sendto(server, reply, PREFIX + (size_t)got, 0, (struct sockaddr *)&client, length) < 0)
            perror("sendto");
    }
}

/* Starts the workers and waits until SIGINT or SIGTERM comes. */
static int serve_with_workers(int server)
{
    pid_t workers[WORKERS];
    int started = 0, signal_number;
    sigset_t endings, before;

    /* Blocked, the signals wait for sigwait(), however early they come. */
    sigemptyset(&endings);
    sigaddset(&endings, SIGINT);
    sigaddset(&endings, SIGTERM);
    sigprocmask(SIG_BLOCK, &endings, &before);
    while (started < WORKERS) {
        workers[started] = fork();
        if (workers[started] == 0) {
            sigprocmask(SIG_SETMASK, &before, NULL);
            serve_forever(server);
        }
        if (workers[started] < 0)
            break;
        started++;
    }
    if (started == WORKERS)
        sigwait(&endings, &signal_number);
    else
        perror("fork");
    for (int i = 0; i < started; i++)
        kill(workers[i], SIGTERM);
    for (int i = 0; i < started; i++)
        waitpid(workers[i], NULL, 0);
    return started == WORKERS ? 0 : 1;
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
    return serve_with_workers(server);
}
