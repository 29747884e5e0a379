/* The few routines that stand in front of each program's code: entering, leaving, and calling the host. */
#ifndef PVM_RECOMPILER_THUNKS_H
#define PVM_RECOMPILER_THUNKS_H

#include "recompiler/cpu.h"

#include <stdbool.h>
#include <stdint.h>

/** Room that the routines need. */
#define PVM_THUNKS_BYTES 1024

typedef struct {
    const uint8_t *enter;      /**< void enter(activation, host): System V ABI */
    const uint8_t *stub_leave; /**< stubs call it */
    const uint8_t *leave;      /**< jumped to with rcx = where the guest stopped */
    const uint8_t *host_call;  /**< jumped to with rcx = index of the site */
    const uint8_t *follow;     /**< called with rcx = what happens to the stack of calls */
    const uint8_t *trace_full; /**< called when there is no room for one more block */
} pvm_thunks_t;

/** Emit them. @return the cursor behind. */
uint8_t *pvm_recompiler_emit_thunks(uint8_t *at, pvm_cpu_t cpu, unsigned variant,
                                    pvm_thunks_t *out_thunks);

#endif
