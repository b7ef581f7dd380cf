#define _POSIX_C_SOURCE 200809L

#include "line.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { FIRST_CAPACITY = 4096 };

void line_reader_open(struct line_reader *reader, int fd)
{
    *reader = (struct line_reader){.fd = fd};
}

/* Makes room behind data[end]: by moving what is left to the front, or by growing. */
static bool make_room(struct line_reader *reader)
{
    if (reader->end < reader->capacity)
        return true;
    if (reader->start > 0) {
        memmove(reader->data, reader->data + reader->start, reader->end - reader->start);
        reader->end -= reader->start;
        reader->seen -= reader->start;
        reader->start = 0;
        return true;
    }
    if (reader->capacity > MAX_LINE)
        return false;
    size_t capacity = reader->capacity > 0 ? reader->capacity * 2 : FIRST_CAPACITY;
    char *data = realloc(reader->data, capacity);
    if (data == NULL)
        return false;
    reader->data = data;
    reader->capacity = capacity;
    return true;
}

/* Reads once; false when nothing more can come. */
static bool fill(struct line_reader *reader)
{
    if (!make_room(reader))
        return false;
    ssize_t got;
    do {
        got = recv(reader->fd, reader->data + reader->end, reader->capacity - reader->end, 0);
    } while (got < 0 && errno == EINTR);
    if (got <= 0)
        return false;
    reader->end += (size_t)got;
    return true;
}

char *line_reader_next(struct line_reader *reader, size_t *size)
{
    for (;;) {
        if (reader->seen < reader->end) {
            char *lf = memchr(reader->data + reader->seen, '\n', reader->end - reader->seen);
            if (lf != NULL) {
                char *line = reader->data + reader->start;
                *size = (size_t)(lf + 1 - line);
                reader->start += *size;
                reader->seen = reader->start;
                return line;
            }
            reader->seen = reader->end;
        }
        if (!fill(reader))
            return NULL;
    }
}

void line_reader_close(struct line_reader *reader)
{
    free(reader->data);
    reader->data = NULL;
}
