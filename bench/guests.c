/* Guest programs against the same C compiled natively: run time of each backend under both gas models, as
 * ratios to native code measured in turn in this process.
 *
 * Many short runs instead of a few long ones, and the fastest of them: what else the machine does can only add time, and a
 * neighbour on the same core halves the speed for longer than a run, but not for all of them. */
#include "guest_vm.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    pvm_vm_t *vms[BENCH_FORM_COUNT];
    uint32_t entries[BENCH_FORM_COUNT];
    bench_sample_t native;
    bench_sample_t vectorized;
    bench_sample_t rolled;
    bench_sample_t times[BENCH_FORM_COUNT];
    uint64_t n;
} measurement_t;

static void measure(const bench_options_t *options, const bench_guest_t *guest, measurement_t *m)
{
    uint64_t checksum;

    m->n = bench_calibrate(guest, options->native_ms * 1e6 / options->repeats);
    for (size_t i = 0; i < BENCH_FORM_COUNT; i++) {
        m->vms[i] = bench_guest_vm(options, guest, bench_forms[i].spec, bench_forms[i].backend,
                                   &m->entries[i]);
        if (m->vms[i] != NULL) {
            (void)bench_time_vm(m->vms[i], m->entries[i], 1, guest->native(1));
        }
    }
    for (unsigned repeat = 0; repeat < options->repeats; repeat++) {
        bench_add(&m->native, bench_time_native(guest->native, m->n, &checksum));
        bench_add(&m->vectorized, bench_time_native(guest->vectorized, m->n, &checksum));
        bench_add(&m->rolled, bench_time_native(guest->rolled, m->n, &checksum));
        for (size_t i = 0; i < BENCH_FORM_COUNT; i++) {
            if (m->vms[i] != NULL) {
                bench_add(&m->times[i], bench_time_vm(m->vms[i], m->entries[i], m->n, checksum));
            }
        }
    }
    for (size_t i = 0; i < BENCH_FORM_COUNT; i++) {
        pvm_destroy(m->vms[i]);
    }
}

/* The largest spread of what was measured for this guest. */
static double spread_of(const measurement_t *m)
{
    double most = bench_spread(&m->native);

    for (size_t i = 0; i < BENCH_FORM_COUNT; i++) {
        const double spread = bench_spread(&m->times[i]);
        most = spread > most ? spread : most;
    }
    return most;
}

/* Sums of logarithms: of the ratios of the fastest runs, of the medians of ratios, of the ratios to rolled loops. */
typedef struct {
    double fastest[BENCH_FORM_COUNT];
    double median[BENCH_FORM_COUNT];
    double rolled[BENCH_FORM_COUNT];
    size_t count;
} sums_t;

static void add_row(pvm_prof_table_t *table, const char *name, const measurement_t *m, sums_t *sums)
{
    const double rolled = bench_minimum(&m->rolled) / bench_minimum(&m->native);
    pvm_row_t row = pvm_row_add(table);

    pvm_row_text(&row, name);
    pvm_row_real(&row, bench_minimum(&m->native) / 1e6);
    pvm_row_real(&row, bench_minimum(&m->vectorized) / bench_minimum(&m->native));
    pvm_row_real(&row, rolled);
    for (size_t i = 0; i < BENCH_FORM_COUNT; i++) {
        if (m->times[i].count == 0) {
            pvm_row_null(&row);
            continue;
        }
        const double ratio = bench_minimum(&m->times[i]) / bench_minimum(&m->native);
        sums->fastest[i] += log(ratio);
        sums->rolled[i] += log(ratio / rolled);
        sums->median[i] += log(bench_median_ratio(&m->times[i], &m->native));
        pvm_row_real(&row, ratio);
    }
    pvm_row_real(&row, 100 * spread_of(m));
    sums->count++;
}

static void add_means(pvm_prof_table_t *table, const char *name,
                      const double log_sum[BENCH_FORM_COUNT], size_t count)
{
    pvm_row_t row = pvm_row_add(table);

    pvm_row_text(&row, name);
    pvm_row_null(&row);
    pvm_row_null(&row);
    pvm_row_null(&row);
    for (size_t i = 0; i < BENCH_FORM_COUNT && count > 0; i++) {
        pvm_row_real(&row, exp(log_sum[i] / (double)count));
    }
}

static pvm_prof_table_t *make_table(void)
{
    pvm_prof_column_t columns[5 + BENCH_FORM_COUNT] = {
        BENCH_TEXT("guest", "guest"),
        BENCH_REAL("native_ms", "native", "ms"),
        BENCH_REAL("vectorized", "vectorized", ""),
        BENCH_REAL("rolled", "rolled", ""),
        [4 + BENCH_FORM_COUNT] = BENCH_REAL("spread_percent", "spread", "%"),
    };

    for (size_t i = 0; i < BENCH_FORM_COUNT; i++) {
        columns[4 + i] =
            (pvm_prof_column_t)BENCH_REAL(bench_forms[i].id, bench_forms[i].header, "");
    }
    return pvm_prof_table_create(
        "Guest programs: run time as a multiple of native code (" PVM_GUESTS_NATIVE_COMPILER
        " -O2, no vectorizer)",
        columns, 5 + BENCH_FORM_COUNT);
}

int bench_guests(const bench_options_t *options, bench_report_t *report)
{
    sums_t sums = {.count = 0};
    pvm_prof_table_t *const table = make_table();

    for (size_t i = 0; i < bench_guest_count && table != NULL; i++) {
        if (!bench_guest_is_wanted(options, &bench_guests_list[i])) {
            continue;
        }
        measurement_t *const m = calloc(1, sizeof(*m));
        if (m == NULL) {
            break;
        }
        measure(options, &bench_guests_list[i], m);
        add_row(table, bench_guests_list[i].name, m, &sums);
        free(m);
    }
    if (table != NULL) {
        add_means(table, "geom. mean", sums.fastest, sums.count);
        add_means(table, "of medians", sums.median, sums.count);
        add_means(table, "over rolled", sums.rolled, sums.count);
        (void)pvm_prof_table_add_note(
            table,
            "The fastest of %u runs of each in turn. of medians: the mean of the medians of their "
            "ratios. vectorized, rolled: native code with the vectorizers, and without unrolling, "
            "which the guests' compiler does not do either; over rolled: the mean against that. "
            "spread: distance of the quartiles, the largest of the row; above 10 %% the machine "
            "was "
            "busy.",
            options->repeats);
    }
    bench_report_add(report, "guests", table);
    return 0;
}
