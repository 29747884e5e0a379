/* Samples of where machines spend their time: which instruction or block was being executed when a timer ticked.
 *
 * A thread that runs a sampled machine has a timer (timer.c). Its signal counts the place in the machine that runs just then.
 * What the host does in its callbacks is nobody's time here. docs/sampling.md tells what the figures mean. */
#ifndef PVM_SAMPLING_SAMPLES_H
#define PVM_SAMPLING_SAMPLES_H

#include "vm/vm.h"

/** Samples since they were last told as events, of which each is known. More are found by looking at all places. */
#define PVM_SAMPLES_FRESH 1024

/** Counted in the signal handler, on the thread that runs the machine; read by that thread outside of guest code. */
typedef struct pvm_samples_t {
    uint32_t places; /**< octets of code, and the place behind them */
    pvm_sample_sum_t sum;
    uint32_t *at;   /**< for each place: samples */
    uint32_t *told; /**< the same, as told in events */
    pvm_sample_sum_t sum_told;
    uint64_t fresh_count; /**< since last told */
    uint32_t fresh[PVM_SAMPLES_FRESH];
} pvm_samples_t;

/** Room for the samples of a program. NULL without memory, with pvm_last_error(). */
pvm_samples_t *pvm_samples_create(const pvm_program_t *program, uint32_t hz);
void pvm_samples_destroy(pvm_samples_t *samples);
/** Count a tick in this machine. @param context  ucontext_t of the interrupted thread. Async-signal-safe. */
void pvm_samples_take(pvm_vm_t *vm, const void *context, unsigned missed);
/** Tell what has been sampled since the last time to who listens. */
void pvm_samples_tell(pvm_vm_t *vm);

/* -- timer.c ------------------------------------------------------------------------------- */

/** Have the signal handler in place. @return 0, or -1 and pvm_last_error(): not on this system. Thread: any. */
int pvm_sample_timer_install(void);
/** From here on this thread's ticks belong to this machine, */
void pvm_sample_timer_enter(pvm_vm_t *vm);
/** and from here on to nobody. */
void pvm_sample_timer_leave(void);

/** Guest code begins to run, or goes on behind a host call. */
static inline void pvm_samples_enter(pvm_vm_t *vm)
{
    if (__builtin_expect(vm->samples != NULL, 0)) {
        pvm_sample_timer_enter(vm);
    }
}

/** It stops, or calls the host. */
static inline void pvm_samples_leave(const pvm_vm_t *vm)
{
    if (__builtin_expect(vm->samples != NULL, 0)) {
        pvm_sample_timer_leave();
    }
}

#endif
