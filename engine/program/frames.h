/* Where each block of a program finds its routine's return address, read from the code alone.
 *
 * One walk over the flow graph follows what routines do with the stack pointer (r1) and the return address (r0) of
 * PolkaVM's calling convention, calls whose routine a linker has merged into the caller included. It does not see where
 * jumps through registers lead; blocks that only these reach have no frame. */
#ifndef PVM_PROGRAM_FRAMES_H
#define PVM_PROGRAM_FRAMES_H

#include "program/routines.h"

/** Where the return address of the routine is. */
enum { PVM_RETURN_UNKNOWN = 0, PVM_RETURN_REGISTER = 1, PVM_RETURN_SAVED = 2 };

/** The frame of a routine at one place of its code. */
typedef struct {
    uint32_t
        routine; /**< first octet of the routine; of a merged one, where it makes room on the stack */
    int32_t moved;       /**< what the routine has added to the stack pointer */
    int32_t slot;        /**< SAVED: where, from the stack pointer at the routine's start */
    uint8_t slot_bytes;  /**< SAVED: 4 or 8 */
    uint8_t return_is;   /**< PVM_RETURN_* */
    bool is_known;       /**< false: nothing here is */
    bool is_switch;      /**< of_block: the block ends with a jump to who knows where */
    bool is_stack_known; /**< `moved` is */
} pvm_frame_state_t;

typedef struct pvm_frames_t {
    pvm_frame_state_t *of_block; /**< when the block begins */
    /** For each entry of the jump table: the call that returns there, with pc PVM_ROUTINE_NO_PC for none. Of several
     *  the one in front of where they return; its target is PVM_ROUTINE_NO_PC if theirs differ. */
    struct {
        uint32_t pc;
        uint32_t target;
    } *calls;
} pvm_frames_t;

/** Found once, by a pass over the code, and kept by the program. For programs with blocks only. Thread: any.
 *  @return NULL without memory */
const pvm_frames_t *pvm_frames_of(pvm_program_t *program);
void pvm_frames_destroy(pvm_frames_t *frames);

/** The frame right before the instruction at pc. */
pvm_frame_state_t pvm_frames_at(const pvm_program_t *program, const pvm_frames_t *frames,
                                uint32_t pc);
/** The call that leaves this return address; false if no call of the program does. */
bool pvm_frames_call_of(const pvm_program_t *program, const pvm_frames_t *frames, uint64_t address,
                        pvm_routine_call_t *out);

#endif
