/* Numbers that are random enough for tests, the same in each run (xorshift64). */
#ifndef PVM_TESTS_SUPPORT_RANDOM_H
#define PVM_TESTS_SUPPORT_RANDOM_H

#include <stdint.h>

typedef struct {
    uint64_t state; /**< anything but 0 */
} random_t;

/** One of 0 .. limit - 1; limit is not 0. */
static inline uint32_t random_below(random_t *random, uint32_t limit)
{
    random->state ^= random->state << 13;
    random->state ^= random->state >> 7;
    random->state ^= random->state << 17;
    return (uint32_t)((random->state >> 32) % limit);
}

#endif
