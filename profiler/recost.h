/* What a recorded execution would cost under the gas model of another spec, from its counts, without running it again.
 *
 * Under 0.8.0 and latest64 a block costs its price each time it is entered; under 0.7.2 each instruction that was
 * executed costs 1, which follows from hits and table cut. The stored program is converted to the other opcode numbers for its
 * prices. Gas of host calls stays as recorded. docs/compare.md tells what cannot be exact. */
#ifndef PVM_PROFILER_RECOST_H
#define PVM_PROFILER_RECOST_H

#include "profiler/reconcile.h"

#include <pvm/pvm.h>

typedef struct {
    int64_t program;
    uint32_t pc;
    uint32_t end_pc;
    uint32_t function; /**< place in the list of functions */
    int64_t hits;
    int64_t gas;   /**< as recorded */
    int64_t other; /**< under the other spec */
    bool is_exact;
} pvm_prof_recost_block_t;

typedef struct {
    int64_t program;
    int64_t id;
    char *name;         /**< any octets; owned */
    char *program_name; /**< owned */
    int64_t gas;
    int64_t other;
    bool is_exact;
} pvm_prof_recost_function_t;

/** Owned: pvm_prof_recost_free(). */
typedef struct {
    pvm_prof_reckoning_t recorded;
    int64_t other_blocks_gas;
    pvm_prof_recost_block_t *blocks; /**< in order of program and pc */
    size_t block_count;
    pvm_prof_recost_function_t *functions;
    size_t function_count;
    bool is_exact;
    int64_t blocks_moved;   /**< executed blocks that begin or end elsewhere under the other spec */
    int64_t blocks_guessed; /**< executed blocks whose figure is an estimate */
    bool has_cuts;          /**< false: of an older version, without table cut */
    bool has_sbrk;          /**< sbrk, whose answer depends on the spec, was executed */
    int64_t moved_entries;  /**< begins of an imported trace whose place is not known */
    int64_t
        hints; /**< executions of `unlikely` that were left out, because 0.7.2 does not have it */
    int64_t
        refused; /**< executions that 0.8.0 did not begin, because no instruction stands there; others would trap */
    int64_t oog; /**< executions that ran out of gas */
} pvm_prof_recost_t;

/** Price a recording. Errors: E_FORMAT (figures that do not reconcile, blocks not counted, a program that has no form
 *  under that spec), E_SYSTEM. */
pvm_prof_status_t pvm_prof_recost(pvm_prof_run_file_t *file, pvm_spec_t spec,
                                  pvm_prof_recost_t *out);
void pvm_prof_recost_free(pvm_prof_recost_t *recost);

#endif
