/* pvmscope merge: many recordings into one file. */
#include "viewer/command.h"
#include "viewer/new_run.h"
#include "viewer/output.h"
#include "viewer/run_guard.h"
#include "viewer/run_set.h"

#include <stdio.h>
#include <sys/stat.h>

/** What is written may be none of what is read. */
static pvm_view_status_t check_output(pvm_view_t *view, const pvm_run_set_t *set, const char *path)
{
    struct stat target;

    if (stat(path, &target) != 0) {
        return PVM_VIEW_FINE;
    }
    for (size_t i = 0; i < set->count; i++) {
        struct stat source;

        if (stat(set->paths[i], &source) == 0 && source.st_dev == target.st_dev &&
            source.st_ino == target.st_ino) {
            return pvm_view_fail(view, PVM_VIEW_USAGE,
                                 "%s: is one of the files to be merged; give another name", path);
        }
    }
    return PVM_VIEW_FINE;
}

static pvm_view_status_t merge(pvm_view_t *view, pvm_run_set_t *set, const char *path)
{
    pvm_prof_run_file_t *out = NULL;
    pvm_view_status_t status = pvm_view_create_run_beside(view, path, &out);

    if (status == PVM_VIEW_FINE) {
        status = pvm_view_run_set_merge(view, set, out, false);
    }
    if (status == PVM_VIEW_FINE && pvm_prof_run_file_publish(out) != PVM_PROF_OK) {
        status = pvm_view_fail_profiler(view, PVM_PROF_E_SYSTEM);
    }
    if (status == PVM_VIEW_FINE) {
        if (set->left_out > 0) {
            (void)fprintf(stderr, "pvmscope: note: files left out: %zu; first: %s\n", set->left_out,
                          set->first);
        }
        status = pvm_view_put_summary(view, out);
    }
    pvm_prof_run_file_close(out);
    return status;
}

pvm_view_status_t pvm_command_merge(pvm_view_t *view)
{
    const char *const path = pvm_view_text(view, PVM_OPTION_OUTPUT);
    pvm_run_set_t set = {0};

    if (path == NULL || path[0] == '\0') {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "merge: no file to write; give -o ALL.db");
    }
    pvm_view_guard_begin();
    pvm_view_status_t status = pvm_view_run_set(view, view->operands, view->operand_count, &set);
    if (status == PVM_VIEW_FINE) {
        status = check_output(view, &set, path);
    }
    if (status == PVM_VIEW_FINE) {
        status = merge(view, &set, path);
    }
    pvm_view_run_set_free(&set);
    pvm_view_guard_end();
    return status;
}
