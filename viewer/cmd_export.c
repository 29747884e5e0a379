/* pvmscope export: a run file in the format of another tool. The formats themselves: exporters.def. */
#include "viewer/command.h"
#include "viewer/exporter.h"
#include "viewer/new_run.h"
#include "viewer/output.h"

static pvm_exporter_t *const exporters[] = {
#define PVM_EXPORTER(name, ...) pvm_export_##name,
#include "viewer/exporters.def"
};

static pvm_view_status_t write_file(pvm_view_t *view, pvm_prof_run_file_t *file,
                                    pvm_exporter_t *exporter, const char *path)
{
    pvm_output_t output;
    pvm_view_status_t status = pvm_view_output_begin(view, path, PVM_OUTPUT_DERIVED, &output);

    if (status == PVM_VIEW_FINE) {
        status = pvm_view_output_end(view, &output, exporter(view, file, output.stream));
    }
    return status;
}

pvm_view_status_t pvm_command_export(pvm_view_t *view)
{
    const char *const path = pvm_view_text(view, PVM_OPTION_OUTPUT);
    pvm_prof_run_file_t *file = NULL;

    if (!pvm_view_has(view, PVM_OPTION_EXPORT_FORMAT)) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "export: to which format? give --format %s",
                             pvm_view_options[PVM_OPTION_EXPORT_FORMAT].choices);
    }
    pvm_exporter_t *const exporter = exporters[pvm_view_number(view, PVM_OPTION_EXPORT_FORMAT)];
    pvm_view_status_t status = pvm_view_open_run(view, view->operands[0], &file);
    if (status == PVM_VIEW_FINE) {
        status =
            path != NULL ? write_file(view, file, exporter, path) : exporter(view, file, stdout);
    }
    pvm_prof_run_file_close(file);
    return status;
}
