/* Page faults of emitted code: the one signal handler, for SIGSEGV and SIGBUS.
 *
 * It takes a fault only if this thread runs emitted code, the instruction is in that code and the address in that
 * VM's memory. Everything else goes to whoever handled it before us, as if we were not there. */
#ifndef PVM_RECOMPILER_SIGNALS_H
#define PVM_RECOMPILER_SIGNALS_H

#include "recompiler/activation.h"

/** Activation whose code this thread runs, innermost first. Initial-exec, because a handler must not allocate. */
extern _Thread_local pvm_activation_t *pvm_signals_activation
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/** Have the handler in place and on top; asked for each new VM, because others install handlers too. @return 0, or -1 and pvm_last_error(). Thread: any. */
int pvm_signals_install(void);

#endif
