/* Fault: gives up after 200 ms, because it counts tv_usec in ten-thousandths. */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

static char line[65536], wanted[65536 + 5], reply[65536];

static int connected(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM}, *found;
    if (getaddrinfo(host, port, &hints, &found))
        return -1;
    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (sock >= 0 && connect(sock, found->ai_addr, found->ai_addrlen) < 0)
        sock = -1;
    freeaddrinfo(found);
    return sock;
}

int main(int argc, char **argv)
{
    int sock = argc == 3 ? connected(argv[1], argv[2]) : -1;
    if (sock < 0) {
        fprintf(stderr, "usage: client HOST PORT\n");
        return 1;
    }
    struct timeval patience = {.tv_usec = 200000};
    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (!strcmp(line, "quit"))
            break;
        ssize_t length = snprintf(wanted, sizeof wanted, "OK...%s", line), got;
        got = send(sock, line, strlen(line), 0);
        while (got >= 0 && (got = recv(sock, reply, sizeof reply, 0)) >= 0)
            if (got == length && !memcmp(reply, wanted, (size_t)length))
                break;
        if (got < 0)
            perror("no reply");
        else
            puts(wanted);
        fflush(stdout);
    }
    return 0;
}
