/* What the benches share. Each prints one table of ratios or unit costs, measured in turn in one process. */
#ifndef PVM_BENCH_BENCH_H
#define PVM_BENCH_BENCH_H

#include "timing.h"

#include <stdbool.h>

typedef struct {
    const char *blobs; /**< folder of the guest blobs */
    const char *only;  /**< one guest, or NULL for all */
    double native_ms;  /**< how long a native run should last */
    unsigned repeats;  /**< measurements of each thing */
} bench_options_t;

/** A whole file, or NULL and one line on stderr. Free it. */
uint8_t *bench_read_file(const char *path, size_t *out_len);

/* The benches: 0, or 1 if one could not be run. */
int bench_guests(const bench_options_t *options);
int bench_lifecycle(const bench_options_t *options);
int bench_gas(const bench_options_t *options);
int bench_instrument(const bench_options_t *options);
int bench_pairs(const bench_options_t *options);

#endif
