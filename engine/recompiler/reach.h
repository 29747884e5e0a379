/* Which blocks are emitted together: those that the program is likely to reach from one of them, the nearest first. */
#ifndef PVM_RECOMPILER_REACH_H
#define PVM_RECOMPILER_REACH_H

#include "program/program.h"

/** What is remembered about the blocks of a program from one choice to the next. */
typedef struct {
    const pvm_program_t *program;
    const uint32_t *ranks; /**< borrowed: program/ranks.h */
    const uint8_t *ops;    /**< borrowed: number -> pvm_op_t */
    uint8_t *is_taken;     /**< of each block: it was chosen */
    uint32_t *waiting;     /**< blocks that may come next, one for each edge */
    uint32_t *chosen;      /**< as many as there are blocks */
    uint32_t octets;       /**< of guest code that were chosen so far */
} pvm_reach_t;

/** Choose `block`, which was not, and blocks behind it with `octets` octets of guest code or a few more: the ones that blocks run
 *  on into, then where they jump to, and where calls return to. They stand in reach->chosen, and those that run on into one another
 *  follow one another. @return how many */
uint32_t pvm_reach_choose(pvm_reach_t *reach, uint32_t block, uint32_t octets);
/** Choose all blocks that were not. @return how many */
uint32_t pvm_reach_choose_rest(pvm_reach_t *reach);

#endif
