/* pvmscope import: an LTTng trace into a run file. */
#include "viewer/command.h"
#include "viewer/new_run.h"
#include "viewer/render.h"

#ifdef PVM_HAVE_IMPORT
#include "profiler/import/import.h"
#include "viewer/stop_wish.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

pvm_view_status_t pvm_command_import(pvm_view_t *view)
{
    const char *const path = pvm_view_text(view, PVM_OPTION_OUTPUT);
    const char *const source = view->operands[0];
    const pvm_import_options_t options = {.size = sizeof(options), .stop = &pvm_view_stop_wish};
    pvm_import_result_t result;
    pvm_prof_run_file_t *file = NULL;

    if (path == NULL || path[0] == '\0') {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "import: no run file to write; give -o RUN.db");
    }
    pvm_view_status_t status = pvm_view_create_run(view, path, &file);
    if (status != PVM_VIEW_FINE) {
        return status;
    }
    if (strstr(source, "://") != NULL) {
        pvm_view_watch_stop_wish();
    }
    const pvm_prof_status_t imported = pvm_import_run(file, source, &options, &result);
    if (imported != PVM_PROF_OK) {
        status = pvm_view_fail_profiler(view, imported);
    } else if (result.events == 0) {
        status = pvm_view_fail(view, PVM_VIEW_INPUT,
                               "%s: no pvm:* event among its %" PRIu64
                               " events; was libpvm traced with PVM_TRACE=lttng?",
                               source, result.others);
    } else {
        status = pvm_view_put_summary(view, file);
    }
    pvm_prof_run_file_close(file);
    return status;
}
#else
pvm_view_status_t pvm_command_import(pvm_view_t *view)
{
    return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT,
                         "import: this pvmscope was built without libbabeltrace2-dev");
}
#endif
