/* What a recording by attaching is worth: losses, costs, sums. */
#include "profiler/attach/collect_state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* Host calls that the target made and that are not in the file. */
void pvm_collect_count_losses(collect_t *collect)
{
    const pvm_bpf_counters_t counters = pvm_attach_counters(collect->attach, PVM_EVENT_host_call);
    const uint64_t failed = counters.dropped + counters.unread;
    const bool has_gaps = !collect->options->attach.wants_call;
    const uint64_t gaps = has_gaps ? collect->machines.missed + collect->missed_in_sums : 0;

    collect->state.filtered = counters.filtered;
    /* Gaps in the numbers see everything, but for what is behind the last record of a machine. */
    collect->state.lost = gaps > failed ? gaps : failed;
    collect->state.left_out = collect->state.lost - failed;
    collect->state.lost += collect->without_program;
    if (!collect->overhead.was_limited) {
        collect->state.left_out = 0;
    }
}

static void set_info(collect_t *collect, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void set_info(collect_t *collect, const char *key, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)pvm_prof_run_file_set_info(collect->file, key, text);
}

void pvm_collect_store_facts(collect_t *collect)
{
    const pvm_collect_state_t *const state = &collect->state;
    size_t count;

    (void)pvm_attach_processes(collect->attach, &count);
    set_info(collect, "attach_processes", "%zu", count);
    set_info(collect, "attach_execs", "%" PRIu64, pvm_attach_execs(collect->attach));
    set_info(collect, "attach_traps", "%" PRIu64, pvm_attach_hits(collect->attach));
    set_info(collect, "attach_ns_per_trap", "%.0f", state->ns_per_trap);
    set_info(collect, "attach_overhead", "%.2f %%", 100 * state->overhead);
    set_info(collect, "attach_level", "%s", pvm_attach_level_name(state->level));
    set_info(collect, "attach_left_out", "%" PRIu64, state->left_out);
    set_info(collect, "attach_filtered", "%" PRIu64, state->filtered);
    set_info(collect, "attach_begun_before", "%" PRIu64, collect->begun_before);
    for (int cpu = 0; cpu < pvm_attach_cpus(); cpu++) {
        const pvm_bpf_counters_t one =
            pvm_attach_counters_of(collect->attach, PVM_EVENT_host_call, cpu);
        char key[48];
        if (one.dropped > 0) {
            (void)snprintf(key, sizeof(key), "attach_dropped_cpu%d", cpu);
            set_info(collect, key, "%" PRIu64, one.dropped);
        }
    }
    (void)pvm_prof_run_file_set_info(collect->file, PVM_PROF_INFO_HOST, "attach");
    if (collect->options->attach.sample_hz != 0) {
        const pvm_bpf_counters_t counters = pvm_attach_counters(collect->attach, PVM_BPF_SAMPLE);
        set_info(collect, "attach_samples_guest", "%" PRIu64,
                 collect->sample_kinds[PVM_SAMPLE_GUEST]);
        set_info(collect, "attach_samples_engine", "%" PRIu64,
                 collect->sample_kinds[PVM_SAMPLE_ENGINE]);
        set_info(collect, "attach_samples_host_call", "%" PRIu64,
                 collect->sample_kinds[PVM_SAMPLE_HOST]);
        set_info(collect, "attach_samples_unknown", "%" PRIu64,
                 collect->sample_kinds[PVM_SAMPLE_UNKNOWN]);
        set_info(collect, "attach_samples_elsewhere", "%" PRIu64, counters.filtered);
        set_info(collect, "attach_samples_dropped", "%" PRIu64, counters.dropped);
    }
}

/* Other records that did not come: executions, machines, programs. */
uint64_t pvm_collect_lost_others(const collect_t *collect)
{
    uint64_t lost = collect->lost_others;

    for (uint32_t kind = 0; kind < PVM_BPF_SAMPLE; kind++) {
        const pvm_bpf_counters_t counters = pvm_attach_counters(collect->attach, kind);
        lost += kind == PVM_EVENT_host_call ? 0 : counters.dropped + counters.unread;
    }
    return lost;
}

/* -- Sums ---------------------------------------------------------------------------------- */

static void feed_total(void *user_data, const pvm_bpf_total_key_t *key, const pvm_bpf_total_t *sums)
{
    collect_t *const collect = user_data;
    char host[256] = "";
    const pvm_prof_feed_total_t total = {.host = host,
                                         .process = key->process,
                                         .service = key->service,
                                         .program = key->program,
                                         .is_runs = key->kind == PVM_BPF_RUNS,
                                         .func_id = key->func_id,
                                         .count = sums->calls,
                                         .gas_taken = sums->gas_taken,
                                         .gas_added = sums->gas_added,
                                         .duration_ns = sums->duration_ns,
                                         .classes = sums->classes,
                                         .class_count = PVM_BPF_CLASSES};

    (void)gethostname(host, sizeof(host) - 1);
    pvm_collect_note(collect, pvm_prof_feed_total(collect->feed, &total));
}

static void count_total(void *user_data, const pvm_bpf_total_key_t *key,
                        const pvm_bpf_total_t *sums)
{
    collect_t *const collect = user_data;

    collect->state.host_calls += key->kind == PVM_BPF_CALLS ? sums->calls : 0;
    collect->missed_in_sums += sums->missed;
}

void pvm_collect_feed_sums(collect_t *collect)
{
    pvm_attach_totals(collect->attach, feed_total, collect);
}

void pvm_collect_count_sums(collect_t *collect)
{
    if (collect->options->attach.sums_up) {
        collect->state.host_calls = 0;
        collect->missed_in_sums = 0;
        pvm_attach_totals(collect->attach, count_total, collect);
    }
}
