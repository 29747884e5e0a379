/* Times of one side, from samples. */
#ifndef PVM_VIEWER_COMPARE_TIMES_H
#define PVM_VIEWER_COMPARE_TIMES_H

#include "viewer/rows.h"

#include "profiler/interval.h"
#include "profiler/side.h"

/** Blocks with fewer samples are in no list: what they say would be chance. */
#define PVM_COMPARE_SAMPLES_MIN 10

/** A time and its 95 % interval. */
typedef struct {
    double ns;
    double low_ns;
    double high_ns;
} pvm_compare_time_t;

/** So many samples of a side that has some, as time. */
static inline pvm_compare_time_t pvm_compare_time(const pvm_side_t *side, int64_t samples)
{
    const pvm_prof_interval_t interval = pvm_prof_interval(samples, side->samples);
    const double ns = (double)side->guest_ns;

    return (pvm_compare_time_t){ns * (double)samples / (double)side->samples, ns * interval.low,
                                ns * interval.high};
}

static inline void pvm_compare_put_real(pvm_row_t *row, bool is_known, double number)
{
    if (is_known) {
        pvm_row_real(row, number);
    } else {
        pvm_row_null(row);
    }
}

/** Blocks of a sampled side whose time is far from their gas. @param top  rows; 0: all. NULL without memory. */
pvm_prof_table_t *pvm_compare_prices(const pvm_side_t *side, size_t top);

#endif
