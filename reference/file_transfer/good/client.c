/* FTP client for one command.
 *
 * Usage: ./client HOST PORT USER PASSWORD get|put|list|delete NAME
 */
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK 65536 /* bytes that are sent or received in one go */
#define MAX_LINE 4096

static FILE *control;                /* what the server says */
static char line[MAX_LINE];          /* the last line of the last reply, without its end */
static struct sockaddr_storage peer; /* where the server is */
static socklen_t peer_size;

/* The server is gone: there is nobody to say QUIT to. */
static void lost(const char *why)
{
    fprintf(stderr, "client: %s\n", why);
    exit(1);
}

static int send_all(int sock, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(sock, bytes, length, MSG_NOSIGNAL);
        if (sent < 0)
            return -1;
        bytes += sent;
        length -= (size_t)sent;
    }
    return 0;
}

static void read_line(void)
{
    if (fgets(line, sizeof line, control) == NULL || strchr(line, '\n') == NULL)
        lost("the server has closed the connection");
    line[strcspn(line, "\r\n")] = '\0';
}

/* Read a reply; its code, or -1 if that is an error, which is printed. */
static int reply(void)
{
    char end[5];

    read_line();
    snprintf(end, sizeof end, "%.3s ", line);
    while (strncmp(line, end, 4) != 0)
        read_line();
    if (atoi(line) < 100 || atoi(line) >= 400) {
        fprintf(stderr, "client: %s\n", line);
        return -1;
    }
    return atoi(line);
}

static int ask(const char *verb, const char *argument)
{
    char command[MAX_LINE];
    int length = snprintf(command, sizeof command, "%s%s%s\r\n", verb, argument ? " " : "", argument ? argument : "");

    if ((size_t)length >= sizeof command || send_all(fileno(control), command, (size_t)length) < 0)
        lost("the server takes no command");
    return reply();
}

/* The port in a reply to PASV: the last two of six numbers; 0: it isn't there. */
static int port_in(const char *text)
{
    unsigned n[6];

    for (; *text != '\0'; text++)
        if (sscanf(text, "%u,%u,%u,%u,%u,%u", &n[0], &n[1], &n[2], &n[3], &n[4], &n[5]) == 6)
            return n[4] < 256 && n[5] < 256 ? (int)(n[4] * 256 + n[5]) : 0;
    return 0;
}

/* A data connection, on which `verb` is about to happen; -1: there is none. */
static int open_data(const char *verb, const char *name)
{
    struct sockaddr_storage place = peer;
    int port, data;

    if (ask("TYPE", "I") < 0 || ask("PASV", NULL) < 0)
        return -1;
    if ((port = port_in(line + 3)) == 0) {
        fprintf(stderr, "client: the server does not say where it waits\n");
        return -1;
    }
    if (place.ss_family == AF_INET)
        ((struct sockaddr_in *)&place)->sin_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in6 *)&place)->sin6_port = htons((uint16_t)port);
    data = socket(place.ss_family, SOCK_STREAM, 0);
    if (connect(data, (struct sockaddr *)&place, peer_size) < 0) {
        perror("client: data connection");
        close(data);
        return -1;
    }
    if (ask(verb, name) < 0) {
        close(data);
        return -1;
    }
    return data;
}

static int fetch(const char *name, const char *verb, const char *argument)
{
    static char chunk[CHUNK];
    const char *unfinished = ".unfinished"; /* half a file must not take the place of a whole one */
    ssize_t got;
    int data = open_data(verb, argument), bad = 0;
    FILE *file;

    if (data < 0)
        return -1;
    if ((file = fopen(unfinished, "wb")) == NULL) {
        perror(unfinished);
        close(data);
        return -1;
    }
    while ((got = recv(data, chunk, sizeof chunk, 0)) > 0)
        bad |= fwrite(chunk, 1, (size_t)got, file) != (size_t)got;
    if (got < 0)
        perror("client: the transfer broke off");
    bad |= got < 0 || fclose(file) != 0;
    close(data);
    bad |= reply() < 0;
    if (bad || rename(unfinished, name) < 0) {
        fprintf(stderr, "client: %s was not fetched\n", name);
        remove(unfinished);
        return -1;
    }
    return 0;
}

static int store(const char *name, FILE *file)
{
    static char chunk[CHUNK];
    size_t length;
    int data = open_data("STOR", name), bad = 0;

    if (data < 0)
        return -1;
    while (!bad && (length = fread(chunk, 1, sizeof chunk, file)) > 0)
        bad = send_all(data, chunk, length) < 0;
    close(data);
    if (reply() < 0 || bad) {
        fprintf(stderr, "client: %s was not stored\n", name);
        return -1;
    }
    return 0;
}

static int connected(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found, *each;
    int sock = -1, code = getaddrinfo(host, port, &hints, &found);

    if (code != 0)
        lost(gai_strerror(code));
    for (each = found; each != NULL; each = each->ai_next) {
        if ((sock = socket(each->ai_family, SOCK_STREAM, 0)) < 0)
            continue;
        if (connect(sock, each->ai_addr, each->ai_addrlen) == 0)
            break;
        close(sock);
        sock = -1;
    }
    freeaddrinfo(found);
    if (sock < 0)
        lost(strerror(errno));
    peer_size = sizeof peer;
    getpeername(sock, (struct sockaddr *)&peer, &peer_size);
    return sock;
}

static int log_in(const char *user, const char *password)
{
    int code;

    if (reply() < 0 || (code = ask("USER", user)) < 0)
        return -1;
    return code == 331 ? ask("PASS", password) : code;
}

static int obey(const char *command, const char *name, FILE *file)
{
    if (strcmp(command, "get") == 0)
        return fetch(name, "RETR", name);
    if (strcmp(command, "list") == 0)
        return fetch(name, "LIST", NULL);
    if (strcmp(command, "put") == 0)
        return store(name, file);
    if (ask("DELE", name) < 0)
        return -1;
    puts(line);
    return 0;
}

static void stop(int signal)
{
    (void)signal;
    _exit(130);
}

int main(int argc, char **argv)
{
    FILE *file = NULL;
    int status;

    if (argc != 7 || strstr("get put list delete", argv[5]) == NULL) {
        fprintf(stderr, "usage: %s HOST PORT USER PASSWORD get|put|list|delete NAME\n", argv[0]);
        return 2;
    }
    signal(SIGINT, stop);
    if (strcmp(argv[5], "put") == 0 && (file = fopen(argv[6], "rb")) == NULL) {
        perror(argv[6]);
        return 1;
    }
    control = fdopen(connected(argv[1], argv[2]), "r");
    status = log_in(argv[3], argv[4]) < 0 || obey(argv[5], argv[6], file) < 0;
    if (ask("QUIT", NULL) < 0)
        status = 1;
    fclose(control);
    return status;
}
