/* What a VM costs around its code: making and freeing it, resetting it, calling the host. */
#include "bench.h"

#include <pvm/pvm.h>
#include <stdio.h>
#include <stdlib.h>

/* Calls in one measurement: a measurement lasts milliseconds, far above the clock's own cost. */
#define BATCH        2000
#define MEASUREMENTS 21

typedef struct {
    pvm_program_t *program;
    pvm_vm_t *vm;
    pvm_backend_t backend;
} subject_t;

static void create_and_destroy(subject_t *subject)
{
    pvm_vm_t *const vm = pvm_instantiate(subject->program, subject->backend, 0, 1000);
    const uint64_t mark = 1;

    /* 16 dirty pages, as a short invocation leaves behind. */
    for (uint32_t page = 0; page < 16; page++) {
        (void)pvm_write_memory(vm, UINT32_C(0xfefdf000) - page * PVM_PAGE_SIZE, &mark,
                               sizeof(mark));
    }
    pvm_destroy(vm);
}

static void reset(subject_t *subject)
{
    (void)pvm_reset(subject->vm, 1000);
}

static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)vm, (void)func_id;
    ++*(uint64_t *)user_data;
    return PVM_HOST_CONTINUE;
}

static void measure(void (*what)(subject_t *), subject_t *subject, bench_sample_t *sample)
{
    for (int i = 0; i < MEASUREMENTS; i++) {
        const uint64_t begin = bench_now_ns();
        for (int call = 0; call < BATCH; call++) {
            what(subject);
        }
        bench_add(sample, (double)(bench_now_ns() - begin) / BATCH);
    }
}

/* A JAM program with 64 KiB of stack: `trap`, or a loop of host calls. */
static pvm_program_t *make_program(const uint8_t *code, uint8_t code_len, const uint8_t *mask,
                                   uint8_t mask_len)
{
    const uint8_t header[] = {0, 0, 0, 0, 0, 0,
                              0, 0, 0, 0, 1, (uint8_t)(3 + code_len + mask_len),
                              0, 0, 0, 0, 0, code_len};
    uint8_t blob[128];
    size_t len = 0;

    for (size_t i = 0; i < sizeof(header); i++) {
        blob[len++] = header[i];
    }
    for (uint8_t i = 0; i < code_len; i++) {
        blob[len++] = code[i];
    }
    for (uint8_t i = 0; i < mask_len; i++) {
        blob[len++] = mask[i];
    }
    return pvm_program_load(blob, len, PVM_FORMAT_JAM, PVM_SPEC_0_8_0);
}

static void add_row(pvm_prof_table_t *table, const char *backend, const char *what,
                    const bench_sample_t *sample, double bar)
{
    pvm_row_t row = pvm_row_add(table);

    pvm_row_text(&row, backend);
    pvm_row_text(&row, what);
    pvm_row_real(&row, bench_median(sample));
    pvm_row_real(&row, bench_minimum(sample));
    if (bar > 0) {
        pvm_row_real(&row, bar);
    } else {
        pvm_row_null(&row);
    }
    pvm_row_real(&row, 100 * bench_spread(sample));
}

static void host_calls(pvm_backend_t backend, const char *name, pvm_prof_table_t *table)
{
    /* @0 ecalli 1; ecalli 1; ... x8; jump @0 */
    const uint8_t code[] = {10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 40, 240};
    const uint8_t mask[] = {0x55, 0x55, 0x01};
    const int64_t gas = INT64_C(300000000);
    pvm_program_t *const program = make_program(code, sizeof(code), mask, sizeof(mask));
    pvm_vm_t *const vm = pvm_instantiate(program, backend, 0, 0);
    bench_sample_t with_callback = {.count = 0};
    bench_sample_t returned = {.count = 0};
    uint64_t calls = 0;

    if (vm == NULL) {
        (void)fprintf(stderr, "host calls on the %s: %s\n", name, pvm_last_error());
        pvm_program_release(program);
        return;
    }
    for (int i = 0; i < MEASUREMENTS; i++) {
        calls = 0;
        pvm_set_host_callback(vm, answer, &calls);
        pvm_set_gas(vm, gas);
        uint64_t begin = bench_now_ns();
        (void)pvm_execute(vm, 0);
        bench_add(&with_callback, (double)(bench_now_ns() - begin) / (double)calls);
        pvm_set_host_callback(vm, NULL, NULL);
        pvm_set_gas(vm, gas);
        calls = 0;
        begin = bench_now_ns();
        for (pvm_result_t r = pvm_execute(vm, 0); r == PVM_RESULT_HOST_CALL; r = pvm_resume(vm)) {
            calls++;
        }
        bench_add(&returned, (double)(bench_now_ns() - begin) / (double)calls);
    }
    const bool has_bar = backend == PVM_BACKEND_RECOMPILER;
    add_row(table, name, "host call, callback", &with_callback, has_bar ? 15 : 0);
    add_row(table, name, "host call, return and resume", &returned, has_bar ? 50 : 0);
    pvm_destroy(vm);
    pvm_program_release(program);
}

static int one_backend(pvm_backend_t backend, const char *name, pvm_prof_table_t *table)
{
    const uint8_t code[] = {0};
    const uint8_t mask[] = {1};
    subject_t subject = {.program = make_program(code, 1, mask, 1), .backend = backend};
    bench_sample_t created = {.count = 0};
    bench_sample_t was_reset = {.count = 0};

    subject.vm = pvm_instantiate(subject.program, backend, 0, 1000);
    if (subject.vm == NULL) {
        (void)fprintf(stderr, "%s: %s\n", name, pvm_last_error());
        pvm_program_release(subject.program);
        return 1;
    }
    create_and_destroy(&subject);
    measure(create_and_destroy, &subject, &created);
    measure(reset, &subject, &was_reset);
    add_row(table, name, "create + destroy, 16 dirty pages", &created, 5000);
    add_row(table, name, "reset", &was_reset, 0);
    pvm_destroy(subject.vm);
    pvm_program_release(subject.program);
    host_calls(backend, name, table);
    return 0;
}

int bench_lifecycle(const bench_options_t *options, bench_report_t *report)
{
    const pvm_prof_column_t columns[] = {
        BENCH_TEXT("backend", "backend"),        BENCH_TEXT("what", "what"),
        BENCH_REAL("median_ns", "median", "ns"), BENCH_REAL("fastest_ns", "fastest", "ns"),
        BENCH_REAL("bar_ns", "bar", "ns"),       BENCH_REAL("spread_percent", "spread", "%"),
    };
    pvm_prof_table_t *const table = pvm_prof_table_create("Around the code of a machine", columns,
                                                          sizeof(columns) / sizeof(*columns));
    int status = 1;

    (void)options;
    if (table != NULL) {
        status = one_backend(PVM_BACKEND_INTERPRETER, "interpreter", table);
        status |= one_backend(PVM_BACKEND_RECOMPILER, "recompiler", table);
    }
    bench_report_add(report, "lifecycle", table);
    return status;
}
