/* Selection of x86 for what works on rdx:rax: upper halves of products, quotients and remainders.
 *
 * rax and rdx hold guest registers, so they wait in the frame, and the result passes through rcx. Corner cases of
 * division are inline: x86 raises a fault where PVM has a result. Operands as in select_arithmetic.h. */
#ifndef PVM_RECOMPILER_SELECT_DIVIDE_H
#define PVM_RECOMPILER_SELECT_DIVIDE_H

#include "recompiler/emitter.h"

/* rcx = w; rax and rdx are saved; rax = v:
 *   mov rcx, w; mov [temp 0], rax; mov [temp 1], rdx; mov rax, v */
PVM_EMIT void pvm_emit_open_pair(pvm_emitter_t *e, bool wide, pvm_operand_t v, pvm_operand_t w)
{
    e->at = pvm_x86_mov(e->at, wide, PVM_X86_RCX, pvm_host_register(w.reg));
    e->at = pvm_x86_stack_store(e->at, PVM_X86_RAX, PVM_FRAME_TEMP_0);
    e->at = pvm_x86_stack_store(e->at, PVM_X86_RDX, PVM_FRAME_TEMP_1);
    pvm_emit_get(e, wide, PVM_X86_RAX, v, true);
}

/* The result in rcx goes to d, rax and rdx are back:
 *   mov rax, [temp 0]; mov rdx, [temp 1]; mov d, rcx */
PVM_EMIT void pvm_emit_close_pair(pvm_emitter_t *e, uint32_t d)
{
    const unsigned host = pvm_host_register(d);

    if (host != PVM_X86_RAX) {
        e->at = pvm_x86_stack_load(e->at, PVM_X86_RAX, PVM_FRAME_TEMP_0);
    }
    if (host != PVM_X86_RDX) {
        e->at = pvm_x86_stack_load(e->at, PVM_X86_RDX, PVM_FRAME_TEMP_1);
    }
    e->at = pvm_x86_mov(e->at, true, host, PVM_X86_RCX);
}

/* -- Upper halves of products --- */

/*   mul rcx  |  imul rcx;  mov rcx, rdx */
PVM_EMIT void pvm_emit_upper(pvm_emitter_t *e, uint32_t d, pvm_operand_t v, pvm_operand_t w,
                             pvm_x86_unary_t op)
{
    pvm_emit_widen(e, v);
    pvm_emit_widen(e, w);
    pvm_emit_open_pair(e, true, v, w);
    e->at = pvm_x86_unary(e->at, true, op, PVM_X86_RCX);
    e->at = pvm_x86_mov(e->at, true, PVM_X86_RCX, PVM_X86_RDX);
    pvm_emit_close_pair(e, d);
    pvm_emit_now_64(e, d);
}

/*   mulx d, d, w  |  mov rcx, rdx; mov rdx, v; mulx d, d, w; mov rdx, rcx  |  without BMI2 as above
 *
 * One of the factors is in rdx already, or rdx is lent for one. */
PVM_EMIT void pvm_select_mul_upper_u_u(pvm_emitter_t *e, uint32_t d, pvm_operand_t v,
                                       pvm_operand_t w)
{
    const unsigned host = pvm_host_register(d);
    const unsigned first = pvm_host_register(v.reg);
    const unsigned second = pvm_host_register(w.reg);

    if (!e->cpu->bmi2) {
        pvm_emit_upper(e, d, v, w, PVM_X86_MUL);
        return;
    }
    pvm_emit_widen(e, v);
    pvm_emit_widen(e, w);
    if (first == PVM_X86_RDX || second == PVM_X86_RDX) {
        e->at = pvm_x86_mulx_upper(e->at, host, first == PVM_X86_RDX ? second : first);
    } else {
        if (host != PVM_X86_RDX) {
            e->at = pvm_x86_mov(e->at, true, PVM_X86_RCX, PVM_X86_RDX);
        }
        e->at = pvm_x86_mov(e->at, true, PVM_X86_RDX, first);
        e->at = pvm_x86_mulx_upper(e->at, host, second);
        if (host != PVM_X86_RDX) {
            e->at = pvm_x86_mov(e->at, true, PVM_X86_RDX, PVM_X86_RCX);
        }
    }
    pvm_emit_now_64(e, d);
}

PVM_EMIT void pvm_select_mul_upper_s_s(pvm_emitter_t *e, uint32_t d, pvm_operand_t v,
                                       pvm_operand_t w)
{
    pvm_emit_upper(e, d, v, w, PVM_X86_IMUL);
}

/* The unsigned product, less w if v is negative:
 *   mov rdx, rax; sar rdx, 63; and rdx, rcx; mov [temp 2], rdx; mul rcx; sub rdx, [temp 2]; mov rcx, rdx */
PVM_EMIT void pvm_select_mul_upper_s_u(pvm_emitter_t *e, uint32_t d, pvm_operand_t v,
                                       pvm_operand_t w)
{
    pvm_emit_widen(e, v);
    pvm_emit_widen(e, w);
    pvm_emit_open_pair(e, true, v, w);
    e->at = pvm_x86_mov(e->at, true, PVM_X86_RDX, PVM_X86_RAX);
    e->at = pvm_x86_shift(e->at, true, PVM_X86_SAR, PVM_X86_RDX, 63);
    e->at = pvm_x86_alu(e->at, true, PVM_X86_AND, PVM_X86_RDX, PVM_X86_RCX);
    e->at = pvm_x86_stack_store(e->at, PVM_X86_RDX, PVM_FRAME_TEMP_2);
    e->at = pvm_x86_unary(e->at, true, PVM_X86_MUL, PVM_X86_RCX);
    e->at = pvm_x86_stack(e->at, true, 0x2b, PVM_X86_RDX, PVM_FRAME_TEMP_2);
    e->at = pvm_x86_mov(e->at, true, PVM_X86_RCX, PVM_X86_RDX);
    pvm_emit_close_pair(e, d);
    pvm_emit_now_64(e, d);
}

/* mov rcx, v32; the other operand to temp 2; imul; sar by 32: a product of 32-bit numbers fits 64 bits, so no pair is
 * needed. Signed operands come by movsxd, unsigned ones by mov of 32 bits. */
PVM_EMIT void pvm_emit_upper_32(pvm_emitter_t *e, uint32_t d, pvm_operand_t v, pvm_operand_t w,
                                bool v_signed, bool w_signed)
{
    const unsigned host = pvm_host_register(d);
    const unsigned first = pvm_host_register(v.reg);
    const unsigned second = pvm_host_register(w.reg);

    e->at = w_signed ? pvm_x86_movsxd(e->at, PVM_HOST_SCRATCH, second)
                     : pvm_x86_mov(e->at, false, PVM_HOST_SCRATCH, second);
    e->at = pvm_x86_stack_store(e->at, PVM_HOST_SCRATCH, PVM_FRAME_TEMP_2);
    e->at = v_signed ? pvm_x86_movsxd(e->at, PVM_HOST_SCRATCH, first)
                     : pvm_x86_mov(e->at, false, PVM_HOST_SCRATCH, first);
    /* imul rcx, [temp 2] */
    e->at =
        pvm_x86_put(e->at,
                    0x48 | 0x0f << 8 | 0xaf << 16 | pvm_x86_modrm(1, PVM_HOST_SCRATCH, 4) << 24 |
                        UINT64_C(0x24) << 32 | (uint64_t)PVM_FRAME_TEMP_2 << 40,
                    6);
    e->at = pvm_x86_shift(e->at, true, PVM_X86_SAR, PVM_HOST_SCRATCH, 32);
    e->at = pvm_x86_movsxd(e->at, host, PVM_HOST_SCRATCH);
    pvm_emit_now_extended(e, d);
}

PVM_EMIT void pvm_select_mul_upper_u_u_32(pvm_emitter_t *e, uint32_t d, pvm_operand_t v,
                                          pvm_operand_t w)
{
    pvm_emit_upper_32(e, d, v, w, false, false);
}

PVM_EMIT void pvm_select_mul_upper_s_s_32(pvm_emitter_t *e, uint32_t d, pvm_operand_t v,
                                          pvm_operand_t w)
{
    pvm_emit_upper_32(e, d, v, w, true, true);
}

PVM_EMIT void pvm_select_mul_upper_s_u_32(pvm_emitter_t *e, uint32_t d, pvm_operand_t v,
                                          pvm_operand_t w)
{
    pvm_emit_upper_32(e, d, v, w, true, false);
}

/* -- Division --- */

typedef struct {
    bool wide;
    bool is_signed;
    bool remainder;
} pvm_division_t;

/*        test rcx, rcx; jz zero
 * signed: cmp rcx, -1; je minus
 *        xor edx, edx | cqo;  div rcx | idiv rcx;  mov rcx, rax | rdx;  jmp done
 * minus: neg rax; mov rcx, rax | xor ecx, ecx;  jmp done
 * zero:  mov rcx, -1 | rax
 * done: */
PVM_EMIT void pvm_emit_divide(pvm_emitter_t *e, uint32_t d, pvm_operand_t v, pvm_operand_t w,
                              pvm_division_t division)
{
    const bool wide = division.wide;
    uint8_t *minus = NULL;
    uint8_t *minus_done = NULL;

    if (wide) {
        pvm_emit_widen(e, v);
        pvm_emit_widen(e, w);
    }
    pvm_emit_open_pair(e, wide, v, w);
    e->at = pvm_x86_test(e->at, wide, PVM_X86_RCX, PVM_X86_RCX);
    e->at = pvm_x86_skip(e->at, PVM_X86_E);
    uint8_t *const zero = e->at;
    if (division.is_signed) {
        e->at = pvm_x86_alu_imm(e->at, wide, PVM_X86_CMP, PVM_X86_RCX, -1);
        e->at = pvm_x86_skip(e->at, PVM_X86_E);
        minus = e->at;
        e->at = pvm_x86_sign_to_rdx(e->at, wide);
        e->at = pvm_x86_unary(e->at, wide, PVM_X86_IDIV, PVM_X86_RCX);
    } else {
        e->at = pvm_x86_mov_imm(e->at, PVM_X86_RDX, 0, false);
        e->at = pvm_x86_unary(e->at, wide, PVM_X86_DIV, PVM_X86_RCX);
    }
    e->at = pvm_x86_mov(e->at, wide, PVM_X86_RCX, division.remainder ? PVM_X86_RDX : PVM_X86_RAX);
    e->at = pvm_x86_skip(e->at, -1);
    uint8_t *const done = e->at;
    if (division.is_signed) {
        pvm_x86_land(minus, e->at);
        if (division.remainder) {
            e->at = pvm_x86_mov_imm(e->at, PVM_X86_RCX, 0, false);
        } else {
            e->at = pvm_x86_unary(e->at, wide, PVM_X86_NEG, PVM_X86_RAX);
            e->at = pvm_x86_mov(e->at, wide, PVM_X86_RCX, PVM_X86_RAX);
        }
        e->at = pvm_x86_skip(e->at, -1);
        minus_done = e->at;
    }
    pvm_x86_land(zero, e->at);
    if (division.remainder) {
        e->at = pvm_x86_mov(e->at, wide, PVM_X86_RCX, PVM_X86_RAX);
    } else {
        e->at = pvm_x86_mov_imm(e->at, PVM_X86_RCX, -1, false);
    }
    pvm_x86_land(done, e->at);
    if (division.is_signed) {
        pvm_x86_land(minus_done, e->at);
    }
    pvm_emit_close_pair(e, d);
    if (wide) {
        pvm_emit_now_64(e, d);
    } else {
        pvm_emit_now_narrow(e, d);
    }
}

#define PVM_SELECT_DIVISION(name, wide_, signed_, remainder_)                                      \
    PVM_EMIT void pvm_select_##name(pvm_emitter_t *e, uint32_t d, pvm_operand_t v,                 \
                                    pvm_operand_t w)                                               \
    {                                                                                              \
        pvm_emit_divide(                                                                           \
            e, d, v, w,                                                                            \
            (pvm_division_t){.wide = (wide_), .is_signed = (signed_), .remainder = (remainder_)}); \
    }

PVM_SELECT_DIVISION(div_u_64, true, false, false)
PVM_SELECT_DIVISION(div_s_64, true, true, false)
PVM_SELECT_DIVISION(rem_u_64, true, false, true)
PVM_SELECT_DIVISION(rem_s_64, true, true, true)
PVM_SELECT_DIVISION(div_u_32, false, false, false)
PVM_SELECT_DIVISION(div_s_32, false, true, false)
PVM_SELECT_DIVISION(rem_u_32, false, false, true)
PVM_SELECT_DIVISION(rem_s_32, false, true, true)

#endif
