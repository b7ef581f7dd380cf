/* A process for each client.  A child serves one request, and what it holds goes with it. */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST (16 * 1024)

static const char *const TYPES[][2] = {
    {".html", "text/html"}, {".txt", "text/plain"}, {".css", "text/css"}, {".png", "image/png"}, {".jpg", "image/jpeg"},
};

static void send_all(int client, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(client, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            exit(0);
        data += sent;
        size -= sent;
    }
}

static void send_head(int client, const char *status, const char *type, long long length, const char *more)
{
    char head[512];
    int size = snprintf(head, sizeof head, "HTTP/1.0 %s\r\nContent-Type: %s\r\nContent-Length: %lld\r\n%s\r\n", status,
                        type, length, more);
    send_all(client, head, size);
}

static void refuse(int client, const char *status, const char *more, int with_body)
{
    send_head(client, status, "text/plain", strlen(status), more);
    if (with_body)
        send_all(client, status, strlen(status));
}

/* Everything up to the empty line; 0 if it doesn't come. */
static int receive_head(int client, char *head)
{
    size_t size = 0;
    char *end;
    head[0] = '\0';
    while ((end = memmem(head, size, "\r\n\r\n", 4)) == NULL) {
        if (size == MOST)
            return 1;
        ssize_t came = recv(client, head + size, MOST - size, 0);
        if (came < 0 && errno == EINTR)
            continue;
        if (came <= 0)
            return 0;
        size += came;
        head[size] = '\0';
    }
    *end = '\0';
    return 1;
}

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Decode %xx in place; 0 if a NUL byte results. */
static int decode(char *path)
{
    char *to = path;
    for (char *from = path; *from != '\0'; from++, to++) {
        *to = *from;
        if (*from == '%' && isxdigit((unsigned char)from[1]) && isxdigit((unsigned char)from[2])) {
            *to = (char)(hex(from[1]) * 16 + hex(from[2]));
            from += 2;
        }
        if (*to == '\0')
            return 0;
    }
    *to = '\0';
    return 1;
}

/* Open the file that a target names; -1 if there is none below the root. */
static int open_target(const char *root, char *target, char *full)
{
    char wanted[PATH_MAX];
    struct stat facts;
    target[strcspn(target, "?")] = '\0';
    if (!decode(target) || snprintf(wanted, sizeof wanted, "%s/%s", root, target) >= (int)sizeof wanted)
        return -1;
    if (realpath(wanted, full) == NULL)
        return -1;
    size_t length = strlen(root);
    if (strncmp(full, root, length) != 0 || (full[length] != '/' && full[length] != '\0'))
        return -1;
    if (stat(full, &facts) == 0 && S_ISDIR(facts.st_mode) && strlen(full) + 12 < PATH_MAX)
        strcat(full, "/index.html");
    return stat(full, &facts) == 0 && S_ISREG(facts.st_mode) ? open(full, O_RDONLY) : -1;
}

static const char *type_of(const char *path)
{
    const char *ending = strrchr(path, '.');
    for (size_t i = 0; ending != NULL && i < sizeof TYPES / sizeof *TYPES; i++)
        if (strcmp(ending, TYPES[i][0]) == 0)
            return TYPES[i][1];
    return "application/octet-stream";
}

static void serve(int client, const char *root)
{
    static char head[MOST + 1], full[PATH_MAX], block[65536];
    if (!receive_head(client, head))
        return;
    char *lines = head, *line = strsep(&lines, "\n");
    char *method = strsep(&line, " "), *target = strsep(&line, " "), *version = strsep(&line, " ");
    int right = version != NULL && line == NULL;
    for (char *header = strsep(&lines, "\n"); header != NULL; header = strsep(&lines, "\n"))
        right = right && strchr(header, ':') != NULL;
    if (!right) {
        refuse(client, "400 Bad Request", "", 1);
        return;
    }
    int head_only = strcmp(method, "HEAD") == 0;
    if (!head_only && strcmp(method, "GET") != 0) {
        refuse(client, "405 Method Not Allowed", "Allow: GET, HEAD\r\n", 1);
        return;
    }
    int file = open_target(root, target, full);
    struct stat facts;
    if (file < 0 || fstat(file, &facts) < 0) {
        refuse(client, "404 Not Found", "", !head_only);
        return;
    }
    send_head(client, "200 OK", type_of(full), facts.st_size, "");
    ssize_t size;
    while (!head_only && (size = read(file, block, sizeof block)) > 0)
        send_all(client, block, size);
}

static volatile sig_atomic_t stopped;

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

int main(int argc, char **argv)
{
    char *end = "", root[PATH_MAX];
    long port = argc == 3 ? strtol(argv[1], &end, 10) : 0;
    if (*end != '\0' || port < 1 || port > 65535 || realpath(argv[2], root) == NULL) {
        fprintf(stderr, "usage: web_server PORT ROOT\n");
        return 1;
    }
    struct sigaction action = {.sa_handler = stop}, forget = {.sa_handler = SIG_IGN, .sa_flags = SA_NOCLDWAIT};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGCHLD, &forget, NULL);
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = INADDR_ANY};
    if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0 || listen(listener, 128) < 0) {
        perror("web_server");
        return 1;
    }
    pid_t server = getpid();
    while (!stopped) {
        int client = accept(listener, NULL, NULL);
        if (client < 0)
            continue;
        if (fork() == 0) {
            signal(SIGINT, SIG_DFL);
            signal(SIGTERM, SIG_DFL);
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() == server) {
                close(listener);
                serve(client, root);
            }
            exit(0);
        }
        close(client);
    }
    return 0;
}
