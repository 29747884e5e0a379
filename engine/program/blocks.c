/* The block table. Block starts are 0 and what follows a terminator, where a defined opcode stands; a block
 * runs on to its terminator. Spec: GP A.3; validation GP 0.8.0 A.2. */
#include "program/blocks.h"

#include "gas/memo.h"
#include "gas/pipeline.h"
#include "support/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_instruction(const pvm_code_t *code, uint32_t pc)
{
    return pc < code->len && pvm_isa_mask_at(code, pc) &&
           pvm_isa_op(code->isa, code->octets[pc]) != PVM_OP_INVALID;
}

static bool is_terminator_at(const pvm_code_t *code, uint32_t pc)
{
    return is_instruction(code, pc) &&
           pvm_isa_is_terminator(pvm_isa_op(code->isa, code->octets[pc]));
}

static void mark(uint8_t *bits, uint32_t pc)
{
    bits[pc >> 3] = (uint8_t)(bits[pc >> 3] | 1U << (pc & 7));
}

/* What the table needs to know of an opcode number. */
enum { IS_DEFINED = 1, IS_TERMINATOR = 2 };

static void classify(pvm_isa_t isa, uint8_t *classes)
{
    for (unsigned number = 0; number < 256; number++) {
        const pvm_op_t op = pvm_isa_op(isa, (uint8_t)number);
        classes[number] = 0;
        if (op != PVM_OP_INVALID) {
            classes[number] = pvm_isa_is_terminator(op) ? IS_DEFINED | IS_TERMINATOR : IS_DEFINED;
        }
    }
}

/* The mask from `pc` on, at least 57 positions of it: as padded code has it, ones behind the end. */
static inline uint64_t mask_bits(const pvm_code_t *code, uint32_t pc)
{
    uint64_t bits;

    memcpy(&bits, code->mask + (pc >> 3), sizeof(bits));
    return bits >> (pc & 7);
}

/* Octets to the next position where an instruction stands: `bits` is the mask behind `pc`. */
static inline uint32_t distance(const pvm_code_t *code, uint32_t pc, uint64_t bits)
{
    uint32_t passed = 0;

    while (bits == 0) {
        passed += 57;
        bits = mask_bits(code, pc + 1 + passed);
    }
    return 1 + passed + (uint32_t)__builtin_ctzll(bits);
}

/* A walk over the instructions. A block is open from its start to its terminator or what acts as a trap. */
typedef struct {
    pvm_program_t *program;
    pvm_block_t *block; /**< NULL: none is open */
    size_t capacity;
} walk_t;

static bool open_block(walk_t *walk, uint32_t pc)
{
    pvm_program_t *const program = walk->program;

    if (program->block_count == walk->capacity) {
        /* Seldom more than a block for 16 octets. */
        const size_t larger =
            walk->capacity == 0 ? program->code.len / 16 + 16 : 2 * walk->capacity;
        pvm_block_t *const blocks = realloc(program->blocks, larger * sizeof(*blocks));
        if (blocks == NULL) {
            return false;
        }
        program->blocks = blocks;
        walk->capacity = larger;
    }
    walk->block = &program->blocks[program->block_count++];
    *walk->block = (pvm_block_t){.pc = pc};
    return true;
}

static void close_block(walk_t *walk, uint32_t instructions, uint32_t end)
{
    const uint32_t len = walk->program->code.len;

    walk->block->instructions = instructions;
    walk->block->end_pc = end < len ? end : len;
    walk->block = NULL;
}

/* Where blocks begin and end, and how many instructions they have. skip() gives up after PVM_SKIP_MAX octets: what it then
 * leads to acts as a trap and is counted as an instruction. @return false without memory. */
static bool find_all(pvm_program_t *program)
{
    const pvm_code_t *const code = &program->code;
    walk_t walk = {.program = program};
    uint8_t classes[256];
    uint32_t start = 0; /* where a block begins if an instruction stands there */
    uint32_t instructions = 0;
    uint32_t pc = 0;

    classify(code->isa, classes);
    if (!pvm_isa_mask_at(code, 0)) {
        /* Position 0 is in the table even where nothing stands there: what executes must be somewhere. */
        if (!open_block(&walk, 0)) {
            return false;
        }
        close_block(&walk, 1, 1 + pvm_isa_skip(code, 0));
        pc = distance(code, 0, mask_bits(code, 1));
    }
    while (pc < code->len) {
        const uint8_t class = classes[code->octets[pc]];
        if (pc == start && (class != 0 || pc == 0)) {
            if (!open_block(&walk, pc)) {
                return false;
            }
            if (class != 0) {
                mark(program->block_starts, pc);
            }
            instructions = 0;
        }
        const uint32_t step = distance(code, pc, mask_bits(code, pc + 1));
        const uint32_t next = pc + (step <= PVM_SKIP_MAX ? step : PVM_SKIP_MAX + 1);
        instructions++;
        if (class != IS_DEFINED) {
            start = (class & IS_TERMINATOR) != 0 ? next : start;
            if (walk.block != NULL) {
                close_block(&walk, instructions, next);
            }
        } else if (step > PVM_SKIP_MAX + 1 && next < code->len && walk.block != NULL) {
            close_block(&walk, instructions + 1, next + 1 + pvm_isa_skip(code, next));
        }
        pc += step;
    }
    if (walk.block != NULL) {
        close_block(&walk, instructions, code->len);
    }
    return true;
}

/* What a block costs under 0.8.0 and latest64. A block that runs off the code ends in a trap. */
static uint32_t cost_of(const pvm_code_t *code, pvm_gas_memo_t *memo, const pvm_block_t *block)
{
    pvm_instruction_t decoded[PVM_GAS_MEMO_INSTRUCTIONS];
    size_t count = 0;
    uint32_t pc = block->pc;

    if (block->instructions >= PVM_GAS_MEMO_INSTRUCTIONS) {
        return pvm_gas_pipeline_cost(code, block->pc);
    }
    do {
        pvm_isa_decode(code, pc, &decoded[count]);
        pc = decoded[count].next;
    } while (!pvm_isa_is_terminator((pvm_op_t)decoded[count++].op));
    return pvm_gas_memo_cost(memo, code, decoded, count);
}

static void price(pvm_program_t *program)
{
    /* Without memory for it the costs are the same, only slower. */
    pvm_gas_memo_t *const memo = program->has_block_gas ? malloc(sizeof(*memo)) : NULL;

    if (memo != NULL) {
        pvm_gas_memo_clear(memo);
    }
    for (uint32_t i = 0; i < program->block_count; i++) {
        pvm_block_t *const block = &program->blocks[i];
        block->gas =
            program->has_block_gas ? cost_of(&program->code, memo, block) : block->instructions;
    }
    free(memo);
}

int pvm_program_find_blocks(pvm_program_t *program)
{
    const uint32_t len = program->code.len;

    program->block_starts = calloc(len / 8 + 1, 1);
    if (program->block_starts == NULL) {
        return pvm_error_set("no memory for the blocks of %u octets of code", len);
    }
    if (program->spec == PVM_SPEC_LATEST64) {
        mark(program->block_starts, len);
    }
    if (!find_all(program)) {
        return pvm_error_set("no memory for the blocks of %u octets of code", len);
    }
    price(program);
    return 0;
}

bool pvm_program_find_violation(const pvm_code_t *code, char *out, size_t out_bytes)
{
    uint32_t pc = 0;
    uint32_t last = 0;

    if (code->len == 0) {
        (void)snprintf(out, out_bytes, "the code is empty");
        return true;
    }
    while (pc < code->len) {
        if (!pvm_isa_mask_at(code, pc)) {
            (void)snprintf(out, out_bytes, "no instruction starts at code offset %u", pc);
            return true;
        }
        if (!is_instruction(code, pc)) {
            (void)snprintf(out, out_bytes, "undefined opcode %u at code offset %u",
                           code->octets[pc], pc);
            return true;
        }
        last = pc;
        pc += 1 + pvm_isa_skip(code, pc);
    }
    /* skip() counts the mask as set behind the end, so the walk meets the end exactly. */
    if (!is_terminator_at(code, last)) {
        (void)snprintf(out, out_bytes,
                       "the last instruction, at code offset %u, does not end a block", last);
        return true;
    }
    return false;
}
