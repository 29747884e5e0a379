/*
 * Guest: product of two 48 x 48 matrices of 64-bit integers (PVM has no floating point), the result
 * being a factor of the next round. Regular loops, loads and multiplications.
 */
#include "guest.h"

#define SIZE 48

typedef uint64_t matrix_t[SIZE][SIZE];

static matrix_t left, right, product;

static void fill(matrix_t matrix, uint64_t *state)
{
    for (size_t row = 0; row < SIZE; row++) {
        for (size_t column = 0; column < SIZE; column++) {
            matrix[row][column] = guest_random(state);
        }
    }
}

GUEST_NOINLINE static void multiply(void)
{
    for (size_t row = 0; row < SIZE; row++) {
        for (size_t column = 0; column < SIZE; column++) {
            uint64_t sum = 0;

            for (size_t k = 0; k < SIZE; k++) {
                sum += left[row][k] * right[k][column];
            }
            product[row][column] = sum;
        }
    }
}

/** The product, made odd so that it does not drift to zero, becomes the left factor. */
static uint64_t take_product(uint64_t checksum)
{
    for (size_t row = 0; row < SIZE; row++) {
        for (size_t column = 0; column < SIZE; column++) {
            const uint64_t value = product[row][column];

            checksum = guest_mix(checksum, value);
            left[row][column] = (value >> 7) | 1;
        }
    }
    return checksum;
}

PVM_GUEST_MAIN(matmul)
{
    uint64_t checksum = 0;
    uint64_t state = 0x243f6a8885a308d3;

    fill(left, &state);
    fill(right, &state);
    for (uint64_t round = guest_rounds(n); round > 0; round--) {
        multiply();
        checksum = take_product(checksum);
    }
    return checksum;
}
