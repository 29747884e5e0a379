/* What stands behind the instructions: entries for indirect jumps, stubs, the jump table; and jumps that were emitted
 * before their target was. */
#ifndef PVM_RECOMPILER_FINISH_H
#define PVM_RECOMPILER_FINISH_H

#include "recompiler/compiler.h"

/** Counting code, before the pass: who arrives where. The tables are zero. */
void pvm_compiler_choose_landings(pvm_compiler_t *c);
/** Counting code: arrivals by branches without a landing. @return the cursor */
uint8_t *pvm_compiler_emit_detours(pvm_compiler_t *c, uint8_t *at);
/** Counting code: arrivals by indirect jumps where there is no landing for them. @return the cursor */
uint8_t *pvm_compiler_emit_hub_entries(pvm_compiler_t *c, uint8_t *at);
/** Tracing code: where blocks go that have no room. @return the cursor */
uint8_t *pvm_compiler_emit_traces(pvm_compiler_t *c, uint8_t *at);
/** Code that follows calls: where it is not done inline. @return the cursor */
uint8_t *pvm_compiler_emit_follows(pvm_compiler_t *c, uint8_t *at);
/** Plain code: the stubs of all blocks. @return the cursor */
uint8_t *pvm_compiler_emit_block_stubs(const pvm_compiler_t *c, uint8_t *at);
/** All stubs that were noted from this one on. @return the cursor */
uint8_t *pvm_compiler_emit_stubs(const pvm_compiler_t *c, uint8_t *at, uint32_t first);
/** The table of indirect jumps, which lead to the block's place. @return the cursor */
uint8_t *pvm_compiler_emit_jump_table(pvm_compiler_t *c, uint8_t *at, const uint32_t *places);
/** Jumps ahead, and prices that were not known. */
void pvm_compiler_patch_jumps(pvm_compiler_t *c, const uint8_t *table);

#endif
