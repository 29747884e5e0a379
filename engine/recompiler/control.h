/* Where blocks begin and end: paying and counting arrivals, jumps, branches, host calls, and what is left to the step.
 * Jumps and branches are inline, because they are many; the rest is in control.c. */
#ifndef PVM_RECOMPILER_CONTROL_H
#define PVM_RECOMPILER_CONTROL_H

#include "recompiler/links.h"
#include "recompiler/loops.h"
#include "recompiler/segments.h"
#include "recompiler/select_arithmetic.h"

/** This instruction is left to the step: it stands outside of segments and begins a stretch. */
void pvm_compiler_leave_instruction(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t pc);
/** Counting code: the start of block c->block. Who comes from elsewhere than the block before or the landing has paid and
 *  counted, and goes to the body. */
void pvm_compiler_begin_counted_block(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t pc,
                                      uint32_t runs_on_from);
/** Counting code: pay for a jump's target, count the edge, go there. */
void pvm_compiler_jump_counting(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t target_pc,
                                uint32_t block, uint32_t pc);
/** Counting code: the same for a branch, if the condition holds. */
void pvm_compiler_branch_counting(pvm_compiler_t *c, pvm_emitter_t *e, const pvm_instruction_t *in,
                                  pvm_x86_condition_t condition, uint32_t block);
/** A jump through the table, d = v on the way if it links. */
void pvm_compiler_jump_indirect(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t pc, bool links,
                                uint32_t d, pvm_operand_t v, pvm_address_t address);
/** mov ecx, site; jmp thunk */
void pvm_compiler_host_call(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t pc, int32_t func_id);
/** What stands at pc acts as a trap, although no instruction starts there. */
void pvm_compiler_gap(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t pc);

/* Pay for the block that begins here. Its price under 0.7.2 is known when its first segment is. */
PVM_EMIT void pvm_compiler_pay_head(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t block)
{
    const uint32_t most = c->program->blocks[block].gas;
    const bool small = most <= INT8_MAX;

    c->too_large |= most > INT32_MAX;
    pvm_compiler_pay(e, (int32_t)most, !small);
    if (c->flat) {
        c->prices[c->price_count++] = e->at - (small ? 1 : 4);
        c->price_is_small = small;
    }
}

/* The start of a block. Plain code pays here, whoever comes. */
PVM_EMIT void pvm_compiler_begin_block(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t pc,
                                       uint32_t runs_on_from)
{
    const uint32_t block = c->block;

    c->block_heads[block] = (uint32_t)(e->at - c->base);
    c->segment_block = block;
    if (c->counting) {
        pvm_compiler_begin_counted_block(c, e, pc, runs_on_from);
    } else {
        pvm_compiler_pay_head(c, e, block);
        pvm_compiler_leave_if(c, e, PVM_X86_B, PVM_STUB_UNPAID_NEXT, pc, 0);
    }
    c->block++;
}

PVM_EMIT void link_register(pvm_emitter_t *e, bool links, uint32_t d, pvm_operand_t v)
{
    if (links) {
        pvm_emit_get(e, true, pvm_host_register(d), v, true);
        pvm_emit_now_64(e, d);
    }
}

/* mov d, v; jmp target */
PVM_EMIT void pvm_compiler_jump(pvm_compiler_t *c, pvm_emitter_t *e, const pvm_instruction_t *in,
                                bool links, uint32_t d, pvm_operand_t v)
{
    if (!pvm_compiler_is_reachable(c->program, in->y)) {
        pvm_emitter_t copy = *e;
        pvm_compiler_leave_instruction(c, &copy, in->pc);
        pvm_emit_go_on(e, &copy);
        return;
    }
    const uint32_t block = pvm_compiler_block_at(c, (uint32_t)in->y);
    pvm_emit_settle(e);
    link_register(e, links, d, v);
    if (c->counting) {
        pvm_emitter_t copy = *e;
        pvm_compiler_jump_counting(c, &copy, (uint32_t)in->y, block, in->pc);
        pvm_emit_go_on(e, &copy);
    } else {
        pvm_compiler_jump_to(c, e, -1, block, 0);
    }
}

/* cmp v, w; jCC target. @return whether it can run on. */
PVM_EMIT bool pvm_compiler_branch(pvm_compiler_t *c, pvm_emitter_t *e, const pvm_instruction_t *in,
                                  pvm_x86_condition_t condition, pvm_operand_t v, pvm_operand_t w)
{
    if (!pvm_compiler_is_reachable(c->program, in->y) ||
        (!c->flat && !pvm_compiler_is_reachable(c->program, in->next))) {
        pvm_emitter_t copy = *e;
        pvm_compiler_leave_instruction(c, &copy, in->pc);
        pvm_emit_go_on(e, &copy);
        return false;
    }
    const uint32_t block = pvm_compiler_block_at(c, (uint32_t)in->y);
    pvm_emit_compare(e, v, w);
    pvm_emit_settle(e);
    if (c->counting) {
        pvm_emitter_t copy = *e;
        /* So that the one of the pass has no address, either. */
        const pvm_instruction_t branch = *in;
        pvm_compiler_branch_counting(c, &copy, &branch, condition, block);
        pvm_emit_go_on(e, &copy);
    } else {
        pvm_compiler_jump_to(c, e, (int)condition, block, 0);
    }
    return true;
}

/* Behind an instruction with this end, where the next one is at `next`. */
static inline void pvm_compiler_close(pvm_compiler_t *c, pvm_emitter_t *e, pvm_ends_t ends,
                                      pvm_instruction_t in)
{
    if (ends >= PVM_ENDS_BLOCK) {
        c->terminator += !in.implicit;
        pvm_compiler_close_block(c);
    }
    if (c->flat || ends >= PVM_ENDS_BLOCK) {
        pvm_compiler_close_segment(c);
    }
    if (ends == PVM_ENDS_BLOCK_RUNS_ON && c->counting &&
        !pvm_compiler_is_reachable(c->program, in.next)) {
        pvm_compiler_leave(c, e, PVM_STUB_UNPAID_NEXT, in.next, in.pc);
    }
    if (c->loop != PVM_COMPILER_NO_BLOCK) {
        pvm_compiler_place_loop(c, e);
    }
}

#endif
