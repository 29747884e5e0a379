/* pvmscope record: one execution under the in-process collector, into a run file. */
#include "viewer/command.h"
#include "viewer/job.h"
#include "viewer/new_run.h"
#include "viewer/record_lttng.h"

#include "profiler/recorder.h"

#include <inttypes.h>
#include <pvm/trace.h>
#include <stdio.h>

_Static_assert(PVM_PROF_COUNTS == 1 << PVM_CHOICE_INSTRUMENT_COUNTS &&
                   PVM_PROF_EDGES == 1 << PVM_CHOICE_INSTRUMENT_EDGES &&
                   PVM_PROF_HOST_CALLS == 1 << PVM_CHOICE_INSTRUMENT_HOSTCALLS &&
                   PVM_PROF_MEMORY == 1 << PVM_CHOICE_INSTRUMENT_MEMORY &&
                   PVM_PROF_FLIGHT == 1 << PVM_CHOICE_INSTRUMENT_FLIGHT &&
                   PVM_PROF_SAMPLES == 1 << PVM_CHOICE_INSTRUMENT_SAMPLES &&
                   PVM_PROF_CALLS == 1 << PVM_CHOICE_INSTRUMENT_CALLS &&
                   PVM_PROF_BLOCKS == 1 << PVM_CHOICE_INSTRUMENT_BLOCKS &&
                   PVM_PROF_GAS == 1 << PVM_CHOICE_INSTRUMENT_GAS,
               "the list of --instrument is the recorder's flags");

static void describe_progress(void *user_data, char *out, size_t out_bytes)
{
    pvm_prof_progress_t progress;

    pvm_prof_recorder_progress(user_data, &progress);
    snprintf(out, out_bytes, "%" PRIu64 " gas used, %" PRIu64 " host calls (Ctrl-C ends it)",
             progress.gas_used, progress.host_calls);
}

/** A run that left the recorded path is no recording of it: the file says so. */
static pvm_prof_run_status_t mark_end(const pvm_job_t *job, pvm_prof_run_file_t *file)
{
    char reason[PVM_VIEW_ERROR_BYTES];

    if (job->player.line != 0) {
        snprintf(reason, sizeof(reason), "differs from its trace at line %zu: %s", job->player.line,
                 job->player.difference);
        pvm_prof_run_file_set_info(file, PVM_PROF_INFO_REASON, reason);
        return PVM_PROF_RUN_INCOMPLETE;
    }
    return job->outcome.is_interrupted ? PVM_PROF_RUN_INTERRUPTED : PVM_PROF_RUN_COMPLETE;
}

/** What attaches the machines that the host makes. */
typedef struct {
    pvm_prof_recorder_t *recorder;
    const char *name;
    pvm_prof_status_t status;
} inner_t;

static void attach_inner(void *user_data, pvm_vm_t *vm)
{
    inner_t *inner = user_data;

    if (inner->status == PVM_PROF_OK) {
        inner->status = pvm_prof_recorder_attach(inner->recorder, vm, inner->name);
    }
}

/** Run under a recorder. The file is finished whatever happens to the run. */
static pvm_view_status_t record(pvm_view_t *view, pvm_job_t *job, pvm_prof_run_file_t *file)
{
    const pvm_prof_recorder_options_t options = {
        .size = sizeof(options),
        .instrument = (uint32_t)pvm_view_number(view, PVM_OPTION_INSTRUMENT),
        .program_name = job->input.path,
        .sample_hz = (uint32_t)view->values[PVM_OPTION_INSTRUMENT].detail,
    };
    pvm_prof_recorder_t *recorder = NULL;
    pvm_view_status_t result;
    pvm_prof_status_t status = pvm_prof_recorder_create(file, &options, &recorder);

    if (status == PVM_PROF_OK) {
        status = pvm_prof_recorder_attach(recorder, job->vm, job->input.path);
    }
    if (status != PVM_PROF_OK) {
        result = pvm_view_fail_profiler(view, status);
        pvm_prof_recorder_destroy(recorder);
        return result;
    }
    inner_t inner = {.recorder = recorder, .name = PVM_VIEW_INNER_MACHINE};
    if (job->host.watch != NULL) {
        job->host.watch(job->host.state, attach_inner, &inner);
    }
    pvm_view_job_run(job, describe_progress, recorder);
    status = pvm_prof_recorder_finish(recorder, mark_end(job, file));
    status = status == PVM_PROF_OK ? inner.status : status;
    /* What was kept is worth its summary even if not all could be stored. */
    result = pvm_view_put_summary(view, file);
    if (pvm_prof_recorder_error(recorder) != NULL) {
        result = pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s", pvm_prof_recorder_error(recorder));
    } else if (status != PVM_PROF_OK) {
        result = pvm_view_fail_profiler(view, status);
    }
    pvm_prof_recorder_destroy(recorder);
    return result;
}

pvm_view_status_t pvm_command_record(pvm_view_t *view)
{
    const char *path = pvm_view_text(view, PVM_OPTION_OUTPUT);
    pvm_prof_run_file_t *file = NULL;
    pvm_view_status_t status;
    pvm_job_t job;

    if (path == NULL || path[0] == '\0') {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "record: no run file to write; give -o RUN.db");
    }
    if (view->values[PVM_OPTION_INSTRUMENT].detail > PVM_SAMPLE_HZ_MAX) {
        return pvm_view_fail(view, PVM_VIEW_USAGE,
                             "record: --instrument samples=%" PRIu64 ": give at most %d",
                             view->values[PVM_OPTION_INSTRUMENT].detail, PVM_SAMPLE_HZ_MAX);
    }
    if (pvm_view_number(view, PVM_OPTION_VIA) == PVM_CHOICE_VIA_LTTNG) {
        if (pvm_view_has(view, PVM_OPTION_SYMBOLS)) {
            return pvm_view_fail(view, PVM_VIEW_USAGE,
                                 "record: a trace has no room for --symbols; give it to report, "
                                 "annotate and export");
        }
        return pvm_view_record_lttng(view, path);
    }
    status = pvm_view_job_open(view, view->operands[0], &job);
    /* From the moment that there is a file a signal has it finished. */
    pvm_view_guard_begin();
    if (status == PVM_VIEW_FINE) {
        status = pvm_view_create_run(view, path, &file);
    }
    if (status == PVM_VIEW_FINE && pvm_view_store_run_info(view, &job, file) != PVM_PROF_OK) {
        status = pvm_view_fail_profiler(view, PVM_PROF_E_SYSTEM);
    }
    if (status == PVM_VIEW_FINE) {
        status = record(view, &job, file);
    }
    if (status == PVM_VIEW_FINE) {
        status = pvm_view_job_write_state(view, &job);
    }
    if (status == PVM_VIEW_FINE) {
        status = pvm_view_job_verdict(view, &job);
    }
    pvm_view_job_close(&job);
    pvm_prof_run_file_close(file);
    pvm_view_guard_end();
    return status;
}
