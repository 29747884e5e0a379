/* Sums of host calls and executions that somebody else has made, into a run file: for each process, service and program a machine
 * stands for all that there were. */
#include "profiler/feed_state.h"

#include "support/error.h"

#include <stdlib.h>

/* The machine that stands for them; NULL and *out_status if there is none. */
static pvm_feed_vm_t *stand_in(pvm_prof_feed_t *feed, const pvm_prof_feed_total_t *total,
                               int64_t *out_vm, pvm_prof_status_t *out_status)
{
    for (size_t i = 0; i < feed->sum_count; i++) {
        const pvm_feed_sum_t *const sum = &feed->sums[i];
        if (sum->process == total->process && sum->service == total->service &&
            sum->program == total->program) {
            *out_vm = sum->vm;
            return sum->entry;
        }
    }
    pvm_feed_sum_t *const sums = realloc(feed->sums, (feed->sum_count + 1) * sizeof(*sums));
    if (sums == NULL) {
        pvm_error_set("%.300s: no memory for sums", feed->source);
        *out_status = PVM_PROF_E_SYSTEM;
        return NULL;
    }
    feed->sums = sums;
    const pvm_event_execute_begin_t made = {.vm = (uint64_t)total->process << 32 |
                                                  (uint32_t)(feed->sum_count + 1),
                                            .service = total->service,
                                            .program = total->program,
                                            .backend = total->backend};
    pvm_feed_vm_t *entry = NULL;
    *out_status = pvm_feed_vm_make(feed, pvm_prof_feed_host(feed, total->host), &made, &entry);
    if (entry != NULL && *out_status == PVM_PROF_OK) {
        entry->touched = UINT64_MAX;
        *out_vm = feed->recorder->vm_count;
        sums[feed->sum_count++] = (pvm_feed_sum_t){.process = total->process,
                                                   .service = total->service,
                                                   .program = total->program,
                                                   .vm = *out_vm,
                                                   .entry = entry};
    }
    return entry;
}

static void store_calls(pvm_prof_feed_t *feed, const pvm_prof_feed_total_t *total,
                        pvm_feed_vm_t *entry, int64_t vm)
{
    pvm_prof_recorder_t *const recorder = feed->recorder;
    pvm_prof_run_file_t *const file = feed->file;
    pvm_prof_watch_t *const watch = entry->vm->observer_data;
    sqlite3_stmt *row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_HOST_TOTAL);

    if (row != NULL) {
        sqlite3_bind_int64(row, 1, vm);
        sqlite3_bind_int64(row, 2, total->func_id);
        sqlite3_bind_int64(row, 3, (int64_t)total->count);
        sqlite3_bind_int64(row, 4, (int64_t)total->gas_taken);
        sqlite3_bind_int64(row, 5, (int64_t)total->gas_added);
        sqlite3_bind_int64(row, 6, (int64_t)total->duration_ns);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_HOST_TOTAL);
    }
    for (size_t i = 0; i < total->class_count; i++) {
        if (total->classes[i] == 0 ||
            (row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_HOST_LATENCY)) == NULL) {
            continue;
        }
        sqlite3_bind_int64(row, 1, vm);
        sqlite3_bind_int64(row, 2, total->func_id);
        sqlite3_bind_int64(row, 3, (int64_t)i);
        sqlite3_bind_int64(row, 4, (int64_t)total->classes[i]);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_HOST_LATENCY);
    }
    pvm_prof_program_name_call(watch->program, file, total->func_id);
    recorder->totals.host_calls += total->count;
    recorder->totals.host_gas =
        pvm_prof_wrap_add(recorder->totals.host_gas, (int64_t)total->gas_taken);
    recorder->totals.gas_added =
        pvm_prof_wrap_add(recorder->totals.gas_added, (int64_t)total->gas_added);
    recorder->totals.gas_end =
        pvm_prof_wrap_add(recorder->totals.gas_end, (int64_t)total->gas_added);
    recorder->totals.gas_start =
        pvm_prof_wrap_add(recorder->totals.gas_start, (int64_t)total->gas_taken);
}

static void store_runs(pvm_prof_feed_t *feed, const pvm_prof_feed_total_t *total, int64_t vm)
{
    pvm_prof_recorder_t *const recorder = feed->recorder;
    sqlite3_stmt *const row = pvm_prof_store_begin_row(feed->file, PVM_PROF_STATEMENT_RUN_TOTAL);

    if (row != NULL) {
        sqlite3_bind_int64(row, 1, vm);
        sqlite3_bind_int64(row, 2, (int64_t)total->count);
        sqlite3_bind_int64(row, 3, (int64_t)total->gas_taken);
        sqlite3_bind_int64(row, 4, (int64_t)total->duration_ns);
        pvm_prof_store_step(feed->file, PVM_PROF_STATEMENT_RUN_TOTAL);
    }
    recorder->execution_count += (int64_t)total->count;
    recorder->totals.duration_ns += total->duration_ns;
    recorder->totals.gas_start =
        pvm_prof_wrap_add(recorder->totals.gas_start, (int64_t)total->gas_taken);
}

pvm_prof_status_t pvm_prof_feed_total(pvm_prof_feed_t *feed, const pvm_prof_feed_total_t *total)
{
    pvm_prof_status_t status = PVM_PROF_OK;
    int64_t vm = 0;

    if (feed->recorder == NULL) {
        status = pvm_feed_start_recorder(feed);
    }
    pvm_feed_vm_t *const entry = status == PVM_PROF_OK ? stand_in(feed, total, &vm, &status) : NULL;
    if (status != PVM_PROF_OK) {
        return status;
    }
    if (entry == NULL) {
        /* Of a program that was gone before it could be read. */
        feed->lost_calls += total->is_runs ? 0 : total->count;
        return PVM_PROF_OK;
    }
    pthread_mutex_lock(&feed->file->lock);
    if (total->is_runs) {
        store_runs(feed, total, vm);
    } else {
        store_calls(feed, total, entry, vm);
    }
    pthread_mutex_unlock(&feed->file->lock);
    return PVM_PROF_OK;
}
