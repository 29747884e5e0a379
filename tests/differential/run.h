/* One run of a program in one way (a variant), written down so that runs can be compared.
 *
 * The run has a host that answers every ecalli, maps faulted pages, adds gas, goes on elsewhere: all of it follows from
 * the program's host seed and the number of the call, so every variant meets the same host as long as it behaves the
 * same itself. Everything that can be seen of the machine is noted at each host call and each exit. */
#ifndef PVM_TESTS_DIFFERENTIAL_RUN_H
#define PVM_TESTS_DIFFERENTIAL_RUN_H

#include "program.h"
#include "source.h"

#include <pvm/trace.h>

#define DIFF_EVENTS_MAX 96
/** Host calls inside one run; then the host ends it. */
#define DIFF_HOST_CALLS_MAX 48
/** Times that a random program's run is taken up again. */
#define DIFF_EXITS_MAX 14
/** Gas that a run gets in all. */
#define DIFF_GAS_MAX   30000
#define DIFF_PAGES_MAX 96

typedef enum { DIFF_EVENT_HOST_CALL, DIFF_EVENT_EXIT, DIFF_EVENT_NESTED } diff_event_kind_t;

/** The machine at one moment. Compared octet by octet, so padding must be zero. */
typedef struct {
    uint64_t kind; /**< diff_event_kind_t */
    uint64_t registers[PVM_REGISTER_COUNT];
    int64_t gas;
    uint64_t memory;     /**< hash of access and contents of all pages; 0: not looked at */
    uint64_t result_len; /**< of a halted run */
    uint64_t flight;     /**< hash of the flight record, at exits */
    uint32_t result_address;
    uint32_t pc;
    uint32_t fault;
    int32_t host_call;
    int32_t result; /**< pvm_result_t; at host calls the function called */
    uint8_t state;
    uint8_t charged;
    uint8_t unused[2];
} diff_event_t;

/** Exact counts, in the form of the API. */
typedef struct {
    pvm_block_count_t *blocks; /**< room for blocks_max */
    pvm_edge_count_t *edges;
    size_t blocks_max;
    size_t edges_max;
    size_t block_count;
    size_t edge_count;
    uint64_t at_host_calls; /**< hash of the counts seen in host calls */
    int64_t gas;            /**< of all blocks */
} diff_counts_t;

/** Blocks in the order in which they were entered. */
typedef struct {
    uint64_t count;
    uint64_t hash;
    uint64_t at_host_calls; /**< hash of what was known in host calls */
} diff_trace_t;

static inline void diff_trace_add(diff_trace_t *trace, uint32_t block)
{
    trace->count++;
    trace->hash = (trace->hash ^ block) * UINT64_C(0x9fb21c651e98df25);
    trace->hash ^= trace->hash >> 29;
}

#define DIFF_CALLS_MAX 4096

/** The calling-context tree, and jumps through registers sorted by from and to, at the end. */
typedef struct {
    pvm_call_node_t *nodes;
    pvm_jump_pair_t *pairs;
    size_t node_count;
    size_t pair_count;
} diff_calls_t;

/** What a run left behind. */
typedef struct {
    uint32_t event_count;
    bool is_cut; /**< more events than fit */
    bool has_counts;
    bool has_trace;
    bool has_calls;
    int64_t gas_used; /**< start and host's gifts, less what is left */
    diff_event_t events[DIFF_EVENTS_MAX];
    uint32_t page_count;
    uint32_t pages[DIFF_PAGES_MAX]; /**< that were looked at */
    diff_counts_t counts;
    diff_trace_t trace;
    diff_calls_t calls;
} diff_log_t;

/** Called around every single step, where a variant steps. */
typedef struct {
    void (*before)(void *data, pvm_vm_t *vm);
    /** Inside the step's host call, before the host acts; not called without a callback. */
    void (*host_call)(void *data, pvm_vm_t *vm);
    void (*after)(void *data, pvm_vm_t *vm, pvm_result_t result);
    /** The next instruction is where the host said (execute, set_pc, reset). @param goes_on  it would have been there anyhow,
     *  and the host said so by set_pc */
    void (*moved)(void *data, pvm_vm_t *vm, bool goes_on);
    /** Counts up to now. */
    void (*get)(void *data, pvm_vm_t *vm, diff_counts_t *out);
    /** Blocks up to now. */
    const diff_trace_t *(*trace)(const void *data);
    /** Calls up to now. */
    void (*calls)(void *data, pvm_vm_t *vm, diff_calls_t *out);
    void *data;
} diff_watch_t;

typedef struct {
    const diff_program_t *program;
    bool steps;                /**< by pvm_step() only */
    bool counts;               /**< with exact counts */
    bool blocks;               /**< and every block in order */
    bool calls;                /**< and the calling-context tree */
    const diff_watch_t *watch; /**< NULL: nobody watches the steps */
} diff_how_t;

/** Room for a log. @return 0, or -1 without memory */
int diff_log_create(diff_log_t *log);
void diff_log_destroy(diff_log_t *log);

/** Run the program on this fresh or reset VM. @return 0, or -1 if the VM refuses something, which is a failure of its
 *  own: pvm_last_error() tells. */
int diff_run(pvm_vm_t *vm, const diff_how_t *how, diff_log_t *out);

#endif
