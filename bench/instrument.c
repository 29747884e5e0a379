/* What exact counts cost: each guest with and without them, in turn, for each backend and gas model. */
#include "guest_vm.h"

#include <math.h>
#include <pvm/trace.h>
#include <stdio.h>
#include <string.h>

/* Native run times here: a ratio of two VMs needs no long native run. */
#define NATIVE_SHARE 0.1
#define TURNS        7

typedef struct {
    const char *name;
    pvm_spec_t spec;
    pvm_backend_t backend;
} form_t;

static const form_t forms[] = {
    {"interpreter 0.7.2", PVM_SPEC_0_7_2, PVM_BACKEND_INTERPRETER},
    {"interpreter 0.8.0", PVM_SPEC_0_8_0, PVM_BACKEND_INTERPRETER},
    {"recompiler 0.7.2", PVM_SPEC_0_7_2, PVM_BACKEND_RECOMPILER},
    {"recompiler 0.8.0", PVM_SPEC_0_8_0, PVM_BACKEND_RECOMPILER},
};

#define FORM_COUNT (sizeof(forms) / sizeof(*forms))

/* Run time with counts over run time without; 0 if the backend is not available. */
static double measure(const bench_options_t *options, const bench_guest_t *guest,
                      const form_t *form, uint64_t n)
{
    uint32_t entry;
    uint64_t checksum;
    bench_sample_t plain = {.count = 0};
    bench_sample_t counted = {.count = 0};
    pvm_vm_t *const vm = bench_guest_vm(options, guest, form->spec, form->backend, &entry);

    if (vm == NULL) {
        return 0;
    }
    (void)bench_time_native(guest->native, n, &checksum);
    for (int turn = -1; turn < TURNS; turn++) {
        (void)pvm_set_instrumentation(vm, 0);
        const double without = bench_time_vm(vm, entry, n, checksum);
        (void)pvm_set_instrumentation(vm, PVM_INSTRUMENT_COUNTS | PVM_INSTRUMENT_EDGES);
        const double with = bench_time_vm(vm, entry, n, checksum);
        if (turn >= 0) {
            bench_add(&plain, without);
            bench_add(&counted, with);
        }
    }
    pvm_destroy(vm);
    return bench_median_ratio(&counted, &plain);
}

int bench_instrument(const bench_options_t *options)
{
    double log_sum[FORM_COUNT] = {0};
    size_t measured[FORM_COUNT] = {0};

    (void)printf("Exact block and edge counts: run time over the run without, %d turns\n\n%-10s",
                 TURNS, "guest");
    for (size_t i = 0; i < FORM_COUNT; i++) {
        (void)printf(" %18s", forms[i].name);
    }
    (void)printf("\n");
    for (size_t guest = 0; guest < bench_guest_count; guest++) {
        const bench_guest_t *const it = &bench_guests_list[guest];
        if (options->only != NULL && strcmp(options->only, it->name) != 0) {
            continue;
        }
        const uint64_t n = bench_calibrate(it, options->native_ms * NATIVE_SHARE * 1e6);
        (void)printf("%-10s", it->name);
        for (size_t i = 0; i < FORM_COUNT; i++) {
            const double ratio = measure(options, it, &forms[i], n);
            if (ratio > 0) {
                log_sum[i] += log(ratio);
                measured[i]++;
            }
            (void)printf(" %17.3fx", ratio);
            (void)fflush(stdout);
        }
        (void)printf("\n");
    }
    (void)printf("%-10s", "geo. mean");
    for (size_t i = 0; i < FORM_COUNT; i++) {
        (void)printf(" %17.3fx", measured[i] == 0 ? 0 : exp(log_sum[i] / (double)measured[i]));
    }
    (void)printf("\n");
    return 0;
}
