/* Exact counts of a VM that is being counted.
 *
 * Edges are counted, blocks follow: the hits of a block are the arrivals over all edges into it. Backends
 * count an edge once the first instruction behind it is paid. The gas of a block is hits times its cost, plus
 * `gas_adjust`, which holds every departure from that: blocks left in the middle, re-entered, or charged without
 * arrival. docs/counting.md tells it with examples. */
#ifndef PVM_VM_COUNTS_H
#define PVM_VM_COUNTS_H

#include "vm/vm.h"

/** Where a terminator leads; parallel to pairs of edge counters. */
typedef struct {
    uint32_t pc;   /**< of the terminator */
    uint32_t from; /**< its block */
    uint32_t next; /**< block reached by running on, or PVM_BLOCK_NONE */
    uint32_t
        jump; /**< block reached by the jump, or PVM_BLOCK_NONE: none, indirect, or a bad target */
} pvm_terminator_t;

typedef struct pvm_counts_t {
    const pvm_terminator_t *terminators; /**< owned here, sorted by pc */
    uint32_t terminator_count;
    uint32_t block_count; /**< of the program; index block_count is "no block" */
    uint64_t *edges;      /**< 2 for each terminator: run on, jumped (or to the hub) */
    uint64_t *from_hub;   /**< for each block + 1 */
    uint64_t *entries;    /**< for each block + 1 */
    int64_t *gas_adjust;  /**< for each block + 1 */
} pvm_counts_t;

/** Zeroed counts for this program. NULL without memory. */
pvm_counts_t *pvm_counts_create(const pvm_program_t *program);
void pvm_counts_destroy(pvm_counts_t *counts);
void pvm_counts_clear(pvm_counts_t *counts);

/** Index of the terminator at pc. It must be one. */
uint32_t pvm_counts_terminator(const pvm_counts_t *counts, uint32_t pc);
/** The first instruction at vm->pc has just been paid with `paid` gas: count the pending arrival, if there is one,
 *  and book what the block's cost and `paid` differ by.
 *  @return the block that was hit, or PVM_BLOCK_NONE */
uint32_t pvm_counts_pay(pvm_vm_t *vm, uint64_t paid);
/** Book gas that block `index` got (or, negative, did not get) beside its hits. */
static inline void pvm_counts_adjust(pvm_counts_t *counts, uint32_t index, int64_t gas)
{
    counts->gas_adjust[index] += gas;
}

/** Cost of one whole execution of a block, for "no block" that of a trap. */
uint64_t pvm_counts_block_cost(const pvm_program_t *program, uint32_t index);

#endif
