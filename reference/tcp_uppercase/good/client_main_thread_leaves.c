/*
 * TCP upper case client with two threads, one for the keyboard and one for the replies; the first thread leaves by
 * pthread_exit when it has started them, and the program ends with the last of them.
 *
 * Usage: ./client HOST PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int server = -1;
static sem_t shown;         /* a reply was shown */
static atomic_bool leaving; /* the server's end is none that it has to explain */

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "client: %s\n", what);
    exit(EXIT_FAILURE);
}

/* Sends all of it; -1 on error.  MSG_NOSIGNAL: a server that is gone is an error, and no SIGPIPE. */
static int send_all(const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(server, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -1;
        data += sent;
        size -= (size_t)sent;
    }
    return 0;
}

static void *read_keyboard(void *unused)
{
    (void)unused;
    char *line = NULL;
    size_t capacity = 0;
    for (;;) {
        printf("> ");
        fflush(stdout);
        ssize_t size = getline(&line, &capacity, stdin);
        if (size > 0 && line[size - 1] == '\n')
            line[--size] = '\0'; /* the last line of a file may have none */
        if (size < 0 || strcmp(line, "quit") == 0)
            break;
        if (send_all(line, (size_t)size) < 0 || send_all("\n", 1) < 0)
            fail(strerror(errno));
        while (sem_wait(&shown) < 0 && errno == EINTR)
            ;
    }
    free(line);
    leaving = 1;
    shutdown(server, SHUT_RDWR); /* wakes the other thread, too */
    return NULL;
}

static void *show_replies(void *unused)
{
    (void)unused;
    FILE *from_server = fdopen(server, "r");
    if (from_server == NULL)
        fail(strerror(errno));
    char *reply = NULL;
    size_t capacity = 0;
    ssize_t size;
    while ((size = getline(&reply, &capacity, from_server)) > 0 && reply[size - 1] == '\n') {
        fwrite(reply, 1, (size_t)size, stdout);
        fflush(stdout);
        sem_post(&shown);
    }
    if (!leaving)
        fail(ferror(from_server) ? strerror(errno) : "the server has ended the connection");
    free(reply);
    fclose(from_server);
    return NULL;
}

/* A connected socket in `server`, or a message and the end. */
static void connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error != 0)
        fail(gai_strerror(error));
    for (struct addrinfo *at = found; at != NULL; at = at->ai_next) {
        server = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
        if (server >= 0 && connect(server, at->ai_addr, at->ai_addrlen) == 0)
            break;
        error = errno;
        if (server >= 0)
            close(server);
        server = -1;
    }
    freeaddrinfo(found);
    if (server < 0)
        fail(strerror(error));
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s HOST PORT\n", argv[0]);
        return EXIT_FAILURE;
    }
    connect_to(argv[1], argv[2]);
    sem_init(&shown, 0, 0);
    pthread_t keyboard, replies;
    if (pthread_create(&replies, NULL, show_replies, NULL) != 0 ||
        pthread_create(&keyboard, NULL, read_keyboard, NULL) != 0)
        fail("no more threads");
    pthread_exit(NULL);
}
