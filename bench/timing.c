/* Clock, order statistics and ratios. */
#include "timing.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t bench_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

double bench_since(uint64_t *mark)
{
    const uint64_t now = bench_now_ns();
    const double ns = (double)(now - *mark);

    *mark = now;
    return ns;
}

void bench_add(bench_sample_t *sample, double value)
{
    if (sample->count < BENCH_REPEATS_MAX) {
        sample->values[sample->count++] = value;
    }
}

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;

    return (a > b) - (a < b);
}

static double quantile(const bench_sample_t *sample, double share)
{
    double sorted[BENCH_REPEATS_MAX];

    if (sample->count == 0) {
        return 0;
    }
    memcpy(sorted, sample->values, sample->count * sizeof(*sorted));
    qsort(sorted, sample->count, sizeof(*sorted), compare);
    return sorted[(size_t)(share * (double)(sample->count - 1) + 0.5)];
}

double bench_median(const bench_sample_t *sample)
{
    return quantile(sample, 0.5);
}

double bench_minimum(const bench_sample_t *sample)
{
    return quantile(sample, 0);
}

double bench_spread(const bench_sample_t *sample)
{
    const double median = bench_median(sample);

    return median == 0 ? 0 : (quantile(sample, 0.75) - quantile(sample, 0.25)) / median;
}

double bench_median_ratio(const bench_sample_t *a, const bench_sample_t *b)
{
    bench_sample_t ratios = {.count = 0};

    for (size_t i = 0; i < a->count && i < b->count; i++) {
        bench_add(&ratios, b->values[i] == 0 ? 0 : a->values[i] / b->values[i]);
    }
    return bench_median(&ratios);
}
