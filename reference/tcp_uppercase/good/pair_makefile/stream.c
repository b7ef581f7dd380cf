#define _POSIX_C_SOURCE 200809L

#include "stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

bool stream_open(struct stream *stream, int connection)
{
    /* Each line is sent by itself: without this, a short one waits for the acknowledgement of the one before. */
    int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int copy = dup(connection);
    *stream = (struct stream){
        .in = fdopen(connection, "r"),
        .out = copy < 0 ? NULL : fdopen(copy, "w"),
    };
    if (stream->in != NULL && stream->out != NULL)
        return true;
    if (stream->in == NULL)
        close(connection);
    if (stream->out == NULL && copy >= 0)
        close(copy);
    stream_close(stream);
    return false;
}

size_t stream_read_line(struct stream *stream)
{
    ssize_t size = getline(&stream->line, &stream->capacity, stream->in);
    return size > 0 && stream->line[size - 1] == '\n' ? (size_t)size : 0;
}

bool stream_write_line(struct stream *stream, const char *data, size_t size)
{
    return fwrite(data, 1, size, stream->out) == size && putc('\n', stream->out) != EOF && fflush(stream->out) != EOF;
}

void stream_close(struct stream *stream)
{
    if (stream->out != NULL)
        fclose(stream->out);
    if (stream->in != NULL)
        fclose(stream->in);
    free(stream->line);
}
