/* A signal handler that leaves to others what is not its own: whoever handled the signal before us still does.
 *
 * Signal handlers are one for a process, so a chain is one for a process, too. Passing on is async-signal-safe. */
#ifndef PVM_SUPPORT_SIGNAL_CHAIN_H
#define PVM_SUPPORT_SIGNAL_CHAIN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

typedef void pvm_signal_handler_t(int number, siginfo_t *info, void *context);

/** Who was there before us. Somebody may install a handler over ours; the next install then puts ours on top again, and what
 *  it passes on to may in turn pass on to what it found, which is us: that goes to the older one. */
typedef struct {
    struct sigaction newest;
    struct sigaction older;
} pvm_signal_chain_t;

/** Whether `handler` is on top now. */
bool pvm_signal_chain_is_top(int number, pvm_signal_handler_t *handler);
/** Put `handler` on top, unless it is there; with SA_SIGINFO, SA_ONSTACK and `flags`. Under a lock of the caller.
 *  @return 0, or -1 and errno. */
int pvm_signal_chain_install(pvm_signal_chain_t *chain, int number, pvm_signal_handler_t *handler,
                             int flags);
/** Give the signal to whoever was there before, as the kernel would have.
 *  @param frame  of the handler: __builtin_frame_address(0) */
void pvm_signal_chain_pass_on(pvm_signal_chain_t *chain, int number, siginfo_t *info, void *context,
                              uintptr_t frame);

#endif
