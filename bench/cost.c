/* The cost table: every kind of instrumentation beside its bar, and host calls with events on under a session of LTTng that
 * is started here. CPU time of the thread, because LTTng's own daemons run beside it. */
#include "guest_vm.h"
#include "host_calls.h"

#include "events/events.h"
#include "viewer/lttng_session.h"

#include <pvm/trace.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Gas of one measurement, some 1200 host calls: all measurements together fit into LTTng's buffers, so nothing is lost. */
#define CALLS_GAS    INT64_C(30000)
#define MEASUREMENTS 41
/* Most that begin and end of a host call may cost, and whether no listener at all is there. */
#define LTTNG_BAR_NS 250.0

/* -- Run time ------------------------------------------------------------------------------ */

static void put_verdict(pvm_row_t *row, double value, double bar)
{
    char text[48];

    if (bar <= 0 || value <= 0) {
        pvm_row_text(row, "-");
        return;
    }
    if (value <= bar) {
        pvm_row_text(row, "met");
        return;
    }
    (void)snprintf(text, sizeof(text), "missed by %.1f %%", 100 * (value / bar - 1));
    pvm_row_text(row, text);
}

static void put_bar(pvm_row_t *row, double bar)
{
    if (bar > 0) {
        pvm_row_real(row, bar);
    } else {
        pvm_row_null(row);
    }
}

static void add_kind(const bench_options_t *options, const bench_kind_t *kind,
                     pvm_prof_table_t *table)
{
    static const char *const names[] = {"interpreter", "recompiler"};
    double means[BENCH_FORM_COUNT];

    pvm_prof_table_destroy(bench_measure_kind(options, kind, means));
    for (size_t backend = 0; backend < 2; backend++) {
        const double flat = means[2 * backend];
        const double pipeline = means[2 * backend + 1];
        const double bar = backend == 0 ? kind->bar_interpreter : kind->bar_recompiler;
        pvm_row_t row = pvm_row_add(table);

        pvm_row_text(&row, kind->key);
        pvm_row_text(&row, names[backend]);
        pvm_row_real(&row, flat);
        pvm_row_real(&row, pipeline);
        put_bar(&row, bar);
        put_verdict(&row, flat > pipeline ? flat : pipeline, bar);
    }
}

static pvm_prof_table_t *run_time(const bench_options_t *options)
{
    static const pvm_prof_column_t columns[] = {
        BENCH_TEXT("what", "what"),      BENCH_TEXT("backend", "backend"),
        BENCH_REAL("flat", "0.7.2", ""), BENCH_REAL("pipeline", "0.8.0", ""),
        BENCH_REAL("bar", "bar", ""),    BENCH_TEXT("verdict", "verdict"),
    };
    pvm_prof_table_t *const table =
        pvm_prof_table_create("Run time over the run without, geometric mean over the guests",
                              columns, sizeof(columns) / sizeof(*columns));

    for (size_t i = 0; i < BENCH_KIND_COUNT && table != NULL; i++) {
        add_kind(options, &bench_kinds[i], table);
    }
    return table;
}

/* -- Host calls ---------------------------------------------------------------------------- */

static double thread_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double one_call_ns(pvm_vm_t *vm)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    uint64_t calls = 0;

    pvm_set_host_callback(vm, bench_calls_answer, &calls);
    pvm_set_gas(vm, CALLS_GAS);
    const double begin = thread_ns();
    (void)pvm_execute(vm, 0);
    const double took = thread_ns() - begin;
    /* For the daemon, to take what was told. */
    (void)nanosleep(&pause, NULL);
    return took / (double)calls;
}

/* A loop of host calls, with and without a listener in turn. */
static int measure_calls(pvm_program_t *program, pvm_backend_t backend, bench_sample_t *off,
                         bench_sample_t *on)
{
    pvm_vm_t *const vm = pvm_instantiate(program, backend, 0, 0);

    for (int i = -1; vm != NULL && i < MEASUREMENTS; i++) {
        (void)pvm_trace_set_sink(NULL);
        const double without = one_call_ns(vm);
        /* A process finds one session daemon only: a second session would not reach it. */
        if (pvm_trace_load_lttng() != 0 || !(pvm_events_sink_wants(PVM_EVENT_host_call_begin) ||
                                             pvm_events_sink_wants(PVM_EVENT_host_call))) {
            break;
        }
        const double with = one_call_ns(vm);
        if (i >= 0) {
            bench_add(off, without);
            bench_add(on, with);
        }
    }
    (void)pvm_trace_set_sink(NULL);
    pvm_destroy(vm);
    return off->count > 0 ? 0 : 1;
}

static int add_calls(pvm_program_t *program, pvm_backend_t backend, const char *name,
                     const char *what, pvm_prof_table_t *table)
{
    bench_sample_t off = {.count = 0};
    bench_sample_t on = {.count = 0};

    if (measure_calls(program, backend, &off, &on) != 0) {
        (void)fprintf(stderr, "host calls on the %s: no session of LTTng reaches this process\n",
                      name);
        return 1;
    }
    const double extra = bench_median(&on) - bench_median(&off);
    pvm_row_t row = pvm_row_add(table);
    pvm_row_text(&row, what);
    pvm_row_text(&row, name);
    pvm_row_real(&row, bench_median(&off));
    pvm_row_real(&row, bench_median(&on));
    pvm_row_real(&row, extra);
    put_bar(&row, LTTNG_BAR_NS);
    put_verdict(&row, extra, LTTNG_BAR_NS);
    return 0;
}

/* Both backends, as often as there is a way to tell host calls. */
static int add_ways(pvm_program_t *program, pvm_prof_table_t *table)
{
    static const struct {
        const char *events;
        const char *what;
    } ways[] = {{"pvm:host_call_begin,pvm:host_call_end", "begin, end"},
                {"pvm_fast:host_call,pvm_fast:host_call_open", "pvm_fast"}};
    pvm_view_t view = {0};
    pvm_lttng_session_t session;
    pvm_view_status_t status = pvm_view_lttng_begin(&view, ways[0].events, &session);
    int failed = 0;

    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways) && status == PVM_VIEW_FINE; i++) {
        if (i > 0) {
            status = pvm_view_lttng_change(&view, &session, ways[i - 1].events, ways[i].events);
        }
        failed |= status == PVM_VIEW_FINE &&
                  (add_calls(program, PVM_BACKEND_INTERPRETER, "interpreter", ways[i].what, table) |
                   add_calls(program, PVM_BACKEND_RECOMPILER, "recompiler", ways[i].what, table));
    }
    if (status != PVM_VIEW_FINE) {
        (void)fprintf(stderr, "host calls under LTTng: %s\n", view.error);
    }
    pvm_view_lttng_end(&session);
    return failed || status != PVM_VIEW_FINE;
}

static int host_calls(pvm_prof_table_t *table)
{
    pvm_program_t *const program = bench_calls_program();
    const int status = program == NULL || add_ways(program, table) != 0;

    pvm_program_release(program);
    return status;
}

int bench_cost(const bench_options_t *options, bench_report_t *report)
{
    static const pvm_prof_column_t columns[] = {
        BENCH_TEXT("what", "LTTng"),          BENCH_TEXT("backend", "backend"),
        BENCH_REAL("off_ns", "off", "ns"),    BENCH_REAL("on_ns", "on", "ns"),
        BENCH_REAL("extra_ns", "more", "ns"), BENCH_REAL("bar_ns", "bar", "ns"),
        BENCH_TEXT("verdict", "verdict"),
    };
    const int policy = sched_getscheduler(0);

    if (policy == SCHED_FIFO || policy == SCHED_RR) {
        (void)fprintf(stderr, "cost: real-time priority starves LTTng's daemons, which never come "
                              "to an end; run it without chrt\n");
        return 1;
    }
    pvm_prof_table_t *const calls = pvm_prof_table_create("One host call, CPU time", columns,
                                                          sizeof(columns) / sizeof(*columns));
    const int status = calls == NULL ? 1 : host_calls(calls);

    bench_report_add(report, "host_call_events", calls);
    bench_report_add(report, "cost", run_time(options));
    return status;
}
