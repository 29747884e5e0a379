/* The instruction table as constant data, and the opcode maps made from it. Spec: GP A.5. */
#include "isa/isa.h"

#include "isa/roles.h"

#include <assert.h>
#include <string.h>

#define WIDTH_u8  1
#define WIDTH_i8  1
#define WIDTH_u16 2
#define WIDTH_i16 2
#define WIDTH_u32 4
#define WIDTH_i32 4
#define WIDTH_u64 8

#define ACCESS_TRAP(p, q, r, s)        0
#define ACCESS_FALLTHROUGH(p, q, r, s) 0
#define ACCESS_HINT(p, q, r, s)        0
#define ACCESS_HOST_CALL(p, q, r, s)   0
#define ACCESS_SET1(p, q, r, s)        0
#define ACCESS_SET2(p, q, r, s)        0
#define ACCESS_CMOV(p, q, r, s)        0
#define ACCESS_LOAD(dst, type, b, o)   WIDTH_##type
#define ACCESS_STORE(type, b, o, v)    WIDTH_##type
#define ACCESS_JUMP(p, q, r, s)        0
#define ACCESS_JUMP_IND(p, q, r, s)    0
#define ACCESS_BRANCH(p, q, r, s)      0
#define ACCESS_SBRK(p, q, r, s)        0

const pvm_op_info_t pvm_isa_ops[PVM_OP_COUNT] = {
#define PVM_INSTRUCTION(name_, form_, n072, n080, n64, n32, effect_, p, q, r, s, cycles_,          \
                        overlap_, slots_overlap_, slots_, units_, meaning_)                        \
    [PVM_OP_##name_] = {.name = #name_,                                                            \
                        .meaning = meaning_,                                                       \
                        .number = {n072, n080, n64, n32},                                          \
                        .form = PVM_FORM_##form_,                                                  \
                        .effect = PVM_EFFECT_##effect_,                                            \
                        .reads = PVM_READS_##effect_(p, q, r, s),                                  \
                        .writes = PVM_WRITES_##effect_(p, q, r, s),                                \
                        .width = ACCESS_##effect_(p, q, r, s),                                     \
                        .cycles = cycles_,                                                         \
                        .overlap = PVM_OVERLAP_##overlap_,                                         \
                        .slots_overlap = slots_overlap_,                                           \
                        .slots = slots_,                                                           \
                        .units = PVM_UNITS_##units_},
#include "isa/instructions.def"
};

/* Number -> instruction, plus one so that an element not named here means "undefined". Instructions that a
 * numbering lacks go to a place of their own behind the 256 numbers, so that a number given twice is an
 * element initialized twice, which the compiler reports. */
#define PLACE(n, name) ((n) < 0 ? 256 + PVM_OP_##name : (n))
static const uint8_t op_of_number[PVM_ISA_COUNT][256 + PVM_OP_COUNT] = {
    [PVM_ISA_0_7_2] =
        {
#define PVM_INSTRUCTION(name, form, n072, ...) [PLACE(n072, name)] = PVM_OP_##name + 1,
#include "isa/instructions.def"
        },
    [PVM_ISA_0_8_0] =
        {
#define PVM_INSTRUCTION(name, form, n072, n080, ...) [PLACE(n080, name)] = PVM_OP_##name + 1,
#include "isa/instructions.def"
        },
    [PVM_ISA_LATEST64] =
        {
#define PVM_INSTRUCTION(name, form, n072, n080, n64, ...) [PLACE(n64, name)] = PVM_OP_##name + 1,
#include "isa/instructions.def"
        },
    [PVM_ISA_LATEST32] =
        {
#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, ...)                                     \
    [PLACE(n32, name)] = PVM_OP_##name + 1,
#include "isa/instructions.def"
        },
};

static_assert(PVM_OP_COUNT < 255, "an op and PVM_OP_INVALID fit an octet");

#define COUNT_IF(n) +((n) >= 0)
static_assert((0
#define PVM_INSTRUCTION(name, form, n072, ...) COUNT_IF(n072)
#include "isa/instructions.def"
               ) == 139,
              "GP 0.7.2 defines 139 opcodes");
static_assert((0
#define PVM_INSTRUCTION(name, form, n072, n080, ...) COUNT_IF(n080)
#include "isa/instructions.def"
               ) == 139,
              "GP 0.8.0 defines 139 opcodes");

pvm_op_t pvm_isa_op(pvm_isa_t isa, uint8_t number)
{
    const uint8_t entry = op_of_number[isa][number];

    return entry == 0 ? PVM_OP_INVALID : (pvm_op_t)(entry - 1);
}

pvm_op_t pvm_isa_op_by_name(const char *name, size_t len)
{
    for (int op = 0; op < PVM_OP_COUNT; op++) {
        if (strlen(pvm_isa_ops[op].name) == len && memcmp(pvm_isa_ops[op].name, name, len) == 0) {
            return (pvm_op_t)op;
        }
    }
    return PVM_OP_INVALID;
}

bool pvm_isa_is_terminator(pvm_op_t op)
{
    switch (pvm_isa_ops[op].effect) {
    case PVM_EFFECT_TRAP:
    case PVM_EFFECT_FALLTHROUGH:
    case PVM_EFFECT_JUMP:
    case PVM_EFFECT_JUMP_IND:
    case PVM_EFFECT_BRANCH:
        return true;
    default:
        return false;
    }
}

bool pvm_isa_has_target(pvm_op_t op)
{
    const uint8_t form = pvm_isa_ops[op].form;

    return form == PVM_FORM_OFF || form == PVM_FORM_REG_IMM_OFF || form == PVM_FORM_REG_REG_OFF;
}
