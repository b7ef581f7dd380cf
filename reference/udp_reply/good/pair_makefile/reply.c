#include "reply.h"

#include <string.h>

void reply_make(struct reply *reply, const char *datagram, size_t size)
{
    if (size > LARGEST)
        size = LARGEST;
    memcpy(reply->bytes, "OK...", PREFIX);
    memcpy(reply->bytes + PREFIX, datagram, size);
    reply->size = PREFIX + size;
}
