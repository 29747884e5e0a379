/* Code that grows: of a large program only what is reached is compiled, a unit at a time. A program of 100 KB executes a sixth of
 * its code in an invocation, and should not wait for the rest.
 *
 * A unit is some blocks that are likely to be reached together (reach.h), in whole pages of the region that are sealed once
 * and for all. Ways out of what has been emitted so far lead through slots: words in the region's first pages, which stay
 * writable, with the host address to go on at. A slot that leads nowhere yet leads to a stub, which leaves; C then emits
 * the block, if nobody did, and fills the slot in. The jump table consists of such slots, too.
 *
 * Going through slots, and blocks that lie in the order in which they were met, cost some percent of the time. Code that is used for
 * long gives way to code that was emitted as a whole, as does code whose region is full.
 *
 * Only plain code grows: who counts or traces wants all blocks, and knows that it costs. docs/recompiler.md. */
#ifndef PVM_RECOMPILER_GROW_H
#define PVM_RECOMPILER_GROW_H

#include "recompiler/code.h"

typedef struct pvm_growth_t pvm_growth_t;

/** Whether code of this variant is worth growing: the program is large enough, and nobody outside wants to know all of it at
 *  once. PVM_UNIT in the environment says otherwise. */
bool pvm_growth_is_wanted(const pvm_program_t *program, unsigned variant);

/** Code of a valid program in which nothing is emitted yet. NULL and pvm_last_error() if there is no memory for it. */
pvm_recompiler_code_t *pvm_growth_begin(const pvm_program_t *program, unsigned variant);

/** Have the block that starts at pc, a block start, emitted. Thread: any; others wait meanwhile, and so does who forks.
 *  @return octets of host code that were emitted for that, -1: the region is full or cannot be sealed, for good, and
 *  pvm_last_error() is set */
int64_t pvm_growth_reach(pvm_recompiler_code_t *code, uint32_t pc);

/** Whether the block that starts at pc, a block start, is there. Thread: any, no lock. */
bool pvm_growth_has(const pvm_recompiler_code_t *code, uint32_t pc);

/** From now on this slot, that of an ELSEWHERE stub, leads to the block that starts at pc, which is there. */
void pvm_growth_link(pvm_recompiler_code_t *code, uint32_t slot, uint32_t pc);

/** So much gas was used in this code. Thread: any, no lock; what several tell at once may be lost.
 *  @return true: all that was used by now makes it worth compiling the program as a whole */
bool pvm_growth_is_worn(pvm_recompiler_code_t *code, int64_t gas);

/** The stub that code left through; `stop` is behind its call. */
pvm_stub_t pvm_growth_stub(const pvm_recompiler_code_t *code, const uint8_t *stop);

/** As pvm_recompiler_stretch_at(): only among what is there. */
const pvm_stretch_t *pvm_growth_stretch_at(const pvm_recompiler_code_t *code, uint32_t pc);

void pvm_growth_destroy(pvm_growth_t *growth);

#endif
