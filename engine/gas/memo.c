/* The memory of blocks: key, hash, look-up. What a key must hold: everything that the cost depends on. */
#include "gas/memo.h"

#include "gas/pipeline.h"

#include <assert.h>
#include <string.h>

static_assert(PVM_GAS_MEMO_WORDS <= UINT16_MAX + 1, "an offset fits its field");
static_assert((PVM_GAS_MEMO_BLOCKS & (PVM_GAS_MEMO_BLOCKS - 1)) == 0,
              "a place is cut out of the hash");
static_assert(PVM_OP_COUNT < 256, "an instruction fits an octet of the key");

#define CHEAP      UINT32_C(0x80000000)
#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)

/* The instruction and its registers; the values of immediates do not matter. */
static inline uint32_t word_of(const pvm_instruction_t *in)
{
    return in->op | (uint32_t)in->a << 8 | (uint32_t)in->b << 16 | (uint32_t)in->d << 24;
}

/* @return the block's hash. Only the last instruction can be a branch, whose cost depends on more than itself. */
static uint64_t make_key(const pvm_code_t *code, const pvm_instruction_t *instructions,
                         size_t count, uint32_t *out)
{
    const pvm_instruction_t *const last = &instructions[count - 1];
    uint64_t hash = 0;

    for (size_t i = 0; i < count; i++) {
        out[i] = word_of(&instructions[i]);
        hash = (hash ^ out[i]) * MULTIPLIER;
    }
    if (pvm_isa_ops[last->op].effect == PVM_EFFECT_BRANCH &&
        pvm_gas_branch_cycles(code, last) == 1) {
        out[count - 1] |= CHEAP;
        hash = (hash ^ CHEAP) * MULTIPLIER;
    }
    return hash;
}

static bool same_words(const uint32_t *a, const uint32_t *b, size_t count)
{
    uint32_t difference = 0;

    for (size_t i = 0; i < count; i++) {
        difference |= a[i] ^ b[i];
    }
    return difference == 0;
}

void pvm_gas_memo_clear(pvm_gas_memo_t *memo)
{
    memset(memo->blocks, 0, sizeof(memo->blocks));
    memo->used = 0;
}

uint32_t pvm_gas_memo_cost(pvm_gas_memo_t *memo, const pvm_code_t *code,
                           const pvm_instruction_t *instructions, size_t count)
{
    if (memo == NULL || count > PVM_GAS_MEMO_INSTRUCTIONS) {
        return pvm_gas_pipeline_block(code, instructions, count);
    }
    if (memo->used + count > PVM_GAS_MEMO_WORDS) {
        pvm_gas_memo_clear(memo);
    }
    uint32_t *const key = memo->words + memo->used;
    const uint64_t hash = make_key(code, instructions, count, key);
    pvm_gas_memo_block_t *const block = &memo->blocks[(hash >> 32) % PVM_GAS_MEMO_BLOCKS];
    const uint32_t check = (uint32_t)(hash >> 32);

    if (block->len == count && block->hash == check &&
        same_words(memo->words + block->offset, key, count)) {
        return block->cost;
    }
    const uint32_t cost = pvm_gas_pipeline_block(code, instructions, count);
    *block = (pvm_gas_memo_block_t){check, cost, (uint16_t)memo->used, (uint16_t)count};
    memo->used += (uint32_t)count;
    return cost;
}
