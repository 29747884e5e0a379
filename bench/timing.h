/* Timing for the benches: repeated, interleaved measurements, and what is said about them. */
#ifndef PVM_BENCH_TIMING_H
#define PVM_BENCH_TIMING_H

#include <stddef.h>
#include <stdint.h>

/** Most repetitions of one measurement. */
#define BENCH_REPEATS_MAX 101

/** A set of repeated measurements of one thing. */
typedef struct {
    double values[BENCH_REPEATS_MAX];
    size_t count;
} bench_sample_t;

/** Monotonic time in nanoseconds. */
uint64_t bench_now_ns(void);
/** Nanoseconds since a mark, which is moved to now. */
double bench_since(uint64_t *mark);
void bench_add(bench_sample_t *sample, double value);
double bench_median(const bench_sample_t *sample);
double bench_minimum(const bench_sample_t *sample);
/** Distance between the quartiles, as a share of the median: above 0.1 a figure is "noisy". */
double bench_spread(const bench_sample_t *sample);
/** Median of a[i] / b[i]: the ratio of two things measured in turn. Both have the same count. */
double bench_median_ratio(const bench_sample_t *a, const bench_sample_t *b);

#endif
