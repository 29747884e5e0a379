/*
 * Guest: the sieve of Eratosthenes over the odd numbers below 131072, one byte each. Short loops with
 * one store: memory strides and loop overhead.
 */
#include "guest.h"

#define LIMIT 131072
#define HALF  (LIMIT / 2)

/* composite[i] stands for the number 2 i + 1. */
static uint8_t composite[HALF];

static void clear_sieve(void)
{
    for (size_t i = 0; i < HALF; i++) {
        composite[i] = 0;
    }
}

GUEST_NOINLINE static void cross_out_multiples(void)
{
    for (size_t i = 1; 2 * i * (i + 1) < HALF; i++) {
        if (composite[i]) {
            continue;
        }
        for (size_t j = 2 * i * (i + 1); j < HALF; j += 2 * i + 1) {
            composite[j] = 1;
        }
    }
}

/** Counts the primes below `limit` and folds each of them into the checksum. */
GUEST_NOINLINE static uint64_t collect_primes(uint64_t checksum, size_t limit)
{
    uint64_t count = 1;

    checksum = guest_mix(checksum, 2);
    for (size_t i = 1; 2 * i + 1 < limit; i++) {
        if (!composite[i]) {
            checksum = guest_mix(checksum, 2 * i + 1);
            count++;
        }
    }
    return guest_mix(checksum, count);
}

PVM_GUEST_MAIN(sieve)
{
    uint64_t checksum = 0;

    for (uint64_t round = guest_rounds(n); round > 0; round--) {
        clear_sieve();
        cross_out_multiples();
        checksum = collect_primes(checksum, LIMIT - (size_t)(checksum & 63));
    }
    return checksum;
}
