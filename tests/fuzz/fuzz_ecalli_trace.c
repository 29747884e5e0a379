/* Ecalli traces: memory and stream readers agree, every note has a line, all numbers keep their
 * ranges. */
#include "fuzz/fuzz.h"
#include "program/ecalli_trace.h"

#include <stdlib.h>

static void check_trace(const pvm_ecalli_trace_t *trace)
{
    size_t in_calls = 0;
    size_t last_line = 0;

    for (size_t i = 0; i < trace->entry_count; i++) {
        const pvm_ecalli_entry_t *const entry = &trace->entries[i];
        FUZZ_CHECK(entry->line > last_line && entry->line <= trace->line_count);
        FUZZ_CHECK(entry->first_action == trace->prelude_count + in_calls);
        FUZZ_CHECK(entry->state.gas <= INT64_MAX);
        in_calls += entry->action_count;
        last_line = entry->line;
    }
    FUZZ_CHECK(trace->prelude_count + in_calls == trace->action_count);
    for (size_t i = 0; i < trace->action_count; i++) {
        const pvm_ecalli_action_t *const action = &trace->actions[i];
        FUZZ_CHECK(action->line > 0 && action->line <= trace->line_count);
        FUZZ_CHECK((uint64_t)action->address + action->len <= UINT64_C(1) << 32);
        FUZZ_CHECK(action->reg < PVM_REGISTER_COUNT);
        FUZZ_CHECK((action->data != NULL) == (action->len > 0));
    }
    for (size_t i = 0; i < trace->problem_count && i < PVM_MAX_ECALLI_NOTES; i++) {
        FUZZ_CHECK(trace->problems[i].line > 0 && trace->problems[i].line <= trace->line_count);
        FUZZ_CHECK(trace->problems[i].text != NULL);
    }
    FUZZ_CHECK(trace->problem_count > 0 || (trace->program_line > 0 && trace->start_line > 0));
}

static void check_same(const pvm_ecalli_trace_t *a, const pvm_ecalli_trace_t *b)
{
    FUZZ_CHECK(a->line_count == b->line_count);
    FUZZ_CHECK(a->entry_count == b->entry_count);
    FUZZ_CHECK(a->action_count == b->action_count);
    FUZZ_CHECK(a->problem_count == b->problem_count);
    FUZZ_CHECK(a->suspect_count == b->suspect_count);
    FUZZ_CHECK(a->end.kind == b->end.kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const pvm_ecalli_limits_t limits = {.line_bytes = 4096, .records = 100, .data_bytes = 10000};
    pvm_ecalli_trace_t *const from_memory = pvm_ecalli_trace_read("fuzz", data, size, &limits);
    FILE *const stream = fmemopen((void *)(uintptr_t)data, size > 0 ? size : 1, "rb");

    FUZZ_CHECK(stream != NULL);
    if (size > 0) {
        pvm_ecalli_trace_t *const from_stream =
            pvm_ecalli_trace_read_stream("fuzz", stream, &limits);
        FUZZ_CHECK((from_memory != NULL) == (from_stream != NULL));
        if (from_memory != NULL) {
            check_same(from_memory, from_stream);
        }
        pvm_ecalli_trace_destroy(from_stream);
    }
    (void)fclose(stream);
    if (from_memory != NULL) {
        size_t len = 0;
        check_trace(from_memory);
        free(pvm_ecalli_trace_arguments(from_memory, &len));
    }
    pvm_ecalli_trace_destroy(from_memory);
    return 0;
}
