/* One program on two backends: which functions and blocks the faster one speeds up by how much, how much host code they become.
 * Times are sampled, so each comes with its 95 % interval. */
#include "viewer/compare/backends.h"
#include "viewer/compare/host_bytes.h"
#include "viewer/rows.h"

#include "profiler/stored_program.h"
#include "program/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const pvm_prof_column_t summary_columns[] = {
    {"slow_ns", "time in guest", "ns", PVM_PROF_TYPE_NS, PVM_PROF_EXACT},
    {"fast_ns", "time in guest, other", "ns", PVM_PROF_TYPE_NS, PVM_PROF_EXACT},
    {"speed_up", "speed-up", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"slow_gas_per_ns", "gas per ns", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"fast_gas_per_ns", "gas per ns, other", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"slow_samples", "samples", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"fast_samples", "samples, other", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"guest_bytes", "guest code executed (bytes)", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"host_bytes", "host code of it (bytes)", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"bytes_ratio", "host per guest byte", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
};

/** Figures behind the last one with a header are for machines. */
static const pvm_prof_column_t function_columns[] = {
    {"function", "function", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"gas_share", "gas (%)", "%", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"slow_samples", "n", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    SAMPLED("slow_share", "time (%)", "from", "to"),
    {"fast_samples", "n", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    SAMPLED("fast_share", "other (%)", "from", "to"),
    SAMPLED("speed_up", "faster", "from", "to"),
    {"bytes_ratio", "bytes", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    SAMPLED("slow_gas_per_ns", "", "", ""),
    SAMPLED("fast_gas_per_ns", "", "", ""),
    SAMPLED("slow_ns_per_call", "", "", ""),
    SAMPLED("fast_ns_per_call", "", "", ""),
};

/** Columns that give way in short lines. */
static const char *const function_details[] = {"slow_samples",
                                               "slow_share_low",
                                               "slow_share_high",
                                               "fast_samples",
                                               "fast_share_low",
                                               "fast_share_high",
                                               NULL};
/* The same without times. */
static const pvm_prof_column_t unsampled_columns[] = {
    {"function", "function", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"gas_share", "gas (%)", "%", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"bytes_ratio", "bytes", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
};

/* -- Pairs ------------------------------------------------------------------------------------- */

static void read_host_bytes(pvm_backends_t *backends)
{
    pvm_program_t *program = NULL;
    uint32_t *bytes = NULL;
    int64_t id = -1;

    for (size_t i = 0; i < backends->count; i++) {
        const pvm_side_block_t *const block = backends->pairs[i].slow;

        if (block->program != id) {
            pvm_program_release(program);
            free(bytes);
            id = block->program;
            program = NULL;
            bytes = NULL;
            if (pvm_prof_stored_program(backends->slow->file, id, &program) == PVM_PROF_OK &&
                program != NULL &&
                (bytes = calloc(program->block_count + (size_t)1, sizeof(*bytes))) != NULL &&
                pvm_compare_host_bytes(program, bytes) != 0) {
                free(bytes);
                bytes = NULL;
            }
        }
        if (bytes != NULL && block->pc < program->code.len) {
            backends->pairs[i].host_bytes = bytes[pvm_program_block_at(program, block->pc)];
            backends->has_bytes = true;
        }
    }
    pvm_program_release(program);
    free(bytes);
}

static int make_pairs(pvm_backends_t *backends)
{
    const pvm_side_t *const slow = backends->slow;
    const pvm_side_t *const fast = backends->fast;
    size_t j = 0;

    backends->pairs = calloc(slow->block_count + 1, sizeof(*backends->pairs));
    if (backends->pairs == NULL) {
        return -1;
    }
    for (size_t i = 0; i < slow->block_count; i++) {
        const pvm_side_block_t *const block = &slow->blocks[i];

        while (j < fast->block_count &&
               (fast->blocks[j].program < block->program ||
                (fast->blocks[j].program == block->program && fast->blocks[j].pc < block->pc))) {
            j++;
        }
        const bool is_both = j < fast->block_count && fast->blocks[j].program == block->program &&
                             fast->blocks[j].pc == block->pc;
        backends->pairs[backends->count++] =
            (pvm_backend_pair_t){.slow = block, .fast = is_both ? &fast->blocks[j] : NULL};
    }
    read_host_bytes(backends);
    return 0;
}

/* -- Tables ------------------------------------------------------------------------------------ */

static double part_of(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

/** Gas for each ns in the guest. */
static double speed(const pvm_side_t *side)
{
    return (double)side->sums.blocks_gas / (double)side->guest_ns;
}

static pvm_prof_table_t *make_summary(const pvm_backends_t *backends)
{
    const pvm_side_t *const slow = backends->slow;
    const pvm_side_t *const fast = backends->fast;
    int64_t guest_bytes = 0;
    int64_t host_bytes = 0;
    pvm_prof_table_t *const table =
        pvm_prof_table_create("Time and code", summary_columns, COUNT(summary_columns));
    pvm_row_t row = pvm_row_add(table);
    for (size_t i = 0; i < backends->count; i++) {
        const pvm_backend_pair_t *const pair = &backends->pairs[i];

        guest_bytes += pair->host_bytes > 0 ? pair->slow->end_pc - pair->slow->pc : 0;
        host_bytes += pair->host_bytes;
    }
    if (backends->is_sampled) {
        const bool is_timed = slow->guest_ns > 0 && fast->guest_ns > 0 && slow->sums.blocks_gas > 0;

        pvm_row_int(&row, slow->guest_ns);
        pvm_row_int(&row, fast->guest_ns);
        pvm_compare_put_real(&row, is_timed, speed(fast) / speed(slow));
        pvm_compare_put_real(&row, is_timed, speed(slow));
        pvm_compare_put_real(&row, is_timed, speed(fast));
        pvm_row_int(&row, slow->samples);
        pvm_row_int(&row, fast->samples);
    } else {
        for (int i = 0; i < 7; i++) {
            pvm_row_null(&row);
        }
    }
    if (backends->has_bytes) {
        pvm_row_int(&row, guest_bytes);
        pvm_row_int(&row, host_bytes);
        pvm_compare_put_real(&row, guest_bytes > 0, (double)host_bytes / (double)guest_bytes);
    } else {
        for (int i = 0; i < 3; i++) {
            pvm_row_null(&row);
        }
    }
    if (row.failed) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    table->is_record = true;
    return table;
}

/** Sums of a function. */
typedef struct {
    const pvm_side_function_t *slow;
    int64_t fast_samples;
    int64_t fast_gas;
    int64_t fast_calls;
    int64_t guest_bytes;
    int64_t host_bytes;
} function_t;

static int by_slow(const void *left, const void *right)
{
    const function_t *const a = left;
    const function_t *const b = right;

    if (a->slow->samples != b->slow->samples) {
        return a->slow->samples > b->slow->samples ? -1 : 1;
    }
    return a->slow->gas != b->slow->gas ? (a->slow->gas > b->slow->gas ? -1 : 1)
                                        : strcmp(a->slow->name, b->slow->name);
}

static bool add_function(pvm_prof_table_t *table, const pvm_backends_t *backends,
                         const function_t *function)
{
    pvm_row_t row = pvm_row_add(table);

    pvm_row_text(&row, function->slow->name);
    pvm_row_real(&row, part_of((double)function->slow->gas, (double)backends->slow->sums.gas_used));
    if (!backends->is_sampled) {
        pvm_backends_put_bytes(&row, function->host_bytes, function->guest_bytes);
        return !row.failed;
    }
    const pvm_backend_work_t slow = {function->slow->samples, (double)function->slow->gas};
    const pvm_backend_work_t fast = {function->fast_samples, (double)function->fast_gas};
    pvm_row_int(&row, slow.samples);
    pvm_backends_put_share(&row, backends->slow, slow.samples);
    pvm_row_int(&row, fast.samples);
    pvm_backends_put_share(&row, backends->fast, fast.samples);
    pvm_backends_put_speed_up(&row, backends, slow, fast);
    pvm_backends_put_bytes(&row, function->host_bytes, function->guest_bytes);
    pvm_backends_put_gas_per_ns(&row, backends->slow, slow);
    pvm_backends_put_gas_per_ns(&row, backends->fast, fast);
    pvm_backends_put_ns_each(&row, backends->slow,
                             (pvm_backend_work_t){slow.samples, (double)function->slow->calls});
    pvm_backends_put_ns_each(&row, backends->fast,
                             (pvm_backend_work_t){fast.samples, (double)function->fast_calls});
    return !row.failed;
}

static pvm_prof_table_t *make_functions(const pvm_backends_t *backends)
{
    const size_t all = backends->slow->function_count;
    const size_t top = backends->compare->top;
    function_t *const functions = calloc(all + 1, sizeof(*functions));
    pvm_prof_table_t *const table =
        backends->is_sampled
            ? pvm_prof_table_create("Functions by time", function_columns, COUNT(function_columns))
            : pvm_prof_table_create("Functions by gas", unsampled_columns,
                                    COUNT(unsampled_columns));
    bool ok = functions != NULL && table != NULL;

    for (size_t i = 0; ok && i < all; i++) {
        functions[i].slow = &backends->slow->functions[i];
    }
    for (size_t i = 0; ok && i < backends->count; i++) {
        const pvm_backend_pair_t *const pair = &backends->pairs[i];
        function_t *const function = &functions[pair->slow->function];

        function->fast_samples += pair->fast != NULL ? pair->fast->samples : 0;
        function->fast_gas += pair->fast != NULL ? pair->fast->gas : 0;
        function->fast_calls +=
            pair->fast != NULL && pair->slow->pc == function->slow->pc ? pair->fast->hits : 0;
        function->host_bytes += pair->host_bytes;
        function->guest_bytes += pair->host_bytes > 0 ? pair->slow->end_pc - pair->slow->pc : 0;
    }
    if (ok && all > 0) {
        qsort(functions, all, sizeof(*functions), by_slow);
    }
    for (size_t i = 0; ok && i < all && (top == 0 || i < top); i++) {
        ok = add_function(table, backends, &functions[i]);
    }
    free(functions);
    pvm_backends_set_details(table, function_details);
    if (!ok) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    table->row_count_all = all;
    return table;
}

pvm_view_status_t pvm_compare_backends(pvm_compare_t *compare)
{
    const bool is_swapped = strcmp(compare->after.backend, "interpreter") == 0;
    pvm_backends_t backends = {.compare = compare,
                               .slow = is_swapped ? &compare->after : &compare->before,
                               .fast = is_swapped ? &compare->before : &compare->after};
    pvm_prof_table_t *summary;

    backends.is_sampled = backends.slow->samples > 0 && backends.fast->samples > 0;
    if (make_pairs(&backends) != 0) {
        return pvm_view_fail(compare->view, PVM_VIEW_ENVIRONMENT, "no memory to compare blocks");
    }
    summary = pvm_compare_keep(compare, "time", make_summary(&backends));
    if (summary != NULL && !backends.is_sampled) {
        (void)pvm_prof_table_add_note(
            summary, "There are no samples of guest code in both; record with --instrument "
                     "counts,edges,samples=999, and let it run long enough.");
    } else if (summary != NULL) {
        (void)pvm_prof_table_add_note(
            summary, "Times without a name are of the %s, the other ones of the %s.",
            backends.slow->backend, backends.fast->backend);
    }
    if (summary != NULL && !backends.has_bytes && backends.count > 0) {
        (void)pvm_prof_table_add_note(
            summary, "The recompiler is not available here: sizes of host code are not known.");
    }
    (void)pvm_compare_keep(compare, "functions", make_functions(&backends));
    int failed = 0;
    if (backends.is_sampled) {
        failed = pvm_backends_blocks(&backends);
        (void)pvm_compare_keep(compare, "prices_slow",
                               pvm_compare_prices(backends.slow, compare->top));
        (void)pvm_compare_keep(compare, "prices_fast",
                               pvm_compare_prices(backends.fast, compare->top));
    }
    free(backends.pairs);
    return failed == 0
               ? PVM_VIEW_FINE
               : pvm_view_fail(compare->view, PVM_VIEW_ENVIRONMENT, "no memory to compare blocks");
}
