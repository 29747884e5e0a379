/* What attaching with eBPF costs a target: a process of its own, which makes host calls or computes when it is told to and times
 * itself, at rest and attached in every way, in turn. Needs root. */
#include "bench.h"

#ifdef PVM_BENCH_ATTACH
#include "profiler/attach/attach.h"

#include <poll.h>
#include <pvm/pvm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS     5
#define EACH       6
#define CALLS      20000
#define GUEST_GAS  INT64_C(400000000)
#define WARM_UP_MS 20

/* ecalli 0; jump back */
static const uint8_t calling[] = {10, 0, 40, 0xfe};
static const uint8_t calling_mask[] = {0x05};
/* r7 += 1; jump back */
static const uint8_t working[] = {149, 0x77, 1, 40, 0xfd};
static const uint8_t working_mask[] = {0x09};

typedef struct {
    const char *name;
    bool attaches;
    bool sums_up;
    pvm_attach_level_t level;
    unsigned hz;
    bool works; /**< measures guest code, not host calls */
} way_t;

static const way_t ways[] = {
    {.name = "host call, at rest"},
    {.name = "host call, recorded", .attaches = true},
    {.name = "host call, summed up", .attaches = true, .sums_up = true},
    {.name = "host call, one of 64", .attaches = true, .level = PVM_ATTACH_64TH},
    {.name = "guest code, at rest", .works = true},
    {.name = "guest code, 99 samples a second", .attaches = true, .hz = 99, .works = true},
    {.name = "guest code, 999 samples a second", .attaches = true, .hz = 999, .works = true},
};
#define WAY_COUNT (sizeof(ways) / sizeof(*ways))

/* -- The target ---------------------------------------------------------------------------- */

static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)vm, (void)func_id, (void)user_data;
    return PVM_HOST_CONTINUE;
}

static pvm_vm_t *make(const uint8_t *code, size_t len, const uint8_t *mask, pvm_backend_t backend)
{
    pvm_program_t *const program =
        pvm_program_from_parts(code, len, mask, 1, NULL, 0, PVM_SPEC_0_7_2);
    pvm_vm_t *const vm = program == NULL ? NULL : pvm_instantiate(program, backend, 0, 0);

    pvm_program_release(program);
    pvm_set_host_callback(vm, answer, NULL);
    return vm;
}

/* 'c': host calls, 'g': guest code. Answers each octet with ns of one, or of all. */
static void be_target(int commands, int answers)
{
    pvm_vm_t *const caller = make(calling, sizeof(calling), calling_mask, PVM_BACKEND_INTERPRETER);
    pvm_vm_t *const worker = make(working, sizeof(working), working_mask, PVM_BACKEND_RECOMPILER);
    char command;

    while (caller != NULL && worker != NULL && read(commands, &command, 1) == 1) {
        pvm_vm_t *const vm = command == 'c' ? caller : worker;
        (void)pvm_reset(vm, command == 'c' ? 2 * CALLS : (uint64_t)GUEST_GAS);
        const uint64_t begin = bench_now_ns();
        (void)pvm_execute(vm, 0);
        const double ns = (double)(bench_now_ns() - begin) / (command == 'c' ? CALLS : 1);
        if (write(answers, &ns, sizeof(ns)) != sizeof(ns)) {
            break;
        }
    }
    _exit(0);
}

/* -- Measuring ----------------------------------------------------------------------------- */

static void ignore(void *user_data, const pvm_bpf_header_t *header, const void *record,
                   size_t bytes)
{
    (void)user_data, (void)header, (void)record, (void)bytes;
}

/* One measurement; records are taken out meanwhile. @return ns, or 0 */
static double ask(int commands, int answers, char command, pvm_attach_t *attach)
{
    struct pollfd descriptor = {.fd = answers, .events = POLLIN};
    double ns = 0;

    if (write(commands, &command, 1) != 1) {
        return 0;
    }
    while (poll(&descriptor, 1, WARM_UP_MS) == 0) {
        if (attach != NULL) {
            (void)pvm_attach_poll(attach);
        }
    }
    if (attach != NULL) {
        (void)pvm_attach_poll(attach);
    }
    return read(answers, &ns, sizeof(ns)) == sizeof(ns) ? ns : 0;
}

/* @return false: cannot attach */
static bool measure(const way_t *way, pid_t pid, int commands, int answers, bench_sample_t *sample)
{
    const pvm_attach_options_t options = {
        .size = sizeof(options), .pid = pid, .sums_up = way->sums_up, .sample_hz = way->hz};
    pvm_attach_t *attach = NULL;
    const char command = way->works ? 'g' : 'c';

    if (way->attaches && (pvm_attach_open(&options, ignore, NULL, &attach) != PVM_PROF_OK ||
                          pvm_attach_set_level(attach, way->level) != 0)) {
        (void)fprintf(stderr, "attach: %s\n", pvm_last_error());
        pvm_attach_close(attach);
        return false;
    }
    (void)ask(commands, answers, command, attach);
    for (int i = 0; i < EACH; i++) {
        bench_add(sample, ask(commands, answers, command, attach));
    }
    pvm_attach_close(attach);
    return true;
}

static pvm_prof_table_t *make_table(bench_sample_t *samples)
{
    const pvm_prof_column_t columns[] = {
        BENCH_TEXT("case", "case"),
        BENCH_REAL("ns", "median", "ns"),
        BENCH_REAL("added_ns", "added", "ns"),
        BENCH_REAL("ratio", "times", ""),
    };
    pvm_prof_table_t *const table =
        pvm_prof_table_create("Attached with eBPF", columns, sizeof(columns) / sizeof(*columns));
    double rest = 0;

    for (size_t i = 0; i < WAY_COUNT && table != NULL; i++) {
        const double ns = bench_median(&samples[i]);
        pvm_row_t row = pvm_row_add(table);
        rest = ways[i].attaches ? rest : ns;
        pvm_row_text(&row, ways[i].name);
        pvm_row_real(&row, ns);
        if (!ways[i].works) {
            pvm_row_real(&row, ns - rest);
        } else {
            pvm_row_null(&row);
        }
        pvm_row_real(&row, rest > 0 ? ns / rest : 0);
    }
    return table;
}

int bench_attach(const bench_options_t *options, bench_report_t *report)
{
    bench_sample_t *const samples = calloc(WAY_COUNT, sizeof(*samples));
    int commands[2];
    int answers[2];
    bool fine = samples != NULL;

    (void)options;
    if (!fine || pipe(commands) != 0 || pipe(answers) != 0) {
        free(samples);
        return 1;
    }
    const pid_t pid = fork();
    if (pid == 0) {
        (void)close(commands[1]);
        (void)close(answers[0]);
        be_target(commands[0], answers[1]);
    }
    (void)close(commands[0]);
    (void)close(answers[1]);
    /* It makes its machines before it is attached to. */
    fine = ask(commands[1], answers[0], 'c', NULL) > 0;
    for (int round = 0; round < ROUNDS && fine; round++) {
        for (size_t i = 0; i < WAY_COUNT && fine; i++) {
            fine = measure(&ways[i], pid, commands[1], answers[0], &samples[i]);
        }
    }
    (void)close(commands[1]);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    if (fine) {
        bench_report_add(report, "attach", make_table(samples));
    }
    free(samples);
    return fine ? 0 : 1;
}
#else
#include <stdio.h>

int bench_attach(const bench_options_t *options, bench_report_t *report)
{
    (void)options, (void)report;
    (void)fprintf(stderr, "attach: built without eBPF (libbpf-dev, bpftool, clang)\n");
    return 1;
}
#endif
