/* What C and emitted code tell each other while a VM runs: one activation for each entry, on the C stack. */
#ifndef PVM_RECOMPILER_ACTIVATION_H
#define PVM_RECOMPILER_ACTIVATION_H

#include "recompiler/code.h"
#include "vm/vm.h"

/** How emitted code came back. */
typedef enum {
    PVM_NATIVE_STOP, /**< through a stub or a fault: see `stop` */
    PVM_NATIVE_MOVED, /**< behind a host call that wants to go on elsewhere, or whose next segment is not paid */
    PVM_NATIVE_EXIT /**< a host call ended the run: see `exit` */
} pvm_native_end_t;

/** Where code goes on after a host call, and with how much gas. */
typedef struct {
    const uint8_t *host; /**< NULL: it leaves */
    int64_t budget;
} pvm_native_way_t;

typedef struct pvm_activation_t {
    uint64_t *registers; /**< of the VM */
    int64_t budget;      /**< gas of the slice; vm->gas is kept back meanwhile */
    uint8_t *base;       /**< guest address 0 */
    uint64_t *edges;     /**< counters, NULL unless counting */
    uint64_t *from_hub;
    const uint8_t *stop; /**< behind the stub that left, or the faulting instruction */
    /** The host call at a site, with the gas that is left. */
    pvm_native_way_t (*host_call)(struct pvm_activation_t *activation, uint64_t site,
                                  int64_t budget);
    uint32_t jump_pc;    /**< of the last indirect jump (counting), */
    uint32_t jump_entry; /**< and its entry of the jump table (calls) */
    uint32_t *trace_at;  /**< where the next block is noted (tracing), */
    uint64_t trace_step; /**< octets of a note, */
    /** and who takes them; goes on with the same budget. */
    pvm_native_way_t (*trace_full)(struct pvm_activation_t *activation, uint64_t unused,
                                   int64_t budget);
    struct pvm_context_t *context; /**< the current one (calls), */
    struct pvm_call_site_t *sites; /**< what sites remember, */
    uint64_t *pairs;               /**< jumps through registers, */
    /** and who goes on where this is not enough, with the same budget. */
    pvm_native_way_t (*follow)(struct pvm_activation_t *activation, uint64_t step, int64_t budget);
    /* From here on emitted code looks at nothing. */
    bool faulted;
    pvm_native_end_t end;
    pvm_exit_t exit;
    pvm_vm_t *vm;
    const pvm_recompiler_code_t *code;
    uint64_t outer_gs;                 /**< gs.base of whoever uses it himself; 0: nobody does */
    struct pvm_activation_t *previous; /**< of this thread: we run inside its host call */
} pvm_activation_t;

#endif
