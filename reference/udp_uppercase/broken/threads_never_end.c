/* Fault: starts a thread for each datagram, which waits for more when it has sent its reply. */
#define _POSIX_C_SOURCE 200809L

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct datagram {
    int server;
    struct sockaddr_in client;
    socklen_t length;
    ssize_t size;
    char text[65535];
};

static void to_upper_case(char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] >= 'a' && bytes[i] <= 'z')
            bytes[i] -= 'a' - 'A';
}

static void *answer(void *argument)
{
    struct datagram *datagram = argument;
    to_upper_case(datagram->text, datagram->size);
    if (sendto(datagram->server, datagram->text, datagram->size, 0, (struct sockaddr *)&datagram->client,
               datagram->length) < 0)
        perror("sendto");
    free(datagram);
    while (1)
        pause();
}

static void serve_forever(int server)
{
    while (1) {
        struct datagram *datagram = malloc(sizeof *datagram);
        if (datagram == NULL) {
            perror("malloc");
            exit(1);
        }
        datagram->server = server;
        datagram->length = sizeof datagram->client;
        datagram->size = recvfrom(server, datagram->text, sizeof datagram->text, 0,
                                  (struct sockaddr *)&datagram->client, &datagram->length);
        if (datagram->size < 0) {
            perror("recvfrom");
            free(datagram);
            continue;
        }
        pthread_t thread;
        int error = pthread_create(&thread, NULL, answer, datagram);
        if (error != 0) {
            fprintf(stderr, "thread: %s\n", strerror(error));
            free(datagram);
            continue;
        }
        pthread_detach(thread);
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

    int server = socket(AF_INET, SOCK_DGRAM, 0);
    if (server < 0) {
        perror("socket");
        return 1;
    }
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    if (bind(server, (struct sockaddr *)&address, sizeof address) < 0) {
        perror("bind");
        return 1;
    }

    serve_forever(server);
}
