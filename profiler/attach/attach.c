/* Loading the BPF programs, hanging them on processes, reading what they tell: see attach.h. */
#include "profiler/attach/attach.h"

#include "profiler/attach/internal.h"
#include "support/error.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/** Between two looks for new processes. */
#define LOOK_NS UINT64_C(1000000000)
/** Between two looks whether processes run another program: shorter than records wait to be put in order, so that none of the
 *  new program's is taken for one of the old. */
#define EXEC_LOOK_NS UINT64_C(100000000)
/** So long a process may take to map libpvm after exec(). */
#define EXEC_WAIT_NS UINT64_C(5000000000)

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* -- Records ------------------------------------------------------------------------------- */

/* Behind a record stands what one of its members points to in the target: lead it there. A pointer whose target was not
 * collected leads to nothing. */
static bool mend_pointer(uint32_t kind, uint8_t *record, size_t bytes)
{
#define TAIL(event, member)                                                                        \
    case PVM_EVENT_##event:                                                                        \
        if (bytes < sizeof(pvm_event_##event##_t) + PVM_BPF_TAIL_BYTES) {                          \
            return false;                                                                          \
        }                                                                                          \
        ((pvm_event_##event##_t *)(void *)record)->member =                                        \
            (const void *)(record + sizeof(pvm_event_##event##_t));                                \
        return true;
    switch (kind) {
        TAIL(program_load, name)
        TAIL(program_data, data)
        TAIL(arguments, data)
    case PVM_EVENT_execute_begin:
        if (bytes < sizeof(pvm_event_execute_begin_t)) {
            return false;
        }
        /* What selects events for tracers has no say here. */
        ((pvm_event_execute_begin_t *)(void *)record)->filter = "";
        return true;
    default:
        return true;
    }
#undef TAIL
}

static int on_record(void *user_data, void *data, size_t bytes)
{
    pvm_attach_t *const attach = user_data;
    _Alignas(8) uint8_t copy[512 + PVM_BPF_TAIL_BYTES];
    const pvm_bpf_header_t *const header = data;

    if (bytes < sizeof(*header) || bytes > sizeof(copy)) {
        return 0;
    }
    const size_t record_bytes = bytes - sizeof(*header);
    const void *record = header + 1;
    if (header->kind == PVM_EVENT_execute_begin || header->kind == PVM_EVENT_program_load ||
        header->kind == PVM_EVENT_program_data || header->kind == PVM_EVENT_arguments) {
        memcpy(copy, record, record_bytes);
        if (!mend_pointer(header->kind, copy, record_bytes)) {
            return 0;
        }
        record = copy;
    }
    attach->taken++;
    attach->handler(attach->user_data, header, record, record_bytes);
    return 0;
}

/* -- Processes ----------------------------------------------------------------------------- */

static bool is_gone(pid_t pid)
{
    return kill(pid, 0) != 0 && errno == ESRCH;
}

/** Of /proc/PID/stat, between the state and the number of threads: fields 4 to 19. */
#define SKIPPED_FIELDS " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"

typedef struct {
    char name[16];
    char state;
    long threads;
} process_state_t;

static bool read_state(pid_t pid, process_state_t *out)
{
    char path[64];
    char text[1024];

    (void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    FILE *const file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    const size_t len = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    const char *const open = strchr(text, '(');
    const char *const close = strrchr(text, ')');
    if (open == NULL || close == NULL ||
        sscanf(close + 1, " %c" SKIPPED_FIELDS " %ld", &out->state, &out->threads) != 2) {
        return false;
    }
    (void)snprintf(out->name, sizeof(out->name), "%.*s", (int)(close - open - 1), open + 1);
    return true;
}

/* A zombie is there and does nothing any more; but where only the first thread has ended, as for a moment when another one calls
 * exec(), the process goes on. */
static bool has_ended(pid_t pid, char name[16])
{
    process_state_t process;

    if (!read_state(pid, &process)) {
        return true;
    }
    memcpy(name, process.name, sizeof(process.name));
    return process.state == 'Z' && process.threads == 1;
}

/* Processor time of a process; `before` if it is gone. */
static uint64_t cpu_time(pid_t pid, uint64_t before)
{
    struct timespec used;
    clockid_t clock;

    return clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &used) == 0
               ? (uint64_t)used.tv_sec * UINT64_C(1000000000) + (uint64_t)used.tv_nsec
               : before;
}

/* It is gone, and so is what it published; probes hang on it still. */
static void leave_process(pvm_attach_t *attach, pvm_attach_process_t *process)
{
    const uint32_t key = (uint32_t)process->pid;

    process->is_gone = true;
    (void)bpf_map__delete_elem(attach->skeleton->maps.processes, &key, sizeof(key), 0);
}

/* Tell the sampling program where things are; copies that have made no machine yet come later. */
static void publish_process(pvm_attach_t *attach, pvm_attach_process_t *process)
{
    const uint32_t key = (uint32_t)process->pid;
    pvm_bpf_process_t value = {0};

    for (int i = 0; i < process->copy_count && i < PVM_BPF_COPIES_MAX; i++) {
        pvm_published_t published;
        if (pvm_remote_published(process->pid, &process->copies[i], &published) != 0) {
            break;
        }
        const uint32_t *const offsets = published.offsets;
        value.copies[value.count++] =
            (pvm_bpf_copy_t){.running = published.running,
                             .vm_id = offsets[PVM_PUBLISHED_VM_ID],
                             .vm_service = offsets[PVM_PUBLISHED_VM_SERVICE],
                             .vm_program = offsets[PVM_PUBLISHED_VM_PROGRAM],
                             .vm_backend = offsets[PVM_PUBLISHED_VM_BACKEND],
                             .vm_host_pending = offsets[PVM_PUBLISHED_VM_HOST_PENDING],
                             .vm_host_call = offsets[PVM_PUBLISHED_VM_HOST_CALL],
                             .vm_pc = offsets[PVM_PUBLISHED_VM_PC],
                             .program_serial = offsets[PVM_PUBLISHED_PROGRAM_SERIAL]};
    }
    (void)bpf_map__update_elem(attach->skeleton->maps.processes, &key, sizeof(key), &value,
                               sizeof(value), BPF_ANY);
}

static pvm_attach_process_t *find_process(pvm_attach_t *attach, pid_t pid)
{
    for (size_t i = 0; i < attach->process_count; i++) {
        if (attach->processes[i].pid == pid && !attach->processes[i].is_gone) {
            return &attach->processes[i];
        }
    }
    return NULL;
}

/* What a process was before it began another program, as long as probes hang on it from then. */
static pvm_attach_process_t *find_left(pvm_attach_t *attach, pid_t pid)
{
    for (size_t i = 0; i < attach->process_count; i++) {
        if (attach->processes[i].pid == pid && attach->processes[i].is_gone &&
            attach->processes[i].links != NULL) {
            return &attach->processes[i];
        }
    }
    return NULL;
}

/* A place for a process: a new one, or that of one that is gone. */
static pvm_attach_process_t *find_room(pvm_attach_t *attach)
{
    if (attach->process_count < PVM_BPF_PROCESSES_MAX) {
        pvm_attach_process_t *const place = &attach->processes[attach->process_count];
        *place = (pvm_attach_process_t){.is_gone = true};
        return place;
    }
    for (size_t i = 0; i < attach->process_count; i++) {
        if (attach->processes[i].is_gone && attach->processes[i].links == NULL) {
            return &attach->processes[i];
        }
    }
    return NULL;
}

/* Hang on a process what is wanted, by way of what hangs on it already if it ran another program before. @return 0, or -1 */
static int hang_on(pvm_attach_t *attach, pvm_attach_process_t *process)
{
    pvm_attach_process_t *const before = find_left(attach, process->pid);

    if (pvm_attach_make_links(process) != 0) {
        return -1;
    }
    const bool has_all = before != NULL && pvm_attach_inherit(process, before);
    if (pvm_attach_link(attach, process) != 0) {
        return -1;
    }
    process->attached_ns = has_all ? before->attached_ns : now_ns();
    return 0;
}

/* @return 1: attached, 0: there is no libpvm in it, -1: it cannot be attached to, pvm_last_error() */
static int add_process(pvm_attach_t *attach, pid_t pid)
{
    pvm_attach_process_t process = {.pid = pid};

    if (has_ended(pid, process.name)) {
        return 0;
    }
    process.cpu_start_ns = cpu_time(pid, 0);
    process.identity = pvm_remote_identity(pid);
    process.copy_count = pvm_remote_find(pid, process.copies, PVM_REMOTE_COPIES_MAX);
    if (process.copy_count < 0) {
        return pvm_error_set("process %ld cannot be read (%s); run this as root", (long)pid,
                             strerror(errno));
    }
    if (process.copy_count == 0) {
        return 0;
    }
    pvm_attach_process_t *const place = find_room(attach);
    if (place == NULL) {
        return pvm_error_set("more than %d processes with libpvm", PVM_BPF_PROCESSES_MAX);
    }
    for (int i = 0; i < process.copy_count; i++) {
        pvm_published_t published;
        if (pvm_remote_published(pid, &process.copies[i], &published) == PVM_REMOTE_OTHER_VERSION) {
            return pvm_error_set(
                "process %ld: %s is of another version than this pvmscope; use the "
                "pvmscope that came with it",
                (long)pid, process.copies[i].name);
        }
        process.ids[i] = ++attach->last_copy;
    }
    if (hang_on(attach, &process) != 0) {
        return is_gone(pid) ? 0 : -1;
    }
    publish_process(attach, &process);
    attach->forgotten_cpu_ns += place->cpu_ns;
    attach->process_count += place == &attach->processes[attach->process_count];
    *place = process;
    return 1;
}

static bool is_wanted(const pvm_attach_t *attach, pid_t pid)
{
    char name[16];

    if (pid == getpid() || find_process(attach->self, pid) != NULL) {
        return false;
    }
    return attach->options.comm == NULL ||
           (!has_ended(pid, name) && strncmp(name, attach->options.comm, sizeof(name) - 1) == 0);
}

/* @return processes added; -1: none, and the first one that was wanted could not be attached to */
static int look_around(pvm_attach_t *attach)
{
    DIR *const folder = opendir("/proc");
    struct dirent *entry;
    int added = 0;
    int status = 0;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        const pid_t pid = (pid_t)atol(entry->d_name);
        if (pid <= 0 || !is_wanted(attach, pid)) {
            continue;
        }
        const int one = add_process(attach, pid);
        added += one > 0;
        status = one < 0 ? -1 : status;
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return added == 0 ? status : added;
}

void pvm_attach_refresh(pvm_attach_t *attach)
{
    for (size_t i = 0; i < attach->process_count; i++) {
        pvm_attach_process_t *const process = &attach->processes[i];

        if (process->is_gone) {
            continue;
        }
        process->cpu_ns =
            cpu_time(process->pid, process->cpu_ns + process->cpu_start_ns) - process->cpu_start_ns;
        if (has_ended(process->pid, process->name)) {
            leave_process(attach, process);
            pvm_attach_unlink(process);
            continue;
        }
        publish_process(attach, process);
    }
}

/* One process, which ran another program a moment ago: is libpvm in that? */
static bool is_waiting(const pvm_attach_t *attach)
{
    return attach->options.pid != 0 && attach->exec_ns != 0 && !attach->is_detached &&
           find_process(attach->self, attach->options.pid) == NULL &&
           now_ns() - attach->exec_ns < EXEC_WAIT_NS;
}

static void look_for_execs(pvm_attach_t *attach)
{
    for (size_t i = 0; i < attach->process_count && !attach->is_detached; i++) {
        pvm_attach_process_t *const process = &attach->processes[i];
        const uint64_t identity = process->is_gone ? 0 : pvm_remote_identity(process->pid);

        if (identity != 0 && process->identity != 0 && identity != process->identity) {
            leave_process(attach, process);
            process->left_ns = now_ns();
            attach->execs++;
            attach->exec_ns = process->left_ns;
            if (attach->options.pid == 0) {
                attach->looked_ns = 0;
            }
        }
    }
    if (is_waiting(attach)) {
        (void)add_process(attach, attach->options.pid);
    }
}

/* What processes that run another program did not take over is of no use any more; that some never have libpvm again is
 * known after a while. */
static void take_rest_away(pvm_attach_t *attach)
{
    for (size_t i = 0; i < attach->process_count && !attach->is_detached; i++) {
        pvm_attach_process_t *const process = &attach->processes[i];

        if (process->is_gone && process->links != NULL &&
            (find_process(attach, process->pid) != NULL ||
             now_ns() - process->left_ns >= EXEC_WAIT_NS)) {
            pvm_attach_unlink(process);
        }
    }
}

void pvm_attach_look(pvm_attach_t *attach, bool is_due)
{
    const uint64_t now = now_ns();

    if (is_due || now - attach->looked_execs_ns >= EXEC_LOOK_NS) {
        attach->looked_execs_ns = now;
        take_rest_away(attach);
        look_for_execs(attach);
    }
    if (now - attach->looked_ns >= LOOK_NS) {
        attach->looked_ns = now;
        pvm_attach_refresh(attach);
        if (attach->options.pid == 0 && !attach->is_detached) {
            (void)look_around(attach);
        }
    }
}

/* -- Samples ------------------------------------------------------------------------------- */

static int open_clock(int cpu, unsigned hz)
{
    struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
                                   .size = sizeof(attr),
                                   .config = PERF_COUNT_SW_CPU_CLOCK,
                                   .freq = 1,
                                   .sample_freq = hz,
                                   .exclude_idle = 1};

    return (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static pvm_prof_status_t start_samples(pvm_attach_t *attach)
{
    const int cpus = pvm_attach_cpus();
    int opened = 0;

    if (attach->options.sample_hz == 0) {
        return PVM_PROF_OK;
    }
    attach->clocks = calloc((size_t)cpus, sizeof(*attach->clocks));
    for (int cpu = 0; cpu < cpus && attach->clocks != NULL; cpu++) {
        const int clock = open_clock(cpu, attach->options.sample_hz);
        /* A processor that is off. */
        if (clock < 0 && (errno == ENODEV || errno == EINVAL) && cpu > 0) {
            continue;
        }
        struct bpf_link *const link =
            clock < 0 ? NULL
                      : bpf_program__attach_perf_event(attach->skeleton->progs.on_sample, clock);
        if (link == NULL) {
            pvm_error_set("cannot sample at %u Hz (%s); see /proc/sys/kernel/"
                          "perf_event_max_sample_rate",
                          attach->options.sample_hz, strerror(errno));
            if (clock >= 0) {
                (void)close(clock);
            }
            return PVM_PROF_E_SYSTEM;
        }
        attach->clocks[opened++] = link;
    }
    attach->clock_count = opened;
    return PVM_PROF_OK;
}

/* -- Life ---------------------------------------------------------------------------------- */

static pvm_prof_status_t find_first(pvm_attach_t *attach)
{
    const pid_t pid = attach->options.pid;
    const int added = pid != 0 ? add_process(attach, pid) : look_around(attach);

    if (added > 0 || (added == 0 && pid == 0 && attach->options.comm == NULL)) {
        return PVM_PROF_OK;
    }
    if (added < 0) {
        return PVM_PROF_E_SYSTEM;
    }
    if (pid == 0) {
        pvm_error_set("no process called %s has libpvm mapped", attach->options.comm);
    } else if (is_gone(pid)) {
        pvm_error_set("there is no process %ld", (long)pid);
    } else {
        pvm_error_set("process %ld has no libpvm mapped, or one that is too old", (long)pid);
    }
    return PVM_PROF_E_ARGUMENT;
}

pvm_prof_status_t pvm_attach_open(const pvm_attach_options_t *options, pvm_attach_handler_t handler,
                                  void *user_data, pvm_attach_t **out)
{
    pvm_attach_t *const attach = calloc(1, sizeof(*attach));

    *out = NULL;
    if (attach == NULL || options->size != sizeof(*options)) {
        free(attach);
        pvm_error_set("no memory to attach with, or options of another version");
        return PVM_PROF_E_ARGUMENT;
    }
    attach->self = attach;
    attach->options = *options;
    attach->handler = handler;
    attach->user_data = user_data;
    pvm_prof_status_t status = pvm_attach_load(options, &attach->skeleton);
    if (status == PVM_PROF_OK) {
        attach->ring =
            ring_buffer__new(bpf_map__fd(attach->skeleton->maps.records), on_record, attach, NULL);
        if (attach->ring == NULL) {
            pvm_error_set("cannot map the ring buffer (%s)", strerror(errno));
            status = PVM_PROF_E_SYSTEM;
        }
    }
    if (status == PVM_PROF_OK) {
        status = find_first(attach);
    }
    if (status == PVM_PROF_OK) {
        status = start_samples(attach);
    }
    if (status != PVM_PROF_OK) {
        pvm_attach_close(attach);
        return status;
    }
    attach->looked_ns = now_ns();
    *out = attach;
    return PVM_PROF_OK;
}

size_t pvm_attach_poll(pvm_attach_t *attach)
{
    const uint64_t before = attach->taken;

    pvm_attach_look(attach, false);
    (void)ring_buffer__consume(attach->ring);
    return (size_t)(attach->taken - before);
}

int pvm_attach_set_level(pvm_attach_t *attach, pvm_attach_level_t level)
{
    const pvm_attach_level_t old = attach->level;

    attach->level = level;
    for (size_t i = 0; i < attach->process_count; i++) {
        pvm_attach_process_t *const process = &attach->processes[i];
        if (!process->is_gone && pvm_attach_link(attach, process) != 0 && !is_gone(process->pid)) {
            attach->level = old;
            return -1;
        }
    }
    return 0;
}

void pvm_attach_detach(pvm_attach_t *attach)
{
    attach->is_detached = true;
    pvm_attach_destroy(attach->clocks, (size_t)attach->clock_count);
    attach->clock_count = 0;
    for (size_t i = 0; i < attach->process_count; i++) {
        pvm_attach_unlink(&attach->processes[i]);
    }
}

void pvm_attach_close(pvm_attach_t *attach)
{
    if (attach == NULL) {
        return;
    }
    pvm_attach_detach(attach);
    ring_buffer__free(attach->ring);
    pvm_bpf__destroy(attach->skeleton);
    free(attach->clocks);
    free(attach);
}

/* -- Looking ------------------------------------------------------------------------------- */

const pvm_attach_process_t *pvm_attach_processes(const pvm_attach_t *attach, size_t *out_count)
{
    *out_count = attach->process_count;
    return attach->processes;
}

uint64_t pvm_attach_forgotten_cpu_ns(const pvm_attach_t *attach)
{
    return attach->forgotten_cpu_ns;
}

bool pvm_attach_is_alive(const pvm_attach_t *attach)
{
    for (size_t i = 0; i < attach->process_count; i++) {
        char name[16];
        if (!attach->processes[i].is_gone && !has_ended(attach->processes[i].pid, name)) {
            return true;
        }
    }
    return is_waiting(attach) && !is_gone(attach->options.pid);
}

uint64_t pvm_attach_execs(const pvm_attach_t *attach)
{
    return attach->execs;
}
