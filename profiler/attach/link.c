/* Loading into the kernel and attaching to probes, and what to say where that is refused. */
#include "profiler/attach/internal.h"
#include "support/error.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Threads that take probes away. */
#define DESTROY_AT_ONCE 32

#define LTTNG_ROUTE "or collect with LTTng, which needs none of this: see docs/tracing.md"

/* libbpf says why on its way; the last line of it is kept for the message. One attachment at a time loads. */
static _Thread_local char said[256];

static int listen_to_libbpf(enum libbpf_print_level level, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static int listen_to_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
    if (level == LIBBPF_WARN) {
        char line[256];
        (void)vsnprintf(line, sizeof(line), format, args);
        line[strcspn(line, "\n")] = '\0';
        if (said[0] == '\0') {
            (void)snprintf(said, sizeof(said), "%s", line);
        }
    }
    return 0;
}

/* What is missing, as far as it can be told. */
static pvm_prof_status_t explain(int error, const char *doing)
{
    if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) {
        pvm_error_set("this kernel tells no types (no /sys/kernel/btf/vmlinux: "
                      "CONFIG_DEBUG_INFO_BTF), which eBPF programs need to find its fields; use a "
                      "kernel that has them, " LTTNG_ROUTE);
    } else if (access("/sys/bus/event_source/devices/uprobe", F_OK) != 0) {
        pvm_error_set("this kernel has no uprobes (no /sys/bus/event_source/devices/uprobe: "
                      "CONFIG_UPROBE_EVENTS); use a kernel that has them, " LTTNG_ROUTE);
    } else if (error == ENOSYS || error == EOPNOTSUPP) {
        pvm_error_set(
            "this kernel has no eBPF (CONFIG_BPF_SYSCALL); use one that has it, " LTTNG_ROUTE);
    } else if (error == EPERM || error == EACCES) {
        pvm_error_set("not permitted to %s; run it as root or with CAP_SYS_ADMIN (on this kernel "
                      "CAP_BPF and CAP_PERFMON may not be enough for uprobes), " LTTNG_ROUTE,
                      doing);
    } else {
        pvm_error_set("cannot %s: %s (%s); " LTTNG_ROUTE, doing, strerror(error),
                      said[0] != '\0' ? said : "no more is known");
    }
    return PVM_PROF_E_SYSTEM;
}

pvm_prof_status_t pvm_attach_load(const pvm_attach_options_t *options, struct pvm_bpf **out)
{
    said[0] = '\0';
    (void)libbpf_set_print(listen_to_libbpf);
    struct pvm_bpf *const skeleton = pvm_bpf__open();
    *out = NULL;
    if (skeleton == NULL) {
        return explain(errno, "load eBPF programs");
    }
    skeleton->rodata->wants_service = options->wants_service;
    skeleton->rodata->wanted_service = options->service;
    skeleton->rodata->wants_call = options->wants_call;
    skeleton->rodata->wanted_call = options->call;
    skeleton->rodata->sums_up = options->sums_up;
    (void)bpf_program__set_autoload(skeleton->progs.on_sample, options->sample_hz != 0);
    const int status = pvm_bpf__load(skeleton);
    if (status != 0) {
        pvm_bpf__destroy(skeleton);
        return explain(-status, "load eBPF programs");
    }
    *out = skeleton;
    return PVM_PROF_OK;
}

const char *pvm_attach_level_name(pvm_attach_level_t level)
{
    static const char *const names[PVM_ATTACH_LEVEL_COUNT] = {
        [PVM_ATTACH_EVERY] = "every host call",
        [PVM_ATTACH_64TH] = "one host call of 64",
        [PVM_ATTACH_EXECUTIONS] = "no host calls",
        [PVM_ATTACH_SAMPLES] = "samples only",
    };

    return names[level];
}

/* What is wanted at this level. */
static bool is_wanted(const pvm_attach_t *attach, int probe)
{
    switch (probe) {
    case PVM_PROBE_host_call:
        return attach->level == PVM_ATTACH_EVERY;
    case PVM_PROBE_host_call_64th:
        return attach->level == PVM_ATTACH_64TH;
    case PVM_PROBE_program_load:
    case PVM_PROBE_program_data:
        return !attach->options.calls_only;
    case PVM_PROBE_execute_begin:
    case PVM_PROBE_execute_end:
        return !attach->options.calls_only && attach->level != PVM_ATTACH_SAMPLES;
    default:
        return !attach->options.sums_up && !attach->options.calls_only &&
               attach->level != PVM_ATTACH_SAMPLES;
    }
}

static const struct bpf_program *program_of(const pvm_attach_t *attach, int probe)
{
    switch (probe) {
#define PVM_BPF_PROBE(probe, event, form)                                                          \
    case PVM_PROBE_##probe:                                                                        \
        return attach->skeleton->progs.on_##probe;
#include "trace/bpf/probes.def"
    default:
        return NULL;
    }
}

static const char *const probe_names[PVM_PROBE_COUNT] = {
#define PVM_BPF_PROBE(probe, event, form) [PVM_PROBE_##probe] = #probe,
#include "trace/bpf/probes.def"
};

int pvm_attach_make_links(pvm_attach_process_t *process)
{
    process->links = calloc(1, sizeof(*process->links));
    if (process->links == NULL) {
        return pvm_error_set("no memory to attach with");
    }
    process->links->task = pvm_attach_watch_task(process->pid);
    return 0;
}

int pvm_attach_link(pvm_attach_t *attach, pvm_attach_process_t *process)
{
    for (int i = 0; i < process->copy_count; i++) {
        bool is_same_file = false;
        /* A file that is mapped twice has its probes once. */
        for (int before = 0; before < i; before++) {
            is_same_file |= pvm_remote_is_same_file(&process->copies[before], &process->copies[i]);
        }
        for (int n = 0; n < PVM_PROBE_COUNT && !is_same_file; n++) {
            /* Whoever sums up knows no time of records: calls first, so that none is missed between others. */
            const int probe =
                attach->options.sums_up ? (n + PVM_PROBE_host_call) % PVM_PROBE_COUNT : n;
            struct bpf_link **const link = &process->links->links[i][probe];
            if (!is_wanted(attach, probe)) {
                (void)bpf_link__destroy(*link);
                *link = NULL;
            } else if (*link == NULL) {
                LIBBPF_OPTS(bpf_usdt_opts, options, .usdt_cookie = process->ids[i]);
                said[0] = '\0';
                *link = bpf_program__attach_usdt(program_of(attach, probe), process->pid,
                                                 process->copies[i].file, "pvm", probe_names[probe],
                                                 &options);
                if (*link == NULL) {
                    (void)explain(errno, "attach to probes");
                    pvm_attach_unlink(process);
                    return -1;
                }
            }
        }
    }
    return 0;
}

/* Taking a probe away waits until no processor is in it, some 90 ms; so all go at once. */
static void *destroy_link(void *link)
{
    (void)bpf_link__destroy(link);
    return NULL;
}

void pvm_attach_destroy(struct bpf_link **links, size_t count)
{
    pthread_t threads[DESTROY_AT_ONCE];

    for (size_t first = 0; first < count; first += DESTROY_AT_ONCE) {
        size_t started = 0;
        for (size_t i = first; i < count && i < first + DESTROY_AT_ONCE; i++) {
            if (links[i] != NULL &&
                pthread_create(&threads[started], NULL, destroy_link, links[i]) == 0) {
                started++;
            } else {
                (void)destroy_link(links[i]);
            }
            links[i] = NULL;
        }
        for (size_t i = 0; i < started; i++) {
            (void)pthread_join(threads[i], NULL);
        }
    }
}

void pvm_attach_unlink(pvm_attach_process_t *process)
{
    if (process->links == NULL) {
        return;
    }
    pvm_attach_destroy(&process->links->links[0][0],
                       PVM_REMOTE_COPIES_MAX * (size_t)PVM_PROBE_COUNT);
    if (process->links->task >= 0) {
        (void)close(process->links->task);
    }
    free(process->links);
    process->links = NULL;
}
