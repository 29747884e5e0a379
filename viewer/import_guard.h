/* libbabeltrace2 takes the process down over some damaged traces, by its assertions or by a segmentation fault. Around an import
 * that is one line about the trace, exit code 3, and nothing left of the run file. */
#ifndef PVM_VIEWER_IMPORT_GUARD_H
#define PVM_VIEWER_IMPORT_GUARD_H

/** @param unfinished  file that is being written, which goes in that case; NULL: it stays */
void pvm_view_import_guard_begin(const char *source, const char *unfinished);
void pvm_view_import_guard_end(void);

#endif
