/*
 * TCP upper case client with two processes: the parent reads the keyboard, its child shows the replies and tells the
 * parent of each by a byte down a pipe.  A child that has lost the server says so and ends its parent by SIGTERM.
 *
 * Usage: ./client HOST PORT
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A connected socket, or -1 after a message. */
static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error != 0) {
        fprintf(stderr, "client: %s: %s\n", host, gai_strerror(error));
        return -1;
    }
    int server = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (server < 0 || connect(server, found->ai_addr, found->ai_addrlen) < 0) {
        fprintf(stderr, "client: %s port %s: %s\n", host, port, strerror(errno));
        if (server >= 0)
            close(server);
        server = -1;
    }
    freeaddrinfo(found);
    return server;
}

/* Sends all of it; -1 on error.  MSG_NOSIGNAL: a server that is gone is an error, and no SIGPIPE. */
static int send_all(int server, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(server, data, size, MSG_NOSIGNAL);
        if (sent < 0)
            return -1;
        data += sent;
        size -= (size_t)sent;
    }
    return 0;
}

/* The child: shows replies until the server or the parent ends it. */
static void show_replies(int server, int shown, pid_t parent)
{
    FILE *from_server = fdopen(server, "r");
    char *reply = NULL;
    size_t capacity = 0;
    ssize_t size;
    while ((size = getline(&reply, &capacity, from_server)) > 0 && reply[size - 1] == '\n') {
        fwrite(reply, 1, (size_t)size, stdout);
        fflush(stdout);
        if (write(shown, "", 1) < 0)
            _exit(EXIT_FAILURE);
    }
    fprintf(stderr, "client: %s\n", ferror(from_server) ? strerror(errno) : "the server has ended the connection");
    if (getppid() == parent)
        kill(parent, SIGTERM);
    _exit(EXIT_FAILURE);
}

/* The parent: sends each line, and waits until its reply was shown. */
static int read_keyboard(int server, int shown)
{
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
        char byte;
        if (send_all(server, line, (size_t)size) < 0 || send_all(server, "\n", 1) < 0 || read(shown, &byte, 1) != 1) {
            fprintf(stderr, "client: the connection to the server is lost\n");
            return EXIT_FAILURE;
        }
    }
    free(line);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s HOST PORT\n", argv[0]);
        return EXIT_FAILURE;
    }
    int server = connect_to(argv[1], argv[2]), shown[2];
    if (server < 0)
        return EXIT_FAILURE;
    if (pipe(shown) < 0) {
        perror("client");
        return EXIT_FAILURE;
    }
    pid_t parent = getpid(), child = fork();
    if (child < 0) {
        perror("client");
        return EXIT_FAILURE;
    }
    if (child == 0) {
        close(shown[0]);
        show_replies(server, shown[1], parent);
    }
    close(shown[1]);
    int status = read_keyboard(server, shown[0]);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    close(server);
    return status;
}
