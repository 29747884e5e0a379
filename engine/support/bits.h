/* Counting bits. */
#ifndef PVM_SUPPORT_BITS_H
#define PVM_SUPPORT_BITS_H

#include <stdint.h>

/** Set bits. Without an instruction for it compilers call a library function; this is less. */
static inline uint32_t pvm_count_bits(uint64_t bits)
{
    bits -= bits >> 1 & 0x5555555555555555;
    bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (uint32_t)(bits * 0x0101010101010101 >> 56);
}

#endif
