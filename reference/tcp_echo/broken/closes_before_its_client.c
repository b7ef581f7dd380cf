/* Fault: has read all that came with the line close, and closes: what comes later is answered by a reset. */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int send_all(int client, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(client, data, size, 0);
        if (n < 0)
            return -1;
        data += n;
        size -= n;
    }
    return 0;
}

/* How many bytes it is to the end of a line "close"; 0 if there is none. */
static size_t find_close(int *matched, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n' && *matched >= 5)
            return i + 1;
        if (data[i] == '\n')
            *matched = 0;
        else if (*matched >= 0 && *matched < 6 && data[i] == "close\r"[*matched])
            ++*matched;
        else
            *matched = -1;
    }
    return 0;
}

static void echo(int client)
{
    static char data[65536];
    ssize_t n;
    int matched = 0;
    while ((n = recv(client, data, sizeof data, 0)) > 0) {
        size_t end = find_close(&matched, data, n);
        if (send_all(client, data, end > 0 ? end : n) < 0)
            return;
        if (end > 0)
            return;
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
    signal(SIGCHLD, SIG_IGN); /* no zombies */

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
    if (listen(listener, 128) < 0) {
        perror("listen");
        return 1;
    }

    while (1) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) {
            perror("accept");
            continue;
        }
        pid_t child = fork();
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            close(listener);
            echo(client);
            close(client);
            _exit(0);
        }
        if (child < 0)
            perror("fork");
        close(client);
    }
}
