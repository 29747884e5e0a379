/* pvmscope run: one execution, and what it left behind. */
#include "viewer/command.h"
#include "viewer/job.h"
#include "viewer/render.h"
#include "viewer/rows.h"

#include "profiler/flight.h"

#include <stdio.h>
#include <stdlib.h>

/** Octets of a result that are shown. */
#define RESULT_OCTETS_MAX 256

#define COLUMN(id, header, unit, kind) {id, header, unit, PVM_PROF_TYPE_##kind, PVM_PROF_EXACT}

static const pvm_prof_column_t run_columns[] = {
    COLUMN("program", "program", "", TEXT),
    COLUMN("format", "format", "", TEXT),
    COLUMN("spec", "spec", "", TEXT),
    COLUMN("backend", "backend", "", TEXT),
    COLUMN("entry", "entry", "", PC),
    COLUMN("result", "result", "", TEXT),
    COLUMN("pc", "pc", "", PC),
    COLUMN("fault_address", "fault address", "", REGISTER),
    COLUMN("gas_start", "gas at start", "gas", GAS),
    COLUMN("gas_used", "gas used", "gas", GAS),
    COLUMN("gas_left", "gas left", "gas", GAS),
    COLUMN("host_calls", "host calls", "", INT),
    COLUMN("duration_ns", "time", "ns", NS),
    COLUMN("output_bytes", "output (octets)", "", INT),
    COLUMN("output", "output", "", TEXT),
    COLUMN("spec_guessed", "spec guessed", "", INT),
};

static const pvm_prof_column_t register_columns[] = {
    COLUMN("register", "register", "", TEXT),
    COLUMN("start", "at start", "", REGISTER),
    COLUMN("end", "at end", "", REGISTER),
};

/** The result of a halted JAM program: its length and its first octets in hexadecimal. */
static void add_output(pvm_row_t *row, const pvm_job_t *job)
{
    uint8_t octets[RESULT_OCTETS_MAX];
    char text[2 * RESULT_OCTETS_MAX + 8];
    uint32_t address = 0;
    uint64_t len = 0;
    size_t shown;
    int at;

    if (pvm_program_format(job->program) != PVM_FORMAT_JAM ||
        pvm_get_result(job->vm, &address, &len) < 0) {
        pvm_row_null(row);
        pvm_row_null(row);
        return;
    }
    shown = len < RESULT_OCTETS_MAX ? (size_t)len : RESULT_OCTETS_MAX;
    if (shown > 0 && pvm_read_memory(job->vm, address, octets, shown) < 0) {
        shown = 0;
    }
    at = snprintf(text, sizeof(text), "0x");
    for (size_t i = 0; i < shown; i++) {
        at += snprintf(text + at, sizeof(text) - (size_t)at, "%02x", octets[i]);
    }
    snprintf(text + at, sizeof(text) - (size_t)at, "%s", shown < len ? "..." : "");
    pvm_row_int(row, (int64_t)len);
    pvm_row_text(row, len > 0 ? text : NULL);
}

static pvm_prof_table_t *make_run_table(const pvm_view_t *view, const pvm_job_t *job)
{
    const bool is_text = pvm_view_is_for_people(view);
    pvm_prof_table_t *table =
        pvm_prof_table_create("Run", run_columns, sizeof(run_columns) / sizeof(run_columns[0]));
    pvm_row_t row = pvm_row_add(table);
    char spec[32];

    snprintf(spec, sizeof(spec), "%s%s", pvm_view_spec_name(pvm_program_spec(job->program)),
             is_text && job->is_spec_guessed ? " (guessed)" : "");
    pvm_row_text(&row, job->input.path);
    pvm_row_text(&row, pvm_view_format_name(pvm_program_format(job->program)));
    pvm_row_text(&row, spec);
    pvm_row_text(&row, pvm_view_backend_name(pvm_get_backend(job->vm)));
    pvm_row_int(&row, job->entry);
    pvm_row_text(&row, pvm_view_result_name(job->vm, &job->outcome));
    pvm_row_int(&row, pvm_get_pc(job->vm));
    if (pvm_get_machine_state(job->vm) == PVM_STATE_FAULT) {
        pvm_row_int(&row, pvm_get_fault_address(job->vm));
    } else {
        pvm_row_null(&row);
    }
    pvm_row_int(&row, job->gas_start);
    pvm_row_int(&row, pvm_view_job_gas_used(job));
    pvm_row_int(&row, pvm_get_gas(job->vm));
    pvm_row_int(&row, (int64_t)job->host_calls);
    pvm_row_int(&row, job->outcome.duration_ns);
    add_output(&row, job);
    if (is_text) {
        pvm_row_null(&row); /* people read it behind the spec */
    } else {
        pvm_row_int(&row, job->is_spec_guessed);
    }
    if (table != NULL) {
        table->is_record = true;
    }
    if (row.failed) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    return table;
}

/** Registers that have changed or are not zero; machines get all. */
static pvm_prof_table_t *make_register_table(const pvm_view_t *view, const pvm_job_t *job)
{
    pvm_prof_table_t *table = pvm_prof_table_create(
        "Registers", register_columns, sizeof(register_columns) / sizeof(register_columns[0]));
    char name[8];

    for (int i = 0; i < PVM_REGISTER_COUNT && table != NULL; i++) {
        const uint64_t start = job->registers_start[i];
        const uint64_t end = pvm_get_register(job->vm, i);
        pvm_row_t row;

        if (start == 0 && end == 0 && pvm_view_is_for_people(view)) {
            continue;
        }
        row = pvm_row_add(table);
        snprintf(name, sizeof(name), "r%d", i);
        pvm_row_text(&row, name);
        pvm_row_int(&row, (int64_t)start);
        pvm_row_int(&row, (int64_t)end);
        if (row.failed) {
            pvm_prof_table_destroy(table);
            return NULL;
        }
    }
    if (table != NULL) {
        table->row_count_all = table->row_count;
    }
    return table;
}

/** The way to a panic, a fault or out of gas. @return 0, or -1 without memory */
static int make_flight_tables(const pvm_job_t *job, pvm_prof_table_t *out[PVM_PROF_FLIGHT_TABLES])
{
    pvm_prof_functions_t functions;
    pvm_prof_flight_raw_t raw;
    pvm_prof_flight_t flight;
    int status = -1;

    if (job->outcome.is_interrupted || !pvm_prof_flight_is_due(job->outcome.result)) {
        return 0;
    }
    if (pvm_prof_functions_find(job->program, &functions) != 0) {
        return -1;
    }
    pvm_prof_flight_take(job->vm, job->host_calls, &raw);
    if (pvm_prof_flight_name(job->vm, job->outcome.result, &raw, &functions, &flight) == 0) {
        flight.host_calls = job->host_calls;
        flight.gas_start = job->gas_start;
        flight.gas_added = job->gas_added;
        flight.host_gas = job->host_gas;
        status = pvm_prof_flight_tables(&flight, out);
        pvm_prof_flight_free(&flight);
    }
    pvm_prof_functions_free(&functions);
    return status;
}

static pvm_view_status_t print_run(pvm_view_t *view, const pvm_job_t *job)
{
    const pvm_render_t render =
        pvm_view_render_make(stdout, pvm_view_number(view, PVM_OPTION_FORMAT));
    pvm_prof_table_t *tables[2 + PVM_PROF_FLIGHT_TABLES] = {make_run_table(view, job),
                                                            make_register_table(view, job)};
    pvm_render_part_t parts[2 + PVM_PROF_FLIGHT_TABLES] = {{"run", tables[0]},
                                                           {"registers", tables[1]}};
    size_t count = 2;
    int status = -1;

    if (tables[0] != NULL && tables[1] != NULL && make_flight_tables(job, tables + 2) == 0) {
        for (int i = 0; i < PVM_PROF_FLIGHT_TABLES; i++) {
            if (tables[2 + i] != NULL) {
                parts[count++] = (pvm_render_part_t){pvm_prof_flight_keys[i], tables[2 + i]};
            }
        }
        status = pvm_view_render_document(&render, parts, count);
    }
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        pvm_prof_table_destroy(tables[i]);
    }
    return status == 0 ? PVM_VIEW_FINE
                       : pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "no memory for the output");
}

static void describe_progress(void *user_data, char *out, size_t out_bytes)
{
    const pvm_job_t *job = user_data;

    snprintf(out, out_bytes, "running %.60s (Ctrl-C stops it)", job->input.path);
}

pvm_view_status_t pvm_command_run(pvm_view_t *view)
{
    pvm_job_t job;
    pvm_view_status_t status = pvm_view_job_open(view, view->operands[0], &job);

    if (status == PVM_VIEW_FINE && pvm_view_number(view, PVM_OPTION_RUN_INSTRUMENT) != 0 &&
        pvm_set_instrumentation(job.vm, PVM_INSTRUMENT_FLIGHT) != 0) {
        status = pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s", pvm_last_error());
    }
    if (status == PVM_VIEW_FINE) {
        pvm_view_job_run(&job, describe_progress, &job);
        status = print_run(view, &job);
        if (status == PVM_VIEW_FINE) {
            status = pvm_view_job_write_state(view, &job);
        }
        if (status == PVM_VIEW_FINE) {
            status = pvm_view_job_verdict(view, &job);
        }
    }
    pvm_view_job_close(&job);
    return status;
}
