/* The block table of a program that has one, made once more. */
#ifndef PVM_BENCH_BLOCK_TABLE_H
#define PVM_BENCH_BLOCK_TABLE_H

#include "program/program.h"

#include <stdbool.h>

/** Without a price yet. @param has_block_gas  for the 0.8.0 cost model, whatever the program's spec
 *  @return ns; without memory the process ends */
double bench_find_blocks(pvm_program_t *program, bool has_block_gas);
/** Price all blocks of a table without prices. @return ns */
double bench_price_blocks(const pvm_program_t *program);

#endif
