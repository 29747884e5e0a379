/* When recompiling pays: compiling costs more than predecoding, and each instruction less from then on. */
#include "guest_vm.h"

#include "interpreter/interpreter.h"
#include "program/program.h"
#include "recompiler/recompiler.h"
#include "vm/vm.h"

#include <pvm/trace.h>
#include <stdlib.h>

#define REPEATS 11
/* How long the native run is whose n the backends get. */
#define NATIVE_NS 2e6

typedef struct {
    bench_sample_t code; /**< ns to have code */
    bench_sample_t run;  /**< ns of the run */
} side_t;

static uint64_t total_of(const pvm_vm_t *vm)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < vm->program->block_count; i++) {
        total += vm->program->blocks[i].instructions;
    }
    return total;
}

/* Instructions that main(n) executes: under 0.7.2 each costs one gas, and both blobs are built from one ELF. */
static double executed(const bench_options_t *options, const bench_guest_t *guest, uint64_t n,
                       uint64_t checksum)
{
    uint32_t entry;
    pvm_vm_t *const vm =
        bench_guest_vm(options, guest, PVM_SPEC_0_7_2, PVM_BACKEND_RECOMPILER, &entry);

    if (vm == NULL) {
        return 0;
    }
    (void)bench_time_vm(vm, entry, n, checksum);
    const double instructions = (double)(INT64_MAX - pvm_get_gas(vm));
    pvm_destroy(vm);
    return instructions;
}

/* @return false without the backend */
static bool measure(const bench_options_t *options, const bench_guest_t *guest,
                    pvm_backend_t backend, uint64_t n, uint64_t checksum, side_t *side,
                    uint64_t *out_instructions, uint32_t *out_octets)
{
    uint32_t entry;
    pvm_vm_t *const vm = bench_guest_vm(options, guest, PVM_SPEC_0_8_0, backend, &entry);

    if (vm == NULL) {
        return false;
    }
    *out_instructions = total_of(vm);
    *out_octets = vm->program->code.len;
    const uint64_t begin = bench_now_ns();
    (void)(backend == PVM_BACKEND_RECOMPILER ? pvm_recompiler_prepare_all(vm)
                                             : pvm_interpreter_prepare(vm));
    bench_add(&side->code, (double)(bench_now_ns() - begin));
    bench_add(&side->run, bench_time_vm(vm, entry, n, checksum));
    pvm_destroy(vm);
    return true;
}

static void add_guest(const bench_options_t *options, const bench_guest_t *guest,
                      pvm_prof_table_t *table)
{
    const uint64_t n = bench_calibrate(guest, NATIVE_NS);
    const uint64_t checksum = guest->native(n);
    const double instructions = executed(options, guest, n, checksum);
    side_t slow = {.code.count = 0};
    side_t fast = {.code.count = 0};
    uint64_t total = 0;
    uint32_t octets = 0;
    pvm_row_t row = pvm_row_add(table);

    for (int i = 0; i < REPEATS; i++) {
        if (!measure(options, guest, PVM_BACKEND_INTERPRETER, n, checksum, &slow, &total,
                     &octets) ||
            !measure(options, guest, PVM_BACKEND_RECOMPILER, n, checksum, &fast, &total, &octets)) {
            return;
        }
    }
    const double more = bench_median(&fast.code) - bench_median(&slow.code);
    const double slow_ns = bench_median(&slow.run) / instructions;
    const double fast_ns = bench_median(&fast.run) / instructions;
    const double even = more <= 0 ? 0 : more / (slow_ns - fast_ns);
    pvm_row_text(&row, guest->name);
    pvm_row_int(&row, octets);
    pvm_row_real(&row, bench_median(&slow.code) / 1000);
    pvm_row_real(&row, bench_median(&fast.code) / 1000);
    pvm_row_real(&row, slow_ns);
    pvm_row_real(&row, fast_ns);
    pvm_row_int(&row, (int64_t)even);
    pvm_row_real(&row, even / (double)total);
}

int bench_break_even(const bench_options_t *options, bench_report_t *report)
{
    const pvm_prof_column_t columns[] = {
        BENCH_TEXT("guest", "guest"),
        BENCH_INT("code_bytes", "code", "octets"),
        BENCH_REAL("predecode_us", "predecode", "us"),
        BENCH_REAL("compile_us", "compile", "us"),
        BENCH_REAL("interpreter_ns", "interpr.", "ns"),
        BENCH_REAL("recompiler_ns", "recomp.", "ns"),
        BENCH_INT("even_instructions", "pays after", "instr."),
        BENCH_REAL("even_hits", "hits of each", ""),
    };
    pvm_prof_table_t *const table = pvm_prof_table_create(
        "When recompiling pays (0.8.0; interpr., recomp.: for one instruction)", columns,
        sizeof(columns) / sizeof(*columns));

    for (size_t i = 0; i < bench_guest_count && table != NULL; i++) {
        if (bench_guest_is_wanted(options, &bench_guests_list[i])) {
            add_guest(options, &bench_guests_list[i], table);
        }
    }
    if (table != NULL) {
        (void)pvm_prof_table_add_note(table,
                                      "pays after: instructions executed from which on compile + "
                                      "run is the shorter way; 0: at once. hits of each: the same "
                                      "in executions of every instruction of the program.");
    }
    bench_report_add(report, "break_even", table);
    return 0;
}
