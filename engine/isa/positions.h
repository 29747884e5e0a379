/* Where instructions stand, one after the other: a walk over the set bits of the mask. */
#ifndef PVM_ISA_POSITIONS_H
#define PVM_ISA_POSITIONS_H

#include "isa/isa.h"
#include "support/bits.h"

typedef struct {
    const pvm_code_t *code;
    uint64_t bits; /**< those not met yet, */
    uint32_t base; /**< from here on */
} pvm_positions_t;

static inline uint64_t pvm_positions_word(const pvm_code_t *code, uint32_t base)
{
    uint64_t bits;

    memcpy(&bits, code->mask + (base >> 3), sizeof(bits));
    return bits;
}

/** A walk that begins with the first instruction at or behind pc. */
static inline __attribute__((always_inline)) pvm_positions_t
pvm_positions_from(const pvm_code_t *code, uint32_t pc)
{
    const uint32_t base = pc & ~UINT32_C(63);
    const uint64_t bits =
        base < code->len ? pvm_positions_word(code, base) & UINT64_MAX << (pc & 63) : 0;

    return (pvm_positions_t){.code = code, .bits = bits, .base = base};
}

/** The next one. At the end the position behind the code, whose bit is set; no sooner than that is known. */
static inline __attribute__((always_inline)) uint32_t pvm_positions_next(pvm_positions_t *positions)
{
    while (positions->bits == 0) {
        positions->base += 64;
        if (positions->base >= positions->code->len) {
            return positions->base;
        }
        positions->bits = pvm_positions_word(positions->code, positions->base);
    }
    const uint32_t at = positions->base + (uint32_t)__builtin_ctzll(positions->bits);
    positions->bits &= positions->bits - 1;
    return at;
}

/** How many instructions there are, or a few more: the last word of the mask reaches behind the code, where bits are set. */
static inline uint32_t pvm_positions_count(const pvm_code_t *code)
{
    uint32_t total = 0;

    for (uint32_t pc = 0; pc < code->len; pc += 64) {
        total += pvm_count_bits(pvm_positions_word(code, pc));
    }
    return total;
}

#endif
