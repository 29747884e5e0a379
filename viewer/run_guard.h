/* Runs a VM so that the user can stop it, and tells how far it is.
 *
 * SIGINT, SIGTERM and SIGHUP stop the guest between two instructions; a second one kills as usual. On a terminal,
 * runs longer than a second show a line on standard error. One run at a time in a process. */
#ifndef PVM_VIEWER_RUN_GUARD_H
#define PVM_VIEWER_RUN_GUARD_H

#include <pvm/pvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Text for the progress line. Called on another thread. */
typedef void pvm_progress_text_t(void *user_data, char *out, size_t out_bytes);

typedef struct {
    pvm_result_t result;
    bool is_interrupted;
    int64_t duration_ns;
} pvm_run_outcome_t;

/** Execute from `entry`. @param text  NULL: no progress line. @param user_data  of text */
pvm_run_outcome_t pvm_view_guarded_run(pvm_vm_t *vm, uint32_t entry, pvm_progress_text_t *text,
                                       void *user_data);

/** "halt", "panic", "fault", "oog", "host", "error" or "interrupted". */
const char *pvm_view_result_name(pvm_vm_t *vm, const pvm_run_outcome_t *outcome);

#endif
