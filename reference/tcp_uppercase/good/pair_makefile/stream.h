/* Lines to and from a connection, by standard I/O; server and client share it. */
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stdio.h>

/* One FILE for each direction: a single one can't go from reading to writing without a seek. */
struct stream {
    FILE *in, *out;
    char *line; /* the last one that was read */
    size_t capacity;
};

/* Takes over a connected socket; false when memory or descriptors are at their end, and then it is closed. */
bool stream_open(struct stream *stream, int connection);

/* Reads one whole line and returns its size with its LF; 0 when the connection ends before, or is broken. */
size_t stream_read_line(struct stream *stream);

/* Sends bytes and an LF behind them; false when the connection is broken. */
bool stream_write_line(struct stream *stream, const char *data, size_t size);

/* Closes the connection. */
void stream_close(struct stream *stream);

#endif
