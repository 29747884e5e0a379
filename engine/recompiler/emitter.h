/* Between instruction selection and octets: guest registers, what is known about their upper halves, and guest
 * memory operands.
 *
 * Upper halves. 32-bit operations of PVM sign-extend their result, which x86 does not. So the extension waits: a
 * register is `narrow` while only its low 32 bits are right (its value is their sign extension), and is extended when
 * somebody asks for 64 bits, at the end of a stretch of code, or never. It is `extended` when its value is known to be
 * such an extension and the host register holds all of it. Nothing is known at the start of a stretch (code.h). */
#ifndef PVM_RECOMPILER_EMITTER_H
#define PVM_RECOMPILER_EMITTER_H

#include "recompiler/cpu.h"
#include "recompiler/registers.h"
#include "recompiler/x86.h"

#define PVM_EMIT PVM_X86_INLINE

typedef struct {
    uint8_t *at;     /**< cursor */
    uint32_t halves; /**< what is known of upper halves: PVM_NARROW and PVM_EXTENDED bits */
    const pvm_cpu_t *cpu;
} pvm_emitter_t;

/** Go on where a function that is not inlined left a copy. Field by field: copied at once, they would wait for the stores of
 *  each. */
PVM_EMIT void pvm_emit_go_on(pvm_emitter_t *e, const pvm_emitter_t *copy)
{
    e->at = copy->at;
    e->halves = copy->halves;
}

/** An operand of an instruction: a guest register, or an immediate, which always is a sign-extended 32-bit number but
 *  for load_imm_64. */
typedef struct {
    bool is_immediate;
    uint32_t reg; /* not an octet, see pvm_address_t */
    int64_t immediate;
} pvm_operand_t;

/* -- Upper halves --- */

/** One bit for each guest register in the low, and in the high half of a word; a register has at most one of them. */
#define PVM_NARROW(reg)   (UINT32_C(1) << (reg))
#define PVM_EXTENDED(reg) (UINT32_C(0x10000) << (reg))
#define PVM_NARROW_ALL    UINT32_C(0xffff)

PVM_EMIT void pvm_emit_set_halves(pvm_emitter_t *e, uint32_t reg, uint32_t bits)
{
    e->halves = (e->halves & ~(PVM_NARROW(reg) | PVM_EXTENDED(reg))) | bits;
}

PVM_EMIT bool pvm_emit_is_32(const pvm_emitter_t *e, pvm_operand_t v)
{
    return v.is_immediate || (e->halves & (PVM_NARROW(v.reg) | PVM_EXTENDED(v.reg))) != 0;
}

PVM_EMIT bool pvm_emit_is_narrow(const pvm_emitter_t *e, pvm_operand_t v)
{
    return !v.is_immediate && (e->halves & PVM_NARROW(v.reg)) != 0;
}

/** All 64 bits of this register are needed. */
PVM_EMIT void pvm_emit_widen(pvm_emitter_t *e, pvm_operand_t v)
{
    if (pvm_emit_is_narrow(e, v)) {
        const unsigned host = pvm_host_register(v.reg);
        e->at = pvm_x86_movsxd(e->at, host, host);
        pvm_emit_set_halves(e, v.reg, PVM_EXTENDED(v.reg));
    }
}

/** Every register holds its value: before anybody else looks. Leaves the flags alone. */
PVM_EMIT void pvm_emit_settle(pvm_emitter_t *e)
{
    for (uint32_t narrow = e->halves & PVM_NARROW_ALL; narrow != 0; narrow &= narrow - 1) {
        const unsigned host = pvm_host_register((unsigned)__builtin_ctz(narrow));
        e->at = pvm_x86_movsxd(e->at, host, host);
    }
    e->halves = 0;
}

PVM_EMIT void pvm_emit_now_64(pvm_emitter_t *e, uint32_t reg)
{
    pvm_emit_set_halves(e, reg, 0);
}

PVM_EMIT void pvm_emit_now_narrow(pvm_emitter_t *e, uint32_t reg)
{
    pvm_emit_set_halves(e, reg, PVM_NARROW(reg));
}

PVM_EMIT void pvm_emit_now_extended(pvm_emitter_t *e, uint32_t reg)
{
    pvm_emit_set_halves(e, reg, PVM_EXTENDED(reg));
}

/** Width to work in when the low half of the result follows from low halves alone and extension goes through (and, or,
 *  xor, min, choose): 32 bits if that spares an extension. Otherwise the operands are made wide. */
PVM_EMIT bool pvm_emit_choose_width(pvm_emitter_t *e, pvm_operand_t v, pvm_operand_t w)
{
    if (pvm_emit_is_32(e, v) && pvm_emit_is_32(e, w) &&
        (pvm_emit_is_narrow(e, v) || pvm_emit_is_narrow(e, w))) {
        return false;
    }
    pvm_emit_widen(e, v);
    pvm_emit_widen(e, w);
    return true;
}

/** What is known of a result in a width from pvm_emit_choose_width(). Ask before anything is overwritten. */
typedef enum { PVM_NOW_64, PVM_NOW_NARROW, PVM_NOW_EXTENDED } pvm_now_t;

PVM_EMIT pvm_now_t pvm_emit_result_of(const pvm_emitter_t *e, bool wide, pvm_operand_t v,
                                      pvm_operand_t w)
{
    if (!wide) {
        return PVM_NOW_NARROW;
    }
    return pvm_emit_is_32(e, v) && pvm_emit_is_32(e, w) ? PVM_NOW_EXTENDED : PVM_NOW_64;
}

PVM_EMIT void pvm_emit_now(pvm_emitter_t *e, uint32_t reg, pvm_now_t now)
{
    switch (now) {
    case PVM_NOW_64:
        pvm_emit_now_64(e, reg);
        break;
    case PVM_NOW_NARROW:
        pvm_emit_now_narrow(e, reg);
        break;
    case PVM_NOW_EXTENDED:
        pvm_emit_now_extended(e, reg);
        break;
    }
}

/* -- Moves --- */

/** mov host, v: register or immediate. Flags survive if keep_flags. */
PVM_EMIT void pvm_emit_get(pvm_emitter_t *e, bool wide, unsigned host, pvm_operand_t v,
                           bool keep_flags)
{
    if (v.is_immediate) {
        const int64_t value = wide ? v.immediate : (int64_t)(uint32_t)v.immediate;
        e->at = pvm_x86_mov_imm(e->at, host, value, keep_flags);
    } else if (pvm_host_register(v.reg) != host) {
        e->at = pvm_x86_mov(e->at, wide, host, pvm_host_register(v.reg));
    }
}

/* -- Guest memory --- */

/** A guest memory operand, u32(base + offset): at most one of the two is 64 bits, and only the low half counts. */
typedef struct {
    bool has_base;
    uint32_t
        base; /**< guest register. Not an octet: compilers would keep the whole in one word and wait for its parts */
    int32_t offset;
} pvm_address_t;

/** Put the guest address into the scratch register: mov ecx, offset | mov ecx, base | lea ecx, [base + offset]. */
PVM_EMIT void pvm_emit_address(pvm_emitter_t *e, pvm_address_t address)
{
    const unsigned base = pvm_host_register(address.base);

    if (!address.has_base) {
        e->at = pvm_x86_mov_imm(e->at, PVM_HOST_SCRATCH, (uint32_t)address.offset, true);
    } else if (address.offset == 0) {
        e->at = pvm_x86_mov(e->at, false, PVM_HOST_SCRATCH, base);
    } else {
        e->at = pvm_x86_lea(e->at, false, PVM_HOST_SCRATCH, base, address.offset);
    }
}

/** op reg, gs:[base32 + offset]: prefixes 65 (gs) and 67 (32-bit address, which wraps as the guest's does). The opcode
 *  is 1 or 2 octets, `prefix` 66 or 0. */
PVM_EMIT void pvm_emit_gs(pvm_emitter_t *e, uint8_t prefix, bool wide, bool force_rex,
                          uint16_t opcode, unsigned reg, pvm_address_t address)
{
    const unsigned base = address.has_base ? pvm_host_register(address.base) : 0;
    const uint64_t rex = pvm_x86_rex(wide, reg, 0, base);
    uint8_t *at = pvm_x86_put(e->at, 0x6765, 2);

    if (prefix != 0) {
        *at++ = prefix;
    }
    if (force_rex || rex != 0x40) {
        *at++ = (uint8_t)rex;
    }
    at = pvm_x86_put(at, opcode, opcode > 0xff ? 2 : 1);
    if (!address.has_base) {
        at = pvm_x86_put(at, pvm_x86_modrm(0, reg, 4) | 0x25 << 8, 2);
        e->at = pvm_x86_put_32(at, address.offset);
        return;
    }
    const bool none = address.offset == 0 && (base & 7) != PVM_X86_RBP;
    const bool small = pvm_x86_is_i8(address.offset);
    *at++ = (uint8_t)pvm_x86_modrm(none ? 0 : small ? 1 : 2, reg, base);
    if ((base & 7) == PVM_X86_RSP) {
        *at++ = 0x24;
    }
    memcpy(at, &address.offset, sizeof(address.offset));
    e->at = at + (none ? 0 : small ? 1 : 4);
}

/** op reg, [r15 + rcx]: register addressing; the scratch register holds the guest address. */
PVM_EMIT void pvm_emit_based(pvm_emitter_t *e, uint8_t prefix, bool wide, bool force_rex,
                             uint16_t opcode, unsigned reg)
{
    const uint64_t rex = pvm_x86_rex(wide, reg, PVM_HOST_SCRATCH, PVM_HOST_BASE);
    uint8_t *at = e->at;

    (void)force_rex;
    if (prefix != 0) {
        *at++ = prefix;
    }
    *at++ = (uint8_t)rex;
    at = pvm_x86_put(at, opcode, opcode > 0xff ? 2 : 1);
    e->at = pvm_x86_put(
        at, pvm_x86_modrm(0, reg, 4) | pvm_x86_modrm(0, PVM_HOST_SCRATCH, PVM_HOST_BASE) << 8, 2);
}

/** An instruction with a guest memory operand, in the addressing of this code. */
PVM_EMIT void pvm_emit_memory(pvm_emitter_t *e, uint8_t prefix, bool wide, bool force_rex,
                              uint16_t opcode, unsigned reg, pvm_address_t address)
{
    if (e->cpu->segment) {
        pvm_emit_gs(e, prefix, wide, force_rex, opcode, reg, address);
    } else {
        pvm_emit_address(e, address);
        pvm_emit_based(e, prefix, wide, force_rex, opcode, reg);
    }
}

#endif
