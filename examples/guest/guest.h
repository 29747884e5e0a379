/*
 * What every compute guest includes: the entry point, which is the same C in the guest and natively,
 * and a few helpers. A guest is one function of one number: n scales the work, the result is a
 * checksum of all of it.
 *
 * Guest build: the function is exported as `main` (n in r7, checksum in r7) and as `refine`, the
 * form that a JAM standard program needs at pc 0 (see guest_jam_entry). Native build: it is the plain
 * function pvm_guest_NAME, with PVM_GUEST_SUFFIX appended when that is defined.
 */
#ifndef PVM_EXAMPLES_GUEST_H
#define PVM_EXAMPLES_GUEST_H

#include <stddef.h>
#include <stdint.h>

#define GUEST_JOIN_(a, b) a##b
#define GUEST_JOIN(a, b)  GUEST_JOIN_(a, b)

#if defined(__riscv)

#include "guest_link.h"

/* One body for both forms: `main` itself must stay a function that a profile can name. */
#define PVM_GUEST_MAIN(name)                                                                       \
    static uint64_t pvm_guest_##name(uint64_t n);                                                  \
    uint64_t guest_main(uint64_t n);                                                               \
    guest_slice_t guest_refine(const uint8_t *arguments, uint64_t length);                         \
    GUEST_EXPORT(guest_main, "main", 1, 1)                                                         \
    GUEST_EXPORT(guest_refine, "refine", 2, 2)                                                     \
    uint64_t guest_main(uint64_t n)                                                                \
    {                                                                                              \
        return pvm_guest_##name(n);                                                                \
    }                                                                                              \
    guest_slice_t guest_refine(const uint8_t *arguments, uint64_t length)                          \
    {                                                                                              \
        static uint64_t checksum;                                                                  \
        checksum = pvm_guest_##name(guest_number(arguments, length));                              \
        return (guest_slice_t){&checksum, sizeof(checksum)};                                       \
    }                                                                                              \
    GUEST_NOINLINE static uint64_t pvm_guest_##name(uint64_t n)

#else

#define GUEST_NOINLINE __attribute__((noinline))

#ifndef PVM_GUEST_SUFFIX
#define PVM_GUEST_SUFFIX
#endif

#define PVM_GUEST_MAIN(name)                                                                       \
    uint64_t GUEST_JOIN(pvm_guest_##name, PVM_GUEST_SUFFIX)(uint64_t n);                           \
    uint64_t GUEST_JOIN(pvm_guest_##name, PVM_GUEST_SUFFIX)(uint64_t n)

#define GUEST_STACK_SIZE(bytes) _Static_assert((bytes) > 0, "a stack has a size")

#endif

/** Rounds of work for n: linear, and never none, so that n = 0 is the shortest run. */
static inline uint64_t guest_rounds(uint64_t n)
{
    return n == 0 ? 1 : n;
}

/** The next value of a xorshift generator; the state must start non-zero. */
static inline uint64_t guest_random(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x;
}

/** Folds one value into a checksum so that order matters. */
static inline uint64_t guest_mix(uint64_t checksum, uint64_t value)
{
    checksum = (checksum ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return checksum ^ (checksum >> 29);
}

#endif
