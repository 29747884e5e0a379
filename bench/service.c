/* A recorded invocation of a service, from octets to all given back, where the program is new each time: on the interpreter, with
 * all code compiled at once, and with the code that grows as it is reached (recompiler/grow.h). The trace of --only PATH says what
 * its host did, and how it ends.
 *
 * Under the 0.8.0 cost model a program of 0.7.2 uses other gas, but does the same: it gets enough, and gas is not compared. */
#include "bench.h"
#include "block_table.h"

#include "interpreter/interpreter.h"
#include "program/ecalli_apply.h"
#include "program/program.h"
#include "recompiler/available.h"
#include "recompiler/code.h"
#include "recompiler/grow.h"
#include "recompiler/recompiler.h"
#include "trace/events.h"
#include "vm/vm.h"

#include <pvm/trace.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if PVM_RECOMPILER_AVAILABLE
#define REPEATS    41
#define ENOUGH_GAS (INT64_MAX / 2)
#define UNIT       "PVM_UNIT"

typedef enum { LOAD, MACHINE, CODE, RUN, GIVE_BACK, PARTS, ALL = PARTS, AGAIN, BLOCKS, ROWS } row_t;
typedef enum { INTERPRETER, AT_ONCE, BY_UNITS, WAYS } way_t;

/* What compiling made. */
typedef struct {
    uint32_t code_octets; /**< of the program */
    uint32_t octets;      /**< that were compiled */
    bool grew;            /**< by units */
    uint64_t host_octets;
    uint32_t units;
    bench_sample_t ns;
} made_t;

typedef struct {
    const pvm_ecalli_trace_t *trace;
    bool has_model;   /**< gas by blocks, as in 0.8.0 */
    const char *unit; /**< what the environment says of units; NULL: nothing */
    size_t next;      /**< host call that is expected next */
    bench_sample_t samples[WAYS][ROWS];
    made_t made[WAYS];
} service_t;

/* -- The host --- */

static pvm_host_result_t answer_as_recorded(pvm_vm_t *vm, int func_id, void *user_data)
{
    service_t *const service = user_data;
    const pvm_ecalli_trace_t *const trace = service->trace;

    if (service->next >= trace->entry_count || trace->entries[service->next].func_id != func_id) {
        return PVM_HOST_YIELD;
    }
    const pvm_ecalli_entry_t *const entry = &trace->entries[service->next++];
    for (size_t i = 0; i < entry->action_count; i++) {
        const pvm_ecalli_action_t *const action = &trace->actions[entry->first_action + i];
        const bool is_left_out = service->has_model && action->kind == PVM_ECALLI_SETGAS;
        if (!is_left_out && pvm_ecalli_apply(action, vm) != 0) {
            return PVM_HOST_YIELD;
        }
    }
    return PVM_HOST_CONTINUE;
}

static int64_t gas_of(const service_t *service)
{
    return service->has_model ? ENOUGH_GAS : (int64_t)service->trace->start.gas;
}

/* From the start to the end. @return false: it does not begin */
static bool run(service_t *service, pvm_program_t *program, pvm_vm_t *vm)
{
    const pvm_ecalli_action_t *failed;

    service->next = 0;
    if (pvm_ecalli_apply_start(service->trace, program, vm) != 0 ||
        pvm_ecalli_apply_prelude(service->trace, program, vm, &failed) != 0) {
        return false;
    }
    pvm_set_host_callback(vm, answer_as_recorded, service);
    (void)pvm_execute(vm, service->trace->start.pc);
    return true;
}

static bool is_as_recorded(const service_t *service, pvm_vm_t *vm)
{
    const pvm_ecalli_state_t *const end = &service->trace->end.state;

    return pvm_get_machine_state(vm) == PVM_STATE_HALT &&
           service->next == service->trace->entry_count && pvm_get_pc(vm) == end->pc &&
           memcmp(pvm_get_registers(vm), end->registers, sizeof(end->registers)) == 0 &&
           (service->has_model || pvm_get_gas(vm) == (int64_t)end->gas);
}

/* -- Compiling, as events tell it --- */

static struct {
    uint32_t units;
    uint64_t host_octets;
    uint64_t ns;
} told;

static int is_enabled(const pvm_trace_sink_t *sink, uint32_t kind)
{
    (void)sink;
    return kind == PVM_EVENT_compile_end;
}

static void on_event(const pvm_trace_sink_t *sink, uint32_t kind, const void *record)
{
    const pvm_event_compile_end_t *const end = record;

    (void)sink;
    if (kind == PVM_EVENT_compile_end) {
        told.units++;
        told.host_octets += end->host_bytes;
        told.ns += end->duration_ns;
    }
}

static const pvm_trace_sink_t sink = {
    .size = sizeof(sink), .layout = PVM_EVENT_LAYOUT, .is_enabled = is_enabled, .event = on_event};

static bool has_growth(const pvm_program_t *program)
{
    const pvm_recompiler_code_t *const code = program->recompiler_code[0];

    return code != NULL && code->growth != NULL;
}

/* Guest code that was compiled. */
static uint32_t compiled_octets(const pvm_program_t *program)
{
    const pvm_recompiler_code_t *const code = program->recompiler_code[0];
    uint32_t octets = 0;

    if (!has_growth(program)) {
        return program->code.len;
    }
    for (uint32_t i = 0; i < program->block_count; i++) {
        const pvm_block_t *const block = &program->blocks[i];
        octets += pvm_growth_has(code, block->pc) ? block->end_pc - block->pc : 0;
    }
    return octets;
}

/* -- Invocations --- */

/* With a block table for the wanted gas. Blocks are priced where they are needed. NULL: refused */
static pvm_program_t *load(const service_t *service, double *samples)
{
    uint64_t mark = bench_now_ns();
    pvm_program_t *const program = pvm_program_load(
        service->trace->program, service->trace->program_len, PVM_FORMAT_AUTO, PVM_SPEC_0_7_2);

    samples[LOAD] = bench_since(&mark);
    if (program == NULL || program->error != NULL) {
        pvm_program_release(program);
        return NULL;
    }
    samples[BLOCKS] = bench_find_blocks(program, service->has_model);
    return program;
}

/* Program and machine kept. The first time, the processor has yet to learn its jumps. */
static double run_again(service_t *service, pvm_program_t *program, pvm_vm_t *vm)
{
    uint64_t mark = 0;

    for (int i = 0; i < 2; i++) {
        (void)bench_since(&mark);
        (void)pvm_reset(vm, (uint64_t)gas_of(service));
        (void)run(service, program, vm);
    }
    return bench_since(&mark);
}

/* One invocation, and what it costs. @return false: it is not as recorded */
static bool invoke(service_t *service, way_t way, double *samples)
{
    const bool is_interpreter = way == INTERPRETER;
    pvm_program_t *const program = load(service, samples);
    uint64_t mark = bench_now_ns();
    pvm_vm_t *const vm = program == NULL ? NULL
                                         : pvm_instantiate(program,
                                                           is_interpreter ? PVM_BACKEND_INTERPRETER
                                                                          : PVM_BACKEND_RECOMPILER,
                                                           0, (uint64_t)gas_of(service));
    if (vm == NULL) {
        pvm_program_release(program);
        return false;
    }
    samples[MACHINE] = bench_since(&mark);
    (void)(is_interpreter ? pvm_interpreter_prepare(vm) : pvm_recompiler_prepare(vm));
    samples[CODE] = bench_since(&mark);
    (void)run(service, program, vm);
    samples[RUN] = bench_since(&mark);
    const bool ok = is_as_recorded(service, vm);
    service->made[way].code_octets = program->code.len;
    service->made[way].octets = compiled_octets(program);
    service->made[way].grew = has_growth(program);
    samples[AGAIN] = run_again(service, program, vm);
    mark = bench_now_ns();
    (void)pvm_reset(vm, (uint64_t)gas_of(service));
    pvm_destroy(vm);
    pvm_program_release(program);
    samples[GIVE_BACK] = bench_since(&mark);
    samples[ALL] = 0;
    for (row_t i = 0; i < PARTS; i++) {
        samples[ALL] += samples[i];
    }
    return ok;
}

/* Compiling alone, in an invocation of its own, because telling takes time. */
static bool note_compiling(service_t *service, way_t way)
{
    made_t *const made = &service->made[way];
    double samples[ROWS];

    memset(&told, 0, sizeof(told));
    if (pvm_trace_set_sink(&sink) != 0) {
        return false;
    }
    const bool ok = invoke(service, way, samples);
    (void)pvm_trace_set_sink(NULL);
    made->units = told.units;
    made->host_octets = told.host_octets;
    /* Of code that grows, beginning is not told: no unit is compiled then. */
    bench_add(&made->ns, (double)told.ns + (made->grew ? samples[CODE] : 0));
    return ok;
}

static bool measure_way(service_t *service, way_t way)
{
    double samples[ROWS];

    if (way == AT_ONCE) {
        (void)setenv(UNIT, "0", 1);
    } else if (service->unit != NULL) {
        (void)setenv(UNIT, service->unit, 1);
    } else {
        (void)unsetenv(UNIT);
    }
    /* The first one takes back the memory that other ways may have left in other sizes. */
    if (!invoke(service, way, samples) || !invoke(service, way, samples)) {
        return false;
    }
    for (row_t i = 0; i < ROWS; i++) {
        bench_add(&service->samples[way][i], samples[i]);
    }
    return way == INTERPRETER || note_compiling(service, way);
}

/* All ways in turn. @return false, and one line: one of them is not as recorded */
static bool measure(service_t *service)
{
    static const char *const names[WAYS] = {
        [INTERPRETER] = "on the interpreter",
        [AT_ONCE] = "on the recompiler, all code at once",
        [BY_UNITS] = "on the recompiler, by units",
    };

    for (int i = 0; i < REPEATS; i++) {
        for (way_t way = 0; way < WAYS; way++) {
            if (!measure_way(service, way)) {
                (void)fprintf(stderr,
                              "%s: %s under 0.7.2%s it does not run and end as recorded; pvmscope "
                              "replay shows where\n",
                              service->trace->name, names[way],
                              service->has_model ? " with prices of 0.8.0" : "");
                return false;
            }
        }
    }
    return true;
}

/* -- Tables --- */

static void add_cell(pvm_row_t *row, bool is_there, double value)
{
    if (is_there) {
        pvm_row_real(row, value);
    } else {
        pvm_row_null(row);
    }
}

static pvm_prof_table_t *cost_table(const service_t *service)
{
    static const char *const names[ROWS] = {
        [LOAD] = "load, block table", [MACHINE] = "machine",          [CODE] = "code, before run",
        [RUN] = "run to the end",     [GIVE_BACK] = "give all back",  [ALL] = "all",
        [AGAIN] = "again, code kept", [BLOCKS] = "block table alone",
    };
    const pvm_prof_column_t columns[] = {
        BENCH_TEXT("part", "part"),
        BENCH_REAL("interpreter_us", "interp.", ""),
        BENCH_REAL("at_once_us", "at once", ""),
        BENCH_REAL("by_units_us", "units", ""),
        BENCH_REAL("interpreter_fastest_us", "fastest", ""),
        BENCH_REAL("at_once_fastest_us", "at once", ""),
        BENCH_REAL("by_units_fastest_us", "units", ""),
    };
    pvm_prof_table_t *const table = pvm_prof_table_create(
        service->has_model ? "A recorded invocation, prices of 0.8.0 (us; medians, fastest)"
                           : "A recorded invocation, flat gas (us; medians, fastest)",
        columns, sizeof(columns) / sizeof(*columns));

    for (row_t i = 0; i < ROWS && table != NULL; i++) {
        pvm_row_t row = pvm_row_add(table);
        pvm_row_text(&row, names[i]);
        for (way_t way = 0; way < WAYS; way++) {
            pvm_row_real(&row, bench_median(&service->samples[way][i]) / 1000);
        }
        for (way_t way = 0; way < WAYS; way++) {
            pvm_row_real(&row, bench_minimum(&service->samples[way][i]) / 1000);
        }
    }
    return table;
}

static void add_made(pvm_prof_table_t *table, const service_t *service, way_t way)
{
    const made_t *const made = &service->made[way];
    const double blocks_ns = bench_median(&service->samples[way][BLOCKS]);
    const double ns = bench_median(&made->ns);
    pvm_row_t row = pvm_row_add(table);

    pvm_row_text(&row, service->has_model ? "0.8.0" : "0.7.2");
    pvm_row_text(&row, way == AT_ONCE ? "at once" : "by units");
    pvm_row_int(&row, made->units);
    pvm_row_real(&row, 100.0 * made->octets / made->code_octets);
    pvm_row_int(&row, (int64_t)made->host_octets);
    pvm_row_real(&row, ns / 1000);
    add_cell(&row, made->octets > 0, ns / made->octets);
    pvm_row_real(&row, (ns + blocks_ns) / made->code_octets);
    pvm_row_real(&row, service->has_model ? 5 : 2);
}

static pvm_prof_table_t *code_table(void)
{
    const pvm_prof_column_t columns[] = {
        BENCH_TEXT("gas", "gas"),
        BENCH_TEXT("way", "way"),
        BENCH_INT("units", "units", ""),
        BENCH_REAL("share_percent", "share", ""),
        BENCH_INT("host_octets", "host octets", ""),
        BENCH_REAL("compile_us", "us", ""),
        BENCH_REAL("compiled_octet_ns", "ns an octet", ""),
        BENCH_REAL("program_octet_ns", "of all", ""),
        BENCH_REAL("bar_ns", "bar", ""),
    };

    return pvm_prof_table_create("Compiling in it (medians)", columns,
                                 sizeof(columns) / sizeof(*columns));
}

static int report_on(service_t *services, bench_report_t *report)
{
    pvm_prof_table_t *const code = code_table();

    for (size_t i = 0; i < 2; i++) {
        services[i].has_model = i > 0;
        if (!measure(&services[i])) {
            pvm_prof_table_destroy(code);
            return 1;
        }
        for (way_t way = AT_ONCE; code != NULL && way < WAYS; way++) {
            add_made(code, &services[i], way);
        }
    }
    bench_report_add(report, "service", cost_table(&services[0]));
    bench_report_add(report, "service_model", cost_table(&services[1]));
    if (code != NULL) {
        (void)pvm_prof_table_add_note(code,
                                      "The program has %u octets of code; its host is called %zu "
                                      "times. share: of the octets, in percent; of all: ns of "
                                      "compiling and block table for each octet of the program.",
                                      services[0].made[AT_ONCE].code_octets,
                                      services[0].trace->entry_count);
    }
    bench_report_add(report, "service_code", code);
    return 0;
}

static pvm_ecalli_trace_t *read_trace(const char *path)
{
    size_t len = 0;
    uint8_t *const text = bench_read_file(path, &len);

    if (text == NULL) {
        return NULL;
    }
    pvm_ecalli_trace_t *const trace = pvm_ecalli_trace_read(path, text, len, NULL);
    free(text);
    if (trace == NULL) {
        (void)fprintf(stderr, "%s\n", pvm_last_error());
    } else if (trace->problem_count > 0) {
        (void)fprintf(stderr, "%s:%zu: %s\n", path, trace->problems[0].line,
                      trace->problems[0].text);
    } else if (trace->end.kind != PVM_ECALLI_END_HALT || trace->start.gas > INT64_MAX) {
        (void)fprintf(stderr, "%s: it does not end with HALT; give the trace of one that does\n",
                      path);
    } else {
        return trace;
    }
    pvm_ecalli_trace_destroy(trace);
    return NULL;
}

int bench_service(const bench_options_t *options, bench_report_t *report)
{
    if (options->only == NULL) {
        (void)fprintf(stderr, "service: no trace; name a recorded one (ecalli log) with --only\n");
        return 1;
    }
    pvm_ecalli_trace_t *const trace = read_trace(options->only);
    service_t *const services = calloc(2, sizeof(*services));
    const char *const unit = getenv(UNIT);
    char *const kept_unit = unit == NULL ? NULL : strdup(unit);
    int status = 1;

    if (trace != NULL && services != NULL) {
        for (size_t i = 0; i < 2; i++) {
            services[i].trace = trace;
            services[i].unit = kept_unit;
        }
        status = report_on(services, report);
    }
    free(kept_unit);
    free(services);
    pvm_ecalli_trace_destroy(trace);
    return status;
}
#else
int bench_service(const bench_options_t *options, bench_report_t *report)
{
    (void)options, (void)report;
    (void)fprintf(stderr, "service: left out, the recompiler is for x86-64 Linux\n");
    return 0;
}
#endif
