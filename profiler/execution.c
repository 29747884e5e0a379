/* Executions: their rows, the totals, and the check that the figures reconcile
 * (docs/counting.md). */
#include "profiler/watch.h"

#include <stdlib.h>

/** Where arguments of a JAM program begin (GP A.7). */
#define ARGUMENTS_ADDRESS UINT64_C(0xfeff0000)

static const char *const kind_names[] = {
    [PVM_RUN_EXECUTE] = "execute",
    [PVM_RUN_RESUME] = "resume",
    [PVM_RUN_STEP] = "step",
};

/* Arguments of a JAM program, as it finds them; NULL if it is none or they are not there. */
static uint8_t *read_arguments(pvm_vm_t *vm, const pvm_program_t *program, size_t *out_len)
{
    const uint64_t *const registers = pvm_get_registers(vm);
    uint8_t *octets;

    *out_len = 0;
    if (program->format != PVM_FORMAT_JAM || registers[7] != ARGUMENTS_ADDRESS ||
        registers[8] > PVM_MAX_ARGUMENTS || (octets = malloc((size_t)registers[8] + 1)) == NULL) {
        return NULL;
    }
    if (registers[8] > 0 &&
        pvm_read_memory(vm, (uint32_t)ARGUMENTS_ADDRESS, octets, (size_t)registers[8]) != 0) {
        free(octets);
        return NULL;
    }
    *out_len = (size_t)registers[8];
    return octets;
}

void pvm_prof_execution_open(pvm_prof_watch_t *watch, pvm_run_kind_t kind)
{
    pvm_prof_recorder_t *const recorder = watch->recorder;
    pvm_prof_execution_t *const execution = &watch->execution;
    const uint64_t *const registers = pvm_get_registers(watch->vm);
    size_t len = 0;
    uint8_t *arguments = NULL;

    *execution = (pvm_prof_execution_t){.is_open = true,
                                        .id = ++recorder->execution_count,
                                        .result = "incomplete",
                                        .exit_pc = pvm_get_pc(watch->vm)};
    pvm_prof_ledger_begin(&execution->ledger, pvm_get_gas(watch->vm));
    if (!watch->has_baseline) {
        pvm_prof_counts_begin(watch);
    }
    sqlite3_stmt *const row =
        pvm_prof_store_begin_row(recorder->file, PVM_PROF_STATEMENT_EXECUTION);
    if (row == NULL) {
        return;
    }
    if (kind == PVM_RUN_EXECUTE) {
        arguments = read_arguments(watch->vm, watch->program->program, &len);
    }
    sqlite3_bind_int64(row, 1, execution->id);
    sqlite3_bind_int64(row, 2, watch->id);
    pvm_prof_store_bind_text(recorder->file, row, 3, kind_names[kind]);
    sqlite3_bind_int64(row, 4, execution->exit_pc);
    sqlite3_bind_int64(row, 5, (int64_t)(pvm_prof_now_ns() - recorder->began_ns));
    sqlite3_bind_int64(row, 6, execution->ledger.start);
    if (watch->is_counting) {
        sqlite3_bind_int64(row, 7, 0);
        sqlite3_bind_int64(row, 8, 0);
    }
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        sqlite3_bind_int64(row, 9 + i, (int64_t)registers[i]);
    }
    if (arguments != NULL) {
        pvm_prof_store_bind_blob(recorder->file, row, 22, arguments, len);
    }
    pvm_prof_store_step(recorder->file, PVM_PROF_STATEMENT_EXECUTION);
    free(arguments);
}

static pvm_prof_figures_t figures_of(const pvm_prof_watch_t *watch)
{
    const pvm_prof_execution_t *const execution = &watch->execution;
    uint64_t duration_ns = execution->ran_ns;

    if (watch->is_running) {
        duration_ns += (watch->recorder->is_fed ? watch->told_ns : pvm_prof_now_ns()) -
                       execution->run_began_ns;
    }
    return (pvm_prof_figures_t){.gas_start = execution->ledger.start,
                                .gas_added = execution->ledger.added,
                                .gas_end = execution->ledger.now,
                                .blocks_gas = execution->blocks_gas,
                                .host_gas = execution->ledger.host_gas,
                                .host_calls = execution->host_calls,
                                .duration_ns = duration_ns - execution->own_ns};
}

/* totals += sign * figures, modulo 2^64. */
static void add_to_totals(pvm_prof_figures_t *totals, const pvm_prof_figures_t *figures,
                          bool subtract)
{
    int64_t (*const change)(int64_t, int64_t) = subtract ? pvm_prof_wrap_sub : pvm_prof_wrap_add;

    totals->gas_start = change(totals->gas_start, figures->gas_start);
    totals->gas_added = change(totals->gas_added, figures->gas_added);
    totals->gas_end = change(totals->gas_end, figures->gas_end);
    totals->blocks_gas = change(totals->blocks_gas, figures->blocks_gas);
    totals->host_gas = change(totals->host_gas, figures->host_gas);
    totals->host_calls =
        (uint64_t)change((int64_t)totals->host_calls, (int64_t)figures->host_calls);
    totals->duration_ns =
        (uint64_t)change((int64_t)totals->duration_ns, (int64_t)figures->duration_ns);
}

static int64_t gas_used(const pvm_prof_figures_t *figures)
{
    return pvm_prof_wrap_sub(pvm_prof_wrap_add(figures->gas_start, figures->gas_added),
                             figures->gas_end);
}

/* The sum rule: 0, or by how much it fails. */
static int64_t difference(const pvm_prof_figures_t *figures)
{
    return pvm_prof_wrap_sub(gas_used(figures),
                             pvm_prof_wrap_add(figures->blocks_gas, figures->host_gas));
}

void pvm_prof_execution_store(pvm_prof_watch_t *watch)
{
    pvm_prof_recorder_t *const recorder = watch->recorder;
    pvm_prof_execution_t *const execution = &watch->execution;
    const pvm_prof_figures_t figures = figures_of(watch);

    add_to_totals(&recorder->totals, &execution->stored, true);
    add_to_totals(&recorder->totals, &figures, false);
    execution->stored = figures;
    const bool has_sum = watch->is_counting && !recorder->is_partial;

    if (has_sum && difference(&figures) != 0) {
        recorder->is_difference = true;
    }
    sqlite3_stmt *const row =
        pvm_prof_store_begin_row(recorder->file, PVM_PROF_STATEMENT_EXECUTION_STATE);
    if (row == NULL) {
        return;
    }
    sqlite3_bind_int64(row, 1, execution->id);
    sqlite3_bind_int64(row, 2, (int64_t)figures.duration_ns);
    pvm_prof_store_bind_text(recorder->file, row, 3, execution->result);
    sqlite3_bind_int64(row, 4, execution->exit_pc);
    if (execution->has_fault) {
        sqlite3_bind_int64(row, 5, execution->fault_address);
    }
    sqlite3_bind_int64(row, 6, figures.gas_start);
    sqlite3_bind_int64(row, 7, figures.gas_added);
    sqlite3_bind_int64(row, 8, figures.gas_end);
    sqlite3_bind_int64(row, 10, figures.host_gas);
    sqlite3_bind_int64(row, 11, (int64_t)figures.host_calls);
    if (watch->is_counting) {
        sqlite3_bind_int64(row, 9, figures.blocks_gas);
    }
    if (has_sum) {
        sqlite3_bind_int64(row, 12, difference(&figures));
    }
    pvm_prof_store_step(recorder->file, PVM_PROF_STATEMENT_EXECUTION_STATE);
}

void pvm_prof_execution_close(pvm_prof_watch_t *watch)
{
    pvm_prof_counts_read(watch);
    pvm_prof_calls_read(watch);
    pvm_prof_execution_store(watch);
    pvm_prof_flight_store(watch);
    pvm_prof_block_trace_end(watch);
    watch->execution.is_open = false;
    watch->recorder->last_result = watch->execution.result;
}

void pvm_prof_totals_store(pvm_prof_recorder_t *recorder, const char *result)
{
    const pvm_prof_figures_t *const totals = &recorder->totals;
    sqlite3_stmt *const row = pvm_prof_store_begin_row(recorder->file, PVM_PROF_STATEMENT_TOTAL);

    if (row == NULL) {
        return;
    }
    sqlite3_bind_int64(row, 1, recorder->execution_count);
    sqlite3_bind_int64(row, 2, (int64_t)totals->host_calls);
    sqlite3_bind_int64(row, 3, (int64_t)totals->duration_ns);
    sqlite3_bind_int64(row, 4, totals->gas_start);
    sqlite3_bind_int64(row, 5, totals->gas_added);
    sqlite3_bind_int64(row, 6, totals->gas_end);
    sqlite3_bind_int64(row, 7, gas_used(totals));
    sqlite3_bind_int64(row, 9, totals->host_gas);
    if (recorder->instrument & PVM_PROF_COUNTS) {
        sqlite3_bind_int64(row, 8, totals->blocks_gas);
    }
    if ((recorder->instrument & PVM_PROF_COUNTS) && !recorder->is_partial) {
        sqlite3_bind_int64(row, 10, difference(totals));
    }
    pvm_prof_store_bind_text(recorder->file, row, 11, result);
    pvm_prof_store_step(recorder->file, PVM_PROF_STATEMENT_TOTAL);
}
