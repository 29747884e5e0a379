/* Which block starts at a pc, without a search: for each 64 pcs how many blocks start before them, and for the rest the
 * bits of block starts are counted. For whoever asks about all jumps of a program at once. */
#ifndef PVM_PROGRAM_RANKS_H
#define PVM_PROGRAM_RANKS_H

#include "program/program.h"
#include "support/bits.h"

#include <string.h>

/** How many ranks there are. */
static inline size_t pvm_ranks_count(const pvm_program_t *program)
{
    return (size_t)program->code.len / 64 + 1;
}

/** The bits of block starts at 64 index .. 64 index + 63. */
static inline uint64_t pvm_ranks_starts(const pvm_program_t *program, size_t index)
{
    uint64_t bits;

    memcpy(&bits, program->block_starts + index * sizeof(bits), sizeof(bits));
    return bits;
}

static inline void pvm_ranks_make(const pvm_program_t *program, uint32_t *out_ranks)
{
    const size_t ranks = pvm_ranks_count(program);
    /* Position 0 is a block of the table even where it is no block start. */
    uint32_t count = program->block_count > 0 && !pvm_program_is_block_start(program, 0);

    for (size_t i = 0; i < ranks; i++) {
        out_ranks[i] = count;
        count += pvm_count_bits(pvm_ranks_starts(program, i));
    }
}

/** Index of the block that starts at `start`, which is a block start. */
static inline uint32_t pvm_ranks_block_at(const pvm_program_t *program, const uint32_t *ranks,
                                          uint32_t start)
{
    const uint64_t below = (UINT64_C(1) << (start & 63)) - 1;

    return ranks[start >> 6] + pvm_count_bits(pvm_ranks_starts(program, start >> 6) & below);
}

#endif
