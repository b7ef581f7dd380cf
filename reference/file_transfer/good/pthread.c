/*
 * FTP server for one folder, a thread for each session.
 *
 * Usage: ./server PORT FOLDER
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    MAX_LINE = 4096,   /* bytes of a command */
    CHUNK = 64 * 1024, /* bytes that are sent or received in one go */
    WAIT_S = 10,       /* for the client to connect to the port that it was told */
};

static const char USER[] = "student", PASSWORD[] = "sesame";
static int folder; /* all names are looked up in it */

/* One client.  `listener`: where its next data connection comes from, or -1; `place`: where it goes to instead. */
struct session {
    int control;
    int listener;
    bool connects;
    struct sockaddr_in place;
    bool user_is_right, logged_in;
    char buffer[MAX_LINE];
    size_t start, end;
};

static bool send_all(int sock, const void *data, size_t size)
{
    const char *next = data;
    while (size > 0) {
        /* MSG_NOSIGNAL: a client that has left is an error to handle, not a SIGPIPE that ends us. */
        ssize_t sent = send(sock, next, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return false;
        next += sent;
        size -= (size_t)sent;
    }
    return true;
}

static void reply(struct session *session, const char *text)
{
    char line[MAX_LINE];
    int size = snprintf(line, sizeof line, "%s\r\n", text);
    send_all(session->control, line, (size_t)size); /* that the client is gone shows at the next command */
}

/* The next command, without its ending; NULL at the end of the connection, or when it is too long. */
static char *next_command(struct session *session)
{
    for (;;) {
        char *line = session->buffer + session->start;
        char *lf = memchr(line, '\n', session->end - session->start);
        if (lf != NULL) {
            session->start = (size_t)(lf + 1 - session->buffer);
            if (lf > line && lf[-1] == '\r')
                lf--;
            *lf = '\0';
            return line;
        }
        memmove(session->buffer, line, session->end - session->start);
        session->end -= session->start;
        session->start = 0;
        if (session->end == sizeof session->buffer)
            return NULL;
        ssize_t got = recv(session->control, session->buffer + session->end, sizeof session->buffer - session->end, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return NULL;
        session->end += (size_t)got;
    }
}

static void close_listener(struct session *session)
{
    if (session->listener >= 0)
        close(session->listener);
    session->listener = -1;
    session->connects = false;
}

/* Listens for the next data connection, at a port that the system chooses. */
static void passive(struct session *session)
{
    struct sockaddr_in here;
    socklen_t size = sizeof here;
    char text[128];
    close_listener(session);
    if (getsockname(session->control, (struct sockaddr *)&here, &size) == 0) {
        here.sin_port = 0;
        session->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    }
    struct timeval wait = {.tv_sec = WAIT_S};
    if (session->listener < 0 || bind(session->listener, (struct sockaddr *)&here, sizeof here) < 0 ||
        listen(session->listener, 1) < 0 || getsockname(session->listener, (struct sockaddr *)&here, &size) < 0 ||
        setsockopt(session->listener, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) < 0) {
        close_listener(session);
        reply(session, "425 no port");
        return;
    }
    const unsigned char *ip = (unsigned char *)&here.sin_addr, *port = (unsigned char *)&here.sin_port;
    snprintf(text, sizeof text, "227 waiting at (%d,%d,%d,%d,%d,%d)", ip[0], ip[1], ip[2], ip[3], port[0], port[1]);
    reply(session, text);
}

/* Remembers where the client waits, if that is where it is. */
static void active(struct session *session, const char *argument)
{
    unsigned n[6];
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    if (sscanf(argument, "%3u,%3u,%3u,%3u,%3u,%3u", &n[0], &n[1], &n[2], &n[3], &n[4], &n[5]) != 6 || n[4] > 255 ||
        n[5] > 255 || getpeername(session->control, (struct sockaddr *)&peer, &size) < 0 ||
        ntohl(peer.sin_addr.s_addr) != (n[0] << 24 | n[1] << 16 | n[2] << 8 | n[3])) {
        reply(session, "501 that is not where you are");
        return;
    }
    close_listener(session);
    peer.sin_port = htons((uint16_t)(n[4] << 8 | n[5]));
    session->place = peer;
    session->connects = true;
    reply(session, "200 I will connect there");
}

/* The next data connection, or -1. */
static int data_connection(struct session *session)
{
    if (!session->connects)
        return accept4(session->listener, NULL, NULL, SOCK_CLOEXEC);
    struct timeval wait = {.tv_sec = WAIT_S};
    int data = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (data >= 0 && (setsockopt(data, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) < 0 ||
                      connect(data, (struct sockaddr *)&session->place, sizeof session->place) < 0)) {
        close(data);
        return -1;
    }
    return data;
}

/* What is done with a data connection: false when it broke off. */
typedef bool transfer(int data, int file);

static bool send_file(int data, int file)
{
    char chunk[CHUNK];
    ssize_t got;
    while ((got = read(file, chunk, sizeof chunk)) > 0)
        if (!send_all(data, chunk, (size_t)got))
            return false;
    return got == 0;
}

static bool receive_file(int data, int file)
{
    char chunk[CHUNK];
    ssize_t got;
    while ((got = recv(data, chunk, sizeof chunk, 0)) > 0)
        for (ssize_t put = 0, more; put < got; put += more)
            if ((more = write(file, chunk + put, (size_t)(got - put))) < 0)
                return false;
    return got == 0;
}

static bool send_list(int data, int unused)
{
    (void)unused;
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = again >= 0 ? fdopendir(again) : NULL;
    bool good = entries != NULL;
    struct dirent *entry;
    while (good && (entry = readdir(entries)) != NULL) {
        struct stat about;
        char line[MAX_LINE];
        if (fstatat(folder, entry->d_name, &about, 0) < 0 || !S_ISREG(about.st_mode))
            continue;
        int size = snprintf(line, sizeof line, "-rw-r--r-- 1 ftp ftp %10lld Jan  1 00:00 %s\r\n",
                            (long long)about.st_size, entry->d_name);
        good = send_all(data, line, (size_t)size);
    }
    if (entries != NULL)
        closedir(entries);
    return good;
}

/* Opens the data connection, plays the transfer on it and says how it went; false if it broke off. */
static bool play(struct session *session, transfer *transfer, int file)
{
    if (!session->connects && session->listener < 0) {
        reply(session, "425 PASV or PORT comes first");
        return false;
    }
    reply(session, "150 here it comes");
    int data = data_connection(session);
    close_listener(session);
    struct timeval forever = {0};
    bool good = data >= 0 && setsockopt(data, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof forever) == 0 &&
                setsockopt(data, SOL_SOCKET, SO_SNDTIMEO, &forever, sizeof forever) == 0 &&
                transfer(data, file);
    if (data >= 0)
        close(data);
    return good;
}

/* A name in the folder, and nothing that leads out of it. */
static bool is_name(const char *name)
{
    return *name != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void retrieve(struct session *session, const char *name)
{
    struct stat about;
    int file = is_name(name) ? openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (file < 0 || fstat(file, &about) < 0 || !S_ISREG(about.st_mode))
        reply(session, "550 no such file");
    else if (!session->connects && session->listener < 0)
        reply(session, "425 PASV or PORT comes first");
    else
        reply(session, play(session, send_file, file) ? "226 done" : "426 broken off");
    if (file >= 0)
        close(file);
}

/* Writes to a file without a name first: a transfer that breaks off must not leave half a file. */
static void store(struct session *session, const char *name)
{
    char there[64];
    if (!is_name(name)) {
        reply(session, "553 that is no name for a file");
        return;
    }
    if (!session->connects && session->listener < 0) {
        reply(session, "425 PASV or PORT comes first");
        return;
    }
    int file = openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
    if (file < 0) {
        reply(session, "451 no room");
        return;
    }
    bool good = play(session, receive_file, file);
    snprintf(there, sizeof there, "/proc/self/fd/%d", file);
    if (good && unlinkat(folder, name, 0) < 0 && errno != ENOENT)
        good = false;
    if (good && linkat(AT_FDCWD, there, folder, name, AT_SYMLINK_FOLLOW) < 0)
        good = false;
    close(file);
    reply(session, good ? "226 stored" : "426 broken off");
}

static void list(struct session *session)
{
    if (!session->connects && session->listener < 0)
        reply(session, "425 PASV or PORT comes first");
    else
        reply(session, play(session, send_list, -1) ? "226 done" : "426 broken off");
}

static void log_in(struct session *session, const char *password)
{
    session->logged_in = session->user_is_right && strcmp(password, PASSWORD) == 0;
    reply(session, session->logged_in ? "230 welcome" : "530 wrong user or password");
}

static void obey_member(struct session *session, const char *verb, const char *argument)
{
    if (strcasecmp(verb, "TYPE") == 0)
        reply(session, "200 bytes as they are");
    else if (strcasecmp(verb, "PWD") == 0)
        reply(session, "257 \"/\"");
    else if (strcasecmp(verb, "PASV") == 0)
        passive(session);
    else if (strcasecmp(verb, "PORT") == 0)
        active(session, argument);
    else if (strcasecmp(verb, "RETR") == 0)
        retrieve(session, argument);
    else if (strcasecmp(verb, "STOR") == 0)
        store(session, argument);
    else if (strcasecmp(verb, "LIST") == 0)
        list(session);
    else
        reply(session, "502 no such command");
}

/* False when the client wants to leave. */
static bool obey(struct session *session, char *line)
{
    char *argument = strchr(line, ' ');
    if (argument != NULL)
        *argument++ = '\0';
    else
        argument = line + strlen(line);
    if (strcasecmp(line, "QUIT") == 0) {
        reply(session, "221 bye");
        return false;
    }
    if (strcasecmp(line, "NOOP") == 0) {
        reply(session, "200 ok");
    } else if (strcasecmp(line, "USER") == 0) {
        session->user_is_right = strcmp(argument, USER) == 0;
        session->logged_in = false;
        reply(session, "331 and the password?");
    } else if (strcasecmp(line, "PASS") == 0) {
        log_in(session, argument);
    } else if (!session->logged_in) {
        reply(session, "530 log in first");
    } else {
        obey_member(session, line, argument);
    }
    return true;
}

static void *serve(void *argument)
{
    struct session *session = argument;
    char *line;
    reply(session, "220 ready");
    while ((line = next_command(session)) != NULL && obey(session, line))
        ;
    close_listener(session);
    close(session->control);
    free(session);
    return NULL;
}

static int open_listener(int port)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((in_port_t)port),
        .sin_addr.s_addr = htonl(INADDR_ANY),
    };
    /* SO_REUSEADDR: connections of an earlier run, still in TIME_WAIT, must not keep us from the port. */
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, SOMAXCONN) < 0)
        return -1;
    return listener;
}

static void start_session(int control, const pthread_attr_t *detached)
{
    struct session *session = calloc(1, sizeof *session);
    pthread_t thread;
    if (session == NULL) {
        close(control);
        return;
    }
    session->control = control;
    session->listener = -1;
    if (pthread_create(&thread, detached, serve, session) != 0) {
        close(control);
        free(session);
    }
}

int main(int argc, char **argv)
{
    char *end = NULL;
    long port = argc == 3 ? strtol(argv[1], &end, 10) : 0;
    if (end == NULL || *end != '\0' || port < 1 || port > 65535) {
        fprintf(stderr, "usage: %s PORT FOLDER   (a port is from 1 to 65535)\n", argc > 0 ? argv[0] : "server");
        return 2;
    }
    if (mkdir(argv[2], 0755) < 0 && errno != EEXIST) {
        perror(argv[2]);
        return 1;
    }
    folder = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int listener = folder >= 0 ? open_listener((int)port) : -1;
    if (listener < 0) {
        fprintf(stderr, "%s: port %ld, folder %s: %s\n", argv[0], port, argv[2], strerror(errno));
        return 1;
    }
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (;;) {
        int control = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (control >= 0) {
            start_session(control, &detached);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            perror("accept");
            return 1;
        }
    }
}
