/* The memory of blocks: hash, look-up. Words hold everything that the cost depends on. */
#include "gas/memo.h"

#include "gas/pipeline.h"

#include <assert.h>
#include <string.h>

static_assert(PVM_GAS_MEMO_WORDS <= UINT16_MAX + 1, "an offset fits its field");
static_assert((PVM_GAS_MEMO_BLOCKS & (PVM_GAS_MEMO_BLOCKS - 1)) == 0,
              "a place is cut out of the hash");

#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)

/* Two words at a time. */
static uint64_t hash_of(const pvm_gas_word_t *words, size_t count)
{
    uint64_t hash = count;
    size_t i = 0;

    for (; i + 2 <= count; i += 2) {
        hash = (hash ^ words[i] ^ (uint64_t)words[i + 1] << 32) * MULTIPLIER;
        hash ^= hash >> 32;
    }
    return i < count ? (hash ^ words[i]) * MULTIPLIER : hash * MULTIPLIER;
}

static bool same_words(const pvm_gas_word_t *a, const pvm_gas_word_t *b, size_t count)
{
    pvm_gas_word_t difference = 0;

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

uint32_t pvm_gas_memo_cost(pvm_gas_memo_t *memo, const pvm_code_t *code, uint32_t pc, size_t count)
{
    const pvm_gas_word_t *const words = pvm_gas_memo_room(memo);
    const uint64_t hash = hash_of(words, count);
    pvm_gas_memo_block_t *const block = &memo->blocks[(hash >> 32) % PVM_GAS_MEMO_BLOCKS];
    const uint32_t check = (uint32_t)(hash >> 32);

    if (block->len == count && block->hash == check &&
        same_words(memo->words + block->offset, words, count)) {
        return block->cost;
    }
    const uint32_t cost = pvm_gas_pipeline_block(code, pc, words, count);
    *block = (pvm_gas_memo_block_t){check, cost, (uint16_t)memo->used, (uint16_t)count};
    memo->used += (uint32_t)count;
    if (memo->used >= PVM_GAS_MEMO_WORDS) {
        pvm_gas_memo_clear(memo);
    }
    return cost;
}
