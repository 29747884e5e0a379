/* Which share of the instructions the recompiler leaves to the interpreter's step. A halt is one. */
#include "guest_vm.h"

#include "vm/vm.h"

#include <pvm/trace.h>
#include <stdlib.h>

/* Guests run with this n: some 10^6 instructions. */
#define LEFT_N 1

/* Instructions of the run, from exact counts. */
static uint64_t instructions_of(pvm_vm_t *vm)
{
    const pvm_program_t *const program = vm->program;
    const size_t slots = (size_t)program->block_count + 1;
    pvm_block_count_t *const counts = calloc(slots, sizeof(*counts));
    uint64_t sum = 0;

    if (counts != NULL && pvm_get_block_counts(vm, counts, slots) == slots) {
        for (uint32_t i = 0; i < program->block_count; i++) {
            sum += counts[i].hits * program->blocks[i].instructions;
        }
    }
    free(counts);
    return sum;
}

static int add_guest(const bench_options_t *options, const bench_guest_t *guest, pvm_spec_t spec,
                     pvm_prof_table_t *table)
{
    uint32_t entry;
    pvm_vm_t *const vm = bench_guest_vm(options, guest, spec, PVM_BACKEND_RECOMPILER, &entry);
    pvm_row_t row = pvm_row_add(table);

    if (vm == NULL) {
        return 1;
    }
    const uint64_t checksum = guest->native(LEFT_N);
    const uint64_t before = vm->left_count;
    (void)bench_time_vm(vm, entry, LEFT_N, checksum);
    const uint64_t left = vm->left_count - before;
    (void)pvm_set_instrumentation(vm, PVM_INSTRUMENT_COUNTS);
    (void)bench_time_vm(vm, entry, LEFT_N, checksum);
    const uint64_t instructions = instructions_of(vm);
    pvm_destroy(vm);

    pvm_row_text(&row, guest->name);
    pvm_row_text(&row, spec == PVM_SPEC_0_7_2 ? "0.7.2" : "0.8.0");
    pvm_row_int(&row, (int64_t)instructions);
    pvm_row_int(&row, (int64_t)left);
    pvm_row_real(&row, instructions == 0 ? 0 : 100 * (double)left / (double)instructions);
    return 0;
}

int bench_left(const bench_options_t *options, bench_report_t *report)
{
    const pvm_prof_column_t columns[] = {
        BENCH_TEXT("guest", "guest"),
        BENCH_TEXT("spec", "spec"),
        BENCH_INT("instructions", "instructions", ""),
        BENCH_INT("left", "left to the interpreter", ""),
        BENCH_REAL("share_percent", "share", "%"),
    };
    pvm_prof_table_t *const table =
        pvm_prof_table_create("Instructions that the recompiler leaves (halting is one)", columns,
                              sizeof(columns) / sizeof(*columns));
    int status = 0;

    for (size_t i = 0; i < bench_guest_count && table != NULL; i++) {
        const bench_guest_t *const guest = &bench_guests_list[i];
        if (bench_guest_is_wanted(options, guest)) {
            status |= add_guest(options, guest, PVM_SPEC_0_7_2, table);
            status |= add_guest(options, guest, PVM_SPEC_0_8_0, table);
        }
    }
    bench_report_add(report, "left", table);
    return status;
}
