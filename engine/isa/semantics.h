/* What instructions compute, once: pure functions of 64-bit values, named in instructions.def.
 *
 * Used by the interpreter, and by tests as the oracle for emitted code. 32-bit results are always
 * sign-extended. Shift and rotate amounts are taken modulo the width. Spec: GP A.5. */
#ifndef PVM_ISA_SEMANTICS_H
#define PVM_ISA_SEMANTICS_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t pvm_sem_extend_32(uint64_t v)
{
    return (uint64_t)(int64_t)(int32_t)(uint32_t)v;
}

/* -- One operand --- */

static inline uint64_t pvm_sem_copy(uint64_t v)
{
    return v;
}

static inline uint64_t pvm_sem_count_set_bits_64(uint64_t v)
{
    return (uint64_t)__builtin_popcountll(v);
}

static inline uint64_t pvm_sem_count_set_bits_32(uint64_t v)
{
    return (uint64_t)__builtin_popcount((uint32_t)v);
}

static inline uint64_t pvm_sem_leading_zero_bits_64(uint64_t v)
{
    return v == 0 ? 64 : (uint64_t)__builtin_clzll(v);
}

static inline uint64_t pvm_sem_leading_zero_bits_32(uint64_t v)
{
    return (uint32_t)v == 0 ? 32 : (uint64_t)__builtin_clz((uint32_t)v);
}

static inline uint64_t pvm_sem_trailing_zero_bits_64(uint64_t v)
{
    return v == 0 ? 64 : (uint64_t)__builtin_ctzll(v);
}

static inline uint64_t pvm_sem_trailing_zero_bits_32(uint64_t v)
{
    return (uint32_t)v == 0 ? 32 : (uint64_t)__builtin_ctz((uint32_t)v);
}

static inline uint64_t pvm_sem_sign_extend_8(uint64_t v)
{
    return (uint64_t)(int64_t)(int8_t)(uint8_t)v;
}

static inline uint64_t pvm_sem_sign_extend_16(uint64_t v)
{
    return (uint64_t)(int64_t)(int16_t)(uint16_t)v;
}

static inline uint64_t pvm_sem_zero_extend_16(uint64_t v)
{
    return v & 0xffff;
}

static inline uint64_t pvm_sem_reverse_bytes(uint64_t v)
{
    return __builtin_bswap64(v);
}

static inline uint64_t pvm_sem_reverse_bytes_32(uint64_t v)
{
    return pvm_sem_extend_32(__builtin_bswap32((uint32_t)v));
}

/* -- Arithmetic --- */

static inline uint64_t pvm_sem_add_64(uint64_t v, uint64_t w)
{
    return v + w;
}

static inline uint64_t pvm_sem_sub_64(uint64_t v, uint64_t w)
{
    return v - w;
}

static inline uint64_t pvm_sem_mul_64(uint64_t v, uint64_t w)
{
    return v * w;
}

static inline uint64_t pvm_sem_add_32(uint64_t v, uint64_t w)
{
    return pvm_sem_extend_32(v + w);
}

static inline uint64_t pvm_sem_sub_32(uint64_t v, uint64_t w)
{
    return pvm_sem_extend_32(v - w);
}

static inline uint64_t pvm_sem_mul_32(uint64_t v, uint64_t w)
{
    return pvm_sem_extend_32(v * w);
}

static inline uint64_t pvm_sem_mul_upper_s_s(uint64_t v, uint64_t w)
{
    return (uint64_t)(((__int128)(int64_t)v * (__int128)(int64_t)w) >> 64);
}

static inline uint64_t pvm_sem_mul_upper_u_u(uint64_t v, uint64_t w)
{
    return (uint64_t)(((unsigned __int128)v * w) >> 64);
}

static inline uint64_t pvm_sem_mul_upper_s_u(uint64_t v, uint64_t w)
{
    return (uint64_t)(((__int128)(int64_t)v * (__int128)(unsigned __int128)w) >> 64);
}

static inline uint64_t pvm_sem_mul_upper_s_s_32(uint64_t v, uint64_t w)
{
    return pvm_sem_extend_32((uint64_t)((int64_t)(int32_t)v * (int64_t)(int32_t)w) >> 32);
}

static inline uint64_t pvm_sem_mul_upper_u_u_32(uint64_t v, uint64_t w)
{
    return pvm_sem_extend_32(((uint64_t)(uint32_t)v * (uint64_t)(uint32_t)w) >> 32);
}

static inline uint64_t pvm_sem_mul_upper_s_u_32(uint64_t v, uint64_t w)
{
    return pvm_sem_extend_32((uint64_t)((int64_t)(int32_t)v * (int64_t)(uint32_t)w) >> 32);
}

static inline uint64_t pvm_sem_div_u_64(uint64_t v, uint64_t w)
{
    return w == 0 ? UINT64_MAX : v / w;
}

static inline uint64_t pvm_sem_div_s_64(uint64_t v, uint64_t w)
{
    if (w == 0) {
        return UINT64_MAX;
    }
    if (w == UINT64_MAX) {
        return 0 - v;
    }
    return (uint64_t)((int64_t)v / (int64_t)w);
}

static inline uint64_t pvm_sem_rem_u_64(uint64_t v, uint64_t w)
{
    return w == 0 ? v : v % w;
}

static inline uint64_t pvm_sem_rem_s_64(uint64_t v, uint64_t w)
{
    if (w == 0) {
        return v;
    }
    if (w == UINT64_MAX) {
        return 0;
    }
    return (uint64_t)((int64_t)v % (int64_t)w);
}

static inline uint64_t pvm_sem_div_u_32(uint64_t v, uint64_t w)
{
    return (uint32_t)w == 0 ? UINT64_MAX : pvm_sem_extend_32((uint32_t)v / (uint32_t)w);
}

static inline uint64_t pvm_sem_div_s_32(uint64_t v, uint64_t w)
{
    /* In 64 bits -2^31 / -1 does not overflow; cutting the result to 32 bits gives -2^31 back. */
    return (uint32_t)w == 0 ? UINT64_MAX
                            : pvm_sem_extend_32((uint64_t)((int64_t)(int32_t)v / (int32_t)w));
}

static inline uint64_t pvm_sem_rem_u_32(uint64_t v, uint64_t w)
{
    return pvm_sem_extend_32((uint32_t)w == 0 ? (uint32_t)v : (uint32_t)v % (uint32_t)w);
}

static inline uint64_t pvm_sem_rem_s_32(uint64_t v, uint64_t w)
{
    return (uint32_t)w == 0 ? pvm_sem_extend_32(v)
                            : pvm_sem_extend_32((uint64_t)((int64_t)(int32_t)v % (int32_t)w));
}

/* -- Bits --- */

static inline uint64_t pvm_sem_and(uint64_t v, uint64_t w)
{
    return v & w;
}

static inline uint64_t pvm_sem_or(uint64_t v, uint64_t w)
{
    return v | w;
}

static inline uint64_t pvm_sem_xor(uint64_t v, uint64_t w)
{
    return v ^ w;
}

static inline uint64_t pvm_sem_and_inv(uint64_t v, uint64_t w)
{
    return v & ~w;
}

static inline uint64_t pvm_sem_or_inv(uint64_t v, uint64_t w)
{
    return v | ~w;
}

static inline uint64_t pvm_sem_xnor(uint64_t v, uint64_t w)
{
    return ~(v ^ w);
}

static inline uint64_t pvm_sem_shlo_l_64(uint64_t v, uint64_t w)
{
    return v << (w & 63);
}

static inline uint64_t pvm_sem_shlo_r_64(uint64_t v, uint64_t w)
{
    return v >> (w & 63);
}

static inline uint64_t pvm_sem_shar_r_64(uint64_t v, uint64_t w)
{
    return (uint64_t)((int64_t)v >> (w & 63));
}

static inline uint64_t pvm_sem_shlo_l_32(uint64_t v, uint64_t w)
{
    return pvm_sem_extend_32((uint32_t)v << (w & 31));
}

static inline uint64_t pvm_sem_shlo_r_32(uint64_t v, uint64_t w)
{
    return pvm_sem_extend_32((uint32_t)v >> (w & 31));
}

static inline uint64_t pvm_sem_shar_r_32(uint64_t v, uint64_t w)
{
    return (uint64_t)(int64_t)((int32_t)(uint32_t)v >> (w & 31));
}

static inline uint64_t pvm_sem_rot_l_64(uint64_t v, uint64_t w)
{
    return v << (w & 63) | v >> (-w & 63);
}

static inline uint64_t pvm_sem_rot_r_64(uint64_t v, uint64_t w)
{
    return v >> (w & 63) | v << (-w & 63);
}

static inline uint64_t pvm_sem_rot_l_32(uint64_t v, uint64_t w)
{
    const uint32_t low = (uint32_t)v;

    return pvm_sem_extend_32(low << (w & 31) | low >> (-w & 31));
}

static inline uint64_t pvm_sem_rot_r_32(uint64_t v, uint64_t w)
{
    const uint32_t low = (uint32_t)v;

    return pvm_sem_extend_32(low >> (w & 31) | low << (-w & 31));
}

/* -- Comparisons: conditions of branches, values of set_ and choices of min and max --- */

static inline bool pvm_sem_eq(uint64_t v, uint64_t w)
{
    return v == w;
}

static inline bool pvm_sem_ne(uint64_t v, uint64_t w)
{
    return v != w;
}

static inline bool pvm_sem_lt_u(uint64_t v, uint64_t w)
{
    return v < w;
}

static inline bool pvm_sem_le_u(uint64_t v, uint64_t w)
{
    return v <= w;
}

static inline bool pvm_sem_ge_u(uint64_t v, uint64_t w)
{
    return v >= w;
}

static inline bool pvm_sem_gt_u(uint64_t v, uint64_t w)
{
    return v > w;
}

static inline bool pvm_sem_lt_s(uint64_t v, uint64_t w)
{
    return (int64_t)v < (int64_t)w;
}

static inline bool pvm_sem_le_s(uint64_t v, uint64_t w)
{
    return (int64_t)v <= (int64_t)w;
}

static inline bool pvm_sem_ge_s(uint64_t v, uint64_t w)
{
    return (int64_t)v >= (int64_t)w;
}

static inline bool pvm_sem_gt_s(uint64_t v, uint64_t w)
{
    return (int64_t)v > (int64_t)w;
}

static inline bool pvm_sem_eq_zero(uint64_t v)
{
    return v == 0;
}

static inline bool pvm_sem_ne_zero(uint64_t v)
{
    return v != 0;
}

static inline uint64_t pvm_sem_set_lt_u(uint64_t v, uint64_t w)
{
    return v < w;
}

static inline uint64_t pvm_sem_set_lt_s(uint64_t v, uint64_t w)
{
    return (int64_t)v < (int64_t)w;
}

static inline uint64_t pvm_sem_max(uint64_t v, uint64_t w)
{
    return (int64_t)v > (int64_t)w ? v : w;
}

static inline uint64_t pvm_sem_max_u(uint64_t v, uint64_t w)
{
    return v > w ? v : w;
}

static inline uint64_t pvm_sem_min(uint64_t v, uint64_t w)
{
    return (int64_t)v < (int64_t)w ? v : w;
}

static inline uint64_t pvm_sem_min_u(uint64_t v, uint64_t w)
{
    return v < w ? v : w;
}

#endif
