/* What `pvmscope top` shows: sums of the kernel and samples, as rates over the last interval, in tables by service, by host
 * call and by function. */
#ifndef PVM_VIEWER_TOP_MODEL_H
#define PVM_VIEWER_TOP_MODEL_H

#include "profiler/attach/attach.h"
#include "profiler/table.h"

#include <stdio.h>

typedef enum {
    PVM_TOP_SERVICE,
    PVM_TOP_HOSTCALL,
    PVM_TOP_FUNCTION,
    PVM_TOP_VIEW_COUNT
} pvm_top_view_t;
typedef enum {
    PVM_TOP_BY_GAS,
    PVM_TOP_BY_TIME,
    PVM_TOP_BY_CALLS,
    PVM_TOP_SORT_COUNT
} pvm_top_sort_t;

/** The last interval in one line. */
typedef struct {
    size_t processes;
    double gas_per_s;
    double calls_per_s;
    double runs_per_s;
    double overhead; /**< of the targets' processor time since the begin, 0..1 */
    uint64_t lost;   /**< host calls that the sums do not have */
    uint64_t samples;
} pvm_top_line_t;

typedef struct pvm_top_t pvm_top_t;

/** Attach. Sums and samples begin. Errors: those of pvm_attach_open(). */
pvm_prof_status_t pvm_top_open(const pvm_attach_options_t *options, pvm_top_t **out);
/** Take what has come; often. */
void pvm_top_poll(pvm_top_t *top);
/** An interval ends here. @param forgets  samples of the intervals before: rates want that, counters do not */
void pvm_top_refresh(pvm_top_t *top, bool forgets);
/** Whether there is anything to watch, or may be. */
bool pvm_top_is_alive(const pvm_top_t *top);
pvm_top_line_t pvm_top_line(const pvm_top_t *top);
/** Rates of the last interval. NULL without memory. Owned. */
pvm_prof_table_t *pvm_top_table(pvm_top_t *top, pvm_top_view_t view, pvm_top_sort_t sort);
/** All figures since the begin, in the text format of Prometheus. @return 0, or -1 without memory */
int pvm_top_metrics(pvm_top_t *top, FILE *out);
void pvm_top_close(pvm_top_t *top);

#endif
