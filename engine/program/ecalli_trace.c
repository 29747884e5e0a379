/* Traces from memory and from streams, and what is asked of them afterwards. */
#include "program/ecalli_trace.h"

#include "program/ecalli_builder.h"
#include "support/error.h"

#include <stdlib.h>
#include <string.h>

#define STREAM_CHUNK ((size_t)1 << 16)

/* Reads the complete lines in `text`, and with `is_last` what is left. *out_used tells how much was
 * read. */
static int read_lines(pvm_ecalli_builder_t *builder, const char *text, size_t len, bool is_last,
                      size_t *out_used)
{
    size_t used = 0;

    while (used < len) {
        const char *const feed = memchr(text + used, '\n', len - used);
        if (feed == NULL && !is_last) {
            break;
        }
        const size_t line_len = feed != NULL ? (size_t)(feed - text) - used : len - used;
        if (pvm_ecalli_builder_add(builder, text + used, line_len) != 0) {
            return -1;
        }
        used += line_len + (feed != NULL);
    }
    *out_used = used;
    return 0;
}

pvm_ecalli_trace_t *pvm_ecalli_trace_read(const char *name, const uint8_t *data, size_t len,
                                          const pvm_ecalli_limits_t *limits)
{
    pvm_ecalli_builder_t builder;
    size_t used = 0;
    int status = pvm_ecalli_builder_begin(&builder, name, limits);

    if (status == 0) {
        status = read_lines(&builder, (const char *)data, len, true, &used);
    }
    return pvm_ecalli_builder_finish(&builder, status);
}

/* Room for a chunk more, in a buffer that never needs more than the longest line and a chunk. */
static int make_room(const pvm_ecalli_builder_t *builder, char **buffer, size_t used, size_t *room)
{
    if (used > builder->limits.line_bytes) {
        return pvm_error_set(
            "%s:%zu: a line of more than %zu octets; this is hardly an ecalli trace",
            builder->trace->name, builder->line + 1, builder->limits.line_bytes);
    }
    if (*room - used >= STREAM_CHUNK) {
        return 0;
    }
    const size_t wanted = 2 * *room + STREAM_CHUNK;
    char *const bigger = realloc(*buffer, wanted);
    if (bigger == NULL) {
        return pvm_error_set("no memory for a line of %zu octets", wanted);
    }
    *buffer = bigger;
    *room = wanted;
    return 0;
}

pvm_ecalli_trace_t *pvm_ecalli_trace_read_stream(const char *name, FILE *stream,
                                                 const pvm_ecalli_limits_t *limits)
{
    pvm_ecalli_builder_t builder;
    char *buffer = NULL;
    size_t room = 0;
    size_t len = 0;
    bool is_last = false;
    int status = pvm_ecalli_builder_begin(&builder, name, limits);

    while (status == 0 && !is_last) {
        size_t used = 0;
        status = make_room(&builder, &buffer, len, &room);
        if (status != 0) {
            break;
        }
        const size_t got = fread(buffer + len, 1, STREAM_CHUNK, stream);
        if (got < STREAM_CHUNK && ferror(stream)) {
            status = pvm_error_set("%s:%zu: reading failed: %m", name, builder.line + 1);
            break;
        }
        is_last = got < STREAM_CHUNK;
        const bool has_line = is_last || memchr(buffer + len, '\n', got) != NULL;
        len += got;
        if (has_line) { /* else a long line would be searched from its begin for every chunk */
            status = read_lines(&builder, buffer, len, is_last, &used);
            len -= used;
            memmove(buffer, buffer + used, len);
        }
    }
    free(buffer);
    return pvm_ecalli_builder_finish(&builder, status);
}

void pvm_ecalli_trace_destroy(pvm_ecalli_trace_t *trace)
{
    if (trace == NULL) {
        return;
    }
    for (size_t i = 0; i < trace->action_count; i++) {
        free(trace->actions[i].data);
    }
    for (size_t i = 0; i < PVM_MAX_ECALLI_NOTES; i++) {
        free(trace->problems[i].text);
        free(trace->suspects[i].text);
    }
    free(trace->actions);
    free(trace->entries);
    free(trace->program);
    free(trace->name);
    free(trace);
}

uint8_t *pvm_ecalli_trace_arguments(const pvm_ecalli_trace_t *trace, size_t *out_len)
{
    const uint64_t len = trace->start.registers[8];

    if (len > PVM_MAX_ARGUMENTS) {
        pvm_error_set(
            "%s:%zu: r08 asks for arguments of %llu octets; a JAM program takes at most %d",
            trace->name, trace->start_line, (unsigned long long)len, PVM_MAX_ARGUMENTS);
        return NULL;
    }
    uint8_t *const arguments = calloc(len > 0 ? len : 1, 1);
    if (arguments == NULL) {
        pvm_error_set("no memory for arguments of %llu octets", (unsigned long long)len);
        return NULL;
    }
    for (size_t i = 0; i < trace->prelude_count; i++) {
        const pvm_ecalli_action_t *const write = &trace->actions[i];
        const uint64_t at = (uint64_t)write->address - PVM_ECALLI_ARGUMENTS_ADDRESS;
        if (write->address >= PVM_ECALLI_ARGUMENTS_ADDRESS && write->data != NULL && at < len) {
            memcpy(arguments + at, write->data, write->len < len - at ? write->len : len - at);
        }
    }
    *out_len = (size_t)len;
    return arguments;
}
