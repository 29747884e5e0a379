/* Guest programs against the same C compiled natively: run time of each backend under both gas models, as
 * ratios to native code measured in turn in this process. */
#include "guest_vm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One row of the table: a way to run a guest. */
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

typedef struct {
    pvm_vm_t *vms[FORM_COUNT];
    uint32_t entries[FORM_COUNT];
    bench_sample_t native;
    bench_sample_t vectorized;
    bench_sample_t times[FORM_COUNT];
    uint64_t n;
} measurement_t;

static void measure(const bench_options_t *options, const bench_guest_t *guest, measurement_t *m)
{
    uint64_t checksum;

    m->n = bench_calibrate(guest, options->native_ms * 1e6);
    for (size_t i = 0; i < FORM_COUNT; i++) {
        m->vms[i] = bench_guest_vm(options, guest, forms[i].spec, forms[i].backend, &m->entries[i]);
        if (m->vms[i] != NULL) {
            (void)bench_time_vm(m->vms[i], m->entries[i], 1, guest->native(1));
        }
    }
    for (unsigned repeat = 0; repeat < options->repeats; repeat++) {
        bench_add(&m->native, bench_time_native(guest->native, m->n, &checksum));
        bench_add(&m->vectorized, bench_time_native(guest->vectorized, m->n, &checksum));
        for (size_t i = 0; i < FORM_COUNT; i++) {
            if (m->vms[i] != NULL) {
                bench_add(&m->times[i], bench_time_vm(m->vms[i], m->entries[i], m->n, checksum));
            }
        }
    }
    for (size_t i = 0; i < FORM_COUNT; i++) {
        pvm_destroy(m->vms[i]);
    }
}

static void print_row(const char *name, const measurement_t *m, double log_sum[FORM_COUNT])
{
    (void)printf("%-10s %9.1f %6.2fx", name, bench_median(&m->native) / 1e6,
                 bench_median_ratio(&m->vectorized, &m->native));
    for (size_t i = 0; i < FORM_COUNT; i++) {
        if (m->times[i].count == 0) {
            (void)printf(" %18s", "-");
            continue;
        }
        const double ratio = bench_median_ratio(&m->times[i], &m->native);
        log_sum[i] += log(ratio);
        (void)printf(" %16.2fx%c", ratio, bench_spread(&m->times[i]) > 0.1 ? '~' : ' ');
    }
    (void)printf("\n");
    (void)fflush(stdout);
}

int bench_guests(const bench_options_t *options)
{
    double log_sum[FORM_COUNT] = {0};
    size_t measured = 0;

    (void)printf("Guest programs, run time as a multiple of native code (%s -O2, no vectorizer)\n"
                 "vect: the same with the vectorizers; ~: quartiles more than 10 %% apart\n\n",
                 PVM_GUESTS_NATIVE_COMPILER);
    (void)printf("%-10s %9s %7s", "guest", "native ms", "vect");
    for (size_t i = 0; i < FORM_COUNT; i++) {
        (void)printf(" %18s", forms[i].name);
    }
    (void)printf("\n");
    for (size_t i = 0; i < bench_guest_count; i++) {
        if (options->only != NULL && strcmp(options->only, bench_guests_list[i].name) != 0) {
            continue;
        }
        measurement_t *const m = calloc(1, sizeof(*m));
        if (m == NULL) {
            return 1;
        }
        measure(options, &bench_guests_list[i], m);
        print_row(bench_guests_list[i].name, m, log_sum);
        free(m);
        measured++;
    }
    (void)printf("%-10s %9s %7s", "geo. mean", "", "");
    for (size_t i = 0; i < FORM_COUNT && measured > 0; i++) {
        (void)printf(" %16.2fx ", exp(log_sum[i] / (double)measured));
    }
    (void)printf("\n");
    return 0;
}
