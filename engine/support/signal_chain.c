/* Passing signals on to earlier handlers. */
#include "support/signal_chain.h"

#include <pthread.h>

/* The signal that this thread is passing on, and how deep. A handler may jump out and leave this behind; the next signal
 * then comes at the same depth, whereas a circle comes back deeper (at a lower address). */
static _Thread_local struct {
    const void *context;
    uintptr_t frame;
} passing __attribute__((tls_model("initial-exec")));

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

void pvm_signal_chain_pass_on(pvm_signal_chain_t *chain, int number, siginfo_t *info, void *context,
                              uintptr_t frame)
{
    const bool is_circle = passing.context == context && frame < passing.frame;
    struct sigaction *const before = is_circle ? &chain->older : &chain->newest;
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

bool pvm_signal_chain_is_top(int number, pvm_signal_handler_t *handler)
{
    struct sigaction now;

    return sigaction(number, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 &&
           now.sa_sigaction == handler;
}

int pvm_signal_chain_install(pvm_signal_chain_t *chain, int number, pvm_signal_handler_t *handler,
                             int flags)
{
    struct sigaction action = {.sa_sigaction = handler,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | flags};
    struct sigaction now;

    (void)sigemptyset(&action.sa_mask);
    if (pvm_signal_chain_is_top(number, handler)) {
        return 0;
    }
    if (sigaction(number, NULL, &now) != 0) {
        return -1;
    }
    chain->older = chain->newest;
    chain->newest = now;
    return sigaction(number, &action, NULL);
}
