/* A web server with a thread for each client.  Requests are collected in a buffer until their empty line has come. */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST (16 * 1024)

static char root[PATH_MAX];

static const char *const TYPES[][2] = {
    {".html", "text/html"}, {".txt", "text/plain"},  {".css", "text/css"},
    {".png", "image/png"},  {".jpg", "image/jpeg"},
};

struct request {
    char *method, *target;
    int keep;
};

static int send_all(int client, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(client, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -1;
        data += sent;
        size -= sent;
    }
    return 0;
}

static int send_head(int client, const char *status, const char *type, long long length, const char *more)
{
    char head[512];
    int size = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %lld\r\n%s\r\n", status,
                        type, length, more);
    return send_all(client, head, size);
}

static int refuse(int client, const char *status, const char *more, int with_body)
{
    char body[64];
    int size = snprintf(body, sizeof body, "%s\n", status);
    if (send_head(client, status, "text/plain", size, more) < 0)
        return -1;
    return with_body ? send_all(client, body, size) : 0;
}

static const char *type_of(const char *path)
{
    const char *ending = strrchr(path, '.');
    for (size_t i = 0; ending != NULL && i < sizeof TYPES / sizeof *TYPES; i++)
        if (strcmp(ending, TYPES[i][0]) == 0)
            return TYPES[i][1];
    return "application/octet-stream";
}

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Decode %xx in place; -1 if a NUL byte results. */
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
            return -1;
    }
    *to = '\0';
    return 0;
}

/* Open the file that a target names; -1 if there is none below the root. */
static int open_target(char *target, char *full)
{
    char wanted[PATH_MAX];
    target[strcspn(target, "?")] = '\0';
    if (decode(target) < 0)
        return -1;
    if (snprintf(wanted, sizeof wanted, "%s/%s", root, target) >= (int)sizeof wanted || realpath(wanted, full) == NULL)
        return -1;
    size_t length = strlen(root);
    if (strncmp(full, root, length) != 0 || (full[length] != '/' && full[length] != '\0'))
        return -1;
    struct stat facts;
    if (stat(full, &facts) == 0 && S_ISDIR(facts.st_mode) && strlen(full) + 12 < PATH_MAX)
        strcat(full, "/index.html");
    return stat(full, &facts) == 0 && S_ISREG(facts.st_mode) ? open(full, O_RDONLY | O_CLOEXEC) : -1;
}

static int reply(int client, struct request *request)
{
    int head_only = strcmp(request->method, "HEAD") == 0;
    if (!head_only && strcmp(request->method, "GET") != 0)
        return refuse(client, "405 Method Not Allowed", "Allow: GET, HEAD\r\n", 1);
    char full[PATH_MAX];
    int file = open_target(request->target, full);
    if (file < 0)
        return refuse(client, "404 Not Found", "", !head_only);
    struct stat facts;
    fstat(file, &facts);
    int result = send_head(client, "200 OK", type_of(full), facts.st_size, "");
    char block[65536];
    ssize_t size;
    while (!head_only && result == 0 && (size = read(file, block, sizeof block)) > 0)
        result = send_all(client, block, size);
    close(file);
    return result;
}

/* Take a head apart, which ends with an empty line; -1 if that is no request. */
static int parse(char *head, struct request *request)
{
    char *next = NULL, *line = strtok_r(head, "\r\n", &next);
    char *words = NULL, *version;
    request->method = line ? strtok_r(line, " ", &words) : NULL;
    request->target = request->method ? strtok_r(NULL, " ", &words) : NULL;
    version = request->target ? strtok_r(NULL, " ", &words) : NULL;
    if (version == NULL || strtok_r(NULL, " ", &words) != NULL || strncmp(version, "HTTP/1.", 7) != 0)
        return -1;
    request->keep = strcmp(version, "HTTP/1.0") != 0;
    while ((line = strtok_r(NULL, "\r\n", &next)) != NULL) {
        char *value = strchr(line, ':');
        if (value == NULL)
            return -1;
        *value++ = '\0';
        value += strspn(value, " \t");
        if (strcasecmp(line, "Connection") == 0 && strncasecmp(value, "close", 5) == 0)
            request->keep = 0;
        if (strcasecmp(line, "Content-Length") == 0 && atoi(value) != 0)
            request->keep = 0;
    }
    return 0;
}

static void converse(int client)
{
    char buffer[MOST + 1];
    size_t size = 0;
    for (;;) {
        char *end;
        buffer[size] = '\0';
        while ((end = memmem(buffer, size, "\r\n\r\n", 4)) == NULL) {
            if (size == MOST) {
                refuse(client, "400 Bad Request", "", 1);
                return;
            }
            ssize_t came = recv(client, buffer + size, MOST - size, 0);
            if (came < 0 && errno == EINTR)
                continue;
            if (came <= 0)
                return;
            size += came;
        }
        size_t used = end + 4 - buffer;
        *end = '\0';
        struct request request;
        if (memchr(buffer, '\0', used - 4) != NULL || parse(buffer, &request) < 0) {
            refuse(client, "400 Bad Request", "", 1);
            return;
        }
        if (reply(client, &request) < 0 || !request.keep)
            return;
        memmove(buffer, buffer + used, size - used);
        size -= used;
    }
}

static void *serve(void *argument)
{
    int client = (int)(long)argument;
    converse(client);
    close(client);
    return NULL;
}

static void stop(int number)
{
    (void)number;
    _exit(0);
}

int main(int argc, char *argv[])
{
    char *rest;
    long port = argc == 3 ? strtol(argv[1], &rest, 10) : 0;
    if (port < 1 || port > 65535 || *rest != '\0' || realpath(argv[2], root) == NULL) {
        fprintf(stderr, "usage: web_server PORT ROOT\n");
        return 2;
    }
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 128) < 0) {
        perror("web_server");
        return 1;
    }
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&detached, 256 * 1024);
    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        pthread_t thread;
        if (client >= 0 && pthread_create(&thread, &detached, serve, (void *)(long)client) != 0)
            close(client);
    }
}
