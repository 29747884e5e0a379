/* Guest programs against the same C compiled natively: run time of each backend under both gas models, as
 * ratios to native code measured in turn in this process. */
#include "bench.h"
#include "guests_native.h"

#include <math.h>
#include <pvm/pvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More gas than any guest burns. */
#define GAS_LIMIT INT64_MAX

typedef struct {
    const char *name;
    uint64_t (*native)(uint64_t n);
    uint64_t (*vectorized)(uint64_t n);
} guest_t;

static const guest_t guests[] = {
#define PVM_GUEST(name, description) {#name, pvm_guest_##name, pvm_guest_##name##_vectorized},
#include "guests.def"
#undef PVM_GUEST
};

/* One row of the table: a way to run a guest. */
typedef struct {
    const char *name;
    pvm_spec_t spec;
    pvm_backend_t backend;
    const char *suffix; /* of the blob */
} form_t;

static const form_t forms[] = {
    {"interpreter 0.7.2", PVM_SPEC_0_7_2, PVM_BACKEND_INTERPRETER, "-0.7.2"},
    {"interpreter 0.8.0", PVM_SPEC_0_8_0, PVM_BACKEND_INTERPRETER, ""},
    {"recompiler 0.7.2", PVM_SPEC_0_7_2, PVM_BACKEND_RECOMPILER, "-0.7.2"},
    {"recompiler 0.8.0", PVM_SPEC_0_8_0, PVM_BACKEND_RECOMPILER, ""},
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

static pvm_vm_t *make_vm(const bench_options_t *options, const guest_t *guest, const form_t *form,
                         uint32_t *out_entry)
{
    char path[512];
    size_t len;

    (void)snprintf(path, sizeof(path), "%s/%s%s.polkavm", options->blobs, guest->name, form->suffix);
    uint8_t *const blob = bench_read_file(path, &len);
    if (blob == NULL) {
        return NULL;
    }
    pvm_program_t *const program = pvm_program_load(blob, len, PVM_FORMAT_AUTO, form->spec);
    free(blob);
    if (program == NULL || pvm_program_find_entry(program, "main", out_entry) != 0) {
        (void)fprintf(stderr, "%s: %s\n", path, pvm_last_error());
        pvm_program_release(program);
        return NULL;
    }
    pvm_vm_t *const vm = pvm_instantiate(program, form->backend, 0, GAS_LIMIT);
    pvm_program_release(program);
    return vm;
}

/* Nanoseconds of one run. The checksum keeps everybody honest. */
static double time_vm(pvm_vm_t *vm, uint32_t entry, uint64_t n, uint64_t checksum)
{
    (void)pvm_reset(vm, GAS_LIMIT);
    pvm_set_register(vm, 7, n);
    const uint64_t begin = bench_now_ns();
    const pvm_result_t result = pvm_execute(vm, entry);
    const uint64_t end = bench_now_ns();
    if (result != PVM_RESULT_OK || pvm_get_register(vm, 7) != checksum) {
        (void)fprintf(stderr, "wrong result %d or checksum %llx, want %llx\n", (int)result,
                      (unsigned long long)pvm_get_register(vm, 7), (unsigned long long)checksum);
        exit(1);
    }
    return (double)(end - begin);
}

static double time_native(uint64_t (*function)(uint64_t), uint64_t n, uint64_t *out_checksum)
{
    const uint64_t begin = bench_now_ns();

    *out_checksum = function(n);
    return (double)(bench_now_ns() - begin);
}

/* The n that makes the native run last as long as asked. */
static uint64_t calibrate(const guest_t *guest, double wanted_ns)
{
    uint64_t checksum;
    uint64_t n = 1;
    double ns = time_native(guest->native, n, &checksum);

    while (ns < wanted_ns / 10) {
        n *= 2;
        ns = time_native(guest->native, n, &checksum);
    }
    const double scaled = (double)n * wanted_ns / ns;
    return scaled < 1 ? 1 : (uint64_t)scaled;
}

static void measure(const bench_options_t *options, const guest_t *guest, measurement_t *m)
{
    uint64_t checksum;

    m->n = calibrate(guest, options->native_ms * 1e6);
    for (size_t i = 0; i < FORM_COUNT; i++) {
        m->vms[i] = make_vm(options, guest, &forms[i], &m->entries[i]);
        if (m->vms[i] != NULL) {
            (void)time_vm(m->vms[i], m->entries[i], 1, guest->native(1));
        }
    }
    for (unsigned repeat = 0; repeat < options->repeats; repeat++) {
        bench_add(&m->native, time_native(guest->native, m->n, &checksum));
        bench_add(&m->vectorized, time_native(guest->vectorized, m->n, &checksum));
        for (size_t i = 0; i < FORM_COUNT; i++) {
            if (m->vms[i] != NULL) {
                bench_add(&m->times[i], time_vm(m->vms[i], m->entries[i], m->n, checksum));
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
    for (size_t i = 0; i < sizeof(guests) / sizeof(*guests); i++) {
        if (options->only != NULL && strcmp(options->only, guests[i].name) != 0) {
            continue;
        }
        measurement_t *const m = calloc(1, sizeof(*m));
        if (m == NULL) {
            return 1;
        }
        measure(options, &guests[i], m);
        print_row(guests[i].name, m, log_sum);
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
