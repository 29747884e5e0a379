/* What `run` and `record` have in common: a program or a trace from a file, a VM made as the options say, a host,
 * one execution, and what --expect says about it. */
#ifndef PVM_VIEWER_JOB_H
#define PVM_VIEWER_JOB_H

#include "viewer/host/host.h"
#include "viewer/program_file.h"
#include "viewer/run_guard.h"
#include "viewer/trace_player.h"

typedef struct {
    pvm_input_t input;
    pvm_program_t *program;
    bool is_spec_guessed;
    pvm_vm_t *vm;
    uint32_t entry;
    int64_t gas_start;
    uint64_t registers_start[PVM_REGISTER_COUNT];
    pvm_ecalli_trace_t *trace; /**< NULL for a program */
    pvm_player_t player;       /**< of the trace */
    pvm_host_t host;           /**< of a program */
    uint64_t host_calls;
    int64_t gas_added; /**< by the host, in calls that gave more than they took */
    int64_t host_gas;  /**< taken by the host, in calls that took more than they gave */
    pvm_run_outcome_t outcome;
} pvm_job_t;

/** Load the file and make its VM, ready to execute. @return FINE, NO (a trace whose start differs), USAGE, INPUT or
 *  ENVIRONMENT; pvm_view_job_close() in every case. */
pvm_view_status_t pvm_view_job_open(pvm_view_t *view, const char *path, pvm_job_t *job);
/** The same for a file that can only be a trace. */
pvm_view_status_t pvm_view_job_open_trace(pvm_view_t *view, const char *path, pvm_job_t *job);
/** Execute it. @param text, user_data  of the progress line */
void pvm_view_job_run(pvm_job_t *job, pvm_progress_text_t *text, void *user_data);
/** What the run means: NO if --expect is not met or the trace differs. */
pvm_view_status_t pvm_view_job_verdict(pvm_view_t *view, const pvm_job_t *job);
/** Write the host's state where --write-state says. @return FINE, USAGE or ENVIRONMENT */
pvm_view_status_t pvm_view_job_write_state(pvm_view_t *view, const pvm_job_t *job);
/** Gas used: at the start, and added by the host, but not there at the end. */
int64_t pvm_view_job_gas_used(const pvm_job_t *job);
void pvm_view_job_close(pvm_job_t *job);

#endif
