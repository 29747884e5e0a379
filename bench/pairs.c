/* Which pairs of instructions the guests execute most: what engine/interpreter/fused.def is chosen from. Counts
 * are exact: hits of each block times the pairs in it. */
#include "bench.h"
#include "isa/isa.h"
#include "program/program.h"

#include <pvm/trace.h>
#include <stdio.h>
#include <stdlib.h>

/* Guest code sees this n: some 10^6 instructions each, weighed alike afterwards. */
#define PAIR_N    1
#define PAIR_ROWS 120

typedef struct {
    double share; /**< of all instructions executed, averaged over the guests */
    uint8_t first;
    uint8_t second;
} pair_t;

static double shares[PVM_OP_COUNT][PVM_OP_COUNT];

static void add_block(const pvm_program_t *program, const pvm_block_t *block, double weight)
{
    pvm_instruction_t in;
    int previous = -1;

    for (uint32_t pc = block->pc; pc < block->end_pc; pc = in.next) {
        pvm_isa_decode(&program->code, pc, &in);
        if (previous >= 0) {
            shares[previous][in.op] += weight;
        }
        previous = in.op;
    }
}

static int add_guest(const bench_options_t *options, const char *name)
{
    char path[512];
    size_t len;
    uint32_t entry;
    int status = 1;

    (void)snprintf(path, sizeof(path), "%s/%s-0.7.2.polkavm", options->blobs, name);
    uint8_t *const blob = bench_read_file(path, &len);
    pvm_program_t *const program =
        blob == NULL ? NULL : pvm_program_load(blob, len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
    pvm_vm_t *const vm =
        program == NULL ? NULL : pvm_instantiate(program, PVM_BACKEND_INTERPRETER, 0, INT64_MAX);
    const size_t slots = (size_t)pvm_program_block_count(program) + 1;
    pvm_block_count_t *const counts = calloc(slots, sizeof(*counts));
    if (vm == NULL || counts == NULL || pvm_program_find_entry(program, "main", &entry) != 0 ||
        pvm_set_instrumentation(vm, PVM_INSTRUMENT_COUNTS) != 0) {
        (void)fprintf(stderr, "%s: %s\n", path, pvm_last_error());
        goto out;
    }
    pvm_set_register(vm, 7, PAIR_N);
    (void)pvm_execute(vm, entry);
    (void)pvm_get_block_counts(vm, counts, slots);
    const double instructions = (double)(INT64_MAX - pvm_get_gas(vm));
    for (uint32_t i = 0; i + 1 < slots; i++) {
        add_block(program, &pvm_program_blocks(program)[i], (double)counts[i].hits / instructions);
    }
    status = 0;
out:
    free(counts);
    pvm_destroy(vm);
    pvm_program_release(program);
    free(blob);
    return status;
}

static int by_share(const void *left, const void *right)
{
    const double a = ((const pair_t *)left)->share;
    const double b = ((const pair_t *)right)->share;

    return (a < b) - (a > b);
}

int bench_pairs(const bench_options_t *options, bench_report_t *report)
{
    static const char *const guests[] = {
#define PVM_GUEST(name, description) #name,
#include "guests.def"
#undef PVM_GUEST
    };
    static pair_t pairs[PVM_OP_COUNT * PVM_OP_COUNT];
    const pvm_prof_column_t columns[] = {
        BENCH_REAL("share_percent", "share", "%"),
        BENCH_TEXT("first", "first"),
        BENCH_TEXT("second", "second"),
    };
    const size_t guest_count = sizeof(guests) / sizeof(*guests);
    size_t count = 0;

    for (size_t i = 0; i < guest_count; i++) {
        if (add_guest(options, guests[i]) != 0) {
            return 1;
        }
    }
    for (int first = 0; first < PVM_OP_COUNT; first++) {
        for (int second = 0; second < PVM_OP_COUNT; second++) {
            pairs[count++] = (pair_t){.share = shares[first][second] / (double)guest_count,
                                      .first = (uint8_t)first,
                                      .second = (uint8_t)second};
        }
    }
    qsort(pairs, count, sizeof(*pairs), by_share);
    pvm_prof_table_t *const table =
        pvm_prof_table_create("Pairs of instructions, of all instructions executed", columns,
                              sizeof(columns) / sizeof(*columns));
    for (size_t i = 0; i < PAIR_ROWS && table != NULL; i++) {
        pvm_row_t row = pvm_row_add(table);
        pvm_row_real(&row, 100 * pairs[i].share);
        pvm_row_text(&row, pvm_isa_ops[pairs[i].first].name);
        pvm_row_text(&row, pvm_isa_ops[pairs[i].second].name);
    }
    bench_report_add(report, "pairs", table);
    return 0;
}
