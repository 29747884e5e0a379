/* How the engine tells what happens, without knowing who listens: to the sink of this process, if one is set, and
 * to USDT probes, if one is armed. The events are those of trace/events.def.
 *
 * With no listener the cost is a load and a branch at each place where something rare happens; blocks are told by
 * another copy of the backends' code. */
#ifndef PVM_EVENTS_EVENTS_H
#define PVM_EVENTS_EVENTS_H

#include "events/filter.h"
#include "trace/events.h"
#include "vm/vm.h"

/** Longest piece of octets in one event, and of counts. */
#define PVM_EVENTS_PIECE_BYTES  4096
#define PVM_EVENTS_PIECE_COUNTS 512
/** Longest name of a program, with its end. */
#define PVM_EVENTS_NAME_BYTES 128

/** Whether anybody in this process listens at all, in one word, so that one load and one branch tell. */
typedef union {
    struct {
        unsigned short
            armed; /**< armed probes: the semaphore, which the kernel counts, of all but: */
        _Atomic unsigned short others; /**< sinks and block traces */
        unsigned short calls;          /**< semaphore of host_call */
        unsigned short calls_64th;     /**< semaphore of host_call_64th */
    };
    uint64_t any;
} pvm_events_gate_t;

extern pvm_events_gate_t pvm_events_gate __attribute__((visibility("hidden")));

static inline bool pvm_events_has_listeners(void)
{
    return __builtin_expect(*(const volatile uint64_t *)&pvm_events_gate.any != 0, 0);
}

static inline bool pvm_events_is_armed(void)
{
    return *(const volatile unsigned short *)&pvm_events_gate.armed != 0;
}

/** Whether any probe is armed. */
static inline bool pvm_events_has_probes(void)
{
    const volatile pvm_events_gate_t *const gate = &pvm_events_gate;

    return (gate->armed | gate->calls | gate->calls_64th) != 0;
}

/** Host calls of which host_call_64th tells one. A power of two. */
#define PVM_EVENTS_THINNED 64

/** Whether a probe wants the whole host call of this number. */
static inline bool pvm_events_wants_call(uint64_t seq)
{
    const volatile pvm_events_gate_t *const gate = &pvm_events_gate;

    return gate->calls != 0 || (gate->calls_64th != 0 && seq % PVM_EVENTS_THINNED == 0);
}

/** Whether this process has a sink. */
bool pvm_events_has_sink(void);
/** No longer tell events to this sink; nothing happens if it is another one's turn. */
void pvm_events_drop_sink(const pvm_trace_sink_t *sink);
/** Since when it has that one, as pvm_events_now_ns() tells; 0: it never had one. */
uint64_t pvm_events_sink_since_ns(void);
/** Whether the sink wants events of this kind now. */
bool pvm_events_sink_wants(pvm_event_kind_t kind);

/** Whether anybody wants an event now. */
#define PVM_EVENTS_WANTED(name)                                                                    \
    ((PVM_EVENT_PROBED_##name && pvm_events_is_armed()) || pvm_events_sink_wants(PVM_EVENT_##name))

/** The same for an event of a machine: its filter may leave it out. */
#define PVM_EVENTS_WANTED_OF(vm, name)                                                             \
    (((vm)->filter == NULL || (vm)->filter->is_selected) && PVM_EVENTS_WANTED(name))

/** Whether the host call that is pending is told: only filters leave some out. */
static inline bool pvm_events_tells_call(const pvm_vm_t *vm)
{
    return vm->filter == NULL || !vm->filter->is_untold;
}

/** PVM_EVENT_PROBED_NAME: whether it has a probe. */
enum {
#define PVM_EVENT(name, provider, outlets, ...)                                                    \
    PVM_EVENT_PROBED_##name = PVM_EVENT_HAS_PROBE_##outlets,
#include "trace/events.def"
};

/** Tell an event to all who want it: pvm_events_tell_NAME(record). */
#define PVM_EVENT(name, ...) void pvm_events_tell_##name(const pvm_event_##name##_t *record);
#include "trace/events.def"

/** One more, or one less, who makes listening necessary. */
void pvm_events_add_listener(int change);
/** Load the provider that PVM_TRACE in the environment names, once: provider.c. */
void pvm_events_start(void);
/** Process id, as events give it. */
uint32_t pvm_events_process(void);
/** Name of a machine in events, by its pvm_get_id(); 0 for 0. */
static inline uint64_t pvm_events_name(uint64_t id)
{
    return id == 0 ? 0 : (uint64_t)pvm_events_process() << 32 | (uint32_t)id;
}

/** CLOCK_MONOTONIC in ns. */
uint64_t pvm_events_now_ns(void);

/* -- Programs: program_events.c -- */

/** Hash of the program's octets and spec: its name in events. Cost: O(size) the first time. */
uint64_t pvm_events_program_hash(pvm_program_t *program);
/** What its metadata calls a program, or "". */
void pvm_events_program_name(const pvm_program_t *program, char out[PVM_EVENTS_NAME_BYTES]);
/** Tell the program, if somebody wants to know and was not told lately. */
void pvm_events_program(pvm_program_t *program);
/** A backend begins to translate. @return when, for pvm_events_compile_end() */
uint64_t pvm_events_compile_begin(pvm_program_t *program, pvm_backend_t backend);
/** It has: 0 octets if it failed. */
void pvm_events_compile_end(pvm_program_t *program, pvm_backend_t backend, uint64_t began_ns,
                            uint64_t host_bytes);

/* -- Machines: machine_events.c -- */

/* Called when somebody listens, and kept out of the paths where nobody does. */
#define PVM_EVENTS_COLD __attribute__((noinline))

void pvm_events_create(pvm_vm_t *vm);
void pvm_events_reset(pvm_vm_t *vm, int64_t gas);
void pvm_events_destroy(pvm_vm_t *vm);
/** Make ready what flags and listeners want to be collected, and end what nobody wants. Between two runs, or in a
 *  host call whose end leaves the backend's code. @return 0, or -1 without memory */
int pvm_events_choose(pvm_vm_t *vm);
/** Also chooses what this run collects. */
PVM_EVENTS_COLD void pvm_events_run_begin(pvm_vm_t *vm, pvm_run_kind_t kind);
PVM_EVENTS_COLD void pvm_events_run_end(pvm_vm_t *vm, pvm_result_t result);
/** What could not be paid when the machine ran out of gas; 0: the host gave up. */
uint64_t pvm_events_price(const pvm_vm_t *vm);
/** The machine has stopped with a panic, a fault or out of gas: tell how it came there. */
void pvm_events_flight(pvm_vm_t *vm);
/** The newest entry of the flight record is the host call. */
PVM_EVENTS_COLD void pvm_events_call_begin(pvm_vm_t *vm);
PVM_EVENTS_COLD void pvm_events_call_end(pvm_vm_t *vm);
/** Something is about to be told that happens in the host call that is open: if its begin waits for its end, tell it. */
void pvm_events_call_open(pvm_vm_t *vm);
void pvm_events_memory(pvm_vm_t *vm, uint32_t address, const void *data, size_t length,
                       bool is_write);
void pvm_events_gas_set(pvm_vm_t *vm, int64_t old_gas, int64_t new_gas);

/* -- Counts: count_events.c -- */

/** Take the counts as they are for told, if somebody wants count events; else forget them. */
void pvm_events_counts_begin(pvm_vm_t *vm);
/** Tell what has changed. */
void pvm_events_counts_tell(pvm_vm_t *vm);
void pvm_events_counts_free(pvm_vm_t *vm);

/* -- Calls: call_events.c -- */

/** Tell what has changed, if calls are followed and somebody wants to know. */
void pvm_events_calls_tell(pvm_vm_t *vm);
/** A machine is about to run inside of a host call of its parent: tell whose. */
void pvm_events_calls_tell_caller(pvm_vm_t *vm);
void pvm_events_calls_free(pvm_vm_t *vm);

/* -- Blocks: block_trace.c -- */

/** Make or end the block trace, as flags and listeners want it. @return 0, or -1 without memory. */
int pvm_block_trace_choose(pvm_vm_t *vm);
/** Free it, with what it holds. */
void pvm_block_trace_end(pvm_vm_t *vm);
/** The ids are full: hand them over. @param gas  left before the last of them was paid */
void pvm_block_trace_full(pvm_vm_t *vm, int64_t gas);
/** Hand over what there is. */
void pvm_block_trace_flush(pvm_vm_t *vm);

/** A block was hit. @param gas  left before anything of it was paid */
static inline void pvm_block_trace_add(pvm_vm_t *vm, uint32_t block, int64_t gas)
{
    pvm_block_trace_t *const trace = vm->block_trace;

    if (trace != NULL && block != PVM_BLOCK_NONE) {
        trace->ids[trace->count++] = block;
        if (trace->count >= trace->room) {
            pvm_block_trace_full(vm, gas);
        }
    }
}

#endif
