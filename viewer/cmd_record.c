/* pvmscope record: one execution under the in-process collector, into a run file. */
#include "viewer/command.h"
#include "viewer/job.h"
#include "viewer/output.h"
#include "viewer/render.h"

#include "profiler/recorder.h"
#include "profiler/report.h"

#include <inttypes.h>
#include <stdio.h>

_Static_assert(PVM_PROF_COUNTS == 1 << PVM_CHOICE_INSTRUMENT_COUNTS &&
                   PVM_PROF_EDGES == 1 << PVM_CHOICE_INSTRUMENT_EDGES &&
                   PVM_PROF_HOST_CALLS == 1 << PVM_CHOICE_INSTRUMENT_HOSTCALLS &&
                   PVM_PROF_MEMORY == 1 << PVM_CHOICE_INSTRUMENT_MEMORY,
               "the list of --instrument is the recorder's flags");

/** Error of the profiler as one of ours: its text names file and mend. */
static pvm_view_status_t fail_profiler(pvm_view_t *view, pvm_prof_status_t status)
{
    const pvm_view_status_t kind = status == PVM_PROF_E_FORMAT   ? PVM_VIEW_INPUT
                                   : status == PVM_PROF_E_EXISTS ? PVM_VIEW_USAGE
                                                                 : PVM_VIEW_ENVIRONMENT;

    return pvm_view_fail(view, kind, "%s", pvm_last_error());
}

static pvm_view_status_t create_file(pvm_view_t *view, const char *path,
                                     pvm_prof_run_file_t **out_file)
{
    pvm_prof_status_t status = pvm_prof_run_file_create(path, out_file);

    if (status == PVM_PROF_E_EXISTS && pvm_view_has(view, PVM_OPTION_FORCE)) {
        const pvm_view_status_t removed = pvm_view_output_remove(view, path);

        if (removed != PVM_VIEW_FINE) {
            return removed;
        }
        status = pvm_prof_run_file_create(path, out_file);
    }
    return status == PVM_PROF_OK ? PVM_VIEW_FINE : fail_profiler(view, status);
}

/** What the command line knows and the recorder cannot see. */
static pvm_prof_status_t store_info(const pvm_view_t *view, const pvm_job_t *job,
                                    pvm_prof_run_file_t *file)
{
    const bool is_trace = job->trace != NULL;
    char entry[16];
    const struct {
        const char *key;
        const char *value;
    } pairs[] = {
        {PVM_PROF_INFO_PROGRAM, job->input.path},
        {PVM_PROF_INFO_SPEC, pvm_view_spec_name(pvm_program_spec(job->program))},
        {PVM_PROF_INFO_SPEC_GUESSED, job->is_spec_guessed ? "1" : "0"},
        {PVM_PROF_INFO_BACKEND, pvm_view_backend_name(pvm_get_backend(job->vm))},
        {PVM_PROF_INFO_FORMAT, pvm_view_format_name(pvm_program_format(job->program))},
        {PVM_PROF_INFO_ENTRY, entry},
        {PVM_PROF_INFO_ARGUMENTS, pvm_view_text(view, PVM_OPTION_ARGS)},
        {PVM_PROF_INFO_HOST, is_trace ? "trace" : pvm_view_text(view, PVM_OPTION_HOST)},
        {PVM_PROF_INFO_INSTRUMENTATION, pvm_view_text(view, PVM_OPTION_INSTRUMENT)},
    };
    pvm_prof_status_t status = PVM_PROF_OK;

    snprintf(entry, sizeof(entry), "%u", job->entry);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]) && status == PVM_PROF_OK; i++) {
        if (pairs[i].value != NULL) {
            status = pvm_prof_run_file_set_info(file, pairs[i].key, pairs[i].value);
        }
    }
    return status;
}

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

static pvm_view_status_t print_summary(pvm_view_t *view, pvm_prof_run_file_t *file)
{
    const pvm_render_t render =
        pvm_view_render_make(stdout, pvm_view_number(view, PVM_OPTION_FORMAT));
    const pvm_prof_report_options_t options = {.size = sizeof(options)};
    pvm_prof_table_t *table = NULL;
    const pvm_prof_status_t status =
        pvm_prof_report(file, PVM_PROF_REPORT_SUMMARY, &options, &table);
    int rendered;

    if (status != PVM_PROF_OK) {
        return fail_profiler(view, status);
    }
    rendered = pvm_view_render_table(&render, table);
    pvm_prof_table_destroy(table);
    return rendered == 0 ? PVM_VIEW_FINE
                         : pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "no memory for the summary");
}

/** Run under a recorder. The file is finished whatever happens to the run. */
static pvm_view_status_t record(pvm_view_t *view, pvm_job_t *job, pvm_prof_run_file_t *file)
{
    const pvm_prof_recorder_options_t options = {
        .size = sizeof(options),
        .instrument = (uint32_t)pvm_view_number(view, PVM_OPTION_INSTRUMENT),
        .program_name = job->input.path,
    };
    pvm_prof_recorder_t *recorder = NULL;
    pvm_view_status_t result;
    pvm_prof_status_t status = pvm_prof_recorder_create(file, &options, &recorder);

    if (status == PVM_PROF_OK) {
        status = pvm_prof_recorder_attach(recorder, job->vm, job->input.path);
    }
    if (status != PVM_PROF_OK) {
        result = fail_profiler(view, status);
        pvm_prof_recorder_destroy(recorder);
        return result;
    }
    pvm_view_job_run(job, describe_progress, recorder);
    status = pvm_prof_recorder_finish(recorder, mark_end(job, file));
    /* What was kept is worth its summary even if not all could be stored. */
    result = print_summary(view, file);
    if (pvm_prof_recorder_error(recorder) != NULL) {
        result = pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s", pvm_prof_recorder_error(recorder));
    } else if (status != PVM_PROF_OK) {
        result = fail_profiler(view, status);
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
    status = pvm_view_job_open(view, view->operands[0], &job);
    /* From the moment that there is a file a signal has it finished. */
    pvm_view_guard_begin();
    if (status == PVM_VIEW_FINE) {
        status = create_file(view, path, &file);
    }
    if (status == PVM_VIEW_FINE && store_info(view, &job, file) != PVM_PROF_OK) {
        status = fail_profiler(view, PVM_PROF_E_SYSTEM);
    }
    if (status == PVM_VIEW_FINE) {
        status = record(view, &job, file);
    }
    if (status == PVM_VIEW_FINE) {
        status = pvm_view_job_verdict(view, &job);
    }
    pvm_view_job_close(&job);
    pvm_prof_run_file_close(file);
    pvm_view_guard_end();
    return status;
}
