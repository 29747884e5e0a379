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

/** Add up blocks, host calls and executions, and hold them against the totals. A complete recording must agree to the
 *  unit; one that lost something must agree in what cannot be lost.
 *  Errors: E_FORMAT (they do not agree: the text says which, and the difference), E_SYSTEM. */
pvm_prof_status_t pvm_prof_reconcile(pvm_prof_run_file_t *file, pvm_prof_reckoning_t *out);

#endif
