/* Exact counts of a VM that is being counted.
 *
 * Edges are counted, blocks follow: the hits of a block are the arrivals over all edges into it. Backends
 * count an edge once the first instruction behind it is paid; code may leave out those that follow from others
 * (flow.h), for which `breaks` holds where the flow began and ended without an edge. The gas of a block is hits times its cost, plus
 * `gas_adjust`, which holds every departure from that: blocks left in the middle, re-entered, or charged without
 * arrival. docs/counting.md tells it with examples. */
#ifndef PVM_VM_COUNTS_H
#define PVM_VM_COUNTS_H

#include "vm/flow.h"
#include "vm/vm.h"

typedef struct pvm_counts_t {
    const pvm_flow_t *flow;              /**< of the program */
    const pvm_terminator_t *terminators; /**< of the flow, sorted by pc */
    uint32_t terminator_count;
    uint32_t block_count; /**< of the program; index block_count is "no block" */
    uint64_t *edges;      /**< 2 for each terminator: run on, jumped (or to the hub) */
    uint64_t *from_hub;   /**< for each block + 1 */
    uint64_t *entries;    /**< for each block + 1 */
    int64_t *gas_adjust;  /**< for each block + 1 */
    uint64_t *breaks;     /**< for each block + 1: begun there without a hit, less ended there */
    uint64_t *balance;    /**< for each block + 1: room to solve in */
    bool is_told;         /**< somebody else says what all edges are: nothing is derived */
} pvm_counts_t;

/** Zeroed counts for this program. NULL without memory. */
pvm_counts_t *pvm_counts_create(const pvm_program_t *program);
void pvm_counts_destroy(pvm_counts_t *counts);
void pvm_counts_clear(pvm_counts_t *counts);

/** The counts of a machine, also while its filter has them stand aside. NULL: it does not count. */
pvm_counts_t *pvm_counts_of(const pvm_vm_t *vm);

/** The guest will not go on from where it is: call this before vm->pc or vm->arrival change. */
void pvm_counts_break(pvm_vm_t *vm);
/** The guest is inside of the block at vm->pc without having arrived there. */
void pvm_counts_begin_inside(pvm_vm_t *vm);
/** The arrival that is pending, if one is, does not count: the block is paid already. */
void pvm_counts_skip_arrival(pvm_vm_t *vm);

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
