/* pvmscope import: an LTTng trace into a run file. */
#include "viewer/command.h"
#include "viewer/new_run.h"
#include "viewer/render.h"

#ifdef PVM_HAVE_IMPORT
#include "profiler/import/import.h"
#include "viewer/import_guard.h"
#include "viewer/output.h"
#include "viewer/stop_wish.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What came in before a failure is kept; without any event there is nothing to keep. */
static pvm_view_status_t end(pvm_view_t *view, pvm_prof_run_file_t *file, bool is_live,
                             pvm_prof_status_t imported, const pvm_import_result_t *result)
{
    const char *const source = view->operands[0];
    const char *const path = pvm_view_text(view, PVM_OPTION_OUTPUT);

    if (result->events == 0) {
        if (is_live) {
            (void)pvm_view_output_remove(view, path);
        }
        if (imported == PVM_PROF_OK && is_live && result->others == 0) {
            return pvm_view_fail(view, PVM_VIEW_INPUT,
                                 "%s: no live session of that name there, or nothing was told; "
                                 "babeltrace2 --input-format=lttng-live net://HOST lists them",
                                 source);
        }
        return imported != PVM_PROF_OK
                   ? pvm_view_fail_profiler(view, imported)
                   : pvm_view_fail(view, PVM_VIEW_INPUT,
                                   "%s: no pvm:* event among its %" PRIu64
                                   " events; was libpvm traced with PVM_TRACE=lttng?",
                                   source, result->others);
    }
    if (imported != PVM_PROF_OK) {
        char reason[512];

        (void)snprintf(reason, sizeof(reason), "%s", pvm_last_error());
        if (!is_live && pvm_prof_run_file_publish(file) != PVM_PROF_OK) {
            return pvm_view_fail_profiler(view, PVM_PROF_E_SYSTEM);
        }
        return pvm_view_fail(
            view, imported == PVM_PROF_E_FORMAT ? PVM_VIEW_INPUT : PVM_VIEW_ENVIRONMENT,
            "%s; %s has the %" PRIu64 " events before that", reason, path, result->events);
    }
    if (!is_live && pvm_prof_run_file_publish(file) != PVM_PROF_OK) {
        return pvm_view_fail_profiler(view, PVM_PROF_E_SYSTEM);
    }
    return pvm_view_put_summary(view, file);
}

pvm_view_status_t pvm_command_import(pvm_view_t *view)
{
    const char *const path = pvm_view_text(view, PVM_OPTION_OUTPUT);
    const char *const source = view->operands[0];
    const bool is_live = strstr(source, "://") != NULL;
    const pvm_import_options_t options = {
        .size = sizeof(options),
        .advice = "enable fewer events, or larger buffers (--subbuf-size, --num-subbuf)",
        .stop = &pvm_view_stop_wish};
    pvm_import_result_t result;
    pvm_prof_run_file_t *file = NULL;

    if (path == NULL || path[0] == '\0') {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "import: no run file to write; give -o RUN.db");
    }
    /* A live one can be looked at while it grows, and is there if we are killed. */
    pvm_view_status_t status = is_live ? pvm_view_create_run(view, path, &file)
                                       : pvm_view_create_run_beside(view, path, &file);
    if (status != PVM_VIEW_FINE) {
        return status;
    }
    if (is_live) {
        pvm_view_watch_stop_wish();
    }
    pvm_view_import_guard_begin(source, is_live ? NULL : pvm_prof_run_file_location(file));
    const pvm_prof_status_t imported = pvm_import_run(file, source, &options, &result);
    pvm_view_import_guard_end();
    status = end(view, file, is_live, imported, &result);
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
