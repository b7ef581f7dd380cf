/* Fault: has places for sixteen waiting datagrams and overwrites the oldest. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PLACES 16

struct datagram {
    struct sockaddr_in client;
    socklen_t length;
    ssize_t size;
    char reply[5 + 65535];
};

static struct datagram places[PLACES];

static int receive(int server, struct datagram *place, int flags)
{
    place->length = sizeof place->client;
    place->size =
        recvfrom(server, place->reply + 5, 65535, flags, (struct sockaddr *)&place->client, &place->length);
    return place->size >= 0;
}

static void send_reply(int server, struct datagram *place)
{
    memcpy(place->reply, "OK...", 5);
    if (sendto(server, place->reply, 5 + place->size, 0, (struct sockaddr *)&place->client, place->length) < 0)
        perror("sendto");
}

static void serve_forever(int server)
{
    while (1) {
        int got = 0;
        if (!receive(server, &places[0], 0)) {
            perror("recvfrom");
            continue;
        }
        do
            got++;
        while (receive(server, &places[got % PLACES], MSG_DONTWAIT));
        for (int i = got > PLACES ? got - PLACES + 1 : 0; i < got; i++)
            send_reply(server, &places[i % PLACES]);
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
