/* Instructions as data: what the table in instructions.def says, and one decoded instruction.
 *
 * Knows code octets and the opcode bitmask, nothing of programs, memory or gas. Spec: GP A.3, A.5. */
#ifndef PVM_ISA_ISA_H
#define PVM_ISA_ISA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Zero octets that stand behind a program's code and set bits behind its mask, so that decoding needs no
 *  bounds checks: an instruction reads at most 1 + 1 + 8 octets, or 2 + 4 + 4 from the one behind a skip of 24. */
#define PVM_CODE_PADDING 64
/** Most octets that skip() passes over (GP A.3). */
#define PVM_SKIP_MAX 24

/** Opcode numberings. LATEST32 is LATEST64 for 32-bit registers. */
typedef enum {
    PVM_ISA_0_7_2,
    PVM_ISA_0_8_0,
    PVM_ISA_LATEST64,
    PVM_ISA_LATEST32,
    PVM_ISA_COUNT
} pvm_isa_t;

/** Every instruction of the table, independent of its number. */
typedef enum {
#define PVM_INSTRUCTION(name, ...) PVM_OP_##name,
#include "isa/instructions.def"
    PVM_OP_COUNT,
    PVM_OP_INVALID = PVM_OP_COUNT
} pvm_op_t;

typedef enum {
#define PVM_OPERAND_FORM(name, text) PVM_FORM_##name,
#include "isa/operands.def"
    PVM_FORM_COUNT
} pvm_form_t;

typedef enum {
    PVM_EFFECT_TRAP,
    PVM_EFFECT_FALLTHROUGH,
    PVM_EFFECT_HINT,
    PVM_EFFECT_HOST_CALL,
    PVM_EFFECT_SET1,
    PVM_EFFECT_SET2,
    PVM_EFFECT_CMOV,
    PVM_EFFECT_LOAD,
    PVM_EFFECT_STORE,
    PVM_EFFECT_JUMP,
    PVM_EFFECT_JUMP_IND,
    PVM_EFFECT_BRANCH,
    PVM_EFFECT_SBRK
} pvm_effect_t;

/** Operand roles as bits, for the register sets `reads` and `writes`. */
enum { PVM_ROLE_A = 1, PVM_ROLE_B = 2, PVM_ROLE_D = 4 };

/** When the destination register is among these sources, decoding takes `slots_overlap` slots. */
typedef enum { PVM_OVERLAP_NONE, PVM_OVERLAP_ANY, PVM_OVERLAP_FIRST } pvm_overlap_t;

/** Execution units of the 0.8.0 pipeline that an instruction holds, packed: ALUs in bits 0..1, then one bit each. */
enum {
    PVM_UNITS_NONE = 0,
    PVM_UNITS_A = 1,
    PVM_UNITS_AA = 2,
    PVM_UNITS_AL = 1 | 4,
    PVM_UNITS_AS = 1 | 8,
    PVM_UNITS_AM = 1 | 16,
    PVM_UNITS_AD = 1 | 32
};

/** One row of the table. */
typedef struct {
    const char *name;
    const char *meaning;
    int16_t number[PVM_ISA_COUNT]; /**< opcode per numbering, -1 for none */
    uint8_t form;                  /**< pvm_form_t */
    uint8_t effect;                /**< pvm_effect_t */
    uint8_t reads;                 /**< PVM_ROLE_* whose registers are gas-model sources */
    uint8_t writes;                /**< PVM_ROLE_* written */
    uint8_t width;                 /**< octets of memory accessed, 0 for none */
    uint8_t cycles;
    uint8_t overlap; /**< pvm_overlap_t */
    uint8_t slots_overlap;
    uint8_t slots;
    uint8_t units; /**< PVM_UNITS_* */
} pvm_op_info_t;

extern const pvm_op_info_t pvm_isa_ops[PVM_OP_COUNT];

/** Code as the decoder reads it. Both arrays are padded by PVM_CODE_PADDING (see there). */
typedef struct {
    const uint8_t *octets;
    const uint8_t
        *mask; /**< packed bitmask, (len + PVM_CODE_PADDING) / 8 octets, ones behind the end */
    uint32_t len;
    pvm_isa_t isa;
} pvm_code_t;

/** A decoded instruction. */
typedef struct {
    uint32_t pc;
    uint32_t next; /**< pc + 1 + skip(pc) */
    uint8_t op;    /**< pvm_op_t; an undefined opcode decodes as trap */
    bool
        implicit; /**< a trap that stands for an undefined opcode, a clear mask bit or the end of code */
    uint8_t a; /**< register index, 0..12; unused roles are 0 */
    uint8_t b;
    uint8_t d;
    int64_t x; /**< first immediate, sign-extended */
    int64_t y; /**< second immediate, or the jump target as an absolute pc (may be out of range) */
} pvm_instruction_t;

/** The instruction that `number` stands for in a numbering, or PVM_OP_INVALID. */
pvm_op_t pvm_isa_op(pvm_isa_t isa, uint8_t number);
/** The instruction of that Gray Paper name (names of one spelling only), or PVM_OP_INVALID. */
pvm_op_t pvm_isa_op_by_name(const char *name, size_t len);
/** True for the set T of GP A.3: what ends a basic block. */
bool pvm_isa_is_terminator(pvm_op_t op);
/** True if the form's y is a code offset (OFF, REG_IMM_OFF, REG_REG_OFF). */
bool pvm_isa_has_target(pvm_op_t op);

/** True if the mask says that an instruction starts at pc; true behind the end. */
static inline bool pvm_isa_mask_at(const pvm_code_t *code, uint32_t pc)
{
    return pc >= code->len || ((code->mask[pc >> 3] >> (pc & 7)) & 1);
}

/** skip(pc) of GP A.3. */
static inline uint32_t pvm_isa_skip(const pvm_code_t *code, uint32_t pc)
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

/** Decode at any pc; outside the code or where no defined opcode stands it is an implicit trap. */
void pvm_isa_decode(const pvm_code_t *code, uint32_t pc, pvm_instruction_t *out);

/** One instruction as assembler text: "add_imm_32 r1, r2, -5", targets as "@pc". @return length as snprintf. */
int pvm_isa_format(const pvm_instruction_t *in, char *out, size_t out_bytes);

#endif
