/* The machine behind pvm_vm_t, for the files of the engine. Nothing outside the engine sees it, but for
 * pvm_vm_interrupt(). */
#ifndef PVM_VM_VM_H
#define PVM_VM_VM_H

#include "events/state.h"
#include "memory/memory.h"
#include "program/program.h"
#include "vm/published.h"

#include <pvm/trace.h>
#include <stdatomic.h>

/** Host calls kept by the flight record. A power of two. */
#define PVM_FLIGHT_ENTRIES 16

struct pvm_counts_t;       /* vm/counts.h */
struct pvm_filter_state_t; /* events/filter.h */
struct pvm_samples_t;      /* sampling/samples.h */
struct pvm_calls_t;        /* vm/calls.h */

/** How a backend or a step left the guest. */
typedef enum {
    PVM_EXIT_GO_ON, /**< a step: the next instruction is at pc */
    PVM_EXIT_HALT,
    PVM_EXIT_PANIC,
    PVM_EXIT_FAULT,
    PVM_EXIT_HOST, /**< an ecalli is left to the caller */
    PVM_EXIT_OOG,
    PVM_EXIT_INTERRUPT, /**< pvm_vm_interrupt(): stopped between two instructions */
    PVM_EXIT_NO_CODE,   /**< no memory for code: stopped before an instruction */
    PVM_EXIT_ERROR      /**< the callback returned nonsense */
} pvm_exit_t;

/** Kinds of arrival at a block, for counting; see vm/counts.h. */
enum { PVM_ARRIVAL_NONE = 0, PVM_ARRIVAL_ENTRY, PVM_ARRIVAL_EDGE, PVM_ARRIVAL_HUB };

/** Values of pvm_vm_t.place: what a thread does for the guest, as long as it is in no emitted code. */
enum {
    PVM_PLACE_ENGINE = 0, /**< nothing that belongs to one instruction */
    PVM_PLACE_PC          /**< it executes what is at vm->pc, or behind it in the same block */
};

/** Values of pvm_vm_t.moved. */
enum {
    PVM_MOVED_NOT = 0,
    PVM_MOVED_PC,       /**< it has set pc */
    PVM_MOVED_TO_BEHIND /**< it has switched instrumentation: other code goes on behind the ecalli */
};

/** An arrival whose first instruction has not been paid yet. */
typedef struct {
    uint8_t kind;   /**< PVM_ARRIVAL_* */
    bool taken;     /**< EDGE: by the jump, not by running on */
    uint32_t from;  /**< EDGE, HUB: pc of the terminator */
    uint32_t entry; /**< HUB: of the jump table */
} pvm_arrival_t;

/** One host call of the flight record; which one follows from its place. */
typedef struct {
    uint32_t pc;
    int32_t func_id;
    int64_t gas;
    int64_t gas_after;
    uint64_t result;
} pvm_flight_slot_t;

struct pvm_vm_t {
    uint64_t registers[PVM_REGISTER_COUNT];
    int64_t gas;
    /** Where the guest is, also for a signal handler or a kernel program that interrupts the thread at any moment. The step
     *  and host calls: the instruction. The interpreter's loop: the newest place that it came to by an arrival at a block, by
     *  an entry or behind an ecalli; the instruction is that one or one behind it in the same block, unless the block ends
     *  right now. Emitted code: where it was entered, or the last ecalli; there the host's instruction pointer and the code map
     *  tell.
     *
     *  The next ones are written by host calls at once: compilers join the stores to neighbours. */
    uint32_t pc;
    int32_t host_call; /**< the newest one's func_id */
    uint8_t state;
    bool host_pending; /**< a host call is left to the caller: host_call_end not yet told */
    bool charged;      /**< 0.8.0: the gas of the current block is paid */
    uint8_t
        moved; /**< PVM_MOVED_*: what the callback did that the backend's code does not expect */
    volatile uint8_t place; /**< PVM_PLACE_*, for who interrupts the thread */
    bool running;           /**< inside execute, resume or step */
    bool begun;             /**< has executed since the last reset */
    pvm_arrival_t arrival;

    pvm_memory_t *memory;
    pvm_program_t *program;
    pvm_backend_t backend;
    uint32_t service;
    uint64_t id;
    /* The family, see family.c: under its lock. */
    pvm_vm_t *parent;
    pvm_vm_t *first_child;
    pvm_vm_t *next_sibling;
    uint64_t
        parent_id; /**< of the last parent named, 0 for none; stays when that one is destroyed */
    uint64_t heap_pointer; /**< sbrk: octet behind the heap */
    uint32_t
        heap_end_page; /**< grow_heap: behind the heap's writable pages; 0: they have to be counted */
    uint64_t arguments_len;

    pvm_host_callback_t callback;
    void *callback_data;
    uint64_t host_seq;    /**< host calls begun */
    uint64_t execute_seq; /**< the same at the last pvm_execute() */
    uint32_t fault_address;

    uint32_t instrumentation;
    struct pvm_counts_t *counts; /**< NULL unless counting */
    struct pvm_calls_t *calls;   /**< NULL unless calls are followed; then `counts` is there too */
    uint32_t sample_hz;          /**< 0: the default */
    struct pvm_samples_t *samples; /**< NULL unless sampled */
    pvm_observer_t observer;       /**< members NULL if nobody watches */
    void *observer_data;

    pvm_flight_slot_t flight[PVM_FLIGHT_ENTRIES];
    atomic_bool interrupt;
    uint64_t left_count;   /**< instructions that the recompiler left to the interpreter's step */
    uint32_t stretch_hint; /**< where the recompiler probably goes on, an index that is checked */

    pvm_block_trace_t
        *block_trace; /**< NULL unless blocks are traced; then `counts` is there too */
    pvm_events_state_t events;
    pvm_published_vm_t published;
    struct pvm_filter_state_t *filter; /**< NULL: everything is told */
};

/** Perform the ecalli at vm->pc, already paid: observers, flight record, callback. vm->gas, pc and registers are
 *  current before and after. @return GO_ON: vm->pc is where to go on (past the ecalli, or where the callback moved
 *  it: vm->moved); else the exit. */
pvm_exit_t pvm_vm_host_call(pvm_vm_t *vm, int32_t func_id);

/** Tell the observer that a host call left to the caller is answered. */
void pvm_vm_end_host_call(pvm_vm_t *vm);
/** The open host call, if there is one, will never be answered. */
void pvm_vm_drop_host_call(pvm_vm_t *vm);

/** Ask a running VM to stop soon, between two instructions, with PVM_RESULT_OK and state READY; pvm_resume() goes on.
 *  Thread: any; safe in signal handlers. */
void pvm_vm_interrupt(pvm_vm_t *vm);

/** Forget parent and children, before the VM is freed. */
void pvm_vm_leave_family(pvm_vm_t *vm);

/** The standard start: memory regions and registers of the program. @return 0 or -1. */
int pvm_vm_initialize_memory(pvm_vm_t *vm);
/** Give the VM's memory back to the program's pool, clean, or to the system. */
void pvm_vm_release_memory(pvm_vm_t *vm);

#endif
