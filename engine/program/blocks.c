/* The block table. Block starts are 0 and what follows a terminator, where a defined opcode stands; a block
 * runs on to its terminator. Spec: GP A.3; validation GP 0.8.0 A.2. */
#include "program/blocks.h"

#include "gas/words.h"
#include "isa/positions.h"
#include "program/prices.h"
#include "program/regular.h"
#include "support/error.h"
#include "support/large.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void mark(uint8_t *bits, uint32_t pc)
{
    bits[pc >> 3] = (uint8_t)(bits[pc >> 3] | 1U << (pc & 7));
}

/* A walk over the instructions. A block is open from its start to its terminator or what acts as a trap. */
typedef struct {
    pvm_program_t *program;
    pvm_block_t *block; /**< NULL: none is open */
    uint32_t capacity;
} walk_t;

bool pvm_program_reserve_blocks(pvm_program_t *program, uint32_t *capacity, uint32_t more)
{
    if (*capacity - program->block_count >= more) {
        return true;
    }
    /* Seldom more than a block for 16 octets. */
    const uint32_t larger = more + (*capacity == 0 ? program->code.len / 16 + 16 : 2 * *capacity);
    pvm_block_t *const blocks = pvm_large_take(larger * sizeof(*blocks));
    if (blocks == NULL) {
        return false;
    }
    if (program->block_count > 0) {
        memcpy(blocks, program->blocks, program->block_count * sizeof(*blocks));
    }
    pvm_large_give(program->blocks);
    program->blocks = blocks;
    *capacity = larger;
    return true;
}

static bool open_block(walk_t *walk, uint32_t pc)
{
    pvm_program_t *const program = walk->program;

    if (!pvm_program_reserve_blocks(program, &walk->capacity, 1)) {
        return false;
    }
    walk->block = &program->blocks[program->block_count++];
    walk->block->pc = pc;
    return true;
}

/* @param instructions  as the table counts them: a trap that stands for the end of the code does not count */
static void close_block(walk_t *walk, uint32_t instructions, uint32_t end)
{
    const uint32_t len = walk->program->code.len;
    pvm_block_t *const block = walk->block;

    block->end_pc = end < len ? end : len;
    block->instructions = instructions;
    block->gas = walk->program->has_block_gas ? 0 : instructions;
    walk->block = NULL;
}

/* Where blocks begin and end, and how many instructions they have. skip() gives up after
 * PVM_SKIP_MAX octets: what it then leads to acts as a trap and is counted as an instruction. @return false without memory. */
static bool find_all(walk_t *walk)
{
    pvm_program_t *const program = walk->program;
    const pvm_code_t *const code = &program->code;
    const uint8_t *const octets = code->octets;
    const pvm_gas_number_t *const numbers = pvm_gas_numbers_of(code->isa)->numbers;
    const uint32_t len = code->len;
    pvm_positions_t positions = pvm_positions_from(code, 0);
    uint32_t number = 0; /* of the instruction at pc */

    uint32_t pc = pvm_positions_next(&positions);
    if (len == 0) {
        return true;
    }
    /* Position 0 is in the table even where nothing stands there: what executes must be somewhere. */
    if (!open_block(walk, 0)) {
        return false;
    }
    if (pc != 0) {
        close_block(walk, 1, 1 + pvm_isa_skip(code, 0));
    } else if (numbers[octets[0]].class != 0) {
        mark(program->block_starts, 0);
    }
    uint32_t first = 0; /* number of the open block's first instruction */
    for (;;) {
        const pvm_gas_number_t *opcode;
        uint32_t at;
        uint32_t step;
        /* From one plain instruction to the next. Behind the end of the code stands a trap. */
        do {
            at = pc;
            opcode = &numbers[octets[at]];
            number++;
            pc = pvm_positions_next(&positions);
            step = pc - at;
        } while (opcode->class == PVM_GAS_IS_DEFINED && step <= PVM_SKIP_MAX + 1);
        if (at >= len) {
            break;
        }
        const uint32_t in_block = number - 1 - first;
        const uint32_t next = at + (step <= PVM_SKIP_MAX ? step : PVM_SKIP_MAX + 1);
        if (opcode->class == PVM_GAS_IS_DEFINED) {
            if (next < len && walk->block != NULL) {
                close_block(walk, in_block + 2, next + 1 + pvm_isa_skip(code, next));
            }
            continue;
        }
        if (walk->block != NULL) {
            close_block(walk, in_block + 1, next);
        }
        if ((opcode->class & PVM_GAS_IS_TERMINATOR) != 0 && pc == next && pc < len &&
            numbers[octets[pc]].class != 0) {
            if (!open_block(walk, pc)) {
                return false;
            }
            first = number;
            mark(program->block_starts, pc);
        }
    }
    if (walk->block != NULL) {
        close_block(walk, number - 1 - first, len);
    }
    return true;
}

int pvm_program_find_blocks(pvm_program_t *program)
{
    const uint32_t len = program->code.len;
    const size_t starts_bytes = len / 8 + 1 + sizeof(uint64_t);

    program->block_starts = calloc(starts_bytes, 1);
    pvm_regular_t found =
        program->block_starts == NULL ? PVM_REGULAR_NO_MEMORY : pvm_regular_find_blocks(program);
    if (found == PVM_REGULAR_NOT) {
        walk_t walk = {.program = program};
        memset(program->block_starts, 0, starts_bytes);
        program->block_count = 0;
        found = find_all(&walk) ? PVM_REGULAR_FOUND : PVM_REGULAR_NO_MEMORY;
    }
    if (found == PVM_REGULAR_NO_MEMORY) {
        return pvm_error_set("no memory for the blocks of %u octets of code", len);
    }
    if (program->spec == PVM_SPEC_LATEST64) {
        mark(program->block_starts, len);
    }
    return 0;
}

void pvm_program_forget_blocks(pvm_program_t *program)
{
    pvm_program_forget_prices(program);
    free(program->block_starts);
    pvm_large_give(program->blocks);
    program->block_starts = NULL;
    program->blocks = NULL;
    program->block_count = 0;
}

bool pvm_program_find_violation(const pvm_code_t *code, char *out, size_t out_bytes)
{
    const pvm_gas_number_t *const numbers = pvm_gas_numbers_of(code->isa)->numbers;
    pvm_positions_t positions = pvm_positions_from(code, 0);
    uint32_t pc = 0;
    uint32_t last = 0;

    if (pvm_regular_is_valid(code)) {
        return false;
    }
    if (code->len == 0) {
        (void)snprintf(out, out_bytes, "the code is empty");
        return true;
    }
    /* skip() counts the mask as set behind the end, so the walk meets the end exactly. */
    for (uint32_t at = pvm_positions_next(&positions); pc < code->len;
         at = pvm_positions_next(&positions)) {
        if (at > pc) {
            (void)snprintf(out, out_bytes, "no instruction starts at code offset %u", pc);
            return true;
        }
        if (numbers[code->octets[pc]].class == 0) {
            (void)snprintf(out, out_bytes, "undefined opcode %u at code offset %u",
                           code->octets[pc], pc);
            return true;
        }
        last = pc;
        pc += 1 + pvm_isa_skip(code, pc);
    }
    if ((numbers[code->octets[last]].class & PVM_GAS_IS_TERMINATOR) == 0) {
        (void)snprintf(out, out_bytes,
                       "the last instruction, at code offset %u, does not end a block", last);
        return true;
    }
    return false;
}
