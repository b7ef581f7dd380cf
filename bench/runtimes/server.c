/* A right server in C.  Arguments: fork, pthread, poll or epoll; the port.  See bench/stillness.py. */
#define _GNU_SOURCE
#include <ctype.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 64, LINE = 256 };
struct client { int fd; size_t filled; char line[LINE]; };
static enum { FORK, PTHREAD, POLL, EPOLL } style;
static const char *const STYLES[] = {"fork", "pthread", "poll", "epoll"};

static void *compute(void *milliseconds)
{
    struct timespec began, now;
    clock_gettime(CLOCK_MONOTONIC, &began);
    do clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - began.tv_sec) * 1000000000L + now.tv_nsec - began.tv_nsec < (long)milliseconds * 1000000L);
    return NULL;
}

struct task { long milliseconds; int done_fd; pthread_mutex_t lock; pthread_cond_t changed; int done; };

static void *work(void *argument)
{
    struct task *task = argument;
    compute((void *)task->milliseconds);
    if (task->done_fd >= 0) {
        uint64_t one = 1;
        if (write(task->done_fd, &one, sizeof one) < 0) abort();
        return NULL;
    }
    pthread_mutex_lock(&task->lock);
    task->done = 1;
    pthread_cond_signal(&task->changed);
    pthread_mutex_unlock(&task->lock);
    return NULL;
}

/* Each style hands over in its own way: to a process, to a thread by a condition, by a pipe, by an eventfd. */
static void hand_over(long milliseconds)
{
    struct task task = {milliseconds, -1, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    pthread_t thread;
    int ends[2];
    char byte[8];
    if (style == FORK) {
        if (pipe(ends)) abort();
        if (!fork()) {
            compute((void *)milliseconds);
            _exit(write(ends[1], "x", 1) != 1);
        }
        if (read(ends[0], byte, 1) != 1) abort();
        close(ends[0]);
        close(ends[1]);
        wait(NULL);
        return;
    }
    if (style == POLL && pipe(ends)) abort();
    if (style == EPOLL) ends[0] = ends[1] = eventfd(0, 0);
    if (style != PTHREAD) task.done_fd = ends[1];
    pthread_create(&thread, NULL, work, &task);
    if (style == PTHREAD) {
        pthread_mutex_lock(&task.lock);
        while (!task.done) pthread_cond_wait(&task.changed, &task.lock);
        pthread_mutex_unlock(&task.lock);
    } else if (style == POLL) {
        poll(&(struct pollfd){ends[0], POLLIN, 0}, 1, -1);
    } else {
        int queue = epoll_create1(0);
        struct epoll_event event = {EPOLLIN, {0}};
        epoll_ctl(queue, EPOLL_CTL_ADD, ends[0], &event);
        epoll_wait(queue, &event, 1, -1);
        close(queue);
    }
    pthread_join(thread, NULL);
    if (style != PTHREAD) close(ends[0]);
    if (style == POLL) close(ends[1]);
}

static void alarmed(int number) { (void)number; }

/* ... and sleeps in its own way: by a signal that it catches, a condition's timeout, poll's, a timerfd. */
static void rest(long milliseconds)
{
    struct timespec until;
    struct itimerval interval = {{0, 0}, {0, milliseconds * 1000}};
    struct itimerspec once = {{0, 0}, {0, milliseconds * 1000000}};
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    sigset_t alarm_only, before;
    uint64_t times;
    int timer;
    switch (style) {
    case FORK:
        signal(SIGALRM, alarmed);
        sigemptyset(&alarm_only);
        sigaddset(&alarm_only, SIGALRM);
        sigprocmask(SIG_BLOCK, &alarm_only, &before);
        setitimer(ITIMER_REAL, &interval, NULL);
        sigsuspend(&before);
        sigprocmask(SIG_SETMASK, &before, NULL);
        signal(SIGALRM, SIG_DFL);
        break;
    case PTHREAD:
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += milliseconds * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_mutex_lock(&lock);
        while (!pthread_cond_timedwait(&never, &lock, &until)) continue;
        pthread_mutex_unlock(&lock);
        break;
    case POLL:
        poll(NULL, 0, (int)milliseconds);
        break;
    case EPOLL:
        timer = timerfd_create(CLOCK_MONOTONIC, 0);
        timerfd_settime(timer, 0, &once, NULL);
        if (read(timer, &times, sizeof times) < 0) abort();
        close(timer);
    }
}

/* The real-time timer of a process that waits for its signal without a handler. */
static void rest_by_sigwait(long milliseconds)
{
    struct itimerval interval = {{0, 0}, {0, milliseconds * 1000}};
    sigset_t alarm_only;
    int number;
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm_only, NULL);
    setitimer(ITIMER_REAL, &interval, NULL);
    sigwait(&alarm_only, &number);
    pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
}

static void stuck(void)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    pthread_mutex_lock(&lock);
    for (;;) pthread_cond_wait(&never, &lock);
}

static void answer(int fd, const char *line)
{
    char kind[16], word[LINE], buffer[4096];
    long amount;
    if (sscanf(line, "%15s %ld %200s", kind, &amount, word) != 3) return;
    if (!strcmp(kind, "ignore")) return;
    if (!strcmp(kind, "compute")) compute((void *)amount);
    if (!strcmp(kind, "hand")) hand_over(amount);
    if (!strcmp(kind, "sleep")) rest(amount);
    if (!strcmp(kind, "sigwait")) rest_by_sigwait(amount);
    if (!strcmp(kind, "stuck")) stuck();
    if (!strcmp(kind, "file")) {
        int file = open("/proc/self/exe", O_RDONLY);
        while (read(file, buffer, sizeof buffer) > 0) continue;
        close(file);
    }
    if (!strcmp(kind, "collect"))
        for (int i = 1; i < 500; i++) free(memset(malloc(i * 1000), i, i * 1000));
    size_t length = strlen(word);
    for (size_t i = 0; i < length; i++) word[i] = toupper(word[i]);
    word[length++] = '\n';
    if (send(fd, word, length, MSG_NOSIGNAL) < 0) return;
}

/* Read once, and answer what is complete.  0 at the end. */
static int serve_once(struct client *client)
{
    ssize_t got = recv(client->fd, client->line + client->filled, LINE - 1 - client->filled, 0);
    char *end;
    if (got <= 0) return 0;
    client->filled += got;
    client->line[client->filled] = 0;
    while ((end = strchr(client->line, '\n'))) {
        *end = 0;
        answer(client->fd, client->line);
        client->filled -= end + 1 - client->line;
        memmove(client->line, end + 1, client->filled + 1);
    }
    return 1;
}

static void *serve(void *client)
{
    while (serve_once(client)) continue;
    close(((struct client *)client)->fd);
    free(client);
    return NULL;
}

static struct client *new_client(int listener)
{
    struct client *client = calloc(1, sizeof *client);
    client->fd = accept(listener, NULL, NULL);
    if (client->fd < 0) abort();
    return client;
}

static void by_processes(int listener)
{
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        struct client *client = new_client(listener);
        if (!fork()) {
            signal(SIGCHLD, SIG_DFL);
            serve(client);
            _exit(0);
        }
        close(client->fd);
        free(client);
    }
}

static void by_threads(int listener)
{
    for (;;) {
        pthread_t thread;
        pthread_create(&thread, NULL, serve, new_client(listener));
        pthread_detach(thread);
    }
}

static void by_poll(int listener)
{
    struct pollfd polled[CLIENTS] = {{listener, POLLIN, 0}};
    struct client *clients[CLIENTS];
    int count = 1;
    for (;;) {
        poll(polled, count, -1);
        for (int i = count - 1; i > 0; i--)
            if (polled[i].revents && !serve_once(clients[i])) {
                close(clients[i]->fd);
                free(clients[i]);
                clients[i] = clients[--count];
                polled[i] = polled[count];
            }
        if (polled[0].revents && count < CLIENTS) {
            clients[count] = new_client(listener);
            polled[count] = (struct pollfd){clients[count]->fd, POLLIN, 0};
            count++;
        }
    }
}

static void by_epoll(int listener)
{
    int queue = epoll_create1(0);
    struct epoll_event event = {EPOLLIN, {.ptr = NULL}};
    epoll_ctl(queue, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        if (epoll_wait(queue, &event, 1, -1) != 1) continue;
        struct client *client = event.data.ptr;
        if (!client) {
            client = new_client(listener);
            event = (struct epoll_event){EPOLLIN, {.ptr = client}};
            epoll_ctl(queue, EPOLL_CTL_ADD, client->fd, &event);
        } else if (!serve_once(client)) {
            close(client->fd);
            free(client);
        }
    }
}

int main(int count, char **arguments)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    if (count != 3) return 2;
    while (strcmp(STYLES[style], arguments[1])) style++;
    address.sin_port = htons(atoi(arguments[2]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)) return 1;
    switch (style) {
    case FORK: by_processes(listener); break;
    case PTHREAD: by_threads(listener); break;
    case POLL: by_poll(listener); break;
    case EPOLL: by_epoll(listener); break;
    }
}
