/* What a session did not enable: see enabled.h. */
#include "profiler/import/enabled.h"

#include <stdio.h>

static void add(bool is_missing, const char *what, char *out_text, size_t text_bytes, size_t *len)
{
    if (is_missing) {
        const int written = snprintf(out_text + *len, text_bytes - *len, "%s%s",
                                     *len == 0 ? "the session did not enable " : " and ", what);

        *len += written > 0 && (size_t)written < text_bytes - *len ? (size_t)written : 0;
    }
}

static bool has_any(const bool enabled[PVM_EVENT_COUNT])
{
    int kind = 0;

    while (kind < PVM_EVENT_COUNT && !enabled[kind]) {
        kind++;
    }
    return kind < PVM_EVENT_COUNT;
}

bool pvm_import_can_begin(const bool enabled[PVM_EVENT_COUNT], char *out_text, size_t text_bytes)
{
    const bool has_programs = enabled[PVM_EVENT_program_load] && enabled[PVM_EVENT_program_data];
    size_t len = 0;

    out_text[0] = '\0';
    if (has_any(enabled)) {
        add(!has_programs, "pvm:program_*", out_text, text_bytes, &len);
        add(!enabled[PVM_EVENT_execute_begin], "pvm:execute_begin", out_text, text_bytes, &len);
    }
    return len == 0;
}

void pvm_import_left_out(const bool enabled[PVM_EVENT_COUNT], char *out_text, size_t text_bytes)
{
    const bool begins = enabled[PVM_EVENT_host_call_begin];
    const bool ends = enabled[PVM_EVENT_host_call_end];
    const bool has_order = enabled[PVM_EVENT_block_batch] || enabled[PVM_EVENT_gas];
    size_t len = 0;

    if (!pvm_import_can_begin(enabled, out_text, text_bytes) || !has_any(enabled)) {
        return;
    }
    add(!enabled[PVM_EVENT_execute_end], "pvm:execute_end", out_text, text_bytes, &len);
    if (!enabled[PVM_EVENT_host_call]) {
        add(!begins && !ends, "host calls (pvm:host_call_*, or pvm_fast:*)", out_text, text_bytes,
            &len);
        add(begins && !ends, "pvm:host_call_end", out_text, text_bytes, &len);
        add(!begins && ends, "pvm:host_call_begin", out_text, text_bytes, &len);
    }
    add(has_order && !enabled[PVM_EVENT_block_counts], "pvm:block_counts", out_text, text_bytes,
        &len);
}
