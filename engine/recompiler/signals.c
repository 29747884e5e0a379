/* The handler, and passing on what is not ours. Everything that runs in the handler is async-signal-safe: it reads
 * the thread's activation and the code's bounds, writes the interrupted context, or calls the earlier handler. */
#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "recompiler/signals.h"
#include "support/error.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

_Thread_local pvm_activation_t *pvm_signals_activation __attribute__((tls_model("initial-exec")));

/** Octets behind guest memory that an access at its end may touch. */
#define BEHIND_MEMORY 4096

/* Who was there before us. Somebody may install a handler over ours; the next VM then puts ours on top again, and what
 * it passes on to may in turn pass on to what it found, which is us: that goes to the older one. */
typedef struct {
    struct sigaction newest;
    struct sigaction older;
} earlier_t;

static struct {
    pthread_mutex_t lock;
    earlier_t segv;
    earlier_t bus;
} signals = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The signal that this thread is passing on, and how deep. A handler may jump out and leave this behind; the next signal
 * then comes at the same depth, whereas a circle comes back deeper (at a lower address). */
static _Thread_local struct {
    const void *context;
    uintptr_t frame;
} passing __attribute__((tls_model("initial-exec")));

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
    if (rip - (uintptr_t)code->region.base >= code->code_len ||
        address - (uintptr_t)activation->base >= PVM_MEMORY_BYTES + BEHIND_MEMORY) {
        return false;
    }
    activation->faulted = true;
    context->uc_mcontext.gregs[REG_RCX] = (greg_t)rip;
    context->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)code->leave;
    return true;
}

/* What the kernel would do without us. A fault comes again when the handler returns, and then meets the default action;
 * a signal that somebody sent has to be sent again. */
static void default_action(int number, const siginfo_t *info)
{
    struct sigaction action = {.sa_handler = SIG_DFL};

    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(number, &action, NULL);
    if (info->si_code <= 0) {
        (void)raise(number);
    }
}

static void pass_on(int number, siginfo_t *info, void *context, uintptr_t frame)
{
    earlier_t *const earlier = number == SIGSEGV ? &signals.segv : &signals.bus;
    const bool is_circle = passing.context == context && frame < passing.frame;
    struct sigaction *const before = is_circle ? &earlier->older : &earlier->newest;
    const struct sigaction old = *before;
    sigset_t mask;

    if ((old.sa_flags & SA_SIGINFO) == 0 && old.sa_handler == SIG_IGN && info->si_code <= 0) {
        return;
    }
    if ((old.sa_flags & SA_SIGINFO) == 0 &&
        (old.sa_handler == SIG_DFL || old.sa_handler == SIG_IGN)) {
        default_action(number, info);
        return;
    }
    if (((unsigned)old.sa_flags & SA_RESETHAND) != 0) {
        before->sa_flags = 0;
        before->sa_handler = SIG_DFL;
    }
    /* The kernel blocks for us only this signal; the rest as the earlier handler asked. */
    (void)pthread_sigmask(SIG_BLOCK, &old.sa_mask, &mask);
    if ((old.sa_flags & SA_NODEFER) != 0) {
        sigset_t own;
        (void)sigemptyset(&own);
        (void)sigaddset(&own, number);
        (void)pthread_sigmask(SIG_UNBLOCK, &own, NULL);
    }
    passing.context = context;
    passing.frame = frame;
    if ((old.sa_flags & SA_SIGINFO) != 0) {
        old.sa_sigaction(number, info, context);
    } else {
        old.sa_handler(number);
    }
    passing.context = NULL;
    (void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

static void handle(int number, siginfo_t *info, void *context)
{
    const int saved_errno = errno;

    if (!take(info, context)) {
        pass_on(number, info, context, (uintptr_t)__builtin_frame_address(0));
    }
    errno = saved_errno;
}

static bool is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == handle;
}

/* Put our handler on top, unless it is there. */
static int install(int number, earlier_t *earlier)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigaction now;

    (void)sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &now) != 0) {
        return -1;
    }
    if (is_ours(&now)) {
        return 0;
    }
    earlier->older = earlier->newest;
    earlier->newest = now;
    return sigaction(number, &action, NULL);
}

int pvm_signals_install(void)
{
    struct sigaction now;

    if (sigaction(SIGSEGV, NULL, &now) == 0 && is_ours(&now)) {
        return 0;
    }
    (void)pthread_mutex_lock(&signals.lock);
    const bool failed = install(SIGSEGV, &signals.segv) != 0 || install(SIGBUS, &signals.bus) != 0;
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
    struct sigaction now;

    if (sigaction(SIGSEGV, NULL, &now) == 0 && is_ours(&now)) {
        (void)sigaction(SIGSEGV, &signals.segv.newest, NULL);
    }
    if (sigaction(SIGBUS, NULL, &now) == 0 && is_ours(&now)) {
        (void)sigaction(SIGBUS, &signals.bus.newest, NULL);
    }
}
#endif
