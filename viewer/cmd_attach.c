/* pvmscope attach: host calls of running processes into a run file, by eBPF. */
#include "viewer/command.h"
#include "viewer/new_run.h"
#include "viewer/render.h"

#ifdef PVM_HAVE_ATTACH
#include "profiler/attach/collect.h"
#include "viewer/attach_targets.h"
#include "viewer/input.h"
#include "viewer/program_file.h"
#include "viewer/stop_wish.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** A line that is written over, on a terminal only. */
static void show_progress(void *user_data, const pvm_collect_state_t *state)
{
    (void)user_data;
    (void)fprintf(
        stderr, "\r\033[K%zu %s, %" PRIu64 " calls, %" PRIu64 " lost, %.1f %% overhead%s%s",
        state->processes, state->processes == 1 ? "process" : "processes", state->host_calls,
        state->lost, 100 * state->overhead, state->level == PVM_ATTACH_EVERY ? "" : ", ",
        state->level == PVM_ATTACH_EVERY ? "" : pvm_attach_level_name(state->level));
    (void)fflush(stderr);
}

static pvm_view_status_t read_percent(pvm_view_t *view, double *out)
{
    const char *const text = pvm_view_text(view, PVM_OPTION_MAX_OVERHEAD);
    char *end = NULL;

    *out = 0;
    if (text == NULL) {
        return PVM_VIEW_FINE;
    }
    const double percent = strtod(text, &end);
    if (end == text || (strcmp(end, "%") != 0 && *end != '\0') || !(percent > 0) ||
        percent > 1000) {
        return pvm_view_fail(view, PVM_VIEW_USAGE,
                             "--max-overhead: %s is no percentage; write for example 3%%", text);
    }
    *out = percent / 100;
    return PVM_VIEW_FINE;
}

static pvm_view_status_t load_program(pvm_view_t *view, pvm_program_t **out)
{
    const char *const path = pvm_view_text(view, PVM_OPTION_PROGRAM_FILE);
    pvm_input_t input = {0};
    bool guessed;

    *out = NULL;
    if (path == NULL) {
        return PVM_VIEW_FINE;
    }
    pvm_view_status_t status = pvm_view_input_read(view, path, &input);
    if (status == PVM_VIEW_FINE) {
        status = pvm_view_program_load(view, PVM_CHOICE_SPEC_AUTO, path, input.data, input.len, out,
                                       &guessed);
    }
    pvm_view_input_free(&input);
    return status;
}

/** What it cost and what is missing, in a sentence. */
static void describe(const pvm_collect_state_t *state, char *out, size_t out_bytes)
{
    int len = snprintf(
        out, out_bytes,
        "Attached by eBPF: about %.0f ns per trap, %.2f %% of the targets' processor time; "
        "%" PRIu64 " host calls recorded, %" PRIu64 " lost",
        state->ns_per_trap, 100 * state->overhead, state->host_calls, state->lost);

    if (state->left_out > 0 && len > 0 && (size_t)len < out_bytes) {
        len += snprintf(out + len, out_bytes - (size_t)len,
                        ", of which %" PRIu64 " left out to keep within --max-overhead",
                        state->left_out);
    }
    if (state->execs > 0 && len > 0 && (size_t)len < out_bytes) {
        (void)snprintf(out + len, out_bytes - (size_t)len,
                       "; a target began another program (exec) %" PRIu64
                       " times, of which calls may be missing until it was attached to anew",
                       state->execs);
    }
}

static pvm_view_status_t collect(pvm_view_t *view, const pvm_collect_options_t *options)
{
    pvm_collect_state_t state;
    pvm_collect_t *session = NULL;
    pvm_prof_run_file_t *file = NULL;
    pvm_prof_status_t collected = pvm_collect_open(options, &session);

    if (collected != PVM_PROF_OK) {
        return pvm_view_fail_attach(view, collected);
    }
    pvm_view_status_t status =
        pvm_view_create_run(view, pvm_view_text(view, PVM_OPTION_OUTPUT), &file);
    if (status == PVM_VIEW_FINE) {
        collected = pvm_collect_run(session, file, &state);
        if (options->progress != NULL) {
            (void)fputs("\r\033[K", stderr);
        }
        char note[400];
        describe(&state, note, sizeof(note));
        status = pvm_view_put_summary_noted(view, file, note);
        if (collected != PVM_PROF_OK) {
            status = pvm_view_fail_profiler(view, collected);
        }
    }
    pvm_collect_close(session);
    pvm_prof_run_file_close(file);
    return status;
}

pvm_view_status_t pvm_command_attach(pvm_view_t *view)
{
    const char *const path = pvm_view_text(view, PVM_OPTION_OUTPUT);
    pvm_collect_options_t options = {.size = sizeof(options),
                                     .duration_ns = pvm_view_number(view, PVM_OPTION_DURATION) *
                                                    UINT64_C(1000000000),
                                     .stop = &pvm_view_stop_wish,
                                     .progress = isatty(STDERR_FILENO) ? show_progress : NULL};

    if (path == NULL || path[0] == '\0') {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "attach: no run file to write; give -o RUN.db");
    }
    pvm_view_status_t status = pvm_view_attach_targets(view, &options.attach);
    if (status == PVM_VIEW_FINE) {
        status = read_percent(view, &options.max_overhead);
    }
    if (status == PVM_VIEW_FINE) {
        status = load_program(view, &options.program);
    }
    if (status == PVM_VIEW_FINE) {
        /* Backing off ends with samples. */
        if (options.max_overhead > 0 && options.attach.sample_hz == 0) {
            options.attach.sample_hz = PVM_VIEW_SAMPLES_DEFAULT;
        }
        options.attach.sums_up = pvm_view_has(view, PVM_OPTION_AGGREGATE);
        pvm_view_watch_stop_wish();
        status = collect(view, &options);
    }
    pvm_program_release(options.program);
    return status;
}
#else
pvm_view_status_t pvm_command_attach(pvm_view_t *view)
{
    return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT,
                         "attach: this pvmscope was built without libbpf-dev, bpftool or clang; "
                         "collect with LTTng instead, see docs/tracing.md");
}
#endif
