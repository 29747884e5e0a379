/* The life of a recording: create, attach VMs, commit from time to time, finish. Events:
 * events.c. */
#include "profiler/recorder.h"

#include "events/filter.h"
#include "profiler/watch.h"
#include "support/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Commit what the events have written, so that a killed recorder loses little even if no event
 * follows. */
static void *commit_now_and_then(void *user_data)
{
    pvm_prof_recorder_t *const recorder = user_data;
    pvm_prof_run_file_t *const file = recorder->file;

    pthread_mutex_lock(&file->lock);
    while (!recorder->is_finished) {
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += (long)PVM_PROF_BATCH_NS;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&recorder->wake, &file->lock, &until);
        if (!recorder->is_finished && file->in_transaction &&
            pvm_prof_now_ns() - file->transaction_began_ns >= PVM_PROF_BATCH_NS) {
            pvm_prof_flush_noted(recorder);
        }
    }
    pthread_mutex_unlock(&file->lock);
    return NULL;
}

static int start_thread(pvm_prof_recorder_t *recorder)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&recorder->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    recorder->has_thread =
        pthread_create(&recorder->thread, NULL, commit_now_and_then, recorder) == 0;
    return recorder->has_thread ? 0 : -1;
}

static void store_instrumentation(pvm_prof_recorder_t *recorder)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } names[] = {{PVM_PROF_COUNTS, "counts"},
                 {PVM_PROF_EDGES, "edges"},
                 {PVM_PROF_HOST_CALLS, "hostcalls"},
                 {PVM_PROF_MEMORY, "memory"},
                 {PVM_PROF_FLIGHT, "flight"},
                 {PVM_PROF_SAMPLES, "samples"},
                 {PVM_PROF_CALLS, "calls"},
                 {PVM_PROF_BLOCKS, "blocks"},
                 {PVM_PROF_GAS, "gas"}};
    char text[96] = "";
    size_t len = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (recorder->instrument & names[i].flag) {
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len > 0 ? "," : "",
                                    names[i].name);
        }
    }
    pvm_prof_store_info(recorder->file, PVM_PROF_INFO_INSTRUMENTATION, text, false);
}

pvm_prof_status_t pvm_prof_recorder_create(pvm_prof_run_file_t *file,
                                           const pvm_prof_recorder_options_t *options,
                                           pvm_prof_recorder_t **out_recorder)
{
    *out_recorder = NULL;
    if (!file->is_writer || options->size != sizeof(*options)) {
        pvm_error_set("%.300s: opened for reading, or options of another version", file->path);
        return PVM_PROF_E_ARGUMENT;
    }
    pvm_prof_recorder_t *const recorder = calloc(1, sizeof(*recorder));
    if (recorder == NULL || (options->program_name != NULL &&
                             (recorder->program_name = strdup(options->program_name)) == NULL)) {
        goto fail;
    }
    recorder->file = file;
    recorder->instrument = options->instrument != 0 ? options->instrument : PVM_PROF_DEFAULT;
    if (recorder->instrument & (PVM_PROF_EDGES | PVM_PROF_CALLS | PVM_PROF_BLOCKS | PVM_PROF_GAS)) {
        recorder->instrument |= PVM_PROF_COUNTS;
    }
    if (recorder->instrument & PVM_PROF_MEMORY) {
        recorder->instrument |= PVM_PROF_HOST_CALLS;
    }
    recorder->sample_hz = options->sample_hz;
    recorder->began_ns = pvm_prof_now_ns();
    recorder->flush_interval_ns = PVM_PROF_BATCH_NS;
    recorder->last_result = "incomplete";
    if (start_thread(recorder) != 0) {
        pthread_cond_destroy(&recorder->wake);
        goto fail;
    }
    pthread_mutex_lock(&file->lock);
    store_instrumentation(recorder);
    pthread_mutex_unlock(&file->lock);
    *out_recorder = recorder;
    return PVM_PROF_OK;
fail:
    pvm_error_set("%.300s: no memory or no thread to record with", file->path);
    if (recorder != NULL) {
        free(recorder->program_name);
    }
    free(recorder);
    return PVM_PROF_E_SYSTEM;
}

void pvm_prof_note_filter(pvm_prof_recorder_t *recorder, const char *filter)
{
    pvm_filter_t *parsed;

    if (filter == NULL || filter[0] == '\0') {
        return;
    }
    /* One that this version does not understand may leave out anything. */
    parsed = pvm_filter_parse(filter);
    recorder->is_partial |= parsed == NULL || pvm_filter_is_partial(parsed);
    pvm_filter_release(parsed);
    pvm_prof_store_info(recorder->file, PVM_PROF_INFO_SELECTED, filter, true);
}

/* -- Attaching ----------------------------------------------------------------------------- */

static void store_vm(pvm_prof_watch_t *watch)
{
    static const char *const backend_names[] = {
        [PVM_BACKEND_DEFAULT] = "default",
        [PVM_BACKEND_INTERPRETER] = "interpreter",
        [PVM_BACKEND_RECOMPILER] = "recompiler",
    };
    pvm_prof_run_file_t *const file = watch->recorder->file;
    const char *const backend = backend_names[pvm_get_backend(watch->vm)];
    sqlite3_stmt *const row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_VM);

    if (row != NULL) {
        sqlite3_bind_int64(row, 1, watch->id);
        sqlite3_bind_int64(row, 2, watch->program->id);
        sqlite3_bind_int64(row, 3, pvm_get_service(watch->vm));
        pvm_prof_store_bind_text(file, row, 4, backend);
        sqlite3_bind_int64(row, 5, (int64_t)pvm_get_id(watch->vm));
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_VM);
    }
    if (watch->id == 1) {
        pvm_prof_store_info(file, PVM_PROF_INFO_BACKEND, backend, true);
    }
}

static pvm_prof_status_t attach_locked(pvm_prof_recorder_t *recorder, pvm_vm_t *vm,
                                       const char *program_name)
{
    uint32_t flags = 0;

    if (pvm_prof_watch_of(recorder, vm) != NULL) {
        pvm_error_set("%.300s: this VM is being recorded already", recorder->file->path);
        return PVM_PROF_E_ARGUMENT;
    }
    if (recorder->is_finished) {
        pvm_error_set("%.300s: the recording has ended", recorder->file->path);
        return PVM_PROF_E_ARGUMENT;
    }
    pvm_prof_note_filter(recorder, pvm_get_trace_filter(vm));
    if (!pvm_is_selected(vm)) {
        return PVM_PROF_OK;
    }
    if (recorder->instrument & PVM_PROF_COUNTS) {
        flags |= PVM_INSTRUMENT_COUNTS;
    }
    if (recorder->instrument & PVM_PROF_EDGES) {
        flags |= PVM_INSTRUMENT_EDGES;
    }
    if (recorder->instrument & PVM_PROF_CALLS) {
        flags |= PVM_INSTRUMENT_CALLS;
    }
    const bool is_counting = flags != 0;
    if (recorder->instrument & PVM_PROF_BLOCKS) {
        flags |= PVM_INSTRUMENT_BLOCKS;
    }
    if (recorder->instrument & PVM_PROF_GAS) {
        flags |= PVM_INSTRUMENT_GAS;
    }
    if (recorder->instrument & PVM_PROF_FLIGHT) {
        flags |= PVM_INSTRUMENT_FLIGHT;
    }
    if (recorder->instrument & PVM_PROF_SAMPLES) {
        flags |= PVM_INSTRUMENT_SAMPLES;
    }
    pvm_prof_watch_t *const watch = calloc(1, sizeof(*watch));
    if (watch == NULL) {
        pvm_error_set("%.300s: no memory to watch another VM", recorder->file->path);
        return PVM_PROF_E_SYSTEM;
    }
    watch->recorder = recorder;
    watch->vm = vm;
    watch->thread = pthread_self();
    watch->is_counting = is_counting;
    watch->flushed_ns = pvm_prof_now_ns();
    watch->program = pvm_prof_program_find(recorder, pvm_get_program(vm), program_name);
    if (watch->program == NULL) {
        free(watch);
        return PVM_PROF_E_SYSTEM;
    }
    if ((recorder->sample_hz != 0 && pvm_set_sample_rate(vm, recorder->sample_hz) != 0) ||
        (flags != 0 && pvm_set_instrumentation(vm, flags) != 0) ||
        pvm_set_observer(vm, &pvm_prof_observer, watch) != 0) {
        free(watch);
        return PVM_PROF_E_ARGUMENT;
    }
    watch->id = ++recorder->vm_count;
    pvm_prof_samples_begin(watch);
    watch->next = recorder->watches;
    if (watch->next != NULL) {
        watch->next->previous = watch;
    }
    recorder->watches = watch;
    store_vm(watch);
    if (recorder->is_at_rest) {
        pvm_prof_store_info(recorder->file, PVM_PROF_INFO_STATUS, "recording", false);
        recorder->is_at_rest = false;
    }
    if (watch->id == 1) {
        /* What was recorded is then known, even if nothing of the run fits on the disk. */
        pvm_prof_store_commit(recorder->file);
    }
    return PVM_PROF_OK;
}

pvm_prof_status_t pvm_prof_recorder_attach(pvm_prof_recorder_t *recorder, pvm_vm_t *vm,
                                           const char *program_name)
{
    const char *const name = program_name != NULL ? program_name : recorder->program_name;

    pthread_mutex_lock(&recorder->file->lock);
    const pvm_prof_status_t status = attach_locked(recorder, vm, name);
    pthread_mutex_unlock(&recorder->file->lock);
    return status;
}

/* -- Looking ------------------------------------------------------------------------------- */

const char *pvm_prof_recorder_error(pvm_prof_recorder_t *recorder)
{
    pvm_prof_run_file_t *const file = recorder->file;

    /* The text is written once, before this can be seen. */
    pthread_mutex_lock(&file->lock);
    const bool is_error = file->error[0] != '\0';
    pthread_mutex_unlock(&file->lock);
    return is_error ? file->error : NULL;
}

void pvm_prof_recorder_progress(pvm_prof_recorder_t *recorder, pvm_prof_progress_t *out_progress)
{
    *out_progress = (pvm_prof_progress_t){0};
    pthread_mutex_lock(&recorder->file->lock);
    out_progress->executions = (uint64_t)recorder->execution_count;
    out_progress->host_calls = (uint64_t)recorder->host_call_count;
    out_progress->kept = recorder->file->kept[PVM_PROF_LOST_HOST_CALL];
    out_progress->gas_left = recorder->gas_left;
    int64_t used =
        pvm_prof_wrap_sub(pvm_prof_wrap_add(recorder->totals.gas_start, recorder->totals.gas_added),
                          recorder->totals.gas_end);
    /* What open executions have used since they were last stored. */
    for (const pvm_prof_watch_t *at = recorder->watches; at != NULL; at = at->next) {
        const pvm_prof_figures_t *const stored = &at->execution.stored;

        if (at->execution.is_open) {
            used = pvm_prof_wrap_add(used, pvm_prof_ledger_used(&at->execution.ledger));
            used = pvm_prof_wrap_sub(
                used, pvm_prof_wrap_sub(pvm_prof_wrap_add(stored->gas_start, stored->gas_added),
                                        stored->gas_end));
        }
    }
    out_progress->gas_used = (uint64_t)used;
    pthread_mutex_unlock(&recorder->file->lock);
}

/* -- Finishing ----------------------------------------------------------------------------- */

/* End what is open. A VM that runs on another thread cannot be read: it keeps the figures of
 * its last flush. */
static void settle_all(pvm_prof_recorder_t *recorder)
{
    for (pvm_prof_watch_t *watch = recorder->watches; watch != NULL; watch = watch->next) {
        if (!watch->is_running || pthread_equal(watch->thread, pthread_self())) {
            recorder->is_cut_short = recorder->is_cut_short || watch->is_running;
            pvm_prof_watch_settle(watch);
        } else {
            recorder->is_cut_short = true;
            recorder->last_result = "incomplete";
            pvm_prof_call_store_open(watch);
            pvm_prof_call_store_totals(watch);
        }
    }
    for (uint32_t i = 0; i < recorder->program_count; i++) {
        pvm_prof_program_flush(recorder->programs[i], recorder->file);
    }
    pvm_prof_slices_store(&recorder->slices, recorder->file);
    pvm_prof_calls_store(recorder);
}

/* Why the file does not hold all. @param room  for words that are put together @return NULL: it does */
static const char *find_reason(const pvm_prof_recorder_t *recorder, char *room, size_t room_bytes,
                               pvm_prof_run_status_t *out_status)
{
    const pvm_prof_run_file_t *const file = recorder->file;
    const bool has_lost_events =
        file->lost[PVM_PROF_LOST_EVENT] + file->lost[PVM_PROF_LOST_PACKET] > 0;

    if (file->error[0] != '\0' || recorder->broken != NULL) {
        *out_status = PVM_PROF_RUN_INCOMPLETE;
        return file->error[0] != '\0' ? file->error : recorder->broken;
    }
    if (has_lost_events || file->lost[PVM_PROF_LOST_HOST_CALL] > 0) {
        *out_status = PVM_PROF_RUN_INCOMPLETE;
        (void)snprintf(room, room_bytes, "%s: see lost_events%s%s",
                       has_lost_events ? "events are missing" : "host calls are missing",
                       recorder->advice != NULL ? "; " : "",
                       recorder->advice != NULL ? recorder->advice : "");
        return room;
    }
    if (recorder->left_out != NULL) {
        *out_status = PVM_PROF_RUN_INCOMPLETE;
        return recorder->left_out;
    }
    if (recorder->is_cut_short) {
        *out_status = PVM_PROF_RUN_INTERRUPTED;
        return recorder->cut_short != NULL ? recorder->cut_short
                                           : "a VM was running when the recording ended";
    }
    return NULL;
}

static void store_verdict(pvm_prof_recorder_t *recorder, pvm_prof_run_status_t status)
{
    pvm_prof_run_file_t *const file = recorder->file;
    char room[256];
    const char *const reason = find_reason(recorder, room, sizeof(room), &status);
    const char *rule = "holds";

    if (!(recorder->instrument & PVM_PROF_COUNTS)) {
        rule = "not checked: blocks were not counted";
    } else if (recorder->is_partial) {
        rule = "not applicable: only a selection was recorded";
    } else if (recorder->is_difference && recorder->is_fed) {
        rule = "not checked: the trace does not have all counts";
    } else if (recorder->is_difference) {
        rule = "broken: see column difference of executions";
    }
    pvm_prof_totals_store(recorder, recorder->last_result);
    pvm_prof_store_info(file, "sum_rule", rule, false);
    if (reason != NULL) {
        pvm_prof_store_info(file, PVM_PROF_INFO_REASON, reason, false);
    }
    pvm_prof_store_info(file, PVM_PROF_INFO_STATUS,
                        status == PVM_PROF_RUN_COMPLETE      ? "complete"
                        : status == PVM_PROF_RUN_INTERRUPTED ? "interrupted"
                                                             : "incomplete",
                        false);
    pvm_prof_store_lost(file);
}

/* True if the VM has let go of the recorder. */
static bool let_go(const pvm_prof_watch_t *watch)
{
    return !watch->is_running && pvm_set_observer(watch->vm, NULL, NULL) == 0;
}

void pvm_prof_recorder_checkpoint(pvm_prof_recorder_t *recorder)
{
    pthread_mutex_lock(&recorder->file->lock);
    if (!recorder->is_finished && recorder->watches == NULL) {
        settle_all(recorder);
        store_verdict(recorder, PVM_PROF_RUN_COMPLETE);
        pvm_prof_store_commit(recorder->file);
        recorder->is_at_rest = true;
    }
    pthread_mutex_unlock(&recorder->file->lock);
}

pvm_prof_status_t pvm_prof_recorder_finish(pvm_prof_recorder_t *recorder,
                                           pvm_prof_run_status_t status)
{
    pvm_prof_run_file_t *const file = recorder->file;

    pthread_mutex_lock(&file->lock);
    if (!recorder->is_finished) {
        settle_all(recorder);
        pvm_prof_store_commit(file);
        if (file->failed) {
            pvm_prof_store_retry(file);
        }
        store_verdict(recorder, status);
        if (file->failed) {
            /* It may have been the first failure, and its text belongs into the file. */
            pvm_prof_store_retry(file);
            store_verdict(recorder, status);
        }
        recorder->is_finished = true;
        pthread_cond_signal(&recorder->wake);
    }
    for (pvm_prof_watch_t *watch = recorder->watches, *next; watch != NULL; watch = next) {
        next = watch->next;
        if (let_go(watch)) {
            pvm_prof_watch_destroy(watch);
        }
    }
    pthread_mutex_unlock(&file->lock);
    if (recorder->has_thread) {
        pthread_join(recorder->thread, NULL);
        recorder->has_thread = false;
    }
    if (file->error[0] != '\0') {
        pvm_error_set("%s", file->error);
        return PVM_PROF_E_SYSTEM;
    }
    return PVM_PROF_OK;
}

void pvm_prof_recorder_destroy(pvm_prof_recorder_t *recorder)
{
    if (recorder == NULL) {
        return;
    }
    (void)pvm_prof_recorder_finish(recorder, PVM_PROF_RUN_INTERRUPTED);
    while (recorder->watches != NULL) {
        pvm_prof_watch_t *const watch = recorder->watches;

        /* Only a VM that was running at the end is still here; now it runs no more. */
        (void)pvm_set_observer(watch->vm, NULL, NULL);
        pvm_prof_watch_destroy(watch);
    }
    for (uint32_t i = 0; i < recorder->program_count; i++) {
        pvm_prof_program_destroy(recorder->programs[i]);
    }
    free(recorder->programs);
    pvm_prof_map_free(&recorder->program_by_address);
    pvm_prof_map_free(&recorder->program_by_hash);
    pvm_prof_slices_free(&recorder->slices);
    pvm_prof_calls_free(&recorder->calls);
    pthread_cond_destroy(&recorder->wake);
    free(recorder->program_name);
    free(recorder);
}
