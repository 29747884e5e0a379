/* pvmscope replay: is the engine's run the recorded one? One answer for each trace. */
#include "viewer/command.h"
#include "viewer/job.h"
#include "viewer/render.h"
#include "viewer/rows.h"

#include <inttypes.h>
#include <stdio.h>

#define COLUMN(id, header, unit, kind) {id, header, unit, PVM_PROF_TYPE_##kind, PVM_PROF_EXACT}

static const pvm_prof_column_t columns[] = {
    COLUMN("trace", "trace", "", TEXT),
    COLUMN("answer", "answer", "", TEXT),
    COLUMN("spec", "spec", "", TEXT),
    COLUMN("backend", "backend", "", TEXT),
    COLUMN("host_calls", "host calls", "", INT),
    COLUMN("gas_used", "gas used", "gas", GAS),
    COLUMN("line", "line", "", ID),
    COLUMN("difference", "difference", "", TEXT),
};

/** One trace's answer as text; differences are an answer, not an error, and go to standard output. */
static void print_answer(const pvm_job_t *job, pvm_view_status_t status, const char *error)
{
    char text[PVM_VIEW_ERROR_BYTES + 64];

    if (status == PVM_VIEW_FINE) {
        snprintf(text, sizeof(text), "%s: ok, %zu host calls, %" PRId64 " gas used, spec %s%s",
                 job->input.path, job->trace->entry_count, pvm_view_job_gas_used(job),
                 pvm_view_spec_name(pvm_program_spec(job->program)),
                 job->is_spec_guessed ? " (guessed)" : "");
    } else {
        snprintf(text, sizeof(text), "%s", error);
    }
    pvm_view_put_line(stdout, "", text);
}

static bool add_answer(pvm_prof_table_t *table, const pvm_job_t *job, const char *path,
                       pvm_view_status_t status)
{
    pvm_row_t row = pvm_row_add(table);

    pvm_row_text(&row, path);
    pvm_row_text(&row, status == PVM_VIEW_FINE       ? "ok"
                       : job->outcome.is_interrupted ? "interrupted"
                       : status == PVM_VIEW_NO       ? "differs"
                                                     : "unreadable");
    if (job->vm != NULL) {
        pvm_row_text(&row, pvm_view_spec_name(pvm_program_spec(job->program)));
        pvm_row_text(&row, pvm_view_backend_name(pvm_get_backend(job->vm)));
        pvm_row_int(&row, (int64_t)job->host_calls);
        pvm_row_int(&row, pvm_view_job_gas_used(job));
    } else {
        for (int i = 0; i < 4; i++) {
            pvm_row_null(&row);
        }
    }
    if (job->player.line != 0) {
        pvm_row_int(&row, (int64_t)job->player.line);
        pvm_row_text(&row, job->player.difference);
    }
    return !row.failed;
}

/** Play one trace to its end or its first difference. */
static pvm_view_status_t replay(pvm_view_t *view, const char *path, pvm_job_t *job)
{
    pvm_view_status_t status = pvm_view_job_open_trace(view, path, job);

    if (status == PVM_VIEW_FINE) {
        pvm_view_job_run(job, NULL, NULL);
        status = pvm_view_job_verdict(view, job);
    }
    if (status == PVM_VIEW_FINE && job->outcome.is_interrupted) {
        status = pvm_view_fail(view, PVM_VIEW_NO, "%s: interrupted after %" PRIu64 " host calls",
                               path, job->host_calls);
    }
    return status;
}

/** Unreadable is worse than different, different worse than fine. */
static pvm_view_status_t worse_of(pvm_view_status_t a, pvm_view_status_t b)
{
    return a > b ? a : b;
}

pvm_view_status_t pvm_command_replay(pvm_view_t *view)
{
    const uint64_t format = pvm_view_number(view, PVM_OPTION_FORMAT);
    const bool is_text = format == PVM_CHOICE_FORMAT_TEXT;
    const pvm_render_t render = pvm_view_render_make(stdout, format);
    pvm_prof_table_t *table =
        pvm_prof_table_create("Replay", columns, sizeof(columns) / sizeof(columns[0]));
    pvm_view_status_t worst = PVM_VIEW_FINE;
    bool is_stopped = false;
    bool failed = table == NULL;

    for (size_t i = 0; i < view->operand_count && !failed && !is_stopped; i++) {
        pvm_job_t job;
        const pvm_view_status_t status = replay(view, view->operands[i], &job);

        is_stopped = job.outcome.is_interrupted;
        if (status == PVM_VIEW_INPUT || status == PVM_VIEW_ENVIRONMENT) {
            pvm_view_put_line(stderr, "pvmscope: ", view->error);
        } else if (is_text) {
            print_answer(&job, status, view->error);
        }
        failed = !is_text && !add_answer(table, &job, view->operands[i], status);
        worst = worse_of(worst, status);
        view->error[0] = '\0';
        pvm_view_job_close(&job);
    }
    if (!failed && !is_text) {
        table->row_count_all = table->row_count;
        failed = pvm_view_render_table(&render, "traces", table) < 0;
    }
    pvm_prof_table_destroy(table);
    return failed ? pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "replay: no memory") : worst;
}
