/* A peer with a thread for each connection: one that others have made, the tracker's, or one to fetch a chunk.
 *
 * Usage: ./peer PORT FOLDER [TRACKER_HOST TRACKER_PORT]
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "sha256.h"

#define CHUNK 16384     /* bytes of a chunk, but for the last one of a file */
#define MAX_REQUEST 4096 /* bytes of a line that another peer sends us */
#define MAX_HEAD 100    /* bytes of the line before a chunk */
#define MAX_NAME 100    /* bytes of the name of a file */
#define PATIENCE_S 5    /* without a byte from a place */
#define BACKLOG 128     /* peers that may wait until they are accepted */

/* A chunk that we have or have heard of. */
struct chunk {
    char name[SHA256_HEX];
    unsigned char *bytes; /* NULL: we lack it */
    size_t length;
    int wanted, asked;
    struct sockaddr_in *places; /* where it is */
    size_t place_count, tried;
    struct chunk *next;
};

/* A file that is not complete. */
struct file {
    char name[MAX_NAME + 1];
    struct chunk **chunks;
    size_t count;
    struct file *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static struct chunk *chunks;
static struct file *files;
static int tracker = -1; /* its socket */
static const char *folder;

static void *allocated(void *memory, size_t size)
{
    memory = realloc(memory, size);
    if (memory == NULL) {
        perror("peer");
        exit(1);
    }
    return memory;
}

/* The chunk with that name, which is made if nobody has heard of it. */
static struct chunk *chunk_named(const char *name)
{
    struct chunk *chunk = chunks;

    while (chunk != NULL && strcmp(chunk->name, name) != 0)
        chunk = chunk->next;
    if (chunk == NULL) {
        chunk = memset(allocated(NULL, sizeof *chunk), 0, sizeof *chunk);
        strcpy(chunk->name, name);
        chunk->next = chunks;
        chunks = chunk;
    }
    return chunk;
}

static void keep(struct chunk *chunk, const unsigned char *bytes, size_t length)
{
    if (chunk->bytes == NULL) {
        chunk->bytes = memcpy(allocated(NULL, length), bytes, length);
        chunk->length = length;
    }
}

static int send_all(int sock, const void *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(sock, bytes, length, MSG_NOSIGNAL);
        if (sent < 0)
            return -1;
        bytes = (const char *)bytes + sent;
        length -= (size_t)sent;
    }
    return 0;
}

static void start_thread(void *(*work)(void *), void *argument)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, work, argument) == 0)
        pthread_detach(thread);
}

/* What has come over a connection and was not used yet. */
struct input {
    int sock;
    size_t length, room;
    char *bytes;
};

/* Read more; 0 or less: there is none, or no room for it. */
static ssize_t read_more(struct input *input, size_t most)
{
    if (input->length == input->room) {
        if (input->room >= most)
            return -1;
        input->room = input->room == 0 ? 4096 : 2 * input->room;
        input->bytes = allocated(input->bytes, input->room);
    }
    ssize_t got = recv(input->sock, input->bytes + input->length, input->room - input->length, 0);
    if (got > 0)
        input->length += (size_t)got;
    return got;
}

static void use(struct input *input, size_t length)
{
    memmove(input->bytes, input->bytes + length, input->length - length);
    input->length -= length;
}

/* The next line, as a string of its own without its end; NULL: there is none, or it is longer than `most`. */
static char *next_line(struct input *input, size_t most)
{
    char *end, *line;

    while ((end = input->length > 0 ? memchr(input->bytes, '\n', input->length) : NULL) == NULL)
        if (input->length > most || read_more(input, 2 * most + 4096) <= 0)
            return NULL;
    size_t length = (size_t)(end - input->bytes);
    if (length > most)
        return NULL;
    line = memcpy(allocated(NULL, length + 1), input->bytes, length);
    line[length] = '\0';
    use(input, length + 1);
    return line;
}

/* The tracker */

/* Tell the tracker something, if there is one; the caller holds the lock. */
static void tell(const char *verb, const char *what)
{
    char line[256];

    if (tracker >= 0) {
        int length = snprintf(line, sizeof line, "%s %s\n", verb, what);
        send_all(tracker, line, (size_t)length); /* if it is gone, follow() notices */
    }
}

/* Write a file of which we have all chunks. */
static int write_file(const struct file *file)
{
    char path[PATH_MAX];
    FILE *out;
    int bad = 0;

    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, file->name) >= sizeof path ||
        (out = fopen(path, "wb")) == NULL)
        return -1;
    for (size_t i = 0; i < file->count; i++)
        bad |= fwrite(file->chunks[i]->bytes, 1, file->chunks[i]->length, out) != file->chunks[i]->length;
    return fclose(out) != 0 || bad ? -1 : 0;
}

/* Write the files whose last chunk has come; the caller holds the lock. */
static void finish_files(void)
{
    struct file **link = &files;

    while (*link != NULL) {
        struct file *file = *link;
        size_t have = 0;
        while (have < file->count && file->chunks[have]->bytes != NULL)
            have++;
        if (have < file->count) {
            link = &file->next;
            continue;
        }
        if (write_file(file) < 0)
            perror(file->name);
        else
            tell("DONE", file->name);
        *link = file->next;
        free(file->chunks);
        free(file);
    }
}

static void fetch_soon(struct chunk *chunk);

static int is_file_name(const char *name)
{
    size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    return name[0] != '.' && length > 0 && length <= MAX_NAME && name[length] == '\0';
}

static int is_chunk_name(const char *name)
{
    return strlen(name) == SHA256_HEX - 1 && strspn(name, "0123456789abcdef") == SHA256_HEX - 1;
}

/* FILE name size chunk ... */
static void hear_of_file(char **rest)
{
    char *name = strtok_r(NULL, " ", rest), *size = strtok_r(NULL, " ", rest), *word;
    struct file *file;

    if (name == NULL || size == NULL || !is_file_name(name))
        return;
    file = memset(allocated(NULL, sizeof *file), 0, sizeof *file);
    strcpy(file->name, name);
    while ((word = strtok_r(NULL, " ", rest)) != NULL && is_chunk_name(word)) {
        file->chunks = allocated(file->chunks, (file->count + 1) * sizeof *file->chunks);
        file->chunks[file->count++] = chunk_named(word);
    }
    file->next = files;
    files = file;
    for (size_t i = 0; i < file->count; i++) {
        file->chunks[i]->wanted = 1;
        fetch_soon(file->chunks[i]);
    }
    finish_files();
}

/* AT address port chunk */
static void hear_of_place(char **rest)
{
    char *host = strtok_r(NULL, " ", rest), *port = strtok_r(NULL, " ", rest), *name = strtok_r(NULL, " ", rest);
    struct sockaddr_in place = {.sin_family = AF_INET};
    struct chunk *chunk;

    if (name == NULL || !is_chunk_name(name) || inet_pton(AF_INET, host, &place.sin_addr) != 1)
        return;
    place.sin_port = htons((uint16_t)atoi(port));
    chunk = chunk_named(name);
    chunk->places = allocated(chunk->places, (chunk->place_count + 1) * sizeof *chunk->places);
    chunk->places[chunk->place_count++] = place;
    fetch_soon(chunk);
}

/* Do what the tracker says until it leaves. */
static void *follow(void *unused)
{
    struct input input = {.sock = tracker};
    char *line, *rest;

    (void)unused;
    while ((line = next_line(&input, 1 << 20)) != NULL) {
        char *verb = strtok_r(line, " ", &rest);
        pthread_mutex_lock(&lock);
        if (verb != NULL && strcmp(verb, "FILE") == 0)
            hear_of_file(&rest);
        else if (verb != NULL && strcmp(verb, "AT") == 0)
            hear_of_place(&rest);
        pthread_mutex_unlock(&lock);
        free(line);
    }
    pthread_mutex_lock(&lock);
    close(tracker);
    tracker = -1;
    pthread_mutex_unlock(&lock);
    free(input.bytes);
    return NULL;
}

/* Fetching */

struct attempt {
    struct chunk *chunk;
    struct sockaddr_in place;
};

/* Ask another peer for a chunk; its length, or 0: we don't get it there. */
static size_t ask(const struct attempt *attempt, struct input *input)
{
    struct timeval patience = {.tv_sec = PATIENCE_S};
    char request[128], *head, *end, hex[SHA256_HEX];
    int length = snprintf(request, sizeof request, "GET %s\n", attempt->chunk->name);

    setsockopt(input->sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(input->sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience); /* connect(2) obeys it too */
    if (connect(input->sock, (const struct sockaddr *)&attempt->place, sizeof attempt->place) < 0 ||
        send_all(input->sock, request, (size_t)length) < 0 || (head = next_line(input, MAX_HEAD)) == NULL)
        return 0;
    long size = strncmp(head, "CHUNK ", 6) == 0 ? strtol(head + 6, &end, 10) : 0;
    int strange = size < 1 || size > CHUNK || *end != '\0';
    free(head);
    if (strange)
        return 0;
    while (input->length < (size_t)size)
        if (read_more(input, 4 * CHUNK) <= 0)
            return 0;
    sha256_hex(input->bytes, (size_t)size, hex);
    return strcmp(hex, attempt->chunk->name) == 0 ? (size_t)size : 0;
}

static void *fetch(void *argument)
{
    struct attempt *attempt = argument;
    struct chunk *chunk = attempt->chunk;
    struct input input = {.sock = socket(AF_INET, SOCK_STREAM, 0)};
    size_t length = ask(attempt, &input);

    close(input.sock);
    pthread_mutex_lock(&lock);
    chunk->asked = 0;
    if (length > 0) {
        keep(chunk, (unsigned char *)input.bytes, length);
        tell("HAVE", chunk->name);
        finish_files();
    } else {
        fetch_soon(chunk);
    }
    pthread_mutex_unlock(&lock);
    free(input.bytes);
    free(attempt);
    return NULL;
}

/* Begin to fetch a chunk, if it is wanted and there is a place to try; the caller holds the lock. */
static void fetch_soon(struct chunk *chunk)
{
    struct attempt *attempt;

    if (!chunk->wanted || chunk->asked || chunk->bytes != NULL || chunk->tried == chunk->place_count)
        return;
    chunk->asked = 1;
    attempt = allocated(NULL, sizeof *attempt);
    attempt->chunk = chunk;
    attempt->place = chunk->places[chunk->tried++];
    start_thread(fetch, attempt);
}

/* Serving */

static int answer(int sock, const char *line)
{
    struct chunk *chunk = NULL;
    char head[64];
    int length;

    if (strncmp(line, "GET ", 4) == 0) {
        pthread_mutex_lock(&lock);
        for (chunk = chunks; chunk != NULL && (chunk->bytes == NULL || strcmp(chunk->name, line + 4) != 0);)
            chunk = chunk->next;
        pthread_mutex_unlock(&lock);
    }
    if (chunk == NULL)
        return send_all(sock, "NONE\n", 5);
    length = snprintf(head, sizeof head, "CHUNK %zu\n", chunk->length); /* what we have stays as it is */
    return send_all(sock, head, (size_t)length) < 0 ? -1 : send_all(sock, chunk->bytes, chunk->length);
}

static void *serve(void *argument)
{
    struct input input = {.sock = *(int *)argument};
    char *line;
    int gone = 0;

    free(argument);
    while (!gone && (line = next_line(&input, MAX_REQUEST)) != NULL) {
        gone = answer(input.sock, line) < 0;
        free(line);
    }
    close(input.sock);
    free(input.bytes);
    return NULL;
}

/* Starting */

static int read_file(const char *path)
{
    static unsigned char bytes[CHUNK];
    char name[SHA256_HEX];
    FILE *in = fopen(path, "rb");
    size_t length;

    if (in == NULL)
        return -1;
    while ((length = fread(bytes, 1, sizeof bytes, in)) > 0) {
        sha256_hex(bytes, length, name);
        keep(chunk_named(name), bytes, length);
    }
    fclose(in);
    return 0;
}

static int read_folder(void)
{
    char path[PATH_MAX];
    struct dirent *entry;
    struct stat what;
    DIR *directory;

    if (mkdir(folder, 0777) < 0 && errno != EEXIST)
        return -1;
    if ((directory = opendir(folder)) == NULL)
        return -1;
    while ((entry = readdir(directory)) != NULL) {
        if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= sizeof path)
            continue;
        if (stat(path, &what) == 0 && S_ISREG(what.st_mode) && read_file(path) < 0)
            perror(path);
    }
    closedir(directory);
    return 0;
}

static void join(const char *host, const char *port, const char *own)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

    tracker = socket(AF_INET, SOCK_STREAM, 0);
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1 ||
        connect(tracker, (struct sockaddr *)&address, sizeof address) < 0) {
        perror("peer: no tracker");
        close(tracker);
        tracker = -1;
        return;
    }
    tell("HELLO", own);
    for (struct chunk *chunk = chunks; chunk != NULL; chunk = chunk->next)
        tell("HAVE", chunk->name);
    start_thread(follow, NULL);
}

static int is_port(const char *word)
{
    size_t digits = strspn(word, "0123456789");

    return digits > 0 && digits <= 5 && word[digits] == '\0' && atoi(word) >= 1 && atoi(word) <= 65535;
}

static void stop(int signal)
{
    (void)signal;
    _exit(0);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    int listener, yes = 1;

    if ((argc != 3 && argc != 5) || !is_port(argv[1]) || (argc == 5 && !is_port(argv[4]))) {
        fprintf(stderr, "usage: %s PORT FOLDER [TRACKER_HOST TRACKER_PORT]\n", argv[0]);
        return 2;
    }
    signal(SIGINT, stop);
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    folder = argv[2];
    listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (read_folder() < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, BACKLOG) < 0) {
        perror("peer");
        return 1;
    }
    if (argc == 5)
        join(argv[3], argv[4], argv[1]);
    for (;;) {
        int *sock = allocated(NULL, sizeof *sock);
        if ((*sock = accept(listener, NULL, NULL)) < 0) {
            free(sock);
            continue;
        }
        start_thread(serve, sock);
    }
}
