/* Run files of the command line: made, shown when they are done, and opened again. */
#include "viewer/new_run.h"

#include "viewer/output.h"
#include "viewer/render.h"
#include "viewer/symbols.h"

#include "profiler/report.h"
#include "profiler/stored_program.h"
#include "profiler/symbols.h"

#include <stdio.h>
#include <sys/stat.h>

/** Error of the profiler as one of ours: its text names file and mend. */
pvm_view_status_t pvm_view_fail_profiler(pvm_view_t *view, pvm_prof_status_t status)
{
    const pvm_view_status_t kind = status == PVM_PROF_E_FORMAT   ? PVM_VIEW_INPUT
                                   : status == PVM_PROF_E_EXISTS ? PVM_VIEW_USAGE
                                                                 : PVM_VIEW_ENVIRONMENT;

    return pvm_view_fail(view, kind, "%s", pvm_last_error());
}

static pvm_view_status_t create(pvm_view_t *view, const char *path,
                                pvm_prof_status_t (*make)(const char *, pvm_prof_run_file_t **),
                                pvm_prof_run_file_t **out_file)
{
    pvm_prof_status_t status = make(path, out_file);

    if (status == PVM_PROF_E_EXISTS && pvm_view_has(view, PVM_OPTION_FORCE)) {
        const pvm_view_status_t removed = pvm_view_output_remove(view, path);

        if (removed != PVM_VIEW_FINE) {
            return removed;
        }
        status = make(path, out_file);
    }
    return status == PVM_PROF_OK ? PVM_VIEW_FINE : pvm_view_fail_profiler(view, status);
}

pvm_view_status_t pvm_view_create_run(pvm_view_t *view, const char *path,
                                      pvm_prof_run_file_t **out_file)
{
    return create(view, path, pvm_prof_run_file_create, out_file);
}

pvm_view_status_t pvm_view_create_run_beside(pvm_view_t *view, const char *path,
                                             pvm_prof_run_file_t **out_file)
{
    return create(view, path, pvm_prof_run_file_create_beside, out_file);
}

pvm_view_status_t pvm_view_put_summary(pvm_view_t *view, pvm_prof_run_file_t *file)
{
    return pvm_view_put_summary_noted(view, file, NULL);
}

pvm_view_status_t pvm_view_put_summary_noted(pvm_view_t *view, pvm_prof_run_file_t *file,
                                             const char *note)
{
    const pvm_render_t render =
        pvm_view_render_make(stdout, pvm_view_number(view, PVM_OPTION_FORMAT));
    const pvm_prof_report_options_t options = {.size = sizeof(options)};
    pvm_prof_table_t *table = NULL;
    const pvm_prof_status_t status =
        pvm_prof_report(file, PVM_PROF_REPORT_SUMMARY, &options, &table);
    int rendered;

    if (status != PVM_PROF_OK) {
        return pvm_view_fail_profiler(view, status);
    }
    if (note != NULL) {
        (void)pvm_prof_table_add_note(table, "%s.", note);
    }
    rendered = pvm_view_render_table(&render, "summary", table);
    pvm_prof_table_destroy(table);
    return rendered == 0 ? PVM_VIEW_FINE
                         : pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "no memory for the summary");
}

pvm_prof_status_t pvm_view_store_run_info(const pvm_view_t *view, const pvm_job_t *job,
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

/** Walks over the programs of a recording. */
typedef struct {
    pvm_prof_run_file_t *file;
    int64_t id; /**< of the last */
} recorded_t;

static pvm_program_t *next_recorded(void *user_data)
{
    recorded_t *const recorded = user_data;
    pvm_program_t *program = NULL;

    (void)pvm_prof_stored_program_after(recorded->file, &recorded->id, &program);
    return program;
}

/** Name the functions of a recording by --symbols, if there is such an option. */
static pvm_view_status_t use_symbols(pvm_view_t *view, pvm_prof_run_file_t *file)
{
    pvm_program_t *symbols = NULL;
    recorded_t recorded = {.file = file, .id = INT64_MIN};
    pvm_view_status_t status = pvm_view_symbols_load(view, next_recorded, &recorded, &symbols);

    if (symbols == NULL) {
        return status;
    }
    const pvm_prof_status_t used = pvm_prof_symbols_use(file, symbols);
    if (used == PVM_PROF_E_ARGUMENT) {
        status = pvm_view_fail(view, PVM_VIEW_INPUT, "%s: %s",
                               pvm_view_text(view, PVM_OPTION_SYMBOLS), pvm_last_error());
    } else if (used != PVM_PROF_OK) {
        status = pvm_view_fail_profiler(view, used);
    }
    pvm_program_release(symbols);
    return status;
}

pvm_view_status_t pvm_view_open_run(pvm_view_t *view, const char *path,
                                    pvm_prof_run_file_t **out_file)
{
    struct stat info;
    pvm_prof_status_t status;

    /* Names that are no file are bad input, not the environment's fault. */
    if (stat(path, &info) < 0) {
        return pvm_view_fail(view, PVM_VIEW_INPUT, "%s: no such file; check the name", path);
    }
    if (!S_ISREG(info.st_mode)) {
        return pvm_view_fail(view, PVM_VIEW_INPUT,
                             "%s: is no regular file; give a run file made by record", path);
    }
    status = pvm_prof_run_file_open(path, out_file);
    return status == PVM_PROF_OK ? use_symbols(view, *out_file)
                                 : pvm_view_fail_profiler(view, status);
}
