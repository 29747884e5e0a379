/* Where innermost loops lie (loops.c). */
#ifndef PVM_RECOMPILER_LOOPS_H
#define PVM_RECOMPILER_LOOPS_H

#include "recompiler/compiler.h"

/** The jump behind which the cursor stands led back to block c->loop: move the code from there if that spares a line. */
void pvm_compiler_place_loop(pvm_compiler_t *c, pvm_emitter_t *e);

#endif
