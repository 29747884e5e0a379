/* Where random choices come from: a seeded generator, or octets that a fuzzer chose. Both give the same numbers for
 * the same input, on every machine. The generator is xoshiro256** (Blackman and Vigna), seeded by splitmix64. */
#ifndef PVM_TESTS_DIFFERENTIAL_SOURCE_H
#define PVM_TESTS_DIFFERENTIAL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t state[4];
    const uint8_t *octets; /**< NULL: generator only; it also takes over where the octets end */
    size_t len;
    size_t at;
} diff_source_t;

static inline uint64_t diff_split_mix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/** A source of its own for each pair of numbers. */
static inline diff_source_t diff_source_make(uint64_t seed, uint64_t index)
{
    diff_source_t source = {.octets = NULL};
    uint64_t state = seed;

    state = diff_split_mix(&state) ^ index;
    for (int i = 0; i < 4; i++) {
        source.state[i] = diff_split_mix(&state);
    }
    return source;
}

static inline uint64_t diff_u64(diff_source_t *source)
{
    uint64_t *const s = source->state;
    const uint64_t by_5 = s[1] * 5;
    const uint64_t result = (by_5 << 7 | by_5 >> 57) * 9;
    const uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = s[3] << 45 | s[3] >> 19;
    return result;
}

/** 0 to count - 1. Takes one of the fuzzer's octets where that is enough, so that its changes stay local. */
static inline uint32_t diff_below(diff_source_t *source, uint32_t count)
{
    if (source->at < source->len) {
        uint32_t value = source->octets[source->at++];
        for (uint32_t limit = count; limit > 256 && source->at < source->len; limit >>= 8) {
            value = value << 8 | source->octets[source->at++];
        }
        return value % count;
    }
    return (uint32_t)((diff_u64(source) >> 32) * count >> 32);
}

static inline bool diff_one_in(diff_source_t *source, uint32_t count)
{
    return diff_below(source, count) == 0;
}

/** A number from low to high. */
static inline uint32_t diff_between(diff_source_t *source, uint32_t low, uint32_t high)
{
    return low + diff_below(source, high - low + 1);
}

#endif
