/* What the answer to a datagram is: the server sends it, and the client compares with it what comes. */
#ifndef REPLY_H
#define REPLY_H

#include <stddef.h>

enum {
    LARGEST = 65535, /* bytes: no UDP datagram is longer */
    PREFIX = 5,      /* bytes of "OK..." */
};

struct reply {
    size_t size;
    char bytes[PREFIX + LARGEST];
};

/* Makes the reply to a datagram, of which no more than LARGEST bytes are taken. */
void reply_make(struct reply *reply, const char *datagram, size_t size);

#endif
