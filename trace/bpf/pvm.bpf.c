/* The BPF programs of `pvmscope attach` and `top`: from the probes of libpvm, and from the clock, to a ring buffer or to
 * sums in the kernel. They run in the target's context and write nothing there.
 *
 * Of the kernel's structures only two fields are used; they are named here and found by CO-RE, so that no header of a
 * particular kernel is needed to build. The ring buffer never wakes its reader, which comes by itself: a wakeup costs
 * more than the rest. */
#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <linux/ptrace.h>

/* Many processes, each with all probes. */
#define BPF_USDT_MAX_SPEC_CNT 16384
#define BPF_USDT_MAX_IP_CNT   1
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

#include "trace/bpf/shared.h"

char LICENSE[] SEC("license") = "GPL";

/* Set before the programs are loaded. */
const volatile bool wants_service = false;
const volatile uint32_t wanted_service = 0;
const volatile bool wants_call = false;
const volatile int32_t wanted_call = 0;
const volatile bool sums_up = false; /**< host calls into `totals`, not into the ring buffer */

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, PVM_BPF_RING_BYTES);
} records SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, PVM_BPF_KIND_COUNT);
    __type(key, uint32_t);
    __type(value, pvm_bpf_counters_t);
} counters SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
    __uint(max_entries, PVM_BPF_TOTALS_MAX);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, pvm_bpf_total_key_t);
    __type(value, pvm_bpf_total_t);
} totals SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, PVM_BPF_PROCESSES_MAX);
    __type(key, uint32_t);
    __type(value, pvm_bpf_process_t);
} processes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, PVM_BPF_MACHINES_MAX);
    __type(key, pvm_bpf_machine_key_t);
    __type(value, pvm_bpf_machine_t);
} machines SEC(".maps");

/** A new entry of `totals` begins as this. */
static const pvm_bpf_total_t no_total;

static __always_inline pvm_bpf_counters_t *counters_of(uint32_t kind)
{
    return bpf_map_lookup_elem(&counters, &kind);
}

static __always_inline void fill(pvm_bpf_header_t *header, uint32_t kind, uint32_t copy,
                                 uint64_t ip)
{
    const uint64_t both = bpf_get_current_pid_tgid();

    header->kind = kind;
    header->copy = copy;
    header->process = (uint32_t)(both >> 32);
    header->thread = (uint32_t)both;
    header->time_ns = bpf_ktime_get_ns();
    header->ip = ip;
}

/* -- Host calls ---------------------------------------------------------------------------- */

static __always_inline uint32_t class_of(uint64_t duration_ns)
{
    uint32_t result = 0;

#pragma unroll
    for (uint32_t step = 32; step > 0; step /= 2) {
        if (duration_ns >> step != 0) {
            duration_ns >>= step;
            result += step;
        }
    }
    result += duration_ns != 0;
    return result < PVM_BPF_CLASSES ? result : PVM_BPF_CLASSES - 1;
}

/* The sums of a key, made if they are new. NULL: the table is full. */
static __always_inline pvm_bpf_total_t *total_of(const pvm_bpf_total_key_t *key)
{
    pvm_bpf_total_t *const total = bpf_map_lookup_elem(&totals, key);

    if (total != NULL) {
        return total;
    }
    (void)bpf_map_update_elem(&totals, key, &no_total, BPF_NOEXIST);
    return bpf_map_lookup_elem(&totals, key);
}

/* The machine comes to `gas`, having begun `seq` host calls: what guest code paid since it was last seen. */
static __always_inline void sum_guest(pvm_bpf_machine_t *machine, uint32_t process,
                                      uint32_t service, uint64_t seq, int64_t gas, bool has_ended,
                                      uint64_t duration_ns)
{
    const pvm_bpf_total_key_t key = {
        .program = machine->program, .process = process, .service = service, .kind = PVM_BPF_RUNS};
    pvm_bpf_total_t *const total = total_of(&key);

    if (total == NULL) {
        return;
    }
    if (machine->gas > gas) {
        total->gas_taken += (uint64_t)(machine->gas - gas);
    }
    if (machine->next_seq != UINT64_MAX && seq > machine->next_seq) {
        total->missed += seq - machine->next_seq;
    }
    if (has_ended) {
        total->calls++;
        total->duration_ns += duration_ns;
    }
}

static __always_inline void sum_up(const pvm_event_host_call_t *call, uint32_t copy,
                                   pvm_bpf_counters_t *count)
{
    const pvm_bpf_total_key_t key = {.program = call->program,
                                     .process = (uint32_t)(call->vm >> 32),
                                     .service = call->service,
                                     .func_id = call->func_id};
    const pvm_bpf_machine_key_t machine_key = {.vm = call->vm, .copy = copy};
    const pvm_bpf_machine_t fresh = {
        .program = call->program, .next_seq = call->seq + 1, .gas = call->gas_after};
    pvm_bpf_machine_t *const machine = bpf_map_lookup_elem(&machines, &machine_key);
    pvm_bpf_total_t *const total = total_of(&key);

    if (machine != NULL) {
        sum_guest(machine, key.process, call->service, call->seq, call->gas_before, false, 0);
        *machine = fresh;
    } else {
        (void)bpf_map_update_elem(&machines, &machine_key, &fresh, BPF_ANY);
    }
    if (total == NULL) {
        count->dropped++;
        return;
    }
    const int64_t taken = call->gas_before - call->gas_after;
    total->calls++;
    if (taken >= 0) {
        total->gas_taken += (uint64_t)taken;
    } else {
        total->gas_added -= (uint64_t)taken;
    }
    if (call->begin_ns != 0) {
        const uint64_t duration_ns = call->end_ns - call->begin_ns;
        const uint32_t class = class_of(duration_ns);
        total->duration_ns += duration_ns;
        total->timed++;
        if (class < PVM_BPF_CLASSES) {
            total->classes[class]++;
        }
    }
}

/* -- Records in the ring buffer -- */

/* Of every kind of record: its event stands behind the header. */
static __always_inline void *event_of(void *record)
{
    return (char *)record + sizeof(pvm_bpf_header_t);
}

/* It is not told after all. @param why  the counter of such records */
static __always_inline int drop_record(void *record, uint64_t *why)
{
    (*why)++;
    bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
    return 0;
}

/* Room for a record, with the event read into it; NULL: it is counted why not. Sizes are constants where it is called. */
static __always_inline void *take_record(pvm_bpf_counters_t *count, uint64_t record_bytes,
                                         uint32_t event_bytes, const void *at)
{
    void *const record = bpf_ringbuf_reserve(&records, record_bytes, 0);

    if (record == NULL) {
        count->dropped++;
        return NULL;
    }
    if (bpf_probe_read_user(event_of(record), event_bytes, at) != 0) {
        (void)drop_record(record, &count->unread);
        return NULL;
    }
    return record;
}

static __always_inline int submit_record(struct pt_regs *ctx, void *record, uint32_t kind)
{
    fill(record, kind, (uint32_t)bpf_usdt_cookie(ctx), PT_REGS_IP(ctx));
    bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
    return 0;
}

typedef struct {
    pvm_bpf_header_t header;
    pvm_event_host_call_t call;
} call_record_t;

static __always_inline int on_call(struct pt_regs *ctx, const void *at)
{
    pvm_bpf_counters_t *const count = counters_of(PVM_EVENT_host_call);
    pvm_event_host_call_t call;

    if (count == NULL) {
        return 0;
    }
    count->hits++;
    if (wants_service || wants_call) {
        const pvm_event_host_call_t *const there = at;
        uint32_t service = 0;
        int32_t func_id = 0;
        if (bpf_probe_read_user(&service, sizeof(service), &there->service) != 0 ||
            bpf_probe_read_user(&func_id, sizeof(func_id), &there->func_id) != 0) {
            count->unread++;
            return 0;
        }
        if ((wants_service && service != wanted_service) ||
            (wants_call && func_id != wanted_call)) {
            count->filtered++;
            return 0;
        }
    }
    if (sums_up) {
        if (bpf_probe_read_user(&call, sizeof(call), at) != 0) {
            count->unread++;
        } else {
            sum_up(&call, (uint32_t)bpf_usdt_cookie(ctx), count);
        }
        return 0;
    }
    call_record_t *const record = take_record(count, sizeof(*record), sizeof(record->call), at);
    return record == NULL ? 0 : submit_record(ctx, record, PVM_EVENT_host_call);
}

/* -- Other events -------------------------------------------------------------------------- */

/* An execution begins or ends, in sums. */
static __always_inline void sum_run_begin(const void *at, uint32_t copy)
{
    pvm_event_execute_begin_t begin;

    if (bpf_probe_read_user(&begin, sizeof(begin), at) != 0) {
        return;
    }
    const pvm_bpf_machine_key_t key = {.vm = begin.vm, .copy = copy};
    pvm_bpf_machine_t fresh = {.program = begin.program, .next_seq = UINT64_MAX, .gas = begin.gas};
    const pvm_bpf_machine_t *const known = bpf_map_lookup_elem(&machines, &key);
    if (known != NULL) {
        fresh.next_seq = known->next_seq;
    }
    (void)bpf_map_update_elem(&machines, &key, &fresh, BPF_ANY);
}

static __always_inline void sum_run_end(const void *at, uint32_t copy)
{
    pvm_event_execute_end_t end;

    if (bpf_probe_read_user(&end, sizeof(end), at) != 0 ||
        (wants_service && end.service != wanted_service)) {
        return;
    }
    const pvm_bpf_machine_key_t key = {.vm = end.vm, .copy = copy};
    pvm_bpf_machine_t *const machine = bpf_map_lookup_elem(&machines, &key);
    if (machine != NULL) {
        sum_guest(machine, (uint32_t)(end.vm >> 32), end.service, end.host_calls, end.gas, true,
                  end.duration_ns);
        machine->gas = end.gas;
        machine->next_seq = end.host_calls;
    }
}

#define HANDLE_RUN_BEGIN(probe, event) HANDLE_RECORD(probe, event, sum_run_begin)
#define HANDLE_RUN_END(probe, event)   HANDLE_RECORD(probe, event, sum_run_end)
#define HANDLE_FLAT(probe, event)      HANDLE_RECORD(probe, event, sum_nothing)

static __always_inline void sum_nothing(const void *at, uint32_t copy)
{
    (void)at, (void)copy;
}

/* A record as it stands, or in sums. */
#define HANDLE_RECORD(probe, event, sum)                                                           \
    typedef struct {                                                                               \
        pvm_bpf_header_t header;                                                                   \
        pvm_event_##event##_t event;                                                               \
    } probe##_record_t;                                                                            \
    SEC("usdt")                                                                                    \
    int BPF_USDT(on_##probe, void *at)                                                             \
    {                                                                                              \
        pvm_bpf_counters_t *const count = counters_of(PVM_EVENT_##event);                          \
        if (count == NULL) {                                                                       \
            return 0;                                                                              \
        }                                                                                          \
        count->hits++;                                                                             \
        if (sums_up) {                                                                             \
            sum(at, (uint32_t)bpf_usdt_cookie(ctx));                                               \
            return 0;                                                                              \
        }                                                                                          \
        probe##_record_t *const record =                                                           \
            take_record(count, sizeof(*record), sizeof(record->event), at);                        \
        if (record == NULL) {                                                                      \
            return 0;                                                                              \
        }                                                                                          \
        if (wants_service && service_of_##event(&record->event) != wanted_service) {               \
            return drop_record(record, &count->filtered);                                          \
        }                                                                                          \
        return submit_record(ctx, record, PVM_EVENT_##event);                                      \
    }

/* A record and what one of its members points to: behind the record, so that the reader finds it there. */
#define HANDLE_TAIL(probe, event, read_tail)                                                       \
    typedef struct {                                                                               \
        pvm_bpf_header_t header;                                                                   \
        pvm_event_##event##_t event;                                                               \
        uint8_t tail[PVM_BPF_TAIL_BYTES];                                                          \
    } probe##_record_t;                                                                            \
    SEC("usdt")                                                                                    \
    int BPF_USDT(on_##probe, void *at)                                                             \
    {                                                                                              \
        pvm_bpf_counters_t *const count = counters_of(PVM_EVENT_##event);                          \
        if (count == NULL) {                                                                       \
            return 0;                                                                              \
        }                                                                                          \
        count->hits++;                                                                             \
        probe##_record_t *const record =                                                           \
            take_record(count, sizeof(*record), sizeof(record->event), at);                        \
        if (record == NULL) {                                                                      \
            return 0;                                                                              \
        }                                                                                          \
        if (read_tail) {                                                                           \
            return drop_record(record, &count->unread);                                            \
        }                                                                                          \
        return submit_record(ctx, record, PVM_EVENT_##event);                                      \
    }

#define HANDLE_TEXT(probe, event)                                                                  \
    HANDLE_TAIL(probe, event,                                                                      \
                bpf_probe_read_user_str(record->tail, sizeof(record->tail), record->event.name) <  \
                    0)
#define HANDLE_PIECE(probe, event)                                                                 \
    HANDLE_TAIL(                                                                                   \
        probe, event,                                                                              \
        record->event.data_len > PVM_BPF_TAIL_BYTES ||                                             \
            bpf_probe_read_user(record->tail, record->event.data_len, record->event.data) != 0)
#define HANDLE_CALL(probe, event)                                                                  \
    SEC("usdt")                                                                                    \
    int BPF_USDT(on_##probe, void *at)                                                             \
    {                                                                                              \
        return on_call(ctx, at);                                                                   \
    }

/* All flat records have a service. */
#define PVM_BPF_PROBE(probe, event, form) SERVICE_##form(event)
#define SERVICE_FLAT(event)                                                                        \
    static __always_inline uint32_t service_of_##event(const pvm_event_##event##_t *record)        \
    {                                                                                              \
        return record->service;                                                                    \
    }
#define SERVICE_RUN_BEGIN(event) SERVICE_FLAT(event)
#define SERVICE_RUN_END(event)   SERVICE_FLAT(event)
#define SERVICE_TEXT(event)
#define SERVICE_PIECE(event)
#define SERVICE_CALL(event)
#include "trace/bpf/probes.def"

#define PVM_BPF_PROBE(probe, event, form) HANDLE_##form(probe, event)
#include "trace/bpf/probes.def"

/* -- Samples ------------------------------------------------------------------------------- */

struct thread_struct {
    unsigned long fsbase;
} __attribute__((preserve_access_index));

struct task_struct {
    struct thread_struct thread;
} __attribute__((preserve_access_index));

struct pt_regs___kernel {
    unsigned long ip;
} __attribute__((preserve_access_index));

#define KERNEL_BEGINS (UINT64_C(1) << 63)

typedef struct {
    pvm_bpf_header_t header;
    pvm_bpf_sample_t sample;
} sample_record_t;

/* What one copy of libpvm says of this thread. @return false: it runs no machine of that copy */
static __always_inline bool look(const pvm_bpf_copy_t *copy, uint64_t thread_pointer,
                                 pvm_bpf_sample_t *out)
{
    uint64_t vm = 0;
    uint64_t program = 0;
    uint8_t is_in_host = 0;

    (void)bpf_probe_read_user(&vm, sizeof(vm),
                              (const void *)(thread_pointer + (uint64_t)copy->running));
    if (vm == 0) {
        return false;
    }
    (void)bpf_probe_read_user(&out->vm, sizeof(out->vm), (const void *)(vm + copy->vm_id));
    (void)bpf_probe_read_user(&out->service, sizeof(out->service),
                              (const void *)(vm + copy->vm_service));
    (void)bpf_probe_read_user(&out->backend, sizeof(out->backend),
                              (const void *)(vm + copy->vm_backend));
    (void)bpf_probe_read_user(&is_in_host, sizeof(is_in_host),
                              (const void *)(vm + copy->vm_host_pending));
    (void)bpf_probe_read_user(&out->func_id, sizeof(out->func_id),
                              (const void *)(vm + copy->vm_host_call));
    (void)bpf_probe_read_user(&out->pc, sizeof(out->pc), (const void *)(vm + copy->vm_pc));
    (void)bpf_probe_read_user(&program, sizeof(program), (const void *)(vm + copy->vm_program));
    (void)bpf_probe_read_user(&out->program, sizeof(out->program),
                              (const void *)(program + copy->program_serial));
    out->is_in_host = is_in_host;
    return true;
}

SEC("perf_event")
int on_sample(struct bpf_perf_event_data *ctx)
{
    const uint32_t process = (uint32_t)(bpf_get_current_pid_tgid() >> 32);
    const pvm_bpf_process_t *const watched = bpf_map_lookup_elem(&processes, &process);
    pvm_bpf_counters_t *const count = counters_of(PVM_BPF_SAMPLE);
    bool found = false;

    if (watched == NULL || count == NULL) {
        return 0;
    }
    count->hits++;
    struct task_struct *const task = (struct task_struct *)bpf_get_current_task();
    const uint64_t thread_pointer = BPF_CORE_READ(task, thread.fsbase);
    pvm_bpf_sample_t sample = {0};
    sample.ip = PT_REGS_IP(&ctx->regs);
    if (sample.ip >= KERNEL_BEGINS) {
        const struct pt_regs___kernel *const user =
            (const void *)bpf_task_pt_regs((struct task_struct *)bpf_get_current_task_btf());
        sample.ip = BPF_CORE_READ(user, ip);
    }
    for (uint32_t i = 0; i < PVM_BPF_COPIES_MAX && !found; i++) {
        if (i < watched->count) {
            found = look(&watched->copies[i], thread_pointer, &sample);
            sample.index = i;
        }
    }
    if (!found) {
        count->filtered++;
        return 0;
    }
    sample_record_t *const record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
    if (record == NULL) {
        count->dropped++;
        return 0;
    }
    fill(&record->header, PVM_BPF_SAMPLE, 0, sample.ip);
    record->sample = sample;
    bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
    return 0;
}
