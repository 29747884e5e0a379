/* Where routines start, and which instructions call them, as far as code tells.
 *
 * The instruction set has no calls: a call is a jump at the end of a block that leaves a jump table address in r0, the
 * return address of PolkaVM's calling convention. Mostly it is that of what lies behind the jump, but linkers let calls
 * share it. A routine that is called through pointers only, or keeps to no convention, is not found. */
#ifndef PVM_PROGRAM_ROUTINES_H
#define PVM_PROGRAM_ROUTINES_H

#include "program/program.h"

/** PolkaVM's calling convention: r0 holds the return address, r1 is the stack pointer. */
enum { PVM_REGISTER_RETURN = 0, PVM_REGISTER_STACK = 1 };

/** Octets at the end of a block in which it may load the return address. */
#define PVM_ROUTINE_LINK_OCTETS 512

/** A block that ends with a call. */
typedef struct {
    uint32_t pc;      /**< of the jump */
    uint32_t address; /**< what it leaves in r0 */
    uint32_t back;    /**< where that leads */
    uint32_t target;  /**< of a direct call; else PVM_ROUTINE_NO_PC */
    bool
        is_sure; /**< false: it may be that r0 just holds a number, because this is not in front of `back` */
} pvm_routine_call_t;

#define PVM_ROUTINE_NO_PC UINT32_MAX

/** Whether a block ends with a call. Cost: the block's last octets. */
bool pvm_routine_call_at(const pvm_program_t *program, uint32_t block, pvm_routine_call_t *out);
/** Where the jump table sends a jump to this address; false for what it does not know. */
bool pvm_routine_look_up(const pvm_program_t *program, uint64_t address, uint32_t *out_pc);
/** Whether what an instruction writes into r0 can be a return address. */
bool pvm_routine_leaves_address(const pvm_instruction_t *in);
/** Whether an instruction writes a register. */
bool pvm_routine_writes(const pvm_instruction_t *in, uint8_t reg);
/** Whether an instruction adds a constant to the stack pointer. */
bool pvm_routine_moves_stack(const pvm_instruction_t *in);

/** Starts of routines, packed, one bit for each pc in [0, code.len]: pc 0; exported entries and the two of a JAM program, and
 *  where these jump to; targets of calls; and jump table entries that no call returns to and whose first instruction moves
 *  the stack pointer down. For programs with blocks only. Cost: one pass over the code.
 *  @return to be freed; NULL without memory */
uint8_t *pvm_routine_find_starts(const pvm_program_t *program);

static inline bool pvm_routine_is_marked(const uint8_t *bits, uint32_t pc)
{
    return (bits[pc >> 3] >> (pc & 7)) & 1;
}

#endif
