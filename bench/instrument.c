/* What instrumentation costs: each guest with and without it, in turn, for each backend and gas model. */
#include "guest_vm.h"

#include <math.h>
#include <pvm/trace.h>

/* Native run times here: a ratio of two VMs needs no long native run, and the interpreter takes some twenty times as long. */
#define NATIVE_SHARE_INTERPRETER 0.01
#define NATIVE_SHARE_RECOMPILER  0.05
#define TURNS                    7

const bench_kind_t bench_kinds[BENCH_KIND_COUNT] = {
    {"instrument", "Exact block and edge counts: run time over the run without",
     PVM_INSTRUMENT_COUNTS | PVM_INSTRUMENT_EDGES, 0, 1.05, 1.10},
    {"instrument_blocks", "Every block in order, all of them read: run time over the run without",
     PVM_INSTRUMENT_BLOCKS, 0, 0, 2.2},
    {"instrument_calls", "Exact calling-context tree: run time over the run without",
     PVM_INSTRUMENT_CALLS, 0, 0, 1.40},
    {"instrument_flight", "The last 64 blocks kept: run time over the run without",
     PVM_INSTRUMENT_FLIGHT, 0, 0, 0},
    {"instrument_samples_99", "Samples at 99 Hz: run time over the run without",
     PVM_INSTRUMENT_SAMPLES, 99, 1.01, 1.01},
    {"instrument_samples_999", "Samples at 999 Hz: run time over the run without",
     PVM_INSTRUMENT_SAMPLES, 999, 1.05, 1.05},
};

/* Reads every id of a batch. */
static void read_blocks(void *user_data, pvm_vm_t *vm, const uint32_t *blocks, size_t count)
{
    uint64_t *const sum = user_data;

    (void)vm;
    for (size_t i = 0; i < count; i++) {
        *sum += blocks[i];
    }
}

/* Run time with the instrumentation over run time without; 0 if the backend is not available. */
static double measure(const bench_options_t *options, const bench_guest_t *guest,
                      const bench_form_t *form, const bench_kind_t *kind)
{
    const double share = form->backend == PVM_BACKEND_INTERPRETER ? NATIVE_SHARE_INTERPRETER
                                                                  : NATIVE_SHARE_RECOMPILER;
    const uint64_t n = bench_calibrate(guest, options->native_ms * share * 1e6);
    const pvm_observer_t observer = {.size = sizeof(observer), .blocks = read_blocks};
    uint32_t entry;
    uint64_t checksum;
    uint64_t sum = 0;
    bench_sample_t plain = {.count = 0};
    bench_sample_t counted = {.count = 0};
    pvm_vm_t *const vm = bench_guest_vm(options, guest, form->spec, form->backend, &entry);

    if (vm == NULL) {
        return 0;
    }
    (void)bench_time_native(guest->native, n, &checksum);
    for (int turn = -1; turn < TURNS; turn++) {
        (void)pvm_set_observer(vm, NULL, NULL);
        (void)pvm_set_instrumentation(vm, 0);
        const double without = bench_time_vm(vm, entry, n, checksum);
        (void)pvm_set_observer(vm, &observer, &sum);
        if (kind->hz != 0) {
            (void)pvm_set_sample_rate(vm, kind->hz);
        }
        (void)pvm_set_instrumentation(vm, kind->flags);
        const double with = bench_time_vm(vm, entry, n, checksum);
        if (turn >= 0) {
            bench_add(&plain, without);
            bench_add(&counted, with);
        }
    }
    pvm_destroy(vm);
    return bench_median_ratio(&counted, &plain);
}

pvm_prof_table_t *bench_measure_kind(const bench_options_t *options, const bench_kind_t *kind,
                                     double out_means[BENCH_FORM_COUNT])
{
    double log_sum[BENCH_FORM_COUNT] = {0};
    size_t measured[BENCH_FORM_COUNT] = {0};
    pvm_prof_column_t columns[1 + BENCH_FORM_COUNT] = {BENCH_TEXT("guest", "guest")};

    for (size_t i = 0; i < BENCH_FORM_COUNT; i++) {
        columns[1 + i] =
            (pvm_prof_column_t)BENCH_REAL(bench_forms[i].id, bench_forms[i].header, "");
    }
    pvm_prof_table_t *const table =
        pvm_prof_table_create(kind->title, columns, 1 + BENCH_FORM_COUNT);
    for (size_t guest = 0; guest < bench_guest_count && table != NULL; guest++) {
        const bench_guest_t *const it = &bench_guests_list[guest];
        if (!bench_guest_is_wanted(options, it)) {
            continue;
        }
        pvm_row_t row = pvm_row_add(table);
        pvm_row_text(&row, it->name);
        for (size_t i = 0; i < BENCH_FORM_COUNT; i++) {
            const double ratio = measure(options, it, &bench_forms[i], kind);
            if (ratio > 0) {
                log_sum[i] += log(ratio);
                measured[i]++;
            }
            pvm_row_real(&row, ratio);
        }
    }
    for (size_t i = 0; i < BENCH_FORM_COUNT; i++) {
        out_means[i] = measured[i] == 0 ? 0 : exp(log_sum[i] / (double)measured[i]);
    }
    if (table != NULL) {
        pvm_row_t row = pvm_row_add(table);
        pvm_row_text(&row, "geometric mean");
        for (size_t i = 0; i < BENCH_FORM_COUNT; i++) {
            pvm_row_real(&row, out_means[i]);
        }
    }
    return table;
}

int bench_instrument(const bench_options_t *options, bench_report_t *report)
{
    double means[BENCH_FORM_COUNT];

    for (size_t i = 0; i < BENCH_KIND_COUNT; i++) {
        bench_report_add(report, bench_kinds[i].key,
                         bench_measure_kind(options, &bench_kinds[i], means));
    }
    return 0;
}
