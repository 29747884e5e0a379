/* Instructions as the block cost model sees them: a word each, made from code octets by table, without decoding.
 *
 * A word holds the instruction and the registers that matter, where they stand in the code. Immediates do not matter, but for
 * the target of a branch, whose price therefore is in the word of its block's last instruction. */
#ifndef PVM_GAS_WORDS_H
#define PVM_GAS_WORDS_H

#include "isa/isa.h"

/** Bit 0 to 7: pvm_op_t; then the registers: 8 the low half of the octet behind the opcode, 16 its high half, 24 the next
 *  octet. What is no register of the instruction is 0. Bit 31: a cheap branch. */
typedef uint32_t pvm_gas_word_t;

#define PVM_GAS_CHEAP UINT32_C(0x80000000)

/** Where the registers are in a word. */
enum { PVM_GAS_LOW = 8, PVM_GAS_HIGH = 16, PVM_GAS_THIRD = 24 };

static inline unsigned pvm_gas_word_op(pvm_gas_word_t word)
{
    return word & 0xff;
}

/** What an instruction is, for a walk over blocks. */
enum { PVM_GAS_IS_DEFINED = 1, PVM_GAS_IS_TERMINATOR = 2, PVM_GAS_IS_BRANCH = 4 };

/** What a numbering says about an opcode. What is not defined is a trap, and has class 0. */
typedef struct {
    uint32_t registers; /**< bits of a word that hold registers of it */
    uint8_t op;
    uint8_t class; /**< PVM_GAS_IS_* */
} pvm_gas_number_t;

/** 256 opcodes of a numbering, and some that nobody asks for. */
typedef struct {
    pvm_gas_number_t numbers[256 + PVM_OP_COUNT];
} pvm_gas_numbers_t;

const pvm_gas_numbers_t *pvm_gas_numbers_of(pvm_isa_t isa);

/** A trap: what stands for an undefined opcode, a clear mask bit or the end of code. */
#define PVM_GAS_TRAP_WORD ((pvm_gas_word_t)PVM_OP_trap)

/** The registers in the two halves of an octet, where they are in a word: by table, because every instruction asks. */
extern const pvm_gas_word_t pvm_gas_two_registers[256];

/** The word at pc, where an instruction stands; a branch is not priced yet. */
static inline __attribute__((always_inline)) pvm_gas_word_t
pvm_gas_word_at(const pvm_gas_number_t *number, const uint8_t *octets, uint32_t pc)
{
    const uint32_t third = octets[pc + 2];

    return number->op | (number->registers & (pvm_gas_two_registers[octets[pc + 1]] |
                                              (third < 12 ? third : 12) << PVM_GAS_THIRD));
}

/** PVM_GAS_CHEAP or 0, for the branch at pc: cheap if the octet behind it or at its target is that of trap or
 *  unlikely. */
pvm_gas_word_t pvm_gas_branch_price(const pvm_code_t *code, uint32_t pc);

/** The words of the block at pc from its instruction at *at on, at most `max`, which moves on.
 *  @return how many; *out_ended: the last one ends the block */
size_t pvm_gas_words(const pvm_code_t *code, uint32_t *at, pvm_gas_word_t *out, size_t max,
                     bool *out_ended);

#endif
