/* record --via lttng: the guest runs in a child process with the LTTng provider; this process keeps the session and
 * imports its trace. */
#include "viewer/record_lttng.h"

#include "viewer/lttng_session.h"
#include "viewer/new_run.h"
#include "viewer/render.h"

#ifdef PVM_HAVE_IMPORT
#include "events/events.h"
#include "profiler/import/import.h"
#include "profiler/recorder.h"

#include <errno.h>
#include <pvm/trace.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/** Events of every recording: what executions and their gas need. */
#define ALWAYS                                                                                     \
    "pvm:program_load,pvm:program_data,pvm:vm_create,pvm:vm_destroy,pvm:vm_reset,pvm:arguments,"   \
    "pvm:execute_begin,pvm:execute_end,pvm:gas_set,pvm:flight,pvm_fast:*"

static void list_events(uint64_t instrument, char *out, size_t out_bytes)
{
    const bool edges = (instrument & PVM_PROF_EDGES) != 0;
    const bool counts =
        edges ||
        (instrument & (PVM_PROF_COUNTS | PVM_PROF_CALLS | PVM_PROF_BLOCKS | PVM_PROF_GAS)) != 0;

    (void)snprintf(
        out, out_bytes, "%s%s%s%s%s%s%s%s", ALWAYS, counts ? ",pvm:block_counts" : "",
        instrument & PVM_PROF_GAS      ? ",pvm:gas"
        : instrument & PVM_PROF_BLOCKS ? ",pvm:block_batch"
                                       : "",
        edges ? ",pvm:edge_counts" : "", instrument & PVM_PROF_MEMORY ? ",pvm:host_memory" : "",
        instrument & PVM_PROF_CALLS ? ",pvm:call_tree,pvm:indirect_jumps" : "",
        instrument & PVM_PROF_SAMPLES ? ",pvm:samples" : "",
        instrument & PVM_PROF_CALLS && instrument & PVM_PROF_SAMPLES ? ",pvm:call_samples" : "");
}

/** What machines do themselves, whatever events the session wants. */
typedef struct {
    uint32_t flags;
    uint32_t hz;
    bool failed;
} asked_t;

static void instrument(void *user_data, pvm_vm_t *vm)
{
    asked_t *const asked = user_data;

    asked->failed |= (asked->hz != 0 && pvm_set_sample_rate(vm, asked->hz) != 0) ||
                     (asked->flags != 0 && pvm_set_instrumentation(vm, asked->flags) != 0);
}

/** The child: load the provider, run, say what is to be said. */
static pvm_view_status_t run_traced(pvm_view_t *view, pvm_job_t *job)
{
    const uint64_t wanted = pvm_view_number(view, PVM_OPTION_INSTRUMENT);
    pvm_view_status_t status;
    asked_t asked = {
        .flags = (wanted & PVM_PROF_MEMORY ? (uint32_t)PVM_INSTRUMENT_MEMORY : 0) |
                 (wanted & PVM_PROF_FLIGHT ? (uint32_t)PVM_INSTRUMENT_FLIGHT : 0) |
                 (wanted & PVM_PROF_CALLS ? (uint32_t)PVM_INSTRUMENT_CALLS : 0) |
                 (wanted & PVM_PROF_SAMPLES ? (uint32_t)PVM_INSTRUMENT_SAMPLES : 0),
        .hz = (uint32_t)view->values[PVM_OPTION_INSTRUMENT].detail,
    };

    if (pvm_trace_load_lttng() != 0) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "record: %s", pvm_last_error());
    }
    instrument(&asked, job->vm);
    if (asked.failed) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "record: %s", pvm_last_error());
    }
    if (job->host.watch != NULL) {
        job->host.watch(job->host.state, instrument, &asked);
    }
    pvm_view_job_run(job, NULL, NULL);
    status = pvm_view_job_write_state(view, job);
    if (status == PVM_VIEW_FINE) {
        status = asked.failed ? pvm_view_fail(view, PVM_VIEW_ENVIRONMENT,
                                              "record: no memory to collect from a machine inside")
                              : pvm_view_job_verdict(view, job);
    }
    pvm_view_job_close(job);
    return status;
}

static pvm_view_status_t run_child(pvm_view_t *view, pvm_job_t *job)
{
    int status = 0;

    (void)fflush(NULL);
    const pid_t child = fork();
    if (child < 0) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "record: cannot start a process: %s",
                             strerror(errno));
    }
    if (child == 0) {
        const pvm_view_status_t answer = run_traced(view, job);
        if (view->error[0] != '\0') {
            pvm_view_put_line(stderr, "pvmscope: ", view->error);
        }
        _exit((int)answer);
    }
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "record: lost the traced process: %s",
                                 strerror(errno));
        }
    }
    /* The child has said what went wrong. */
    return WIFEXITED(status) ? (pvm_view_status_t)WEXITSTATUS(status)
                             : pvm_view_fail(view, PVM_VIEW_ENVIRONMENT,
                                             "record: the traced process was killed by signal %d",
                                             WTERMSIG(status));
}

static pvm_view_status_t import_trace(pvm_view_t *view, const pvm_job_t *job,
                                      const pvm_lttng_session_t *session, pvm_prof_run_file_t *file)
{
    const pvm_import_options_t options = {
        .size = sizeof(options),
        .program_name = job->input.path,
        .program = pvm_events_program_hash(job->program),
        .other_name = PVM_VIEW_INNER_MACHINE,
        .advice = "collect less with --instrument, or record without --via lttng",
        .instrument = (uint32_t)pvm_view_number(view, PVM_OPTION_INSTRUMENT)};
    pvm_import_result_t result;
    char folder[96];

    (void)snprintf(folder, sizeof(folder), "%s/trace", session->folder);
    const pvm_prof_status_t status = pvm_import_run(file, folder, &options, &result);
    if (status != PVM_PROF_OK) {
        return pvm_view_fail_profiler(view, status);
    }
    return pvm_view_put_summary(view, file);
}

pvm_view_status_t pvm_view_record_lttng(pvm_view_t *view, const char *path)
{
    pvm_lttng_session_t session = {.folder = ""};
    pvm_prof_run_file_t *file = NULL;
    pvm_view_status_t ran = PVM_VIEW_FINE;
    pvm_view_status_t status;
    char events[512];
    pvm_job_t job;

    list_events(pvm_view_number(view, PVM_OPTION_INSTRUMENT), events, sizeof(events));
    status = pvm_view_job_open(view, view->operands[0], &job);
    pvm_view_guard_begin();
    if (status == PVM_VIEW_FINE) {
        status = pvm_view_create_run(view, path, &file);
    }
    if (status == PVM_VIEW_FINE && pvm_view_store_run_info(view, &job, file) != PVM_PROF_OK) {
        status = pvm_view_fail_profiler(view, PVM_PROF_E_SYSTEM);
    }
    if (status == PVM_VIEW_FINE) {
        status = pvm_view_lttng_begin(view, events, &session);
    }
    if (status == PVM_VIEW_FINE) {
        ran = run_child(view, &job);
        status = pvm_view_lttng_stop(view, &session);
    }
    if (status == PVM_VIEW_FINE) {
        status = import_trace(view, &job, &session, file);
    }
    pvm_view_lttng_end(&session);
    pvm_view_job_close(&job);
    pvm_prof_run_file_close(file);
    pvm_view_guard_end();
    return status != PVM_VIEW_FINE ? status : ran;
}
#else
pvm_view_status_t pvm_view_record_lttng(pvm_view_t *view, const char *path)
{
    return pvm_view_fail(
        view, PVM_VIEW_ENVIRONMENT,
        "%s: this pvmscope was built without libbabeltrace2-dev; use --via process", path);
}
#endif
