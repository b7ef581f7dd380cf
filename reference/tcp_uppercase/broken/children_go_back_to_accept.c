/* Fault: a child whose client has gone does not exit, but goes back to accept with its parent. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_LINE = 1024 * 1024 }; /* bytes, the LF not counted */

/* Sends all `size` bytes; false when the client is gone. */
static bool send_all(int client, const char *data, size_t size)
{
    while (size > 0) {
        /* MSG_NOSIGNAL: a client that has left is an error to handle, not a SIGPIPE that ends us. */
        ssize_t sent = send(client, data, size, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Changes a-z to A-Z in place; returns the number of bytes up to and with the last LF, 0 if there is none. */
static size_t upper_case(char *data, size_t size)
{
    size_t end = 0;
    for (size_t i = 0; i < size; i++) {
        if (data[i] >= 'a' && data[i] <= 'z')
            data[i] = (char)(data[i] - 'a' + 'A');
        else if (data[i] == '\n')
            end = i + 1;
    }
    return end;
}

/* Answers every whole line until the client ends its side; what follows the last LF gets no answer. */
static void answer_lines(int client)
{
    size_t capacity = 4096, used = 0;
    char *pending = malloc(capacity);

    while (pending != NULL) {
        ssize_t got = recv(client, pending + used, capacity - used, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        /* Each byte is looked at once, when it comes: also a line of 1 MiB takes linear time. */
        size_t whole = upper_case(pending + used, (size_t)got);
        if (whole > 0) {
            whole += used;
            if (!send_all(client, pending, whole))
                break;
            used += (size_t)got - whole;
            memmove(pending, pending + whole, used);
        } else {
            used += (size_t)got;
        }
        if (used == capacity) {
            if (capacity > MAX_LINE)
                break;
            char *larger = realloc(pending, capacity * 2);
            if (larger == NULL)
                break;
            pending = larger;
            capacity *= 2;
        }
    }
    free(pending);
}

/* Takes leave of children that have ended; else each would stay as a zombie. */
static void reap_children(int signal_number)
{
    (void)signal_number;
    int saved_errno = errno;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    errno = saved_errno;
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
        bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, SOMAXCONN) < 0) {
        int saved_errno = errno;
        close(listener);
        errno = saved_errno;
        return -1;
    }
    return listener;
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

    struct sigaction on_child = {.sa_handler = reap_children, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
    sigemptyset(&on_child.sa_mask);
    if (sigaction(SIGCHLD, &on_child, NULL) < 0) {
        perror("sigaction");
        return 1;
    }

    int listener = open_listener(port);
    if (listener < 0) {
        fprintf(stderr, "%s: port %d: %s\n", argv[0], port, strerror(errno));
        return 1;
    }

    /* Ctrl-C goes to every process of the terminal's foreground group: to us and to all children.  SIGTERM comes to us
     * alone, so each child asks for one of its own when we have ended. */
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            perror("accept");
            return 1;
        }
        pid_t child = fork();
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            answer_lines(client);
        }
        if (child < 0)
            perror("fork");
        /* The child has its own copy; the connection ends when both are closed. */
        close(client);
    }
}
