/* Run files of the command line: made, shown when they are done, and opened again. */
#ifndef PVM_VIEWER_NEW_RUN_H
#define PVM_VIEWER_NEW_RUN_H

#include "profiler/run_file.h"
#include "viewer/job.h"

/** Error of the profiler as one of ours: its text names file and mend. */
pvm_view_status_t pvm_view_fail_profiler(pvm_view_t *view, pvm_prof_status_t status);
/** Create the file, replacing another kind of file only with --force. */
pvm_view_status_t pvm_view_create_run(pvm_view_t *view, const char *path,
                                      pvm_prof_run_file_t **out_file);
/** The same, but in its place only with pvm_prof_run_file_publish(). */
pvm_view_status_t pvm_view_create_run_beside(pvm_view_t *view, const char *path,
                                             pvm_prof_run_file_t **out_file);
/** Open a file that is named on the command line for reading. */
pvm_view_status_t pvm_view_open_run(pvm_view_t *view, const char *path,
                                    pvm_prof_run_file_t **out_file);
/** What machines inside of the one that is run are machines of, as long as nobody has named it. */
#define PVM_VIEW_INNER_MACHINE "inner machine"
/** Store what the command line knows of a job and a recorder cannot see. */
pvm_prof_status_t pvm_view_store_run_info(const pvm_view_t *view, const pvm_job_t *job,
                                          pvm_prof_run_file_t *file);
/** Print the summary of a finished recording. */
pvm_view_status_t pvm_view_put_summary(pvm_view_t *view, pvm_prof_run_file_t *file);
/** The same with a sentence under it; NULL: none. */
pvm_view_status_t pvm_view_put_summary_noted(pvm_view_t *view, pvm_prof_run_file_t *file,
                                             const char *note);

#endif
