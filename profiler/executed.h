/* How often single instructions of a recorded program were executed: the hits of their block, and table cut, which tells where
 * guest code began or ended inside of a block (docs/counting.md). Internal to the profiler. */
#ifndef PVM_PROFILER_EXECUTED_H
#define PVM_PROFILER_EXECUTED_H

#include "profiler/run_file.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    uint32_t pc;
    int64_t began; /**< there, less ended in front of it */
} pvm_executed_cut_t;

/** Cuts of one program. */
typedef struct {
    pvm_executed_cut_t *cuts; /**< sorted by pc */
    size_t count;
    bool is_known; /**< false: of an older version, without table cut */
} pvm_executed_t;

/** @param code_len  cuts behind it are damage, and left out
 *  @return 0, or an SQLite code. Owns: the caller, pvm_executed_free(), also after an error. */
int pvm_executed_read(pvm_prof_run_file_t *file, int64_t program, uint32_t code_len,
                      pvm_executed_t *out);
void pvm_executed_free(pvm_executed_t *executed);

/** Begins less ends at and behind a pc. Behind the code: into the trap that stands there. */
int64_t pvm_executed_behind(const pvm_executed_t *executed, uint32_t pc);

/** A walk through the instructions of a block, in order. */
typedef struct {
    const pvm_executed_t *executed;
    size_t at;
    int64_t times;    /**< the instruction was begun; sums wrap */
    bool is_possible; /**< not below none at any instruction so far, nor too many to count */
} pvm_executed_walk_t;

pvm_executed_walk_t pvm_executed_walk(const pvm_executed_t *executed, uint32_t block_pc,
                                      int64_t hits);
/** Go to the instruction that ends at `next`; who begins inside of it counts for it. @return how often it was begun */
int64_t pvm_executed_step(pvm_executed_walk_t *walk, uint32_t next);

#endif
