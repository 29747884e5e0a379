/* The figures of `top` in the text format of Prometheus: everything since the begin, as counters. */
#include "viewer/top/state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** Functions that are told apart; the rest of the samples is in pvm_samples_total. */
#define FUNCTIONS_MAX 200

/* A label's value: what would end it is escaped, what is no character is not shown. */
static void put_label(FILE *out, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\') {
            (void)fprintf(out, "\\%c", *at);
        } else {
            (void)fputc(*at < ' ' || *at > '~' ? '?' : *at, out);
        }
    }
}

static void put_head(FILE *out, const char *name, const char *type, const char *help)
{
    (void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_owner(pvm_top_t *top, FILE *out, const char *name, const pvm_bpf_total_key_t *key)
{
    (void)fprintf(out, "%s{process=\"%" PRIu32 "\",comm=\"", name, key->process);
    put_label(out, pvm_top_process(top, key->process));
    (void)fprintf(out, "\",program=\"%016" PRIx64 "\",service=\"%" PRIu32 "\"", key->program,
                  key->service);
    if (key->kind == PVM_BPF_CALLS) {
        const top_program_t *const program = pvm_top_program(top, key->program);
        (void)fprintf(out, ",call=\"%" PRId32 "\",name=\"", key->func_id);
        put_label(out, program == NULL ? "?" : pvm_host_call_name(program->program, key->func_id));
        (void)fputc('"', out);
    }
}

/* One counter of all keys of a kind. */
static void put_counter(pvm_top_t *top, FILE *out, uint32_t kind, const char *name,
                        const char *help, size_t offset)
{
    put_head(out, name, "counter", help);
    for (size_t i = 0; i < top->entry_count; i++) {
        const top_entry_t *const entry = &top->entries[i];
        uint64_t value;
        if (entry->key.kind == kind) {
            memcpy(&value, (const char *)&entry->now + offset, sizeof(value));
            put_owner(top, out, name, &entry->key);
            (void)fprintf(out, "} %" PRIu64 "\n", value);
        }
    }
}

static void put_durations(pvm_top_t *top, FILE *out)
{
    put_head(out, "pvm_host_call_seconds", "histogram", "Time in host calls.");
    for (size_t i = 0; i < top->entry_count; i++) {
        const top_entry_t *const entry = &top->entries[i];
        uint64_t below = 0;
        if (entry->key.kind != PVM_BPF_CALLS) {
            continue;
        }
        /* From 128 ns to 17 s, each bound four times the one before. */
        for (int n = 0; n < PVM_BPF_CLASSES; n++) {
            below += entry->now.classes[n];
            if (n >= 7 && n <= 35 && n % 2 == 1) {
                put_owner(top, out, "pvm_host_call_seconds_bucket", &entry->key);
                (void)fprintf(out, ",le=\"%.9g\"} %" PRIu64 "\n", (double)(UINT64_C(1) << n) * 1e-9,
                              below);
            }
        }
        put_owner(top, out, "pvm_host_call_seconds_bucket", &entry->key);
        (void)fprintf(out, ",le=\"+Inf\"} %" PRIu64 "\n", entry->now.timed);
        put_owner(top, out, "pvm_host_call_seconds_sum", &entry->key);
        (void)fprintf(out, "} %.9f\n", (double)entry->now.duration_ns * 1e-9);
        put_owner(top, out, "pvm_host_call_seconds_count", &entry->key);
        (void)fprintf(out, "} %" PRIu64 "\n", entry->now.timed);
    }
}

/* -- Functions ----------------------------------------------------------------------------- */

typedef struct {
    const char *program;
    const char *function;
    uint64_t samples;
} function_t;

typedef struct {
    pvm_top_t *top;
    function_t list[FUNCTIONS_MAX];
    size_t count;
} functions_t;

static void add_place(void *user_data, const pvm_sample_place_t *place)
{
    functions_t *const functions = user_data;
    const top_program_t *const program = pvm_top_program(functions->top, place->program);
    const char *const name = pvm_top_function(program, place->pc);

    for (size_t i = 0; i < functions->count; i++) {
        if (functions->list[i].function == name) {
            functions->list[i].samples += place->count;
            return;
        }
    }
    if (functions->count < FUNCTIONS_MAX) {
        functions->list[functions->count++] =
            (function_t){.program = program == NULL ? "?" : program->name,
                         .function = name,
                         .samples = place->count};
    }
}

static int put_samples(pvm_top_t *top, FILE *out)
{
    const pvm_sample_sums_t *const sums = &top->samples.sums;
    functions_t *const functions = calloc(1, sizeof(*functions));
    const struct {
        const char *place;
        uint64_t count;
    } places[] = {{"guest", sums->guest},
                  {"engine", sums->engine},
                  {"host_call", sums->host},
                  {"unknown", sums->unknown},
                  {"elsewhere", top->elsewhere_before}};

    put_head(out, "pvm_samples_total", "counter", "Samples of the processes' threads, by place.");
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        (void)fprintf(out, "pvm_samples_total{place=\"%s\"} %" PRIu64 "\n", places[i].place,
                      places[i].count);
    }
    if (functions == NULL) {
        return -1;
    }
    functions->top = top;
    pvm_samples_walk(&top->samples, add_place, functions);
    put_head(out, "pvm_function_samples_total", "counter", "Samples in functions of guest code.");
    for (size_t i = 0; i < functions->count; i++) {
        (void)fputs("pvm_function_samples_total{program=\"", out);
        put_label(out, functions->list[i].program);
        (void)fputs("\",function=\"", out);
        put_label(out, functions->list[i].function);
        (void)fprintf(out, "\"} %" PRIu64 "\n", functions->list[i].samples);
    }
    free(functions);
    return 0;
}

int pvm_top_metrics(pvm_top_t *top, FILE *out)
{
    const pvm_top_line_t line = pvm_top_line(top);

    put_counter(top, out, PVM_BPF_CALLS, "pvm_host_calls_total", "Host calls.",
                offsetof(pvm_bpf_total_t, calls));
    put_counter(top, out, PVM_BPF_CALLS, "pvm_host_call_gas_total", "Gas that host calls took.",
                offsetof(pvm_bpf_total_t, gas_taken));
    put_durations(top, out);
    put_counter(top, out, PVM_BPF_RUNS, "pvm_executions_total", "Executions that have ended.",
                offsetof(pvm_bpf_total_t, calls));
    put_counter(top, out, PVM_BPF_RUNS, "pvm_guest_gas_total", "Gas that guest code took.",
                offsetof(pvm_bpf_total_t, gas_taken));
    put_counter(top, out, PVM_BPF_RUNS, "pvm_host_calls_missed_total",
                "Host calls that are not in the sums.", offsetof(pvm_bpf_total_t, missed));
    put_head(out, "pvm_processes", "gauge", "Processes that are watched.");
    (void)fprintf(out, "pvm_processes %zu\n", line.processes);
    put_head(out, "pvm_host_calls_lost_total", "counter",
             "Host calls that could not be summed up.");
    (void)fprintf(out, "pvm_host_calls_lost_total %" PRIu64 "\n", line.lost);
    put_head(out, "pvm_attach_overhead_ratio", "gauge",
             "Processor time of the processes that watching them takes.");
    (void)fprintf(out, "pvm_attach_overhead_ratio %.6f\n", line.overhead);
    return put_samples(top, out);
}
