/* Basic blocks of a program: where they start, where they end. What they cost: prices.h. Spec: GP A.3. */
#ifndef PVM_PROGRAM_BLOCKS_H
#define PVM_PROGRAM_BLOCKS_H

#include "program/program.h"

/** Fill program->block_starts, blocks and block_count from its code; where blocks are priced, without prices. @return 0, or
 *  -1 without memory. */
int pvm_program_find_blocks(pvm_program_t *program);

/** Room for so many blocks more; how many there is room for is in *capacity. For who fills the table. @return false without
 *  memory */
bool pvm_program_reserve_blocks(pvm_program_t *program, uint32_t *capacity, uint32_t more);

/** Give back what pvm_program_find_blocks() found. */
void pvm_program_forget_blocks(pvm_program_t *program);

/** Why the code is no valid program of GP 0.8.0 A.2, with the offset; false if it is valid. */
bool pvm_program_find_violation(const pvm_code_t *code, char *out, size_t out_bytes);

#endif
