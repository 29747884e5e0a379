/* The calling-context tree of a machine: which routine was called from where, how often, and the gas of each context.
 *
 * A context is a node; the path from it to the root is the stack of calls, so there is no other stack. The context changes when
 * a jump is executed (call_map.h says which ones change it), before what it leads to is paid: a call that finds no gas has
 * happened. Gas goes to the context in which it is charged, as differences of the gas counter between two changes. What the host does
 * to the counter goes to nobody. docs/counting.md tells all of it. */
#ifndef PVM_VM_CALLS_H
#define PVM_VM_CALLS_H

#include "vm/call_map.h"
#include "vm/vm.h"

/** Contexts that are told apart in one machine. */
#define PVM_CALL_NODES_MAX (UINT32_C(1) << 18)
/** Calls inside of what is not told apart whose returns are recognised for sure. */
#define PVM_CALL_DEEPER_MAX (UINT32_C(1) << 20)

/** Sites of which a context remembers where they led from it. A power of two. */
#define PVM_CONTEXT_SITES 8

/** A context. Emitted code knows the members up to `to`. */
typedef struct pvm_context_t {
    uint64_t
        gas; /**< charged in it; while it is current, emitted code adds and takes its gas counter */
    uint64_t calls;
    struct pvm_context_t *parent; /**< the root's is NULL */
    uint32_t back;                /**< where it returns to, or PVM_CALL_NONE */
    uint32_t routine;             /**< where it begins */
    /** Direct calls from it: the last site with each remainder of PVM_CONTEXT_SITES, and where it led. */
    uint32_t to_site[PVM_CONTEXT_SITES];
    struct pvm_context_t *to[PVM_CONTEXT_SITES];
    uint32_t site;  /**< of the jump that began it, or PVM_CALL_NONE */
    uint32_t index; /**< in order of making */
    uint8_t kind;   /**< pvm_call_kind_t */
    uint64_t host_calls;
    uint64_t host_gas;
    uint64_t deeper_calls; /**< from here on, in contexts that are not told apart, */
    uint64_t deeper_gas;   /**< and their gas */
    uint64_t samples; /**< ticks of the sampling timer that met it; counted in a signal handler */
    uint64_t samples_told; /**< of these, in events */
} pvm_context_t;

/** What emitted code remembers of a call through a register: where it led the last time. */
typedef struct pvm_call_site_t {
    pvm_context_t *from;
    pvm_context_t *to;
    uint64_t entry; /**< of the jump table */
} pvm_call_site_t;

typedef struct pvm_calls_t {
    const pvm_program_t *program;
    const pvm_call_map_t *map;
    pvm_context_t *current; /**< NULL: guest code is to be entered */
    pvm_context_t *root;
    int64_t mark;            /**< gas counter up to which gas has been given to contexts */
    pvm_context_t *host;     /**< who made the host call that is open, */
    int64_t host_gas_before; /**< and its gas then */
    pvm_call_site_t *sites;
    uint64_t *
        pairs; /**< of each jump through a register, one for each entry of the jump table; NULL: not told */
    /* Contexts, in pieces that do not move, and a hash table over them. */
    pvm_context_t **pieces;
    uint32_t count;
    uint32_t *table;
    uint32_t table_size; /**< a power of two */
    /* Where no context can be made: */
    pvm_context_t deeper;        /**< is current then, */
    pvm_context_t *deeper_below; /**< below this one, */
    uint32_t *deeper_backs;      /**< with these calls open, */
    uint32_t deeper_room;
    uint32_t deeper_count;
    uint64_t deeper_lost; /**< and these, of which nothing is known */
} pvm_calls_t;

/** An empty tree. NULL without memory, pvm_last_error() set. */
pvm_calls_t *pvm_calls_create(const pvm_program_t *program);
void pvm_calls_destroy(pvm_calls_t *calls);
/** Figures to zero; contexts stay. */
void pvm_calls_clear(pvm_vm_t *vm);

/** The stack of calls is gone: guest code will be entered anew. */
void pvm_calls_forget(pvm_calls_t *calls);

/** Gas was charged until this much was left: give it to the current context. */
static inline void pvm_calls_charge(pvm_calls_t *calls, int64_t gas)
{
    if (calls->current != NULL) {
        calls->current->gas += (uint64_t)calls->mark - (uint64_t)gas;
    }
    calls->mark = gas;
}

/** What is at this pc has been paid: unless guest code goes on, it is entered there. */
void pvm_calls_enter(pvm_calls_t *calls, uint32_t pc);
static inline void pvm_calls_paid(const pvm_vm_t *vm)
{
    if (vm->calls != NULL && vm->calls->current == NULL) {
        pvm_calls_enter(vm->calls, vm->pc);
    }
}

/** Guest code jumps over this edge of the flow, to `to`, with this much gas. */
void pvm_calls_step(pvm_calls_t *calls, int64_t gas, uint32_t edge, uint32_t to);
/** The same for a CALL or TAIL, with its gas charged already; its site remembers where it led. @param entry  of the jump table,
 *  if it jumps through a register */
void pvm_calls_step_remembered(pvm_calls_t *calls, uint32_t edge, uint32_t entry);
/** The same behind a jump through a register that was no call, without looking whether it is a return to the caller. */
void pvm_calls_step_indirect(pvm_calls_t *calls, uint32_t terminator, uint32_t to);

/** Calls were not followed for a while. */
void pvm_calls_resume(pvm_vm_t *vm);
/** Those of this machine, also where a filter has put them aside; NULL: none. */
pvm_calls_t *pvm_calls_of(const pvm_vm_t *vm);
/** A run begins at vm->pc, a host call begins, ends, and the run ends. */
void pvm_calls_run_begin(pvm_vm_t *vm);
void pvm_calls_host_begin(pvm_vm_t *vm);
void pvm_calls_host_end(pvm_vm_t *vm);
void pvm_calls_run_end(pvm_vm_t *vm);

/** What a host call that found and left these gas counters took. */
static inline uint64_t pvm_calls_taken(int64_t before, int64_t after)
{
    const int64_t had = before < 0 ? 0 : before;
    const int64_t has = after < 0 ? 0 : after;

    return had > has ? (uint64_t)(had - has) : 0;
}

/** A jump through a register by this terminator and entry of the jump table arrived. */
static inline void pvm_calls_pair(pvm_calls_t *calls, uint32_t terminator, uint32_t entry)
{
    if (calls->pairs != NULL) {
        calls->pairs[(size_t)calls->map->hubs[terminator] * calls->program->jump_table_len +
                     entry]++;
    }
}
/** It had been counted, but has not arrived. */
static inline void pvm_calls_unpair(pvm_calls_t *calls, uint32_t terminator, uint32_t entry)
{
    if (calls->pairs != NULL) {
        calls->pairs[(size_t)calls->map->hubs[terminator] * calls->program->jump_table_len +
                     entry]--;
    }
}

/** What somebody else tells of context `index`, which is a known one or the next: add these figures. The machine is one
 *  that never executes. @return 0, or -1: no memory, or it cannot be */
int pvm_calls_tell(pvm_calls_t *calls, uint32_t index, const pvm_call_node_t *more);
/** The same for a jump through the register. */
int pvm_calls_tell_jump(pvm_calls_t *calls, const pvm_jump_pair_t *more);

/** Context number i. */
static inline pvm_context_t *pvm_calls_context(const pvm_calls_t *calls, uint32_t i)
{
    return &calls->pieces[i >> 10][i & 1023];
}

#endif
