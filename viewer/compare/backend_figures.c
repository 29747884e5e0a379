/* Figures of both sides of a comparison of backends, with their intervals. See backends.h. */
#include "viewer/compare/backends.h"

#include "profiler/table_sort.h"

void pvm_backends_put_speed_up(pvm_row_t *row, const pvm_backends_t *backends,
                               pvm_backend_work_t slow, pvm_backend_work_t fast)
{
    const pvm_compare_time_t a = pvm_compare_time(backends->slow, slow.samples);
    const pvm_compare_time_t b = pvm_compare_time(backends->fast, fast.samples);
    const double scale = slow.units > 0 ? fast.units / slow.units : 0;
    const bool is_known = slow.units > 0 && fast.units > 0;

    pvm_compare_put_real(row, is_known && b.ns > 0, scale * a.ns / b.ns);
    pvm_compare_put_real(row, is_known && b.high_ns > 0, scale * a.low_ns / b.high_ns);
    pvm_compare_put_real(row, is_known && b.low_ns > 0, scale * a.high_ns / b.low_ns);
}

void pvm_backends_put_share(pvm_row_t *row, const pvm_side_t *side, int64_t samples)
{
    const pvm_prof_interval_t interval = pvm_prof_interval(samples, side->samples);

    pvm_row_real(row, 100 * (double)samples / (double)side->samples);
    pvm_row_real(row, 100 * interval.low);
    pvm_row_real(row, 100 * interval.high);
}

void pvm_backends_put_gas_per_ns(pvm_row_t *row, const pvm_side_t *side, pvm_backend_work_t gas)
{
    const pvm_compare_time_t time = pvm_compare_time(side, gas.samples);

    pvm_compare_put_real(row, time.ns > 0, gas.units / time.ns);
    pvm_compare_put_real(row, time.high_ns > 0, gas.units / time.high_ns);
    pvm_compare_put_real(row, time.low_ns > 0, gas.units / time.low_ns);
}

void pvm_backends_put_ns_each(pvm_row_t *row, const pvm_side_t *side, pvm_backend_work_t hits)
{
    const pvm_compare_time_t time = pvm_compare_time(side, hits.samples);

    pvm_compare_put_real(row, hits.units > 0, time.ns / hits.units);
    pvm_compare_put_real(row, hits.units > 0, time.low_ns / hits.units);
    pvm_compare_put_real(row, hits.units > 0, time.high_ns / hits.units);
}

void pvm_backends_put_bytes(pvm_row_t *row, int64_t host_bytes, int64_t guest_bytes)
{
    pvm_compare_put_real(row, host_bytes > 0 && guest_bytes > 0,
                         (double)host_bytes / (double)guest_bytes);
}

void pvm_backends_set_details(pvm_prof_table_t *table, const char *const *ids)
{
    for (; table != NULL && *ids != NULL; ids++) {
        const size_t column = pvm_prof_table_column(table, *ids);

        table->details |= column < table->column_count ? UINT64_C(1) << column : 0;
    }
}
