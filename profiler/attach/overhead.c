/* Calibration and backing off: see overhead.h. */
#include "profiler/attach/overhead.h"

#include "profiler/attach/internal.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/** Host calls of one measurement, and measurements of which the fastest counts. */
#define CALIBRATE_CALLS 2000
#define CALIBRATE_TIMES 7
/** Between two looks. */
#define LOOK_NS UINT64_C(1000000000)
/** Looks at which less would have done before more is collected again. */
#define CALM_LOOKS 5
/** What one call of 64 stands for. */
#define THINNED 64

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* -- Calibration --------------------------------------------------------------------------- */

/* loop: ecalli 0; jump loop. Ends when its gas does. */
static const uint8_t code[] = {10, 0, 40, 0xfe};
static const uint8_t mask[] = {0x05};

static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)vm, (void)func_id, (void)user_data;
    return PVM_HOST_CONTINUE;
}

/* ns of one host call: the fastest time, because others use this machine too. */
static double time_calls(pvm_vm_t *vm)
{
    double best = 0;

    for (int i = 0; i < CALIBRATE_TIMES; i++) {
        (void)pvm_reset(vm, 2 * CALIBRATE_CALLS);
        const uint64_t began_ns = now_ns();
        (void)pvm_execute(vm, 0);
        const double each = (double)(now_ns() - began_ns) / CALIBRATE_CALLS;
        best = i == 0 || each < best ? each : best;
    }
    return best;
}

static void ignore(void *user_data, const pvm_bpf_header_t *header, const void *record,
                   size_t bytes)
{
    (void)user_data, (void)header, (void)record, (void)bytes;
}

double pvm_attach_calibrate(bool sums_up)
{
    const pvm_attach_options_t options = {
        .size = sizeof(options), .pid = getpid(), .sums_up = sums_up, .calls_only = true};
    pvm_program_t *const program =
        pvm_program_from_parts(code, sizeof(code), mask, sizeof(mask), NULL, 0, PVM_SPEC_0_7_2);
    pvm_vm_t *const vm =
        program == NULL ? NULL : pvm_instantiate(program, PVM_BACKEND_INTERPRETER, 0, 0);
    pvm_attach_t *attach = NULL;
    double cost = 0;

    if (vm != NULL) {
        pvm_set_host_callback(vm, answer, NULL);
        const double plain = time_calls(vm);
        if (pvm_attach_open(&options, ignore, NULL, &attach) == PVM_PROF_OK) {
            const double trapped = time_calls(vm);
            cost = trapped > plain ? trapped - plain : 0;
        }
        pvm_attach_close(attach);
    }
    pvm_destroy(vm);
    pvm_program_release(program);
    return cost;
}

void pvm_overhead_begin(pvm_overhead_t *overhead, double limit, bool sums_up)
{
    *overhead = (pvm_overhead_t){.limit = limit, .ns_per_trap = pvm_attach_calibrate(sums_up)};
    overhead->looked_ns = now_ns();
}

/* -- Looking ------------------------------------------------------------------------------- */

static void set_level(pvm_overhead_t *overhead, pvm_attach_t *attach, pvm_attach_level_t level)
{
    if (pvm_attach_set_level(attach, level) == 0) {
        overhead->level = level;
        overhead->was_limited |= level != PVM_ATTACH_EVERY;
        overhead->calm = 0;
    }
}

/* What the next lower level would cost, as far as it can be told. */
static double share_below(const pvm_overhead_t *overhead, uint64_t hits, uint64_t call_hits,
                          uint64_t cpu_ns)
{
    if (overhead->level != PVM_ATTACH_64TH) {
        /* Not known: try. */
        return 0;
    }
    return (double)(hits - call_hits + THINNED * call_hits) * overhead->ns_per_trap /
           (double)cpu_ns;
}

static uint64_t cpu_of_all(const pvm_attach_t *attach)
{
    size_t count;
    const pvm_attach_process_t *const processes = pvm_attach_processes(attach, &count);
    uint64_t cpu_ns = pvm_attach_forgotten_cpu_ns(attach);

    for (size_t i = 0; i < count; i++) {
        cpu_ns += processes[i].cpu_ns;
    }
    return cpu_ns;
}

void pvm_overhead_finish(pvm_overhead_t *overhead, pvm_attach_t *attach)
{
    pvm_attach_refresh(attach);
    const uint64_t cpu_ns = cpu_of_all(attach);
    overhead->share =
        cpu_ns == 0 ? 0 : (double)pvm_attach_hits(attach) * overhead->ns_per_trap / (double)cpu_ns;
}

void pvm_overhead_look(pvm_overhead_t *overhead, pvm_attach_t *attach)
{
    const uint64_t now = now_ns();

    if (now - overhead->looked_ns < LOOK_NS) {
        return;
    }
    const uint64_t cpu_ns = cpu_of_all(attach);
    const uint64_t hits = pvm_attach_hits(attach);
    const uint64_t call_hits = pvm_attach_counters(attach, PVM_EVENT_host_call).hits;
    const uint64_t cpu_more = cpu_ns > overhead->cpu_ns ? cpu_ns - overhead->cpu_ns : 0;
    const double share =
        cpu_more == 0 ? 0
                      : (double)(hits - overhead->hits) * overhead->ns_per_trap / (double)cpu_more;
    overhead->share = cpu_ns == 0 ? 0 : (double)hits * overhead->ns_per_trap / (double)cpu_ns;
    if (overhead->limit > 0 && share > overhead->limit && overhead->level != PVM_ATTACH_SAMPLES) {
        set_level(overhead, attach, (pvm_attach_level_t)(overhead->level + 1));
    } else if (overhead->level != PVM_ATTACH_EVERY && cpu_more > 0 &&
               share_below(overhead, hits - overhead->hits, call_hits - overhead->call_hits,
                           cpu_more) < overhead->limit / 2) {
        overhead->calm++;
        if (overhead->calm >= CALM_LOOKS) {
            set_level(overhead, attach, (pvm_attach_level_t)(overhead->level - 1));
        }
    } else {
        overhead->calm = 0;
    }
    overhead->looked_ns = now;
    overhead->hits = hits;
    overhead->call_hits = call_hits;
    overhead->cpu_ns = cpu_ns;
}
