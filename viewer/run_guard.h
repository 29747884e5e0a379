/* Runs a VM so that the user can stop it, and tells how far it is.
 *
 * SIGINT, SIGTERM and SIGHUP stop the guest between two instructions; a second one kills as usual. Every quarter of
 * a second the guest is interrupted and resumed, which its observers see: so what they keep moves on even if it makes no
 * host calls, and it stays one execution. On a terminal, runs longer than a second show a line on standard error.
 * One run at a time in a process. */
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

/** From here to pvm_view_guard_end() a first stop signal kills no longer: it stops the run that goes on, or the next one
 *  as it begins. For what must be finished behind the run; these nest. Thread: main. */
void pvm_view_guard_begin(void);
void pvm_view_guard_end(void);
/** Has there been a stop signal since? For work that is no run. Thread: any. */
bool pvm_view_guard_is_stopped(void);

/** Execute from `entry`. @param text  NULL: no progress line. @param user_data  of text */
pvm_run_outcome_t pvm_view_guarded_run(pvm_vm_t *vm, uint32_t entry, pvm_progress_text_t *text,
                                       void *user_data);

/** "halt", "panic", "fault", "oog", "host", "error" or "interrupted". */
const char *pvm_view_result_name(pvm_vm_t *vm, const pvm_run_outcome_t *outcome);

#endif
