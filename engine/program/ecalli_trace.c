/* From lines to a trace: order of records, growing arrays, limits. What a line is, ecalli_line.c says. */
#include "program/ecalli_trace.h"

#include "program/ecalli_line.h"
#include "program/program.h"
#include "support/error.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_LINE_BYTES (2 * (size_t)PVM_MAX_BLOB_BYTES + ((size_t)8 << 20))
#define DEFAULT_RECORDS ((size_t)1 << 24)
#define DEFAULT_DATA_BYTES ((size_t)1 << 30)
#define STREAM_CHUNK ((size_t)1 << 16)
#define MEND "mend the line or record the run again"

typedef struct {
    pvm_ecalli_trace_t *trace;
    pvm_ecalli_limits_t limits;
    size_t line; /* of the line being read, from 1 */
    size_t records;
    size_t data_bytes;
    size_t entry_room;
    size_t action_room;
    bool has_setgas; /* the present host call has one */
    /* A setgas that no host call can take. Right in front of OOG it belongs to the end, else nowhere. */
    bool has_loose_setgas;
    uint64_t loose_setgas;
    size_t loose_setgas_line;
} reader_t;

/* -- Notes --------------------------------------------------------------------------------- */

static int add_note(pvm_ecalli_note_t *notes, size_t *count, size_t line, const char *what,
                    const char *mend)
{
    char *text = NULL;

    if (*count < PVM_MAX_ECALLI_NOTES) {
        if (asprintf(&text, "%s; %s", what, mend) < 0) {
            return pvm_error_set("no memory for an ecalli trace");
        }
        notes[*count] = (pvm_ecalli_note_t){.line = line, .text = text};
    }
    (*count)++;
    return 0;
}

static int add_problem(pvm_ecalli_trace_t *trace, size_t line, const char *what)
{
    return add_note(trace->problems, &trace->problem_count, line, what, MEND);
}

/* For what follows from something missing: a line with a misspelt keyword explains it better. */
static int add_consequence(pvm_ecalli_trace_t *trace, size_t line, const char *what)
{
    if (trace->problem_count > 0) {
        return 0;
    }
    if (trace->suspect_count > 0) {
        return add_problem(trace, trace->suspects[0].line,
                           "the line resembles a record but is none, and one is missing");
    }
    return add_problem(trace, line, what);
}

/* -- Records ------------------------------------------------------------------------------- */

/* Room for one more element; NULL without memory. */
static void *grow(void *array, size_t count, size_t *room, size_t element)
{
    if (count < *room) {
        return array;
    }
    const size_t wanted = *room > 0 ? 2 * *room : 64;
    void *const bigger = reallocarray(array, wanted, element);
    if (bigger == NULL) {
        pvm_error_set("no memory for an ecalli trace of more than %zu records", count);
        return NULL;
    }
    *room = wanted;
    return bigger;
}

/* Decoded octets of a record, owned by the caller; *out stays NULL for none. */
static int take_octets(reader_t *reader, const pvm_ecalli_line_t *line, uint8_t **out)
{
    if (line->octets == 0) {
        return 0;
    }
    if (line->octets > reader->limits.data_bytes - reader->data_bytes) {
        return pvm_error_set("%s:%zu: the trace holds more than %zu octets of data; cut it into "
                             "shorter runs",
                             reader->trace->name, reader->line, reader->limits.data_bytes);
    }
    *out = malloc(line->octets);
    if (*out == NULL) {
        return pvm_error_set("no memory for %zu octets of an ecalli trace", line->octets);
    }
    reader->data_bytes += line->octets;
    pvm_ecalli_line_decode(line->hex, line->octets, *out);
    return 0;
}

static int add_action(reader_t *reader, const pvm_ecalli_line_t *line, pvm_ecalli_action_kind_t kind)
{
    pvm_ecalli_trace_t *const trace = reader->trace;
    pvm_ecalli_action_t *const actions =
        grow(trace->actions, trace->action_count, &reader->action_room, sizeof(*actions));

    if (actions == NULL) {
        return -1;
    }
    trace->actions = actions;
    pvm_ecalli_action_t action = {
        .line = reader->line,
        .kind = kind,
        .address = line->address,
        .len = (uint32_t)line->octets,
        .reg = line->reg,
        .value = line->value,
    };
    if (take_octets(reader, line, &action.data) != 0) {
        return -1;
    }
    actions[trace->action_count++] = action;
    if (trace->entry_count > 0) {
        trace->entries[trace->entry_count - 1].action_count++;
    } else {
        trace->prelude_count++;
    }
    return 0;
}

static int add_entry(reader_t *reader, const pvm_ecalli_line_t *line)
{
    pvm_ecalli_trace_t *const trace = reader->trace;
    pvm_ecalli_entry_t *const entries =
        grow(trace->entries, trace->entry_count, &reader->entry_room, sizeof(*entries));

    if (entries == NULL) {
        return -1;
    }
    trace->entries = entries;
    entries[trace->entry_count++] = (pvm_ecalli_entry_t){
        .line = reader->line,
        .func_id = line->func_id,
        .state = line->state,
        .first_action = trace->action_count,
    };
    reader->has_setgas = false;
    return 0;
}

static int take_program(reader_t *reader, const pvm_ecalli_line_t *line)
{
    pvm_ecalli_trace_t *const trace = reader->trace;

    if (trace->program_line != 0) {
        return add_problem(trace, reader->line, "a second program line");
    }
    if (line->octets == 0) {
        return add_problem(trace, reader->line, "the program has no octets");
    }
    trace->program_line = reader->line;
    trace->program_len = line->octets;
    return take_octets(reader, line, &trace->program);
}

static int take_start(reader_t *reader, const pvm_ecalli_line_t *line)
{
    pvm_ecalli_trace_t *const trace = reader->trace;

    if (trace->start_line != 0) {
        return add_problem(trace, reader->line, "a second start line");
    }
    trace->start_line = reader->line;
    trace->start = line->state;
    return 0;
}

static int take_setgas(reader_t *reader, const pvm_ecalli_line_t *line)
{
    if (reader->trace->entry_count > 0 && !reader->has_setgas) {
        reader->has_setgas = true;
        return add_action(reader, line, PVM_ECALLI_SETGAS);
    }
    reader->has_loose_setgas = true;
    reader->loose_setgas = line->value;
    reader->loose_setgas_line = reader->line;
    return 0;
}

static void take_end(reader_t *reader, const pvm_ecalli_line_t *line)
{
    reader->trace->end = (pvm_ecalli_end_t){
        .line = reader->line,
        .kind = line->end,
        .argument = line->argument,
        .state = line->state,
        .has_setgas = reader->has_loose_setgas,
        .setgas = reader->loose_setgas,
        .setgas_line = reader->loose_setgas_line,
    };
    reader->has_loose_setgas = false;
}

/* The setgas before this record, or before the end of the file, had no host call and was not followed by OOG. */
static int settle_loose_setgas(reader_t *reader)
{
    if (!reader->has_loose_setgas) {
        return 0;
    }
    reader->has_loose_setgas = false;
    return add_problem(reader->trace, reader->loose_setgas_line,
                       reader->trace->entry_count == 0
                           ? "gas is set before the first host call"
                           : "gas is set a second time in one host call");
}

static int take_record(reader_t *reader, const pvm_ecalli_line_t *line)
{
    pvm_ecalli_trace_t *const trace = reader->trace;
    const bool is_in_call = trace->entry_count > 0;

    switch (line->kind) {
    case PVM_ECALLI_LINE_PROGRAM:
        return take_program(reader, line);
    case PVM_ECALLI_LINE_START:
        return is_in_call ? add_problem(trace, reader->line, "a start line behind a host call")
                          : take_start(reader, line);
    case PVM_ECALLI_LINE_CALL:
        return add_entry(reader, line);
    case PVM_ECALLI_LINE_MEMWRITE:
        return add_action(reader, line, PVM_ECALLI_MEMWRITE);
    case PVM_ECALLI_LINE_MEMREAD:
        return is_in_call
                   ? add_action(reader, line, PVM_ECALLI_MEMREAD)
                   : add_problem(trace, reader->line, "memory is read before the first host call");
    case PVM_ECALLI_LINE_SETREG:
        return is_in_call
                   ? add_action(reader, line, PVM_ECALLI_SETREG)
                   : add_problem(trace, reader->line, "a register is set before the first host call");
    case PVM_ECALLI_LINE_SETGAS:
        return take_setgas(reader, line);
    default:
        take_end(reader, line);
        return 0;
    }
}

static int check_place(reader_t *reader, const pvm_ecalli_line_t *line)
{
    pvm_ecalli_trace_t *const trace = reader->trace;
    const bool is_oog =
        line->kind == PVM_ECALLI_LINE_END && line->end == PVM_ECALLI_END_OOG;

    if (!is_oog && settle_loose_setgas(reader) != 0) {
        return -1;
    }
    if (trace->end.kind != PVM_ECALLI_END_NONE) {
        return add_problem(trace, reader->line, "a record behind the end of the run");
    }
    if (trace->program_line == 0 && line->kind != PVM_ECALLI_LINE_PROGRAM) {
        return add_consequence(trace, reader->line, "a record before the program line");
    }
    if (trace->start_line == 0 &&
        (line->kind == PVM_ECALLI_LINE_CALL || line->kind == PVM_ECALLI_LINE_END)) {
        return add_consequence(trace, reader->line, "the run goes on before its start line");
    }
    return 0;
}

/* -- Lines --------------------------------------------------------------------------------- */

static int read_line(reader_t *reader, const char *text, size_t len)
{
    pvm_ecalli_trace_t *const trace = reader->trace;
    pvm_ecalli_line_t line;

    reader->line++;
    if (len > reader->limits.line_bytes) {
        return pvm_error_set("%s:%zu: a line of more than %zu octets; this is hardly an ecalli trace",
                             trace->name, reader->line, reader->limits.line_bytes);
    }
    pvm_ecalli_line_read(text, len, &line);
    switch (line.kind) {
    case PVM_ECALLI_LINE_CONTEXT:
        return 0;
    case PVM_ECALLI_LINE_SUSPECT:
        return add_note(trace->suspects, &trace->suspect_count, reader->line, line.problem,
                        "taken as a comment");
    default:
        break;
    }
    if (++reader->records > reader->limits.records) {
        return pvm_error_set("%s:%zu: more than %zu records; cut the trace into shorter runs",
                             trace->name, reader->line, reader->limits.records);
    }
    if (line.kind == PVM_ECALLI_LINE_MALFORMED) {
        return add_problem(trace, reader->line, line.problem);
    }
    return check_place(reader, &line) != 0 ? -1 : take_record(reader, &line);
}

static int begin_reading(reader_t *reader, const char *name, const pvm_ecalli_limits_t *limits)
{
    const pvm_ecalli_limits_t given = limits != NULL ? *limits : (pvm_ecalli_limits_t){0};

    *reader = (reader_t){
        .limits = {
            .line_bytes = given.line_bytes > 0 ? given.line_bytes : DEFAULT_LINE_BYTES,
            .records = given.records > 0 ? given.records : DEFAULT_RECORDS,
            .data_bytes = given.data_bytes > 0 ? given.data_bytes : DEFAULT_DATA_BYTES,
        },
    };
    reader->trace = calloc(1, sizeof(*reader->trace));
    if (reader->trace != NULL) {
        reader->trace->name = strdup(name);
    }
    if (reader->trace == NULL || reader->trace->name == NULL) {
        return pvm_error_set("no memory for an ecalli trace");
    }
    return 0;
}

static int end_reading(reader_t *reader)
{
    pvm_ecalli_trace_t *const trace = reader->trace;

    trace->line_count = reader->line;
    if (reader->records == 0 && trace->suspect_count == 0) {
        return pvm_error_set("%s: no record of an ecalli trace in %zu lines; is it another file?",
                             trace->name, reader->line);
    }
    if (settle_loose_setgas(reader) != 0) {
        return -1;
    }
    if (trace->program_line == 0) {
        return add_consequence(trace, reader->line, "the file ends without a program line");
    }
    if (trace->start_line == 0) {
        return add_consequence(trace, reader->line, "the file ends without a start line");
    }
    return 0;
}

/* The trace, or NULL after freeing it. */
static pvm_ecalli_trace_t *finish(reader_t *reader, int status)
{
    if (status == 0 && end_reading(reader) == 0) {
        return reader->trace;
    }
    pvm_ecalli_trace_destroy(reader->trace);
    return NULL;
}

/* Reads the complete lines in `text`, and with `is_last` what is left. *out_used tells how much was read. */
static int read_lines(reader_t *reader, const char *text, size_t len, bool is_last, size_t *out_used)
{
    size_t used = 0;

    while (used < len) {
        const char *const feed = memchr(text + used, '\n', len - used);
        if (feed == NULL && !is_last) {
            break;
        }
        const size_t line_len = feed != NULL ? (size_t)(feed - text) - used : len - used;
        if (read_line(reader, text + used, line_len) != 0) {
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
    reader_t reader;
    size_t used = 0;
    int status = begin_reading(&reader, name, limits);

    if (status == 0) {
        status = read_lines(&reader, (const char *)data, len, true, &used);
    }
    return finish(&reader, status);
}

/* Room for a chunk more, in a buffer that never needs more than the longest line and a chunk. */
static int make_room(const reader_t *reader, char **buffer, size_t used, size_t *room)
{
    if (used > reader->limits.line_bytes) {
        return pvm_error_set("%s:%zu: a line of more than %zu octets; this is hardly an ecalli trace",
                             reader->trace->name, reader->line + 1, reader->limits.line_bytes);
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
    reader_t reader;
    char *buffer = NULL;
    size_t room = 0;
    size_t len = 0;
    bool is_last = false;
    int status = begin_reading(&reader, name, limits);

    while (status == 0 && !is_last) {
        size_t used = 0;
        status = make_room(&reader, &buffer, len, &room);
        if (status != 0) {
            break;
        }
        const size_t got = fread(buffer + len, 1, STREAM_CHUNK, stream);
        if (got < STREAM_CHUNK && ferror(stream)) {
            status = pvm_error_set("%s:%zu: reading failed: %m", name, reader.line + 1);
            break;
        }
        is_last = got < STREAM_CHUNK;
        len += got;
        status = read_lines(&reader, buffer, len, is_last, &used);
        len -= used;
        memmove(buffer, buffer + used, len);
    }
    free(buffer);
    return finish(&reader, status);
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
        pvm_error_set("%s:%zu: r08 asks for arguments of %llu octets; a JAM program takes at most %d",
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
