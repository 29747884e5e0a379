/* A walk into the depth over the edges of blocks, as far as their last instructions tell them. */
#include "recompiler/reach.h"

#include "isa/operands.h"
#include "isa/positions.h"
#include "program/ranks.h"

/* Where the last instruction of a block stands: at the last bit of the mask in front of its end. */
static uint32_t last_of(const pvm_code_t *code, const pvm_block_t *block)
{
    const uint32_t last = block->end_pc - 1;
    const uint32_t base = last < 64 ? 0 : (last - 56) / 8 * 8;
    const uint64_t bits = pvm_positions_word(code, base) << (63 - (last - base));

    return bits == 0 ? block->pc : last - (uint32_t)__builtin_clzll(bits);
}

/* Where an instruction of this form leads to; the others have no target. */
static int64_t target_of(const pvm_code_t *code, pvm_form_t form, uint32_t pc, uint32_t skip)
{
    const uint8_t *const operands = code->octets + pc + 1;
    pvm_instruction_t in;

    in.pc = pc;
    in.y = -1;
    switch (form) {
    case PVM_FORM_OFF:
        pvm_operands_decode(PVM_FORM_OFF, operands, skip, &in);
        break;
    case PVM_FORM_REG_IMM_OFF:
        pvm_operands_decode(PVM_FORM_REG_IMM_OFF, operands, skip, &in);
        break;
    case PVM_FORM_REG_REG_OFF:
        pvm_operands_decode(PVM_FORM_REG_REG_OFF, operands, skip, &in);
        break;
    default:
        break;
    }
    return in.y;
}

/* Blocks behind this one, the likeliest last. Jumps through registers lead where nobody knows. @return how many */
static uint32_t edges_of(const pvm_reach_t *reach, uint32_t index, uint32_t *out)
{
    const pvm_program_t *const program = reach->program;
    const pvm_block_t *const block = &program->blocks[index];
    const uint32_t last = last_of(&program->code, block);
    const pvm_op_t op = (pvm_op_t)reach->ops[program->code.octets[last]];
    uint32_t count = 0;

    if (op >= PVM_OP_COUNT) {
        return 0;
    }
    const pvm_effect_t effect = (pvm_effect_t)pvm_isa_ops[op].effect;
    const int64_t y =
        target_of(&program->code, (pvm_form_t)pvm_isa_ops[op].form, last, block->end_pc - last - 1);
    const bool has_target =
        y >= 0 && y < program->code.len && pvm_program_is_block_start(program, (uint64_t)y);
    const bool goes_on = effect == PVM_EFFECT_BRANCH || effect == PVM_EFFECT_FALLTHROUGH;
    const bool is_next =
        index + 1 < program->block_count && program->blocks[index + 1].pc == block->end_pc;

    if (goes_on && has_target) {
        out[count++] = pvm_ranks_block_at(program, reach->ranks, (uint32_t)y);
    }
    /* What links its register is called, and returns here. */
    if (is_next && (goes_on || pvm_isa_ops[op].writes != 0)) {
        out[count++] = index + 1;
    }
    if (!goes_on && has_target) {
        out[count++] = pvm_ranks_block_at(program, reach->ranks, (uint32_t)y);
    }
    return count;
}

static void choose(pvm_reach_t *reach, uint32_t block, uint32_t *count)
{
    const pvm_block_t *const at = &reach->program->blocks[block];

    reach->is_taken[block] = true;
    reach->chosen[(*count)++] = block;
    reach->octets += at->end_pc - at->pc;
}

uint32_t pvm_reach_choose(pvm_reach_t *reach, uint32_t block, uint32_t octets)
{
    const uint32_t before = reach->octets;
    uint32_t waiting = 0;
    uint32_t count = 0;

    reach->waiting[waiting++] = block;
    while (waiting > 0 && reach->octets - before < octets) {
        const uint32_t at = reach->waiting[--waiting];
        if (!reach->is_taken[at]) {
            choose(reach, at, &count);
            waiting += edges_of(reach, at, reach->waiting + waiting);
        }
    }
    return count;
}

uint32_t pvm_reach_choose_rest(pvm_reach_t *reach)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < reach->program->block_count; i++) {
        if (!reach->is_taken[i]) {
            choose(reach, i, &count);
        }
    }
    return count;
}
