/* Calls and starts of routines, guessed from code. See routines.h. */
#include "program/routines.h"

#include <stdlib.h>

#define JAM_ACCUMULATE_PC 5

static void set_bit(uint8_t *bits, uint32_t pc)
{
    bits[pc >> 3] = (uint8_t)(bits[pc >> 3] | 1U << (pc & 7));
}

static void mark_start(const pvm_program_t *program, uint8_t *starts, uint64_t pc)
{
    if (pvm_program_is_block_start(program, pc)) {
        set_bit(starts, (uint32_t)pc);
    }
}

bool pvm_routine_look_up(const pvm_program_t *program, uint64_t address, uint32_t *out_pc)
{
    if (address < 2 || address % 2 != 0 || address / 2 > program->jump_table_len) {
        return false;
    }
    *out_pc = program->jump_table[address / 2 - 1];
    return true;
}

bool pvm_routine_writes(const pvm_instruction_t *in, uint8_t reg)
{
    const uint8_t roles = pvm_isa_ops[in->op].writes;

    return ((roles & PVM_ROLE_A) && in->a == reg) || ((roles & PVM_ROLE_B) && in->b == reg) ||
           ((roles & PVM_ROLE_D) && in->d == reg);
}

bool pvm_routine_leaves_address(const pvm_instruction_t *in)
{
    const uint8_t effect = pvm_isa_ops[in->op].effect;

    return in->op == PVM_OP_load_imm || effect == PVM_EFFECT_JUMP || effect == PVM_EFFECT_JUMP_IND;
}

bool pvm_routine_moves_stack(const pvm_instruction_t *in)
{
    return !in->implicit && (in->op == PVM_OP_add_imm_64 || in->op == PVM_OP_add_imm_32) &&
           in->a == PVM_REGISTER_STACK && in->b == PVM_REGISTER_STACK;
}

/* Where the last octets of a block begin: at an instruction. */
static uint32_t tail_of(const pvm_program_t *program, const pvm_block_t *block)
{
    uint32_t pc = block->pc;

    if (block->end_pc - pc > PVM_ROUTINE_LINK_OCTETS) {
        pc = block->end_pc - PVM_ROUTINE_LINK_OCTETS;
        while (pc < block->end_pc && !pvm_isa_mask_at(&program->code, pc)) {
            pc++;
        }
    }
    return pc;
}

/* Whether the last instruction of a block jumps always, seen from its opcode: other blocks need not be decoded. */
static bool may_call(const pvm_program_t *program, const pvm_block_t *block)
{
    const pvm_code_t *const code = &program->code;
    uint32_t pc = block->end_pc;

    do {
        if (pc == block->pc) {
            return false;
        }
        pc--;
    } while (!pvm_isa_mask_at(code, pc));
    const pvm_op_t op = pvm_isa_op(code->isa, code->octets[pc]);
    return op != PVM_OP_INVALID && (pvm_isa_ops[op].effect == PVM_EFFECT_JUMP ||
                                    pvm_isa_ops[op].effect == PVM_EFFECT_JUMP_IND);
}

bool pvm_routine_call_at(const pvm_program_t *program, uint32_t index, pvm_routine_call_t *out)
{
    const pvm_block_t *const block = &program->blocks[index];
    pvm_instruction_t in = {.op = PVM_OP_trap};
    bool is_linked = false;

    *out = (pvm_routine_call_t){.target = PVM_ROUTINE_NO_PC};
    if (!may_call(program, block)) {
        return false;
    }
    for (uint32_t pc = tail_of(program, block); pc < block->end_pc; pc = in.next) {
        pvm_isa_decode(&program->code, pc, &in);
        if (pvm_routine_writes(&in, PVM_REGISTER_RETURN)) {
            is_linked = pvm_routine_leaves_address(&in);
            out->address = (uint32_t)in.x;
        } else if (pvm_routine_moves_stack(&in) && in.x < 0) {
            /* Whoever makes room with a return address in r0 is the routine called, merged into its caller. */
            is_linked = false;
        }
    }
    const uint8_t effect = pvm_isa_ops[in.op].effect;
    if (!is_linked || in.implicit || (effect != PVM_EFFECT_JUMP && effect != PVM_EFFECT_JUMP_IND) ||
        !pvm_routine_look_up(program, out->address, &out->back)) {
        return false;
    }
    out->pc = in.pc;
    out->is_sure = out->back == in.next || pvm_routine_writes(&in, PVM_REGISTER_RETURN);
    if (effect == PVM_EFFECT_JUMP) {
        out->target = (uint32_t)in.y;
    }
    return true;
}

/* -- Starts -------------------------------------------------------------------------------- */

static void mark_calls(const pvm_program_t *program, uint8_t *starts, uint8_t *returns)
{
    pvm_routine_call_t call;

    for (uint32_t block = 0; block < program->block_count; block++) {
        if (!pvm_routine_call_at(program, block, &call) || !call.is_sure) {
            continue;
        }
        if (call.back <= program->code.len) {
            set_bit(returns, call.back);
        }
        if (call.target != PVM_ROUTINE_NO_PC) {
            mark_start(program, starts, call.target);
        }
    }
}

/* An entry of a JAM program: mostly a jump to the routine. */
static void mark_entry(const pvm_program_t *program, uint8_t *starts, uint32_t pc)
{
    pvm_instruction_t in;

    mark_start(program, starts, pc);
    pvm_isa_decode(&program->code, pc, &in);
    if (program->format == PVM_FORMAT_JAM && in.op == PVM_OP_jump && in.y >= 0) {
        mark_start(program, starts, (uint64_t)in.y);
    }
}

static bool moves_stack_down(const pvm_program_t *program, uint32_t pc)
{
    pvm_instruction_t in;

    pvm_isa_decode(&program->code, pc, &in);
    return pvm_routine_moves_stack(&in) && in.x < 0;
}

static void mark_all(const pvm_program_t *program, uint8_t *starts, uint8_t *returns)
{
    mark_entry(program, starts, 0);
    if (program->format == PVM_FORMAT_JAM) {
        mark_entry(program, starts, JAM_ACCUMULATE_PC);
    }
    for (size_t i = 0; i < program->export_count; i++) {
        mark_start(program, starts, program->exports[i].pc);
    }
    mark_calls(program, starts, returns);
    for (uint32_t i = 0; i < program->jump_table_len; i++) {
        const uint32_t pc = program->jump_table[i];
        if (pc < program->code.len && !pvm_routine_is_marked(returns, pc) &&
            moves_stack_down(program, pc)) {
            mark_start(program, starts, pc);
        }
    }
}

uint8_t *pvm_routine_find_starts(const pvm_program_t *program)
{
    const size_t octets = (size_t)program->code.len / 8 + 1;
    uint8_t *const starts = calloc(octets, 1);
    uint8_t *const returns = calloc(octets, 1);

    if (starts == NULL || returns == NULL) {
        free(starts);
        free(returns);
        return NULL;
    }
    mark_all(program, starts, returns);
    free(returns);
    return starts;
}
