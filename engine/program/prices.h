/* What the blocks of a program cost, each computed when somebody asks for the first time: of a large program an invocation enters
 * a fraction. Under flat gas (0.7.2) all are known from the beginning.
 *
 * In the block table `gas` 0 stands for "not yet": no block costs 0. Whoever has not priced a block before asks
 * pvm_program_block_gas() instead. Spec: GP 0.8.0 A.9.
 * Thread: any, without a lock. Two may price the same block at once, and find the same; what has been stored is never
 * written again. */
#ifndef PVM_PROGRAM_PRICES_H
#define PVM_PROGRAM_PRICES_H

#include "program/program.h"

/** The price of block `index`, which is below block_count, as one that is not in the table yet: use
 *  pvm_program_block_gas(). */
uint32_t pvm_program_price_block(const pvm_program_t *program, uint32_t index);

/** What block `index` costs; it is below block_count. */
static inline uint32_t pvm_program_block_gas(const pvm_program_t *program, uint32_t index)
{
    const uint32_t gas = __atomic_load_n(&program->blocks[index].gas, __ATOMIC_ACQUIRE);

    return gas != 0 || !program->has_block_gas ? gas : pvm_program_price_block(program, index);
}

/** Price these blocks, as far as they are not priced. For many at once: blocks that are alike are computed once. */
void pvm_program_price_blocks(const pvm_program_t *program, const uint32_t *blocks, size_t count);

/** The same for all blocks. Cost: the first time as docs/gas.md says, then O(1). */
void pvm_program_price_all(const pvm_program_t *program);

/** Give back what pricing has left to be used again. Not while somebody prices. */
void pvm_program_forget_prices(pvm_program_t *program);

#endif
