/* Short invocations of several programs in turn, each from octets to all given back: what one of them leaves behind serves
 * another one, of other sizes and with other contents. Programs: the guests and the example service. */
#include "guest_vm.h"

#include <stdio.h>
#include <stdlib.h>

#define REPEATS      41
#define PROGRAMS_MAX 16
#define GAS          20000
#define WHAT_RESULT  (UINT64_MAX - 1)

typedef struct {
    const char *name;
    uint8_t *blob;
    size_t len;
    bench_sample_t samples[2]; /**< interpreter, recompiler */
} turn_t;

/* As `pvmscope run` answers: WHAT. */
static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id, (void)user_data;
    pvm_set_register(vm, 7, WHAT_RESULT);
    return PVM_HOST_CONTINUE;
}

/* @return nanoseconds, or 0: it cannot be run */
static double invoke(const turn_t *turn, pvm_backend_t backend)
{
    const uint64_t begin = bench_now_ns();
    pvm_program_t *const program =
        pvm_program_load(turn->blob, turn->len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
    pvm_vm_t *const vm = pvm_instantiate(program, backend, 0, GAS);

    pvm_set_host_callback(vm, answer, NULL);
    const pvm_result_t result = pvm_execute(vm, 0);
    pvm_destroy(vm);
    pvm_program_release(program);
    return result == PVM_RESULT_ERROR ? 0 : (double)(bench_now_ns() - begin);
}

static bool read_program(const bench_options_t *options, const char *name, turn_t *out)
{
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/%s.jam", options->blobs, name);
    out->name = name;
    out->blob = bench_read_file(path, &out->len);
    return out->blob != NULL;
}

static bool measure(turn_t *turns, size_t count)
{
    for (size_t kind = 0; kind < 2; kind++) {
        const pvm_backend_t backend = kind == 0 ? PVM_BACKEND_INTERPRETER : PVM_BACKEND_RECOMPILER;
        for (int i = -1; i < REPEATS; i++) {
            for (size_t k = 0; k < count; k++) {
                const double ns = invoke(&turns[k], backend);
                if (ns == 0) {
                    (void)fprintf(stderr, "%s: %s\n", turns[k].name, pvm_last_error());
                    return false;
                }
                if (i >= 0) {
                    bench_add(&turns[k].samples[kind], ns);
                }
            }
        }
    }
    return true;
}

static pvm_prof_table_t *make_table(const turn_t *turns, size_t count)
{
    const pvm_prof_column_t columns[] = {
        BENCH_TEXT("program", "program"),
        BENCH_INT("file_bytes", "file", "octets"),
        BENCH_REAL("interpreter_us", "interpreter", "us"),
        BENCH_REAL("recompiler_us", "recompiler", "us"),
    };
    pvm_prof_table_t *const table =
        pvm_prof_table_create("Short invocations of programs in turn (medians)", columns,
                              sizeof(columns) / sizeof(*columns));

    for (size_t i = 0; i < count && table != NULL; i++) {
        pvm_row_t row = pvm_row_add(table);
        pvm_row_text(&row, turns[i].name);
        pvm_row_int(&row, (int64_t)turns[i].len);
        pvm_row_real(&row, bench_median(&turns[i].samples[0]) / 1000);
        pvm_row_real(&row, bench_median(&turns[i].samples[1]) / 1000);
    }
    return table;
}

int bench_turns(const bench_options_t *options, bench_report_t *report)
{
    turn_t *const turns = calloc(PROGRAMS_MAX, sizeof(*turns));
    size_t count = 0;
    bool ok = turns != NULL;

    for (size_t i = 0; ok && i < bench_guest_count && count + 1 < PROGRAMS_MAX; i++) {
        ok = read_program(options, bench_guests_list[i].name, &turns[count]);
        count += ok;
    }
    if (ok) {
        ok = read_program(options, "service", &turns[count]);
        count += ok;
    }
    if (ok && measure(turns, count)) {
        bench_report_add(report, "turns", make_table(turns, count));
    } else {
        ok = false;
    }
    for (size_t i = 0; i < count; i++) {
        free(turns[i].blob);
    }
    free(turns);
    return ok ? 0 : 1;
}
