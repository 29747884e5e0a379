/* A quick way to the block table of regular code, and to its validity: 64 octets at a time, with AVX2 and BMI.
 *
 * Code is regular if an instruction stands at 0, all opcodes are defined, and skip() reaches every instruction from the one
 * before: whatever an assembler makes. Then blocks follow from two sets of bits, instructions and terminators. All other
 * code, and all other processors, are left to the walk in blocks.c. Spec: GP A.3, 0.8.0 A.2. */
#ifndef PVM_PROGRAM_REGULAR_H
#define PVM_PROGRAM_REGULAR_H

#include "program/program.h"

/** What came of it. */
typedef enum {
    PVM_REGULAR_FOUND,
    PVM_REGULAR_NOT, /**< the code is not regular, or the processor lacks something: nothing has been made */
    PVM_REGULAR_NO_MEMORY
} pvm_regular_t;

/** Whether this is a way for this processor. Not with PVM_CPU=baseline in the environment. */
bool pvm_regular_is_available(void);

/** Fill block_starts (there, and empty), blocks and block_count. */
pvm_regular_t pvm_regular_find_blocks(pvm_program_t *program);

/** Whether the code is known to be valid under 0.8.0; if not, it may still be. */
bool pvm_regular_is_valid(const pvm_code_t *code);

#endif
