/* The handler. Everything that runs in the handler is async-signal-safe: it reads
 * the thread's activation and the code's bounds, writes the interrupted context, or calls the earlier handler. */
#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "recompiler/recompiler.h"
#include "recompiler/registers.h"
#include "recompiler/signals.h"
#include "support/error.h"
#include "support/signal_chain.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

_Thread_local pvm_activation_t *pvm_signals_activation __attribute__((tls_model("initial-exec")));

/** Octets behind guest memory that an access at its end may touch. */
#define BEHIND_MEMORY 4096

static struct {
    pthread_mutex_t lock;
    pvm_signal_chain_t segv;
    pvm_signal_chain_t bus;
} signals = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The thread goes on where the code leaves, with the faulting instruction in rcx. */
static bool take(const siginfo_t *info, ucontext_t *context)
{
    pvm_activation_t *const activation = pvm_signals_activation;

    if (activation == NULL || info->si_code <= 0) {
        return false;
    }
    const pvm_recompiler_code_t *const code = activation->code;
    const uintptr_t rip = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
    const uintptr_t address = (uintptr_t)info->si_addr;
    if (rip - (uintptr_t)code->region.base >= pvm_recompiler_code_len(code) ||
        address - (uintptr_t)activation->base >= PVM_MEMORY_BYTES + BEHIND_MEMORY) {
        return false;
    }
    activation->faulted = true;
    context->uc_mcontext.gregs[REG_RCX] = (greg_t)rip;
    context->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)code->leave;
    return true;
}

bool pvm_recompiler_interrupted_at(const pvm_vm_t *vm, const void *context, uint32_t *out_pc)
{
    const pvm_activation_t *const activation = pvm_signals_activation;
    const ucontext_t *const interrupted = context;

    return activation != NULL && activation->vm == vm &&
           pvm_recompiler_is_busy_at(
               activation->code, vm->program,
               (const uint8_t *)(uintptr_t)interrupted->uc_mcontext.gregs[REG_RIP], out_pc);
}

struct pvm_context_t *pvm_recompiler_interrupted_in(const void *context)
{
    const ucontext_t *const interrupted = context;
    const uint8_t *const frame =
        (const uint8_t *)(uintptr_t)interrupted->uc_mcontext.gregs[REG_RSP];
    pvm_activation_t *activation;
    struct pvm_context_t *current;

    /* A thunk that has something on the stack has no frame where we look. */
    memcpy(&activation, frame + PVM_FRAME_ACTIVATION, sizeof(activation));
    memcpy(&current, frame + PVM_FRAME_CONTEXT, sizeof(current));
    return activation == pvm_signals_activation ? current : NULL;
}

static void handle(int number, siginfo_t *info, void *context)
{
    const int saved_errno = errno;

    if (!take(info, context)) {
        pvm_signal_chain_pass_on(number == SIGSEGV ? &signals.segv : &signals.bus, number, info,
                                 context, (uintptr_t)__builtin_frame_address(0));
    }
    errno = saved_errno;
}

int pvm_signals_install(void)
{
    if (pvm_signal_chain_is_top(SIGSEGV, handle)) {
        return 0;
    }
    (void)pthread_mutex_lock(&signals.lock);
    const bool failed = pvm_signal_chain_install(&signals.segv, SIGSEGV, handle, 0) != 0 ||
                        pvm_signal_chain_install(&signals.bus, SIGBUS, handle, 0) != 0;
    (void)pthread_mutex_unlock(&signals.lock);
    if (failed) {
        return pvm_error_set("cannot handle page faults: %s; set PVM_MEMORY=checked",
                             strerror(errno));
    }
    return 0;
}

/* When the library is unloaded, nothing may point into it. Whoever came after us stays. */
__attribute__((destructor)) static void uninstall(void)
{
    if (pvm_signal_chain_is_top(SIGSEGV, handle)) {
        (void)sigaction(SIGSEGV, &signals.segv.newest, NULL);
    }
    if (pvm_signal_chain_is_top(SIGBUS, handle)) {
        (void)sigaction(SIGBUS, &signals.bus.newest, NULL);
    }
}
#else
#include "recompiler/recompiler.h"

bool pvm_recompiler_interrupted_at(const pvm_vm_t *vm, const void *context, uint32_t *out_pc)
{
    (void)vm;
    (void)context;
    (void)out_pc;
    return false;
}

struct pvm_context_t *pvm_recompiler_interrupted_in(const void *context)
{
    (void)context;
    return NULL;
}
#endif
