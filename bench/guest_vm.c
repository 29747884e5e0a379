/* Guests as the benches run them: natively and in a VM. */
#include "guest_vm.h"

#include "guests_native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More gas than any guest burns. */
#define GAS_LIMIT INT64_MAX

const bench_guest_t bench_guests_list[] = {
#define PVM_GUEST(name, description)                                                               \
    {#name, pvm_guest_##name, pvm_guest_##name##_vectorized, pvm_guest_##name##_rolled},
#include "guests.def"
#undef PVM_GUEST
};
const size_t bench_guest_count = sizeof(bench_guests_list) / sizeof(*bench_guests_list);

const bench_form_t bench_forms[BENCH_FORM_COUNT] = {
    {"interpreter_0_7_2", "interpr. 0.7.2", PVM_SPEC_0_7_2, PVM_BACKEND_INTERPRETER},
    {"interpreter_0_8_0", "interpr. 0.8.0", PVM_SPEC_0_8_0, PVM_BACKEND_INTERPRETER},
    {"recompiler_0_7_2", "recomp. 0.7.2", PVM_SPEC_0_7_2, PVM_BACKEND_RECOMPILER},
    {"recompiler_0_8_0", "recomp. 0.8.0", PVM_SPEC_0_8_0, PVM_BACKEND_RECOMPILER},
};

bool bench_guest_is_wanted(const bench_options_t *options, const bench_guest_t *guest)
{
    return options->only == NULL || strcmp(options->only, guest->name) == 0;
}

pvm_vm_t *bench_guest_vm(const bench_options_t *options, const bench_guest_t *guest,
                         pvm_spec_t spec, pvm_backend_t backend, uint32_t *out_entry)
{
    char path[512];
    size_t len;

    (void)snprintf(path, sizeof(path), "%s/%s%s.polkavm", options->blobs, guest->name,
                   spec == PVM_SPEC_0_7_2 ? "-0.7.2" : "");
    uint8_t *const blob = bench_read_file(path, &len);
    if (blob == NULL) {
        return NULL;
    }
    pvm_program_t *const program = pvm_program_load(blob, len, PVM_FORMAT_AUTO, spec);
    free(blob);
    if (program == NULL || pvm_program_find_entry(program, "main", out_entry) != 0) {
        (void)fprintf(stderr, "%s: %s\n", path, pvm_last_error());
        pvm_program_release(program);
        return NULL;
    }
    pvm_vm_t *const vm = pvm_instantiate(program, backend, 0, GAS_LIMIT);
    pvm_program_release(program);
    return vm;
}

double bench_time_vm(pvm_vm_t *vm, uint32_t entry, uint64_t n, uint64_t checksum)
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

double bench_time_native(uint64_t (*function)(uint64_t), uint64_t n, uint64_t *out_checksum)
{
    const uint64_t begin = bench_now_ns();

    *out_checksum = function(n);
    return (double)(bench_now_ns() - begin);
}

/* The fastest of three: the first run waits for pages, and a busy machine would make n too small for good. */
static double fastest_native(const bench_guest_t *guest, uint64_t n)
{
    double fastest = 0;

    for (int i = 0; i < 3; i++) {
        uint64_t checksum;
        const double ns = bench_time_native(guest->native, n, &checksum);
        fastest = i == 0 || ns < fastest ? ns : fastest;
    }
    return fastest;
}

uint64_t bench_calibrate(const bench_guest_t *guest, double wanted_ns)
{
    uint64_t n = 1;
    double ns = fastest_native(guest, n);

    while (ns < wanted_ns / 10) {
        n *= 2;
        ns = fastest_native(guest, n);
    }
    const double scaled = (double)n * wanted_ns / ns;
    return scaled < 1 ? 1 : (uint64_t)scaled;
}
