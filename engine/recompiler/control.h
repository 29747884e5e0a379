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
    const uint32_t most = pvm_program_block_gas(c->program, block);
    const bool small = most <= INT8_MAX;

    c->too_large |= most > INT32_MAX;
    pvm_compiler_pay(e, (int32_t)most, !small);
    c->head_price = e->at - (small ? 1 : 4);
    c->price_is_small = small;
    c->price_guess = most;
    if (c->flat) {
        c->prices[c->price_count++] = c->head_price;
    }
}

/* The start of a block. Plain code pays here, whoever comes. */
PVM_EMIT void pvm_compiler_begin_block(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t pc,
                                       uint32_t runs_on_from)
{
    const uint32_t block = c->block;

    c->block_heads[block] = (uint32_t)(e->at - c->base);
    c->segment_block = block;
    if (runs_on_from == UINT32_MAX) {
        c->not_run_into = block;
    }
    if (c->counting) {
        pvm_emitter_t copy = *e;
        pvm_compiler_begin_counted_block(c, &copy, pc, runs_on_from);
        pvm_emit_go_on(e, &copy);
    } else {
        pvm_compiler_pay_head(c, e, block);
        /* To the block's stub. */
        e->at = pvm_x86_jcc_forward(e->at, PVM_X86_B);
        c->block_bodies[block] = (uint32_t)(e->at - c->base);
    }
    c->block++;
}

/* Let the head of the open block pay for `target`, too, an earlier block to which it jumps. Then the jump leads behind the
 * target's head. Only where all of the block runs once the head has paid, or leaves by its stretch.
 * @return what is paid ahead, 0: nothing */
static inline uint32_t pvm_compiler_pay_ahead(pvm_compiler_t *c, uint32_t target)
{
    pvm_recompiler_code_t *const code = c->code;
    const uint32_t block = c->block - 1;

    if (c->counting || c->block_heads[target] == 0 || target == block ||
        c->segment_block != block || c->block_first + 1 != code->stretch_count) {
        return 0;
    }
    const uint32_t ahead = pvm_compiler_block_cost(c, target) + c->block_aheads[target];
    const uint32_t all = pvm_program_block_gas(c->program, block) + ahead;
    if (all > (c->price_is_small ? INT8_MAX : INT32_MAX / 2)) {
        return 0;
    }
    if (c->flat) {
        c->price_ahead = ahead;
    } else {
        memcpy(c->head_price, &all, c->price_is_small ? 1 : sizeof(all));
    }
    c->block_aheads[block] = ahead;
    code->stretches[c->block_first].ahead = ahead;
    return ahead;
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
        pvm_compiler_jump_to(c, e, -1, block, pvm_compiler_pay_ahead(c, block) != 0, 0);
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
        const bool is_innermost = c->block_heads[block] >= c->pinned;
        const uint32_t ahead = is_innermost ? pvm_compiler_pay_ahead(c, block) : 0;
        pvm_compiler_jump_to(c, e, (int)condition, block, ahead != 0, 0);
        if (ahead != 0) {
            pvm_compiler_change_gas(e, PVM_X86_ADD, (int32_t)ahead, false);
        }
    }
    return true;
}

/* Behind the instruction at pc, with this end, whose skip leads to `next`. */
PVM_EMIT void pvm_compiler_end(pvm_compiler_t *c, pvm_emitter_t *e, pvm_ends_t ends, uint32_t pc,
                               uint32_t next)
{
    pvm_recompiler_code_t *const code = c->code;
    const pvm_stretch_t *const last = &code->stretches[code->stretch_count - 1];

    /* An instruction that leaves begins a stretch behind what was settled for it. */
    if (last->lengths == c->length_count - 1) {
        code->lengths[last->lengths] = (uint8_t)(e->at - c->base - last->host);
    }
    if (ends >= PVM_ENDS_BLOCK) {
        c->terminator += ends != PVM_ENDS_BLOCK_UNDEFINED;
        pvm_compiler_close_block(c);
    } else if (c->flat) {
        pvm_compiler_close_segment(c);
    }
    if (ends == PVM_ENDS_BLOCK_RUNS_ON && c->counting &&
        !pvm_compiler_is_reachable(c->program, next)) {
        pvm_compiler_leave(c, e, PVM_STUB_UNPAID_NEXT, next, pc);
    }
    if (c->loop != PVM_COMPILER_NO_BLOCK) {
        pvm_emitter_t copy = *e;
        pvm_compiler_place_loop(c, &copy);
        pvm_emit_go_on(e, &copy);
    }
}

#endif
