/* What stands behind the instructions: entries for indirect jumps, stubs, the jump table; and jumps that were emitted
 * before their target was. */
#ifndef PVM_RECOMPILER_FINISH_H
#define PVM_RECOMPILER_FINISH_H

#include "recompiler/compiler.h"

/** Counting code: where indirect jumps arrive, told by block. @return the cursor */
uint8_t *pvm_compiler_emit_hub_entries(pvm_compiler_t *c, uint8_t *at, uint32_t *entries);
uint8_t *pvm_compiler_emit_stubs(pvm_compiler_t *c, uint8_t *at);
/** The table of indirect jumps, which lead to the block's place. @return the cursor */
uint8_t *pvm_compiler_emit_jump_table(pvm_compiler_t *c, uint8_t *at, const uint32_t *places);
/** Jumps ahead, and prices that were not known. */
void pvm_compiler_patch_jumps(pvm_compiler_t *c, const uint8_t *table);

#endif
