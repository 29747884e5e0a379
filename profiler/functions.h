/* Which function a block belongs to.
 *
 * With debug information: the physical (outermost) function at the first pc of the block,
 * inlined ones not regarded. Without: `fn@PC`, where PC is where the function starts as far as
 * the code tells (program/routines.h). A function reaches to the next start. docs/counting.md says where
 * this guess is wrong. */
#ifndef PVM_PROFILER_FUNCTIONS_H
#define PVM_PROFILER_FUNCTIONS_H

#include "program/program.h"

/** Names are cut to this, with their end. */
#define PVM_PROF_MAX_NAME_BYTES 1024
/** Functions that are told apart in one program; the rest is shown as one. */
#define PVM_PROF_MAX_FUNCTIONS (UINT32_C(1) << 18)

typedef struct {
    char *name;      /**< NUL-terminated, any octets of the file; owned */
    uint32_t pc;     /**< of its first block */
    bool from_debug; /**< false: found in the code */
} pvm_prof_function_t;

typedef struct {
    pvm_prof_function_t *list;
    uint32_t count;
    uint32_t *of_block; /**< index into list, for each block and for "no block" behind them */
} pvm_prof_functions_t;

/** Find the functions of a program. Cost: one pass over code and debug ranges.
 *  @return 0, or -1 without memory (then there is nothing to free). */
int pvm_prof_functions_find(const pvm_program_t *program, pvm_prof_functions_t *out);
void pvm_prof_functions_free(pvm_prof_functions_t *functions);

#endif
