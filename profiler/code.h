/* Recorded code, instruction by instruction: how often each was executed, and its part of the gas of its block.
 *
 * Executions follow exactly from the hits of blocks and from where guest code began and ended inside of them. Gas
 * below a block is exact under 0.7.2, where every instruction costs 1; under 0.8.0, where only blocks cost something, it
 * is attributed: docs/annotate.md tells the rule. The sum over a block is always the block's gas. */
#ifndef PVM_PROFILER_CODE_H
#define PVM_PROFILER_CODE_H

#include "gas/timeline.h"
#include "profiler/executed.h"
#include "profiler/run_file.h"
#include "program/debug_info.h"
#include "program/program.h"

/** An executed block. */
typedef struct {
    uint32_t pc;
    uint32_t end_pc;
    int64_t function; /**< function.id */
    int64_t hits;
    int64_t gas;  /**< charged in it */
    int64_t cost; /**< of one whole execution */
} pvm_prof_code_block_t;

/** An instruction of the block that was looked at last. */
typedef struct {
    uint32_t pc;
    uint32_t next;
    uint8_t op; /**< pvm_op_t */
    int64_t
        executed; /**< how often it was begun: a fault counts, and going on after it counts again */
    int64_t gas;
    int64_t host_gas; /**< taken by the host calls that it made */
    int64_t
        samples; /**< that met it; of interpreted code all of a block stand at its first instruction, or behind an ecalli */
} pvm_prof_code_instruction_t;

/** What is known of a place; private to code.c. */
typedef struct {
    uint32_t pc;
    int64_t host_gas;
    int64_t samples;
} pvm_prof_code_mark_t;

/** One program of a recording. Read its members freely. */
typedef struct {
    pvm_program_t *program;
    int64_t id;                    /**< program.id */
    pvm_prof_code_block_t *blocks; /**< by pc; what stands behind the code is not among them */
    size_t block_count;
    int64_t behind_gas; /**< gas of blocks that have no code, such as the trap behind it */
    int64_t behind_hits;

    pvm_prof_code_instruction_t *instructions; /**< of the block looked at last */
    size_t instruction_count;
    int64_t rest_gas; /**< of that block: what no instruction explains */
    bool is_exact;    /**< of that block: nothing contradicts `executed` */

    pvm_executed_t executed; /**< where code began and ended inside of blocks */
    pvm_prof_code_mark_t *marks;
    size_t mark_count;
    size_t instruction_room;
    size_t room;
    pvm_gas_timeline_t timeline; /**< of that block, under a spec with a pipeline */
    pvm_debug_walk_t walk;
} pvm_prof_code_t;

/** Read a program and the counts of its blocks. With OK and out->program NULL: it cannot be loaded; then
 *  all gas stands in behind_gas.
 *  Errors: E_FORMAT, E_SYSTEM. Owns: the caller, also after an error, pvm_prof_code_close(). */
pvm_prof_status_t pvm_prof_code_open(pvm_prof_run_file_t *file, int64_t program,
                                     pvm_prof_code_t *out);
void pvm_prof_code_close(pvm_prof_code_t *code);

/** All samples of a recording, which shares of time are of; 0: time was not sampled, or they do not reconcile.
 *  @return 0, or an SQLite code */
int pvm_prof_code_samples(pvm_prof_run_file_t *file, int64_t *out_total);

/** Look at a block: fills instructions, rest_gas, is_exact and the timeline. @return 0, or -1 without memory */
int pvm_prof_code_look(pvm_prof_code_t *code, size_t block);

/** The block that holds a pc, or block_count. */
size_t pvm_prof_code_find(const pvm_prof_code_t *code, uint32_t pc);

/** Figures of a run file are anybody's: sums wrap, as those of SQLite's wrap_sum() do. */
static inline int64_t pvm_prof_plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static inline int64_t pvm_prof_minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static inline int64_t pvm_prof_times(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

/** Whether gas below a block is attributed, not charged: the spec of the program has a pipeline. */
static inline bool pvm_prof_code_is_attributed(const pvm_prof_code_t *code)
{
    return code->program != NULL && code->program->has_block_gas;
}

#endif
