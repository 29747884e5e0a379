/* A running process into a run file: what is attached to is fed to the recorder, as an import of a trace is. */
#ifndef PVM_PROFILER_ATTACH_COLLECT_H
#define PVM_PROFILER_ATTACH_COLLECT_H

#include "profiler/attach/attach.h"

#include <stdatomic.h>

/** How it stands; for progress lines and for the end. */
typedef struct {
    size_t processes;    /**< alive */
    uint64_t host_calls; /**< recorded, or summed up */
    uint64_t lost;       /**< told by the target and not recorded */
    uint64_t left_out;   /**< of these, because of --max-overhead */
    uint64_t filtered;   /**< trapped, and not wanted */
    uint64_t samples;
    uint64_t execs;     /**< a target has begun another program */
    double ns_per_trap; /**< calibrated */
    double overhead;    /**< of the processor time of the targets, 0..1 */
    pvm_attach_level_t level;
} pvm_collect_state_t;

/** Zero-fill, set `size`; zero means default. */
typedef struct {
    size_t size;
    pvm_attach_options_t attach;
    double max_overhead;     /**< 0..1 of the processor time of the targets; 0: no limit */
    uint64_t duration_ns;    /**< end after this time; 0: when the targets end */
    pvm_program_t *program;  /**< knows more names than the one of the target; NULL: none */
    const atomic_bool *stop; /**< end when it is true */
    /** Four times a second; NULL: nobody wants to know. */
    void (*progress)(void *user_data, const pvm_collect_state_t *state);
    void *user_data;
} pvm_collect_options_t;

typedef struct pvm_collect_t pvm_collect_t;

/** Attach; records wait until pvm_collect_run(). The options are borrowed until pvm_collect_close(). Errors: those of
 *  pvm_attach_open(). */
pvm_prof_status_t pvm_collect_open(const pvm_collect_options_t *options, pvm_collect_t **out);
/** Collect into a file from pvm_prof_run_file_create(), and finish it. Once.
 *  Errors: E_SYSTEM; the file is finished as it is. */
pvm_prof_status_t pvm_collect_run(pvm_collect_t *collect, pvm_prof_run_file_t *file,
                                  pvm_collect_state_t *out_state);
void pvm_collect_close(pvm_collect_t *collect);

#endif
