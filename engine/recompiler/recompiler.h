/* The recompiler: PVM code as x86-64 code, compiled on first use and shared by all VMs of a program.
 *
 * Whatever is rare leaves to the interpreter's step. docs/recompiler.md shows how. */
#ifndef PVM_RECOMPILER_RECOMPILER_H
#define PVM_RECOMPILER_RECOMPILER_H

#include "vm/vm.h"

struct pvm_recompiler_code_t;

/** Whether this machine and build can run it. If not, pvm_last_error() says why. */
bool pvm_recompiler_is_available(void);
/** Whether VMs get memories whose pages are protected; else (PVM_MEMORY=checked) accesses are tested. */
bool pvm_recompiler_wants_guard(void);
/** Have the code that pvm_recompiler_run() needs. @return false without memory, pvm_last_error() set. */
bool pvm_recompiler_prepare(pvm_vm_t *vm);
/** The same for all code of the program, although it might grow as it is reached (recompiler/grow.h): for who looks at it. */
bool pvm_recompiler_prepare_all(pvm_vm_t *vm);
/** Run from vm->pc until an exit; never GO_ON. */
pvm_exit_t pvm_recompiler_run(pvm_vm_t *vm);
/** Where a thread was in the emitted code of this VM when a signal met it; async-signal-safe.
 *  @param context  its ucontext_t  @return false: it was not in code of the guest */
bool pvm_recompiler_interrupted_at(const pvm_vm_t *vm, const void *context, uint32_t *out_pc);
/** The calling context that this code, which follows calls, was in; async-signal-safe. Only if it was in code of the guest.
 *  @return NULL: it cannot be told */
struct pvm_context_t *pvm_recompiler_interrupted_in(const void *context);
void pvm_recompiler_code_destroy(struct pvm_recompiler_code_t *code);

#endif
