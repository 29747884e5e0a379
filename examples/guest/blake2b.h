/*
 * BLAKE2b (RFC 7693), unkeyed, digests of 1 to 64 bytes, one call for a whole message. Shared by the
 * blake2b guest and the service, hence a header with static functions. JAM hashes with BLAKE2b-256.
 */
#ifndef PVM_EXAMPLES_BLAKE2B_H
#define PVM_EXAMPLES_BLAKE2B_H

#include <stddef.h>
#include <stdint.h>

#define BLAKE2B_BLOCK_BYTES 128

static const uint64_t blake2b_initial[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

static const uint8_t blake2b_order[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static inline uint64_t blake2b_rotate_right(uint64_t x, unsigned count)
{
    return (x >> count) | (x << (64 - count));
}

static inline void blake2b_quarter(uint64_t v[16], unsigned a, unsigned b, unsigned c, unsigned d,
                                   uint64_t x, uint64_t y)
{
    v[a] += v[b] + x;
    v[d] = blake2b_rotate_right(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = blake2b_rotate_right(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = blake2b_rotate_right(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = blake2b_rotate_right(v[b] ^ v[c], 63);
}

/** One block; `counter` is the number of message bytes so far, `last` marks the final block. */
static void blake2b_compress(uint64_t state[8], const uint8_t block[BLAKE2B_BLOCK_BYTES],
                             uint64_t counter, int last)
{
    uint64_t v[16];
    uint64_t m[16];

    for (unsigned i = 0; i < 16; i++) {
        m[i] = 0;
        for (unsigned byte = 0; byte < 8; byte++) {
            m[i] |= (uint64_t)block[8 * i + byte] << (8 * byte);
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        v[i] = state[i];
        v[i + 8] = blake2b_initial[i];
    }
    v[12] ^= counter;
    v[14] ^= last ? UINT64_MAX : 0;
    for (unsigned round = 0; round < 12; round++) {
        const uint8_t *s = blake2b_order[round % 10];

        blake2b_quarter(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
        blake2b_quarter(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
        blake2b_quarter(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
        blake2b_quarter(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
        blake2b_quarter(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
        blake2b_quarter(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
        blake2b_quarter(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
        blake2b_quarter(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (unsigned i = 0; i < 8; i++) {
        state[i] ^= v[i] ^ v[i + 8];
    }
}

static void blake2b(uint8_t *digest, size_t digest_length, const uint8_t *message, size_t length)
{
    uint64_t state[8];
    uint8_t tail[BLAKE2B_BLOCK_BYTES] = {0};
    size_t done = 0;

    for (unsigned i = 0; i < 8; i++) {
        state[i] = blake2b_initial[i];
    }
    state[0] ^= 0x01010000 ^ (uint64_t)digest_length;
    while (length - done > BLAKE2B_BLOCK_BYTES) {
        blake2b_compress(state, message + done, done + BLAKE2B_BLOCK_BYTES, 0);
        done += BLAKE2B_BLOCK_BYTES;
    }
    for (size_t i = 0; i < length - done; i++) {
        tail[i] = message[done + i];
    }
    blake2b_compress(state, tail, length, 1);
    for (size_t i = 0; i < digest_length; i++) {
        digest[i] = (uint8_t)(state[i / 8] >> (8 * (i % 8)));
    }
}

#endif
