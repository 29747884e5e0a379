/* Costs of blocks that have been seen: real programs consist to a third or more of blocks that they have already.
 *
 * Exact: a remembered block is compared whole. Bounded: one table and one store of fixed size, which start over
 * when they are full. */
#ifndef PVM_GAS_MEMO_H
#define PVM_GAS_MEMO_H

#include "gas/words.h"

/** Longer blocks are not remembered: few of them come twice. */
#define PVM_GAS_MEMO_INSTRUCTIONS 128
#define PVM_GAS_MEMO_BLOCKS       1024
#define PVM_GAS_MEMO_WORDS        16384

/** A remembered block; len 0 is none. */
typedef struct {
    uint32_t hash;
    uint32_t cost;
    uint16_t offset; /**< of its words */
    uint16_t len;
} pvm_gas_memo_block_t;

/** About 80 KB; make it with pvm_gas_memo_clear(). */
typedef struct pvm_gas_memo_t {
    pvm_gas_memo_block_t blocks[PVM_GAS_MEMO_BLOCKS];
    uint32_t used;
    pvm_gas_word_t words[PVM_GAS_MEMO_WORDS + PVM_GAS_MEMO_INSTRUCTIONS];
} pvm_gas_memo_t;

void pvm_gas_memo_clear(pvm_gas_memo_t *memo);

/** Where the words of the next block are to be put, PVM_GAS_MEMO_INSTRUCTIONS at most. */
static inline pvm_gas_word_t *pvm_gas_memo_room(pvm_gas_memo_t *memo)
{
    return memo->words + memo->used;
}

/** As pvm_gas_pipeline_block() for the words in the room, sooner if such a block came before. */
uint32_t pvm_gas_memo_cost(pvm_gas_memo_t *memo, const pvm_code_t *code, uint32_t pc, size_t count);

#endif
