/* Fault: receives several datagrams with one call, but has one place for the address of their senders. */
#define _GNU_SOURCE

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 16

static char texts[BATCH][65535];
static struct iovec places[BATCH];
static struct mmsghdr messages[BATCH];

static void to_upper_case(char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] >= 'a' && bytes[i] <= 'z')
            bytes[i] -= 'a' - 'A';
}

static void serve_forever(int server)
{
    while (1) {
        struct sockaddr_in client;
        for (int i = 0; i < BATCH; i++) {
            places[i].iov_base = texts[i];
            places[i].iov_len = sizeof texts[i];
            messages[i].msg_hdr.msg_name = &client;
            messages[i].msg_hdr.msg_namelen = sizeof client;
            messages[i].msg_hdr.msg_iov = &places[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
        int count = recvmmsg(server, messages, BATCH, MSG_WAITFORONE, NULL);
        if (count < 0)
            perror("recvmmsg");
        for (int i = 0; i < count; i++) {
            socklen_t length = messages[i].msg_hdr.msg_namelen;
            to_upper_case(texts[i], messages[i].msg_len);
            if (sendto(server, texts[i], messages[i].msg_len, 0, (struct sockaddr *)&client, length) < 0)
                perror("sendto");
        }
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
