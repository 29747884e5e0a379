/* What the engine tells the recorder, event by event, and the regular flush.
 *
 * An execution begins with pvm_execute(), or with a resume or step when none is open. It ends
 * with halt, panic, out of gas or an error, or when the VM executes anew, is reset or
 * destroyed, or the recording ends: faults and host calls that are left to the caller leave it
 * open, because they can be resumed. */
#include "profiler/watch.h"
#include "vm/vm.h"

#include <stdlib.h>

/** A flush takes at most one part in this many of the time. */
#define FLUSH_SHARE 20

static bool on_this_thread(const pvm_prof_watch_t *watch)
{
    return pthread_equal(watch->thread, pthread_self()) != 0;
}

static void store_watch(pvm_prof_watch_t *watch)
{
    if (watch->execution.is_open) {
        pvm_prof_counts_read(watch);
        pvm_prof_calls_read(watch);
        pvm_prof_execution_store(watch);
    }
    pvm_prof_block_trace_store(watch);
    pvm_prof_counts_store_edges(watch);
    pvm_prof_calls_store_pairs(watch);
    pvm_prof_samples_store(watch);
    pvm_prof_call_store_totals(watch);
    watch->is_dirty = false;
}

void pvm_prof_flush_noted(pvm_prof_recorder_t *recorder)
{
    for (uint32_t i = 0; i < recorder->program_count; i++) {
        pvm_prof_program_flush(recorder->programs[i], recorder->file);
    }
    pvm_prof_slices_store(&recorder->slices, recorder->file);
    pvm_prof_calls_store(recorder);
    for (pvm_prof_watch_t *watch = recorder->watches; watch != NULL; watch = watch->next) {
        pvm_prof_call_store_open(watch);
    }
    pvm_prof_totals_store(recorder, "incomplete");
    pvm_prof_store_commit(recorder->file);
}

void pvm_prof_flush(pvm_prof_recorder_t *recorder)
{
    const uint64_t now_ns = pvm_prof_now_ns();

    for (pvm_prof_watch_t *watch = recorder->watches; watch != NULL; watch = watch->next) {
        if (on_this_thread(watch)) {
            if (watch->is_dirty && !recorder->is_fed) {
                store_watch(watch);
            }
            /* Idle ones too: else the next event of each of many machines would store all anew. */
            watch->flushed_ns = now_ns;
        }
    }
    pvm_prof_flush_noted(recorder);
    /* Large programs take longer to read; the pause until the next flush grows with that. */
    const uint64_t pause_ns = FLUSH_SHARE * (pvm_prof_now_ns() - now_ns);
    recorder->flush_interval_ns = pause_ns > PVM_PROF_BATCH_NS ? pause_ns : PVM_PROF_BATCH_NS;
}

/* At an event that came at now_ns: reading the clock again costs as much as binding five columns. */
static void flush_if_due(pvm_prof_watch_t *watch, uint64_t now_ns)
{
    pvm_prof_recorder_t *const recorder = watch->recorder;

    if (now_ns - watch->flushed_ns >= recorder->flush_interval_ns ||
        (recorder->file->in_transaction &&
         recorder->file->transaction_rows >= PVM_PROF_BATCH_ROWS)) {
        pvm_prof_flush(recorder);
    }
}

pvm_prof_watch_t *pvm_prof_watch_of(const pvm_prof_recorder_t *recorder, const pvm_vm_t *vm)
{
    pvm_prof_watch_t *const watch =
        vm != NULL && vm->observer.run_begin == pvm_prof_observer.run_begin ? vm->observer_data
                                                                            : NULL;

    return watch != NULL && watch->recorder == recorder ? watch : NULL;
}

void pvm_prof_watch_destroy(pvm_prof_watch_t *watch)
{
    pvm_prof_recorder_t *const recorder = watch->recorder;

    if (watch->previous != NULL) {
        watch->previous->next = watch->next;
    } else if (recorder->watches == watch) {
        recorder->watches = watch->next;
    }
    if (watch->next != NULL) {
        watch->next->previous = watch->previous;
    }
    pvm_prof_flight_forget(watch);
    free(watch->trace);
    pvm_prof_map_free(&watch->total_index);
    free(watch->totals);
    free(watch->samples.places);
    pvm_prof_tree_free(&watch->tree);
    free(watch->edges);
    free(watch->fresh);
    free(watch->counts);
    free(watch);
}

void pvm_prof_watch_settle(pvm_prof_watch_t *watch)
{
    if (watch->execution.is_open) {
        pvm_prof_call_end(watch, pvm_get_gas(watch->vm), pvm_prof_now_ns(), false);
        pvm_prof_execution_close(watch);
    }
    pvm_prof_counts_store_edges(watch);
    pvm_prof_calls_store_pairs(watch);
    pvm_prof_samples_store(watch);
    pvm_prof_call_store_totals(watch);
    watch->is_dirty = false;
}

/* -- Events: each takes the lock, and looks whether the recording still goes on ------------- */

static pvm_prof_recorder_t *enter(pvm_prof_watch_t *watch)
{
    pvm_prof_recorder_t *const recorder = watch->recorder;

    pthread_mutex_lock(&recorder->file->lock);
    if (recorder->is_finished) {
        pthread_mutex_unlock(&recorder->file->lock);
        return NULL;
    }
    watch->thread = pthread_self();
    watch->is_dirty = true;
    if (recorder->is_fed) {
        const uint64_t now_ns = pvm_prof_now_ns();
        watch->told_ns = now_ns > watch->told_ns ? now_ns : watch->told_ns;
    }
    return recorder;
}

static void leave(pvm_prof_recorder_t *recorder)
{
    pthread_mutex_unlock(&recorder->file->lock);
}

/* The parent may be named after the VM was attached. */
static void store_parent(pvm_prof_watch_t *watch)
{
    pvm_vm_t *const parent = pvm_get_parent(watch->vm);
    const uint64_t parent_id = parent != NULL ? pvm_get_id(parent) : 0;

    if (parent_id == watch->parent_id) {
        return;
    }
    watch->parent_id = parent_id;
    sqlite3_stmt *const row =
        pvm_prof_store_begin_row(watch->recorder->file, PVM_PROF_STATEMENT_VM_PARENT);
    if (row == NULL) {
        return;
    }
    sqlite3_bind_int64(row, 1, watch->id);
    const pvm_prof_watch_t *const above = pvm_prof_watch_of(watch->recorder, parent);
    if (above != NULL) {
        sqlite3_bind_int64(row, 2, above->id);
    }
    pvm_prof_store_step(watch->recorder->file, PVM_PROF_STATEMENT_VM_PARENT);
}

static void on_run_begin(void *user_data, pvm_vm_t *vm, pvm_run_kind_t kind)
{
    pvm_prof_watch_t *const watch = user_data;
    pvm_prof_recorder_t *const recorder = enter(watch);
    pvm_prof_execution_t *const execution = &watch->execution;

    if (recorder == NULL) {
        return;
    }
    store_parent(watch);
    pvm_prof_call_end(watch, pvm_get_gas(vm), pvm_prof_now_ns(), false);
    if (kind == PVM_RUN_EXECUTE && execution->is_open) {
        pvm_prof_execution_close(watch);
    }
    if (!execution->is_open) {
        pvm_prof_execution_open(watch, kind);
    } else {
        pvm_prof_ledger_set(&execution->ledger, execution->ledger.now, pvm_get_gas(vm));
    }
    execution->result = "incomplete";
    execution->has_fault = false;
    pvm_prof_flight_forget(watch);
    pvm_prof_cuts_run_begin(watch);
    pvm_prof_calls_run_begin(watch);
    watch->is_running = true;
    execution->run_began_ns = pvm_prof_now_ns();
    pvm_prof_guest_begins(watch);
    leave(recorder);
}

static const char *result_name(pvm_result_t result, uint8_t state)
{
    switch (result) {
    case PVM_RESULT_OK:
        return state == PVM_STATE_HALT ? "halt" : "incomplete";
    case PVM_RESULT_OOG:
        return "oog";
    case PVM_RESULT_PANIC:
        return "panic";
    case PVM_RESULT_HOST_CALL:
        return "host";
    case PVM_RESULT_FAULT:
        return "fault";
    case PVM_RESULT_ERROR:
        break;
    }
    return "error";
}

static void on_run_end(void *user_data, pvm_vm_t *vm, pvm_result_t result)
{
    const uint64_t now_ns = pvm_prof_now_ns();
    pvm_prof_watch_t *const watch = user_data;
    pvm_prof_recorder_t *const recorder = enter(watch);
    pvm_prof_execution_t *const execution = &watch->execution;

    if (recorder == NULL) {
        return;
    }
    pvm_prof_guest_ends(watch, now_ns);
    if (execution->is_open) {
        const uint8_t state = pvm_get_machine_state(vm);

        watch->is_running = false;
        execution->ran_ns += now_ns - execution->run_began_ns;
        execution->exit_pc = pvm_get_pc(vm);
        pvm_prof_cuts_run_end(watch, result);
        execution->result = result_name(result, state);
        execution->has_fault = result == PVM_RESULT_FAULT;
        execution->fault_address = pvm_get_fault_address(vm);
        if (!execution->ledger.in_call) {
            pvm_prof_ledger_guest(&execution->ledger, pvm_get_gas(vm));
        }
        recorder->gas_left = execution->ledger.now;
        if (!recorder->is_fed && pvm_prof_flight_is_due(result)) {
            pvm_prof_flight_raw_t raw;
            pvm_prof_flight_take(vm, execution->host_calls, &raw);
            pvm_prof_flight_note(watch, result, &raw);
        }
        if (result == PVM_RESULT_OOG || result == PVM_RESULT_PANIC || result == PVM_RESULT_ERROR ||
            (result == PVM_RESULT_OK && state == PVM_STATE_HALT)) {
            pvm_prof_execution_close(watch);
        }
    }
    flush_if_due(watch, now_ns);
    leave(recorder);
}

static void on_host_call_begin(void *user_data, pvm_vm_t *vm, const pvm_host_call_t *call)
{
    const uint64_t now_ns = pvm_prof_now_ns();
    pvm_prof_watch_t *const watch = user_data;
    pvm_prof_recorder_t *const recorder = enter(watch);

    (void)vm;
    if (recorder == NULL) {
        return;
    }
    pvm_prof_guest_ends(watch, now_ns);
    if (watch->execution.is_open) {
        pvm_prof_call_begin(watch, call);
        pvm_prof_block_trace_call(watch);
        pvm_prof_cuts_call_begin(watch);
        recorder->gas_left = watch->execution.ledger.now;
        /* Before the flush, which may store the row; and again behind it, so that it is not
         * part of the call. */
        watch->call.began_ns = now_ns;
        flush_if_due(watch, now_ns);
        watch->call.began_ns = pvm_prof_now_ns();
        watch->execution.own_ns += watch->call.began_ns - now_ns;
    }
    leave(recorder);
}

static void on_host_call_end(void *user_data, pvm_vm_t *vm, const pvm_host_call_t *call)
{
    const uint64_t now_ns = pvm_prof_now_ns();
    pvm_prof_watch_t *const watch = user_data;
    pvm_prof_recorder_t *const recorder = enter(watch);

    (void)vm;
    if (recorder == NULL) {
        return;
    }
    if (watch->execution.is_open) {
        const bool is_running = watch->is_running;

        pvm_prof_call_end(watch, call->gas, now_ns, true);
        pvm_prof_cuts_call_end(watch, call->pc);
        recorder->gas_left = watch->execution.ledger.now;
        flush_if_due(watch, now_ns);
        if (is_running) {
            watch->execution.own_ns += pvm_prof_now_ns() - now_ns;
            pvm_prof_guest_begins(watch);
        }
    }
    leave(recorder);
}

static void on_gas_set(void *user_data, pvm_vm_t *vm, int64_t old_gas, int64_t new_gas)
{
    pvm_prof_watch_t *const watch = user_data;
    pvm_prof_recorder_t *const recorder = enter(watch);

    (void)vm;
    if (recorder == NULL) {
        return;
    }
    if (watch->execution.is_open) {
        pvm_prof_ledger_set(&watch->execution.ledger, old_gas, new_gas);
    }
    leave(recorder);
}

static void on_host_memory(void *user_data, pvm_vm_t *vm, uint32_t address, const void *data,
                           size_t length, int is_write)
{
    const uint64_t now_ns = pvm_prof_now_ns();
    pvm_prof_watch_t *const watch = user_data;
    pvm_prof_recorder_t *const recorder = enter(watch);

    (void)vm;
    if (recorder == NULL) {
        return;
    }
    if (watch->call.is_open && (recorder->instrument & PVM_PROF_MEMORY)) {
        pvm_prof_call_store_memory(watch, address, data, length, is_write != 0);
        const uint64_t own_ns = pvm_prof_now_ns() - now_ns;
        watch->call.own_ns += own_ns;
        watch->execution.own_ns += watch->is_running ? own_ns : 0;
    }
    leave(recorder);
}

static void on_reset(void *user_data, pvm_vm_t *vm)
{
    pvm_prof_watch_t *const watch = user_data;
    pvm_prof_recorder_t *const recorder = enter(watch);

    (void)vm;
    if (recorder == NULL) {
        return;
    }
    pvm_prof_watch_settle(watch);
    /* Whether counts go on or start again is the engine's business: the next run begins with
     * reading them. */
    watch->has_baseline = false;
    leave(recorder);
}

static void on_destroy(void *user_data, pvm_vm_t *vm)
{
    pvm_prof_watch_t *const watch = user_data;
    pthread_mutex_t *const lock = &watch->recorder->file->lock;

    (void)vm;
    pthread_mutex_lock(lock);
    if (!watch->recorder->is_finished) {
        pvm_prof_watch_settle(watch);
    }
    pvm_prof_watch_destroy(watch);
    pthread_mutex_unlock(lock);
}

static void on_blocks(void *user_data, pvm_vm_t *vm, const uint32_t *blocks, size_t count)
{
    const uint64_t now_ns = pvm_prof_now_ns();
    pvm_prof_watch_t *const watch = user_data;
    pvm_prof_recorder_t *const recorder = enter(watch);

    (void)vm;
    if (recorder != NULL) {
        pvm_prof_block_trace_add(watch, blocks, count);
        watch->execution.own_ns += watch->is_running ? pvm_prof_now_ns() - now_ns : 0;
        leave(recorder);
    }
}

static void on_block_gas(void *user_data, pvm_vm_t *vm, uint32_t block, int64_t gas)
{
    pvm_prof_watch_t *const watch = user_data;
    pvm_prof_recorder_t *const recorder = enter(watch);

    (void)vm;
    if (recorder != NULL) {
        pvm_prof_block_trace_add_gas(watch, block, gas);
        leave(recorder);
    }
}

const pvm_observer_t pvm_prof_observer = {
    .size = sizeof(pvm_observer_t),
    .run_begin = on_run_begin,
    .run_end = on_run_end,
    .host_call_begin = on_host_call_begin,
    .host_call_end = on_host_call_end,
    .gas_set = on_gas_set,
    .host_memory = on_host_memory,
    .reset = on_reset,
    .destroy = on_destroy,
    .blocks = on_blocks,
    .block_gas = on_block_gas,
};
