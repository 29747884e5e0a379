/* export --format ecalli: a recorded execution as an ecalli trace that others can replay.
 *
 * A recording holds what the host did, not what memory was at the begin or what registers are at the end. So the trace is
 * executed here before it is written: that gives the registers, and proves that it reproduces the recording to the
 * unit. What cannot be reproduced is not written. */
#include "viewer/exporter.h"
#include "viewer/new_run.h"
#include "viewer/trace_player.h"

#include "profiler/ecalli_recording.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** One try to execute the text. */
typedef struct {
    pvm_view_t *view;
    const char *path;
    const pvm_ecalli_recording_t *recording;
    uint64_t registers[PVM_REGISTER_COUNT]; /**< at the end */
} trial_t;

static pvm_view_status_t refuse(const trial_t *trial, const char *why)
{
    return pvm_view_fail(
        trial->view, PVM_VIEW_INPUT,
        "%s: execution %" PRId64 " cannot be executed from this recording alone: %s; its memory at "
        "the begin was not that of "
        "the program's file, or the host changed the machine in a way that was not recorded",
        trial->path, trial->recording->id, why);
}

/** Execute what the trace says. @param is_last  compare registers at the end, too */
static pvm_view_status_t execute(trial_t *trial, pvm_program_t *program, pvm_player_t *player,
                                 bool is_last)
{
    const pvm_ecalli_trace_t *const trace = player->trace;
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_DEFAULT, trial->recording->service,
                                         trace->start.gas & INT64_MAX);
    pvm_view_status_t status = PVM_VIEW_FINE;

    if (vm == NULL) {
        return pvm_view_fail(trial->view, PVM_VIEW_ENVIRONMENT, "%s: %s", trial->path,
                             pvm_last_error());
    }
    if (pvm_player_start(player, vm) == 0) {
        pvm_set_host_callback(vm, pvm_player_host_call, player);
        (void)pvm_execute(vm, trace->start.pc);
        if (is_last) {
            pvm_player_finish(player, vm);
        }
    }
    if (player->line != 0) {
        status = refuse(trial, player->difference);
    }
    memcpy(trial->registers, pvm_get_registers(vm), sizeof(trial->registers));
    pvm_destroy(vm);
    return status;
}

static pvm_view_status_t try_text(trial_t *trial, const char *text, size_t len, bool is_last)
{
    pvm_ecalli_trace_t *const trace =
        pvm_ecalli_trace_read(trial->path, (const uint8_t *)text, len, NULL);
    pvm_player_t player = {.trace = trace};
    pvm_view_status_t status;

    if (trace == NULL) {
        return pvm_view_fail(trial->view, PVM_VIEW_INPUT, "%s", pvm_last_error());
    }
    pvm_program_t *const program = pvm_program_load(trace->program, trace->program_len,
                                                    PVM_FORMAT_AUTO, trial->recording->spec);
    player.program = program;
    if (program == NULL) {
        status = pvm_view_fail(trial->view, PVM_VIEW_INPUT, "%s: its program: %s", trial->path,
                               pvm_last_error());
    } else if (pvm_player_find_problem(&player)) {
        status = refuse(trial, player.difference);
    } else {
        status = execute(trial, program, &player, is_last);
    }
    pvm_program_release(program);
    pvm_ecalli_trace_destroy(trace);
    return status;
}

/** The text with these registers at the end. Owns: the caller, free(). */
static pvm_view_status_t make_text(const trial_t *trial, pvm_prof_run_file_t *file,
                                   const uint64_t *registers, char **out_text, size_t *out_len)
{
    FILE *const stream = open_memstream(out_text, out_len);
    pvm_prof_status_t status = PVM_PROF_OK;

    if (stream != NULL) {
        status = pvm_prof_ecalli_write(file, trial->recording, registers, stream);
    }
    if (stream == NULL || fclose(stream) != 0) {
        return pvm_view_fail(trial->view, PVM_VIEW_ENVIRONMENT, "%s: no memory for the trace",
                             trial->path);
    }
    return status == PVM_PROF_OK ? PVM_VIEW_FINE : pvm_view_fail_profiler(trial->view, status);
}

pvm_view_status_t pvm_export_ecalli(pvm_view_export_t *export)
{
    pvm_view_t *const view = export->view;
    pvm_prof_run_file_t *const file = export->file;
    FILE *const out = export->out;
    const uint64_t wanted = pvm_view_number(view, PVM_OPTION_EXECUTION);
    pvm_ecalli_recording_t recording;
    trial_t trial = {.view = view, .path = pvm_prof_run_file_path(file), .recording = &recording};
    char *text = NULL;
    size_t len = 0;

    if (pvm_view_has(view, PVM_OPTION_EXECUTION) && (wanted == 0 || wanted > INT64_MAX)) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "--execution %" PRIu64 ": they count from 1",
                             wanted);
    }
    const pvm_prof_status_t found = pvm_prof_ecalli_find(file, (int64_t)wanted, &recording);
    if (found == PVM_PROF_E_ARGUMENT) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "%s", pvm_last_error());
    }
    if (found != PVM_PROF_OK) {
        return pvm_view_fail_profiler(view, found);
    }
    pvm_view_status_t status = make_text(&trial, file, NULL, &text, &len);
    if (status == PVM_VIEW_FINE) {
        status = try_text(&trial, text, len, false);
    }
    if (status == PVM_VIEW_FINE) {
        free(text);
        text = NULL;
        status = make_text(&trial, file, trial.registers, &text, &len);
    }
    if (status == PVM_VIEW_FINE) {
        status = try_text(&trial, text, len, true);
    }
    if (status == PVM_VIEW_FINE) {
        (void)fwrite(text, 1, len, out);
    }
    free(text);
    return status;
}
