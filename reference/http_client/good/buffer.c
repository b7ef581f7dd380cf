/* Reads through a buffer of its own, byte by byte where it must and in pieces where it can. */

#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static int server;
static char buffer[4096];
static size_t filled, taken;

static void fail(const char *format, ...) {
    va_list words;
    va_start(words, format);
    fprintf(stderr, "http_client: ");
    vfprintf(stderr, format, words);
    fprintf(stderr, "\n");
    va_end(words);
    exit(1);
}

/* Returns 0 at the end of the connection. */
static int fill(void) {
    if (taken < filled)
        return 1;
    ssize_t got = recv(server, buffer, sizeof buffer, 0);
    if (got < 0) {
        perror("http_client: recv");
        exit(1);
    }
    filled = got;
    taken = 0;
    return got > 0;
}

static void read_line(char *line, size_t size) {
    size_t length = 0;
    for (;;) {
        if (!fill())
            fail("the connection ended in the middle of the reply");
        char byte = buffer[taken++];
        if (byte == '\n')
            break;
        if (length + 1 < size)
            line[length++] = byte;
    }
    if (length && line[length - 1] == '\r')
        length--;
    line[length] = '\0';
}

static void copy(FILE *file, size_t length) {
    while (length) {
        if (!fill())
            fail("the connection ended in the middle of the body");
        size_t part = filled - taken < length ? filled - taken : length;
        fwrite(buffer + taken, 1, part, file);
        taken += part;
        length -= part;
    }
}

static void copy_chunks(FILE *file) {
    char line[1024];
    for (;;) {
        read_line(line, sizeof line);
        size_t length = strtoul(line, NULL, 16);
        copy(file, length);
        read_line(line, sizeof line);
        if (!length)
            return;
    }
}

static void connect_to(const char *host, const char *port) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    int why = getaddrinfo(host, port, &hints, &found);
    if (why)
        fail("%s: %s", host, gai_strerror(why));
    server = socket(found->ai_family, found->ai_socktype, 0);
    if (connect(server, found->ai_addr, found->ai_addrlen)) {
        perror("http_client: connect");
        exit(1);
    }
    freeaddrinfo(found);
}

static void send_all(const char *data) {
    size_t left = strlen(data);
    while (left) {
        ssize_t sent = send(server, data, left, MSG_NOSIGNAL);
        if (sent < 0) {
            perror("http_client: send");
            exit(1);
        }
        data += sent;
        left -= sent;
    }
}

static const char *value_of(const char *line, const char *name) {
    size_t length = strlen(name);
    if (strncasecmp(line, name, length) || line[length] != ':')
        return NULL;
    const char *value = line + length + 1;
    return value + strspn(value, " \t");
}

int main(int argc, char **argv) {
    char host[256], port[6], path[2048] = "/", line[8192], request[8192];
    if (argc != 2 || sscanf(argv[1], "http://%255[^:/]:%5[0-9]%2047[^#]", host, port, path) < 2)
        fail("usage: http_client http://HOST:PORT/PATH");
    connect_to(host, port);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n", path, host, port);
    send_all(request);
    read_line(line, sizeof line);
    int status = 0, chunked = 0;
    long length = -1;
    if (sscanf(line, "HTTP/1.%*d %d", &status) != 1)
        fail("this is not HTTP: %.40s", line);
    for (;;) {
        const char *value;
        read_line(line, sizeof line);
        if (!*line)
            break;
        if ((value = value_of(line, "Content-Length")))
            length = atol(value);
        if ((value = value_of(line, "Transfer-Encoding")))
            chunked = !strcasecmp(value, "chunked");
    }
    if (status != 200)
        fail("status %d", status);
    FILE *file = fopen("output", "wb");
    if (!file) {
        perror("http_client: output");
        return 1;
    }
    if (chunked)
        copy_chunks(file);
    else if (length >= 0)
        copy(file, length);
    else
        for (; fill(); taken = filled)
            fwrite(buffer + taken, 1, filled - taken, file);
    fclose(file);
    close(server);
    return 0;
}
