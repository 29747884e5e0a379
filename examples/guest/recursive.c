/*
 * Guest: four recursive functions with little work between the calls: Ackermann (deep), Takeuchi
 * (wide), n queens (with a frame that holds state), and a digit sum over a stack of frames with an
 * array each. Calls, returns, and stack traffic.
 */
#include "guest.h"

#define BOARD       7
#define CHAIN_DEPTH 400
#define FRAME_WORDS 16

/* The chain needs CHAIN_DEPTH frames of some 200 bytes; Ackermann needs over 500 small ones. */
GUEST_STACK_SIZE(262144);

GUEST_NOINLINE static uint64_t ackermann(uint64_t m, uint64_t n)
{
    if (m == 0) {
        return n + 1;
    }
    if (n == 0) {
        return ackermann(m - 1, 1);
    }
    return ackermann(m - 1, ackermann(m, n - 1));
}

GUEST_NOINLINE static int64_t takeuchi(int64_t x, int64_t y, int64_t z)
{
    if (y >= x) {
        return z;
    }
    return takeuchi(takeuchi(x - 1, y, z), takeuchi(y - 1, z, x), takeuchi(z - 1, x, y));
}

/** Solutions of the queens puzzle below a row; the masks say which columns are attacked. */
GUEST_NOINLINE static uint64_t queens(uint32_t columns, uint32_t falling, uint32_t rising)
{
    const uint32_t all = (1u << BOARD) - 1;
    uint64_t solutions = 0;

    if (columns == all) {
        return 1;
    }
    for (uint32_t free = all & ~(columns | falling | rising); free != 0; free &= free - 1) {
        const uint32_t queen = free & (~free + 1);

        solutions += queens(columns | queen, (falling | queen) << 1, (rising | queen) >> 1);
    }
    return solutions;
}

/** Every frame fills an array from its caller's, and reads it again after the call below it. */
GUEST_NOINLINE static uint64_t chain(const uint64_t *above, unsigned depth)
{
    uint64_t frame[FRAME_WORDS];
    uint64_t sum = depth;

    for (unsigned i = 0; i < FRAME_WORDS; i++) {
        frame[i] = above[(i + 1) % FRAME_WORDS] * 3 + depth;
    }
    if (depth > 0) {
        sum += chain(frame, depth - 1);
    }
    for (unsigned i = 0; i < FRAME_WORDS; i++) {
        sum = (sum << 1 | sum >> 63) ^ frame[i];
    }
    return sum;
}

PVM_GUEST_MAIN(recursive)
{
    uint64_t seed[FRAME_WORDS];
    uint64_t checksum = 0;

    for (unsigned i = 0; i < FRAME_WORDS; i++) {
        seed[i] = i;
    }
    for (uint64_t round = guest_rounds(n); round > 0; round--) {
        checksum = guest_mix(checksum, ackermann(2, 30 + (checksum & 7)));
        checksum = guest_mix(checksum, ackermann(3, 3));
        checksum = guest_mix(checksum, (uint64_t)takeuchi(10, 6, (int64_t)(checksum & 3)));
        checksum = guest_mix(checksum, queens(0, 0, 0));
        seed[checksum % FRAME_WORDS] ^= checksum;
        checksum = guest_mix(checksum, chain(seed, CHAIN_DEPTH));
    }
    return checksum;
}
