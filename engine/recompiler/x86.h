/* x86-64 instructions as octets: pure functions from a cursor to the cursor behind what was written.
 *
 * Every function writes at most 16 octets, and may write (not advance) up to 8 beyond its result. Knows nothing of
 * guests. The comment over each function shows what it emits. Reference: the instruction formats and opcode maps of
 * the AMD64 and Intel 64 manuals. */
#ifndef PVM_RECOMPILER_X86_H
#define PVM_RECOMPILER_X86_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/** Most octets that a function below writes or scribbles over. */
#define PVM_X86_BYTES_MAX 24

typedef enum {
    PVM_X86_RAX,
    PVM_X86_RCX,
    PVM_X86_RDX,
    PVM_X86_RBX,
    PVM_X86_RSP,
    PVM_X86_RBP,
    PVM_X86_RSI,
    PVM_X86_RDI,
    PVM_X86_R8,
    PVM_X86_R9,
    PVM_X86_R10,
    PVM_X86_R11,
    PVM_X86_R12,
    PVM_X86_R13,
    PVM_X86_R14,
    PVM_X86_R15
} pvm_x86_reg_t;

/** Condition codes, as in the low four bits of jcc, setcc and cmovcc. */
typedef enum {
    PVM_X86_B = 2,
    PVM_X86_AE = 3,
    PVM_X86_E = 4,
    PVM_X86_NE = 5,
    PVM_X86_BE = 6,
    PVM_X86_A = 7,
    PVM_X86_L = 12,
    PVM_X86_GE = 13,
    PVM_X86_LE = 14,
    PVM_X86_G = 15
} pvm_x86_condition_t;

/** The eight classic operations, as in their opcodes (times 8) and in the reg field of the immediate forms. */
typedef enum {
    PVM_X86_ADD = 0,
    PVM_X86_OR = 1,
    PVM_X86_AND = 4,
    PVM_X86_SUB = 5,
    PVM_X86_XOR = 6,
    PVM_X86_CMP = 7
} pvm_x86_alu_t;

/** Shifts and rotates: the reg field of C1 and D3. */
typedef enum {
    PVM_X86_ROL = 0,
    PVM_X86_ROR = 1,
    PVM_X86_SHL = 4,
    PVM_X86_SHR = 5,
    PVM_X86_SAR = 7
} pvm_x86_shift_t;

/** The reg field of F7. */
typedef enum {
    PVM_X86_NOT = 2,
    PVM_X86_NEG = 3,
    PVM_X86_MUL = 4,
    PVM_X86_IMUL = 5,
    PVM_X86_DIV = 6,
    PVM_X86_IDIV = 7
} pvm_x86_unary_t;

#define PVM_X86_INLINE static inline __attribute__((always_inline))

/* -- Octets --- */

PVM_X86_INLINE uint8_t *pvm_x86_put(uint8_t *at, uint64_t octets, unsigned len)
{
    memcpy(at, &octets, sizeof(octets));
    return at + len;
}

PVM_X86_INLINE uint8_t *pvm_x86_put_32(uint8_t *at, int32_t value)
{
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

PVM_X86_INLINE uint64_t pvm_x86_rex(bool wide, unsigned reg, unsigned index, unsigned rm)
{
    return 0x40 | (uint64_t)wide << 3 | (reg >> 3) << 2 | (index >> 3) << 1 | rm >> 3;
}

PVM_X86_INLINE uint64_t pvm_x86_modrm(unsigned mod, unsigned reg, unsigned rm)
{
    return mod << 6 | (reg & 7) << 3 | (rm & 7);
}

/** Put a REX prefix and `len` octets behind it; a prefix that says nothing is left out. */
PVM_X86_INLINE uint8_t *pvm_x86_put_rex(uint8_t *at, uint64_t rex, uint64_t octets, unsigned len)
{
    const unsigned idle = rex == 0x40;

    return pvm_x86_put(at, (rex | octets << 8) >> (8 * idle), len + 1 - idle);
}

PVM_X86_INLINE bool pvm_x86_is_i8(int64_t value)
{
    return value == (int8_t)value;
}

/* -- Register to register --- */

/** op rm, reg: one opcode octet. */
PVM_X86_INLINE uint8_t *pvm_x86_rr(uint8_t *at, bool wide, uint8_t opcode, unsigned reg,
                                   unsigned rm)
{
    return pvm_x86_put_rex(at, pvm_x86_rex(wide, reg, 0, rm),
                           opcode | pvm_x86_modrm(3, reg, rm) << 8, 2);
}

/** op reg, rm: two opcode octets, 0F first. */
PVM_X86_INLINE uint8_t *pvm_x86_rr_0f(uint8_t *at, bool wide, uint8_t opcode, unsigned reg,
                                      unsigned rm)
{
    return pvm_x86_put_rex(at, pvm_x86_rex(wide, reg, 0, rm),
                           0x0f | (uint64_t)opcode << 8 | pvm_x86_modrm(3, reg, rm) << 16, 3);
}

/** popcnt, lzcnt, tzcnt: F3 [REX] 0F op. */
PVM_X86_INLINE uint8_t *pvm_x86_rr_f3(uint8_t *at, bool wide, uint8_t opcode, unsigned reg,
                                      unsigned rm)
{
    *at++ = 0xf3;
    return pvm_x86_rr_0f(at, wide, opcode, reg, rm);
}

/** mov dst, src */
PVM_X86_INLINE uint8_t *pvm_x86_mov(uint8_t *at, bool wide, unsigned dst, unsigned src)
{
    return pvm_x86_rr(at, wide, 0x89, src, dst);
}

/** movsxd dst, src32 */
PVM_X86_INLINE uint8_t *pvm_x86_movsxd(uint8_t *at, unsigned dst, unsigned src)
{
    return pvm_x86_rr(at, true, 0x63, dst, src);
}

/** add|or|and|sub|xor|cmp dst, src */
PVM_X86_INLINE uint8_t *pvm_x86_alu(uint8_t *at, bool wide, pvm_x86_alu_t op, unsigned dst,
                                    unsigned src)
{
    return pvm_x86_rr(at, wide, (uint8_t)(op * 8 + 1), src, dst);
}

/** test a, b */
PVM_X86_INLINE uint8_t *pvm_x86_test(uint8_t *at, bool wide, unsigned a, unsigned b)
{
    return pvm_x86_rr(at, wide, 0x85, b, a);
}

/** imul dst, src */
PVM_X86_INLINE uint8_t *pvm_x86_imul(uint8_t *at, bool wide, unsigned dst, unsigned src)
{
    return pvm_x86_rr_0f(at, wide, 0xaf, dst, src);
}

/** not|neg|mul|imul|div|idiv reg */
PVM_X86_INLINE uint8_t *pvm_x86_unary(uint8_t *at, bool wide, pvm_x86_unary_t op, unsigned reg)
{
    return pvm_x86_rr(at, wide, 0xf7, op, reg);
}

/** rol|ror|shl|shr|sar reg, cl */
PVM_X86_INLINE uint8_t *pvm_x86_shift_cl(uint8_t *at, bool wide, pvm_x86_shift_t op, unsigned reg)
{
    return pvm_x86_rr(at, wide, 0xd3, op, reg);
}

/** rol|ror|shl|shr|sar reg, amount */
PVM_X86_INLINE uint8_t *pvm_x86_shift(uint8_t *at, bool wide, pvm_x86_shift_t op, unsigned reg,
                                      uint8_t amount)
{
    at = pvm_x86_rr(at, wide, 0xc1, op, reg);
    *at++ = amount;
    return at;
}

/** cmovCC dst, src */
PVM_X86_INLINE uint8_t *pvm_x86_cmov(uint8_t *at, bool wide, pvm_x86_condition_t condition,
                                     unsigned dst, unsigned src)
{
    return pvm_x86_rr_0f(at, wide, (uint8_t)(0x40 | condition), dst, src);
}

/** movzx|movsx dst, src8|src16 (opcodes 0F B6, B7, BE, BF). A REX is always there: without one, numbers 4 to 7 would
 *  name ah to bh. */
PVM_X86_INLINE uint8_t *pvm_x86_extend(uint8_t *at, bool wide, uint8_t opcode, unsigned dst,
                                       unsigned src)
{
    return pvm_x86_put(at,
                       pvm_x86_rex(wide, dst, 0, src) | 0x0f << 8 | (uint64_t)opcode << 16 |
                           pvm_x86_modrm(3, dst, src) << 24,
                       4);
}

/** setCC reg8 */
PVM_X86_INLINE uint8_t *pvm_x86_set(uint8_t *at, pvm_x86_condition_t condition, unsigned reg)
{
    return pvm_x86_extend(at, false, (uint8_t)(0x90 | condition), 0, reg);
}

/** bswap reg */
PVM_X86_INLINE uint8_t *pvm_x86_bswap(uint8_t *at, bool wide, unsigned reg)
{
    return pvm_x86_put_rex(at, pvm_x86_rex(wide, 0, 0, reg), 0x0f | (0xc8ULL | (reg & 7)) << 8, 2);
}

/** cqo|cdq */
PVM_X86_INLINE uint8_t *pvm_x86_sign_to_rdx(uint8_t *at, bool wide)
{
    return pvm_x86_put_rex(at, pvm_x86_rex(wide, 0, 0, 0), 0x99, 1);
}

/* -- Immediates --- */

/** add|or|and|sub|xor|cmp reg, value */
PVM_X86_INLINE uint8_t *pvm_x86_alu_imm(uint8_t *at, bool wide, pvm_x86_alu_t op, unsigned reg,
                                        int32_t value)
{
    if (pvm_x86_is_i8(value)) {
        at = pvm_x86_rr(at, wide, 0x83, op, reg);
        *at++ = (uint8_t)value;
        return at;
    }
    return pvm_x86_put_32(pvm_x86_rr(at, wide, 0x81, op, reg), value);
}

/** imul dst, src, value */
PVM_X86_INLINE uint8_t *pvm_x86_imul_imm(uint8_t *at, bool wide, unsigned dst, unsigned src,
                                         int32_t value)
{
    if (pvm_x86_is_i8(value)) {
        at = pvm_x86_rr(at, wide, 0x6b, dst, src);
        *at++ = (uint8_t)value;
        return at;
    }
    return pvm_x86_put_32(pvm_x86_rr(at, wide, 0x69, dst, src), value);
}

/** xor reg32, reg32 | mov reg32, value | mov reg64, value: the shortest. With keep_flags no xor. */
PVM_X86_INLINE uint8_t *pvm_x86_mov_imm(uint8_t *at, unsigned reg, int64_t value, bool keep_flags)
{
    if (value == 0 && !keep_flags) {
        return pvm_x86_rr(at, false, 0x31, reg, reg);
    }
    if (value >= 0 && value <= UINT32_MAX) {
        at = pvm_x86_put_rex(at, pvm_x86_rex(false, 0, 0, reg), 0xb8 | (reg & 7), 1);
        return pvm_x86_put_32(at, (int32_t)(uint32_t)value);
    }
    if (value == (int32_t)value) {
        return pvm_x86_put_32(pvm_x86_rr(at, true, 0xc7, 0, reg), (int32_t)value);
    }
    at = pvm_x86_put_rex(at, pvm_x86_rex(true, 0, 0, reg), 0xb8 | (reg & 7), 1);
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

/* -- Three operands --- */

/** lea dst, [base + disp] */
PVM_X86_INLINE uint8_t *pvm_x86_lea(uint8_t *at, bool wide, unsigned dst, unsigned base,
                                    int32_t disp)
{
    const unsigned len = pvm_x86_is_i8(disp) ? 1 : 4;

    at = pvm_x86_put_rex(at, pvm_x86_rex(wide, dst, 0, base),
                         0x8d | pvm_x86_modrm(len == 1 ? 1 : 2, dst, base) << 8, 2);
    if ((base & 7) == PVM_X86_RSP) {
        *at++ = 0x24;
    }
    memcpy(at, &disp, sizeof(disp));
    return at + len;
}

/** lea dst, [a + b]. Neither may be rsp. */
PVM_X86_INLINE uint8_t *pvm_x86_lea_sum(uint8_t *at, bool wide, unsigned dst, unsigned a,
                                        unsigned b)
{
    /* rbp and r13 as a base would need a displacement; as an index they do not. */
    const bool swap = (a & 7) == PVM_X86_RBP;
    const unsigned base = swap ? b : a;
    const unsigned index = swap ? a : b;
    const bool disp = (base & 7) == PVM_X86_RBP;

    at = pvm_x86_put_rex(
        at, pvm_x86_rex(wide, dst, index, base),
        0x8d | pvm_x86_modrm(disp, dst, 4) << 8 | pvm_x86_modrm(0, index, base) << 16, 3);
    *at = 0;
    return at + disp;
}

/** ModRM, SIB and displacement of [base + index << shift + disp]; index is not rsp. */
PVM_X86_INLINE uint8_t *pvm_x86_sib(uint8_t *at, unsigned reg, unsigned base, unsigned index,
                                    unsigned shift, int32_t disp)
{
    const bool none = disp == 0 && (base & 7) != PVM_X86_RBP;
    const unsigned len = none ? 0 : pvm_x86_is_i8(disp) ? 1 : 4;
    const unsigned mod = none ? 0 : len == 1 ? 1 : 2;

    at = pvm_x86_put(at, pvm_x86_modrm(mod, reg, 4) | pvm_x86_modrm(shift, index, base) << 8, 2);
    memcpy(at, &disp, sizeof(disp));
    return at + len;
}

/** lea dst, [base + index << shift + disp] */
PVM_X86_INLINE uint8_t *pvm_x86_lea_scaled(uint8_t *at, bool wide, unsigned dst, unsigned base,
                                           unsigned index, unsigned shift, int32_t disp)
{
    at = pvm_x86_put_rex(at, pvm_x86_rex(wide, dst, index, base), 0x8d, 1);
    return pvm_x86_sib(at, dst, base, index, shift, disp);
}

/** lea dst, [index << shift + 0]; index is not rsp. */
PVM_X86_INLINE uint8_t *pvm_x86_lea_shifted(uint8_t *at, bool wide, unsigned dst, unsigned index,
                                            unsigned shift)
{
    at = pvm_x86_put_rex(
        at, pvm_x86_rex(wide, dst, index, 0),
        0x8d | pvm_x86_modrm(0, dst, 4) << 8 | pvm_x86_modrm(shift, index, PVM_X86_RBP) << 16, 3);
    return pvm_x86_put_32(at, 0);
}

/** A VEX-coded operation: reg, vvvv, rm of map (2: 0F38, 3: 0F3A) and prefix (0, 1: 66, 2: F3, 3: F2). */
PVM_X86_INLINE uint8_t *pvm_x86_vex(uint8_t *at, bool wide, unsigned map, unsigned prefix,
                                    uint8_t opcode, unsigned reg, unsigned vvvv, unsigned rm)
{
    const uint64_t second = (uint64_t)(~reg >> 3 & 1) << 7 | 1 << 6 | (~rm >> 3 & 1) << 5 | map;
    const uint64_t third = (uint64_t)wide << 7 | (~vvvv & 15) << 3 | prefix;

    return pvm_x86_put(at,
                       0xc4 | second << 8 | third << 16 | (uint64_t)opcode << 24 |
                           pvm_x86_modrm(3, reg, rm) << 32,
                       5);
}

/** shlx|shrx|sarx dst, src, amount (BMI2) */
PVM_X86_INLINE uint8_t *pvm_x86_shiftx(uint8_t *at, bool wide, pvm_x86_shift_t op, unsigned dst,
                                       unsigned src, unsigned amount)
{
    const unsigned prefix = op == PVM_X86_SHL ? 1 : op == PVM_X86_SAR ? 2 : 3;

    return pvm_x86_vex(at, wide, 2, prefix, 0xf7, dst, amount, src);
}

/** rorx dst, src, amount (BMI2) */
PVM_X86_INLINE uint8_t *pvm_x86_rorx(uint8_t *at, bool wide, unsigned dst, unsigned src,
                                     uint8_t amount)
{
    at = pvm_x86_vex(at, wide, 3, 3, 0xf0, dst, 0, src);
    *at++ = amount;
    return at;
}

/** mulx dst, dst, src: the upper half of the unsigned product of rdx and src (BMI2) */
PVM_X86_INLINE uint8_t *pvm_x86_mulx_upper(uint8_t *at, unsigned dst, unsigned src)
{
    return pvm_x86_vex(at, true, 2, 3, 0xf6, dst, dst, src);
}

/** andn dst, inverted, src (BMI1) */
PVM_X86_INLINE uint8_t *pvm_x86_andn(uint8_t *at, unsigned dst, unsigned inverted, unsigned src)
{
    return pvm_x86_vex(at, true, 2, 0, 0xf2, dst, inverted, src);
}

/* -- Memory --- */

/** op reg, [base + disp8]: one opcode octet; base is not rsp or r12. */
PVM_X86_INLINE uint8_t *pvm_x86_rm8(uint8_t *at, bool wide, uint8_t opcode, unsigned reg,
                                    unsigned base, int8_t disp)
{
    return pvm_x86_put_rex(
        at, pvm_x86_rex(wide, reg, 0, base),
        opcode | pvm_x86_modrm(1, reg, base) << 8 | (uint64_t)(uint8_t)disp << 16, 3);
}

/** op reg, [rsp + disp8]: one opcode octet. */
PVM_X86_INLINE uint8_t *pvm_x86_stack(uint8_t *at, bool wide, uint8_t opcode, unsigned reg,
                                      int8_t disp)
{
    return pvm_x86_put_rex(
        at, pvm_x86_rex(wide, reg, 0, 0),
        opcode | pvm_x86_modrm(1, reg, 4) << 8 | 0x24 << 16 | (uint64_t)(uint8_t)disp << 24, 4);
}

/** mov reg, [rsp + disp8] */
PVM_X86_INLINE uint8_t *pvm_x86_stack_load(uint8_t *at, unsigned reg, int8_t disp)
{
    return pvm_x86_stack(at, true, 0x8b, reg, disp);
}

/** mov [rsp + disp8], reg */
PVM_X86_INLINE uint8_t *pvm_x86_stack_store(uint8_t *at, unsigned reg, int8_t disp)
{
    return pvm_x86_stack(at, true, 0x89, reg, disp);
}

/* -- Vector registers 0 to 7, as plain 64-bit registers --- */

/** movq xmm, [base + disp8] */
PVM_X86_INLINE uint8_t *pvm_x86_movq_load(uint8_t *at, unsigned xmm, unsigned base, int8_t disp)
{
    at = pvm_x86_put(at, 0x7e0ff3 | pvm_x86_modrm(1, xmm, base) << 24, 4);
    *at++ = (uint8_t)disp;
    return at;
}

/** movq [base + disp8], xmm */
PVM_X86_INLINE uint8_t *pvm_x86_movq_store(uint8_t *at, unsigned xmm, unsigned base, int8_t disp)
{
    at = pvm_x86_put(at, 0xd60f66 | pvm_x86_modrm(1, xmm, base) << 24, 4);
    *at++ = (uint8_t)disp;
    return at;
}

/** movq reg, xmm */
PVM_X86_INLINE uint8_t *pvm_x86_movq_get(uint8_t *at, unsigned reg, unsigned xmm)
{
    return pvm_x86_put(at, 0x7e0f4866 | pvm_x86_modrm(3, xmm, reg) << 32, 5);
}

/** paddq to, from */
PVM_X86_INLINE uint8_t *pvm_x86_paddq(uint8_t *at, unsigned to, unsigned from)
{
    return pvm_x86_put(at, 0xd40f66 | pvm_x86_modrm(3, to, from) << 24, 4);
}

/* -- Control flow --- */

/** `bytes` octets of nops, as few as can be: 66.. 0F 1F with an address that says nothing. */
static inline uint8_t *pvm_x86_nops(uint8_t *at, unsigned bytes)
{
    static const uint8_t nops[9][9] = {{0x90},
                                       {0x66, 0x90},
                                       {0x0f, 0x1f, 0x00},
                                       {0x0f, 0x1f, 0x40},
                                       {0x0f, 0x1f, 0x44},
                                       {0x66, 0x0f, 0x1f, 0x44},
                                       {0x0f, 0x1f, 0x80},
                                       {0x0f, 0x1f, 0x84},
                                       {0x66, 0x0f, 0x1f, 0x84}};

    while (bytes > 0) {
        const unsigned len = bytes < 9 ? bytes : 9;
        memcpy(at, nops[len - 1], len);
        at += len;
        bytes -= len;
    }
    return at;
}

/** jmp rel32 to be patched; the displacement is the last four octets. */
PVM_X86_INLINE uint8_t *pvm_x86_jmp_forward(uint8_t *at)
{
    return pvm_x86_put(at, 0xe9, 5);
}

/** jCC rel32 to be patched; the displacement is the last four octets. */
PVM_X86_INLINE uint8_t *pvm_x86_jcc_forward(uint8_t *at, pvm_x86_condition_t condition)
{
    return pvm_x86_put(at, 0x0f | (0x80ULL | condition) << 8, 6);
}

/** jmp to a place already written: rel8 or rel32. */
PVM_X86_INLINE uint8_t *pvm_x86_jmp_back(uint8_t *at, const uint8_t *target)
{
    const int64_t distance = target - (at + 2);

    if (pvm_x86_is_i8(distance)) {
        return pvm_x86_put(at, 0xeb | (uint64_t)(uint8_t)distance << 8, 2);
    }
    return pvm_x86_put(at, 0xe9 | (uint64_t)(uint32_t)(target - (at + 5)) << 8, 5);
}

/** jCC to a place already written: rel8 or rel32. */
PVM_X86_INLINE uint8_t *pvm_x86_jcc_back(uint8_t *at, pvm_x86_condition_t condition,
                                         const uint8_t *target)
{
    const int64_t distance = target - (at + 2);

    if (pvm_x86_is_i8(distance)) {
        return pvm_x86_put(at, (0x70ULL | condition) | (uint64_t)(uint8_t)distance << 8, 2);
    }
    return pvm_x86_put(
        at, 0x0f | (0x80ULL | condition) << 8 | (uint64_t)(uint32_t)(target - (at + 6)) << 16, 6);
}

/** jCC or (condition < 0) jmp over a few octets that follow; patched by pvm_x86_land(). */
PVM_X86_INLINE uint8_t *pvm_x86_skip(uint8_t *at, int condition)
{
    return pvm_x86_put(at, condition < 0 ? 0xeb : 0x70ULL | (unsigned)condition, 2);
}

/** Let the skip that ended at `skip` land here. */
PVM_X86_INLINE void pvm_x86_land(uint8_t *skip, const uint8_t *at)
{
    skip[-1] = (uint8_t)(at - skip);
}

/** Point a rel32 that ends at `end` to target. */
PVM_X86_INLINE void pvm_x86_patch(uint8_t *end, const uint8_t *target)
{
    const int32_t distance = (int32_t)(target - end);

    memcpy(end - sizeof(distance), &distance, sizeof(distance));
}

#endif
