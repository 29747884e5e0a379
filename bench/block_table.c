/* Forgets, finds, prices. */
#include "block_table.h"

#include "program/blocks.h"
#include "program/prices.h"
#include "timing.h"

#include <stdio.h>
#include <stdlib.h>

double bench_find_blocks(pvm_program_t *program, bool has_block_gas)
{
    pvm_program_forget_blocks(program);
    program->has_block_gas = has_block_gas;
    const uint64_t begin = bench_now_ns();
    if (pvm_program_find_blocks(program) != 0) {
        (void)fprintf(stderr, "%s\n", pvm_last_error());
        exit(1);
    }
    return (double)(bench_now_ns() - begin);
}

double bench_price_blocks(const pvm_program_t *program)
{
    const uint64_t begin = bench_now_ns();

    pvm_program_price_all(program);
    return (double)(bench_now_ns() - begin);
}
