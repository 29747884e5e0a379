/* Selection of x86 for shifts, rotates, bit counts and extensions of isa/semantics.h: pvm_select_X() emits
 * pvm_sem_X(). Operands as in select_arithmetic.h. */
#ifndef PVM_RECOMPILER_SELECT_BITS_H
#define PVM_RECOMPILER_SELECT_BITS_H

#include "recompiler/emitter.h"

/* -- Shifts and rotates. The processor takes amounts modulo the width, as PVM does --- */

/* d = v shifted by a constant:  mov d, v; op d, n  |  rorx d, v, n  |  lea d, [v + v]  |  lea d, [v << 2 or 3] */
PVM_EMIT void pvm_emit_shift_constant(pvm_emitter_t *e, bool wide, pvm_x86_shift_t op, uint32_t d,
                                      pvm_operand_t v, int64_t amount)
{
    const unsigned host = pvm_host_register(d);
    const uint8_t n = (uint8_t)(amount & (wide ? 63 : 31));

    if (op == PVM_X86_ROR && e->cpu->bmi2 && d != v.reg) {
        e->at = pvm_x86_rorx(e->at, wide, host, pvm_host_register(v.reg), n);
        return;
    }
    if (op == PVM_X86_SHL && n - 1U < 3 && d != v.reg) {
        const unsigned from = pvm_host_register(v.reg);
        e->at = n == 1 ? pvm_x86_lea_sum(e->at, wide, host, from, from)
                       : pvm_x86_lea_shifted(e->at, wide, host, from, n);
        return;
    }
    pvm_emit_get(e, wide, host, v, false);
    e->at = pvm_x86_shift(e->at, wide, op, host, n);
}

/* d = v shifted by register w:
 *   shlx d, v, w  |  mov rcx, v; shlx d, rcx, w  |  mov ecx, w; mov d, v; op d, cl */
PVM_EMIT void pvm_emit_shift(pvm_emitter_t *e, bool wide, pvm_x86_shift_t op, uint32_t d,
                             pvm_operand_t v, pvm_operand_t w)
{
    const unsigned host = pvm_host_register(d);
    const bool rotates = op == PVM_X86_ROL || op == PVM_X86_ROR;

    if (w.is_immediate) {
        pvm_emit_shift_constant(e, wide, op, d, v, w.immediate);
        return;
    }
    const unsigned amount = pvm_host_register(w.reg);
    if (e->cpu->bmi2 && !rotates) {
        unsigned from = PVM_HOST_SCRATCH;
        if (v.is_immediate) {
            pvm_emit_get(e, wide, PVM_HOST_SCRATCH, v, false);
        } else {
            from = pvm_host_register(v.reg);
        }
        e->at = pvm_x86_shiftx(e->at, wide, op, host, from, amount);
        return;
    }
    e->at = pvm_x86_mov(e->at, false, PVM_X86_RCX, amount);
    pvm_emit_get(e, wide, host, v, false);
    e->at = pvm_x86_shift_cl(e->at, wide, op, host);
}

/* 64 bits need all of v, 32 bits its low half; the amount is in the low bits of w anyhow. */
#define PVM_SELECT_SHIFT(name, op)                                                                 \
    PVM_EMIT void pvm_select_##name##_64(pvm_emitter_t *e, uint32_t d, pvm_operand_t v,            \
                                         pvm_operand_t w)                                          \
    {                                                                                              \
        pvm_emit_widen(e, v);                                                                      \
        pvm_emit_shift(e, true, op, d, v, w);                                                      \
        pvm_emit_now_64(e, d);                                                                     \
    }                                                                                              \
    PVM_EMIT void pvm_select_##name##_32(pvm_emitter_t *e, uint32_t d, pvm_operand_t v,            \
                                         pvm_operand_t w)                                          \
    {                                                                                              \
        pvm_emit_shift(e, false, op, d, v, w);                                                     \
        pvm_emit_now_narrow(e, d);                                                                 \
    }

PVM_SELECT_SHIFT(shlo_l, PVM_X86_SHL)
PVM_SELECT_SHIFT(shlo_r, PVM_X86_SHR)
PVM_SELECT_SHIFT(shar_r, PVM_X86_SAR)
PVM_SELECT_SHIFT(rot_l, PVM_X86_ROL)
PVM_SELECT_SHIFT(rot_r, PVM_X86_ROR)

/* -- Counting bits --- */

/* Set bits.  popcnt d, v
 * baseline:  mov rcx, v; xor d, d; again: shr rcx, 1; adc d, 0; test rcx, rcx; jnz again */
PVM_EMIT void pvm_emit_set_bits(pvm_emitter_t *e, bool wide, uint32_t d, pvm_operand_t v)
{
    const unsigned host = pvm_host_register(d);

    if (e->cpu->popcnt) {
        e->at = pvm_x86_rr_f3(e->at, wide, 0xb8, host, pvm_host_register(v.reg));
    } else {
        pvm_emit_get(e, wide, PVM_HOST_SCRATCH, v, false);
        e->at = pvm_x86_mov_imm(e->at, host, 0, false);
        const uint8_t *const again = e->at;
        e->at = pvm_x86_shift(e->at, true, PVM_X86_SHR, PVM_HOST_SCRATCH, 1);
        e->at = pvm_x86_rr(e->at, true, 0x83, 2, host);
        *e->at++ = 0;
        e->at = pvm_x86_test(e->at, true, PVM_HOST_SCRATCH, PVM_HOST_SCRATCH);
        e->at = pvm_x86_jcc_back(e->at, PVM_X86_NE, again);
    }
    pvm_emit_now_extended(e, d);
}

/* Leading zeros.  lzcnt d, v
 * baseline:  mov rcx, -1; bsr d, v; cmovz d, rcx; neg d; add d, width - 1 */
PVM_EMIT void pvm_emit_leading(pvm_emitter_t *e, bool wide, uint32_t d, pvm_operand_t v)
{
    const unsigned host = pvm_host_register(d);

    if (e->cpu->lzcnt) {
        e->at = pvm_x86_rr_f3(e->at, wide, 0xbd, host, pvm_host_register(v.reg));
    } else {
        e->at = pvm_x86_mov_imm(e->at, PVM_HOST_SCRATCH, -1, false);
        e->at = pvm_x86_rr_0f(e->at, wide, 0xbd, host, pvm_host_register(v.reg));
        e->at = pvm_x86_cmov(e->at, wide, PVM_X86_E, host, PVM_HOST_SCRATCH);
        e->at = pvm_x86_unary(e->at, wide, PVM_X86_NEG, host);
        e->at = pvm_x86_alu_imm(e->at, wide, PVM_X86_ADD, host, wide ? 63 : 31);
    }
    pvm_emit_now_extended(e, d);
}

/* Trailing zeros.  tzcnt d, v
 * baseline:  mov ecx, width; bsf d, v; cmovz d, rcx */
PVM_EMIT void pvm_emit_trailing(pvm_emitter_t *e, bool wide, uint32_t d, pvm_operand_t v)
{
    const unsigned host = pvm_host_register(d);

    if (e->cpu->bmi1) {
        e->at = pvm_x86_rr_f3(e->at, wide, 0xbc, host, pvm_host_register(v.reg));
    } else {
        e->at = pvm_x86_mov_imm(e->at, PVM_HOST_SCRATCH, wide ? 64 : 32, false);
        e->at = pvm_x86_rr_0f(e->at, wide, 0xbc, host, pvm_host_register(v.reg));
        e->at = pvm_x86_cmov(e->at, wide, PVM_X86_E, host, PVM_HOST_SCRATCH);
    }
    pvm_emit_now_extended(e, d);
}

#define PVM_SELECT_COUNT(name, emit)                                                               \
    PVM_EMIT void pvm_select_##name##_64(pvm_emitter_t *e, uint32_t d, pvm_operand_t v)            \
    {                                                                                              \
        pvm_emit_widen(e, v);                                                                      \
        emit(e, true, d, v);                                                                       \
    }                                                                                              \
    PVM_EMIT void pvm_select_##name##_32(pvm_emitter_t *e, uint32_t d, pvm_operand_t v)            \
    {                                                                                              \
        emit(e, false, d, v);                                                                      \
    }

PVM_SELECT_COUNT(count_set_bits, pvm_emit_set_bits)
PVM_SELECT_COUNT(leading_zero_bits, pvm_emit_leading)
PVM_SELECT_COUNT(trailing_zero_bits, pvm_emit_trailing)

/* -- Extensions and octet order --- */

/* movsx d, v8 */
PVM_EMIT void pvm_select_sign_extend_8(pvm_emitter_t *e, uint32_t d, pvm_operand_t v)
{
    e->at = pvm_x86_extend(e->at, true, 0xbe, pvm_host_register(d), pvm_host_register(v.reg));
    pvm_emit_now_extended(e, d);
}

/* movsx d, v16 */
PVM_EMIT void pvm_select_sign_extend_16(pvm_emitter_t *e, uint32_t d, pvm_operand_t v)
{
    e->at = pvm_x86_extend(e->at, true, 0xbf, pvm_host_register(d), pvm_host_register(v.reg));
    pvm_emit_now_extended(e, d);
}

/* movzx d, v16 */
PVM_EMIT void pvm_select_zero_extend_16(pvm_emitter_t *e, uint32_t d, pvm_operand_t v)
{
    e->at = pvm_x86_extend(e->at, false, 0xb7, pvm_host_register(d), pvm_host_register(v.reg));
    pvm_emit_now_extended(e, d);
}

/* mov d, v; bswap d */
PVM_EMIT void pvm_select_reverse_bytes(pvm_emitter_t *e, uint32_t d, pvm_operand_t v)
{
    pvm_emit_widen(e, v);
    pvm_emit_get(e, true, pvm_host_register(d), v, false);
    e->at = pvm_x86_bswap(e->at, true, pvm_host_register(d));
    pvm_emit_now_64(e, d);
}

PVM_EMIT void pvm_select_reverse_bytes_32(pvm_emitter_t *e, uint32_t d, pvm_operand_t v)
{
    pvm_emit_get(e, false, pvm_host_register(d), v, false);
    e->at = pvm_x86_bswap(e->at, false, pvm_host_register(d));
    pvm_emit_now_narrow(e, d);
}

#endif
