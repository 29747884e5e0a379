/* The tables behind the words, and the price of a branch. Spec: GP 0.8.0 A.9 (sources, destinations, branches). */
#include "gas/words.h"

#include "gas/pipeline.h"
#include "isa/operands.h"
#include "isa/positions.h"
#include "isa/roles.h"

#include <assert.h>

static_assert(PVM_OP_COUNT < 256, "an instruction fits an octet of its word");

static_assert(PVM_OP_trap == 0, "numbers that no row names are traps");

#define IS_TWO(form) (PVM_FORM_##form == PVM_FORM_REG_REG)
#define BITS_A(form) (IS_TWO(form) ? 15 << PVM_GAS_HIGH : 15 << PVM_GAS_LOW)
#define BITS_B       (15 << PVM_GAS_HIGH)
#define BITS_D(form) (IS_TWO(form) ? 15 << PVM_GAS_LOW : 15 << PVM_GAS_THIRD)

#define REGISTERS(form, roles)                                                                     \
    ((((roles) & PVM_ROLE_A) != 0 ? BITS_A(form) : 0) |                                            \
     (((roles) & PVM_ROLE_B) != 0 ? BITS_B : 0) |                                                  \
     (((roles) & PVM_ROLE_D) != 0 ? BITS_D(form) : 0))

#define CLASS_TRAP        PVM_GAS_IS_TERMINATOR
#define CLASS_FALLTHROUGH PVM_GAS_IS_TERMINATOR
#define CLASS_HINT        0
#define CLASS_HOST_CALL   0
#define CLASS_SET1        0
#define CLASS_SET2        0
#define CLASS_CMOV        0
#define CLASS_LOAD        0
#define CLASS_STORE       0
#define CLASS_JUMP        PVM_GAS_IS_TERMINATOR
#define CLASS_JUMP_IND    PVM_GAS_IS_TERMINATOR
#define CLASS_BRANCH      (PVM_GAS_IS_TERMINATOR | PVM_GAS_IS_BRANCH)
#define CLASS_SBRK        0

/* What a numbering lacks goes behind the 256 numbers. */
#define AT(n, name) ((n) < 0 ? 256 + PVM_OP_##name : (n))

#define NUMBER(number, name, form, effect, p, q, r, s)                                             \
    [AT(number, name)] = {.registers = REGISTERS(form, PVM_READS_##effect(p, q, r, s) |            \
                                                           PVM_WRITES_##effect(p, q, r, s)),       \
                          .op = PVM_OP_##name,                                                     \
                          .class = PVM_GAS_IS_DEFINED | CLASS_##effect},

static const pvm_gas_numbers_t numberings[PVM_ISA_COUNT] = {
    [PVM_ISA_0_7_2] = {{
#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, p, q, r, s, ...)                 \
    NUMBER(n072, name, form, effect, p, q, r, s)
#include "isa/instructions.def"
    }},
    [PVM_ISA_0_8_0] = {{
#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, p, q, r, s, ...)                 \
    NUMBER(n080, name, form, effect, p, q, r, s)
#include "isa/instructions.def"
    }},
    [PVM_ISA_LATEST64] = {{
#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, p, q, r, s, ...)                 \
    NUMBER(n64, name, form, effect, p, q, r, s)
#include "isa/instructions.def"
    }},
    [PVM_ISA_LATEST32] = {{
#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, p, q, r, s, ...)                 \
    NUMBER(n32, name, form, effect, p, q, r, s)
#include "isa/instructions.def"
    }},
};

/* Indices above 12 mean 12. */
#define REGISTER(half)  ((half) < 12 ? (half) : 12)
#define TWO(high, low)  (REGISTER(low) << PVM_GAS_LOW | REGISTER(high) << PVM_GAS_HIGH)
#define FOUR(high, low) TWO(high, low), TWO(high, low + 1), TWO(high, low + 2), TWO(high, low + 3)
#define SIXTEEN(high)   FOUR(high, 0), FOUR(high, 4), FOUR(high, 8), FOUR(high, 12)

const pvm_gas_word_t pvm_gas_two_registers[256] = {
    SIXTEEN(0),  SIXTEEN(1),  SIXTEEN(2),  SIXTEEN(3), SIXTEEN(4),  SIXTEEN(5),
    SIXTEEN(6),  SIXTEEN(7),  SIXTEEN(8),  SIXTEEN(9), SIXTEEN(10), SIXTEEN(11),
    SIXTEEN(12), SIXTEEN(13), SIXTEEN(14), SIXTEEN(15)};

const pvm_gas_numbers_t *pvm_gas_numbers_of(pvm_isa_t isa)
{
    return &numberings[isa];
}

pvm_gas_word_t pvm_gas_branch_price(const pvm_code_t *code, uint32_t pc)
{
    const pvm_op_t op = pvm_isa_op(code->isa, code->octets[pc]);
    const uint32_t skip = pvm_isa_skip(code, pc);
    pvm_instruction_t in = {.pc = pc, .next = pc + 1 + skip};

    /* The two forms that branches have, so that nothing is asked about others. */
    if (pvm_isa_ops[op].form == PVM_FORM_REG_REG_OFF) {
        pvm_operands_decode(PVM_FORM_REG_REG_OFF, code->octets + pc + 1, skip, &in);
    } else {
        pvm_operands_decode(PVM_FORM_REG_IMM_OFF, code->octets + pc + 1, skip, &in);
    }
    return pvm_gas_branch_cycles(code, &in) == 1 ? PVM_GAS_CHEAP : 0;
}

size_t pvm_gas_words(const pvm_code_t *code, uint32_t *at, pvm_gas_word_t *out, size_t max,
                     bool *out_ended)
{
    const pvm_gas_number_t *const numbers = pvm_gas_numbers_of(code->isa)->numbers;
    pvm_positions_t positions = pvm_positions_from(code, *at);
    uint32_t pc = *at;
    uint32_t stands = pvm_positions_next(&positions); /* the first instruction at or behind pc */
    size_t count = 0;
    bool ended = false;

    while (count < max && !ended) {
        if (pc != stands || pc >= code->len) {
            out[count++] = PVM_GAS_TRAP_WORD;
            ended = true;
            break;
        }
        const pvm_gas_number_t *const number = &numbers[code->octets[pc]];
        out[count] = pvm_gas_word_at(number, code->octets, pc);
        if ((number->class & PVM_GAS_IS_BRANCH) != 0) {
            out[count] |= pvm_gas_branch_price(code, pc);
        }
        count++;
        ended = number->class != PVM_GAS_IS_DEFINED;
        stands = pvm_positions_next(&positions);
        pc = stands - pc <= PVM_SKIP_MAX + 1 ? stands : pc + PVM_SKIP_MAX + 1;
    }
    *at = pc;
    *out_ended = ended;
    return count;
}
