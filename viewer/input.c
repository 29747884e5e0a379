/* Reads files, pipes too, in growing pieces up to the limit. */
#include "viewer/input.h"

#include "program/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** First piece; the room doubles from there. */
#define ROOM_FIRST ((size_t)64 << 10)

static pvm_view_status_t fail_system(pvm_view_t *view, const char *path, const char *what,
                                     int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return pvm_view_fail(view, PVM_VIEW_INPUT, "%s: no such file; check the name", path);
    case EISDIR:
        return pvm_view_fail(view, PVM_VIEW_INPUT, "%s: is a directory; name a file in it", path);
    default:
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT,
                             "%s: %s: %s; check permissions and the disk", path, what,
                             strerror(error));
    }
}

/** Only traces may be longer than any program; they are text. */
static size_t limit_of(const pvm_input_t *input)
{
    const size_t len = input->len < ROOM_FIRST ? input->len : ROOM_FIRST;

    return memchr(input->data, '\0', len) != NULL ? PVM_MAX_BLOB_BYTES : PVM_MAX_INPUT_BYTES;
}

static pvm_view_status_t read_stream(pvm_view_t *view, FILE *stream, pvm_input_t *input)
{
    size_t room = 0;

    for (;;) {
        if (input->len == room) {
            const size_t more = room == 0 ? ROOM_FIRST : 2 * room;
            uint8_t *data = realloc(input->data, more);

            if (data == NULL) {
                return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT,
                                     "%s: no memory for it after %zu octets; free some",
                                     input->path, input->len);
            }
            input->data = data;
            room = more;
        }
        const size_t got = fread(input->data + input->len, 1, room - input->len, stream);
        input->len += got;
        if (input->len > limit_of(input)) {
            return pvm_view_fail(view, PVM_VIEW_INPUT,
                                 "%s: larger than %zu octets; this is no program or trace",
                                 input->path, limit_of(input));
        }
        if (got == 0) {
            return ferror(stream) ? fail_system(view, input->path, "cannot read", errno)
                                  : PVM_VIEW_FINE;
        }
    }
}

pvm_view_status_t pvm_view_input_read(pvm_view_t *view, const char *path, pvm_input_t *out_input)
{
    const bool is_stdin = strcmp(path, "-") == 0;
    FILE *stream = is_stdin ? stdin : fopen(path, "rbe");
    pvm_view_status_t status;

    *out_input = (pvm_input_t){.path = is_stdin ? "standard input" : path};
    if (stream == NULL) {
        return fail_system(view, path, "cannot open", errno);
    }
    errno = 0;
    status = read_stream(view, stream, out_input);
    if (!is_stdin) {
        fclose(stream);
    }
    if (status != PVM_VIEW_FINE) {
        pvm_view_input_free(out_input);
    }
    return status;
}

void pvm_view_input_free(pvm_input_t *input)
{
    free(input->data);
    input->data = NULL;
    input->len = 0;
}
