/* Operands of one instruction, inline: where the form is a constant, only that form's rule is left.
 *
 * Reads the padded code only, so it cannot leave it. Spec: GP A.5.1 to A.5.13. */
#ifndef PVM_ISA_OPERANDS_H
#define PVM_ISA_OPERANDS_H

#include "isa/isa.h"

#include <string.h>

#define PVM_OPERANDS_INLINE static inline __attribute__((always_inline))

PVM_OPERANDS_INLINE uint32_t pvm_operands_min(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

PVM_OPERANDS_INLINE uint8_t pvm_operands_register(uint32_t nibble)
{
    return (uint8_t)pvm_operands_min(nibble, 12);
}

/** `len` octets, 0 to 4, little-endian, sign-extended. Two shifts each way, because one of 64 is undefined. */
PVM_OPERANDS_INLINE int64_t pvm_operands_immediate(const uint8_t *at, uint32_t len)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    const unsigned shift = 8 * (4 - len);
    return (int64_t)((uint64_t)value << 32 << shift) >> 32 >> shift;
}

/** A first immediate of `len_x` octets at `at`, the second is what is left of `rest` octets. */
PVM_OPERANDS_INLINE void pvm_operands_two(const uint8_t *at, uint32_t len_x, uint32_t rest,
                                          pvm_instruction_t *out)
{
    out->x = pvm_operands_immediate(at, len_x);
    out->y =
        pvm_operands_immediate(at + len_x, rest > len_x ? pvm_operands_min(4, rest - len_x) : 0);
}

/** Operands behind the opcode: p points there, skip as in GP A.3; out->pc is set. */
PVM_OPERANDS_INLINE void pvm_operands_decode(pvm_form_t form, const uint8_t *p, uint32_t skip,
                                             pvm_instruction_t *out)
{
    const uint32_t behind_1 = skip > 1 ? skip - 1 : 0;
    const uint32_t behind_2 = skip > 2 ? skip - 2 : 0;
    const uint8_t low = pvm_operands_register(p[0] & 15);
    const uint8_t high = pvm_operands_register(p[0] >> 4);

    switch (form) {
    case PVM_FORM_NONE:
    case PVM_FORM_COUNT:
        break;
    case PVM_FORM_IMM:
        out->x = pvm_operands_immediate(p, pvm_operands_min(4, skip));
        break;
    case PVM_FORM_REG_EXT:
        out->a = low;
        memcpy(&out->x, p + 1, sizeof(out->x));
        break;
    case PVM_FORM_IMM_IMM:
        pvm_operands_two(p + 1, pvm_operands_min(4, p[0] & 7), behind_1, out);
        break;
    case PVM_FORM_OFF:
        out->y = pvm_operands_immediate(p, pvm_operands_min(4, skip)) + out->pc;
        break;
    case PVM_FORM_REG_IMM:
        out->a = low;
        out->x = pvm_operands_immediate(p + 1, pvm_operands_min(4, behind_1));
        break;
    case PVM_FORM_REG_IMM_IMM:
    case PVM_FORM_REG_IMM_OFF:
        out->a = low;
        pvm_operands_two(p + 1, pvm_operands_min(4, (p[0] >> 4) & 7), behind_1, out);
        break;
    case PVM_FORM_REG_REG:
        out->d = low;
        out->a = high;
        break;
    case PVM_FORM_REG_REG_IMM:
        out->a = low;
        out->b = high;
        out->x = pvm_operands_immediate(p + 1, pvm_operands_min(4, behind_1));
        break;
    case PVM_FORM_REG_REG_OFF:
        out->a = low;
        out->b = high;
        out->y = pvm_operands_immediate(p + 1, pvm_operands_min(4, behind_1)) + out->pc;
        break;
    case PVM_FORM_REG_REG_IMM_IMM:
        out->a = low;
        out->b = high;
        pvm_operands_two(p + 2, pvm_operands_min(4, p[1] & 7), behind_2, out);
        break;
    case PVM_FORM_REG_REG_REG:
        out->a = low;
        out->b = high;
        out->d = pvm_operands_register(p[1]);
        break;
    }
    if (form == PVM_FORM_REG_IMM_OFF) {
        out->y += out->pc;
    }
}

#endif
