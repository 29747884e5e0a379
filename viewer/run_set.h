/* Run files of the command line, one or many: folders are looked through, many are added up in memory. */
#ifndef PVM_VIEWER_RUN_SET_H
#define PVM_VIEWER_RUN_SET_H

#include "profiler/run_file.h"
#include "profiler/table.h"
#include "viewer/options.h"

typedef struct {
    char **paths;
    size_t count;
    size_t room;
    bool has_folder;
    size_t left_out;                  /**< files of folders that could not be used */
    char first[PVM_VIEW_ERROR_BYTES]; /**< why not, of the first of them */
} pvm_run_set_t;

/** List the operands: files as they are, of folders what is named *.db in it, by name. No file twice.
 *  @return FINE, INPUT (no such file, an empty folder), USAGE (given twice), ENVIRONMENT. Owns: pvm_view_run_set_free() in any case. */
pvm_view_status_t pvm_view_run_set(pvm_view_t *view, const char **operands, size_t count,
                                   pvm_run_set_t *out);
void pvm_view_run_set_free(pvm_run_set_t *set);

/** Add them all up into `out`, a new run file. What is not readable in a folder is left out and counted. Stopped by a signal: nothing
 *  is of use. @return FINE, INPUT, ENVIRONMENT */
pvm_view_status_t pvm_view_run_set_merge(pvm_view_t *view, pvm_run_set_t *set,
                                         pvm_prof_run_file_t *out, bool sums_only);
/** Open it: the one file that it is, or the sums of all. */
pvm_view_status_t pvm_view_run_set_open(pvm_view_t *view, pvm_run_set_t *set,
                                        pvm_prof_run_file_t **out_file);
/** Say in a table what was left out. @return 0, or -1 without memory */
int pvm_view_run_set_note(const pvm_run_set_t *set, pvm_prof_table_t *table);

#endif
