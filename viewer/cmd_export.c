/* pvmscope export: a run file in the format of another tool. The formats themselves: exporters.def. */
#include "viewer/command.h"
#include "viewer/exporter.h"
#include "viewer/new_run.h"
#include "viewer/output.h"

#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    size_t runs_max;
    pvm_exporter_t *function;
} exporters[] = {
#define PVM_EXPORTER(name, runs_max, summary) {#name, runs_max, pvm_export_##name},
#include "viewer/exporters.def"
};

/** Octets that a terminal cannot show, and a page that nobody reads there. */
static bool is_for_files(const char *name)
{
    return strcmp(name, "pprof") == 0 || strcmp(name, "html") == 0;
}

static pvm_view_status_t write_to(pvm_view_export_t *export, pvm_exporter_t *function, FILE *out)
{
    export->out = out;
    export->render = pvm_view_render_make(out, PVM_CHOICE_FORMAT_JSON);
    const pvm_view_status_t status = function(export);
    const bool has_failed = export->scratch.failed;

    pvm_buffer_free(&export->scratch);
    return status == PVM_VIEW_FINE && has_failed
               ? pvm_view_fail(export->view, PVM_VIEW_ENVIRONMENT, "export: no memory for names")
               : status;
}

static pvm_view_status_t write_file(pvm_view_export_t *export, pvm_exporter_t *function,
                                    const char *path)
{
    pvm_output_t output;
    pvm_view_status_t status =
        pvm_view_output_begin(export->view, path, PVM_OUTPUT_DERIVED, &output);

    if (status == PVM_VIEW_FINE) {
        status =
            pvm_view_output_end(export->view, &output, write_to(export, function, output.stream));
    }
    return status;
}

/** What can be said about the command line before a file is opened. */
static pvm_view_status_t check(pvm_view_t *view)
{
    const uint64_t format = pvm_view_number(view, PVM_OPTION_EXPORT_FORMAT);

    if (!pvm_view_has(view, PVM_OPTION_EXPORT_FORMAT)) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "export: to which format? give --format %s",
                             pvm_view_options[PVM_OPTION_EXPORT_FORMAT].choices);
    }
    if (view->operand_count > exporters[format].runs_max) {
        return pvm_view_fail(view, PVM_VIEW_USAGE,
                             "export: %s is made from one run file; html, svg and folded take two",
                             exporters[format].name);
    }
    if (is_for_files(exporters[format].name) && !pvm_view_has(view, PVM_OPTION_OUTPUT) &&
        isatty(STDOUT_FILENO) == 1) {
        return pvm_view_fail(view, PVM_VIEW_USAGE,
                             "export: %s is nothing for a terminal; give -o FILE",
                             exporters[format].name);
    }
    return PVM_VIEW_FINE;
}

pvm_view_status_t pvm_command_export(pvm_view_t *view)
{
    const char *const path = pvm_view_text(view, PVM_OPTION_OUTPUT);
    pvm_view_export_t export = {.view = view};
    pvm_view_status_t status = check(view);

    if (status == PVM_VIEW_FINE) {
        status = pvm_view_open_run(view, view->operands[0], &export.file);
    }
    if (status == PVM_VIEW_FINE && view->operand_count == 2) {
        status = pvm_view_open_run(view, view->operands[1], &export.other);
    }
    if (status == PVM_VIEW_FINE) {
        pvm_exporter_t *const function =
            exporters[pvm_view_number(view, PVM_OPTION_EXPORT_FORMAT)].function;

        status = path != NULL ? write_file(&export, function, path)
                              : write_to(&export, function, stdout);
    }
    pvm_prof_run_file_close(export.other);
    pvm_prof_run_file_close(export.file);
    return status;
}
