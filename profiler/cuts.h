/* Where guest code began or ended inside of a block, so that the executions of every instruction follow from the hits of its
 * block: docs/counting.md. Of one program in a recording that goes on; internal to the profiler, guarded by the run
 * file's lock. */
#ifndef PVM_PROFILER_CUTS_H
#define PVM_PROFILER_CUTS_H

#include "profiler/map.h"
#include "profiler/store.h"

/** An instruction in front of which it began, less ended, that many times. */
typedef struct {
    uint32_t pc;
    int64_t began; /**< not yet in the file */
} pvm_prof_cut_t;

/** Of one program. Zero-initialized it is empty. */
typedef struct {
    pvm_prof_map_t index; /**< pc -> index into list */
    pvm_prof_cut_t *list;
    uint32_t count;
    uint32_t room;
} pvm_prof_cuts_t;

/** Add at a pc. @return 0, or -1 without memory. */
int pvm_prof_cuts_add(pvm_prof_cuts_t *cuts, uint32_t pc, int64_t began);
/** Store what has changed. */
void pvm_prof_cuts_store(pvm_prof_cuts_t *cuts, uint32_t program, pvm_prof_run_file_t *file);
void pvm_prof_cuts_free(pvm_prof_cuts_t *cuts);

#endif
