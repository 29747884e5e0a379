/* What attaching costs the targets, as a share of the processor time that they use, and backing off when that is too much. */
#ifndef PVM_PROFILER_ATTACH_OVERHEAD_H
#define PVM_PROFILER_ATTACH_OVERHEAD_H

#include "profiler/attach/attach.h"

typedef struct {
    double limit; /**< 0: none */
    double ns_per_trap;
    double share; /**< since the begin */
    pvm_attach_level_t level;
    bool was_limited; /**< backed off at any time */
    uint64_t looked_ns;
    uint64_t hits;      /**< as of then */
    uint64_t call_hits; /**< as of then */
    uint64_t cpu_ns;    /**< as of then */
    int calm;           /**< looks in a row at which the level below would have done */
} pvm_overhead_t;

/** Measure the cost of a trap. */
void pvm_overhead_begin(pvm_overhead_t *overhead, double limit, bool sums_up);
/** Look, at most once a second, and change the level if that is called for. */
void pvm_overhead_look(pvm_overhead_t *overhead, pvm_attach_t *attach);
/** The share up to now, at the end. */
void pvm_overhead_finish(pvm_overhead_t *overhead, pvm_attach_t *attach);

#endif
