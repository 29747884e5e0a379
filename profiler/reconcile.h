/* Do the figures of a run file add up? Asked by everything that computes further with them. */
#ifndef PVM_PROFILER_RECONCILE_H
#define PVM_PROFILER_RECONCILE_H

#include "profiler/run_file.h"

#include <stdbool.h>

typedef struct {
    bool is_counted; /**< blocks were counted */
    bool
        is_incomplete; /**< something was lost, or the recording did not end: figures are lower bounds */
    int64_t gas_used;
    int64_t blocks_gas;
    int64_t host_gas;
} pvm_prof_reckoning_t;

/** Look for totals that do not agree with what they are made of.
 *  @param is_incomplete  rows may be missing where totals are not
 *  @param out  "gas used is 5, blocks and host calls give 3, difference 2"; "" if all agree
 *  Errors: E_FORMAT (damaged), E_SYSTEM. */
pvm_prof_status_t pvm_prof_reconcile_find(pvm_prof_run_file_t *file, bool is_incomplete, char *out,
                                          size_t out_bytes);

/** Add up blocks, host calls and executions, and hold them against the totals. A complete recording must agree to the
 *  unit; one that lost something must agree in what cannot be lost.
 *  Errors: E_FORMAT (they do not agree: the text says which, and the difference), E_SYSTEM. */
pvm_prof_status_t pvm_prof_reconcile(pvm_prof_run_file_t *file, pvm_prof_reckoning_t *out);

#endif
