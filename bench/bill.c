/* A short invocation from file to result as one bill with its parts: load, validate, block table, machine, prices of
 * blocks, code, 1,000 blocks (fewer, if it ends before), reset, and all given back. Program: the example service, or
 * --only PATH. */
#include "bench.h"

#include "interpreter/interpreter.h"
#include "memory/spare.h"
#include "program/blocks.h"
#include "program/prices.h"
#include "program/program.h"
#include "recompiler/available.h"
#include "recompiler/code.h"
#include "recompiler/recompiler.h"
#include "vm/vm.h"

#include <pvm/trace.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPEATS     41
#define BLOCKS      1000
#define GAS_LIMIT   INT64_C(1000000000)
#define WHAT_RESULT (UINT64_MAX - 1)

typedef enum {
    LOAD,
    VALIDATE,
    BLOCK_TABLE,
    MACHINE,
    MODEL,
    CODE,
    RUN,
    RESET,
    GIVE_BACK,
    PARTS,
    WHOLE = PARTS,
    FIRST,
    COUNTED,
    FOLLOWED,
    AGAIN,
    ROWS
} part_t;

typedef struct {
    uint8_t *blob;
    size_t len;
    int64_t gas; /**< suffices for the blocks */
    uint64_t blocks;
    uint32_t instrumentation; /**< of the machines that are measured now */
    bench_sample_t samples[2][ROWS];
} bill_t;

/* As `pvmscope run` answers: WHAT. */
static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id, (void)user_data;
    pvm_set_register(vm, 7, WHAT_RESULT);
    return PVM_HOST_CONTINUE;
}

static pvm_program_t *load(const bill_t *bill)
{
    return pvm_program_load(bill->blob, bill->len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
}

/* Blocks that are entered with this much gas. */
static uint64_t blocks_within(pvm_vm_t *vm, pvm_block_count_t *counts, size_t slots, int64_t gas)
{
    uint64_t hits = 0;

    (void)pvm_reset(vm, (uint64_t)gas);
    (void)pvm_clear_counts(vm);
    (void)pvm_execute(vm, 0);
    (void)pvm_get_block_counts(vm, counts, slots);
    for (size_t i = 0; i < slots; i++) {
        hits += counts[i].hits;
    }
    return hits;
}

/* The least gas that is enough for BLOCKS blocks, or for all of a program that ends before. @return false: it cannot
 * run */
static bool find_gas(bill_t *bill)
{
    pvm_program_t *const program = load(bill);
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_INTERPRETER, 0, 0);
    const size_t slots = (size_t)pvm_program_block_count(program) + 1;
    pvm_block_count_t *const counts = calloc(slots, sizeof(*counts));
    int64_t low = 0;
    int64_t high = GAS_LIMIT;

    if (vm != NULL && counts != NULL && pvm_set_instrumentation(vm, PVM_INSTRUMENT_COUNTS) == 0) {
        pvm_set_host_callback(vm, answer, NULL);
        bill->blocks = blocks_within(vm, counts, slots, high);
        while (bill->blocks >= BLOCKS && high - low > 1) {
            const int64_t middle = low + (high - low) / 2;
            const uint64_t blocks = blocks_within(vm, counts, slots, middle);
            if (blocks >= BLOCKS) {
                high = middle;
                bill->blocks = blocks;
            } else {
                low = middle;
            }
        }
        bill->gas = high;
    }
    free(counts);
    pvm_destroy(vm);
    pvm_program_release(program);
    return bill->blocks > 0;
}

/* Price these blocks of a new block table. @return ns */
static double price(const pvm_program_t *program, const uint32_t *blocks, size_t count)
{
    const uint64_t begin = bench_now_ns();

    pvm_program_price_blocks(program, blocks, count);
    return (double)(bench_now_ns() - begin);
}

/* Whether code was made in the run, and not before. */
static bool has_growth(const pvm_program_t *program)
{
#if PVM_RECOMPILER_AVAILABLE
    const pvm_recompiler_code_t *const code = program->recompiler_code[0];

    return code != NULL && code->growth != NULL;
#else
    (void)program;
    return false;
#endif
}

/* The parts of loading and of making code, done once more by themselves: what has been priced for the invocation is priced
 * again. @return false without memory */
static bool split(pvm_program_t *program, double load_ns, double code_ns, double run_ns,
                  bench_sample_t *samples)
{
    uint32_t *const priced = calloc((size_t)program->block_count + 1, sizeof(*priced));
    size_t count = 0;
    char reason[128];

    if (priced == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < program->block_count; i++) {
        priced[count] = i;
        count += program->has_block_gas && program->blocks[i].gas != 0;
    }
    uint64_t mark = bench_now_ns();
    const bool invalid = program->spec == PVM_SPEC_0_8_0 &&
                         pvm_program_find_violation(&program->code, reason, sizeof(reason));
    const double validate_ns = bench_since(&mark);
    double blocks_ns = 0;
    if (!invalid) {
        pvm_program_forget_blocks(program);
        (void)bench_since(&mark);
        if (pvm_program_find_blocks(program) != 0) {
            free(priced);
            return false;
        }
        blocks_ns = bench_since(&mark);
    }
    const double model_ns = price(program, priced, count);
    free(priced);
    bench_add(&samples[VALIDATE], validate_ns);
    bench_add(&samples[BLOCK_TABLE], blocks_ns);
    bench_add(&samples[LOAD], load_ns - validate_ns - blocks_ns);
    bench_add(&samples[MODEL], model_ns);
    const bool in_run = has_growth(program);
    bench_add(&samples[CODE], in_run ? code_ns : code_ns - model_ns);
    bench_add(&samples[RUN], in_run ? run_ns - model_ns : run_ns);
    return true;
}

/* One invocation. @return false: it cannot be made */
static bool invoke(const bill_t *bill, pvm_backend_t backend, bench_sample_t *samples)
{
    const uint64_t begin = bench_now_ns();
    uint64_t mark = begin;
    pvm_program_t *const program = load(bill);
    const double load_ns = bench_since(&mark);
    pvm_vm_t *const vm = pvm_instantiate(program, backend, 0, (uint64_t)bill->gas);
    if (vm == NULL || pvm_set_instrumentation(vm, bill->instrumentation) != 0) {
        pvm_destroy(vm);
        pvm_program_release(program);
        return false;
    }
    bench_add(&samples[MACHINE], bench_since(&mark));
    (void)(backend == PVM_BACKEND_RECOMPILER ? pvm_recompiler_prepare(vm)
                                             : pvm_interpreter_prepare(vm));
    const double code_ns = bench_since(&mark);
    pvm_set_host_callback(vm, answer, NULL);
    const pvm_result_t result = pvm_execute(vm, 0);
    const double run_ns = bench_since(&mark);
    (void)pvm_reset(vm, (uint64_t)bill->gas);
    bench_add(&samples[RESET], bench_since(&mark));
    pvm_destroy(vm);
    pvm_program_acquire(program);
    pvm_program_release(program);
    const double without_release = bench_since(&mark);
    bench_add(&samples[WHOLE], (double)(mark - begin));

    /* Not part of the bill: the same program once more, by whoever keeps program and machine. */
    pvm_vm_t *const kept = pvm_instantiate(program, backend, 0, (uint64_t)bill->gas);
    pvm_set_host_callback(kept, answer, NULL);
    (void)pvm_execute(kept, 0);
    (void)pvm_reset(kept, (uint64_t)bill->gas);
    (void)bench_since(&mark);
    (void)pvm_execute(kept, 0);
    (void)pvm_reset(kept, (uint64_t)bill->gas);
    bench_add(&samples[AGAIN], bench_since(&mark));
    pvm_destroy(kept);
    const bool is_split = split(program, load_ns, code_ns, run_ns, samples);
    (void)bench_since(&mark);
    pvm_program_release(program);
    bench_add(&samples[GIVE_BACK], without_release + bench_since(&mark));
    return is_split && result != PVM_RESULT_ERROR;
}

/* Whole invocations of one kind. @return false: one cannot be made */
static bool measure_whole(const bill_t *bill, pvm_backend_t backend, bool is_first,
                          bench_sample_t *out)
{
    bench_sample_t samples[ROWS] = {{.count = 0}};

    for (int i = -1; i < REPEATS; i++) {
        if (is_first) {
            (void)pvm_memory_spare_drain();
        }
        if (!invoke(bill, backend, samples)) {
            return false;
        }
        if (i < 0) {
            memset(samples, 0, sizeof(samples));
        }
    }
    *out = samples[WHOLE];
    return true;
}

/* @return false: not all could be measured */
static bool measure(bill_t *bill, pvm_backend_t backend, bench_sample_t *samples)
{
    bool ok = measure_whole(bill, backend, false, &samples[WHOLE]);

    samples[WHOLE].count = 0;
    for (int i = 0; ok && i < REPEATS; i++) {
        ok = invoke(bill, backend, samples);
    }
    ok = ok && measure_whole(bill, backend, true, &samples[FIRST]);
    bill->instrumentation = PVM_INSTRUMENT_EDGES;
    ok = ok && measure_whole(bill, backend, false, &samples[COUNTED]);
    bill->instrumentation = PVM_INSTRUMENT_CALLS;
    ok = ok && measure_whole(bill, backend, false, &samples[FOLLOWED]);
    bill->instrumentation = 0;
    return ok;
}

static pvm_prof_table_t *make_table(const bill_t *bill)
{
    static const char *const names[ROWS] = {
        [LOAD] = "load: read the file, copy, hash",
        [VALIDATE] = "validate",
        [BLOCK_TABLE] = "block table",
        [MACHINE] = "machine, with its memory",
        [MODEL] = "gas model, of the blocks priced for the code",
        [CODE] = "code: predecode, or compile",
        [RUN] = "run, and what is compiled in it",
        [RESET] = "reset",
        [GIVE_BACK] = "give machine, code and program back",
        [WHOLE] = "all, as measured in one piece",
        [FIRST] = "the same where no memory waits for the machine",
        [COUNTED] = "the same with edges counted",
        [FOLLOWED] = "the same with calls followed",
        [AGAIN] = "once more with machine and code kept: run, reset",
    };
    const pvm_prof_column_t columns[] = {
        BENCH_TEXT("part", "part"),
        BENCH_REAL("interpreter_us", "interpreter", "us"),
        BENCH_REAL("recompiler_us", "recompiler", "us"),
    };
    pvm_prof_table_t *const table =
        pvm_prof_table_create("A short invocation, with its parts (medians)", columns,
                              sizeof(columns) / sizeof(*columns));

    for (size_t i = 0; i < ROWS && table != NULL; i++) {
        pvm_row_t row = pvm_row_add(table);
        pvm_row_text(&row, names[i]);
        for (size_t backend = 0; backend < 2; backend++) {
            if (bill->samples[backend][i].count > 0) {
                pvm_row_real(&row, bench_median(&bill->samples[backend][i]) / 1000);
            } else {
                pvm_row_null(&row);
            }
        }
    }
    return table;
}

int bench_bill(const bench_options_t *options, bench_report_t *report)
{
    char path[4096];
    bill_t *const bill = calloc(1, sizeof(*bill));
    int status = 1;

    if (bill == NULL) {
        return 1;
    }
    if (options->only != NULL && strchr(options->only, '/') != NULL) {
        (void)snprintf(path, sizeof(path), "%s", options->only);
    } else {
        (void)snprintf(path, sizeof(path), "%s/service.jam", options->blobs);
    }
    bill->blob = bench_read_file(path, &bill->len);
    if (bill->blob == NULL) {
        goto out;
    }
    if (!find_gas(bill)) {
        (void)fprintf(stderr, "%s: cannot be loaded, or does not run: %s\n", path,
                      pvm_last_error());
        goto out;
    }
    if (!measure(bill, PVM_BACKEND_INTERPRETER, bill->samples[0]) ||
        !measure(bill, PVM_BACKEND_RECOMPILER, bill->samples[1])) {
        (void)fprintf(stderr, "%s: %s\n", path, pvm_last_error());
        goto out;
    }
    pvm_prof_table_t *const table = make_table(bill);
    if (table != NULL) {
        (void)pvm_prof_table_add_note(table, "Program: %s, %zu octets; it runs %llu blocks.",
                                      strrchr(path, '/') + 1, bill->len,
                                      (unsigned long long)bill->blocks);
    }
    bench_report_add(report, "bill", table);
    status = 0;
out:
    free(bill->blob);
    free(bill);
    return status;
}
