/* Sets up one execution from the command line, and judges it. */
#include "viewer/job.h"

#include "program/readers.h"
#include "viewer/output.h"
#include "viewer/symbols.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- Hosts --------------------------------------------------------------------------------- */

/* Count what the host gave, which is neither left nor used, and what it took. */
static void note_gas(pvm_job_t *job, int64_t before, int64_t after)
{
    if (after > before) {
        job->gas_added = (int64_t)((uint64_t)job->gas_added + (uint64_t)(after - before));
    } else {
        job->host_gas = (int64_t)((uint64_t)job->host_gas + (uint64_t)(before - after));
    }
}

static pvm_host_result_t answer_by_host(pvm_vm_t *vm, int func_id, void *user_data)
{
    pvm_job_t *job = user_data;
    const int64_t gas = pvm_get_gas(vm);
    pvm_host_result_t result;

    job->host_calls++;
    result = job->host.answer(vm, func_id, job->host.state);
    note_gas(job, gas, pvm_get_gas(vm));
    return result;
}

static pvm_host_result_t answer_as_recorded(pvm_vm_t *vm, int func_id, void *user_data)
{
    pvm_job_t *job = user_data;

    const int64_t gas = pvm_get_gas(vm);
    pvm_host_result_t result;

    job->host_calls++;
    result = pvm_player_host_call(vm, func_id, &job->player);
    note_gas(job, gas, pvm_get_gas(vm));
    return result;
}

/* -- Arguments ----------------------------------------------------------------------------- */

static int hex_digit(char letter)
{
    if (letter >= '0' && letter <= '9') {
        return letter - '0';
    }
    letter = (char)(letter | 0x20);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static pvm_view_status_t parse_hex(pvm_view_t *view, const char *text, pvm_input_t *out)
{
    const char *digits = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? text + 2 : text;
    const size_t len = strlen(digits);

    out->data = malloc(len / 2 + 1);
    if (out->data == NULL) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "--args: no memory for %zu octets",
                             len / 2);
    }
    out->len = len / 2;
    for (size_t i = 0; i < len; i++) {
        const int digit = hex_digit(digits[i]);

        if (digit < 0 || len % 2 != 0) {
            return pvm_view_fail(view, PVM_VIEW_USAGE,
                                 "--args %.40s: not an even number of hex digits; a file is @FILE",
                                 text);
        }
        out->data[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : out->data[i / 2] | digit);
    }
    return PVM_VIEW_FINE;
}

static pvm_view_status_t set_arguments(pvm_view_t *view, pvm_vm_t *vm)
{
    const char *text = pvm_view_text(view, PVM_OPTION_ARGS);
    pvm_input_t arguments = {0};
    pvm_view_status_t status;

    if (text == NULL) {
        return PVM_VIEW_FINE;
    }
    status = text[0] == '@' ? pvm_view_input_read(view, text + 1, &arguments)
                            : parse_hex(view, text, &arguments);
    if (status == PVM_VIEW_FINE && pvm_set_arguments(vm, arguments.data, arguments.len) < 0) {
        status = pvm_view_fail(view, PVM_VIEW_USAGE, "--args: %s", pvm_last_error());
    }
    pvm_view_input_free(&arguments);
    return status;
}

/* -- Opening ------------------------------------------------------------------------------- */

static pvm_view_status_t make_vm(pvm_view_t *view, pvm_job_t *job, uint64_t gas)
{
    const pvm_backend_t backend = (pvm_backend_t)pvm_view_number(view, PVM_OPTION_BACKEND);
    const char *const selected = pvm_view_text(view, PVM_OPTION_SELECT);

    if (gas > INT64_MAX) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "--gas %" PRIu64 ": give at most %" PRId64, gas,
                             INT64_MAX);
    }
    job->vm = pvm_instantiate(job->program, backend, 0, gas);
    if (job->vm == NULL) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s: %s", job->input.path,
                             pvm_last_error());
    }
    /* For the machines that the host makes, too. */
    if (selected != NULL && (pvm_set_trace_filter(job->vm, selected) != 0 ||
                             pvm_set_trace_filter(NULL, selected) != 0)) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "--select: %s", pvm_last_error());
    }
    return PVM_VIEW_FINE;
}

static pvm_view_status_t open_program(pvm_view_t *view, pvm_job_t *job)
{
    const char *path = job->input.path;
    pvm_view_status_t status =
        pvm_view_program_load(view, pvm_view_number(view, PVM_OPTION_SPEC), path, job->input.data,
                              job->input.len, &job->program, &job->is_spec_guessed);

    if (status == PVM_VIEW_FINE) {
        status = pvm_view_program_entry(view, path, job->program, &job->entry);
    }
    if (status == PVM_VIEW_FINE) {
        status = make_vm(view, job, pvm_view_number(view, PVM_OPTION_GAS));
    }
    if (status == PVM_VIEW_FINE) {
        status = set_arguments(view, job->vm);
    }
    if (status == PVM_VIEW_FINE) {
        for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
            if (view->register_given[i]) {
                pvm_set_register(job->vm, i, view->registers[i]);
            }
        }
        pvm_set_host_callback(job->vm, answer_by_host, job);
        status = pvm_host_open(view, job->vm, job->entry, &job->host);
    }
    return status;
}

/** Options that a trace answers itself. */
static pvm_view_status_t check_trace_options(pvm_view_t *view, const char *path)
{
    static const pvm_option_t options[] = {PVM_OPTION_GAS,        PVM_OPTION_ARGS, PVM_OPTION_ENTRY,
                                           PVM_OPTION_REG,        PVM_OPTION_HOST, PVM_OPTION_STATE,
                                           PVM_OPTION_WRITE_STATE};

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (pvm_view_has(view, options[i])) {
            return pvm_view_fail(view, PVM_VIEW_USAGE,
                                 "%s: is a trace, which says itself what --%s would; remove it",
                                 path, pvm_view_options[options[i]].name);
        }
    }
    return PVM_VIEW_FINE;
}

static pvm_view_status_t read_trace(pvm_view_t *view, const pvm_input_t *input,
                                    pvm_ecalli_trace_t **out_trace)
{
    pvm_ecalli_trace_t *trace = pvm_ecalli_trace_read(input->path, input->data, input->len, NULL);

    *out_trace = trace;
    if (trace == NULL) {
        return pvm_view_fail(view, PVM_VIEW_INPUT, "%s", pvm_last_error());
    }
    if (trace->problem_count == 0 && (trace->program_line == 0 || trace->start_line == 0)) {
        return pvm_view_fail(view, PVM_VIEW_INPUT,
                             "%s: has no %s line; this is no complete ecalli trace", input->path,
                             trace->program_line == 0 ? "program" : "start");
    }
    return PVM_VIEW_FINE;
}

static pvm_view_status_t fail_at_line(pvm_view_t *view, const pvm_job_t *job,
                                      pvm_view_status_t status)
{
    return pvm_view_fail(view, status, "%s:%zu: %s", job->input.path, job->player.line,
                         job->player.difference);
}

/** @param damaged  what a damaged record is: bad input, or where the question is whether the trace is right, a no */
static pvm_view_status_t open_trace(pvm_view_t *view, pvm_job_t *job, pvm_view_status_t damaged)
{
    pvm_view_status_t status = check_trace_options(view, job->input.path);

    if (status == PVM_VIEW_FINE) {
        status = read_trace(view, &job->input, &job->trace);
    }
    if (status != PVM_VIEW_FINE) {
        return status;
    }
    job->player.trace = job->trace;
    if (pvm_player_find_problem(&job->player)) {
        return fail_at_line(view, job, damaged);
    }
    status = pvm_player_load_program(view, job->trace, &job->program, &job->is_spec_guessed);
    if (status == PVM_VIEW_FINE) {
        job->player.program = job->program;
        job->entry = job->trace->start.pc;
        /* A start that no machine can have is a difference, found by pvm_player_start(). */
        status = make_vm(view, job, job->trace->start.gas & INT64_MAX);
    }
    if (status == PVM_VIEW_FINE && pvm_player_start(&job->player, job->vm) < 0) {
        return fail_at_line(view, job, PVM_VIEW_NO);
    }
    if (status == PVM_VIEW_FINE) {
        pvm_set_host_callback(job->vm, answer_as_recorded, job);
    }
    return status;
}

/** Keep what the run will be compared with. */
static void note_start(pvm_job_t *job)
{
    job->gas_start = pvm_get_gas(job->vm);
    memcpy(job->registers_start, pvm_get_registers(job->vm), sizeof(job->registers_start));
}

pvm_view_status_t pvm_view_job_open_trace(pvm_view_t *view, const char *path, pvm_job_t *job)
{
    pvm_view_status_t status;

    *job = (pvm_job_t){0};
    status = pvm_view_input_read(view, path, &job->input);
    if (status == PVM_VIEW_FINE) {
        status = open_trace(view, job, PVM_VIEW_NO);
    }
    if (status == PVM_VIEW_FINE) {
        note_start(job);
    }
    return status;
}

pvm_view_status_t pvm_view_job_open(pvm_view_t *view, const char *path, pvm_job_t *job)
{
    pvm_view_status_t status;

    *job = (pvm_job_t){0};
    status = pvm_view_input_read(view, path, &job->input);
    if (status != PVM_VIEW_FINE) {
        return status;
    }
    if (pvm_program_detect(job->input.data, job->input.len) == PVM_FILE_ECALLI_TRACE) {
        status = open_trace(view, job, PVM_VIEW_INPUT);
    } else {
        status = open_program(view, job);
    }
    if (status == PVM_VIEW_FINE) {
        status = pvm_view_program_symbols(view, job->program);
    }
    if (status == PVM_VIEW_FINE) {
        note_start(job);
    }
    return status;
}

/* -- Running ------------------------------------------------------------------------------- */

void pvm_view_job_run(pvm_job_t *job, pvm_progress_text_t *text, void *user_data)
{
    job->outcome = pvm_view_guarded_run(job->vm, job->entry, text, user_data);
    if (job->trace != NULL && !job->outcome.is_interrupted) {
        pvm_player_finish(&job->player, job->vm);
    }
}

pvm_view_status_t pvm_view_job_verdict(pvm_view_t *view, const pvm_job_t *job)
{
    static const uint8_t states[] = {
        [PVM_CHOICE_EXPECT_HALT] = PVM_STATE_HALT,
        [PVM_CHOICE_EXPECT_PANIC] = PVM_STATE_PANIC,
        [PVM_CHOICE_EXPECT_FAULT] = PVM_STATE_FAULT,
        [PVM_CHOICE_EXPECT_OOG] = PVM_STATE_OOG,
    };

    if (job->player.line != 0) {
        return fail_at_line(view, job, PVM_VIEW_NO);
    }
    if (job->outcome.result == PVM_RESULT_ERROR) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s: %s", job->input.path,
                             pvm_last_error());
    }
    if (job->host.has_failed != NULL && job->host.has_failed(job->host.state)) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s: the host ran out of memory",
                             job->input.path);
    }
    if (pvm_view_has(view, PVM_OPTION_EXPECT) &&
        pvm_get_machine_state(job->vm) != states[pvm_view_number(view, PVM_OPTION_EXPECT)]) {
        return pvm_view_fail(view, PVM_VIEW_NO, "%s: %s%s at pc %u, expected %s", job->input.path,
                             job->outcome.is_interrupted ? "" : "ended with ",
                             pvm_view_result_name(job->vm, &job->outcome), pvm_get_pc(job->vm),
                             pvm_view_text(view, PVM_OPTION_EXPECT));
    }
    return PVM_VIEW_FINE;
}

pvm_view_status_t pvm_view_job_write_state(pvm_view_t *view, const pvm_job_t *job)
{
    const char *const path = pvm_view_text(view, PVM_OPTION_WRITE_STATE);
    pvm_output_t output;
    pvm_view_status_t status;

    if (path == NULL || job->host.state == NULL) {
        return PVM_VIEW_FINE;
    }
    if (job->host.write == NULL) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "--write-state: this host has no state");
    }
    if (strcmp(path, "-") == 0) {
        return job->host.write(job->host.state, stdout) == 0
                   ? PVM_VIEW_FINE
                   : pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "--write-state: no memory for it");
    }
    status = pvm_view_output_begin(view, path, PVM_OUTPUT_DERIVED, &output);
    if (status != PVM_VIEW_FINE) {
        return status;
    }
    if (job->host.write(job->host.state, output.stream) != 0) {
        status = pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s: no memory for the state", path);
    }
    return pvm_view_output_end(view, &output, status);
}

int64_t pvm_view_job_gas_used(const pvm_job_t *job)
{
    /* A hostile trace may add 2^63 several times: modulo 2^64, like the run file. */
    return (int64_t)((uint64_t)job->gas_start + (uint64_t)job->gas_added -
                     (uint64_t)pvm_get_gas(job->vm));
}

void pvm_view_job_close(pvm_job_t *job)
{
    /* The host's machines are inner ones of this one. */
    pvm_host_close(&job->host);
    pvm_destroy(job->vm);
    pvm_ecalli_trace_destroy(job->trace);
    pvm_program_release(job->program);
    pvm_view_input_free(&job->input);
    *job = (pvm_job_t){0};
}
