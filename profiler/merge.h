/* Many recordings as one: programs that are equal become one, VMs, executions and host calls are numbered on, counts and gas
 * are added up, times are laid end to end in the order in which the recordings come.
 *
 * The rules are in merge.def, one for each table. Every recording must reconcile, and so must what comes out. */
#ifndef PVM_PROFILER_MERGE_H
#define PVM_PROFILER_MERGE_H

#include "profiler/run_file.h"

#include <stdbool.h>

/** A merge that goes on. */
typedef struct pvm_prof_merge_t pvm_prof_merge_t;

/** Zero-fill, set `size`. */
typedef struct {
    size_t size;
    bool sums_only; /**< leave out single host calls, guest memory and flight records */
    /** Asked now and then; true: give up, with E_INTERRUPTED. NULL: never. */
    bool (*is_stopped)(void);
} pvm_prof_merge_options_t;

/** Begin. `out` is a new run file (pvm_prof_run_file_create*), borrowed. Errors: E_SYSTEM. Owns: the caller, who ends it with
 *  pvm_prof_merge_destroy() in any case. */
pvm_prof_status_t pvm_prof_merge_create(pvm_prof_run_file_t *out,
                                        const pvm_prof_merge_options_t *options,
                                        pvm_prof_merge_t **out_merge);
/** Add a recording, behind those before. After an error `out` is of no use.
 *  Errors: E_FORMAT (does not reconcile, damaged), E_SYSTEM, E_INTERRUPTED. */
pvm_prof_status_t pvm_prof_merge_add(pvm_prof_merge_t *merge, pvm_prof_run_file_t *source);
/** Write totals and run_info. Errors: E_FORMAT (the sums do not reconcile), E_SYSTEM. */
pvm_prof_status_t pvm_prof_merge_finish(pvm_prof_merge_t *merge);
void pvm_prof_merge_destroy(pvm_prof_merge_t *merge);

#endif
