/* Takes whole lines out of the stream of bytes that a socket gives. */
#ifndef LINE_H
#define LINE_H

#include <stddef.h>

enum { MAX_LINE = 1024 * 1024 }; /* bytes, the LF not counted */

/*
 *   data[start .. end)     read from the socket, not given out yet
 *   data[start .. seen)    known to hold no LF
 */
struct line_reader {
    int fd;
    char *data;
    size_t capacity, start, seen, end;
};

void line_reader_open(struct line_reader *reader, int fd);

/*
 * The next whole line, its LF included, and its size in bytes; good until the next call.  The caller may change it.
 * NULL when the peer has ended its side or is gone, when a line is too long, and when memory is at its end.
 */
char *line_reader_next(struct line_reader *reader, size_t *size);

/* Frees the memory; the socket stays open. */
void line_reader_close(struct line_reader *reader);

#endif
