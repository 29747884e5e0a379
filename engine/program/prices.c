/* Prices into the block table. The memory of blocks stays with the program between calls, because code that is compiled by
 * pieces comes back with blocks that it has had; whoever prices takes it away for that time. */
#include "program/prices.h"

#include "gas/memo.h"
#include "gas/pipeline.h"
#include "isa/positions.h"
#include "support/large.h"

/* Fewer blocks do not repeat often enough to pay for the memory. */
#define MEMO_BLOCKS_MIN 512

/* The table's entries are part of a program that is immutable otherwise. A price is stored once: whoever has seen it, or the
 * sign that all are there, may read it without more ado. */
static uint32_t store(const pvm_program_t *program, uint32_t index, uint32_t gas)
{
    uint32_t none = 0;

    (void)__atomic_compare_exchange_n(&program->blocks[index].gas, &none, gas, false,
                                      __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    return gas;
}

/* As pvm_gas_words(), sooner: the block table knows how many instructions there are, so that the processor need not guess which
 * of them is the last. @return how many words; 0: too many, or a trap stands where no instruction does */
static size_t words_of(const pvm_code_t *code, const pvm_block_t *block, pvm_gas_word_t *out)
{
    const pvm_gas_number_t *const numbers = pvm_gas_numbers_of(code->isa)->numbers;
    pvm_positions_t positions = pvm_positions_from(code, block->pc);
    size_t count = 0;
    uint32_t pc;

    if (block->instructions >= PVM_GAS_MEMO_INSTRUCTIONS) {
        return 0;
    }
    do {
        pc = pvm_positions_next(&positions);
        out[count] = pvm_gas_word_at(&numbers[code->octets[pc]], code->octets, pc);
    } while (++count < block->instructions);
    if (pc >= block->end_pc) {
        return 0;
    }
    const uint8_t class = numbers[code->octets[pc]].class;
    if ((class & PVM_GAS_IS_BRANCH) != 0) {
        out[count - 1] |= pvm_gas_branch_price(code, pc);
    }
    if (class == PVM_GAS_IS_DEFINED) {
        /* It runs into the end of the code. */
        out[count++] = PVM_GAS_TRAP_WORD;
    }
    return count;
}

/* @param memo  NULL: without */
static uint32_t cost_of(const pvm_program_t *program, const pvm_block_t *block,
                        pvm_gas_memo_t *memo)
{
    const pvm_code_t *const code = &program->code;
    pvm_gas_word_t own[PVM_GAS_MEMO_INSTRUCTIONS];
    pvm_gas_word_t *const words = memo != NULL ? pvm_gas_memo_room(memo) : own;
    const size_t count = words_of(code, block, words);

    if (count == 0) {
        return pvm_gas_pipeline_cost(code, block->pc);
    }
    return memo != NULL ? pvm_gas_memo_cost(memo, code, block->pc, count)
                        : pvm_gas_pipeline_block(code, block->pc, words, count);
}

static void price(const pvm_program_t *program, uint32_t index, pvm_gas_memo_t *memo)
{
    const pvm_block_t *const block = &program->blocks[index];

    if (__atomic_load_n(&block->gas, __ATOMIC_ACQUIRE) == 0) {
        (void)store(program, index, cost_of(program, block, memo));
    }
}

static pvm_gas_memo_t **place_of_memo(const pvm_program_t *program)
{
    return &((pvm_program_t *)(uintptr_t)program)->gas_memo;
}

/* NULL: without, which is slower but no other. */
static pvm_gas_memo_t *take_memo(const pvm_program_t *program)
{
    if (program->block_count < MEMO_BLOCKS_MIN) {
        return NULL;
    }
    pvm_gas_memo_t *memo = __atomic_exchange_n(place_of_memo(program), NULL, __ATOMIC_ACQUIRE);
    if (memo == NULL) {
        memo = pvm_large_take(sizeof(*memo));
        if (memo != NULL) {
            pvm_gas_memo_clear(memo);
        }
    }
    return memo;
}

static void keep_memo(const pvm_program_t *program, pvm_gas_memo_t *memo)
{
    if (memo != NULL) {
        pvm_large_give(__atomic_exchange_n(place_of_memo(program), memo, __ATOMIC_ACQ_REL));
    }
}

uint32_t pvm_program_price_block(const pvm_program_t *program, uint32_t index)
{
    return store(program, index, cost_of(program, &program->blocks[index], NULL));
}

void pvm_program_price_blocks(const pvm_program_t *program, const uint32_t *blocks, size_t count)
{
    if (!program->has_block_gas || count == 0) {
        return;
    }
    pvm_gas_memo_t *const memo = take_memo(program);
    for (size_t i = 0; i < count; i++) {
        price(program, blocks[i], memo);
    }
    keep_memo(program, memo);
}

void pvm_program_price_all(const pvm_program_t *program)
{
    bool *const all_priced = &((pvm_program_t *)(uintptr_t)program)->all_priced;

    if (!program->has_block_gas || __atomic_load_n(all_priced, __ATOMIC_ACQUIRE)) {
        return;
    }
    pvm_gas_memo_t *const memo = take_memo(program);
    for (uint32_t i = 0; i < program->block_count; i++) {
        price(program, i, memo);
    }
    pvm_large_give(memo);
    __atomic_store_n(all_priced, true, __ATOMIC_RELEASE);
}

void pvm_program_forget_prices(pvm_program_t *program)
{
    pvm_large_give(program->gas_memo);
    program->gas_memo = NULL;
    program->all_priced = false;
}
