/* The block table. Block starts are 0 and what follows a terminator, where a defined opcode stands; a block
 * runs on to its terminator. Spec: GP A.3; validation GP 0.8.0 A.2. */
#include "program/blocks.h"

#include "gas/memo.h"
#include "gas/pipeline.h"
#include "support/error.h"

#include <stdio.h>
#include <stdlib.h>

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

static uint32_t mark_starts(pvm_program_t *program)
{
    const pvm_code_t *const code = &program->code;
    uint32_t count = 1;

    if (is_instruction(code, 0)) {
        mark(program->block_starts, 0);
    }
    for (uint32_t pc = 0; pc < code->len; pc++) {
        if (!is_terminator_at(code, pc)) {
            continue;
        }
        const uint32_t next = pc + 1 + pvm_isa_skip(code, pc);
        if (is_instruction(code, next)) {
            mark(program->block_starts, next);
            count++;
        }
    }
    if (program->spec == PVM_SPEC_LATEST64) {
        mark(program->block_starts, code->len);
    }
    return count;
}

/* One block from its start to its terminator, to what acts as a trap, or to the end of the code. */
static void measure(const pvm_program_t *program, pvm_gas_memo_t *memo, pvm_block_t *block)
{
    pvm_instruction_t decoded[PVM_GAS_MEMO_INSTRUCTIONS];
    size_t count = 0;
    uint32_t pc = block->pc;
    const pvm_instruction_t *in;

    block->instructions = 0;
    do {
        pvm_isa_decode(&program->code, pc, &decoded[count % PVM_GAS_MEMO_INSTRUCTIONS]);
        in = &decoded[count++ % PVM_GAS_MEMO_INSTRUCTIONS];
        if (pc >= program->code.len) {
            break;
        }
        block->instructions++;
        pc = in->next < program->code.len ? in->next : program->code.len;
    } while (!in->implicit && !pvm_isa_is_terminator((pvm_op_t)in->op));
    block->end_pc = pc;
    if (!program->has_block_gas) {
        block->gas = block->instructions;
    } else if (count <= PVM_GAS_MEMO_INSTRUCTIONS) {
        block->gas = pvm_gas_memo_cost(memo, &program->code, decoded, count);
    } else {
        block->gas = pvm_gas_pipeline_cost(&program->code, block->pc);
    }
}

int pvm_program_find_blocks(pvm_program_t *program)
{
    const uint32_t len = program->code.len;

    program->block_starts = calloc(len / 8 + 1, 1);
    if (program->block_starts == NULL) {
        return pvm_error_set("no memory for the blocks of %u octets of code", len);
    }
    const uint32_t count_max = mark_starts(program);
    if (len == 0) {
        return 0;
    }
    program->blocks = malloc(count_max * sizeof(*program->blocks));
    if (program->blocks == NULL) {
        return pvm_error_set("no memory for %u blocks", count_max);
    }
    /* Without memory for it the costs are the same, only slower. */
    pvm_gas_memo_t *const memo = program->has_block_gas ? malloc(sizeof(*memo)) : NULL;
    if (memo != NULL) {
        pvm_gas_memo_clear(memo);
    }
    /* Position 0 is in the table even where no defined opcode stands there: what executes must be somewhere. */
    for (uint32_t pc = 0; pc < len; pc++) {
        if (pc == 0 || pvm_program_is_block_start(program, pc)) {
            pvm_block_t *const block = &program->blocks[program->block_count++];
            block->pc = pc;
            measure(program, memo, block);
        }
    }
    free(memo);
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
