/* One instruction from code octets: skip, operand forms, jump targets. Reads the padded code only, so it
 * cannot leave it. Spec: GP A.3 (skip), A.5.1 to A.5.13 (operands). */
#include "isa/isa.h"

#include <string.h>

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint8_t register_of(uint32_t nibble)
{
    return (uint8_t)min_u32(nibble, 12);
}

/* `len` octets, 0 to 8, little-endian, sign-extended. */
static int64_t immediate(const uint8_t *at, uint32_t len)
{
    uint64_t value = 0;

    if (len == 0) {
        return 0;
    }
    memcpy(&value, at, len);
    const unsigned shift = 64 - 8 * len;
    return (int64_t)(value << shift) >> shift;
}

uint32_t pvm_isa_skip(const pvm_code_t *code, uint32_t pc)
{
    uint32_t bits;
    const uint32_t first = pc + 1;

    if (first >= code->len) {
        return 0;
    }
    memcpy(&bits, code->mask + (first >> 3), sizeof(bits));
    bits >>= first & 7;
    /* 25 bits at least are left of the word, one more than skip can pass over. */
    bits |= UINT32_C(1) << PVM_SKIP_MAX;
    return (uint32_t)__builtin_ctz(bits);
}

/* A first immediate of `len_x` octets at `at`, the second is what is left of `rest` octets. */
static void two_immediates(const uint8_t *at, uint32_t len_x, uint32_t rest, pvm_instruction_t *out)
{
    out->x = immediate(at, len_x);
    out->y = immediate(at + len_x, rest > len_x ? min_u32(4, rest - len_x) : 0);
}

static void decode_operands(const uint8_t *p, uint32_t skip, pvm_instruction_t *out)
{
    const uint32_t behind_1 = skip > 1 ? skip - 1 : 0;
    const uint32_t behind_2 = skip > 2 ? skip - 2 : 0;
    const uint8_t low = register_of(p[0] & 15);
    const uint8_t high = register_of(p[0] >> 4);

    switch ((pvm_form_t)pvm_isa_ops[out->op].form) {
    case PVM_FORM_NONE:
    case PVM_FORM_COUNT:
        break;
    case PVM_FORM_IMM:
        out->x = immediate(p, min_u32(4, skip));
        break;
    case PVM_FORM_REG_EXT:
        out->a = low;
        out->x = immediate(p + 1, 8);
        break;
    case PVM_FORM_IMM_IMM:
        two_immediates(p + 1, min_u32(4, p[0] & 7), behind_1, out);
        break;
    case PVM_FORM_OFF:
        out->y = immediate(p, min_u32(4, skip)) + out->pc;
        break;
    case PVM_FORM_REG_IMM:
        out->a = low;
        out->x = immediate(p + 1, min_u32(4, behind_1));
        break;
    case PVM_FORM_REG_IMM_IMM:
    case PVM_FORM_REG_IMM_OFF:
        out->a = low;
        two_immediates(p + 1, min_u32(4, (p[0] >> 4) & 7), behind_1, out);
        break;
    case PVM_FORM_REG_REG:
        out->d = low;
        out->a = high;
        break;
    case PVM_FORM_REG_REG_IMM:
        out->a = low;
        out->b = high;
        out->x = immediate(p + 1, min_u32(4, behind_1));
        break;
    case PVM_FORM_REG_REG_OFF:
        out->a = low;
        out->b = high;
        out->y = immediate(p + 1, min_u32(4, behind_1)) + out->pc;
        break;
    case PVM_FORM_REG_REG_IMM_IMM:
        out->a = low;
        out->b = high;
        two_immediates(p + 2, min_u32(4, p[1] & 7), behind_2, out);
        break;
    case PVM_FORM_REG_REG_REG:
        out->a = low;
        out->b = high;
        out->d = register_of(p[1]);
        break;
    }
    if (pvm_isa_ops[out->op].form == PVM_FORM_REG_IMM_OFF) {
        out->y += out->pc;
    }
}

void pvm_isa_decode(const pvm_code_t *code, uint32_t pc, pvm_instruction_t *out)
{
    *out = (pvm_instruction_t){.pc = pc, .next = pc, .op = PVM_OP_trap, .implicit = true};
    if (pc >= code->len) {
        return;
    }
    const uint32_t skip = pvm_isa_skip(code, pc);
    out->next = pc + 1 + skip;
    if (!pvm_isa_mask_at(code, pc)) {
        return;
    }
    const pvm_op_t op = pvm_isa_op(code->isa, code->octets[pc]);
    if (op == PVM_OP_INVALID) {
        return;
    }
    out->op = (uint8_t)op;
    out->implicit = false;
    decode_operands(code->octets + pc + 1, skip, out);
}
