/*
 * Guest: quicksort of 4096 random 64-bit numbers, short runs left to an insertion sort. Branches that
 * nobody can predict, and recursion of moderate depth.
 */
#include "guest.h"

#define COUNT     4096
#define SHORT_RUN 12

static inline void swap(uint64_t *a, uint64_t *b)
{
    const uint64_t held = *a;

    *a = *b;
    *b = held;
}

static void insertion_sort(uint64_t *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const uint64_t held = values[i];
        size_t hole = i;

        while (hole > 0 && values[hole - 1] > held) {
            values[hole] = values[hole - 1];
            hole--;
        }
        values[hole] = held;
    }
}

/** Puts the median of first, middle and last in the middle, and the extremes at the ends. */
static uint64_t median_of_three(uint64_t *values, size_t count)
{
    uint64_t *first = &values[0];
    uint64_t *middle = &values[count / 2];
    uint64_t *last = &values[count - 1];

    if (*middle < *first) {
        swap(middle, first);
    }
    if (*last < *middle) {
        swap(last, middle);
        if (*middle < *first) {
            swap(middle, first);
        }
    }
    return *middle;
}

/** Hoare's partition; returns how many values stand before the cut. */
static size_t partition(uint64_t *values, size_t count)
{
    const uint64_t pivot = median_of_three(values, count);
    size_t low = 0;
    size_t high = count - 1;

    for (;;) {
        do {
            low++;
        } while (values[low] < pivot);
        do {
            high--;
        } while (values[high] > pivot);
        if (low >= high) {
            return low;
        }
        swap(&values[low], &values[high]);
    }
}

GUEST_NOINLINE static void quicksort(uint64_t *values, size_t count)
{
    if (count <= SHORT_RUN) {
        insertion_sort(values, count);
    } else {
        const size_t cut = partition(values, count);

        quicksort(values, cut);
        quicksort(values + cut, count - cut);
    }
}

PVM_GUEST_MAIN(quicksort)
{
    static uint64_t values[COUNT];
    uint64_t checksum = 0;
    uint64_t state = 88172645463325252;

    for (uint64_t round = guest_rounds(n); round > 0; round--) {
        for (size_t i = 0; i < COUNT; i++) {
            values[i] = guest_random(&state);
        }
        quicksort(values, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            checksum = guest_mix(checksum, values[i]);
        }
    }
    return checksum;
}
