/* Selection of x86 for the arithmetic, logic and comparisons of isa/semantics.h: pvm_select_X() emits pvm_sem_X().
 *
 * d is the guest register written; v and w are the operands in the order of the function in semantics.h. */
#ifndef PVM_RECOMPILER_SELECT_ARITHMETIC_H
#define PVM_RECOMPILER_SELECT_ARITHMETIC_H

#include "recompiler/emitter.h"

/* -- Copies --- */

PVM_EMIT void pvm_select_copy(pvm_emitter_t *e, uint32_t d, pvm_operand_t v)
{
    if (v.is_immediate) {
        pvm_emit_get(e, true, pvm_host_register(d), v, false);
        if (v.immediate == (int32_t)v.immediate) {
            pvm_emit_now_extended(e, d);
        } else {
            pvm_emit_now_64(e, d);
        }
        return;
    }
    pvm_emit_get(e, true, pvm_host_register(d), v, false);
    pvm_emit_set_halves(e, d, (e->halves >> v.reg & (PVM_NARROW(0) | PVM_EXTENDED(0))) << d);
}

/* -- Two operands into one of them or a third --- */

/* d = v op w, for a commutative op or an immediate w:
 *   op d, w  |  op d, v  |  mov d, v; op d, w */
PVM_EMIT void pvm_emit_alu(pvm_emitter_t *e, bool wide, pvm_x86_alu_t op, uint32_t d,
                           pvm_operand_t v, pvm_operand_t w)
{
    const unsigned host = pvm_host_register(d);

    if (w.is_immediate) {
        pvm_emit_get(e, wide, host, v, false);
        e->at = pvm_x86_alu_imm(e->at, wide, op, host, (int32_t)w.immediate);
    } else if (d == w.reg) {
        e->at = pvm_x86_alu(e->at, wide, op, host, pvm_host_register(v.reg));
    } else {
        pvm_emit_get(e, wide, host, v, false);
        e->at = pvm_x86_alu(e->at, wide, op, host, pvm_host_register(w.reg));
    }
}

/* d = v + w:
 *   add d, w  |  add d, v  |  lea d, [v + w] */
PVM_EMIT void pvm_emit_add(pvm_emitter_t *e, bool wide, uint32_t d, pvm_operand_t v,
                           pvm_operand_t w)
{
    const unsigned host = pvm_host_register(d);
    const unsigned first = pvm_host_register(v.reg);

    if (w.is_immediate) {
        if (w.immediate == 0) {
            pvm_emit_get(e, wide, host, v, false);
        } else if (d == v.reg) {
            e->at = pvm_x86_alu_imm(e->at, wide, PVM_X86_ADD, host, (int32_t)w.immediate);
        } else {
            e->at = pvm_x86_lea(e->at, wide, host, first, (int32_t)w.immediate);
        }
    } else if (d == v.reg || d == w.reg) {
        e->at = pvm_x86_alu(e->at, wide, PVM_X86_ADD, host,
                            d == v.reg ? pvm_host_register(w.reg) : first);
    } else {
        e->at = pvm_x86_lea_sum(e->at, wide, host, first, pvm_host_register(w.reg));
    }
}

/* d = v - w:
 *   sub d, w  |  neg d; add d, v  |  mov d, v; sub d, w */
PVM_EMIT void pvm_emit_sub(pvm_emitter_t *e, bool wide, uint32_t d, pvm_operand_t v,
                           pvm_operand_t w)
{
    const unsigned host = pvm_host_register(d);

    if (d == w.reg && (v.is_immediate || d != v.reg)) {
        e->at = pvm_x86_unary(e->at, wide, PVM_X86_NEG, host);
        if (!v.is_immediate) {
            e->at = pvm_x86_alu(e->at, wide, PVM_X86_ADD, host, pvm_host_register(v.reg));
        } else if (v.immediate != 0) {
            e->at = pvm_x86_alu_imm(e->at, wide, PVM_X86_ADD, host, (int32_t)v.immediate);
        }
        return;
    }
    pvm_emit_get(e, wide, host, v, false);
    e->at = pvm_x86_alu(e->at, wide, PVM_X86_SUB, host, pvm_host_register(w.reg));
}

/* d = v * w:
 *   imul d, v, w  |  imul d, w  |  imul d, v  |  mov d, v; imul d, w */
PVM_EMIT void pvm_emit_mul(pvm_emitter_t *e, bool wide, uint32_t d, pvm_operand_t v,
                           pvm_operand_t w)
{
    const unsigned host = pvm_host_register(d);

    if (w.is_immediate) {
        e->at = pvm_x86_imul_imm(e->at, wide, host, pvm_host_register(v.reg), (int32_t)w.immediate);
    } else if (d == w.reg) {
        e->at = pvm_x86_imul(e->at, wide, host, pvm_host_register(v.reg));
    } else {
        pvm_emit_get(e, wide, host, v, false);
        e->at = pvm_x86_imul(e->at, wide, host, pvm_host_register(w.reg));
    }
}

#define PVM_SELECT_WIDTHS(name, emit)                                                              \
    PVM_EMIT void pvm_select_##name##_64(pvm_emitter_t *e, uint32_t d, pvm_operand_t v,            \
                                         pvm_operand_t w)                                          \
    {                                                                                              \
        pvm_emit_widen(e, v);                                                                      \
        pvm_emit_widen(e, w);                                                                      \
        emit(e, true, d, v, w);                                                                    \
        pvm_emit_now_64(e, d);                                                                     \
    }                                                                                              \
    PVM_EMIT void pvm_select_##name##_32(pvm_emitter_t *e, uint32_t d, pvm_operand_t v,            \
                                         pvm_operand_t w)                                          \
    {                                                                                              \
        emit(e, false, d, v, w);                                                                   \
        pvm_emit_now_narrow(e, d);                                                                 \
    }

PVM_SELECT_WIDTHS(add, pvm_emit_add)
PVM_SELECT_WIDTHS(sub, pvm_emit_sub)
PVM_SELECT_WIDTHS(mul, pvm_emit_mul)

/* -- Logic: works on low halves alone, and extension goes through it --- */

PVM_EMIT void pvm_emit_logic(pvm_emitter_t *e, pvm_x86_alu_t op, uint32_t d, pvm_operand_t v,
                             pvm_operand_t w)
{
    const bool wide = pvm_emit_choose_width(e, v, w);
    const pvm_now_t now = pvm_emit_result_of(e, wide, v, w);

    pvm_emit_alu(e, wide, op, d, v, w);
    pvm_emit_now(e, d, now);
}

/* and d, v, w  |  movzx d, v8  |  movzx d, v16 */
PVM_EMIT void pvm_select_and(pvm_emitter_t *e, uint32_t d, pvm_operand_t v, pvm_operand_t w)
{
    if (w.is_immediate && (w.immediate == UINT8_MAX || w.immediate == UINT16_MAX)) {
        e->at = pvm_x86_extend(e->at, false, w.immediate == UINT8_MAX ? 0xb6 : 0xb7,
                               pvm_host_register(d), pvm_host_register(v.reg));
        pvm_emit_now_extended(e, d);
        return;
    }
    if (w.is_immediate && w.immediate >= 0) {
        /* The mask clears the upper half of whatever it is. */
        pvm_emit_alu(e, false, PVM_X86_AND, d, v, w);
        pvm_emit_now_extended(e, d);
        return;
    }
    pvm_emit_logic(e, PVM_X86_AND, d, v, w);
}

PVM_EMIT void pvm_select_or(pvm_emitter_t *e, uint32_t d, pvm_operand_t v, pvm_operand_t w)
{
    pvm_emit_logic(e, PVM_X86_OR, d, v, w);
}

PVM_EMIT void pvm_select_xor(pvm_emitter_t *e, uint32_t d, pvm_operand_t v, pvm_operand_t w)
{
    pvm_emit_logic(e, PVM_X86_XOR, d, v, w);
}

/* d = ~(v ^ w):  xor, then not d */
PVM_EMIT void pvm_select_xnor(pvm_emitter_t *e, uint32_t d, pvm_operand_t v, pvm_operand_t w)
{
    const bool wide = pvm_emit_choose_width(e, v, w);
    const pvm_now_t now = pvm_emit_result_of(e, wide, v, w);

    pvm_emit_alu(e, wide, PVM_X86_XOR, d, v, w);
    e->at = pvm_x86_unary(e->at, wide, PVM_X86_NOT, pvm_host_register(d));
    pvm_emit_now(e, d, now);
}

/* rcx = ~w: mov rcx, w; not rcx */
PVM_EMIT void pvm_emit_inverted(pvm_emitter_t *e, pvm_operand_t w)
{
    e->at = pvm_x86_mov(e->at, true, PVM_HOST_SCRATCH, pvm_host_register(w.reg));
    e->at = pvm_x86_unary(e->at, true, PVM_X86_NOT, PVM_HOST_SCRATCH);
}

/* d = v & ~w:  andn d, w, v  |  rcx = ~w; and rcx, v; mov d, rcx. Always 64 bits: what is extended stays so. */
PVM_EMIT void pvm_select_and_inv(pvm_emitter_t *e, uint32_t d, pvm_operand_t v, pvm_operand_t w)
{
    const unsigned host = pvm_host_register(d);
    const bool wide = pvm_emit_choose_width(e, v, w);
    const pvm_now_t now = pvm_emit_result_of(e, wide, v, w);

    if (e->cpu->bmi1) {
        e->at = pvm_x86_andn(e->at, host, pvm_host_register(w.reg), pvm_host_register(v.reg));
    } else {
        pvm_emit_inverted(e, w);
        e->at = pvm_x86_alu(e->at, true, PVM_X86_AND, PVM_HOST_SCRATCH, pvm_host_register(v.reg));
        e->at = pvm_x86_mov(e->at, true, host, PVM_HOST_SCRATCH);
    }
    pvm_emit_now(e, d, now);
}

/* d = v | ~w:  rcx = ~w; or rcx, v; mov d, rcx */
PVM_EMIT void pvm_select_or_inv(pvm_emitter_t *e, uint32_t d, pvm_operand_t v, pvm_operand_t w)
{
    const bool wide = pvm_emit_choose_width(e, v, w);
    const pvm_now_t now = pvm_emit_result_of(e, wide, v, w);

    pvm_emit_inverted(e, w);
    e->at = pvm_x86_alu(e->at, true, PVM_X86_OR, PVM_HOST_SCRATCH, pvm_host_register(v.reg));
    e->at = pvm_x86_mov(e->at, true, pvm_host_register(d), PVM_HOST_SCRATCH);
    pvm_emit_now(e, d, now);
}

/* -- Comparisons --- */

/** The x86 condition of each pvm_sem_ comparison, and the one with the operands exchanged. */
enum {
    PVM_CONDITION_eq = PVM_X86_E,
    PVM_CONDITION_ne = PVM_X86_NE,
    PVM_CONDITION_lt_u = PVM_X86_B,
    PVM_CONDITION_le_u = PVM_X86_BE,
    PVM_CONDITION_ge_u = PVM_X86_AE,
    PVM_CONDITION_gt_u = PVM_X86_A,
    PVM_CONDITION_lt_s = PVM_X86_L,
    PVM_CONDITION_le_s = PVM_X86_LE,
    PVM_CONDITION_ge_s = PVM_X86_GE,
    PVM_CONDITION_gt_s = PVM_X86_G,
    PVM_CONDITION_eq_zero = PVM_X86_E,
    PVM_CONDITION_ne_zero = PVM_X86_NE
};

/* cmp v, w  |  test v, v. Sign extension keeps the order, signed and unsigned, so extended values are compared in 32
 * bits. v is a register. */
PVM_EMIT void pvm_emit_compare(pvm_emitter_t *e, pvm_operand_t v, pvm_operand_t w)
{
    const bool wide = !(pvm_emit_is_32(e, v) && pvm_emit_is_32(e, w));
    const unsigned first = pvm_host_register(v.reg);

    if (wide) {
        pvm_emit_widen(e, v);
        pvm_emit_widen(e, w);
    }
    if (!w.is_immediate) {
        e->at = pvm_x86_alu(e->at, wide, PVM_X86_CMP, first, pvm_host_register(w.reg));
    } else if (w.immediate == 0) {
        e->at = pvm_x86_test(e->at, wide, first, first);
    } else {
        e->at = pvm_x86_alu_imm(e->at, wide, PVM_X86_CMP, first, (int32_t)w.immediate);
    }
}

/* d = condition of cmp v, w:  cmp v, w; setCC cl; movzx d, cl */
PVM_EMIT void pvm_emit_set(pvm_emitter_t *e, uint32_t d, pvm_operand_t v, pvm_operand_t w,
                           pvm_x86_condition_t condition)
{
    pvm_emit_compare(e, v, w);
    e->at = pvm_x86_set(e->at, condition, PVM_HOST_SCRATCH);
    e->at = pvm_x86_extend(e->at, false, 0xb6, pvm_host_register(d), PVM_HOST_SCRATCH);
    pvm_emit_now_extended(e, d);
}

PVM_EMIT void pvm_select_set_lt_u(pvm_emitter_t *e, uint32_t d, pvm_operand_t v, pvm_operand_t w)
{
    if (v.is_immediate) {
        pvm_emit_set(e, d, w, v, PVM_X86_A);
    } else {
        pvm_emit_set(e, d, v, w, PVM_X86_B);
    }
}

PVM_EMIT void pvm_select_set_lt_s(pvm_emitter_t *e, uint32_t d, pvm_operand_t v, pvm_operand_t w)
{
    if (v.is_immediate) {
        pvm_emit_set(e, d, w, v, PVM_X86_G);
    } else {
        pvm_emit_set(e, d, v, w, PVM_X86_L);
    }
}

/* d = v or w, whichever is wanted:  mov d, v; cmp d, w; cmovCC d, w */
PVM_EMIT void pvm_emit_choose(pvm_emitter_t *e, uint32_t d, pvm_operand_t v, pvm_operand_t w,
                              pvm_x86_condition_t take_second)
{
    const unsigned host = pvm_host_register(d);
    const pvm_operand_t other = d == w.reg ? v : w;
    const bool wide = pvm_emit_choose_width(e, v, w);
    const pvm_now_t now = pvm_emit_result_of(e, wide, v, w);

    if (d != w.reg) {
        pvm_emit_get(e, wide, host, v, false);
    }
    e->at = pvm_x86_alu(e->at, wide, PVM_X86_CMP, host, pvm_host_register(other.reg));
    e->at = pvm_x86_cmov(e->at, wide, take_second, host, pvm_host_register(other.reg));
    pvm_emit_now(e, d, now);
}

PVM_EMIT void pvm_select_max(pvm_emitter_t *e, uint32_t d, pvm_operand_t v, pvm_operand_t w)
{
    pvm_emit_choose(e, d, v, w, PVM_X86_L);
}

PVM_EMIT void pvm_select_max_u(pvm_emitter_t *e, uint32_t d, pvm_operand_t v, pvm_operand_t w)
{
    pvm_emit_choose(e, d, v, w, PVM_X86_B);
}

PVM_EMIT void pvm_select_min(pvm_emitter_t *e, uint32_t d, pvm_operand_t v, pvm_operand_t w)
{
    pvm_emit_choose(e, d, v, w, PVM_X86_G);
}

PVM_EMIT void pvm_select_min_u(pvm_emitter_t *e, uint32_t d, pvm_operand_t v, pvm_operand_t w)
{
    pvm_emit_choose(e, d, v, w, PVM_X86_A);
}

/* if condition(t): d = v:  test t, t; cmovCC d, v  |  mov rcx, v; test t, t; cmovCC d, rcx */
PVM_EMIT void pvm_emit_cmov(pvm_emitter_t *e, uint32_t d, pvm_operand_t t, pvm_operand_t v,
                            pvm_x86_condition_t condition)
{
    const pvm_operand_t old = {.reg = d};
    const bool wide = pvm_emit_choose_width(e, old, v);
    const pvm_now_t now = pvm_emit_result_of(e, wide, old, v);
    const pvm_operand_t zero = {.is_immediate = true};
    unsigned from = PVM_HOST_SCRATCH;

    if (v.is_immediate) {
        pvm_emit_get(e, wide, PVM_HOST_SCRATCH, v, false);
    } else {
        from = pvm_host_register(v.reg);
    }
    pvm_emit_compare(e, t, zero);
    e->at = pvm_x86_cmov(e->at, wide, condition, pvm_host_register(d), from);
    pvm_emit_now(e, d, now);
}

#endif
