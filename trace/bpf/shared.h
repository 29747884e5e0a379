/* What the BPF programs and the collector tell each other: records in the ring buffer, counters, sums. Included by both
 * sides, so it includes nothing of either; the records behind the headers are those of trace/events.h. */
#ifndef PVM_TRACE_BPF_SHARED_H
#define PVM_TRACE_BPF_SHARED_H

#include "trace/events.h"

/** Ring buffer. At 100,000 host calls a second it holds half a second. */
#define PVM_BPF_RING_BYTES (32 << 20)
/** Octets behind a record, at most: pieces and names. A power of two. */
#define PVM_BPF_TAIL_BYTES 4096
/** Copies of libpvm in one process that samples look into. */
#define PVM_BPF_COPIES_MAX 4
/** Pairs of program, service and host call that are summed up. */
#define PVM_BPF_TOTALS_MAX 16384
/** Classes of durations: class n holds those of [2^(n-1), 2^n) ns. */
#define PVM_BPF_CLASSES 40
/** Processes that are watched at one time. */
#define PVM_BPF_PROCESSES_MAX 1024

/** Kinds of records: those of the event table, and behind them: */
enum { PVM_BPF_SAMPLE = PVM_EVENT_COUNT, PVM_BPF_KIND_COUNT };

/** Before each record. */
typedef struct {
    uint32_t kind; /**< pvm_event_kind_t or PVM_BPF_SAMPLE */
    uint32_t copy; /**< which libpvm: number of its attachment */
    uint32_t process;
    uint32_t thread;
    uint64_t time_ns; /**< CLOCK_MONOTONIC */
    uint64_t ip;      /**< of the probe: a file that is mapped twice has two copies of libpvm */
} pvm_bpf_header_t;

/** A thread was found running a machine. */
typedef struct {
    uint64_t ip;      /**< in user space */
    uint64_t vm;      /**< id of the machine in its libpvm */
    uint64_t program; /**< serial of its program */
    uint32_t service;
    uint32_t pc; /**< interpreter: of the block that it is in */
    uint32_t backend;
    int32_t func_id; /**< of the host call that it is in */
    uint32_t is_in_host;
    uint32_t index; /**< which of the process's copies of libpvm */
} pvm_bpf_sample_t;

/** Counters of each processor, by kind of record. */
typedef struct {
    uint64_t hits;     /**< traps */
    uint64_t dropped;  /**< the ring buffer was full, or the sums' table */
    uint64_t filtered; /**< not wanted; samples: the thread ran no machine */
    uint64_t unread;   /**< the record could not be read */
} pvm_bpf_counters_t;

/** Machines whose last gas is remembered in the kernel, so that sums tell the gas of guest code too. */
#define PVM_BPF_MACHINES_MAX 16384

/** Kinds of sums. */
enum {
    PVM_BPF_CALLS, /**< host calls of one number */
    PVM_BPF_RUNS   /**< executions, and the gas that guest code paid in them */
};

/** What is summed up separately. */
typedef struct {
    uint64_t program; /**< hash */
    uint32_t process;
    uint32_t service;
    int32_t func_id; /**< RUNS: 0 */
    uint32_t kind;
} pvm_bpf_total_key_t;

/** Sums of each processor. */
typedef struct {
    uint64_t calls;  /**< RUNS: executions that have ended */
    uint64_t missed; /**< RUNS: host calls that were not trapped */
    uint64_t gas_taken;
    uint64_t gas_added;
    uint64_t duration_ns;
    uint64_t timed; /**< calls whose duration is known */
    uint64_t classes[PVM_BPF_CLASSES];
} pvm_bpf_total_t;

/** What is remembered of a machine. */
typedef struct {
    uint64_t program;
    uint64_t next_seq; /**< of its host calls; UINT64_MAX: not known */
    int64_t gas;
} pvm_bpf_machine_t;

typedef struct {
    uint64_t vm;
    uint32_t copy;
    uint32_t unused;
} pvm_bpf_machine_key_t;

/** Where a copy of libpvm keeps what samples read: offsets of engine/vm/published.def. */
typedef struct {
    int64_t running; /**< from the thread pointer */
    uint32_t vm_id;
    uint32_t vm_service;
    uint32_t vm_program;
    uint32_t vm_backend;
    uint32_t vm_host_pending;
    uint32_t vm_host_call;
    uint32_t vm_pc;
    uint32_t program_serial;
} pvm_bpf_copy_t;

/** A process that is sampled. */
typedef struct {
    uint32_t count;
    uint32_t unused;
    pvm_bpf_copy_t copies[PVM_BPF_COPIES_MAX];
} pvm_bpf_process_t;

#endif
