/* Importing a trace of so many host calls, and one of half of them: how fast, and how much memory it takes, which must not
 * grow with the trace. Each trace is made under a session that is started here, in a process of its own, because a process
 * finds only the first session daemon; and imported in another one, whose memory is looked at. */
#include "bench.h"
#include "host_calls.h"

#include <stdio.h>

#ifdef PVM_BENCH_IMPORT
#include "profiler/import/import.h"
#include "viewer/lttng_session.h"

#include <pvm/trace.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Host calls between two pauses, which fit into LTTng's buffers, and their gas. */
#define CALLS_AT_ONCE 16384
#define GAS_OF_CALL   26
/* The way for production. */
#define EVENTS                                                                                     \
    "pvm:program_load,pvm:program_data,pvm:vm_create,pvm:vm_destroy,"                              \
    "pvm:execute_begin,pvm:execute_end,pvm:block_counts,pvm_fast:*"
/* Memory may be this much more for twice the trace. */
#define GROWTH_BAR 1.1

typedef struct {
    uint64_t events;
    uint64_t lost;
    double seconds;
    double peak_mib;
} measured_t;

static void make_events(uint64_t events)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    pvm_program_t *const program = bench_calls_program();
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_RECOMPILER, 0, 0);
    uint64_t calls = 0;

    pvm_set_host_callback(vm, bench_calls_answer, &calls);
    while (vm != NULL && calls < events) {
        pvm_set_gas(vm, (int64_t)CALLS_AT_ONCE * GAS_OF_CALL);
        (void)pvm_execute(vm, 0);
        /* For the daemon, to take what was told. */
        (void)nanosleep(&pause, NULL);
    }
    pvm_destroy(vm);
    pvm_program_release(program);
}

/* In a process of its own: import and say what came of it. @return its exit code */
static int import_trace(const char *folder, int out)
{
    const pvm_import_options_t options = {.size = sizeof(options)};
    pvm_import_result_t result;
    pvm_prof_run_file_t *file = NULL;
    measured_t measured = {0};
    struct timespec begin;
    struct timespec end;
    struct rusage usage;
    char trace[96];
    char run[96];

    (void)snprintf(trace, sizeof(trace), "%s/trace", folder);
    (void)snprintf(run, sizeof(run), "%s/run.db", folder);
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    if (pvm_prof_run_file_create(run, &file) != PVM_PROF_OK ||
        pvm_import_run(file, trace, &options, &result) != PVM_PROF_OK) {
        (void)fprintf(stderr, "import: %s\n", pvm_last_error());
        return 1;
    }
    pvm_prof_run_file_close(file);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    (void)getrusage(RUSAGE_SELF, &usage);
    measured.events = result.events;
    measured.lost = result.discarded + result.packets;
    measured.seconds =
        (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    measured.peak_mib = (double)usage.ru_maxrss / 1024;
    return write(out, &measured, sizeof(measured)) != sizeof(measured);
}

/* In a process of its own: make the trace and have it imported. */
static int make_and_import(uint64_t events, int out)
{
    pvm_view_t view = {0};
    pvm_lttng_session_t session;
    int status = 1;

    if (pvm_view_lttng_begin(&view, EVENTS, &session) == PVM_VIEW_FINE &&
        pvm_trace_load_lttng() == 0) {
        make_events(events);
        (void)pvm_trace_set_sink(NULL);
        if (pvm_view_lttng_stop(&view, &session) == PVM_VIEW_FINE) {
            const pid_t child = fork();
            if (child == 0) {
                _exit(import_trace(session.folder, out));
            }
            status = child < 0 || waitpid(child, &status, 0) < 0 || status != 0;
        }
    }
    if (view.error[0] != '\0') {
        (void)fprintf(stderr, "import: %s\n", view.error);
    }
    pvm_view_lttng_end(&session);
    return status;
}

static bool measure(uint64_t events, measured_t *out)
{
    int ends[2];
    int status = 1;

    if (pipe(ends) != 0) {
        return false;
    }
    (void)fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        _exit(make_and_import(events, ends[1]));
    }
    (void)close(ends[1]);
    const bool is_told = read(ends[0], out, sizeof(*out)) == sizeof(*out);
    (void)close(ends[0]);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0 && is_told;
}

static void add(pvm_prof_table_t *table, const measured_t *measured, const measured_t *smaller)
{
    pvm_row_t row = pvm_row_add(table);

    pvm_row_int(&row, (int64_t)measured->events);
    pvm_row_int(&row, (int64_t)measured->lost);
    pvm_row_real(&row, measured->seconds);
    pvm_row_real(&row, (double)measured->events / measured->seconds / 1e6);
    pvm_row_real(&row, measured->peak_mib);
    if (smaller == NULL) {
        pvm_row_null(&row);
        pvm_row_text(&row, "-");
        return;
    }
    pvm_row_real(&row, GROWTH_BAR * smaller->peak_mib);
    pvm_row_text(&row, measured->peak_mib <= GROWTH_BAR * smaller->peak_mib ? "met" : "missed");
}

int bench_import(const bench_options_t *options, bench_report_t *report)
{
    static const pvm_prof_column_t columns[] = {
        BENCH_INT("events", "events", ""),       BENCH_INT("lost", "lost", ""),
        BENCH_REAL("seconds", "time", "s"),      BENCH_REAL("rate", "rate", "M/s"),
        BENCH_REAL("peak_mib", "memory", "MiB"), BENCH_REAL("bar_mib", "bar", "MiB"),
        BENCH_TEXT("verdict", "verdict"),
    };
    measured_t half;
    measured_t whole;

    if (!measure(options->events / 2, &half) || !measure(options->events, &whole)) {
        return 1;
    }
    pvm_prof_table_t *const table = pvm_prof_table_create(
        "Import of a trace of host calls", columns, sizeof(columns) / sizeof(*columns));
    if (table != NULL) {
        add(table, &half, NULL);
        add(table, &whole, &half);
    }
    bench_report_add(report, "import", table);
    return 0;
}
#else
int bench_import(const bench_options_t *options, bench_report_t *report)
{
    (void)options, (void)report;
    (void)fprintf(stderr, "import: built without libbabeltrace2-dev\n");
    return 1;
}
#endif
