/* From lines to a trace: order of records, growing arrays, limits. What a line is, ecalli_line.c
 * says. */
#include "program/ecalli_builder.h"

#include "program/ecalli_line.h"
#include "program/program.h"
#include "support/error.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_LINE_BYTES (2 * (size_t)PVM_MAX_BLOB_BYTES + ((size_t)8 << 20))
#define DEFAULT_RECORDS    ((size_t)1 << 24)
#define DEFAULT_DATA_BYTES ((size_t)1 << 30)
#define MEND               "mend the line or record the run again"

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
static int take_octets(pvm_ecalli_builder_t *builder, const pvm_ecalli_line_t *line, uint8_t **out)
{
    if (line->octets == 0) {
        return 0;
    }
    if (line->octets > builder->limits.data_bytes - builder->data_bytes) {
        return pvm_error_set("%s:%zu: the trace holds more than %zu octets of data; cut it into "
                             "shorter runs",
                             builder->trace->name, builder->line, builder->limits.data_bytes);
    }
    *out = malloc(line->octets);
    if (*out == NULL) {
        return pvm_error_set("no memory for %zu octets of an ecalli trace", line->octets);
    }
    builder->data_bytes += line->octets;
    pvm_ecalli_line_decode(line->hex, line->octets, *out);
    return 0;
}

static int add_action(pvm_ecalli_builder_t *builder, const pvm_ecalli_line_t *line,
                      pvm_ecalli_action_kind_t kind)
{
    pvm_ecalli_trace_t *const trace = builder->trace;
    pvm_ecalli_action_t *const actions =
        grow(trace->actions, trace->action_count, &builder->action_room, sizeof(*actions));

    if (actions == NULL) {
        return -1;
    }
    trace->actions = actions;
    pvm_ecalli_action_t action = {
        .line = builder->line,
        .kind = kind,
        .address = line->address,
        .len = (uint32_t)line->octets,
        .reg = line->reg,
        .value = line->value,
    };
    if (take_octets(builder, line, &action.data) != 0) {
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

static int add_entry(pvm_ecalli_builder_t *builder, const pvm_ecalli_line_t *line)
{
    pvm_ecalli_trace_t *const trace = builder->trace;
    pvm_ecalli_entry_t *const entries =
        grow(trace->entries, trace->entry_count, &builder->entry_room, sizeof(*entries));

    if (entries == NULL) {
        return -1;
    }
    trace->entries = entries;
    entries[trace->entry_count++] = (pvm_ecalli_entry_t){
        .line = builder->line,
        .func_id = line->func_id,
        .state = line->state,
        .first_action = trace->action_count,
    };
    builder->has_setgas = false;
    return 0;
}

static int take_program(pvm_ecalli_builder_t *builder, const pvm_ecalli_line_t *line)
{
    pvm_ecalli_trace_t *const trace = builder->trace;

    if (trace->program_line != 0) {
        return add_problem(trace, builder->line, "a second program line");
    }
    if (line->octets == 0) {
        return add_problem(trace, builder->line, "the program has no octets");
    }
    trace->program_line = builder->line;
    trace->program_len = line->octets;
    return take_octets(builder, line, &trace->program);
}

static int take_start(pvm_ecalli_builder_t *builder, const pvm_ecalli_line_t *line)
{
    pvm_ecalli_trace_t *const trace = builder->trace;

    if (trace->start_line != 0) {
        return add_problem(trace, builder->line, "a second start line");
    }
    trace->start_line = builder->line;
    trace->start = line->state;
    return 0;
}

static int take_setgas(pvm_ecalli_builder_t *builder, const pvm_ecalli_line_t *line)
{
    if (builder->trace->entry_count > 0 && !builder->has_setgas) {
        builder->has_setgas = true;
        return add_action(builder, line, PVM_ECALLI_SETGAS);
    }
    builder->has_loose_setgas = true;
    builder->loose_setgas = line->value;
    builder->loose_setgas_line = builder->line;
    return 0;
}

static void take_end(pvm_ecalli_builder_t *builder, const pvm_ecalli_line_t *line)
{
    builder->trace->end = (pvm_ecalli_end_t){
        .line = builder->line,
        .kind = line->end,
        .argument = line->argument,
        .state = line->state,
        .has_setgas = builder->has_loose_setgas,
        .setgas = builder->loose_setgas,
        .setgas_line = builder->loose_setgas_line,
    };
    builder->has_loose_setgas = false;
}

/* The setgas before this record, or before the end of the file, had no host call and was not
 * followed by OOG. */
static int settle_loose_setgas(pvm_ecalli_builder_t *builder)
{
    if (!builder->has_loose_setgas) {
        return 0;
    }
    builder->has_loose_setgas = false;
    return add_problem(builder->trace, builder->loose_setgas_line,
                       builder->trace->entry_count == 0
                           ? "gas is set before the first host call"
                           : "gas is set a second time in one host call");
}

static int take_record(pvm_ecalli_builder_t *builder, const pvm_ecalli_line_t *line)
{
    pvm_ecalli_trace_t *const trace = builder->trace;
    const bool is_in_call = trace->entry_count > 0;

    switch (line->kind) {
    case PVM_ECALLI_LINE_PROGRAM:
        return take_program(builder, line);
    case PVM_ECALLI_LINE_START:
        return is_in_call ? add_problem(trace, builder->line, "a start line behind a host call")
                          : take_start(builder, line);
    case PVM_ECALLI_LINE_CALL:
        return add_entry(builder, line);
    case PVM_ECALLI_LINE_MEMWRITE:
        return add_action(builder, line, PVM_ECALLI_MEMWRITE);
    case PVM_ECALLI_LINE_MEMREAD:
        return is_in_call
                   ? add_action(builder, line, PVM_ECALLI_MEMREAD)
                   : add_problem(trace, builder->line, "memory is read before the first host call");
    case PVM_ECALLI_LINE_SETREG:
        return is_in_call ? add_action(builder, line, PVM_ECALLI_SETREG)
                          : add_problem(trace, builder->line,
                                        "a register is set before the first host call");
    case PVM_ECALLI_LINE_SETGAS:
        return take_setgas(builder, line);
    default:
        take_end(builder, line);
        return 0;
    }
}

static int check_place(pvm_ecalli_builder_t *builder, const pvm_ecalli_line_t *line)
{
    pvm_ecalli_trace_t *const trace = builder->trace;
    const bool is_oog = line->kind == PVM_ECALLI_LINE_END && line->end == PVM_ECALLI_END_OOG;

    if (!is_oog && settle_loose_setgas(builder) != 0) {
        return -1;
    }
    if (trace->end.kind != PVM_ECALLI_END_NONE) {
        return add_problem(trace, builder->line, "a record behind the end of the run");
    }
    if (trace->program_line == 0 && line->kind != PVM_ECALLI_LINE_PROGRAM) {
        return add_consequence(trace, builder->line, "a record before the program line");
    }
    if (trace->start_line == 0 &&
        (line->kind == PVM_ECALLI_LINE_CALL || line->kind == PVM_ECALLI_LINE_END)) {
        return add_consequence(trace, builder->line, "the run goes on before its start line");
    }
    return 0;
}

/* -- Lines --------------------------------------------------------------------------------- */

int pvm_ecalli_builder_add(pvm_ecalli_builder_t *builder, const char *text, size_t len)
{
    pvm_ecalli_trace_t *const trace = builder->trace;
    pvm_ecalli_line_t line;

    builder->line++;
    if (len > builder->limits.line_bytes) {
        return pvm_error_set(
            "%s:%zu: a line of more than %zu octets; this is hardly an ecalli trace", trace->name,
            builder->line, builder->limits.line_bytes);
    }
    pvm_ecalli_line_read(text, len, &line);
    switch (line.kind) {
    case PVM_ECALLI_LINE_CONTEXT:
        return 0;
    case PVM_ECALLI_LINE_SUSPECT:
        return add_note(trace->suspects, &trace->suspect_count, builder->line, line.problem,
                        "taken as a comment");
    default:
        break;
    }
    if (++builder->records > builder->limits.records) {
        return pvm_error_set("%s:%zu: more than %zu records; cut the trace into shorter runs",
                             trace->name, builder->line, builder->limits.records);
    }
    if (line.kind == PVM_ECALLI_LINE_MALFORMED) {
        return add_problem(trace, builder->line, line.problem);
    }
    return check_place(builder, &line) != 0 ? -1 : take_record(builder, &line);
}

int pvm_ecalli_builder_begin(pvm_ecalli_builder_t *builder, const char *name,
                             const pvm_ecalli_limits_t *limits)
{
    const pvm_ecalli_limits_t given = limits != NULL ? *limits : (pvm_ecalli_limits_t){0};

    *builder = (pvm_ecalli_builder_t){
        .limits =
            {
                .line_bytes = given.line_bytes > 0 ? given.line_bytes : DEFAULT_LINE_BYTES,
                .records = given.records > 0 ? given.records : DEFAULT_RECORDS,
                .data_bytes = given.data_bytes > 0 ? given.data_bytes : DEFAULT_DATA_BYTES,
            },
    };
    builder->trace = calloc(1, sizeof(*builder->trace));
    if (builder->trace != NULL) {
        builder->trace->name = strdup(name);
    }
    if (builder->trace == NULL || builder->trace->name == NULL) {
        return pvm_error_set("no memory for an ecalli trace");
    }
    return 0;
}

static int check_whole(pvm_ecalli_builder_t *builder)
{
    pvm_ecalli_trace_t *const trace = builder->trace;

    trace->line_count = builder->line;
    if (builder->records == 0) {
        return pvm_error_set("%s: no record of an ecalli trace in %zu lines; is it another file?",
                             trace->name, builder->line);
    }
    if (settle_loose_setgas(builder) != 0) {
        return -1;
    }
    if (trace->program_line == 0) {
        return add_consequence(trace, builder->line, "the file ends without a program line");
    }
    if (trace->start_line == 0) {
        return add_consequence(trace, builder->line, "the file ends without a start line");
    }
    return 0;
}

pvm_ecalli_trace_t *pvm_ecalli_builder_finish(pvm_ecalli_builder_t *builder, int status)
{
    if (status == 0 && check_whole(builder) == 0) {
        return builder->trace;
    }
    pvm_ecalli_trace_destroy(builder->trace);
    return NULL;
}
